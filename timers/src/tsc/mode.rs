//! `tsc_mode`, and the hypervisor's interpretation of it.

use serde::Serialize;

use crate::clock::GuestKind;
use crate::timer::TimerMode;
use crate::units::KiloHertz;
use crate::words::words;

words! {
    any_case;
    /// xl.cfg's `tsc_mode` (`libxl_tsc_mode`), without `native_paravirt`, which Xen 4.12 removed.
    TscMode {
        /// Native where that is safe, else emulated.
        Default = "default" as 0,
        /// Every read is emulated.
        AlwaysEmulate = "always_emulate" as 1,
        /// The guest reads the host's counter, come what may.
        Native = "native" as 2,
    }
}

/// The word and the number that libxl still parses and Xen refuses.
const REMOVED: (&str, i64) = ("native_paravirt", 3);

/// Not a `tsc_mode`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TscModeError {
    /// `native_paravirt` or 3: Xen answers EINVAL and libxl `ERROR_FEATURE_REMOVED`.
    #[error(
        "tsc_mode native_paravirt (3) was removed in Xen 4.12; use 'default', or 'native' for a guest that never \
         migrates"
    )]
    Removed,
    /// No word or number of libxl's.
    #[error("unknown tsc_mode '{0}', expected 'default', 'always_emulate' or 'native' (or 0, 1 or 2)")]
    Unknown(String),
}

/// The `<timer name='tsc' mode=>` of each mode, the first with that mode's own meaning.
const TIMER_MODES: [(TimerMode, TscMode); 4] = [
    (TimerMode::Auto, TscMode::Default),
    // Default emulates where the TSC is not safe on all CPUs together, which is what smpsafe asks.
    (TimerMode::Smpsafe, TscMode::Default),
    (TimerMode::Native, TscMode::Native),
    (TimerMode::Emulate, TscMode::AlwaysEmulate),
];

impl TimerMode {
    /// Xen's mode of this meaning; `None` for `paravirt`, which Xen 4.12 removed.
    #[must_use]
    pub fn tsc_mode(self) -> Option<TscMode> {
        TIMER_MODES.iter().find(|(mode, _)| *mode == self).map(|(_, mode)| *mode)
    }
}

impl From<TscMode> for TimerMode {
    fn from(mode: TscMode) -> Self {
        TIMER_MODES.iter().find(|(_, of_xen)| *of_xen == mode).map_or(TimerMode::Auto, |(mode, _)| *mode)
    }
}

impl TscMode {
    /// The number in libxl and the hypervisor, 0 to 2.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    /// From the number in libxl, the hypervisor or an old xl.cfg.
    ///
    /// # Errors
    /// When Xen has no such mode, or has it no more.
    pub fn from_number(number: i64) -> Result<Self, TscModeError> {
        let known = Self::ALL.iter().copied().find(|mode| i64::from(mode.number()) == number);
        known.ok_or_else(|| match number == REMOVED.1 {
            true => TscModeError::Removed,
            false => TscModeError::Unknown(number.to_string()),
        })
    }

    /// From libxl's word, whose case does not matter.
    ///
    /// # Errors
    /// As [`from_number`](Self::from_number).
    pub fn from_name(name: &str) -> Result<Self, TscModeError> {
        Self::from_word(name).ok_or_else(|| match name.eq_ignore_ascii_case(REMOVED.0) {
            true => TscModeError::Removed,
            false => TscModeError::Unknown(name.to_owned()),
        })
    }
}

/// A host's TSC, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TscHost {
    /// The frequency that Xen measured, its `cpu_khz`.
    pub khz: KiloHertz,
    /// True if Xen trusts the TSC (`host_tsc_is_safe`): the same on all CPUs and in all sleep states.
    pub reliable: bool,
    /// True if the CPU can scale it for HVM and PVH guests (VMX TSC multiplier, SVM TSC ratio); `None` when not
    /// known, for Xen says so in its boot log only.
    ///
    /// A CPU that scales has a limit too: SVM reaches 256 times the host's frequency, VMX 65536 times, and beyond
    /// it Xen finds no ratio. With real hosts that is above 200 GHz, so yes is taken to mean every frequency.
    pub scaling: Option<bool>,
}

/// The state of a domain after `tsc_set_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TscSetting {
    /// Every read leaves the guest (`vtsc`).
    pub emulated: bool,
    /// The CPU scales what the guest reads.
    pub scaled: bool,
    /// The domain's new `tsc_khz`; `None` when it is left as it was (mode native).
    pub tsc_khz: Option<KiloHertz>,
}

/// A mode that Xen answers with EINVAL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Xen refuses TSC mode {0}, expected 0 (default), 1 (always_emulate) or 2 (native)")]
pub struct InvalidMode(pub u32);

