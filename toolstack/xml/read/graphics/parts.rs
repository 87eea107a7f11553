//! Parts that the kinds of display share: listen addresses, and a PV guest's framebuffer.

use super::super::super::cursor::{Element, Result, Value};
use super::super::character;
use super::super::guest::Guest;
use crate::diag::Finding;
use crate::domain::DomainConfig;
use crate::domain::config::{Vfb, Vkb};
use crate::domain::qemu;

/// The address of a display unless told otherwise, as in libvirt.
pub(super) const LOOPBACK: &str = "127.0.0.1";

/// The PV framebuffer, with the keyboard and pointer that belong to it.
pub(super) fn framebuffer(config: &mut DomainConfig, keymap: Option<String>) -> &mut Vfb {
    if config.vfbs.is_empty() {
        config.vfbs.push(Vfb { devid: Some(0), ..Vfb::default() });
        config.vkbs.push(Vkb { devid: Some(0), ..Vkb::default() });
    }
    let vfb = &mut config.vfbs[0];
    vfb.keymap = keymap.or(vfb.keymap.take());
    vfb
}

/// A display's keymap; QEMU does not start a guest with one that it does not have.
pub(super) fn keymap(graphics: &Element<'_>) -> Option<String> {
    let value = graphics.attr("keymap")?;
    if qemu::is_keymap(value.text) {
        return Some(value.text.to_owned());
    }
    let meant = qemu::keymap_meant(value.text);
    let reason = format!("QEMU has no keymap '{}'", value.text);
    value.mark(match meant {
        Some(meant) => Finding::approximated("keymap", format!("{reason}: it becomes {meant}"))
            .instead(format!("write keymap='{meant}'")),
        None => Finding::unsupported("keymap", format!("{reason}: it is left out"))
            .instead("remove it: the default is en-us"),
    });
    meant.map(str::to_owned)
}

/// Why a display with an empty password is left out: on libvirt's hypervisors nobody can log in there.
pub(super) const NO_PASSWORD: &str =
    "libxl takes an empty password for none, with which anyone could connect: the guest has no such display";

/// Says of a display whose password is not in the XML that it has none: `virsh dumpxml` leaves it out, and not its end.
pub(super) fn password_left_out(graphics: &Element<'_>) {
    if let Some(until) = graphics.attr("passwdValidTo").filter(|_| graphics.attr("passwd").is_none()) {
        let reason = "the display's password is not in this XML: without one, anyone can connect";
        let instead = "add passwd='PASSWORD', as virsh dumpxml --security-info prints it";
        until.mark(Finding::unsupported("display-password", reason).instead(instead));
    }
}

/// A text that the configuration of a display can hold: a PV guest's stands in a list between commas.
pub(super) fn text(value: &Value<'_>, pv: bool) -> Result<String> {
    let without = [(pv && value.text.contains(','), "commas"), (value.text.contains('\n'), "line breaks")];
    if let Some((_, what)) = without.into_iter().find(|(has, _)| *has) {
        // It may be a password, so it is not repeated.
        let reason = format!("xl.cfg can hold no {what} here");
        return Err(value.error(Finding::invalid("bad-value", reason)));
    }
    Ok(value.text.to_owned())
}

/// The address at which a display waits for its viewers.
pub(super) enum Listen {
    /// At an address; `None` where there is none, so that it is libvirt's default.
    Address(Option<String>),
    /// At a Unix socket.
    Socket(String),
    /// Nowhere.
    Nowhere,
}

/// The place to listen at: an attribute, a `<listen>` element, or both alike.
pub(super) fn listen<'t>(graphics: &Element<'t>, guest: &Guest<'_>) -> Listen {
    let attribute = graphics.attr("listen").filter(|listen| !listen.text.is_empty());
    let socket = graphics.attr("socket").filter(|socket| !socket.text.is_empty());
    let mut found = attribute.map(|listen| Listen::Address(Some(listen.text.to_owned())));
    if let Some(socket) = socket {
        found = Some(Listen::Socket(socket.text.to_owned()));
    }
    for listen in graphics.children("listen") {
        let listen = listen.take();
        let kind = listen.attr("type");
        let here = match kind.map_or("address", |kind| kind.text) {
            "none" => Listen::Nowhere,
            "socket" => match listen.attr("socket").or(socket) {
                Some(socket) => Listen::Socket(socket.text.to_owned()),
                None => Listen::Socket(character::socket(&listen, "display", guest)),
            },
            kind_of => {
                let address = listen.attr("address").or(attribute).filter(|address| !address.text.is_empty());
                if let Some(kind) = kind.filter(|_| kind_of == "network") {
                    let reason = match address {
                        Some(address) => {
                            format!("libxl does not know libvirt networks: listens on {}", address.text)
                        }
                        None => format!("libxl does not know libvirt networks: listens on {LOOPBACK}"),
                    };
                    let instead = "write <listen type='address' address='ADDRESS'/>";
                    kind.mark(Finding::approximated("listen", reason).instead(instead));
                    if let Some(network) = listen.attr("network") {
                        network.mark(Finding::approximated("listen", "libxl does not know libvirt networks"));
                    }
                }
                Listen::Address(address.map(|address| address.text.to_owned()))
            }
        };
        match (&found, &here) {
            (Some(Listen::Address(Some(first))), Listen::Address(Some(other))) if first != other => {
                let reason = format!("a display on Xen listens on one address: {first}");
                listen.mark_whole(&Finding::unsupported("listen", reason));
            }
            (Some(Listen::Socket(first)), Listen::Socket(other)) if first == other => {}
            (Some(Listen::Socket(_) | Listen::Nowhere), _) => {
                listen.mark_whole(&Finding::unsupported("listen", "a display on Xen listens in one place"));
            }
            _ => found = Some(here),
        }
    }
    found.unwrap_or(Listen::Address(None))
}

/// The port of a display.
#[derive(Clone, Copy)]
pub(super) enum Port<'t> {
    /// None is given.
    Absent,
    /// 0.
    Zero,
    /// -1, libvirt's old word for `autoport='yes'`, which counts where there is no `autoport`.
    Any,
    /// This one.
    Fixed(Value<'t>, i32),
}

/// Reads a port.
pub(super) fn port<'t>(graphics: &Element<'t>, name: &str) -> Result<Port<'t>> {
    let Some(value) = graphics.attr(name) else { return Ok(Port::Absent) };
    let expected = "a port, or -1 for any";
    let port = value.number(expected)?;
    if port <= 0 {
        value.mark(Finding::no_effect("any-port", "no port of its own"));
    }
    match port {
        -1 => Ok(Port::Any),
        0 => Ok(Port::Zero),
        port @ 1..=65535 => Ok(Port::Fixed(value, port)),
        _ => Err(value.not(expected)),
    }
}
