//! Disks whose content libxl would show in another way than the hypervisor that the XML is from.

use super::super::super::cursor::Element;
use super::super::guest::Guest;
use super::format::{LUKS, WRITE_QCOW2, word_of_tools};
use crate::diag::Finding;
use crate::domain::network_disks::ATTACH_FIRST;

/// Why the guest would find other content on the disk, and what to do instead.
pub(super) fn lost(
    disk: &Element<'_>,
    source: Option<&Element<'_>>,
    guest: &Guest<'_>,
) -> Option<(&'static str, String)> {
    let has = |name: &str| has(disk, source, name);
    let format = disk.children("driver").next().and_then(|driver| driver.attr("type"));
    let format = format.map(|format| format.text);
    let place = Place::of(disk, source);
    // What is in a slice is decrypted when it is an image of its own: the tools read an image from its beginning.
    if has("slices") {
        let reason = "libxl does not support slices of an image: the guest would see all of it";
        return Some((reason, place.cut_out(slice_of(disk, source))));
    }
    if has("encryption") || format == Some(LUKS) {
        let instead = match format {
            Some(format @ ("qcow" | "qcow2")) => place.decrypt_inside(format),
            _ => place.decrypt_whole(),
        };
        return Some(("libxl does not decrypt images: the guest would see encrypted data", instead));
    }
    if let Some((reason, is_beside)) = behind(disk) {
        let instead = if is_beside { copied(disk) } else { make_whole(disk) };
        return Some((reason, instead));
    }
    if let Some(transient) = disk.children("transient").next() {
        let is_cdrom = disk.attr("device").is_some_and(|device| device.text == "cdrom");
        if has("readonly") || is_cdrom {
            transient.mark_whole(&Finding::no_effect("read-only", "nothing is written to this disk"));
            return None;
        }
        let format = word_of_tools(format, guest.hypervisor);
        let reason = "libxl does not drop writes: a transient disk would keep them";
        return Some((reason, place.overlay(format.unwrap_or("FORMAT"))));
    }
    None
}

/// True if a disk or an image behind it has an element of this name, in its source or, as of old, beside it.
fn has(around: &Element<'_>, source: Option<&Element<'_>>, name: &str) -> bool {
    let inside = source.is_some_and(|source| source.children(name).next().is_some());
    inside || around.children(name).next().is_some()
}

/// Why an image cannot be read that is behind the disk's own, or that has its data: QEMU opens it as the disk's own says. And
/// true, if it has the data of another one.
fn behind(disk: &Element<'_>) -> Option<(&'static str, bool)> {
    let mut stores: Vec<_> = stores_of(disk).collect();
    while let Some((store, is_beside)) = stores.pop() {
        let source = store.children("source").next();
        let has = |name: &str| has(&store, source.as_ref(), name);
        let format = store.children("format").next().and_then(|format| format.attr("type"));
        if has("encryption") || format.is_some_and(|format| format.text == LUKS) {
            let reason = match is_beside {
                true => {
                    "libxl gives QEMU no key for the encrypted data of this image, and QEMU cannot read it"
                }
                false => {
                    "libxl gives QEMU no key for the encrypted image behind this one, and QEMU cannot read it"
                }
            };
            return Some((reason, is_beside));
        }
        if has("slices") {
            let reason = "libxl does not support slices of an image: the guest would see all of the one behind this one";
            return Some((reason, is_beside));
        }
        stores.extend(stores_of(&store).map(|(next, beside)| (next, beside || is_beside)));
    }
    None
}

/// The image behind a disk's own or behind another one, and the one that has its data, with true.
fn stores_of<'t>(image: &Element<'t>) -> impl Iterator<Item = (Element<'t>, bool)> {
    let source = image.children("source").next();
    let data = source.and_then(|source| source.children("dataStore").next());
    let data = data.or_else(|| image.children("dataStore").next());
    image
        .children("backingStore")
        .next()
        .map(|store| (store, false))
        .into_iter()
        .chain(data.map(|store| (store, true)))
}

/// The part of an image that is the disk, in bytes.
fn slice_of<'t>(disk: &Element<'t>, source: Option<&Element<'t>>) -> (&'t str, &'t str) {
    let slices = source.and_then(|source| source.children("slices").next());
    let slices = slices.or_else(|| disk.children("slices").next());
    let slice = slices.and_then(|slices| slices.children("slice").next());
    let bytes = |name: &str, otherwise| {
        let value = slice.and_then(|slice| slice.attr(name)).map(|value| value.text);
        value.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or(otherwise)
    };
    (bytes("offset", "OFFSET"), bytes("size", "SIZE"))
}

/// What the tools of dom0 are given as the image, and what must be done first for that.
struct Place {
    image: String,
    first: &'static str,
}

impl Place {
    /// The image's own path, where dom0 has it under that.
    fn of(disk: &Element<'_>, source: Option<&Element<'_>>) -> Self {
        let path = |name: &str| source.and_then(|source| source.attr(name));
        let path = match disk.attr("type").map_or("file", |kind| kind.text) {
            "network" => return Place { image: "/dev/DEVICE".to_owned(), first: ATTACH_FIRST },
            "block" => path("dev"),
            _ => path("file"),
        };
        let plain = path.map(|path| path.text).filter(|path| path.starts_with('/') && is_plain(path));
        Place { image: plain.unwrap_or("/PATH/IMAGE").to_owned(), first: "" }
    }

    /// How dom0 decrypts a block device or an image that is LUKS as a whole.
    fn decrypt_whole(&self) -> String {
        let Place { image, first } = self;
        format!(
            "{first}in dom0: cryptsetup open {image} NAME; write type='block', \
             <driver name='qemu' type='raw'/> and <source dev='/dev/mapper/NAME'/>, without <encryption>"
        )
    }

    /// How an image is decrypted whose format has the encryption inside.
    fn decrypt_inside(&self, format: &str) -> String {
        let Place { image, first } = self;
        format!(
            "{first}qemu-img convert --object secret,id=key,file=KEYFILE --image-opts \
             driver={format},encrypt.key-secret=key,file.filename={image} -O qcow2 /PATH/NEW.qcow2, and {WRITE_QCOW2}, \
             without <encryption>"
        )
    }

    /// How a part of an image becomes an image.
    fn cut_out(&self, (offset, size): (&str, &str)) -> String {
        let Place { image, first } = self;
        format!(
            "{first}dd if={image} of=/PATH/NEW bs=1M iflag=skip_bytes,count_bytes skip={offset} count={size}, and write \
             type='file' and <source file='/PATH/NEW'/>, without <slices>"
        )
    }

    /// How a guest writes elsewhere than to its image.
    fn overlay(&self, format: &str) -> String {
        let Place { image, first } = self;
        format!(
            "{first}make an overlay before each start, with qemu-img create -f qcow2 -F {format} -b {image} \
             /PATH/NEW.qcow2, and {WRITE_QCOW2}, without <transient/>"
        )
    }
}

/// True for a path that a shell and an option of QEMU take as it is.
pub(super) fn is_plain(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte))
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

/// How an image becomes one that has all of its data.
fn copied(disk: &Element<'_>) -> String {
    let target = disk.children("target").next().and_then(|target| target.attr("dev"));
    let target = target.map_or("TARGET", |target| target.text);
    format!(
        "while the guest runs with libvirt: virsh blockcopy DOMAIN {target} /PATH/NEW.qcow2 --format qcow2 \
         --transient-job --wait --pivot, which copies it into one image; then {WRITE_QCOW2}, without <dataStore>"
    )
}
