//! Disks that the guest does not get.

use super::super::super::cursor::Element;
use crate::diag::Finding;

/// The attributes by which a source names a content.
const NAMES: &[&str] = &["file", "dev", "dir", "protocol", "pool", "namespace", "path"];

/// Leaves a disk out. A guest that would miss its content is not started; a drive without a medium is no loss.
pub(super) fn left_out(element: &Element<'_>, finding: Finding) {
    element.leave_out(if is_empty_drive(element) { finding } else { finding.refusing_start() });
}

/// True for a drive of removable media that has none in it.
fn is_empty_drive(element: &Element<'_>) -> bool {
    let removable = element.attr("device").is_some_and(|device| matches!(device.text, "cdrom" | "floppy"));
    let named = |source: Element<'_>| {
        let names = NAMES.iter().filter_map(|name| source.attr(name));
        names.into_iter().any(|name| !name.text.is_empty())
    };
    removable && !element.children("source").any(named)
}
