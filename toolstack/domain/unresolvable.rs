//! The error of a clock that cannot be resolved.

use timers::ClockOffset;
use timers::resolve;
use timers::zone::{self, ZoneError, ZoneSource};

use super::Part;
use crate::diag::Finding;

/// A start of so many seconds is one in milliseconds.
pub(super) const MILLISECONDS: i64 = 100_000_000_000;

/// The finding for a clock that cannot be resolved; for a zone that there is not, with the one that is probably meant.
#[must_use]
pub(crate) fn unresolvable(error: &resolve::ResolveError, zones: &dyn ZoneSource) -> Finding {
    use resolve::ResolveError::{BeforeEpoch, Range, RtcYear, Zone};
    let code = match error {
        Zone(_) => "bad-zone",
        Range(_) => "offset-range",
        RtcYear { .. } | BeforeEpoch { .. } => "rtc-year",
    };
    let finding = Finding::invalid(code, error.to_string());
    match error {
        Zone(ZoneError::Unknown(name)) => match zone::suggest(name, zones) {
            Some(meant) => finding.instead(meant.to_string()),
            None => finding,
        },
        RtcYear { shown } if *shown >= MILLISECONDS => {
            let start = shown / 1000;
            finding.instead_by_format(
                format!("write start='{start}', in seconds"),
                format!("write clock_start = {start}"),
            )
        }
        _ => finding,
    }
}

/// The error of a zone that there is not. Only a start resolves a clock; what is said beside other errors is said here, so
/// that it is not found in the next run.
#[must_use]
pub(crate) fn unknown_zone(clock: &ClockOffset, zones: &dyn ZoneSource) -> Option<(Part, Finding)> {
    let ClockOffset::Timezone { timezone } = clock else { return None };
    let error = zones.zone(timezone).err()?;
    Some((Part::Timezone, unresolvable(&resolve::ResolveError::Zone(error), zones)))
}

/// The part of a clock that an error is about.
#[must_use]
pub(crate) fn part_of(error: &resolve::ResolveError, clock: &ClockOffset) -> Part {
    match (error, clock) {
        (resolve::ResolveError::Zone(_), _) => Part::Timezone,
        (_, ClockOffset::Absolute { .. }) => Part::Start,
        _ => Part::Adjustment,
    }
}
