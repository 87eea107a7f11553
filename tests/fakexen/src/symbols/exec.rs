//! Xen's own scripts, which libxl runs for devices: in their place a script of the machine's that does nothing.

use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Where libxl looks for a script without a directory.
const SCRIPTS: &[u8] = b"/etc/xen/scripts/";

/// Names the script that runs instead.
pub const HOTPLUG: &str = "XENCLOCK_FAKEXEN_HOTPLUG";

/// The addresses of all functions here.
pub fn linked() -> Vec<*const ()> {
    vec![execvp as *const ()]
}

/// Becomes another program, found by `PATH` where it is named without a directory.
///
/// # Safety
/// As C's: strings, and a list of them that ends with null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execvp(file: *const c_char, arguments: *const *const c_char) -> c_int {
    // SAFETY: as the caller promises.
    let name = unsafe { CStr::from_ptr(file) }.to_bytes();
    let script = std::env::var_os(HOTPLUG).filter(|_| name.starts_with(SCRIPTS));
    let paths = match script {
        Some(script) => vec![script.as_bytes().to_vec()],
        None if name.contains(&b'/') => vec![name.to_vec()],
        None => {
            let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
            std::env::split_paths(&path)
                .map(|directory| directory.join(Path::new(OsStr::from_bytes(name))).into_os_string())
                .map(|path| path.as_bytes().to_vec())
                .collect()
        }
    };
    let mut denied = false;
    for path in paths {
        let Ok(path) = CString::new(path) else { continue };
        // SAFETY: as the caller promises. It returns only where it fails.
        unsafe { libc::execv(path.as_ptr(), arguments) };
        // SAFETY: it is this thread's own.
        denied |= unsafe { *libc::__errno_location() } == libc::EACCES;
    }
    if denied {
        super::set_errno(libc::EACCES);
    }
    -1
}
