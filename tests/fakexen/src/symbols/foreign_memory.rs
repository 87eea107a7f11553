//! libxenforeignmemory.

use std::ffi::{c_int, c_uint, c_ulong, c_void};
use std::ptr;
use std::slice;

use xen_sys::xentoollog_logger;

use super::handle::Handle;
use super::{answer, set_errno};
use crate::Errno;
use crate::frames;

/// A mapping of something that has no frames of its own.
struct Resource {
    address: *mut c_void,
    count: usize,
}

/// The addresses of all functions here.
pub fn linked() -> Vec<*const ()> {
    vec![
        xenforeignmemory_open as *const (),
        xenforeignmemory_close as *const (),
        xenforeignmemory_map as *const (),
        xenforeignmemory_map2 as *const (),
        xenforeignmemory_unmap as *const (),
        xenforeignmemory_restrict as *const (),
        xenforeignmemory_map_resource as *const (),
        xenforeignmemory_unmap_resource as *const (),
        xenforeignmemory_resource_size as *const (),
    ]
}

/// Opens a way to the machine.
#[unsafe(no_mangle)]
pub extern "C" fn xenforeignmemory_open(_logger: *mut xentoollog_logger, _flags: c_uint) -> *mut c_void {
    Handle::open()
}

/// Closes it.
///
/// # Safety
/// The handle is null, or was opened here and not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xenforeignmemory_close(handle: *mut c_void) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { Handle::close(handle) }
}

/// Maps frames of a guest.
///
/// # Safety
/// The handle is open, and both lists are as long as told; the second may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xenforeignmemory_map(
    handle: *mut c_void,
    domid: u32,
    protection: c_int,
    count: usize,
    wanted: *const xen_sys::xen_pfn_t,
    errors: *mut c_int,
) -> *mut c_void {
    // SAFETY: as the caller promises.
    unsafe { xenforeignmemory_map2(handle, domid, ptr::null_mut(), protection, 0, count, wanted, errors) }
}

/// Maps frames of a guest at this address.
///
/// # Safety
/// As for [`xenforeignmemory_map`]; the address is null or the caller's own to map at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xenforeignmemory_map2(
    handle: *mut c_void,
    domid: u32,
    at: *mut c_void,
    protection: c_int,
    _flags: c_int,
    count: usize,
    wanted: *const xen_sys::xen_pfn_t,
    errors: *mut c_int,
) -> *mut c_void {
    // SAFETY: as the caller promises; without a list there are no frames.
    let (mut way, wanted) = unsafe {
        let wanted = if count == 0 { &[][..] } else { slice::from_raw_parts(wanted, count) };
        (Handle::way(handle), wanted)
    };
    let mut found = vec![0; count];
    let mapped = way.map(domid, at, protection, wanted, &mut found);
    drop(way);
    let result: Result<*mut c_void, Errno> = mapped.and_then(|address| {
        if !errors.is_null() {
            // SAFETY: as the caller promises.
            unsafe { errors.copy_from_nonoverlapping(found.as_ptr(), count) };
            return Ok(address);
        }
        // Who does not ask what failed wants all or nothing.
        match found.iter().find(|error| **error != 0) {
            None => Ok(address),
            Some(error) => {
                frames::unmap(address, count);
                Err(-*error)
            }
        }
    });
    result.unwrap_or_else(|errno| {
        set_errno(errno);
        ptr::null_mut()
    })
}

/// Takes a mapping away.
#[unsafe(no_mangle)]
pub extern "C" fn xenforeignmemory_unmap(_handle: *mut c_void, address: *mut c_void, count: usize) -> c_int {
    frames::unmap(address, count)
}

/// Not here.
#[unsafe(no_mangle)]
pub extern "C" fn xenforeignmemory_restrict(_handle: *mut c_void, _domid: xen_sys::domid_t) -> c_int {
    answer(Err(libc::EOPNOTSUPP)) as c_int
}

/// Maps something of a guest that has no frames of its own.
///
/// # Safety
/// The handle is open, and the address's place can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xenforeignmemory_map_resource(
    handle: *mut c_void,
    domid: xen_sys::domid_t,
    kind: c_uint,
    _id: c_uint,
    first: c_ulong,
    count: c_ulong,
    address: *mut *mut c_void,
    protection: c_int,
    _flags: c_int,
) -> *mut c_void {
    // SAFETY: as the caller promises.
    let mapped =
        unsafe { Handle::way(handle) }.map_resource(u32::from(domid), kind, first, count, protection);
    match mapped {
        Ok(at) => {
            // SAFETY: as the caller promises.
            unsafe { *address = at };
            Box::into_raw(Box::new(Resource { address: at, count: count as usize })).cast()
        }
        Err(errno) => {
            set_errno(errno);
            ptr::null_mut()
        }
    }
}

/// Takes it away.
///
/// # Safety
/// The resource is null or was mapped here and not taken away.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xenforeignmemory_unmap_resource(
    _handle: *mut c_void,
    resource: *mut c_void,
) -> c_int {
    if resource.is_null() {
        return 0;
    }
    // SAFETY: as the caller promises; it was made by `Box::into_raw`.
    let resource = unsafe { Box::from_raw(resource.cast::<Resource>()) };
    frames::unmap(resource.address, resource.count)
}

/// Not here.
#[unsafe(no_mangle)]
pub extern "C" fn xenforeignmemory_resource_size(
    _handle: *mut c_void,
    _domid: xen_sys::domid_t,
    _kind: c_uint,
    _id: c_uint,
    _size: *mut usize,
) -> c_int {
    answer(Err(libc::EOPNOTSUPP)) as c_int
}
