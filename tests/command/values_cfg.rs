//! Values of an xl.cfg that xl or QEMU takes for something else than what is meant, and what is said of them.

use serde_json::json;

use crate::common::Lab;
use crate::remedies_cfg::{HEAD, follow};

#[test]
fn added_numbers_are_a_sum_and_no_text() {
    follow(&[
        ("vcpus = 4\nvcpus += 8", "write vcpus = 12", "vcpus = 12"),
        ("maxmem = 64\nmaxmem += \"64\"", "write maxmem = 128", "maxmem = 128"),
        ("maxmem = 64\nmaxmem += 64\nmaxmem += \"1G\"", "write maxmem = 1152", "maxmem = 1152"),
        ("localtime = 1\nlocaltime += 1", "give localtime 1 or 0", "localtime = 1"),
        ("vcpus += 2", "", "vcpus = 2"),
        ("vcpus = \"few\"\nvcpus += 2", "give vcpus a number", "vcpus = 2"),
    ]);
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    let file = format!("{HEAD}vcpus = 2\nvga = \"stdvga\"\n");
    for word in ["memory+=3", "vcpus+=1", "memory += 64", "vga=['a']"] {
        lab.write("guest.cfg", &file);
        let said = lab.run(["edit", "guest.cfg", word]);
        assert_ne!(said.code, 0, "{word}: {said:?}");
        assert_eq!(lab.read("guest.cfg"), file, "{word}");
    }
}

#[test]
fn what_is_written_in_other_signs_gets_the_value() {
    follow(&[
        ("ioports = [ \"3f8h\" ]", "write \"3f8\"", "ioports = [ \"3f8\" ]"),
        ("ioports = [ \"3f8 - 3ff\" ]", "write \"3f8-3ff\"", "ioports = [ \"3f8-3ff\" ]"),
        ("ioports = [ \"3f8:3ff\" ]", "write \"3f8-3ff\"", "ioports = [ \"3f8-3ff\" ]"),
        ("ioports = [ \"3f8,2f8\" ]", "write \"3f8\", \"2f8\"", "ioports = [ \"3f8\", \"2f8\" ]"),
        ("ioports = [ \"COM1\" ]", "write \"3f8-3ff\"", "ioports = [ \"3f8-3ff\" ]"),
        (
            "ioports = [ \"serial\" ]",
            "write ports in hexadecimal, as in \"2f8-2ff\"",
            "ioports = [ \"2f8-2ff\" ]",
        ),
        ("irqs = [ \"irq 5\" ]", "write \"5\"", "irqs = [ \"5\" ]"),
        ("vncdisplay = :1", "", "vncdisplay = 1"),
        ("vncdisplay = \":1\"", "", "vncdisplay = 1"),
        ("localtime = UTC", "", "localtime = 0"),
        ("localtime = local", "", "localtime = 1"),
        ("vcpus = two", "give vcpus a number", "vcpus = 2"),
        ("vnuma = 1", "remove it; vnuma is a list of nodes", ""),
    ]);
}

#[test]
fn a_setting_of_an_entry_that_stands_twice_is_said() {
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    for (entry, at) in [
        ("vif = [ \"bridge=a,mac=00:16:3e:00:00:01,bridge=b\" ]", "4:10"),
        ("p9 = [ \"tag=a,path=/a,tag=b,security_model=none\" ]", "4:9"),
        ("usbctrl = [ \"version=2,version=3\" ]", "4:14"),
        ("channel = [ \"name=a, name=b,connection=pty\" ]", "4:14"),
    ] {
        lab.write("guest.cfg", format!("{HEAD}{entry}\n"));
        let said = lab.mock(["check", "guest.cfg"]);
        assert_eq!(said.code, 1, "{entry}: {}", said.out);
        assert!(said.out.contains(&format!("guest.cfg:{at}: no-effect: ")), "{entry}: {}", said.out);
    }
}

#[test]
fn a_security_model_that_only_qemu_refuses_is_said() {
    let share = |model: &str| format!("p9 = [ \"tag=a,path=/a,security_model={model}\" ]");
    for (model, meant) in [("passthru", "passthrough"), ("None", "none"), ("maped", "mapped")] {
        follow(&[(&share(model), &format!("write security_model={meant}"), &share(meant))]);
    }
    follow(&[(
        &share("secure"),
        "write security_model=mapped or mapped-file or mapped-xattr or none or passthrough",
        &share("mapped-file"),
    )]);
}

