//! Applies a plan to a host and reads everything back. On failure nothing is left behind.

pub mod clock;

use timers::UtcOffset;

use crate::host::{DomId, ErrorKind, Host, HostError};
use crate::plan::{Plan, Step, StepKind};
use clock::{GuestState, InProcess};

/// An applied plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The new domain.
    pub domid: DomId,
    /// The offset of its RTC (or wallclock).
    pub offset: UtcOffset,
}

/// A failed plan, and the state of its domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{error}{}", left_behind.as_ref().map(|why| format!("; the new domain could not be destroyed: {why}")).unwrap_or_default())]
pub struct ApplyError {
    /// The error of the step that failed.
    #[source]
    pub error: HostError,
    /// Why the half-made domain is still there; `None` when nothing is left.
    pub left_behind: Option<Box<HostError>>,
}

/// Carries out the steps of a plan in order.
///
/// With `paused` the guest is left before its first instruction. `progress` is told each step before it is done, and
/// `keep` the domain and its offset when all of it is right and nothing has run yet.
///
/// # Errors
/// When a step fails or what is read back differs: the domain is destroyed again.
///
/// ```
/// use xenclock::apply::apply;
/// use xenclock::host::{ErrorKind, Host, mock::Mock};
/// use xenclock::plan::plan;
/// use xenclock::timers::zone::default_zones;
///
/// # let text = "<domain type='xen'><name>guest</name><uuid>6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11</uuid>
/// #   <memory unit='MiB'>64</memory><os><type>hvm</type></os><clock offset='variable' adjustment='3600'/></domain>";
/// # let now = "2026-07-01T12:00:00Z".parse()?;
/// let host = Mock::in_memory(Box::new(move || now));
/// let domain = xenclock::xml::read("guest.xml", text.as_bytes())?.domain;
/// let plan = plan(&domain, &host.facts()?, &*default_zones(), uuid::Uuid::new_v4())?;
///
/// host.inject("set_time_offset", ErrorKind::Permission, 1)?;
/// let failed = apply(&plan, &host, false, &mut |_| {}, &mut |_, _| {}).unwrap_err();
/// assert_eq!((failed.error.kind, failed.left_behind), (ErrorKind::Permission, None));
///
/// let outcome = apply(&plan, &host, false, &mut |step| println!("{}", step.kind), &mut |_, _| {})?;
/// assert_eq!(host.rtc_record(outcome.domid)?.offset, 3600);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
        StepKind::Create | StepKind::KeepRecord => Ok(()),
        StepKind::SetTsc { .. } => {
            clock::set_initial_tsc(host, &mut InProcess(host), domid, &plan.tsc).map(drop)
        }
        StepKind::SetTimeOffset(target) => {
            *offset = clock::set_rtc(host, domid, target, GuestState::Held)?;
            Ok(())
        }
        StepKind::Verify => {
            clock::verify_tsc(host, domid, &plan.tsc)?;
            match plan.config.kind().has_rtc() {
                true => clock::verify_rtc(host, domid, *offset),
                false => Ok(()),
            }
        }
        StepKind::Unpause => host.unpause(domid),
    }
}

fn undo(error: HostError, host: &dyn Host, made: Option<DomId>) -> ApplyError {
    let left_behind = made.and_then(|domid| match host.destroy(domid) {
        Ok(()) => None,
        Err(gone) if gone.kind == ErrorKind::NoSuchDomain => None,
        Err(why) => Some(Box::new(why)),
    });
    ApplyError { error, left_behind }
}
