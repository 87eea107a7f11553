//! Advice on a guest whose graphics card takes much of its memory.

use timers::GuestKind;

use crate::diag::Finding;
use crate::domain::config::VgaKind;
use crate::domain::qemu::card_memory;
use crate::domain::{Domain, DomainConfig, Part};

/// Cards that take this part of the memory, or more, are worth a word.
const PART: u64 = 4;

/// The video memory that libxl gives a guest, in KiB.
fn video_kib(config: &DomainConfig) -> u64 {
    let card = config.b_info.hvm.as_ref().and_then(|hvm| hvm.vga.kind).unwrap_or(VgaKind::Cirrus);
    card_memory(card).map_or(0, |(least, _)| config.b_info.video_memkb.unwrap_or(least * 1024))
}

/// libxl takes the video memory out of the guest's memory; on KVM it comes on top.
pub(super) fn advice(domain: &Domain) -> Option<(Part, Finding)> {
    let (memory, video) = (domain.config.b_info.max_memkb?, video_kib(&domain.config));
    if domain.config.kind() != GuestKind::Hvm || video == 0 || memory > video.saturating_mul(PART) {
        return None;
    }
    let mib = |kib: u64| kib / 1024;
    let more = mib(memory) + mib(video);
    let reason = format!(
        "libxl takes the {} MiB of video memory out of the guest's {} MiB of memory; on KVM they come on top",
        mib(video),
        mib(memory)
    );
    let advice = Finding::advice("advice-video-memory", reason).instead_by_format(
        format!("write <memory unit='MiB'>{more}</memory>, and the same in <currentMemory>, to leave the guest as much as on KVM"),
        format!("write memory = {more} to leave the guest as much as on KVM"),
    );
    Some((Part::Domain, advice))
}
