//! `<timer>`: the devices from which a guest can get ticks or time.

use serde::{Deserialize, Serialize};

use crate::units::Hertz;
use crate::words::words;

/// One `<timer>` element, word for word; `None` where an attribute is not given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// `name=`
    pub name: TimerName,
    /// `present=`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// `track=`, of rtc and platform
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<Track>,
    /// `tickpolicy=`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tickpolicy: Option<TickPolicy>,
    /// `<catchup>` of tickpolicy catchup
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catchup: Option<Catchup>,
    /// `frequency=`, of tsc
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Hertz>,
    /// `mode=`, of tsc
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<TimerMode>,
}

impl Timer {
    /// A timer of which nothing is said but its name.
    #[must_use]
    pub fn named(name: TimerName) -> Self {
        Timer {
            name,
            present: None,
            track: None,
            tickpolicy: None,
            catchup: None,
            frequency: None,
            mode: None,
        }
    }
}

/// `<catchup>`: how QEMU catches up with lost ticks. Xen has no such tunables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catchup {
    /// Nanoseconds of lag that are let pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u32>,
    /// Nanoseconds a second that are made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slew: Option<u32>,
    /// Nanoseconds that are made up at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

words! {
    exactly;
    /// `<timer name=>`
    TimerName {
        /// QEMU's idea of all timers together; libvirt itself calls it unsupported.
        Platform = "platform",
        /// The CMOS real time clock.
        Rtc = "rtc",
        /// The 8254 interval timer.
        Pit = "pit",
        /// The high precision event timer.
        Hpet = "hpet",
        /// The CPU's time stamp counter.
        Tsc = "tsc",
        /// KVM's paravirtual clock.
        Kvmclock = "kvmclock",
        /// Hyper-V's reference time (on Xen: viridian).
        Hypervclock = "hypervclock",
        /// ARM's virtual timer.
        Armvtimer = "armvtimer",
    }
}

words! {
    exactly;
    /// `<timer tickpolicy=>`: what happens to ticks that were due while the guest did not run.
    TickPolicy {
        /// Late ticks come at the normal rate; guest time stays behind.
        Delay = "delay",
        /// Late ticks come faster until guest time has caught up.
        Catchup = "catchup",
        /// Late ticks become one.
        Merge = "merge",
        /// Late ticks are thrown away.
        Discard = "discard",
    }
}

words! {
    exactly;
    /// `<timer track=>`: what the timer follows.
    Track {
        /// Host time since boot.
        Boot = "boot",
        /// Guest time: stands still while the guest does.
        Guest = "guest",
        /// Host wall clock.
        Wall = "wall",
        /// Host real time.
        Realtime = "realtime",
    }
}

words! {
    exactly;
    /// `<timer name='tsc' mode=>`
    TimerMode {
        /// The hypervisor decides.
        Auto = "auto",
        /// The guest reads the host's counter.
        Native = "native",
        /// Every read is emulated.
        Emulate = "emulate",
        /// Native with a paravirtual protocol (PVRDTSCP), which Xen 4.12 removed.
        Paravirt = "paravirt",
        /// As auto, and emulated unless safe on all CPUs together.
        Smpsafe = "smpsafe",
    }
}

/// The words of xl, QEMU and others for a TSC mode, and xl's old numbers. PVRDTSCP has no successor but `auto`.
const OTHER_MODES: [(TimerMode, &[&str]); 3] = [
    (
        TimerMode::Emulate,
        &[
            "emulate",
            "emulated",
            "emulation",
            "always",
            "always_emulate",
            "always-emulate",
            "alwaysemulate",
            "1",
        ],
    ),
    (TimerMode::Native, &["native", "passthrough", "never", "never_emulate", "host", "hardware", "2"]),
    (
        TimerMode::Auto,
        &[
            "auto",
            "default",
            "smpsafe",
            "dynamic",
            "scaled",
            "paravirt",
            "pv",
            "native_paravirt",
            "native-paravirt",
            "pvrdtscp",
            "0",
            "3",
            "",
        ],
    ),
];

impl TimerMode {
    /// The mode that a word of another toolstack means, in any case; `None` for a word that none has.
    #[must_use]
    pub fn meant_by(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase();
        OTHER_MODES.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(mode, _)| *mode)
    }
}
