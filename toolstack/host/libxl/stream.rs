//! The beginning of a saved domain. libxl 4.14 to 4.22 crashes the whole program (it calls a null pointer) if it fails
//! before its helper has started, that is, at the first bytes of a stream. Therefore these bytes are checked here
//! first.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use super::peek::{self, Flow};
use crate::host::{ErrorKind, HostError, Result};

/// A header of libxl's stream, and the head of its first record.
const BEGIN: usize = 24;

const IDENT: &[u8] = b"LibxlFmt";
const VERSION: u32 = 2;
const BIG_ENDIAN: u32 = 1;
/// The record from which on the helper reads: no length is told, as the helper knows where it ends.
const HELPERS: [u8; 8] = [1, 0, 0, 0, 0, 0, 0, 0];

/// The place at which a file is read or written next; `None` for one that has no places, such as a pipe.
fn place(mut file: &File) -> io::Result<Option<u64>> {
    match file.stream_position() {
        Ok(place) => Ok(Some(place)),
        Err(error) if error.raw_os_error() == Some(libc::ESPIPE) => Ok(None),
        Err(error) => Err(error),
    }
}

/// True if all that is written goes to the file's end, wherever it is written.
fn appends(file: &File) -> bool {
    // SAFETY: the file is open, and this command only answers.
    let flags = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFL) };
    flags >= 0 && flags & libc::O_APPEND != 0
}

/// True if a stream begins where this file is read next. The file is left at that place.
pub(super) fn check_saved(file: &File, doing: &str) -> Result<()> {
    let io = |error: io::Error| {
        HostError::new(ErrorKind::Io, doing, format!("the stream cannot be read: {error}")).caused_by(error)
    };
    let begin = match place(file).map_err(io)? {
        Some(start) => {
            let mut begin = Vec::new();
            let read = file.take(BEGIN as u64).read_to_end(&mut begin).map_err(io);
            let mut back = file;
            back.seek(SeekFrom::Start(start)).map_err(io)?;
            read?;
            begin
        }
        None => match Flow::of(file).map_err(io)? {
            Some(flow) => flow.peek(BEGIN).map_err(io)?,
            // A terminal, say: nothing can be tried.
            None => return Ok(()),
        },
    };
    saved(&begin).map_err(|why| {
        HostError::new(ErrorKind::Invalid, doing, format!("not a domain saved by libxl: {why}"))
    })
}

/// True if there is somebody who reads what is written to this file, where it is none that keeps it.
pub(super) fn check_read(file: &File, doing: &str) -> Result<()> {
    peek::check_read(file).map_err(|error| unwritable(error, doing))
}

fn unwritable(error: io::Error, doing: &str) -> HostError {
    HostError::new(ErrorKind::Io, doing, format!("the stream cannot be written: {error}")).caused_by(error)
}

/// True if a saved domain can be written where this file is written next.
pub(super) fn check_writable(file: &File, doing: &str) -> Result<()> {
    let io = |error: io::Error| unwritable(error, doing);
    match place(file).map_err(io)? {
        // There it would stay in front of what libxl writes.
        Some(_) if appends(file) => Ok(()),
        // libxl's own beginning overwrites it.
        Some(start) => file.write_all_at(&[0; BEGIN], start).map_err(io),
        // Whoever reads may still hang up as soon as this is over.
        None => check_read(file, doing),
    }
}

fn saved(begin: &[u8]) -> std::result::Result<(), String> {
    let Some(begin) = begin.first_chunk::<BEGIN>() else {
        return Err(format!("it is {} bytes long", begin.len()));
    };
    let number = |at: usize| u32::from_be_bytes([begin[at], begin[at + 1], begin[at + 2], begin[at + 3]]);
    if !begin.starts_with(IDENT) {
        return Err("it does not begin with LibxlFmt".to_owned());
    }
    if number(8) != VERSION {
        return Err(format!("it has version {}, expected {VERSION}", number(8)));
    }
    if number(12) & BIG_ENDIAN != 0 {
        return Err("it is from a machine of another byte order".to_owned());
    }
    if begin[16..] != HELPERS {
        return Err("the domain itself is not its first part".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    fn good() -> Vec<u8> {
        [IDENT, &[0, 0, 0, 2], &[0; 4], &HELPERS, b"and more"].concat()
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn a_stream_is_one_and_the_file_stays_where_it_was() {
        let file = file(&[b"xl's own header".as_slice(), &good()].concat());
        let mut at = &file;
        at.seek(SeekFrom::Start(15)).unwrap();
        check_saved(&file, "x").unwrap();
        assert_eq!(at.stream_position().unwrap(), 15);
        at.rewind().unwrap();
        assert_eq!(check_saved(&file, "x").unwrap_err().kind, ErrorKind::Invalid);
        assert_eq!(at.stream_position().unwrap(), 0);
    }

    #[test]
    fn what_is_no_stream() {
        let changed = |at: usize, byte: u8| {
            let mut bytes = good();
            bytes[at] = byte;
            bytes
        };
        for (bytes, word) in [
            (vec![], "0 bytes"),
            (good()[..23].to_vec(), "23 bytes"),
            (vec![0; 4096], "LibxlFmt"),
            (b"this is not a saved domain\n".to_vec(), "LibxlFmt"),
            (changed(11, 1), "version 1"),
            (changed(15, 1), "byte order"),
            (changed(16, 2), "first"),
            (changed(20, 8), "first"),
        ] {
            let error = check_saved(&file(&bytes), "x").unwrap_err();
            assert!(error.kind == ErrorKind::Invalid && error.detail.contains(word), "{error}");
        }
        // A stream that was converted from a much older one says so.
        check_saved(&file(&changed(15, 2)), "x").unwrap();
    }

    #[test]
    fn a_pipe_is_taken_as_it_is() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        let file = |end: std::os::fd::OwnedFd| File::from(end);
        writer.write_all(&good()).unwrap();
        check_saved(&file(reader.try_clone().unwrap().into()), "x").unwrap();
        check_writable(&file(writer.try_clone().unwrap().into()), "x").unwrap();
        drop(writer);
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, good(), "nothing was taken out of it");
        assert_eq!(check_saved(&file(reader.into()), "x").unwrap_err().kind, ErrorKind::Invalid);
    }

    #[test]
    fn what_cannot_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stream");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"before").unwrap();
        check_writable(&file, "x").unwrap();
        assert_eq!(file.stream_position().unwrap(), 6);
        let appending = File::options().append(true).open(&path).unwrap();
        check_writable(&appending, "x").unwrap();
        assert_eq!(appending.metadata().unwrap().len(), 6 + BEGIN as u64, "nothing was added to it");
        assert_eq!(check_writable(&File::open(&path).unwrap(), "x").unwrap_err().kind, ErrorKind::Io);
        let full = File::options().write(true).open("/dev/full").unwrap();
        assert_eq!(check_writable(&full, "x").unwrap_err().kind, ErrorKind::Io);
    }
}
