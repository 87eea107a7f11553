//! Host devices and all other devices, and what any device may have.

use super::super::row::{OTHER_KIND, Section, mapped, no_effect, unsupported};

pub(super) static HOSTDEV: Section = Section {
    title: "Host devices",
    path: "devices/hostdev",
    rows: &[
        mapped("", "`pci`, `usbdev`, `usbdevice`; no other kinds"),
        mapped("source/@writeFiltering", "`permissive=`")
            .or_else(
                "write-filtering",
                "libxl filters what a guest writes to the configuration of a PCI device",
            )
            .unless("", &["yes"]),
        no_effect("source/@name|protocol|wwpn", "other-kind", OTHER_KIND),
        mapped("source/address|vendor|product", "`pci`, `usbdev`, `usbdevice`")
            .or_no_effect("other-kind", OTHER_KIND),
        no_effect("source/*", "other-kind", OTHER_KIND),
        mapped("source/address/@domain|slot|function|device|port|target|unit|uuid", "`pci`, `usbdev`")
            .or_no_effect("other-kind", OTHER_KIND),
        no_effect(
            "source/address/@multifunction",
            "pci-address",
            "libxl takes a device by its domain, bus, slot and function",
        ),
        no_effect("driver", "vfio-only", "how QEMU opens the device; Xen assigns it itself"),
        unsupported("rom", "option-rom", "the guest sees the device's own ROM"),
        mapped("boot", "nothing: a guest does not boot from a device passed through"),
        unsupported(
            "@display|ramfb",
            "host-device-display",
            "libxl shows no screen of a device passed through",
        )
        .unless("", &["off"]),
        no_effect(
            "@model|rawio|sgio",
            "scsi-commands",
            "belongs to SCSI devices, which Xen passes through in another way",
        ),
        unsupported("teaming", "interface-teaming", "Xen pairs no card with a host device")
            .instead("bond the two cards in the guest"),
        unsupported(
            "readonly|shareable",
            "host-device-sharing",
            "one guest has a device passed through, and may write to it",
        ),
        no_effect("ip|route", "container-only", "belongs to a network device of a container"),
        unsupported(
            "source/@startupPolicy",
            "startup-policy",
            "libxl starts no guest whose device is missing",
        )
        .unless("", &["mandatory"]),
        unsupported("source/@guestReset", "guest-reset", "libxl lets the guest reset the device")
            .unless("", &["on"]),
        unsupported("acpi", "acpi-index", "libxl gives devices no number that the guest names them by")
            .instead("name the card in the guest by its MAC address"),
    ],
};

pub(super) static SECTION: Section = Section {
    title: "Other devices",
    path: "devices",
    rows: &[
        mapped("", "the rows below"),
        mapped("emulator", "`device_model_override`"),
        mapped("controller", "nothing: libxl gives an HVM guest the controllers that its devices need"),
        no_effect(
            "controller/*",
            "own-controllers",
            "libxl gives an HVM guest the controllers that its devices need",
        ),
        mapped("controller/@model|ports|vectors", "`usbctrl` of a USB controller")
            .or_no_effect("own-controllers", "libxl gives a guest its controllers itself"),
        mapped("controller/@maxGrantFrames|maxEventChannels", "`max_grant_frames`, `max_event_channels`"),
        unsupported(
            "controller/pcihole64",
            "pci-hole",
            "Xen's hvmloader itself makes room for large devices",
        ),
        mapped("filesystem", "`p9`"),
        no_effect("filesystem/source/@dev|file|name|units|usage", "other-kind", OTHER_KIND),
        no_effect("filesystem/@model", "virtio-option", "which kind of virtio device; on Xen there are none"),
        unsupported("filesystem/boot", "boot-order", "a guest does not boot from a directory of dom0's")
            .instead("boot from a disk"),
        unsupported(
            "filesystem/source/@socket",
            "filesystem-backend",
            "libxl connects to no daemon that serves the directory",
        )
        .instead("write <source dir='/PATH'/>"),
        mapped("filesystem/driver", "nothing: Xen shares a directory by 9pfs alone"),
        no_effect(
            "filesystem/driver/@format|queue|wrpolicy",
            "filesystem-backend",
            "how another hypervisor serves the directory",
        ),
        no_effect("filesystem/binary", "filesystem-backend", "how another hypervisor serves the directory"),
        unsupported(
            "filesystem/@multidevs|fmode|dmode",
            "filesystem-details",
            "libxl shares a directory as it is, with dom0's own modes",
        ),
        unsupported(
            "filesystem/space_hard_limit|space_soft_limit",
            "container-only",
            "limits of a container's file system",
        ),
        unsupported("filesystem/idmap", "container-only", "maps users of a container"),
        unsupported(
            "lease",
            "disk-lease",
            "no lock manager keeps a second host from starting the same guest",
        ),
        no_effect("hub", "own-controllers", "a guest's USB devices need no hub"),
        no_effect("memballoon", "own-balloon", "every guest on Xen has Xen's balloon"),
        unsupported("memory", "memory-device", "Xen gives a guest no memory in modules")
            .instead("add its size to <memory>, and leave the module out"),
        no_effect("nvram", "other-architecture", "only POWER guests have it"),
        no_effect("panic", "own-panic", "a guest tells Xen of its crash without a device: see <on_crash>"),
        unsupported("pstore", "pstore", "libxl gives a guest no store for its last words")
            .instead("let Xen take a core: <on_crash>coredump-destroy</on_crash>"),
        unsupported("rng", "entropy-device", "Xen has no entropy device")
            .instead("none is needed where the CPU has RDRAND; install haveged in an old guest"),
        unsupported("shmem", "shared-memory", "libxl shares no memory between guests")
            .instead("connect the guests over the network"),
        unsupported("tpm", "tpm", "libxl gives an HVM guest no TPM")
            .instead("turn off what needs the TPM in the guest before it is moved, as BitLocker"),
        unsupported("iommu", "guest-iommu", "Xen gives a guest no IOMMU of its own"),
        unsupported("vsock", "vsock", "Xen has no vsock").instead("use the guest's network"),
        unsupported("crypto", "crypto-device", "Xen has no crypto device; the guest has the CPU's own AES"),
        mapped("watchdog", "`device_model_args_hvm`, `on_watchdog`"),
    ],
};

pub(super) static COMMON: Section = Section {
    title: "What any device may have",
    path: "devices",
    rows: &[
        no_effect("*/alias", "own-address", "libxl places and names devices by itself"),
        no_effect("*/address", "own-address", "libxl places and names devices by itself"),
        no_effect("*/acpi", "acpi-index", "libxl gives devices no ACPI number"),
        no_effect(
            "*/driver/@ats|iommu|packed|page_per_vq",
            "virtio-option",
            "an option of virtio devices; on Xen there are none",
        ),
    ],
};
