//! `<disk>`: block devices, CD-ROMs, floppies.

use std::collections::BTreeSet;

use timers::GuestKind;

use super::super::cursor::{Element, Result, Value};
use crate::diag::Finding;
use crate::domain::DomainConfig;
use crate::domain::config::{Defbool, Disk, DiskBackend, DiskFormat};

/// libvirt's image formats and libxl's.
const FORMATS: &[(&str, DiskFormat)] = &[
    ("raw", DiskFormat::Raw),
    ("aio", DiskFormat::Raw),
    ("qcow", DiskFormat::Qcow),
    ("qcow2", DiskFormat::Qcow2),
    ("vpc", DiskFormat::Vhd),
    ("vhd", DiskFormat::Vhd),
    ("qed", DiskFormat::Qed),
];

/// libvirt's driver names and libxl's backends.
const BACKENDS: &[(&str, DiskBackend)] = &[
    ("phy", DiskBackend::Phy),
    ("qemu", DiskBackend::Qdisk),
    ("file", DiskBackend::Qdisk),
    ("tap", DiskBackend::Tap),
    ("tap2", DiskBackend::Tap),
];

/// What disks are called in the guest: which prefixes keep their meaning on Xen.
const XEN_PREFIXES: &[&str] = &["xvd", "hd", "sd"];

pub(super) fn read(devices: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    // First all disks whose names are Xen's already: the renamed ones take what is left.
    let mut names = Names::default();
    for disk in devices.children("disk") {
        if let Some(name) = target_name(&disk).filter(|name| keeps_name(&disk, name)) {
            names.reserve(name);
        }
    }
    for disk in devices.children("disk") {
        let device = disk.attr("device");
        match device.map_or("disk", |device| device.text) {
            "disk" | "cdrom" => block(&disk.take(), config, &mut names)?,
            "floppy" => floppy(&disk.take(), config)?,
            "lun" => disk.mark_whole(
                &Finding::unsupported("disk-lun", "Xen passes no single SCSI unit through as a disk")
                    .instead("write device='disk', or pvscsi in xl.cfg"),
            ),
            _ => {
                return Err(device.map_or_else(
                    || disk.invalid("bad-value", "no device"),
                    |d| d.not("disk, cdrom, floppy or lun"),
                ));
            }
        }
    }
    Ok(())
}

fn target_name<'t>(disk: &Element<'t>) -> Option<&'t str> {
    disk.children("target").next()?.attr("dev").map(|dev| dev.text)
}

fn is_cdrom(disk: &Element<'_>) -> bool {
    disk.attr("device").is_some_and(|device| device.text == "cdrom")
}

/// Whether libxl gives a disk of this name what libvirt's XML asks for: an emulated disk only as hda to hdd, and sda
/// and on; everything else is paravirtual.
fn keeps_name(disk: &Element<'_>, name: &str) -> bool {
    let bus = disk.children("target").next().and_then(|target| target.attr("bus")).map(|bus| bus.text);
    let elsewhere = matches!(bus, Some("virtio" | "sata" | "usb" | "nvme" | "sd"));
    XEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && !elsewhere
}

/// The letters of disks in use: hda, sda and xvda are the same disk to libxl.
#[derive(Default)]
struct Names {
    letters: BTreeSet<char>,
    names: BTreeSet<String>,
}

impl Names {
    fn letter(name: &str) -> Option<char> {
        let rest = XEN_PREFIXES.iter().chain(&["vd"]).find_map(|prefix| name.strip_prefix(prefix))?;
        rest.chars().next().filter(char::is_ascii_lowercase).filter(|_| rest.len() == 1)
    }

    fn reserve(&mut self, name: &str) {
        self.letters.extend(Self::letter(name));
    }

    /// The wanted letter when it is free, else the first free one.
    fn free(&mut self, name: &str, choice: std::ops::RangeInclusive<char>) -> Option<char> {
        let wanted = Self::letter(name).filter(|letter| choice.contains(letter));
        let letter = wanted.into_iter().chain(choice).find(|letter| !self.letters.contains(letter))?;
        self.letters.insert(letter);
        Some(letter)
    }
}

