//! Hypercalls between processes: what libxl forks off, and programs that have this library preloaded, run on the
//! machine of the process that has it.
//!
//! The process with the machine answers at a Unix socket, and reads and writes the caller's memory as a hypervisor
//! would: `process_vm_readv` and `_writev`. So a call is six numbers, and its answer two.

use std::ffi::c_void;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::Errno;
use crate::caller::Caller;
use crate::calls::{self, Answer};
use crate::frames;
use crate::serve::peer;
use crate::world::{self, World};

/// Names the socket, for this process and those that it starts.
pub const SOCKET: &str = "XENCLOCK_FAKEXEN";

/// Requests that are no hypercalls: their numbers are beyond those of Xen.
const MAP: u64 = 1 << 32;
const RESOURCE: u64 = MAP + 1;

/// What a frame is that is not there.
const NO_FRAME: u64 = u64::MAX;

/// The number of a request, and what it is about.
type Request = [u64; 6];

/// Answers the hypercalls of whoever is at the other end, until it hangs up.
pub fn talk(mut stream: UnixStream) {
    let Ok(caller) = peer(&stream).map(Caller::There) else { return };
    let mut bytes = [0; size_of::<Request>()];
    while stream.read_exact(&mut bytes).is_ok() {
        let mut request = Request::default();
        for (number, word) in request.iter_mut().zip(bytes.chunks_exact(8)) {
            *number = word.try_into().map_or(0, u64::from_ne_bytes);
        }
        let answer = world::with(|world| answer(world, caller, &request)).unwrap_or(Err(libc::ESRCH));
        let (value, errno) = match answer {
            Ok(value) => (value, 0),
            Err(errno) => (-1, i64::from(errno)),
        };
        if stream.write_all(&[value.to_ne_bytes(), errno.to_ne_bytes()].concat()).is_err() {
            break;
        }
    }
}

fn answer(world: &mut World, caller: Caller, request: &Request) -> Answer {
    let [number, arguments @ ..] = request;
    match *number {
        MAP => {
            let [domid, count, frames, out, _] = *arguments;
            let frames: Vec<u64> = caller.list(frames, count as usize)?;
            let found = calls::machine_frames(world, domid as u32, &frames)?;
            let found: Vec<u64> = found.into_iter().map(|frame| frame.unwrap_or(NO_FRAME)).collect();
            caller.write_list(out, &found)?;
            Ok(0)
        }
        RESOURCE => {
            let [domid, kind, first, count, out] = *arguments;
            let found = calls::resource(world, domid as u32, kind as u32, first, count)?;
            caller.write_list(out, &found)?;
            Ok(0)
        }
        number => {
            calls::hypercall(world, caller, u32::try_from(number).map_err(|_| libc::ENOSYS)?, arguments)
        }
    }
}

/// A way to the machine: it is here, or behind a socket.
#[derive(Debug)]
pub enum Way {
    /// In this process.
    Here,
    /// In another. The memory is in a file beside the socket.
    There {
        /// The process that opened it: what it forks off opens its own.
        pid: libc::pid_t,
        stream: UnixStream,
        path: PathBuf,
    },
}