#[test]
fn shares_have_tags_of_their_own() {
    let shares = |other: &str| {
        format!("p9 = [ \"tag=a,path=/a,security_model=none\", \"tag={other},path=/b,security_model=none\" ]")
    };
    follow(&[(&shares("a"), "give each share a tag of its own", &shares("b"))]);
}

#[test]
fn a_negated_word_does_not_become_its_opposite() {
    follow(&[
        ("viridian = [ \"base\", \"-freq\" ]", "write \"!freq\"", "viridian = [ \"base\", \"!freq\" ]"),
        ("viridian = [ \"base\", \"no_freq\" ]", "write \"!freq\"", "viridian = [ \"base\", \"!freq\" ]"),
        ("viridian = [ \"base\", \"!sinic\" ]", "write \"!synic\"", "viridian = [ \"base\", \"!synic\" ]"),
        (
            "viridian = [ \"vapic\" ]",
            "write \"base\", \"apic_assist\"",
            "viridian = [ \"base\", \"apic_assist\" ]",
        ),
        (
            "viridian = [ \"!all\" ]",
            "remove it, and give viridian 0 for no group, or name each group that is left out, as in \"!freq\"",
            "viridian = 0",
        ),
        ("mca_caps = [ \"!lmce\" ]", "use one of lmce", "mca_caps = [ ]"),
    ]);
}

#[test]
fn a_range_is_no_difference() {
    follow(&[
        ("vcpus = 4\ncpuset = \"4-1\"", "write cpus = \"4-1\"", "vcpus = 4"),
        ("vcpus = 4\ncpu = \"2-5\"", "write cpus = \"2-5\"", "vcpus = 4\ncpus = \"2-5\""),
        ("vcpus = 4\ncpu = \"0-3\"", "write cpus = \"0-3\"", "vcpus = 4\ncpus = \"0-3\""),
        ("vcpus = 4\ncpu = \"2\"", "write cpus = 2", "vcpus = 4\ncpus = 2"),
        ("ncpus = \"2*2\"", "write vcpus = 4", "vcpus = 4"),
        ("ram = \"1G\"", "remove it, as memory is given, or change memory", ""),
        ("vcpus = 4\ncpu = 2-5", "write cpus = \"2-5\"", "vcpus = 4\ncpus = \"2-5\""),
    ]);
}

#[test]
fn numbers_that_wrap_are_reported() {
    let range = "write a number that is in range";
    let dev =
        |bus: &str, address: &str| format!("usbdev = [ \"type=hostdev,hostbus={bus},hostaddr={address}\" ]");
    for (bus, address) in [("257", "3"), ("1", "300"), ("-1", "3"), ("4294967297", "3")] {
        follow(&[(&dev(bus, address), range, &dev("1", "3"))]);
    }
    let lsusb = "write hostbus= and hostaddr= with the bus and the address of the device, from 1, as lsusb prints them";
    for (bus, address) in [("0", "3"), ("1", "0"), ("1", "200")] {
        follow(&[(&dev(bus, address), lsusb, &dev("1", "3"))]);
    }
    follow(&[
        ("vif = [ \"mtu=4294968796\" ]", range, "vif = [ \"mtu=1500\" ]"),
        ("usbctrl = [ \"version=4294967298\" ]", range, "usbctrl = [ \"version=2\" ]"),
    ]);
}

#[test]
fn an_address_of_a_card_has_six_bytes_and_nothing_else() {
    let vif = |mac: &str| format!("vif = [ \"mac={mac}\" ]");
    let right = vif("00:16:3e:00:00:01");
    let form = "write mac= and six bytes with : between them, each two digits from 0 to f";
    for wrong in [
        "00:16:3e:00:00:1g",
        "00:16:3e:00:00:01:02",
        "00:16:3e:1g0:00:01",
        "00:16:3e:00:00:01 x",
        "00:16:3e:34:567:01",
        "00:16:3e",
    ] {
        follow(&[(&vif(wrong), form, &right)]);
    }
    for wrong in ["00163e000001", "0016.3e00.0001"] {
        follow(&[(&vif(wrong), "write mac=00:16:3e:00:00:01", &right)]);
    }
    for same in ["00-16-3e-00-00-01", "0:16:3e:0:0:1"] {
        let lab = Lab::with_host(json!({"xen_version": "4.17"}));
        lab.write("guest.cfg", format!("{HEAD}{}\n", vif(same)));
        lab.mock(["check", "guest.cfg"]).ok();
    }
}

