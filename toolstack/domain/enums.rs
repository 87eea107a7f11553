//! The enumerations of libxl's IDL, except those of the clock, which are in `timers`.

use super::declare::libxl_enum;

libxl_enum! {
    /// `libxl_action_on_shutdown`.
    pub enum ShutdownAction {
        /// Take the domain away.
        default Destroy = "destroy",
        /// Start it again.
        Restart = "restart",
        /// Start it again and keep the old one under another name.
        RestartRename = "restart_rename",
        /// Keep what is left of it.
        Preserve = "preserve",
        /// Write a core dump, then destroy.
        CoredumpDestroy = "coredump_destroy",
        /// Write a core dump, then restart.
        CoredumpRestart = "coredump_restart",
        /// Start it again in the same memory.
        SoftReset = "soft_reset",
    }
}

impl ShutdownAction {
    /// The word of xl.cfg's `on_poweroff` and its kin.
    #[must_use]
    pub(crate) fn xl_word(self) -> &'static str {
        match self {
            ShutdownAction::Destroy => "destroy",
            ShutdownAction::Restart => "restart",
            ShutdownAction::RestartRename => "rename-restart",
            ShutdownAction::Preserve => "preserve",
            ShutdownAction::CoredumpDestroy => "coredump-destroy",
            ShutdownAction::CoredumpRestart => "coredump-restart",
            ShutdownAction::SoftReset => "soft-reset",
        }
    }

    /// From a word of xl.cfg (libvirt's words are the same).
    #[must_use]
    pub(crate) fn from_xl_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.xl_word() == word)
    }
}

libxl_enum! {
    /// `libxl_device_model_version`.
    pub enum DeviceModelVersion default "unknown" {
        /// The qemu-dm of Xen's early days, removed from Xen.
        QemuXenTraditional = "qemu_xen_traditional",
        /// QEMU as it is maintained today.
        QemuXen = "qemu_xen",
    }
}

libxl_enum! {
    /// `libxl_bios_type`.
    pub enum Bios default "unknown" {
        /// Bochs' BIOS, for qemu-dm.
        Rombios = "rombios",
        /// SeaBIOS.
        Seabios = "seabios",
        /// UEFI.
        Ovmf = "ovmf",
    }
}

libxl_enum! {
    /// `libxl_vga_interface_type`.
    pub enum VgaKind default "unknown" {
        /// Cirrus Logic GD5446.
        Cirrus = "cirrus",
        /// Standard VGA with VBE; xl.cfg's `stdvga`.
        Std = "std",
        /// No card.
        None = "none",
        /// The card made for SPICE.
        Qxl = "qxl",
    }
}

libxl_enum! {
    /// `libxl_hdtype`: the controller of the emulated hard disks.
    pub enum HdType {
        /// PIIX IDE.
        default Ide = "ide",
        /// AHCI, that is SATA.
        Ahci = "ahci",
    }
}

libxl_enum! {
    /// `libxl_vendor_device`: an extra PCI device that tells Windows Update whose drivers to offer.
    pub enum VendorDevice {
        /// No such device.
        default None = "none",
        /// XenServer's.
        Xenserver = "xenserver",
    }
}

libxl_enum! {
    /// `libxl_gfx_passthru_kind`.
    pub enum GfxPassthruKind {
        /// By the device that is passed through.
        default Default = "default",
        /// An Intel integrated graphics device.
        Igd = "igd",
    }
}

libxl_enum! {
    /// `libxl_disk_format`.
    pub enum DiskFormat default "unknown" {
        /// QEMU's first copy-on-write format.
        Qcow = "qcow",
        /// QEMU's second copy-on-write format.
        Qcow2 = "qcow2",
        /// Microsoft's virtual hard disk.
        Vhd = "vhd",
        /// The bytes as they are.
        Raw = "raw",
        /// A drive without a medium.
        Empty = "empty",
        /// QEMU's enhanced disk.
        Qed = "qed",
    }
}

libxl_enum! {
    /// `libxl_disk_backend`.
    pub enum DiskBackend default "unknown" {
        /// The kernel's blkback on a block device.
        Phy = "phy",
        /// blktap.
        Tap = "tap",
        /// QEMU.
        Qdisk = "qdisk",
        /// A program of its own that reads xenstore.
        Standalone = "standalone",
    }
}

libxl_enum! {
    /// `libxl_disk_specification`: the protocol between frontend and backend.
    pub enum DiskSpecification default "unknown" {
        /// Xen's block protocol.
        Xen = "xen",
        /// virtio-blk.
        Virtio = "virtio",
    }
}

libxl_enum! {
    /// `libxl_disk_transport`: how a virtio disk is attached.
    pub enum DiskTransport default "unknown" {
        /// virtio-mmio.
        Mmio = "mmio",
    }
}

