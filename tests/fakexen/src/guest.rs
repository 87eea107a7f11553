//! What Xen keeps of a domain that is not in the model: its memory, and what the toolstack has set.

use std::collections::{BTreeMap, BTreeSet};

use timers::GuestKind;

/// A save record's code and instance.
pub type RecordId = (u16, u16);

/// The rest of a domain. Its clocks, pauses and end are the model's.
#[derive(Debug)]
pub struct Guest {
    /// hvm, pv or pvh.
    pub kind: GuestKind,
    /// vCPUs at most.
    pub max_vcpus: u32,
    /// Whether the vCPUs are there.
    pub has_vcpus: bool,
    /// As created: which devices Xen emulates for it.
    pub emulation: u32,
    /// Guest frame to machine frame; a PV guest's own frames are the machine's.
    pub pages: BTreeMap<u64, u64>,
    /// A PV guest's own order: its frame to machine frame.
    pub order: BTreeMap<u64, u64>,
    /// Frames of its reservation that are used.
    pub used_pages: u64,
    /// Its reservation.
    pub max_pages: u64,
    /// The frame of its shared information.
    pub shared_info: u64,
    /// The frames of its grant table, as far as someone has asked for them.
    pub grant_frames: Vec<u64>,
    /// What the toolstack has set as HVM parameters.
    pub params: BTreeMap<u32, u64>,
    /// HVM save records that have been loaded.
    pub records: BTreeMap<RecordId, Vec<u8>>,
    /// The CPUID leaves and MSRs of its policy, as they were given.
    pub policy: (Vec<u8>, Vec<u8>),
    /// Bytes for its page tables.
    pub paging_pool: u64,
    /// Its own frames that it has written to since somebody last asked.
    pub dirty: BTreeSet<u64>,
    /// The highest event channel given out.
    pub last_port: u32,
    /// 4 or 8: the size of a PV guest's addresses.
    pub width: u32,
    /// vCPU 0's registers as a PV guest's were set.
    pub vcpu: Vec<u8>,
    /// Its NUMA, where it has one.
    pub vnuma: Option<Vnuma>,
}

/// A guest's NUMA, as it was set: lists as bytes, and how many entries each has.
#[derive(Clone, Debug)]
pub struct Vnuma {
    /// Nodes, vCPUs, ranges of memory.
    pub counts: [u32; 3],
    /// Distances between nodes.
    pub distances: Vec<u8>,
    /// Each vCPU's node.
    pub vcpus: Vec<u8>,
    /// Ranges of memory.
    pub ranges: Vec<u8>,
}

impl Guest {
    /// A new one without memory.
    pub fn new(kind: GuestKind, max_vcpus: u32, emulation: u32, shared_info: u64) -> Self {
        Guest {
            kind,
            max_vcpus,
            has_vcpus: false,
            emulation,
            pages: BTreeMap::new(),
            order: BTreeMap::new(),
            used_pages: 0,
            max_pages: 0,
            shared_info,
            grant_frames: Vec::new(),
            params: BTreeMap::new(),
            records: BTreeMap::new(),
            policy: (Vec::new(), Vec::new()),
            paging_pool: 0,
            dirty: BTreeSet::new(),
            last_port: 0,
            width: 8,
            vcpu: Vec::new(),
            vnuma: None,
        }
    }

    /// Whether Xen translates its frames.
    pub fn is_translated(&self) -> bool {
        self.kind != GuestKind::Pv
    }

    /// All machine frames that go with it.
    pub fn frames(&self) -> impl Iterator<Item = u64> {
        self.pages.values().copied().chain([self.shared_info]).chain(self.grant_frames.iter().copied())
    }
}