/// The hypervisor itself: `XEN_DOMCTL_settscinfo`, that is `tsc_set_info` in `xen/arch/x86/time.c`, which decides the
/// same way in Xen 4.14 to 4.22. A `khz` of 0 is the host's; mode native ignores it.
///
/// A host of which scaling is not known is taken as one that cannot. (Dom0 itself, when PV, is always native; this is
/// about guests.)
///
/// # Errors
/// When there is no such mode.
pub fn set_info(
    mode_number: u32,
    khz: u32,
    kind: GuestKind,
    host: &TscHost,
) -> Result<TscSetting, InvalidMode> {
    let mode = TscMode::from_number(mode_number.into()).map_err(|_| InvalidMode(mode_number))?;
    Ok(set(mode, khz, kind, host))
}

/// [`set_info`] for a mode that exists.
pub(super) fn set(mode: TscMode, khz: u32, kind: GuestKind, host: &TscHost) -> TscSetting {
    let khz = if khz == 0 { host.khz } else { KiloHertz(khz) };
    let same = khz == host.khz;
    let ratio = kind != GuestKind::Pv && host.scaling == Some(true);
    let emulated = match mode {
        TscMode::Default => !(host.reliable && (same || ratio)),
        TscMode::AlwaysEmulate => true,
        TscMode::Native => return TscSetting { emulated: false, scaled: false, tsc_khz: None },
    };
    TscSetting { emulated, scaled: !emulated && !same, tsc_khz: Some(khz) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use GuestKind::{Hvm, Pv, Pvh};

    #[test]
    fn modes_have_xls_words_and_numbers() {
        let table = [
            (TscMode::Default, "default", 0),
            (TscMode::AlwaysEmulate, "always_emulate", 1),
            (TscMode::Native, "native", 2),
        ];
        for (mode, word, number) in table {
            assert_eq!((mode.as_str(), mode.number()), (word, number));
            assert_eq!(TscMode::from_name(word), Ok(mode));
            assert_eq!(TscMode::from_name(&word.to_uppercase()), Ok(mode));
            assert_eq!(TscMode::from_number(number.into()), Ok(mode));
        }
    }

    #[test]
    fn what_is_no_mode() {
        for removed in ["native_paravirt", "Native_Paravirt"] {
            assert_eq!(TscMode::from_name(removed), Err(TscModeError::Removed));
        }
        assert_eq!(TscMode::from_number(3), Err(TscModeError::Removed));
        for unknown in ["", "1", "emulate", "default "] {
            assert_eq!(TscMode::from_name(unknown), Err(TscModeError::Unknown(unknown.to_owned())));
        }
        for unknown in [4, -1, i64::MAX] {
            assert_eq!(TscMode::from_number(unknown), Err(TscModeError::Unknown(unknown.to_string())));
        }
        let text = TscModeError::Removed.to_string();
        assert!(text.contains("Xen 4.12") && text.contains("'default'"), "{text}");
    }

    #[test]
    fn xens_own_table() {
        let (native, scaled, emulated) = ((false, false), (false, true), (true, false));
        let yes = Some(true);
        let no = Some(false);
        // mode, khz, kind, reliable, scaling, result; the host has 2600 kHz
        let table = [
            (0, 0, Hvm, true, no, native),
            (0, 2600, Hvm, true, no, native),
            (0, 2600, Pv, true, yes, native),
            (0, 2000, Hvm, true, no, emulated),
            (0, 2000, Hvm, true, None, emulated),
            (0, 2000, Hvm, true, yes, scaled),
            (0, 2000, Pvh, true, yes, scaled),
            (0, 3000, Hvm, true, yes, scaled),
            (0, 2000, Pv, true, yes, emulated),
            (0, 2601, Hvm, true, no, emulated),
            (0, 0, Hvm, false, yes, emulated),
            (0, 2600, Hvm, false, yes, emulated),
            (0, 2000, Hvm, false, yes, emulated),
            (1, 0, Hvm, true, yes, emulated),
            (1, 2000, Pv, true, no, emulated),
            (2, 0, Hvm, false, no, native),
            (2, 2000, Hvm, true, yes, native),
        ];
        for (mode, khz, kind, reliable, scaling, expected) in table {
            let host = TscHost { khz: KiloHertz(2600), reliable, scaling };
            let found = set_info(mode, khz, kind, &host).map(|set| (set.emulated, set.scaled));
            assert_eq!(found, Ok(expected), "{mode} {khz} {kind:?} {host:?}");
            let khz = if khz == 0 { 2600 } else { khz };
            let kept = (mode != 2).then_some(KiloHertz(khz));
            assert_eq!(set_info(mode, khz, kind, &host).map(|set| set.tsc_khz), Ok(kept));
        }
        let host = TscHost { khz: KiloHertz(2600), reliable: true, scaling: yes };
        for mode in [3, 4, u32::MAX] {
            assert_eq!(set_info(mode, 0, Hvm, &host), Err(InvalidMode(mode)));
        }
    }
}
