//! `<os>` and the bootloader: the kind of guest and its boot settings.

use timers::GuestKind;

use super::super::cursor::{Element, Result, Value};
use super::boot_order::one_too_many;
use super::guest::Guest;
use super::{firmware, hvm_only};
use crate::diag::{Finding, nearest};
use crate::domain::libvirt::BOOT_DEVICES;
use crate::domain::qemu::BOOT_PLACES;

/// libvirt's words for the kinds of guests that Xen runs.
const KINDS: &[(&str, GuestKind)] =
    &[("hvm", GuestKind::Hvm), ("xen", GuestKind::Pv), ("linux", GuestKind::Pv), ("xenpvh", GuestKind::Pvh)];

/// hvm, pv or pvh.
///
/// # Errors
/// When `<os><type>` is no kind of guest that Xen has.
pub(super) fn kind(root: &Element<'_>, hypervisor: &str) -> Result<GuestKind> {
    let element = root.child("os").and_then(|os| os.child("type"));
    if hypervisor == "xen" && element.is_none() && root.children("bootloader").next().is_some() {
        // As in libvirt, whose XML of old Xen guests has no <os>.
        return Ok(GuestKind::Pv);
    }
    let word = element.map_or(Ok(None), |element| element.text())?;
    let kind = word.as_ref().map_or_else(|| Ok(unknown_kind(root)), kind_of)?;
    let Some(element) = element else { return Ok(kind) };
    if let Some(arch) = element.attr("arch") {
        match arch.text {
            "x86_64" | "i686" => {}
            other => arch.mark(
                Finding::unsupported(
                    "arch",
                    format!("the guest runs on the host's architecture, not on {other}"),
                )
                .instead("use an image for x86_64")
                .refusing_start(),
            ),
        }
    }
    if let Some(machine) = element.attr("machine") {
        machine.mark(machine_finding(&machine, kind));
    }
    Ok(kind)
}

fn kind_of(word: &Value<'_>) -> Result<GuestKind> {
    if let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == word.text) {
        return Ok(*kind);
    }
    let mut error = word.not("a kind of guest that Xen runs: hvm, xen or xenpvh");
    let meant = nearest(word.text, KINDS.iter().map(|(known, _)| *known));
    error.finding.alternative = meant.map(|meant| format!("write {meant}").into());
    Err(error)
}

/// What a domain without a kind is read as, which is an error.
fn unknown_kind(root: &Element<'_>) -> GuestKind {
    let finding = Finding::invalid("no-os-type", "the domain does not say what kind of guest it is");
    const KIND: &str = "<type>hvm</type> (or xen for PV, xenpvh for PVH)";
    match root.children("os").next() {
        Some(os) => os.lacks("type", finding, KIND),
        None => root.lacks("os", finding, "<os><type>hvm</type></os> (or xen for PV, xenpvh for PVH)"),
    }
    GuestKind::Hvm
}

/// Xen's boards: the kind of guest that has each, and its type.
const BOARDS: &[(&str, GuestKind, &str)] = &[
    ("xenfv", GuestKind::Hvm, "hvm"),
    ("xenpv", GuestKind::Pv, "xen"),
    ("xenpvh", GuestKind::Pvh, "xenpvh"),
];

fn machine_finding(machine: &Value<'_>, kind: GuestKind) -> Finding {
    if let Some((board, of, word)) = BOARDS.iter().find(|(board, ..)| *board == machine.text) {
        return if *of == kind {
            Finding::exact()
        } else {
            let reason = format!("{board} is the board of another kind of guest than the type, which counts");
            Finding::approximated("machine", reason)
                .instead(format!("write <type>{word}</type>, or remove machine="))
        };
    }
    match machine.text {
        other if other.contains("q35") => {
            Finding::approximated("machine", "an HVM guest on Xen has an i440fx board, without PCI Express")
                .instead("check that the guest's drivers do not depend on Q35")
        }
        other => Finding::no_effect(
            "machine",
            format!("'{other}' names another hypervisor's board; Xen has one for each kind of guest"),
        ),
    }
}

