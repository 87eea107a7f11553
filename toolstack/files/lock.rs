//! Locks with a limited waiting time, which report their holder.
//!
//! A lock is `flock` on a file. The kernel releases it when its process ends, for whatever reason.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::read::{check, check_unlinked, identity, open_with};

/// Between two looks at a lock that another process holds.
const SHORTEST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// A lock, held as long as this value lives.
#[derive(Debug)]
pub struct FileLock {
    file: Option<File>,
    /// The file is removed with the lock.
    remove: Option<PathBuf>,
}

/// Why a lock is not held.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// The lock file cannot be opened or locked.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Another process holds it.
    #[error("{holder} holds the lock; waited {} s", waited.as_secs())]
    Held {
        /// The holder.
        holder: Holder,
        /// How long this process has waited.
        waited: Duration,
    },
}

/// The process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id and name, where the kernel tells.
    process: Option<(u32, String)>,
}

impl Holder {
    /// The process that holds `fcntl`'s lock on a file.
    #[must_use]
    pub fn of_fcntl(file: &File) -> Self {
        file.metadata().map_or(Holder { process: None }, |found| holder("POSIX", identity(&found)))
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            // One of another container may have no name here.
            Some((pid, name)) if name.is_empty() => write!(f, "process {pid}"),
            Some((pid, name)) => write!(f, "process {pid} ({name})"),
            None => f.write_str("another process"),
        }
    }
}

impl FileLock {
    /// Locks the file of this name, which is made where it is missing, waiting at most `limit`.
    ///
    /// # Errors
    /// When the file cannot be opened, is no regular file but a link, say, or is locked all the time.
    pub fn wait(path: &Path, limit: Duration) -> Result<Self, LockError> {
        wait(path, limit, &|| open(path))
    }

    /// As [`FileLock::wait`], of a file that is opened in the caller's way.
    ///
    /// # Errors
    /// As [`FileLock::wait`].
    pub fn wait_opened(
        path: &Path,
        limit: Duration,
        open: &dyn Fn() -> io::Result<File>,
    ) -> Result<Self, LockError> {
        wait(path, limit, open)
    }

    /// Locks the file of this name if nobody holds it.
    ///
    /// # Errors
    /// When the file cannot be opened or locked.
    pub fn attempt(path: &Path) -> io::Result<Option<Self>> {
        match wait(path, Duration::ZERO, &|| open(path)) {
            Ok(lock) => Ok(Some(lock)),
            Err(LockError::Held { .. }) => Ok(None),
            Err(LockError::Io(error)) => Err(error),
        }
    }

    /// No lock at all, where there is nobody to share anything with.
    #[must_use]
    pub fn none() -> Self {
        FileLock { file: None, remove: None }
    }

    /// The file is removed when the lock is given back.
    #[must_use]
    pub fn removing(mut self, path: &Path) -> Self {
        self.remove = Some(path.to_owned());
        self
    }

    /// The file is not removed with the lock.
    pub fn keep(&mut self) {
        self.remove = None;
    }

