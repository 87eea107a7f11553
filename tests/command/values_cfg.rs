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
        ("vcpus = 4\ncpu = 2-5", "write it in quotes: cpu = \"2-5\"", "vcpus = 4"),
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
