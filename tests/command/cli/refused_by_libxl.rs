//! Settings of an xl.cfg that xl accepts, and with which libxl or QEMU does not start the guest: they have their place and a
//! remedy.

use serde_json::json;

use crate::common::Lab;

/// Lines with such a setting, the place, and the lines with the remedy.
const TABLE: &[(&str, &str, &str)] = &[
    ("videoram = 4", "4:1", "videoram = 8"),
    ("memory = 8", "4:1", "memory = 16"),
    ("memory = 16\nvga = \"stdvga\"", "4:1", "memory = 32\nvga = \"stdvga\""),
    ("vga = \"stdvga\"\nvideoram = 8", "5:1", "vga = \"stdvga\"\nvideoram = 16"),
    ("spice = 1", "4:1", "spice = 1\nspiceport = 5900\nspicedisable_ticketing = 1"),
    ("usbversion = 4", "4:1", "usbversion = 3"),
    ("usb = 1\nusbversion = 2", "5:1", "usb = 1"),
    ("nestedhvm = 1\naltp2m = \"mixed\"", "4:1", "altp2m = \"mixed\""),
    ("firmware = \"rombios\"", "4:1", ""),
    ("bios = \"rombios\"", "4:1", ""),
    ("disk = [ \"vdev=xvdb,access=ro,target=/a\" ]", "4:10", "disk = [ \"vdev=sda,access=ro,target=/a\" ]"),
    ("viridian = [ \"stimer\" ]", "4:1", "viridian = [ \"stimer\", \"base\" ]"),
    ("cpu_weight = 0", "4:1", "cpu_weight = 256"),
    ("cap = 101", "4:1", "cap = 100"),
    (
        "disk = [ \"vdev=hda,target=/a\",\n \"vdev=hda,target=/b\" ]",
        "5:2",
        "disk = [ \"vdev=hda,target=/a\",\n \"vdev=hdb,target=/b\" ]",
    ),
    ("disk = [ \"vdev=hde,target=/a\" ]", "4:10", "disk = [ \"vdev=xvda,target=/a\" ]"),
    ("disk = [ \"vdev=hda,access=ro,target=/a\" ]", "4:10", "disk = [ \"vdev=xvde,access=ro,target=/a\" ]"),
    (
        "disk = [ \"vdev=xvda,format=qcow2,backendtype=phy,target=/a\" ]",
        "4:10",
        "disk = [ \"vdev=xvda,format=qcow2,target=/a\" ]",
    ),
    ("vif = [ \"devid=1\", \"devid=1\" ]", "4:20", "vif = [ \"bridge=a\", \"bridge=a\" ]"),
    (
        "passthrough = \"disabled\"\npci = [ \"3:0.0\" ]",
        "4:1",
        "passthrough = \"enabled\"\npci = [ \"3:0.0\" ]",
    ),
    (
        "channel = [ \"connection=pty\" ]",
        "4:13",
        "channel = [ \"connection=pty,name=org.qemu.guest_agent.0\" ]",
    ),
    (
        "type = \"pv\"\nkernel = \"/k\"\nchannel = [ \"connection=pty\" ]",
        "6:13",
        "type = \"pv\"\nkernel = \"/k\"\nchannel = [ \"connection=pty,name=a\" ]",
    ),
    ("usbctrl = [ \"version=3,ports=20\" ]", "4:13", "usbctrl = [ \"version=3,ports=15\" ]"),
    ("usbctrl = [ \"version=1,ports=4\" ]", "4:13", "usbctrl = [ \"version=1\" ]"),
    ("usbctrl = [ \"type=qusb,version=3\" ]", "4:13", "usbctrl = [ \"type=qusb,version=2\" ]"),
    (
        "usbdev = [ \"type=hostdev,hostbus=1,hostaddr=2,controller=3\" ]",
        "4:12",
        "usbdev = [ \"type=hostdev,hostbus=1,hostaddr=2\" ]",
    ),
    (
        "usbdev = [ \"type=hostdev,hostbus=1,hostaddr=2\",\n \"type=hostdev,hostbus=1,hostaddr=2\" ]",
        "5:2",
        "usbdev = [ \"type=hostdev,hostbus=1,hostaddr=2\" ]",
    ),
    ("pci = [ \"3:0.0\",\n \"3:0.0\" ]", "5:2", "pci = [ \"3:0.0\" ]"),
    ("pci = [ \"3:0.*\" ]", "4:9", "pci = [ \"3:0.*@5\" ]"),
    ("type = \"pvh\"\nkernel = \"/k\"\npci = [ \"3:0.0\" ]", "6:1", "pci = [ \"3:0.0\" ]\ntype = \"hvm\""),
    (
        "disk = [ \"vdev=xvda,backendtype=qdisk,script=block-iscsi,target=/a\" ]",
        "4:10",
        "disk = [ \"vdev=xvda,script=block-iscsi,target=/a\" ]",
    ),
    (
        "disk = [ \"vdev=xvda,format=qcow2,backendtype=qdisk,script=block-iscsi,target=/a\" ]",
        "4:10",
        "disk = [ \"vdev=xvda,format=raw,script=block-iscsi,target=/a\" ]",
    ),
    (
        "disk = [ \"vdev=hdc,cdrom,script=block-iscsi,target=/a\" ]",
        "4:10",
        "disk = [ \"vdev=hdc,cdrom,target=/a\" ]",
    ),
    (
        "cpuid = [ \"0x1:eax=000000000000000000000000000000zz\" ]",
        "4:1",
        "cpuid = [ \"0x1:eax=000000000000000000000000000000xx\" ]",
    ),
    (
        "vcpus = 2\nvnuma = [ [ \"pnode=0\", \"size=256\", \"vcpus=0\", \"vdistances=10,20\" ],\n [ \"pnode=0\", \"size=256\", \"vcpus=0-1\", \"vdistances=20,10\" ] ]",
        "5:1",
        "vcpus = 2\nvnuma = [ [ \"pnode=0\", \"size=256\", \"vcpus=0\", \"vdistances=10,20\" ],\n [ \"pnode=0\", \"size=256\", \"vcpus=1\", \"vdistances=20,10\" ] ]",
    ),
    ("serial = \"foo\"", "4:1", "serial = \"pty\""),
    ("serial = [ \"pty\", \"tcp\" ]", "4:1", "serial = [ \"pty\", \"tcp:localhost:1234,server,nowait\" ]"),
    ("usbdevice = \"tabelt\"", "4:1", "usbdevice = \"tablet\""),
    (
        "usbdevice = [ \"tablet\", \"host:1.2\" ]",
        "4:1",
        "usbdevice = [ \"tablet\" ]\nusbdev = [ \"type=hostdev,hostbus=1,hostaddr=2\" ]",
    ),
    ("keymap = \"de_CH\"", "4:1", "keymap = \"de-ch\""),
    ("nestedhvm = 1\nhap = 0", "4:1", "nestedhvm = 1"),
    ("videoram = 10", "4:1", "videoram = 16"),
    ("vif = [ \"vifname=twelveletter,bridge=a\" ]", "4:9", "vif = [ \"vifname=twelvelette,bridge=a\" ]"),
    (
        "vif = [ \"type=vif,vifname=sixteen-letters-,bridge=a\" ]",
        "4:9",
        "vif = [ \"type=vif,vifname=sixteen-letters,bridge=a\" ]",
    ),
    ("videoram = 32", "4:1", "videoram = 32\nvga = \"stdvga\""),
    ("vga = \"cirrus\"\nvideoram = 64", "5:1", "vga = \"stdvga\"\nvideoram = 64"),
    ("vmtrace_buf_kb = 12", "4:1", "vmtrace_buf_kb = 64"),
    ("name = \"a,b\"", "4:1", "name = \"a-b\""),
    ("name = \"a=b\"", "4:1", "name = \"a-b\""),
    ("vnclisten = \"unix:/tmp/a,b.sock\"", "4:1", "vnclisten = \"unix:/tmp/a,,b.sock\""),
    ("vncdisplay = 60000", "4:1", "vncdisplay = 0"),
    (
        "spice = 1\nspiceport = 5900\nspicepasswd = \"a,b\"",
        "6:1",
        "spice = 1\nspiceport = 5900\nspicepasswd = \"a,,b\"",
    ),
    (
        "spice = 1\nspiceport = 70000\nspicepasswd = \"a\"",
        "5:1",
        "spice = 1\nspiceport = 5900\nspicepasswd = \"a\"",
    ),
    (
        "spice = 1\nspiceport = 5900\nspicepasswd = \"a\"\nspice_image_compression = \"foo\"",
        "7:1",
        "spice = 1\nspiceport = 5900\nspicepasswd = \"a\"\nspice_image_compression = \"off\"",
    ),
    (
        "spice = 1\nspiceport = 5900\nspicepasswd = \"a\"\nspice_streaming_video = \"foo\"",
        "7:1",
        "spice = 1\nspiceport = 5900\nspicepasswd = \"a\"\nspice_streaming_video = \"filter\"",
    ),
    ("memory = 512\nmaxmem = \"-1\"", "4:1", "maxmem = 512"),
    (
        "type = \"pvh\"\nkernel = \"/k\"\nvnuma = [ [ \"pnode=0\", \"size=512\", \"vcpus=0\", \"vdistances=10\" ] ]",
        "6:1",
        "vnuma = [ [ \"pnode=0\", \"size=512\", \"vcpus=0\", \"vdistances=10\" ] ]",
    ),
    (
        "vnuma = [ [ \"pnode=0\", \"vcpus=0\", \"vdistances=10\" ] ]",
        "4:1",
        "vnuma = [ [ \"pnode=0\", \"size=512\", \"vcpus=0\", \"vdistances=10\" ] ]",
    ),
    (
        "type = \"pvh\"\nkernel = \"/k\"\nnestedhvm = 1\nhap = 0",
        "6:1",
        "type = \"pvh\"\nkernel = \"/k\"\nnestedhvm = 1",
    ),
    ("type = \"pv\"\nkernel = \"/k\"\nvmtrace_buf_kb = 64", "6:1", "type = \"pv\"\nkernel = \"/k\""),
    (
        "name = \"a=b\"\ntype = \"pv\"\nkernel = \"/k\"\nvfb = [ \"vnc=1\" ]",
        "4:1",
        "type = \"pv\"\nkernel = \"/k\"\nvfb = [ \"vnc=1\" ]",
    ),
    (
        "usbdev = [ \"type=hostdev,hostbus=1,hostaddr=2,port=3\" ]",
        "4:12",
        "usbdev = [ \"type=hostdev,hostbus=1,hostaddr=2\" ]",
    ),
];

