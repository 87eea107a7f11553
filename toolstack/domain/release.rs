//! The releases of Xen that know a key of xl.cfg, a setting of a device, or a value.
//!
//! Taken from the xl of releases 4.2 to 4.22. A name that is in no table is as old as the key to which it belongs.

use std::fmt;

use serde_json::Value;

use super::DomainConfig;
use super::version::four;
pub use super::version::{NotARelease, XenVersion};

/// The releases that know something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The first of them.
    pub since: XenVersion,
    /// The first release that no longer knows it.
    pub until: Option<XenVersion>,
}

impl Known {
    /// True if this release knows it.
    #[must_use]
    pub fn by(self, release: XenVersion) -> bool {
        self.since <= release && self.until.is_none_or(|until| release < until)
    }
}

impl fmt::Display for Known {
    /// `since Xen 4.18`, `until Xen 4.20`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.until {
            Some(until) => write!(f, "until Xen {}.{}", until.major, until.minor.saturating_sub(1)),
            None => write!(f, "since Xen {}", self.since),
        }
    }
}

/// The releases whose xl knows this key of xl.cfg; `None` where no release does.
#[must_use]
pub fn key(name: &str) -> Option<Known> {
    let (since, until, _) = KEYS.iter().find(|(.., names)| names.binary_search(&name).is_ok())?;
    Some(known(*since, *until))
}

/// The releases whose xl knows this setting in an entry of a list such as `disk` or `vif`.
#[must_use]
pub fn setting(key_name: &str, setting: &str) -> Option<Known> {
    let newer = SETTINGS.iter().find(|(key, name, _)| (*key, *name) == (key_name, setting));
    newer.map_or_else(|| key(key_name), |(.., since)| Some(known(*since, None)))
}

/// The releases whose xl knows this word as the value of a key, or of a setting (`disk.backendtype`).
#[must_use]
pub fn word(key_name: &str, word: &str) -> Option<Known> {
    let newer = WORDS.iter().find(|(key, known, ..)| (*key, *known) == (key_name, word));
    match newer {
        Some((_, _, since, until)) => Some(known(*since, *until)),
        None => match key_name.split_once('.') {
            Some((list, name)) => setting(list, name),
            None => key(key_name),
        },
    }
}

/// The fields of a config that the libxl of this release does not know and would pass over in silence, each with its
/// path (`disks[0].grant_usage`) and the releases that know it.
#[must_use]
pub(crate) fn unknown_fields(config: &DomainConfig, release: XenVersion) -> Vec<(String, Known)> {
    let mut found = Vec::new();
    let is_newer = |since: u32| release < four(since);
    let any_newer = FIELDS.iter().any(|(_, since)| is_newer(*since))
        || FIELD_WORDS.iter().any(|(_, _, since)| is_newer(*since));
    if !any_newer {
        return found;
    }
    // A config of these types can always be written as JSON.
    if let Ok(json) = serde_json::to_value(config) {
        fields(&json, &mut String::new(), &mut String::new(), release, &mut found);
    }
    found
}

/// `pattern` is the path without the numbers in brackets.
fn fields(
    json: &Value,
    path: &mut String,
    pattern: &mut String,
    release: XenVersion,
    found: &mut Vec<(String, Known)>,
) {
    let newer = |pattern: &str, word: Option<&str>| {
        FIELDS
            .iter()
            .find(|(field, ..)| *field == pattern)
            .map(|(_, since)| *since)
            .into_iter()
            .chain(
                FIELD_WORDS
                    .iter()
                    .find(|(field, known, _)| *field == pattern && Some(*known) == word)
                    .map(|w| w.2),
            )
            .map(four)
            .find(|since| release < *since)
    };
    if let Some(since) = newer(pattern, json.as_str()) {
        return found.push((path.clone(), Known { since, until: None }));
    }
    let (length, pattern_length) = (path.len(), pattern.len());
    match json {
        Value::Object(map) => {
            for (key, value) in map {
                let dot = if path.is_empty() { "" } else { "." };
                path.extend([dot, key]);
                pattern.extend([dot, key]);
                fields(value, path, pattern, release, found);
                path.truncate(length);
                pattern.truncate(pattern_length);
            }
        }
        Value::Array(items) => {
            pattern.push_str("[]");
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                fields(item, path, pattern, release, found);
                path.truncate(length);
            }
            pattern.truncate(pattern_length);
        }
        _ => {}
    }
}

/// Every key that some release knows, in no order that matters.
pub fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().flat_map(|(.., names)| names.iter().copied())
}

fn known(since: u32, until: Option<u32>) -> Known {
    Known { since: four(since), until: until.map(four) }
}

