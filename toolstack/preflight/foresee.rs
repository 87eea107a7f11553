//! Predicts the effect of a move from one host to another on a guest's clock.

use chrono::TimeDelta;
use serde::Serialize;
use timers::tsc::{Behaviour, NotTolerated, TscEffect, TscMode, TscMove};
use timers::zone::ZoneSource;
use timers::{GuestKind, Severity};
use uuid::Uuid;

use super::effect::{Effect, Taken, named};
use super::next_start;
use super::records::{self, Arriving};
use super::report::{GuestReport, HostReport};
use crate::host::DomId;

/// How a guest moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MoveKind {
    /// To another host, for good.
    Migration,
    /// Out of a file, perhaps on the same host.
    Restore,
}

/// The effects of a move on a guest's clock.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Foresight {
    /// The guest's domain ID where it is.
    pub domid: DomId,
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: Uuid,
    /// hvm, pv or pvh.
    #[serde(rename = "type")]
    pub kind: GuestKind,
    /// The host where it is.
    pub from: String,
    /// The host where it goes.
    pub to: String,
    /// The worst of the effects.
    pub severity: Severity,
    /// Its TSC before and after.
    pub tsc: TscMove,
    /// The changes and the faults.
    pub effects: Vec<Effect>,
}

/// Clocks that are less apart are as good as equal: an RTC counts whole seconds.
const LEAST_APART: TimeDelta = TimeDelta::seconds(1);

/// The longest time for collecting a pool's files.
const COLLECTING: TimeDelta = TimeDelta::seconds(60);

/// Predicts the effects of a move between two hosts on a guest's clock. `taken` bounds the comparison of the hosts' times;
/// `zones` stand for those of the target, whose own tz database is not known.
///
/// ```
/// use xenclock::domain::DomainConfig;
/// use xenclock::host::{Host, mock::Mock};
/// use xenclock::preflight::{GuestReport, HostReport, MoveKind, Taken, foresee};
/// use xenclock::timers::tsc::Tolerance;
/// use xenclock::timers::{GuestKind, KiloHertz, zone::default_zones};
///
/// # let now = "2026-07-01T12:00:00Z".parse()?;
/// let (host, zones) = (Mock::in_memory(Box::new(move || now)), default_zones());
/// let mut config = DomainConfig::new(GuestKind::Hvm);
/// config.c_info.name = Some("guest".to_owned());
/// let domid = host.create_paused(&config)?;
/// let domain = host.domains()?.into_iter().find(|domain| domain.domid == domid).ok_or("no domain")?;
///
/// let facts = host.facts()?;
/// let guest = GuestReport::of(&host, &domain, &facts, None)?;
/// let here = HostReport::of("here", &facts, &*zones, Tolerance::OFF);
/// let mut there = here.clone();
/// there.cpu_khz = KiloHertz(here.cpu_khz.0 + 100_000);
/// let foresight = foresee(&guest, &here, &there, MoveKind::Migration, Taken::AtAnyTime, &*zones);
/// assert!(!foresight.effects.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn foresee(
    guest: &GuestReport,
    from: &HostReport,
    to: &HostReport,
    how: MoveKind,
    taken: Taken,
    zones: &dyn ZoneSource,
) -> Foresight {
    let Arriving { guest, record, effect: of_record } = records::arriving(guest, from, to);
    let guest = &guest;
    let moving = guest.moving(to.tsc_tolerance);
    let tsc = moving.moved(&from.tsc(), &to.tsc());
    let untolerated = moving.tolerated_on(&to.tsc()).err();
    let mut effects = Vec::new();
    let of_tsc = |effect| of_tsc(effect, guest, &tsc, how, untolerated.as_ref());
    effects.extend(tsc.effects.iter().filter_map(of_tsc));
    effects.extend(nomigrate(guest, how));
    effects.extend(of_cpuid(guest, from, to, &tsc));
    // A restore says it when the guest is there.
    let next = next_start::refused(guest, record, to, zones);
    effects.extend(next.filter(|_| how == MoveKind::Migration));
    effects.extend(reference_tsc(guest, &tsc));
    effects.extend(hosts_apart(guest, from, to, taken));
    effects.extend(unsynchronised(guest, from, to));
    effects.extend(of_zone(guest, from, to));
    effects.extend(of_xen(from, to));
    effects.extend(of_record);
    effects.extend(records::uuid_there(guest, from, to, taken));
    let severity = effects.iter().map(|effect| effect.severity).max().unwrap_or_default();
    Foresight {
        domid: guest.domid,
        name: guest.name.clone(),
        uuid: guest.uuid,
        kind: guest.kind,
        from: from.host.clone(),
        to: to.host.clone(),
        severity,
        tsc,
        effects,
    }
}

