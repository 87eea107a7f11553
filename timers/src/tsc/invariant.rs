//! The invariant TSC of CPUID (80000007.EDX[8]): its visibility in a guest, and its effect on Linux.

use serde::{Deserialize, Serialize};

use super::guest::{Behaviour, GuestTsc};
use super::mode::TscMode;
use crate::clock::GuestKind;
use crate::words::words;

words! {
    exactly;
    /// A config's say on one bit of CPUID, as in xl.cfg's `cpuid`.
    CpuidBit {
        /// `x`, or nothing: libxl decides.
        Default = "default",
        /// `1`
        On = "on",
        /// `0`
        Off = "off",
        /// `k` or `s`: the host's.
        Host = "host",
    }
}

/// The settings that decide whether a guest sees an invariant TSC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvariantRequest {
    /// The config's say on the bit, which is `invtsc` in xl.cfg's `cpuid`.
    pub bit: CpuidBit,
    /// xl.cfg's `nomigrate`.
    pub nomigrate: bool,
    /// xl.cfg's `tsc_mode`.
    pub mode: TscMode,
}

/// True if a guest is shown an invariant TSC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvariantTsc {
    /// True if it is; `None` where it depends on a CPU of which that is not known.
    pub shown: Option<bool>,
    /// True if nothing in its config shows it: Xen does while the TSC is emulated.
    #[serde(default)]
    pub while_emulated: bool,
    /// The reason in one sentence.
    pub why: String,
}

/// The first minor version of Xen 4 where the toolstack alone decides; before, Xen shows the bit only to a guest that
/// does not migrate or is emulated.
const TOOLSTACK_DECIDES: u32 = 15;

impl InvariantRequest {
    /// True if Xen 4.`minor` shows it to a new guest. `emulated` says whether its TSC is emulated, and `host` whether
    /// the CPU has an invariant TSC itself, as far as that is known.
    #[must_use]
    pub fn shown(&self, minor: u32, emulated: bool, host: Option<bool>) -> InvariantTsc {
        let InvariantRequest { bit, nomigrate, mode } = *self;
        let always = mode == TscMode::AlwaysEmulate;
        let asked = bit == CpuidBit::On;
        let (wanted, why) = match bit {
            CpuidBit::Off => (false, "cpuid hides it (invtsc=0)"),
            CpuidBit::On if minor < TOOLSTACK_DECIDES && nomigrate => {
                (true, "cpuid requests it (invtsc=1), and nomigrate lets Xen 4.14 show it")
            }
            CpuidBit::On if minor < TOOLSTACK_DECIDES && emulated => {
                (true, "cpuid requests it (invtsc=1), and an emulated TSC lets Xen 4.14 show it")
            }
            CpuidBit::On if minor < TOOLSTACK_DECIDES => (
                false,
                "cpuid requests it (invtsc=1), but Xen 4.14 shows it only with nomigrate or an emulated TSC",
            ),
            CpuidBit::On => (true, "cpuid requests it (invtsc=1)"),
            CpuidBit::Host if minor < TOOLSTACK_DECIDES && !nomigrate && !emulated => (
                false,
                "cpuid uses the host's bit, but Xen 4.14 shows it only with nomigrate or an emulated TSC",
            ),
            CpuidBit::Host => (true, "cpuid uses the host's bit"),
            CpuidBit::Default if nomigrate => {
                (true, "nomigrate: libxl shows it to a guest that does not move")
            }
            CpuidBit::Default if always => {
                (true, "tsc_mode always_emulate: an emulated TSC never changes its frequency")
            }
            CpuidBit::Default if minor < TOOLSTACK_DECIDES && emulated => {
                (true, "its TSC is emulated, and Xen 4.14 then shows it")
            }
            CpuidBit::Default => (
                false,
                "libxl shows it only with nomigrate or tsc_mode always_emulate, or if cpuid requests it (invtsc=1)",
            ),
        };
        let while_emulated = wanted && bit == CpuidBit::Default && !nomigrate && !always;
        let of_host = |what: &str| match asked {
            true => format!("{why}, but {what}"),
            false => format!("{what}, so it cannot be shown"),
        };
        let (shown, why) = match host {
            _ if !wanted => (Some(false), why.to_owned()),
            Some(true) => (Some(true), why.to_owned()),
            Some(false) => (Some(false), of_host("the host's CPU has none")),
            None => (None, format!("{why}, if the host's CPU has one")),
        };
        InvariantTsc { shown, while_emulated, why }
    }
}

