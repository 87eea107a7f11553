//! The clock record: what was asked of a domain's clock, what it came to, and what the guest has made of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use timers::resolve::{NextStart, Resolved, is_clock_set, meant_offset};
use timers::tsc::{Behaviour, TscDecision, TscMode};
use timers::zone::ZoneChange;
use timers::{GuestClock, Hertz, KiloHertz, UtcOffset};
use uuid::Uuid;

use crate::host::{DomId, ShutdownReason};

/// The oldest version that this program still reads; its fields had other names.
const OLDEST: u32 = 2;

/// So many saves are remembered; a guest is seldom restored from an older one.
pub const SAVES: usize = 8;

/// So many offsets in configs are remembered: one of each save, and that of a restore or restart.
pub(super) const CONFIG_OFFSETS: usize = SAVES + 1;

/// The record of a guest's clock, by the guest's UUID. This is the one owner of the value: libxl's config, Xen and
/// whoever starts the domain get theirs from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockRecord {
    version: u32,
    /// The domain's UUID, which stays while domids come and go.
    pub uuid: Uuid,
    /// Its name when it was seen last.
    pub name: String,
    /// True if the UUID was made up for one start: nobody asks for it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", alias = "passing")]
    pub ephemeral: bool,
    /// Counts the changes of this record.
    pub generation: u64,
    /// The request.
    #[serde(alias = "wish")]
    pub request: Request,
    /// The result of the last cold start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// The domain that there is now.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "life")]
    pub instance: Option<Instance>,
    /// The RTC as it was seen last, alive or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Seen>,
    /// True if another offset was asked for since the last start: then the guest's own changes are let go.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", alias = "fresh")]
    pub offset_changed: bool,
    /// The guest's changes to its RTC since the last cold start.
    #[serde(default)]
    pub guest: Changes,
    /// The frequency at which its TSC counted when the guest booted, by which a tolerance is measured; `None` where
    /// nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_khz: Option<KiloHertz>,
    /// True if CPUID showed the guest an invariant TSC on the host that it left last: its CPUID travels with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invariant_tsc: Option<bool>,
    /// The TSC frequency that an updated config has dropped, until a service reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_frequency: Option<Hertz>,
    /// The correction of its RTC that a service makes, until it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<Correction>,
    /// The offsets that xenclock has written into the config of a guest without a requested clock, in place of its
    /// toolstack's, the latest first: a new domain with one of them is no sign of an edited config.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config_offsets: Vec<i64>,
    /// The latest saves: what the guest's RTC was in each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saves: Vec<Saved>,
    /// How the last domain ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// An RTC that another toolstack's restore has moved, and that a service puts right. A service that finds it knows whether
/// the one before, which has ended meanwhile, had done so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// The host's boot.
    pub boot: String,
    /// The domain.
    pub domid: DomId,
    /// Its offset before, in seconds.
    pub from: i64,
    /// Its offset after that, in seconds.
    pub to: i64,
}

/// A requested clock and its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Word for word.
    pub clock: GuestClock,
    /// Its origin.
    pub from: RequestOrigin,
    /// When it was made, by the clock of the host where it was made: of two requests for one guest, made on different
    /// hosts, the later counts. It is not before the request that this one replaced, nor before the last start. `None`
    /// where that clock was not set, and in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<DateTime<Utc>>,
    /// The generation of the record in which it was made. It decides between requests of the same moment, or where one has
    /// no time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub made_in: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Request {
    /// A request of this origin, of which nobody says when it was made.
    #[must_use]
    pub fn new(clock: GuestClock, from: RequestOrigin) -> Self {
        Request { clock, from, made_at: None, made_in: 0 }
    }

    /// A file's request, as `create` reads it.
    #[must_use]
    pub fn of_file(clock: &GuestClock) -> Self {
        Request::new(clock.clone(), RequestOrigin::Create)
    }

    /// The same, made at this moment.
    #[must_use]
    pub fn made(self, at: DateTime<Utc>) -> Self {
        Request { made_at: Some(at).filter(|at| is_clock_set(*at)), ..self }
    }
}

