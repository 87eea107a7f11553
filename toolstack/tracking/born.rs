//! A domain that another toolstack has just made gets its clock, before its first instruction.
//!
//! The offset is one atomic call at any time. The TSC is another matter: its frequency may be set, and the boot CPU
//! loaded anew, only while the guest cannot run, and whoever holds it for that must not die meanwhile, for the domain
//! would stay paused for good. So that step is behind a trait: a service leaves it to a process of its own that outlives
//! it, and the device-model wrapper, which no guest can overtake, does it itself.

use timers::zone::ZoneSource;
use timers::{GuestClock, TimerName, UtcOffset};

use crate::host::{DomId, Host, HostError, HostFacts, TscInfo};
use crate::lifecycle::model::Discovered;
use crate::lifecycle::record::Start;
use crate::plan::{Refusal, work_out};

/// Sets the TSC of a domain that has not run.
pub trait SetTsc {
    /// Sets mode and frequency, and starts the guest's TSC at 0.
    ///
    /// # Errors
    /// When the guest has run meanwhile, or the host says no.
    fn set_tsc(&mut self, domid: DomId, info: &TscInfo) -> Result<(), HostError>;
}

/// In this process.
pub struct InProcess<'a>(pub &'a dyn Host);

impl SetTsc for InProcess<'_> {
    fn set_tsc(&mut self, domid: DomId, info: &TscInfo) -> Result<(), HostError> {
        self.0.set_initial_tsc(domid, info)
    }
}

/// What was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The start, as it is kept.
    pub start: Start,
    /// The frequency that was set, in kHz.
    pub tsc_khz: Option<u32>,
    /// Why the TSC is not as asked. The offset is right all the same.
    pub trouble: Option<String>,
}

/// Why nothing was set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BornError {
    /// The clock cannot be had on this host.
    #[error("{0}")]
    Refused(String),
    /// The host said no.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl From<Refusal> for BornError {
    fn from((_, finding): Refusal) -> Self {
        BornError::Refused(finding.reason.into_owned())
    }
}

/// Gives a new domain this clock. With `tsc` its TSC too; without, for a guest that runs, the offset alone.
///
/// # Errors
/// When the clock cannot be had, or the offset cannot be set.
pub fn set_new(
    host: &dyn Host,
    tsc: Option<&mut dyn SetTsc>,
    found: &Discovered,
    clock: &GuestClock,
    facts: &HostFacts,
    zones: &dyn ZoneSource,
) -> Result<Set, BornError> {
    let (resolved, decision) = work_out(clock, found.kind, facts, zones)?;
    set_offset(host, found, resolved.offset)?;
    let start = Start::new(&resolved, &decision, facts.now, zones.release());
    let mut set = Set { start, tsc_khz: None, trouble: None };
    // Of a TSC that nobody spoke of, the toolstack's own settings stand.
    if !clock.timers.iter().any(|timer| timer.name == TimerName::Tsc) {
        return Ok(set);
    }
    let now = host.tsc_info(found.domid)?;
    let wanted = TscInfo {
        mode: decision.mode.number(),
        elapsed_ns: 0,
        khz: decision.set_khz.map_or(0, |khz| khz.0),
        incarnation: 0,
    };
    let native = wanted.mode == timers::tsc::TscMode::Native.number();
    let right = now.mode == wanted.mode && (native || now.khz == decision.khz.0);
    match tsc {
        _ if right => {}
        None => set.trouble = Some(format!("its TSC was to run at {}, and is left as it is", decision.khz)),
        Some(setter) => match setter.set_tsc(found.domid, &wanted) {
            Ok(()) => {
                set.tsc_khz = Some(decision.khz.0);
                set.trouble = verify(host, found.domid, &wanted, decision.khz.0, native)?;
            }
            Err(error) => set.trouble = Some(error.to_string()),
        },
    }
    Ok(set)
}

/// Sets the offset where it is another, and reads it back. A wallclock's cannot be read, so that is set always.
fn set_offset(host: &dyn Host, found: &Discovered, wanted: UtcOffset) -> Result<(), HostError> {
    let wanted_seconds = i64::from(wanted.seconds());
    if found.offset == Some(wanted_seconds) {
        return Ok(());
    }
    host.set_time_offset(found.domid, wanted)?;
    // A guest that runs may set it again at once.
    if found.offset.is_some() && !found.has_run {
        let is = host.rtc_record(found.domid)?.offset;
        if is != wanted_seconds {
            let doing = format!("check the RTC of domain {}", found.domid);
            let why = format!("it is at {is} s, asked was {wanted_seconds} s");
            return Err(HostError::new(crate::host::ErrorKind::Other, doing, why));
        }
    }
    Ok(())
}

fn verify(
    host: &dyn Host,
    domid: DomId,
    wanted: &TscInfo,
    khz: u32,
    native: bool,
) -> Result<Option<String>, HostError> {
    let is = host.tsc_info(domid)?;
    let right = is.mode == wanted.mode && (native || is.khz == khz);
    Ok((!right).then(|| {
        format!(
            "its TSC is in mode {} at {} kHz, asked was mode {} at {khz} kHz",
            is.mode, is.khz, wanted.mode
        )
    }))
}
