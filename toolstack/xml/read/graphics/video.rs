//! `<video>`: the emulated graphics card.

use super::super::super::cursor::{Element, Result, Value};
use super::super::guest::Guest;
use super::super::{placed_by_xen, unknown_word};
use crate::diag::Finding;
use crate::domain::config::VgaKind;
use crate::domain::libvirt::VIDEO_CARDS;
use crate::domain::qemu::card_memory;

pub(super) fn read(devices: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let mut cards = devices.children("video");
    let Some(video) = cards.next().map(Element::take) else { return Ok(()) };
    for second in cards {
        let reason = "an HVM guest on Xen has one graphics card";
        second.mark_whole(&Finding::unsupported("second-video", reason));
    }
    placed_by_xen(&video);
    let Some(model) = video.child("model") else { return Ok(()) };
    for name in ["heads", "primary"] {
        if let Some(value) = model.attr(name) {
            value.mark(Finding::no_effect("one-screen", "a guest on Xen has one card with one screen"));
        }
    }
    let Some(kind) = model.attr("type").filter(|kind| kind.text != "default") else { return Ok(()) };
    if !guest.is_hvm() || kind.text == "xen" {
        model.mark_whole(&Finding::no_effect("pv-video", "Xen's framebuffer comes with <graphics>"));
        return Ok(());
    }
    let known = VIDEO_CARDS.iter().find(|(word, ..)| *word == kind.text);
    let (card, difference) = match known {
        Some((_, card, difference)) => (*card, difference.map(str::to_owned)),
        None => (
            VgaKind::Std,
            Some(format!("libxl has no {} graphics card; the standard VGA is used", kind.text)),
        ),
    };
    if let Some(hvm) = guest.hvm() {
        hvm.vga.kind = Some(card);
    }
    if let Some(unknown) = unknown_word(&kind, "devices/video/model", None, "the standard VGA is used") {
        kind.mark(unknown);
    } else if let Some(reason) = difference {
        kind.mark(Finding::approximated("video", reason));
    }
    let wanted = wanted(&model, card)?;
    let Some(((least, most), wanted)) = card_memory(card).zip(wanted) else { return Ok(()) };
    if known.is_none() {
        // The memory is that of another card.
        wanted.mark(|value| value.mark(Finding::no_effect("video-memory", "of the other card")));
        return Ok(());
    }
    let exact = wanted.kib.div_ceil(1024);
    let mib = match card {
        VgaKind::Cirrus if exact > least => most,
        _ => exact.clamp(least, most),
    };
    guest.config.b_info.video_memkb = Some(mib * 1024);
    if mib * 1024 != wanted.kib {
        let reason = format!("a card of this kind has {mib} MiB on Xen");
        wanted.mark(|value| value.mark(Finding::approximated("video-memory", reason.clone())));
    }
    Ok(())
}

/// The memory that is asked for, and where.
struct Wanted<'t> {
    kib: u64,
    values: Vec<Value<'t>>,
}

impl Wanted<'_> {
    fn mark(&self, mark: impl Fn(&Value<'_>)) {
        self.values.iter().for_each(mark);
    }
}

/// The memory of the card; libxl halves a qxl's into its two kinds.
fn wanted<'t>(model: &Element<'t>, card: VgaKind) -> Result<Option<Wanted<'t>>> {
    let names: &[&str] = if card == VgaKind::Qxl { &["ram", "vram"] } else { &["vram"] };
    let mut wanted = Wanted { kib: 0, values: Vec::new() };
    for name in ["ram", "vram", "vgamem", "vram64"] {
        let Some(value) = model.attr(name) else { continue };
        let kib: u64 = value.number("an amount of video memory in KiB")?;
        if kib > 1 << 32 {
            return Err(value.not("an amount of video memory in KiB"));
        }
        if names.contains(&name) && card != VgaKind::None {
            wanted.kib = wanted.kib.max(kib);
            wanted.values.push(value);
        } else {
            value.mark(Finding::no_effect("video-memory", "libxl takes one amount for the whole card"));
        }
    }
    if wanted.values.is_empty() {
        return Ok(None);
    }
    wanted.kib *= names.len() as u64;
    Ok(Some(wanted))
}
