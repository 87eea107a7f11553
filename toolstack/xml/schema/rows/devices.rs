//! Host devices, all other devices, and elements common to all devices.

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
            "libxl identifies a device by its domain, bus, slot and function",
        ),
        no_effect("driver", "vfio-only", "how QEMU opens the device; Xen assigns it itself"),
        unsupported("rom", "option-rom", "the guest sees the device's own ROM"),
        mapped("boot", "nothing: a guest cannot boot from a passed-through device"),
        unsupported(
            "@display|ramfb",
            "host-device-display",
            "libxl does not show the screen of a passed-through device",
        )
        .unless("", &["off"]),
        no_effect(
            "@model|rawio|sgio",
            "scsi-commands",
            "belongs to SCSI devices, which Xen passes through in another way",
        ),
        unsupported("teaming", "interface-teaming", "Xen does not pair a network card with a host device")
            .instead("bond the two cards in the guest"),
        unsupported(
            "readonly|shareable",
            "host-device-sharing",
            "a device is passed through to only one guest, which can write to it",
        ),
        no_effect("ip|route", "container-only", "belongs to a network device of a container"),
        mapped("source/@startupPolicy", "nothing: QEMU takes a USB device when it is there")
            .or_else("startup-policy", "libxl does not start a guest whose device is missing")
            .unless("", &["mandatory"]),
        unsupported("source/@guestReset", "guest-reset", "libxl lets the guest reset the device")
            .unless("", &["on"]),
        unsupported(
            "acpi",
            "acpi-index",
            "libxl assigns no ACPI index by which the guest could name the device",
        )
        .instead("in the guest, identify the card by its MAC address"),
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
        mapped("controller/@maxGrantFrames|maxEventChannels", "`max_grant_frames`, `max_event_channels`")
            .or_no_effect("other-kind", OTHER_KIND),
        unsupported(
            "controller/pcihole64",
            "pci-hole",
            "Xen's hvmloader itself determines the size of the PCI hole",
        ),
        mapped("filesystem", "`p9`"),
        no_effect("filesystem/source/@dev|file|name|units|usage", "other-kind", OTHER_KIND),
        no_effect("filesystem/@model", "virtio-option", "the kind of a virtio device; on Xen there are none"),
        unsupported("filesystem/boot", "boot-order", "a guest cannot boot from a directory of dom0")
            .instead("boot from a disk"),
        unsupported(
            "filesystem/source/@socket",
            "filesystem-backend",
            "libxl does not connect to a daemon that serves the directory",
        )
        .instead("write <source dir='/PATH'/>"),
        mapped("filesystem/driver", "nothing: Xen shares directories only over 9pfs"),
        no_effect(
            "filesystem/driver/@format|queue|wrpolicy",
            "filesystem-backend",
            "how another hypervisor serves the directory",
        ),
        no_effect("filesystem/binary", "filesystem-backend", "how another hypervisor serves the directory"),
        unsupported(
            "filesystem/@multidevs|fmode|dmode",
            "filesystem-details",
            "libxl shares a directory with its owners and modes in dom0",
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
            "xl has no lock manager that keeps a second host from starting the same guest",
        ),
        no_effect("hub", "own-controllers", "a guest's USB devices need no hub"),
        no_effect("memballoon", "own-balloon", "every guest on Xen has Xen's balloon"),
        mapped("memory", "`maxmem`, and the node's `size=` of `vnuma`; no persistent memory"),
        no_effect("nvram", "other-architecture", "only POWER guests have it"),
        no_effect("panic", "own-panic", "a guest reports a crash to Xen without a device: see <on_crash>"),
        unsupported("pstore", "pstore", "libxl has no persistent store for a guest's crash messages")
            .instead("let Xen write a core dump: <on_crash>coredump-destroy</on_crash>"),
        unsupported("rng", "entropy-device", "Xen has no entropy device")
            .instead("none is needed if the CPU has RDRAND; install haveged in an old guest"),
        unsupported("shmem", "shared-memory", "libxl shares no memory between guests")
            .instead("connect the guests over the network"),
        unsupported("tpm", "tpm", "libxl has no emulated TPM").instead(
            "before you move the guest, turn off programs in it that need the TPM, such as BitLocker",
        ),
        unsupported("iommu", "guest-iommu", "Xen has no virtual IOMMU"),
        unsupported("vsock", "vsock", "Xen has no vsock").instead("use the guest's network"),
        unsupported("crypto", "crypto-device", "Xen has no crypto device; the guest has the CPU's own AES"),
        mapped("watchdog", "`device_model_args_hvm`, `on_watchdog`"),
    ],
};

pub(super) static COMMON: Section = Section {
    title: "Common to all devices",
    path: "devices",
    rows: &[
        no_effect("*/alias", "own-address", "libxl assigns the addresses and names of devices itself"),
        no_effect("*/address", "own-address", "libxl assigns the addresses and names of devices itself"),
        no_effect("*/acpi", "acpi-index", "libxl assigns no ACPI index to devices"),
        no_effect(
            "*/driver/@ats|iommu|packed|page_per_vq",
            "virtio-option",
            "an option of virtio devices; on Xen there are none",
        ),
    ],
};
