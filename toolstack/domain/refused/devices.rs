//! USB, PCI devices and channels with which libxl does not start a guest.

use std::collections::HashSet;

use timers::GuestKind;

use super::super::DomainConfig;
use super::super::bridges::{is_open_vswitch, of_open_vswitch};
use super::super::config::{Nic, NicType, P9Type, UsbCtrl, UsbCtrlType};
use super::super::qemu::{free_pci_slots, longest_interface_name};
use super::refusal::{Place, Refused, VIF, at, by_libxl, twice};
use crate::diag::{Finding, nearest};

const USBCTRL: Place = (&["usbctrl"], "usbctrls");
const USBDEV: Place = (&["usbdev"], "usbdevs");
const CHANNEL: Place = (&["channel"], "channels");
const PCI: Place = (&["pci"], "pcidevs");
const P9: Place = (&["p9"], "p9s");

/// Linux's IFNAMSIZ, without the zero.
const LONGEST_BRIDGE: usize = 15;
/// The last address of a device on a USB.
const LAST_USB_ADDRESS: u8 = 127;
/// The most ports of a paravirtual USB controller.
const PV_PORTS: i32 = 31;
/// The most ports of QEMU's controller for USB 3.
const USB3_PORTS: i32 = 15;

pub(super) fn refused(config: &DomainConfig) -> Vec<Refused> {
    let mut found = Vec::new();
    for (item, channel) in config.channels.iter().enumerate() {
        if channel.name.as_deref().is_none_or(str::is_empty) {
            let reason = "libxl starts no guest with a channel that has no name";
            let instead = "add name=NAME, such as name=org.qemu.guest_agent.0";
            found.push(by_libxl(CHANNEL, reason, instead).in_entry(item));
        }
    }
    for (item, controller) in config.usbctrls.iter().enumerate() {
        found.extend(
            usb_controller(config.kind(), controller)
                .map(|(reason, instead)| by_libxl(USBCTRL, reason, instead).in_entry(item)),
        );
    }
    for (item, nic) in config.nics.iter().enumerate() {
        let longest = longest_interface_name(config.kind(), nic);
        let fault = nic.ifname.as_deref().and_then(|name| Some((name, fault_of_name(name, longest)?)));
        found.extend(fault.map(|(name, fault)| {
            let reason = format!(
                "Linux has no interface '{name}': the name {fault}, and libxl does not start the guest"
            );
            let form = format!("of at most {longest} bytes, without spaces, / and :");
            let finding = Finding::unsupported("interface-name", reason).instead_by_format(
                format!("write a name {form} into <target dev='NAME'/>, or remove it"),
                format!("write a vifname {form}"),
            );
            at(VIF, finding).in_entry(item)
        }));
        found.extend(bridge(nic).map(|finding| at(VIF, finding).in_entry(item)));
        if nic.nictype == Some(NicType::VifIoemu) && config.kind() != GuestKind::Hvm {
            let reason = "only an HVM guest has an emulated network card, and libxl starts no other with one";
            found.push(by_libxl(VIF, reason, "write type=vif").in_entry(item));
        }
    }
    let mut tags = HashSet::new();
    for (item, share) in config.p9s.iter().enumerate() {
        let of_qemu = share.security_model.as_deref().filter(|_| share.kind != Some(P9Type::Xen9pfsd));
        found.extend(of_qemu.and_then(security_model).map(|finding| at(P9, finding).in_entry(item)));
        if let Some(tag) = share.tag.as_deref().filter(|tag| !tags.insert(*tag)) {
            let reason = format!(
                "another share has the tag '{tag}', and a guest knows shares by their tags: it mounts the first"
            );
            let finding = Finding::unsupported("share-tag", reason).instead_by_format(
                "give each <filesystem> a <target dir='TAG'/> of its own",
                "give each share a tag of its own",
            );
            found.push(at(P9, finding).in_entry(item));
        }
    }
    found.extend(slots(config));
    found.extend(usb_devices(config));
    found.extend(pci(config));
    found
}

