//! `libxl_domain_build_info`: how a domain is built, for any kind of guest.

use timers::ticks::MissedTicks;
use timers::tsc::TscMode;

use super::cpuid::CpuPolicy;
use super::declare::libxl_struct;
use super::enums::{Altp2m, ArmSciType, DeviceModelVersion, GicVersion, Scheduler, Sve, Tee, VuartType};
use super::hvm::Hvm;
use super::idl::{Bitmap, Defbool};

libxl_struct! {
    /// `libxl_domain_build_info`.
    pub struct BuildInfo {
        /// vCPUs at most.
        max_vcpus: i32,
        /// vCPUs online at the start.
        avail_vcpus: Bitmap,
        /// CPUs of the host that its vCPUs may run on, all of them.
        cpumap: Bitmap,
        /// NUMA nodes that its memory is taken from.
        nodemap: Bitmap,
        /// CPUs of the host that each vCPU may run on.
        vcpu_hard_affinity: Vec<Bitmap>,
        /// CPUs of the host that each vCPU runs on where it can.
        vcpu_soft_affinity: Vec<Bitmap>,
        /// Let libxl find the NUMA nodes.
        numa_placement: Option<Defbool>,
        /// How RDTSC works; libxl leaves default out.
        tsc_mode: Option<TscMode>,
        /// Memory at most, in KiB.
        max_memkb: Option<u64>,
        /// Memory at the start, in KiB.
        target_memkb: Option<u64>,
        /// Video memory, in KiB.
        video_memkb: Option<u64>,
        /// Memory for shadow page tables, in KiB.
        shadow_memkb: Option<u64>,
        /// Memory for the IOMMU's page tables, in KiB.
        iommu_memkb: Option<u64>,
        /// Seconds from UTC, modulo 2^32; see `UtcOffset::from_libxl`.
        rtc_timeoffset: u32,
        /// The number of the XSM label after the build; libxl takes it from the label.
        exec_ssidref: u32,
        /// The XSM label after the build; xl.cfg's `seclabel` where `init_seclabel` is given too.
        exec_ssid_label: Option<String>,
        /// Add the host's offset from UTC at each build.
        localtime: Option<Defbool>,
        /// Refuse migration; xl.cfg's `nomigrate`.
        disable_migrate: Option<Defbool>,
        /// The policy for CPUID and MSRs.
        cpuid: CpuPolicy,
        /// The first name for a disk that is attached for the bootloader.
        blkdev_start: Option<String>,
        /// The guest's NUMA nodes.
        vnuma_nodes: Vec<VnodeInfo>,
        /// Grant frames at most.
        max_grant_frames: Option<u32>,
        /// Grant map track frames at most.
        max_maptrack_frames: Option<u32>,
        /// The highest version of the grant table's format.
        max_grant_version: Option<i32>,
        /// Which device model.
        device_model_version: Option<DeviceModelVersion>,
        /// Run the device model in a domain of its own.
        device_model_stubdomain: Option<Defbool>,
        /// That domain's memory, in KiB.
        stubdomain_memkb: Option<u64>,
        /// That domain's kernel.
        stubdomain_kernel: Option<String>,
        /// That domain's kernel command line.
        stubdomain_cmdline: Option<String>,
        /// That domain's initial ramdisk.
        stubdomain_ramdisk: Option<String>,
        /// The device model's path; xl.cfg's `device_model_override`.
        device_model: Option<String>,
        /// The number of the stub domain's XSM label; libxl takes it from the label.
        device_model_ssidref: u32,
        /// The stub domain's XSM label; xl.cfg's `device_model_stubdomain_seclabel`.
        device_model_ssid_label: Option<String>,
        /// The user that the device model runs as.
        device_model_user: Option<String>,
        /// Arguments for any guest's QEMU; xl.cfg's `device_model_args`.
        extra: Vec<String>,
        /// Arguments for a PV guest's QEMU; xl.cfg's `device_model_args_pv`.
        extra_pv: Vec<String>,
        /// Arguments for an HVM guest's QEMU; xl.cfg's `device_model_args_hvm`.
        extra_hvm: Vec<String>,
        /// Scheduler parameters.
        sched_params: SchedParams,
        /// I/O ports of the host that the guest may use.
        ioports: Vec<IoportRange>,
        /// Interrupts of the host that the guest may use.
        irqs: Vec<u32>,
        /// Memory of the host's devices that the guest may use.
        iomem: Vec<IomemRange>,
        /// Colours of the last level cache; since Xen 4.20.
        llc_colors: Vec<u32>,
        /// Claim memory before building; xl always says so.
        claim_mode: Option<Defbool>,
        /// Event channels at most.
        event_channels: u32,
        /// Direct boot: the kernel's path.
        kernel: Option<String>,
        /// Direct boot: its command line.
        cmdline: Option<String>,
        /// Direct boot: its initial ramdisk.
        ramdisk: Option<String>,
        /// A partial device tree for an Arm guest.
        device_tree: Option<String>,
        /// ACPI tables.
        acpi: Option<Defbool>,
        /// A program in dom0 that finds a PV guest's kernel.
        bootloader: Option<String>,
        /// Its arguments.
        bootloader_args: Vec<String>,
        /// Run it without privileges; since Xen 4.18.
        bootloader_restrict: Option<Defbool>,
        /// The user that it then runs as; since Xen 4.18.
        bootloader_user: Option<String>,
        /// The policy for missed ticks of periodic timers.
        timer_mode: Option<MissedTicks>,
        /// True if the guest may run HVM guests itself.
        nested_hvm: Option<Defbool>,
        /// A local APIC.
        apic: Option<Defbool>,
        /// Run the device model without privileges.
        dm_restrict: Option<Defbool>,
        /// The trusted execution environment of an Arm guest.
        tee: Tee,
        /// The settings of an HVM guest.
        hvm as "type.hvm": Option<Hvm>,
        /// The settings of a PV guest.
        pv as "type.pv": Option<Pv>,
        /// The settings of a PVH guest.
        pvh as "type.pvh": Option<Pvh>,
        /// Settings of Arm only.
        arch_arm: ArchArm,
        /// Settings of x86 only.
        arch_x86: ArchX86,
        /// Alternate physical-to-machine maps.
        altp2m: Altp2m,
        /// How many of them; since Xen 4.21.
        altp2m_count: Option<u32>,
        /// The size of each vCPU's trace buffer, in KiB.
        vmtrace_buf_kb: i32,
        /// A virtual performance monitoring unit.
        vpmu: Option<Defbool>,
        /// Fault on addresses that nothing stands at (Arm); since Xen 4.21.
        trap_unmapped_accesses: Option<Defbool>,
        /// Xenstore's features that the guest sees, as bits; since Xen 4.21.
        xenstore_feature_mask: Option<u32>,
        /// The guest's quota in xenstore; since Xen 4.22, which always prints it.
        xenstore_quota: Option<XenstoreQuotas>,
    }
}

