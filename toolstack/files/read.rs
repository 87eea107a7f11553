//! Reads files from a directory to which others can write.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file for reading.
///
/// # Errors
/// When it cannot be opened, or is a FIFO, a device, a socket or a directory. None of these is waited for.
pub fn open_regular(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::empty())
}

/// Opens a regular file with these flags besides. The type is looked at before as well: to open some devices does
/// something.
pub(super) fn open_with(path: &Path, flags: OFlags) -> io::Result<File> {
    if flags.contains(OFlags::NOFOLLOW) {
        check(&fs::symlink_metadata(path)?)?;
    } else {
        check(&fs::metadata(path)?)?;
    }
    let flags = i32::try_from((flags | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Reads a whole regular file of at most this many bytes.
///
/// # Errors
/// As [`open_regular`], and when the file is longer.
pub fn read_regular(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let bytes = read_start(path, longest.saturating_add(1))?;
    if bytes.len() as u64 > longest {
        let why = format!("it is longer than {longest} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// Reads the first bytes of a regular file, at most so many.
///
/// # Errors
/// As [`open_regular`].
pub fn read_start(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// As [`read_start`], of a file that is in its place itself: a link is refused.
///
/// # Errors
/// As [`open_regular`], and when it is a symbolic link.
pub fn read_start_unlinked(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_with(path, OFlags::NOFOLLOW)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Refuses a file that is a link or no regular file. One that does not exist is neither.
///
/// # Errors
/// When it is a symbolic link, or no regular file.
pub fn check_unlinked(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) => check(&found),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Refuses what is no regular file.
pub(super) fn check(found: &Metadata) -> io::Result<()> {
    let kind = found.file_type();
    let what = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        _ if kind.is_fifo() => "a FIFO",
        _ if kind.is_socket() => "a socket",
        _ if kind.is_symlink() => "a symbolic link",
        _ => "a device",
    };
    Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {what}, expected a regular file")))
}

/// The identity of a file: its device and its inode, the same by each of its names.
#[must_use]
pub fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// True if both names stand for one regular file. One that does not exist yet is identified by its directory and its name.
#[must_use]
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => one.is_file() && identity(&one) == identity(&other),
        (Err(_), Err(_)) => {
            let place = |path: &Path| {
                let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let directory = fs::canonicalize(directory.unwrap_or(Path::new("."))).ok()?;
                Some(directory.join(path.file_name()?))
            };
            place(one).is_some_and(|one| Some(one) == place(other))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn only_regular_files_of_the_expected_length_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "12345").unwrap();
        symlink("file", at("link")).unwrap();
        mknodat(CWD, at("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        symlink("fifo", at("link to fifo")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        for name in ["file", "link"] {
            assert_eq!(read_regular(&at(name), 5).unwrap(), b"12345");
            assert!(read_regular(&at(name), 4).unwrap_err().to_string().contains("longer than 4 bytes"));
        }
        for (name, what) in [
            ("fifo", "a FIFO"),
            ("link to fifo", "a FIFO"),
            ("socket", "a socket"),
            ("/dev/null", "a device"),
            (".", "is a directory"),
            ("nothing", "No such file"),
        ] {
            let error = read_regular(&at(name), 5).unwrap_err().to_string();
            assert!(error.contains(what), "{name}: {error}");
        }
        let error = open_with(&at("link"), OFlags::NOFOLLOW).unwrap_err().to_string();
        assert!(error.contains("a symbolic link"), "{error}");
        assert_eq!(read_start(&at("file"), 3).unwrap(), b"123");
    }
}