#[test]
fn qemu_listens_where_the_file_says() {
    let key = |listen: &str| format!("vnclisten = \"{listen}\"");
    let form = "write an address, with : and the number of a display behind it if it is to have one, and an IPv6 address in [ ]";
    for (wrong, right) in [
        ("::1", "[::1]:0"),
        ("::", "[::]:0"),
        ("fe80::1", "[fe80::1]:0"),
        ("[::1]", "[::1]:0"),
        ("2001:db8:0:0:0:0:0:1", "[2001:db8:0:0:0:0:0:1]:0"),
    ] {
        follow(&[(&key(wrong), &format!("write {}", key(right)), &key(right))]);
    }
    // Only the framebuffer of a PV or PVH guest has a server of its own.
    let pv = Lab::with_host(json!({"xen_version": "4.17"}));
    let said = |listen: &str| {
        let vfb = format!("vfb = [ \"vnc=1,vnclisten={listen}\" ]");
        pv.write("guest.cfg", format!("{}kernel = \"/k\"\n{vfb}\n", HEAD.replace("hvm", "pv")));
        pv.mock(["check", "guest.cfg"])
    };
    let wrong = said("::1");
    assert!(wrong.code == 2 && wrong.out.contains("instead: write vnclisten=[::1]:0\n"), "{wrong:?}");
    said("[::1]:0").ok();
    for wrong in ["127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999", "localhost:1:x"] {
        follow(&[(&key(wrong), form, &key("127.0.0.1:1"))]);
    }
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    for right in ["127.0.0.1", "0.0.0.0:1", ":2", "[::1]:3", "unix:/run/vnc.sock", "[::]:0,websocket=on"] {
        lab.write("guest.cfg", format!("{HEAD}{}\n", key(right)));
        lab.mock(["check", "guest.cfg"]).ok();
    }
    for (listen, xml) in [("::1", "listen='::1'"), ("[::1]:3", "port='5903' autoport='no' listen='::1'")] {
        lab.write("guest.cfg", format!("{HEAD}vnc = 1\n{}\n", key(listen)));
        let said = lab.mock(["convert", "--to", "xml", "guest.cfg"]);
        assert!(said.out.contains(xml), "{listen}: {}", said.out);
    }
}

#[test]
fn a_check_that_looked_at_nothing_does_not_say_that_guests_start() {
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    lab.write("guest.cfg", HEAD);
    lab.write("bad.map", "nonsense\n");
    for words in [
        ["--check-host=/nowhere", "guest.cfg"],
        ["--host-timezone=Mars/X", "guest.cfg"],
        ["--map-file=/nowhere", "guest.cfg"],
        ["--map-file=bad.map", "guest.cfg"],
    ] {
        let said = lab.mock(["check"].into_iter().chain(words));
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{words:?}: {said:?}");
        assert_ne!(said.err, "", "{words:?}");
    }
}

#[test]
fn a_serial_port_has_what_it_needs() {
    let key = |port: &str| format!("serial = \"{port}\"");
    for (wrong, remedy, right) in [
        ("tcp:1.2.3.4", "write tcp:1.2.3.4:PORT in its place, with a number for PORT", "tcp:1.2.3.4:5000"),
        (
            "tcp:1.2.3.4:",
            "write tcp:1.2.3.4:PORT in its place, with a number for PORT",
            "tcp:1.2.3.4:5000,server",
        ),
        ("telnet::,server", "write telnet::PORT in its place, with a number for PORT", "telnet::5000,server"),
        ("udp:", "write udp::PORT in its place, with a number for PORT", "udp::5000@:5001"),
        (
            "unix:",
            "write unix:PATH in its place, with the path of a file for PATH",
            "unix:/run/a,server,nowait",
        ),
        ("file:", "write file:PATH in its place, with the path of a file for PATH", "file:/var/log/a"),
        ("mon:tcp:a", "write tcp:a:PORT in its place, with a number for PORT", "mon:pty"),
        (
            "chardev:c0",
            "add \"-chardev\" and its settings with id=c0 to device_model_args, or write serial = \"pty\"",
            "pty",
        ),
    ] {
        follow(&[(&key(wrong), remedy, &key(right))]);
    }
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    let args = "device_model_args = [ \"-chardev\", \"null,id=c0\" ]";
    lab.write("guest.cfg", format!("{HEAD}{args}\n{}\n", key("chardev:c0")));
    lab.mock(["check", "guest.cfg"]).ok();
}

