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

    /// The processes at the other ends, one for each stream.
    pub fn peers(&self) -> Vec<libc::pid_t> {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.values().filter_map(|stream| peer(stream).ok()).collect()
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

/// The process at the other end: the one that has connected.
pub fn peer(stream: &UnixStream) -> io::Result<libc::pid_t> {
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the structure is as long as told.
    let asked = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast::<libc::c_void>(),
            &raw mut length,
        )
    };
    if asked == 0 { Ok(peer.pid) } else { Err(io::Error::last_os_error()) }
}
