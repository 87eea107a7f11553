//! `<disk>`.

use super::{Section, mapped, no_effect, unsupported};

const LIMITS: &str = "no disk backend of Xen limits or weighs a guest's requests";
const BY_LABEL: &str = "find the disk in the guest by a file system's UUID or label";
const LOG_IN: &str = "attach the storage in dom0 (rbd map, iscsiadm --login or the like), and write \
    <disk type='block'> with the device that dom0 has then";
const TUNING: &str = "a tunable of QEMU's own disks; Xen's backend has none";

pub(super) static SECTION: Section = Section {
    title: "Disks",
    path: "devices/disk",
    rows: &[
        mapped("", "`disk`"),
        mapped("@type|device", "`disk`; a floppy disk: `device_model_args_hvm`"),
        mapped("source", "`target=`"),
        mapped("source/@file|dev", "`target=`"),
        mapped("target", "`vdev=`"),
        mapped("driver", "`format=`, `backendtype=`, `discard`"),
        mapped("readonly", "`access=ro`"),
        no_effect("@snapshot", "disk-snapshot", "how libvirt takes snapshots of the disk"),
        no_effect("@model", "virtio-option", "which kind of virtio disk; on Xen there are none"),
        unsupported("@rawio|sgio", "scsi-commands", "Xen's disks pass no SCSI commands on")
            .unless("", &["no", "filtered"]),
        mapped("source/@startupPolicy", "nothing: libxl needs the medium at each start"),
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
            "svirt-label",
            "confines the QEMU process on the host; Xen itself keeps guests apart",
        ),
        no_effect("source/dataStore", "backing-store", "the image itself names the file of its data"),
        no_effect("source/privateData", "live-state", "what libvirt notes of a running guest"),
        unsupported("source/slices", "disk-slice", "libxl hands out a whole file or device").instead(
            "run losetup --find --show --offset OFFSET --sizelimit SIZE FILE in dom0, and \
                write <disk type='block'> with the loop device",
        ),
        unsupported("source/reservations", "scsi-commands", "Xen's disks pass no SCSI reservations on"),
        unsupported("source/encryption", "disk-encryption", "libxl opens no encrypted images").instead(
            "run cryptsetup open FILE NAME in dom0, and write <disk type='block'> with \
                /dev/mapper/NAME",
        ),
        unsupported("encryption", "disk-encryption", "libxl opens no encrypted images").instead(
            "run cryptsetup open FILE NAME in dom0, and write <disk type='block'> with \
                /dev/mapper/NAME",
        ),
        unsupported("auth", "disk-auth", "libxl hands no passwords to a disk's backend").instead(LOG_IN),
        mapped("source/auth", "the user in `target=`; the secret is with libvirt")
            .or_else("disk-auth", "libxl hands no passwords to a disk's backend")
            .instead(LOG_IN),
        no_effect("backingStore", "backing-store", "the image itself names the file that it builds on"),
        no_effect("mirror", "live-state", "a copy that was being made of a running guest's disk"),
        no_effect("privateData", "live-state", "what libvirt notes of a running guest"),
        mapped("backenddomain", "`backend=`")
            .or_else("disk-backend-domain", "the disk is served from dom0")
            .in_file("write backend=DOMAIN in the disk's entry"),
        mapped("boot", "`boot`")
            .or_else("boot-order", "the guest boots in the order of <os>, not of its devices")
            .instead("write <boot dev='hd'/>, 'cdrom' or 'network' in <os>, in the order wanted"),
        no_effect("boot/@loadparm", "other-architecture", "only IBM Z has it"),
        no_effect(
            "driver/@ats|iommu|packed|page_per_vq",
            "virtio-option",
            "an option of virtio devices; on Xen there are none",
        ),
        no_effect(
            "driver/@cache|io|queues|queue_size|iothread|error_policy|rerror_policy|detect_zeroes|copy_on_read|event_idx|ioeventfd|discard_no_unref",
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
        unsupported("transient", "disk-transient", "libxl keeps what the guest writes").instead(
            "before each start make an overlay, qemu-img create -f qcow2 -b IMAGE -F \
                FORMAT OVERLAY, and write the overlay as the source",
        ),
        unsupported("target/@removable", "disk-removable", "no disk of Xen's but a CD-ROM is removable")
            .unless("", &["off"]),
        unsupported("target/@rotation_rate", "disk-identity", "Xen's disks say nothing of their rotation")
            .instead("set it in the guest: echo 0 > /sys/block/DISK/queue/rotational"),
        no_effect("target/@dpofua", "disk-tuning", TUNING),
        no_effect("target/@tray", "live-state", "the state of a running guest"),
    ],
};
