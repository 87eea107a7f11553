//! The clocks requested in domain XML for guests that another toolstack starts: from libvirt's own directory or from
//! xenclock's.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use timers::GuestClock;
use uuid::Uuid;

use crate::assess::Target;
use crate::convert::lower;
use crate::diag::Errors;
use crate::files::read_regular;
use crate::xml;

/// libvirt's persistent configs of Xen's domains, and the directory for XML that no libvirt has.
pub const DIRECTORIES: [&str; 2] = ["/etc/xenclock/domains", "/etc/libvirt/libxl"];

/// A domain XML's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct XmlRequest {
    /// Word for word.
    pub clock: GuestClock,
    /// The file.
    pub path: PathBuf,
}

/// The XML files of some directories, read again when they change.
#[derive(Debug, Default)]
pub struct XmlRequests {
    dirs: Vec<PathBuf>,
    read: BTreeMap<PathBuf, Read>,
}

#[derive(Debug)]
struct Read {
    stamp: Option<(SystemTime, u64)>,
    says: Result<Says, XmlRequestError>,
}

/// Why a domain XML cannot be used.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum XmlRequestError {
    /// The file cannot be read.
    Io {
        /// The file.
        path: PathBuf,
        /// The file system's error.
        error: Arc<io::Error>,
    },
    /// The file is no domain XML, or no domain starts with its clock.
    Invalid {
        /// The file.
        path: PathBuf,
        /// The faults and their places.
        error: Errors,
    },
}

impl fmt::Display for XmlRequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            XmlRequestError::Io { path, error } => write!(f, "{}: {error}", path.display()),
            XmlRequestError::Invalid { path, error } => {
                write!(f, "{}: {}", path.display(), error.first().finding.reason)
            }
        }
    }
}

impl std::error::Error for XmlRequestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            XmlRequestError::Io { error, .. } => Some(&**error),
            XmlRequestError::Invalid { error, .. } => Some(error),
        }
    }
}

#[derive(Debug)]
struct Says {
    uuid: Option<Uuid>,
    name: String,
    clock: GuestClock,
}

impl XmlRequests {
    /// Reads these directories; the first one takes precedence.
    #[must_use]
    pub fn in_dirs(dirs: Vec<PathBuf>) -> Self {
        XmlRequests { dirs, read: BTreeMap::new() }
    }

    /// The clock in a domain's XML: the file with its UUID, else one with its name and no UUID.
    ///
    /// # Errors
    /// When a file named after the domain cannot be understood, or a directory that is there cannot be read: either would
    /// otherwise be taken for none.
    pub fn of(&mut self, uuid: Uuid, name: &str) -> Result<Option<XmlRequest>, XmlRequestError> {
        let (files, unread) = self.files();
        self.read.retain(|path, _| files.contains(path));
        for path in &files {
            let stamp = stamp(path);
            let known = self.read.get(path).is_some_and(|read| stamp.is_some() && read.stamp == stamp);
            if !known {
                self.read.insert(path.clone(), Read { stamp, says: read(path) });
            }
        }
        let says = |wanted: &dyn Fn(&Says) -> bool| {
            files.iter().find_map(|path| match &self.read.get(path)?.says {
                Ok(says) if wanted(says) => {
                    Some(XmlRequest { clock: says.clock.clone(), path: path.clone() })
                }
                _ => None,
            })
        };
        let found = says(&|says| says.uuid == Some(uuid))
            .or_else(|| says(&|says| says.uuid.is_none() && says.name == name));
        let broken = files.iter().filter(|path| path.file_stem().is_some_and(|stem| stem == name));
        let trouble = broken.filter_map(|path| self.read.get(path)?.says.as_ref().err()).next();
        match (found, trouble.or(unread.as_ref())) {
            (None, Some(why)) => Err(why.clone()),
            (found, _) => Ok(found),
        }
    }

