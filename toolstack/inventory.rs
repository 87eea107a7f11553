//! Checks a host for the bridges, disks, firmware, QEMU and PCI devices that a guest needs, and reports missing ones.
//!
//! All checks go through [`Look`], so that the rules are the same for a dom0 and for a file tree that looks like a
//! dom0.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use timers::GuestKind;

use crate::diag::Finding;
use crate::domain::DomainConfig;
use crate::domain::bridges::{DEFAULT_BRIDGE, OPEN_VSWITCH, of_open_vswitch};
use crate::domain::config::{Bios, Disk, DiskBackend, Nic, Pci};

/// The thing that a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A block device.
    BlockDevice,
    /// Anything else.
    Other,
}

/// How a host is looked at. Nothing is opened and nothing changed.
pub trait Look {
    /// The thing that an absolute path leads to; `None` if there is nothing.
    fn thing(&self, path: &str) -> Option<Thing>;
    /// The last part of the path that a symbolic link leads to.
    fn link(&self, path: &str) -> Option<String>;
}

/// A host whose files are below a directory: `/` for this one.
#[derive(Clone, Debug)]
pub struct Rooted {
    root: PathBuf,
}

impl Rooted {
    /// The host below this directory.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Rooted { root: root.to_owned() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

impl Look for Rooted {
    fn thing(&self, path: &str) -> Option<Thing> {
        let kind = fs::metadata(self.path(path)).ok()?.file_type();
        Some(match kind {
            _ if kind.is_file() => Thing::File,
            _ if kind.is_dir() => Thing::Directory,
            _ if kind.is_block_device() => Thing::BlockDevice,
            _ => Thing::Other,
        })
    }

    fn link(&self, path: &str) -> Option<String> {
        let target = fs::read_link(self.path(path)).ok()?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }
}

/// The paths of QEMU for Xen in distributions.
const QEMU: &[&str] = &[
    "/usr/libexec/xen-qemu-system-i386",
    "/usr/lib/xen-VERSION/bin/qemu-system-i386",
    "/usr/lib/xen/bin/qemu-system-i386",
    "/usr/libexec/xen/bin/qemu-system-i386",
    "/usr/lib64/xen/bin/qemu-system-i386",
    "/usr/local/lib/xen/bin/qemu-system-i386",
    "/usr/bin/qemu-system-i386",
    "/usr/bin/qemu-system-x86_64",
];

/// The minor releases of Xen 4 that a directory may be named after.
const RELEASES: std::ops::RangeInclusive<u32> = 8..=30;

/// The directories of the files that Xen's build makes itself.
const BOOT: &[&str] =
    &["/usr/lib/xen-VERSION/boot", "/usr/lib/xen/boot", "/usr/libexec/xen/boot", "/usr/local/lib/xen/boot"];

/// Firmware that is a package of its own.
const OVMF: &[&str] = &["/usr/share/ovmf/OVMF.fd", "/usr/share/OVMF/OVMF.fd", "/usr/share/edk2/xen/OVMF.fd"];
const SEABIOS: &[&str] = &["/usr/share/seabios/bios-256k.bin", "/usr/share/seabios/bios.bin"];

/// The drivers that hold a PCI device for guests.
const ASSIGNABLE: &[&str] = &["pciback", "xen-pciback", "vfio-pci"];

/// The things that a guest needs and the host lacks, each with the field of the config that asks for it.
#[must_use]
pub fn missing(config: &DomainConfig, look: &dyn Look) -> Vec<(String, Finding)> {
    let mut missing = Missing { look, found: Vec::new() };
    for (index, nic) in config.nics.iter().enumerate() {
        missing.bridge(&format!("nics[{index}].bridge"), nic);
    }
    for (index, disk) in config.disks.iter().enumerate() {
        missing.disk(&format!("disks[{index}].pdev_path"), disk);
    }
    for (index, pci) in config.pcidevs.iter().enumerate() {
        missing.pci(&format!("pcidevs[{index}]"), pci);
    }
    missing.files(config);
    missing.programs(config);
    missing.found
}

struct Missing<'a> {
    look: &'a dyn Look,
    found: Vec<(String, Finding)>,
}

