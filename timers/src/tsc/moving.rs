//! The effect of a restore or a migration on a guest's TSC, and on the guest.

use serde::Serialize;

use super::guest::{Behaviour, GuestTsc};
use super::mode::{TscHost, TscMode};
use super::tolerance::Tolerance;
use crate::clock::GuestKind;
use crate::severity::Severity;
use crate::units::{KiloHertz, Ppm};

/// A guest's TSC as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovingTsc {
    /// hvm, pv or pvh.
    pub kind: GuestKind,
    /// Its mode.
    pub mode: TscMode,
    /// The frequency at which it counts now.
    pub khz: KiloHertz,
    /// The frequency at which it counted when the guest booted; `None` where nobody knows.
    pub birth: Option<KiloHertz>,
    /// True if a frequency was asked for.
    pub explicit: bool,
    /// True if CPUID shows the guest an invariant TSC, and not only while its TSC is emulated.
    pub invariant: bool,
    /// How far it may be off to be native.
    pub tolerance: Tolerance,
}

/// A guest's TSC before a move and after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TscMove {
    /// The TSC on the present host.
    pub before: GuestTsc,
    /// The TSC on the next host.
    pub after: GuestTsc,
    /// How far the frequency after it is off the one before.
    pub off: Ppm,
    /// The effects on the guest.
    pub effects: Vec<TscEffect>,
}

/// An effect of a move on a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "effect")]
pub enum TscEffect {
    /// Reads were native or scaled, and are emulated now.
    Slower,
    /// Reads are emulated where the host does not scale, which is not known.
    PerhapsSlower,
    /// Reads were emulated, and are native or scaled now.
    Faster,
    /// Mode native, further from the frequency of its birth than before: what the guest counts with it runs off.
    RunsOff {
        /// By so much, from the frequency of its birth, or from the one before where that is not known.
        off: Ppm,
    },
    /// As far off the frequency of its birth as before, or less.
    StaysOff {
        /// By so much.
        off: Ppm,
    },
    /// Mode native, at the frequency of its birth again.
    RunsRight,
    /// Made native within the tolerance: its clocksource tsc runs off.
    Tolerated {
        /// By so much, from the frequency of its birth.
        off: Ppm,
    },
    /// A PV guest that is not emulated reads the host's own counter, which stands elsewhere.
    Jumps,
    /// CPUID shows an invariant TSC, and nobody has asked for a frequency that could be kept.
    Invariant,
}

impl MovingTsc {
    /// True if it is made native on a host that it comes to; if so, how far its TSC is then off its birth.
    ///
    /// # Errors
    /// Why it is left as Xen makes it.
    pub fn tolerated_on(&self, host: &TscHost) -> Result<Ppm, NotTolerated> {
        let there = GuestTsc::on_host(self.mode, self.khz, self.kind, host);
        let scaling = match host.scaling {
            Some(false) => None,
            Some(true) => Some(NotTolerated::Scales),
            None => Some(NotTolerated::ScalingUnknown),
        };
        let when = |holds: bool, why: NotTolerated| holds.then_some(why);
        let reasons = [
            when(self.mode != TscMode::Default, NotTolerated::Mode(self.mode)),
            when(there.behaviour == Behaviour::Native, NotTolerated::Native),
            when(self.tolerance == Tolerance::OFF, NotTolerated::Off),
            when(self.kind == GuestKind::Pv, NotTolerated::Pv),
            when(self.explicit, NotTolerated::Explicit),
            when(!host.reliable, NotTolerated::Unreliable),
            scaling,
        ];
        if let Some(why) = reasons.into_iter().flatten().next() {
            return Err(why);
        }
        let birth = self.birth.ok_or(NotTolerated::UnknownBirth)?;
        let off = Ppm::between(birth, host.khz);
        match self.tolerance.covers(birth, host.khz) {
            true => Ok(off),
            false => Err(NotTolerated::TooFar { off, tolerance: self.tolerance }),
        }
    }

    /// The move to another host, or to the same host after another boot.
    ///
    /// `from` is the host where it is, `to` the one where it goes. Modes default and `always_emulate` keep their
    /// frequency; mode native has the host's.
    #[must_use]
    pub fn moved(&self, from: &TscHost, to: &TscHost) -> TscMove {
        let before = GuestTsc::on_host(self.mode, self.khz, self.kind, from);
        let mut after = GuestTsc::on_host(self.mode, self.khz, self.kind, to);
        let mut effects = Vec::new();
        if let Ok(off) = self.tolerated_on(to) {
            after = GuestTsc {
                khz: to.khz,
                behaviour: Behaviour::Native,
                why: format!("xenclock makes it native: the host's {} is within {}", to.khz, self.tolerance),
                ..after
            };
            effects.push(TscEffect::Tolerated { off });
        }
        let off = Ppm::between(before.khz, after.khz);
        effects.extend(speed(before.behaviour, after.behaviour));
        if self.tolerated_on(to).is_err() {
            effects.extend(self.off_birth(before.khz, after.khz));
        }
        if self.kind == GuestKind::Pv && after.behaviour == Behaviour::Native {
            effects.push(TscEffect::Jumps);
        }
        if self.invariant && !self.explicit && self.mode != TscMode::AlwaysEmulate {
            effects.push(TscEffect::Invariant);
        }
        TscMove { before, after, off, effects }
    }
}

