//! Builds errors from libxl's codes, the system's error numbers and the log of the call.

use std::ffi::c_int;
use std::io;

use xen_sys::libxl_error as Code;

use super::log::Line;
use super::strings;
use crate::host::{ErrorKind, HostError};

/// A call of libxl that has answered this code.
pub(super) fn of_libxl(doing: impl Into<String>, code: c_int, lines: &[Line]) -> HostError {
    let kind = match Code(code) {
        Code::ERROR_DOMAIN_NOTFOUND | Code::ERROR_DOMAIN_DESTROYED => ErrorKind::NoSuchDomain,
        Code::ERROR_NOMEM => ErrorKind::NoMemory,
        Code::ERROR_INVAL if says(lines, "already exists") => ErrorKind::Exists,
        Code::ERROR_INVAL | Code::ERROR_VNUMA_CONFIG_INVALID => ErrorKind::Invalid,
        Code::ERROR_NI | Code::ERROR_NOPARAVIRT | Code::ERROR_FEATURE_REMOVED => ErrorKind::NotSupported,
        Code::ERROR_TIMEDOUT | Code::ERROR_GUEST_TIMEDOUT | Code::ERROR_NOT_READY => ErrorKind::WrongState,
        // A few functions answer an errno.
        _ if code > 0 => kind_of(code),
        // The rest says no more than "failed".
        _ if says(lines, "already exists") => ErrorKind::Exists,
        _ => lines
            .iter()
            .filter_map(|line| line.errno.map(kind_of))
            .find(|kind| *kind != ErrorKind::Other)
            .unwrap_or(ErrorKind::Other),
    };
    HostError::new(kind, doing, with_lines(name(code), lines))
}

/// A call of libxenctrl or libxenstore that has set this errno.
pub(super) fn of_errno(doing: impl Into<String>, errno: i32, lines: &[Line]) -> HostError {
    let error = io::Error::from_raw_os_error(errno);
    HostError::new(kind_of(errno), doing, with_lines(error.to_string(), lines)).caused_by(error)
}

/// The kind of an errno from Xen or the system.
pub(super) fn kind_of(errno: i32) -> ErrorKind {
    match errno {
        libc::ESRCH => ErrorKind::NoSuchDomain,
        libc::EEXIST => ErrorKind::Exists,
        libc::EINVAL | libc::ERANGE | libc::E2BIG => ErrorKind::Invalid,
        libc::EPERM | libc::EACCES => ErrorKind::Permission,
        libc::ENOMEM => ErrorKind::NoMemory,
        libc::ENOSYS | libc::EOPNOTSUPP => ErrorKind::NotSupported,
        libc::EBUSY => ErrorKind::WrongState,
        libc::EIO | libc::ENOSPC | libc::EPIPE | libc::EBADF | libc::EFBIG | libc::EROFS | libc::EDQUOT => {
            ErrorKind::Io
        }
        _ => ErrorKind::Other,
    }
}

/// The error number that a library has left.
pub(super) fn last_errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or_default()
}

fn says(lines: &[Line], words: &str) -> bool {
    lines.iter().any(|line| line.text.contains(words))
}

/// `ERROR_FAIL (-3)`
fn name(code: c_int) -> String {
    if code > 0 {
        return io::Error::from_raw_os_error(code).to_string();
    }
    // SAFETY: any number can be asked for; the answer is a static string, or null for an unknown number.
    match unsafe { strings::copied(xen_sys::libxl_error_to_string(Code(code))) } {
        Some(word) => format!("ERROR_{} ({code})", word.to_uppercase()),
        None => format!("an error unknown to xenclock ({code})"),
    }
}

fn with_lines(mut text: String, lines: &[Line]) -> String {
    let mut mark = ": ";
    for line in lines {
        text.push_str(mark);
        text.push_str(&line.text);
        if let Some(errno) = line.errno {
            text.push_str(&format!(": {}", io::Error::from_raw_os_error(errno)));
        }
        mark = "; ";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, errno: Option<i32>) -> Line {
        Line { text: text.to_owned(), errno }
    }

    #[test]
    fn codes_that_say_enough() {
        for (code, kind, word) in [
            (Code::ERROR_DOMAIN_NOTFOUND, ErrorKind::NoSuchDomain, "ERROR_DOMAIN_NOTFOUND (-21)"),
            (Code::ERROR_NOMEM, ErrorKind::NoMemory, "ERROR_NOMEM (-5)"),
            (Code::ERROR_INVAL, ErrorKind::Invalid, "ERROR_INVAL (-6)"),
            (Code::ERROR_FEATURE_REMOVED, ErrorKind::NotSupported, "ERROR_FEATURE_REMOVED (-25)"),
            (Code::ERROR_NOPARAVIRT, ErrorKind::NotSupported, "ERROR_NOPARAVIRT (-10)"),
            (Code::ERROR_FAIL, ErrorKind::Other, "ERROR_FAIL (-3)"),
            (Code(-999), ErrorKind::Other, "an error unknown to xenclock (-999)"),
        ] {
            assert_eq!(of_libxl("x", code.0, &[]), HostError::new(kind, "x", word));
        }
    }

    #[test]
    fn the_first_line_that_tells_decides() {
        let lines = [
            line("no reason", None),
            line("of no kind", Some(libc::ENOTTY)),
            line("the cause", Some(libc::ENOMEM)),
            line("what followed", Some(libc::EINVAL)),
        ];
        let error = of_libxl("create domain 'x'", Code::ERROR_FAIL.0, &lines);
        assert_eq!(error.kind, ErrorKind::NoMemory);
        assert_eq!(
            error.to_string(),
            "create domain 'x': ERROR_FAIL (-3): no reason; of no kind: Inappropriate ioctl for device (os error 25); \
             the cause: Cannot allocate memory (os error 12); what followed: Invalid argument (os error 22)"
        );
        // The code itself, where it says something.
        assert_eq!(of_libxl("x", Code::ERROR_INVAL.0, &lines).kind, ErrorKind::Invalid);
    }

    #[test]
    fn a_name_that_is_taken_and_a_positive_code() {
        let lines = [line("Domain with name \"x\" already exists.", None)];
        assert_eq!(of_libxl("x", Code::ERROR_INVAL.0, &lines).kind, ErrorKind::Exists);
        assert_eq!(of_libxl("x", Code::ERROR_FAIL.0, &lines).kind, ErrorKind::Exists);
        let error = of_libxl("x", libc::ENOSPC, &[]);
        assert_eq!(
            (error.kind, error.detail.as_str()),
            (ErrorKind::Io, "No space left on device (os error 28)")
        );
    }

    #[test]
    fn numbers_of_the_system() {
        let error = of_errno("x", libc::ESRCH, &[line("gone", None)]);
        assert_eq!(
            (error.kind, error.detail.as_str()),
            (ErrorKind::NoSuchDomain, "No such process (os error 3): gone")
        );
        assert_eq!(kind_of(libc::EPERM), ErrorKind::Permission);
        assert_eq!(kind_of(0), ErrorKind::Other);
        assert_eq!(kind_of(-5), ErrorKind::Other);
    }
}
