//! `<serial>`, `<parallel>` and `<console>`.

use super::super::cursor::{Element, Result};
use super::character;
use super::guest::Guest;
use super::placed_by_xen;
use crate::diag::Finding;

/// QEMU's board has four serial ports.
const SERIAL_PORTS: usize = 4;
/// And three parallel ones.
const PARALLEL_PORTS: usize = 3;

pub(super) fn read<'t>(devices: &Element<'t>, guest: &mut Guest<'t>) -> Result<()> {
    serial(devices, guest)?;
    parallel(devices, guest)?;
    console(devices, guest)
}

/// Serial ports of an HVM guest: what QEMU's `-serial` is given, one port after the other.
fn serial(devices: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    if !guest.is_hvm() {
        for port in devices.children("serial") {
            let finding = Finding::unsupported("serial", "only an HVM guest has serial ports");
            port.leave_out(finding.instead("use the PV console: xl console DOMAIN"));
        }
        return Ok(());
    }
    let mut ports: Vec<Option<String>> = Vec::new();
    for port in devices.children("serial") {
        let number = number(&port)?.unwrap_or(ports.len());
        if number >= SERIAL_PORTS || ports.get(number).is_some_and(Option::is_some) {
            let reason = format!("an HVM guest has serial ports 0 to {}, each once", SERIAL_PORTS - 1);
            port.mark_whole(&Finding::unsupported("serial-port", reason));
            continue;
        }
        if let Some(word) = character::word(&port, "serial", guest)? {
            target(&port.take());
            ports.resize(ports.len().max(number + 1), None);
            ports[number] = Some(word);
        }
    }
    // A port that is not there would move those behind it.
    let mut words: Vec<_> = ports.into_iter().map(|word| word.unwrap_or_else(|| "null".to_owned())).collect();
    let Some(hvm) = guest.hvm() else { return Ok(()) };
    match words.len() {
        0 => {}
        1 => hvm.serial = words.pop(),
        _ => hvm.serial_list = words,
    }
    Ok(())
}

/// The number of a port, where its target has one.
fn number(port: &Element<'_>) -> Result<Option<usize>> {
    let number = port.children("target").next().and_then(|target| target.attr("port"));
    number.map(|number| number.number("the number of a port, from 0")).transpose()
}

/// Marks the place of the port in libvirt's machine. Its number has been read.
fn target(port: &Element<'_>) {
    placed_by_xen(port);
    let Some(target) = port.child("target") else { return };
    if let Some(number) = target.attr("port") {
        number.mark(Finding::no_effect("serial-port", "ports are numbered in the order written"));
    }
    let kind = target.attr("type");
    let kinds = [kind, target.child("model").and_then(|model| model.attr("name"))];
    for kind in kinds.into_iter().flatten() {
        kind.mark(match kind.text {
            "isa-serial" => {
                Finding::no_effect("serial-port", "the serial ports of an HVM guest are of this kind")
            }
            other => Finding::approximated("serial-port", format!("an ISA serial port, not a {other}")),
        });
    }
}

/// libxl has no parallel ports, but its QEMU does.
fn parallel(devices: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    for (index, port) in devices.children("parallel").enumerate() {
        if !guest.is_hvm() || index >= PARALLEL_PORTS {
            let reason = format!("only an HVM guest has parallel ports, {PARALLEL_PORTS} at most");
            port.mark_whole(&Finding::unsupported("parallel", reason));
            continue;
        }
        if let Some(word) = character::word(&port, "parallel", guest)? {
            let port = port.take();
            placed_by_xen(&port);
            if let Some(target) = port.child("target") {
                let reason = "ports are numbered in the order written";
                target.mark_whole(&Finding::no_effect("parallel-port", reason));
            }
            guest.qemu(["-parallel", &word]);
            let reason = "libxl has no parallel ports; the port is passed to its QEMU";
            port.mark(Finding::approximated("parallel", reason));
        }
    }
    Ok(())
}

/// The PV console is always there; a console of type serial is the first serial port, told twice.
fn console(devices: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    for console in devices.children("console") {
        let kind = console.attr("type").map_or("pty", |kind| kind.text);
        let target = console.children("target").next().and_then(|target| target.attr("type"));
        let target = target.map(|target| target.text);
        match target {
            Some("serial") | None if guest.is_hvm() => serial_console(&console, guest)?,
            Some("xen" | "virtio") | None if kind == "pty" => {
                let reason = "every guest on Xen has this console: xl console DOMAIN";
                console.mark_whole(&match target {
                    Some("virtio") => {
                        Finding::approximated("console", "Xen's own console, which is hvc0 in the guest, too")
                    }
                    _ => Finding::no_effect("own-console", reason),
                });
            }
            _ => {
                let reason = format!("libxl has no console of type {kind} on {}", target.unwrap_or("xen"));
                let instead = "use <console type='pty'/>: xl console DOMAIN";
                console.leave_out(Finding::unsupported("console", reason).instead(instead));
            }
        }
    }
    Ok(())
}

/// libvirt makes a serial port of a console where there is no `<serial>`.
fn serial_console(console: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let has_serial = guest.hvm().is_some_and(|hvm| hvm.serial.is_some() || !hvm.serial_list.is_empty());
    if has_serial {
        console.mark_whole(&Finding::no_effect("serial-console", "the same as the first <serial>"));
        return Ok(());
    }
    let word = match console.attr("type") {
        Some(_) => character::word(console, "serial", guest)?,
        None => Some("pty".to_owned()),
    };
    let (Some(word), Some(hvm)) = (word, guest.hvm()) else { return Ok(()) };
    hvm.serial = Some(word);
    let console = console.take();
    if let Some(tty) = console.attr("tty") {
        character::of_running_guest(&tty);
    }
    if let Some(target) = console.child("target") {
        target.mark_whole(&Finding::no_effect("serial-port", "ports are numbered in the order written"));
    }
    placed_by_xen(&console);
    Ok(())
}
