//! The invariant TSC that a config requests: `invtsc` of CPUID, a property of the clock.

use timers::tsc::{CpuidBit, InvariantHost, InvariantRequest, TscMode};
use timers::{Timer, TimerMode, TimerName};

use crate::diag::{Finding, Verdict};
use crate::domain::{Domain, Part};

/// The last Xen that does not show one to every guest that asks for it.
const SHOWS_FEW: u32 = 14;

/// What a domain asks of an invariant TSC, and whether every Xen shows it one; `None` where it does not ask.
fn request(domain: &Domain) -> Option<(InvariantRequest, bool)> {
    let request = domain.config.invariant_tsc();
    let emulates = |timer: &Timer| timer.name == TimerName::Tsc && timer.mode == Some(TimerMode::Emulate);
    let emulated = request.mode == TscMode::AlwaysEmulate || domain.clock.timers.iter().any(emulates);
    let always = request.shown(InvariantHost { minor: SHOWS_FEW, emulated, cpu: None }).shown != Some(false);
    matches!(request.bit, CpuidBit::On | CpuidBit::Host).then_some((request, always))
}

/// The finding for the invariant TSC of a domain on Xen.
pub(super) fn finding(domain: &Domain) -> Option<(Part, Finding)> {
    let reason = match request(domain)? {
        (request, true) if request.nomigrate => {
            "every Xen shows an invariant TSC to a guest with nomigrate, if the host's CPU has one"
        }
        (_, true) => {
            "every Xen shows an invariant TSC to a guest whose TSC is emulated, if the host's CPU has one"
        }
        (_, false) => {
            "Xen 4.15 and later show an invariant TSC, if the host's CPU has one; Xen 4.14 only with nomigrate or an emulated TSC"
        }
    };
    Some((Part::InvariantTsc, Finding::new(Verdict::Exact, "invtsc", reason)))
}

/// The advice for one that nothing keeps when the guest moves.
pub(super) fn advice(domain: &Domain) -> Option<(Part, Finding)> {
    let (_, always) = request(domain)?;
    let reason = "the guest sees an invariant TSC: xenclock migrate refuses to move it, as libvirt does, but xl migrate moves it";
    let advice = Finding::advice("advice-invtsc", reason).instead_by_format(
        "request a frequency, as in <timer name='tsc' frequency='2600000000'/>, or convert it to an \
         xl.cfg and write nomigrate = 1 for a guest that stays",
        "request a frequency, as in clock_tsc_frequency = 2600000000, or write nomigrate = 1 for a \
         guest that stays",
    );
    (!always && domain.clock.tsc_frequency().is_none()).then_some((Part::InvariantTsc, advice))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use timers::{ClockOffset, GuestClock, GuestKind, Hertz};

    use super::*;
    use crate::domain::{Defbool, DomainConfig};

    fn domain(bit: char, nomigrate: bool, mode: Option<TimerMode>, frequency: Option<u64>) -> Domain {
        let edx: String = (0..32).map(|at| if at == 31 - 8 { bit } else { 'x' }).collect();
        let mut config: DomainConfig =
            serde_json::from_value(serde_json::json!({"c_info": {"type": "hvm"}, "b_info": {"type.hvm": {},
                "cpuid": [{"leaf": 0x8000_0007_u32, "edx": edx}]}}))
            .unwrap();
        if nomigrate {
            config.b_info.disable_migrate = Some(Defbool::True);
        }
        let frequency = frequency.map(Hertz);
        let tsc = Timer { mode, frequency, ..Timer::named(TimerName::Tsc) };
        assert_eq!(config.kind(), GuestKind::Hvm);
        Domain::new(config, GuestClock::new(ClockOffset::Utc { adjustment: None }, vec![tsc]))
    }

    #[test]
    fn what_shows_an_invariant_tsc_is_said_and_what_keeps_it_is_advised() {
        for (bit, nomigrate, mode, frequency, says, advises) in [
            ('x', true, None, None, None, false),
            ('0', false, None, None, None, false),
            ('1', true, None, None, Some("with nomigrate,"), false),
            (
                'k',
                false,
                Some(TimerMode::Emulate),
                None,
                Some("whose TSC is emulated, if the host's CPU has one"),
                false,
            ),
            ('1', false, None, Some(2_000_000_000), Some("only with nomigrate or"), false),
            ('1', false, Some(TimerMode::Native), None, Some("only with nomigrate or"), true),
            ('s', false, None, None, Some("only with nomigrate or"), true),
        ] {
            let domain = domain(bit, nomigrate, mode, frequency);
            let found = finding(&domain).map(|(_, finding)| finding.reason.into_owned());
            match says {
                Some(says) => assert!(found.as_deref().unwrap().contains(says), "{bit} {mode:?}: {found:?}"),
                None => assert_eq!(found, None),
            }
            assert_eq!(advice(&domain).is_some(), advises, "{bit} {nomigrate} {mode:?}");
        }
    }
}
