//! What is said of devices in a domain XML: at their place, in words of an XML, and with a remedy that works.

use serde_json::json;

use crate::common::{FIXED, Lab, domain};

fn devices(inside: &str) -> String {
    domain("hvm", &format!("<devices>\n{inside}</devices>"))
}

/// What `check` says of devices, and its exit status.
fn checked(inside: &str) -> (i32, String) {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.xml", devices(inside));
    let run = lab.run(["check", "guest.xml"].into_iter().chain(FIXED));
    assert_eq!(lab.mock(["create", "guest.xml"]).code != 0, run.code == 2, "{inside}: {}", run.out);
    (run.code, run.out)
}

fn cards(count: usize, model: &str) -> String {
    let card = |at| {
        format!("<interface type='bridge'><source bridge='b{at}'/><model type='{model}'/></interface>\n")
    };
    (0..count).map(card).collect()
}

fn hosts(count: usize, element: &str, attributes: &str) -> String {
    let host = |at| {
        format!("<{element} {attributes}><source><address type='pci' bus='{at}'/></source></{element}>\n")
    };
    (6..6 + count).map(host).collect()
}

const SCSI: &str = "<disk type='file'><source file='/a'/><target dev='sda' bus='scsi'/></disk>\n";

/// Devices of which one has no PCI slot, its line and column, what the remedy says, and the devices after it.
fn without_slot() -> Vec<(String, (usize, usize), &'static str, String)> {
    let pci = "mode='subsystem' type='pci' managed='yes'";
    let host = |count| hosts(count, "hostdev", pci);
    vec![
        (
            cards(29, "e1000"),
            (30, 26),
            "write <model type='netfront'/> for cards",
            cards(28, "e1000") + &cards(1, "netfront"),
        ),
        (
            cards(28, "e1000") + &host(1),
            (30, 1),
            "write <model type='netfront'/> for cards that only Xen's PV drivers use, or pass fewer",
            cards(27, "e1000") + &cards(1, "netfront") + &host(1),
        ),
        (host(29), (30, 1), "instead: pass fewer devices to the guest", host(28)),
        (
            hosts(29, "interface", "type='hostdev' managed='yes'"),
            (30, 1),
            "instead: pass fewer devices to the guest",
            hosts(28, "interface", "type='hostdev' managed='yes'"),
        ),
        // libxl adds a controller for disks on SCSI.
        (SCSI.to_owned() + &cards(28, "e1000"), (30, 26), "netfront", SCSI.to_owned() + &cards(27, "e1000")),
    ]
}

#[test]
fn a_device_without_a_slot_is_reported_at_its_place() {
    for (inside, (line, column), remedy, followed) in without_slot() {
        let (status, said) = checked(&inside);
        let place = format!("guest.xml:{line}:{column}: unsupported: ");
        assert!(status == 2 && said.contains("[pci-slots]"), "{inside}: {said}");
        assert!(said.contains(&place) && said.contains(remedy), "not at {place}: {said}");
        assert!(!said.contains("as in an xl.cfg") && !said.contains(" 0 of them"), "{said}");
        let (status, said) = checked(&followed);
        assert!(status < 2 && !said.contains("[pci-slots]"), "{followed}: {said}");
    }
}

#[test]
fn the_same_in_an_xl_cfg_has_its_words() {
    let lab = Lab::with_host(json!({}));
    let cards = |count: usize| format!("vif = [ {} ]\n", "\"bridge=b\", ".repeat(count));
    let head = "name = \"g\"\ntype = \"hvm\"\nmemory = 64\n";
    for (file, status) in [
        (format!("{head}{}", cards(29)), 2),
        (format!("{head}{}disk = [ \"/a,raw,sda\" ]\n", cards(28)), 2),
        (format!("{head}{}disk = [ \"/a,raw,sda,cdrom\" ]\n", cards(28)), 0),
    ] {
        lab.write("guest.cfg", &file);
        let run = lab.run(["check", "guest.cfg"].into_iter().chain(FIXED));
        assert_eq!(run.out.contains("[pci-slots]"), status == 2, "{file}: {}", run.out);
        assert_eq!(run.out.contains("instead: write type=vif"), status == 2, "{file}: {}", run.out);
    }
}

