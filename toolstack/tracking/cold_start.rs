//! The engine of a cold start: resolves a request on a host, sets the clock, reads it back and records it.
//!
//! Every cold start goes through here: `create` and the monitor plan a new domain with [`resolve`]; the service and the
//! device-model wrapper also set the clock of another toolstack's domain here. [`crate::apply::clock`] sets and reads
//! back.

use chrono::{DateTime, Utc};
use timers::resolve::{Moment, Resolved};
use timers::tsc::TscDecision;
use timers::zone::ZoneSource;
use timers::{GuestClock, GuestKind};

use super::unmanaged;
use super::warning::Warning;
use crate::apply::clock::{GuestState, SetTsc, is_set, set_initial_tsc, set_rtc};
use crate::domain::DomainConfig;
use crate::host::{Host, HostError, HostFacts};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::model::Discovered;
use crate::lifecycle::next::WorkedOut;
use crate::lifecycle::record::{RequestOrigin, Start};
use crate::plan::{Refusal, RtcTarget};

/// The clock of the next cold start, and what it comes to here and now.
#[derive(Clone, Debug)]
pub struct ColdStart {
    /// The clock, word for word.
    pub clock: GuestClock,
    /// Its offset.
    pub rtc: Resolved,
    /// Its TSC.
    pub tsc: TscDecision,
    /// Everything an administrator should know about it.
    pub warnings: Vec<Warning>,
}

/// Resolves the clock that a guest's next cold start has: what its request asks for, or where that is tracked what the
/// guest made of it.
///
/// A guest can set its RTC to a time with which it cannot be started, farther from UTC than Xen's 32 bits of seconds or in
/// a year that Xen's RTC does not show. It then starts as requested, and a warning says so.
///
/// # Errors
/// When the request itself cannot be had on this host.
pub fn resolve(
    record: &ClockRecord,
    kind: GuestKind,
    facts: &HostFacts,
    zones: &dyn ZoneSource,
) -> Result<ColdStart, Refusal> {
    let mut warnings = Vec::new();
    if record.is_tracked(kind) && !record.can_be_set() {
        warnings.push(Warning::RtcOutOfRange);
    }
    let at = Moment { now: facts.now, host_zone: &facts.zone, zones };
    let WorkedOut { clock, rtc, tsc, dropped } = record.work_out_next(kind, &at, &facts.tsc())?;
    warnings.extend(dropped.map(Warning::Refused));
    warnings.extend(rtc.warning().map(Warning::HostClockUnset));
    Ok(ColdStart { clock, rtc, tsc, warnings })
}

/// The next cold start of a guest, with the config that it has then: what a reboot here and now would give it.
///
/// # Errors
/// When the requested clock cannot be had on this host: the guest then stays down.
pub fn next(
    record: &ClockRecord,
    config: &DomainConfig,
    facts: &HostFacts,
    zones: &dyn ZoneSource,
) -> Result<ColdStart, Refusal> {
    let mut record = record.clone();
    record.request.clock = unmanaged::requested(&record, config);
    resolve(&record, config.kind(), facts, zones)
}

/// The record with what a file asks for now: where the file asks for the same as before, the record goes on.
#[must_use]
pub(crate) fn with_request(record: Option<ClockRecord>, new: ClockRecord, now: DateTime<Utc>) -> ClockRecord {
    let Some(mut record) = record else { return new };
    record.adopt_from_file(&new.request.clock, RequestOrigin::Create, now);
    record.name = new.name;
    record
}

/// A domain's clock as it was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Configured {
    /// The start, for the record.
    pub start: Start,
    /// The frequency that was set, in kHz; `None` where the TSC was left as its toolstack made it.
    pub tsc_khz: Option<u32>,
    /// Why the TSC is not as requested. The offset is right all the same.
    pub tsc_error: Option<String>,
}

/// Gives a domain that another toolstack has just made its clock. With `tsc` its TSC too; without, for a guest that runs
/// already, the offset alone.
///
/// # Errors
/// When the offset cannot be set.
pub(crate) fn configure(
    host: &dyn Host,
    tsc: Option<&mut dyn SetTsc>,
    domain: &Discovered,
    cold_start: &ColdStart,
    facts: &HostFacts,
    zones: &dyn ZoneSource,
) -> Result<Configured, HostError> {
    let ColdStart { clock, rtc, tsc: decision, .. } = cold_start;
    // An RTC can be read; a wallclock cannot, so that is set always.
    if domain.offset != Some(rtc.offset.seconds().into()) {
        // Its toolstack may let it run at any time.
        set_rtc(host, domain.domid, RtcTarget::Offset(rtc.offset), GuestState::Runs)?;
    }
    let start = Start::new(rtc, decision, facts.now, zones.release());
    let mut configured = Configured { start, tsc_khz: None, tsc_error: None };
    // A TSC that nobody asked for stays as the toolstack made it.
    if clock.tsc().is_none() {
        return Ok(configured);
    }
    match tsc {
        Some(setter) => match set_initial_tsc(host, setter, domain.domid, decision) {
            Ok(true) => configured.tsc_khz = Some(decision.khz.0),
            Ok(false) => {}
            Err(error) => configured.tsc_error = Some(error.to_string()),
        },
        None if is_set(&host.tsc_info(domain.domid)?, decision) => {}
        None => {
            let why = format!(
                "the guest is already running: its TSC is not changed to the requested {}",
                decision.khz
            );
            configured.tsc_error = Some(why);
        }
    }
    Ok(configured)
}
