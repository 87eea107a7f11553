//! The facts about a host.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use timers::KiloHertz;
use timers::tsc::TscHost;
use timers::zone::Zone;

use crate::domain::release::XenVersion;

/// The facts about a host that a plan depends on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostFacts {
    /// The moment the facts were taken.
    pub now: DateTime<Utc>,
    /// The current boot of the host: after another boot, other domains have the same numbers.
    pub boot_id: String,
    /// The host's own time zone.
    pub zone: Zone,
    /// The release of Xen.
    pub xen_version: XenVersion,
    /// The frequency of the host's TSC as Xen measured it at boot.
    pub cpu_khz: KiloHertz,
    /// True if Xen trusts the host's TSC (CPUID leaf base+3).
    pub tsc_reliable: bool,
    /// True if the CPU scales a guest's TSC; `None` where that cannot be known.
    pub tsc_scaling: Option<bool>,
    /// True if the CPU's TSC is invariant, so that a guest can be shown that; `None` where that cannot be known.
    pub tsc_invariant: Option<bool>,
    /// The time since the host booted. A step of the time of day does not change it.
    pub uptime: Duration,
    /// The quality of the host's time of day.
    pub clock: HostClock,
}

/// The state of a host's time of day, as its kernel has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HostClock {
    /// True if something such as NTP keeps it right; `None` where that cannot be known.
    pub synchronised: Option<bool>,
    /// How far off it is by its own estimate, in microseconds.
    pub estimated_error_us: Option<u64>,
    /// How far off it is at most, by its own estimate, in microseconds.
    pub maximum_error_us: Option<u64>,
}

impl HostFacts {
    /// The facts that every host has. The CPU's abilities are unknown, and its TSC is not trusted.
    #[must_use]
    pub fn new(
        now: DateTime<Utc>,
        boot_id: impl Into<String>,
        zone: Zone,
        xen_version: XenVersion,
        cpu_khz: KiloHertz,
    ) -> Self {
        HostFacts {
            now,
            boot_id: boot_id.into(),
            zone,
            xen_version,
            cpu_khz,
            tsc_reliable: false,
            tsc_scaling: None,
            tsc_invariant: None,
            uptime: Duration::ZERO,
            clock: HostClock::default(),
        }
    }

    /// The part that decides how a TSC behaves.
    #[must_use]
    pub fn tsc(&self) -> TscHost {
        TscHost { khz: self.cpu_khz, reliable: self.tsc_reliable, scaling: self.tsc_scaling }
    }
}
