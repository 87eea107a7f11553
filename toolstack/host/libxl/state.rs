//! State that a handle keeps about its host.

use std::collections::{BTreeMap, VecDeque};

use timers::KiloHertz;
use uuid::Uuid;

use crate::domain::XenVersion;
use crate::host::{Event, ShutdownReason};

/// A domain as it was seen last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub uuid: Uuid,
    pub ended: Option<ShutdownReason>,
}

/// The domains that have been told of, and the events that nobody has asked for yet.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub listening: bool,
    pub known: BTreeMap<u32, Seen>,
    pub waiting: VecDeque<Event>,
}

/// The facts that do not change while the host runs.
#[derive(Clone, Debug)]
pub(super) struct Fixed {
    pub boot_id: String,
    pub xen_version: XenVersion,
    pub cpu_khz: KiloHertz,
    pub tsc_reliable: bool,
    pub tsc_scaling: Option<bool>,
    pub tsc_invariant: Option<bool>,
}
