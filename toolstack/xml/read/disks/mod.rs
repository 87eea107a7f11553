//! `<disk>`: block devices, CD-ROMs, floppies.

mod content;
mod driver;
mod floppy;
mod format;
mod left_out;
mod names;
mod network;
mod source;
mod target;

use super::super::cursor::{Element, Result, Value};
use super::boot_order::{self, Bootable};
use super::guest::Guest;
use super::{backend_domain, placed_by_xen, unknown_word};
use crate::diag::Finding;
use crate::domain::Part;
use crate::domain::config::{Disk, DiskBackend, DiskFormat, HdType};
use crate::domain::disk_names::place;
use crate::domain::network_disks::ATTACH;
use left_out::left_out;
use names::{Bus, Names, Wish};
use source::Source;

/// The old word before the name of an emulated disk.
const IOEMU: &str = "ioemu:";

/// A disk's element, what libxl calls it, and its place in the boot order.
struct Placed<'t> {
    element: Element<'t>,
    vdev: String,
    cdrom: bool,
    order: Option<u32>,
}

pub(super) fn read<'t>(devices: &Element<'t>, guest: &mut Guest<'t>) -> Result<()> {
    let mut wishes = Vec::new();
    for element in devices.children("disk") {
        let device = element.attr("device");
        match device.map_or("disk", |device| device.text) {
            "disk" | "cdrom" => wishes.push(wish(element, devices, guest)?),
            "lun" => {
                let reason = "becomes a plain disk: Xen does not pass SCSI commands through";
                if let Some(device) = device {
                    device.mark(Finding::approximated("disk-lun", reason));
                }
                wishes.push(wish(element, devices, guest)?);
            }
            "floppy" => floppy::read(&element.take(), guest)?,
            other => {
                let reason = format!("libxl has disks, CD-ROMs and floppies, not a {other}");
                left_out(
                    &element,
                    Finding::unsupported("disk-device", reason)
                        .instead("write device='disk', 'cdrom' or 'floppy'"),
                );
            }
        }
    }
    // Which names the others have is known only if each has one.
    let is_known = wishes.iter().all(|wish| wish.dev.text != names::NONE);
    controller(&wishes, guest);
    let mut placed = Vec::new();
    for (wish, vdev) in Names::assign(&wishes, guest)? {
        let element = wish.element;
        match vdev {
            Some(vdev) => placed.push(Placed { element, vdev, cdrom: wish.cdrom, order: wish.order }),
            None if is_known => no_name(&element),
            None => {}
        }
    }
    for disk in in_boot_order(placed) {
        block(&disk, guest)?;
    }
    Ok(())
}

/// The name and the place that the XML asks for a disk.
fn wish<'t>(element: Element<'t>, devices: &Element<'t>, guest: &Guest<'_>) -> Result<Wish<'t>> {
    let missing = || {
        let finding = Finding::invalid("no-target", "the disk has no target");
        finding.instead("write <target dev='xvda'/> in <disk>")
    };
    let target = element.children("target").next();
    let dev = match target {
        Some(target) => target.needs("dev", names::NONE, missing),
        None => {
            element.report(missing());
            element.example(names::NONE)
        }
    };
    let dev = dev.without_prefix(IOEMU);
    let is_given = target.is_some_and(|target| target.attr("dev").is_some());
    if is_given && (dev.text.is_empty() || !dev.text.chars().all(|c| c.is_ascii_alphanumeric())) {
        return Err(dev.not("a disk's name such as xvda or hda"));
    }
    let order = boot_order::place(&element)?.map(|(order, _)| order);
    let cdrom = element.attr("device").is_some_and(|device| device.text == "cdrom");
    let readonly = element.children("readonly").next().is_some();
    let bus = Bus::of(target.and_then(|target| target.attr("bus")).map(|bus| bus.text), devices, guest);
    Ok(Wish { element, dev, bus, cdrom, readonly, order })
}

