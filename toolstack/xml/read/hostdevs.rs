//! `<hostdev>` and `<interface type='hostdev'>`: devices of the host.

use super::super::cursor::{Element, Fault, Result};
use super::common::c_number;
use super::guest::Guest;
use super::{boot_order, placed_by_xen, set};
use crate::diag::{Finding, nearest};
use crate::domain::Part;
use crate::domain::config::{HostUsb, Pci, RdmPolicy, UsbDev};

pub(super) fn read<'t>(devices: &Element<'t>, guest: &mut Guest<'t>) -> Result<()> {
    for element in devices.children("hostdev") {
        let mode = element.attr("mode").map_or("subsystem", |mode| mode.text);
        let kind = element.attr("type").map_or("", |kind| kind.text);
        match (mode, kind) {
            ("subsystem", "pci") => pci(&element.take(), guest)?,
            ("subsystem", "usb") => usb(&element, guest)?,
            ("subsystem", "") => {
                let reason = "libxl passes PCI and USB devices through, and this device has no type";
                let instead = "write type='pci' or type='usb'";
                element.leave_out(Finding::unsupported("hostdev", reason).instead(instead));
            }
            _ => element.leave_out(other(mode, kind)),
        }
    }
    Ok(())
}

/// The modes that a device of the host has in libvirt, and the kinds that it has in each, with what to write for those that
/// libxl does not pass through.
const OTHERS: &[(&str, &str, Option<&str>)] = &[
    ("subsystem", "pci", None),
    ("subsystem", "usb", None),
    ("subsystem", "scsi", Some(AS_DISK)),
    ("subsystem", "scsi_host", Some(AS_DISK)),
    ("subsystem", "mdev", Some("pass a whole PCI device or a virtual function through: type='pci'")),
    ("capabilities", "storage", Some("write <disk type='block'> with the block device")),
    ("capabilities", "misc", Some("pass the PCI or USB device behind it through: mode='subsystem'")),
    (
        "capabilities",
        "net",
        Some("write <interface type='bridge'> with a bridge of dom0 that the card is in"),
    ),
];

const AS_DISK: &str = "write a disk: <disk type='block'> with its device in dom0";

/// What is said of a device that libxl does not pass through.
fn other(mode: &str, kind: &str) -> Finding {
    let of_mode = || OTHERS.iter().filter(|(known, ..)| *known == mode);
    let what = match of_mode().next() {
        Some(_) if mode == "subsystem" => kind.to_owned(),
        Some(_) => format!("a device with mode='{mode}' and type='{kind}'"),
        None => format!("a device with mode='{mode}'"),
    };
    let finding =
        Finding::unsupported("hostdev", format!("libxl passes PCI and USB devices through, not {what}"));
    if of_mode().next().is_none() {
        let meant = nearest(mode, OTHERS.iter().map(|(known, ..)| *known)).unwrap_or("subsystem");
        return finding.instead(format!("write mode='{meant}'"));
    }
    let known = of_mode().find(|(_, known, _)| *known == kind);
    match (known, nearest(kind, of_mode().map(|(_, known, _)| *known))) {
        (Some((.., Some(instead))), _) => finding.instead(*instead),
        (_, Some(meant)) => finding.instead(format!("write type='{meant}'")),
        _ => finding.instead("write mode='subsystem' and type='pci' or type='usb', for a device of dom0"),
    }
}

/// A network card of the host: a PCI device, whose MAC address only its driver in dom0 can set.
pub(super) fn interface<'t>(element: &Element<'t>, guest: &mut Guest<'t>) -> Result<()> {
    let source = element.children("source").next();
    if let Some((what, instead)) = source.and_then(|source| no_pci_device(&source)) {
        let reason = format!("libxl expects a PCI device for a network card of the host, and this is {what}");
        element.leave_out(Finding::unsupported("hostdev-usb", reason).instead(instead));
        return Ok(());
    }
    let element = element.take();
    pci(&element, guest)?;
    without_vif(&element);
    if let Some(mac) = element.child("mac") {
        let address = mac.attr("address").map_or("MAC", |address| address.text);
        let reason = "libxl does not set the MAC address of a card that it passes through";
        let finding = Finding::approximated("hostdev-mac", reason);
        mac.mark(finding.instead(format!("in dom0, before the start: ip link set PF vf N mac {address}")));
        if let Some(address) = mac.attr("address") {
            address.mark(Finding::approximated("hostdev-mac", reason));
        }
    }
    Ok(())
}

/// What a network card of the host is that is no PCI device, and what to do instead.
fn no_pci_device(source: &Element<'_>) -> Option<(String, String)> {
    let hostdev = |source: &str| format!("write <hostdev mode='subsystem' type='usb'> with {source}");
    if source.children("vendor").next().is_some() {
        return Some(("a USB device".to_owned(), hostdev("the same source")));
    }
    let address = source.children("address").next()?;
    let part = |name: &str| address.attr(name).map_or("0", |value| value.text);
    match address.attr("type").map_or("pci", |kind| kind.text) {
        "pci" => None,
        "usb" => {
            let (bus, device) = (part("bus"), part("device"));
            let source = format!("<source><address bus='{bus}' device='{device}'/></source>");
            Some(("a USB device".to_owned(), hostdev(&source)))
        }
        other => {
            let instead = "write type='pci' and the domain, bus, slot and function of a PCI device";
            Some((format!("a device with an address of type {other}"), instead.to_owned()))
        }
    }
}

