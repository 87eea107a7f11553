//! One machine: the model of the mock host, and around it what the C libraries want to see besides.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use timers::tsc::TscHost;
use timers::{GuestKind, KiloHertz};
use xenclock::host::mock::machine::{Domain, Machine, Present, Refusal};
use xenclock::host::{DomId, RunState, ShutdownReason};

use crate::Errno;
use crate::clock;
use crate::frames::Frames;
use crate::guest::Guest;
use crate::pv;
use crate::store::Store;

/// What kind of host it is.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Where the time of day stands still; it runs where there is none.
    pub stopped: Option<DateTime<Utc>>,
    /// The frequency of the host's TSC.
    pub cpu_khz: u32,
    /// Whether Xen trusts it.
    pub tsc_reliable: bool,
    /// Whether the CPU scales TSCs; `None` where what Xen said of it at boot is gone from its console.
    pub tsc_scaling: Option<bool>,
    /// Memory for all guests, in MiB.
    pub memory_mb: u64,
    /// How many CPUs it has.
    pub cpus: u32,
    /// Whether it can hand devices to guests.
    pub directio: bool,
}

impl Default for Facts {
    fn default() -> Self {
        Facts {
            stopped: None,
            cpu_khz: 2_600_000,
            tsc_reliable: true,
            tsc_scaling: Some(false),
            memory_mb: 65_536,
            cpus: 1,
            directio: false,
        }
    }
}

/// dom0's memory at first, and what it needs itself, in pages.
pub const DOM0_MOST: u64 = 1 << 18;
const DOM0_LEAST: u64 = 1 << 16;

/// A machine with Xen on it.
#[derive(Debug)]
pub struct World {
    /// The hypervisor, as the mock host has it.
    pub machine: Machine,
    /// What kind of host it is.
    pub facts: Facts,
    /// What the model does not know of each of its domains.
    pub guests: BTreeMap<DomId, Guest>,
    /// The machine's memory.
    pub frames: Frames,
    /// xenstore.
    pub store: Store,
    /// The hypervisor's console.
    pub console: Vec<u8>,
    /// Hypercalls that nothing here answers, by name.
    pub unanswered: Vec<String>,
}

/// The one machine of this process, as there is one of each C library.
static WORLD: Mutex<Option<World>> = Mutex::new(None);

/// The process that has it: those that it forks off have a copy of the memory that nobody looks at.
static OWNER: AtomicI32 = AtomicI32::new(0);

/// Whether the machine is in this very process.
pub fn is_here() -> bool {
    // SAFETY: it only answers.
    OWNER.load(Ordering::SeqCst) == unsafe { libc::getpid() }
}

/// Does something with the machine; `None` where there is none.
pub fn with<T>(act: impl FnOnce(&mut World) -> T) -> Option<T> {
    lock().as_mut().map(act)
}

/// Puts a machine in place of the last one.
pub fn place(world: Option<World>) {
    // SAFETY: it only answers.
    let pid = if world.is_some() { unsafe { libc::getpid() } } else { 0 };
    *lock() = world;
    OWNER.store(pid, Ordering::SeqCst);
}