fn block(element: &Element<'_>, config: &mut DomainConfig, names: &mut Names) -> Result<()> {
    let cdrom = is_cdrom(element);
    let Some(path) = source(element, cdrom)? else {
        return Ok(());
    };
    let mut disk = Disk { pdev_path: path, ..Disk::default() };
    disk.vdev = vdev(element, cdrom, names)?;
    if disk.vdev.is_none() {
        return Ok(());
    }
    driver(element, &mut disk)?;
    if cdrom {
        (disk.is_cdrom, disk.removable) = (1, 1);
        if disk.pdev_path.is_none() {
            disk.format = Some(DiskFormat::Empty);
        }
    }
    let readonly = element.child("readonly").is_some();
    disk.readwrite = i32::from(!cdrom && !readonly);
    address(element);
    config.disks.push(disk);
    Ok(())
}

/// The path in dom0: `Some(None)` for an empty CD-ROM drive, `None` when the disk is left out.
fn source(element: &Element<'_>, cdrom: bool) -> Result<Option<Option<String>>> {
    let kind = element.attr("type");
    let attribute = match kind.map_or("file", |kind| kind.text) {
        "file" => "file",
        "block" => "dev",
        other @ ("network" | "volume" | "dir" | "nvme" | "vhostuser" | "vhostvdpa") => {
            let reason =
                format!("libxl takes a file or a block device of dom0, not a source of type {other}");
            element.mark_whole(&Finding::unsupported("disk-source", reason.clone()));
            element.mark(
                Finding::unsupported("disk-source", reason).instead("map it to a block device in dom0 first"),
            );
            return Ok(None);
        }
        _ => {
            return Err(kind
                .map_or_else(|| element.invalid("bad-value", "no type"), |kind| kind.not("file or block")));
        }
    };
    let path = element.child("source").and_then(|source| source.attr(attribute));
    match path {
        Some(path) if path.text.ends_with(',') || path.text.contains('\n') => {
            Err(path.not("a path that xl.cfg can hold: it may not end in a comma or hold a line break"))
        }
        Some(path) if !path.text.is_empty() => Ok(Some(Some(path.text.to_owned()))),
        _ if cdrom => Ok(Some(None)),
        _ => {
            let finding = Finding::invalid("no-source", "the disk has no source");
            Err(element.error(finding.instead(format!("add <source {attribute}='/PATH'/> in <disk>"))))
        }
    }
}

/// What the disk is called on Xen; `None` when it is left out, as no name is free.
fn vdev(element: &Element<'_>, cdrom: bool, names: &mut Names) -> Result<Option<String>> {
    let missing = || {
        let finding = Finding::invalid("no-target", "the disk has no target");
        element.error(finding.instead("add <target dev='xvda'/> in <disk>"))
    };
    let target = element.child("target").ok_or_else(missing)?;
    let dev = target.attr("dev").ok_or_else(missing)?;
    let plain = !dev.text.is_empty() && dev.text.chars().all(|c| c.is_ascii_alphanumeric());
    if !plain {
        return Err(dev.not("a disk's name such as xvda or hda"));
    }
    let keeps = keeps_name(element, dev.text);
    if let Some(bus) = target.attr("bus").filter(|_| !keeps) {
        bus.mark(Finding::no_effect("disk-bus", "on Xen the disk's name says how it is attached"));
    }
    if let Some(tray) = target.attr("tray") {
        tray.mark(Finding::no_effect("tray", "the state of a running guest"));
    }
    if !names.names.insert(dev.text.to_owned()) {
        let finding = Finding::invalid("disk-twice", format!("a second disk '{}'", dev.text));
        return Err(dev.error(finding.instead("give each disk a target dev of its own")));
    }
    if keeps {
        return Ok(Some(dev.text.to_owned()));
    }
    // libxl emulates four IDE drives; a CD-ROM must be one of them.
    let (prefix, choice) = if cdrom { ("hd", 'a'..='d') } else { ("xvd", 'a'..='z') };
    let Some(letter) = names.free(dev.text, choice.clone()) else {
        let (first, last) = (choice.start(), choice.end());
        let reason =
            format!("all of {prefix}{first} to {prefix}{last} are taken, and the disk can be no other");
        element.mark_whole(&Finding::unsupported("disk-no-name", reason.clone()));
        element.mark(Finding::unsupported("disk-no-name", reason).instead("take another disk out"));
        return Ok(None);
    };
    let vdev = format!("{prefix}{letter}");
    let how =
        if cdrom { "an emulated IDE drive" } else { "emulated IDE until the guest loads Xen's PV drivers" };
    dev.mark(
        Finding::approximated("disk-name", format!("becomes {vdev}: {how}"))
            .instead("check that the guest finds its disks by UUID or label"),
    );
    Ok(Some(vdev))
}