/// QEMU's security models of a share, which libxl gives it as they are.
const SECURITY_MODELS: [&str; 5] = ["mapped", "mapped-file", "mapped-xattr", "none", "passthrough"];

fn security_model(word: &str) -> Option<Finding> {
    let lower = word.to_ascii_lowercase();
    let meant = match lower.starts_with("pass") {
        true => Some("passthrough"),
        false => nearest(&lower, SECURITY_MODELS.into_iter()),
    };
    let reason = format!("QEMU has no security model '{word}' for a share, so the guest cannot mount it");
    let instead = meant.map_or_else(|| SECURITY_MODELS.join(" or "), str::to_owned);
    let finding = Finding::unsupported("share-security", reason);
    (!SECURITY_MODELS.contains(&word)).then(|| finding.instead(format!("write security_model={instead}")))
}

/// QEMU puts each emulated card into a PCI slot of its own, and then each device of the host that names no slot.
fn slots(config: &DomainConfig) -> Option<Refused> {
    let free = free_pci_slots(config.b_info.hvm.as_ref()?, &config.disks);
    let is_in_slot =
        |nic: &Nic| nic.nictype != Some(NicType::Vif) && nic.model.as_deref() != Some("ne2k_isa");
    let without_slot = |written: &str| format!("write {written} for cards that only Xen's PV drivers use");
    let (xml, cfg) = (without_slot("<model type='netfront'/>"), without_slot("type=vif"));
    let mut cards = config.nics.iter().enumerate().filter(|(_, nic)| is_in_slot(nic));
    if let Some((item, _)) = cards.nth(free) {
        let reason = format!(
            "QEMU's board has {free} free PCI slots, one for each emulated card, and QEMU does not start the guest"
        );
        let finding = Finding::unsupported("pci-slots", reason).instead_by_format(xml, cfg);
        return Some(at(VIF, finding).in_entry(item));
    }
    let cards = config.nics.iter().filter(|nic| is_in_slot(nic)).count();
    let mut devices = config.pcidevs.iter().enumerate().filter(|(_, device)| device.vdevfn == 0);
    let (item, _) = devices.nth(free - cards)?;
    let of_cards = if cards > 0 { format!(", {cards} of them for emulated cards") } else { String::new() };
    let reason = format!(
        "QEMU's board has {free} free PCI slots{of_cards}, and libxl does not start the guest with more devices"
    );
    let fewer = "pass fewer devices to the guest";
    let finding = Finding::unsupported("pci-slots", reason);
    let finding = match cards {
        0 => finding.instead_by_format(fewer, fewer),
        _ => finding.instead_by_format(format!("{xml}, or {fewer}"), format!("{cfg}, or {fewer}")),
    };
    Some(at(PCI, finding).in_entry(item))
}

/// Why Linux takes no name for an interface, if it does not. An empty one is none that was given.
fn fault_of_name(name: &str, longest: usize) -> Option<String> {
    let wrong = name.chars().find(|c| matches!(c, '/' | ':') || c.is_ascii_whitespace());
    match wrong {
        _ if name.len() > longest => Some(format!("has more than {longest} bytes")),
        Some(' ') => Some("has a space in it".to_owned()),
        Some(c) => Some(format!("has '{}' in it", c.escape_default())),
        None => (name == "." || name == "..").then(|| "is that of a directory".to_owned()),
    }
}

