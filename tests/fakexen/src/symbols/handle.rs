//! The handles of the libraries whose calls go to the machine.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::set_errno;
use crate::remote::Way;

/// What a handle points to. Two threads may use one at a time.
pub(super) struct Handle(Mutex<Way>);

impl Handle {
    /// Opens a way to the machine; without one there is no Xen here.
    pub(super) fn open() -> *mut c_void {
        match Way::find() {
            Ok(way) => Box::into_raw(Box::new(Handle(Mutex::new(way)))).cast(),
            Err(error) => {
                set_errno(error.raw_os_error().unwrap_or(libc::EIO));
                ptr::null_mut()
            }
        }
    }

    /// Closes it.
    ///
    /// # Safety
    /// The handle is null, or was opened here and not closed.
    pub(super) unsafe fn close(handle: *mut c_void) -> c_int {
        if !handle.is_null() {
            // SAFETY: as the caller promises; it was made by `Box::into_raw`.
            drop(unsafe { Box::from_raw(handle.cast::<Handle>()) });
        }
        0
    }

    /// The way to the machine, held.
    ///
    /// # Safety
    /// The handle was opened here, and is not closed while the result lives.
    pub(super) unsafe fn way<'a>(handle: *mut c_void) -> MutexGuard<'a, Way> {
        // SAFETY: as the caller promises.
        let handle = unsafe { &*handle.cast::<Handle>() };
        handle.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