fn driver(element: &Element<'_>, disk: &mut Disk) -> Result<()> {
    disk.format = Some(DiskFormat::Raw);
    let Some(driver) = element.child("driver") else {
        return Ok(());
    };
    if let Some(name) = driver.attr("name") {
        disk.backend = Some(name.one_of(BACKENDS)?);
    }
    if let Some(format) = driver.attr("type") {
        match FORMATS.iter().find(|(word, _)| *word == format.text) {
            Some((_, libxl)) => disk.format = Some(*libxl),
            None => {
                let reason = "libxl knows raw, qcow, qcow2, vhd and qed";
                let finding =
                    Finding::unsupported("disk-format", format!("format {}: {reason}", format.text));
                format.mark(finding.instead(format!(
                    "convert the image, as in: qemu-img convert -f {} -O qcow2",
                    format.text
                )));
            }
        }
    }
    // A block device is handed to the kernel only in raw form.
    if disk.backend == Some(DiskBackend::Phy) && disk.format != Some(DiskFormat::Raw) {
        disk.backend = Some(DiskBackend::Qdisk);
        driver.mark(Finding::approximated(
            "disk-backend",
            "phy takes raw images only; this one goes through QEMU",
        ));
    }
    if let Some(discard) = driver.attr("discard") {
        disk.discard_enable = Some(Defbool::from(discard.one_of(&[("unmap", true), ("ignore", false)])?));
    }
    for name in [
        "cache",
        "io",
        "queues",
        "iothread",
        "error_policy",
        "rerror_policy",
        "detect_zeroes",
        "copy_on_read",
        "event_idx",
        "ioeventfd",
    ] {
        if let Some(value) = driver.attr(name) {
            value.mark(Finding::no_effect(
                "disk-tuning",
                "a tunable of QEMU's own disks; Xen's backend has none",
            ));
        }
    }
    Ok(())
}

/// libxl has no floppy drive of its own, but its QEMU does.
fn floppy(element: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    if config.kind() != GuestKind::Hvm {
        element.mark_whole(&Finding::unsupported("floppy", "only an HVM guest can have a floppy drive"));
        return Ok(());
    }
    let Some(path) = source(element, true)? else {
        return Ok(());
    };
    let target = element.child("target").and_then(|target| {
        let _ = target.attr("bus");
        target.attr("dev")
    });
    let option = match target {
        Some(dev) => dev.one_of(&[("fda", "-fda"), ("fdb", "-fdb")])?,
        None => "-fda",
    };
    let _ = (element.child("readonly"), address(element));
    if let Some(driver) = element.child("driver") {
        let only = |value: Value<'_>| {
            value.mark(Finding::no_effect("floppy-driver", "QEMU looks at the image itself"))
        };
        [driver.attr("name"), driver.attr("type")].into_iter().flatten().for_each(only);
    }
    let Some(path) = path else {
        element
            .mark(Finding::no_effect("floppy-empty", "an HVM guest has an empty floppy drive in any case"));
        return Ok(());
    };
    config.b_info.extra_hvm.extend([option.to_owned(), path]);
    element
        .mark(Finding::approximated("floppy", "libxl has no floppy drives: the image is handed to its QEMU"));
    Ok(())
}

/// Where libvirt puts the disk in its own picture of the machine.
fn address(element: &Element<'_>) {
    super::placed_by_xen(element);
}
