//! `DomainConfig`: libxl's own description of a domain, typed so that its JSON *is* libxl's JSON.
//!
//! Mirrors `libxl_domain_config` in Xen's `libxl_types.idl`: the same names in the same order, and a field is left out
//! where libxl leaves it out (when it has its default). The newest supported IDL is that of Xen 4.22; fields of later
//! ones are kept in `rest`, so that a config read from libxl is returned complete.

use timers::{GuestKind, UtcOffset};

pub use super::build_info::{
    ArchArm, ArchX86, ArmSci, BuildInfo, IomemRange, IoportRange, Pv, Pvh, SchedParams, VnodeInfo,
    XenstoreQuota, XenstoreQuotas,
};
pub use super::cpuid::{CpuPolicy, CpuidLeaf, MsrPolicy};
pub use super::create_info::CreateInfo;
use super::declare::libxl_struct;
pub use super::devices::{
    Channel, Connection, Connector, Disk, Dtdev, HostUsb, Nic, NicColo, P9, Pci, Pvcalls, Rdm, UsbCtrl,
    UsbDev, Vdispl, Vfb, Virtio, Vkb, Vsnd, VsndParams, VsndPcm, VsndStream, Vtpm,
};
pub use super::enums::{
    Altp2m, ArmSciType, Bios, DeviceModelVersion, DiskBackend, DiskFormat, DiskSpecification, DiskTransport,
    GfxPassthruKind, GicVersion, HdType, NicType, P9Type, Passthrough, RdmPolicy, RdmStrategy, Scheduler,
    ShutdownAction, SmbiosType, Sve, Tee, UsbCtrlType, VendorDevice, VgaKind, VirtioTransport, VkbBackend,
    VsndFormat, VsndStreamType, VuartType,
};
pub use super::hvm::{GenId, Hvm, RdmReserve, Sdl, Smbios, Spice, Vga, Vnc};
pub use super::idl::{Bitmap, Defbool, KeyValues, Rest};

libxl_struct! {
    /// A whole domain: `libxl_domain_config`.
    pub struct DomainConfig {
        /// The kind and identity of the domain.
        c_info: CreateInfo,
        /// How it is built.
        b_info: BuildInfo,
        /// Block devices.
        disks: Vec<Disk>,
        /// Network interfaces.
        nics: Vec<Nic>,
        /// PCI devices of the host.
        pcidevs: Vec<Pci>,
        /// Reserved device memory.
        rdms: Vec<Rdm>,
        /// Devices of the host's device tree.
        dtdevs: Vec<Dtdev>,
        /// Paravirtual framebuffers.
        vfbs: Vec<Vfb>,
        /// Paravirtual keyboards and pointers.
        vkbs: Vec<Vkb>,
        /// virtio devices; since Xen 4.18.
        virtios: Vec<Virtio>,
        /// TPMs.
        vtpms: Vec<Vtpm>,
        /// Directories shared by 9pfs.
        p9s: Vec<P9>,
        /// Sockets of another domain.
        pvcallsifs: Vec<Pvcalls>,
        /// Paravirtual displays.
        vdispls: Vec<Vdispl>,
        /// Paravirtual sound cards.
        vsnds: Vec<Vsnd>,
        /// Consoles with a name.
        channels: Vec<Channel>,
        /// USB controllers.
        usbctrls: Vec<UsbCtrl>,
        /// USB devices of the host.
        usbdevs: Vec<UsbDev>,
        /// The action when the guest powers off.
        on_poweroff: ShutdownAction,
        /// The action when the guest reboots.
        on_reboot: ShutdownAction,
        /// The action when the guest's watchdog fires.
        on_watchdog: ShutdownAction,
        /// The action when the guest crashes.
        on_crash: ShutdownAction,
        /// The action when the guest requests a soft reset.
        on_soft_reset: ShutdownAction,
    }
}

/// The most vCPUs that Xen gives to a guest of this kind: `MAX_VIRT_CPUS` for PV, `HVM_MAX_VCPUS` for HVM and PVH.
pub(crate) const fn most_vcpus(kind: GuestKind) -> i32 {
    match kind {
        GuestKind::Pv => 8192,
        GuestKind::Hvm | GuestKind::Pvh => 128,
    }
}

impl DomainConfig {
    /// A config with the settings that xl gives every guest of this kind.
    #[must_use]
    pub fn new(kind: GuestKind) -> Self {
        let mut config = DomainConfig::default();
        config.c_info.kind = Some(kind);
        config.c_info.run_hotplug_scripts = Some(Defbool::True);
        config.b_info.claim_mode = Some(Defbool::True);
        config.on_reboot = ShutdownAction::Restart;
        config.on_soft_reset = ShutdownAction::SoftReset;
        match kind {
            GuestKind::Hvm => config.b_info.hvm = Some(Hvm::default()),
            GuestKind::Pv => config.b_info.pv = Some(Pv::default()),
            GuestKind::Pvh => config.b_info.pvh = Some(Pvh::default()),
        }
        config
    }

    /// hvm, pv or pvh; pv where nothing is said, as in xl.
    #[must_use]
    pub fn kind(&self) -> GuestKind {
        self.c_info.kind.unwrap_or(GuestKind::Pv)
    }

    /// True if libxl adds the offset of the host's zone to [`rtc_timeoffset`](BuildInfo::rtc_timeoffset).
    #[must_use]
    pub fn is_localtime(&self) -> bool {
        self.b_info.localtime.is_some_and(Defbool::is_true)
    }

    /// Sets one offset from UTC, and no zone.
    pub fn set_rtc_offset(&mut self, offset: UtcOffset) {
        self.b_info.rtc_timeoffset = offset.to_libxl();
        self.b_info.localtime = None;
    }

    /// The domain's name, empty where there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.c_info.name.as_deref().unwrap_or_default()
    }
}
