//! The functions of the C libraries that are replaced, under their own names.
//!
//! An executable that exports them, or a library that is preloaded, comes before the real ones. The functions of
//! libxencall, libxenforeignmemory and libxendevicemodel that are not here must not be called with these handles;
//! libxenctrl, libxenguest and libxenlight call none of them for what is tested.

mod call;
mod device_model;
pub mod exec;
mod foreign_memory;
mod handle;
pub mod time;

use crate::Errno;

/// Keeps the linker from leaving these functions out of a program in which only C calls them.
#[must_use]
pub fn linked() -> usize {
    [call::linked(), device_model::linked(), exec::linked(), foreign_memory::linked(), time::linked()]
        .iter()
        .flatten()
        .count()
}

/// Sets the C library's error number.
fn set_errno(errno: Errno) {
    // SAFETY: it is this thread's own.
    unsafe { *libc::__errno_location() = errno };
}

/// An answer as C wants it: -1 with the error number set, or the value.
fn answer(answer: Result<i64, Errno>) -> i64 {
    answer.unwrap_or_else(|errno| {
        set_errno(errno);
        -1
    })
}