fn of_tsc(
    effect: &TscEffect,
    guest: &GuestReport,
    tsc: &TscMove,
    how: MoveKind,
    untolerated: Option<&NotTolerated>,
) -> Option<Effect> {
    let changes = tsc.before.khz != tsc.after.khz || tsc.before.behaviour != tsc.after.behaviour;
    let (word, text) = match effect {
        TscEffect::Slower => (
            "tsc-slower",
            format!("every read of its TSC is emulated from then on, which is many times slower{}", of_tolerance(untolerated)),
        ),
        TscEffect::PerhapsSlower => (
            "tsc-perhaps-slower",
            "every read of its TSC may be emulated from then on, which is many times slower".to_owned(),
        ),
        TscEffect::Faster => ("tsc-faster", "its TSC is no longer emulated".to_owned()),
        TscEffect::RunsOff { off } => (
            "tsc-runs-off",
            format!(
                "its TSC mode is native, so it runs at {} instead of {}, {off}: a clock that follows it {} until the guest is restarted; mode default keeps the frequency",
                tsc.after.khz,
                guest.tsc.birth_khz.unwrap_or(tsc.before.khz),
                off.in_a_day()
            ),
        ),
        TscEffect::StaysOff { off } => (
            "tsc-stays-off",
            format!(
                "its TSC runs at {}, {off} from its initial frequency: a clock that follows it {} until the guest is restarted",
                tsc.after.khz,
                off.in_a_day()
            ),
        ),
        TscEffect::RunsRight => {
            ("tsc-runs-right", format!("its TSC runs at its initial frequency of {} again", tsc.after.khz))
        }
        TscEffect::Tolerated { off } if off.is_zero() => {
            ("tsc-tolerated", "its TSC is made native at its initial frequency".to_owned())
        }
        TscEffect::Tolerated { off } => (
            "tsc-tolerated",
            format!(
                "its TSC is made native at {}, {off} from its initial frequency: Linux's clocksource tsc {}; Xen's \
                 clocksource and Hyper-V's reference page are not affected",
                tsc.after.khz,
                off.in_a_day()
            ),
        ),
        TscEffect::Jumps => (
            "tsc-jumps",
            "a PV guest reads the host's own counter, which has a different value there; its kernel gets the time from Xen"
                .to_owned(),
        ),
        TscEffect::Invariant if how == MoveKind::Restore && !changes => return None,
        TscEffect::Invariant => (
            "tsc-invariant",
            format!(
                "CPUID {} an invariant TSC to it ({}), but no frequency is requested: {}",
                if guest.invariant_tsc.shown == Some(true) { "reports" } else { "may report" },
                guest.invariant_tsc.why,
                if tsc.before.mode == TscMode::Native {
                    "mode native keeps none, so restart the guest with tsc_mode = \"default\" and clock_tsc_frequency, or \
                     without the invariant TSC"
                } else if how == MoveKind::Restore {
                    "request one (clock_tsc_frequency) for its next start"
                } else {
                    "request one (clock_tsc_frequency) and restart the guest"
                }
            ),
        ),
    };
    Some(Effect { effect: word, severity: effect.severity(), text })
}

/// Why a tolerance that is set changes nothing.
fn of_tolerance(untolerated: Option<&NotTolerated>) -> String {
    match untolerated {
        None | Some(NotTolerated::Off | NotTolerated::Native | NotTolerated::Mode(_)) => String::new(),
        Some(why) => format!("; its tolerance does not apply: {why}"),
    }
}

