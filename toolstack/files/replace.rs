//! Replaces files atomically.
//!
//! The new content goes into a file without a name (`O_TMPFILE`), which the kernel removes when the process ends for
//! whatever reason; the file gets its name when it is complete. On a file system without such files, the new file has a
//! temporary name and its writer keeps it locked. The lock distinguishes the files of a killed writer from those being
//! written, and [`sweep`] removes the former.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use uuid::Uuid;

use super::read::open_with;

/// A FIFO waits this long for a reader.
const READER_LIMIT: Duration = Duration::from_secs(5);
const NO_READER: i32 = rustix::io::Errno::NXIO.raw_os_error();

/// How the name of a file begins that is not complete yet.
const UNFINISHED: &str = ".xenclock-new-";

/// How such names began in version 0.1.0.
const OLD_UNFINISHED: [&str; 2] = [".xenclock-save-", ".xenclock-mock-"];

/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// The permissions of the new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Its owner alone.
    Private,
    /// Whoever could before; of a new file whom the umask lets.
    AsBefore,
}

/// A file's new content, on its way into the place of the old one.
#[derive(Debug)]
pub struct Replacement {
    file: File,
    to: PathBuf,
    place: Place,
}

/// The place of the content until it is complete.
#[derive(Debug)]
enum Place {
    /// In the file itself: a device or a FIFO cannot be replaced.
    Direct,
    /// In a file without a name.
    Unnamed,
    /// In a file of this name.
    Named(PathBuf),
}

impl Replacement {
    /// Begins to write the file of this name, or the file that a symbolic link leads to. What killed writers have left
    /// beside it is removed.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn begin(path: &Path, access: Access) -> io::Result<Self> {
        let replacement = begin(path, access, Method::Any)?;
        sweep(directory(&replacement.to), &[]);
        Ok(replacement)
    }

    /// As [`Replacement::begin`], without a sweep: for directories of many files, whose owner calls [`sweep`].
    ///
    /// # Errors
    /// As [`Replacement::begin`].
    pub fn begin_unswept(path: &Path, access: Access) -> io::Result<Self> {
        begin(path, access, Method::Any)
    }

    /// The new content.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// True if the content can be changed until it is committed: not that of a device or a FIFO.
    #[must_use]
    pub fn can_seek(&self) -> bool {
        !matches!(self.place, Place::Direct)
    }

    /// Puts the file into its place, on disk when this returns.
    ///
    /// # Errors
    /// When that fails; the old file is then in its place as before.
    pub fn commit(self) -> io::Result<File> {
        self.put(true)
    }

    /// As [`Replacement::commit`], but a power failure may take the file.
    ///
    /// # Errors
    /// As [`Replacement::commit`].
    pub fn commit_unsynced(self) -> io::Result<File> {
        self.put(false)
    }

    fn put(mut self, sync: bool) -> io::Result<File> {
        let named = match &self.place {
            Place::Direct => return self.file.try_clone(),
            Place::Unnamed => None,
            Place::Named(path) => Some(path.clone()),
        };
        if sync {
            self.file.sync_all()?;
        }
        match named {
            Some(path) => fs::rename(path, &self.to)?,
            None => match link(&self.file, &self.to) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let path = unfinished(directory(&self.to));
                    link(&self.file, &path)?;
                    self.place = Place::Named(path.clone());
                    fs::rename(path, &self.to)?;
                }
                Err(error) => return Err(error),
            },
        }
        self.place = Place::Direct;
        if sync {
            // Without this the name may lead to the old file again after a power failure.
            File::open(directory(&self.to))?.sync_all()?;
        }
        let file = self.file.try_clone()?;
        file.unlock()?;
        Ok(file)
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Place::Named(path) = &self.place {
            let _ = fs::remove_file(path);
        }
    }
}

/// Opens what is no regular file. A FIFO has some time to get a reader: a process that waits in `open` for one is not ended
/// by a signal that it handles.
fn open_direct(path: &Path) -> io::Result<File> {
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let begun = Instant::now();
    loop {
        match File::options().write(true).custom_flags(nonblocking).open(path) {
            Ok(file) => {
                let flags = rustix::fs::fcntl_getfl(&file)?;
                rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
                return Ok(file);
            }
            Err(error) if error.raw_os_error() == Some(NO_READER) => {
                if begun.elapsed() > READER_LIMIT {
                    return Err(io::Error::new(
                        ErrorKind::TimedOut,
                        "nothing reads this FIFO: start its reader first",
                    ));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) => return Err(error),
        }
    }
}

/// How the content is kept until it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Any,
    #[cfg(test)]
    Named,
}

