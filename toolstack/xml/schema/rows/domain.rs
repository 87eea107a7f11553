//! The domain itself, its clock, its limits, and settings of other hypervisors.

use super::super::row::{Section, mapped, no_effect, unsupported};

const LIMITS: &str = "Xen's disk backends do not limit or weight a guest's requests";

pub(super) static SECTION: Section = Section {
    title: "The domain",
    path: "",
    rows: &[
        mapped("@id|type", "nothing: each start assigns a new domain ID, and the hypervisor is Xen"),
        mapped("name|uuid", "`name`, `uuid`"),
        mapped("title|description|metadata", "comments"),
        mapped("memory|currentMemory", "`maxmem`, `memory`, in MiB, rounded up"),
        mapped("vcpu", "`maxvcpus`, `vcpus`"),
        mapped("bootloader|bootloader_args", "`bootloader`, `bootloader_args`"),
        mapped("on_poweroff|on_reboot|on_crash", "the same"),
        mapped("pm", "`acpi_s3`, `acpi_s4`"),
        no_effect(
            "memory/@dumpCore",
            "memory-dump",
            "QEMU's core files never contain the guest's memory; xl dumps the guest's memory itself",
        ),
        unsupported(
            "maxMemory",
            "memory-hotplug",
            "Xen has no memory hotplug; a guest's balloon driver can grow it up to <memory>",
        )
        .instead("write the maximum size in <memory> and the initial size in <currentMemory>; with NUMA cells, write the maximum in the cells"),
        unsupported(
            "vcpus",
            "vcpu-choice",
            "libxl sets only the number of online vCPUs: the first ones are online",
        )
        .instead("write <vcpu current='NUMBER'>, and remove <vcpus>"),
        mapped("vcpu/@cpuset", "`cpus`"),
        mapped("genid", "`ms_vm_genid`; with an xl.cfg, each start generates a new ID"),
        unsupported("hwuuid", "smbios-uuid", "a guest's SMBIOS always has the domain's own UUID")
            .instead("write that UUID in <uuid>"),
        no_effect(
            "on_lockfailure",
            "no-lock-manager",
            "a setting of libvirt's lock manager, which xl does not use",
        ),
        no_effect(
            "iommufd",
            "vfio-only",
            "the way in which QEMU opens host devices; Xen assigns them itself",
        ),
        no_effect("idmap", "container-only", "maps users of a container"),
    ],
};

pub(super) static CLOCK: Section = Section {
    title: "The clock",
    path: "clock",
    rows: &[mapped("", "see [the clock](#the-clock) and [timers](#timers)")],
};

pub(super) static TUNING: Section = Section {
    title: "Memory, disks and threads: tuning",
    path: "",
    rows: &[
        no_effect("memoryBacking", "memory-backing", "Xen backs a guest's memory itself"),
        no_effect(
            "memoryBacking/hugepages",
            "memory-backing",
            "Xen always allocates a guest's memory in the largest free pages",
        ),
        no_effect("memoryBacking/locked", "memory-backing", "Xen never swaps a guest's memory out"),
        no_effect(
            "memoryBacking/nosharepages",
            "memory-backing",
            "Xen shares no pages between guests unless a tool in dom0 asks it to",
        ),
        no_effect(
            "memoryBacking/source|access",
            "memory-backing",
            "how QEMU allocates a guest's memory; on Xen the hypervisor allocates it",
        ),
        no_effect(
            "memoryBacking/allocation",
            "memory-backing",
            "Xen allocates all memory before the guest runs",
        ),
        no_effect(
            "memtune",
            "memory-limits",
            "limits of the QEMU process; a guest never has more than <memory>",
        ),
        no_effect("memtune/swap_hard_limit", "memory-limits", "Xen never swaps a guest's memory out"),
        unsupported("blkiotune", "disk-limits", LIMITS),
        unsupported("throttlegroups", "disk-limits", LIMITS),
        no_effect(
            "iothreads|iothreadids|defaultiothread",
            "iothreads",
            "threads of QEMU for virtio disks; Xen's disk backends have their own",
        ),
        no_effect("resource", "resource-partition", "the cgroup of the QEMU process"),
        unsupported(
            "resource/fibrechannel",
            "fibre-channel-id",
            "Xen does not tag a guest's Fibre Channel traffic",
        ),
        no_effect(
            "perf",
            "perf-events",
            "performance counters of the QEMU process on the host; the guest does not see them",
        ),
    ],
};

pub(super) static OTHERS: Section = Section {
    title: "Security labels, and settings of other hypervisors",
    path: "",
    rows: &[
        mapped("seclabel", "`seclabel` for the model flask; labels of the host's processes have no effect"),
        unsupported(
            "launchSecurity",
            "encrypted-memory",
            "Xen does not support guests whose memory is encrypted or sealed against the host",
        ),
        unsupported("keywrap", "other-architecture", "keys of IBM Z, where Xen does not run"),
        unsupported("sysinfo", "smbios-strings", "libxl has no setting for these SMBIOS strings")
            .in_file("write smbios_firmware = \"/PATH\", a file of SMBIOS structures"),
        mapped("qemu:commandline", "`device_model_args_hvm`"),
        unsupported(
            "qemu:commandline/qemu:env",
            "qemu-environment",
            "libxl starts QEMU in dom0's own environment",
        ),
        unsupported(
            "qemu:override",
            "qemu-override",
            "properties of devices by the names of libvirt's QEMU driver; libxl uses other names",
        ),
        no_effect(
            "qemu:capabilities",
            "qemu-capabilities",
            "overrides the capabilities that libvirt detects in QEMU",
        ),
        no_effect("qemu:deprecation", "qemu-capabilities", "how libvirt's QEMU handles deprecated options"),
        mapped("xen:commandline", "`device_model_args`"),
        no_effect("lxc:namespace", "container-only", "namespaces that a container shares"),
        no_effect("vmware:datacenterpath", "other-hypervisor", "a location in VMware's inventory"),
        unsupported("bhyve:commandline", "other-hypervisor", "arguments for bhyve, which libxl cannot use"),
    ],
};