#[test]
fn each_has_its_place_and_a_remedy_that_is_accepted() {
    let lab = Lab::with_host(json!({}));
    for (wrong, place, right) in TABLE {
        let text = |lines: &str| format!("name = \"guest\"\ntype = \"hvm\"\nmemory = 512\n{lines}\n");
        lab.write("guest.cfg", text(wrong));
        let refused = lab.mock(["create", "guest.cfg"]).fails(1);
        assert!(refused.contains(&format!("guest.cfg:{place}: unsupported: ")), "{wrong}: {refused}");
        assert!(refused.contains("instead: "), "{wrong}: {refused}");
        lab.write("guest.cfg", text(right));
        let check = lab.mock(["check", "guest.cfg"]);
        assert!(check.out.starts_with("guest.cfg: starts; "), "{right}: {check:?}");
    }
}

/// An XML's keymap is known before; so is a device of the host that is given twice.
#[test]
fn what_qemu_refuses_of_an_xml_is_left_out_or_written_as_meant() {
    let lab = Lab::with_host(json!({}));
    let xml = |inside: &str| {
        crate::common::domain("hvm", "")
            .replace("</domain>", &format!("<devices>{inside}</devices></domain>"))
    };
    for (keymap, line) in
        [("de", "keymap = \"de\""), ("de_CH", "keymap = \"de-ch\""), ("uk", "keymap = \"en-gb\""), ("xx", "")]
    {
        lab.write("guest.xml", xml(&format!("<graphics type='vnc' keymap='{keymap}'/>")));
        let converted = lab.run(["convert", "guest.xml"]);
        assert_eq!(converted.err.contains("[keymap]"), keymap != "de", "{converted:?}");
        assert!(
            converted.out.contains(line) && (line.is_empty() != converted.out.contains("keymap = ")),
            "{converted:?}"
        );
    }
    let usb = "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev>";
    lab.write("guest.xml", xml(&usb.repeat(2)));
    assert!(lab.run(["convert", "guest.xml"]).fails(1).contains("[hostdev-twice]"));
}

