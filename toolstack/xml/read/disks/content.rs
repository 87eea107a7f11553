//! Disks whose content libxl would show in another way than the hypervisor that the XML is from.

use super::super::super::cursor::Element;
use super::super::guest::Guest;
use super::format::{LUKS, word_of_tools};
use crate::diag::Finding;
use crate::domain::network_disks::ATTACH_FIRST;

/// What a disk has when its image has become a file of QEMU's own format.
const WRITE_QCOW2: &str =
    "write type='file', <driver name='qemu' type='qcow2'/> and <source file='/PATH/NEW.qcow2'/>";

/// Why the guest would find other content on the disk, and what to do instead.
pub(super) fn lost(
    disk: &Element<'_>,
    source: Option<&Element<'_>>,
    guest: &Guest<'_>,
) -> Option<(&'static str, String)> {
    let has = |name: &str| has(disk, source, name);
    let format = disk.children("driver").next().and_then(|driver| driver.attr("type"));
    let format = format.map(|format| format.text);
    let place = Place::of(disk);
    if has("encryption") || format == Some(LUKS) {
        let instead = match format {
            Some(format) if format != "raw" && format != LUKS => decrypt_qcow2(place),
            _ => decrypt_luks(place),
        };
        return Some(("libxl does not decrypt images: the guest would see encrypted data", instead));
    }
    if has("slices") {
        let reason = "libxl does not support slices of an image: the guest would see all of it";
        return Some((reason, cut_out(place)));
    }
    if let Some(reason) = behind(disk) {
        return Some((reason, make_whole(disk)));
    }
    if let Some(transient) = disk.children("transient").next() {
        let is_cdrom = disk.attr("device").is_some_and(|device| device.text == "cdrom");
        if has("readonly") || is_cdrom {
            transient.mark_whole(&Finding::no_effect("read-only", "nothing is written to this disk"));
            return None;
        }
        let format = word_of_tools(format, guest.hypervisor);
        let reason = "libxl does not drop writes: a transient disk would keep them";
        return Some((reason, overlay(place, format.unwrap_or("FORMAT"))));
    }
    None
}

/// True if a disk or an image behind it has an element of this name, in its source or, as of old, beside it.
fn has(around: &Element<'_>, source: Option<&Element<'_>>, name: &str) -> bool {
    let inside = source.is_some_and(|source| source.children(name).next().is_some());
    inside || around.children(name).next().is_some()
}

/// Why an image cannot be read that is behind the disk's own: QEMU opens it as the disk's own says.
fn behind(disk: &Element<'_>) -> Option<&'static str> {
    std::iter::successors(store_of(disk), store_of).find_map(|store| {
        let source = store.children("source").next();
        let has = |name: &str| has(&store, source.as_ref(), name);
        if has("encryption") {
            Some("libxl gives QEMU no key for the encrypted image behind this one, and QEMU cannot read it")
        } else if has("slices") {
            Some("libxl does not support slices of an image: the guest would see all of the one behind this one")
        } else {
            None
        }
    })
}

/// The image behind a disk's own, or behind another one.
fn store_of<'t>(image: &Element<'t>) -> Option<Element<'t>> {
    image.children("backingStore").next()
}

/// What the tools of dom0 are given as the image, and what must be done first for that.
#[derive(Clone, Copy)]
struct Place {
    image: &'static str,
    first: &'static str,
}

impl Place {
    fn of(disk: &Element<'_>) -> Self {
        match disk.attr("type").map(|kind| kind.text) {
            Some("network") => Place { image: "/dev/DEVICE", first: ATTACH_FIRST },
            _ => Place { image: "IMAGE", first: "" },
        }
    }
}

/// How dom0 decrypts a block device or an image that is LUKS as a whole.
fn decrypt_luks(Place { image, first }: Place) -> String {
    format!(
        "{first}in dom0: cryptsetup open {image} NAME; write type='block', <driver name='qemu' type='raw'/> and \
         <source dev='/dev/mapper/NAME'/>, without <encryption>"
    )
}

/// How an image is decrypted whose format has the encryption inside.
fn decrypt_qcow2(Place { image, first }: Place) -> String {
    format!(
        "{first}qemu-img convert --object secret,id=key,file=KEYFILE --image-opts \
         driver=qcow2,encrypt.key-secret=key,file.filename={image} -O qcow2 NEW.qcow2, and {WRITE_QCOW2}, without <encryption>"
    )
}

/// How a part of an image becomes an image.
fn cut_out(Place { image, first }: Place) -> String {
    format!(
        "{first}dd if={image} of=NEW bs=1M iflag=skip_bytes,count_bytes skip=OFFSET count=SIZE, and write type='file' and \
         <source file='/PATH/NEW'/>, without <slices>"
    )
}

/// How a guest writes elsewhere than to its image.
fn overlay(Place { image, first }: Place, format: &str) -> String {
    format!(
        "{first}make an overlay before each start, with qemu-img create -f qcow2 -F {format} -b {image} NEW.qcow2, and \
         {WRITE_QCOW2}, without <transient/>"
    )
}

/// How an image and those behind it become one.
fn make_whole(disk: &Element<'_>) -> String {
    let target = disk.children("target").next().and_then(|target| target.attr("dev"));
    let target = target.map_or("TARGET", |target| target.text);
    format!(
        "while the guest runs with libvirt: virsh blockpull DOMAIN {target} --wait, which makes one image of them; then \
         remove <backingStore>"
    )
}
