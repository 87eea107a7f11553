//! A machine that runs: in the place where the C libraries find it, and ended when it is dropped.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::parts;
use crate::remote;
use crate::serve::Server;
use crate::store;
use crate::symbols::{self, exec};
use crate::world::{self, Facts, World};

/// Where libxenstore looks for xenstored.
const XENSTORED: &str = "XENSTORED_PATH";

/// A machine, its xenstored, and the way to it for other processes. There is one at a time.
#[derive(Debug)]
pub struct Running {
    dir: TempDir,
    store: Option<Server>,
    calls: Option<Server>,
}

impl Running {
    /// Starts one. Ends when another one runs, as there is one of each C library.
    ///
    /// # Errors
    /// When its files and sockets cannot be made.
    ///
    /// # Safety
    /// Sets the environment: no other thread may read it meanwhile.
    pub unsafe fn start(facts: Facts) -> io::Result<Self> {
        if world::is_here() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a machine in this process"));
        }
        assert!(symbols::linked() > 0);
        let dir = TempDir::new()?;
        world::place(Some(World::new(facts, dir.path())?));
        let path = |name: &str| dir.path().join(name);
        let (socket, calls) = (path("xenstored"), path("xen"));
        let running = Running {
            store: Some(Server::start(&socket, store::server::talk)?),
            calls: Some(Server::start(&calls, remote::talk)?),
            dir,
        };
        parts::put(running.dir())?;
        for (name, path) in running.environment().into_iter().filter(|(name, _)| *name != "LD_PRELOAD") {
            // SAFETY: as the caller promises.
            unsafe { std::env::set_var(name, path) };
        }
        Ok(running)
    }

    /// Where this machine's files are; others can be put there.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What a program that is to run on this machine has to have in its environment.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let path = |name: &str| self.dir().join(name);
        let mut all = vec![
            (XENSTORED, path("xenstored")),
            (remote::SOCKET, path("xen")),
            (parts::SAVE_HELPER, path("save-helper")),
            (exec::HOTPLUG, path(parts::HOTPLUG)),
        ];
        all.extend(parts::library().map(|library| ("LD_PRELOAD", library)));
        all
    }

    /// Does something with the machine.
    pub fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        match world::with(act) {
            Some(done) => done,
            None => unreachable!("the machine is there as long as this value"),
        }
    }

    /// The processes that have a handle of xenstore, once for each.
    #[must_use]
    pub fn connected(&self) -> Vec<libc::pid_t> {
        self.store.as_ref().map_or_else(Vec::new, Server::peers)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.calls = None;
        self.store = None;
        world::place(None);
    }
}
