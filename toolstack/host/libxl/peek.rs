//! Peeks into a pipe or a socket without consuming data.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::thread;
use std::time::Duration;

use libc::{POLLERR, POLLHUP, POLLIN, POLLRDHUP, c_int, c_short};

/// Neither tells when there is more in it than there was.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Something that is read from its front.
pub(super) enum Flow<'a> {
    /// One or the other end of a pipe.
    Pipe(&'a File),
    /// A socket.
    Socket(&'a File),
}

impl<'a> Flow<'a> {
    /// The kind of this file; `None` when it is neither.
    pub(super) fn of(file: &'a File) -> io::Result<Option<Self>> {
        let kind = file.metadata()?.file_type();
        Ok(match () {
            () if kind.is_fifo() => Some(Flow::Pipe(file)),
            () if kind.is_socket() => Some(Flow::Socket(file)),
            () => None,
        })
    }

    /// The first bytes, which stay where they are: waits for all of them, and answers fewer at the end.
    pub(super) fn peek(&self, length: usize) -> io::Result<Vec<u8>> {
        let (Flow::Pipe(file) | Flow::Socket(file)) = self;
        match wait_for(file.as_raw_fd(), length)? {
            0 => Ok(Vec::new()),
            there if matches!(self, Flow::Pipe(_)) => look_into_pipe(file.as_raw_fd(), there),
            there => look_into_socket(file.as_raw_fd(), there),
        }
    }
}

/// True if somebody reads what is written here; where that cannot be told, somebody does.
pub(super) fn check_read(file: &File) -> io::Result<()> {
    let gone = match Flow::of(file)? {
        Some(Flow::Pipe(pipe)) => poll(pipe.as_raw_fd(), 0, 0)? & POLLERR != 0,
        Some(Flow::Socket(socket)) => poll(socket.as_raw_fd(), 0, 0)? & (POLLERR | POLLHUP) != 0,
        None => false,
    };
    if gone { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
}

/// Waits until there are so many bytes, or all that there will be; answers how many of those wanted there are.
fn wait_for(fd: RawFd, length: usize) -> io::Result<usize> {
    const ENDED: c_short = POLLHUP | POLLRDHUP | POLLERR;
    loop {
        // In this order: what is there when nobody writes any more stays as it is.
        let ended = poll(fd, POLLIN | POLLRDHUP, -1)? & ENDED != 0;
        let mut there: c_int = 0;
        // SAFETY: the file is open, and the answer has a place.
        done(unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut there) } as isize)?;
        let there = usize::try_from(there).unwrap_or(0);
        if there >= length || ended {
            return Ok(there.min(length));
        }
        thread::sleep(LOOK_AGAIN);
    }
}

fn look_into_pipe(pipe: RawFd, length: usize) -> io::Result<Vec<u8>> {
    let (mut copy, into) = io::pipe()?;
    // SAFETY: both files are open; the bytes come into the new pipe and stay in the old one.
    done(unsafe { libc::tee(pipe, into.as_raw_fd(), length, 0) })?;
    drop(into);
    let mut bytes = Vec::new();
    copy.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn look_into_socket(socket: RawFd, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    // SAFETY: the file is open, and the buffer is as long as told.
    let there = done(unsafe { libc::recv(socket, bytes.as_mut_ptr().cast(), length, libc::MSG_PEEK) })?;
    bytes.truncate(there);
    Ok(bytes)
}

/// The events of a file, after at most so many milliseconds; -1 waits until there is one.
fn poll(fd: RawFd, events: c_short, millis: c_int) -> io::Result<c_short> {
    let mut asked = libc::pollfd { fd, events, revents: 0 };
    loop {
        // SAFETY: one structure is given, and told.
        match done(unsafe { libc::poll(&mut asked, 1, millis) } as isize) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map(|_| asked.revents),
        }
    }
}

/// The answer of a call, or its error.
fn done(answer: isize) -> io::Result<usize> {
    usize::try_from(answer).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn pipe() -> (File, File) {
        let (reader, writer) = io::pipe().unwrap();
        (File::from(OwnedFd::from(reader)), File::from(OwnedFd::from(writer)))
    }

    fn socket() -> (File, File) {
        let (one, other) = UnixStream::pair().unwrap();
        (File::from(OwnedFd::from(one)), File::from(OwnedFd::from(other)))
    }

    #[test]
    fn what_is_looked_at_stays_and_what_is_missing_is_waited_for() {
        for (mut reader, mut writer) in [pipe(), socket()] {
            let late = thread::spawn(move || {
                for part in ["the ", "first", " bytes and more"] {
                    thread::sleep(Duration::from_millis(20));
                    writer.write_all(part.as_bytes()).unwrap();
                }
            });
            let peek = |file: &File, length| Flow::of(file).unwrap().unwrap().peek(length).unwrap();
            assert_eq!(peek(&reader, 15), b"the first bytes");
            late.join().unwrap();
            assert_eq!(peek(&reader, 3), b"the");
            // There is an end now.
            assert_eq!(peek(&reader, 99), b"the first bytes and more");
            let mut all = String::new();
            reader.read_to_string(&mut all).unwrap();
            assert_eq!(all, "the first bytes and more");
            assert_eq!(peek(&reader, 3), b"");
        }
    }

    #[test]
    fn who_has_hung_up_does_not_read() {
        for (reader, mut writer) in [pipe(), socket()] {
            check_read(&writer).unwrap();
            // A pipe that is full, or a socket that was written to, has somebody at its other end all the same.
            writer.write_all(b"x").unwrap();
            check_read(&writer).unwrap();
            drop(reader);
            assert_eq!(check_read(&writer).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        }
    }

    #[test]
    fn a_file_is_neither() {
        let file = tempfile::tempfile().unwrap();
        assert!(Flow::of(&file).unwrap().is_none());
        check_read(&file).unwrap();
    }
}
