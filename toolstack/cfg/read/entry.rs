//! Words that an entry of a list such as `vif` or `disk` does not have, with those that are meant.

use super::book::Words;
use super::{Reader, nearest};
use crate::cfg::suggest::{self, Unit};
use crate::diag::Finding;
use crate::domain::qemu::vnc_display;
use crate::domain::release::{self, Known};

/// A kind of entry.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// The key of the list.
    pub list: &'static str,
    /// The name of such an entry.
    pub what: &'static str,
}

const fn entry(list: &'static str, what: &'static str) -> Entry {
    Entry { list, what }
}

pub(super) const ARM_SCI: Entry = entry("arm_sci", "arm_sci");
pub(super) const CHANNEL: Entry = entry("channel", "a channel");
pub(super) const DISK: Entry = entry("disk", "a disk");
pub(super) const DISPLAY: Entry = entry("vdispl", "a display");
pub(super) const FRAMEBUFFER: Entry = entry("vfb", "a framebuffer");
pub(super) const KEYBOARD: Entry = entry("vkb", "a keyboard");
pub(super) const NIC: Entry = entry("vif", "a network interface");
pub(super) const NODE: Entry = entry("vnuma", "a node of the guest");
pub(super) const PCI: Entry = entry("pci", "a PCI device");
pub(super) const PCM: Entry = entry("vsnd", "a PCM device");
pub(super) const PVCALLS: Entry = entry("pvcalls", "pvcalls");
pub(super) const SHARE: Entry = entry("p9", "a 9pfs share");
pub(super) const SOUND_CARD: Entry = entry("vsnd", "a sound card");
pub(super) const STREAM: Entry = entry("vsnd", "a stream");
pub(super) const TPM: Entry = entry("vtpm", "a TPM");
pub(super) const USB_CONTROLLER: Entry = entry("usbctrl", "a USB controller");
pub(super) const USB_DEVICE: Entry = entry("usbdev", "a USB device");
pub(super) const VIRTIO: Entry = entry("virtio", "a virtio device");

/// What xl does with a word of some entries.
pub(super) const REFUSES: &str = "refuses";

/// What xl does with a word of the others.
pub(super) const IGNORES: &str = "ignores";

/// The setting for a word of other tools.
enum Meant {
    /// With the same value.
    Setting(&'static str),
    /// For yes and for no.
    Flag(&'static str, &'static str),
}

/// Words of other tools in the entries of each list.
const OTHER_WORDS: &[(&str, &[&str], Meant)] = &[
    ("vif", &["br", "network", "source", "bridge_name"], Meant::Setting("bridge")),
    ("vif", &["ipaddr", "ipaddress", "ip_address", "address"], Meant::Setting("ip")),
    ("vif", &["macaddr", "mac_address", "hwaddr"], Meant::Setting("mac")),
    ("vif", &["ifname", "dev", "target"], Meant::Setting("vifname")),
    ("vif", &["nic", "nic_model"], Meant::Setting("model")),
    ("vif", &["bandwidth"], Meant::Setting("rate")),
    ("disk", &["file", "path", "source", "src", "image", "pdev"], Meant::Setting("target")),
    ("disk", &["dev", "device", "devname"], Meant::Setting("vdev")),
    ("disk", &["fmt"], Meant::Setting("format")),
    ("disk", &["mode"], Meant::Setting("access")),
    ("disk", &["readonly", "ro"], Meant::Flag("access=ro", "access=rw")),
    ("disk", &["discard"], Meant::Flag("discard", "no-discard")),
    ("disk", &["cdrom"], Meant::Flag("devtype=cdrom", "devtype=disk")),
    ("channel", &["type", "mode"], Meant::Setting("connection")),
    ("p9", &["mount_tag"], Meant::Setting("tag")),
    ("p9", &["source", "dir"], Meant::Setting("path")),
    ("p9", &["security", "accessmode"], Meant::Setting("security_model")),
    ("vnuma", &["memory", "mem", "maxmem"], Meant::Setting("size")),
    ("vnuma", &["cpus", "cpu", "vcpu"], Meant::Setting("vcpus")),
    ("vnuma", &["node", "nodeid", "cell"], Meant::Setting("pnode")),
    ("vnuma", &["distances", "distance"], Meant::Setting("vdistances")),
    ("usbdev", &["bus"], Meant::Setting("hostbus")),
    ("usbdev", &["addr", "address", "device"], Meant::Setting("hostaddr")),
    ("vfb", &["listen"], Meant::Setting("vnclisten")),
    ("vfb", &["passwd", "password"], Meant::Setting("vncpasswd")),
];

/// True if a word is the name of a bridge, as tools make them: `xenbr0`, `virbr1`, `br-lan`.
fn is_bridge(word: &str) -> bool {
    let name = word.trim_end_matches(|end: char| end.is_ascii_digit());
    name.ends_with("br") || word.starts_with("br-")
}

/// xl's word for libvirt's type of a channel.
pub(super) fn connection_of(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "unix" | "socket" => Some("socket"),
        "pty" | "console" => Some("pty"),
        _ => None,
    }
}

