//! The invariant TSC of CPUID (80000007.EDX[8]): its visibility in a guest, and its effect on Linux.

use serde::{Deserialize, Serialize};

use super::guest::{Behaviour, GuestTsc};
use super::mode::{TscHost, TscMode};
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

/// A host, as far as the invariant TSC of a guest's CPUID goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvariantHost {
    /// Its Xen is 4.`minor`.
    pub minor: u32,
    /// True if Xen 4.14 counts the guest's TSC as emulated; see [`InvariantHost::emulates`].
    pub emulated: bool,
    /// True if the CPU has an invariant TSC itself, as far as that is known.
    pub cpu: Option<bool>,
}

impl InvariantHost {
    /// True if Xen 4.14 counts a guest's TSC as emulated: it is now, and is so at the host's own frequency as well. For
    /// libxl sets CPUID before anybody can set another frequency, and Xen never gives back a bit that it has hidden.
    #[must_use]
    pub fn emulates(tsc: &GuestTsc, kind: GuestKind, host: &TscHost) -> bool {
        let own = GuestTsc::on_host(tsc.mode, host.khz, kind, host);
        [tsc.behaviour, own.behaviour].iter().all(|&behaviour| behaviour == Behaviour::Emulated)
    }

    fn hides(self, nomigrate: bool) -> bool {
        self.minor < TOOLSTACK_DECIDES && !nomigrate && !self.emulated
    }
}

impl InvariantRequest {
    /// True if the config asks for it, and does not get it only because the TSC happens to be emulated.
    #[must_use]
    pub fn is_made(&self) -> bool {
        self.bit != CpuidBit::Default || self.nomigrate || self.mode == TscMode::AlwaysEmulate
    }

    /// True if the Xen of a host shows it to a new guest.
    #[must_use]
    pub fn shown(&self, on: InvariantHost) -> InvariantTsc {
        let InvariantHost { minor, emulated, cpu: host } = on;
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
            CpuidBit::Host if on.hides(nomigrate) => (
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
        let while_emulated = wanted && !self.is_made();
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

    /// The same for a guest that has come to a host, by a migration or out of a save; `before` says whether it was shown
    /// where it came from. Its CPUID comes with it (since Xen 4.14), whatever its config says; Xen only hides what it
    /// cannot show there.
    #[must_use]
    pub fn carried(&self, before: Option<bool>, on: InvariantHost) -> InvariantTsc {
        let (shown, why) = match (before, on.cpu) {
            (None, Some(false)) => (Some(false), "the host's CPU has none, so it cannot be shown"),
            (None, _) if on.hides(self.nomigrate) => {
                (Some(false), "Xen 4.14 shows it only with nomigrate or an emulated TSC")
            }
            (None, _) => (None, "the guest brought its CPUID along, and nobody knows what that showed"),
            (Some(false), _) => (Some(false), "the guest brought its CPUID along, which showed none"),
            (Some(true), Some(false)) => (Some(false), "its CPUID showed one, but the host's CPU has none"),
            (Some(true), _) if on.hides(self.nomigrate) => (
                Some(false),
                "its CPUID showed one, but Xen 4.14 shows it only with nomigrate or an emulated TSC",
            ),
            (Some(true), Some(true)) => (Some(true), "the guest brought its CPUID along, which showed one"),
            (Some(true), None) => (
                None,
                "the guest brought its CPUID along, which showed one; it still does if this host's CPU has one",
            ),
        };
        InvariantTsc { shown, while_emulated: shown != Some(false) && !self.is_made(), why: why.to_owned() }
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
            let shown = |minor| request.shown(InvariantHost { minor, emulated, cpu: Some(true) }).shown;
            assert_eq!((shown(14), shown(15), shown(22)), (Some(old), Some(new), Some(new)), "{request:?}");
            // A guest is not shown what the CPU lacks.
            let with = |cpu| request.shown(InvariantHost { minor: 17, emulated, cpu }).shown;
            assert_eq!(with(Some(false)), Some(false));
            let unknown = with(None);
            assert_eq!(unknown, if new { None } else { Some(false) }, "{request:?}");
        }
    }

    #[test]
    fn the_reason_names_what_decided() {
        let why = |minor, nomigrate, bit| {
            let on = InvariantHost { minor, emulated: false, cpu: Some(true) };
            request(bit, nomigrate, TscMode::Default).shown(on).why
        };
        assert!(why(17, true, CpuidBit::Default).starts_with("nomigrate"));
        assert!(why(17, false, CpuidBit::On).starts_with("cpuid requests"));
        assert!(why(14, false, CpuidBit::On).contains("only with nomigrate or an emulated TSC"));
    }

    #[test]
    fn cpuid_comes_with_a_guest_and_only_loses_the_bit() {
        let plain = request(CpuidBit::On, false, TscMode::Default);
        let stays = request(CpuidBit::Default, true, TscMode::Default);
        let (yes, no) = (Some(true), Some(false));
        // request, before, minor, emulated, the CPU's, after
        for (request, before, minor, emulated, cpu, after) in [
            (plain, yes, 17, false, yes, yes),
            (plain, yes, 17, false, no, no),
            (plain, yes, 17, false, None, None),
            // Xen 4.14 hid it at the start, and 4.17 does not give it back.
            (plain, no, 17, false, yes, no),
            (plain, yes, 14, false, yes, no),
            (plain, yes, 14, true, yes, yes),
            (stays, yes, 14, false, yes, yes),
            (stays, None, 17, false, yes, None),
        ] {
            let shown = request.carried(before, InvariantHost { minor, emulated, cpu }).shown;
            assert_eq!(shown, after, "{request:?} {before:?} on 4.{minor}, {emulated} {cpu:?}");
        }
    }

    #[test]
    fn a_frequency_of_its_own_does_not_count_as_emulation_on_4_14() {
        let host = |reliable| TscHost { khz: KiloHertz(2_600_000), reliable, scaling: Some(false) };
        let emulates = |mode, khz, reliable| {
            let host = host(reliable);
            let tsc = GuestTsc::on_host(mode, KiloHertz(khz), GuestKind::Hvm, &host);
            InvariantHost::emulates(&tsc, GuestKind::Hvm, &host)
        };
        assert!(!emulates(TscMode::Default, 2_600_000, true));
        assert!(!emulates(TscMode::Default, 2_000_000, true));
        assert!(emulates(TscMode::Default, 2_000_000, false));
        assert!(emulates(TscMode::AlwaysEmulate, 2_600_000, true));
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