/// The invariant TSC of CPUID, which travels with the guest until its next start.
fn of_cpuid(guest: &GuestReport, from: &HostReport, to: &HostReport, tsc: &TscMove) -> Option<Effect> {
    let (there, next) = guest.invariant_on(to, &tsc.after);
    if guest.invariant_tsc.shown == Some(true) && there.shown == Some(false) {
        return Some(Effect {
            effect: "invariant-hidden",
            severity: Severity::Change,
            text: format!("CPUID reports an invariant TSC to it now, and none there: {}", there.why),
        });
    }
    let (_, next_here) = guest.invariant_on(from, &tsc.before);
    let (next, next_here) = (next?, next_here?);
    let differ = next.shown.is_some() && next_here.shown.is_some() && next.shown != next_here.shown;
    differ.then(|| Effect {
        effect: "invariant-next-start",
        severity: Severity::Change,
        text: format!(
            "its CPUID moves with it, but its next start there shows {} invariant TSC: {}",
            if next.shown == Some(true) { "an" } else { "no" },
            next.why
        ),
    })
}

fn nomigrate(guest: &GuestReport, how: MoveKind) -> Option<Effect> {
    (guest.nomigrate && how == MoveKind::Migration).then(|| Effect {
        effect: "nomigrate",
        severity: Severity::Harm,
        text: "its config has nomigrate, which xl and Xen ignore".to_owned(),
    })
}

fn reference_tsc(guest: &GuestReport, tsc: &TscMove) -> Option<Effect> {
    let emulated = |behaviour| behaviour == Behaviour::Emulated;
    let lost = !emulated(tsc.before.behaviour) && emulated(tsc.after.behaviour);
    (guest.reference_tsc && lost).then(|| Effect {
        effect: "reference-tsc-invalid",
        severity: Severity::Change,
        text: "Hyper-V's reference TSC page is invalid while the TSC is emulated: Windows then reads its time from an MSR, \
               which is slow"
            .to_owned(),
    })
}

fn hosts_apart(guest: &GuestReport, from: &HostReport, to: &HostReport, taken: Taken) -> Option<Effect> {
    let (precision, condition) = match taken {
        Taken::Together(precision) => (precision.max(LEAST_APART), ""),
        Taken::Separately => (COLLECTING, ", if both reports were made at the same time"),
        Taken::AtAnyTime => return None,
    };
    let apart = to.now.signed_duration_since(from.now);
    let is_equal = match taken {
        Taken::Separately => apart.abs() <= precision,
        _ => apart.abs() < precision,
    };
    if is_equal {
        return None;
    }
    // The nearest second: an RTC counts whole ones.
    let seconds = (apart.abs() + TimeDelta::milliseconds(500)).num_seconds();
    let (way, host) = if apart > TimeDelta::zero() { ("forward", "ahead") } else { ("back", "behind") };
    let what = if guest.kind.has_rtc() { "RTC" } else { "wallclock" };
    let stands = match guest.kind {
        GuestKind::Pv | GuestKind::Pvh if way == "back" => "; its system clock may stand still for as long",
        _ => "",
    };
    let text = format!(
        "the clock of {} is {seconds} s {host}{condition}: the guest's {what} moves {seconds} s {way}{stands}; correct the hosts' clocks first",
        named(to)
    );
    Some(Effect { effect: "hosts-apart", severity: Severity::Change, text })
}

fn unsynchronised(guest: &GuestReport, from: &HostReport, to: &HostReport) -> Option<Effect> {
    let worse = to.clock.synchronised == Some(false) && from.clock.synchronised != Some(false);
    worse.then(|| Effect {
        effect: "host-unsynchronised",
        severity: Severity::Change,
        text: format!(
            "the clock of {} is not synchronised (no NTP), and the guest's {} follows it",
            named(to),
            if guest.kind.has_rtc() { "RTC" } else { "wallclock" }
        ),
    })
}

fn of_zone(guest: &GuestReport, from: &HostReport, to: &HostReport) -> Vec<Effect> {
    let mut effects = Vec::new();
    if guest.follows_zone && from.timezone != to.timezone {
        effects.push(Effect {
            effect: "zone",
            severity: Severity::Change,
            text: format!(
                "its clock follows the host's zone: nothing moves now, but its next start uses {} instead of {}",
                to.timezone, from.timezone
            ),
        });
    }
    let by_zone = guest.zone.is_some() || guest.follows_zone;
    if let (Some(here), Some(there)) = (&from.zone_data, &to.zone_data)
        && by_zone
        && here != there
    {
        effects.push(Effect {
            effect: "zone-data",
            severity: Severity::Fine,
            text: format!("its next start uses tz data {there} instead of {here}"),
        });
    }
    effects
}

