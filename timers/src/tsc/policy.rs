//! From `<timer name='tsc'>` to the values that are set and the behaviour that the guest sees.

use serde::{Deserialize, Serialize};

use super::guest::{Behaviour, GuestTsc};
use super::mode::{TscHost, TscMode};
use crate::clock::GuestKind;
use crate::timer::{Timer, TimerMode, TimerName};
use crate::units::{FrequencyError, Hertz, KiloHertz};

/// A requested TSC, in Xen's terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TscRequest {
    /// The mode to set.
    pub mode: TscMode,
    /// The frequency the guest is to see; `None` for the host's.
    pub frequency: Option<Hertz>,
}

/// The TSC that is set, and its behaviour in the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TscDecision {
    /// The `tsc_mode` to set.
    pub mode: TscMode,
    /// The frequency the guest sees.
    pub khz: KiloHertz,
    /// How its reads are done.
    pub behaviour: Behaviour,
    /// The frequency to set through libxenctrl; `None` where libxl's own `xc_domain_set_tsc_info`, which always
    /// passes 0 kHz, comes to the same.
    pub set_khz: Option<KiloHertz>,
    /// The requested and the rounded frequency, if they differ.
    pub rounded: Option<(Hertz, KiloHertz)>,
    /// The reason in one sentence.
    pub why: String,
}

/// Why a request cannot be met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TscError {
    /// `mode='paravirt'`
    #[error("TSC mode 'paravirt' (native_paravirt) was removed in Xen 4.12")]
    ParavirtRemoved,
    /// `present='no'`
    #[error("the TSC cannot be hidden from a guest on Xen")]
    Hidden,
    /// Xen cannot hold the frequency.
    #[error("TSC frequency {0}")]
    Frequency(#[from] FrequencyError),
    /// Mode native ignores the frequency, so only the host's can be had.
    #[error("TSC mode 'native' cannot give {asked}: the guest reads the host's TSC, which runs at {host}")]
    NativeFrequency {
        /// The request.
        asked: Hertz,
        /// The host's frequency.
        host: KiloHertz,
    },
}

/// Reads the request from a clock's timers, in which a timer is given once ([`duplicates`](crate::check::duplicates));
/// without a tsc timer it is mode default at the host's frequency.
///
/// # Errors
/// When the request is one that no Xen since 4.12 can meet, whatever the host.
pub fn request(timers: &[Timer]) -> Result<TscRequest, TscError> {
    let Some(tsc) = timers.iter().find(|timer| timer.name == TimerName::Tsc) else {
        return Ok(TscRequest { mode: TscMode::Default, frequency: None });
    };
    if tsc.present == Some(false) {
        return Err(TscError::Hidden);
    }
    let mode = tsc.mode.unwrap_or(TimerMode::Auto).tsc_mode().ok_or(TscError::ParavirtRemoved)?;
    if let Some(frequency) = tsc.frequency {
        frequency.to_khz()?;
    }
    Ok(TscRequest { mode, frequency: tsc.frequency })
}

