//! What is said of elements of a domain XML, word by word: each reason holds for the guest at hand, and each remedy can be
//! followed.

use serde_json::json;

use crate::common::{FIXED, Lab, domain};

/// A guest, what is in it, the code of the finding (empty: none at all), words of it, and words that must not be there.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const VNIC: &str = "<devices><interface type='bridge'><source bridge='b'/>";

const CASES: &[Case] = &[
    // An empty password opens a display.
    ("hvm", "<devices><graphics type='vnc' passwd=''/></devices>", "no-vnc", &["write a password"], &[]),
    ("pv", "<devices><graphics type='vnc' passwd=''/></devices>", "no-vnc", &["write a password"], &[]),
    (
        "hvm",
        "<devices><graphics type='spice' port='5900' autoport='no' passwd=''/></devices>",
        "no-spice",
        &["write a password"],
        &[],
    ),
    // USB devices: libxl needs one by its address, QEMU waits for one by its name.
    (
        "hvm",
        "<devices><hostdev mode='subsystem' type='usb'><source startupPolicy='optional'><address bus='1' device='2'/></source></hostdev></devices>",
        "startup-policy",
        &["unsupported: libxl does not start a guest whose device is missing"],
        &[],
    ),
    (
        "hvm",
        "<devices><hostdev mode='subsystem' type='usb'><source startupPolicy='optional'><vendor id='1'/><product id='2'/></source></hostdev></devices>",
        "startup-policy",
        &["no-effect: QEMU starts the guest without the device"],
        &[],
    ),
    (
        "hvm",
        "<devices><hostdev mode='subsystem' type='usb'><source startupPolicy='mandatory'><vendor id='1'/><product id='2'/></source></hostdev></devices>",
        "startup-policy",
        &["approximated: QEMU starts the guest without the device"],
        &[],
    ),
    // Open vSwitch: no native mode, and no bridge with a dot.
    (
        "hvm",
        "<devices><interface type='bridge'><source bridge='b'/><virtualport type='openvswitch'/><vlan trunk='yes'><tag id='10' nativeMode='untagged'/><tag id='20'/></vlan></interface></devices>",
        "vlan-native",
        &["VLAN 10 alone", "vlan_mode=native-untagged trunks=10,20"],
        &["approximated"],
    ),
    (
        "hvm",
        "<devices><interface type='bridge'><source bridge='b'/><virtualport type='openvswitch'/><vlan><tag id='42' nativeMode='tagged'/></vlan></interface></devices>",
        "vlan-native",
        &["VLAN 42 alone, without tags", "vlan_mode=native-tagged trunks=42"],
        &[],
    ),
    (
        "hvm",
        "<devices><interface type='bridge'><source bridge='ovs.0'/><virtualport type='openvswitch'/></interface></devices>",
        "bridge-name",
        &["give the bridge a name without . and :"],
        &[],
    ),
    (
        "hvm",
        "<devices><interface type='bridge'><source bridge='ovs.x'/><script path='vif-openvswitch'/></interface></devices>",
        "interface-name",
        &["does not connect the card to 'ovs.x'"],
        &[],
    ),
    // A card of the host on USB is no PCI device.
    (
        "hvm",
        "<devices><interface type='hostdev' managed='yes'><source><address type='usb' bus='1' device='2'/></source></interface></devices>",
        "hostdev-usb",
        &["this is a USB device", "type='usb'> with <source><address bus='1' device='2'/></source>"],
        &["pci-address"],
    ),
    (
        "hvm",
        "<devices><hostdev mode='subsystem'><source/></hostdev></devices>",
        "hostdev",
        &["this device has no type", "type='pci' or type='usb'"],
        &[],
    ),
    // SPICE that listens nowhere needs both a port and an address.
    (
        "hvm",
        "<devices><graphics type='spice'><listen type='none'/></graphics></devices>",
        "no-spice",
        &["port='5900' autoport='no' and <listen type='address' address='127.0.0.1'/>"],
        &["and none is given"],
    ),
    // A card of the host has no interface in dom0.
    (
        "hvm",
        "<devices><interface type='hostdev'><source><address type='pci' bus='6'/></source><vlan><tag id='42'/></vlan><link state='up'/></interface></devices>",
        "host-card",
        &["ip link set PF vf N vlan TAG"],
        &["vif", "state disable"],
    ),
    (
        "hvm",
        "<devices><interface type='hostdev'><source><address type='pci' bus='6'/></source><bandwidth><outbound average='9'/></bandwidth><link state='down'/><backenddomain name='d'/><rom bar='off'/></interface></devices>",
        "host-card",
        &["max_tx_rate", "state disable", "own ROM", "no domain serves"],
        &["vif", "emulated card"],
    ),
    // What only an HVM guest has says nothing of another.
    (
        "pv",
        "<devices><interface type='bridge'><source bridge='b'/><rom bar='off'/></interface></devices>",
        "hvm-only",
        &[],
        &["emulated card"],
    ),
    ("pvh", "<features><ps2 state='off'/></features>", "hvm-only", &[], &["always has a PS/2"]),
    (
        "pv",
        "<devices><tpm model='tpm-tis'><backend type='emulator'/></tpm></devices>",
        "tpm",
        &[],
        &["HVM guest"],
    ),
    (
        "pv",
        "<devices><watchdog model='xenbus' action='dump'/></devices>",
        "watchdog-dump",
        &["core dump"],
        &["QEMU"],
    ),
    // NUMA.
    (
        "hvm",
        "<numatune><memory mode='strict' nodeset='1,3-4,^3'/></numatune>",
        "numa-placement",
        &["nodes 1,3-4,^3 in cpuset="],
        &[],
    ),
    (
        "hvm",
        "<numatune><memory mode='strict' placement='auto'/></numatune>",
        "numa-placement",
        &["no-effect"],
        &[],
    ),
    (
        "hvm",
        "<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='2'/></cputune><numatune><memory mode='strict' nodeset='0-1'/></numatune>",
        "numa-placement",
        &["name only the CPUs of the nodes 0-1, which xl info -n lists"],
        &["nodes:"],
    ),
    (
        "hvm",
        "<vcpu>1</vcpu><cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu><numatune><memory mode='strict' nodeset='0-1'/><memnode cellid='0' mode='strict' nodeset='1'/></numatune>",
        "numa-placement",
        &["no-effect: the memory of each cell"],
        &["cpuset"],
    ),
    (
        "hvm",
        "<vcpu>2</vcpu><cpu><numa><cell id='0' cpus='0' memory='32' unit='MiB'/><cell id='1' cpus='1' memory='32' unit='MiB'/></numa></cpu><numatune><memory mode='strict' nodeset='0-1'/><memnode cellid='1' mode='strict' nodeset='1'/></numatune>",
        "numa-placement",
        &["say which: <memnode"],
        &["not-mapped"],
    ),
    // QEMU's firmware settings.
    (
        "hvm",
        "<sysinfo type='fwcfg'><entry name='opt/com.coreos/config' file='/a.ign'/></sysinfo>",
        "fw-cfg",
        &["on a disk or CD-ROM"],
        &["SMBIOS"],
    ),
    (
        "hvm",
        "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-fw_cfg'/><qemu:arg value='name=opt/a,file=/a'/></qemu:commandline>",
        "qemu-argument",
        &["a fw_cfg device only for a guest with a kernel", "does not start"],
        &[],
    ),
    (
        "hvm",
        "<devices><input type='passthrough' bus='virtio'><source evdev='/dev/input/event1'/></input></devices>",
        "input",
        &["write <input type='evdev'><source dev='/dev/input/event1'/></input>"],
        &["tablet"],
    ),
    // What the hypervisor has a default for, and libxl none.
    (
        "hvm",
        "<devices><channel type='unix'><source mode='bind'/><target type='virtio'/></channel></devices>",
        "channel",
        &["add name='NAME' in its <target>"],
        &["invalid"],
    ),
    (
        "hvm",
        "<devices><filesystem type='mount'><driver type='virtiofs'/><source socket='/s'/><target dir='t'/></filesystem></devices>",
        "filesystem",
        &["write the directory: <source dir='/DIR'/>"],
        &["invalid"],
    ),
    (
        "hvm",
        "<devices><redirfilter><usbdev allow='no'/></redirfilter></devices>",
        "no-spice",
        &[],
        &["redirects any USB device"],
    ),
    (
        "hvm",
        "<devices><graphics type='vnc' socket='/s' autoport='yes'><listen type='socket' socket='/s'/></graphics></devices>",
        "socket-port",
        &[],
        &["in one place"],
    ),
    (
        "hvm",
        "<devices><disk type='file' device='cdrom'><source file='' startupPolicy='optional'/><target dev='hdc' bus='ide'/></disk></devices>",
        "startup-policy",
        &["no-effect: the drive is empty"],
        &["needs the medium"],
    ),
    (
        "hvm",
        "<devices><interface type='bridge'><source bridge='VM Network'/></interface></devices>",
        "interface-name",
        &["Linux has no bridge 'VM Network': its name has a space", "guest.xml:1:127"],
        &["commas"],
    ),
    // A slip of the pen.
    (
        "hvm",
        "<devices><disk type='fil'><source file='/a'/><target dev='xvda'/></disk></devices>",
        "disk-source",
        &["write type='file'"],
        &["attach"],
    ),
    (
        "hvm",
        "<devices><interface type='bridged'><source bridge='b'/></interface></devices>",
        "interface-type",
        &["write type='bridge'"],
        &["--map"],
    ),
    ("hvm", "<devices><interface type='user'/></devices>", "interface-type", &["use a bridge of dom0"], &[]),
    // Memory modules.
    (
        "hvm",
        "<devices><memory model='nvdimm'><source><path>/p</path></source><target><size>65536</size></target></memory></devices>",
        "memory-device",
        &["<disk type='file'>"],
        &["add its size"],
    ),
    (
        "hvm",
        "<cpu><numa><cell id='0' cpus='0' memory='65536'/></numa></cpu><devices><memory model='dimm'><target><size>65536</size><node>5</node></target></memory></devices>",
        "no-such-cell",
        &["cell 5", "<node>"],
        &[],
    ),
    // Nothing is written to it.
    (
        "hvm",
        "<devices><disk type='file'><source file='/a'/><target dev='xvde' bus='xen'/><readonly/><transient/></disk></devices>",
        "read-only",
        &["starts", "nothing is written"],
        &["would keep"],
    ),
    // The disk that boots.
    (
        "hvm",
        "<devices><disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/><readonly/><boot order='1'/></disk><disk type='file'><source file='/b'/><target dev='vdb' bus='virtio'/></disk></devices>",
        "boot-order",
        &["the firmware does not see this disk", "remove <readonly/>"],
        &[],
    ),
    // Images of directories.
    (
        "hvm",
        "<devices><disk type='dir' device='floppy'><source dir='/d'/><target dev='fda'/></disk></devices>",
        "disk-source",
        &["mformat", "mcopy"],
        &["genisoimage"],
    ),
    (
        "hvm",
        "<devices><disk type='network'><source protocol='nbd' name='a,b'/><target dev='hda' bus='ide'/></disk></devices>",
        "disk-comma",
        &["attach it in dom0"],
        &["rename"],
    ),
];

