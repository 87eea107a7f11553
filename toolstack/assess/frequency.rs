//! Advice on a TSC's frequency that is probably in another unit.

use timers::Hertz;

use crate::diag::Finding;
use crate::domain::{Domain, Part};

/// The frequencies of the TSCs that there are.
const HERTZ: std::ops::RangeInclusive<u64> = 100_000_000..=10_000_000_000;

/// The units in which people give a frequency, in Hz.
const UNITS: [(&str, u64); 2] = [("MHz", 1_000_000), ("kHz", 1000)];

/// The advice on a frequency that no TSC has, and that some TSC has in another unit.
pub(super) fn advice(domain: &Domain) -> Option<(Part, Finding)> {
    let timers = domain.clock.timers.iter().enumerate();
    let (index, Hertz(number)) =
        timers.clone().find_map(|(index, timer)| timer.frequency.map(|frequency| (index, frequency)))?;
    let (unit, hertz) = UNITS.iter().find_map(|(unit, times)| {
        let hertz = number.checked_mul(*times).filter(|hertz| HERTZ.contains(hertz))?;
        Some((unit, hertz))
    })?;
    if HERTZ.contains(&number) {
        return None;
    }
    let reason = format!("a frequency is in Hz, and no TSC runs at {number} Hz");
    let finding = Finding::advice("advice-tsc-frequency", reason).instead_by_format(
        format!("write frequency='{hertz}' for {number} {unit}"),
        format!("write clock_tsc_frequency = {hertz} for {number} {unit}"),
    );
    Some((Part::Frequency(index), finding))
}

#[cfg(test)]
mod tests {
    use timers::{ClockOffset, GuestClock, GuestKind, Timer, TimerName};

    use super::*;
    use crate::domain::DomainConfig;

    #[test]
    fn another_unit_is_recognised() {
        for (number, expected) in [
            (2400, Some("write frequency='2400000000' for 2400 MHz")),
            (2_400_000, Some("write frequency='2400000000' for 2400000 kHz")),
            (2_400_000_000, None),
            (1_000_000_000, None),
            (50_000_000, None),
            (1, None),
            (u64::MAX, None),
        ] {
            let timer = Timer { frequency: Some(Hertz(number)), ..Timer::named(TimerName::Tsc) };
            let clock = GuestClock::new(ClockOffset::default(), vec![timer]);
            let domain = Domain::new(DomainConfig::new(GuestKind::Hvm), clock);
            let said = advice(&domain)
                .and_then(|(_, finding)| Some(finding.at("/domain/clock").alternative?.into_owned()));
            assert_eq!(said.as_deref(), expected, "{number}");
        }
    }
}