/// The clock that a Linux guest takes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LinuxClock {
    /// The content of `/sys/devices/system/clocksource/clocksource0/current_clocksource` there.
    pub clocksource: &'static str,
    /// The reason in one sentence.
    pub why: &'static str,
}

/// The clocksource of a Linux guest with Xen's drivers, unless its command line names one.
#[must_use]
pub fn linux_clock(kind: GuestKind, tsc: &GuestTsc, invariant: Option<bool>) -> LinuxClock {
    let xen = |why| LinuxClock { clocksource: "xen", why };
    match (kind, tsc.mode, invariant) {
        (GuestKind::Pv, ..) => xen("a PV guest uses Xen's clock"),
        (_, _, Some(false)) => xen("without an invariant TSC, Linux uses Xen's clock"),
        (_, TscMode::Native, Some(true)) if tsc.behaviour == Behaviour::Native => LinuxClock {
            clocksource: "tsc",
            why: "since Linux 6.3, because its TSC is invariant and its mode is native; older versions use xen",
        },
        (_, TscMode::Native, _) => xen("unless it sees an invariant TSC, which is not known"),
        (..) => xen("Linux uses an invariant TSC only in mode native"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tsc::TscHost;
    use crate::units::KiloHertz;

    fn request(bit: CpuidBit, nomigrate: bool, mode: TscMode) -> InvariantRequest {
        InvariantRequest { bit, nomigrate, mode }
    }

    #[test]
    fn who_is_shown_it() {
        use CpuidBit::{Default, Host, Off, On};
        let native = TscMode::Default;
        // bit, nomigrate, mode, emulated, shown by 4.14, shown since
        let table = [
            (Default, false, native, false, false, false),
            (Default, false, native, true, true, false),
            (Default, true, native, false, true, true),
            (Default, false, TscMode::AlwaysEmulate, true, true, true),
            (Default, false, TscMode::Native, false, false, false),
            (On, false, native, false, false, true),
            (On, true, native, false, true, true),
            (On, false, native, true, true, true),
            (Off, true, native, false, false, false),
            (Off, false, TscMode::AlwaysEmulate, true, false, false),
            (Host, false, native, false, false, true),
            (Host, true, native, false, true, true),
        ];
        for (bit, nomigrate, mode, emulated, old, new) in table {
            let request = request(bit, nomigrate, mode);
            let shown = |minor| request.shown(minor, emulated, Some(true)).shown;
            assert_eq!((shown(14), shown(15), shown(22)), (Some(old), Some(new), Some(new)), "{request:?}");
            // A guest is not shown what the CPU lacks.
            assert_eq!(request.shown(17, emulated, Some(false)).shown, Some(false));
            let unknown = request.shown(17, emulated, None).shown;
            assert_eq!(unknown, if new { None } else { Some(false) }, "{request:?}");
        }
    }

    #[test]
    fn the_reason_names_what_decided() {
        let why = |minor, nomigrate, bit| {
            request(bit, nomigrate, TscMode::Default).shown(minor, false, Some(true)).why
        };
        assert!(why(17, true, CpuidBit::Default).starts_with("nomigrate"));
        assert!(why(17, false, CpuidBit::On).starts_with("cpuid requests"));
        assert!(why(14, false, CpuidBit::On).contains("only with nomigrate or an emulated TSC"));
    }

    #[test]
    fn linux_takes_the_tsc_only_where_all_is_right() {
        let host = TscHost { khz: KiloHertz(2_600_000), reliable: true, scaling: Some(false) };
        let clock = |kind, mode, invariant| {
            linux_clock(kind, &GuestTsc::on_host(mode, KiloHertz(0), kind, &host), invariant).clocksource
        };
        assert_eq!(clock(GuestKind::Pvh, TscMode::Native, Some(true)), "tsc");
        assert_eq!(clock(GuestKind::Hvm, TscMode::Native, Some(true)), "tsc");
        assert_eq!(clock(GuestKind::Hvm, TscMode::Native, Some(false)), "xen");
        assert_eq!(clock(GuestKind::Hvm, TscMode::Native, None), "xen");
        assert_eq!(clock(GuestKind::Hvm, TscMode::Default, Some(true)), "xen");
        assert_eq!(clock(GuestKind::Hvm, TscMode::AlwaysEmulate, Some(true)), "xen");
        assert_eq!(clock(GuestKind::Pv, TscMode::Native, Some(true)), "xen");
    }
}
