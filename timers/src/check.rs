//! Checks across timers: the same timer twice with different settings.

use crate::timer::{Timer, TimerName};

/// One timer twice, and not the same both times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "timer '{name}' is given twice with different settings, as number {} and number {} of the clock's timers",
    first + 1,
    second + 1
)]
pub struct DuplicateTimer {
    /// The timer's name.
    pub name: TimerName,
    /// The index of the first one.
    pub first: usize,
    /// The index of the one that differs.
    pub second: usize,
}

/// Looks for a timer that is given twice with different settings. The same words twice mean the same as once.
///
/// # Errors
/// On the first timer that differs from an earlier one of its name.
pub fn duplicates(timers: &[Timer]) -> Result<(), DuplicateTimer> {
    for (second, timer) in timers.iter().enumerate() {
        let earlier = timers[..second].iter().position(|other| other.name == timer.name);
        if let Some(first) = earlier.filter(|&first| timers[first] != *timer) {
            return Err(DuplicateTimer { name: timer.name, first, second });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_twice_is_fine_and_a_difference_is_not() {
        let rtc = Timer::named(TimerName::Rtc);
        let pit = Timer::named(TimerName::Pit);
        let other = Timer { present: Some(true), ..pit.clone() };
        assert_eq!(duplicates(&[]), Ok(()));
        assert_eq!(duplicates(&[rtc.clone(), pit.clone()]), Ok(()));
        assert_eq!(duplicates(&[pit.clone(), rtc.clone(), pit.clone()]), Ok(()));
        let found = duplicates(&[rtc.clone(), pit.clone(), rtc, pit, other]);
        assert_eq!(found, Err(DuplicateTimer { name: TimerName::Pit, first: 1, second: 4 }));
        let text = found.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text.starts_with("timer 'pit' is given twice"), "{text}");
        assert!(text.contains("number 2 and number 5"), "{text}");
    }
}
