//! Screens with which libxl or QEMU does not start a guest.

use timers::GuestKind;

use super::super::DomainConfig;
use super::super::config::{Hvm, VgaKind, Vnc};
use super::super::idl::Defbool;
use super::super::qemu::{self, LAST_DISPLAY, card_memory};
use super::refusal::{Place, Refused, at, by_libxl, by_xen, is};
use crate::diag::Finding;

const SPICE: Place =
    (&["spice", "spiceport", "spicepasswd", "spicedisable_ticketing"], "b_info.type.hvm.spice");

const LAST_PORT: i32 = 65_535;

/// The words of QEMU's `-spice`.
const COMPRESSIONS: &[&str] = &["auto_glz", "auto_lz", "glz", "lz", "off", "quic"];
const STREAMING: &[&str] = &["all", "filter", "off"];

/// What of an HVM guest's screens is refused.
pub(super) fn refused(config: &DomainConfig, hvm: &Hvm) -> Vec<Refused> {
    let mut found = video_memory(config, hvm);
    found.extend(spice(hvm));
    if is(hvm.spice.enable) {
        found.extend(spice_words(hvm));
    }
    found
}

fn by_qemu(place: Place, reason: String, instead: String) -> Refused {
    at(place, Finding::unsupported("display-option", reason).instead(instead))
}

/// libxl's least memory for a card, and QEMU's sizes for a Cirrus; and the guest's memory without what the card is to have.
fn video_memory(config: &DomainConfig, hvm: &Hvm) -> Vec<Refused> {
    const KEYS: Place = (&["videoram", "vga"], "b_info.video_memkb");
    let card = hvm.vga.kind.unwrap_or(VgaKind::Cirrus);
    let Some((least, most)) = card_memory(card) else { return Vec::new() };
    let kib = config.b_info.video_memkb.unwrap_or(least * 1024);
    let mib = kib.div_ceil(1024);
    let mut found = Vec::new();
    // As it is once that is mended.
    let mut right = kib;
    if kib < least * 1024 {
        let reason = format!(
            "libxl gives this graphics card at least {least} MiB of video memory, and does not start the guest with less"
        );
        right = least * 1024;
        found.push(by_libxl(KEYS, reason, format!("write videoram = {least}")));
    } else if card == VgaKind::Cirrus && ![least, most].contains(&mib) {
        let reason = format!(
            "QEMU has no Cirrus card with {mib} MiB of video memory, only with {least} and {most}, and does not start the guest"
        );
        let instead = match mib {
            mib if mib < most => {
                right = most * 1024;
                format!("write videoram = {most}")
            }
            _ => "add vga = \"stdvga\"".to_owned(),
        };
        found.push(by_qemu(KEYS, reason, instead));
    }
    found.extend(no_memory_left(config, right));
    found
}

/// libxl takes the card's memory out of the guest's.
fn no_memory_left(config: &DomainConfig, video_kib: u64) -> Option<Refused> {
    let kib = config.b_info.max_memkb.or(config.b_info.target_memkb)?;
    (kib <= video_kib).then(|| {
        let (memory, video) = (kib.div_ceil(1024), video_kib.div_ceil(1024));
        let reason = format!(
            "libxl takes {video} MiB of video memory out of the guest's {memory} MiB of memory, and Xen cannot build the guest from the rest"
        );
        // The guest has the memory of its nodes.
        match config.b_info.vnuma_nodes.is_empty() {
            true => {
                let enough = memory + video;
                let instead = format!("write memory = {enough}");
                by_xen((&["memory", "maxmem"], "b_info.max_memkb"), reason, instead)
                    .or_in_xml(format!("write <memory unit='MiB'>{enough}</memory>"))
            }
            false => {
                let instead = format!("write sizes that are {} or more in all", memory + video);
                let xml = format!("write cells with {} MiB or more of memory in all", memory + video);
                by_xen((&["vnuma"], "b_info.vnuma_nodes"), reason, instead).or_in_xml(xml)
            }
        }
    })
}

fn spice(hvm: &Hvm) -> Option<Refused> {
    let spice = &hvm.spice;
    if !is(spice.enable) {
        return None;
    }
    if spice.port == 0 && spice.tls_port == 0 {
        let reason = "libxl starts no guest with SPICE and no port for it";
        return Some(by_libxl(SPICE, reason, "add spiceport = 5900, or spicetls_port"));
    }
    if !is(spice.disable_ticketing) && spice.passwd.as_deref().is_none_or(str::is_empty) {
        let reason =
            "libxl starts no guest with SPICE that has neither a password nor spicedisable_ticketing";
        let instead = "add spicepasswd = \"...\", or spicedisable_ticketing = 1 to let anybody connect";
        return Some(by_libxl(SPICE, reason, instead));
    }
    (spice.usbredirection > 4).then(|| {
        let reason = "libxl gives SPICE 1 to 4 channels for USB devices";
        by_libxl(
            (&["spiceusbredirection"], "b_info.type.hvm.spice.usbredirection"),
            reason,
            "write spiceusbredirection = 4",
        )
    })
}

