//! `<cpu>`, `<cputune>` and `<numatune>`.

use super::super::row::{Section, mapped, no_effect, unsupported};

pub(super) static SECTION: Section = Section {
    title: "The processor",
    path: "cpu",
    rows: &[
        mapped("", "nothing: a guest has the host's CPU, as far as Xen lets it"),
        no_effect(
            "@check|match|migratable|deprecated_features",
            "host-cpu",
            "how libvirt compares the CPU with the host's; Xen does not ask",
        ),
        mapped("@mode", "nothing: a guest has the host's CPU, as far as Xen lets it"),
        mapped("model|vendor", "nothing: a guest has the host's CPU, as far as Xen lets it"),
        mapped("feature", "`cpuid`; vmx and svm: `nestedhvm`"),
        unsupported(
            "topology",
            "cpu-topology",
            "libxl takes a number of vCPUs, and no sockets, cores and threads",
        ),
        unsupported("cache", "cpu-cache", "a guest on Xen is told of the host's own caches")
            .unless("mode", &["passthrough"]),
        unsupported(
            "maxphysaddr",
            "cpu-address-bits",
            "Xen itself decides how many address bits a guest is told of",
        )
        .unless("mode", &["passthrough"]),
        mapped("numa", "`vnuma`"),
        mapped("numa/cell/@memAccess|discard", "nothing: the hypervisor gives a node its memory"),
        unsupported(
            "numa/cell/cache",
            "numa-details",
            "Xen's NUMA tables have sizes and distances, and no caches",
        ),
        unsupported(
            "numa/interconnects",
            "numa-details",
            "Xen's NUMA tables have distances, and no bandwidth or latency",
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
            "libxl pins no QEMU: it runs where dom0 does",
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
            "Xen's scheduler has weights and caps, and none of Linux's priorities",
        ),
        unsupported(
            "cputune/cachetune",
            "cache-allocation",
            "libxl's config has no place for cache allocation",
        )
        .instead("boot Xen with psr=cat, and once the guest runs: xl psr-cat-set DOMAIN BITMASK"),
        unsupported(
            "cputune/memorytune",
            "memory-bandwidth",
            "libxl's config has no place for memory bandwidth",
        )
        .instead("boot Xen with psr=mba, and once the guest runs: xl psr-mba-set DOMAIN THROTTLE"),
        no_effect(
            "cputune/cachetune|memorytune/monitor",
            "resource-monitor",
            "counters on the host; the guest sees none of them",
        ),
        no_effect(
            "cputune/energytune",
            "resource-monitor",
            "counters on the host; the guest sees none of them",
        ),
        unsupported(
            "numatune",
            "numa-placement",
            "libxl takes memory where the vCPUs may run, and nowhere else",
        )
        .instead("pin the vCPUs to the node's CPUs: cpuset= of <vcpu>; the memory follows")
        .in_file("write cpus = \"nodes:NODE\"; the memory follows"),
        mapped("numatune/memnode", "`pnode=` of `vnuma`")
            .or_else("numa-placement", "libxl is not told which node a guest's node lies on")
            .in_file("write pnode=NODE in the guest's node in vnuma"),
    ],
};
