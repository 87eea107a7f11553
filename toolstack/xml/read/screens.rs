//! `<graphics>` and `<video>`: what the guest draws on and how one looks at it.

use timers::GuestKind;

use super::super::cursor::{Element, Result, Value};
use super::{placed_by_xen, set};
use crate::diag::Finding;
use crate::domain::DomainConfig;
use crate::domain::config::{Defbool, Sdl, Spice, Vfb, VgaKind, Vkb, Vnc};

/// Displays count from the port of display 0.
const VNC_BASE: i32 = 5900;

/// libvirt's graphics cards: libxl's word, and how near it is.
const CARDS: &[(&str, VgaKind, Option<&str>)] = &[
    ("cirrus", VgaKind::Cirrus, None),
    ("vga", VgaKind::Std, None),
    ("qxl", VgaKind::Qxl, None),
    ("none", VgaKind::None, None),
    ("bochs", VgaKind::Std, Some("the standard VGA, which has the same Bochs interface")),
    ("virtio", VgaKind::Std, Some("Xen's QEMU has no virtio graphics: the standard VGA")),
    ("vmvga", VgaKind::Std, Some("libxl knows no VMware graphics: the standard VGA")),
    ("ramfb", VgaKind::Std, Some("libxl knows no ramfb: the standard VGA")),
];

pub(super) fn read(devices: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    none(config);
    for graphics in devices.children("graphics") {
        let kind = graphics.attr("type");
        match kind.map(|kind| kind.text) {
            Some("vnc") => {
                let vnc = vnc(&graphics.take())?;
                match config.b_info.hvm.as_mut() {
                    Some(hvm) => {
                        hvm.keymap = graphics.attr("keymap").map(|keymap| keymap.text.to_owned());
                        hvm.vnc = vnc;
                    }
                    None => framebuffer(config, &graphics).vnc = vnc,
                }
            }
            Some("sdl") => {
                let sdl = sdl(&graphics.take())?;
                match config.b_info.hvm.as_mut() {
                    Some(hvm) => hvm.sdl = sdl,
                    None => framebuffer(config, &graphics).sdl = sdl,
                }
            }
            Some("spice") => match config.b_info.hvm.as_mut() {
                Some(hvm) => hvm.spice = spice(&graphics.take())?,
                None => graphics.mark_whole(
                    &Finding::unsupported("graphics", "a PV or PVH guest has no SPICE server")
                        .instead("use <graphics type='vnc'/>"),
                ),
            },
            Some("rdp" | "desktop" | "egl-headless" | "dbus") => graphics.mark_whole(
                &Finding::unsupported("graphics", "Xen shows a guest by VNC, SPICE or SDL")
                    .instead("use <graphics type='vnc'/>"),
            ),
            Some(_) => {
                return Err(kind.map_or_else(
                    || graphics.invalid("bad-value", "no type"),
                    |kind| kind.not("vnc, spice or sdl"),
                ));
            }
            None => return Err(graphics.invalid("no-graphics-type", "<graphics> has no type")),
        }
    }
    video(devices, config)
}

/// Without `<graphics>` there is no screen; libxl's own default would be a VNC server.
pub(super) fn none(config: &mut DomainConfig) {
    if let Some(hvm) = config.b_info.hvm.as_mut() {
        hvm.vnc.enable = Some(Defbool::False);
        hvm.sdl.enable = Some(Defbool::False);
    }
}

/// The PV framebuffer, with the keyboard and pointer that belong to it.
fn framebuffer<'c>(config: &'c mut DomainConfig, graphics: &Element<'_>) -> &'c mut Vfb {
    if config.vfbs.is_empty() {
        config.vfbs.push(Vfb { devid: Some(0), ..Vfb::default() });
        config.vkbs.push(Vkb { devid: Some(0), ..Vkb::default() });
    }
    let vfb = &mut config.vfbs[0];
    if let Some(keymap) = graphics.attr("keymap") {
        vfb.keymap = Some(keymap.text.to_owned());
    }
    vfb
}

fn vnc(graphics: &Element<'_>) -> Result<Vnc> {
    let mut vnc = Vnc { enable: Some(Defbool::True), ..Vnc::default() };
    vnc.listen = listen(graphics)?;
    vnc.passwd = graphics.attr("passwd").map(|password| word(&password)).transpose()?;
    let automatic = graphics.attr("autoport").map(|autoport| autoport.yes_no()).transpose()?;
    let port = match graphics.attr("port").filter(|port| port.text != "-1") {
        Some(port) => Some((port, port.number::<i32>("a port, or -1")?)),
        None => None,
    };
    match (automatic, port) {
        (Some(true) | None, None) => set(&mut vnc.findunused, true),
        (Some(true), Some((port, _))) => {
            port.mark(Finding::no_effect("autoport", "the next free port is taken, with autoport='yes'"));
            set(&mut vnc.findunused, true);
        }
        (Some(false), None) => set(&mut vnc.findunused, false),
        (Some(false) | None, Some((value, port))) => {
            set(&mut vnc.findunused, false);
            match port.checked_sub(VNC_BASE) {
                Some(display) if display >= 0 && port <= 65535 => vnc.display = display,
                _ => value.mark(
                    Finding::approximated(
                        "vnc-port",
                        format!("libxl counts displays from port {VNC_BASE}: display 0 is used"),
                    )
                    .instead(format!("write a port from {VNC_BASE} to 65535")),
                ),
            }
        }
    }
    Ok(vnc)
}

