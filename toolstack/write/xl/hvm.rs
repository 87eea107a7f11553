//! `libxl_domain_build_info.u.hvm`: the HVM-only settings, with the displays.

use timers::hyperv::Viridian;

use super::Section::{Boot, Clock, Cpus, Devices, Passthrough, Screen};
use super::Writer;
use crate::diag::Finding;
use crate::domain::Defbool;
use crate::domain::config::{
    Bios, GfxPassthruKind, HdType, Hvm, RdmReserve, RdmStrategy, Sdl, Smbios, SmbiosType, Spice,
    VendorDevice, Vga, VgaKind, Vnc,
};
use crate::domain::hvm::VIRIDIAN_GROUPS;
use crate::domain::release;
use crate::write::value::Value;

/// The field's path in libxl's JSON.
macro_rules! at {
    ($field:literal) => {
        concat!("b_info.type.hvm.", $field)
    };
}

/// The size that `mmio_hole` may have, in KiB.
const MMIO_HOLE: std::ops::RangeInclusive<u64> = 0x1000_0000 / 1024..=0xf000_0000 / 1024;

/// The one machine check feature, as a bit and by xl's name.
const LMCE: (u64, &str) = (1, "lmce");

/// How many OEM strings SMBIOS may have.
const OEM_STRINGS: usize = 99;

impl Writer {
    pub(super) fn hvm(&mut self, hvm: &Hvm) {
        let Hvm {
            firmware,
            bios,
            pae,
            // Old places of what is written for every guest.
            apic: _,
            acpi: _,
            timer_mode: _,
            nested_hvm: _,
            acpi_s3,
            acpi_s4,
            acpi_laptop_slate,
            nx,
            viridian,
            viridian_enable,
            viridian_disable,
            timeoffset,
            hpet,
            vpt_align,
            mmio_hole_memkb,
            altp2m,
            system_firmware,
            smbios_firmware,
            smbios,
            acpi_firmware,
            hdtype,
            nographic,
            vga,
            vnc,
            keymap,
            sdl,
            spice,
            gfx_passthru,
            gfx_passthru_kind,
            serial,
            boot,
            usb,
            usbversion,
            usbdevice,
            vkb_device,
            soundhw,
            xen_platform_pci,
            xen_platform_pci_bar_uc,
            usbdevice_list,
            vendor_device,
            ms_vm_genid,
            serial_list,
            rdm,
            rdm_mem_boundary_memkb,
            mca_caps,
            pirq,
            rest,
        } = hvm;
        self.flag(Boot, "pae", *pae);
        self.flag(Boot, "nx", *nx);
        self.flag(Boot, "acpi_s3", *acpi_s3);
        self.flag(Boot, "acpi_s4", *acpi_s4);
        self.flag(Boot, "acpi_laptop_slate", *acpi_laptop_slate);
        self.text(Boot, "firmware_override", at!("firmware"), firmware.as_ref());
        self.maybe(Boot, "bios", bios.map(Bios::as_str));
        self.text(Boot, "bios_path_override", at!("system_firmware"), system_firmware.as_ref());
        self.text(Boot, "acpi_firmware", at!("acpi_firmware"), acpi_firmware.as_ref());
        self.text(Boot, "smbios_firmware", at!("smbios_firmware"), smbios_firmware.as_ref());
        self.smbios(smbios);
        self.text(Boot, "boot", at!("boot"), boot.as_ref());
        self.viridian(*viridian, viridian_enable, viridian_disable);
        self.genid(ms_vm_genid);
        self.mmio_hole(*mmio_hole_memkb);
        self.flag(Boot, "hvm_pirq", *pirq);
        self.flag(Boot, "xen_platform_pci", *xen_platform_pci);
        self.flag(Boot, "xen_platform_pci_bar_uc", *xen_platform_pci_bar_uc);
        if *vendor_device != VendorDevice::None {
            self.set(Boot, "vendor_device", vendor_device.as_str());
        }
        self.mca_caps(*mca_caps);
        self.flag(Cpus, "altp2mhvm", *altp2m);
        self.flag(Clock, "hpet", *hpet);
        self.flag(Clock, "vpt_align", *vpt_align);
        if timeoffset.is_some() {
            self.same(at!("timeoffset"), "libxl does not use it");
        }
        if *hdtype != HdType::Ide {
            self.set(Devices, "hdtype", hdtype.as_str());
        }

        let Vga { kind, rest: vga_rest } = vga;
        self.maybe(
            Screen,
            "vga",
            kind.map(|kind| if kind == VgaKind::Std { "stdvga" } else { kind.as_str() }),
        );
        self.rest(at!("vga"), vga_rest);
        self.flag(Screen, "nographic", *nographic);
        self.vnc(vnc);
        self.text(Screen, "keymap", at!("keymap"), keymap.as_ref());
        self.sdl(sdl);
        self.spice(spice);
        self.graphics_passthrough(*gfx_passthru, *gfx_passthru_kind);
        self.one_or_many("serial", at!("serial"), serial.as_ref(), serial_list);
        self.flag(Screen, "usb", *usb);
        self.number(Screen, "usbversion", *usbversion);
        self.one_or_many("usbdevice", at!("usbdevice"), usbdevice.as_ref(), usbdevice_list);
        self.flag(Screen, "vkb_device", *vkb_device);
        self.text(Screen, "soundhw", at!("soundhw"), soundhw.as_ref());
        self.rdm(rdm);
        self.memory(Passthrough, "rdm_mem_boundary", at!("rdm_mem_boundary_memkb"), *rdm_mem_boundary_memkb);
        self.rest("b_info.type.hvm", rest);
    }

