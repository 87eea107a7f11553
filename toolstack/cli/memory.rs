//! Frees memory for a guest, as xl does: dom0 is ballooned down under a lock that xl also takes.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

use super::output;
use xenclock::cfg::{Autoballoon, XlConf};
use xenclock::domain::DomainConfig;
use xenclock::files::Holder;
use xenclock::host::{ErrorKind, Host, HostError};

/// How often the lock is tried, when that is said, and how long in all: a start of a guest may take a minute.
const TRY_AGAIN: Duration = Duration::from_millis(50);
const SAY_AFTER: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(120);

/// xl's lock, held until the guest is there; nothing where dom0's memory is left alone.
pub(super) struct Room {
    _lock: Option<File>,
}

/// Makes room for a domain, as `autoballoon` and `lockfile` of `xl.conf` say.
pub(super) fn make_room(conf: &XlConf, host: &dyn Host, config: &DomainConfig) -> Result<Room, HostError> {
    if !dom0_gives(conf, host)? {
        return Ok(Room { _lock: None });
    }
    let path = Path::new(&conf.lockfile);
    let lock = lock(path).map_err(|why| {
        let why = format!("{why}; set another lockfile in xl.conf, or autoballoon=\"off\", which needs none");
        HostError::new(ErrorKind::Io, format!("lockfile \"{}\"", path.display()), why)
    })?;
    host.make_room(config)?;
    Ok(Room { _lock: Some(lock) })
}

/// True if dom0 gives up memory for a guest.
fn dom0_gives(conf: &XlConf, host: &dyn Host) -> Result<bool, HostError> {
    match conf.autoballoon {
        Autoballoon::On => Ok(true),
        Autoballoon::Off => Ok(false),
        Autoballoon::Auto => host.dom0_gives_memory(),
    }
}

/// A failed start, with what to do where it is memory that is short.
pub(super) fn with_remedy(error: &HostError, conf: &XlConf, host: &dyn Host) -> String {
    remedied(error, conf, host, &["give the guest less with memory=MB"])
}

/// The same of a guest that arrives with the memory that it has.
pub(super) fn with_remedy_of_arrival(error: &HostError, conf: &XlConf, host: &dyn Host) -> String {
    remedied(error, conf, host, &[])
}

fn remedied(error: &HostError, conf: &XlConf, host: &dyn Host, first: &[&str]) -> String {
    if error.kind != ErrorKind::NoMemory {
        return error.to_string();
    }
    let mut remedies = [first, &["end another guest"]].concat();
    // A dom0 that gives up memory has given what it can.
    if !matches!(dom0_gives(conf, host), Ok(true)) {
        remedies.push("take memory from dom0: xl mem-set Domain-0 MB");
    }
    format!("{error}; {}", remedies.join(", or "))
}

/// Takes a lock of xl's kind, which is the process's own and ends with it.
fn lock(path: &Path) -> Result<File, String> {
    // A FIFO would be waited for.
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o200)
        .custom_flags(i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default())
        .open(path);
    let file = file.map_err(|error| format!("cannot be opened: {error}"))?;
    let start = Instant::now();
    let mut said = false;
    loop {
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::AGAIN | Errno::ACCESS) => {}
            Err(error) => return Err(format!("cannot be locked: {error}")),
        }
        if start.elapsed() > LIMIT {
            return Err(format!("{} holds the lock; waited {} s", Holder::of_fcntl(&file), LIMIT.as_secs()));
        }
        if !said && start.elapsed() > SAY_AFTER {
            said = true;
            output::message(&format!(
                "xenclock: waiting for xl's lock {}, which {} holds",
                path.display(),
                Holder::of_fcntl(&file)
            ));
        }
        std::thread::sleep(TRY_AGAIN);
    }
}