libxl_enum! {
    /// `libxl_virtio_transport`.
    pub enum VirtioTransport default "unknown" {
        /// virtio-mmio.
        Mmio = "mmio",
    }
}

libxl_enum! {
    /// `libxl_nic_type`.
    pub enum NicType default "unknown" {
        /// An emulated card beside the paravirtual one.
        VifIoemu = "vif_ioemu",
        /// The paravirtual one alone.
        Vif = "vif",
    }
}

libxl_enum! {
    /// `libxl_vkb_backend`.
    pub enum VkbBackend default "unknown" {
        /// QEMU.
        Qemu = "qemu",
        /// A daemon in dom0.
        Linux = "linux",
    }
}

libxl_enum! {
    /// `libxl_p9_type`: who serves a 9pfs share.
    pub enum P9Type default "unknown" {
        /// QEMU.
        Qemu = "qemu",
        /// xen-9pfsd.
        Xen9pfsd = "xen_9pfsd",
    }
}

libxl_enum! {
    /// `libxl_usbctrl_type`.
    pub enum UsbCtrlType {
        /// By the kind of guest and the host.
        default Auto = "auto",
        /// Paravirtual, served by the kernel.
        Pv = "pv",
        /// Emulated by the device model.
        DeviceModel = "devicemodel",
        /// Paravirtual, served by QEMU.
        Qusb = "qusb",
    }
}

libxl_enum! {
    /// `libxl_rdm_reserve_strategy`: which reserved device memory is kept out of the guest's RAM.
    pub enum RdmStrategy {
        /// That of the devices passed through.
        default Ignore = "ignore",
        /// All of the host's.
        Host = "host",
    }
}

libxl_enum! {
    /// `libxl_rdm_reserve_policy`: what happens on a conflict.
    pub enum RdmPolicy default "invalid" {
        /// The guest is not started.
        Strict = "strict",
        /// It is started with a warning.
        Relaxed = "relaxed",
    }
}

libxl_enum! {
    /// `libxl_passthrough`: whether the domain may have devices of the host.
    pub enum Passthrough {
        /// By the devices that the config names.
        default Default = "default",
        /// No.
        Disabled = "disabled",
        /// Yes; libxl chooses the page tables.
        Enabled = "enabled",
        /// Yes, with page tables of the IOMMU's own.
        SyncPt = "sync_pt",
        /// Yes, with the page tables that the CPUs use.
        SharePt = "share_pt",
    }
}

libxl_enum! {
    /// `libxl_scheduler`.
    pub enum Scheduler default "unknown" {
        /// Simple earliest deadline first, removed from Xen.
        Sedf = "sedf",
        /// The credit scheduler.
        Credit = "credit",
        /// Its successor.
        Credit2 = "credit2",
        /// ARINC 653.
        Arinc653 = "arinc653",
        /// Real-time deferrable server.
        Rtds = "rtds",
        /// One vCPU a CPU, no scheduling.
        Null = "null",
    }
}

libxl_enum! {
    /// `libxl_altp2m_mode`: who may use alternate physical-to-machine maps.
    pub enum Altp2m {
        /// Nobody.
        default Disabled = "disabled",
        /// The guest and others.
        Mixed = "mixed",
        /// Only others.
        External = "external",
        /// Others, and the guest its VMFUNC.
        Limited = "limited",
    }
}

libxl_enum! {
    /// `libxl_gic_version`: the interrupt controller of an Arm guest.
    pub enum GicVersion {
        /// The host's.
        default Default = "default",
        /// GICv2.
        V2 = "v2",
        /// GICv3.
        V3 = "v3",
    }
}

libxl_enum! {
    /// `libxl_vuart_type`: the virtual UART of an Arm guest.
    pub enum VuartType default "unknown" {
        /// SBSA's generic UART.
        SbsaUart = "sbsa_uart",
    }
}

libxl_enum! {
    /// `libxl_tee_type`: the trusted execution environment of an Arm guest.
    pub enum Tee {
        /// No access to one.
        default None = "none",
        /// OP-TEE.
        Optee = "optee",
        /// The firmware framework FF-A; since Xen 4.18.
        Ffa = "ffa",
    }
}

libxl_enum! {
    /// `libxl_sve_type`: the vector length of an Arm guest in bits; since Xen 4.18.
    pub enum Sve {
        /// No SVE.
        default Disabled = "disabled",
        /// The hardware's longest.
        Hw = "hw",
        /// 128 bits.
        Bits128 = "128",
        /// 256 bits.
        Bits256 = "256",
        /// 384 bits.
        Bits384 = "384",
        /// 512 bits.
        Bits512 = "512",
        /// 640 bits.
        Bits640 = "640",
        /// 768 bits.
        Bits768 = "768",
        /// 896 bits.
        Bits896 = "896",
        /// 1024 bits.
        Bits1024 = "1024",
        /// 1152 bits.
        Bits1152 = "1152",
        /// 1280 bits.
        Bits1280 = "1280",
        /// 1408 bits.
        Bits1408 = "1408",
        /// 1536 bits.
        Bits1536 = "1536",
        /// 1664 bits.
        Bits1664 = "1664",
        /// 1792 bits.
        Bits1792 = "1792",
        /// 1920 bits.
        Bits1920 = "1920",
        /// 2048 bits.
        Bits2048 = "2048",
    }
}

