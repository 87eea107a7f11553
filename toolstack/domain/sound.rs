//! The emulated sound cards.

use super::DomainConfig;
use super::config::DeviceModelVersion;
use super::version::XenVersion;

/// The cards that libxl knows since Xen 4.16. Before, it passes any words to QEMU.
pub const CARDS: [&str; 7] = ["hda", "ac97", "es1370", "adlib", "cs4231a", "gus", "sb16"];

/// The first release whose libxl starts no guest with another card.
const SINCE: XenVersion = XenVersion { major: 4, minor: 16 };

/// The sound card of a config that libxl of this release does not know, so that it does not start the guest.
#[must_use]
pub fn unknown_card(config: &DomainConfig, xen: XenVersion) -> Option<&str> {
    let card = config.b_info.hvm.as_ref()?.soundhw.as_deref()?;
    let is_passed_on = xen < SINCE
        || config.b_info.device_model_version == Some(DeviceModelVersion::QemuXenTraditional)
        || CARDS.iter().any(|known| known.eq_ignore_ascii_case(card));
    (!is_passed_on).then_some(card)
}

/// The known card that an unknown word is probably about.
#[must_use]
pub fn card_in(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    CARDS.into_iter().find(|card| word.contains(card))
}
