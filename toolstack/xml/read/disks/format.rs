//! The format of an image: as `<driver type=>` has it, or as its name says.

use super::super::super::cursor::{Element, Value};
use super::super::guest::Guest;
use super::left_out::left_out;
use crate::diag::{Finding, nearest};
use crate::domain::config::DiskFormat;
use crate::domain::images::format_of_name;
use crate::domain::libvirt::{DISK_FORMATS, value_of};
use crate::mapping::Kind;

/// QEMU's word for an encryption of a whole image, which libvirt takes for a format too.
pub(super) const LUKS: &str = "luks";

/// What a disk has when its image has become a file of QEMU's own format.
pub(super) const WRITE_QCOW2: &str =
    "write type='file', <driver name='qemu' type='qcow2'/> and <source file='/PATH/NEW.qcow2'/>";

/// Hypervisors whose XML has no formats in it: they tell a format by the image's name.
const WITHOUT_FORMATS: &[&str] = &["vmware", "vbox", "hyperv"];

/// Formats that libxl does not read, and qemu-img's words for them.
const CONVERTIBLE: &[(&str, &str)] = &[
    ("bochs", "bochs"),
    ("cloop", "cloop"),
    ("cow", "cow"),
    ("dmg", "dmg"),
    ("parallels", "parallels"),
    ("ploop", "parallels"),
    ("vdi", "vdi"),
    ("vhdx", "vhdx"),
    ("vmdk", "vmdk"),
];

/// Formats that QEMU's tools no longer read, and the last release that does.
const GIVEN_UP: &[(&str, &str)] = &[("cow", "2.1")];

/// What libvirt calls a directory that QEMU shows the guest as a disk: there is no image.
const DIRECTORIES: &[&str] = &["dir", "fat"];

/// The format in which libxl reads the image; `None` when the disk is left out, since it reads no such format.
pub(super) fn read(
    element: &Element<'_>,
    given: Option<&Value<'_>>,
    path: Option<&str>,
    guest: &mut Guest<'_>,
) -> Option<DiskFormat> {
    if given.is_none() && WITHOUT_FORMATS.contains(&guest.hypervisor) {
        return of_name(element, path.unwrap_or_default(), guest);
    }
    let Some(format) = given else { return Some(DiskFormat::Raw) };
    let known = value_of(DISK_FORMATS, format.text);
    if known.is_none() {
        left_out(
            element,
            unreadable(format.text).instead(match qemu_img(format.text) {
                _ if DIRECTORIES.contains(&format.text) => image_of_directory(element),
                Some(convert) => {
                    let release = GIVEN_UP.iter().find(|(known, _)| *known == format.text);
                    let with = release
                        .map(|(_, last)| format!(" with the qemu-img of QEMU {last} or older"))
                        .unwrap_or_default();
                    format!(
                        "convert the image{with}, as in: {convert} /PATH/IMAGE /PATH/NEW.qcow2, and {WRITE_QCOW2}"
                    )
                }
                None => {
                    let words = DISK_FORMATS.iter().map(|(word, _)| *word);
                    match nearest(format.text, words) {
                        Some(word) => format!("write type='{word}'"),
                        None => "find the image's format with qemu-img info IMAGE, and write it in type="
                            .to_owned(),
                    }
                }
            }),
        );
    }
    known
}

/// How an image for each kind of drive is made of a directory.
const IMAGES: &[(&str, &str)] = &[
    ("disk", "virt-make-fs --partition --type=vfat DIRECTORY IMAGE"),
    ("cdrom", "genisoimage -J -r -o IMAGE DIRECTORY"),
    ("floppy", "mformat -C -f 1440 -i IMAGE :: and mcopy -s -i IMAGE DIRECTORY/* ::"),
];

/// The remedy for a directory in the place of an image.
pub(super) fn image_of_directory(disk: &Element<'_>) -> String {
    let device = disk.attr("device").map_or("disk", |device| device.text);
    let made = IMAGES.iter().find(|(known, _)| *known == device).map_or(IMAGES[0].1, |(_, how)| *how);
    format!(
        "put the files into an image ({made}), and write type='file', <driver name='qemu' type='raw'/> and \
         <source file='IMAGE'/>"
    )
}

/// The word of QEMU's tools for an image's format, where the XML tells it.
pub(super) fn word_of_tools<'w>(given: Option<&'w str>, hypervisor: &str) -> Option<&'w str> {
    let Some(given) = given else { return (!WITHOUT_FORMATS.contains(&hypervisor)).then_some("raw") };
    if let Some((_, word)) = CONVERTIBLE.iter().find(|(known, _)| *known == given) {
        return Some(word);
    }
    Some(match value_of(DISK_FORMATS, given)? {
        DiskFormat::Qcow => "qcow",
        DiskFormat::Qcow2 => "qcow2",
        DiskFormat::Vhd => "vpc",
        DiskFormat::Qed => "qed",
        _ => "raw",
    })
}

/// The format by the name of an image, as a rule replaces it.
fn of_name(element: &Element<'_>, path: &str, guest: &mut Guest<'_>) -> Option<DiskFormat> {
    let here = guest.rule(Kind::Path, path).map_or_else(|| path.to_owned(), |(here, _)| here);
    let Some(format) = format_of_name(&here) else { return Some(DiskFormat::Raw) };
    let known = value_of(DISK_FORMATS, format);
    if known.is_none() {
        let convert = qemu_img(format).unwrap_or_default();
        let convert = format!("{convert} /PATH/IMAGE /PATH/NEW.qcow2");
        let finding = unreadable(format)
            .instead(format!("{convert}, and write <source file='/PATH/NEW.qcow2'/>"))
            .instead_in_file(format!(
                "{convert}, and convert the XML with --map 'path:{path}=/PATH/NEW.qcow2'"
            ));
        left_out(element, finding);
    }
    known
}

fn unreadable(format: &str) -> Finding {
    Finding::unsupported("disk-format", format!("libxl reads raw, qcow, qcow2, vhd and qed, not {format}"))
}

/// The command that converts images of a format, where there is one.
fn qemu_img(format: &str) -> Option<String> {
    let (_, word) = CONVERTIBLE.iter().find(|(known, _)| *known == format)?;
    Some(format!("qemu-img convert -f {word} -O qcow2"))
}
