//! `<channel>` and `<redirdev>`: connections between a program in the guest and one outside.

use super::super::cursor::{Element, Result, Value};
use super::super::schema::OTHER_KIND;
use super::guest::Guest;
use super::{boot_order, character, placed_by_xen, set};
use crate::diag::Finding;
use crate::domain::config::{Channel, Connection};

/// The most USB devices that libxl lets a SPICE client redirect.
const REDIRECTIONS: i32 = 4;

/// Why nothing is redirected.
const NO_CLIENT: &str = "without a SPICE server no client can redirect a device";

pub(super) fn read<'t>(devices: &Element<'t>, guest: &mut Guest<'t>) -> Result<()> {
    for element in devices.children("channel") {
        let kind = element.needs("type", "unix", || character::no_type(&element));
        match kind.text {
            "spicevmc" => agent(&element, guest),
            "unix" | "pty" => channel(&element, kind.text == "pty", guest)?,
            _ => {
                let reason = format!("a channel of Xen is a pty or a socket, not {}", kind.text);
                let instead = "write type='unix' and <source mode='bind' path='/PATH'/>";
                element.leave_out(Finding::unsupported("channel", reason).instead(instead));
            }
        }
    }
    if !has_spice(guest) {
        let finding = Finding::no_effect("no-spice", NO_CLIENT);
        devices.children("redirfilter").for_each(|filter| filter.mark_whole(&finding));
    }
    for element in devices.children("redirdev") {
        redirected(&element, guest);
    }
    Ok(())
}

fn has_spice(guest: &mut Guest<'_>) -> bool {
    guest.hvm().is_some_and(|hvm| hvm.spice.enable.is_some_and(crate::domain::Defbool::is_true))
}

/// The channel of SPICE's agent.
fn agent(element: &Element<'_>, guest: &mut Guest<'_>) {
    let target = element.children("target").next();
    let name = target.and_then(|target| target.attr("name")).map_or("com.redhat.spice.0", |name| name.text);
    if name != "com.redhat.spice.0" {
        let reason = format!("libxl supports only the agent's SPICE channel, not '{name}'");
        return element.leave_out(Finding::unsupported("channel", reason));
    }
    if !has_spice(guest) {
        let reason = "without a SPICE server the channel has no other end";
        return element.mark_whole(&Finding::no_effect("no-spice", reason));
    }
    let for_xen = guest.for_xen;
    if let Some(hvm) = guest.hvm() {
        set(&mut hvm.spice.vdagent, true);
        // QEMU shares the clipboard unless told otherwise; libxl forbids it unless told otherwise.
        if !for_xen && hvm.spice.clipboard_sharing.is_none() {
            set(&mut hvm.spice.clipboard_sharing, true);
        }
    }
    let element = element.take();
    placed_by_xen(&element);
    if let Some(target) = element.child("target") {
        target.mark_whole(&Finding::no_effect("own-channel", "libxl itself names the agent's channel"));
    }
    over_spice(&element);
}

/// Ends of other kinds in a device whose end is SPICE's; libvirt ignores them.
fn over_spice(device: &Element<'_>) {
    for end in ["source", "protocol"].iter().flat_map(|name| device.children(name)) {
        end.mark_whole(&Finding::no_effect("other-kind", OTHER_KIND));
    }
}

