//! The time zone of a machine.

use std::error::Error;
use std::path::Path;

use timers::zone::{HostZones, Meant, Zone, ZoneError, ZoneSource, default_zones, suggest};

use super::{ErrorKind, HostError, Result};
use crate::files::read_regular;

/// No zone's file has more bytes.
const LONGEST: u64 = 1 << 20;

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
pub(crate) fn zone_below(root: &Path, tz: Option<&str>) -> Result<Zone> {
    let doing = "find this machine's time zone";
    let failed = |why: String| HostError::new(ErrorKind::Io, doing, why);
    if let Some(word) = tz.map(|tz| tz.trim_start_matches(':')).filter(|tz| !tz.is_empty()) {
        return of_word_below(root, word)
            .map_err(|error| failed(format!("TZ: {}", error.detail)).caused_by(error));
    }
    let file = root.join("etc/localtime");
    if let Some(name) = link_name(&file) {
        match named(root, &name) {
            Ok(zone) => return Ok(zone),
            // The C library takes UTC for a link that leads nowhere, without a word.
            Err(error) if !file.exists() => return Err(unread(doing, &file, error)),
            Err(_) => {}
        }
    }
    match read_regular(&file, LONGEST) {
        Ok(bytes) => {
            let name = name_of(root, &bytes).unwrap_or_else(|| LOCALTIME.to_owned());
            Zone::from_tzif(name, &bytes).map_err(|error| unread(doing, &file, error))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Zone::utc()),
        Err(error) => Err(unread(doing, &file, error)),
    }
}

fn unread(doing: &str, file: &Path, error: impl Error + Send + Sync + 'static) -> HostError {
    HostError::new(ErrorKind::Io, doing, format!("{}: {error}", file.display())).caused_by(error)
}

/// A zone without a name in the database has its file's.
const LOCALTIME: &str = "/etc/localtime";

/// The name in `/etc/timezone`, where the database's zone of that name is the one in `/etc/localtime`. The C library reads
/// only the latter, and a tool that changes that one may leave an old name in the other.
fn name_of(root: &Path, localtime: &[u8]) -> Option<String> {
    let name = String::from_utf8(read_regular(&root.join("etc/timezone"), LONGEST).ok()?).ok()?;
    let name = name.trim();
    let is_plain = !name.is_empty() && !name.starts_with(['/', '.']) && !name.contains("..");
    let same =
        || std::fs::read(root.join("usr/share/zoneinfo").join(name)).ok().as_deref() == Some(localtime);
    (is_plain && same()).then(|| name.to_owned())
}

/// The zone of a word as in `TZ`: a name of the tz database, a POSIX rule or the path of a TZif file.
///
/// # Errors
/// When it is none of them, or the file holds no zone.
pub fn of_word(word: &str) -> Result<Zone> {
    of_word_below(Path::new("/"), word)
}

fn of_word_below(root: &Path, word: &str) -> Result<Zone> {
    if word.starts_with('/') {
        return from_file_below(root, Path::new(word));
    }
    named(root, word).or_else(|unknown| {
        Zone::from_posix(word).map_err(|bad| {
            let why = why_none(&unknown, &bad, &HostZones::new(root.join("usr/share/zoneinfo")));
            HostError::new(ErrorKind::Io, "find a time zone", why).caused_by(unknown)
        })
    })
}

/// Why a word is no zone, with everything that could stand there, and what was probably meant.
fn why_none(unknown: &ZoneError, bad: &ZoneError, zones: &dyn ZoneSource) -> String {
    let ZoneError::Unknown(word) = unknown else { return unknown.to_string() };
    let mut why =
        format!("{unknown}, a POSIX rule such as 'CET-1CEST,M3.5.0,M10.5.0/3', or the path of a TZif file");
    if let ZoneError::BadRule { reason, .. } = bad
        && word.contains(|c: char| c.is_ascii_digit())
    {
        why.push_str(&format!("; as a rule: {reason}"));
    }
    match suggest(word, zones) {
        Some(meant @ (Meant::Zones(_) | Meant::Offset { zone: Some(_), .. })) => {
            format!("{why}; instead: {meant}")
        }
        _ => why,
    }
}

fn from_file_below(root: &Path, file: &Path) -> Result<Zone> {
    let failed = |why: String| HostError::new(ErrorKind::Io, "read a time zone", why);
    let name = file.display().to_string();
    let path = root.join(file.strip_prefix("/").unwrap_or(file));
    let bytes =
        read_regular(&path, LONGEST).map_err(|error| failed(format!("{name}: {error}")).caused_by(error))?;
    Zone::from_tzif(name, &bytes).map_err(|error| match &error {
        // It need not be a file of package tzdata.
        ZoneError::Unreadable { name, reason } => {
            failed(format!("{name}: {reason}, expected a TZif file, as those below /usr/share/zoneinfo"))
                .caused_by(error)
        }
        _ => failed(error.to_string()).caused_by(error),
    })
}

/// A zone of the machine's database, or of the program's own. UTC needs neither.
fn named(root: &Path, name: &str) -> std::result::Result<Zone, ZoneError> {
    let host = HostZones::new(root.join("usr/share/zoneinfo"));
    host.zone(name).or_else(|error| match name {
        "UTC" | "Etc/UTC" => Ok(Zone::utc()),
        _ => default_zones().zone(name).map_err(|_| error),
    })
}

