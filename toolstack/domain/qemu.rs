//! What Xen's QEMU takes. xl and libxl pass on settings with which it exits, so that the guest does not start.

use std::net::Ipv6Addr;

use timers::GuestKind;

use super::config::{Defbool, Disk, HdType, Hvm, Nic, NicType, VgaKind};
use super::disk_names::place;
use super::version::{XenVersion, four};
use crate::diag::nearest;

/// The options for the images of the two floppy drives, which libxl has no keys for.
pub const FLOPPY_OPTIONS: [&str; 2] = ["-fda", "-fdb"];

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

/// Formats of images that QEMU's tools read, and that libxl has no word for.
pub(crate) const OTHER_IMAGES: &[&str] =
    &["bochs", "cloop", "dmg", "luks", "parallels", "vdi", "vhdx", "vmdk"];

/// The longest name that a network interface may have in dom0, in bytes. Linux has 15, and the hotplug script adds `-emu`
/// for the emulated card.
#[must_use]
pub fn longest_interface_name(kind: GuestKind, nic: &Nic) -> usize {
    const LINUX: usize = 15;
    let emulated = kind == GuestKind::Hvm && nic.nictype != Some(NicType::Vif);
    if emulated { LINUX - "-emu".len() } else { LINUX }
}

/// The slots of QEMU's PCI bus.
const PCI_SLOTS: usize = 32;

/// The slots that are free for network cards and for devices of the host: without those of the host bridge, of the PIIX3
/// with all its functions, and of the devices that libxl adds for these settings and disks. Arguments for QEMU may leave
/// less.
#[must_use]
pub fn free_pci_slots(hvm: &Hvm, disks: &[Disk]) -> usize {
    // libxl adds one controller, for hard disks alone.
    let is_scsi = |disk: &Disk| {
        let place = disk.vdev.as_deref().and_then(|vdev| place(vdev, hvm.hdtype));
        disk.is_cdrom == 0 && place.is_some_and(|place| place.scsi)
    };
    let takes_slot = [
        true,
        true,
        // libxl's defaults are a Cirrus card and the platform device.
        hvm.xen_platform_pci != Some(Defbool::False),
        hvm.vga.kind != Some(VgaKind::None),
        hvm.hdtype == HdType::Ahci,
        hvm.usbversion > 0,
        hvm.soundhw.as_deref().is_some_and(|card| PCI_SOUND.contains(&card)),
        hvm.spice.enable == Some(Defbool::True) && hvm.spice.vdagent == Some(Defbool::True),
        disks.iter().any(is_scsi),
    ];
    PCI_SLOTS - takes_slot.into_iter().filter(|takes| *takes).count()
}

/// The sound cards that are PCI devices.
const PCI_SOUND: [&str; 3] = ["hda", "ac97", "es1370"];

/// The memory that a graphics card can have, in MiB: the least, which is libxl's default, and the most.
#[must_use]
pub fn card_memory(card: VgaKind) -> Option<(u64, u64)> {
    match card {
        // QEMU takes 4, 8 and 16 MiB, libxl no less than 8.
        VgaKind::Cirrus => Some((8, 16)),
        VgaKind::Std => Some((16, 512)),
        VgaKind::Qxl => Some((128, 1024)),
        VgaKind::None => None,
    }
}

/// The port of QEMU's first VNC display.
pub(crate) const VNC_BASE: i32 = 5900;

/// The last VNC display.
pub(crate) const LAST_DISPLAY: i32 = 65_535 - VNC_BASE;

/// The display of a port, if that is a number and has one.
pub(crate) fn vnc_display(port: &str) -> Option<i32> {
    let port: u16 = port.trim().parse().ok()?;
    Some(i32::from(port) - VNC_BASE).filter(|display| *display >= 0)
}

/// The address and the display of a VNC server's place; libxl takes any colon for one before a display, and QEMU the last.
pub(crate) fn vnc_place(listen: &str) -> (&str, Option<&str>) {
    // Options may stand behind it.
    let place = listen.split(',').next().unwrap_or_default();
    match place.rsplit_once(':') {
        // An IPv6 address alone.
        _ if without_brackets(place).parse::<Ipv6Addr>().is_ok() => (place, None),
        Some((address, display)) => (address, Some(display)),
        None => (place, None),
    }
}

