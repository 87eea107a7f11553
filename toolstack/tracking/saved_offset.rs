//! Reads the offset of a guest from its save file, for `clock-set --from-save`: after a rollback to a disk snapshot, or
//! for a guest that starts again from the time of the save.

use std::fs::File;

use timers::UtcOffset;
use uuid::Uuid;

use super::transfer::config_in;
use super::unmanaged;
use crate::host::{ErrorKind, Host, HostError, HostFacts, Result};
use crate::lifecycle::ClockRecord;
use crate::xl::savefile::Header;

/// A guest's clock as a save has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedOffset {
    /// The guest's UUID; `None` where the save has none.
    pub uuid: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// The offset of its clock.
    pub offset: UtcOffset,
    /// The source of the offset.
    pub source: OffsetSource,
    /// Why a better source could not be used.
    pub warning: Option<String>,
}

/// The source of an offset, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSource {
    /// The RTC itself, as Xen saved it.
    Rtc,
    /// The clock record that `xenclock save` put into the file.
    Record,
    /// The offset that the config in the file gives here and now, without the guest's own changes.
    Config,
}

impl OffsetSource {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            OffsetSource::Rtc => "the RTC in the save",
            OffsetSource::Record => "the clock record in the save",
            OffsetSource::Config => "the config in the save, which does not contain the guest's own changes",
        }
    }
}

/// The offset in a save: its header, and the stream that follows in the file.
///
/// # Errors
/// When nothing in it says, or Xen cannot be given such an offset.
pub fn saved_offset(
    host: &dyn Host,
    header: &Header,
    stream: &mut File,
    facts: &HostFacts,
) -> Result<SavedOffset> {
    let config = config_in(header);
    let of_config = config.as_ref().ok().and_then(|config| config.c_info.uuid);
    let (record, unusable) = match header.ours.as_deref().map(ClockRecord::from_bytes) {
        Some(Ok(record)) => (Some(record), None),
        Some(Err(why)) => (None, Some(format!("the clock record in the save cannot be used: {why}"))),
        None => (None, None),
    };
    // A restore does not take the record of another guest either.
    let record = record.filter(|record| of_config.is_none_or(|uuid| uuid == record.uuid));
    let (rtc, warning) = match host.saved_rtc(stream) {
        Ok(rtc) => (rtc, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let recorded = record.as_ref().and_then(|record| record.last).map(|last| last.offset);
    let (offset, source) = match (rtc, recorded) {
        (Some(offset), _) => (offset, OffsetSource::Rtc),
        (None, Some(offset)) => (offset, OffsetSource::Record),
        (None, None) => {
            let config = config.as_ref().map_err(Clone::clone)?;
            let given = unmanaged::here(config, facts);
            (given.map_err(|error| invalid(error.to_string()))?, OffsetSource::Config)
        }
    };
    let config = config.ok();
    Ok(SavedOffset {
        uuid: of_config.or(record.as_ref().map(|record| record.uuid)),
        name: config
            .map(|config| config.name().to_owned())
            .or(record.map(|record| record.name))
            .unwrap_or_default(),
        offset: UtcOffset::new(offset).map_err(|error| invalid(error.to_string()))?,
        source,
        warning: warning.or(unusable.filter(|_| source != OffsetSource::Rtc)),
    })
}

fn invalid(why: String) -> HostError {
    HostError::new(ErrorKind::Invalid, "read the offset of the save", why)
}