/// The minor release that has them first, the first that no longer has them, and the keys, in order.
const KEYS: &[(u32, Option<u32>, &[&str])] = &[
    (
        2,
        None,
        &[
            "acpi",
            "acpi_s3",
            "acpi_s4",
            "apic",
            "bios",
            "boot",
            "bootloader",
            "bootloader_args",
            "builder",
            "cap",
            "cpu_weight",
            "cpuid",
            "cpus",
            "device_model",
            "device_model_args",
            "device_model_args_hvm",
            "device_model_args_pv",
            "device_model_override",
            "device_model_stubdomain_override",
            "device_model_stubdomain_seclabel",
            "device_model_version",
            "disk",
            "e820_host",
            "extra",
            "extratime",
            "firmware_override",
            "gfx_passthru",
            "hap",
            "hpet",
            "ioports",
            "irqs",
            "kernel",
            "keymap",
            "latency",
            "localtime",
            "maxmem",
            "maxvcpus",
            "memory",
            "name",
            "nestedhvm",
            "nographic",
            "nomigrate",
            "nx",
            "on_crash",
            "on_poweroff",
            "on_reboot",
            "on_watchdog",
            "oos",
            "opengl",
            "pae",
            "pci",
            "pci_msitranslate",
            "pci_permissive",
            "pci_power_mgmt",
            "period",
            "pool",
            "ramdisk",
            "root",
            "rtc_timeoffset",
            "sdl",
            "seclabel",
            "serial",
            "shadow_memory",
            "slice",
            "soundhw",
            "spice",
            "spiceagent_mouse",
            "spicedisable_ticketing",
            "spicehost",
            "spicepasswd",
            "spiceport",
            "spicetls_port",
            "stdvga",
            "timer_mode",
            "tsc_mode",
            "usb",
            "usbdevice",
            "uuid",
            "vcpus",
            "vfb",
            "videoram",
            "vif",
            "vif2",
            "viridian",
            "vnc",
            "vncdisplay",
            "vnclisten",
            "vncpasswd",
            "vncunused",
            "vncviewer",
            "vpt_align",
            "xen_platform_pci",
        ],
    ),
    (2, Some(9), &["nodes", "sched"]),
    (3, None, &["acpi_firmware", "init_seclabel", "iomem", "smbios_firmware", "vga", "vtpm"]),
    (
        4,
        None,
        &[
            "driver_domain",
            "max_event_channels",
            "spice_clipboard_sharing",
            "spiceusbredirection",
            "spicevdagent",
            "usbversion",
            "vendor_device",
        ],
    ),
    (4, Some(9), &["pvh"]),
    (
        5,
        None,
        &[
            "channel",
            "cmdline",
            "cpus_soft",
            "display",
            "mmio_hole",
            "ms_vm_genid",
            "pci_seize",
            "xauthority",
        ],
    ),
    (
        6,
        None,
        &[
            "altp2mhvm",
            "device_tree",
            "dtdev",
            "gic_version",
            "hdtype",
            "rdm",
            "rdm_mem_boundary",
            "spice_image_compression",
            "spice_streaming_video",
            "vnuma",
        ],
    ),
    (7, None, &["device_model_user", "on_soft_reset", "usbctrl", "usbdev"]),
    (8, None, &["bios_path_override"]),
    (9, None, &["acpi_laptop_slate", "altp2m", "p9"]),
    (
        10,
        None,
        &[
            "dm_restrict",
            "firmware",
            "max_grant_frames",
            "max_maptrack_frames",
            "mca_caps",
            "pvshim",
            "pvshim_cmdline",
            "pvshim_extra",
            "pvshim_path",
            "type",
            "vdispl",
            "vuart",
        ],
    ),
    (11, None, &["pvcalls"]),
    (12, None, &["vkb", "vsnd"]),
    (13, None, &["passthrough", "tee", "vkb_device"]),
    (
        14,
        None,
        &["stubdomain_kernel", "stubdomain_memory", "stubdomain_ramdisk", "xend_suspend_evtchn_compat"],
    ),
    (15, None, &["msr_relaxed", "vmtrace_buf_kb"]),
    (16, None, &["max_grant_version", "stubdomain_cmdline", "vpmu"]),
    (18, None, &["bootloader_restrict", "bootloader_user", "smbios", "sve", "virtio"]),
    (19, None, &["hvm_pirq", "nr_spis"]),
    (20, None, &["llc_colors"]),
    (
        21,
        None,
        &[
            "altp2m_count",
            "arm_sci",
            "trap_unmapped_accesses",
            "xen_platform_pci_bar_uc",
            "xenstore_feature_mask",
        ],
    ),
    (22, None, &["xenstore_quota"]),
];

/// Settings that are newer than the list they stand in.
const SETTINGS: &[(&str, &str, u32)] = &[
    ("disk", "specification", 17),
    // The grammar has them since 4.17; the parser that was built of it was made anew only here.
    ("disk", "trusted", 19),
    ("disk", "untrusted", 19),
    ("disk", "grant_usage", 19),
    ("vif", "mtu", 15),
    ("vif", "trusted", 17),
    ("vif", "untrusted", 17),
    ("vif", "vlan", 19),
    ("pci", "bdf", 15),
    ("pci", "vslot", 15),
    ("pci", "name", 15),
    ("p9", "type", 19),
    ("p9", "max-space", 19),
    ("p9", "max-files", 19),
    ("p9", "max-open-files", 19),
    ("p9", "auto-delete", 19),
];

