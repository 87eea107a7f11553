//! Floppy drives: libxl has none, but its QEMU does.

use super::super::super::cursor::{Element, Result, Value};
use super::super::boot_order::Bootable;
use super::super::guest::Guest;
use super::super::placed_by_xen;
use super::source::{self, Source};
use crate::diag::Finding;

pub(super) fn read<'t>(element: &Element<'t>, guest: &mut Guest<'t>) -> Result<()> {
    if !guest.is_hvm() {
        element.mark_whole(&Finding::unsupported("floppy", "only an HVM guest can have a floppy drive"));
        return Ok(());
    }
    let path = match source::read(element, true, guest)? {
        None => return Ok(()),
        Some(Source::Empty) => None,
        Some(Source::File(path) | Source::Block(path) | Source::Network(path)) => Some(path),
    };
    let target = element.child("target").and_then(|target| {
        let _ = target.attr("bus");
        target.attr("dev")
    });
    let option = match target.map(|dev| dev.text) {
        None | Some("fda") => "-fda",
        Some("fdb") => "-fdb",
        Some(_) => {
            let reason = "QEMU's board has two floppy drives, fda and fdb";
            element.mark_whole(&Finding::unsupported("floppy", reason));
            return Ok(());
        }
    };
    let _ = element.child("readonly");
    placed_by_xen(element);
    guest.boot.read(element, Bootable::Floppy)?;
    if let Some(driver) = element.child("driver") {
        let only = |value: Value<'_>| {
            value
                .mark(Finding::no_effect("floppy-driver", "QEMU probes the image and uses its own settings"));
        };
        let names = ["name", "type", "cache", "io"];
        names.into_iter().filter_map(|name| driver.attr(name)).for_each(only);
    }
    let Some(path) = path else {
        let reason = "an HVM guest has an empty floppy drive in any case";
        element.mark(Finding::no_effect("floppy-empty", reason));
        return Ok(());
    };
    guest.qemu([option, &path]);
    let reason = "libxl has no floppy drives; the image is passed to its QEMU";
    element.mark(Finding::approximated("floppy", reason));
    Ok(())
}
