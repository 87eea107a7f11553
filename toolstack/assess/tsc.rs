//! The TSC that a clock requests, on a host that is known and on one that is not.

use timers::tsc::{self, TscDecision, TscError, TscHost};
use timers::{GuestClock, GuestKind, Timer, TimerMode, TimerName};

use super::{Target, timer_findings};
use crate::diag::Finding;
use crate::domain::Part;

/// Decides on the TSC on this host; the finding is why the host cannot provide it.
pub(crate) fn decide_tsc(
    clock: &GuestClock,
    kind: GuestKind,
    host: &TscHost,
) -> Result<TscDecision, Box<(Part, Finding)>> {
    let index = clock.timers.iter().position(|timer| timer.name == TimerName::Tsc).unwrap_or_default();
    let request = tsc::request(&clock.timers);
    request.and_then(|request| tsc::decide(&request, kind, host)).map_err(|error| {
        let (part, code) = match &error {
            TscError::ParavirtRemoved => (Part::Mode(index), "tsc-paravirt"),
            TscError::Hidden => (Part::Present(index), "tsc-hidden"),
            TscError::Frequency(_) => (Part::Frequency(index), "tsc-frequency"),
            TscError::NativeFrequency { .. } => (Part::Frequency(index), "tsc-native-frequency"),
        };
        // What no host provides has been judged with the timers.
        let judged = timer_findings::findings(&clock.timers, kind, Target::Start);
        let judged = judged.into_iter().find(|(of, finding)| (*of, finding.code) == (part, code));
        if let Some((_, finding)) = judged {
            return Box::new((part, finding.refusing_start()));
        }
        Box::new((part, unprovided(code, &error)))
    })
}

/// A TSC that another host may provide, but not this one.
fn unprovided(code: &'static str, error: &TscError) -> Finding {
    let finding = Finding::unsupported(code, error.to_string()).refusing_start();
    match error {
        TscError::NativeFrequency { asked, .. } => finding.instead_by_format(
            format!("write mode='auto' for {asked}, or leave out the frequency"),
            format!(
                "write tsc_mode = \"default\" (mode=auto in clock_timers) for {asked}, or leave out the frequency"
            ),
        ),
        _ => finding,
    }
}

/// The finding for a frequency in native mode, of a clock that is started on a host of which nothing is known.
pub(crate) fn native_at_a_frequency(clock: &GuestClock) -> Option<(Part, Finding)> {
    let is_native = |timer: &Timer| timer.name == TimerName::Tsc && timer.mode == Some(TimerMode::Native);
    let index = clock.timers.iter().position(is_native)?;
    clock.timers.get(index)?.frequency?;
    Some((Part::Frequency(index), timer_findings::native_frequency().refusing_start()))
}
