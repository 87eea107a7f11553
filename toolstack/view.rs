//! Reports the present clock of a domain, from its record and from the host.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;
use timers::resolve::{Moment, NextStart, is_clock_set, resolve, rtc_time};
use timers::tsc::{Behaviour, InvariantTsc, LinuxClock, TscHost, TscMode, decide, linux_clock, request};
use timers::zone::{FirstOf, ZoneChange, ZoneSource};
use timers::{
    Adjustment, Basis, ClockOffset, GuestClock, GuestKind, Hertz, KiloHertz, Ppm, Timer, TimerMode, TimerName,
};
use uuid::Uuid;

use crate::domain::config::DomainConfig;
use crate::domain::project;
use crate::host::{DomId, DomainSummary, ErrorKind, Host, HostFacts, Result};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::record::{Seen, Start};
use crate::plan::{Refusal, next_start_words};
use crate::preflight::report::{born, invariant};
use crate::tracking::cold_start;
use crate::tracking::unmanaged::requested;

/// A domain's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClockView {
    /// The domain's ID.
    pub domid: DomId,
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: Uuid,
    /// hvm, pv or pvh.
    #[serde(rename = "type")]
    pub kind: GuestKind,
    /// The RTC, or the wallclock of a guest without one.
    pub rtc: RtcView,
    /// The TSC.
    pub tsc: TscView,
    /// The requested clock, word for word; `None` for a domain that xenclock did not start.
    pub clock: Option<GuestClock>,
    /// The clock that the domain was started with.
    #[serde(skip)]
    started_with: Option<GuestClock>,
}

/// The TSC of a next start with this clock, where that is another than a guest has here. One that no host gives is refused
/// at the start.
#[must_use]
pub fn next_tsc(
    clock: &GuestClock,
    kind: GuestKind,
    (mode, khz): (&str, KiloHertz),
    host: &TscHost,
) -> Option<NextTsc> {
    let next = decide(&request(&clock.timers).ok()?, kind, host).ok()?;
    let differs_in_khz = next.khz != khz;
    (next.mode.as_str() != mode || differs_in_khz).then(|| NextTsc {
        mode: next.mode,
        khz: next.khz,
        frequency: clock.tsc_frequency(),
        differs_in_khz,
    })
}

/// The TSC of a guest's next start, where it is another than now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NextTsc {
    /// Its mode.
    pub mode: TscMode,
    /// The frequency that the guest will see.
    pub khz: KiloHertz,
    /// The requested frequency; `None` for the host's.
    pub frequency: Option<Hertz>,
    #[serde(skip)]
    differs_in_khz: bool,
}

impl fmt::Display for NextTsc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mode {}", self.mode.as_str())?;
        match self.frequency {
            Some(frequency) if !frequency.0.is_multiple_of(1000) => write!(f, " at {frequency}"),
            Some(_) => write!(f, " at {}", self.khz),
            None if self.differs_in_khz => write!(f, " at the host's {}", self.khz),
            None => Ok(()),
        }
    }
}

/// A guest's RTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RtcView {
    /// Seconds ahead of UTC now.
    pub offset: i64,
    /// True if the guest's changes are kept over a reboot.
    pub tracked: bool,
    /// The time that it shows now, without a zone.
    pub time: Option<NaiveDateTime>,
    /// The origin of the offset.
    pub source: String,
    /// How the offset is known, and what cannot be known.
    pub known_from: &'static str,
    /// When the clock was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Seconds by which the guest has moved it since.
    pub changed_by_guest: Option<i64>,
    /// True if it still shows what was requested of the start.
    #[serde(skip)]
    as_requested: bool,
    /// The effect of the next start; `refused: `, the reason and the remedy if it would be refused on this host.
    pub next_start: Cow<'static, str>,
    /// The first change of the zone that gave the offset after the start, in the future or past; the RTC does not follow.
    pub zone_change: Option<ZoneChange>,
    /// True if that change is past.
    pub zone_has_changed: bool,
    /// Seconds by which the guest has moved it; `None` if it has no record of this life.
    #[serde(skip)]
    pub moved_by_guest: Option<i64>,
}

