//! The header before a guest's stream, as it is read: libxl's config, the clock record and the sender.

use crate::domain::{DomainConfig, entries};
use crate::host::{ErrorKind, HostError, Result};
use crate::lifecycle::ClockRecord;
use crate::preflight::Sender;
use crate::xl::savefile::Header;

/// The operation that restores a guest, for messages.
pub(super) const RESTORE: &str = "restore the domain";

/// The field of the sender in our part of a header, beside the fields of the record.
pub(super) const SENDER: &str = "sender";

/// True if a record is longer than one that is kept may be: the other side could not keep it either.
pub(super) fn is_too_long(record: &ClockRecord) -> bool {
    record.to_bytes().len() as u64 > ClockRecord::MAX_BYTES
}

/// The config that came with a guest.
///
/// # Errors
/// When it is none of libxl's.
pub fn config_in(header: &Header) -> Result<DomainConfig> {
    let invalid = |why: String| HostError::new(ErrorKind::Invalid, RESTORE, why);
    let json = header.config_json().map_err(|error| invalid(format!("the file {error}")).caused_by(error))?;
    entries::check(json.as_bytes())
        .map_err(|error| invalid(format!("the config in it is refused: {error}")).caused_by(error))?;
    serde_json::from_str(json)
        .map_err(|error| invalid(format!("the config in it is not libxl's: {error}")).caused_by(error))
}

/// The host that a guest has left, where xenclock saved or sent it.
#[must_use]
pub fn sender_in(header: &Header) -> Option<Sender> {
    let ours = header.ours.as_ref().filter(|ours| ours.len() as u64 <= ClockRecord::MAX_BYTES)?;
    let ours: serde_json::Value = serde_json::from_slice(ours).ok()?;
    serde_json::from_value(ours.get(SENDER)?.clone()).ok()
}
