//! The logger for the libraries: their lines go to `tracing`, and error lines are kept until the call ends, because
//! libxl's own codes say little more than "failed".

use std::ffi::{c_char, c_int, c_ulong};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xen_sys::{__va_list_tag, vsnprintf, xentoollog_level as Level, xentoollog_logger};

use super::strings;
use crate::host::progress::{Progress, ProgressListener};

/// Lines are cut here; the longest of libxl's are file names in a message.
const LONGEST: usize = 1024;

/// The first errors of a call tell the cause, later ones what followed from it.
const KEPT: usize = 6;

/// An error that a library has logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The message, without the place in libxl's source.
    pub text: String,
    /// The system's error number, where the library has named one.
    pub errno: Option<i32>,
}

/// The C part first: the libraries know of nothing else.
#[repr(C)]
pub(super) struct Log {
    head: xentoollog_logger,
    errors: Mutex<Vec<Line>>,
    progress: ProgressListener,
}

impl Log {
    pub(super) fn new(listener: ProgressListener) -> Arc<Log> {
        let head =
            xentoollog_logger { vmessage: Some(vmessage), progress: Some(progress), destroy: Some(destroy) };
        Arc::new(Log { head, errors: Mutex::default(), progress: listener })
    }

    /// As the libraries take it. It is theirs as long as somebody holds the `Arc`.
    pub(super) fn as_ptr(self: &Arc<Log>) -> *mut xentoollog_logger {
        // They only read it; what changes is behind the mutex.
        Arc::as_ptr(self).cast_mut().cast()
    }

    /// The errors logged since the last time.
    pub(super) fn take(&self) -> Vec<Line> {
        std::mem::take(&mut *self.errors())
    }

    fn errors(&self) -> MutexGuard<'_, Vec<Line>> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, level: Level, errno: Option<i32>, library: &str, text: &str) {
        let reason =
            errno.map(|errno| format!(": {}", std::io::Error::from_raw_os_error(errno))).unwrap_or_default();
        match level {
            Level::XTL_DEBUG | Level::XTL_VERBOSE => tracing::trace!(library, "{text}{reason}"),
            Level::XTL_DETAIL | Level::XTL_PROGRESS => tracing::debug!(library, "{text}{reason}"),
            Level::XTL_INFO | Level::XTL_NOTICE => tracing::info!(library, "{text}{reason}"),
            Level::XTL_WARN => tracing::warn!(library, "{text}{reason}"),
            // Also a level that only a newer library has.
            _ => {
                tracing::error!(library, "{text}{reason}");
                let mut errors = self.errors();
                if errors.len() < KEPT {
                    errors.push(Line { text: message(text).to_owned(), errno });
                }
            }
        }
    }
}

/// `Domain 5:no such file` of `libxl_dom.c:52:libxl__x: Domain 5:no such file`; libxenguest writes `panic: ` in front,
/// and leaves the function out.
fn message(text: &str) -> &str {
    let word = |part: &str| part.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let text = text.strip_prefix("panic: ").unwrap_or(text);
    let stripped = text.split_once(".c:").and_then(|(file, rest)| {
        let (line, rest) = rest.split_once(':')?;
        let place = word(file) && !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
        place.then_some(rest)
    });
    match stripped.map(|rest| rest.split_once(':').unwrap_or(("", rest))) {
        Some((function, rest)) if word(function) => rest.trim(),
        Some(_) => stripped.unwrap_or(text).trim(),
        None => text.trim(),
    }
}