/// The origin of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestOrigin {
    /// `xenclock create`, from a file.
    Create,
    /// `xenclock clock-set`, in place of what a file asks.
    ClockSet {
        /// The file's clock at that time. Once the file requests another one, the file applies again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead_of: Option<GuestClock>,
    },
    /// A domain XML of this path.
    Xml(String),
    /// Nobody requested one: the domain was discovered, and its guest's changes to its RTC are kept.
    #[serde(alias = "found")]
    Unmanaged,
}

/// A cold start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// When the clock was resolved.
    pub at: DateTime<Utc>,
    /// The offset at that time.
    pub offset: UtcOffset,
    /// True if the guest's changes are to be kept.
    pub tracked: bool,
    /// The origin of the offset, in words.
    pub source: String,
    /// The effect of the next start.
    pub next_start: NextStart,
    /// When the zone that gave the offset changes next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foresight: Option<ZoneChange>,
    /// The release of the zone data that it was resolved with, where a zone was used and the data says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_data: Option<String>,
    /// The TSC.
    pub tsc: TscRecord,
    /// The generation of the record that it was written in; `None` in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_in: Option<u64>,
}

/// The TSC of a cold start.
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

/// A domain, from its introduction to its end. A number is only meant of one boot of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The host's boot.
    pub boot: String,
    /// The domain's ID.
    pub domid: DomId,
    /// When it was first known of.
    pub since: DateTime<Utc>,
    /// The program that set its clock.
    pub by: ConfiguredBy,
    /// Set where its clock could not be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unset: Option<Unset>,
}

/// A domain whose clock could not be set. As long as the guest leaves its RTC where its toolstack put it, that says nothing
/// about the guest, and its own earlier changes are kept for its next start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unset {
    /// The RTC that its toolstack set, in seconds ahead of UTC; `None` for a guest without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
}

impl Instance {
    /// A domain that is only followed.
    #[must_use]
    pub fn followed(boot: &str, domid: DomId, since: DateTime<Utc>) -> Self {
        Instance { boot: boot.to_owned(), domid, since, by: ConfiguredBy::Followed, unset: None }
    }
}

/// The program that set a domain's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfiguredBy {
    /// xenclock started it.
    Create,
    /// Another toolstack started it, and its clock was set before its first instruction.
    Outside,
    /// Another toolstack started it, and its guest ran already: the RTC was set live, the TSC was left.
    Late,
    /// It is only followed: it ran when it was found, or came out of a save or a migration.
    Followed,
}

/// The RTC at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Seconds ahead of UTC.
    pub offset: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// True if it is a zone's offset, of a start while the host's clock was not set, and so perhaps that of another season.
    /// As long as the guest leaves its RTC there, its next start resolves the clock again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provisional: bool,
}

impl Seen {
    /// An RTC that was read.
    #[must_use]
    pub fn new(offset: i64, at: DateTime<Utc>) -> Self {
        Seen { offset, at, provisional: false }
    }

    /// The offset as the guest meant it, in seconds ahead of UTC: see [`meant_offset`].
    #[must_use]
    pub fn meant(&self) -> i64 {
        meant_offset(self.offset, self.at)
    }
}

/// A guest's changes to its RTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// How often it was seen to have moved.
    pub seen: u64,
    /// By how many seconds in all.
    pub seconds: i64,
}

/// A save of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The TSC's incarnation then; a restore from this save has one more.
    pub incarnation: u32,
    /// The RTC then.
    pub rtc: Seen,
    /// The clock of the guest that was saved could not be set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unset: bool,
}

/// How a domain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Why, where it was seen: nobody sees why a domain was destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ShutdownReason>,
    /// When.
    pub at: DateTime<Utc>,
    /// How long services had watched this host when they first saw that the guest was gone, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<u64>,
}

impl Start {
    /// A start that has been worked out.
    #[must_use]
    pub fn new(resolved: &Resolved, tsc: &TscDecision, at: DateTime<Utc>, zone_data: Option<String>) -> Self {
        Start {
            at,
            made_in: None,
            offset: resolved.offset,
            tracked: resolved.tracked,
            source: Start::source_of(resolved),
            next_start: resolved.next_start,
            foresight: resolved.foresight.clone(),
            zone_data: resolved.source.zone().and(zone_data),
            tsc: TscRecord { mode: tsc.mode, khz: tsc.khz, behaviour: tsc.behaviour, why: tsc.why.clone() },
        }
    }

