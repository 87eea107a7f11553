//! libxencall.

use std::ffi::{c_int, c_long, c_uint, c_void};

use xen_sys::xentoollog_logger;

use super::answer;
use super::handle::Handle;
use crate::frames::PAGE;

/// The addresses of all functions here.
pub fn linked() -> Vec<*const ()> {
    vec![
        xencall_open as *const (),
        xencall_close as *const (),
        xencall_fd as *const (),
        xencall0 as *const (),
        xencall1 as *const (),
        xencall2 as *const (),
        xencall2L as *const (),
        xencall3 as *const (),
        xencall4 as *const (),
        xencall5 as *const (),
        xencall_alloc_buffer as *const (),
        xencall_free_buffer as *const (),
        xencall_alloc_buffer_pages as *const (),
        xencall_free_buffer_pages as *const (),
        xencall_buffers_never_fault as *const (),
    ]
}

/// Opens a way to the machine; without one there is no Xen here.
#[unsafe(no_mangle)]
pub extern "C" fn xencall_open(_logger: *mut xentoollog_logger, _flags: c_uint) -> *mut c_void {
    Handle::open()
}

/// Closes it.
///
/// # Safety
/// The handle is null, or was opened here and not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xencall_close(handle: *mut c_void) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { Handle::close(handle) }
}

/// There is no file behind a handle.
#[unsafe(no_mangle)]
pub extern "C" fn xencall_fd(_handle: *mut c_void) -> c_int {
    -1
}

/// # Safety
/// The handle is open, and what the arguments point to is as long as the call says.
unsafe fn call(handle: *mut c_void, number: c_uint, arguments: [u64; 5]) -> i64 {
    // SAFETY: the handle is open.
    answer(unsafe { Handle::way(handle) }.call(number, arguments))
}

macro_rules! calls {
    ($($name:ident -> $type:ty: $($argument:ident)*;)*) => {$(
        /// A hypercall with so many arguments.
        ///
        /// # Safety
        /// The handle is open, and what the arguments point to is as long as the call says.
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        pub unsafe extern "C" fn $name(handle: *mut c_void, number: c_uint $(, $argument: u64)*) -> $type {
            #[allow(unused_mut)]
            let mut arguments = [0; 5];
            for (place, argument) in arguments.iter_mut().zip([$($argument),*] as [u64; _]) {
                *place = argument;
            }
            // SAFETY: as the caller promises.
            (unsafe { call(handle, number, arguments) }) as $type
        }
    )*};
}

calls! {
    xencall0 -> c_int: ;
    xencall1 -> c_int: a;
    xencall2 -> c_int: a b;
    xencall2L -> c_long: a b;
    xencall3 -> c_int: a b c;
    xencall4 -> c_int: a b c d;
    xencall5 -> c_int: a b c d e;
}

/// Zeroed memory for a hypercall, out of `malloc`, so that a leak is seen.
#[unsafe(no_mangle)]
pub extern "C" fn xencall_alloc_buffer(_handle: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: it only allocates.
    unsafe { libc::calloc(1, size.max(1)) }
}

/// Frees it.
///
/// # Safety
/// The buffer is null or was allocated here and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xencall_free_buffer(_handle: *mut c_void, buffer: *mut c_void) {
    // SAFETY: as the caller promises.
    unsafe { libc::free(buffer) };
}

/// The same in pages.
#[unsafe(no_mangle)]
pub extern "C" fn xencall_alloc_buffer_pages(_handle: *mut c_void, count: usize) -> *mut c_void {
    let length = count * PAGE;
    // SAFETY: the size is a multiple of the alignment.
    let buffer = unsafe { libc::aligned_alloc(PAGE, length) };
    if !buffer.is_null() {
        // SAFETY: it is as long as that.
        unsafe { buffer.cast::<u8>().write_bytes(0, length) };
    }
    buffer
}

/// Frees them.
///
/// # Safety
/// The buffer is null or was allocated here and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xencall_free_buffer_pages(_handle: *mut c_void, buffer: *mut c_void, _count: usize) {
    // SAFETY: as the caller promises.
    unsafe { libc::free(buffer) };
}

/// Whether buffers are locked into memory.
#[unsafe(no_mangle)]
pub extern "C" fn xencall_buffers_never_fault(_handle: *mut c_void) -> c_int {
    1
}
