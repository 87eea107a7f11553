//! A VNC server.

use super::super::super::cursor::{Element, Result};
use super::super::character::bracketed;
use super::super::guest::Guest;
use super::super::set;
use super::parts::{Listen, NO_PASSWORD, Port, framebuffer, keymap, listen, password_left_out, port, text};
use crate::diag::Finding;
use crate::domain::config::{Defbool, Vnc};
use crate::domain::qemu;
use crate::domain::qemu::VNC_BASE;

pub(super) fn read(graphics: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let passwd = graphics.attr("passwd");
    if passwd.is_some_and(|passwd| passwd.text.is_empty()) {
        graphics.leave_out(Finding::unsupported("no-vnc", NO_PASSWORD).instead("write a password"));
        return Ok(());
    }
    let graphics = graphics.take();
    password_left_out(&graphics);
    let mut vnc = Vnc { enable: Some(Defbool::True), ..Vnc::default() };
    let pv = !guest.is_hvm();
    vnc.passwd = passwd.map(|password| text(&password, pv)).transpose()?;
    let automatic = graphics.attr("autoport");
    let any = automatic.map(|autoport| autoport.yes_no()).transpose()?;
    let given = port(&graphics, "port")?;
    let (display, find) = match (any, given) {
        (Some(false), Port::Absent | Port::Any) => {
            if let Some(automatic) = automatic {
                // libvirt let autoport='no' win over -1 only later.
                let reason = "no port is given that the server could listen on: the next free one is used";
                let finding = Finding::approximated("autoport", reason);
                automatic.mark(
                    finding.instead(format!("write a port from {VNC_BASE} to 65535, or autoport='yes'")),
                );
            }
            (0, true)
        }
        (Some(true) | None, Port::Absent | Port::Any | Port::Zero) => (0, true),
        (Some(false), Port::Zero) => {
            if let Some(port) = graphics.attr("port") {
                let reason = format!(
                    "libvirt starts no guest with port 0 and autoport='no'; here port {VNC_BASE} is used"
                );
                let finding = Finding::approximated("vnc-port", reason);
                port.mark(
                    finding.instead(format!("write a port from {VNC_BASE} to 65535, or autoport='yes'")),
                );
            }
            (0, false)
        }
        (Some(true), Port::Fixed(port, _)) => {
            port.mark(Finding::no_effect("autoport", "with autoport='yes' the next free port is used"));
            (0, true)
        }
        (Some(false) | None, Port::Fixed(value, port)) => {
            if port < VNC_BASE {
                let reason = format!("libxl counts displays from port {VNC_BASE}; port {VNC_BASE} is used");
                let finding = Finding::approximated("vnc-port", reason);
                value.mark(finding.instead(format!("write a port from {VNC_BASE} to 65535")));
            }
            ((port - VNC_BASE).max(0), false)
        }
    };
    set(&mut vnc.findunused, find);
    match listen(&graphics, guest) {
        // xl takes any colon for one before a display, and wants the display given once.
        Listen::Address(Some(address)) if address.contains(':') => {
            vnc.listen = Some(format!("{}:{display}", bracketed(&address)));
        }
        Listen::Address(address) => (vnc.listen, vnc.display) = (address, display),
        Listen::Socket(path) => {
            vnc.listen = Some(format!("unix:{}", qemu::doubled(&path)));
            set(&mut vnc.findunused, false);
            for attribute in ["port", "autoport"].iter().filter_map(|name| graphics.attr(name)) {
                attribute.mark(Finding::no_effect("socket-port", "a socket has no port"));
            }
        }
        Listen::Nowhere => {
            let reason = "only libvirt can use a VNC server that does not listen: it is left out";
            let instead = "write <listen type='address' address='127.0.0.1'/>";
            graphics.leave_out(Finding::unsupported("no-listen", reason).instead(instead));
            return Ok(());
        }
    }
    if pv && vnc.listen.as_ref().is_some_and(|listen| listen.contains(',')) {
        return Err(graphics.invalid("bad-value", "a comma in the address to listen on"));
    }
    let keymap = keymap(&graphics);
    match guest.hvm() {
        Some(hvm) => {
            hvm.vnc = vnc;
            hvm.keymap = keymap.or(hvm.keymap.take());
        }
        None => framebuffer(&mut guest.config, keymap).vnc = vnc,
    }
    Ok(())
}