/// What needs an interface in dom0: the element, the attribute and the value with which it asks for nothing, why a card of
/// the host does not have it, and what to do instead.
type NeedsVif = (&'static str, (&'static str, &'static str), &'static str, Option<&'static str>);

const NEED_VIF: &[NeedsVif] = &[
    (
        "vlan",
        ("", ""),
        "libxl sets no VLAN for a card that it passes through",
        Some("in dom0, before the start: ip link set PF vf N vlan TAG"),
    ),
    (
        "bandwidth",
        ("", ""),
        "libxl sets no limit for a card that it passes through",
        Some("in dom0, before the start: ip link set PF vf N max_tx_rate MBIT"),
    ),
    (
        "link",
        ("state", "up"),
        "libxl leaves the link of a card that it passes through alone",
        Some("in dom0, before the start: ip link set PF vf N state disable"),
    ),
    ("virtualport", ("", ""), "a card that is passed through is at no switch of dom0", None),
    ("port", ("isolated", "no"), "a card that is passed through is at no bridge of dom0", None),
    ("filterref", ("", ""), "dom0 does not see the traffic of a card that is passed through", None),
    ("rom", ("", ""), "the guest sees the card's own ROM", None),
];

/// Says what a card of the host does without, since it has no interface in dom0.
fn without_vif(card: &Element<'_>) {
    for (name, (attribute, nothing), reason, instead) in NEED_VIF {
        let asks = |element: &Element<'_>| element.attr(attribute).is_none_or(|value| value.text != *nothing);
        for element in card.children(name).filter(asks) {
            let finding = Finding::unsupported("host-card", *reason);
            element.leave_out(match instead {
                Some(instead) => finding.instead(*instead),
                None => finding,
            });
        }
    }
    for backend in card.children("backenddomain") {
        let reason = "no domain serves a card that is passed through";
        backend.mark_whole(&Finding::no_effect("host-card", reason));
    }
}

fn pci<'t>(element: &Element<'t>, guest: &mut Guest<'t>) -> Result<()> {
    let source = element.child("source");
    let address = source.and_then(|source| source.child("address"));
    if address.is_none() {
        let finding = Finding::invalid("no-source", "the device has no address");
        let example = "<source><address domain='0x0000' bus='0x06' slot='0x12' function='0x5'/></source>";
        element.report(finding.instead(format!("write {example} in <{}>", element.name())));
    }
    if let Some(kind) = address.and_then(|address| address.attr("type")) {
        kind.mark(Finding::no_effect("pci-address", "a network card of the host has a PCI address"));
    }
    let part = |name: &str, most: u32| -> Result<u32> {
        let Some(value) = address.and_then(|address| address.attr(name)) else { return Ok(0) };
        let expected = format!("a number up to {most:#x}");
        c_number(&value).filter(|&part| part <= most).ok_or_else(|| value.not(&expected))
    };
    let narrow = |part: u32| u8::try_from(part).unwrap_or(u8::MAX);
    let mut device = Pci {
        domain: part("domain", 0xffff)?.cast_signed(),
        bus: narrow(part("bus", 0xff)?),
        dev: narrow(part("slot", 0x1f)?),
        func: narrow(part("function", 7)?),
        vfunc_mask: 1,
        ..Pci::default()
    };
    placed_by_xen(element);
    boot_order::cannot_boot(element, "a PCI device of the host");
    if let Some(managed) = element.attr("managed") {
        device.seize = managed.yes_no()?;
        if !device.seize {
            managed
                .mark(Finding::no_effect("unmanaged", "libxl leaves the device's driver alone by default"));
        }
    }
    if let Some(filtering) = source.and_then(|source| source.attr("writeFiltering")) {
        device.permissive = !filtering.yes_no()?;
        if !device.permissive {
            filtering.mark(Finding::no_effect("write-filtering", "Xen filters writes by default"));
        }
    }
    if let Some(driver) = element.child("driver") {
        driver.mark_whole(&Finding::no_effect("hostdev-driver", "on Xen the driver in dom0 is pciback"));
    }
    let bdf = format!("{:04x}:{:02x}:{:02x}.{}", device.domain, device.bus, device.dev, device.func);
    if guest.kind() == timers::GuestKind::Pvh {
        let reason = format!("libxl does not pass PCI devices through to a PVH guest: {bdf} is left out");
        let instead = "make it an HVM guest: <os><type>hvm</type></os>";
        element.leave_out(Finding::unsupported("hostdev-pvh", reason).instead(instead));
        return Ok(());
    }
    // Without a part of its address it is another device than the one that was meant.
    if address.is_none_or(|address| address.is_in_doubt()) {
        return Ok(());
    }
    let same = |other: &Pci| {
        (other.domain, other.bus, other.dev, other.func)
            == (device.domain, device.bus, device.dev, device.func)
    };
    if guest.config.pcidevs.iter().any(same) {
        return Err(twice(element, &bdf));
    }
    // As xl does: without the host's memory map a PV guest has no room for the device.
    if let Some(pv) = guest.config.b_info.pv.as_mut() {
        set(&mut pv.e820_host, true);
        device.rdm_policy = Some(RdmPolicy::Strict);
    }
    element.is(Part::HostDevice(guest.config.pcidevs.len()));
    guest.config.pcidevs.push(device);
    Ok(())
}

