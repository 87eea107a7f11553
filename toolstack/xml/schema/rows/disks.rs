//! `<disk>`.

use super::super::row::{OTHER_KIND, Section, mapped, no_effect, unsupported};

const LIMITS: &str = "no disk backend of Xen limits or weighs a guest's requests";
const BY_LABEL: &str = "find the disk in the guest by a file system's UUID or label";
const LOG_IN: &str = "attach the storage in dom0 (rbd map, iscsiadm --login or the like), and write \
    <disk type='block'> with the device that dom0 has then";
const TUNING: &str = "tunes QEMU's own disks; libxl has no setting for it, and the guest finds the same data";

pub(super) static SECTION: Section = Section {
    title: "Disks",
    path: "devices/disk",
    rows: &[
        mapped("", "`disk`"),
        mapped("@type|device", "`disk`; a floppy disk: `device_model_args_hvm`"),
        mapped("source", "`target=`"),
        mapped("source/@file|dev", "`target=`").or_no_effect("other-kind", OTHER_KIND),
        mapped("target", "`vdev=`"),
        mapped("driver", "`format=`, `backendtype=`, `discard`"),
        mapped("readonly", "`access=ro`"),
        no_effect("@snapshot", "disk-snapshot", "how libvirt takes snapshots of the disk"),
        no_effect("@model", "virtio-option", "which kind of virtio disk; on Xen there are none"),
        unsupported("@rawio|sgio", "scsi-commands", "Xen's disks pass no SCSI commands on")
            .unless("", &["no", "filtered"]),
        mapped("source/@startupPolicy", "nothing: libxl needs the medium at each start")
            .or_no_effect("startup-policy", "libxl needs the medium at each start"),
        no_effect("source/@index", "live-state", "a number of a running guest"),
        no_effect("source/@fdgroup", "live-state", "open files that a program hands to libvirt"),
        mapped("source/@protocol|name|query|tls", "`target=` with QEMU's name of it, `backendtype=qdisk`")
            .or_else("disk-source", "libxl takes a file or a block device of dom0")
            .instead(LOG_IN),
        mapped("source/host|config|snapshot", "`target=` with QEMU's name of it, `backendtype=qdisk`")
            .or_else("disk-source", "QEMU's own way to reach storage on a network")
            .instead(LOG_IN),
        unsupported(
            "source/host/@transport",
            "disk-transport",
            "Xen's QEMU reaches storage by TCP or a socket",
        )
        .unless("", &["tcp", "unix"]),
        unsupported(
            "source/@pool|volume|mode|dir|tlsHostname|type|managed|namespace|path",
            "disk-source",
            "libxl takes a file or a block device of dom0",
        )
        .instead(LOG_IN),
        unsupported("source/*", "disk-source", "QEMU's own way to reach storage on a network")
            .instead(LOG_IN),
        no_effect(
            "source/seclabel",
            "host-label",
            "confines the QEMU process on the host; Xen itself keeps guests apart",
        ),
        no_effect("source/dataStore", "backing-store", "the image itself names the file of its data"),
        no_effect("source/privateData", "live-state", "what libvirt notes of a running guest"),
        mapped(
            "source/slices|encryption",
            "nothing, and `create` refuses: libxl would show the guest other data than asked for",
        ),
        unsupported("source/reservations", "scsi-commands", "Xen's disks pass no SCSI reservations on"),
        mapped("encryption", "nothing, and `create` refuses: libxl would show the guest the encrypted data"),
        unsupported("auth", "disk-secret", "libxl hands no passwords to a disk's backend").instead(LOG_IN),
        mapped("source/auth", "the user in `target=`; the secret is with libvirt")
            .or_else("disk-secret", "libxl hands no passwords to a disk's backend")
            .instead(LOG_IN),
        no_effect("backingStore", "backing-store", "the image itself names the file that it builds on"),
        no_effect("mirror", "live-state", "a copy that was being made of a running guest's disk"),
        no_effect("privateData", "live-state", "what libvirt notes of a running guest"),
        mapped("backenddomain", "`backend=`"),
        mapped("boot", "`boot`, and the order of `disk`"),
        mapped("driver/@cache", "the backend's own cache").or_no_effect("disk-tuning", TUNING),
        no_effect(
            "driver/@io|queues|queue_size|iothread|error_policy|rerror_policy|detect_zeroes|copy_on_read|event_idx|ioeventfd|discard_no_unref",
            "disk-tuning",
            TUNING,
        ),
        no_effect("driver/iothreads|metadata_cache|statistics", "disk-tuning", TUNING),
        unsupported("blockio", "block-size", "the guest sees the block size of the storage itself")
            .instead("set the size where dom0 attaches the storage, as in losetup --sector-size SIZE"),
        no_effect("blockio/@discard_granularity", "disk-tuning", TUNING),
        unsupported("geometry", "disk-geometry", "the guest sees the geometry that the backend makes up"),
        unsupported("iotune", "disk-limits", LIMITS),
        unsupported("throttlefilters", "disk-limits", LIMITS),
        unsupported(
            "serial|wwn|vendor|product",
            "disk-identity",
            "Xen's disks have no serial number, WWN, vendor or product",
        )
        .instead(BY_LABEL),
        unsupported(
            "shareable",
            "disk-shared",
            "dom0's hotplug script refuses a device that another guest may write to",
        )
        .instead("write <readonly/> in each guest that shares the disk, or share over the network"),
        mapped("transient", "nothing, and `create` refuses: libxl would keep what the guest writes"),
        no_effect("target/@dpofua", "disk-tuning", TUNING),
    ],
};
