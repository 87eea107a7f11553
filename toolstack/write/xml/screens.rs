//! Displays and graphics cards.

use super::element::{Element, yes_no};
use crate::domain::Defbool;
use crate::domain::config::{DomainConfig, Hvm, Sdl, Spice, Vfb, VgaKind, Vnc};
use crate::domain::libvirt::VIDEO_CARDS;
use crate::domain::qemu::{self, VNC_BASE};

pub(super) fn graphics(config: &DomainConfig, hvm: Option<&Hvm>) -> Vec<Element> {
    match hvm {
        Some(hvm) => {
            let keymap = hvm.keymap.as_deref();
            // libxl gives an HVM guest a VNC server unless told otherwise.
            let on = hvm.vnc.enable != Some(Defbool::False);
            let vnc = on.then(|| vnc(&hvm.vnc, keymap));
            vnc.into_iter().chain(sdl(&hvm.sdl)).chain(spice(&hvm.spice, keymap)).collect()
        }
        None => config.vfbs.iter().take(1).flat_map(of_vfb).collect(),
    }
}

fn of_vfb(vfb: &Vfb) -> Vec<Element> {
    let Vfb { backend_domid: _, backend_domname: _, devid: _, vnc, sdl, keymap, rest: _ } = vfb;
    let server = (vnc.enable == Some(Defbool::True)).then(|| self::vnc(vnc, keymap.as_deref()));
    server.into_iter().chain(self::sdl(sdl)).collect()
}

fn vnc(vnc: &Vnc, keymap: Option<&str>) -> Element {
    let Vnc { enable: _, listen, passwd, display, findunused, rest: _ } = vnc;
    let graphics = Element::new("graphics").with("type", "vnc");
    let listen = listen.as_deref();
    if let Some(path) = listen.and_then(|listen| listen.strip_prefix("unix:")) {
        let place = Element::new("listen").with("type", "socket").with("socket", qemu::single(path));
        return graphics.maybe("keymap", keymap).maybe("passwd", passwd.as_ref()).around([place]);
    }
    // xl takes a display behind an address; an IPv6 address must have one.
    let place = listen.map(qemu::vnc_place);
    let address = place.map(|(address, _)| qemu::without_brackets(address));
    let behind = place.and_then(|(_, display)| display?.parse().ok());
    let display = behind.unwrap_or(*display);
    let find = *findunused != Some(Defbool::False) && behind.is_none();
    let port = if find { -1 } else { VNC_BASE.saturating_add(display.clamp(0, 59_635)) };
    graphics
        .with("port", port)
        .with("autoport", yes_no(find))
        .maybe("listen", address)
        .maybe("keymap", keymap)
        .maybe("passwd", passwd.as_ref())
        .around(
            address.map(|address| Element::new("listen").with("type", "address").with("address", address)),
        )
}

fn sdl(sdl: &Sdl) -> Option<Element> {
    let Sdl { enable, opengl, display, xauthority, rest: _ } = sdl;
    let element = Element::new("graphics").with("type", "sdl");
    let element = element.maybe("display", display.as_ref()).maybe("xauth", xauthority.as_ref());
    let gl = opengl.map(|on| Element::new("gl").with("enable", yes_no(on.is_true())));
    (*enable == Some(Defbool::True)).then(|| element.around(gl))
}

fn spice(spice: &Spice, keymap: Option<&str>) -> Option<Element> {
    let Spice {
        enable,
        port,
        tls_port: _,
        host,
        disable_ticketing: _,
        passwd,
        agent_mouse,
        vdagent: _,
        clipboard_sharing,
        usbredirection: _,
        image_compression,
        streaming_video,
        rest: _,
    } = spice;
    if *enable != Some(Defbool::True) || *port <= 0 {
        return None;
    }
    // Without an address libxl listens on all.
    let address = qemu::single(host.as_deref().unwrap_or("0.0.0.0"));
    let option = |child: &'static str, name: &'static str, value: Option<&str>| {
        value.map(|value| Element::new(child).with(name, value))
    };
    let mouse = agent_mouse.map(|on| if on.is_true() { "client" } else { "server" });
    let clipboard = clipboard_sharing.map(|on| yes_no(on.is_true()));
    let options = [
        option("image", "compression", image_compression.as_deref()),
        option("streaming", "mode", streaming_video.as_deref()),
        option("clipboard", "copypaste", clipboard),
        option("mouse", "mode", mouse),
    ];
    let place = Element::new("listen").with("type", "address").with("address", address.as_str());
    Some(
        Element::new("graphics")
            .with("type", "spice")
            .with("port", port)
            .with("autoport", "no")
            .with("listen", address.as_str())
            .maybe("keymap", keymap)
            .maybe("passwd", passwd.as_deref().map(qemu::single))
            .around(std::iter::once(place).chain(options.into_iter().flatten())),
    )
}

/// The graphics card.
pub(super) fn video(config: &DomainConfig, hvm: &Hvm) -> Option<Element> {
    let kib = config.b_info.video_memkb;
    let kind = hvm.vga.kind?;
    let (word, ..) = VIDEO_CARDS.iter().find(|(_, known, _)| *known == kind)?;
    let model = Element::new("model").with("type", word);
    let model = match kind {
        VgaKind::Cirrus | VgaKind::Std => model.maybe("vram", kib),
        // libxl halves the memory into its two kinds.
        VgaKind::Qxl => {
            let half = kib.map(|kib| kib / 2);
            model.maybe("ram", half).maybe("vram", half)
        }
        VgaKind::None => model,
    };
    Some(Element::new("video").around([model]))
}