/// The controller of the emulated hard disks is the same for all of them.
fn controller(wishes: &[Wish<'_>], guest: &mut Guest<'_>) {
    let disks = || wishes.iter().filter(|wish| !wish.cdrom);
    let is_sata = |wish: &Wish<'_>| wish.bus == Bus::Sata;
    if !disks().any(is_sata) {
        return;
    }
    let Some(hvm) = guest.hvm() else { return };
    hvm.hdtype = HdType::Ahci;
    for wish in disks().filter(|wish| wish.bus == Bus::Ide) {
        let reason = "libxl emulates one kind of controller for all hard disks: SATA, as for the others";
        wish.dev.mark(Finding::approximated("disk-controller", reason));
    }
}

/// A guest that boots a disk boots the first one: hard disks with a place in the boot order come before the others,
/// and what is no hard disk stays where it is.
fn in_boot_order(disks: Vec<Placed<'_>>) -> Vec<Placed<'_>> {
    let is_hard: Vec<bool> = disks.iter().map(|disk| !disk.cdrom).collect();
    let (mut hard, cdroms): (Vec<_>, Vec<_>) = disks.into_iter().partition(|disk| !disk.cdrom);
    hard.sort_by_key(|disk| disk.order.unwrap_or(u32::MAX));
    let (mut hard, mut cdroms) = (hard.into_iter(), cdroms.into_iter());
    is_hard.into_iter().filter_map(|is_hard| if is_hard { hard.next() } else { cdroms.next() }).collect()
}

fn no_name(element: &Element<'_>) {
    let reason = "all names for such a drive are in use";
    left_out(element, Finding::unsupported("disk-no-name", reason).instead("remove another drive"));
}

fn block<'t>(placed: &Placed<'t>, guest: &mut Guest<'t>) -> Result<()> {
    let (element, cdrom) = (&placed.element, placed.cdrom);
    let Some(source) = source::read(element, cdrom, guest)? else { return Ok(()) };
    let path = match &source {
        Source::Empty => None,
        Source::File(path) | Source::Block(path) | Source::Network(path) => Some(path),
    };
    if path.is_some_and(|path| path.contains(',')) && is_qemus(placed, guest) {
        let reason = "libxl passes the path unchanged to QEMU, which ends it at a comma";
        let finding = Finding::unsupported("disk-comma", reason);
        left_out(element, finding.instead(without_comma(&source)));
        return Ok(());
    }
    let element = element.take();
    let mut disk = Disk { vdev: Some(placed.vdev.clone()), ..Disk::default() };
    let block_device = matches!(source, Source::Block(_));
    let on_network = matches!(source, Source::Network(_));
    disk.pdev_path = match source {
        Source::Empty => None,
        Source::File(path) | Source::Block(path) | Source::Network(path) => Some(path),
    };
    if let Some(script) = element.child("script").and_then(|script| script.attr("path")) {
        disk.script = Some(plain_word(&script)?);
    }
    if let Some(backend) = element.child("backenddomain") {
        disk.backend_domname = Some(backend_domain(&backend)?);
    }
    if !driver::read(&element, &mut disk, guest)? {
        return Ok(());
    }
    fit_backend(&element, &mut disk, block_device, on_network, cdrom && guest.is_hvm());
    if cdrom {
        (disk.is_cdrom, disk.removable) = (1, 1);
        if disk.pdev_path.is_none() {
            disk.format = Some(DiskFormat::Empty);
        }
    }
    let readonly = element.child("readonly").is_some();
    disk.readwrite = i32::from(!cdrom && !readonly);
    if guest.is_hvm() && disk.backend_domname.is_some() {
        let reason =
            "QEMU cannot emulate a disk of another domain: the guest sees it only with Xen's PV drivers";
        if let Some(backend) = element.child("backenddomain") {
            backend.mark(Finding::approximated("disk-backend-domain", reason));
        }
    }
    if let Some(chain) = element.child("backingStore") {
        chain.mark_whole(&Finding::no_effect(
            "backing-store",
            "libvirt's copy of information that is in the image itself",
        ));
    }
    target(&element, placed, guest.is_hvm());
    placed_by_xen(&element);
    boot(&element, placed, guest)?;
    if let Some(source) = element.children("source").next() {
        source.is(Part::Disk(guest.config.disks.len()));
    }
    guest.config.disks.push(disk);
    Ok(())
}

/// The place in the boot order, which only a disk that the firmware sees can have.
fn boot<'t>(element: &Element<'t>, placed: &Placed<'t>, guest: &mut Guest<'t>) -> Result<()> {
    let kind = if placed.cdrom { Bootable::Cdrom } else { Bootable::HardDisk };
    let hidden = guest.hvm().is_some_and(|hvm| place(&placed.vdev, hvm.hdtype).is_none());
    match element.child("boot").filter(|_| hidden && placed.order.is_some()) {
        None => guest.boot.read(element, kind),
        Some(boot) => {
            let reason = "the firmware does not see this disk, only Xen's PV drivers do: the guest boots from another one";
            let finding = Finding::unsupported("boot-order", reason);
            boot.leave_out(match element.children("readonly").next() {
                Some(_) => finding.instead("remove <readonly/> from this disk, or boot from another one"),
                None => finding.instead("write <target dev='xvda'/> for this disk, or boot from another one"),
            });
            Ok(())
        }
    }
}

