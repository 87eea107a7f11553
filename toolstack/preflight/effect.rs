//! One effect of a move, in words.

use chrono::TimeDelta;
use serde::Serialize;
use timers::Severity;

use super::report::HostReport;

/// One thing that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Effect {
    /// Its word, which stays the same from release to release.
    pub effect: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The effect and the remedy, in words.
    pub text: String,
}

/// When the two hosts' times were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// At one moment, to within this.
    Together(TimeDelta),
    /// Each by itself, as in the files of a pool: at about one moment, if they were made so.
    Separately,
    /// At different moments, as in a saved guest: nothing follows from them.
    AtAnyTime,
}

/// The host's name in an effect's text.
pub(super) fn named(host: &HostReport) -> &str {
    if host.host.is_empty() { "the other host" } else { &host.host }
}