/// What `check -v` says of a guest for this hypervisor.
fn said(hypervisor: &str, text: &str, words: &[&str]) -> String {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.xml", text.replace("<domain type='xen'>", &format!("<domain type='{hypervisor}'>")));
    lab.run(["check", "-v", "guest.xml"].iter().chain(words).chain(&FIXED)).out
}

#[test]
fn each_reason_holds_and_each_remedy_can_be_followed() {
    for (kind, inside, code, words, others) in CASES {
        let said = said("xen", &domain(kind, inside), &[]);
        assert!(said.contains(&format!("[{code}]")), "{kind} {inside}: no {code}: {said}");
        for word in *words {
            assert!(said.contains(word), "{kind} {inside}: no '{word}': {said}");
        }
        for word in *others {
            assert!(!said.contains(word), "{kind} {inside}: '{word}': {said}");
        }
    }
}

#[test]
fn a_script_of_another_hypervisor_does_not_connect_a_card() {
    for (hypervisor, script, found) in [
        ("kvm", "/etc/qemu-ifup", true),
        ("kvm", "/etc/xen/scripts/vif-route", false),
        ("kvm", "vif-bridge", false),
        ("xen", "/etc/own", false),
    ] {
        let card =
            format!("<devices><interface type='ethernet'><script path='{script}'/></interface></devices>");
        let said = said(hypervisor, &domain("hvm", &card), &[]);
        assert_eq!(said.contains("[interface-script]"), found, "{hypervisor} {script}: {said}");
        let lab = Lab::with_host(json!({}));
        lab.write("guest.xml", domain("hvm", &card).replace("type='xen'", &format!("type='{hypervisor}'")));
        let written = lab.run(["convert", "guest.xml"].iter().chain(&FIXED)).out;
        assert_eq!(written.contains(&format!("script={script}")), !found, "{written}");
    }
}

