//! dom0's own clock: its uptime, and the accuracy of its time of day.

use std::mem;
use std::time::Duration;

use crate::host::HostClock;

/// Since the machine booted, a suspend of it included; a step of the time of day does not change it.
pub(super) fn uptime() -> Duration {
    let mut since = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the answer has a place. The call cannot fail for a clock that Linux has had since 2.6.39.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut since) };
    Duration::new(u64::try_from(since.tv_sec).unwrap_or(0), u32::try_from(since.tv_nsec).unwrap_or(0))
}

/// The kernel's state of it; unknown if asking is forbidden, as by systemd's `ProtectClock`.
pub(super) fn state() -> HostClock {
    // SAFETY: a structure of plain numbers; no mode in it: nothing is set.
    let mut timex: libc::timex = unsafe { mem::zeroed() };
    // SAFETY: the structure is given, and told.
    match unsafe { libc::adjtimex(&mut timex) } {
        -1 => HostClock::default(),
        state => told(state, timex.status, timex.esterror, timex.maxerror),
    }
}

fn told(state: i32, status: i32, estimated: i64, maximum: i64) -> HostClock {
    let synchronised = state != libc::TIME_ERROR && status & libc::STA_UNSYNC == 0;
    // Without somebody who keeps it right, the kernel's estimates are only large numbers.
    let error = |us: i64| u64::try_from(us).ok().filter(|_| synchronised);
    HostClock {
        synchronised: Some(synchronised),
        estimated_error_us: error(estimated),
        maximum_error_us: error(maximum),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsynchronised_clock_has_no_estimate() {
        let good = told(libc::TIME_OK, libc::STA_PLL, 120, 5000);
        assert_eq!(
            good,
            HostClock {
                synchronised: Some(true),
                estimated_error_us: Some(120),
                maximum_error_us: Some(5000)
            }
        );
        for (state, status) in
            [(libc::TIME_ERROR, libc::STA_UNSYNC), (libc::TIME_OK, libc::STA_UNSYNC), (libc::TIME_ERROR, 0)]
        {
            let bad = told(state, status, 16_000_000, 16_000_000);
            assert_eq!(bad, HostClock { synchronised: Some(false), ..HostClock::default() });
        }
    }

    #[test]
    fn the_machine_is_up() {
        assert!(uptime() > Duration::from_secs(1));
        // It answers, or is not allowed to.
        let _ = state();
    }
}
