//! Doing a plan on a host, and reading everything back. On failure nothing is left behind.

use timers::UtcOffset;
use timers::tsc::TscMode;

use crate::host::{DomId, ErrorKind, Host, HostError, TscInfo};
use crate::plan::{Plan, RtcTarget, Step, StepKind};

/// What came of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The new domain.
    pub domid: DomId,
    /// What its RTC (or wallclock) was set to.
    pub offset: UtcOffset,
}

/// Why a plan failed, and what became of the domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}{}", left_behind.as_ref().map(|why| format!("; the domain could not be taken away again: {why}")).unwrap_or_default())]
pub struct ApplyError {
    /// What failed.
    pub error: HostError,
    /// Why the half-made domain is still there; `None` when nothing is left.
    pub left_behind: Option<HostError>,
}

/// Does the steps of a plan in order.
///
/// With `paused` the guest is left before its first instruction. `progress` is told each step before it is done, and
/// `keep` the domain and its offset when all of it is right and nothing has run yet.
///
/// # Errors
/// When a step fails or what is read back differs: the domain is destroyed again.
pub fn apply(
    plan: &Plan,
    host: &dyn Host,
    paused: bool,
    progress: &mut dyn FnMut(&Step),
    keep: &mut dyn FnMut(DomId, UtcOffset),
) -> Result<Outcome, ApplyError> {
    let mut made: Option<DomId> = None;
    let mut offset = plan.clock.offset;
    for step in &plan.steps {
        if paused && step.kind == StepKind::Unpause {
            continue;
        }
        progress(step);
        if let (StepKind::KeepRecord, Some(domid)) = (step.kind, made) {
            keep(domid, offset);
        } else if let Err(error) = take(step, plan, host, &mut made, &mut offset) {
            return Err(undo(error, host, made));
        }
    }
    // The first step of every plan makes the domain.
    made.map(|domid| Outcome { domid, offset }).ok_or_else(|| ApplyError {
        error: HostError::new(ErrorKind::Other, "create the domain", "the plan has no such step"),
        left_behind: None,
    })
}

fn take(
    step: &Step,
    plan: &Plan,
    host: &dyn Host,
    made: &mut Option<DomId>,
    offset: &mut UtcOffset,
) -> Result<(), HostError> {
    let Some(domid) = *made else {
        *made = Some(host.create_paused(&plan.config)?);
        return Ok(());
    };
    match step.kind {
        StepKind::Create => Ok(()),
        StepKind::SetTsc { mode, khz } => host.set_initial_tsc(
            domid,
            &TscInfo { mode: mode.number(), elapsed_ns: 0, khz: khz.0, incarnation: 0 },
        ),
        StepKind::SetTimeOffset(aim) => {
            *offset = match aim {
                RtcTarget::Offset(offset) => offset,
                RtcTarget::Moment(moment) => {
                    let seconds = moment.timestamp() - host.facts()?.now.timestamp();
                    let doing = || format!("set the RTC of domain {domid}");
                    UtcOffset::new(seconds)
                        .map_err(|error| HostError::new(ErrorKind::Invalid, doing(), error.to_string()))?
                }
            };
            host.set_time_offset(domid, *offset)
        }
        StepKind::Verify => verify(plan, host, domid, *offset),
        StepKind::KeepRecord => Ok(()),
        StepKind::Unpause => host.unpause(domid),
    }
}

/// Reads TSC and RTC back: libxl ignores some failures, and Xen some values.
fn verify(plan: &Plan, host: &dyn Host, domid: DomId, offset: UtcOffset) -> Result<(), HostError> {
    let differs = |what: &str, is: String, asked: String| {
        let doing = format!("check the clock of domain {domid}");
        Err(HostError::new(ErrorKind::Other, doing, format!("{what} is {is}, asked was {asked}")))
    };
    let info = host.tsc_info(domid)?;
    if info.mode != plan.tsc.mode.number() {
        return differs("the TSC's mode", info.mode.to_string(), plan.tsc.mode.number().to_string());
    }
    // Xen answers 0 kHz in native mode.
    let khz = if plan.tsc.mode == TscMode::Native { 0 } else { plan.tsc.khz.0 };
    if info.khz != khz {
        return differs("the TSC's frequency", format!("{} kHz", info.khz), format!("{khz} kHz"));
    }
    if plan.config.kind().has_rtc() {
        let record = host.rtc_record(domid)?;
        if record.offset != i64::from(offset.seconds()) {
            return differs(
                "the RTC's offset",
                format!("{} s", record.offset),
                format!("{} s", offset.seconds()),
            );
        }
    }
    Ok(())
}

fn undo(error: HostError, host: &dyn Host, made: Option<DomId>) -> ApplyError {
    let left_behind = made.and_then(|domid| match host.destroy(domid) {
        Ok(()) => None,
        Err(gone) if gone.kind == ErrorKind::NoSuchDomain => None,
        Err(why) => Some(why),
    });
    ApplyError { error, left_behind }
}