/// Works out what a request comes to on a host, by Xen's own rules ([`set_info`](super::set_info)).
///
/// # Errors
/// When the frequency does not fit Xen, or when mode native meets another frequency than the host's.
///
/// ```
/// use timers::tsc::{TscHost, TscMode, TscRequest, decide};
/// use timers::{GuestKind, Hertz, KiloHertz};
///
/// let host = TscHost { khz: KiloHertz(2_600_000), reliable: true, scaling: Some(false) };
/// let asked = TscRequest { mode: TscMode::Default, frequency: Some(Hertz(2_000_000_000)) };
/// let decision = decide(&asked, GuestKind::Hvm, &host)?;
/// assert_eq!((decision.khz, decision.set_khz), (KiloHertz(2_000_000), Some(KiloHertz(2_000_000))));
/// # Ok::<(), timers::tsc::TscError>(())
/// ```
pub fn decide(request: &TscRequest, kind: GuestKind, host: &TscHost) -> Result<TscDecision, TscError> {
    let asked = request.frequency.map(|hertz| hertz.to_khz().map(|khz| (hertz, khz))).transpose()?;
    let khz = asked.map_or(host.khz, |(_, khz)| khz);
    if let (TscMode::Native, Some((asked, _))) = (request.mode, asked.filter(|&(_, khz)| khz != host.khz)) {
        return Err(TscError::NativeFrequency { asked, host: host.khz });
    }
    let GuestTsc { mode, khz, behaviour, why } = GuestTsc::on_host(request.mode, khz, kind, host);
    Ok(TscDecision {
        mode,
        khz,
        behaviour,
        set_khz: (khz != host.khz).then_some(khz),
        rounded: asked.filter(|(hertz, _)| !hertz.is_whole_khz()),
        why,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use GuestKind::{Hvm, Pv, Pvh};

    fn tsc(mode: Option<TimerMode>, frequency: Option<u64>) -> Timer {
        Timer { mode, frequency: frequency.map(Hertz), ..Timer::named(TimerName::Tsc) }
    }

    fn host(reliable: bool, scaling: Option<bool>) -> TscHost {
        TscHost { khz: KiloHertz(2_600_000), reliable, scaling }
    }

    #[test]
    fn requests_from_timers() {
        use TimerMode::{Auto, Emulate, Native, Paravirt, Smpsafe};
        let table = [
            (None, Ok(TscMode::Default)),
            (Some(Auto), Ok(TscMode::Default)),
            (Some(Smpsafe), Ok(TscMode::Default)),
            (Some(Native), Ok(TscMode::Native)),
            (Some(Emulate), Ok(TscMode::AlwaysEmulate)),
            (Some(Paravirt), Err(TscError::ParavirtRemoved)),
        ];
        for (mode, expected) in table {
            let timers = [Timer::named(TimerName::Rtc), tsc(mode, Some(5000))];
            let expected = expected.map(|mode| TscRequest { mode, frequency: Some(Hertz(5000)) });
            assert_eq!(request(&timers), expected);
        }
        assert_eq!(request(&[]), Ok(TscRequest { mode: TscMode::Default, frequency: None }));
    }

    #[test]
    fn requests_that_no_host_can_meet() {
        let hidden = Timer { present: Some(false), ..tsc(None, None) };
        assert_eq!(request(&[hidden]), Err(TscError::Hidden));
        assert!(TscError::Hidden.to_string().starts_with("the TSC cannot be hidden from a guest on Xen"));
        let shown = Timer { present: Some(true), ..tsc(None, None) };
        assert!(request(&[shown]).is_ok());
        for hertz in [0, 499, 4_294_967_295_500, u64::MAX] {
            assert!(matches!(request(&[tsc(None, Some(hertz))]), Err(TscError::Frequency(_))), "{hertz}");
        }
        let text = request(&[tsc(None, Some(0))]).unwrap_err().to_string();
        assert!(text.starts_with("TSC frequency 0 Hz is less than"), "{text}");
    }

    #[test]
    fn decisions_and_their_reasons() {
        use Behaviour::{Emulated, Native, Scaled, ScaledOrEmulated};
        let (yes, no) = (Some(true), Some(false));
        let other = Some(2_000_000_000);
        let same = Some(2_600_000_300);
        let table = [
            (TscMode::Default, None, Hvm, host(true, no), Native, "the host's TSC is reliable and runs at"),
            (TscMode::Default, same, Pv, host(true, None), Native, "runs at the guest's 2600000 kHz"),
            (TscMode::Default, None, Pvh, host(false, yes), Emulated, "does not trust the host's TSC"),
            (TscMode::Default, other, Hvm, host(false, None), Emulated, "does not trust the host's TSC"),
            (TscMode::Default, other, Hvm, host(true, yes), Scaled, "this host's CPU scales the TSC"),
            (TscMode::Default, other, Pvh, host(true, None), ScaledOrEmulated, "not known whether this host"),
            (TscMode::Default, other, Pv, host(true, yes), Emulated, "never scales for a PV guest"),
            (TscMode::Default, other, Pv, host(true, None), Emulated, "never scales for a PV guest"),
            (
                TscMode::Default,
                other,
                Hvm,
                host(true, no),
                Emulated,
                "2000000 kHz differs from the host's 2600000 kHz and this host cannot scale, so every read is",
            ),
            (TscMode::AlwaysEmulate, other, Hvm, host(true, None), Emulated, "every read, at 2000000 kHz"),
            (TscMode::AlwaysEmulate, None, Hvm, host(true, yes), Emulated, "every read, at 2600000 kHz"),
            (TscMode::Native, None, Hvm, host(true, None), Native, "which runs at 2600000 kHz"),
            (TscMode::Native, same, Pv, host(false, no), Native, "does not trust it"),
        ];
        for (mode, hertz, kind, host, behaviour, why) in table {
            let decision = decide(&TscRequest { mode, frequency: hertz.map(Hertz) }, kind, &host).unwrap();
            assert_eq!(decision.mode, mode);
            assert_eq!(decision.behaviour, behaviour, "{decision:?}");
            assert!(decision.why.contains(why), "{}", decision.why);
            let khz = KiloHertz(if hertz == other { 2_000_000 } else { 2_600_000 });
            assert_eq!(decision.khz, khz);
            assert_eq!(decision.set_khz, (hertz == other).then_some(khz));
            assert_eq!(decision.rounded, (hertz == same).then_some((Hertz(2_600_000_300), khz)));
        }
    }

    #[test]
    fn native_has_the_hosts_frequency_or_none() {
        let request = TscRequest { mode: TscMode::Native, frequency: Some(Hertz(2_000_000_000)) };
        let error = decide(&request, Hvm, &host(true, Some(true))).unwrap_err();
        assert_eq!(
            error,
            TscError::NativeFrequency { asked: Hertz(2_000_000_000), host: KiloHertz(2_600_000) }
        );
        let text = error.to_string();
        for part in ["2000000000 Hz", "2600000 kHz"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
