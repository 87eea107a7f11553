//! One TSC frequency for many hosts, and its cost on each.

use serde::Serialize;
use timers::tsc::{Behaviour, GuestTsc, Tolerance, TscMode};
use timers::{GuestKind, Hertz, KiloHertz, Ppm};

use super::report::HostReport;

/// A frequency for the guests of all hosts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Recommendation {
    /// The frequency to request.
    pub clock_tsc_frequency: Hertz,
    /// How an HVM or PVH guest in mode default then reads its TSC on each host.
    pub hosts: Vec<HostCost>,
    /// How far apart the hosts' own frequencies are: the fastest from the slowest.
    pub spread: Ppm,
    /// The least tolerance with which a guest is native on all hosts without a frequency of its own; `None` where there
    /// is none, or where none is needed.
    pub clock_tsc_tolerance: Option<Tolerance>,
}

/// The cost of a frequency on one host.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HostCost {
    /// The host.
    pub host: String,
    /// Its own frequency.
    pub cpu_khz: KiloHertz,
    /// How reads are done there.
    pub behaviour: Behaviour,
    /// Why.
    pub why: String,
}

/// The frequency with which the most hosts run at full speed: one of their own. Of several, the one with which the most
/// others may do so, then the one that the most hosts have themselves, and then the lowest. `None` without hosts.
#[must_use]
pub fn recommend(hosts: &[HostReport]) -> Option<Recommendation> {
    let on = |host: &HostReport, khz| GuestTsc::on_host(TscMode::Default, khz, GuestKind::Hvm, &host.tsc());
    let worth = |khz: KiloHertz| {
        let behaviours = || hosts.iter().map(|host| on(host, khz).behaviour);
        let full = behaviours().filter(|&here| matches!(here, Behaviour::Native | Behaviour::Scaled)).count();
        let perhaps = behaviours().filter(|&here| here == Behaviour::ScaledOrEmulated).count();
        let own = hosts.iter().filter(|host| host.cpu_khz == khz).count();
        (full, perhaps, own, std::cmp::Reverse(khz))
    };
    let khz = hosts.iter().map(|host| host.cpu_khz).max_by_key(|&khz| worth(khz))?;
    let costs = hosts.iter().map(|host| {
        let GuestTsc { behaviour, why, .. } = on(host, khz);
        HostCost { host: host.host.clone(), cpu_khz: host.cpu_khz, behaviour, why }
    });
    let least = hosts.iter().map(|host| host.cpu_khz).min()?;
    let most = hosts.iter().map(|host| host.cpu_khz).max()?;
    Some(Recommendation {
        clock_tsc_frequency: khz.to_hz(),
        hosts: costs.collect(),
        spread: Ppm::between(least, most),
        clock_tsc_tolerance: tolerance(hosts),
    })
}

/// A host that scales needs none, and one whose TSC Xen does not trust, or of which scaling is not known, gets nothing
/// by it.
fn tolerance(hosts: &[HostReport]) -> Option<Tolerance> {
    if !hosts.iter().all(|host| host.tsc_reliable && host.tsc_scaling.is_some()) {
        return None;
    }
    let fixed = || hosts.iter().filter(|host| host.tsc_scaling == Some(false)).map(|host| host.cpu_khz);
    if fixed().all(|khz| hosts.iter().all(|host| host.cpu_khz == khz)) {
        return None;
    }
    // A guest may be born on any of them.
    let enough = |tolerance: &Tolerance| {
        hosts.iter().all(|birth| fixed().all(|khz| tolerance.covers(birth.cpu_khz, khz)))
    };
    (1..=u32::from(Tolerance::MAX)).filter_map(|ppm| Tolerance::new(ppm).ok()).find(enough)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn pool(hosts: &[(u32, bool, Option<bool>)]) -> Vec<HostReport> {
        let host = |(index, &(khz, reliable, scaling)): (usize, &(u32, bool, Option<bool>))| {
            let report = json!({"host": format!("h{index}"), "now": "2026-07-01T12:00:00Z", "timezone": "UTC",
                "xen_version": "4.17", "cpu_khz": khz, "tsc_reliable": reliable, "tsc_scaling": scaling});
            serde_json::from_value(report).unwrap()
        };
        hosts.iter().enumerate().map(host).collect()
    }

    #[test]
    fn the_most_hosts_at_full_speed() {
        let khz = |hosts: &[(u32, bool, Option<bool>)]| {
            recommend(&pool(hosts)).map(|found| found.clock_tsc_frequency.0 / 1000)
        };
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(khz(&[]), None);
        assert_eq!(khz(&[(2000, true, no)]), Some(2000));
        // One that cannot scale decides over those that can.
        assert_eq!(khz(&[(2000, true, yes), (3000, true, no), (2500, true, yes)]), Some(3000));
        // The most that cannot.
        assert_eq!(khz(&[(2000, true, no), (3000, true, no), (3000, true, no)]), Some(3000));
        // All can: the lowest, or the one that the most have.
        assert_eq!(khz(&[(3000, true, yes), (2000, true, yes)]), Some(2000));
        assert_eq!(khz(&[(3000, true, yes), (2000, true, yes), (3000, true, yes)]), Some(3000));
        // One that may scale is worth more than one that cannot.
        assert_eq!(khz(&[(3000, true, no), (2000, true, None)]), Some(3000));
        // Nothing helps on a host whose TSC Xen does not trust.
        assert_eq!(khz(&[(2000, false, no), (3000, true, no), (2000, false, no)]), Some(3000));
    }

    #[test]
    fn what_it_costs_on_each() {
        let found = recommend(&pool(&[
            (2_600_000, true, Some(false)),
            (2_600_001, true, None),
            (3_000_000, true, Some(true)),
        ]))
        .unwrap();
        let costs: Vec<_> = found.hosts.iter().map(|host| host.behaviour).collect();
        assert_eq!(costs, [Behaviour::Native, Behaviour::ScaledOrEmulated, Behaviour::Scaled]);
        assert_eq!(found.spread.to_string(), "+153846.154 ppm");
        assert_eq!(found.clock_tsc_tolerance, None);
    }

    #[test]
    fn the_least_tolerance_that_covers_all() {
        let ppm = |hosts: &[(u32, bool, Option<bool>)]| {
            recommend(&pool(hosts)).unwrap().clock_tsc_tolerance.map(Tolerance::ppm)
        };
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(ppm(&[(2_600_000, true, no), (2_600_001, true, no)]), Some(1));
        assert_eq!(ppm(&[(2_600_000, true, no), (2_600_650, true, no)]), Some(250));
        assert_eq!(ppm(&[(2_600_000, true, no), (2_600_651, true, no)]), None);
        assert_eq!(ppm(&[(2_600_000, true, no), (2_600_000, true, no)]), None);
        assert_eq!(ppm(&[(2_600_000, true, yes), (2_700_000, true, yes)]), None);
        assert_eq!(ppm(&[(2_600_000, true, yes), (2_600_001, true, no)]), Some(1));
        assert_eq!(ppm(&[(2_600_000, true, None), (2_600_001, true, no)]), None);
        assert_eq!(ppm(&[(2_600_000, false, no), (2_600_001, true, no)]), None);
    }
}
