//! The clock facts of a host and its guests.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use timers::tsc::{
    Behaviour, CpuidBit, GuestTsc, InvariantHost, InvariantRequest, InvariantTsc, LinuxClock, MovingTsc,
    Tolerance, TscHost, TscMode, linux_clock,
};
use timers::zone::{ZoneChange, ZoneSource};
use timers::{Basis, ClockOffset, GuestClock, GuestKind, Hertz, KiloHertz, UtcOffset};
use uuid::Uuid;

use super::clocks::Clocks;
use crate::domain::DomainConfig;
use crate::domain::project::{clock_of, clock_with_timers_of};
use crate::domain::release::XenVersion;
use crate::host::{DomId, DomainSummary, ErrorKind, Host, HostClock, HostFacts, Result, TscInfo};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::host_clock::ClockSteps;
use crate::lifecycle::model::birth_khz;
use crate::lifecycle::record::ConfiguredBy;

/// A host, as far as clocks go: `host-info --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostReport {
    /// Its name.
    #[serde(default)]
    pub host: String,
    /// The time there.
    pub now: DateTime<Utc>,
    /// Its zone.
    pub timezone: String,
    /// Its offset from UTC now.
    #[serde(default)]
    pub utc_offset: Option<UtcOffset>,
    /// When that changes next.
    #[serde(default)]
    pub next_zone_change: Option<ZoneChange>,
    /// The release of its tz database.
    #[serde(default)]
    pub zone_data: Option<String>,
    /// Which Xen.
    #[serde(with = "version")]
    pub xen_version: XenVersion,
    /// The frequency of its TSC; not 0.
    #[serde(deserialize_with = "not_zero")]
    pub cpu_khz: KiloHertz,
    /// True if Xen trusts that.
    pub tsc_reliable: bool,
    /// True if the CPU scales it; `None` where that is not known.
    #[serde(default)]
    pub tsc_scaling: Option<bool>,
    /// True if the CPU's TSC is invariant; `None` where that is not known.
    #[serde(default)]
    pub tsc_invariant: Option<bool>,
    /// How good the time of day is.
    #[serde(default)]
    pub clock: HostClock,
    /// The steps of it since the service began; `None` where none has run.
    #[serde(default)]
    pub clock_steps: Option<ClockSteps>,
    /// The tolerance of guests that have none of their own.
    #[serde(default)]
    pub tsc_tolerance: Tolerance,
    /// The clocks that it can give.
    #[serde(default)]
    pub clocks: Clocks,
    /// The clock records that are kept there, also of guests that are not there; `None` where that is not known, as in a
    /// report of an older program.
    #[serde(default, deserialize_with = "readable", skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<ClockRecord>>,
    /// Its guests; empty also where nobody has looked.
    #[serde(default)]
    pub guests: Vec<GuestReport>,
}

/// A guest, as far as its clock goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuestReport {
    /// Its number.
    pub domid: DomId,
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: Uuid,
    /// hvm, pv or pvh.
    #[serde(rename = "type")]
    pub kind: GuestKind,
    /// Its TSC.
    pub tsc: TscReport,
    /// Where its RTC stands, in seconds ahead of UTC; `None` for a guest without one, and where that is not known.
    #[serde(default)]
    pub offset: Option<i64>,
    /// The clock that its config gives it; `None` in a report of an older program.
    #[serde(default)]
    pub config_clock: Option<GuestClock>,
    /// True if it sees an invariant TSC.
    pub invariant_tsc: InvariantTsc,
    /// What its config says of that bit; `None` in a report of an older program.
    #[serde(default)]
    pub invtsc: Option<CpuidBit>,
    /// True if its config says `nomigrate`.
    #[serde(default)]
    pub nomigrate: bool,
    /// True if Windows in it reads Hyper-V's reference TSC page.
    #[serde(default)]
    pub reference_tsc: bool,
    /// True if what the guest does to its RTC is kept.
    #[serde(default)]
    pub tracked: bool,
    /// True if the host's zone decides where its clock stands at its next start.
    #[serde(default)]
    pub follows_zone: bool,
    /// The zone that it has by name.
    #[serde(default)]
    pub zone: Option<String>,
}

