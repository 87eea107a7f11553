//! The limit within which a guest's TSC is made native again after a move.
//!
//! Xen compares kilohertz exactly: a guest that moves to a host that runs 1 kHz faster is emulated from then on. A
//! toolstack that has paused the guest can make it native at the host's frequency. The guest's kernel still assumes the
//! frequency that it measured at boot, so a clock that follows the TSC is off by the difference. The tolerance applies
//! to the guest's initial frequency and not to that of the previous host; otherwise the differences would add up from
//! host to host.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::units::KiloHertz;

/// Parts per million by which a guest's TSC may be off its birth; 0 is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Tolerance(u8);

/// No tolerance that can be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a TSC tolerance, expected whole parts per million from 0 (off) to {max}", max = Tolerance::MAX)]
pub struct InvalidTolerance(pub String);

impl Tolerance {
    /// The most there is: half of what NTP corrects in a guest.
    pub const MAX: u8 = 250;

    /// No guest is made native.
    pub const OFF: Tolerance = Tolerance(0);

    /// As `clock_tsc_tolerance` gives it.
    ///
    /// # Errors
    /// When it is more than [`Tolerance::MAX`].
    pub fn new(ppm: u32) -> Result<Self, InvalidTolerance> {
        match u8::try_from(ppm) {
            Ok(ppm) if ppm <= Self::MAX => Ok(Tolerance(ppm)),
            _ => Err(InvalidTolerance(ppm.to_string())),
        }
    }

    /// Parts per million.
    #[must_use]
    pub fn ppm(self) -> u32 {
        self.0.into()
    }

    /// True if a guest of this birth may count at this frequency: exact, in whole kHz.
    #[must_use]
    pub fn covers(self, birth: KiloHertz, khz: KiloHertz) -> bool {
        u64::from(birth.0.abs_diff(khz.0)) * 1_000_000 <= u64::from(self.0) * u64::from(birth.0)
    }
}

impl TryFrom<u32> for Tolerance {
    type Error = InvalidTolerance;

    fn try_from(ppm: u32) -> Result<Self, InvalidTolerance> {
        Tolerance::new(ppm)
    }
}

impl From<Tolerance> for u32 {
    fn from(tolerance: Tolerance) -> u32 {
        tolerance.ppm()
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ppm", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_0_to_250() {
        for ppm in [0, 1, 250] {
            assert_eq!(Tolerance::new(ppm).map(Tolerance::ppm), Ok(ppm));
        }
        for ppm in [251, 257, u32::MAX] {
            assert_eq!(Tolerance::new(ppm), Err(InvalidTolerance(ppm.to_string())));
        }
        assert!(InvalidTolerance("300".to_owned()).to_string().contains("0 (off) to 250"));
    }

    #[test]
    fn the_bound_is_exact() {
        let covers = |ppm, birth, khz| Tolerance(ppm).covers(KiloHertz(birth), KiloHertz(khz));
        assert!(covers(250, 2_600_000, 2_600_650) && !covers(250, 2_600_000, 2_600_651));
        assert!(covers(250, 2_600_000, 2_599_350) && !covers(250, 2_600_000, 2_599_349));
        assert!(covers(0, 5, 5) && !covers(0, u32::MAX, u32::MAX - 1));
        assert!(covers(250, u32::MAX, u32::MAX - 1_073_741) && !covers(250, u32::MAX, u32::MAX - 1_073_742));
    }
}