fn begin(path: &Path, access: Access, method: Method) -> io::Result<Replacement> {
    let before = match fs::metadata(path) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let to = follow_links(path)?;
    let is_there = |before: &Metadata| {
        before.is_file()
            && fs::metadata(&to).is_ok_and(|found| (found.dev(), found.ino()) == (before.dev(), before.ino()))
    };
    if before.as_ref().is_some_and(|before| !is_there(before)) {
        // /dev/fd/3 and its kin lead to no name at all.
        let file = open_direct(path)?;
        return Ok(Replacement { file, to, place: Place::Direct });
    }
    let mode = match access {
        Access::Private => 0o600,
        Access::AsBefore => 0o666,
    };
    let unnamed = if method == Method::Any { unnamed(directory(&to), mode) } else { None };
    let (file, place) = match unnamed {
        Some(file) => (file, Place::Unnamed),
        None => named(directory(&to), mode)?,
    };
    let replacement = Replacement { file, to, place };
    if let (Access::AsBefore, Some(before)) = (access, before) {
        // Only root can give a file away. For others it was theirs already, or becomes theirs.
        let _ = fchown(&replacement.file, Some(before.uid()), Some(before.gid()));
        replacement.file.set_permissions(Permissions::from_mode(before.mode() & 0o777))?;
    }
    Ok(replacement)
}

/// A file without a name, where the file system has such files and can give them a name later.
fn unnamed(dir: &Path, mode: u32) -> Option<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(CWD, dir, flags, Mode::from_raw_mode(mode)).ok()?);
    // It gets a name by the one that it has here.
    fs::metadata(by_number(&file)).ok()?;
    file.try_lock().ok()?;
    Some(file)
}