/// QEMU takes a comma for the end of an option, and two for one.
#[test]
fn commas_of_a_screen_are_doubled_for_qemu_and_single_in_xml() {
    let lab = Lab::with_host(json!({}));
    let xml = |inside: &str| {
        crate::common::domain("hvm", "")
            .replace("</domain>", &format!("<devices>{inside}</devices></domain>"))
    };
    for (inside, line, back) in [
        ("<graphics type='spice' port='5900' passwd='a,b'/>", "spicepasswd = \"a,,b\"", "passwd='a,b'"),
        (
            "<graphics type='vnc'><listen type='socket' socket='/tmp/a,b'/></graphics>",
            "vnclisten = \"unix:/tmp/a,,b\"",
            "socket='/tmp/a,b'",
        ),
    ] {
        lab.write("guest.xml", xml(inside));
        let written = lab.run(["convert", "guest.xml"]).ok();
        assert!(written.contains(line), "{written}");
        lab.write("guest.cfg", written);
        assert!(lab.mock(["check", "guest.cfg"]).out.starts_with("guest.cfg: starts; "));
        let again = lab.run(["convert", "--to", "xml", "guest.cfg"]).ok();
        assert!(again.contains(back), "{again}");
    }
    lab.write("guest.xml", crate::common::domain("hvm", "").replace("guest", "a,b"));
    assert!(lab.mock(["create", "guest.xml"]).fails(1).contains("instead: write <name>a-b</name>\n"));
}