    /// The locked file.
    #[must_use]
    pub fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// True if a process holds the lock of this file.
    ///
    /// # Errors
    /// When the file is there and cannot be opened.
    pub fn is_held(path: &Path) -> io::Result<bool> {
        match open_with(path, OFlags::NOFOLLOW) {
            Ok(file) => Ok(matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // While it is locked: a process that waits for the lock then sees that the name leads elsewhere, and opens it anew.
        if let Some(path) = &self.remove {
            let _ = fs::remove_file(path);
        }
        // Closing the file is not enough: a process that was forked meanwhile, by libxl perhaps, has it as well.
        if let Some(file) = self.file.take() {
            let _ = file.unlock();
        }
    }
}

/// On a file system that is full or read-only a lock file that exists still opens for reading, which is enough.
fn open(path: &Path) -> io::Result<File> {
    check_unlinked(path)?;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path)
        .or_else(|error| open_with(path, OFlags::NOFOLLOW).map_err(|_| error))?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// The lock goes with the file, not with its name. It counts only when the name leads to the file that is locked.
fn wait(path: &Path, limit: Duration, open: &dyn Fn() -> io::Result<File>) -> Result<FileLock, LockError> {
    let begun = Instant::now();
    loop {
        let file = open()?;
        let mark = identity(&file.metadata()?);
        let left = limit.saturating_sub(begun.elapsed());
        match lock_within(file, left)? {
            Some(file) if leads_to(path, mark)? => return Ok(FileLock { file: Some(file), remove: None }),
            Some(_) => {}
            None => return Err(LockError::Held { holder: holder("FLOCK", mark), waited: begun.elapsed() }),
        }
    }
}

/// The locked file, or `None` when it stays locked by another. flock itself knows no limit, and a thread that waits in it
/// would get the lock after the limit, and have it for a moment.
fn lock_within(file: File, limit: Duration) -> io::Result<Option<File>> {
    let begun = Instant::now();
    let mut pause = SHORTEST_PAUSE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let left = limit.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(None);
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The identity of a file.
type Mark = (u64, u64);

fn leads_to(path: &Path, file: Mark) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(named) => Ok(identity(&named) == file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The holder of a lock of this kind, by the kernel's word for it.
fn holder(kind: &str, (device, inode): Mark) -> Holder {
    let table = || fs::read_to_string("/proc/locks").unwrap_or_default();
    // A table that changes while it is read may lack a line.
    let pid = (0..5).find_map(|_| holder_in(&table(), kind, device, inode));
    let name =
        |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
    Holder { process: pid.map(|pid| (pid, name(pid))) }
}

/// The process that the kernel's table names. Some file systems give another device number there than to `stat`.
fn holder_in(locks: &str, kind: &str, device: u64, inode: u64) -> Option<u32> {
    // 1: FLOCK  ADVISORY  WRITE 708 fe:00:23 0 EOF
    let held = locks.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [_, word, _, _, pid, place, ..] = words[..] else { return None };
        if word != kind {
            return None;
        }
        let mut place = place.split(':');
        let (major, minor) = (place.next()?, place.next()?);
        let numbers = (u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?);
        (place.next()?.parse() == Ok(inode)).then_some((pid.parse().ok()?, numbers))
    });
    let held: Vec<(u32, _)> = held.filter(|(pid, _)| *pid != 0).collect();
    let numbers = (rustix::fs::major(device), rustix::fs::minor(device));
    held.iter().find(|(_, place)| *place == numbers).or(held.first()).map(|(pid, _)| *pid)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);
    const SHORT: Duration = Duration::from_millis(50);

    #[test]
    fn a_lock_is_waited_for_and_its_holder_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = FileLock::wait(&path, SHORT).unwrap();
        assert!(FileLock::is_held(&path).unwrap() && FileLock::attempt(&path).unwrap().is_none());
        let error = FileLock::wait(&path, SHORT).unwrap_err().to_string();
        let expected = format!("process {} (", std::process::id());
        assert!(error.starts_with(&expected) && error.ends_with("holds the lock; waited 0 s"), "{error}");
        let waits = {
            let path = path.clone();
            thread::spawn(move || FileLock::wait(&path, LONG).is_ok())
        };
        thread::sleep(SHORT);
        drop(held);
        assert!(waits.join().unwrap());
        assert!(!FileLock::is_held(&path).unwrap());
        assert!(!FileLock::is_held(&dir.path().join("nothing")).unwrap());
    }

    #[test]
    fn a_wait_that_was_given_up_takes_no_lock_later() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = FileLock::wait(&path, SHORT).unwrap();
        for _ in 0..100 {
            assert!(FileLock::wait(&path, Duration::from_millis(1)).is_err());
        }
        drop(held);
        for _ in 0..1000 {
            assert!(FileLock::attempt(&path).unwrap().is_some());
        }
    }

    #[test]
    fn a_process_that_has_the_file_too_does_not_keep_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = FileLock::wait(&path, SHORT).unwrap();
        // The same open file, as a forked process has it.
        let inherited = held.file().unwrap().try_clone().unwrap();
        drop(held);
        assert!(FileLock::attempt(&path).unwrap().is_some());
        drop(inherited);
    }

    #[test]
    fn a_lock_whose_file_was_replaced_is_taken_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        for _ in 0..50 {
            let held = FileLock::wait(&path, LONG).unwrap().removing(&path);
            let waits = {
                let path = path.clone();
                thread::spawn(move || {
                    let lock = FileLock::wait(&path, LONG).unwrap();
                    identity(&lock.file().unwrap().metadata().unwrap())
                        == identity(&fs::metadata(&path).unwrap())
                })
            };
            thread::yield_now();
            drop(held);
            assert!(waits.join().unwrap());
        }
    }

    #[test]
    fn a_link_is_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let (path, target) = (dir.path().join("lock"), dir.path().join("target"));
        for exists in [false, true] {
            if exists {
                fs::write(&target, "").unwrap();
            }
            symlink(&target, &path).unwrap();
            let error = FileLock::wait(&path, SHORT).unwrap_err().to_string();
            assert!(error.contains("a symbolic link, expected a regular file"), "{error}");
            assert_eq!(target.exists(), exists, "nothing is made where the link leads");
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn the_holder_in_the_kernels_table() {
        let table = "1: FLOCK  ADVISORY  WRITE 708 00:13:23 0 EOF\n\
                     1: -> FLOCK  ADVISORY  WRITE 710 00:13:24 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 711 fe:00:23 0 EOF\n\
                     3: POSIX  ADVISORY  WRITE 712 fe:00:24 0 EOF\n\
                     4: FLOCK  ADVISORY  WRITE 0 fe:00:25 0 EOF\n";
        let device = rustix::fs::makedev(0xfe, 0);
        for (inode, pid) in [(23, Some(711)), (24, None), (25, None), (26, None)] {
            assert_eq!(holder_in(table, "FLOCK", device, inode), pid, "{inode}");
        }
        assert_eq!(holder_in(table, "POSIX", device, 24), Some(712));
        assert_eq!(
            holder_in(table, "FLOCK", rustix::fs::makedev(1, 1), 23),
            Some(708),
            "of another device number"
        );
    }
}