/// The word that is written in place of another one of such an entry, where it can be known.
pub(super) fn meant(list: &str, word: &str, known: &[&str]) -> Option<String> {
    let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    // `bridge:xenbr0`
    if let (None, Some((name, value))) = (value, word.split_once(':'))
        && known.contains(&name.trim())
    {
        return Some(format!("{}={}", name.trim(), value.trim()));
    }
    if list == "vif" && value.is_none() && is_bridge(word) {
        return Some(format!("bridge={word}"));
    }
    if list == "vfb" && ["vncport", "vnc_port"].contains(&name) {
        return vnc_display(value?).map(|display| format!("vncdisplay={display}"));
    }
    let lower = name.trim().to_ascii_lowercase();
    let with = |name: &str| format!("{name}={}", value.unwrap_or_default());
    let other = OTHER_WORDS.iter().find(|(of, words, _)| *of == list && words.contains(&lower.as_str()));
    // A word that takes no value stands alone, or the one of the other meaning does.
    if let Some(value) = value
        && let Some(word) = known.iter().find(|word| ***word == *lower)
    {
        let off = suggest::number(value, Unit::Flag)? == "0";
        let opposites = [
            format!("un{word}"),
            format!("no-{word}"),
            word.trim_start_matches("un").to_owned(),
            word.trim_start_matches("no-").to_owned(),
        ];
        let opposite = opposites.into_iter().find(|other| other != word && known.contains(&other.as_str()));
        return if off { opposite } else { Some((*word).to_owned()) };
    }
    if list == "channel"
        && let (Some((_, _, Meant::Setting(name))), Some(connection)) = (other, value.and_then(connection_of))
    {
        return Some(format!("{name}={connection}"));
    }
    // An address of six bytes is that of the card.
    if list == "vif" && lower == "address" && value.is_some_and(|value| value.split(':').count() == 6) {
        return Some(with("mac"));
    }
    match (other, value) {
        (Some((_, _, Meant::Setting(name))), _) => Some(with(name)),
        (Some((_, _, Meant::Flag(on, off))), value) => {
            let flag = suggest::number(value.unwrap_or("1"), Unit::Flag)?;
            Some((*if flag == "0" { off } else { on }).to_owned())
        }
        (None, _) => nearest(name, known.iter().copied()).map(with),
    }
}

/// A flag of other tools or releases that stands alone in a disk, and the remedy.
pub(super) fn flag_of_disk(word: &str) -> Option<(&str, String)> {
    if ["trusted", "untrusted", "nodirect-io-safe", "no-direct-io-safe"].contains(&word) {
        return Some((word, format!("remove {word}")));
    }
    if word == "nodiscard" {
        return Some((word, "write no-discard in place of nodiscard".to_owned()));
    }
    let (_, _, meant) = OTHER_WORDS.iter().find(|(of, words, _)| *of == "disk" && words.contains(&word))?;
    match meant {
        Meant::Flag(on, _) => Some((word, format!("write {on} in place of {word}"))),
        Meant::Setting(_) => None,
    }
}

impl<'a> Reader<'a> {
    /// Says of a word that xl has no meaning for it and passes over it.
    pub(super) fn passed_over(&mut self, node: usize, word: &Words<'a>, entry: Entry, known: &[&str]) {
        let finding = self.no_word(word.text, entry, known, IGNORES);
        self.book.note(node, word, finding);
    }

    /// Says that there is no such word in an entry; xl refuses it.
    pub(super) fn no_such_word(&mut self, node: usize, word: &Words<'a>, entry: Entry, known: &[&str]) {
        let finding = self.no_word(word.text, entry, known, REFUSES);
        self.book.wrong(node, word, finding);
    }

    /// The finding on a word that an entry does not have. `does` is what xl does with it.
    pub(super) fn no_word(&self, word: &str, entry: Entry, known: &[&str], does: &str) -> Finding {
        let name = word.split('=').next().unwrap_or_default();
        let Entry { list, what } = entry;
        if let Some(known) = self.newer(release::setting(list, name)) {
            let reason = self.only_known(name, known, does);
            let finding = match does {
                REFUSES => Finding::invalid("other-release", reason),
                _ => Finding::unsupported("other-release", reason),
            };
            return finding.instead("remove it");
        }
        let finding = match does {
            REFUSES => Finding::invalid("no-such-word", format!("{what} has no setting '{word}'")),
            _ => {
                let reason = format!("{what} has no setting '{name}', and xl ignores it");
                Finding::unsupported("unknown-word", reason)
            }
        };
        let known: Vec<_> =
            known.iter().copied().filter(|name| self.host.knows_setting(list, name)).collect();
        match meant(list, word, &known) {
            Some(meant) => finding.instead(format!("write {meant}")),
            None => finding.instead(format!("use one of {}", known.join(", "))),
        }
    }

    /// The releases that know something which the host's does not.
    pub(super) fn newer(&self, known: Option<Known>) -> Option<Known> {
        known.filter(|known| self.host.release.is_some_and(|release| !known.by(release)))
    }

    /// The reason against something that only other releases know.
    pub(super) fn only_known(&self, name: &str, known: Known, does: &str) -> String {
        let release = self.host.release.map(|release| format!(" of Xen {release}")).unwrap_or_default();
        format!("xl knows {name} {known}, but the xl{release} {does} it")
    }
}
