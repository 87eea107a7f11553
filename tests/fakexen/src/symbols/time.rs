//! The C library's time of day, for a process that has a machine in it. All others are told the real one.

use std::ffi::c_int;

use super::set_errno;
use crate::{clock, world};

/// The addresses of all functions here.
pub fn linked() -> Vec<*const ()> {
    vec![time as *const (), clock_gettime as *const ()]
}

/// Seconds since 1970.
///
/// # Safety
/// The place is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn time(place: *mut libc::time_t) -> libc::time_t {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the place is this function's own.
    unsafe { clock_gettime(libc::CLOCK_REALTIME, &raw mut now) };
    if !place.is_null() {
        // SAFETY: as the caller promises.
        unsafe { *place = now.tv_sec };
    }
    now.tv_sec
}

/// A clock's time.
///
/// # Safety
/// The place can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, place: *mut libc::timespec) -> c_int {
    const BILLION: i64 = 1_000_000_000;
    let answer = if clock == libc::CLOCK_REALTIME && world::is_here() {
        let now = clock::time_of_day();
        Ok(libc::timespec { tv_sec: now.div_euclid(BILLION), tv_nsec: now.rem_euclid(BILLION) })
    } else {
        clock::kernel_time(clock)
    };
    match answer {
        Ok(time) => {
            // SAFETY: as the caller promises.
            unsafe { *place = time };
            0
        }
        Err(errno) => {
            set_errno(errno);
            -1
        }
    }
}