#[test]
fn the_firmware_of_another_kind_of_guest_has_no_effect() {
    let os = "<os firmware='efi'><type>KIND</type><firmware><feature name='secure-boot' enabled='yes'/></firmware>\
              <loader secure='yes' type='pflash'>/l</loader><nvram template='/t'>/n</nvram>\
              <kernel>/k</kernel><acpi><table type='slic'>/t</table></acpi><bootmenu enable='yes' timeout='3'/>\
              <bios useserial='yes' rebootTimeout='5'/><smbios mode='none'/></os>";
    for kind in ["xen", "xenpvh"] {
        let text = format!(
            "<domain type='xen'><name>guest</name><memory unit='MiB'>64</memory>{}</domain>",
            os.replace("KIND", kind)
        );
        let said = said("xen", &text, &[]);
        assert!(said.starts_with("guest.xml: starts; 8 have no effect"), "{said}");
        assert!(
            said.contains("[hvm-only]") && !said.contains("SeaBIOS") && !said.contains("hvmloader"),
            "{said}"
        );
    }
    let hvm = "<domain type='kvm'><name>guest</name><memory unit='MiB'>64</memory>\
               <os firmware='efi'><type>hvm</type><bios useserial='yes' rebootTimeout='5'/></os></domain>";
    let said = said("kvm", hvm, &[]);
    assert!(said.contains("[bios-settings]") && !said.contains("SeaBIOS"), "{said}");
}