    /// The files, and why not all of them are known.
    fn files(&self) -> (Vec<PathBuf>, Option<XmlRequestError>) {
        let (mut files, mut unread) = (Vec::new(), None);
        for dir in &self.dirs {
            let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            let entries = entries.unwrap_or_else(|error| {
                if error.kind() != io::ErrorKind::NotFound {
                    unread = Some(XmlRequestError::Io { path: dir.clone(), error: Arc::new(error) });
                }
                Vec::new()
            });
            let paths = entries.into_iter().map(|entry| entry.path());
            let mut here: Vec<_> =
                paths.filter(|path| path.extension().is_some_and(|end| end == "xml")).collect();
            here.sort();
            files.append(&mut here);
        }
        (files, unread)
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

fn read(path: &Path) -> Result<Says, XmlRequestError> {
    let invalid = |error| XmlRequestError::Invalid { path: path.to_owned(), error };
    let bytes = read_regular(path, xml::MAX_BYTES as u64)
        .map_err(|error| XmlRequestError::Io { path: path.to_owned(), error: Arc::new(error) })?;
    let mut input = xml::read(&path.display().to_string(), &bytes).map_err(invalid)?;
    lower(&mut input, Target::Start).map_err(invalid)?;
    let info = &input.domain.config.c_info;
    Ok(Says {
        uuid: info.uuid,
        name: input.domain.config.name().to_owned(),
        clock: input.domain.clock.clone(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tempfile::TempDir;
    use timers::{Adjustment, Basis, ClockOffset};

    use super::*;

    const UUID: Uuid = Uuid::from_u128(0x6ba7_b810_9dad_41d1_80b4_00c0_4fd4_30c8);
    const OTHER: Uuid = Uuid::from_u128(0x0f1e_2d3c_4b5a_4697_8877_6655_4433_2211);

    fn xml(name: &str, uuid: Option<Uuid>, clock: &str) -> String {
        let uuid = uuid.map_or_else(String::new, |uuid| format!("<uuid>{uuid}</uuid>"));
        format!(
            "<domain type='xen'><name>{name}</name>{uuid}<memory unit='MiB'>64</memory><os><type>hvm</type></os>\
             <clock {clock}/></domain>"
        )
    }

    fn seconds(found: Option<XmlRequest>) -> i64 {
        match found.unwrap().clock.offset {
            ClockOffset::Variable { adjustment, basis: Basis::Utc } => adjustment,
            other => panic!("{other:?}"),
        }
    }

    fn variable(seconds: i64) -> String {
        format!("offset='variable' adjustment='{seconds}' basis='utc'")
    }

    #[test]
    fn a_directory_that_cannot_be_read_is_not_taken_for_an_empty_one() {
        let dir = TempDir::new().unwrap();
        let (gone, file) = (dir.path().join("gone"), dir.path().join("file"));
        fs::write(&file, "").unwrap();
        assert!(XmlRequests::in_dirs(vec![gone.clone()]).of(UUID, "guest").unwrap().is_none());
        let why = XmlRequests::in_dirs(vec![gone, file.clone()]).of(UUID, "guest").unwrap_err().to_string();
        assert!(why.starts_with(&format!("{}: ", file.display())), "{why}");
        fs::write(dir.path().join("guest.xml"), xml("guest", None, &variable(5))).unwrap();
        let found = XmlRequests::in_dirs(vec![file, dir.path().to_owned()]).of(UUID, "guest").unwrap();
        assert_eq!(seconds(found), 5);
    }

    #[test]
    fn the_uuid_is_what_counts_and_without_one_the_name() {
        let dir = TempDir::new().unwrap();
        let put = |file: &str, text: String| fs::write(dir.path().join(file), text).unwrap();
        put("a.xml", xml("guest", Some(OTHER), &variable(1)));
        put("b.xml", xml("renamed", Some(UUID), &variable(2)));
        put("c.xml", xml("guest", None, &variable(3)));
        put("d.xml.bak", xml("unread", None, &variable(4)));
        let mut requests = XmlRequests::in_dirs(vec![dir.path().to_owned(), dir.path().join("nowhere")]);
        assert_eq!(seconds(requests.of(UUID, "guest").unwrap()), 2);
        assert_eq!(seconds(requests.of(OTHER, "whatever").unwrap()), 1);
        let nobody = Uuid::nil();
        let by_name = requests.of(nobody, "guest").unwrap().unwrap();
        assert_eq!(by_name.path, dir.path().join("c.xml"));
        // The file names the domain if another one has the same name.
        assert_eq!(requests.of(nobody, "renamed").unwrap(), None);
        assert_eq!(requests.of(nobody, "unread").unwrap(), None);
    }

    #[test]
    fn the_first_directory_comes_before_the_others() {
        let (ours, libvirts) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        fs::write(libvirts.path().join("a.xml"), xml("guest", Some(UUID), &variable(1))).unwrap();
        fs::write(ours.path().join("z.xml"), xml("guest", Some(UUID), &variable(2))).unwrap();
        let mut requests = XmlRequests::in_dirs(vec![ours.path().to_owned(), libvirts.path().to_owned()]);
        assert_eq!(seconds(requests.of(UUID, "guest").unwrap()), 2);
        fs::remove_file(ours.path().join("z.xml")).unwrap();
        assert_eq!(seconds(requests.of(UUID, "guest").unwrap()), 1);
    }

    #[test]
    fn libvirts_own_file_is_read_and_read_again_when_it_changes() {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("guest.xml");
        let header = "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE\nOVERWRITTEN AND LOST. \
                      Changes to this xml configuration should be made using:\n  virsh edit guest\n-->\n\n";
        let put =
            |clock: &str| fs::write(&file, header.to_owned() + &xml("guest", Some(UUID), clock)).unwrap();
        let mut requests = XmlRequests::in_dirs(vec![dir.path().to_owned()]);
        assert_eq!(requests.of(UUID, "guest").unwrap(), None);
        put("offset='localtime' adjustment='reset'");
        let found = requests.of(UUID, "guest").unwrap().unwrap();
        assert_eq!(found.clock.offset, ClockOffset::Localtime { adjustment: Some(Adjustment::Reset) });
        // A file of another length, and one of the same length at another time.
        for number in [1, 20, 21] {
            put(&variable(number));
            let later = SystemTime::now() + std::time::Duration::from_secs(number.unsigned_abs());
            fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
            assert_eq!(seconds(requests.of(UUID, "guest").unwrap()), number);
        }
        fs::remove_file(&file).unwrap();
        assert_eq!(requests.of(UUID, "guest").unwrap(), None);
    }

    #[test]
    fn a_broken_file_is_an_error_for_its_own_domain_only() {
        let dir = TempDir::new().unwrap();
        let put = |file: &str, text: &str| fs::write(dir.path().join(file), text).unwrap();
        put("good.xml", &xml("good", Some(UUID), &variable(7)));
        for broken in ["", "<domain", "<network/>", &xml("broken", None, "offset='never'")] {
            put("broken.xml", broken);
            let mut requests = XmlRequests::in_dirs(vec![dir.path().to_owned()]);
            assert_eq!(seconds(requests.of(UUID, "good").unwrap()), 7);
            let error = requests.of(OTHER, "broken").unwrap_err();
            assert!(std::error::Error::source(&error).is_some(), "{error:?}");
            let why = error.to_string();
            assert!(why.starts_with(&format!("{}: ", dir.path().join("broken.xml").display())), "{why}");
            assert_eq!(requests.of(OTHER, "another").unwrap(), None);
            // Nothing is missing if another file names it.
            put("other.xml", &xml("broken", Some(OTHER), &variable(8)));
            assert_eq!(seconds(requests.of(OTHER, "broken").unwrap()), 8);
            fs::remove_file(dir.path().join("other.xml")).unwrap();
        }
        // A FIFO that nobody writes into holds nothing up, nor does a device that never ends.
        for make in ["fifo", "zero"] {
            let _ = fs::remove_file(dir.path().join("broken.xml"));
            match make {
                "fifo" => {
                    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
                    rustix::fs::mknodat(rustix::fs::CWD, dir.path().join("broken.xml"), kind, mode, 0)
                        .unwrap();
                }
                _ => std::os::unix::fs::symlink("/dev/zero", dir.path().join("broken.xml")).unwrap(),
            }
            let mut requests = XmlRequests::in_dirs(vec![dir.path().to_owned()]);
            assert_eq!(seconds(requests.of(UUID, "good").unwrap()), 7);
            assert!(
                requests.of(OTHER, "broken").unwrap_err().to_string().contains("expected a regular file")
            );
        }
        fs::remove_file(dir.path().join("broken.xml")).unwrap();
        let mut requests = XmlRequests::in_dirs(vec![dir.path().to_owned()]);
        fs::File::create(dir.path().join("broken.xml")).unwrap().set_len(xml::MAX_BYTES as u64 + 1).unwrap();
        let error = requests.of(OTHER, "broken").unwrap_err().to_string();
        assert!(error.contains("it is longer than 33554432 bytes"), "{error}");
    }
}
