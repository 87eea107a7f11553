//! libvirt's words for what libxl has: one table for each, which the reader and the writer of domain XML share.
//!
//! If libxl has one value for several words, the first one is written.

mod cpu_features;

use timers::hyperv::Viridian;

pub(crate) use self::cpu_features::{Bit, Register, bit, feature_at};
use super::config::{DiskBackend, DiskFormat, Passthrough, SmbiosType, VgaKind};

/// libvirt's namespace of `<xen:commandline>`.
pub(crate) const XEN_NAMESPACE: &str = "http://libvirt.org/schemas/domain/xen/1.0";

/// The namespace in `<metadata>` of what a domain XML has no word for.
pub(crate) const KEPT_NAMESPACE: &str = "urn:xenclock:domain:1.0";

/// The prefix of [`KEPT_NAMESPACE`].
pub(crate) const KEPT_PREFIX: &str = "xenclock";

/// Policies of `<feature>`: whether the guest is to have it; `optional` leaves that to the host.
pub(crate) const FEATURE_POLICIES: &[(&str, Option<bool>)] = &[
    ("force", Some(true)),
    ("require", Some(true)),
    ("optional", None),
    ("disable", Some(false)),
    ("forbid", Some(false)),
];

/// Image formats of `<driver type=>`.
pub(crate) const DISK_FORMATS: &[(&str, DiskFormat)] = &[
    ("raw", DiskFormat::Raw),
    ("aio", DiskFormat::Raw),
    ("iso", DiskFormat::Raw),
    ("qcow", DiskFormat::Qcow),
    ("qcow2", DiskFormat::Qcow2),
    ("vpc", DiskFormat::Vhd),
    ("vhd", DiskFormat::Vhd),
    ("qed", DiskFormat::Qed),
];

/// Backends of `<driver name=>`.
pub(crate) const DISK_BACKENDS: &[(&str, DiskBackend)] = &[
    ("phy", DiskBackend::Phy),
    ("qemu", DiskBackend::Qdisk),
    ("file", DiskBackend::Qdisk),
    ("tap", DiskBackend::Tap),
    ("tap2", DiskBackend::Tap),
];

/// Devices of `<boot dev=>`, as letters of xl.cfg's `boot`.
pub(crate) const BOOT_DEVICES: &[(&str, char)] =
    &[("hd", 'c'), ("cdrom", 'd'), ("network", 'n'), ("fd", 'a')];

/// Graphics cards of `<video>`, and what another card than the one named differs in.
pub(crate) const VIDEO_CARDS: &[(&str, VgaKind, Option<&str>)] = &[
    ("cirrus", VgaKind::Cirrus, None),
    ("vga", VgaKind::Std, None),
    ("qxl", VgaKind::Qxl, None),
    ("none", VgaKind::None, None),
    ("bochs", VgaKind::Std, Some("the standard VGA, which has the same Bochs interface")),
];

/// Network cards of libvirt's `<interface>` beside those that Xen's QEMU emulates.
pub(crate) const OTHER_CARDS: &[&str] =
    &["netfront", "virtio", "virtio-transitional", "virtio-non-transitional", "usb-net", "spapr-vlan"];

/// Sound cards of `<sound>`, as words of xl.cfg's `soundhw`, and what another card than the one named differs in.
pub(crate) const SOUND_CARDS: &[(&str, &str, Option<&str>)] = &[
    ("ac97", "ac97", None),
    ("es1370", "es1370", None),
    ("ich6", "hda", None),
    ("ich7", "hda", Some("Intel HD audio of the ICH6")),
    ("ich9", "hda", Some("Intel HD audio of the ICH6")),
    ("sb16", "sb16", None),
];

/// Modes of `<passthrough mode=>`.
pub(crate) const PASSTHROUGH_MODES: &[(&str, Passthrough)] =
    &[("sync_pt", Passthrough::SyncPt), ("share_pt", Passthrough::SharePt)];

/// Hyper-V features whose counterpart in Xen are these groups. All of them need `base`.
pub(crate) const HYPERV: &[(&str, &[Viridian])] = &[
    ("relaxed", &[Viridian::Base]),
    ("vpindex", &[Viridian::Base]),
    ("vapic", &[Viridian::Base, Viridian::ApicAssist]),
    ("synic", &[Viridian::Base, Viridian::Synic]),
    (
        "stimer",
        &[Viridian::Base, Viridian::TimeRefCount, Viridian::ReferenceTsc, Viridian::Synic, Viridian::Stimer],
    ),
    ("frequencies", &[Viridian::Base, Viridian::Freq]),
    ("tlbflush", &[Viridian::Base, Viridian::HcallRemoteTlbFlush]),
    ("ipi", &[Viridian::Base, Viridian::HcallIpi]),
];

/// Groups and entries of `<sysinfo>`.
const SMBIOS: &[(&str, &str, SmbiosType)] = &[
    ("bios", "vendor", SmbiosType::BiosVendor),
    ("bios", "version", SmbiosType::BiosVersion),
    ("system", "manufacturer", SmbiosType::SystemManufacturer),
    ("system", "product", SmbiosType::SystemProductName),
    ("system", "version", SmbiosType::SystemVersion),
    ("system", "serial", SmbiosType::SystemSerialNumber),
    ("baseBoard", "manufacturer", SmbiosType::BaseboardManufacturer),
    ("baseBoard", "product", SmbiosType::BaseboardProductName),
    ("baseBoard", "version", SmbiosType::BaseboardVersion),
    ("baseBoard", "serial", SmbiosType::BaseboardSerialNumber),
    ("baseBoard", "asset", SmbiosType::BaseboardAssetTag),
    ("baseBoard", "location", SmbiosType::BaseboardLocationInChassis),
    ("chassis", "manufacturer", SmbiosType::EnclosureManufacturer),
    ("chassis", "serial", SmbiosType::EnclosureSerialNumber),
    ("chassis", "asset", SmbiosType::EnclosureAssetTag),
];

/// The string that an entry of `<sysinfo>` stands for.
pub(crate) fn smbios_type(group: &str, entry: &str) -> Option<SmbiosType> {
    SMBIOS.iter().find(|(of, name, _)| (*of, *name) == (group, entry)).map(|(.., key)| *key)
}

/// The group and the entry of `<sysinfo>` that a string stands in; the entry of an OEM string has no name.
pub(crate) fn smbios_place(key: SmbiosType) -> Option<(&'static str, &'static str)> {
    if key == SmbiosType::Oem {
        return Some(("oemStrings", ""));
    }
    SMBIOS.iter().find(|(.., known)| *known == key).map(|(group, name, _)| (*group, *name))
}

/// The first word that a table has for a value.
pub(crate) fn word_of<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> Option<&'static str> {
    table.iter().find(|(_, known)| known == value).map(|(word, _)| *word)
}

/// The value that a table has for a word.
pub(crate) fn value_of<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}