    /// The origin of an offset, in words.
    pub(super) fn source_of(resolved: &Resolved) -> String {
        match resolved.host_clock_unset {
            true => format!("{}, when the host's clock was not set", resolved.source),
            false => resolved.source.to_string(),
        }
    }
}

/// Why bytes are no record, or not the one expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFormatError {
    /// A newer xenclock wrote it.
    #[error("version {0}, but xenclock knows only versions {oldest} to {newest}", oldest = OLDEST, newest = ClockRecord::VERSION)]
    Newer(u32),
    /// A xenclock wrote it that is too old.
    #[error("version {0}, but xenclock knows only versions {oldest} to {newest}", oldest = OLDEST, newest = ClockRecord::VERSION)]
    Older(u32),
    /// It is longer than a record may be.
    #[error("it is longer than {} bytes", ClockRecord::MAX_BYTES)]
    TooLong,
    /// It is damaged, or no record at all.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It is the record of another guest.
    #[error("it belongs to guest {0}")]
    Another(Uuid),
}

/// The part that every version of a record has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl ClockRecord {
    /// The version that this program writes.
    pub const VERSION: u32 = 3;

    /// No record is longer, on disk or on its way to another host.
    pub const MAX_BYTES: u64 = 1 << 20;

    /// The record of a guest of which only the request is known.
    #[must_use]
    pub fn new(uuid: Uuid, name: &str, request: Request) -> Self {
        ClockRecord {
            version: Self::VERSION,
            uuid,
            name: name.to_owned(),
            ephemeral: false,
            generation: 0,
            request,
            start: None,
            instance: None,
            last: None,
            offset_changed: false,
            guest: Changes::default(),
            birth_khz: None,
            invariant_tsc: None,
            dropped_frequency: None,
            correction: None,
            config_offsets: Vec::new(),
            saves: Vec::new(),
            ended: None,
        }
    }

    /// The record as indented JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // A record holds nothing that JSON cannot.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is not a record, is too long for one, or is one of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordFormatError> {
        if bytes.len() as u64 > Self::MAX_BYTES {
            return Err(RecordFormatError::TooLong);
        }
        // A newer version may have any fields besides.
        let Versioned { version } = serde_json::from_slice(bytes)?;
        match version {
            OLDEST..=Self::VERSION => {}
            0..OLDEST => return Err(RecordFormatError::Older(version)),
            newer => return Err(RecordFormatError::Newer(newer)),
        }
        let record: Self = serde_json::from_slice(bytes)?;
        Ok(ClockRecord { version: Self::VERSION, ..record })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_record_of_another_version_is_named_whatever_else_is_in_it() {
        let read = |text: &str| ClockRecord::from_bytes(text.as_bytes()).unwrap_err();
        let newer = read(r#"{"version": 4, "what": ["no", "field"]}"#);
        assert!(matches!(newer, RecordFormatError::Newer(4)), "{newer}");
        assert_eq!(
            read(r#"{"version": 1}"#).to_string(),
            "version 1, but xenclock knows only versions 2 to 3"
        );
        let damaged = read("{}");
        assert!(matches!(&damaged, RecordFormatError::Json(_)), "{damaged}");
        let long = format!("{{\"version\": 4{}}}", " ".repeat(1 << 20));
        assert!(matches!(read(&long), RecordFormatError::TooLong));
    }

    #[test]
    fn a_record_of_version_2_is_read_under_its_old_names() {
        let old = r#"{"version": 2, "uuid": "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "name": "guest", "passing": true,
            "generation": 3, "wish": {"clock": {"offset": {"offset": "utc"}}, "from": "found"},
            "life": {"boot": "b", "domid": 4, "since": "2026-10-26T12:00:00Z", "by": "create"}, "fresh": true}"#;
        let record = ClockRecord::from_bytes(old.as_bytes()).unwrap();
        assert_eq!(record.request.from, RequestOrigin::Unmanaged);
        assert_eq!(record.instance.as_ref().unwrap().domid, DomId(4));
        assert!(record.ephemeral && record.offset_changed);
        let written = String::from_utf8(record.to_bytes()).unwrap();
        assert!(written.contains("\"version\": 3") && !written.contains("wish"), "{written}");
    }
}
