//! The warnings of an operation that went on all the same.

use std::error::Error;
use std::mem::discriminant;
use std::sync::Arc;

use timers::Hertz;
use timers::units::OffsetError;
use uuid::Uuid;

use super::store::RecordError;
use crate::host::{DomId, HostError};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::record::RecordFormatError;
use crate::plan::Refusal;

/// A warning for the administrator: the operation went on, and this is different from what was requested or expected.
///
/// Warnings are equal when they say the same; their sources are not compared.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// A clock record could not be read, or not be written where it belongs.
    #[error(transparent)]
    Record(Arc<RecordError>),
    /// The host failed at a step that the operation can do without, such as a core dump.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The domain has no clock record.
    #[error("domain {0} has no clock record; it starts with the clock in its config")]
    NoRecord(DomId),
    /// The clock record is too long to travel with the guest.
    #[error("its clock record is longer than {} bytes and is not sent", ClockRecord::MAX_BYTES)]
    RecordTooLong,
    /// The config that is given for the way is another guest's.
    #[error(
        "the config has the UUID {other}, and the guest keeps its own, {own}; restore with that config to change it"
    )]
    KeepsUuid {
        /// The guest's.
        own: Uuid,
        /// The config's.
        other: Uuid,
    },
    /// The clock record that came with the guest is not used.
    #[error(
        "the clock record in the stream cannot be used ({why}): the guest's RTC continues as saved, and {}",
        next_start(*known_here)
    )]
    RecordInStream {
        /// The fault of that record.
        #[source]
        why: Arc<RecordFormatError>,
        /// True if this host has a record of the guest.
        known_here: bool,
    },
    /// The guest has set its RTC to a time with which it cannot be started.
    #[error(
        "the guest has set its RTC farther from UTC than Xen can represent; it starts with the requested clock instead"
    )]
    RtcOutOfRange,
    /// The clock that the guest has made of the requested one is refused on this host.
    #[error("{0}; it starts with the requested clock instead")]
    Refused(#[source] Refusal),
    /// The clock that is requested for the guest's next start cannot be had on this host.
    #[error(
        "the guest's next start on this host is refused: {}. Until then xenclock clock-set can request another clock",
        .0.with_remedies()
    )]
    NextStartRefused(#[source] Refusal),
    /// The host's clock is not set, and the guest's offset depends on it. The text says how it starts.
    #[error("{0}")]
    HostClockUnset(String),
    /// The offset is farther from UTC than Xen can represent.
    #[error(transparent)]
    OffsetOutOfRange(#[from] OffsetError),
    /// The wallclock of a guest without RTC follows the host's zone, and its offset at the start is not known.
    #[error(
        "the config has localtime: the wallclock follows the host's zone, and its offset at the guest's start is not \
         known"
    )]
    LocaltimeWallclock,
    /// The config that `xl config-update` left cannot be read.
    #[error("the config from xl config-update is not used: {0}")]
    UpdateNotUsed(#[source] Arc<dyn Error + Send + Sync>),
    /// The config that `xl config-update` left no longer asks for the TSC frequency of before.
    #[error(
        "the config from xl config-update has no TSC frequency: the guest starts with the host's, and no longer with \
         {before}; to keep {before}, add clock_tsc_frequency = {} to the config and update it again",
        before.0
    )]
    TscFrequencyDropped {
        /// The frequency of before.
        before: Hertz,
    },
    /// The guest set its RTC after the header of the stream was written.
    #[error(
        "the guest set its RTC during the save or migration; if stock xl restores the guest, that change is lost \
         (xenclock reads it from the stream)"
    )]
    RtcSetWhileMoving,
}

/// Adds warnings. The same one twice is one.
pub(super) fn add(warnings: &mut Vec<Warning>, more: impl IntoIterator<Item = Warning>) {
    for warning in more {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
}

fn next_start(known_here: bool) -> &'static str {
    if known_here { "its record on this host is used" } else { "its next start follows its config" }
}

impl From<RecordError> for Warning {
    fn from(error: RecordError) -> Self {
        Warning::Record(Arc::new(error))
    }
}

impl PartialEq for Warning {
    fn eq(&self, other: &Self) -> bool {
        discriminant(self) == discriminant(other) && self.to_string() == other.to_string()
    }
}

impl Eq for Warning {}