/// A guest's TSC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TscView {
    /// The mode, in xl.cfg's words.
    pub mode: String,
    /// The frequency the guest sees.
    pub khz: u32,
    /// How its reads are done.
    pub behaviour: Behaviour,
    /// How often it was set: 1 for a guest that was never restored or migrated.
    pub incarnation: u32,
    /// Why it behaves so.
    pub why: String,
    /// How the frequency is known, and what cannot be known.
    pub known_from: &'static str,
    /// The frequency that the guest was born with, and by which its clocksource tsc counts; `None` where nobody knows.
    pub birth_khz: Option<KiloHertz>,
    /// How far the TSC is off that.
    pub off_ppm: Option<Ppm>,
    /// True if CPUID shows the guest an invariant TSC; `None` where its config cannot be read.
    pub invariant: Option<InvariantTsc>,
    /// The clocksource that a Linux guest takes by itself.
    pub linux_clock: Option<LinuxClock>,
    /// The TSC that was requested for the next start, where that is another than the guest has.
    pub next_start: Option<NextTsc>,
}

/// The next start where another clock has been requested since the last one.
pub const ANOTHER_CLOCK: &str = "another clock, requested since the last start";

/// The next start of a guest whose changes are not tracked, and that has moved its RTC.
const CHANGE_DROPPED: &str = "as requested: the guest's change is dropped";

/// The next start of a guest that has moved its RTC too far.
const TOO_FAR: &str = "as requested: a new domain cannot have this RTC (over 2147483647 s from UTC, or not in the years 2000 to 2099), and the guest's changes are dropped";

/// Reads a domain's clock. `record` is the guest's record, whichever domain it is of; `zones` are those that its next start
/// would use.
///
/// # Errors
/// When the host cannot be read.
///
/// ```
/// use xenclock::domain::DomainConfig;
/// use xenclock::host::{Host, mock::Mock};
/// use xenclock::timers::{GuestKind, zone::default_zones};
/// use xenclock::view::view;
///
/// # let now = "2026-07-01T12:00:00Z".parse()?;
/// let host = Mock::in_memory(Box::new(move || now));
/// let mut config = DomainConfig::new(GuestKind::Hvm);
/// config.c_info.name = Some("guest".to_owned());
/// let domid = host.create_paused(&config)?;
/// host.unpause(domid)?;
/// host.guest_shift_rtc(domid, -3600)?;
///
/// let domain = host.domains()?.into_iter().find(|domain| domain.domid == domid).ok_or("no domain")?;
/// let clock = view(&host, &domain, &host.facts()?, None, &*default_zones())?;
/// assert_eq!(clock.rtc.offset, -3600);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn view(
    host: &dyn Host,
    domain: &DomainSummary,
    facts: &HostFacts,
    record: Option<&ClockRecord>,
    zones: &dyn ZoneSource,
) -> Result<ClockView> {
    let mut rtc = rtc(host, domain, facts, record)?;
    let mut tsc = tsc(host, domain, facts, record)?;
    let config = host.stored_config(domain.domid).ok();
    let started_with = match (record, &config) {
        // What is requested for the next start is not yet the guest's.
        (Some(record), None) if !is_pending(record) => Some(record.request.clock.clone()),
        (Some(record), Some(config)) if !is_pending(record) => Some(requested(record, config)),
        (_, config) => config.as_ref().map(project::clock_with_timers_of),
    };
    if let Some(record) = record
        && let Some(refusal) = refused(record, config.as_ref(), domain.kind, &rtc, facts, zones)
    {
        rtc.next_start = refusal.of_next_start().into();
    }
    let next = match (record, &config) {
        (Some(record), None) => Some(record.request.clock.clone()),
        (Some(record), Some(config)) => Some(requested(record, config)),
        (None, config) => config.as_ref().map(project::clock_with_timers_of),
    };
    let now = (tsc.mode.as_str(), KiloHertz(tsc.khz));
    tsc.next_start = next.and_then(|clock| next_tsc(&clock, domain.kind, now, &facts.tsc()));
    Ok(ClockView {
        started_with,
        domid: domain.domid,
        name: domain.name.clone(),
        uuid: domain.uuid,
        kind: domain.kind,
        rtc,
        tsc,
        clock: record.map(|record| record.request.clock.clone()),
    })
}

/// Why the next start would be refused here and now. A config that cannot be read hides only what nobody has requested.
fn refused(
    record: &ClockRecord,
    config: Option<&DomainConfig>,
    kind: GuestKind,
    rtc: &RtcView,
    facts: &HostFacts,
    zones: &dyn ZoneSource,
) -> Option<Refusal> {
    let mut record = record.clone();
    // What the guest has made of its RTC counts, also where nobody has noted it yet.
    if rtc.moved_by_guest.is_some() {
        record.seen(rtc.offset, facts.now);
    }
    match config {
        Some(config) => cold_start::next(&record, config, facts, zones).err(),
        None => cold_start::resolve(&record, kind, facts, zones).err(),
    }
}

/// True if another clock was requested since the domain was started.
fn is_pending(record: &ClockRecord) -> bool {
    record.offset_changed || record.is_requested_since_start()
}

