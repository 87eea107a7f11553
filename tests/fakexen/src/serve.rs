//! A Unix socket with a thread for each that connects, which ends when it is told to.

use std::collections::BTreeMap;
use std::io;
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// The streams that are open, so that they can be hung up on.
type Streams = Arc<Mutex<BTreeMap<u64, UnixStream>>>;

/// A socket that is answered at.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    accepting: Option<JoinHandle<()>>,
    streams: Streams,
}

impl Server {
    /// Answers at this path by calling `talk` with each stream.
    pub fn start(path: &Path, talk: fn(UnixStream)) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let accepting = listener.try_clone()?;
        let streams = Streams::default();
        let open = Arc::clone(&streams);
        let accepting = thread::Builder::new().spawn(move || accept(&accepting, &open, talk))?;
        Ok(Server { listener, accepting: Some(accepting), streams })
    }

    /// So many streams are open.
    pub fn connected(&self) -> usize {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn accept(listener: &UnixListener, open: &Streams, talk: fn(UnixStream)) {
    let mut talks: Vec<JoinHandle<()>> = Vec::new();
    let mut last = 0;
    while let Ok((stream, _)) = listener.accept() {
        last += 1;
        let number = last;
        let Ok(copy) = stream.try_clone() else { continue };
        open.lock().unwrap_or_else(PoisonError::into_inner).insert(number, copy);
        let streams = Arc::clone(open);
        let started = thread::Builder::new().spawn(move || {
            talk(stream);
            streams.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        });
        talks.extend(started.ok());
        talks.retain(|talk| !talk.is_finished());
    }
    for stream in open.lock().unwrap_or_else(PoisonError::into_inner).values() {
        let _ = stream.shutdown(Shutdown::Both);
    }
    for talk in talks {
        let _ = talk.join();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SAFETY: the listener is open; accept fails from now on.
        unsafe { libc::shutdown(self.listener.as_raw_fd(), libc::SHUT_RDWR) };
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}