#[test]
fn options_of_qemu_behind_a_comma_are_meant() {
    let lab = Lab::with_host(json!({}));
    for lines in [
        "vnclisten = \"0.0.0.0:1,websocket=on\"",
        "vnclisten = \"0.0.0.0:1,password,websocket\"",
        "spice = 1\nspiceport = 5900\nspicedisable_ticketing = 1\nspicepasswd = \"a,b\"\nspicehost = \"0.0.0.0,ipv4=on\"",
    ] {
        lab.write("guest.cfg", format!("name = \"guest\"\ntype = \"hvm\"\nmemory = 512\n{lines}\n"));
        let check = lab.mock(["check", "guest.cfg"]);
        assert!(check.out.starts_with("guest.cfg: starts; "), "{lines}: {check:?}");
    }
}

#[test]
fn one_of_two_errors_can_be_mended_by_edit_and_none_added() {
    let lab = Lab::with_host(json!({}));
    let text =
        "name = \"guest\"\ntype = \"hvm\"\nmemory = 64\nclock_timezone = \"Mars/Olympus\"\nvga = \"foo\"\n";
    lab.write("guest.cfg", text);
    lab.run(["edit", "guest.cfg", "vga=stdvga"]).ok();
    assert!(lab.read("guest.cfg").contains("vga = \"stdvga\""));
    lab.run(["edit", "guest.cfg", "usbversion=x"]).fails(1);
}

/// A detour over XML takes no refusal away.
#[test]
fn each_is_refused_as_xml_too() {
    let lab = Lab::with_host(json!({}));
    for (wrong, ..) in TABLE {
        lab.write("guest.cfg", format!("name = \"guest\"\ntype = \"hvm\"\nmemory = 512\n{wrong}\n"));
        let converted = lab.mock(["convert", "--to", "xml", "guest.cfg"]);
        assert_eq!(converted.code, 0, "{wrong}: {converted:?}");
        lab.write("guest.xml", converted.out);
        let said = lab.mock(["create", "guest.xml"]).fails(1);
        assert!(said.contains("\n  instead: "), "{wrong}: {said}");
    }
}

