//! USB controllers, and the devices on those that QEMU emulates.
//!
//! libxl has two ways to provide USB for an HVM guest. With `usb` and `usbdevice`, QEMU's board has a USB 1.1
//! controller. With `usbversion` or `spiceusbredirection`, it has a controller of that version. libxl refuses both
//! together, so emulated devices are then passed as arguments to QEMU. QEMU has accepted no host device in `-usbdevice`
//! since 2.12.

use super::super::cursor::{Element, Result};
use super::guest::{Guest, Usb};
use super::{placed_by_xen, set, unknown_word};
use crate::diag::Finding;
use crate::domain::config::{UsbCtrl, UsbCtrlType};

/// The words of `usbdevice`, and QEMU's names for the same devices.
const INPUT: &[(&str, &str)] = &[("mouse", "usb-mouse"), ("keyboard", "usb-kbd"), ("tablet", "usb-tablet")];

/// A USB controller with a model of Xen's or none; `None` when libxl makes those it needs by itself.
pub(super) fn controller(element: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let model = element.attr("model").map_or("default", |model| model.text);
    let version = match model {
        "qusb1" => 1,
        "qusb2" => 2,
        // As in libvirt's Xen driver.
        "default" if guest.for_xen && !guest.is_hvm() => 2,
        _ => {
            let usb = match model {
                "nec-xhci" | "qemu-xhci" => 3,
                "ehci" | "ich9-ehci1" => 2,
                _ => 1,
            };
            guest.usb.version = guest.usb.version.max(Some(usb));
            let effect = "libxl gives an HVM guest the controllers that its devices need";
            element.mark_whole(&Finding::no_effect("own-controllers", effect));
            if let Some(model) = element.attr("model")
                && let Some(unknown) = unknown_word(&model, "devices/controller", Some("usb"), effect)
            {
                model.mark(unknown);
            }
            return Ok(());
        }
    };
    let element = element.take();
    placed_by_xen(&element);
    let mut controller = UsbCtrl { kind: UsbCtrlType::Qusb, version, ..UsbCtrl::default() };
    controller.devid = u32::try_from(guest.config.usbctrls.len()).ok();
    if let Some(index) = element.attr("index") {
        index.mark(Finding::no_effect("controller-number", "controllers are numbered as they are written"));
    }
    controller.ports = 8;
    if let Some(ports) = element.attr("ports") {
        let expected = "a number of ports, 1 to 31";
        controller.ports = match ports.number(expected)? {
            count @ 1..=31 => count,
            _ => return Err(ports.not(expected)),
        };
    }
    guest.config.usbctrls.push(controller);
    Ok(())
}

/// Puts what is plugged in into the config.
pub(super) fn finish(guest: &mut Guest<'_>) {
    let Usb { input, host, redirections, version } = std::mem::take(&mut guest.usb);
    let Some(hvm) = guest.hvm() else { return };
    hvm.spice.usbredirection = redirections;
    if host.is_empty() && redirections == 0 {
        if input.is_empty() {
            return;
        }
        set(&mut hvm.usb, true);
        match input.as_slice() {
            [one] => hvm.usbdevice = Some((*one).to_owned()),
            _ => hvm.usbdevice_list = input.into_iter().map(str::to_owned).collect(),
        }
        return;
    }
    // libxl's own default is 2 if there are redirections.
    let version = version.filter(|&version| version > 1).unwrap_or(2);
    if redirections == 0 || version != 2 {
        hvm.usbversion = version;
    }
    for word in input {
        if let Some((_, device)) = INPUT.iter().find(|(known, _)| *known == word) {
            guest.qemu(["-device", device]);
        }
    }
    for (vendor, product) in host {
        guest.qemu(["-device", &format!("usb-host,vendorid={vendor:#06x},productid={product:#06x}")]);
    }
}
