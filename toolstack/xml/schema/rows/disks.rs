//! `<disk>`.

use super::super::row::{OTHER_KIND, Section, mapped, no_effect, unsupported};

const LIMITS: &str = "Xen's disk backends do not limit or weight a guest's requests";
const BY_LABEL: &str = "in the guest, identify the disk by the UUID or label of its file system";
const LOG_IN: &str = "attach the storage in dom0 (for example with rbd map or iscsiadm --login) and write <disk type='block'> with the device, or copy the image to dom0 and write <disk type='file'>";
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
        no_effect("@model", "virtio-option", "the kind of a virtio disk; on Xen there are none"),
        unsupported("@rawio|sgio", "scsi-commands", "Xen's disks do not pass SCSI commands through")
            .unless("", &["no", "filtered"]),
        mapped("source/@startupPolicy", "nothing: libxl needs the medium at each start")
            .or_no_effect("startup-policy", "libxl needs the medium at each start"),
        no_effect("source/@index", "live-state", "a number that is assigned while the guest runs"),
        no_effect("source/@fdgroup", "live-state", "open files that a program passes to libvirt"),
        mapped("source/@protocol|name|query|tls", "`target=` with QEMU's name for it, `backendtype=qdisk`")
            .or_else("disk-source", "libxl accepts only files and block devices of dom0")
            .instead(LOG_IN),
        mapped("source/host|config|snapshot", "`target=` with QEMU's name for it, `backendtype=qdisk`")
            .or_else("disk-source", "an option of QEMU's network storage, for which libxl has no setting")
            .instead(LOG_IN),
        unsupported(
            "source/host/@transport",
            "disk-transport",
            "Xen's QEMU reaches network storage over TCP or a Unix socket",
        )
        .unless("", &["tcp", "unix"]),
        unsupported(
            "source/@pool|volume|mode|dir|tlsHostname|type|managed|namespace|path",
            "disk-source",
            "libxl accepts only files and block devices of dom0",
        )
        .instead(LOG_IN),
        unsupported(
            "source/*",
            "disk-source",
            "an option of QEMU's network storage, for which libxl has no setting",
        )
        .instead(LOG_IN),
        no_effect(
            "source/seclabel",
            "host-label",
            "confines the QEMU process on the host; Xen itself isolates guests",
        ),
        no_effect("source/dataStore", "backing-store", "the image itself contains the name of its data file"),
        no_effect("source/privateData", "live-state", "libvirt's notes about a running guest"),
        mapped("source/slices|encryption", "nothing, and `create` refuses: the guest would see other data"),
        unsupported(
            "source/reservations",
            "scsi-commands",
            "Xen's disks do not pass SCSI reservations through",
        ),
        mapped("encryption", "nothing, and `create` refuses: the guest would see the encrypted data"),
        unsupported("auth", "disk-secret", "libxl does not pass passwords to disk backends").instead(LOG_IN),
        mapped("source/auth", "the user in `target=`; the secret is stored in libvirt")
            .or_else("disk-secret", "libxl does not pass passwords to disk backends")
            .instead(LOG_IN),
        no_effect("backingStore", "backing-store", "the image itself contains the name of its backing file"),
        mapped(
            "backingStore/source/slices|encryption",
            "nothing, and `create` refuses: QEMU opens the whole file, and without a key",
        ),
        no_effect("mirror", "live-state", "the state of a copy of a running guest's disk"),
        no_effect("privateData", "live-state", "libvirt's notes about a running guest"),
        mapped("backenddomain", "`backend=`"),
        mapped("boot", "`boot`, and the order of `disk`"),
        mapped("driver/@cache", "the backend's own cache").or_no_effect("disk-tuning", TUNING),
        no_effect(
            "driver/@io|queues|queue_size|iothread|error_policy|rerror_policy|detect_zeroes|copy_on_read|event_idx|ioeventfd|discard_no_unref",
            "disk-tuning",
            TUNING,
        ),
        no_effect("driver/iothreads|metadata_cache|statistics", "disk-tuning", TUNING),
        unsupported("blockio", "block-size", "the guest sees the storage's own block size").instead(
            "set the size when dom0 attaches the storage, for example with losetup --sector-size SIZE",
        ),
        no_effect("blockio/@discard_granularity", "disk-tuning", TUNING),
        unsupported("geometry", "disk-geometry", "the guest sees a geometry that the backend calculates"),
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
            "dom0's hotplug script refuses a block device that another guest may write to, and QEMU an emulated disk",
        )
        .instead("write <readonly/> in each guest that shares the disk, or share over the network"),
        mapped("transient", "nothing, and `create` refuses: libxl would keep the guest's writes"),
        no_effect("target/@dpofua", "disk-tuning", TUNING),
    ],
};