/// An IPv6 address as it is without brackets.
pub(crate) fn without_brackets(address: &str) -> &str {
    address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address)
}

/// Why QEMU refuses the address of a VNC server, if it does, and the one that is probably meant.
pub(super) fn refused_vnc_address(listen: &str) -> Option<(String, Option<String>)> {
    if listen.starts_with("unix:") || !listen.contains(':') {
        return None;
    }
    let (address, display) = vnc_place(listen);
    let bare = without_brackets(address);
    let reason = |what: &str| {
        format!(
            "QEMU takes the text behind the last colon of '{listen}' for a display, and {what}, so that it does not start the guest"
        )
    };
    let number =
        |display: &str| display.parse::<u16>().ok().filter(|number| i32::from(*number) <= LAST_DISPLAY);
    let behind = listen.get(listen.find(',').unwrap_or(listen.len())..).unwrap_or_default();
    let with = |display: u16| match bare.contains(':') {
        true => format!("[{bare}]:{display}{behind}"),
        false => format!("{address}:{display}{behind}"),
    };
    match display {
        None => Some((reason("an IPv6 address must have one, and stand in [ ]"), Some(with(0)))),
        Some(display) => match number(display) {
            None => Some((reason("there is no such one"), None)),
            Some(number) if bare == address && bare.contains(':') => {
                let meant = bare.parse::<Ipv6Addr>().is_ok().then(|| with(number));
                Some((reason("an IPv6 address must stand in [ ]"), meant))
            }
            Some(_) => None,
        },
    }
}

/// The devices that QEMU's `-usbdevice` has.
const USB_DEVICES: &[&str] = &["braille", "keyboard", "mouse", "tablet", "wacom-tablet"];

/// Other names of some.
const OTHER_USB_DEVICES: [(&str, &str); 4] =
    [("kbd", "keyboard"), ("usb-kbd", "keyboard"), ("usb-mouse", "mouse"), ("usb-tablet", "tablet")];

/// Those that it had until QEMU 6, which came with Xen 4.16.
const OLD_USB_DEVICES: &[&str] = &["audio", "ccid"];

/// Whether the QEMU of a release of Xen has such a device.
pub(super) fn is_usb_device(device: &str, xen: XenVersion) -> bool {
    USB_DEVICES.contains(&device) || (xen < four(16) && OLD_USB_DEVICES.contains(&device))
}

/// What to write for a USB device that QEMU does not have: old versions took `host:` with a place.
pub(super) fn instead_of_usb_device(device: &str, devices: &[&str]) -> String {
    let place = device.strip_prefix("host:").and_then(|place| place.split_once('.'));
    let numbers =
        place.and_then(|(bus, address)| Some((bus.parse::<u8>().ok()?, address.parse::<u8>().ok()?)));
    if let Some((bus, address)) = numbers {
        return format!(
            "remove it, and write usbdev = [ \"type=hostdev,hostbus={bus},hostaddr={address}\" ]"
        );
    }
    let near = OTHER_USB_DEVICES.iter().find(|(other, _)| *other == device).map(|(_, known)| *known);
    match near.or_else(|| nearest(device, USB_DEVICES.iter().copied())) {
        Some(near) if devices.len() > 1 => {
            let all = devices.iter().map(|known| if *known == device { near } else { known });
            let quoted: Vec<_> = all.map(|device| format!("\"{device}\"")).collect();
            format!("write usbdevice = [ {} ]", quoted.join(", "))
        }
        Some(near) => format!("write usbdevice = \"{near}\""),
        None if device.starts_with("host:") => {
            "remove it, and give its bus and address (lsusb prints them) as usbdev = [ \"type=hostdev,hostbus=1,hostaddr=2\" ]"
                .to_owned()
        }
        None => "write usbdevice = \"tablet\" or \"mouse\" or \"keyboard\"".to_owned(),
    }
}

/// The keymaps that QEMU has.
const KEYMAPS: &[&str] = &[
    "ar", "bepo", "cz", "da", "de", "de-ch", "en-gb", "en-us", "es", "et", "fi", "fo", "fr", "fr-be",
    "fr-ca", "fr-ch", "hr", "hu", "is", "it", "ja", "lt", "lv", "mk", "nl", "no", "pl", "pt", "pt-br", "ru",
    "sl", "sv", "th", "tr",
];