impl MovingTsc {
    /// The change of how far its TSC is off the frequency of its birth, which is the one that the guest was told.
    fn off_birth(&self, before: KiloHertz, after: KiloHertz) -> Option<TscEffect> {
        let birth = self.birth.unwrap_or(before);
        let off = Ppm::between(birth, after);
        let apart = |khz: KiloHertz| khz.0.abs_diff(birth.0);
        match (apart(before), apart(after)) {
            (0, 0) => None,
            (_, 0) => Some(TscEffect::RunsRight),
            (was, is) if is > was => Some(TscEffect::RunsOff { off }),
            (_, _) => Some(TscEffect::StaysOff { off }),
        }
    }
}

fn speed(before: Behaviour, after: Behaviour) -> Option<TscEffect> {
    let fast = |behaviour| matches!(behaviour, Behaviour::Native | Behaviour::Scaled);
    match (before, after) {
        (Behaviour::Emulated, Behaviour::Emulated) => None,
        (_, Behaviour::Emulated) => Some(TscEffect::Slower),
        (Behaviour::Emulated, _) if fast(after) => Some(TscEffect::Faster),
        (_, Behaviour::ScaledOrEmulated) if fast(before) => Some(TscEffect::PerhapsSlower),
        (_, _) => None,
    }
}

impl TscEffect {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            TscEffect::Faster | TscEffect::Jumps | TscEffect::StaysOff { .. } | TscEffect::RunsRight => {
                Severity::Fine
            }
            // It is back at the frequency of its birth.
            TscEffect::Tolerated { off } if off.is_zero() => Severity::Fine,
            TscEffect::Slower | TscEffect::PerhapsSlower | TscEffect::Tolerated { .. } => Severity::Change,
            TscEffect::RunsOff { .. } | TscEffect::Invariant => Severity::Harm,
        }
    }
}

