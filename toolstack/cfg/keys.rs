//! The keys of an xl.cfg: the kinds of guests that have each, and the field for its value.
//!
//! The keys are those of `xl_parse.c` from Xen 4.17 to 4.22, and xenclock's `clock_` keys.

use timers::GuestKind;

use super::suggest::{self, Unit};
use crate::domain::Defbool;
use crate::domain::config::{DomainConfig, Hvm};

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    guests: u8,
    pub takes: Takes,
    /// The unit of its number.
    pub unit: Unit,
}

/// The type of a key's value, and its field.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// A string, as it is.
    Text(fn(&mut DomainConfig) -> Option<&mut Option<String>>),
    /// A number, of which only 0 is no.
    Flag(fn(&mut DomainConfig) -> Option<&mut Option<Defbool>>),
    /// A number.
    Number(fn(&mut DomainConfig, i64)),
    /// A list of devices or of the like, each a text with settings.
    Entries,
    /// Something that has code of its own.
    Own,
}

const HVM: u8 = 1;
const PV: u8 = 2;
const PVH: u8 = 4;
const ANY: u8 = HVM | PV | PVH;

/// Keys with code of their own that take no list.
const WITHOUT_LISTS: [&str; 12] = [
    "bios", "builder", "extra", "maxmem", "maxvcpus", "memory", "name", "tsc_mode", "type", "uuid", "vcpus",
    "vga",
];

/// True if a key takes a list of entries.
pub fn is_list(name: &str) -> bool {
    find(name).is_some_and(|key| matches!(key.takes, Takes::Entries))
}

impl Key {
    const fn counts(self, unit: Unit) -> Self {
        Key { unit, ..self }
    }

    /// True if a guest of this kind has it.
    pub fn is_for(&self, kind: GuestKind) -> bool {
        let bit = match kind {
            GuestKind::Hvm => HVM,
            GuestKind::Pv => PV,
            GuestKind::Pvh => PVH,
        };
        self.guests & bit != 0
    }

    /// True if xl takes no list for it.
    pub fn takes_one(&self) -> bool {
        let is_one = matches!(self.takes, Takes::Text(_) | Takes::Flag(_) | Takes::Number(_));
        is_one || WITHOUT_LISTS.contains(&self.name)
    }

    /// True if its value is a number alone.
    pub fn takes_number(&self) -> bool {
        matches!(self.takes, Takes::Number(_) | Takes::Flag(_)) || self.unit != Unit::Plain
    }

    /// The value of it that a text stands for, where that is a number. Only a key that takes nothing but a number has
    /// a sum of it, or a unit.
    pub fn number_in(&self, text: &str) -> Option<String> {
        let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (self.takes_number() || is_digits).then(|| suggest::number(text, self.unit)).flatten()
    }

    /// The guests that have it, where not all do.
    pub fn guests(&self) -> &'static str {
        match self.guests {
            HVM => "an HVM guest",
            PV => "a PV guest",
            PVH => "a PVH guest",
            _ => "another guest",
        }
    }
}

/// Our own keys: first those that say what the RTC shows, and of these first those that say which kind of clock it is.
pub const OURS: [&str; 8] = [
    "clock_offset",
    "clock_timezone",
    "clock_start",
    "clock_adjustment",
    "clock_basis",
    "clock_tsc_frequency",
    "clock_tsc_tolerance",
    "clock_timers",
];

/// Our own keys that say what the RTC shows.
pub const OUR_OFFSET: &[&str] = OURS.split_at(5).0;

/// The key of this name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.binary_search_by(|key| key.name.cmp(name)).ok().and_then(|index| KEYS.get(index))
}

/// The unit of a key's number; `None` for an unknown key.
pub fn unit_of(name: &str) -> Option<Unit> {
    find(name).map(|key| key.unit)
}

const fn key(name: &'static str, guests: u8, takes: Takes) -> Key {
    let unit = match takes {
        Takes::Flag(_) => Unit::Flag,
        _ => Unit::Plain,
    };
    Key { name, guests, takes, unit }
}

fn hvm(config: &mut DomainConfig) -> Option<&mut Hvm> {
    config.b_info.hvm.as_mut()
}

