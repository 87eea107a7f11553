//! The clock record: what was asked of a domain's clock and what it came to, kept with the domain as userdata.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use timers::resolve::{NextStart, Resolved};
use timers::tsc::{Behaviour, TscDecision, TscMode};
use timers::zone::ZoneChange;
use timers::{GuestClock, KiloHertz, UtcOffset};

/// The userdata's name.
pub const USER_DATA: &str = "xenclock";

/// The version that this program writes.
const VERSION: u32 = 1;

/// What is kept with a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockRecord {
    version: u32,
    /// What was asked, word for word.
    pub clock: GuestClock,
    /// When the clock was resolved.
    pub resolved_at: DateTime<Utc>,
    /// What it came to then.
    pub offset: UtcOffset,
    /// Whether the guest's changes are to be kept.
    pub tracked: bool,
    /// Where the offset is from, for people.
    pub source: String,
    /// What the next start does.
    pub next_start: NextStart,
    /// When the zone that gave the offset changes next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foresight: Option<ZoneChange>,
    /// What the TSC came to.
    pub tsc: TscRecord,
}

/// What a domain's TSC came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TscRecord {
    /// The mode set.
    pub mode: TscMode,
    /// The frequency the guest sees.
    pub khz: KiloHertz,
    /// How its reads are done.
    pub behaviour: Behaviour,
    /// Why.
    pub why: String,
}

impl ClockRecord {
    /// The record of a start.
    #[must_use]
    pub fn new(clock: &GuestClock, resolved: &Resolved, tsc: &TscDecision, now: DateTime<Utc>) -> Self {
        ClockRecord {
            version: VERSION,
            clock: clock.clone(),
            resolved_at: now,
            offset: resolved.offset,
            tracked: resolved.tracked,
            source: resolved.source.to_string(),
            next_start: resolved.next_start,
            foresight: resolved.foresight.clone(),
            tsc: TscRecord { mode: tsc.mode, khz: tsc.khz, behaviour: tsc.behaviour, why: tsc.why.clone() },
        }
    }

    /// As it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // A record holds nothing that JSON cannot.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// From what was kept.
    ///
    /// # Errors
    /// When it is not a record, or one of a later version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let record: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if record.version > VERSION {
            return Err(format!("version {}, and this program knows up to {VERSION}", record.version));
        }
        Ok(record)
    }
}
