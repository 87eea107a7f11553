//! Lost ticks: libvirt has a policy for each timer, Xen has one policy for all of them.

use serde::Serialize;

use crate::timer::{TickPolicy, Timer, TimerName};
use crate::words::words;

words! {
    any_case;
    /// xl.cfg's `timer_mode` (`libxl_timer_mode`, `HVM_PARAM_TIMER_MODE`): what happens to the ticks of RTC, PIT and
    /// HPET that were due while the guest did not run.
    MissedTicks {
        /// They come late, and guest time stays behind until they have.
        DelayForMissedTicks = "delay_for_missed_ticks" as 0,
        /// They come late, and guest time does not wait for them. libxl's default.
        NoDelayForMissedTicks = "no_delay_for_missed_ticks" as 1,
        /// They are thrown away.
        NoMissedTicksPending = "no_missed_ticks_pending" as 2,
        /// They become one.
        OneMissedTickPending = "one_missed_tick_pending" as 3,
    }
}

impl MissedTicks {
    /// The number in libxl and the hypervisor, 0 to 3.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The mode of a number; `None` when Xen has none there.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.number() == number)
    }
}

impl From<TickPolicy> for MissedTicks {
    /// The nearest that Xen has.
    fn from(policy: TickPolicy) -> Self {
        match policy {
            TickPolicy::Delay => MissedTicks::DelayForMissedTicks,
            TickPolicy::Catchup => MissedTicks::NoDelayForMissedTicks,
            TickPolicy::Discard => MissedTicks::NoMissedTicksPending,
            TickPolicy::Merge => MissedTicks::OneMissedTickPending,
        }
    }
}

impl From<MissedTicks> for TickPolicy {
    /// The policy of which it is the nearest.
    fn from(missed: MissedTicks) -> Self {
        match missed {
            MissedTicks::DelayForMissedTicks => TickPolicy::Delay,
            MissedTicks::NoDelayForMissedTicks => TickPolicy::Catchup,
            MissedTicks::NoMissedTicksPending => TickPolicy::Discard,
            MissedTicks::OneMissedTickPending => TickPolicy::Merge,
        }
    }
}

/// One mode for all timers, and who lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TickDecision {
    /// The mode to set; `None` leaves libxl's default.
    pub mode: Option<MissedTicks>,
    /// The timer whose policy that is.
    pub decided_by: Option<TimerName>,
    /// Timers that asked for another policy and do not get it, each once.
    pub overruled: Vec<TimerName>,
}

/// The timers that tick on Xen (its `vpt.c`), the one that decides first.
const RANKS: [TimerName; 3] = [TimerName::Rtc, TimerName::Pit, TimerName::Hpet];

/// Finds the one mode for several timers: rtc decides, then pit, then hpet.
///
/// A timer that is not present has no ticks, so it has no say; nor have the timers that do not tick on Xen.
#[must_use]
pub fn decide(timers: &[Timer]) -> TickDecision {
    let asked: Vec<(TimerName, TickPolicy)> = RANKS
        .iter()
        .flat_map(|&name| timers.iter().filter(move |timer| timer.name == name))
        .filter(|timer| timer.present != Some(false))
        .filter_map(|timer| Some((timer.name, timer.tickpolicy?)))
        .collect();
    let Some(&(winner, policy)) = asked.first() else {
        return TickDecision::default();
    };
    let mut overruled: Vec<_> =
        asked.iter().filter(|&&(_, other)| other != policy).map(|&(name, _)| name).collect();
    // `asked` is in order of rank, so the same name stands together.
    overruled.dedup();
    TickDecision { mode: Some(policy.into()), decided_by: Some(winner), overruled }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TickPolicy::{Catchup, Delay, Discard, Merge};
    use TimerName::{Armvtimer, Hpet, Pit, Platform, Rtc, Tsc};

    fn ticking(name: TimerName, policy: TickPolicy) -> Timer {
        Timer { tickpolicy: Some(policy), ..Timer::named(name) }
    }

    #[test]
    fn modes_have_xens_words_and_numbers() {
        let table = [
            (Delay, "delay_for_missed_ticks", 0),
            (Catchup, "no_delay_for_missed_ticks", 1),
            (Discard, "no_missed_ticks_pending", 2),
            (Merge, "one_missed_tick_pending", 3),
        ];
        for (policy, word, number) in table {
            let mode = MissedTicks::from(policy);
            assert_eq!((mode.as_str(), mode.number()), (word, number));
            assert_eq!(MissedTicks::from_word(word), Some(mode));
            assert_eq!(MissedTicks::from_number(number), Some(mode));
        }
        assert_eq!(MissedTicks::from_word("unknown"), None);
        assert_eq!(MissedTicks::from_number(4), None);
        for policy in TickPolicy::ALL {
            assert_eq!(TickPolicy::from(MissedTicks::from(*policy)), *policy);
        }
    }

    #[test]
    fn rtc_then_pit_then_hpet() {
        type Row<'a> = (&'a [(TimerName, TickPolicy)], Option<(MissedTicks, TimerName)>, &'a [TimerName]);
        let table: &[Row<'_>] = &[
            (&[], None, &[]),
            (&[(Tsc, Delay), (Platform, Merge), (Armvtimer, Discard)], None, &[]),
            (&[(Hpet, Merge)], Some((MissedTicks::OneMissedTickPending, Hpet)), &[]),
            (&[(Hpet, Delay), (Pit, Delay)], Some((MissedTicks::DelayForMissedTicks, Pit)), &[]),
            (&[(Hpet, Delay), (Pit, Discard)], Some((MissedTicks::NoMissedTicksPending, Pit)), &[Hpet]),
            (
                &[(Hpet, Delay), (Pit, Delay), (Rtc, Catchup)],
                Some((MissedTicks::NoDelayForMissedTicks, Rtc)),
                &[Pit, Hpet],
            ),
            (
                &[(Pit, Merge), (Rtc, Catchup), (Pit, Merge), (Hpet, Catchup)],
                Some((MissedTicks::NoDelayForMissedTicks, Rtc)),
                &[Pit],
            ),
        ];
        for (asked, decided, overruled) in table {
            let timers: Vec<_> = asked.iter().map(|&(name, policy)| ticking(name, policy)).collect();
            let decision = decide(&timers);
            assert_eq!(decision.mode.zip(decision.decided_by), *decided, "{asked:?}");
            assert_eq!(decision.overruled, *overruled, "{asked:?}");
        }
    }

    #[test]
    fn an_absent_timer_has_no_say() {
        let absent = Timer { present: Some(false), ..ticking(Rtc, Delay) };
        let decision = decide(&[absent.clone(), ticking(Hpet, Merge)]);
        assert_eq!(decision.decided_by, Some(Hpet));
        assert_eq!(decision.overruled, []);
        assert_eq!(decide(&[absent]), TickDecision::default());
    }

    #[test]
    fn a_timer_without_policy_has_no_say() {
        let decision = decide(&[Timer::named(Rtc), ticking(Pit, Discard)]);
        assert_eq!(decision.decided_by, Some(Pit));
    }
}
