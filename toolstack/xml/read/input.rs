//! `<input>`: keyboards, mice and tablets.

use super::super::cursor::{Element, Result};
use super::graphics;
use super::guest::Guest;
use super::placed_by_xen;
use crate::diag::Finding;

pub(super) fn read(devices: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    for input in devices.children("input") {
        let Some(kind) = input.attr("type") else {
            return Err(input.invalid("no-input-type", "<input> has no type"));
        };
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
                input.leave_out(if guest.is_hvm() {
                    finding.instead("write <input type='tablet' bus='usb'/>")
                } else {
                    finding
                });
            }
        }
    }
    Ok(())
}
