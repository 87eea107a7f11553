//! Disks with which libxl or QEMU does not start a guest.

use std::collections::HashSet;

use timers::GuestKind;

use super::super::DomainConfig;
use super::super::config::{Disk, DiskBackend, DiskFormat, HdType, Hvm};
use super::super::disk_names::{SCSI_DISKS, instead_of_fstab, is_virtual_disk, place};
use super::super::version::{XenVersion, four};
use super::refusal::{Place, Refused, at, by_libxl, twice};
use crate::diag::Finding;

const DISK: Place = (&["disk"], "disks");

/// The release that serves a CD-ROM by phy, and has a backend tap.
const PHY_CDROM_AND_TAP: XenVersion = four(19);

/// Disks that libxl refuses.
pub(super) fn refused(config: &DomainConfig, xen: XenVersion) -> Vec<Refused> {
    let mut found: Vec<_> = twice(config.disks.iter().map(|disk| disk.vdev.clone()))
        .map(|(item, vdev)| {
            let reason = format!("libxl refuses a second disk {vdev}");
            by_libxl(DISK, reason, "give each disk a vdev of its own").in_entry(item)
        })
        .collect();
    for (item, disk) in config.disks.iter().enumerate() {
        let vdev = disk.vdev.as_deref().unwrap_or_default();
        // One without a name has an error of its own.
        if !vdev.is_empty() && !is_virtual_disk(vdev) {
            let reason = format!("libxl knows no disk '{vdev}', and does not start the guest");
            let instead = "write vdev=xvda and so on, vdev=hda to hdd, or vdev=sda to sdg";
            found.push(by_libxl(DISK, reason, instead).in_entry(item));
        }
        // It is a path for libxl, and a script may take any other word.
        let target = disk.pdev_path.as_deref().filter(|_| disk.script.is_none()).unwrap_or_default();
        if let Some(instead) = instead_of_fstab(target) {
            let reason = format!("libxl takes '{target}' for the path of a file, which is not there");
            found.push(by_libxl(DISK, reason, instead).in_entry(item));
        }
        let hvm = config.kind() == GuestKind::Hvm;
        found.extend(backend(disk, hvm, xen).map(|(reason, instead)| {
            let refused = by_libxl(DISK, reason, instead).in_entry(item);
            let xml = if hvm && disk.is_cdrom != 0 { NO_SCRIPT } else { PHY_OR_NO_SCRIPT };
            if has_script(disk) { refused.or_in_xml(xml) } else { refused }
        }));
    }
    found
}

/// What to write in a domain XML for a disk with a script that no backend runs.
const NO_SCRIPT: &str = "remove <script>";
const PHY_OR_NO_SCRIPT: &str = "write <driver name='phy' type='raw'/>, or remove <script>";

fn has_script(disk: &Disk) -> bool {
    disk.script.as_deref().is_some_and(|script| !script.is_empty())
}

/// Why no backend suits a disk, if none does, and what to write.
fn backend(disk: &Disk, hvm: bool, xen: XenVersion) -> Option<(String, &'static str)> {
    let vdev = disk.vdev.as_deref().unwrap_or_default();
    let image =
        matches!(disk.format, Some(DiskFormat::Qcow | DiskFormat::Qcow2 | DiskFormat::Vhd | DiskFormat::Qed));
    let script = has_script(disk);
    let is_newer = xen >= PHY_CDROM_AND_TAP;
    match disk.backend {
        Some(DiskBackend::Phy) if image => Some((
            format!("libxl has no backend phy for the format of {vdev}"),
            "remove backendtype=phy, or write backendtype=qdisk",
        )),
        Some(DiskBackend::Phy) if hvm && disk.is_cdrom != 0 && !is_newer => {
            Some((format!("libxl has QEMU serve the CD-ROM {vdev}"), "remove backendtype=phy"))
        }
        Some(DiskBackend::Tap) if !is_newer => Some((
            format!("libxl {xen} has no backend tap"),
            "remove backendtype=tap, or write backendtype=qdisk",
        )),
        Some(DiskBackend::Tap) if hvm && disk.is_cdrom != 0 => {
            Some((format!("libxl does not have blktap serve the CD-ROM {vdev}"), "remove backendtype=tap"))
        }
        Some(DiskBackend::Tap) if image && disk.format != Some(DiskFormat::Vhd) => {
            Some((format!("libxl has no backend tap for the format of {vdev}"), "remove backendtype=tap"))
        }
        None | Some(DiskBackend::Qdisk) if script && hvm && disk.is_cdrom != 0 => Some((
            format!("QEMU serves the CD-ROM {vdev}, and libxl runs no script for QEMU's disks"),
            if is_newer && !image { "write backendtype=phy, or remove script" } else { "remove script" },
        )),
        None if script && image => {
            Some((format!("libxl runs no script for the format of {vdev}"), "write format=raw"))
        }
        Some(DiskBackend::Qdisk) if script => Some((
            "libxl runs no script for the backend qdisk".to_owned(),
            if image { "write format=raw, and remove backendtype=qdisk" } else { "remove backendtype=qdisk" },
        )),
        _ => None,
    }
}

/// QEMU takes one disk in each place, and libxl has it emulate no read-only hard disk but on SCSI.
pub(super) fn emulated(config: &DomainConfig, hvm: &Hvm) -> Vec<Refused> {
    let places: Vec<_> =
        config.disks.iter().map(|disk| place(disk.vdev.as_deref().unwrap_or_default(), hvm.hdtype)).collect();
    let first_free = format!("vdev=xvd{}", if hvm.hdtype == HdType::Ahci { 'g' } else { 'e' });
    let mut found = Vec::new();
    for (item, (disk, place)) in config.disks.iter().zip(&places).enumerate() {
        let (Some(place), Some(vdev)) = (place, &disk.vdev) else { continue };
        if place.scsi && place.number >= SCSI_DISKS {
            let reason = format!("QEMU has no SCSI disk {vdev}, and does not start the guest");
            let instead = format!("write vdev=sda to sdg, or {first_free} and so on");
            found.push(at(DISK, Finding::unsupported("disk-place", reason).instead(instead)).in_entry(item));
        }
        if disk.readwrite == 0 && disk.is_cdrom == 0 && !place.scsi {
            let reason = format!("libxl has QEMU emulate no read-only hard disk, and {vdev} is emulated");
            let instead =
                format!("write vdev=sda, or {first_free} for a guest with Xen's PV drivers, or access=rw");
            found.push(by_libxl(DISK, reason, instead).in_entry(item));
        }
    }
    let names: HashSet<_> =
        twice(config.disks.iter().map(|disk| disk.vdev.clone())).map(|(item, _)| item).collect();
    let again = twice(places.into_iter()).filter(|(item, _)| !names.contains(item));
    found.extend(again.map(|(item, _)| {
        let vdev = config.disks.get(item).and_then(|disk| disk.vdev.as_deref()).unwrap_or_default();
        let reason = format!("QEMU emulates one drive in the place of {vdev}, and a disk before has it");
        let instead = "give each disk other letters: hda and xvda are one drive";
        at(DISK, Finding::unsupported("disk-place", reason).instead(instead)).in_entry(item)
    }));
    found
}