/// A guest's TSC where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TscReport {
    /// Its mode.
    pub mode: TscMode,
    /// The frequency at which it counts; not 0.
    #[serde(deserialize_with = "not_zero")]
    pub khz: KiloHertz,
    /// How its reads are done.
    pub behaviour: Behaviour,
    /// 1 for a guest that was never restored or migrated.
    pub incarnation: u32,
    /// The frequency at which it counted when the guest booted; `None` where nobody knows.
    #[serde(default)]
    pub birth_khz: Option<KiloHertz>,
    /// The frequency that was asked for.
    #[serde(default)]
    pub asked: Option<Hertz>,
    /// Its own tolerance; `None` where the host's counts.
    #[serde(default)]
    pub tolerance: Option<Tolerance>,
}

/// The report that is sent with a guest: the sending host, with this guest only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sender {
    /// The host, as it was then.
    pub host: HostReport,
    /// True if the move was forced: what it breaks was said and taken.
    #[serde(default)]
    pub forced: bool,
    /// True if what the move does was said before anything was sent.
    #[serde(default)]
    pub told: bool,
}

impl HostReport {
    /// The host itself, without its guests.
    #[must_use]
    pub fn of(host: &str, facts: &HostFacts, zones: &dyn ZoneSource, tolerance: Tolerance) -> Self {
        HostReport {
            host: host.to_owned(),
            now: to_the_millisecond(facts.now),
            timezone: facts.zone.name().to_owned(),
            utc_offset: facts.zone.offset_at(facts.now).ok(),
            next_zone_change: facts.zone.next_change(facts.now),
            zone_data: zones.release(),
            xen_version: facts.xen_version,
            cpu_khz: facts.cpu_khz,
            tsc_reliable: facts.tsc_reliable,
            tsc_scaling: facts.tsc_scaling,
            tsc_invariant: facts.tsc_invariant,
            clock: facts.clock,
            clock_steps: None,
            tsc_tolerance: tolerance,
            clocks: Clocks::of(&facts.tsc()),
            records: Some(Vec::new()),
            guests: Vec::new(),
        }
    }

    /// The part that decides how a TSC behaves.
    #[must_use]
    pub fn tsc(&self) -> TscHost {
        TscHost { khz: self.cpu_khz, reliable: self.tsc_reliable, scaling: self.tsc_scaling }
    }
}