libxl_struct! {
    /// `libxl_domain_sched_params`; what is not given is left as the scheduler has it.
    pub struct SchedParams {
        /// The scheduler that they are for.
        sched: Option<Scheduler>,
        /// Its share of the CPUs beside others'; xl.cfg's `cpu_weight`.
        weight: Option<i32>,
        /// The CPU time it gets at most, in hundredths of a CPU; 0 is no limit.
        cap: Option<i32>,
        /// RTDS: the period, in microseconds.
        period: Option<i32>,
        /// RTDS: the CPU time in a period, in microseconds.
        budget: Option<i32>,
        /// RTDS: whether it may have time that is left over.
        extratime: Option<i32>,
        /// SEDF's, which Xen no longer has.
        slice: Option<i32>,
        /// SEDF's, which Xen no longer has.
        latency: Option<i32>,
    }
}

libxl_struct! {
    /// `libxl_vnode_info`: a NUMA node of the guest.
    pub struct VnodeInfo {
        /// Its memory, in KiB.
        memkb: Option<u64>,
        /// The distances to each of the guest's nodes.
        distances: Vec<u32>,
        /// The host's node.
        pnode: u32,
        /// Its vCPUs.
        vcpus: Bitmap,
    }
}

libxl_struct! {
    /// `libxl_ioport_range`.
    pub struct IoportRange {
        /// The first port.
        first: u32,
        /// How many.
        number: u32,
    }
}

libxl_struct! {
    /// `libxl_iomem_range`.
    pub struct IomemRange {
        /// The first page frame of the host.
        start: u64,
        /// How many.
        number: u64,
        /// The first page frame in the guest; the same number where it is not given.
        gfn: Option<u64>,
    }
}

libxl_struct! {
    /// `libxl_domain_build_info.u.pv`.
    pub struct Pv {
        /// An old place of `kernel`.
        kernel: Option<String>,
        /// Memory for what is not the guest's RAM, in KiB.
        slack_memkb: Option<u64>,
        /// An old place of `bootloader`.
        bootloader: Option<String>,
        /// An old place of `bootloader_args`.
        bootloader_args: Vec<String>,
        /// An old place of `cmdline`.
        cmdline: Option<String>,
        /// An old place of `ramdisk`.
        ramdisk: Option<String>,
        /// Show the guest the host's memory map, for PCI passthrough.
        e820_host: Option<Defbool>,
    }
}

libxl_struct! {
    /// `libxl_domain_build_info.u.pvh`.
    pub struct Pvh {
        /// Run a PV guest inside, on a Xen of its own.
        pvshim: Option<Defbool>,
        /// That Xen's path.
        pvshim_path: Option<String>,
        /// That Xen's command line.
        pvshim_cmdline: Option<String>,
        /// More of its command line.
        pvshim_extra: Option<String>,
    }
}

libxl_struct! {
    /// `libxl_domain_build_info.arch_arm`.
    pub struct ArchArm {
        /// The interrupt controller.
        gic_version: GicVersion,
        /// The virtual UART.
        vuart: Option<VuartType>,
        /// The vector length; since Xen 4.18.
        sve_vl: Sve,
        /// Shared peripheral interrupts; since Xen 4.19.
        nr_spis: Option<u32>,
        /// The system control interface; since Xen 4.21, which always prints it.
        arm_sci: Option<ArmSci>,
    }
}

libxl_struct! {
    /// `libxl_arm_sci`.
    pub struct ArmSci {
        /// Which.
        kind as "type": ArmSciType,
    }
}

libxl_struct! {
    /// `libxl_domain_build_info.arch_x86`.
    pub struct ArchX86 {
        /// Let the guest read and write MSRs that Xen does not know.
        msr_relaxed: Option<Defbool>,
    }
}

libxl_struct! {
    /// `libxl_xs_quota_list`.
    pub struct XenstoreQuotas {
        /// The quota.
        quota: Vec<XenstoreQuota>,
    }
}

libxl_struct! {
    /// `libxl_xs_quota_item`.
    pub struct XenstoreQuota {
        /// Which quota.
        name: Option<String>,
        /// Its value.
        val: u32,
    }
}