/// Why a guest's TSC is left as Xen makes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTolerated {
    /// It needs nothing.
    #[error("its TSC is already native")]
    Native,
    /// Nobody has asked for it.
    #[error("no tolerance is set for it (clock_tsc_tolerance)")]
    Off,
    /// Only mode default is emulated for its frequency alone.
    #[error("its TSC mode is {0}")]
    Mode(TscMode),
    /// PV guests have no TSC offset that could be loaded.
    #[error("Xen has no TSC offset for a PV guest")]
    Pv,
    /// A frequency that was asked for is kept, and not bent.
    #[error("a TSC frequency is requested for it (clock_tsc_frequency)")]
    Explicit,
    /// Native would not be safe.
    #[error("Xen does not trust this host's TSC")]
    Unreliable,
    /// Scaling is better.
    #[error("this host's CPU scales the TSC")]
    Scales,
    /// Perhaps scaling is there.
    #[error("it is not known whether this host's CPU scales TSCs")]
    ScalingUnknown,
    /// It came out of a save before, so its stream need not have the frequency of its birth.
    #[error("its initial frequency is not known")]
    UnknownBirth,
    /// It would be off too far.
    #[error("its TSC would be {off} off, more than the tolerance of {tolerance}")]
    TooFar {
        /// How far.
        off: Ppm,
        /// And how far it may be.
        tolerance: Tolerance,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: TscHost = TscHost { khz: KiloHertz(2_600_001), reliable: true, scaling: Some(false) };

    fn tolerance(ppm: u32) -> Tolerance {
        Tolerance::new(ppm).unwrap_or(Tolerance::OFF)
    }

    fn guest() -> MovingTsc {
        MovingTsc {
            kind: GuestKind::Hvm,
            mode: TscMode::Default,
            khz: KiloHertz(2_600_000),
            birth: Some(KiloHertz(2_600_000)),
            explicit: false,
            invariant: false,
            tolerance: tolerance(1),
        }
    }

    #[test]
    fn each_reason_to_leave_a_guest_alone() {
        let guest = guest();
        let off = Ppm::between(KiloHertz(2_600_000), HOST.khz);
        assert_eq!(guest.tolerated_on(&HOST), Ok(off));
        let changed = |change: fn(&mut MovingTsc)| {
            let mut guest = guest.clone();
            change(&mut guest);
            guest.tolerated_on(&HOST)
        };
        assert_eq!(changed(|guest| guest.tolerance = Tolerance::OFF), Err(NotTolerated::Off));
        assert_eq!(changed(|guest| guest.kind = GuestKind::Pv), Err(NotTolerated::Pv));
        assert_eq!(changed(|guest| guest.explicit = true), Err(NotTolerated::Explicit));
        assert_eq!(changed(|guest| guest.birth = None), Err(NotTolerated::UnknownBirth));
        assert_eq!(changed(|guest| guest.khz = HOST.khz), Err(NotTolerated::Native));
        for mode in [TscMode::Native, TscMode::AlwaysEmulate] {
            let guest = MovingTsc { mode, ..guest.clone() };
            assert_eq!(guest.tolerated_on(&HOST), Err(NotTolerated::Mode(mode)));
        }
        // The birth counts, and not the host before.
        let far = changed(|guest| guest.birth = Some(KiloHertz(2_599_000)));
        assert!(matches!(far, Err(NotTolerated::TooFar { .. })), "{far:?}");
        let on = |host: TscHost| guest.tolerated_on(&host);
        assert_eq!(on(TscHost { reliable: false, ..HOST }), Err(NotTolerated::Unreliable));
        assert_eq!(on(TscHost { scaling: Some(true), ..HOST }), Err(NotTolerated::Scales));
        assert_eq!(on(TscHost { scaling: None, ..HOST }), Err(NotTolerated::ScalingUnknown));
    }

    #[test]
    fn what_a_guest_notices() {
        use TscEffect::{
            Faster, Invariant, Jumps, PerhapsSlower, RunsOff, RunsRight, Slower, StaysOff, Tolerated,
        };
        let (a, b) = (TscHost { khz: KiloHertz(2_600_000), ..HOST }, HOST);
        let scaling = |scaling| TscHost { scaling, ..b };
        let plain = MovingTsc { tolerance: Tolerance::OFF, ..guest() };
        let tolerant = guest();
        let native = MovingTsc { mode: TscMode::Native, ..plain.clone() };
        let always = MovingTsc { mode: TscMode::AlwaysEmulate, invariant: true, ..plain.clone() };
        let pv = MovingTsc { kind: GuestKind::Pv, ..plain.clone() };
        let invariant = MovingTsc { invariant: true, ..plain.clone() };
        let asked = MovingTsc { explicit: true, ..invariant.clone() };
        let off = Ppm::between(a.khz, b.khz);
        // It was made native on the way.
        let born_elsewhere = MovingTsc { birth: Some(b.khz), ..plain.clone() };
        let back = Ppm::between(b.khz, a.khz);
        let table = [
            (&plain, a, a, 2_600_000, vec![]),
            (&plain, a, b, 2_600_000, vec![Slower]),
            (&plain, b, a, 2_600_000, vec![Faster]),
            (&plain, b, b, 2_600_000, vec![]),
            (&plain, a, scaling(Some(true)), 2_600_000, vec![]),
            (&plain, b, scaling(Some(true)), 2_600_000, vec![Faster]),
            (&plain, a, scaling(None), 2_600_000, vec![PerhapsSlower]),
            (&plain, scaling(None), b, 2_600_000, vec![Slower]),
            (&tolerant, a, b, 2_600_001, vec![Tolerated { off }]),
            (&tolerant, b, b, 2_600_001, vec![Tolerated { off }, Faster]),
            (&native, a, b, 2_600_001, vec![RunsOff { off }]),
            (&native, b, a, 2_600_000, vec![RunsRight]),
            (&native, b, b, 2_600_001, vec![StaysOff { off }]),
            (&native, TscHost { khz: KiloHertz(2_600_009), ..b }, b, 2_600_001, vec![StaysOff { off }]),
            (&born_elsewhere, a, b, 2_600_000, vec![Slower, StaysOff { off: back }]),
            (&native, a, TscHost { reliable: false, ..a }, 2_600_000, vec![]),
            (&always, a, b, 2_600_000, vec![]),
            (&pv, a, a, 2_600_000, vec![Jumps]),
            (&pv, a, scaling(Some(true)), 2_600_000, vec![Slower]),
            (&invariant, a, a, 2_600_000, vec![Invariant]),
            (&asked, a, b, 2_600_000, vec![Slower]),
        ];
        for (guest, from, to, khz, effects) in table {
            let moved = guest.moved(&from, &to);
            assert_eq!(moved.effects, effects, "{guest:?} from {from:?} to {to:?}");
            assert_eq!(moved.after.khz, KiloHertz(khz), "{guest:?} to {to:?}");
            assert_eq!(moved.off, Ppm::between(moved.before.khz, moved.after.khz));
        }
    }

    #[test]
    fn only_a_wrong_clock_is_harm() {
        let off = Ppm::between(KiloHertz(1), KiloHertz(2));
        assert_eq!(TscEffect::Faster.severity(), Severity::Fine);
        assert_eq!(TscEffect::Slower.severity(), Severity::Change);
        assert_eq!(TscEffect::Tolerated { off }.severity(), Severity::Change);
        assert_eq!(TscEffect::RunsOff { off }.severity(), Severity::Harm);
    }
}
