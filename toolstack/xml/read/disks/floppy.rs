//! Floppy drives: libxl has none, but its QEMU does.

use super::super::super::cursor::{Element, Result};
use super::super::boot_order::Bootable;
use super::super::guest::Guest;
use super::super::placed_by_xen;
use super::left_out::left_out;
use super::source::{self, Source};
use super::target;
use crate::diag::Finding;
use crate::domain::qemu::FLOPPY_OPTIONS;

pub(super) fn read<'t>(element: &Element<'t>, guest: &mut Guest<'t>) -> Result<()> {
    if !guest.is_hvm() {
        left_out(element, Finding::unsupported("floppy", "only an HVM guest can have a floppy drive"));
        return Ok(());
    }
    let path = match source::read(element, true, guest)? {
        None => return Ok(()),
        Some(Source::Empty) => None,
        Some(Source::File(path) | Source::Block(path) | Source::Network(path)) => Some(path),
    };
    let target = element.child("target").and_then(|target| {
        let _ = target.attr("bus");
        target::details(&target);
        target.attr("dev")
    });
    if element.children("backenddomain").next().is_some() {
        let reason = "QEMU, which has the floppy drives, opens images of dom0 only";
        left_out(element, Finding::unsupported("floppy", reason));
        return Ok(());
    }
    let option = match target.map(|dev| dev.text) {
        None | Some("fda") => FLOPPY_OPTIONS[0],
        Some("fdb") => FLOPPY_OPTIONS[1],
        Some(name) if name.starts_with("fd") => {
            let reason = "QEMU's board has two floppy drives, fda and fdb";
            let instead = "write dev='fda' or dev='fdb', or remove the drive";
            left_out(element, Finding::unsupported("floppy", reason).instead(instead));
            return Ok(());
        }
        // As in libvirt.
        Some(_) => {
            return Err(target.unwrap_or(element.example("fda")).not("a floppy drive's name: fda or fdb"));
        }
    };
    let _ = element.child("readonly");
    placed_by_xen(element);
    guest.boot.read(element, Bootable::Floppy)?;
    if let Some(driver) = element.child("driver") {
        driver.mark_whole(&Finding::no_effect(
            "floppy-driver",
            "QEMU probes the image and uses its own settings",
        ));
    }
    let Some(path) = path else {
        let reason = "an HVM guest has an empty floppy drive in any case";
        element.mark(Finding::no_effect("floppy-empty", reason));
        return Ok(());
    };
    if guest.config.b_info.extra_hvm.iter().any(|argument| argument == option) {
        let finding = Finding::invalid("disk-twice", "a second image in one floppy drive");
        return Err(element.error(finding.instead("write dev='fda' for one and dev='fdb' for the other")));
    }
    guest.qemu([option, &path]);
    let reason = "libxl has no floppy drives; the image is passed to its QEMU";
    element.mark(Finding::approximated("floppy", reason));
    Ok(())
}