/// What libxl refuses of a domain XML, its remedy, and the XML in which that is followed.
const OF_XML: &[(&str, &str, &str)] = &[
    (
        "<devices><disk type='block' device='cdrom'><driver name='phy'/><source dev='/dev/a'/><target dev='hdc'/><script path='/s'/></disk></devices>",
        "remove <script>",
        "<devices><disk type='block' device='cdrom'><driver name='phy'/><source dev='/dev/a'/><target dev='hdc'/></disk></devices>",
    ),
    (
        "<devices><disk type='file'><driver name='qemu' type='qcow2'/><source file='/a'/><target dev='xvda'/><script path='/s'/></disk></devices>",
        "write <driver name='phy' type='raw'/>, or remove <script>",
        "<devices><disk type='file'><driver name='phy' type='raw'/><source file='/a'/><target dev='xvda'/><script path='/s'/></disk></devices>",
    ),
    (
        "<devices><interface type='bridge'><source bridge='a bridge'/></interface></devices>",
        "write <source bridge='NAME'/> with the name of a bridge of dom0, of at most 15 bytes, without spaces, / and :",
        "<devices><interface type='bridge'><source bridge='xenbr0'/></interface></devices>",
    ),
    (
        "<devices><interface type='bridge'><source bridge='b'/><target dev='a/b'/></interface></devices>",
        "write a name of at most 11 bytes, without spaces, / and : into <target dev='NAME'/>, or remove it",
        "<devices><interface type='bridge'><source bridge='b'/><target dev='a-b'/></interface></devices>",
    ),
    (
        "<devices><filesystem type='mount'><source dir='/a'/><target dir='t'/></filesystem><filesystem type='mount'><source dir='/b'/><target dir='t'/></filesystem></devices>",
        "give each <filesystem> a <target dir='TAG'/> of its own",
        "<devices><filesystem type='mount'><source dir='/a'/><target dir='t'/></filesystem><filesystem type='mount'><source dir='/b'/><target dir='u'/></filesystem></devices>",
    ),
    (
        "<features><hap state='off'/></features><cpu><feature policy='require' name='vmx'/></cpu>",
        "remove <hap state='off'/>, or the features vmx and svm of <cpu>",
        "<cpu><feature policy='require' name='vmx'/></cpu>",
    ),
    (
        "<x:commandline xmlns:x='http://libvirt.org/schemas/domain/xen/1.0'><x:arg value='-device foo'/></x:commandline>",
        "write an arg element for each: value='-device', value='foo'",
        "<x:commandline xmlns:x='http://libvirt.org/schemas/domain/xen/1.0'><x:arg value='-device'/><x:arg value='foo'/></x:commandline>",
    ),
];

#[test]
fn a_domain_xml_has_remedies_in_its_own_words() {
    let lab = Lab::with_host(json!({}));
    let check = |inside: &str| {
        lab.write(
            "guest.xml",
            crate::common::domain("hvm", "").replace("</domain>", &format!("{inside}</domain>")),
        );
        lab.mock(["check", "guest.xml"]).out
    };
    for (wrong, remedy, right) in OF_XML {
        let said = check(wrong);
        assert!(said.contains("guest.xml: does not start"), "{wrong}: {said}");
        assert!(said.contains(&format!("  instead: {remedy}\n")), "{wrong}: {said}");
        let said = check(right);
        assert!(said.contains("guest.xml: starts"), "{right}: {said}");
    }
    let small =
        "<domain type='xen'><name>a</name><memory unit='MiB'>8</memory><os><type>hvm</type></os></domain>";
    lab.write("guest.xml", small);
    let said = lab.mock(["check", "guest.xml"]).out;
    assert!(said.contains("  instead: write <memory unit='MiB'>16</memory>\n"), "{said}");
}

#[test]
fn what_libvirt_takes_for_a_default_or_a_name_is_no_refusal() {
    let lab = Lab::with_host(json!({}));
    for devices in [
        "<controller type='xenbus' maxGrantFrames='0'/>",
        "<interface type='bridge'><source bridge=';vdsmdummy;'/></interface>",
    ] {
        let inside = format!("<devices>{devices}</devices></domain>");
        lab.write("guest.xml", crate::common::domain("hvm", "").replace("</domain>", &inside));
        let said = lab.mock(["check", "guest.xml"]).out;
        assert!(said.starts_with("guest.xml: starts; "), "{devices}: {said}");
    }
}

#[test]
fn what_only_an_xml_says_is_refused_at_its_place() {
    let lab = Lab::with_host(json!({}));
    let vmx = "<cpu><feature policy='require' name='vmx'/></cpu><features><hap state='off'/></features>";
    lab.write("guest.xml", crate::common::domain("hvm", "").replace("</domain>", &format!("{vmx}</domain>")));
    assert!(lab.mock(["create", "guest.xml"]).fails(1).contains("[xen-refuses]"));
    let floppy = "<disk type='file' device='floppy'><source file='/a'/><target dev='fda'/></disk>";
    let devices = format!("<devices>{floppy}{floppy}</devices></domain>");
    lab.write("guest.xml", crate::common::domain("hvm", "").replace("</domain>", &devices));
    assert!(lab.mock(["create", "guest.xml"]).fails(1).contains("[disk-twice]"));
}

#[test]
fn a_device_that_an_older_qemu_has_is_fine_on_its_xen() {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.cfg", "name = \"guest\"\ntype = \"hvm\"\nmemory = 512\nusbdevice = \"ccid\"\n");
    for (xen, starts) in [("4.14", true), ("4.17", false)] {
        let check = lab.mock(["check", "--xen", xen, "guest.cfg"]);
        assert_eq!(check.out.starts_with("guest.cfg: starts; "), starts, "{xen}: {check:?}");
    }
}
