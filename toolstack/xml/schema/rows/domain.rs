//! The domain itself, its clock, what limits it, and what belongs to other hypervisors.

use super::super::row::{Section, mapped, no_effect, unsupported};

const LIMITS: &str = "no disk backend of Xen limits or weighs a guest's requests";

pub(super) static SECTION: Section = Section {
    title: "The domain",
    path: "",
    rows: &[
        mapped("@id|type", "nothing: each start gives a new number, and the hypervisor is Xen"),
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
            "the guest's memory is never in a core file of QEMU; xl takes cores of the guest itself",
        ),
        unsupported(
            "maxMemory",
            "memory-hotplug",
            "Xen plugs no memory in: a guest grows by its balloon, up to <memory>",
        )
        .instead("write the largest size in <memory> and the size at the start in <currentMemory>"),
        unsupported(
            "vcpus",
            "vcpu-choice",
            "libxl is told how many vCPUs are online, not which: the first ones are",
        )
        .instead("write <vcpu current='NUMBER'>, and leave <vcpus> out"),
        mapped("vcpu/@cpuset", "`cpus`"),
        mapped("genid", "`ms_vm_genid`; an xl.cfg has another ID at each start"),
        unsupported("hwuuid", "smbios-uuid", "a guest's SMBIOS always has the domain's own UUID")
            .instead("write that UUID in <uuid>"),
        no_effect(
            "on_lockfailure",
            "no-lock-manager",
            "libvirt's lock manager, which could fail, does not watch over a guest of xl's",
        ),
        no_effect("iommufd", "vfio-only", "a way for QEMU to open host devices; Xen assigns them itself"),
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
            "Xen always gives a guest the largest free pages",
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
            "how QEMU gets memory for a guest; on Xen the guest has it from the hypervisor",
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
            "Xen marks no guest's Fibre Channel traffic",
        ),
        no_effect(
            "perf",
            "perf-events",
            "counters on the host of the QEMU process; the guest sees none of them",
        ),
    ],
};

pub(super) static OTHERS: Section = Section {
    title: "Security labels, and what belongs to other hypervisors",
    path: "",
    rows: &[
        mapped("seclabel", "`seclabel` for the model flask; labels of the host's processes have no effect"),
        unsupported(
            "launchSecurity",
            "encrypted-memory",
            "Xen runs no guest whose memory is encrypted or sealed against the host",
        ),
        unsupported("keywrap", "other-architecture", "keys of IBM Z, where Xen does not run"),
        unsupported("sysinfo", "smbios-strings", "libxl takes no SMBIOS strings from here")
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
            "properties of devices as libvirt's QEMU driver names them; libxl names its \
                devices otherwise",
        ),
        no_effect("qemu:capabilities", "qemu-capabilities", "what libvirt is to believe of its QEMU"),
        no_effect("qemu:deprecation", "qemu-capabilities", "how libvirt's QEMU takes outdated words"),
        mapped("xen:commandline", "`device_model_args`"),
        no_effect("lxc:namespace", "container-only", "namespaces that a container shares"),
        no_effect("vmware:datacenterpath", "other-hypervisor", "a place in VMware's own inventory"),
        unsupported("bhyve:commandline", "other-hypervisor", "words for bhyve, which means nothing to libxl"),
    ],
};
