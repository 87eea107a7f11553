//! What the name of an image tells of its format.

/// The ends of images' names, and libvirt's words for their formats.
const ENDINGS: &[(&str, &str)] = &[
    ("vmdk", "vmdk"),
    ("vdi", "vdi"),
    ("vhd", "vpc"),
    ("vhdx", "vhdx"),
    ("hdd", "parallels"),
    ("qcow", "qcow"),
    ("qcow2", "qcow2"),
    ("qed", "qed"),
];

/// The name of an image without the directories, those of Windows and of a datastore too.
#[must_use]
pub fn name_of(path: &str) -> &str {
    path.rsplit(['/', '\\', ' ']).next().unwrap_or_default()
}

/// libvirt's word for the format that an image's name ends in.
#[must_use]
pub fn format_of_name(path: &str) -> Option<&'static str> {
    let (_, ending) = name_of(path).rsplit_once('.')?;
    ENDINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, format)| *format)
}