fn lock() -> MutexGuard<'static, Option<World>> {
    WORLD.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// A machine without domains, whose memory is kept in this directory.
    pub fn new(facts: Facts, dir: &Path) -> io::Result<Self> {
        clock::start(facts.stopped);
        Ok(World {
            machine: Machine::default(),
            console: boot_messages(&facts).into_bytes(),
            facts,
            guests: BTreeMap::new(),
            frames: Frames::new(&dir.join("memory"))?,
            store: Store::new(),
            unanswered: Vec::new(),
        })
    }

    /// What the model is told with each call.
    pub fn present(&self) -> Present {
        Present {
            utc: clock::utc(),
            uptime_ns: clock::uptime(),
            tsc: TscHost {
                khz: KiloHertz(self.facts.cpu_khz),
                reliable: self.facts.tsc_reliable,
                scaling: self.facts.tsc_scaling,
            },
        }
    }

    /// A domain of the model.
    pub fn domain(&self, domid: DomId) -> Result<&Domain, Errno> {
        self.machine.domain(domid).map_err(errno)
    }

    /// What is not in the model of it.
    pub fn guest(&self, domid: DomId) -> Result<&Guest, Errno> {
        self.guests.get(&domid).ok_or(libc::ESRCH)
    }

    /// The same, to be changed.
    pub fn guest_mut(&mut self, domid: DomId) -> Result<&mut Guest, Errno> {
        self.guests.get_mut(&domid).ok_or(libc::ESRCH)
    }

    /// dom0's memory. Its balloon driver does at once what its target says, as far as it can.
    pub fn dom0_pages(&self) -> u64 {
        let target = self.store.text("/local/domain/0/memory/target");
        let target = target.and_then(|kb| kb.parse::<u64>().ok()).map_or(DOM0_MOST, |kb| kb >> 2);
        target.clamp(DOM0_LEAST, DOM0_MOST)
    }

    /// Frames that nobody has.
    pub fn free_pages(&self) -> u64 {
        let used: u64 = self.guests.values().map(|guest| guest.used_pages).sum();
        ((self.facts.memory_mb << 8) + DOM0_MOST).saturating_sub(self.dom0_pages()).saturating_sub(used)
    }

    /// Takes a pause away. A guest that runs now does what it was asked meanwhile.
    pub fn unpause(&mut self, domid: DomId) -> Result<(), Errno> {
        self.machine.unpause(domid).map_err(errno)?;
        if self.domain(domid)?.runs() {
            self.runs_now(domid)?;
        }
        Ok(())
    }

    fn runs_now(&mut self, domid: DomId) -> Result<(), Errno> {
        let guest = self.guests.get_mut(&domid).ok_or(libc::ESRCH)?;
        if guest.kind == GuestKind::Pv {
            pv::start(&self.frames, guest).map_err(|_| libc::EIO)?;
        }
        if guest.kind == GuestKind::Hvm {
            // Its PV drivers have told Xen how to reach them, by which libxl knows that they are there.
            guest.params.entry(xen_sys::HVM_PARAM_CALLBACK_IRQ).or_insert(0x0200_0000_0000_0000 | 0x30);
        }
        self.hear(domid)
    }

    /// The guest looks at what the toolstack asks of it, if it runs, and does it.
    pub fn hear(&mut self, domid: DomId) -> Result<(), Errno> {
        if !self.domain(domid)?.runs() {
            return Ok(());
        }
        let path = format!("/local/domain/{domid}/control/shutdown");
        let reason = match self.store.text(&path).as_deref() {
            Some("poweroff" | "halt") => ShutdownReason::Poweroff,
            Some("reboot") => ShutdownReason::Reboot,
            Some("suspend") => ShutdownReason::Suspend,
            _ => return Ok(()),
        };
        // The word taken away is the sign that it was heard.
        self.store.put(&path, b"");
        let guest = self.guest(domid)?;
        if reason == ShutdownReason::Suspend && guest.kind == GuestKind::Pv {
            let written = pv::suspend(&self.frames, guest).map_err(|_| libc::EIO)?;
            let vcpu = pv::suspended(guest);
            let guest = self.guest_mut(domid)?;
            guest.vcpu = vcpu;
            guest.dirty.insert(written);
        }
        self.shut_down(domid, reason)
    }

    /// A domain that has ended goes on.
    pub fn resume(&mut self, domid: DomId) -> Result<(), Errno> {
        let suspended = self.state(domid) == Some(RunState::Shutdown(ShutdownReason::Suspend));
        self.machine.resume(domid).map_err(errno)?;
        let guest = self.guest(domid)?;
        if suspended && guest.kind == GuestKind::Pv {
            pv::resume(&self.frames, guest).map_err(|_| libc::EIO)?;
        }
        self.hear(domid)
    }

    /// The domain ends.
    pub fn shut_down(&mut self, domid: DomId, reason: ShutdownReason) -> Result<(), Errno> {
        let present = self.present();
        self.machine.shut_down(domid, reason, &present).map_err(errno)?;
        self.store.released();
        Ok(())
    }

    /// The guest sets its RTC so many seconds later than it reads.
    pub fn guest_shifts_rtc(&mut self, domid: DomId, seconds: i64) -> Result<(), Refusal> {
        let present = self.present();
        self.machine.guest_shifts_rtc(domid, seconds, &present)
    }

    /// The guest ends by itself.
    pub fn guest_ends(&mut self, domid: DomId, reason: ShutdownReason) -> Result<(), Refusal> {
        let present = self.present();
        self.machine.guest_ends(domid, reason, &present)?;
        self.store.released();
        Ok(())
    }

    /// What RDTSC reads in the guest.
    pub fn guest_tsc(&self, domid: DomId) -> Result<u64, Refusal> {
        self.machine.guest_tsc(domid, &self.present())
    }

    /// The domain is no more.
    pub fn destroy(&mut self, domid: DomId) -> Result<(), Errno> {
        self.machine.destroy(domid).map_err(errno)?;
        if let Some(guest) = self.guests.remove(&domid) {
            self.frames.forget(guest.frames());
        }
        self.store.gone(domid.0);
        Ok(())
    }

    /// What a list of domains says of one.
    pub fn state(&self, domid: DomId) -> Option<RunState> {
        self.machine.domain(domid).ok().map(Domain::state)
    }
}

/// Xen's number for what the model refuses.
pub fn errno(refusal: Refusal) -> Errno {
    use xenclock::host::mock::machine::Errno as Model;
    match refusal.errno {
        Model::Srch => libc::ESRCH,
        Model::NoEnt => libc::ENOENT,
        Model::NoMem => libc::ENOMEM,
        Model::Exist => libc::EEXIST,
        Model::Busy => libc::EBUSY,
        Model::Io => libc::EIO,
        _ => libc::EINVAL,
    }
}

/// What Xen prints while it boots, as far as it is about TSCs: the CPU's features are said nowhere else.
fn boot_messages(facts: &Facts) -> String {
    let (major, minor) = xen_sys::XEN_VERSION;
    let scaling = match facts.tsc_scaling {
        None => return "(XEN) Freed 652kB init memory\n".to_owned(),
        Some(true) => "(XEN)  - TSC Rate MSR\n",
        Some(false) => "",
    };
    format!(
        "(XEN) Xen version {major}.{minor}.0 (fakexen)\n\
         (XEN) SVM: Supported advanced features:\n\
         (XEN)  - Nested Page Tables (NPT)\n\
         {scaling}\
         (XEN) HVM: SVM enabled\n\
         (XEN) Freed 652kB init memory\n"
    )
}
