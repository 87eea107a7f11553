//! `<features>`.

use super::super::row::{Section, mapped, no_effect, unsupported};

/// States with which a feature is not wanted.
const OFF: &[&str] = &["off"];

pub(super) static SECTION: Section = Section {
    title: "Features",
    path: "features",
    rows: &[
        mapped("", "the rows below; a feature that is not listed is off"),
        mapped("acpi|apic|pae|hap", "the same (see below)"),
        mapped("viridian", "`viridian`"),
        no_effect("apic/@eoi", "feature-elsewhere", "KVM's paravirtual interrupt controller"),
        no_effect("kvm", "feature-elsewhere", "features of KVM itself"),
        no_effect(
            "ioapic",
            "feature-elsewhere",
            "where KVM emulates the I/O APIC; on Xen the hypervisor emulates it",
        ),
        no_effect("vmport", "feature-elsewhere", "an HVM guest on Xen has no VMware port unless requested"),
        no_effect(
            "tcg",
            "emulated-cpu",
            "a setting of QEMU's emulated CPU; a guest on Xen runs on the host's",
        ),
        no_effect("privnet", "feature-elsewhere", "only containers have it"),
        no_effect("capabilities", "container-only", "what a container may do"),
        no_effect(
            "gic|ras|aia|hpt|htm|nested-hv|ccf-assist|cfpc|sbbc|ibs|async-teardown",
            "other-architecture",
            "x86 guests do not have it",
        ),
        mapped("pmu", "nothing, unless Xen was started with vpmu=on"),
        unsupported(
            "pvspinlock",
            "pv-spinlocks",
            "the guest's own kernel decides whether it uses Xen's PV spinlocks",
        )
        .instead("add nopvspin to the command line of the guest's kernel")
        .unless("state", &["on"]),
        unsupported("smm", "smm", "Xen's guests have no System Management Mode").unless("state", OFF),
        unsupported("ps2", "ps2", "an HVM guest always has a PS/2 controller").unless("state", &["on"]),
        no_effect("vmcoreinfo", "vmcoreinfo", "information for QEMU's dumps; xl dump-core does not need it"),
        mapped("msrs", "`msr_relaxed`"),
        unsupported("virtualization", "nested-virtualization", "the guest has no nested virtualization")
            .in_file("write nestedhvm = 1"),
        mapped("xen/e820_host", "`e820_host`"),
        mapped("xen/passthrough", "`passthrough`"),
        mapped("xen", "the rows below"),
    ],
};

pub(super) static HYPERV: Section = Section {
    title: "Hyper-V enlightenments",
    path: "features/hyperv",
    rows: &[
        mapped("", "`viridian`"),
        unsupported(
            "vendor_id",
            "hyperv-vendor",
            "Xen's enlightenments always report Microsoft as the vendor",
        )
        .unless("state", OFF),
        unsupported(
            "reenlightenment",
            "hyperv-absent",
            "Xen does not notify a guest when the frequency of its TSC changes",
        )
        .instead("use mode='emulate' in the <timer name='tsc'> of a guest that migrates")
        .unless("state", OFF),
        unsupported(
            "runtime|reset|evmcs|avic|emsr_bitmap|xmm_input",
            "hyperv-absent",
            "Xen has no such enlightenment",
        )
        .unless("state", OFF),
        unsupported("stimer/direct", "hyperv-absent", "Xen's synthetic timers always send messages")
            .unless("state", OFF),
        unsupported("tlbflush/direct", "hyperv-absent", "Xen has no such enlightenment for nested guests")
            .unless("state", OFF),
        mapped("tlbflush/extended", "`viridian`: `ex_processor_masks`"),
    ],
};
