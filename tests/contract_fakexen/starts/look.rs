//! Compares a domain that libxl has created with its config, and with the nodes that the report calls exact.

use roxmltree::{Document, Node};
use timers::GuestKind;
use xenclock::diag::{Report, Verdict};
use xenclock::domain::Defbool;
use xenclock::domain::config::{DeviceModelVersion, Disk, DiskFormat, Hvm, NicType};

use super::Started;

impl Started {
    /// The values of an option of the device model.
    fn option<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.model.windows(2).filter(move |two| two[0] == name).map(|two| two[1].as_str())
    }

    /// Whether the option is there, with a value of which this is true.
    fn has(&self, name: &str, is: impl Fn(&str) -> bool) -> bool {
        self.option(name).any(is)
    }

    /// Whether a node whose path ends so has a value of which this is true.
    fn node(&self, end: &str, is: impl Fn(&str) -> bool) -> bool {
        self.nodes.iter().any(|(path, value)| path.ends_with(end) && is(value))
    }
}

/// What the guest did not get of its config.
pub fn missing(started: &Started) -> Vec<String> {
    let mut missing = Vec::new();
    let mut want = |is: bool, what: String| {
        if !is {
            missing.push(what);
        }
    };
    let config = &started.config;
    for disk in &config.disks {
        want(has_disk(started, disk), format!("disk {:?} of {:?}", disk.vdev, disk.pdev_path));
    }
    for nic in &config.nics {
        let mac = nic.mac.clone().unwrap_or_default();
        want(
            started.node("/mac", |value| value.eq_ignore_ascii_case(&mac) || mac.is_empty()),
            format!("card {mac}"),
        );
        let emulated = config.kind() == GuestKind::Hvm && nic.nictype != Some(NicType::Vif);
        let device = |value: &str| value.to_lowercase().contains(&format!("mac={mac}").to_lowercase());
        want(!emulated || mac.is_empty() || started.has("-device", device), format!("emulated card {mac}"));
        for (key, value) in [("/bridge", &nic.bridge), ("/ip", &nic.ip), ("/vifname", &nic.ifname)] {
            let there = value.as_ref().is_none_or(|value| started.node(key, |node| node == value));
            want(there, format!("the card's {key} {value:?}"));
        }
    }
    for (index, pci) in config.pcidevs.iter().enumerate() {
        let address = format!("{:04x}:{:02x}:{:02x}.{}", pci.domain, pci.bus, pci.dev, pci.func);
        want(
            started.node(&format!("/dev-{index}"), |value| value == address),
            format!("PCI device {address}"),
        );
    }
    for share in &config.p9s {
        let is = |own: &Option<String>| started.nodes.values().any(|value| Some(value) == own.as_ref());
        want(is(&share.tag) && is(&share.path), format!("share {:?}", share.tag));
    }
    let online = started.nodes.iter().filter(|(path, value)| {
        path.starts_with("cpu/") && path.ends_with("/availability") && *value == "online"
    });
    want(online.count() == config.b_info.avail_vcpus.len().max(1), "as many vCPUs".to_owned());
    let is_qemu = config.b_info.device_model_version != Some(DeviceModelVersion::QemuXenTraditional);
    if let Some(hvm) = config.b_info.hvm.as_ref().filter(|_| is_qemu && config.kind() == GuestKind::Hvm) {
        emulated(started, hvm, &mut want);
        missing.extend(conflicts(started));
    }
    missing
}

