//! A SPICE server, which only an HVM guest can have.

use super::super::super::cursor::{Element, Result, Value};
use super::super::guest::Guest;
use super::super::set;
use super::parts::{LOOPBACK, Listen, NO_PASSWORD, Port, keymap, listen, password_left_out, port};
use crate::diag::Finding;
use crate::domain::config::{Defbool, Spice};
use crate::domain::qemu;
use crate::domain::qemu::VNC_BASE;

pub(super) fn read(graphics: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let no_server = |reason: &'static str, instead: &'static str| {
        graphics.leave_out(Finding::unsupported("no-spice", reason).instead(instead));
    };
    if !guest.is_hvm() {
        no_server("a PV or PVH guest has no SPICE server", "write <graphics type='vnc'/>");
        return Ok(());
    }
    let graphics = graphics.take();
    let passwd = graphics.attr("passwd");
    if passwd.is_some_and(|passwd| passwd.text.is_empty()) {
        graphics.leave_out(Finding::unsupported("no-spice", NO_PASSWORD).instead("write a password"));
        return Ok(());
    }
    password_left_out(&graphics);
    let port = server_port(&graphics)?;
    let host = match listen(&graphics, guest) {
        Listen::Address(address) => address.unwrap_or_else(|| LOOPBACK.to_owned()),
        Listen::Socket(_) | Listen::Nowhere => {
            let reason = "libxl's SPICE server listens only on a port: the guest has no SPICE server";
            no_server(
                reason,
                "write port='5900' autoport='no' and <listen type='address' address='127.0.0.1'/>",
            );
            return Ok(());
        }
    };
    let Some(port) = port else {
        let reason = "libxl needs a SPICE port without TLS, and none is given: the guest has no SPICE server";
        no_server(reason, "write port='5900' autoport='no'");
        return Ok(());
    };
    let mut spice = Spice { enable: Some(Defbool::True), port, host: Some(host), ..Spice::default() };
    spice.host = spice.host.map(|host| qemu::doubled(&host));
    spice.passwd = passwd.map(|passwd| qemu::doubled(passwd.text));
    set(&mut spice.disable_ticketing, spice.passwd.is_none());
    options(&graphics, &mut spice)?;
    let keymap = keymap(&graphics);
    if let Some(hvm) = guest.hvm() {
        hvm.spice = spice;
        hvm.keymap = keymap.or(hvm.keymap.take());
    }
    Ok(())
}

/// The port without TLS. libxl finds no free one by itself, and has no keys for TLS's certificates.
fn server_port(graphics: &Element<'_>) -> Result<Option<i32>> {
    let automatic = graphics.attr("autoport");
    let any = automatic.map_or(Ok(false), |autoport| autoport.yes_no())?;
    let given = port(graphics, "port")?;
    let secure = port(graphics, "tlsPort")?;
    if let Port::Fixed(secure, _) = secure {
        let reason = "libxl has no settings for the certificates that SPICE needs for TLS";
        let finding = Finding::unsupported("spice-tls", reason);
        secure.mark(finding.instead("tunnel the port without TLS, for example with ssh -L"));
    }
    let fixed = |value: Value<'_>, port: i32| {
        let reason =
            format!("libxl does not choose a free SPICE port: the guest has port {port} at each start");
        let finding = Finding::approximated("spice-port", reason);
        value.mark(finding.instead("give each guest its own port: port='5900' autoport='no'"));
        port
    };
    Ok(match (given, automatic) {
        (Port::Fixed(_, port), Some(value)) if any => Some(fixed(value, port)),
        (Port::Fixed(_, port), _) => Some(port),
        (_, Some(value)) if any => Some(fixed(value, VNC_BASE)),
        _ => {
            let old = [("port", given), ("tlsPort", secure)];
            let old = old.into_iter().find(|(_, port)| matches!(port, Port::Any));
            old.and_then(|(name, _)| graphics.attr(name)).map(|value| fixed(value, VNC_BASE))
        }
    })
}

/// Reads the options of SPICE beside the screen.
fn options(graphics: &Element<'_>, spice: &mut Spice) -> Result<()> {
    let option = |child: &str, name: &str| graphics.child(child).and_then(|child| child.attr(name));
    let images = ["auto_glz", "auto_lz", "quic", "glz", "lz", "off"];
    if let Some(compression) = option("image", "compression").filter(|value| known(value, &images)) {
        spice.image_compression = Some(compression.text.to_owned());
    }
    if let Some(mode) = option("streaming", "mode").filter(|value| known(value, &["filter", "all", "off"])) {
        spice.streaming_video = Some(mode.text.to_owned());
    }
    if let Some(mode) = option("mouse", "mode") {
        set(&mut spice.agent_mouse, mode.one_of(&[("client", true), ("server", false)])?);
    }
    if let Some(copypaste) = option("clipboard", "copypaste") {
        let shared = copypaste.yes_no()?;
        set(&mut spice.clipboard_sharing, shared);
        if shared {
            set(&mut spice.vdagent, true);
        }
    }
    Ok(())
}

/// True if SPICE's server knows the word.
fn known(value: &Value<'_>, words: &[&str]) -> bool {
    let known = words.contains(&value.text);
    if !known {
        let reason = format!("'{}' is not a value that SPICE accepts here", value.text);
        value.mark(Finding::unsupported("spice-option", reason));
    }
    known
}
