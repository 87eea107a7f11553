//! `<target>`: what it says of a drive beside its name.

use super::super::super::cursor::Element;
use crate::diag::Finding;

/// What a target says of the drive itself.
pub(super) fn details(target: &Element<'_>) {
    if let Some(tray) = target.attr("tray") {
        tray.mark(Finding::no_effect("tray", "the state of a running guest"));
    }
    for name in ["removable", "rotation_rate"] {
        if let Some(value) = target.attr(name) {
            let reason = "how a disk identifies itself on another bus";
            value.mark(Finding::no_effect("disk-bus", reason));
        }
    }
}