/// What only a device model gives.
fn emulated(started: &Started, hvm: &Hvm, want: &mut impl FnMut(bool, String)) {
    let info = &started.config.b_info;
    let boot = hvm.boot.as_deref().unwrap_or("cda");
    // libxl leaves the order to the firmware where a kernel is given.
    let ordered = started.has("-boot", |value| value == format!("order={boot}"));
    want(ordered, format!("boot order {boot}"));
    for (option, value) in [("-kernel", &info.kernel), ("-initrd", &info.ramdisk), ("-append", &info.cmdline)]
    {
        let there = value.as_ref().is_none_or(|value| started.has(option, |word| word == value));
        want(there, format!("{option} {value:?}"));
    }
    let vnc = &hvm.vnc;
    match vnc.enable {
        Some(Defbool::False) => {
            want(started.has("-vnc", |value| value == "none"), "no VNC server".to_owned())
        }
        _ => {
            let listen = vnc.listen.as_deref().unwrap_or("127.0.0.1");
            let address = if listen.contains("]:")
                || (listen.contains(':') && vnc.display == 0 && !listen.contains("::"))
            {
                listen.to_owned()
            } else {
                format!("{listen}:{}", vnc.display)
            };
            let there = started.has("-vnc", |value| value.split(',').next() == Some(&address));
            want(there, format!("a VNC server on {address}"));
            let asks = started.has("-vnc", |value| value.contains(",password"));
            want(asks == vnc.passwd.is_some(), "VNC's password".to_owned());
        }
    }
    let spice = &hvm.spice;
    if spice.enable == Some(Defbool::True) {
        let host = spice.host.as_deref().unwrap_or_default();
        want(!host.is_empty(), "an address for SPICE: it would listen on all".to_owned());
        let there = started.has("-spice", |value| {
            let parts: Vec<_> = value.split(',').collect();
            parts.contains(&&*format!("addr={host}")) && parts.contains(&&*format!("port={}", spice.port))
        });
        want(there && spice.port + spice.tls_port > 0, format!("SPICE on {host}:{}", spice.port));
        // Libxl 4.14 writes the word alone.
        let open = started.has("-spice", |value| {
            value.split(',').any(|part| matches!(part, "disable-ticketing" | "disable-ticketing=on"))
        });
        want(open != spice.passwd.is_some(), "SPICE's password".to_owned());
    } else {
        want(started.option("-spice").next().is_none(), "no SPICE server".to_owned());
    }
    for serial in hvm.serial.iter().chain(&hvm.serial_list) {
        want(started.has("-serial", |value| value == serial), format!("serial port {serial}"));
    }
    for device in hvm.usbdevice.iter().chain(&hvm.usbdevice_list) {
        let there = started.model.iter().any(|word| word.contains(&**device));
        want(there || device.starts_with("host:"), format!("USB device {device}"));
    }
    for words in [&info.extra, &info.extra_hvm] {
        let there = words.is_empty() || started.model.windows(words.len()).any(|window| window == &words[..]);
        want(there, format!("the words {words:?}"));
    }
}

/// Whether the guest has the disk: from the device model, or from a backend.
fn has_disk(started: &Started, disk: &Disk) -> bool {
    let Some(path) = disk.pdev_path.as_deref().filter(|path| !path.is_empty()) else {
        return disk.format == Some(DiskFormat::Empty);
    };
    let from_backend = started.node("/params", |value| value == path || value.ends_with(&format!(":{path}")));
    let elsewhere = disk.backend_domname.is_some() || disk.backend_domid != 0 || disk.script.is_some();
    if started.config.kind() != GuestKind::Hvm || elsewhere {
        return from_backend;
    }
    let emulated = started.has("-drive", |value| suboption(value, "file").as_deref() == Some(path));
    if disk.is_cdrom != 0 {
        emulated
    } else {
        emulated || from_backend && number(disk).is_none_or(|it| it > 3)
    }
}

