//! `<cpu>`, `<cputune>` and `<numatune>`.

use super::super::row::{Section, mapped, no_effect, unsupported};

pub(super) static SECTION: Section = Section {
    title: "The processor",
    path: "cpu",
    rows: &[
        mapped("", "nothing: a guest has the host's CPU with the features that Xen exposes"),
        no_effect(
            "@check|match|migratable|deprecated_features",
            "host-cpu",
            "how libvirt compares the CPU with the host's; Xen does not compare them",
        ),
        mapped("@mode", "nothing: a guest has the host's CPU with the features that Xen exposes"),
        mapped("model|vendor", "nothing: a guest has the host's CPU with the features that Xen exposes"),
        mapped("feature", "`cpuid`; vmx and svm: `nestedhvm`"),
        unsupported(
            "topology",
            "cpu-topology",
            "libxl sets a number of vCPUs, but no sockets, cores and threads",
        ),
        unsupported("cache", "cpu-cache", "Xen reports the host's own caches to a guest")
            .unless("mode", &["passthrough"]),
        unsupported(
            "maxphysaddr",
            "cpu-address-bits",
            "Xen itself decides how many address bits it reports to a guest",
        )
        .unless("mode", &["passthrough"]),
        mapped("numa", "`vnuma`"),
        mapped("numa/cell/@memAccess|discard", "nothing: the hypervisor allocates a node's memory"),
        unsupported(
            "numa/cell/cache",
            "numa-details",
            "Xen's NUMA tables contain sizes and distances, but no caches",
        ),
        unsupported(
            "numa/interconnects",
            "numa-details",
            "Xen's NUMA tables contain distances, but no bandwidth or latency",
        )
        .instead("write <distances> in each <cell>"),
    ],
};

pub(super) static TUNING: Section = Section {
    title: "Scheduling and placement",
    path: "",
    rows: &[
        mapped("cputune", "the rows below"),
        mapped("cputune/vcpupin", "`cpus`"),
        mapped("cputune/shares", "`cpu_weight`"),
        mapped("cputune/quota|period|global_quota|global_period", "`cap`"),
        unsupported(
            "cputune/emulator_quota|emulator_period",
            "cpu-cap-emulator",
            "Xen limits the time of a guest's vCPUs, not that of its QEMU, which runs in dom0",
        ),
        unsupported(
            "cputune/emulatorpin",
            "emulator-affinity",
            "libxl does not pin QEMU, which runs on dom0's vCPUs",
        )
        .instead("pin dom0's own vCPUs: xl vcpu-pin Domain-0 all CPUS"),
        no_effect(
            "cputune/iothreadpin|iothreadsched|iothread_quota|iothread_period",
            "iothreads",
            "threads of QEMU for virtio disks; Xen's disk backends have their own",
        ),
        unsupported(
            "cputune/vcpusched|emulatorsched",
            "cpu-scheduler",
            "Xen's scheduler has weights and caps, but not Linux's priorities",
        ),
        unsupported(
            "cputune/cachetune",
            "cache-allocation",
            "libxl's config has no setting for cache allocation",
        )
        .instead("boot Xen with psr=cat, and once the guest runs: xl psr-cat-set DOMAIN BITMASK"),
        unsupported(
            "cputune/memorytune",
            "memory-bandwidth",
            "libxl's config has no setting for memory bandwidth",
        )
        .instead("boot Xen with psr=mba, and once the guest runs: xl psr-mba-set DOMAIN THROTTLE"),
        no_effect(
            "cputune/cachetune|memorytune/monitor",
            "resource-monitor",
            "counters on the host; the guest does not see them",
        ),
        no_effect(
            "cputune/energytune",
            "resource-monitor",
            "counters on the host; the guest does not see them",
        ),
        mapped("numatune", "the rows below"),
        mapped(
            "numatune/memory",
            "nothing: libxl allocates memory only on the nodes where the vCPUs may run",
        ),
        mapped("numatune/memnode", "`pnode=` of `vnuma`")
            .or_else("numa-placement", "the guest's node is not bound to a node of the host")
            .in_file("write pnode=NODE in the guest's node in vnuma"),
    ],
};
