//! The time zone that a machine is in.

use std::path::Path;

use timers::zone::{HostZones, Zone, ZoneSource, default_zones};

use super::{ErrorKind, HostError, Result};

/// The zone of this machine: `TZ` where it is set, else `/etc/localtime`, else UTC.
///
/// # Errors
/// When there is a setting that names no zone, or a file that holds none.
pub fn machine_zone() -> Result<Zone> {
    zone_below(Path::new("/"), std::env::var("TZ").ok().as_deref())
}

/// The zone of the machine whose root directory this is.
///
/// # Errors
/// As [`machine_zone`].
pub fn zone_below(root: &Path, tz: Option<&str>) -> Result<Zone> {
    let doing = "find this machine's time zone";
    let failed = |why: String| HostError::new(ErrorKind::Io, doing, why);
    if let Some(word) = tz.map(|tz| tz.trim_start_matches(':')).filter(|tz| !tz.is_empty()) {
        return default_zones()
            .zone(word)
            .or_else(|unknown| Zone::from_posix(word).map_err(|_| unknown))
            .map_err(|error| failed(format!("TZ: {error}")));
    }
    let file = root.join("etc/localtime");
    let database = HostZones::new(root.join("usr/share/zoneinfo"));
    if let Some(name) = link_name(&file)
        && let Ok(zone) = database.zone(&name)
    {
        return Ok(zone);
    }
    match std::fs::read(&file) {
        Ok(bytes) => {
            let named = std::fs::read_to_string(root.join("etc/timezone")).ok();
            let name = named.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or("localtime");
            Zone::from_tzif(name, &bytes).map_err(|error| failed(format!("{}: {error}", file.display())))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Zone::utc()),
        Err(error) => Err(failed(format!("{}: {error}", file.display()))),
    }
}

/// The zone's name that a link into a zoneinfo directory ends in.
fn link_name(file: &Path) -> Option<String> {
    let target = std::fs::read_link(file).ok()?;
    let target = target.to_str()?;
    let (_, name) = target.split_once("zoneinfo/")?;
    Some(name.to_owned())
}