/// Whether QEMU has a keymap; one with a path is a file of the host.
pub(crate) fn is_keymap(keymap: &str) -> bool {
    KEYMAPS.contains(&keymap) || keymap.contains('/')
}

/// The keymap of QEMU that another name of it means, such as `de_CH` or `us`.
pub(crate) fn keymap_meant(keymap: &str) -> Option<&'static str> {
    let plain = keymap.to_ascii_lowercase().replace('_', "-");
    let plain = plain.split('.').next().unwrap_or_default();
    match plain {
        "us" | "en" => Some("en-us"),
        "uk" | "gb" => Some("en-gb"),
        "jp" => Some("ja"),
        "br" => Some("pt-br"),
        "dk" => Some("da"),
        "se" => Some("sv"),
        "cs" => Some("cz"),
        _ => {
            let find = |word: &str| KEYMAPS.iter().copied().find(|known| *known == word);
            find(plain).or_else(|| find(plain.split('-').next().unwrap_or_default()))
        }
    }
}

/// Why QEMU has no such serial port, if it has none, and what to write. Whether a file is there is a matter of the host.
/// `args` are those that libxl gives QEMU beside its own.
pub(super) fn refused_serial_port<'a>(
    port: &str,
    args: impl Iterator<Item = &'a String>,
) -> Option<(String, String)> {
    const WORDS: &[&str] =
        &["none", "null", "pty", "stdio", "vc", "msmouse", "wctablet", "testdev", "braille"];
    const SOCKETS: &[&str] = &["tcp", "telnet", "tn3270", "websocket", "udp"];
    const FILES: &[&str] = &["file", "pipe", "unix"];
    // The monitor can share a port.
    let inner = port.strip_prefix("mon:").unwrap_or(port);
    if WORDS.contains(&inner) || inner.starts_with("/dev/") {
        return None;
    }
    let not = |what: &str| format!("QEMU has no serial port '{port}'{what}, and does not start the guest");
    match inner.split_once(':') {
        Some(("vc", _)) => None,
        Some((kind, rest)) if SOCKETS.contains(&kind) => {
            let number =
                rest.split_once(':').map(|(_, port)| port.split([',', '@']).next().unwrap_or_default());
            let host = rest.split([':', ',']).next().unwrap_or_default();
            number.is_none_or(str::is_empty).then(|| {
                (
                    not(" without a port number"),
                    format!("write {kind}:{host}:PORT in its place, with a number for PORT"),
                )
            })
        }
        Some((kind, rest)) if FILES.contains(&kind) => {
            rest.split(',').next().is_none_or(str::is_empty).then(|| {
                (
                    not(" without a path"),
                    format!("write {kind}:PATH in its place, with the path of a file for PATH"),
                )
            })
        }
        Some(("chardev", id)) => {
            let is_it = |word: &str| word.strip_prefix("id=") == Some(id);
            let mut args = args;
            (!args.any(|arg| arg.split(',').any(is_it))).then(|| {
                (not(": no argument of QEMU defines it"), format!("add \"-chardev\" and its settings with id={id} to device_model_args, or write serial = \"pty\""))
            })
        }
        _ => {
            let instead =
                "write serial = \"pty\", or file:PATH, unix:PATH,server,nowait or /dev/ttyS0 in its place";
            Some((not(""), instead.to_owned()))
        }
    }
}

/// The options and their values in a text that holds several of QEMU's arguments. A value may have spaces in it.
pub(super) fn arguments_in(text: &str) -> Vec<String> {
    let unquoted = |text: &str| {
        let inside =
            |quote: char| text.strip_prefix(quote)?.strip_suffix(quote).filter(|text| !text.contains(quote));
        ['"', '\''].into_iter().find_map(inside).map(str::to_owned)
    };
    if let Some((option, value)) = text.split_once(char::is_whitespace)
        && let Some(value) = unquoted(value.trim())
    {
        return vec![option.to_owned(), value];
    }
    let mut arguments: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match arguments.last_mut() {
            Some(value) if !word.starts_with('-') && !value.starts_with('-') => {
                value.push(' ');
                value.push_str(word);
            }
            _ => arguments.push(word.to_owned()),
        }
    }
    arguments
}