#[test]
fn linux_takes_the_names_of_interfaces() {
    let vif = |word: &str| format!("vif = [ \"type=vif,{word}\" ]");
    for name in ["web/0", "web:0", "web 0", "..", "a-name-that-is-long"] {
        let remedy = "write a vifname of at most 15 bytes, without spaces, / and :";
        follow(&[(&vif(&format!("vifname={name}")), remedy, &vif("vifname=web-0"))]);
    }
    for name in ["xenbr:0", "..", "a/b"] {
        let remedy = "write the name of a bridge, of at most 15 bytes, without spaces, / and :";
        follow(&[(&vif(&format!("bridge={name}")), remedy, &vif("bridge=xenbr0.100"))]);
    }
}

#[test]
fn one_remedy_is_enough() {
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    for (wrong, remedies, right) in [
        (
            "vga = \"qxl\"\nvideoram = 64",
            &["write videoram = 128", "write memory = 192"][..],
            "vga = \"qxl\"\nvideoram = 128\nmemory = 192",
        ),
        (
            "vga = \"std\"\nvideoram = 4",
            &["write vga = \"stdvga\"", "write videoram = 16"],
            "vga = \"stdvga\"\nvideoram = 16\nmemory = 64",
        ),
    ] {
        lab.write("guest.cfg", format!("{HEAD}{wrong}\n"));
        let said = lab.mock(["check", "guest.cfg"]);
        for remedy in remedies {
            assert!(
                said.code == 2 && said.out.contains(&format!("instead: {remedy}\n")),
                "{remedy}: {}",
                said.out
            );
        }
        lab.write("guest.cfg", format!("name = \"guest\"\ntype = \"hvm\"\n{}\n", right));
        let said = lab.mock(["check", "guest.cfg"]);
        assert_eq!(said.code, 0, "{right}: {}", said.out);
    }
    let convert = "convert the image, as in: qemu-img convert -O qcow2 OLD NEW, and write format=qcow2";
    let disk = |format: &str| format!("disk = [ \"format={format},vdev=xvda,target=/srv/a\" ]");
    for format in ["vhdx", "vdi", "vmdk"] {
        follow(&[(&disk(format), convert, &disk("qcow2"))]);
    }
    let access = |word: &str| format!("disk = [ \"access={word},vdev=xvde,target=/srv/a\" ]");
    follow(&[
        (&access("RW"), "write access=rw", &access("rw")),
        (&access("wr"), "use one of r, ro, w, rw", &access("rw")),
        ("monitor = 1", "remove it", ""),
        (
            "vif2 = [ \"bridge=b\", \"mac=00:16:3e:00:00:01\" ]",
            "write vif = [ \"bridge=b\", \"mac=00:16:3e:00:00:01\" ]",
            "vif = [ \"bridge=b\", \"mac=00:16:3e:00:00:01\" ]",
        ),
    ]);
}

#[test]
fn a_device_keeps_its_address_and_a_rate_its_value() {
    let pci = |text: &str| format!("pci = [ \"{text}\" ]");
    for wrong in ["vfio-pci,host=01:00.0", "[01:00.0]", "0x01:0x00.0", "host=01:00.0"] {
        follow(&[(&pci(wrong), "write 01:00.0", &pci("01:00.0"))]);
    }
    let settings = "permissive, msitranslate, seize, power_mgmt and rdm_policy";
    follow(&[
        (&pci("01:00.0;01:00.1"), "write \"01:00.0\", \"01:00.1\"", "pci = [ \"01:00.0\", \"01:00.1\" ]"),
        (
            &pci("01:00.0,pcie=1"),
            &format!("remove it; the settings of a device are bdf, vslot, name, {settings}"),
            &pci("01:00.0"),
        ),
    ]);
    let rate = |text: &str| format!("vif = [ \"rate={text}\" ]");
    for (wrong, right) in [
        ("100 Mb/s", "100Mb/s"),
        ("100mb/s", "100Mb/s"),
        ("100Mbps", "100Mb/s"),
        ("10 MB/s@20ms", "10MB/s@20ms"),
        ("1 Gbit/s", "1Gb/s"),
        ("250kB/s", "250KB/s"),
    ] {
        follow(&[(&rate(wrong), &format!("write rate={right}"), &rate(right))]);
    }
}

