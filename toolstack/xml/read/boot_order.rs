//! `<boot order=>` of devices: the letters of xl.cfg's `boot`.

use super::super::cursor::{Element, Result, Value};
pub(super) use super::guest::Bootable;
use super::guest::{BootOrder, Guest};
use crate::diag::Finding;
use crate::domain::config::{Bios, Disk};
use crate::domain::qemu::BOOT_PLACES;

/// The place of a device in the boot order, as its `<boot>` has it.
pub(super) fn place<'t>(device: &Element<'t>) -> Result<Option<(u32, Value<'t>)>> {
    let Some(order) = device.children("boot").next().and_then(|boot| boot.attr("order")) else {
        return Ok(None);
    };
    match order.number("a place in the boot order, from 1")? {
        0 => Err(order.not("a place in the boot order, from 1")),
        place => Ok(Some((place, order))),
    }
}

impl<'t> BootOrder<'t> {
    /// Reads the place of a device that can boot.
    pub(super) fn read(&mut self, device: &Element<'t>, kind: Bootable) -> Result<()> {
        let place = place(device)?;
        if let Some(boot) = device.child("boot") {
            unused(&boot);
            if place.is_none() {
                boot.mark(Finding::no_effect("boot-order", "without order= it gives the device no place"));
            }
        }
        self.0.extend(place.map(|(order, value)| (order, kind, value)));
        Ok(())
    }
}

/// Attributes of a `<boot>` that no device on Xen has.
fn unused(boot: &Element<'_>) {
    if let Some(parameters) = boot.attr("loadparm") {
        parameters.mark(Finding::no_effect("boot-parameters", "parameters of a boot loader of s390"));
    }
}

/// Says that a device which has a place in the boot order cannot boot.
pub(super) fn cannot_boot(device: &Element<'_>, what: &str) {
    if let Some(boot) = device.child("boot") {
        let finding = Finding::unsupported("boot-order", format!("xl's boot order has no letter for {what}"));
        boot.mark_whole(&finding.instead("give a disk, a CD-ROM or a network card the first place"));
    }
}

/// The finding on a device that has no place left in the boot order.
pub(super) fn one_too_many() -> Finding {
    Finding::unsupported("boot-order", format!("QEMU has {BOOT_PLACES} places in its boot order"))
        .instead("leave out the devices that the guest is not to boot from")
}

/// Puts the order of devices into the config, in place of that in `<os>`.
pub(super) fn finish(guest: &mut Guest<'_>, os: Option<&Element<'_>>) {
    let mut places = std::mem::take(&mut guest.boot.0);
    places.sort_by_key(|(order, ..)| *order);
    let Some(hvm) = guest.hvm() else {
        for (_, _, place) in places {
            place.mark(Finding::no_effect("boot-order", "a PV or PVH guest boots its kernel, not a disk"));
        }
        return;
    };
    if places.is_empty() {
        let first = os.and_then(|os| os.children("boot").next()).and_then(|boot| boot.attr("dev"));
        return untold(guest, first);
    }
    for boot in os.iter().flat_map(|os| os.children("boot")) {
        boot.mark_whole(&Finding::no_effect("boot-order", "the devices have a boot order of their own"));
    }
    let first = places.first().map(|(_, _, place)| *place);
    let mut letters = String::new();
    for (_, kind, place) in places {
        let letter = kind.letter();
        if letters.contains(letter) {
            let reason = "xl's boot order names kinds of devices, and the firmware tries the first device of each kind";
            let finding = Finding::approximated("boot-order", reason);
            place.mark(finding.instead("keep one device of each kind in the boot order"));
        } else if letters.len() == BOOT_PLACES {
            place.mark(one_too_many());
        } else {
            letters.push(letter);
        }
    }
    hvm.boot = Some(letters);
    untold(guest, first);
}

/// Says where another device boots than the first of the order. QEMU on Xen hands UEFI firmware no boot order, and OVMF tries
/// what can be taken out, then disks, then the network.
fn untold(guest: &mut Guest<'_>, first: Option<Value<'_>>) {
    let with_medium =
        |disk: &Disk| disk.is_cdrom != 0 && disk.pdev_path.as_ref().is_some_and(|path| !path.is_empty());
    let has_medium = guest.config.disks.iter().any(with_medium);
    let has_disk = !guest.config.disks.is_empty();
    let boots_kernel = guest.config.b_info.kernel.is_some();
    let Some(hvm) = guest.hvm().filter(|hvm| hvm.bios == Some(Bios::Ovmf) && !boots_kernel) else { return };
    let (Some(order), Some(first)) = (&hvm.boot, first) else { return };
    let reason =
        "Xen's OVMF is told no boot order: it tries CD-ROMs with a medium, then disks, then the network";
    let finding = Finding::approximated("boot-order", reason);
    match order.chars().next() {
        Some('c') if has_medium => first.mark(finding.instead("remove the medium from the CD-ROM drive")),
        Some('n') if has_disk => first.mark(finding),
        _ => {}
    }
}
