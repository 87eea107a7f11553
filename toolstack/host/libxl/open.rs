//! Opens the host, and reports missing prerequisites.

use std::cell::{OnceCell, RefCell};
use std::ffi::c_int;
use std::path::Path;
use std::ptr;

use xen_sys::XEN_VERSION;

use super::handles::{Ctx, Store, Xc};
use super::log::{Line, Log};
use super::state::Watched;
use super::{Libxl, error};
use crate::host::progress::ProgressListener;
use crate::host::{ErrorKind, HostError, Result, XenVersion, dom0};

const DOING: &str = "open libxl";

impl Libxl {
    /// The host that this program runs on.
    ///
    /// # Errors
    /// When this is no dom0, or not root, or xenstored does not run, or the libraries are not those of the hypervisor;
    /// the message says which.
    pub fn open() -> Result<Self> {
        Self::open_with_progress(ProgressListener::default())
    }

    /// The host that this program runs on, with a listener that hears of each save and restore.
    ///
    /// # Errors
    /// As [`Libxl::open`].
    pub fn open_with_progress(progress: ProgressListener) -> Result<Self> {
        let log = Log::new(progress);
        let explain = |error: HostError| Situation::here().explain(error);
        let ctx = Ctx::open(&log).map_err(|code| explain(error::of_libxl(DOING, code, &log.take())))?;
        let failed = |error: std::io::Error, lines: &[Line]| {
            error::of_errno(DOING, error.raw_os_error().unwrap_or_default(), lines)
        };
        let xc = Xc::open(&log).map_err(|error| explain(failed(error, &log.take())))?;
        let store = Store::open().map_err(|error| explain(no_xenstore(failed(error, &[]))))?;
        let host =
            Libxl { ctx, xc, store, log, fixed: OnceCell::new(), watched: RefCell::new(Watched::default()) };
        host.check_interface().map_err(explain)?;
        host.start_watching()?;
        Ok(host)
    }

    /// Which hypervisor this is.
    pub(super) fn version(&self, doing: &str) -> Result<XenVersion> {
        let number = self.xc(doing, |xc| {
            // SAFETY: the handle is open; this command takes no argument, and is answered with a number.
            unsafe { xen_sys::xc_version(xc, xen_sys::XENVER_version as c_int, ptr::null_mut()) }
        })?;
        let number = number.unsigned_abs();
        Ok(XenVersion { major: number >> 16, minor: number & 0xffff })
    }

    /// Xen refuses calls of the other kinds of libraries: those that list domains and those that change one.
    fn check_interface(&self) -> Result<()> {
        let sysctl = self.xc_domains(DOING).map(drop);
        let domctl = self.read_tsc_info(DOING, 0).map(drop);
        // Xen tells nothing of the domain that asks, and that is all right here.
        for error in [sysctl, domctl].into_iter().filter_map(Result::err) {
            if error.kind == ErrorKind::Permission {
                return Err(match self.version(DOING) {
                    Ok(version) => other_version(error, version),
                    Err(_) => error,
                });
            }
        }
        Ok(())
    }
}

fn other_version(error: HostError, running: XenVersion) -> HostError {
    let (major, minor) = XEN_VERSION;
    if (running.major, running.minor) == (major, minor) {
        return error;
    }
    HostError::new(
        ErrorKind::NotSupported,
        error.doing,
        format!(
            "this xenclock is built with the libraries of Xen {major}.{minor}, but the hypervisor is Xen {}.{}: install the build for that version ({})",
            running.major, running.minor, error.detail
        ),
    )
}

fn no_xenstore(error: HostError) -> HostError {
    HostError {
        kind: ErrorKind::Io,
        detail: format!("cannot connect to xenstore: {}", error.detail),
        ..error
    }
}

/// The state of this machine, for the reason why libxl does not open.
#[derive(Clone, Copy, Debug)]
struct Situation {
    xen: bool,
    hypercalls: bool,
    dom0: bool,
    root: bool,
}