#[test]
fn the_remedies_of_nodes_do_not_exclude_each_other() {
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    let node =
        |size: &str, vcpus: &str| format!("vnuma = [ [ \"pnode=0\", \"size={size}\", \"vcpus={vcpus}\" ] ]");
    for (wrong, remedies, not) in [
        (
            format!("vcpus = 2\n{}", node("64", "0")),
            &["name each of the vCPUs 0 to 1 in one node of vnuma"][..],
            "maxvcpus = ",
        ),
        (
            format!("vcpus = 2\nmaxvcpus = 2\n{}", node("64", "0")),
            &["name each of the vCPUs 0 to 1 in one node"],
            "maxvcpus = 1",
        ),
        (format!("maxmem = 128\n{}", node("64", "0")), &["write maxmem = 64"], "sizes that are"),
        (node("1", "0"), &["write sizes that are 9 or more in all"], "memory = "),
        (
            "vnuma = \"auto\"".to_owned(),
            &["remove it, or give a list of nodes, each a list of its settings"],
            "[ \"auto\"",
        ),
    ] {
        lab.write("guest.cfg", format!("{HEAD}{wrong}\n").replace("memory = 64\nvnuma", "vnuma"));
        let said = lab.mock(["check", "guest.cfg"]);
        for remedy in remedies {
            assert!(said.out.contains(&format!("instead: {remedy}\n")), "{wrong}: {remedy}\n{}", said.out);
        }
        assert!(!said.out.contains(&format!("write {not}")), "{wrong}: {}", said.out);
    }
}

#[test]
fn words_of_other_tools_are_no_words_of_xl() {
    let vif = "remove it, and describe the device in an entry of the list vif";
    let none = "remove it";
    follow(&[
        ("net0 = \"virtio=BC:24:11:00:00:01,bridge=vmbr0\"", vif, ""),
        (
            "virtio0 = \"local-lvm:vm-100-disk-0\"",
            "remove it, and describe the device in an entry of the list disk",
            "",
        ),
        (
            "usb0 = \"host=046d:c52b\"",
            "remove it, and describe the device in an entry of the list usbdev",
            "",
        ),
        ("hostpci0 = \"01:00.0\"", "remove it, and describe the device in an entry of the list pci", ""),
        ("smp = 4", "write vcpus = 4", "vcpus = 4"),
        ("smp = \"4,cores=2\"", "give vcpus a number", "vcpus = 4"),
        ("cpu = \"host\"", none, ""),
        ("vcpus = 1\ncpu = \"all\"", "write cpus = \"all\"", "vcpus = 1\ncpus = \"all\""),
        ("ostype = \"l26\"", none, ""),
        ("boot_order = \"cd\"", "write boot = \"cd\"", "boot = \"cd\""),
    ]);
}

#[test]
fn what_libxl_does_not_build_is_said() {
    let less = "write maxmem as large as memory, or remove it";
    let boots = "add kernel = \"/PATH\", or remove it: the guest boots from its disk";
    let older = "device_model_version = \"qemu-xen-traditional\"\n";
    follow(&[
        ("extra = \"ro\"", boots, ""),
        ("root = \"/dev/xvda\"", boots, "root = \"/dev/xvda\"\nkernel = \"/PATH\""),
        ("ramdisk = \"/r\"", boots, "ramdisk = \"/r\"\nkernel = \"/PATH\""),
        (
            &format!("{older}bios = \"seabios\""),
            "remove device_model_version, or the firmware",
            "bios = \"seabios\"",
        ),
        (
            &format!("{older}vga = \"qxl\""),
            "remove device_model_version, or write vga = \"stdvga\"",
            &format!("{older}vga = \"stdvga\""),
        ),
        ("maxmem = 1024\npci = [ \"3:0.0\" ]", less, "pci = [ \"3:0.0\" ]"),
        ("maxmem = 1024\npassthrough = \"enabled\"", less, "passthrough = \"enabled\""),
        ("maxmem = 1024\naltp2m = \"mixed\"", less, "altp2m = \"mixed\""),
        ("max_grant_version = 16", "write max_grant_version = 2, or remove it", "max_grant_version = 2"),
    ]);
}

#[test]
fn a_remedy_is_tried_in_the_files_own_guest() {
    follow(&[
        ("vcpus = 4\ncap = 500", "write cap = 400", "vcpus = 4\ncap = 400"),
        ("vcpus = 4\ncpu_cap = 250", "write cap = 250", "vcpus = 4\ncap = 250"),
        (
            "device_model_version = \"qemu-xen-traditional\"\nbios = rombios",
            "write it in quotes: bios = \"rombios\"",
            "device_model_version = \"qemu-xen-traditional\"\nbios = \"rombios\"",
        ),
    ]);
}