    /// A key that takes a text or a list of them.
    fn one_or_many(&mut self, key: &str, path: &str, one: Option<&String>, many: &[String]) {
        if many.is_empty() {
            self.text(Screen, key, path, one);
        } else {
            self.texts(Screen, key, path, many);
            if one.is_some() {
                self.lost(path, format!("{key} is a list here, and xl reads it only once"));
            }
        }
    }

    fn vnc(&mut self, vnc: &Vnc) {
        let Vnc { enable, listen, passwd, display, findunused, rest } = vnc;
        self.flag(Screen, "vnc", *enable);
        // xl takes a colon for one before a display, and refuses a second one.
        let with_display = listen.as_ref().filter(|listen| *display != 0 && listen.contains(':'));
        match with_display {
            Some(listen) => {
                let listen = format!("{}:{display}", bracketed(listen));
                self.same(at!("vnc.display"), format!("it is part of vnclisten: {listen}"));
                self.text(Screen, "vnclisten", at!("vnc.listen"), Some(&listen));
            }
            None => {
                self.text(Screen, "vnclisten", at!("vnc.listen"), listen.as_ref());
                self.number(Screen, "vncdisplay", *display);
            }
        }
        self.text(Screen, "vncpasswd", at!("vnc.passwd"), passwd.as_ref());
        self.flag(Screen, "vncunused", *findunused);
        self.rest(at!("vnc"), rest);
    }

    fn sdl(&mut self, sdl: &Sdl) {
        let Sdl { enable, opengl, display, xauthority, rest } = sdl;
        self.flag(Screen, "sdl", *enable);
        self.flag(Screen, "opengl", *opengl);
        self.text(Screen, "display", at!("sdl.display"), display.as_ref());
        self.text(Screen, "xauthority", at!("sdl.xauthority"), xauthority.as_ref());
        self.rest(at!("sdl"), rest);
    }

    fn spice(&mut self, spice: &Spice) {
        let Spice {
            enable,
            port,
            tls_port,
            host,
            disable_ticketing,
            passwd,
            agent_mouse,
            vdagent,
            clipboard_sharing,
            usbredirection,
            image_compression,
            streaming_video,
            rest,
        } = spice;
        self.flag(Screen, "spice", *enable);
        self.number(Screen, "spiceport", *port);
        self.number(Screen, "spicetls_port", *tls_port);
        self.text(Screen, "spicehost", at!("spice.host"), host.as_ref());
        self.flag(Screen, "spicedisable_ticketing", *disable_ticketing);
        self.text(Screen, "spicepasswd", at!("spice.passwd"), passwd.as_ref());
        self.flag(Screen, "spiceagent_mouse", *agent_mouse);
        self.flag(Screen, "spicevdagent", *vdagent);
        self.flag(Screen, "spice_clipboard_sharing", *clipboard_sharing);
        self.number(Screen, "spiceusbredirection", *usbredirection);
        self.text(
            Screen,
            "spice_image_compression",
            at!("spice.image_compression"),
            image_compression.as_ref(),
        );
        self.text(Screen, "spice_streaming_video", at!("spice.streaming_video"), streaming_video.as_ref());
        self.rest(at!("spice"), rest);
    }