pub(super) fn read(root: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let Some(os) = root.child("os") else { return boot_loader(root, guest) };
    kernel(&os, guest)?;
    if guest.is_hvm() {
        for element in ["bootloader", "bootloader_args"].iter().flat_map(|name| root.children(name)) {
            let reason = "an HVM guest boots with its own firmware; libxl runs no boot loader for it";
            element.mark_whole(&Finding::no_effect("own-firmware", reason));
        }
        firmware::read(&os, guest)?;
        let order = boot_order(&os)?;
        if let Some(hvm) = guest.hvm() {
            hvm.boot = order;
        }
        return Ok(());
    }
    hvm_only(&os, firmware::ELEMENTS);
    if let Some(firmware) = os.attr("firmware") {
        firmware.mark(Finding::no_effect("hvm-only", "only an HVM guest has it"));
    }
    for boot in os.children("boot") {
        let reason = "a PV or PVH guest boots its kernel, not a disk";
        boot.mark_whole(&Finding::no_effect("boot-order", reason));
    }
    boot_loader(root, guest)
}

/// The program in dom0 that finds the kernel of a PV or PVH guest.
fn boot_loader(root: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    guest.config.b_info.bootloader = owned(root.child_text("bootloader")?);
    if let Some(args) = root.child_text("bootloader_args")? {
        guest.config.b_info.bootloader_args = args.text.split_whitespace().map(str::to_owned).collect();
    }
    let b_info = &mut guest.config.b_info;
    if b_info.kernel.is_none() && b_info.bootloader.is_none() {
        // libvirt's own default; without either xl refuses the domain.
        b_info.bootloader = Some("pygrub".to_owned());
    }
    Ok(())
}

fn owned(value: Option<Value<'_>>) -> Option<String> {
    value.map(|value| value.text.to_owned())
}

/// Direct boot. libxl refuses an HVM guest's command line or ramdisk without a kernel.
fn kernel(os: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let kernel = os.child_text("kernel")?;
    let alone = kernel.is_none() && guest.is_hvm();
    for name in ["initrd", "cmdline", "root"].iter().filter(|_| alone) {
        for element in os.children(name) {
            let reason = "without <kernel> the guest boots from a disk, which contains its own";
            element.mark_whole(&Finding::unsupported("no-kernel", reason));
        }
    }
    let b_info = &mut guest.config.b_info;
    b_info.kernel = owned(kernel);
    if !alone {
        b_info.ramdisk = owned(os.child_text("initrd")?);
        b_info.cmdline = owned(os.child_text("cmdline")?);
        if let Some(root) = os.child_text("root")? {
            root_device(&root, &mut b_info.cmdline);
        }
    }
    Ok(())
}

/// Names the root device to the kernel, before its other parameters as xl does for `root=`.
fn root_device(root: &Value<'_>, cmdline: &mut Option<String>) {
    let rest = cmdline.take().unwrap_or_default();
    if rest.split_whitespace().any(|word| word.starts_with("root=")) {
        root.mark(Finding::no_effect("boot-root", "the kernel's command line names the root device already"));
        *cmdline = Some(rest);
    } else {
        *cmdline = Some(format!("root={} {rest}", root.text).trim_end().to_owned());
    }
}

/// The letters of xl.cfg's `boot`.
fn boot_order(os: &Element<'_>) -> Result<Option<String>> {
    let mut order = String::new();
    for boot in os.children("boot") {
        let boot = boot.take();
        let device = boot.needs("dev", "hd", || {
            Finding::invalid("no-boot-dev", "<boot> has no dev").instead("write <boot dev='hd'/>")
        });
        let letter = device.one_of(BOOT_DEVICES)?;
        if order.contains(letter) {
            device.mark(Finding::no_effect("boot-twice", "named before"));
        } else if order.len() == BOOT_PLACES {
            device.mark(one_too_many());
        } else {
            order.push(letter);
        }
    }
    Ok((!order.is_empty()).then_some(order))
}
