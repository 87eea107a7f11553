//! Whether this machine is a dom0.

use std::path::Path;

/// True if this is a dom0: the kernel says what this domain may do.
#[must_use]
pub fn in_dom0() -> bool {
    controls(Path::new("/proc/xen/capabilities"))
}

/// True if this capabilities file says that its domain controls the others.
#[must_use]
pub fn controls(capabilities: &Path) -> bool {
    std::fs::read_to_string(capabilities).is_ok_and(|text| text.contains("control_d"))
}