/// True if the RTC still shows what was requested of the start.
fn as_requested(record: &ClockRecord, offset: i64, facts: &HostFacts) -> bool {
    let zone_is_as_before =
        |start: &Start| start.foresight.as_ref().is_none_or(|change| change.at > facts.now);
    match record.request.clock.offset.effective() {
        ClockOffset::Variable { .. } => false,
        ClockOffset::Utc { .. } => true,
        // It is at UTC if the host did not know the time.
        ClockOffset::Absolute { .. } => record.start.as_ref().is_some_and(|start| is_clock_set(start.at)),
        ClockOffset::Timezone { .. } => record.start.as_ref().is_some_and(zone_is_as_before),
        ClockOffset::Localtime { .. } => {
            offset_now(&record.request.clock.offset, GuestKind::Hvm, facts) == Some(offset)
        }
    }
}

fn rtc(
    host: &dyn Host,
    domain: &DomainSummary,
    facts: &HostFacts,
    record: Option<&ClockRecord>,
) -> Result<RtcView> {
    let live = match host.rtc_record(domain.domid) {
        Ok(record) => Some(record.offset),
        Err(error) if error.kind == ErrorKind::NoRtc => None,
        Err(error) => return Err(error),
    };
    let lives = record.filter(|record| record.is_instance(&facts.boot_id, domain.domid));
    let start = lives.and_then(|record| record.start.as_ref());
    let unset = lives.and_then(ClockRecord::unset);
    let last = match unset {
        // The clock that was to be set is not there.
        Some(unset) => unset.at,
        None => lives.and_then(|record| record.last).map(|last| last.offset),
    };
    let (offset, source) = match (live.or(last), start) {
        (Some(offset), Some(start)) if unset.is_none() => (offset, start.source.clone()),
        (known, _) => {
            let config = host.stored_config(domain.domid)?;
            let given = in_config(&config, facts);
            let offset = known.unwrap_or(given);
            (offset, config_words(&config, offset == given))
        }
    };
    let is_tracked = record.is_some_and(|record| record.is_tracked(domain.kind));
    let noted = lives.and_then(|record| record.last).filter(|last| last.offset == offset);
    let meant = noted.unwrap_or(Seen::new(offset, facts.now)).meant();
    // A guest can set its RTC to a time with which it cannot be started.
    let here = ClockOffset::Variable { adjustment: meant, basis: Basis::Utc };
    let can_be_set = offset_now(&here, domain.kind, facts) == Some(meant);
    let moved = lives.map(|record| {
        let since = live.zip(last).map_or(0, |(live, last)| live.saturating_sub(last));
        record.guest.seconds.saturating_add(since)
    });
    Ok(RtcView {
        offset,
        tracked: is_tracked && can_be_set && record.is_some_and(|record| !record.offset_changed),
        time: rtc_time(facts.now, offset),
        source,
        known_from: match (live, last) {
            (Some(_), _) => "RTC save record (live)",
            (None, Some(_)) => "clock record: Xen cannot report the offset of a guest without an RTC",
            (None, None) => "libxl config: Xen cannot report the offset of a guest without an RTC",
        },
        resolved_at: start.map(|start| start.at),
        changed_by_guest: moved.filter(|&moved| moved != 0),
        as_requested: unset.is_none()
            && moved == Some(0)
            && lives.is_some_and(|record| !record.offset_changed && as_requested(record, offset, facts)),
        next_start: Cow::Borrowed(record.map_or("as in its config", |record| {
            let provisional = record.last.is_some_and(|last| last.provisional && last.offset == offset);
            let next = match provisional {
                true => NextStart::ResolvedAgain,
                false => NextStart::of(&record.request.clock.offset),
            };
            match record.offset_changed {
                true => ANOTHER_CLOCK,
                false if is_tracked && !can_be_set => TOO_FAR,
                false if !is_tracked && next == NextStart::Fixed && moved.is_some_and(|moved| moved != 0) => {
                    CHANGE_DROPPED
                }
                false => next_start_words(next, is_tracked, !record.ephemeral),
            }
        })),
        zone_change: start.and_then(|start| start.foresight.clone()),
        zone_has_changed: start
            .and_then(|start| start.foresight.as_ref())
            .is_some_and(|change| change.at <= facts.now),
        moved_by_guest: moved,
    })
}

/// The offset that the config of a guest without an RTC gave its wallclock; with localtime, as far as it can be known now.
fn in_config(config: &DomainConfig, facts: &HostFacts) -> i64 {
    let offset = project::offset_of(config, facts.now, &facts.zone);
    offset.map_or(0, |offset| offset.seconds().into())
}

