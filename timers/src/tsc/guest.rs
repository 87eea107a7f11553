//! A guest's TSC on a host: the one rule for its behaviour, now or after a move.

use serde::Serialize;

use super::mode::{TscHost, TscMode, set};
use crate::clock::GuestKind;
use crate::units::KiloHertz;
use crate::words::words;

words! {
    exactly;
    /// How the guest's reads of the TSC are done.
    Behaviour {
        /// The host's counter at the host's frequency: full speed.
        Native = "native",
        /// The host's counter, scaled by the CPU: full speed.
        Scaled = "scaled",
        /// Every read is emulated by Xen: right, and slow.
        Emulated = "emulated",
        /// It is not known whether the host can scale, and that decides.
        ScaledOrEmulated = "scaled-or-emulated",
    }
}

/// A guest's TSC on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GuestTsc {
    /// Its mode.
    pub mode: TscMode,
    /// The frequency at which it counts.
    pub khz: KiloHertz,
    /// How its reads are done.
    pub behaviour: Behaviour,
    /// The reason in one sentence.
    pub why: String,
}

impl GuestTsc {
    /// The TSC of a guest in this mode at this frequency on a host.
    ///
    /// `khz` is what `gettscinfo` answers of the guest, and so what Xen's stream carries of it: 0, and any frequency in
    /// mode native, stands for the host's.
    #[must_use]
    pub fn on_host(mode: TscMode, khz: KiloHertz, kind: GuestKind, host: &TscHost) -> Self {
        let khz = if khz.0 == 0 || mode == TscMode::Native { host.khz } else { khz };
        let behaviour = behaviour(mode, khz, kind, host);
        GuestTsc { mode, khz, behaviour, why: why(mode, behaviour, khz, kind, host) }
    }
}

/// How reads are done, by the hypervisor's own decision.
fn behaviour(mode: TscMode, khz: KiloHertz, kind: GuestKind, host: &TscHost) -> Behaviour {
    let with = |scaling| {
        let found = set(mode, khz.0, kind, &TscHost { scaling: Some(scaling), ..*host });
        match (found.emulated, found.scaled) {
            (true, _) => Behaviour::Emulated,
            (false, true) => Behaviour::Scaled,
            (false, false) => Behaviour::Native,
        }
    };
    match host.scaling {
        Some(scaling) => with(scaling),
        None if with(true) == with(false) => with(true),
        None => Behaviour::ScaledOrEmulated,
    }
}

fn why(mode: TscMode, behaviour: Behaviour, khz: KiloHertz, kind: GuestKind, host: &TscHost) -> String {
    let differs = || format!("{khz} differs from the host's {}", host.khz);
    match (mode, behaviour) {
        (TscMode::Native, _) if host.reliable => {
            format!("mode native reads the host's TSC, which runs at {khz}")
        }
        (TscMode::Native, _) => {
            format!("mode native reads the host's TSC at {khz}, even though Xen does not trust it")
        }
        (TscMode::AlwaysEmulate, _) => format!("mode always_emulate emulates every read, at {khz}"),
        (TscMode::Default, Behaviour::Native) => {
            format!("the host's TSC is reliable and runs at the guest's {khz}")
        }
        (TscMode::Default, Behaviour::Scaled) => {
            format!("{} and this host's CPU scales the TSC, so reads are native", differs())
        }
        (TscMode::Default, Behaviour::ScaledOrEmulated) => format!(
            "{} and it is not known whether this host can scale; if it cannot, every read is emulated",
            differs()
        ),
        (TscMode::Default, Behaviour::Emulated) if !host.reliable => {
            "Xen does not trust the host's TSC, so every read is emulated".to_owned()
        }
        (TscMode::Default, Behaviour::Emulated) if kind == GuestKind::Pv => {
            format!("{} and Xen never scales for a PV guest, so every read is emulated", differs())
        }
        (TscMode::Default, Behaviour::Emulated) => {
            format!("{} and this host cannot scale, so every read is emulated", differs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use GuestKind::{Hvm, Pv};

    const HOST: TscHost = TscHost { khz: KiloHertz(2_600_000), reliable: true, scaling: Some(false) };

    #[test]
    fn the_hosts_own_frequency_stands_for_none() {
        for khz in [0, 2_600_000] {
            let tsc = GuestTsc::on_host(TscMode::Default, KiloHertz(khz), Hvm, &HOST);
            assert_eq!((tsc.khz, tsc.behaviour), (HOST.khz, Behaviour::Native));
        }
        let emulated = GuestTsc::on_host(TscMode::AlwaysEmulate, KiloHertz(0), Pv, &HOST);
        assert_eq!((emulated.khz, emulated.behaviour), (HOST.khz, Behaviour::Emulated));
    }

    #[test]
    fn mode_native_has_the_hosts_frequency_whatever_is_told() {
        for khz in [0, 1, 2_000_000] {
            let tsc = GuestTsc::on_host(TscMode::Native, KiloHertz(khz), Hvm, &HOST);
            assert_eq!((tsc.khz, tsc.behaviour), (HOST.khz, Behaviour::Native));
        }
    }

    #[test]
    fn one_kilohertz_decides() {
        let off = KiloHertz(2_600_001);
        let on = |scaling| GuestTsc::on_host(TscMode::Default, off, Hvm, &TscHost { scaling, ..HOST });
        assert_eq!(on(Some(false)).behaviour, Behaviour::Emulated);
        assert_eq!(on(Some(true)).behaviour, Behaviour::Scaled);
        assert_eq!(on(None).behaviour, Behaviour::ScaledOrEmulated);
        assert!(on(Some(false)).why.starts_with("2600001 kHz differs from the host's 2600000 kHz"));
        assert!([on(None), on(Some(true)), on(Some(false))].iter().all(|tsc| tsc.khz == off));
    }
}