#[test]
fn an_argument_that_qemu_refuses_is_reported_at_its_place() {
    let lab = Lab::new();
    let arguments = "\n<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\
                     <qemu:arg value='-fw_cfg'/><qemu:arg value='name=a,string=b'/></qemu:commandline>";
    lab.write("guest.xml", domain("hvm", arguments));
    let said = lab.run(["check", "guest.xml"].into_iter().chain(FIXED)).out;
    assert!(said.contains("add <kernel>/PATH</kernel> in <os>"), "{said}");
    assert!(said.contains("guest.xml:2:1: unsupported: QEMU on Xen has a fw_cfg"), "{said}");
}

/// Devices with a word that is not known, and the remedy.
const WORDS: &[(&str, &str)] = &[
    ("<controller type='usb' model='xhci'/>", "write one of nec-xhci or qemu-xhci"),
    ("<controller type='usb' model='ohci'/>", "write model='pci-ohci'"),
    ("<controller type='usb' model='uhci'/>", "write one of piix3-uhci, piix4-uhci or vt82c686b-uhci"),
    ("<controller type='usb' model='piix3'/>", "write model='piix3-uhci'"),
    ("<controller type='usb' model='qemu-xhic'/>", "write model='qemu-xhci'"),
    ("<hostdev mode='subsystem' type='pcii'><source/></hostdev>", "write type='pci'"),
    ("<hostdev mode='subsytem' type='pci'><source/></hostdev>", "write mode='subsystem'"),
    ("<hostdev mode='subsystem' type='wormhole'/>", "write mode='subsystem' and type='pci' or type='usb'"),
    (
        "<hostdev mode='capabilities' type='storage'><source><block>/dev/sdf1</block></source></hostdev>",
        "write <disk type='block'> with the block device",
    ),
    (
        "<hostdev mode='capabilities' type='misc'><source><char>/dev/input/event3</char></source></hostdev>",
        "pass the PCI or USB device behind it through: mode='subsystem'",
    ),
    (
        "<hostdev mode='capabilities' type='net'><source><interface>eth0</interface></source></hostdev>",
        "write <interface type='bridge'>",
    ),
];

#[test]
fn a_word_of_a_device_that_is_not_known_has_a_remedy() {
    for (device, remedy) in WORDS {
        let said = checked(device).1;
        let instead = said.lines().find_map(|line| line.split_once("instead: ")).map(|(_, instead)| instead);
        assert!(instead.is_some_and(|instead| instead.starts_with(remedy)), "{device}: {said}");
    }
}

#[test]
fn an_empty_name_of_an_interface_is_none() {
    let card = "<interface type='bridge'><source bridge='b'/><target dev=''/></interface>";
    let (status, said) = checked(card);
    assert!(status < 2 && !said.contains("invalid"), "{said}");
}

#[test]
fn units_of_memory_are_libvirts() {
    let with = |unit: &str, size: &str| {
        let memory = format!("<memory unit='{unit}'>{size}</memory>");
        format!("<domain><name>g</name>{memory}<os><type>hvm</type></os></domain>")
    };
    let lab = Lab::new();
    for unit in ["MBB", "MB2", "Gig", "Mi", "MiBB", "kk", "é", "iB"] {
        lab.write("guest.xml", with(unit, "512"));
        let said = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).fails(1);
        assert!(said.contains(&format!("unit '{unit}' is not a unit")), "{unit}: {said}");
    }
    lab.write("guest.xml", with("MBB", "512"));
    let said = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).fails(1);
    assert!(said.contains("instead: write unit='MiB'"), "{said}");
    for (unit, size, mib) in [
        ("M", "64", 64),
        ("mib", "64", 64),
        ("MiB", "64", 64),
        ("MB", "1024", 977),
        ("bytes", "67108864", 64),
        ("k", "65536", 64),
    ] {
        lab.write("guest.xml", with(unit, size));
        let cfg = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED)).ok();
        assert!(cfg.contains(&format!("memory = {mib}\n")), "{unit}: {cfg}");
    }
}