/// Why there is no bridge of this name. For Open vSwitch a VLAN and trunks stand behind it.
fn bridge(nic: &Nic) -> Option<Finding> {
    let is_open = is_open_vswitch(nic);
    let whole = nic.bridge.as_deref()?;
    let name = if is_open { of_open_vswitch(whole) } else { Some(whole) };
    let has_more = whole.contains([' ', ';', '\t']);
    let words: Vec<_> = whole.split([' ', ';', '\t']).filter(|word| !word.is_empty()).collect();
    let is_list = words.len() > 1 && words.iter().skip(1).all(|word| word.contains('='));
    let Some(name) = name.or(has_more.then_some(whole)) else {
        let reason = format!(
            "vif-openvswitch takes a bridge and VLANs, as in ovs0.42 or ovs0:1:2, and does not connect the card to '{whole}'"
        );
        let finding = Finding::unsupported("interface-name", reason).instead_by_format(
            "write <source bridge='NAME'/> with a name without . and :",
            "write bridge=NAME with a name without . and :, or bridge=NAME.VLAN",
        );
        return Some(finding);
    };
    let reason = match is_list {
        true => format!(
            "there is no bridge '{whole}': the settings of a network interface are separated by commas"
        ),
        false => format!("Linux has no bridge '{name}': its name {}", fault_of_name(name, LONGEST_BRIDGE)?),
    };
    let finding = Finding::unsupported("interface-name", reason);
    Some(match is_list {
        true => finding.instead(format!("write bridge={}", words.join(","))),
        false => finding
            .instead_by_format(
                format!("write <source bridge='NAME'/> with the name of a bridge of dom0, of at most {LONGEST_BRIDGE} bytes, without spaces, / and :"),
                format!("write the name of a bridge, of at most {LONGEST_BRIDGE} bytes, without spaces, / and :"),
            )
            .instead_in_file(format!("convert it with --map 'bridge:{name}=NAME', a bridge of dom0")),
    })
}

/// Why libxl refuses a USB controller, if it does, and what to write.
fn usb_controller(kind: GuestKind, controller: &UsbCtrl) -> Option<(String, String)> {
    let UsbCtrl { version, ports, .. } = *controller;
    let emulated = match controller.kind {
        UsbCtrlType::Auto => kind == GuestKind::Hvm,
        UsbCtrlType::DeviceModel if kind != GuestKind::Hvm => {
            let reason =
                "only an HVM guest has an emulated USB controller, and libxl does not start this one";
            return Some((reason.to_owned(), "write type=qusb".to_owned()));
        }
        kind => kind == UsbCtrlType::DeviceModel,
    };
    let of_ports = |fixed: i32, what: &str| {
        (ports != 0 && ports != fixed).then(|| {
            (
                format!("libxl gives {what} {fixed} ports, and refuses {ports}"),
                format!("remove ports={ports}"),
            )
        })
    };
    let most_ports = |most: i32, what: &str| {
        (ports > most || ports < 0)
            .then(|| (format!("libxl gives {what} at most {most} ports"), format!("write ports={most}")))
    };
    match (emulated, version) {
        (true, 1) => of_ports(2, "a controller for USB 1"),
        (true, 0 | 2) => of_ports(6, "a controller for USB 2"),
        (true, 3) => most_ports(USB3_PORTS, "a controller for USB 3"),
        (true, _) => {
            Some((format!("libxl has no USB version {version}"), "write version=3, or 1 or 2".to_owned()))
        }
        (false, 0..=2) => most_ports(PV_PORTS, "a controller"),
        (false, _) => {
            let reason = format!("libxl has no paravirtual controller for USB version {version}");
            Some((reason, "write version=2, or 1".to_owned()))
        }
    }
}

