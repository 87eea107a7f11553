//! libxl's JSON, as `xl create -n` and `xl list -l` print a config.

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use crate::domain::DomainConfig;

/// The config as libxl prints it: its names, its order, four spaces a level.
///
/// # Errors
/// None that a config of this type could cause.
pub fn write(config: &DomainConfig) -> Result<String, serde_json::Error> {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, PrettyFormatter::with_indent(b"    "));
    config.serialize(&mut serializer)?;
    out.push(b'\n');
    String::from_utf8(out).map_err(serde::ser::Error::custom)
}