#[test]
fn a_missing_generation_id_has_a_remedy_for_each_format() {
    let lab = Lab::with_host(json!({}));
    for genid in ["<genid/>", "<genid>00000000-0000-0000-0000-000000000000</genid>"] {
        let xml = |genid: &str| {
            format!(
                "<domain><name>g</name>{genid}<memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>"
            )
        };
        lab.write("guest.xml", xml(genid));
        let converted = lab.run(["convert", "-o", "guest.cfg", "guest.xml"].into_iter().chain(FIXED)).err;
        assert!(converted.contains("instead: add ms_vm_genid = \"generate\" to the xl.cfg"), "{converted}");
        lab.write("guest.cfg", lab.read("guest.cfg") + "ms_vm_genid = \"generate\"\n");
        assert_eq!(lab.run(["check", "guest.cfg"].into_iter().chain(FIXED)).code, 0);
        let checked = lab.run(["check", "guest.xml"].into_iter().chain(FIXED)).out;
        assert!(checked.contains("instead: write <genid>ID</genid> with an ID from uuidgen"), "{checked}");
        lab.write("guest.xml", xml("<genid>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</genid>"));
        assert_eq!(lab.run(["check", "guest.xml"].into_iter().chain(FIXED)).code, 0);
    }
}

#[test]
fn devices_that_libvirt_does_not_know_get_the_nearest_that_it_knows() {
    let lab = Lab::new();
    let disk =
        |bus: &str| format!("<disk type='block'><source dev='/d'/><target dev='xvda' bus='{bus}'/></disk>");
    let nic = |model: &str| {
        format!("<interface type='bridge'><source bridge='b'/><model type='{model}'/></interface>")
    };
    for (wrong, right, remedy) in [
        (disk("xne"), disk("xen"), "write bus='xen'"),
        (nic("e100"), nic("e1000"), "write type='e1000'"),
        (
            "<video><model type='vgaa'/></video>".to_owned(),
            "<video><model type='vga'/></video>".to_owned(),
            "write type='vga'",
        ),
        (
            "<controller type='xenbsu' maxGrantFrames='64'/>".to_owned(),
            "<controller type='xenbus' maxGrantFrames='64'/>".to_owned(),
            "write type='xenbus'",
        ),
        (
            "<controller type='usb' model='qemu-xhic'/>".to_owned(),
            "<controller type='usb' model='qemu-xhci'/>".to_owned(),
            "write model='qemu-xhci'",
        ),
        ("<sound model='ac79'/>".to_owned(), "<sound model='ac97'/>".to_owned(), "write model='ac97'"),
    ] {
        lab.write("guest.xml", devices(&wrong));
        let said = lab.run(["check", "guest.xml"]).out;
        assert!(said.contains(&format!("instead: {remedy}")), "{wrong}: {said}");
        lab.write("guest.xml", devices(&right));
        let said = lab.run(["check", "guest.xml"]);
        assert_eq!(said.code, 0, "{right}: {}", said.out);
    }
}

#[test]
fn port_0_that_is_not_to_be_chosen_is_said() {
    let lab = Lab::new();
    for (attributes, is_reported) in
        [("port='0' autoport='no'", true), ("port='0' autoport='yes'", false), ("port='0'", false)]
    {
        lab.write("guest.xml", devices(&format!("<graphics type='vnc' {attributes}/>")));
        let run = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED));
        assert_eq!(run.err.contains("[vnc-port]"), is_reported, "{attributes}: {}", run.err);
    }
}

#[test]
fn a_display_without_a_port_takes_a_free_one() {
    let lab = Lab::new();
    for (attributes, is_reported) in [
        ("port='-1'", false),
        ("port='-1' autoport='yes'", false),
        ("autoport='yes'", false),
        ("", false),
        ("port='-1' autoport='no'", true),
        ("autoport='no'", true),
        ("port='5901' autoport='no'", false),
    ] {
        lab.write("guest.xml", devices(&format!("<graphics type='vnc' {attributes}/>")));
        let run = lab.run(["convert", "guest.xml"].into_iter().chain(FIXED));
        assert_eq!(run.err.contains("[autoport]"), is_reported, "{attributes}: {}", run.err);
        let is_fixed = attributes.contains("5901");
        assert_eq!(run.out.contains("vncunused = 1"), !is_fixed, "{attributes}: {}", run.out);
    }
}
