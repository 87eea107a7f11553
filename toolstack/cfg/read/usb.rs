//! `usbctrl` and `usbdev`: USB controllers and devices of the host.

use super::book::Words;
use super::{Reader, entry};
use crate::domain::config::{HostUsb, UsbCtrl, UsbCtrlType, UsbDev};

impl<'a> Reader<'a> {
    pub(super) fn usb(&mut self) {
        if let Some(items) = self.items("usbctrl") {
            let mut controllers = Vec::new();
            for (index, (words, node)) in (0..).zip(items) {
                let mut controller = UsbCtrl { devid: Some(index), ..UsbCtrl::default() };
                for word in words.tokens(b",") {
                    self.usbctrl_word(&mut controller, word.unindented(), node);
                }
                controllers.push(controller);
            }
            self.config.usbctrls = controllers;
        }
        if let Some(items) = self.items("usbdev") {
            let mut devices = Vec::new();
            for (words, node) in items {
                let mut device = UsbDev::default();
                for word in words.tokens(b",") {
                    self.usbdev_word(&mut device, word.unindented(), node);
                }
                devices.push(device);
            }
            self.config.usbdevs = devices;
        }
    }

    fn usbctrl_word(&mut self, controller: &mut UsbCtrl, word: Words<'a>, node: usize) {
        if let Some(value) = word.after("type=") {
            match UsbCtrlType::from_word(value.text) {
                Some(kind) => controller.kind = kind,
                None => {
                    let expected = ["auto", "pv", "devicemodel", "qusb"];
                    self.book.wrong(node, &value, super::bad_word("type", value.text, &expected));
                }
            }
        } else if let Some(value) = word.after("version=") {
            controller.version = self.int_at(value, node);
        } else if let Some(value) = word.after("ports=") {
            controller.ports = self.int_at(value, node);
        } else {
            self.no_such_word(node, &word, entry::USB_CONTROLLER, &["type", "version", "ports"]);
        }
    }

    fn usbdev_word(&mut self, device: &mut UsbDev, word: Words<'a>, node: usize) {
        // libxl takes a device without a type for one of the host. xl's own JSON leaves such a one out.
        if let Some(value) = word.after("type=") {
            device.hostdev.get_or_insert_with(HostUsb::default);
            if !value.text.eq_ignore_ascii_case("hostdev") {
                self.book.wrong(node, &value, super::bad_word("type", value.text, &["hostdev"]));
            }
        } else if let Some(value) = word.after("hostbus=") {
            device.hostdev.get_or_insert_with(HostUsb::default).hostbus = self.byte_at(value, node);
        } else if let Some(value) = word.after("hostaddr=") {
            device.hostdev.get_or_insert_with(HostUsb::default).hostaddr = self.byte_at(value, node);
        } else if let Some(value) = word.after("controller=") {
            device.ctrl = Some(self.int_at(value, node) as u32).filter(|ctrl| *ctrl != u32::MAX);
        } else if let Some(value) = word.after("port=") {
            device.port = self.int_at(value, node);
        } else {
            self.no_such_word(
                node,
                &word,
                entry::USB_DEVICE,
                &["type", "hostbus", "hostaddr", "controller", "port"],
            );
        }
    }
}
