//! Names of disks on Xen, where the name of a disk determines how it is attached.
//!
//! The last letters of `hda`, `sda` and `xvda` are the number of a drive. QEMU emulates the first four as IDE drives (the
//! first six on SATA), whether they are named `hda` or `xvda`, and those named `sda` on a SCSI controller; only Xen's PV
//! drivers see the others.

use super::config::HdType;

/// IDE drives that QEMU emulates.
pub const IDE_DRIVES: u32 = 4;
/// SATA drives that libxl has QEMU emulate.
const SATA_DRIVES: u32 = 6;
/// Disks on the SCSI controller that QEMU emulates.
pub const SCSI_DISKS: u32 = 7;

/// The place of an emulated disk. No two disks have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// On the SCSI controller.
    pub scsi: bool,
    /// Its number on the controller.
    pub number: u32,
}

/// A name's prefix, and the number of its drive.
#[must_use]
pub fn parts(name: &str) -> Option<(&str, u32)> {
    let prefix = ["xvd", "hd", "sd", "vd", "ubd"].into_iter().find(|prefix| name.starts_with(prefix))?;
    let letters = &name[prefix.len()..];
    if letters.is_empty() || letters.len() > 2 || !letters.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let number = letters.bytes().fold(0, |number, b| number * 26 + u32::from(b - b'a') + 1);
    Some((prefix, number - 1))
}

/// The number of the drive that a name of Xen's is, or that it is a part of, as `xvda1` is of the first.
#[must_use]
pub fn drive(name: &str) -> Option<u32> {
    parts(name.trim_end_matches(|c: char| c.is_ascii_digit())).map(|(_, number)| number)
}

/// How many drives QEMU emulates on the controller of hard disks.
#[must_use]
pub fn emulated_by(controller: HdType) -> u32 {
    match controller {
        HdType::Ahci => SATA_DRIVES,
        HdType::Ide => IDE_DRIVES,
    }
}

/// The place that QEMU gives a disk of this name in an HVM guest; `None` if it does not emulate the disk.
#[must_use]
pub fn place(name: &str, controller: HdType) -> Option<Place> {
    let scsi = name.starts_with("sd");
    let number = drive(name)?;
    (scsi || number < emulated_by(controller)).then_some(Place { scsi, number })
}

/// True if libxl makes a disk of this name: `xvd`, `hd` or `sd` with letters and perhaps a partition, `dNpM`, or a number.
#[must_use]
pub fn is_virtual_disk(vdev: &str) -> bool {
    let number =
        |text: &str, most: u32| text.is_empty() || text.parse().is_ok_and(|number: u32| number <= most);
    if vdev.starts_with(|c: char| c.is_ascii_digit()) {
        // libxl reads it with strtoul.
        return true;
    }
    if let Some((disk, partition)) = vdev.strip_prefix('d').and_then(|rest| rest.split_once('p')) {
        return !disk.is_empty()
            && !partition.is_empty()
            && number(disk, (1 << 20) - 1)
            && number(partition, 255);
    }
    for (prefix, disks, partitions) in [("xvd", 1 << 20, 255), ("hd", 4, 63), ("sd", 16, 15)] {
        let Some(rest) = vdev.strip_prefix(prefix) else { continue };
        let letters = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let disk = rest
            .bytes()
            .take(letters)
            .fold(0_u64, |disk, letter| disk.saturating_mul(26).saturating_add(u64::from(letter - b'a') + 1));
        return (1..=disks).contains(&disk) && number(rest.get(letters..).unwrap_or_default(), partitions);
    }
    false
}

/// How an fstab names a disk, and the directory in which udev has it by that name.
const FSTAB: [(&str, &str); 4] = [
    ("UUID=", "by-uuid"),
    ("LABEL=", "by-label"),
    ("PARTUUID=", "by-partuuid"),
    ("PARTLABEL=", "by-partlabel"),
];

/// What to write for a disk that is named as in an fstab, by its UUID or label; `None` for any other name.
#[must_use]
pub fn instead_of_fstab(word: &str) -> Option<String> {
    let (name, prefix, directory) =
        FSTAB.iter().find_map(|(prefix, directory)| Some((word.strip_prefix(prefix)?, prefix, directory)))?;
    let name = name.trim_matches(['"', '\'']);
    // udev writes any other character as \x and its number.
    let is_of_path = |c: char| c.is_ascii_alphanumeric() || "#+-.:=@_".contains(c) || !c.is_ascii();
    let path = match name {
        "" => "the path of the disk".to_owned(),
        name if name.chars().all(is_of_path) => format!("/dev/disk/{directory}/{name}"),
        name => format!("the path that blkid -t {prefix}'{name}' -o device prints"),
    };
    Some(format!("write {path} in place of {word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_libxl_knows() {
        for name in
            ["xvda", "xvdaa", "xvda1", "hda", "hdd", "sda", "sdp", "sdp15", "d0p0", "d5p3", "51712", "0xca00"]
        {
            assert!(is_virtual_disk(name), "{name}");
        }
        for name in
            ["", "foo", "hde", "sdq", "xvd", "XVDA", "vda", "hda64", "sda16", "xvda256", "d1", "xvda-"]
        {
            assert!(!is_virtual_disk(name), "{name}");
        }
    }

    #[test]
    fn a_name_of_an_fstab_is_the_path_that_udev_gives_it() {
        for (word, expected) in [
            ("UUID=1-2", Some("write /dev/disk/by-uuid/1-2 in place of UUID=1-2")),
            (
                "LABEL=my data",
                Some(
                    "write the path that blkid -t LABEL='my data' -o device prints in place of LABEL=my data",
                ),
            ),
            (
                "LABEL=a/b",
                Some("write the path that blkid -t LABEL='a/b' -o device prints in place of LABEL=a/b"),
            ),
            ("UUID=", Some("write the path of the disk in place of UUID=")),
            ("/dev/sda", None),
        ] {
            assert_eq!(instead_of_fstab(word).as_deref(), expected, "{word}");
        }
    }

    #[test]
    fn drives_and_their_places() {
        assert_eq!((drive("hdd1"), drive("xvdb"), drive("nvme0n1")), (Some(3), Some(1), None));
        assert!(parts("hdd1").is_none() && parts("fda").is_none() && parts("xvd").is_none());
        let ide = |name| place(name, HdType::Ide).map(|place| (place.scsi, place.number));
        assert_eq!(ide("hda"), Some((false, 0)));
        assert_eq!(ide("xvdd"), Some((false, 3)));
        assert_eq!((ide("xvde"), ide("sdb")), (None, Some((true, 1))));
        assert!(place("xvdf", HdType::Ahci).is_some() && place("xvdg", HdType::Ahci).is_none());
    }
}