    fn viridian(&mut self, defaults: Option<Defbool>, enable: &[u32], disable: &[u32]) {
        let mut words = Vec::new();
        // Those that are disabled are none of all.
        let is_of_all = |group: u32| enable.contains(&group) != disable.contains(&group);
        let is_all = (0..VIRIDIAN_GROUPS).all(is_of_all) && !enable.is_empty();
        words.extend(is_all.then(|| Value::from("all")));
        let enabled = if is_all { &[] } else { enable };
        for (groups, path, not) in
            [(enabled, at!("viridian_enable"), ""), (disable, at!("viridian_disable"), "!")]
        {
            let (named, others): (Vec<u32>, Vec<u32>) =
                groups.iter().partition(|group| Viridian::from_number(**group).is_some());
            if !others.is_empty() {
                let numbers: Vec<_> = others.iter().map(u32::to_string).collect();
                let s = if numbers.len() == 1 { "" } else { "s" };
                self.lost(path, format!("xl has no name for group{s} {}", numbers.join(", ")));
            }
            for number in &named {
                let Some(word) = Viridian::from_number(*number).map(Viridian::as_str) else { continue };
                match release::word("viridian", word).filter(|known| !known.by(self.release)) {
                    Some(known) => {
                        let reason = self.other_release(&format!("the group {word}"), known);
                        self.unsaid(path, Finding::unsupported("other-xen", reason));
                    }
                    None if not == "!" && enable.contains(number) => {
                        self.lost(
                            at!("viridian_enable"),
                            format!("{word} is both enabled and disabled, and disabled wins"),
                        );
                        words.push(Value::from(format!("!{word}")));
                    }
                    None => words.push(Value::from(format!("{not}{word}"))),
                }
            }
        }
        if words.is_empty() {
            return self.flag(Boot, "viridian", defaults);
        }
        match defaults {
            Some(Defbool::True) => words.insert(0, Value::from("defaults")),
            Some(Defbool::False) => {
                self.same(at!("viridian"), "a list without the default groups disables them")
            }
            None => {}
        }
        self.set(Boot, "viridian", Value::Line(words));
    }

    fn smbios(&mut self, strings: &[Smbios]) {
        let mut entries = Vec::new();
        let mut oem = 0;
        for (index, Smbios { key, value, rest }) in strings.iter().enumerate() {
            let path = format!("{}[{index}]", at!("smbios"));
            self.rest(&path, rest);
            oem += usize::from(*key == Some(SmbiosType::Oem));
            match (key, value.as_deref()) {
                (Some(SmbiosType::Oem), _) if oem > OEM_STRINGS => {
                    self.lost(path, format!("xl takes {OEM_STRINGS} OEM strings"));
                }
                (Some(key), Some(value)) if !value.is_empty() => {
                    entries.push(format!("{}={value}", key.as_str()))
                }
                _ => self.lost(path, "xl accepts only a known string with a value that is not empty"),
            }
        }
        self.texts(Boot, "smbios", at!("smbios"), &entries);
    }

    fn genid(&mut self, id: &[u8; 16]) {
        if *id != [0; 16] {
            self.set(Boot, "ms_vm_genid", "generate");
            let reason = "xl.cfg cannot give an ID: xl generates a new one at each start";
            self.nearest(at!("ms_vm_genid"), reason);
        }
    }

    fn mmio_hole(&mut self, kib: Option<u64>) {
        match kib {
            Some(kib) if !MMIO_HOLE.contains(&kib) => {
                self.lost(at!("mmio_hole_memkb"), "xl accepts a hole of 256 to 3840 MiB");
            }
            kib => self.memory(Boot, "mmio_hole", at!("mmio_hole_memkb"), kib),
        }
    }

    fn mca_caps(&mut self, caps: u64) {
        let (lmce, word) = LMCE;
        if caps & lmce != 0 {
            self.set(Cpus, "mca_caps", Value::Line(vec![Value::from(word)]));
        }
        if caps & !lmce != 0 {
            self.lost(at!("mca_caps"), format!("xl knows one of them, {word}"));
        }
    }

    fn graphics_passthrough(&mut self, passthrough: Option<Defbool>, kind: GfxPassthruKind) {
        match (passthrough, kind) {
            (_, GfxPassthruKind::Default) => self.flag(Passthrough, "gfx_passthru", passthrough),
            (Some(Defbool::True), kind) => self.set(Passthrough, "gfx_passthru", kind.as_str()),
            (_, kind) => {
                self.flag(Passthrough, "gfx_passthru", passthrough);
                let reason = format!("no card is passed through, so {} has no effect", kind.as_str());
                self.same(at!("gfx_passthru_kind"), reason);
            }
        }
    }

    /// xl's parser takes a policy for an error, and over a strategy alone it reads memory that is not set.
    fn rdm(&mut self, rdm: &RdmReserve) {
        let RdmReserve { strategy, policy, rest } = rdm;
        let instead = "set rdm_policy of each PCI device";
        for (path, is_set) in
            [(at!("rdm.strategy"), *strategy != RdmStrategy::Ignore), (at!("rdm.policy"), policy.is_some())]
        {
            if is_set {
                let finding = Finding::unsupported("not-in-xl-cfg", "no xl reads rdm correctly");
                self.unsaid(path, finding.instead(instead));
            }
        }
        self.rest(at!("rdm"), rest);
    }
}

/// An IPv6 address in brackets, which part it from a port.
fn bracketed(address: &str) -> String {
    if address.starts_with('[') { address.to_owned() } else { format!("[{address}]") }
}