/// How to give QEMU a path without a comma.
fn without_comma(source: &Source) -> &'static str {
    match source {
        Source::Network(_) => ATTACH,
        _ => "rename the image or make a link to it, and write a path without a comma",
    }
}

/// True if QEMU is told of the disk: one that it emulates, in dom0 and without a script.
fn is_qemus(placed: &Placed<'_>, guest: &mut Guest<'_>) -> bool {
    let elsewhere = ["script", "backenddomain"];
    let here = elsewhere.iter().all(|name| placed.element.children(name).next().is_none());
    here && guest.hvm().is_some_and(|hvm| place(&placed.vdev, hvm.hdtype).is_some())
}

/// How libvirt's machine attaches the disk; on Xen its name says that.
fn target(element: &Element<'_>, placed: &Placed<'_>, hvm: bool) {
    let Some(target) = element.child("target") else { return };
    let dev = target.attr("dev").map_or("", |dev| dev.without_prefix(IOEMU).text);
    let ahci = |bus: &Value<'_>| bus.text == "sata" && hvm && !placed.cdrom;
    let effect = "the disk's name determines how it is attached";
    let unknown = target
        .attr("bus")
        .and_then(|bus| Some((bus, unknown_word(&bus, "devices/disk/target", None, effect)?)));
    if let Some((bus, unknown)) = unknown {
        bus.mark(unknown);
    } else if let Some(bus) = target.attr("bus").filter(|bus| dev != placed.vdev && !ahci(bus)) {
        bus.mark(Finding::no_effect("disk-bus", "on Xen the disk's name determines how it is attached"));
    }
    target::details(&target);
}

/// The backend that serves the disk if libxl refuses the requested one.
fn fit_backend(
    element: &Element<'_>,
    disk: &mut Disk,
    block_device: bool,
    on_network: bool,
    emulated_cdrom: bool,
) {
    let elsewhere = disk.backend_domname.is_some() || disk.script.is_some();
    let (backend, reason) = match disk.backend {
        _ if on_network => (Some(DiskBackend::Qdisk), None),
        // A script brings a block device, which the kernel serves.
        Some(DiskBackend::Qdisk) if disk.script.is_some() => {
            (None, Some("a script provides a block device, which the kernel's backend serves"))
        }
        Some(DiskBackend::Phy) if emulated_cdrom => {
            (Some(DiskBackend::Qdisk), Some("QEMU serves every CD-ROM of an HVM guest"))
        }
        Some(DiskBackend::Phy) if disk.format != Some(DiskFormat::Raw) => {
            (Some(DiskBackend::Qdisk), Some("phy supports only raw images; this one goes through QEMU"))
        }
        Some(DiskBackend::Phy) if !block_device && !elsewhere && disk.pdev_path.is_some() => {
            (Some(DiskBackend::Qdisk), Some("phy supports only block devices; a file goes through QEMU"))
        }
        Some(DiskBackend::Tap) => {
            (Some(DiskBackend::Qdisk), Some("Xen no longer has blktap; the image goes through QEMU"))
        }
        backend => (backend, None),
    };
    disk.backend = backend;
    let name = element.children("driver").next().and_then(|driver| driver.attr("name"));
    if let (Some(name), Some(reason)) = (name, reason) {
        name.mark(Finding::approximated("disk-backend", reason));
    }
}

/// A value of one of xl's disk settings.
fn plain_word(value: &Value<'_>) -> Result<String> {
    if value.text.is_empty() || value.text.contains([',', '\n', ' ']) {
        return Err(value.not("a value that xl.cfg can hold here: no commas and no spaces"));
    }
    Ok(value.text.to_owned())
}
