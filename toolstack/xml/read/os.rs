//! `<os>` and the bootloader: what kind of guest it is and what it boots.

use timers::GuestKind;

use super::super::cursor::{Element, Result, Value};
use crate::diag::Finding;
use crate::domain::DomainConfig;
use crate::domain::config::{Bios, Hvm};

/// hvm, pv or pvh.
///
/// # Errors
/// When `<os><type>` is missing or is no kind of guest that Xen has.
pub(super) fn kind(root: &Element<'_>) -> Result<GuestKind> {
    let missing = || {
        let finding = Finding::invalid("no-os-type", "the domain does not say what kind of guest it is");
        root.error(
            finding.instead("add <os><type>hvm</type></os> (or xen for PV, xenpvh for PVH) in <domain>"),
        )
    };
    let os = root.child("os").ok_or_else(missing)?;
    let element = os.child("type").ok_or_else(missing)?;
    let word = element.text()?.ok_or_else(missing)?;
    let kind = match word.text {
        "hvm" => GuestKind::Hvm,
        "xen" | "linux" => GuestKind::Pv,
        "xenpvh" => GuestKind::Pvh,
        _ => return Err(word.not("a kind of guest that Xen runs: hvm, xen or xenpvh")),
    };
    if let Some(arch) = element.attr("arch") {
        match arch.text {
            "x86_64" | "i686" => {}
            other => arch.mark(
                Finding::unsupported(
                    "arch",
                    format!("the guest runs on the host's architecture, not on {other}"),
                )
                .instead("use an image for x86_64"),
            ),
        }
    }
    if let Some(machine) = element.attr("machine") {
        machine.mark(machine_finding(&machine));
    }
    Ok(kind)
}

fn machine_finding(machine: &Value<'_>) -> Finding {
    match machine.text {
        "xenfv" | "xenpv" | "xenpvh" => Finding::exact(),
        other if other.contains("q35") => {
            Finding::approximated("machine", "an HVM guest on Xen has an i440fx board, without PCI Express")
                .instead("check that the guest's drivers do not count on Q35")
        }
        other => Finding::no_effect(
            "machine",
            format!("'{other}' names another hypervisor's board; Xen has one for each kind of guest"),
        ),
    }
}

pub(super) fn read(root: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    let Some(os) = root.child("os") else {
        return Ok(());
    };
    let b_info = &mut config.b_info;
    let owned = |value: Option<Value<'_>>| value.map(|value| value.text.to_owned());
    b_info.kernel = owned(os.child_text("kernel")?);
    b_info.ramdisk = owned(os.child_text("initrd")?);
    b_info.cmdline = owned(os.child_text("cmdline")?);
    b_info.bootloader = owned(root.child_text("bootloader")?);
    if let Some(args) = root.child_text("bootloader_args")? {
        b_info.bootloader_args = args.text.split_whitespace().map(str::to_owned).collect();
    }
    if let Some(hvm) = b_info.hvm.as_mut() {
        firmware(&os, hvm)?;
        hvm.boot = boot_order(&os)?;
    } else {
        for boot in os.children("boot") {
            boot.mark_whole(&Finding::no_effect(
                "boot-order",
                "a PV or PVH guest boots its kernel, not a disk",
            ));
        }
        if b_info.kernel.is_none() && b_info.bootloader.is_none() {
            // libvirt's own default; without either xl refuses the domain.
            b_info.bootloader = Some("pygrub".to_owned());
        }
    }
    Ok(())
}

/// hvmloader is Xen's own and libxl finds it; a flash image means UEFI; anything else replaces hvmloader.
fn firmware(os: &Element<'_>, hvm: &mut Hvm) -> Result<()> {
    if let Some(firmware) = os.attr("firmware")
        && firmware.one_of(&[("efi", true), ("bios", false)])?
    {
        hvm.bios = Some(Bios::Ovmf);
    }
    let Some(loader) = os.child("loader") else {
        return Ok(());
    };
    let flash = match loader.attr("type") {
        Some(kind) => kind.one_of(&[("rom", false), ("pflash", true)])?,
        None => false,
    };
    if let Some(readonly) = loader.attr("readonly") {
        readonly.yes_no()?;
        readonly.mark(Finding::no_effect("loader-readonly", "firmware is never written to on Xen"));
    }
    let Some(path) = loader.text()? else {
        return Ok(());
    };
    if flash {
        hvm.bios = Some(Bios::Ovmf);
        hvm.system_firmware = Some(path.text.to_owned());
    } else if path.text.rsplit('/').next() == Some("hvmloader") {
        path.mark(Finding::no_effect("own-loader", "libxl finds Xen's own hvmloader"));
    } else {
        hvm.firmware = Some(path.text.to_owned());
    }
    Ok(())
}

/// The letters of xl.cfg's `boot`.
fn boot_order(os: &Element<'_>) -> Result<Option<String>> {
    let mut order = String::new();
    for boot in os.children("boot") {
        let boot = boot.take();
        let Some(device) = boot.attr("dev") else {
            return Err(boot.error(
                Finding::invalid("no-boot-dev", "<boot> has no dev").instead("write <boot dev='hd'/>"),
            ));
        };
        let letter = device.one_of(&[("hd", 'c'), ("cdrom", 'd'), ("network", 'n'), ("fd", 'a')])?;
        if order.contains(letter) {
            device.mark(Finding::no_effect("boot-twice", "named before"));
        } else {
            order.push(letter);
        }
    }
    Ok((!order.is_empty()).then_some(order))
}
