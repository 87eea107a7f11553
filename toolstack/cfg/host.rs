//! The facts of the host and of xl.conf that xl uses when it reads a file.

use std::fmt;
use std::sync::Arc;

use timers::zone::{ZoneError, ZoneSource, default_zones};

use crate::domain::config::GenId;
use crate::domain::release::{self, Known, XenVersion};

/// The CPUs that are assumed where nobody says how many the host has: as many as Xen can be built for.
const MOST_CPUS: u32 = 4095;

/// The lock that every xl takes while it makes room in memory for a guest and starts it.
pub(super) const LOCK_FILE: &str = "/var/lock/xl";

/// The host that a file is read for. What is not known is not checked.
#[derive(Clone, Debug)]
pub struct XlHost {
    /// Its Xen; where it is not known, keys of all releases are taken, and what changed is as in Xen 4.17.
    pub release: Option<XenVersion>,
    /// How many CPUs it has.
    pub cpus: Option<u32>,
    /// The CPUs of each of its NUMA nodes.
    pub nodes: Option<Vec<Vec<u32>>>,
    /// A VM generation ID that no guest has had, for `ms_vm_genid = "generate"`.
    pub genid: GenId,
    /// The directory of its firmware, such as PV guests' GRUB.
    pub firmware_dir: String,
    /// Its `xl.conf`.
    pub conf: XlConf,
    /// The time zones that a clock can have.
    pub zones: Zones,
}

/// A database of time zones. Where none is given, a clock's zone is not looked up.
#[derive(Clone, Default)]
pub struct Zones(Option<Arc<dyn ZoneSource + Send + Sync>>);

impl Zones {
    /// The zones of a source; `into()` makes an `Arc` of the `Box` of [`default_zones`](timers::zone::default_zones).
    ///
    /// ```
    /// use xenclock::cfg::{XlHost, Zones};
    /// use xenclock::timers::zone::default_zones;
    ///
    /// let host = XlHost { zones: Zones::new(default_zones().into()), ..XlHost::default() };
    /// # drop(host);
    /// ```
    #[must_use]
    pub fn new(source: Arc<dyn ZoneSource + Send + Sync>) -> Self {
        Zones(Some(source))
    }

    /// Why there is no such zone, as far as is known.
    pub(super) fn error(&self, name: &str) -> Option<ZoneError> {
        self.0.as_ref()?.zone(name).err()
    }

    /// Looks for a zone that is meant: in this machine's database where none is given.
    pub(super) fn look<T>(&self, look: impl FnOnce(&dyn ZoneSource) -> T) -> T {
        match &self.0 {
            Some(zones) => look(&**zones),
            None => look(&*default_zones()),
        }
    }
}

impl fmt::Debug for Zones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zones").field(&self.0.is_some()).finish()
    }
}

/// The settings of xl's own `xl.conf` that change what a guest gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XlConf {
    /// `vif.default.script`
    pub vif_script: Option<String>,
    /// `vif.default.bridge`
    pub vif_bridge: Option<String>,
    /// `vif.default.gatewaydev`
    pub vif_gatewaydev: Option<String>,
    /// `vif.default.backend`
    pub vif_backend: Option<String>,
    /// `blkdev_start`
    pub blkdev_start: Option<String>,
    /// `run_hotplug_scripts`
    pub run_hotplug_scripts: bool,
    /// `claim_mode`
    pub claim_mode: bool,
    /// `max_grant_frames`
    pub max_grant_frames: Option<u32>,
    /// `max_maptrack_frames`
    pub max_maptrack_frames: Option<u32>,
    /// `max_grant_version`
    pub max_grant_version: Option<i32>,
    /// `bootloader_restrict`
    pub bootloader_restrict: Option<bool>,
    /// `autoballoon`
    pub autoballoon: Autoballoon,
    /// `lockfile`
    pub lockfile: String,
    /// `vm.cpumask`, `vm.hvm.cpumask` and `vm.pv.cpumask`
    pub cpu_masks: CpuMasks,
}

/// The rule by which dom0 gives up memory for a new guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Autoballoon {
    /// It does.
    On,
    /// It does not.
    Off,
    /// It does where Xen was booted without `dom0_mem`.
    #[default]
    Auto,
}

/// CPUs that guests are kept to, as `xl.conf` has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuMasks {
    /// All guests.
    pub all: Option<String>,
    /// HVM and PVH guests.
    pub hvm: Option<String>,
    /// PV guests.
    pub pv: Option<String>,
}

impl Default for XlHost {
    fn default() -> Self {
        XlHost {
            release: None,
            cpus: None,
            nodes: None,
            genid: GenId::default(),
            firmware_dir: "/usr/lib/xen/boot".to_owned(),
            conf: XlConf::default(),
            zones: Zones::default(),
        }
    }
}

impl XlHost {
    /// True if its Xen is of this release of Xen 4 or newer.
    pub(super) fn is_since(&self, minor: u32) -> bool {
        self.release.is_some_and(|release| release >= XenVersion { major: 4, minor })
    }

    /// True if its Xen is older than this release of Xen 4.
    pub(super) fn is_before(&self, minor: u32) -> bool {
        self.release.is_some_and(|release| release < XenVersion { major: 4, minor })
    }

    /// True if its Xen knows something, as far as is known.
    pub(super) fn knows(&self, known: impl FnOnce() -> Option<Known>) -> bool {
        self.release.is_none_or(|release| known().is_none_or(|known| known.by(release)))
    }

    /// True if its xl knows a setting in an entry of this list.
    pub(super) fn knows_setting(&self, list: &str, name: &str) -> bool {
        self.knows(|| release::setting(list, name))
    }

    /// True if its xl knows a word of this key, whatever its case.
    pub(super) fn knows_word(&self, key: &str, word: &str) -> bool {
        self.knows(|| release::word(key, &word.to_ascii_lowercase()))
    }

    /// How many CPUs a set of them has room for: libxl takes whole bytes.
    pub(super) fn cpu_bits(&self) -> u32 {
        self.cpus.unwrap_or(MOST_CPUS).div_ceil(8) * 8
    }
}

impl Default for XlConf {
    /// As without a file.
    fn default() -> Self {
        XlConf {
            vif_script: None,
            vif_bridge: None,
            vif_gatewaydev: None,
            vif_backend: None,
            blkdev_start: None,
            run_hotplug_scripts: true,
            claim_mode: true,
            max_grant_frames: None,
            max_maptrack_frames: None,
            max_grant_version: None,
            bootloader_restrict: None,
            autoballoon: Autoballoon::Auto,
            lockfile: LOCK_FILE.to_owned(),
            cpu_masks: CpuMasks::default(),
        }
    }
}