fn sdl(graphics: &Element<'_>) -> Result<Sdl> {
    let text = |name| graphics.attr(name).map(|value| word(&value)).transpose();
    Ok(Sdl {
        enable: Some(Defbool::True),
        display: text("display")?,
        xauthority: text("xauth")?,
        ..Sdl::default()
    })
}

fn spice(graphics: &Element<'_>) -> Result<Spice> {
    let mut spice = Spice { enable: Some(Defbool::True), host: listen(graphics)?, ..Spice::default() };
    if let Some(autoport) = graphics.attr("autoport")
        && autoport.yes_no()?
    {
        autoport.mark(
            Finding::approximated("spice-port", "libxl finds no free port for SPICE by itself")
                .instead("write port='5900' autoport='no'"),
        );
        spice.port = VNC_BASE;
    }
    for (name, slot) in [("port", &mut spice.port), ("tlsPort", &mut spice.tls_port)] {
        if let Some(port) = graphics.attr(name).filter(|port| port.text != "-1") {
            *slot = port.number("a port, or -1")?;
        }
    }
    spice.passwd = graphics.attr("passwd").map(|password| password.text.to_owned());
    set(&mut spice.disable_ticketing, spice.passwd.is_none());
    if let Some(mode) = graphics.child("mouse").and_then(|mouse| mouse.attr("mode")) {
        set(&mut spice.agent_mouse, mode.one_of(&[("client", true), ("server", false)])?);
    }
    if let Some(copypaste) = graphics.child("clipboard").and_then(|clipboard| clipboard.attr("copypaste")) {
        let shared = copypaste.yes_no()?;
        set(&mut spice.clipboard_sharing, shared);
        if shared {
            set(&mut spice.vdagent, true);
        }
    }
    Ok(spice)
}

/// The address to listen on: an attribute, a `<listen>` element, or both alike.
fn listen(graphics: &Element<'_>) -> Result<Option<String>> {
    let mut address = graphics.attr("listen").map(|listen| word(&listen)).transpose()?;
    for listen in graphics.children("listen") {
        let is_address = listen.attr("type").is_some_and(|kind| kind.text == "address");
        if !is_address {
            listen.mark_whole(
                &Finding::unsupported("listen", "libxl listens on an address only")
                    .instead("write <listen type='address' address='127.0.0.1'/>"),
            );
            continue;
        }
        let Some(value) = listen.take().attr("address") else {
            continue;
        };
        match &address {
            Some(first) if first != value.text => {
                value.mark(Finding::unsupported("listen", format!("libxl listens on one address: {first}")))
            }
            _ => address = Some(word(&value)?),
        }
    }
    Ok(address)
}

/// A value that xl's vfb list can hold as well.
fn word(value: &Value<'_>) -> Result<String> {
    if value.text.contains([',', '\n']) {
        return Err(value.not("a value that xl.cfg can hold here: no commas"));
    }
    Ok(value.text.to_owned())
}

fn video(devices: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    let mut cards = devices.children("video");
    let Some(video) = cards.next().map(Element::take) else {
        return Ok(());
    };
    for second in cards {
        second.mark_whole(&Finding::unsupported("second-video", "an HVM guest on Xen has one graphics card"));
    }
    placed_by_xen(&video);
    let Some(model) = video.child("model") else {
        return Ok(());
    };
    for name in ["heads", "primary"] {
        if let Some(value) = model.attr(name) {
            value.mark(Finding::no_effect("one-screen", "there is one card with one screen"));
        }
    }
    let Some(kind) = model.attr("type") else {
        return Ok(());
    };
    let Some(hvm) = config.b_info.hvm.as_mut().filter(|_| kind.text != "xen") else {
        model.mark_whole(&Finding::no_effect("pv-video", "Xen's framebuffer comes with <graphics>"));
        return Ok(());
    };
    let Some(&(_, card, difference)) = CARDS.iter().find(|(word, ..)| *word == kind.text) else {
        return Err(
            kind.not("a graphics card that libvirt knows: cirrus, vga, qxl, virtio, bochs, xen or none")
        );
    };
    hvm.vga.kind = Some(card);
    if let Some(reason) = difference {
        kind.mark(Finding::approximated("video", reason));
    }
    if let Some(vram) = model.attr("vram") {
        let kib: u64 = vram.number("an amount of video memory in KiB")?;
        if difference.is_some() || card == VgaKind::None {
            vram.mark(Finding::no_effect("video-memory", "of the other card"));
        } else if let Some(memory) =
            kib.div_ceil(1024).checked_mul(1024).filter(|&memory| memory > 0 && memory <= 1 << 20)
        {
            config.b_info.video_memkb = Some(memory);
            if memory != kib {
                vram.mark(Finding::approximated(
                    "video-memory",
                    format!("xl counts in MiB: rounded up to {} MiB", memory / 1024),
                ));
            }
        } else {
            return Err(vram.not("an amount of video memory up to 1 GiB, in KiB"));
        }
    }
    Ok(())
}

/// Whether a framebuffer brings a keyboard and a pointer for a guest of this kind.
pub(super) fn has_pv_input(config: &DomainConfig) -> bool {
    config.kind() == GuestKind::Hvm || !config.vkbs.is_empty()
}