impl GuestReport {
    /// A guest that is there. `record` is what is kept of it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(
        host: &dyn Host,
        domain: &DomainSummary,
        facts: &HostFacts,
        record: Option<&ClockRecord>,
    ) -> Result<Self> {
        let config = host.stored_config(domain.domid)?;
        let info = host.tsc_info(domain.domid)?;
        let birth_khz = born(host, domain, &info, facts, record);
        let report = Self::from_parts(domain, &config, &info, facts, record);
        let offset = match host.rtc_record(domain.domid) {
            Ok(rtc) => Some(rtc.offset),
            Err(error) if error.kind == ErrorKind::NoRtc => None,
            Err(error) => return Err(error),
        };
        Ok(GuestReport { offset, tsc: TscReport { birth_khz, ..report.tsc }, ..report })
    }

    /// A guest of which only the config and the TSC are known.
    #[must_use]
    pub fn from_parts(
        domain: &DomainSummary,
        config: &DomainConfig,
        info: &TscInfo,
        facts: &HostFacts,
        record: Option<&ClockRecord>,
    ) -> Self {
        let tsc = known_tsc(info, domain.kind, facts);
        let report = GuestReport {
            domid: domain.domid,
            name: domain.name.clone(),
            uuid: domain.uuid,
            kind: domain.kind,
            offset: None,
            config_clock: Some(GuestClock {
                timers: clock_with_timers_of(config).timers,
                ..clock_of(config)
            }),
            invariant_tsc: invariant(domain, config, info, facts, record),
            invtsc: Some(config.invariant_tsc().bit),
            tsc: TscReport {
                mode: tsc.mode,
                khz: tsc.khz,
                behaviour: tsc.behaviour,
                incarnation: info.incarnation,
                birth_khz: birth_khz(None, info.incarnation, &tsc, facts.cpu_khz),
                asked: None,
                tolerance: None,
            },
            nomigrate: config.is_nomigrate(),
            reference_tsc: config.has_reference_tsc(),
            tracked: false,
            follows_zone: config.is_localtime(),
            zone: None,
        };
        match record {
            Some(record) => report.with_record(record),
            None => report,
        }
    }

    /// The same guest with this record, as where another config goes with it.
    #[must_use]
    pub fn with_record(mut self, record: &ClockRecord) -> Self {
        // Another clock may be requested for the next start; the guest runs with what Xen reports.
        self.tsc.asked = record.frequency_in_force(self.tsc.khz);
        self.tsc.tolerance = record.request.clock.tsc_tolerance;
        let next = record.next_clock();
        self.tracked = !record.offset_changed && record.is_tracked(self.kind);
        self.follows_zone = follows_zone(&next);
        self.zone = named_zone(&next);
        self
    }

    /// Its TSC as it travels; `host` is the tolerance of guests that have none of their own.
    #[must_use]
    pub fn moving(&self, host: Tolerance) -> MovingTsc {
        MovingTsc {
            kind: self.kind,
            mode: self.tsc.mode,
            khz: self.tsc.khz,
            birth: self.tsc.birth_khz,
            explicit: self.tsc.asked.is_some(),
            // Where it is not known and the config asks for it, it counts as shown.
            invariant: self.invariant_tsc.shown != Some(false) && !self.invariant_tsc.while_emulated,
            tolerance: self.tsc.tolerance.unwrap_or(host),
        }
    }

    /// The invariant TSC of the guest on a host that it moves to, where its TSC is then `after`; and that of its next start
    /// there, if its config is known.
    #[must_use]
    pub fn invariant_on(&self, to: &HostReport, after: &GuestTsc) -> (InvariantTsc, Option<InvariantTsc>) {
        let on = |tsc: &GuestTsc| InvariantHost {
            minor: to.xen_version.minor,
            emulated: InvariantHost::emulates(tsc, self.kind, &to.tsc()),
            cpu: to.tsc_invariant,
        };
        let request = |bit| InvariantRequest { bit, nomigrate: self.nomigrate, mode: self.tsc.mode };
        let carried =
            request(self.invtsc.unwrap_or(CpuidBit::Default)).carried(self.invariant_tsc.shown, on(after));
        let khz = self.tsc.asked.and_then(|asked| asked.to_khz().ok()).unwrap_or(to.cpu_khz);
        let next = GuestTsc::on_host(self.tsc.mode, khz, self.kind, &to.tsc());
        (carried, self.invtsc.map(|bit| request(bit).shown(on(&next))))
    }

    /// The clocksource that a Linux guest selects.
    #[must_use]
    pub fn linux_clock(&self, tsc: &GuestTsc) -> LinuxClock {
        linux_clock(self.kind, tsc, self.invariant_tsc.shown)
    }
}

/// The TSC of a guest. Xen has no modes but those that are known.
fn known_tsc(info: &TscInfo, kind: GuestKind, facts: &HostFacts) -> GuestTsc {
    let default = || GuestTsc::on_host(TscMode::Default, KiloHertz(info.khz), kind, &facts.tsc());
    info.guest_tsc(kind, facts).unwrap_or_else(default)
}

/// The frequency that the guest in a domain was born with, as far as its record, Xen and the guest's CPUID tell; by it the
/// guest's clocksource tsc counts.
#[must_use]
pub fn born(
    host: &dyn Host,
    domain: &DomainSummary,
    info: &TscInfo,
    facts: &HostFacts,
    record: Option<&ClockRecord>,
) -> Option<KiloHertz> {
    let tsc = info.guest_tsc(domain.kind, facts)?;
    let ours = record.filter(|record| record.is_instance(&facts.boot_id, domain.domid));
    // In mode native a guest is still told the frequency of the host that it came from.
    let told = || match tsc.mode {
        TscMode::Native if domain.kind != GuestKind::Pv => host.told_tsc_khz(domain.domid).ok(),
        _ => None,
    };
    let known = ours.and_then(|record| record.birth_khz).or_else(told);
    birth_khz(known, info.incarnation, &tsc, facts.cpu_khz)
}

