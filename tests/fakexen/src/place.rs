//! A place of its own for the files that libxl writes: their paths are built into it.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// libxl's own directories, and the one where clocks are kept.
const DIRECTORIES: [&str; 4] = ["/var/lib/xen", "/run/xen", "/var/log/xen", "/var/lib/xenclock"];

/// Where xl has its lock.
const LOCKS: &str = "/run/lock";

/// Where the kernel lists devices: a test puts there what dom0 is to have.
pub const DEVICES: &str = "/sys/bus";

/// Puts empty directories in the places of libxl's, for this process and those that it starts.
///
/// With a mount namespace of its own, so that nothing is left and a dom0's own files are out of reach; as root or with
/// a user namespace. Without either, and only where no Xen has left anything in them, the directories are made.
///
/// # Errors
/// When neither can be done.
///
/// # Safety
/// The process has a single thread.
pub unsafe fn enter() -> io::Result<()> {
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("there is more than one thread"));
    }
    match own_mounts() {
        Ok(()) => {
            let mut covered = Vec::new();
            let mut all = DIRECTORIES.into_iter().chain([LOCKS, DEVICES]);
            all.try_for_each(|directory| cover(Path::new(directory), &mut covered))
        }
        Err(error) if DIRECTORIES.iter().any(is_used) => Err(error),
        Err(_) => DIRECTORIES.iter().try_for_each(fs::create_dir_all),
    }
}

/// Takes away what is in these directories: what a machine before this one has left.
///
/// # Errors
/// When it cannot be taken away.
pub fn clean() -> io::Result<()> {
    for directory in DIRECTORIES {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
    }
    Ok(())
}

/// Whether there is anything in this directory.
fn is_used(directory: &&str) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
}

fn own_mounts() -> io::Result<()> {
    // SAFETY: it only answers.
    let (user, group) = unsafe { (libc::getuid(), libc::getgid()) };
    let check = |result: libc::c_int| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    // SAFETY: it changes what this process sees, and nothing else.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
        // SAFETY: as above.
        check(unsafe { libc::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWUSER) })?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
    }
    let how = libc::MS_REC | libc::MS_PRIVATE;
    let none = c"none".as_ptr();
    // SAFETY: C strings, and null where it is allowed.
    check(unsafe { libc::mount(none, c"/".as_ptr(), none, how, std::ptr::null()) })
}

/// Puts an empty directory over this one, or, where there is none, over the one above it with this one made in it.
fn cover(directory: &Path, covered: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut place = directory.to_owned();
    while !place.is_dir() {
        place = place.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
    }
    if covered.contains(&place) {
        return fs::create_dir_all(directory);
    }
    let hides = |path: io::Result<PathBuf>| path.is_ok_and(|path| path.starts_with(&place));
    if place != directory && (hides(std::env::current_exe()) || hides(std::env::current_dir())) {
        return fs::create_dir_all(directory);
    }
    let target = CString::new(place.as_os_str().as_bytes())?;
    // SAFETY: C strings, and null where it is allowed.
    let mounted =
        unsafe { libc::mount(c"fakexen".as_ptr(), target.as_ptr(), c"tmpfs".as_ptr(), 0, std::ptr::null()) };
    if mounted != 0 {
        return Err(io::Error::last_os_error());
    }
    covered.push(place);
    fs::create_dir_all(directory)
}
