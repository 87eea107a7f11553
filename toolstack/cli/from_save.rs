//! `clock-set --from-save`: requests the offset that a guest has in a save file.

use std::fs::File;
use std::path::Path;

use timers::{Basis, ClockOffset};
use uuid::Uuid;

use super::args::Global;
use super::output::{self, Failure};
use xenclock::diag::shown;
use xenclock::host::{Host, HostFacts};
use xenclock::tracking::saved_offset::saved_offset;
use xenclock::xl::savefile::Header;

/// The offset in the file. The save of another guest takes force.
pub(super) fn offset(
    global: &Global,
    host: &dyn Host,
    facts: &HostFacts,
    path: &Path,
    uuid: Uuid,
) -> Result<ClockOffset, Failure> {
    let file = path.display();
    let mut stream = File::open(path).map_err(|error| Failure::Error(format!("{file}: {error}")))?;
    let header = Header::read(&mut stream).map_err(|error| Failure::Error(format!("{file}: {error}")))?;
    let saved = saved_offset(host, &header, &mut stream, facts)
        .map_err(|error| Failure::Error(format!("{file}: {error}")))?;
    if saved.uuid != Some(uuid) {
        let whose = match saved.uuid {
            Some(other) => {
                format!("is the save file of another guest, '{}' with UUID {other}", shown(&saved.name))
            }
            None => "does not say which guest was saved".to_owned(),
        };
        if !global.force {
            return Err(Failure::Error(format!("{file} {whose}; -f uses its offset anyway")));
        }
        output::message(&format!("xenclock: warning: {file} {whose}"));
    }
    if let Some(why) = &saved.warning {
        output::message(&format!("xenclock: warning: {file}: {why}"));
    }
    output::message(&format!(
        "xenclock: {} ({} s) is from {}",
        saved.offset,
        saved.offset.seconds(),
        saved.source.as_str()
    ));
    Ok(ClockOffset::Variable { adjustment: saved.offset.seconds().into(), basis: Basis::Utc })
}
