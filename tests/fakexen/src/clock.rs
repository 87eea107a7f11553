//! The time that this process sees: the real one, ahead of it, or standing still.
//!
//! libxl and the program under test ask the C library for the time of day, by the names of `symbols/time.rs`.
//! The model is told the same.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::Errno;

/// Where the time of day stands still, in nanoseconds since 1970; [`RUNS`] when it does not.
static STOPPED: AtomicI64 = AtomicI64::new(RUNS);
const RUNS: i64 = i64::MIN;

/// Nanoseconds that have been let pass.
static PASSED: AtomicU64 = AtomicU64::new(0);

/// What the uptime is counted from, on the monotonic clock.
static BOOTED: AtomicI64 = AtomicI64::new(0);

/// As long has a new host been up.
const UP: i64 = 3_600_000_000_000;

/// A new host: its time of day is the real one, or stands still at this moment.
pub fn start(stopped: Option<DateTime<Utc>>) {
    let stopped = stopped.and_then(|at| at.timestamp_nanos_opt()).unwrap_or(RUNS);
    STOPPED.store(stopped, Ordering::SeqCst);
    PASSED.store(0, Ordering::SeqCst);
    BOOTED.store(real(libc::CLOCK_MONOTONIC) - UP, Ordering::SeqCst);
}

/// Lets time pass at once.
pub fn pass(time: Duration) {
    PASSED.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
}

/// Nanoseconds since 1970.
pub fn time_of_day() -> i64 {
    let passed = PASSED.load(Ordering::SeqCst).cast_signed();
    match STOPPED.load(Ordering::SeqCst) {
        RUNS => real(libc::CLOCK_REALTIME).saturating_add(passed),
        stopped => stopped.saturating_add(passed),
    }
}

/// The same, as a moment.
pub fn utc() -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(time_of_day())
}

/// Nanoseconds since the host booted. They stand still with the time of day.
pub fn uptime() -> u64 {
    let passed = PASSED.load(Ordering::SeqCst).cast_signed();
    let up = match STOPPED.load(Ordering::SeqCst) {
        RUNS => real(libc::CLOCK_MONOTONIC) - BOOTED.load(Ordering::SeqCst),
        _ => UP,
    };
    up.saturating_add(passed).cast_unsigned()
}

/// Asks the kernel itself: this program has put another function in the C library's place.
pub fn kernel_time(clock: libc::clockid_t) -> Result<libc::timespec, Errno> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the place is this function's own.
    match unsafe { libc::syscall(libc::SYS_clock_gettime, libc::c_long::from(clock), &raw mut time) } {
        0 => Ok(time),
        _ => Err(libc::EINVAL),
    }
}

fn real(clock: libc::clockid_t) -> i64 {
    // Only clocks that every kernel has are asked for.
    kernel_time(clock).map_or(0, |time| time.tv_sec * 1_000_000_000 + time.tv_nsec)
}