impl Situation {
    fn here() -> Self {
        let there = |path: &str| Path::new(path).exists();
        Situation {
            xen: std::fs::read_to_string("/sys/hypervisor/type").is_ok_and(|text| text.trim() == "xen")
                || there("/proc/xen/capabilities"),
            hypercalls: there("/dev/xen/privcmd") || there("/proc/xen/privcmd"),
            dom0: dom0::in_dom0(),
            // SAFETY: it only answers.
            root: unsafe { libc::geteuid() } == 0,
        }
    }

    fn explain(self, error: HostError) -> HostError {
        let (kind, why) = match self {
            _ if error.detail.contains("xenclock is built") => return error,
            Situation { hypercalls: false, xen: false, .. } => {
                (ErrorKind::NotSupported, "this machine does not run Xen; a dom0 is needed")
            }
            Situation { hypercalls: false, .. } => (
                ErrorKind::NotSupported,
                "this machine runs Xen, but has no /dev/xen/privcmd: load the module xen-privcmd, in dom0",
            ),
            Situation { root: false, .. } => (ErrorKind::Permission, "only root may control Xen: try sudo"),
            _ if error.detail.contains("xenstore") => {
                (ErrorKind::Io, "xenstored does not answer: start Xen's services (systemctl start xenstored)")
            }
            Situation { dom0: false, .. } => (
                ErrorKind::NotSupported,
                "this is a guest of Xen and not its dom0, or /proc/xen is not mounted",
            ),
            _ => return error,
        };
        HostError::new(kind, error.doing, format!("{why} ({})", error.detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOM0: Situation = Situation { xen: true, hypercalls: true, dom0: true, root: true };

    fn explained(situation: Situation, detail: &str) -> (ErrorKind, String) {
        let error = situation.explain(HostError::new(ErrorKind::Other, DOING, detail));
        assert!(error.detail.contains(detail), "{error} hides the cause");
        (error.kind, error.detail)
    }

    #[test]
    fn each_situation_has_its_words() {
        let no_handle = "ERROR_FAIL (-3): cannot open libxc handle";
        for (situation, detail, kind, words) in [
            (
                Situation { xen: false, hypercalls: false, dom0: false, root: true },
                no_handle,
                ErrorKind::NotSupported,
                "does not run Xen",
            ),
            (
                Situation { hypercalls: false, dom0: false, ..DOM0 },
                no_handle,
                ErrorKind::NotSupported,
                "xen-privcmd",
            ),
            (Situation { root: false, ..DOM0 }, no_handle, ErrorKind::Permission, "only root"),
            (Situation { dom0: false, ..DOM0 }, no_handle, ErrorKind::NotSupported, "guest of Xen"),
            (DOM0, "ERROR_FAIL (-3): cannot connect to xenstore", ErrorKind::Io, "xenstored"),
            (DOM0, no_handle, ErrorKind::Other, no_handle),
        ] {
            let (is, text) = explained(situation, detail);
            assert_eq!(is, kind, "{situation:?}");
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn another_version_is_named() {
        let error = HostError::new(ErrorKind::Permission, DOING, "Permission denied (os error 13)");
        let (major, minor) = XEN_VERSION;
        let same = XenVersion { major, minor };
        assert_eq!(other_version(error.clone(), same), error);
        let other = other_version(error, XenVersion { major: 4, minor: 99 });
        assert_eq!(other.kind, ErrorKind::NotSupported);
        assert!(other.detail.contains("hypervisor is Xen 4.99"), "{other}");
        // And that stays the reason.
        assert_eq!(Situation { dom0: false, ..DOM0 }.explain(other.clone()), other);
    }

    #[test]
    fn without_xen_it_does_not_open_and_says_so() {
        if Situation::here().hypercalls {
            return xentest::skip("this machine runs Xen", "run the test on a machine without Xen");
        }
        let Err(error) = Libxl::open() else {
            return xentest::skip("a stand-in for Xen is preloaded", "run the test without it");
        };
        assert_eq!(error.kind, ErrorKind::NotSupported);
        assert!(error.to_string().starts_with("open libxl: this machine does not run Xen"), "{error}");
        assert!(error.detail.contains("ERROR_FAIL"), "{error}");
    }
}