/// Words that are newer than their key, or that newer releases no longer know.
const WORDS: &[(&str, &str, u32, Option<u32>)] = &[
    ("device_model_version", "qemu-xen-traditional", 2, Some(21)),
    ("disk.backendtype", "standalone", 17, None),
    ("tee", "ffa", 18, None),
    ("viridian", "synic", 13, None),
    ("viridian", "stimer", 13, None),
    ("viridian", "hcall_ipi", 13, None),
    ("viridian", "ex_processor_masks", 15, None),
    ("viridian", "no_vp_limit", 15, None),
    ("viridian", "cpu_hotplug", 15, None),
];

/// Fields of libxl's JSON that are newer than Xen 4.14.
const FIELDS: &[(&str, u32)] = &[
    ("b_info.arch_x86.msr_relaxed", 15),
    ("b_info.vmtrace_buf_kb", 15),
    ("pcidevs[].name", 15),
    ("b_info.max_grant_version", 16),
    ("b_info.stubdomain_cmdline", 16),
    ("b_info.vpmu", 16),
    ("disks[].specification", 17),
    ("disks[].transport", 17),
    ("disks[].irq", 17),
    ("disks[].base", 17),
    ("disks[].trusted", 17),
    ("nics[].trusted", 17),
    ("virtios", 18),
    ("b_info.bootloader_restrict", 18),
    ("b_info.bootloader_user", 18),
    ("b_info.type.hvm.smbios", 18),
    ("b_info.arch_arm.sve_vl", 18),
    ("b_info.type.hvm.pirq", 19),
    ("b_info.arch_arm.nr_spis", 19),
    ("disks[].grant_usage", 19),
    ("nics[].vlan", 19),
    ("p9s[].type", 19),
    ("p9s[].max_space", 19),
    ("p9s[].max_files", 19),
    ("p9s[].max_open_files", 19),
    ("p9s[].auto_delete", 19),
    ("b_info.llc_colors", 20),
    ("b_info.type.hvm.xen_platform_pci_bar_uc", 21),
    ("b_info.arch_arm.arm_sci", 21),
    ("b_info.altp2m_count", 21),
    ("b_info.trap_unmapped_accesses", 21),
    ("b_info.xenstore_feature_mask", 21),
    ("b_info.xenstore_quota", 22),
];

/// Words of libxl's JSON that are newer than their field; an older libxl refuses them.
const FIELD_WORDS: &[(&str, &str, u32)] = &[("disks[].backend", "standalone", 17), ("b_info.tee", "ffa", 18)];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn version(text: &str) -> XenVersion {
        text.parse().unwrap()
    }

    #[test]
    fn every_key_is_found_in_its_list() {
        for (since, until, names) in KEYS {
            for name in *names {
                assert_eq!(key(name), Some(known(*since, *until)), "{name}");
            }
        }
    }

    #[test]
    fn a_release_is_read_as_people_write_it() {
        assert_eq!(version("4.17"), four(17));
        assert_eq!(version("4.17.4"), four(17));
        assert_eq!(version("4.17-unstable".strip_suffix("-unstable").unwrap()), four(17));
        for wrong in ["", "4", "4.", ".17", "4.x", "+4.17", "4.+17", "xen-4.17"] {
            assert!(wrong.parse::<XenVersion>().is_err(), "{wrong}");
        }
        assert!(version("4.9") < version("4.17"));
    }

    #[test]
    fn a_key_is_known_from_its_release_on() {
        let smbios = key("smbios").unwrap();
        assert!(!smbios.by(version("4.17")) && smbios.by(version("4.18")) && smbios.by(XenVersion::NEWEST));
        assert_eq!(smbios.to_string(), "since Xen 4.18");
        let nodes = key("nodes").unwrap();
        assert!(nodes.by(version("4.8")) && !nodes.by(version("4.9")));
        assert_eq!(nodes.to_string(), "until Xen 4.8");
        assert_eq!(key("clock_offset"), None);
    }

    #[test]
    fn settings_and_words_are_as_old_as_their_key_unless_they_are_newer() {
        assert_eq!(setting("vif", "bridge"), key("vif"));
        assert_eq!(setting("vif", "vlan").unwrap().since, four(19));
        assert_eq!(word("tee", "optee"), key("tee"));
        assert_eq!(word("tee", "ffa").unwrap().since, four(18));
        assert_eq!(word("disk.backendtype", "phy"), key("disk"));
        assert_eq!(word("disk.backendtype", "standalone").unwrap().since, four(17));
        assert_eq!(word("device_model_version", "qemu-xen-traditional").unwrap().until, Some(four(21)));
        assert_eq!(setting("nothing", "x"), None);
    }

    #[test]
    fn no_key_stands_twice() {
        let mut all: Vec<_> = keys().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