libxl_enum! {
    /// `libxl_arm_sci_type`: the system control interface of an Arm guest; since Xen 4.21.
    pub enum ArmSciType {
        /// None.
        default None = "none",
        /// SCMI by SMC calls.
        ScmiSmc = "scmi_smc",
    }
}

libxl_enum! {
    /// `libxl_smbios_type`: a string of the guest's SMBIOS tables; since Xen 4.18.
    pub enum SmbiosType default "" {
        /// BIOS vendor.
        BiosVendor = "bios_vendor",
        /// BIOS version.
        BiosVersion = "bios_version",
        /// System manufacturer.
        SystemManufacturer = "system_manufacturer",
        /// System product name.
        SystemProductName = "system_product_name",
        /// System version.
        SystemVersion = "system_version",
        /// System serial number.
        SystemSerialNumber = "system_serial_number",
        /// Baseboard manufacturer.
        BaseboardManufacturer = "baseboard_manufacturer",
        /// Baseboard product name.
        BaseboardProductName = "baseboard_product_name",
        /// Baseboard version.
        BaseboardVersion = "baseboard_version",
        /// Baseboard serial number.
        BaseboardSerialNumber = "baseboard_serial_number",
        /// Baseboard asset tag.
        BaseboardAssetTag = "baseboard_asset_tag",
        /// Baseboard location in the chassis.
        BaseboardLocationInChassis = "baseboard_location_in_chassis",
        /// Chassis manufacturer.
        EnclosureManufacturer = "enclosure_manufacturer",
        /// Chassis serial number.
        EnclosureSerialNumber = "enclosure_serial_number",
        /// Chassis asset tag.
        EnclosureAssetTag = "enclosure_asset_tag",
        /// Battery manufacturer.
        BatteryManufacturer = "battery_manufacturer",
        /// Battery device name.
        BatteryDeviceName = "battery_device_name",
        /// An OEM string; there may be several.
        Oem = "oem",
    }
}

libxl_enum! {
    /// `libxl_vsnd_stream_type`.
    pub enum VsndStreamType default "" {
        /// Playback.
        Playback = "p",
        /// Capture.
        Capture = "c",
    }
}

libxl_enum! {
    /// `libxl_vsnd_pcm_format`: a sample format of a paravirtual sound device.
    pub enum VsndFormat default "" {
        /// Signed 8 bits.
        S8 = "s8",
        /// Unsigned 8 bits.
        U8 = "u8",
        /// Signed 16 bits, little endian.
        S16Le = "s16_le",
        /// Signed 16 bits, big endian.
        S16Be = "s16_be",
        /// Unsigned 16 bits, little endian.
        U16Le = "u16_le",
        /// Unsigned 16 bits, big endian.
        U16Be = "u16_be",
        /// Signed 24 bits, little endian.
        S24Le = "s24_le",
        /// Signed 24 bits, big endian.
        S24Be = "s24_be",
        /// Unsigned 24 bits, little endian.
        U24Le = "u24_le",
        /// Unsigned 24 bits, big endian.
        U24Be = "u24_be",
        /// Signed 32 bits, little endian.
        S32Le = "s32_le",
        /// Signed 32 bits, big endian.
        S32Be = "s32_be",
        /// Unsigned 32 bits, little endian.
        U32Le = "u32_le",
        /// Unsigned 32 bits, big endian.
        U32Be = "u32_be",
        /// Floating point of 32 bits, little endian.
        F32Le = "f32_le",
        /// Floating point of 32 bits, big endian.
        F32Be = "f32_be",
        /// Floating point of 64 bits, little endian.
        F64Le = "f64_le",
        /// Floating point of 64 bits, big endian.
        F64Be = "f64_be",
        /// IEC 958 subframes, little endian.
        Iec958SubframeLe = "iec958_subframe_le",
        /// IEC 958 subframes, big endian.
        Iec958SubframeBe = "iec958_subframe_be",
        /// G.711 mu-law.
        MuLaw = "mu_law",
        /// G.711 A-law.
        ALaw = "a_law",
        /// IMA ADPCM.
        ImaAdpcm = "ima_adpcm",
        /// MPEG.
        Mpeg = "mpeg",
        /// GSM.
        Gsm = "gsm",
    }
}