fn usb_devices(config: &DomainConfig) -> Vec<Refused> {
    let mut found = Vec::new();
    for (item, device) in config.usbdevs.iter().enumerate() {
        match device.ctrl {
            None if device.port != 0 => {
                let reason = "libxl takes a port only with a controller";
                let instead = match has_controller(config, 0) {
                    true => "add controller=0, or remove port=",
                    false => "remove port=",
                };
                found.push(by_libxl(USBDEV, reason, instead).in_entry(item));
            }
            Some(number) if !has_controller(config, number) => {
                let reason =
                    format!("there is no USB controller {number}, and libxl does not start the guest");
                let instead =
                    "remove controller= and port=: libxl adds a controller; or give it with usbctrl";
                found.push(by_libxl(USBDEV, reason, instead).in_entry(item));
            }
            _ => {}
        }
    }
    for (item, device) in config.usbdevs.iter().enumerate() {
        let Some(host) = &device.hostdev else { continue };
        if host.hostbus == 0 || !(1..=LAST_USB_ADDRESS).contains(&host.hostaddr) {
            let reason = format!("a host has no USB device {}:{}", host.hostbus, host.hostaddr);
            let instead = "write hostbus= and hostaddr= with the bus and the address of the device, from 1, as lsusb prints them";
            found.push(
                by_libxl(USBDEV, reason + ", and libxl does not start the guest", instead).in_entry(item),
            );
        }
    }
    let hosts = config
        .usbdevs
        .iter()
        .map(|device| device.hostdev.as_ref().map(|device| (device.hostbus, device.hostaddr)));
    found.extend(twice(hosts).map(|(item, (bus, address))| {
        let reason = format!("libxl refuses the USB device {bus}:{address} a second time");
        by_libxl(USBDEV, reason, "remove the entry").in_entry(item)
    }));
    found
}

/// True if a controller has this number: its own, or that of its place.
fn has_controller(config: &DomainConfig, number: u32) -> bool {
    let place = |at: usize| u32::try_from(at).ok();
    config.usbctrls.iter().enumerate().any(|(at, controller)| controller.devid.or(place(at)) == Some(number))
}

fn pci(config: &DomainConfig) -> Vec<Refused> {
    let devices = &config.pcidevs;
    let mut found: Vec<_> = twice(devices.iter().map(|pci| Some((pci.domain, pci.bus, pci.dev, pci.func))))
        .map(|(item, (domain, bus, device, function))| {
            let reason = format!(
                "libxl refuses the device {domain:04x}:{bus:02x}:{device:02x}.{function} a second time"
            );
            by_libxl(PCI, reason, "remove the entry").in_entry(item)
        })
        .collect();
    for (item, pci) in devices.iter().enumerate() {
        if pci.vfunc_mask.count_ones() > 1 && pci.vdevfn == 0 {
            let reason = "libxl passes through several functions only to a slot that is given";
            let instead = "add a slot behind the device, as in 0000:03:00.*@5";
            found.push(by_libxl(PCI, reason, instead).in_entry(item));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::super::config::{Pci, VgaKind};
    use super::*;

    #[test]
    fn more_emulated_cards_than_slots() {
        let config = |cards: usize, nictype| {
            let mut config = DomainConfig::new(GuestKind::Hvm);
            config.nics = vec![Nic { nictype, ..Nic::default() }; cards];
            config
        };
        let item = |config: &DomainConfig| slots(config).and_then(|refused| refused.item);
        assert_eq!(item(&config(40, None)), Some(28));
        assert_eq!(item(&config(28, None)), None);
        assert_eq!(item(&config(40, Some(NicType::Vif))), None);
        let mut with_sound = config(28, None);
        with_sound.b_info.hvm.as_mut().unwrap().soundhw = Some("hda".to_owned());
        assert_eq!(item(&with_sound), Some(27));
        let mut bare = config(31, None);
        let hvm = bare.b_info.hvm.as_mut().unwrap();
        hvm.vga.kind = Some(VgaKind::None);
        hvm.xen_platform_pci = Some(false.into());
        assert_eq!(item(&bare), Some(30));
    }

    #[test]
    fn devices_of_the_host_take_slots_beside_the_cards() {
        let mut config = DomainConfig::new(GuestKind::Hvm);
        config.nics = vec![Nic::default(); 20];
        config.pcidevs = vec![Pci::default(); 8];
        assert!(slots(&config).is_none());
        config.pcidevs.push(Pci::default());
        let refused = slots(&config).unwrap();
        assert_eq!((refused.path, refused.item), ("pcidevs", Some(8)));
        assert!(
            refused.finding.reason.contains("28 free PCI slots, 20 of them"),
            "{}",
            refused.finding.reason
        );
        // A device in a slot of its own, as another function of it.
        config.pcidevs[3].vdevfn = 5 << 3;
        assert!(slots(&config).is_none());
    }
}