/// A value within an option's value as QEMU reads it: commas part such values, and two of them are one.
fn suboption(value: &str, name: &str) -> Option<String> {
    let mut parts = vec![String::new()];
    let mut characters = value.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            ',' if characters.next_if_eq(&',').is_none() => parts.push(String::new()),
            c => parts.last_mut()?.push(c),
        }
    }
    parts.iter().find_map(|part| part.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

/// Places and names that two devices have, and for which QEMU would end.
fn conflicts(started: &Started) -> Vec<String> {
    let mut taken = std::collections::BTreeSet::new();
    let mut twice = Vec::new();
    for (option, value) in started.model.windows(2).map(|two| (&two[0], &two[1])) {
        let of = |name: &str| suboption(value, name);
        let places = match option.as_str() {
            "-drive" => vec![
                of("id").map(|id| format!("drive {id}")),
                of("index").map(|index| format!("IDE drive {index}")),
            ],
            "-device" => vec![
                of("id").map(|id| format!("device {id}")),
                of("bus").zip(of("unit")).map(|(bus, unit)| match bus.strip_prefix("ide.") {
                    Some(bus) => format!(
                        "IDE drive {}",
                        bus.parse::<u32>().unwrap_or(9) * 2 + unit.parse::<u32>().unwrap_or(9)
                    ),
                    None => format!("{bus} {unit}"),
                }),
            ],
            "-chardev" | "-netdev" => vec![of("id").map(|id| format!("{option} {id}"))],
            _ => vec![],
        };
        for place in places.into_iter().flatten() {
            if !taken.insert(place.clone()) {
                twice.push(format!("QEMU has {place} twice"));
            }
        }
    }
    twice
}

/// A disk's number: 0 for hda, xvda and sda.
fn number(disk: &Disk) -> Option<u32> {
    let vdev = disk.vdev.as_deref()?;
    let letters = ["xvd", "hd", "sd", "vd"].iter().find_map(|prefix| vdev.strip_prefix(prefix))?;
    let letter = letters.chars().next()?;
    Some(u32::from(letter) - u32::from('a'))
}

/// Values that the report calls exact and that are nowhere in what the guest got.
pub fn not_exact(xml: &str, report: &Report, started: &Started) -> Vec<String> {
    let Ok(document) = Document::parse(xml) else { return Vec::new() };
    let exact: Vec<_> = report.all().filter(|found| found.finding.verdict == Verdict::Exact).collect();
    let mut wrong = Vec::new();
    for found in exact {
        let Some((shape, value, around)) = value_at(&document, &found.node) else { continue };
        let Some((_, shows)) = SHOWN.iter().find(|(known, _)| *known == shape) else { continue };
        if !shows(started, value.trim(), around) {
            wrong.push(format!("{} is called exact, and '{value}' is not there", found.node));
        }
    }
    wrong
}

/// Whether a value shows in what the guest got.
type Shows = fn(&Started, &str, Node<'_, '_>) -> bool;

/// Where values of a domain XML show.
const SHOWN: &[(&str, Shows)] = &[
    ("/domain/name/text()", |it, value, _| it.node("name", |name| name == value)),
    ("/domain/devices/disk/source/@file", |it, value, _| anywhere(it, value)),
    ("/domain/devices/disk/source/@dev", |it, value, _| anywhere(it, value)),
    ("/domain/devices/interface/mac/@address", |it, value, _| {
        it.node("/mac", |mac| mac.eq_ignore_ascii_case(value))
    }),
    ("/domain/devices/interface/source/@bridge", |it, value, _| {
        it.node("/bridge", |bridge| bridge.starts_with(value))
    }),
    ("/domain/devices/interface/script/@path", |it, value, _| {
        it.node("/script", |script| script.ends_with(value))
    }),
    ("/domain/devices/interface/target/@dev", |it, value, _| it.node("/vifname", |name| name == value)),
    ("/domain/devices/interface/mtu/@size", |it, value, _| it.node("/mtu", |mtu| mtu == value)),
    ("/domain/devices/interface/ip/@address", |it, value, _| it.node("/ip", |ip| ip.contains(value))),
    ("/domain/devices/graphics/@port", |it, value, around| match around.attribute("type") {
        Some("vnc") => {
            let display = value.parse::<i32>().map(|port| port - 5900).unwrap_or(-1);
            value == "-1"
                || it.model.iter().any(|word| {
                    word.split(',').next().is_some_and(|word| word.ends_with(&format!(":{display}")))
                })
        }
        Some("spice") => value == "-1" || it.has("-spice", |word| word.contains(&format!("port={value}"))),
        _ => true,
    }),
    ("/domain/devices/graphics/@listen", |it, value, _| anywhere(it, value)),
    ("/domain/devices/graphics/listen/@address", |it, value, _| anywhere(it, value)),
    ("/domain/devices/graphics/@keymap", |it, value, _| it.has("-k", |word| word == value)),
    ("/domain/devices/video/model/@type", |it, value, _| match value {
        "cirrus" => it.has("-device", |word| word.starts_with("cirrus-vga")),
        "vga" => it.has("-device", |word| word.starts_with("VGA")),
        "qxl" => it.has("-device", |word| word.starts_with("qxl-vga")),
        _ => true,
    }),
    ("/domain/os/kernel/text()", |it, value, _| {
        it.config.kind() != GuestKind::Hvm || it.has("-kernel", |word| word == value)
    }),
    ("/domain/os/initrd/text()", |it, value, _| {
        it.config.kind() != GuestKind::Hvm || it.has("-initrd", |word| word == value)
    }),
    ("/domain/os/cmdline/text()", |it, value, _| {
        it.config.kind() != GuestKind::Hvm || it.has("-append", |word| word == value)
    }),
    ("/domain/devices/serial/source/@path", |it, value, _| anywhere(it, value)),
    ("/domain/devices/channel/source/@path", |it, value, _| anywhere(it, value)),
    ("/domain/devices/channel/target/@name", |it, value, _| anywhere(it, value)),
    ("/domain/devices/filesystem/source/@dir", |it, value, _| it.node("/path", |path| path == value)),
    ("/domain/devices/filesystem/target/@dir", |it, value, _| it.node("/tag", |tag| tag == value)),
];

fn anywhere(started: &Started, value: &str) -> bool {
    let doubled = value.replace(',', ",,");
    let is = |text: &String| text.contains(value) || text.contains(&doubled);
    started.model.iter().any(is) || started.nodes.values().any(is)
}

/// A node's path without numbers, its value, and the device or other element of the second level that it is in.
fn value_at<'a>(document: &'a Document<'a>, path: &str) -> Option<(String, String, Node<'a, 'a>)> {
    let mut at = document.root();
    let mut around = at;
    let mut shape = String::new();
    for (depth, step) in path.split('/').skip(1).enumerate() {
        let (name, number) = match step.split_once('[') {
            Some((name, number)) => (name, number.strip_suffix(']')?.parse::<usize>().ok()?),
            None => (step, 1),
        };
        shape.push('/');
        shape.push_str(name);
        if let Some(attribute) = name.strip_prefix('@') {
            return Some((shape, at.attribute(attribute)?.to_owned(), around));
        }
        if name == "text()" {
            return Some((shape, at.text()?.to_owned(), around));
        }
        at = at.children().filter(|child| child.tag_name().name() == name).nth(number.checked_sub(1)?)?;
        if depth == 2 {
            around = at;
        }
    }
    None
}