impl Way {
    /// Finds the machine.
    pub fn find() -> io::Result<Self> {
        if world::is_here() {
            return Ok(Way::Here);
        }
        let path = std::env::var_os(SOCKET).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))?;
        let path = PathBuf::from(path);
        // SAFETY: it only answers.
        let pid = unsafe { libc::getpid() };
        Ok(Way::There { pid, stream: UnixStream::connect(&path)?, path })
    }

    /// Makes a hypercall.
    pub fn call(&mut self, number: u32, arguments: [u64; 5]) -> Answer {
        self.right()?;
        match self {
            Way::Here => world::with(|world| calls::hypercall(world, Caller::Here, number, &arguments))
                .unwrap_or(Err(libc::ESRCH)),
            Way::There { stream, .. } => ask(stream, u64::from(number), arguments),
        }
    }

    /// Maps frames of a guest; those that are not there get an error of their own.
    pub fn map(
        &mut self,
        domid: u32,
        at: *mut c_void,
        protection: libc::c_int,
        wanted: &[u64],
        errors: &mut [libc::c_int],
    ) -> Result<*mut c_void, Errno> {
        self.right()?;
        let found = match self {
            Way::Here => world::with(|world| calls::machine_frames(world, domid, wanted))
                .unwrap_or(Err(libc::ESRCH))?,
            Way::There { stream, .. } => {
                let mut found = vec![NO_FRAME; wanted.len()];
                let (count, out) = (wanted.len() as u64, found.as_mut_ptr() as u64);
                ask(stream, MAP, [u64::from(domid), count, wanted.as_ptr() as u64, out, 0])?;
                // The other process has written to them.
                std::hint::black_box(&mut found);
                found.into_iter().map(|frame| Some(frame).filter(|frame| *frame != NO_FRAME)).collect()
            }
        };
        for (error, frame) in errors.iter_mut().zip(&found) {
            *error = if frame.is_some() { 0 } else { -libc::EINVAL };
        }
        self.map_frames(&found, at, protection)
    }

    /// Maps something of a guest that has no frames of its own.
    pub fn map_resource(
        &mut self,
        domid: u32,
        kind: u32,
        first: u64,
        count: u64,
        protection: libc::c_int,
    ) -> Result<*mut c_void, Errno> {
        self.right()?;
        let found = match self {
            Way::Here => world::with(|world| calls::resource(world, domid, kind, first, count))
                .unwrap_or(Err(libc::ESRCH))?,
            Way::There { stream, .. } => {
                let mut found = vec![NO_FRAME; count as usize];
                let out = found.as_mut_ptr() as u64;
                ask(stream, RESOURCE, [u64::from(domid), u64::from(kind), first, count, out])?;
                std::hint::black_box(&mut found);
                found
            }
        };
        let found: Vec<Option<u64>> = found.into_iter().map(Some).collect();
        self.map_frames(&found, frames::NOWHERE, protection)
    }

    fn map_frames(
        &self,
        found: &[Option<u64>],
        at: *mut c_void,
        protection: libc::c_int,
    ) -> Result<*mut c_void, Errno> {
        let mapped = match self {
            Way::Here => world::with(|world| frames::map(world.frames.file(), found, at, protection))
                .unwrap_or_else(|| Err(io::ErrorKind::NotFound.into())),
            Way::There { path, .. } => File::options()
                .read(true)
                .write(true)
                .open(path.with_file_name("memory"))
                .and_then(|file| frames::map(&file, found, at, protection)),
        };
        mapped.map_err(|error| error.raw_os_error().unwrap_or(libc::EIO))
    }

    /// After a fork, this way leads nowhere or is another process's: takes the right one.
    fn right(&mut self) -> Result<(), Errno> {
        // SAFETY: it only answers.
        let me = unsafe { libc::getpid() };
        let right = match self {
            Way::Here => world::is_here(),
            Way::There { pid, .. } => *pid == me,
        };
        if !right {
            *self = Way::find().map_err(|error| error.raw_os_error().unwrap_or(libc::EIO))?;
        }
        Ok(())
    }
}

fn ask(stream: &mut UnixStream, number: u64, arguments: [u64; 5]) -> Answer {
    let mut bytes = number.to_ne_bytes().to_vec();
    bytes.extend(arguments.iter().flat_map(|argument| argument.to_ne_bytes()));
    let mut answer = [0; 16];
    stream
        .write_all(&bytes)
        .and_then(|()| stream.read_exact(&mut answer))
        .map_err(|error| error.raw_os_error().unwrap_or(libc::EIO))?;
    let word = |at: usize| answer[at..at + 8].try_into().map_or(0, i64::from_ne_bytes);
    match word(8) {
        0 => Ok(word(0)),
        errno => Err(errno as Errno),
    }
}
