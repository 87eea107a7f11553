//! Screens with which libxl or QEMU does not start a guest.

use timers::GuestKind;

use super::super::DomainConfig;
use super::super::config::{Hvm, VgaKind};
use super::super::idl::Defbool;
use super::super::qemu::{self, VNC_BASE, card_memory};
use super::refusal::{Place, Refused, at, by_libxl, by_xen, is};
use crate::diag::Finding;

const SPICE: Place =
    (&["spice", "spiceport", "spicepasswd", "spicedisable_ticketing"], "b_info.type.hvm.spice");

/// The last VNC display.
const LAST_DISPLAY: i32 = 65_535 - VNC_BASE;
const LAST_PORT: i32 = 65_535;

/// The words of QEMU's `-spice`.
const COMPRESSIONS: &[&str] = &["auto_glz", "auto_lz", "glz", "lz", "off", "quic"];
const STREAMING: &[&str] = &["all", "filter", "off"];

/// What of an HVM guest's screens is refused.
pub(super) fn refused(config: &DomainConfig, hvm: &Hvm) -> Vec<Refused> {
    let mut found: Vec<_> = [video_memory(config, hvm), spice(hvm), vnc(hvm)].into_iter().flatten().collect();
    if is(hvm.spice.enable) {
        found.extend(spice_words(hvm));
    }
    found
}

fn by_qemu(place: Place, reason: String, instead: String) -> Refused {
    at(place, Finding::unsupported("display-option", reason).instead(instead))
}

/// libxl's least memory for a card, and QEMU's sizes for a Cirrus.
fn video_memory(config: &DomainConfig, hvm: &Hvm) -> Option<Refused> {
    const KEYS: Place = (&["videoram", "vga"], "b_info.video_memkb");
    let card = hvm.vga.kind.unwrap_or(VgaKind::Cirrus);
    let (least, most) = card_memory(card)?;
    if let Some(refused) = no_memory_left(config, config.b_info.video_memkb.unwrap_or(least * 1024)) {
        return Some(refused);
    }
    let mib = config.b_info.video_memkb?.div_ceil(1024);
    if config.b_info.video_memkb? < least * 1024 {
        let reason = format!(
            "libxl gives this graphics card at least {least} MiB of video memory, and does not start the guest with less"
        );
        return Some(by_libxl(KEYS, reason, format!("write videoram = {least}")));
    }
    (card == VgaKind::Cirrus && ![least, most].contains(&mib)).then(|| {
        let reason = format!(
            "QEMU has no Cirrus card with {mib} MiB of video memory, only with {least} and {most}, and does not start the guest"
        );
        let instead = match mib {
            mib if mib < most => format!("write videoram = {most}"),
            _ => "add vga = \"stdvga\"".to_owned(),
        };
        by_qemu(KEYS, reason, instead)
    })
}

/// libxl takes the card's memory out of the guest's.
fn no_memory_left(config: &DomainConfig, video_kib: u64) -> Option<Refused> {
    let kib = config.b_info.max_memkb.or(config.b_info.target_memkb)?;
    (kib <= video_kib).then(|| {
        let (memory, video) = (kib.div_ceil(1024), video_kib.div_ceil(1024));
        let reason = format!(
            "libxl takes {video} MiB of video memory out of the guest's {memory} MiB of memory, and Xen cannot build the guest from the rest"
        );
        by_xen((&["memory", "maxmem"], "b_info.max_memkb"), reason, format!("write memory = {}", memory + video))
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

fn vnc(hvm: &Hvm) -> Option<Refused> {
    let vnc = &hvm.vnc;
    if vnc.enable == Some(Defbool::False) {
        return None;
    }
    let listen = vnc.listen.as_deref().unwrap_or_default();
    if qemu::has_lone_comma(listen) {
        let reason = "QEMU reads the text after the comma in vnclisten as another option, and does not start the guest";
        let instead = format!("write vnclisten = \"{}\"", qemu::doubled(&qemu::single(listen)));
        return Some(by_qemu((&["vnclisten"], "b_info.type.hvm.vnc.listen"), reason.to_owned(), instead));
    }
    (!(0..=LAST_DISPLAY).contains(&vnc.display)).then(|| {
        let display = vnc.display;
        let reason =
            format!("there is no VNC display {display}: its port would be {}", 5900 + i64::from(display));
        by_qemu((&["vncdisplay"], "b_info.type.hvm.vnc.display"), reason, "write vncdisplay = 0".to_owned())
    })
}

/// QEMU reads the keymap for the screens that have one.
pub(super) fn keymap(config: &DomainConfig) -> Option<Refused> {
    let (keymap, keys, path): (_, &'static [&'static str], _) = match (config.kind(), &config.b_info.hvm) {
        (GuestKind::Hvm, Some(hvm)) if hvm.vnc.enable != Some(Defbool::False) || is(hvm.spice.enable) => {
            (hvm.keymap.as_deref()?, &["keymap"], "b_info.type.hvm.keymap")
        }
        (GuestKind::Hvm, _) => return None,
        _ => {
            let vfb = config.vfbs.first().filter(|vfb| vfb.vnc.enable != Some(Defbool::False))?;
            (vfb.keymap.as_deref()?, &["vfb"], "vfbs")
        }
    };
    if qemu::is_keymap(keymap) {
        return None;
    }
    let reason = format!("QEMU has no keymap '{keymap}', and does not start the guest");
    let instead = match qemu::keymap_meant(keymap) {
        Some(meant) if path == "vfbs" => format!("write keymap={meant}"),
        Some(meant) => format!("write keymap = \"{meant}\""),
        None => "remove it: the default is en-us".to_owned(),
    };
    Some(at((keys, path), Finding::unsupported("keymap", reason).instead(instead)))
}
