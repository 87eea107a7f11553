//! Converts strings and blobs to and from C.

use std::ffi::{CStr, CString, c_char, c_int};

use crate::host::{ErrorKind, HostError, Result};

/// As C takes it.
pub(super) fn to_c(doing: &str, what: &str, text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| {
        HostError::new(
            ErrorKind::Invalid,
            doing,
            format!("the {what} '{}' contains a NUL byte", text.escape_default()),
        )
    })
}

/// A copy of a string that stays C's; `None` for null. What is not UTF-8 is replaced.
///
/// # Safety
/// `text` is null or a C string.
pub(super) unsafe fn copied(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// A string that C has allocated for us; `None` for null.
///
/// # Safety
/// `text` is null or a C string out of `malloc`, and no one else's.
pub(super) unsafe fn taken(text: *mut c_char) -> Option<String> {
    // SAFETY: as the caller promises.
    unsafe {
        let copy = copied(text);
        xen_sys::free(text.cast());
        copy
    }
}

/// Bytes that C has allocated for us; `None` for null.
///
/// # Safety
/// `bytes` is null or points to `length` bytes out of `malloc`, and no one else's.
pub(super) unsafe fn taken_bytes(bytes: *mut u8, length: c_int) -> Option<Vec<u8>> {
    if bytes.is_null() {
        return None;
    }
    let length = usize::try_from(length).unwrap_or(0);
    // SAFETY: as the caller promises; a length that is negative has become 0.
    unsafe {
        let copy = std::slice::from_raw_parts(bytes, length).to_vec();
        xen_sys::free(bytes.cast());
        Some(copy)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn null_is_nothing() {
        // SAFETY: null is allowed.
        unsafe {
            assert_eq!(copied(std::ptr::null()), None);
            assert_eq!(taken(std::ptr::null_mut()), None);
            assert_eq!(taken_bytes(std::ptr::null_mut(), 5), None);
        }
    }

    #[test]
    fn what_is_not_utf_8_is_replaced() {
        // SAFETY: a C string.
        assert_eq!(unsafe { copied(c"a\xff".as_ptr()) }.unwrap(), "a\u{fffd}");
    }

    #[test]
    fn a_nul_goes_nowhere() {
        let error = to_c("x", "name", "a\0b").unwrap_err();
        assert_eq!(
            (error.kind, error.detail.as_str()),
            (ErrorKind::Invalid, "the name 'a\\u{0}b' contains a NUL byte")
        );
    }
}