/// The zone's name that a link into a zoneinfo directory ends in.
fn link_name(file: &Path) -> Option<String> {
    let target = std::fs::read_link(file).ok()?;
    let target = target.to_str()?;
    let (_, name) = target.split_once("zoneinfo/")?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_error_keeps_the_one_it_comes_from() {
        let error = of_word("/nowhere/zone").unwrap_err();
        let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>()).unwrap();
        assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
        assert!(error.to_string().ends_with(&source.to_string()), "{error}");
    }

    /// The smallest TZif file: version 1, one type, UTC+01:00.
    fn tzif() -> Vec<u8> {
        let mut file = b"TZif".to_vec();
        file.extend([0; 16]);
        for count in [0_u32, 0, 0, 0, 1, 4] {
            file.extend(count.to_be_bytes());
        }
        file.extend([0, 0, 0x0e, 0x10, 0, 0]);
        file.extend(b"AAA\0");
        file
    }

    /// A root directory with a database of one zone that no other database has.
    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc")).unwrap();
        fs::create_dir_all(root.path().join("usr/share/zoneinfo/Mars")).unwrap();
        fs::write(root.path().join("usr/share/zoneinfo/Mars/Olympus"), tzif()).unwrap();
        root
    }

    fn name(root: &Path, tz: Option<&str>) -> String {
        zone_below(root, tz).unwrap().name().to_owned()
    }

    #[test]
    fn nothing_at_all_is_utc() {
        assert_eq!(name(root().path(), None), "UTC");
        assert_eq!(name(root().path(), Some("")), "UTC");
        assert_eq!(name(root().path(), Some(":")), "UTC");
        machine_zone().unwrap();
    }

    #[test]
    fn a_link_gives_the_name() {
        for target in ["../usr/share/zoneinfo/Mars/Olympus", "/usr/share/zoneinfo/Mars/Olympus"] {
            let root = root();
            symlink(target, root.path().join("etc/localtime")).unwrap();
            assert_eq!(name(root.path(), None), "Mars/Olympus", "{target}");
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_is_not_taken_for_utc() {
        let root = root();
        symlink("/usr/share/zoneinfo/Mars/Nowhere", root.path().join("etc/localtime")).unwrap();
        let error = zone_below(root.path(), None).unwrap_err();
        assert!(error.detail.contains("Mars/Nowhere"), "{error}");
        fs::remove_file(root.path().join("etc/localtime")).unwrap();
        symlink("/nowhere/zoneinfo/Etc/UTC", root.path().join("etc/localtime")).unwrap();
        assert_eq!(name(root.path(), None), "UTC");
    }

    #[test]
    fn a_file_has_its_name_elsewhere() {
        let root = root();
        fs::write(root.path().join("etc/localtime"), tzif()).unwrap();
        assert_eq!(name(root.path(), None), "/etc/localtime");
        for other in ["Mars/Nowhere", "", "../usr/share/zoneinfo/Mars/Olympus", "/etc/localtime"] {
            fs::write(root.path().join("etc/timezone"), other).unwrap();
            assert_eq!(name(root.path(), None), "/etc/localtime", "{other}");
        }
        fs::write(root.path().join("etc/timezone"), "Mars/Olympus\n").unwrap();
        let zone = zone_below(root.path(), None).unwrap();
        assert_eq!(zone.name(), "Mars/Olympus");
        assert_eq!(zone.offset_at("2026-01-01T00:00:00Z".parse().unwrap()).unwrap().seconds(), 3600);
        // The machine was moved, and the name is of where it was before.
        let mut moved = tzif();
        let last = moved.len() - 8;
        moved[last] = 0x1c;
        fs::write(root.path().join("etc/localtime"), &moved).unwrap();
        assert_eq!(name(root.path(), None), "/etc/localtime");
        fs::write(root.path().join("etc/localtime"), "no zone").unwrap();
        assert!(zone_below(root.path(), None).unwrap_err().detail.contains("etc/localtime"));
    }

    #[test]
    fn tz_comes_first() {
        let root = root();
        fs::write(root.path().join("etc/localtime"), tzif()).unwrap();
        for (tz, expected) in [
            ("Mars/Olympus", "Mars/Olympus"),
            (":Mars/Olympus", "Mars/Olympus"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "CET-1CEST,M3.5.0,M10.5.0/3"),
            ("UTC", "UTC"),
            (":/etc/localtime", "/etc/localtime"),
        ] {
            assert_eq!(name(root.path(), Some(tz)), expected, "{tz}");
        }
        fs::write(root.path().join("etc/junk"), "no zone").unwrap();
        let anything = "expected a name of the tz database such as 'Europe/Paris', a POSIX rule such as \
                        'CET-1CEST,M3.5.0,M10.5.0/3', or the path of a TZif file";
        for (tz, why) in [
            ("Mars/Nowhere", format!("unknown time zone 'Mars/Nowhere', {anything}")),
            ("mars/olympus", format!("{anything}; instead: write 'Mars/Olympus'")),
            ("A-1", format!("{anything}; as a rule: the abbreviation 'A' has fewer than three characters")),
            ("/etc/nowhere", "/etc/nowhere: ".to_owned()),
            ("/etc/junk", "/etc/junk: ".to_owned()),
            ("../etc/localtime", String::new()),
        ] {
            let error = zone_below(root.path(), Some(tz)).unwrap_err();
            assert!(error.detail.starts_with("TZ: ") && error.detail.contains(&why), "{error}");
            assert!(!error.detail.contains("reinstall"), "{error}");
        }
    }
}
