//! `<serial>`, `<console>` and `<input>`: what the guest types and reads on.

use super::super::cursor::{Element, Result, Value};
use super::{placed_by_xen, screens};
use crate::diag::Finding;
use crate::domain::{Defbool, DomainConfig};

pub(super) fn read(devices: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    serial(devices, config)?;
    console(devices, config);
    input(devices, config)
}

/// Serial ports of an HVM guest: what QEMU's `-serial` is given.
fn serial(devices: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    let Some(hvm) = config.b_info.hvm.as_mut() else {
        for port in devices.children("serial") {
            port.mark_whole(
                &Finding::unsupported("serial", "only an HVM guest has serial ports")
                    .instead("use the PV console: xl console DOMAIN"),
            );
        }
        return Ok(());
    };
    let mut ports = Vec::new();
    for port in devices.children("serial") {
        if let Some(word) = character_device(&port, "serial")? {
            ports.push(word);
        }
    }
    match ports.len() {
        0 => {}
        1 => hvm.serial = ports.pop(),
        _ => hvm.serial_list = ports,
    }
    Ok(())
}

/// QEMU's word for the dom0 end of a character device; `None` when it is left out.
fn character_device(port: &Element<'_>, what: &'static str) -> Result<Option<String>> {
    let Some(kind) = port.attr("type") else {
        return Err(port.invalid("no-device-type", format!("<{what}> has no type")));
    };
    let path = || port.children("source").next().map(Element::take).and_then(|source| source.attr("path"));
    let word = match (kind.text, path()) {
        ("pty", path) => {
            path.into_iter().chain(port.attr("tty")).for_each(of_running_guest);
            "pty".to_owned()
        }
        ("null" | "stdio" | "vc", path) => {
            if let Some(path) = path {
                path.mark(Finding::no_effect(
                    "no-path",
                    format!("a {what} port of type {} has no path", kind.text),
                ));
            }
            kind.text.to_owned()
        }
        ("file", Some(path)) => format!("file:{}", path.text),
        ("pipe", Some(path)) => format!("pipe:{}", path.text),
        ("dev", Some(path)) => path.text.to_owned(),
        _ => {
            let reason = format!("a {what} port of type {} is not mapped", kind.text);
            port.mark_whole(&Finding::unsupported("serial", reason.clone()));
            port.mark(
                Finding::unsupported("serial", reason)
                    .instead("use type='pty', or write xl.cfg's serial by hand in QEMU's form"),
            );
            return Ok(None);
        }
    };
    let port = port.take();
    numbered_by_xen(&port);
    Ok(Some(word))
}

fn numbered_by_xen(port: &Element<'_>) {
    if let Some(target) = port.child("target") {
        target.mark_whole(&Finding::no_effect("serial-port", "ports are numbered in the order written"));
    }
    placed_by_xen(port);
}

/// Says that a terminal is that of a guest which ran when the XML was written.
fn of_running_guest(terminal: Value<'_>) {
    let reason = "the terminal of a running guest; each start gives a new one";
    terminal.mark(Finding::no_effect("live-state", reason));
}

/// A console that stands for the serial port.
fn as_serial_port(console: &Element<'_>) {
    let path = console.child("source").and_then(|source| source.attr("path"));
    path.into_iter().chain(console.attr("tty")).for_each(of_running_guest);
    numbered_by_xen(console);
}

/// The PV console is always there; a console of type serial is the first serial port, told twice.
fn console(devices: &Element<'_>, config: &mut DomainConfig) {
    for console in devices.children("console") {
        let kind = console.attr("type").map_or("pty", |kind| kind.text);
        let target = console
            .children("target")
            .next()
            .and_then(|target| target.attr("type"))
            .map(|target| target.text);
        let hvm = config.b_info.hvm.as_mut();
        match (target, hvm) {
            (Some("serial") | None, Some(hvm)) => {
                let none = hvm.serial.is_none() && hvm.serial_list.is_empty();
                if none && kind == "pty" {
                    // libvirt makes a serial port of it.
                    hvm.serial = Some("pty".to_owned());
                    as_serial_port(&console.take());
                } else {
                    console
                        .mark_whole(&Finding::no_effect("serial-console", "the same as the first <serial>"));
                }
            }
            (Some("xen") | None, _) if kind == "pty" => {
                console.mark_whole(&Finding::no_effect(
                    "own-console",
                    "every guest on Xen has this console: xl console DOMAIN",
                ));
            }
            (target, _) => {
                let target = target.unwrap_or("xen");
                let reason = format!("a console of type {kind} on {target} is not mapped");
                console.mark_whole(&Finding::unsupported("console", reason.clone()));
                console.mark(
                    Finding::unsupported("console", reason)
                        .instead("use <console type='pty'/>: xl console DOMAIN"),
                );
            }
        }
    }
}

fn input(devices: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    let pv_input = screens::has_pv_input(config);
    let mut usb = Vec::new();
    for input in devices.children("input") {
        let Some(kind) = input.attr("type") else {
            return Err(input.invalid("no-input-type", "<input> has no type"));
        };
        let bus = input.attr("bus").map_or("ps2", |bus| bus.text);
        let hvm = config.b_info.hvm.is_some();
        match (kind.text, bus) {
            ("mouse" | "keyboard", "ps2") if hvm => {
                input.mark_whole(&Finding::no_effect(
                    "own-input",
                    "an HVM guest always has a PS/2 mouse and keyboard",
                ));
            }
            ("mouse" | "keyboard" | "tablet", "usb") if hvm => {
                usb.push(kind.text.to_owned());
                placed_by_xen(&input.take());
            }
            ("mouse" | "keyboard", "xen" | "ps2") => {
                let reason = if pv_input {
                    "comes with Xen's framebuffer"
                } else {
                    "without <graphics> there is nothing to point at"
                };
                input.mark_whole(&Finding::no_effect("pv-input", reason));
            }
            ("tablet", "virtio") if hvm => {
                usb.push("tablet".to_owned());
                let _ = input.take();
                placed_by_xen(&input);
                input.mark(Finding::approximated(
                    "input",
                    "a USB tablet: Xen's QEMU is given no virtio input",
                ));
            }
            ("mouse" | "keyboard" | "tablet" | "passthrough" | "evdev", _) => {
                let reason = format!("Xen has no {} on {bus}", kind.text);
                input.mark_whole(&Finding::unsupported("input", reason.clone()));
                input.mark(
                    Finding::unsupported("input", reason)
                        .instead("use <input type='tablet' bus='usb'/> for an HVM guest"),
                );
            }
            _ => return Err(kind.not("mouse, keyboard, tablet, passthrough or evdev")),
        }
    }
    if let Some(hvm) = config.b_info.hvm.as_mut().filter(|_| !usb.is_empty()) {
        hvm.usb = Some(Defbool::True);
        match usb.len() {
            1 => hvm.usbdevice = usb.pop(),
            _ => hvm.usbdevice_list = usb,
        }
    }
    Ok(())
}
