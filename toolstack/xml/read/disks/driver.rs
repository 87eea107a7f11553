//! `<driver>`: the backend and the format of a disk, and its options.

use super::super::super::cursor::{Element, Result};
use super::super::guest::Guest;
use super::format;
use crate::diag::Finding;
use crate::domain::config::{Defbool, Disk};
use crate::domain::libvirt::{DISK_BACKENDS, value_of};

/// The effect on the host's cache of an image.
const CACHES: &str = "blkback reads and writes a disk directly; QEMU (qdisk) goes through the host's cache, but with \
                      direct-io-safe in the disk's line of xl.cfg";

/// Attributes that tune QEMU's own disks.
const TUNABLES: &[&str] = &[
    "queues",
    "queue_size",
    "iothread",
    "error_policy",
    "rerror_policy",
    "retry_interval",
    "detect_zeroes",
    "copy_on_read",
    "event_idx",
    "ioeventfd",
    "iommu",
    "ats",
    "packed",
    "page_per_vq",
    "discard_no_unref",
];

/// Reads the driver; `false` when the disk is left out, since libxl would show the guest other data.
pub(super) fn read(element: &Element<'_>, disk: &mut Disk, guest: &mut Guest<'_>) -> Result<bool> {
    let driver = element.child("driver");
    let given = driver.and_then(|driver| driver.attr("type"));
    disk.format = format::read(element, given.as_ref(), disk.pdev_path.as_deref(), guest);
    if disk.format.is_none() {
        return Ok(false);
    }
    let Some(driver) = driver else { return Ok(true) };
    if let Some(name) = driver.attr("name") {
        match value_of(DISK_BACKENDS, name.text) {
            Some(backend) => disk.backend = Some(backend),
            None => {
                let reason =
                    format!("libxl has no disk driver {}: libxl itself chooses the backend", name.text);
                name.mark(Finding::approximated("disk-backend", reason));
            }
        }
    }
    let writable = element.children("readonly").next().is_none();
    if let Some(discard) = driver.attr("discard") {
        match discard.text {
            "unmap" | "ignore" if writable => {
                disk.discard_enable = Some(Defbool::from(discard.text == "unmap"));
            }
            "unmap" | "ignore" => {
                discard.mark(Finding::no_effect(
                    "disk-discard",
                    "nothing is discarded on a disk that cannot be written",
                ));
            }
            other => {
                let reason = format!("libxl passes discards through or not, and has no '{other}'");
                discard.mark(Finding::unsupported("disk-discard", reason));
            }
        }
    }
    if let Some(cache) = driver.attr("cache") {
        cache.mark(match cache.text {
            "writethrough" | "directsync" if writable => {
                let reason =
                    "Xen's backends make writes safe when the guest flushes them, not after each write";
                Finding::approximated("disk-cache", reason)
            }
            _ => Finding::no_effect("disk-tuning", CACHES),
        });
    }
    if let Some(io) = driver.attr("io") {
        io.mark(Finding::no_effect("disk-tuning", CACHES));
    }
    for value in TUNABLES.iter().filter_map(|name| driver.attr(name)) {
        let reason = "tunes QEMU's own disks; libxl has no setting for it, and the guest finds the same data";
        value.mark(Finding::no_effect("disk-tuning", reason));
    }
    Ok(true)
}
