//! libxendevicemodel: only opened and closed.

use std::ffi::{c_int, c_uint, c_void};

use xen_sys::xentoollog_logger;

/// The addresses of all functions here.
pub fn linked() -> Vec<*const ()> {
    vec![xendevicemodel_open as *const (), xendevicemodel_close as *const ()]
}

/// A handle, so that it is seen when one is not closed.
#[unsafe(no_mangle)]
pub extern "C" fn xendevicemodel_open(_logger: *mut xentoollog_logger, _flags: c_uint) -> *mut c_void {
    // SAFETY: it only allocates.
    unsafe { libc::calloc(1, 1) }
}

/// Closes it.
///
/// # Safety
/// The handle is null, or was opened here and not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xendevicemodel_close(handle: *mut c_void) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { libc::free(handle) };
    0
}