/// The libraries' way to say something.
unsafe extern "C" fn vmessage(
    logger: *mut xentoollog_logger,
    level: Level,
    errno: c_int,
    context: *const c_char,
    format: *const c_char,
    arguments: *mut __va_list_tag,
) {
    let heard = catch_unwind(AssertUnwindSafe(|| {
        let mut buffer = [0_u8; LONGEST];
        // SAFETY: the buffer is as long as told; the format and its arguments are the library's, for this call, and
        // used once.
        unsafe { vsnprintf(buffer.as_mut_ptr().cast(), LONGEST as _, format, arguments) };
        // SAFETY: `vsnprintf` has ended the text within the buffer, and the context is a C string or null.
        let (text, library) = unsafe { (strings::copied(buffer.as_ptr().cast()), strings::copied(context)) };
        // SAFETY: the library was given this by `Log::as_ptr`, so it is the head of a `Log` that lives.
        let log = unsafe { &*logger.cast_const().cast::<Log>() };
        let errno = (errno > 0).then_some(errno);
        log.hear(level, errno, library.as_deref().unwrap_or("xen"), text.unwrap_or_default().trim_end());
    }));
    if let Err(panic) = heard {
        // The hook has told of it. It must not go on into C, and dropping it could panic again.
        std::mem::forget(panic);
    }
}

/// The libraries' way to tell how far they are.
unsafe extern "C" fn progress(
    logger: *mut xentoollog_logger,
    context: *const c_char,
    doing: *const c_char,
    percent: c_int,
    done: c_ulong,
    total: c_ulong,
) {
    let told = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: both are C strings or null.
        let (library, doing) = unsafe { (strings::copied(context), strings::copied(doing)) };
        // SAFETY: the library was given this by `Log::as_ptr`, so it is the head of a `Log` that lives.
        let log = unsafe { &*logger.cast_const().cast::<Log>() };
        log.progress.tell(&Progress {
            library: library.as_deref().unwrap_or("xen"),
            doing: doing.as_deref().unwrap_or_default(),
            percent: u32::try_from(percent).unwrap_or(0),
            done,
            total,
        });
    }));
    if let Err(panic) = told {
        // As above.
        std::mem::forget(panic);
    }
}

/// Called by nobody: an `Arc` takes care of it.
unsafe extern "C" fn destroy(_logger: *mut xentoollog_logger) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_in_the_source_is_left_out() {
        for (text, left) in [
            ("libxl_dom.c:52:libxl__domain_type: Domain 5:no such file", "Domain 5:no such file"),
            ("libxl_create.c:1990:x:Domain 5: left", "Domain 5: left"),
            ("panic: xg_dom.c:205: xc_dom: no file: Internal error", "no file: Internal error"),
            ("panic: xg_dom.c:205: failed to open 'x': Internal error", "failed to open 'x': Internal error"),
            ("a.c:1:text", "text"),
            ("xencall: error: Could not open", "xencall: error: Could not open"),
            ("no such file a.c: gone", "no such file a.c: gone"),
            ("a.c:b:c:d", "a.c:b:c:d"),
            ("", ""),
        ] {
            assert_eq!(message(text), left);
        }
    }

    #[test]
    fn the_first_errors_are_kept_and_given_out_once() {
        let log = Log::new(ProgressListener::default());
        log.hear(Level::XTL_WARN, None, "xc", "no error");
        for number in 0..20 {
            log.hear(Level::XTL_ERROR, Some(number), "xc", &format!("error {number}"));
        }
        let lines = log.take();
        assert_eq!(lines.len(), KEPT);
        assert_eq!(lines[1], Line { text: "error 1".to_owned(), errno: Some(1) });
        assert_eq!(log.take(), []);
        log.hear(Level(99), None, "xc", "of a newer library");
        assert_eq!(log.take().len(), 1);
    }

    #[test]
    fn a_library_logs_through_c() {
        let log = Log::new(ProgressListener::default());
        // SAFETY: the logger lives to the end of the test, and all that is read of it are C strings.
        unsafe {
            let handle = xen_sys::xc_interface_open(
                log.as_ptr(),
                log.as_ptr(),
                xen_sys::xc_open_flags::XC_OPENFLAG_DUMMY.0,
            );
            // An unknown command is refused before any hypercall.
            assert!(xen_sys::xc_version(handle, 999, std::ptr::null_mut()) < 0);
            xen_sys::xc_interface_close(handle);
        }
        let lines = log.take();
        assert!(lines.iter().any(|line| line.text.contains("999")), "{lines:?}");
    }
}
