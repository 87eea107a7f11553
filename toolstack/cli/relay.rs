//! Copies a guest's memory into its file. A signal can interrupt the copy; the guest then continues.

use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// As much is copied at once.
const CHUNK: usize = 1 << 20;

/// The signals that ask a command to end. From here on they no longer end it by themselves.
pub(super) struct Interrupt {
    heard: UnixStream,
}

impl Interrupt {
    pub(super) fn heed() -> io::Result<Self> {
        let (heard, tell) = UnixStream::pair()?;
        for signal in [SIGTERM, SIGINT, SIGHUP] {
            signal_hook::low_level::pipe::register(signal, tell.try_clone()?)?;
        }
        Ok(Interrupt { heard })
    }

    /// Returns true if a signal has come.
    pub(super) fn has_come(&self) -> bool {
        let mut fds = [PollFd::new(&self.heard, PollFlags::IN)];
        matches!(poll(&mut fds, Some(&rustix::event::Timespec::default())), Ok(count) if count > 0)
    }

    /// Waits until a file can be read or written; fails when a signal comes first.
    fn wait(&self, file: BorrowedFd<'_>, what: PollFlags) -> io::Result<()> {
        loop {
            let mut fds = [PollFd::new(&self.heard, PollFlags::IN), PollFd::from_borrowed_fd(file, what)];
            match poll(&mut fds, None) {
                Ok(_) if !fds[0].revents().is_empty() => return Err(interrupted()),
                Ok(_) if !fds[1].revents().is_empty() => return Ok(()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Why nothing is written any more.
pub(super) fn interrupted() -> io::Error {
    io::Error::other("interrupted by a signal")
}

/// Has `write` write into a stream that leads into a file. When a signal comes, or the file cannot be written, the stream
/// breaks. Answers what `write` answers, and whether all of it is in the file.
pub(super) fn relay<T>(
    file: &File,
    interrupt: &Interrupt,
    write: impl FnOnce(&mut File) -> T,
) -> io::Result<(T, io::Result<()>)> {
    let (reader, writer) = io::pipe()?;
    std::thread::scope(|scope| {
        let copying = scope.spawn(move || copy(reader, file, interrupt));
        let mut stream = File::from(OwnedFd::from(writer));
        let answer = write(&mut stream);
        drop(stream);
        let copied =
            copying.join().unwrap_or_else(|_| Err(io::Error::other("the copying thread has failed")));
        Ok((answer, copied))
    })
}

/// Copies until the other end closes; this end closes when it returns.
fn copy(mut from: PipeReader, mut to: &File, interrupt: &Interrupt) -> io::Result<()> {
    let waits = !to.metadata()?.is_file();
    if waits {
        // A FIFO that nobody reads must not hold this thread.
        fcntl_setfl(to, fcntl_getfl(to)? | OFlags::NONBLOCK)?;
    }
    let mut buffer = vec![0; CHUNK];
    loop {
        interrupt.wait(from.as_fd(), PollFlags::IN)?;
        let length = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            if waits {
                interrupt.wait(to.as_fd(), PollFlags::OUT)?;
            }
            match to.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => rest = &rest[length..],
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Seek;
    use std::time::{Duration, Instant};

    use super::*;

    /// One that comes when something is written to the other value.
    fn interrupt() -> (Interrupt, UnixStream) {
        let (heard, tell) = UnixStream::pair().unwrap();
        (Interrupt { heard }, tell)
    }

    #[test]
    fn all_that_is_written_arrives() {
        let (interrupt, _tell) = interrupt();
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
        file.write_all(b"header").unwrap();
        let (written, copied) = relay(&file, &interrupt, |stream| stream.write_all(&bytes)).unwrap();
        assert!(written.is_ok() && copied.is_ok() && !interrupt.has_come());
        file.rewind().unwrap();
        let mut there = Vec::new();
        file.read_to_end(&mut there).unwrap();
        assert!(there == [b"header", &bytes[..]].concat());
    }

    #[test]
    fn a_signal_breaks_the_stream_whatever_the_file_is() {
        let (_reader, pipe) = io::pipe().unwrap();
        for file in [tempfile::tempfile().unwrap(), File::from(OwnedFd::from(pipe))] {
            let (interrupt, mut tell) = interrupt();
            let begun = Instant::now();
            let (written, copied) = relay(&file, &interrupt, |stream| -> io::Result<()> {
                stream.write_all(b"some")?;
                tell.write_all(b"!")?;
                loop {
                    stream.write_all(&[0; 4096])?;
                }
            })
            .unwrap();
            assert_eq!(written.unwrap_err().kind(), ErrorKind::BrokenPipe);
            assert_eq!(copied.unwrap_err().to_string(), "interrupted by a signal");
            assert!(interrupt.has_come() && begun.elapsed() < Duration::from_secs(20));
        }
    }

    #[test]
    fn what_the_file_does_not_take_is_an_error_of_its_own() {
        let (interrupt, _tell) = interrupt();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (_, copied) = relay(&full, &interrupt, |stream| stream.write_all(b"text")).unwrap();
        assert_eq!(copied.unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