/// What QEMU refuses of the options of SPICE, which libxl gives it as they are.
fn spice_words(hvm: &Hvm) -> Vec<Refused> {
    let spice = &hvm.spice;
    let mut found = Vec::new();
    // Without tickets libxl gives QEMU no password.
    let passwd = spice.passwd.as_ref().filter(|_| !is(spice.disable_ticketing));
    let texts: [(&'static [&'static str], _, _); 2] = [
        (&["spicepasswd"], "b_info.type.hvm.spice.passwd", passwd),
        (&["spicehost"], "b_info.type.hvm.spice.host", spice.host.as_ref()),
    ];
    for (keys, path, text) in texts {
        let lone = text.filter(|text| qemu::has_lone_comma(text));
        found.extend(lone.map(|text| {
            let key = keys[0];
            let reason = format!(
                "QEMU reads the text after the comma in {key} as another option, and does not start the guest"
            );
            // A password is not repeated.
            let doubled = if key == "spicepasswd" {
                "each comma twice".to_owned()
            } else {
                format!("{key} = \"{}\"", qemu::doubled(&qemu::single(text)))
            };
            by_qemu((keys, path), reason, format!("write {doubled}"))
        }));
    }
    let words: [(&'static [&'static str], _, _, &[&str]); 2] = [
        (
            &["spice_image_compression"],
            "b_info.type.hvm.spice.image_compression",
            &spice.image_compression,
            COMPRESSIONS,
        ),
        (
            &["spice_streaming_video"],
            "b_info.type.hvm.spice.streaming_video",
            &spice.streaming_video,
            STREAMING,
        ),
    ];
    for (keys, path, word, known) in words {
        let unknown = word.as_deref().filter(|word| !known.contains(word));
        found.extend(unknown.map(|word| {
            let reason = format!("QEMU's SPICE has no {} '{word}', and does not start the guest", keys[0]);
            by_qemu((keys, path), reason, format!("write {} = \"{}\"", keys[0], known.join("\" or \"")))
        }));
    }
    let ports: [(&'static [&'static str], _, _); 2] = [
        (&["spiceport"], "b_info.type.hvm.spice.port", spice.port),
        (&["spicetls_port"], "b_info.type.hvm.spice.tls_port", spice.tls_port),
    ];
    for (keys, path, port) in ports {
        if !(0..=LAST_PORT).contains(&port) {
            let reason = format!("there is no port {port}, and QEMU does not start the guest");
            found.push(by_qemu((keys, path), reason, format!("write {} = 5900", keys[0])));
        }
    }
    found
}

/// The VNC server of a guest that QEMU has, with its place and that of its keymap; a PV or PVH guest has that of its first
/// framebuffer.
struct Server<'a> {
    vnc: &'a Vnc,
    keymap: Option<&'a str>,
    in_vfb: bool,
}

impl<'a> Server<'a> {
    fn of(config: &'a DomainConfig) -> Option<Self> {
        match (config.kind(), &config.b_info.hvm) {
            (GuestKind::Hvm, Some(hvm)) => {
                Some(Server { vnc: &hvm.vnc, keymap: hvm.keymap.as_deref(), in_vfb: false })
            }
            (GuestKind::Hvm, None) => None,
            _ => {
                let vfb = config.vfbs.first()?;
                Some(Server { vnc: &vfb.vnc, keymap: vfb.keymap.as_deref(), in_vfb: true })
            }
        }
    }

    fn is_on(&self) -> bool {
        self.vnc.enable != Some(Defbool::False)
    }

    /// The place of a setting that has the same name as a key and in an entry of `vfb`.
    fn place(&self, key: Place) -> Place {
        if self.in_vfb { (&["vfb"], "vfbs") } else { key }
    }

    /// The remedy that gives a key another value.
    fn write(&self, key: &str, value: &str) -> String {
        match self.in_vfb {
            true => format!("write {key}={value}"),
            false if value.bytes().all(|byte| byte.is_ascii_digit()) => format!("write {key} = {value}"),
            false => format!("write {key} = \"{value}\""),
        }
    }
}

/// What QEMU refuses of a VNC server's address and display.
pub(super) fn vnc(config: &DomainConfig) -> Option<Refused> {
    let server = Server::of(config).filter(Server::is_on)?;
    let listens = server.place((&["vnclisten"], "b_info.type.hvm.vnc.listen"));
    let listen = server.vnc.listen.as_deref().unwrap_or_default();
    if qemu::has_lone_comma(listen) {
        let reason = "QEMU reads the text after the comma in vnclisten as another option, and does not start the guest";
        let instead = server.write("vnclisten", &qemu::doubled(&qemu::single(listen)));
        return Some(by_qemu(listens, reason.to_owned(), instead));
    }
    if let Some((reason, meant)) = qemu::refused_vnc_address(listen) {
        let instead = match meant {
            Some(meant) => server.write("vnclisten", &meant),
            None => "write an address, with : and the number of a display behind it if it is to have one, and an IPv6 address in [ ]".to_owned(),
        };
        return Some(by_qemu(listens, reason, instead));
    }
    let display = server.vnc.display;
    (!(0..=LAST_DISPLAY).contains(&display)).then(|| {
        let reason =
            format!("there is no VNC display {display}: its port would be {}", 5900 + i64::from(display));
        let place = server.place((&["vncdisplay"], "b_info.type.hvm.vnc.display"));
        by_qemu(place, reason, server.write("vncdisplay", "0"))
    })
}

/// QEMU reads the keymap for the screens that have one.
pub(super) fn keymap(config: &DomainConfig) -> Option<Refused> {
    let server = Server::of(config)?;
    let spice = config.b_info.hvm.as_ref().is_some_and(|hvm| !server.in_vfb && is(hvm.spice.enable));
    let keymap = server.keymap.filter(|_| server.is_on() || spice)?;
    if qemu::is_keymap(keymap) {
        return None;
    }
    let reason = format!("QEMU has no keymap '{keymap}', and does not start the guest");
    let instead = match qemu::keymap_meant(keymap) {
        Some(meant) => server.write("keymap", meant),
        None => "remove it: the default is en-us".to_owned(),
    };
    let place = server.place((&["keymap"], "b_info.type.hvm.keymap"));
    Some(at(place, Finding::unsupported("keymap", reason).instead(instead)))
}
