//! `<sound>`: the emulated sound card.

use super::super::cursor::Element;
use super::guest::Guest;
use super::placed_by_xen;
use crate::diag::Finding;
use crate::domain::libvirt::SOUND_CARDS;

pub(super) fn read(devices: &Element<'_>, guest: &mut Guest<'_>) {
    for sound in devices.children("sound") {
        let left_out = |reason: &'static str| sound.mark_whole(&Finding::unsupported("sound", reason));
        let Some(hvm) = guest.hvm() else {
            left_out("only an HVM guest has an emulated sound card");
            continue;
        };
        if hvm.soundhw.is_some() {
            left_out("libxl gives a guest one sound card");
            continue;
        }
        let model = sound.attr("model");
        let Some((value, (_, word, difference))) = model
            .and_then(|model| Some((model, SOUND_CARDS.iter().find(|(known, ..)| *known == model.text)?)))
        else {
            let meant = model.and_then(|model| model.meant(SOUND_CARDS.iter().map(|(known, ..)| *known)));
            let reason = format!("libxl has no sound card {}", model.map_or("", |model| model.text));
            let instead = meant.unwrap_or_else(|| "write <sound model='ich6'/>".to_owned());
            sound.leave_out(Finding::unsupported("sound", reason).instead(instead));
            continue;
        };
        hvm.soundhw = Some((*word).to_owned());
        if let Some(difference) = difference {
            value.mark(Finding::approximated("sound", *difference));
        }
        let sound = sound.take();
        placed_by_xen(&sound);
        for child in ["codec", "audio"] {
            for child in sound.children(child) {
                let reason = "QEMU's own choice on Xen";
                child.mark_whole(&Finding::no_effect("sound-backend", reason));
            }
        }
    }
}