#[test]
fn the_remedy_for_performance_counters_suits_the_release() {
    let text = domain("hvm", "<features><pmu state='on'/></features>");
    for (release, has_key) in [("4.14", false), ("4.17", true)] {
        let lab = Lab::new();
        lab.write("guest.xml", &text);
        let said = lab.run(["convert", "--xen", release, "guest.xml"]).err;
        assert_eq!(said.contains("vpmu = 1"), has_key, "{release}: {said}");
        assert!(said.contains("start Xen with vpmu=on"), "{release}: {said}");
    }
}

#[test]
fn a_generation_id_that_is_lost_is_said_once() {
    let lab = Lab::new();
    lab.write("guest.xml", domain("hvm", "<genid>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</genid>"));
    let said = lab.run(["convert", "guest.xml"]).err;
    assert!(said.contains("1 thing differs") && said.contains("[xl-genid]"), "{said}");
}

#[test]
fn no_card_has_the_address_of_a_group() {
    let lab = Lab::new();
    lab.write(
        "guest.xml",
        domain("hvm", &format!("{VNIC}<mac address='01:16:3e:00:00:01'/></interface></devices>")),
    );
    assert!(lab.run(["convert", "guest.xml"]).fails(1).contains("its second digit must be even"));
    lab.write(
        "guest.xml",
        domain("hvm", &format!("{VNIC}<mac address='00:16:3e:00:00:01'/></interface></devices>")),
    );
    let words = ["convert", "--map", "mac:00:16:3e:00:00:01=03:16:3e:00:00:01", "guest.xml"];
    assert!(lab.run(words).err.contains("address of a group"));
}

#[test]
fn a_board_of_another_kind_of_guest_does_not_count() {
    let text = "<domain type='xen'><name>g</name><memory>65536</memory><os><type machine='xenpvh'>linux</type><kernel>/k</kernel></os></domain>";
    let lab = Lab::new();
    lab.write("guest.xml", text);
    let run = lab.run(["convert", "guest.xml"]);
    assert!(
        run.out.contains("type = \"pv\"") && run.err.contains("write <type>xenpvh</type>"),
        "{}",
        run.err
    );
    lab.write("guest.xml", text.replace(">linux<", ">xenpvh<"));
    let run = lab.run(["convert", "guest.xml"]);
    assert!(run.out.contains("type = \"pvh\"") && run.err.is_empty(), "{}", run.err);
}

#[test]
fn a_floppy_is_mapped_like_a_disk() {
    let lab = Lab::new();
    let floppy = "<devices><disk type='file' device='floppy'><source file='/var/f.img'/><target dev='fda'/></disk></devices>";
    lab.write("guest.xml", domain("hvm", floppy));
    let out = lab.run(["convert", "--map", "path:/var=/srv", "guest.xml"]).ok();
    assert!(out.contains("\"/srv/f.img\"") && !out.contains("/var/"), "{out}");
}
