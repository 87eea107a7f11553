//! Settings that xl and libxl pass on to QEMU, and with which QEMU exits, so that the guest does not start.

use super::DomainConfig;
use super::config::{DeviceModelVersion, Nic, NicType};

/// The network cards that every QEMU for Xen emulates.
pub const NETWORK_CARDS: &[&str] = &[
    "e1000",
    "e1000-82540em",
    "e1000-82544gc",
    "e1000-82545em",
    "e1000e",
    "i82550",
    "i82551",
    "i82557a",
    "i82557b",
    "i82557c",
    "i82558a",
    "i82558b",
    "i82559a",
    "i82559b",
    "i82559c",
    "i82559er",
    "i82562",
    "i82801",
    "ne2k_pci",
    "pcnet",
    "rtl8139",
    "vmxnet3",
];

/// Cards that some of them emulate, or that only a guest with virtio drivers can use.
const OTHER_CARDS: &[&str] = &[
    "igb",
    "ne2k_isa",
    "tulip",
    "virtio-net",
    "virtio-net-pci",
    "virtio-net-pci-non-transitional",
    "virtio-net-pci-transitional",
];

/// The letters of a boot order: floppy disks, hard disk, CD-ROM, network.
const BOOT_LETTERS: &str = "abcdn";

/// The places in the boot order of a PC.
pub const BOOT_PLACES: usize = 3;

/// Words that people write for a letter.
const BOOT_WORDS: &[(&str, &str)] = &[
    ("cdrom", "d"),
    ("dvd", "d"),
    ("disk", "c"),
    ("harddisk", "c"),
    ("hd", "c"),
    ("hda", "c"),
    ("floppy", "a"),
    ("fd", "a"),
    ("net", "n"),
    ("network", "n"),
    ("pxe", "n"),
];

/// A setting that QEMU refuses: why, and what to write in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The reason.
    pub reason: String,
    /// The value that is probably meant.
    pub instead: String,
}

/// The old device model has other words.
fn is_upstream(config: &DomainConfig) -> bool {
    config.b_info.device_model_version != Some(DeviceModelVersion::QemuXenTraditional)
}

/// Why QEMU refuses the boot order of a config, if it does.
#[must_use]
pub fn refused_boot(config: &DomainConfig) -> Option<Refused> {
    let boot = config.b_info.hvm.as_ref()?.boot.as_deref().filter(|_| is_upstream(config))?;
    let mut kept = String::new();
    let mut why = None;
    for letter in boot.chars() {
        let fault = if !BOOT_LETTERS.contains(letter) {
            format!("QEMU has no boot device '{letter}'")
        } else if kept.contains(letter) {
            format!("QEMU takes the boot device '{letter}' only once")
        } else if kept.len() == BOOT_PLACES {
            format!("QEMU has {BOOT_PLACES} places in its boot order")
        } else {
            kept.push(letter);
            continue;
        };
        why.get_or_insert(fault);
    }
    let word = BOOT_WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(boot));
    let instead = match word {
        Some((_, letter)) => (*letter).to_owned(),
        None if kept.is_empty() => "c".to_owned(),
        None => kept,
    };
    Some(Refused { reason: format!("{}, and does not start the guest", why?), instead })
}

/// Why QEMU refuses an emulated network card, if it does.
#[must_use]
pub fn refused_card(config: &DomainConfig, nic: &Nic) -> Option<Refused> {
    let emulates = config.b_info.hvm.is_some() && is_upstream(config) && nic.nictype != Some(NicType::Vif);
    let is_known = |model: &str| NETWORK_CARDS.contains(&model) || OTHER_CARDS.contains(&model);
    let model = nic.model.as_deref().filter(|model| emulates && !is_known(model))?;
    let meant = match model.to_ascii_lowercase().as_str() {
        "virtio" | "virtio-pci" | "virtio_net" => "virtio-net",
        lower => NETWORK_CARDS.iter().find(|known| **known == lower).unwrap_or(&"e1000"),
    };
    let reason = format!("QEMU has no network card '{model}', and does not start the guest");
    Some(Refused { reason, instead: meant.to_owned() })
}

#[cfg(test)]
mod tests {
    use timers::GuestKind;

    use super::*;

    fn boot(order: &str) -> Option<Refused> {
        let mut config = DomainConfig::new(GuestKind::Hvm);
        if let Some(hvm) = config.b_info.hvm.as_mut() {
            hvm.boot = Some(order.to_owned());
        }
        refused_boot(&config)
    }

    #[test]
    fn boot_orders_that_qemu_takes() {
        for order in ["", "c", "d", "n", "cd", "dc", "adc", "bdn", "ndc"] {
            assert_eq!(boot(order), None, "{order}");
        }
    }

    #[test]
    fn boot_orders_that_qemu_refuses_have_one_that_it_takes() {
        for (order, word, instead) in [
            ("cdrom", "'r'", "d"),
            ("hd", "'h'", "c"),
            ("network", "'e'", "n"),
            ("x", "'x'", "c"),
            ("cc", "'c' only once", "c"),
            ("adcn", "3 places", "adc"),
            ("dDc", "'D'", "dc"),
        ] {
            let refused = boot(order).unwrap_or_else(|| panic!("{order}"));
            assert!(refused.reason.contains(word), "{refused:?}");
            assert_eq!(refused.instead, instead, "{order}");
            assert_eq!(boot(&refused.instead), None);
        }
    }
}
