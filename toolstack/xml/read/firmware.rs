//! The firmware of an HVM guest, and its tables: ACPI, SMBIOS.

use super::super::cursor::{Element, Result, Value};
use super::guest::Guest;
use crate::diag::Finding;
use crate::domain::config::Bios;

/// What `<os>` says of the firmware and its tables.
pub(super) const ELEMENTS: &[&str] =
    &["loader", "nvram", "varstore", "firmware", "acpi", "bootmenu", "bios", "smbios"];

pub(super) fn read(os: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let mut uefi = false;
    if let Some(firmware) = os.attr("firmware") {
        uefi = firmware.one_of(&[("efi", true), ("bios", false)])?;
        if !uefi {
            firmware.mark(Finding::no_effect("own-bios", "an HVM guest has SeaBIOS by default"));
        }
    }
    if let Some(features) = os.child("firmware") {
        features_of(&features)?;
    }
    if let Some(loader) = os.child("loader") {
        uefi |= self::loader(&loader, guest)?;
    }
    if let Some(hvm) = guest.hvm().filter(|_| uefi) {
        hvm.bios = Some(Bios::Ovmf);
    }
    if uefi && let Some(menu) = os.children("bootmenu").next() {
        let reason = "libxl has no setting for the boot menu of OVMF, the UEFI firmware";
        match menu.attr("enable").map_or(Ok(true), |enable| enable.yes_no())? {
            true => menu.leave_out(Finding::unsupported("boot-menu", reason)),
            false => menu.mark_whole(&Finding::no_effect("boot-menu", reason)),
        }
    }
    for bios in os.children("bios").filter(|_| uefi) {
        let reason = "settings of a BIOS, which UEFI firmware does not read on any hypervisor";
        bios.mark_whole(&Finding::no_effect("bios-settings", reason));
    }
    if let Some(nvram) = os.children("nvram").next() {
        let reason = "Xen keeps no UEFI variables: the guest starts without any, and boots the default boot loader of its disks";
        let instead = "install the default boot loader on each disk: \\EFI\\BOOT\\BOOTX64.EFI";
        nvram.leave_out(Finding::unsupported("nvram", reason).instead(instead));
    }
    tables(os, guest)
}

/// Features of the firmware: Xen's OVMF has no Secure Boot.
fn features_of(firmware: &Element<'_>) -> Result<()> {
    for feature in firmware.children("feature").map(Element::take) {
        let enabled = feature.attr("enabled").map_or(Ok(true), |enabled| enabled.yes_no())?;
        let name = feature.attr("name").map_or("", |name| name.text);
        if enabled {
            let finding = Finding::unsupported("secure-boot", format!("Xen's firmware has no {name}"));
            feature.leave_out(finding.instead("turn off Secure Boot in the guest before it moves"));
        } else {
            let reason = format!("Xen's firmware has no {name} in any case");
            feature.mark_whole(&Finding::no_effect("no-secure-boot", reason));
        }
    }
    Ok(())
}

/// The loader; whether it is UEFI. hvmloader is Xen's own and libxl finds it. In an XML for Xen a flash image is the
/// UEFI firmware to use, and anything else replaces hvmloader. Another hypervisor's firmware has no support for Xen:
/// of it only the meaning counts.
fn loader(loader: &Element<'_>, guest: &mut Guest<'_>) -> Result<bool> {
    let flash = match loader.attr("type") {
        Some(kind) => kind.one_of(&[("rom", false), ("pflash", true)])?,
        None => false,
    };
    for name in ["readonly", "stateless"] {
        if let Some(value) = loader.attr(name) {
            value.yes_no()?;
            value.mark(Finding::no_effect("loader-readonly", "firmware is never written to on Xen"));
        }
    }
    if let Some(secure) = loader.attr("secure") {
        secure.mark(if secure.yes_no()? {
            let finding = Finding::unsupported("secure-boot", "Xen's firmware has no Secure Boot");
            finding.instead("turn off Secure Boot in the guest before it moves")
        } else {
            Finding::no_effect("no-secure-boot", "Xen's firmware has no Secure Boot in any case")
        });
    }
    if let Some(format) = loader.attr("format") {
        format.mark(Finding::no_effect("loader-format", "libxl reads firmware as it is"));
    }
    let Some(path) = loader.text()? else { return Ok(flash) };
    if path.text.rsplit('/').next() == Some("hvmloader") {
        path.mark(Finding::no_effect("own-loader", "libxl finds Xen's own hvmloader"));
        return Ok(false);
    }
    if guest.for_xen {
        if let Some(hvm) = guest.hvm() {
            let slot = if flash { &mut hvm.system_firmware } else { &mut hvm.firmware };
            *slot = Some(path.text.to_owned());
        }
        return Ok(flash);
    }
    let uefi = flash || is_uefi(&path);
    let own = if uefi { "OVMF" } else { "SeaBIOS" };
    let reason = format!("firmware of another hypervisor does not know Xen, so libxl's own {own} is used");
    path.mark(Finding::approximated("other-firmware", reason));
    Ok(uefi)
}

/// True if the name of a firmware that is no flash image is one of UEFI's.
fn is_uefi(path: &Value<'_>) -> bool {
    let lower = path.text.to_ascii_lowercase();
    ["ovmf", "uefi", "edk2"].iter().any(|word| lower.contains(word))
}

/// ACPI tables in a file, of which hvmloader takes one.
fn tables(os: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let Some(acpi) = os.child("acpi") else { return Ok(()) };
    for table in acpi.children("table") {
        let Some(hvm) = guest.hvm() else { continue };
        if hvm.acpi_firmware.is_some() {
            let finding = Finding::unsupported("acpi-table", "libxl reads ACPI tables from one file");
            table.leave_out(finding.instead("concatenate the tables into one file"));
            continue;
        }
        let table = table.take();
        if let Some(kind) = table.attr("type") {
            kind.mark(Finding::no_effect("acpi-table", "the table itself contains its type"));
        }
        hvm.acpi_firmware = table.text()?.map(|path| path.text.to_owned());
    }
    Ok(())
}
