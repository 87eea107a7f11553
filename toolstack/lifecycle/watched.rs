//! The time for which services have watched a host. It decides when the records of guests that never return are
//! dropped.
//!
//! The host's clock alone is not sufficient: it may start in 1970, or be wrong by years for a moment.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use timers::resolve::is_clock_set;

use super::host_clock::ClockSteps;

/// Two looks at the clock count for this at most, in seconds, however far apart they are.
const AT_MOST: i64 = 24 * 3600;

/// Time that services have watched, as far as the host's clock was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// In seconds.
    pub seconds: u64,
    /// The last look at the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
    /// The steps of the host's clock since the service began that watches, or watched last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<ClockSteps>,
}

impl Watched {
    /// Looks at the clock once more.
    pub fn look(&mut self, now: DateTime<Utc>) {
        if !is_clock_set(now) {
            return;
        }
        let since = self.at.map_or(0, |at| now.signed_duration_since(at).num_seconds());
        self.seconds = self.seconds.saturating_add(since.clamp(0, AT_MOST).unsigned_abs());
        self.at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_wrong_date_counts_for_a_day_at_most() {
        let mut watched = Watched::default();
        for (now, seconds) in [
            ("2026-01-01T00:00:00Z", 0),
            ("2026-01-01T00:00:05Z", 5),
            ("1970-01-01T00:00:05Z", 5),
            ("2026-01-01T00:00:10Z", 10),
            ("2028-01-01T00:00:00Z", 86_410),
            ("2026-01-01T00:00:15Z", 86_410),
            ("2026-01-01T00:00:20Z", 86_415),
            ("2026-02-01T00:00:00Z", 172_815),
        ] {
            watched.look(now.parse().unwrap());
            assert_eq!(watched.seconds, seconds, "{now}");
        }
    }
}