/// The offset of a clock that names no zone, if it were resolved now.
fn offset_now(clock: &ClockOffset, kind: GuestKind, facts: &HostFacts) -> Option<i64> {
    let at = Moment { now: facts.now, host_zone: &facts.zone, zones: &FirstOf::new(Vec::new()) };
    resolve(clock, kind, &at).ok().map(|resolved| resolved.offset.seconds().into())
}

/// The origin of an offset of which no start is recorded: the config, where that gives it.
fn config_words(config: &DomainConfig, gives_it: bool) -> String {
    let words = given_words(config);
    match (gives_it, config.is_localtime()) {
        (true, _) => words,
        (false, true) => format!("{words}, or set since by the guest, a toolstack or a restore"),
        (false, false) => {
            format!("set since its start by the guest, a toolstack or a restore, and not as in the {words}")
        }
    }
}

fn given_words(config: &DomainConfig) -> String {
    match project::clock_of(config).offset {
        ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(seconds)) } if seconds != 0 => {
            format!("libxl config: localtime and rtc_timeoffset {seconds}")
        }
        ClockOffset::Variable { adjustment: 0, .. } => "libxl config without offset: UTC".to_owned(),
        ClockOffset::Variable { adjustment, .. } => format!("libxl config: rtc_timeoffset {adjustment}"),
        _ => "libxl config: localtime (the host's zone when the domain was built)".to_owned(),
    }
}

fn tsc(
    host: &dyn Host,
    domain: &DomainSummary,
    facts: &HostFacts,
    record: Option<&ClockRecord>,
) -> Result<TscView> {
    let info = host.tsc_info(domain.domid)?;
    let Some(tsc) = info.guest_tsc(domain.kind, facts) else {
        return Ok(TscView {
            mode: format!("unknown ({})", info.mode),
            khz: info.khz,
            behaviour: Behaviour::Emulated,
            incarnation: info.incarnation,
            why: "this Xen reports a TSC mode that xenclock does not know".to_owned(),
            known_from: KNOWN_TSC,
            birth_khz: None,
            off_ppm: None,
            invariant: None,
            linux_clock: None,
            next_start: None,
        });
    };
    let birth = born(host, domain, &info, facts, record);
    let invariant =
        host.stored_config(domain.domid).ok().map(|config| invariant(domain, &config, &info, facts, record));
    Ok(TscView {
        mode: tsc.mode.as_str().to_owned(),
        khz: tsc.khz.0,
        behaviour: tsc.behaviour,
        incarnation: info.incarnation,
        why: tsc.why.clone(),
        known_from: if tsc.mode == TscMode::Native { KNOWN_NATIVE } else { KNOWN_TSC },
        birth_khz: birth,
        off_ppm: birth.map(|birth| Ppm::between(birth, tsc.khz)),
        linux_clock: invariant.as_ref().map(|invariant| linux_clock(domain.kind, &tsc, invariant.shown)),
        invariant,
        next_start: None,
    })
}

/// A domain's clock as it is now, in the words of `<clock>`: as it was requested where it still shows that, else variable, by
/// as much as it is off UTC; with the TSC's mode and frequency.
#[must_use]
pub fn clock_now(view: &ClockView) -> GuestClock {
    let mut clock = view.started_with.clone().unwrap_or_default();
    clock.offset = match (&view.clock, view.rtc.offset) {
        // Another TSC may have been requested since the start, with the same offset.
        (Some(requested), _) if view.rtc.as_requested => requested.offset.clone(),
        (None, 0) => ClockOffset::default(),
        (_, adjustment) => ClockOffset::Variable { adjustment, basis: Basis::Utc },
    };
    let mode = TscMode::from_word(&view.tsc.mode).map(TimerMode::from);
    let asked = clock.tsc_frequency();
    let khz = KiloHertz(view.tsc.khz);
    let now = asked.filter(|asked| asked.to_khz() == Ok(khz)).unwrap_or_else(|| khz.to_hz());
    let at = clock.timers.iter().position(|timer| timer.name == TimerName::Tsc).unwrap_or_else(|| {
        clock.timers.push(Timer::named(TimerName::Tsc));
        clock.timers.len() - 1
    });
    if let Some(tsc) = clock.timers.get_mut(at) {
        (tsc.mode, tsc.frequency) = (mode, Some(now));
    }
    clock
}

const KNOWN_TSC: &str = "Xen's TSC info (live)";
const KNOWN_NATIVE: &str =
    "host frequency: Xen reports 0 kHz in native mode, even after a migration from another host";