/// A file with a name that is free, locked.
fn named(dir: &Path, mode: u32) -> io::Result<(File, Place)> {
    loop {
        let path = unfinished(dir);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&path)?;
        // A file system without locks has no sweeps either. A sweep that comes before the lock takes the name away.
        let _ = file.try_lock();
        match fs::metadata(&path) {
            Ok(_) => return Ok((file, Place::Named(path))),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

/// Gives a file without a name this one.
fn link(file: &File, path: &Path) -> io::Result<()> {
    let linked = rustix::fs::linkat(CWD, by_number(file), CWD, path, AtFlags::SYMLINK_FOLLOW);
    linked.map_err(io::Error::from)
}

fn by_number(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn unfinished(dir: &Path) -> PathBuf {
    dir.join(format!("{UNFINISHED}{}", Uuid::new_v4().simple()))
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file that a symbolic link leads to, however many links there are between; it need not exist.
///
/// # Errors
/// When the links lead in a circle.
pub fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&at) {
            Ok(target) => at = directory(&at).join(target),
            // It is no link, or nothing is there.
            Err(_) => return Ok(at),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Removes what writers that were killed have left in a directory: files of the names that unfinished files have, and of
/// names that begin with one of `more`, which no process holds.
pub fn sweep(dir: &Path, more: &[&str]) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let begins = |prefix: &&str| name.as_encoded_bytes().starts_with(prefix.as_bytes());
        if std::iter::once(&UNFINISHED).chain(&OLD_UNFINISHED).chain(more).any(begins) {
            remove_unless_held(&entry.path());
        }
    }
}

fn remove_unless_held(path: &Path) {
    let Ok(file) = open_with(path, OFlags::NOFOLLOW) else { return };
    let is_ours = |found: Metadata| found.uid() == rustix::process::geteuid().as_raw();
    if file.metadata().is_ok_and(is_ours) && file.try_lock().is_ok() {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::{Read, Write};
    use std::os::unix::fs::symlink;

    use super::*;

    const METHODS: [Method; 2] = [Method::Any, Method::Named];

    fn names(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    fn write(path: &Path, access: Access, method: Method, text: &str) {
        let mut replacement = begin(path, access, method).unwrap();
        replacement.file().write_all(text.as_bytes()).unwrap();
        replacement.commit().unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_fifo_without_a_reader_is_not_waited_for_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        rustix::fs::mknodat(CWD, &path, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert_eq!(open_direct(&path).unwrap_err().kind(), ErrorKind::TimedOut);
        let reader = File::options().read(true).write(true).open(&path).unwrap();
        open_direct(&path).unwrap();
        drop(reader);
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        for method in METHODS {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("file");
            write(&path, Access::AsBefore, method, "first");
            fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
            let mut old = File::open(&path).unwrap();
            write(&path, Access::AsBefore, method, "second");
            assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("second", 0o640));
            let mut text = String::new();
            old.read_to_string(&mut text).unwrap();
            assert_eq!(text, "first", "whoever reads the old file goes on with it");
            write(&path, Access::Private, method, "third");
            assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("third", 0o600));
            assert_eq!(names(dir.path()), ["file"]);
            // Nobody else waits for its lock.
            assert!(File::open(&path).unwrap().try_lock().is_ok());
        }
    }

    #[test]
    fn a_file_that_is_not_committed_changes_nothing() {
        for method in METHODS {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("file");
            fs::write(&path, "old").unwrap();
            let mut replacement = begin(&path, Access::AsBefore, method).unwrap();
            replacement.file().write_all(b"new").unwrap();
            assert_eq!(names(dir.path()).len(), if method == Method::Any { 1 } else { 2 });
            drop(replacement);
            assert_eq!(
                (names(dir.path()), fs::read_to_string(&path).unwrap()),
                (vec!["file".into()], "old".into())
            );
        }
    }

    #[test]
    fn a_link_stays_and_the_file_that_it_leads_to_is_replaced() {
        for method in METHODS {
            let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let at = |name: &str| dir.path().join(name);
            symlink("second", at("first")).unwrap();
            symlink(other.path().join("file"), at("second")).unwrap();
            for text in ["new", "newer"] {
                write(&at("first"), Access::AsBefore, method, text);
                assert_eq!(fs::read_to_string(other.path().join("file")).unwrap(), text);
            }
            assert_eq!((names(dir.path()).len(), names(other.path()).len()), (2, 1));
            assert!(fs::read_link(at("first")).is_ok() && fs::read_link(at("second")).is_ok());
            symlink("round", at("round")).unwrap();
            assert!(begin(&at("round"), Access::AsBefore, method).is_err());
        }
    }

    #[test]
    fn a_device_is_written_as_it_is() {
        for path in ["/dev/null", "/dev/full"] {
            let mut replacement = Replacement::begin(Path::new(path), Access::Private).unwrap();
            assert!(!replacement.can_seek());
            assert_eq!(replacement.file().write_all(b"text").is_ok(), path == "/dev/null");
            replacement.commit().unwrap();
            assert!(!fs::metadata(path).unwrap().is_file());
        }
        assert!(Replacement::begin(Path::new("/"), Access::Private).is_err());
    }

    #[test]
    fn a_sweep_takes_what_nobody_holds() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let mut held = begin(&at("file"), Access::Private, Method::Named).unwrap();
        held.file().write_all(b"text").unwrap();
        for left in
            [".xenclock-new-1", ".xenclock-save-x", ".xenclock-mock-x", ".new-x", "file.new", ".other"]
        {
            fs::write(at(left), "left").unwrap();
        }
        symlink("file.new", at(".xenclock-new-link")).unwrap();
        fs::create_dir(at(".xenclock-new-dir")).unwrap();
        sweep(dir.path(), &[".new-"]);
        let Place::Named(name) = &held.place else { panic!("{held:?}") };
        let name = name.file_name().unwrap().to_str().unwrap();
        let left: Vec<_> = names(dir.path()).into_iter().filter(|left| left != name).collect();
        assert!(at(name).exists());
        assert_eq!(left, [".other", ".xenclock-new-dir", ".xenclock-new-link", "file.new"]);
        held.commit().unwrap();
        assert_eq!(fs::read_to_string(at("file")).unwrap(), "text");
        sweep(&at("nowhere"), &[]);
    }
}
