//! The handles of the three libraries, closed when dropped.

use std::ffi::{CStr, CString, c_int, c_ulong};
use std::io;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::Arc;

use xen_sys::{libxl_childproc_hooks, libxl_ctx, libxl_sigchld_owner, xc_interface, xs_handle};

use super::log::Log;
use super::strings;

/// libxl reaps the children that it has started itself, and no others.
static CHILDREN: libxl_childproc_hooks = libxl_childproc_hooks {
    chldowner: libxl_sigchld_owner::libxl_sigchld_owner_libxl_always_selective_reap,
    fork_replacement: None,
    reaped_callback: None,
};

/// libxl.
pub(super) struct Ctx {
    ptr: *mut libxl_ctx,
    /// It logs until it is freed.
    _log: Arc<Log>,
}

impl Ctx {
    /// Opens it; libxl's code when that fails.
    pub(super) fn open(log: &Arc<Log>) -> Result<Ctx, c_int> {
        let mut ptr = ptr::null_mut();
        // SAFETY: the logger lives as long as the context, for `Ctx` holds both.
        match unsafe { xen_sys::libxl_ctx_alloc(&mut ptr, xen_sys::LIBXL_VERSION as c_int, 0, log.as_ptr()) }
        {
            0 => {
                // SAFETY: the context is new, so it has no children; the hooks are static.
                unsafe { xen_sys::libxl_childproc_setmode(ptr, &CHILDREN, ptr::null_mut()) };
                Ok(Ctx { ptr, _log: Arc::clone(log) })
            }
            code => Err(code),
        }
    }

    pub(super) fn ptr(&self) -> *mut libxl_ctx {
        self.ptr
    }
}

impl Drop for Ctx {
    fn drop(&mut self) {
        // SAFETY: opened in `open`, and freed only here; all that was asked of it has ended, as nothing is asked
        // asynchronously.
        unsafe { xen_sys::libxl_ctx_free(self.ptr) };
    }
}

/// libxenctrl.
pub(super) struct Xc {
    ptr: *mut xc_interface,
    _log: Arc<Log>,
}

impl Xc {
    /// Opens it; the errno when that fails.
    pub(super) fn open(log: &Arc<Log>) -> io::Result<Xc> {
        // SAFETY: the logger lives as long as the handle, for `Xc` holds both.
        let ptr = unsafe { xen_sys::xc_interface_open(log.as_ptr(), log.as_ptr(), 0) };
        if ptr.is_null() { Err(io::Error::last_os_error()) } else { Ok(Xc { ptr, _log: Arc::clone(log) }) }
    }

    pub(super) fn ptr(&self) -> *mut xc_interface {
        self.ptr
    }
}

impl Drop for Xc {
    fn drop(&mut self) {
        // SAFETY: opened in `open`, and closed only here.
        unsafe { xen_sys::xc_interface_close(self.ptr) };
    }
}

/// xenstore, by a connection of its own: libxl's takes libxl's watches.
pub(super) struct Store {
    ptr: *mut xs_handle,
}

impl Store {
    /// Opens it; the errno when that fails.
    pub(super) fn open() -> io::Result<Store> {
        // SAFETY: any flags may be passed; 0 is none.
        let ptr = unsafe { xen_sys::xs_open(0 as c_ulong) };
        if ptr.is_null() { Err(io::Error::last_os_error()) } else { Ok(Store { ptr }) }
    }

    /// True if xenstore knows of this domain.
    pub(super) fn is_introduced(&self, domid: u32) -> bool {
        // SAFETY: the handle is open.
        unsafe { xen_sys::xs_is_domain_introduced(self.ptr, domid) }
    }

    /// The text at this path; `None` if there is none.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let path = CString::new(path).ok()?;
        let mut length = 0;
        // SAFETY: the handle is open, the path is a C string, and the length has a place; outside of any transaction.
        let value = unsafe { xen_sys::xs_read(self.ptr, 0, path.as_ptr(), &mut length) };
        // SAFETY: the library has answered null, or so many bytes out of `malloc` that are ours.
        let value = unsafe { strings::taken_bytes(value.cast(), c_int::try_from(length).unwrap_or(0)) }?;
        String::from_utf8(value).ok()
    }

    /// Takes a node away with all below it.
    pub(super) fn remove(&self, path: &str) -> io::Result<()> {
        let path = CString::new(path)?;
        // SAFETY: the handle is open, and the path is a C string; outside of any transaction.
        match unsafe { xen_sys::xs_rm(self.ptr, 0, path.as_ptr()) } {
            true => Ok(()),
            false => Err(io::Error::last_os_error()),
        }
    }

    /// Asks to be told when this path changes.
    pub(super) fn watch(&self, path: &CStr) -> io::Result<()> {
        // SAFETY: the handle is open, and the library copies both strings.
        match unsafe { xen_sys::xs_watch(self.ptr, path.as_ptr(), path.as_ptr()) } {
            true => Ok(()),
            false => Err(io::Error::last_os_error()),
        }
    }

    /// Readable as long as there are watches that have fired.
    pub(super) fn fd(&self) -> RawFd {
        // SAFETY: the handle is open.
        unsafe { xen_sys::xs_fileno(self.ptr) }
    }

    /// Takes one watch that has fired, if there is one.
    pub(super) fn fired(&self) -> io::Result<bool> {
        // SAFETY: the handle is open.
        let words = unsafe { xen_sys::xs_check_watch(self.ptr) };
        if !words.is_null() {
            // SAFETY: path and token are in one block out of `malloc`, which is ours. Which watch it was does not
            // matter.
            unsafe { xen_sys::free(words.cast()) };
            return Ok(true);
        }
        match io::Error::last_os_error() {
            none if none.kind() == io::ErrorKind::WouldBlock => Ok(false),
            error => Err(error),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: opened in `open`, and closed only here.
        unsafe { xen_sys::xs_close(self.ptr) };
    }
}

// SAFETY: none of the three is bound to the thread that opened it: libxl locks its context itself, libxenctrl opened
// without XC_OPENFLAG_NON_REENTRANT and libxenstore lock theirs. None is `Sync`, so one thread at a time uses them.
unsafe impl Send for Ctx {}
// SAFETY: as above.
unsafe impl Send for Xc {}
// SAFETY: as above.
unsafe impl Send for Store {}