/// MiB as KiB, in the 64 bits that xl multiplies in; all bits set is libxl's default.
pub fn kibibytes(mebibytes: i64) -> Option<u64> {
    Some(mebibytes.wrapping_mul(1024) as u64)
}

/// A number of 32 bits of which -1 is libxl's default.
fn int_but_minus_one(number: i64) -> Option<i32> {
    Some(number as i32).filter(|number| *number != -1)
}

/// A number of 32 bits without a sign of which one is libxl's default.
pub fn bits_but(default: u32, number: i64) -> Option<u32> {
    Some(number as u32).filter(|number| *number != default)
}

/// All keys, in the order of their names.
pub const KEYS: &[Key] = &[
    key("acpi", ANY, Takes::Flag(|config| Some(&mut config.b_info.acpi))),
    key("acpi_firmware", HVM, Takes::Text(|config| hvm(config).map(|hvm| &mut hvm.acpi_firmware))),
    key("acpi_laptop_slate", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.acpi_laptop_slate))),
    key("acpi_s3", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.acpi_s3))),
    key("acpi_s4", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.acpi_s4))),
    key("altp2m", ANY, Takes::Own),
    key("altp2m_count", ANY, Takes::Own),
    key("altp2mhvm", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.altp2m))),
    key("apic", HVM, Takes::Flag(|config| Some(&mut config.b_info.apic))),
    key("arm_sci", ANY, Takes::Entries),
    key("bios", HVM, Takes::Own),
    key("bios_path_override", HVM, Takes::Text(|config| hvm(config).map(|hvm| &mut hvm.system_firmware))),
    key("boot", HVM, Takes::Text(|config| hvm(config).map(|hvm| &mut hvm.boot))),
    key("bootloader", ANY, Takes::Text(|config| Some(&mut config.b_info.bootloader))),
    key("bootloader_args", ANY, Takes::Own),
    key("bootloader_restrict", ANY, Takes::Flag(|config| Some(&mut config.b_info.bootloader_restrict))),
    key("bootloader_user", ANY, Takes::Text(|config| Some(&mut config.b_info.bootloader_user))),
    key("builder", ANY, Takes::Own),
    key(
        "cap",
        ANY,
        Takes::Number(|config, number| config.b_info.sched_params.cap = int_but_minus_one(number)),
    ),
    key("channel", ANY, Takes::Entries),
    key("clock_adjustment", ANY, Takes::Own).counts(Unit::Seconds),
    key("clock_basis", ANY, Takes::Own),
    key("clock_offset", ANY, Takes::Own),
    key("clock_start", ANY, Takes::Own).counts(Unit::Epoch),
    key("clock_timers", ANY, Takes::Own),
    key("clock_timezone", ANY, Takes::Own),
    key("clock_tsc_frequency", ANY, Takes::Own).counts(Unit::Hertz),
    key("clock_tsc_tolerance", ANY, Takes::Own),
    key("cmdline", ANY, Takes::Own),
    key(
        "cpu_weight",
        ANY,
        Takes::Number(|config, number| config.b_info.sched_params.weight = int_but_minus_one(number)),
    ),
    key("cpuid", ANY, Takes::Own),
    key("cpus", ANY, Takes::Own),
    key("cpus_soft", ANY, Takes::Own),
    key("device_model", ANY, Takes::Own),
    key("device_model_args", ANY, Takes::Own),
    key("device_model_args_hvm", ANY, Takes::Own),
    key("device_model_args_pv", ANY, Takes::Own),
    key("device_model_override", ANY, Takes::Text(|config| Some(&mut config.b_info.device_model))),
    key(
        "device_model_stubdomain_override",
        ANY,
        Takes::Flag(|config| Some(&mut config.b_info.device_model_stubdomain)),
    ),
    key(
        "device_model_stubdomain_seclabel",
        ANY,
        Takes::Text(|config| Some(&mut config.b_info.device_model_ssid_label)),
    ),
    key("device_model_user", ANY, Takes::Text(|config| Some(&mut config.b_info.device_model_user))),
    key("device_model_version", ANY, Takes::Own),
    key("device_tree", ANY, Takes::Text(|config| Some(&mut config.b_info.device_tree))),
    key("disk", ANY, Takes::Entries),
    key("display", ANY, Takes::Own),
    key("dm_restrict", ANY, Takes::Flag(|config| Some(&mut config.b_info.dm_restrict))),
    key("driver_domain", ANY, Takes::Flag(|config| Some(&mut config.c_info.driver_domain))),
    key("dtdev", ANY, Takes::Own),
    key("e820_host", PV, Takes::Flag(|config| config.b_info.pv.as_mut().map(|pv| &mut pv.e820_host))),
    key("extra", ANY, Takes::Own),
    key(
        "extratime",
        ANY,
        Takes::Number(|config, number| config.b_info.sched_params.extratime = int_but_minus_one(number)),
    ),
    key("firmware", ANY, Takes::Own),
    key("firmware_override", HVM, Takes::Text(|config| hvm(config).map(|hvm| &mut hvm.firmware))),
    key("gfx_passthru", HVM, Takes::Own).counts(Unit::Flag),
    key("gic_version", ANY, Takes::Own),
    key("hap", ANY, Takes::Flag(|config| Some(&mut config.c_info.hap))),
    key("hdtype", HVM, Takes::Own),
    key("hpet", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.hpet))),
    key("hvm_pirq", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.pirq))),
    key("init_seclabel", ANY, Takes::Own),
    key("iomem", ANY, Takes::Own),
    key("ioports", ANY, Takes::Own),
    key("irqs", ANY, Takes::Own),
    key("kernel", ANY, Takes::Text(|config| Some(&mut config.b_info.kernel))),
    key("keymap", ANY, Takes::Own),
    key(
        "latency",
        ANY,
        Takes::Number(|config, number| config.b_info.sched_params.latency = int_but_minus_one(number)),
    ),
    key("llc_colors", ANY, Takes::Own),
    key("localtime", ANY, Takes::Own).counts(Unit::Flag),
    key(
        "max_event_channels",
        ANY,
        Takes::Number(|config, number| config.b_info.event_channels = number as u32),
    ),
    key("max_grant_frames", ANY, Takes::Own),
    key("max_grant_version", ANY, Takes::Own),
    key("max_maptrack_frames", ANY, Takes::Own),
    key("maxmem", ANY, Takes::Own).counts(Unit::Mebibytes),
    key("maxvcpus", ANY, Takes::Own),
    key("mca_caps", HVM, Takes::Own),
    key("memory", ANY, Takes::Own).counts(Unit::Mebibytes),
    key("mmio_hole", HVM, Takes::Own).counts(Unit::Mebibytes),
    key("ms_vm_genid", HVM, Takes::Own),
    key("msr_relaxed", ANY, Takes::Flag(|config| Some(&mut config.b_info.arch_x86.msr_relaxed))),
    key("name", ANY, Takes::Own),
    key("nestedhvm", ANY, Takes::Flag(|config| Some(&mut config.b_info.nested_hvm))),
    key("nographic", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.nographic))),
    key("nomigrate", ANY, Takes::Flag(|config| Some(&mut config.b_info.disable_migrate))),
    key("nr_spis", ANY, Takes::Own),
    key("nx", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.nx))),
    key("on_crash", ANY, Takes::Own),
    key("on_poweroff", ANY, Takes::Own),
    key("on_reboot", ANY, Takes::Own),
    key("on_soft_reset", ANY, Takes::Own),
    key("on_watchdog", ANY, Takes::Own),
    key("oos", ANY, Takes::Flag(|config| Some(&mut config.c_info.oos))),
    key("opengl", ANY, Takes::Own).counts(Unit::Flag),
    key("p9", ANY, Takes::Entries),
    key("pae", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.pae))),
    key("passthrough", ANY, Takes::Own),
    key("pci", ANY, Takes::Entries),
    key("pci_msitranslate", ANY, Takes::Own).counts(Unit::Flag),
    key("pci_permissive", ANY, Takes::Own).counts(Unit::Flag),
    key("pci_power_mgmt", ANY, Takes::Own).counts(Unit::Flag),
    key("pci_seize", ANY, Takes::Own).counts(Unit::Flag),
    key(
        "period",
        ANY,
        Takes::Number(|config, number| config.b_info.sched_params.period = int_but_minus_one(number)),
    ),
    key("pool", ANY, Takes::Text(|config| Some(&mut config.c_info.pool_name))),
    key("pvcalls", ANY, Takes::Entries),
    key("pvshim", PVH, Takes::Flag(|config| config.b_info.pvh.as_mut().map(|pvh| &mut pvh.pvshim))),
    key(
        "pvshim_cmdline",
        PVH,
        Takes::Text(|config| config.b_info.pvh.as_mut().map(|pvh| &mut pvh.pvshim_cmdline)),
    ),
    key(
        "pvshim_extra",
        PVH,
        Takes::Text(|config| config.b_info.pvh.as_mut().map(|pvh| &mut pvh.pvshim_extra)),
    ),
    key("pvshim_path", PVH, Takes::Text(|config| config.b_info.pvh.as_mut().map(|pvh| &mut pvh.pvshim_path))),
    key("ramdisk", ANY, Takes::Text(|config| Some(&mut config.b_info.ramdisk))),
    key("rdm", ANY, Takes::Own),
    key(
        "rdm_mem_boundary",
        HVM,
        Takes::Number(|config, number| {
            if let Some(hvm) = hvm(config) {
                hvm.rdm_mem_boundary_memkb = kibibytes(number)
            }
        }),
    )
    .counts(Unit::Mebibytes),
    key("root", ANY, Takes::Own),
    key("rtc_timeoffset", ANY, Takes::Own).counts(Unit::Seconds),
    key("sdl", ANY, Takes::Own).counts(Unit::Flag),
    key("seclabel", ANY, Takes::Own),
    key("serial", HVM, Takes::Own),
    key("shadow_memory", ANY, Takes::Number(|config, number| config.b_info.shadow_memkb = kibibytes(number)))
        .counts(Unit::Mebibytes),
    key(
        "slice",
        ANY,
        Takes::Number(|config, number| config.b_info.sched_params.slice = int_but_minus_one(number)),
    ),
    key("smbios", HVM, Takes::Own),
    key("smbios_firmware", HVM, Takes::Text(|config| hvm(config).map(|hvm| &mut hvm.smbios_firmware))),
    key("soundhw", HVM, Takes::Text(|config| hvm(config).map(|hvm| &mut hvm.soundhw))),
    key("spice", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.spice.enable))),
    key(
        "spice_clipboard_sharing",
        HVM,
        Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.spice.clipboard_sharing)),
    ),
    key(
        "spice_image_compression",
        HVM,
        Takes::Text(|config| hvm(config).map(|hvm| &mut hvm.spice.image_compression)),
    ),
    key(
        "spice_streaming_video",
        HVM,
        Takes::Text(|config| hvm(config).map(|hvm| &mut hvm.spice.streaming_video)),
    ),
    key("spiceagent_mouse", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.spice.agent_mouse))),
    key(
        "spicedisable_ticketing",
        HVM,
        Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.spice.disable_ticketing)),
    ),
    key("spicehost", HVM, Takes::Text(|config| hvm(config).map(|hvm| &mut hvm.spice.host))),
    key("spicepasswd", HVM, Takes::Text(|config| hvm(config).map(|hvm| &mut hvm.spice.passwd))),
    key(
        "spiceport",
        HVM,
        Takes::Number(|config, number| {
            if let Some(hvm) = hvm(config) {
                hvm.spice.port = number as i32
            }
        }),
    ),
    key(
        "spicetls_port",
        HVM,
        Takes::Number(|config, number| {
            if let Some(hvm) = hvm(config) {
                hvm.spice.tls_port = number as i32
            }
        }),
    ),
    key(
        "spiceusbredirection",
        HVM,
        Takes::Number(|config, number| {
            if let Some(hvm) = hvm(config) {
                hvm.spice.usbredirection = number as i32
            }
        }),
    ),
    key("spicevdagent", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.spice.vdagent))),
    key("stdvga", HVM, Takes::Own).counts(Unit::Flag),
    key("stubdomain_cmdline", ANY, Takes::Text(|config| Some(&mut config.b_info.stubdomain_cmdline))),
    key("stubdomain_kernel", ANY, Takes::Text(|config| Some(&mut config.b_info.stubdomain_kernel))),
    key(
        "stubdomain_memory",
        ANY,
        Takes::Number(|config, number| config.b_info.stubdomain_memkb = kibibytes(number)),
    )
    .counts(Unit::Mebibytes),
    key("stubdomain_ramdisk", ANY, Takes::Text(|config| Some(&mut config.b_info.stubdomain_ramdisk))),
    key("sve", ANY, Takes::Own),
    key("tee", ANY, Takes::Own),
    key("timer_mode", ANY, Takes::Own),
    key("trap_unmapped_accesses", ANY, Takes::Flag(|config| Some(&mut config.b_info.trap_unmapped_accesses))),
    key("tsc_mode", ANY, Takes::Own),
    key("type", ANY, Takes::Own),
    key("usb", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.usb))),
    key("usbctrl", ANY, Takes::Entries),
    key("usbdev", ANY, Takes::Entries),
    key("usbdevice", HVM, Takes::Own),
    key(
        "usbversion",
        HVM,
        Takes::Number(|config, number| {
            if let Some(hvm) = hvm(config) {
                hvm.usbversion = number as i32
            }
        }),
    ),
    key("uuid", ANY, Takes::Own),
    key("vcpus", ANY, Takes::Own),
    key("vdispl", ANY, Takes::Entries),
    key("vendor_device", HVM, Takes::Own),
    key("vfb", ANY, Takes::Entries),
    key("vga", HVM, Takes::Own),
    key("videoram", ANY, Takes::Number(|config, number| config.b_info.video_memkb = kibibytes(number)))
        .counts(Unit::Mebibytes),
    key("vif", ANY, Takes::Entries),
    key("vif2", ANY, Takes::Own),
    key("viridian", HVM, Takes::Own).counts(Unit::Flag),
    key("virtio", ANY, Takes::Entries),
    key("vkb", ANY, Takes::Entries),
    key("vkb_device", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.vkb_device))),
    key("vmtrace_buf_kb", ANY, Takes::Own).counts(Unit::Kibibytes),
    key("vnc", ANY, Takes::Own).counts(Unit::Flag),
    key("vncdisplay", ANY, Takes::Own),
    key("vnclisten", ANY, Takes::Own),
    key("vncpasswd", ANY, Takes::Own),
    key("vncunused", ANY, Takes::Own).counts(Unit::Flag),
    key("vncviewer", ANY, Takes::Own).counts(Unit::Flag),
    key("vnuma", ANY, Takes::Entries),
    key("vpmu", ANY, Takes::Flag(|config| Some(&mut config.b_info.vpmu))),
    key("vpt_align", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.vpt_align))),
    key("vsnd", ANY, Takes::Entries),
    key("vtpm", ANY, Takes::Entries),
    key("vuart", ANY, Takes::Own),
    key("xauthority", ANY, Takes::Own),
    key("xen_platform_pci", HVM, Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.xen_platform_pci))),
    key(
        "xen_platform_pci_bar_uc",
        HVM,
        Takes::Flag(|config| hvm(config).map(|hvm| &mut hvm.xen_platform_pci_bar_uc)),
    ),
    key(
        "xend_suspend_evtchn_compat",
        ANY,
        Takes::Flag(|config| Some(&mut config.c_info.xend_suspend_evtchn_compat)),
    ),
    key(
        "xenstore_feature_mask",
        ANY,
        Takes::Number(|config, number| config.b_info.xenstore_feature_mask = bits_but(u32::MAX, number)),
    ),
    key("xenstore_quota", ANY, Takes::Own),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::release::{self, XenVersion};

    #[test]
    fn keys_are_found() {
        assert!(KEYS.is_sorted_by(|a, b| a.name < b.name), "the table is searched by halves");
        for key in KEYS {
            assert_eq!(find(key.name).map(|found| found.name), Some(key.name));
        }
        assert!(find("nonsense").is_none());
        // Which release knows a key is written down once, for all formats.
        for key in KEYS.iter().filter(|key| !key.name.starts_with("clock_")) {
            assert!(release::key(key.name).is_some(), "{}", key.name);
        }
        for name in release::keys()
            .filter(|name| release::key(name).is_some_and(|known| known.by(XenVersion::NEWEST)))
        {
            assert!(find(name).is_some(), "{name}");
        }
        assert_eq!(unit_of("hap"), Some(Unit::Flag));
        assert!(find("hpet").is_some_and(|key| key.is_for(GuestKind::Hvm) && !key.is_for(GuestKind::Pv)));
    }
}
