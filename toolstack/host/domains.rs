//! The domains of a host: their numbers, their states, and what happens to them.

use std::fmt;

use serde::{Deserialize, Serialize};
use timers::GuestKind;
use uuid::Uuid;

/// A number that Xen gives a domain for as long as it exists; a reboot makes a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DomId(pub u32);

impl fmt::Display for DomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The reason of a shutdown; Xen's `SHUTDOWN_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShutdownReason {
    /// It powered off.
    Poweroff,
    /// It asked for a reboot.
    Reboot,
    /// It was suspended for a save or a migration.
    Suspend,
    /// It crashed.
    Crash,
    /// Its watchdog fired.
    Watchdog,
    /// It asked for a soft reset.
    SoftReset,
}

/// The state of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Running, or ready to.
    Running,
    /// Held by the toolstack.
    Paused,
    /// Ended, and not destroyed yet: its records can still be read.
    Shutdown(ShutdownReason),
    /// Being destroyed: nothing can be read any more.
    Dying,
}

/// An entry in the list of domains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DomainSummary {
    /// Its number.
    pub domid: DomId,
    /// Its name.
    pub name: String,
    /// Its UUID. Two domains have the same one while a guest moves within a host, and after
    /// [`Host::preserve`](super::Host::preserve).
    pub uuid: Uuid,
    /// hvm, pv or pvh.
    #[serde(rename = "type")]
    pub kind: GuestKind,
    /// Its state.
    pub state: RunState,
    /// True if its vCPUs have run on this host, in this life of it: a restored domain's have not before its unpause.
    pub has_run: bool,
    /// Memory now, in KiB.
    pub memory_kb: u64,
    /// vCPUs online.
    pub vcpus: u32,
}

impl DomainSummary {
    /// A domain that is paused and has not run.
    #[must_use]
    pub fn new(domid: DomId, name: impl Into<String>, uuid: Uuid, kind: GuestKind) -> Self {
        let state = RunState::Paused;
        DomainSummary { domid, name: name.into(), uuid, kind, state, has_run: false, memory_kb: 0, vcpus: 0 }
    }
}

/// All that a list of domains shows of one, as `libxl_dominfo` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainInfo {
    /// The domain.
    #[serde(flatten)]
    pub summary: DomainSummary,
    /// Xen's own flags. Several can be set at once.
    pub flags: DomainFlags,
    /// Time that its vCPUs have run on this host, in nanoseconds.
    pub cpu_time_ns: u64,
    /// Memory that it has claimed and not got yet, in KiB.
    pub outstanding_kb: u64,
    /// Its security label; `None` where Xen has no security policy.
    pub security_label: Option<String>,
}

/// The state of a domain as Xen has it, which [`RunState`] sums up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainFlags {
    /// A vCPU runs now.
    pub running: bool,
    /// All vCPUs wait for something.
    pub blocked: bool,
    /// The toolstack holds it.
    pub paused: bool,
    /// It has ended, for this reason.
    pub shutdown: Option<ShutdownReason>,
    /// It is being destroyed.
    pub dying: bool,
}

/// The CPUs and the memory that a domain may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The name of its CPU pool.
    pub cpupool: String,
    /// For each NUMA node of the host, whether the domain's memory may be there.
    pub nodes: Vec<bool>,
}

/// Something that happened on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A domain came into being (xenstore's `@introduceDomain`).
    Introduced {
        /// Its number.
        domid: DomId,
        /// Its UUID.
        uuid: Uuid,
    },
    /// A domain ended and can still be read.
    Shutdown {
        /// Its number.
        domid: DomId,
        /// Its UUID.
        uuid: Uuid,
        /// Why.
        reason: ShutdownReason,
    },
    /// A domain no longer exists.
    Destroyed {
        /// Its number.
        domid: DomId,
        /// Its UUID.
        uuid: Uuid,
    },
}