/// A console with a name, whose other end is a pty or a socket in dom0.
fn channel(element: &Element<'_>, pty: bool, guest: &mut Guest<'_>) -> Result<()> {
    let target = element.children("target").next();
    let kind = target.and_then(|target| target.attr("type"));
    if let Some(kind) = kind.filter(|kind| !matches!(kind.text, "virtio" | "xen")) {
        let reason = format!("Xen has no channel to {}", kind.text);
        element.leave_out(Finding::unsupported("channel", reason));
        return Ok(());
    }
    let source = element.children("source").next();
    if let Some(source) =
        source.filter(|source| source.attr("mode").is_some_and(|mode| mode.text == "connect"))
    {
        let reason = "QEMU creates the socket of a channel and waits for a connection";
        let path = source.attr("path").map_or("/PATH", |path| path.text);
        let instead = format!("write mode='bind', and connect to {path}");
        element.leave_out(Finding::unsupported("channel", reason).instead(instead));
        return Ok(());
    }
    let Some(name) = name(target)? else {
        let reason = "libxl starts no guest with a channel that has no name: the channel is left out";
        let instead = "add name='NAME' in its <target>";
        element.leave_out(Finding::unsupported("channel", reason).instead(instead));
        return Ok(());
    };
    let element = element.take();
    placed_by_xen(&element);
    let _ = target.map(Element::take);
    let connection = if pty {
        if let Some(path) = source.map(Element::take).and_then(|source| source.attr("path")) {
            character::of_running_guest(&path);
        }
        Connection::Pty
    } else {
        let source = source.map(Element::take);
        if let Some(mode) = source.and_then(|source| source.attr("mode")) {
            mode.mark(Finding::no_effect("channel-mode", "QEMU always creates the socket of a channel"));
        }
        let path = match source {
            Some(source) => character::socket(&source, &name, guest),
            None => guest.socket(&name),
        };
        if path.contains([',', '=', '\n']) {
            return Err(
                element.invalid("bad-value", format!("'{path}' is not a path that xl.cfg can hold here"))
            );
        }
        Connection::Socket(Some(path))
    };
    if let Some(kind) = kind.filter(|kind| kind.text == "virtio") {
        let reason =
            "becomes a Xen console, /dev/hvcN, not a virtio port; the guest finds its name in xenstore";
        let instead = format!("let the program in the guest open the console that is named {name}");
        kind.mark(Finding::approximated("channel-virtio", reason).instead(instead));
    }
    let devid = u32::try_from(guest.config.channels.len()).ok();
    guest.config.channels.push(Channel { devid, name: Some(name), connection, ..Channel::default() });
    Ok(())
}

/// The name by which the guest finds the channel.
fn name(target: Option<Element<'_>>) -> Result<Option<String>> {
    if let Some(state) = target.and_then(|target| target.attr("state")) {
        state.mark(Finding::no_effect("live-state", "the state of a running guest"));
    }
    let plain = |name: &Value<'_>| !name.text.is_empty() && !name.text.contains([',', '=', '\n', ' ']);
    match target.and_then(|target| target.attr("name")) {
        Some(name) if plain(&name) => Ok(Some(name.text.to_owned())),
        Some(name) => Err(name.not("a channel's name that xl.cfg can hold")),
        None => Ok(None),
    }
}

/// A USB device that a SPICE client lends to the guest.
fn redirected(element: &Element<'_>, guest: &mut Guest<'_>) {
    let kind = element.attr("type").map_or("spicevmc", |kind| kind.text);
    let finding = if kind != "spicevmc" {
        Finding::unsupported("redirdev", format!("libxl redirects USB only over SPICE, not over {kind}"))
    } else if !has_spice(guest) {
        Finding::no_effect("no-spice", NO_CLIENT)
    } else if guest.usb.redirections == REDIRECTIONS {
        Finding::unsupported("redirdev", format!("libxl redirects at most {REDIRECTIONS} USB devices"))
    } else {
        guest.usb.redirections += 1;
        let element = element.take();
        let needed = "libxl does not start a guest with it if QEMU is built without usb-redir, as Debian's QEMU for Xen is";
        element.mark(
            Finding::approximated("usb-redir", needed)
                .instead("remove it, unless qemu-system-i386 -device help lists usb-redir on the host"),
        );
        if let Some(bus) = element.attr("bus") {
            bus.mark(Finding::no_effect("redirdev", "only USB devices can be redirected"));
        }
        placed_by_xen(&element);
        over_spice(&element);
        boot_order::cannot_boot(&element, "a redirected USB device");
        return;
    };
    element.mark_whole(&finding);
}
