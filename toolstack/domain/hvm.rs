//! `libxl_domain_build_info.u.hvm`: the HVM-only settings, with the displays.

use timers::ticks::MissedTicks;

use super::declare::libxl_struct;
use super::enums::{
    Bios, GfxPassthruKind, HdType, RdmPolicy, RdmStrategy, SmbiosType, VendorDevice, VgaKind,
};
use super::idl::{Bitmap, Defbool};

/// So many Hyper-V groups libxl has room for; `all` in an xl.cfg are all of them.
pub(crate) const VIRIDIAN_GROUPS: u32 = 64;

libxl_struct! {
    /// `libxl_domain_build_info.u.hvm`.
    pub struct Hvm {
        /// The loader's path, which replaces hvmloader; xl.cfg's `firmware_override`.
        firmware: Option<String>,
        /// rombios, seabios or ovmf.
        bios: Option<Bios>,
        /// Physical address extension.
        pae: Option<Defbool>,
        /// An old place of `apic`.
        apic: Option<Defbool>,
        /// An old place of `acpi`.
        acpi: Option<Defbool>,
        /// ACPI sleep state S3.
        acpi_s3: Option<Defbool>,
        /// ACPI sleep state S4.
        acpi_s4: Option<Defbool>,
        /// ACPI says that the machine is a laptop or a tablet.
        acpi_laptop_slate: Option<Defbool>,
        /// The no-execute bit.
        nx: Option<Defbool>,
        /// The default group of Hyper-V enlightenments.
        viridian: Option<Defbool>,
        /// Hyper-V enlightenments by number.
        viridian_enable: Bitmap,
        /// Hyper-V enlightenments taken away again.
        viridian_disable: Bitmap,
        /// xend's RTC offset, which nothing reads.
        timeoffset: Option<String>,
        /// A high precision event timer.
        hpet: Option<Defbool>,
        /// Align periodic timers with each other.
        vpt_align: Option<Defbool>,
        /// The hole for devices' memory below 4 GiB, in KiB.
        mmio_hole_memkb: Option<u64>,
        /// An old place of `timer_mode`.
        timer_mode: Option<MissedTicks>,
        /// An old place of `nested_hvm`.
        nested_hvm: Option<Defbool>,
        /// An old place of `altp2m`; xl.cfg's `altp2mhvm`.
        altp2m: Option<Defbool>,
        /// The firmware blob's path; xl.cfg's `bios_path_override`.
        system_firmware: Option<String>,
        /// A file of SMBIOS structures.
        smbios_firmware: Option<String>,
        /// Strings of the SMBIOS tables; since Xen 4.18.
        smbios: Vec<Smbios>,
        /// A file of ACPI tables.
        acpi_firmware: Option<String>,
        /// The controller of the emulated hard disks.
        hdtype: HdType,
        /// No graphics at all.
        nographic: Option<Defbool>,
        /// The emulated graphics card.
        vga: Vga,
        /// A VNC server.
        vnc: Vnc,
        /// Keyboard layout.
        keymap: Option<String>,
        /// An SDL window.
        sdl: Sdl,
        /// A SPICE server.
        spice: Spice,
        /// Pass the host's graphics card through as the first one.
        gfx_passthru: Option<Defbool>,
        /// Which kind of card that is.
        gfx_passthru_kind: GfxPassthruKind,
        /// The one serial port.
        serial: Option<String>,
        /// Boot order: letters of a, c, d, n.
        boot: Option<String>,
        /// An emulated USB controller.
        usb: Option<Defbool>,
        /// The version of its USB: 1, 2 or 3.
        usbversion: i32,
        /// The one USB device.
        usbdevice: Option<String>,
        /// A paravirtual keyboard and pointer beside the emulated ones.
        vkb_device: Option<Defbool>,
        /// The emulated sound card.
        soundhw: Option<String>,
        /// Xen's PCI device, which paravirtual drivers look for.
        xen_platform_pci: Option<Defbool>,
        /// Its memory is not cached; since Xen 4.21.
        xen_platform_pci_bar_uc: Option<Defbool>,
        /// Several USB devices.
        usbdevice_list: Vec<String>,
        /// An extra PCI device for Windows Update.
        vendor_device: VendorDevice,
        /// The VM generation ID, 16 bytes.
        ms_vm_genid: GenId,
        /// Several serial ports.
        serial_list: Vec<String>,
        /// Reserved device memory.
        rdm: RdmReserve,
        /// The limit to which reserved memory may move the end of low RAM, in KiB.
        rdm_mem_boundary_memkb: Option<u64>,
        /// Machine check features, as bits.
        mca_caps: u64,
        /// Interrupts as event channels; since Xen 4.19.
        pirq: Option<Defbool>,
    }
}

libxl_struct! {
    /// `libxl_vga_interface_info`.
    pub struct Vga {
        /// The card.
        kind: Option<VgaKind>,
    }
}

libxl_struct! {
    /// `libxl_vnc_info`.
    pub struct Vnc {
        /// On or off.
        enable: Option<Defbool>,
        /// The address to listen on.
        listen: Option<String>,
        /// The password.
        passwd: Option<String>,
        /// The display; its port is 5900 more.
        display: i32,
        /// Take the next free display.
        findunused: Option<Defbool>,
    }
}

libxl_struct! {
    /// `libxl_sdl_info`.
    pub struct Sdl {
        /// On or off.
        enable: Option<Defbool>,
        /// Draw with OpenGL.
        opengl: Option<Defbool>,
        /// X11 display.
        display: Option<String>,
        /// X11 authority file.
        xauthority: Option<String>,
    }
}

libxl_struct! {
    /// `libxl_spice_info`.
    pub struct Spice {
        /// On or off.
        enable: Option<Defbool>,
        /// Port without TLS.
        port: i32,
        /// Port with TLS.
        tls_port: i32,
        /// The address to listen on.
        host: Option<String>,
        /// Clients need no password.
        disable_ticketing: Option<Defbool>,
        /// The password.
        passwd: Option<String>,
        /// Mouse by the guest's agent.
        agent_mouse: Option<Defbool>,
        /// The guest's agent channel.
        vdagent: Option<Defbool>,
        /// Share the clipboard.
        clipboard_sharing: Option<Defbool>,
        /// How many USB devices a client can redirect.
        usbredirection: i32,
        /// How images are compressed.
        image_compression: Option<String>,
        /// How video is streamed.
        streaming_video: Option<String>,
    }
}

libxl_struct! {
    /// `libxl_smbios`.
    pub struct Smbios {
        /// Which string.
        key: Option<SmbiosType>,
        /// The string.
        value: Option<String>,
    }
}

libxl_struct! {
    /// `libxl_rdm_reserve`.
    pub struct RdmReserve {
        /// Which reserved memory.
        strategy: RdmStrategy,
        /// The policy on a conflict.
        policy: Option<RdmPolicy>,
    }
}

/// `libxl_ms_vm_genid`: 16 bytes, all zero for none.
pub type GenId = [u8; 16];