fn of_xen(from: &HostReport, to: &HostReport) -> Option<Effect> {
    (to.xen_version < from.xen_version).then(|| Effect {
        effect: "xen-older",
        severity: Severity::Harm,
        text: format!(
            "Xen does not support a move from {} to the older {}",
            from.xen_version, to.xen_version
        ),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};
    use timers::zone::default_zones;

    use super::*;

    fn host(change: Value) -> HostReport {
        let mut report = json!({"host": "a", "now": "2026-07-01T12:00:00Z", "timezone": "Europe/Berlin",
            "xen_version": "4.17", "cpu_khz": 2_600_000, "tsc_reliable": true, "tsc_scaling": false,
            "zone_data": "2026a", "clock": {"synchronised": true}, "records": []});
        report.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(report).unwrap()
    }

    fn guest(change: Value) -> GuestReport {
        let mut report = json!({"domid": 1, "name": "g", "uuid": "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "type": "hvm",
            "tsc": {"mode": "default", "khz": 2_600_000, "behaviour": "native", "incarnation": 1,
                "birth_khz": 2_600_000},
            "invariant_tsc": {"shown": false, "why": ""}});
        report.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(report).unwrap()
    }

    /// The words of the effects of a migration to a host that differs by this.
    fn effects(guest_change: Value, host_change: Value) -> Vec<&'static str> {
        words(guest_change, host_change, MoveKind::Migration)
    }

    fn words(guest_change: Value, host_change: Value, how: MoveKind) -> Vec<&'static str> {
        let taken = Taken::Together(TimeDelta::zero());
        let foresight = foresee(
            &guest(guest_change),
            &host(json!({})),
            &host(host_change),
            how,
            taken,
            &*default_zones(),
        );
        foresight.effects.iter().map(|effect| effect.effect).collect()
    }

    #[test]
    fn each_effect_has_its_cause() {
        let native =
            json!({"tsc": {"mode": "native", "khz": 2_600_000, "behaviour": "native", "incarnation": 1}});
        let invariant = json!({"invariant_tsc": {"shown": true, "why": ""}});
        let faster = json!({"cpu_khz": 2_600_001});
        let none: [&str; 0] = [];
        assert_eq!(effects(json!({}), json!({})), none);
        assert_eq!(effects(json!({}), faster.clone()), ["tsc-slower"]);
        assert_eq!(
            effects(json!({"reference_tsc": true}), faster.clone()),
            ["tsc-slower", "reference-tsc-invalid"]
        );
        assert_eq!(effects(json!({}), json!({"cpu_khz": 2_600_001, "tsc_tolerance": 1})), ["tsc-tolerated"]);
        assert_eq!(effects(native, faster.clone()), ["tsc-runs-off"]);
        assert_eq!(effects(json!({"nomigrate": true}), json!({})), ["nomigrate"]);
        assert_eq!(effects(invariant.clone(), json!({})), ["tsc-invariant"]);
        assert_eq!(words(invariant.clone(), json!({}), MoveKind::Restore), none);
        assert_eq!(words(invariant, faster, MoveKind::Restore), ["tsc-slower", "tsc-invariant"]);
        assert_eq!(words(json!({"nomigrate": true}), json!({}), MoveKind::Restore), none);
        assert_eq!(effects(json!({}), json!({"now": "2026-07-01T12:00:02Z"})), ["hosts-apart"]);
        assert_eq!(effects(json!({}), json!({"now": "2026-07-01T12:00:00.9Z"})), none);
        assert_eq!(effects(json!({}), json!({"clock": {"synchronised": false}})), ["host-unsynchronised"]);
        assert_eq!(effects(json!({}), json!({"timezone": "UTC"})), none);
        assert_eq!(effects(json!({"follows_zone": true}), json!({"timezone": "UTC"})), ["zone"]);
        assert_eq!(effects(json!({"zone": "Asia/Tokyo"}), json!({"zone_data": "2026b"})), ["zone-data"]);
        assert_eq!(effects(json!({}), json!({"xen_version": "4.16"})), ["xen-older"]);
        assert_eq!(effects(json!({}), json!({"xen_version": "4.20"})), none);
    }

    #[test]
    fn cpuid_travels_until_the_next_start() {
        let old = || host(json!({"xen_version": "4.14", "tsc_reliable": false, "tsc_invariant": true}));
        let new = || host(json!({"tsc_invariant": true}));
        let none = || host(json!({"tsc_invariant": false}));
        let trusted = || HostReport { tsc_reliable: true, ..old() };
        let asks = |shown: bool| guest(json!({"invtsc": "on", "invariant_tsc": {"shown": shown, "why": ""}}));
        let plain = |shown: bool| {
            guest(json!({"invtsc": "default",
                "invariant_tsc": {"shown": shown, "while_emulated": shown, "why": ""}}))
        };
        for (guest, from, to, expected) in [
            (asks(false), trusted(), new(), vec!["invariant-next-start"]),
            (asks(true), new(), new(), vec![]),
            (asks(true), new(), none(), vec!["invariant-hidden"]),
            (plain(true), old(), new(), vec!["invariant-next-start"]),
            (plain(true), old(), trusted(), vec!["invariant-hidden"]),
            (plain(false), trusted(), new(), vec![]),
            (plain(false), new(), none(), vec![]),
        ] {
            let told =
                foresee(&guest, &from, &to, MoveKind::Migration, Taken::AtAnyTime, &*default_zones()).effects;
            let words: Vec<_> = told.iter().map(|effect| effect.effect).collect();
            let of_cpuid: Vec<_> =
                words.iter().filter(|word| word.starts_with("invariant-")).copied().collect();
            assert_eq!(of_cpuid, expected, "{guest:?} {} to {}: {words:?}", from.xen_version, to.xen_version);
        }
    }

    #[test]
    fn the_rtc_goes_the_way_of_the_hosts_clock() {
        let text = |kind: &str, now: &str| {
            let to = host(json!({"host": "b", "now": now}));
            let guest = guest(json!({"type": kind}));
            let how = MoveKind::Migration;
            foresee(&guest, &host(json!({})), &to, how, Taken::Together(TimeDelta::zero()), &*default_zones())
                .effects[0]
                .text
                .clone()
        };
        assert!(
            text("hvm", "2026-07-01T13:00:00Z")
                .starts_with("the clock of b is 3600 s ahead: the guest's RTC moves 3600 s forward")
        );
        assert!(
            text("hvm", "2026-07-01T12:00:01.900Z")
                .contains("is 2 s ahead: the guest's RTC moves 2 s forward")
        );
        assert!(
            text("hvm", "2026-07-01T11:59:58.600Z").contains("is 1 s behind: the guest's RTC moves 1 s back")
        );
        assert!(
            text("pvh", "2026-07-01T11:59:00Z")
                .contains("wallclock moves 60 s back; its system clock may stand still")
        );
    }

    #[test]
    fn times_of_other_moments_tell_nothing() {
        let severity = |now: &str, taken| {
            let to = host(json!({ "now": now }));
            foresee(&guest(json!({})), &host(json!({})), &to, MoveKind::Migration, taken, &*default_zones())
                .severity
        };
        let (soon, later) = ("2026-07-01T12:00:03Z", "2026-07-01T12:02:00Z");
        assert_eq!(
            severity("2026-07-01T12:01:00Z", Taken::Separately),
            Severity::Fine,
            "no more than a minute"
        );
        assert_eq!(severity("2026-07-01T12:01:01Z", Taken::Separately), Severity::Change);
        assert_eq!(severity(soon, Taken::Together(TimeDelta::seconds(4))), Severity::Fine);
        assert_eq!(severity(soon, Taken::Together(TimeDelta::seconds(2))), Severity::Change);
        assert_eq!(severity(soon, Taken::Separately), Severity::Fine);
        assert_eq!(severity(later, Taken::Separately), Severity::Change);
        assert_eq!(severity(later, Taken::AtAnyTime), Severity::Fine);
    }
}