/// True if a guest with this config is shown an invariant TSC on this host. One that came here has the CPUID that it had
/// before, as far as its record tells: a config says nothing of it, for stock xl may have brought the guest from any Xen.
#[must_use]
pub fn invariant(
    domain: &DomainSummary,
    config: &DomainConfig,
    info: &TscInfo,
    facts: &HostFacts,
    record: Option<&ClockRecord>,
) -> InvariantTsc {
    let tsc = known_tsc(info, domain.kind, facts);
    let emulated = InvariantHost::emulates(&tsc, domain.kind, &facts.tsc());
    let here = InvariantHost { minor: facts.xen_version.minor, emulated, cpu: facts.tsc_invariant };
    let ours = record.filter(|record| record.is_instance(&facts.boot_id, domain.domid));
    // Its TSC may have been set since it was started here.
    let was_started_here = ours.is_some_and(|record| {
        let by = record.instance.as_ref().map(|instance| instance.by);
        by.is_some_and(|by| by != ConfiguredBy::Followed)
    });
    let before = ours.and_then(|record| record.invariant_tsc);
    match info.incarnation > 1 && (before.is_some() || !was_started_here) {
        true => config.invariant_tsc().carried(before, here),
        false => config.invariant_tsc().shown(here),
    }
}

fn follows_zone(clock: &GuestClock) -> bool {
    matches!(
        clock.offset.effective(),
        ClockOffset::Localtime { .. } | ClockOffset::Variable { basis: Basis::Localtime, .. }
    )
}

fn named_zone(clock: &GuestClock) -> Option<String> {
    match clock.offset.effective() {
        ClockOffset::Timezone { timezone } => Some(timezone),
        ClockOffset::Variable { basis: Basis::Utc | Basis::Localtime, .. }
        | ClockOffset::Utc { .. }
        | ClockOffset::Localtime { .. }
        | ClockOffset::Absolute { .. } => None,
    }
}

fn to_the_millisecond(now: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
}

fn not_zero<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<KiloHertz, D::Error> {
    match KiloHertz::deserialize(from)? {
        KiloHertz(0) => Err(serde::de::Error::custom("a TSC frequency of 0 kHz")),
        khz => Ok(khz),
    }
}

/// The records of a report; `None` if one of them is of a newer program, which says nothing to this one.
fn readable<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> std::result::Result<Option<Vec<ClockRecord>>, D::Error> {
    let records = Option::<Vec<serde_json::Value>>::deserialize(from)?;
    let read = |record: serde_json::Value| ClockRecord::from_bytes(record.to_string().as_bytes()).ok();
    Ok(records.and_then(|records| records.into_iter().map(read).collect()))
}

/// A release as Xen writes it, `4.17`.
mod version {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::XenVersion;

    // serde passes a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(version: &XenVersion, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(version)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<XenVersion, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;
    use timers::zone::default_zones;

    use super::*;
    use crate::domain::Defbool;
    use crate::host::mock::Mock;

    #[test]
    fn what_is_printed_is_read_again() {
        let mock = Mock::in_memory(Box::new(|| "2026-07-01T12:00:00Z".parse().unwrap()));
        mock.set_fact("tsc_scaling", "unknown").unwrap();
        let mut config = DomainConfig::new(GuestKind::Hvm);
        config.c_info.name = Some("guest".to_owned());
        config.b_info.disable_migrate = Some(Defbool::True);
        config.b_info.localtime = Some(Defbool::True);
        let domid = mock.create_paused(&config).unwrap();
        let facts = mock.facts().unwrap();
        let domain = mock.domains().unwrap().into_iter().find(|domain| domain.domid == domid).unwrap();
        let guest = GuestReport::of(&mock, &domain, &facts, None).unwrap();
        assert!(guest.nomigrate && guest.follows_zone && !guest.tracked);
        assert_eq!(guest.tsc.birth_khz, Some(KiloHertz(2_600_000)));
        assert_eq!(guest.invariant_tsc.shown, Some(true));
        let report = HostReport {
            guests: vec![guest],
            ..HostReport::of("berlin", &facts, &*default_zones(), Tolerance::OFF)
        };
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<HostReport>(&text).unwrap(), report);
    }

    #[test]
    fn a_report_of_an_older_program_is_read() {
        let old = json!({"now": "2026-07-01T12:00:00Z", "timezone": "UTC", "utc_offset": 0, "next_zone_change": null,
            "xen_version": "4.17", "cpu_khz": 2_600_000, "tsc_reliable": true, "tsc_scaling": null, "more": 1});
        let report: HostReport = serde_json::from_value(old).unwrap();
        assert_eq!((report.cpu_khz, report.guests.len()), (KiloHertz(2_600_000), 0));
        assert_eq!(report.clock.synchronised, None);
    }
}