/// Neither libvirt nor libxl gives a guest a device of the host twice.
fn twice(element: &Element<'_>, device: &str) -> Box<Fault> {
    let finding = Finding::invalid("hostdev-twice", format!("the device {device} is given twice"));
    element.error(finding.instead("name each device of the host once"))
}

fn usb(element: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let Some(source) = element.children("source").next() else {
        no_usb_address(element);
        return Ok(());
    };
    let element = element.take();
    let source = source.take();
    placed_by_xen(&element);
    boot_order::cannot_boot(&element, "a USB device of the host");
    if let Some(managed) = element.attr("managed") {
        managed
            .mark(Finding::no_effect("usb-managed", "a USB device is always taken from its driver in dom0"));
    }
    let part = |parent: &Element<'_>, name: &str, most: u32| -> Result<Option<u32>> {
        let Some(value) = parent.attr(name) else { return Ok(None) };
        let expected = format!("a number up to {most:#x}");
        c_number(&value).filter(|&part| part <= most).map(Some).ok_or_else(|| value.not(&expected))
    };
    let wide = |child: Option<Element<'_>>| child.map_or(Ok(None), |child| part(&child, "id", 0xffff));
    let ids = (wide(source.child("vendor"))?, wide(source.child("product"))?);
    let at = match source.child("address") {
        Some(address) => (part(&address, "bus", 0xff)?, part(&address, "device", 0xff)?),
        None => (None, None),
    };
    let narrow = |part: u32| u8::try_from(part).unwrap_or(u8::MAX);
    match (ids, at) {
        (_, (Some(bus), Some(device))) => {
            let host = HostUsb { hostbus: narrow(bus), hostaddr: narrow(device), ..HostUsb::default() };
            if guest.config.usbdevs.iter().any(|other| other.hostdev.as_ref() == Some(&host)) {
                return Err(twice(&element, &format!("bus {bus}, device {device}")));
            }
            guest.config.usbdevs.push(UsbDev { hostdev: Some(host), ..UsbDev::default() });
        }
        ((Some(vendor), Some(product)), _) if guest.is_hvm() => {
            let id = |part: u32| u16::try_from(part).unwrap_or(u16::MAX);
            guest.usb.host.push((id(vendor), id(product)));
            let reason =
                "libxl cannot find a USB device by vendor and product; it is passed to QEMU, which can";
            source.mark(Finding::approximated("hostdev-usb", reason));
            if let Some(policy) = source.attr("startupPolicy") {
                let reason = "QEMU starts the guest without the device too, and takes it when it is there";
                policy.mark(match policy.text {
                    "mandatory" => Finding::approximated("startup-policy", reason),
                    _ => Finding::no_effect("startup-policy", reason),
                });
            }
        }
        ((Some(vendor), Some(product)), _) => {
            let reason = "libxl cannot find a USB device by vendor and product";
            let finding = Finding::unsupported("hostdev-usb", reason);
            let instead = format!(
                "find its bus and number with lsusb -d {vendor:04x}:{product:04x}, and write <source><address bus='BUS' device='NUMBER'/></source>"
            );
            element.leave_out(finding.instead(instead));
        }
        _ if source.is_in_doubt() => {}
        // libvirt takes a part that is missing for 0, which no device has.
        (_, (Some(_), None) | (None, Some(_))) => {
            let (has, lacks) = if at.0.is_some() { ("bus", "device") } else { ("device", "bus") };
            let reason = format!("the address has a {has} and no {lacks}");
            let address = source.child("address").unwrap_or(source);
            address.report(
                Finding::invalid("no-source", reason).instead(format!("add {lacks}= as lsusb prints it")),
            );
        }
        _ => no_usb_address(&element),
    }
    if let Some(reset) = source.attr("guestReset") {
        reset.mark(Finding::no_effect("guest-reset", "QEMU itself decides how to reset the device"));
    }
    Ok(())
}

fn no_usb_address(element: &Element<'_>) {
    let finding = Finding::invalid("no-source", "the device has neither vendor and product nor an address");
    element.report(
        finding.instead("write <source><vendor id='0x046d'/><product id='0xc52b'/></source> in <hostdev>"),
    );
}
