//! `<input>`: keyboards, mice and tablets.

use super::super::cursor::Element;
use super::graphics;
use super::guest::Guest;
use super::placed_by_xen;
use crate::diag::Finding;

pub(super) fn read(devices: &Element<'_>, guest: &mut Guest<'_>) {
    for (number, input) in devices.children("input").enumerate() {
        let kind = input.needs("type", "mouse", || {
            Finding::invalid("no-input-type", "<input> has no type")
                .instead("write type='tablet', 'mouse' or 'keyboard'")
        });
        if kind.text == "evdev" {
            host_input(number, &input, guest);
            continue;
        }
        let bus = input.attr("bus").map_or("ps2", |bus| bus.text);
        match (kind.text, bus) {
            // A device of QEMU's board does the same.
            ("mouse" | "keyboard", "ps2" | "virtio") if guest.is_hvm() => {
                let reason = "an HVM guest always has a PS/2 mouse and keyboard";
                input.mark_whole(&Finding::no_effect("own-input", reason));
            }
            ("mouse" | "keyboard" | "tablet", "usb") if guest.is_hvm() => {
                guest.usb.input.push(match kind.text {
                    "mouse" => "mouse",
                    "keyboard" => "keyboard",
                    _ => "tablet",
                });
                placed_by_xen(&input.take());
            }
            ("mouse" | "keyboard", "xen" | "ps2") => {
                let reason = if graphics::has_pv_input(&guest.config) {
                    "comes with Xen's framebuffer"
                } else {
                    "without <graphics> the guest has no screen for a pointer"
                };
                input.mark_whole(&Finding::no_effect("pv-input", reason));
            }
            ("tablet", "virtio") if guest.is_hvm() => {
                guest.usb.input.push("tablet");
                let input = input.take();
                placed_by_xen(&input);
                let reason = "becomes a USB tablet: libxl has no virtio input devices";
                input.mark(Finding::approximated("input", reason));
            }
            _ => {
                let reason = format!("Xen has no {} on {bus}", kind.text);
                let finding = Finding::unsupported("input", reason);
                let host = input.children("source").next().and_then(|source| source.attr("evdev"));
                input.leave_out(match (guest.is_hvm(), host) {
                    (true, Some(path)) => finding
                        .instead(format!("write <input type='evdev'><source dev='{}'/></input>", path.text)),
                    (true, None) => finding.instead("write <input type='tablet' bus='usb'/>"),
                    (false, _) => finding,
                });
            }
        }
    }
}

/// An input device of the host, whose events QEMU hands to the guest's keyboard and mouse.
fn host_input(number: usize, input: &Element<'_>, guest: &mut Guest<'_>) {
    if !guest.is_hvm() {
        let reason = "only an HVM guest has a QEMU that reads the host's input devices";
        return input.leave_out(Finding::unsupported("input", reason));
    }
    let source = input.children("source").next();
    let Some(path) = source.and_then(|source| source.attr("dev")) else {
        let finding = Finding::invalid("no-source", "<input type='evdev'> does not say which device");
        return input.report(finding.instead("add <source dev='/dev/input/eventN'/> in <input>"));
    };
    let input = input.take();
    let source = input.child("source");
    let attribute = |name| source.and_then(|source| source.attr(name));
    // QEMU takes two commas for one.
    let mut object = format!("input-linux,id=evdev{number},evdev={}", path.text.replace(',', ",,"));
    let words = [
        ("grab", "grab_all", &[("all", "on")][..]),
        ("repeat", "repeat", &[("on", "on"), ("off", "off")]),
        ("grabToggle", "grab-toggle", TOGGLES),
    ];
    for (name, option, known) in words {
        let Some(value) = attribute(name) else { continue };
        match known.iter().find(|(word, _)| *word == value.text) {
            Some((_, word)) => object.push_str(&format!(",{option}={word}")),
            None => {
                value.mark(Finding::unsupported("input", format!("QEMU knows no {name} '{}'", value.text)))
            }
        }
    }
    guest.qemu(["-object", &object]);
    if let Some(bus) = input.attr("bus") {
        bus.mark(Finding::no_effect(
            "input-host",
            "QEMU takes the host's events to the PS/2 keyboard and mouse",
        ));
    }
    placed_by_xen(&input);
}

/// The keys that take the host's devices from the guest and give them back.
const TOGGLES: &[(&str, &str)] = &[
    ("ctrl-ctrl", "ctrl-ctrl"),
    ("alt-alt", "alt-alt"),
    ("shift-shift", "shift-shift"),
    ("meta-meta", "meta-meta"),
    ("scrolllock", "scrolllock"),
    ("ctrl-scrolllock", "ctrl-scrolllock"),
];
