//! What a domain is to have that another toolstack starts and that nobody spoke of: its domain XML, in libvirt's own
//! directory or in one of ours.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use timers::GuestClock;
use uuid::Uuid;

use crate::convert::lower;
use crate::judge::Target;
use crate::xml;

/// libvirt's persistent configs of Xen's domains, and the directory for XML that no libvirt has.
pub const DIRECTORIES: [&str; 2] = ["/etc/xenclock/domains", "/etc/libvirt/libxl"];

/// More than any domain XML has.
const LONGEST: u64 = 4 << 20;

/// A domain XML's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlWish {
    /// Word for word.
    pub clock: GuestClock,
    /// Where it stands.
    pub path: PathBuf,
}

/// The XML files of some directories, read again when they change.
#[derive(Debug, Default)]
pub struct Wishes {
    dirs: Vec<PathBuf>,
    read: BTreeMap<PathBuf, Read>,
}

#[derive(Debug)]
struct Read {
    stamp: Option<(SystemTime, u64)>,
    says: Result<Says, String>,
}

#[derive(Debug)]
struct Says {
    uuid: Option<Uuid>,
    name: String,
    clock: GuestClock,
}

impl Wishes {
    /// Of these directories, the first before the others.
    #[must_use]
    pub fn in_dirs(dirs: Vec<PathBuf>) -> Self {
        Wishes { dirs, read: BTreeMap::new() }
    }

    /// What a domain's XML says: the one with its UUID, else one without a UUID that has its name.
    ///
    /// # Errors
    /// When a file named after the domain cannot be understood, which would otherwise be taken for none.
    pub fn of(&mut self, uuid: Uuid, name: &str) -> Result<Option<XmlWish>, String> {
        let files = self.files();
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
                Ok(says) if wanted(says) => Some(XmlWish { clock: says.clock.clone(), path: path.clone() }),
                _ => None,
            })
        };
        let found = says(&|says| says.uuid == Some(uuid))
            .or_else(|| says(&|says| says.uuid.is_none() && says.name == name));
        let broken = files.iter().filter(|path| path.file_stem().is_some_and(|stem| stem == name));
        let trouble = broken.filter_map(|path| self.read.get(path)?.says.as_ref().err()).next();
        match (found, trouble) {
            (None, Some(why)) => Err(why.clone()),
            (found, _) => Ok(found),
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for dir in &self.dirs {
            let mut here: Vec<_> = fs::read_dir(dir)
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.extension().is_some_and(|end| end == "xml"))
                .collect();
            here.sort();
            files.append(&mut here);
        }
        files
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

fn read(path: &Path) -> Result<Says, String> {
    let place = path.display().to_string();
    let said = |diagnostic: &crate::diag::Diagnostic| {
        let finding = &diagnostic.finding;
        format!("{place}: {}", finding.reason)
    };
    if fs::metadata(path).map_err(|error| format!("{place}: {error}"))?.len() > LONGEST {
        return Err(format!("{place}: more than {LONGEST} bytes, which is no domain XML"));
    }
    let bytes = fs::read(path).map_err(|error| format!("{place}: {error}"))?;
    let mut input = xml::read(&place, &bytes).map_err(|invalid| said(&invalid))?;
    lower(&mut input, Target::Start).map_err(|invalid| said(&invalid))?;
    let info = &input.domain.config.c_info;
    Ok(Says {
        uuid: info.uuid.as_deref().and_then(|text| Uuid::try_parse(text).ok()),
        name: input.domain.config.name().to_owned(),
        clock: input.domain.clock.clone(),
    })
}
