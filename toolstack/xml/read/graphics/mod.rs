//! `<graphics>` and `<video>`: graphics cards and displays.

mod parts;
mod spice;
mod video;
mod vnc;

use timers::GuestKind;

use super::super::cursor::{Element, Result};
use super::guest::Guest;
use super::set;
use crate::diag::Finding;
use crate::domain::DomainConfig;
use crate::domain::config::{Defbool, Sdl};
use parts::{framebuffer, text};

pub(super) fn read(devices: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    none(&mut guest.config);
    let mut seen: Vec<&str> = Vec::new();
    for graphics in devices.children("graphics") {
        let kind = graphics.needs("type", "vnc", || {
            Finding::invalid("no-graphics-type", "<graphics> has no type")
                .instead("write <graphics type='vnc'/>")
        });
        let is_given = graphics.attr("type").is_some();
        if is_given && seen.contains(&kind.text) {
            let reason = format!("a guest on Xen has one display of type {}", kind.text);
            graphics.mark_whole(&Finding::unsupported("second-graphics", reason));
            continue;
        }
        match kind.text {
            "vnc" => vnc::read(&graphics, guest)?,
            "sdl" => sdl(&graphics.take(), guest)?,
            "spice" => spice::read(&graphics, guest)?,
            _ => {
                let reason =
                    format!("Xen shows a guest's screen over VNC, SPICE or SDL, not over {}", kind.text);
                let instead = "write <graphics type='vnc'/>";
                graphics.leave_out(Finding::unsupported("graphics", reason).instead(instead));
            }
        }
        seen.extend(is_given.then_some(kind.text));
    }
    video::read(devices, guest)
}

/// Without `<graphics>` there is no screen; libxl's own default would be a VNC server.
pub(super) fn none(config: &mut DomainConfig) {
    if let Some(hvm) = config.b_info.hvm.as_mut() {
        hvm.vnc.enable = Some(Defbool::False);
        hvm.sdl.enable = Some(Defbool::False);
    }
}

/// True if a framebuffer brings a keyboard and a pointer for a guest of this kind.
pub(super) fn has_pv_input(config: &DomainConfig) -> bool {
    config.kind() == GuestKind::Hvm || !config.vkbs.is_empty()
}

fn sdl(graphics: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let pv = !guest.is_hvm();
    let text = |name| graphics.attr(name).map(|value| text(&value, pv)).transpose();
    let mut sdl = Sdl { enable: Some(Defbool::True), ..Sdl::default() };
    (sdl.display, sdl.xauthority) = (text("display")?, text("xauth")?);
    if let Some(enable) = graphics.child("gl").and_then(|gl| gl.attr("enable")) {
        set(&mut sdl.opengl, enable.yes_no()?);
        enable.mark(Finding::no_effect("sdl-opengl", "libxl does not pass it to QEMU"));
    }
    match guest.hvm() {
        Some(hvm) => hvm.sdl = sdl,
        None => {
            let vfb = framebuffer(&mut guest.config, None);
            vfb.sdl = sdl;
            // libxl's own default is a VNC server.
            vfb.vnc.enable.get_or_insert(Defbool::False);
        }
    }
    Ok(())
}