impl Missing<'_> {
    fn say(&mut self, field: &str, finding: Finding) {
        self.found.push((field.to_owned(), finding.refusing_start()));
    }

    fn bridge(&mut self, field: &str, nic: &Nic) {
        let script = nic.script.as_deref().unwrap_or("vif-bridge");
        let script = script.rsplit('/').next().unwrap_or(script);
        let is_open = script == OPEN_VSWITCH;
        if nic.backend_domname.is_some() || nic.backend_domid != 0 || !(is_open || script == "vif-bridge") {
            return;
        }
        let named = nic.bridge.as_deref().unwrap_or(DEFAULT_BRIDGE);
        let name = if is_open { of_open_vswitch(named).unwrap_or(named) } else { named };
        let device = format!("/sys/class/net/{name}");
        let has = |path: &str| self.look.thing(path).is_some();
        let reason = match (has(&device), has(&format!("{device}/bridge"))) {
            (false, _) => format!("this host has no bridge {name}"),
            (true, false) if !is_open => format!("{name} is not a bridge on this host"),
            _ => return,
        };
        let instead =
            format!("map it to an existing bridge with --map bridge:{name}=BRIDGE, or create {name}");
        self.say(field, Finding::unsupported("host-bridge", reason).instead(instead));
    }

    fn disk(&mut self, field: &str, disk: &Disk) {
        let elsewhere = disk.backend_domname.is_some() || disk.backend_domid != 0 || disk.script.is_some();
        let Some(path) = disk.pdev_path.as_deref().filter(|path| path.starts_with('/') && !elsewhere) else {
            return;
        };
        let reason = match self.look.thing(path) {
            None => format!("this host has no {path}"),
            Some(Thing::Directory) => format!("{path} is a directory on this host"),
            Some(_) => return,
        };
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let instead =
            format!("copy the disk there, or map its directory with --map path:{directory}=DIRECTORY");
        self.say(field, Finding::unsupported("host-disk", reason).instead(instead));
    }

    fn pci(&mut self, field: &str, pci: &Pci) {
        let Pci { domain, bus, dev, func, .. } = pci;
        let address = format!("{domain:04x}:{bus:02x}:{dev:02x}.{func:x}");
        let device = format!("/sys/bus/pci/devices/{address}");
        if pci.name.is_some() && (*bus, *dev, *func) == (0, 0, 0) {
            // The name says which it is; only libxl knows.
            return;
        }
        if self.look.thing(&device).is_none() {
            let reason = format!("this host has no PCI device {address}");
            let finding = Finding::unsupported("host-pci", reason);
            return self.say(field, finding.instead("use one of the devices that lspci -D lists"));
        }
        let driver = self.look.link(&format!("{device}/driver"));
        if pci.seize || driver.as_deref().is_some_and(|driver| ASSIGNABLE.contains(&driver)) {
            return;
        }
        let by = driver.map_or("no driver".to_owned(), |driver| format!("the driver {driver}"));
        let reason = format!("PCI device {address} is not assignable: dom0 uses it with {by}");
        let finding = Finding::unsupported("host-pci-assignable", reason);
        self.say(field, finding.instead(format!("run xl pci-assignable-add {address} at each boot of dom0")));
    }

    fn files(&mut self, config: &DomainConfig) {
        let b_info = &config.b_info;
        let hvm = b_info.hvm.as_ref();
        let files = [
            ("b_info.kernel", b_info.kernel.as_ref()),
            ("b_info.ramdisk", b_info.ramdisk.as_ref()),
            ("b_info.device_model", b_info.device_model.as_ref()),
            ("b_info.type.hvm.firmware", hvm.and_then(|hvm| hvm.firmware.as_ref())),
            ("b_info.type.hvm.system_firmware", hvm.and_then(|hvm| hvm.system_firmware.as_ref())),
            ("b_info.type.hvm.smbios_firmware", hvm.and_then(|hvm| hvm.smbios_firmware.as_ref())),
            ("b_info.type.hvm.acpi_firmware", hvm.and_then(|hvm| hvm.acpi_firmware.as_ref())),
        ];
        let shares = config.p9s.iter().enumerate();
        let shares = shares.map(|(index, p9)| (format!("p9s[{index}].path"), p9.path.as_ref()));
        let all = files.into_iter().map(|(field, path)| (field.to_owned(), path)).chain(shares);
        for (field, path) in all {
            // hvmloader is named without its directory.
            let Some(path) = path.filter(|path| path.starts_with('/')) else { continue };
            if self.look.thing(path).is_none() {
                let finding = Finding::unsupported("host-file", format!("this host has no {path}"));
                self.say(&field, finding.instead("copy it there, or name an existing file"));
            }
        }
    }

    fn programs(&mut self, config: &DomainConfig) {
        let b_info = &config.b_info;
        let is_hvm = config.kind() == GuestKind::Hvm;
        let by_qemu = |disk: &Disk| disk.backend == Some(DiskBackend::Qdisk);
        let needs_qemu = is_hvm || !config.vfbs.is_empty() || config.disks.iter().any(by_qemu);
        if needs_qemu && b_info.device_model.is_none() && !self.any(QEMU, "") {
            let reason = "this host has no QEMU for Xen in the usual directories";
            let finding = Finding::unsupported("host-qemu", reason);
            let instead = "install it (Debian: qemu-system-xen), or write its path as device_model_override";
            self.say("b_info.device_model", finding.instead(instead));
        }
        let Some(hvm) = b_info.hvm.as_ref().filter(|_| is_hvm) else { return };
        if hvm.firmware.is_none() && !self.any(BOOT, "/hvmloader") {
            let finding = Finding::unsupported("host-firmware", "this host has no hvmloader");
            self.say(
                "b_info.type.hvm.firmware",
                finding.instead("install Xen's tools (Debian: xen-utils-common)"),
            );
        }
        let (name, is_there, package) = match hvm.bios {
            _ if hvm.system_firmware.is_some() => return,
            Some(Bios::Ovmf) => ("OVMF", self.any(OVMF, "") || self.any(BOOT, "/ovmf.bin"), "ovmf"),
            None | Some(Bios::Seabios) => {
                ("SeaBIOS", self.any(SEABIOS, "") || self.any(BOOT, "/seabios.bin"), "seabios")
            }
            Some(_) => return,
        };
        if !is_there {
            let finding = Finding::unsupported("host-firmware", format!("this host has no {name} for Xen"));
            let instead = format!("install it (Debian: {package}), or write its path as bios_path_override");
            self.say("b_info.type.hvm.bios", finding.instead(instead));
        }
    }

    fn any(&self, places: &[&str], file: &str) -> bool {
        let is_there = |place: &str| self.look.thing(&format!("{place}{file}")).is_some();
        places.iter().any(|place| match place.split_once("VERSION") {
            Some((before, after)) => {
                RELEASES.into_iter().any(|minor| is_there(&format!("{before}4.{minor}{after}")))
            }
            None => is_there(place),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::config::Hvm;

    /// A host of these paths; a link's target stands behind an arrow.
    struct Fake(BTreeMap<String, String>);

    impl Fake {
        fn of(paths: &[&str]) -> Self {
            let split = |path: &&str| {
                let (path, target) = path.split_once(" -> ").unwrap_or((path, ""));
                (path.to_owned(), target.to_owned())
            };
            Fake(paths.iter().map(split).collect())
        }
    }

    impl Look for Fake {
        fn thing(&self, path: &str) -> Option<Thing> {
            if self.0.contains_key(path) {
                return Some(Thing::File);
            }
            let below = format!("{path}/");
            self.0.keys().any(|known| known.starts_with(&below)).then_some(Thing::Directory)
        }

        fn link(&self, path: &str) -> Option<String> {
            self.0.get(path).filter(|target| !target.is_empty()).cloned()
        }
    }

    fn codes(config: &DomainConfig, host: &[&str]) -> Vec<String> {
        let missing = missing(config, &Fake::of(host));
        assert!(missing.iter().all(|(_, finding)| finding.refuses_start && finding.alternative.is_some()));
        missing.into_iter().map(|(field, finding)| format!("{field} {}", finding.code)).collect()
    }

    const PROGRAMS: [&str; 3] =
        ["/usr/bin/qemu-system-i386", "/usr/lib/xen/boot/hvmloader", "/usr/share/seabios/bios-256k.bin"];

    #[test]
    fn a_guest_that_needs_nothing_misses_nothing() {
        assert_eq!(codes(&DomainConfig::new(GuestKind::Pv), &[]), [""; 0]);
        assert_eq!(codes(&DomainConfig::new(GuestKind::Hvm), &PROGRAMS), [""; 0]);
    }

    #[test]
    fn programs_and_firmware() {
        let mut config = DomainConfig::new(GuestKind::Hvm);
        let expected = [
            "b_info.device_model host-qemu",
            "b_info.type.hvm.firmware host-firmware",
            "b_info.type.hvm.bios host-firmware",
        ];
        assert_eq!(codes(&config, &[]), expected);
        config.b_info.hvm = Some(Hvm { bios: Some(Bios::Ovmf), ..Hvm::default() });
        assert_eq!(codes(&config, &PROGRAMS), ["b_info.type.hvm.bios host-firmware"]);
        config.b_info.kernel = Some("/boot/vmlinuz".to_owned());
        let with_ovmf = [&PROGRAMS[..], &["/usr/share/ovmf/OVMF.fd"]].concat();
        assert_eq!(codes(&config, &with_ovmf), ["b_info.kernel host-file"]);
    }

    #[test]
    fn bridges() {
        let mut config = DomainConfig::new(GuestKind::Pv);
        let nic = |bridge: Option<&str>, script: Option<&str>| Nic {
            bridge: bridge.map(str::to_owned),
            script: script.map(str::to_owned),
            ..Nic::default()
        };
        config.nics = vec![
            nic(None, None),
            nic(Some("br0"), None),
            nic(Some("eth0"), None),
            nic(Some("ovs0.5"), Some("vif-openvswitch")),
            nic(None, Some("vif-route")),
        ];
        config.nics.push(Nic { backend_domname: Some("net".to_owned()), ..nic(Some("none"), None) });
        let host = ["/sys/class/net/br0/bridge/x", "/sys/class/net/eth0/x", "/sys/class/net/ovs0/x"];
        assert_eq!(codes(&config, &host), ["nics[0].bridge host-bridge", "nics[2].bridge host-bridge"]);
    }

    #[test]
    fn disks_of_dom0() {
        let mut config = DomainConfig::new(GuestKind::Pv);
        let disk = |path: &str| Disk { pdev_path: Some(path.to_owned()), ..Disk::default() };
        config.disks = vec![
            disk("/dev/vg/a"),
            disk("/dev/vg/b"),
            disk("/dev/vg"),
            disk("nbd:host:10809"),
            Disk { backend_domname: Some("storage".to_owned()), ..disk("/none") },
            Disk { script: Some("block-drbd".to_owned()), ..disk("/none") },
            Disk::default(),
        ];
        let expected = ["disks[1].pdev_path host-disk", "disks[2].pdev_path host-disk"];
        assert_eq!(codes(&config, &["/dev/vg/a"]), expected);
    }

    #[test]
    fn pci_devices() {
        let mut config = DomainConfig::new(GuestKind::Pv);
        let pci = |dev| Pci { bus: 1, dev, ..Pci::default() };
        config.pcidevs = vec![pci(0), pci(1), pci(2), Pci { seize: true, ..pci(1) }];
        let host = [
            "/sys/bus/pci/devices/0000:01:00.0/driver -> pciback",
            "/sys/bus/pci/devices/0000:01:01.0/driver -> nvme",
        ];
        assert_eq!(codes(&config, &host), ["pcidevs[1] host-pci-assignable", "pcidevs[2] host-pci"]);
    }
}