/// Whether a comma of a text would end an option of QEMU's, and what follows is none: two commas stand for one, and
/// `0.0.0.0:1,websocket=on` is meant.
pub(crate) fn has_lone_comma(text: &str) -> bool {
    /// The options of `-vnc` and `-spice` that may stand without a value.
    const ALONE: &[&str] =
        &["websocket", "password", "reverse", "sasl", "lossy", "acl", "ipv4", "ipv6", "unix"];
    let plain = text.replace(",,", "");
    let is_option = |word: &str| word.contains('=') || ALONE.contains(&word);
    plain.split(',').skip(1).any(|word| !is_option(word))
}

/// A text as QEMU takes it among options.
pub(crate) fn doubled(text: &str) -> String {
    text.replace(',', ",,")
}

/// The text that QEMU takes it for.
pub(crate) fn single(text: &str) -> String {
    text.replace(",,", ",")
}

/// Why QEMU does not start a guest of this name, if it does not, and one that it starts.
pub(crate) fn refused_name(name: &str) -> Option<(String, String)> {
    if name.contains('/') {
        let reason = "libxl opens a log file for QEMU under the guest's name, which can have no '/', and does not start the guest";
        return Some((reason.to_owned(), name.replace(['/', ',', '='], "-")));
    }
    // Two commas stand for one.
    let wrong = name.replace(",,", "").chars().find(|letter| [',', '='].contains(letter))?;
    let reason =
        format!("QEMU takes the name for options because of its '{wrong}', and does not start the guest");
    Some((reason, name.replace([',', '='], "-")))
}

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

/// Why QEMU refuses a guest's boot order, if it does, and the order that is probably meant.
pub(super) fn refused_boot(hvm: &Hvm) -> Option<(String, String)> {
    let boot = hvm.boot.as_deref()?;
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
    let lower = boot.to_ascii_lowercase();
    let letters: String = lower.chars().filter(|letter| BOOT_LETTERS.contains(*letter)).collect();
    let instead = match word {
        Some((_, letter)) => (*letter).to_owned(),
        None if kept.is_empty() && letters == lower && lower.len() <= BOOT_PLACES => lower,
        None if kept.is_empty() => "c".to_owned(),
        None => kept,
    };
    Some((format!("{}, and does not start the guest", why?), instead))
}

/// Why QEMU refuses an emulated network card, if it does, and the card that is probably meant.
pub(super) fn refused_card(nic: &Nic) -> Option<(String, String)> {
    let emulates = nic.nictype != Some(NicType::Vif);
    let is_known = |model: &str| NETWORK_CARDS.contains(&model) || OTHER_CARDS.contains(&model);
    let model = nic.model.as_deref().filter(|model| emulates && !is_known(model))?;
    let meant = match model.to_ascii_lowercase().as_str() {
        "virtio" | "virtio-pci" | "virtio_net" => "virtio-net",
        lower => NETWORK_CARDS.iter().find(|known| **known == lower).unwrap_or(&"e1000"),
    };
    let reason = format!("QEMU has no network card '{model}', and does not start the guest");
    Some((reason, meant.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boot(order: &str) -> Option<(String, String)> {
        refused_boot(&Hvm { boot: Some(order.to_owned()), ..Hvm::default() })
    }

    #[test]
    fn arguments_and_their_values() {
        for (text, arguments) in [
            ("-device foo", vec!["-device", "foo"]),
            ("-append \"a -b\"", vec!["-append", "a -b"]),
            ("-fw_cfg name=opt/a,string=b c -S", vec!["-fw_cfg", "name=opt/a,string=b c", "-S"]),
            ("-S -no-shutdown", vec!["-S", "-no-shutdown"]),
        ] {
            assert_eq!(arguments_in(text), arguments, "{text}");
        }
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
            ("DC", "'D'", "dc"),
            ("cc", "'c' only once", "c"),
            ("adcn", "3 places", "adc"),
            ("dDc", "'D'", "dc"),
        ] {
            let (reason, meant) = boot(order).unwrap_or_else(|| panic!("{order}"));
            assert!(reason.contains(word), "{reason}");
            assert_eq!(meant, instead, "{order}");
            assert_eq!(boot(&meant), None);
        }
    }
}
