//! Blobs that libxl keeps with a domain, in files named after it.

use std::ffi::{CString, c_int};
use std::ptr;

use super::{Libxl, strings};
use crate::host::{DomId, ErrorKind, HostError, Result};

impl Libxl {
    pub(super) fn read_user_data(&self, domid: DomId, name: &str, doing: &str) -> Result<Option<Vec<u8>>> {
        self.guest(domid, doing)?;
        let name = file_name(name, doing)?;
        let (mut data, mut length): (*mut u8, c_int) = (ptr::null_mut(), 0);
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open, the name is a C string, and both results have a place.
            unsafe { xen_sys::libxl_userdata_retrieve(ctx, domid.0, name.as_ptr(), &mut data, &mut length) }
        })?;
        // SAFETY: libxl has answered null, or so many bytes out of `malloc` that are ours.
        Ok(unsafe { strings::taken_bytes(data, length) })
    }

    /// No bytes at all mean that the file is to be removed.
    pub(super) fn write_user_data(&self, domid: DomId, name: &str, data: &[u8], doing: &str) -> Result<()> {
        self.guest(domid, doing)?;
        let name = file_name(name, doing)?;
        let length = c_int::try_from(data.len()).map_err(|_| {
            HostError::new(ErrorKind::Invalid, doing, format!("{} bytes are too many", data.len()))
        })?;
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open, the name is a C string, and the data is as long as told.
            unsafe { xen_sys::libxl_userdata_store(ctx, domid.0, name.as_ptr(), data.as_ptr(), length) }
        })
    }
}

/// libxl puts the name into a file's name.
fn file_name(name: &str, doing: &str) -> Result<CString> {
    if name.is_empty() || name.contains('/') {
        let why =
            format!("'{}' is not a name of user data, expected a name such as xl", name.escape_default());
        return Err(HostError::new(ErrorKind::Invalid, doing, why));
    }
    strings::to_c(doing, "name", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", "/", "../x", "a\0b"] {
            assert_eq!(file_name(name, "x").map_err(|error| error.kind), Err(ErrorKind::Invalid), "{name:?}");
        }
        assert!(file_name("xenclock", "x").is_ok());
    }
}
