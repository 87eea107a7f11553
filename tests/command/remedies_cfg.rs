//! The remedy of each wrong line of an xl.cfg is the setting that was meant, and is accepted where it is followed.

use serde_json::json;

use crate::common::Lab;

pub(crate) const HEAD: &str = "name = \"guest\"\ntype = \"hvm\"\nmemory = 64\n";

/// Has wrong lines checked: each gets its remedy, and the right one in its place is accepted.
#[track_caller]
pub(crate) fn follow(table: &[(&str, &str, &str)]) {
    let lab = Lab::with_host(json!({"xen_version": "4.17", "tsc_scaling": true}));
    let mut wrongs = Vec::new();
    for (wrong, remedy, right) in table {
        let remedy = if remedy.is_empty() { format!("write {right}") } else { (*remedy).to_owned() };
        lab.write("guest.cfg", format!("{HEAD}{wrong}\n"));
        let said = lab.mock(["check", "guest.cfg"]);
        if said.code == 0 || !said.out.lines().any(|line| line.trim() == format!("instead: {remedy}")) {
            wrongs.push(format!("{wrong}: expected {remedy}\n{}", said.out));
        }
        lab.write("guest.cfg", format!("{HEAD}{right}\n"));
        let said = lab.mock(["check", "guest.cfg"]);
        // Advice is on something that means the same on Xen.
        if said.code != 0 && !said.out.starts_with("guest.cfg: starts; 1 piece of advice\n") {
            wrongs.push(format!("{right} is not accepted\n{}", said.out));
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

/// True where the tz database is there.
fn has_zones() -> bool {
    let there = timers::zone::default_zones().zone("Europe/Berlin").is_ok();
    if !there {
        xentest::skip("no tz database", "apt-get install tzdata");
    }
    there
}

#[test]
fn a_value_of_another_key_of_the_clock_gets_that_key() {
    if !has_zones() {
        return;
    }
    follow(&[
        ("clock_offset = \"UTC+3\"", "", "clock_timezone = \"Etc/GMT-3\""),
        ("clock_offset = \"GMT-5\"", "", "clock_timezone = \"Etc/GMT+5\""),
        ("clock_offset = \"UTC+5:30\"", "", "rtc_timeoffset = 19800"),
        ("clock_offset = \"Europe/Berlin\"", "", "clock_timezone = \"Europe/Berlin\""),
        ("clock_offset = \"W. Europe Standard Time\"", "", "clock_timezone = \"Europe/Berlin\""),
        ("clock_offset = \"+3600\"", "", "rtc_timeoffset = 3600"),
        ("clock_offset = 3600", "", "rtc_timeoffset = 3600"),
        ("clock_offset = \"-90 min\"", "", "rtc_timeoffset = \"-5400\""),
        ("clock_offset = \"2026-01-01\"", "", "clock_start = 1767225600"),
        ("clock_offset = \"GMT\"", "", "clock_offset = \"utc\""),
        ("clock_offset = \"local\"", "", "clock_offset = \"localtime\""),
        ("clock_timezone = \"local\"", "", "clock_offset = \"localtime\""),
        ("clock_timezone = 3600", "", "rtc_timeoffset = 3600"),
        ("clock_timezone = \"UTC+5:30\"", "", "rtc_timeoffset = 19800"),
        ("clock_timezone = \"Etc/GMT+15\"", "", "rtc_timeoffset = \"-54000\""),
        ("clock_start = 1767225600000", "", "clock_start = 1767225600"),
        ("timezone = \"UTC+3\"", "", "clock_timezone = \"Etc/GMT-3\""),
        ("timezone = \"W. Europe Standard Time\"", "", "clock_timezone = \"Europe/Berlin\""),
        ("timezone = 7200", "", "rtc_timeoffset = 7200"),
        ("rtc_offset = \"Asia/Tokyo\"", "", "clock_timezone = \"Asia/Tokyo\""),
        ("rtc = \"Asia/Tokyo\"", "", "clock_timezone = \"Asia/Tokyo\""),
        ("rtc_start = 1767225600000", "", "clock_start = 1767225600"),
        ("clock_offset = \"utc+3600\"", "", "rtc_timeoffset = 3600"),
        ("clock_offset = \"localtime+1h\"", "", "localtime = 1; rtc_timeoffset = 3600"),
        ("clock_offset = \"timezone:Europe/Berlin\"", "", "clock_timezone = \"Europe/Berlin\""),
        ("clock_timezone = [ \"Europe/Berlin\" ]", "", "clock_timezone = \"Europe/Berlin\""),
        ("localtime = \"Europe/Berlin\"", "", "clock_timezone = \"Europe/Berlin\""),
        ("localtime = \"local\"", "", "localtime = 1"),
        ("localtime = \"UTC\"", "", "localtime = 0"),
        ("rtc_timeoffset = \"Asia/Tokyo\"", "", "clock_timezone = \"Asia/Tokyo\""),
        ("rtc_timeoffset = \"local\"", "", "localtime = 1"),
        ("clock_start = \"@1767225600\"", "", "clock_start = 1767225600"),
        ("clock_start = \"1767225600 s\"", "", "clock_start = 1767225600"),
        (
            "clock_basis = \"UTC+3\"\nclock_offset = \"variable\"",
            "write clock_basis = \"utc\" or \"localtime\"",
            "clock_basis = \"utc\"\nclock_offset = \"variable\"",
        ),
        (
            "clock_offset = \"zone\"\nclock_timezone = \"Asia/Tokyo\"",
            "write clock_offset = \"timezone\"",
            "clock_offset = \"timezone\"\nclock_timezone = \"Asia/Tokyo\"",
        ),
        (
            "clock_offset = \"local\"\nclock_adjustment = \"reset\"",
            "write clock_offset = \"localtime\"",
            "clock_offset = \"localtime\"\nclock_adjustment = \"reset\"",
        ),
    ]);
}

#[test]
fn a_value_of_another_attribute_of_the_clock_gets_that_attribute() {
    if !has_zones() {
        return;
    }
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    let xml = |clock: &str| crate::common::domain("hvm", &format!("<clock {clock}/>"));
    for (wrong, right) in [
        ("offset='UTC+3'", "offset='timezone' timezone='Etc/GMT-3'"),
        ("offset='Europe/Berlin'", "offset='timezone' timezone='Europe/Berlin'"),
        ("offset='3600'", "offset='variable' adjustment='3600'"),
        ("offset='2026-01-01'", "offset='absolute' start='1767225600'"),
        ("offset='local'", "offset='localtime'"),
    ] {
        lab.write("guest.xml", xml(wrong));
        let said = lab.mock(["check", "guest.xml"]).out;
        assert!(said.contains(&format!("instead: write {right}\n")), "{wrong}: {said}");
        lab.write("guest.xml", xml(right));
        lab.mock(["check", "guest.xml"]).ok();
    }
}

#[test]
fn a_timer_keeps_its_name() {
    let timers = |item: &str| format!("clock_timers = [ \"{item}\" ]");
    for (wrong, right) in [
        ("clock_timers = \"name=hpet,present=no\"", "name=hpet,present=no"),
        ("clock_timers = \"tsc\"", "name=tsc"),
        ("clock_timers = \"hpet=off\"", "name=hpet,present=no"),
    ] {
        follow(&[(wrong, "", &timers(right))]);
    }
    for (wrong, right) in [
        ("tsc", "name=tsc"),
        ("hpet=no", "name=hpet,present=no"),
        ("tsc=native", "name=tsc,mode=native"),
        ("tsc,mode=native", "name=tsc,mode=native"),
    ] {
        follow(&[(&timers(wrong), &format!("write \"{right}\""), &timers(right))]);
    }
    follow(&[
        (
            "clock_timers = [ \"name=hpet,present=false\" ]",
            "write present=no",
            &timers("name=hpet,present=no"),
        ),
        (
            "clock_timers = [ \"name=tsc,frequency=2.4GHz\" ]",
            "write frequency=2400000000",
            &timers("name=tsc,frequency=2400000000"),
        ),
        ("clock_tsc_tolerance = \"100ppm\"", "", "clock_tsc_tolerance = 100"),
        ("clock_tsc_tolerance = \"off\"", "", "clock_tsc_tolerance = 0"),
        ("clock_tsc_tolerance = 1000", "", "clock_tsc_tolerance = 250"),
    ]);
}

/// The lines of a file that its check names with a finding of this code.
fn lines(said: &str, code: &str) -> Vec<u32> {
    let ends = format!("[{code}]");
    let found = said.lines().filter(|line| line.ends_with(&ends));
    found.map(|line| line.split(':').nth(1).unwrap().parse().unwrap()).collect()
}

#[test]
fn all_that_is_wrong_with_a_clock_is_said_at_once() {
    if !has_zones() {
        return;
    }
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    for (text, code, expected) in [
        ("vga = \"std\"\nclock_timezone = \"UTC+3\"", "bad-zone", &[5][..]),
        ("memory = 2GB\nclock_timezone = \"UTC+3\"", "bad-zone", &[5]),
        ("vga = \"std\"\nclock_tsc_frequency = 0", "tsc-frequency", &[5]),
        (
            "clock_timers = [\n \"name=tsc,mode=x\",\n \"name=rtc,tickpolicy=x,\n track=y\",\n \"name=hpet\" ]",
            "cfg-lexical",
            &[6],
        ),
        (
            "clock_timers = [\n \"name=tsc,mode=x\",\n \"name=rtx,tickpolicy=x\",\n \"name=hpet\" ]",
            "bad-value",
            &[5, 6, 6],
        ),
        ("clock_offset = \"sundial\"\nclock_adjustment = \"1h\"", "bad-value", &[4, 5]),
        ("clock_offset = \"sundial\"\nclock_timezone = \"UTC+3\"", "bad-zone", &[5]),
        ("localtime = \"yes\"\nvga = \"std\"\ntimezone = \"UTC+3\"\nmemry = 5", "unknown-clock-key", &[6]),
        ("localtime = \"yes\"\nvga = std\ntimezone = \"UTC+3\"\nmemry = 5", "unknown-clock-key", &[6]),
        ("localtime = \"yes\"\nvga = std\nmemry = 5", "unknown-key", &[6]),
        ("localtime = \"yes\"\nvga = std\nmemry = 5", "no-number", &[4]),
    ] {
        lab.write("guest.cfg", format!("{HEAD}{text}\n"));
        let said = lab.mock(["check", "guest.cfg"]);
        assert_eq!(lines(&said.out, code), expected, "{text}: {}", said.out);
    }
}

#[test]
fn a_word_of_a_newer_release_is_named_with_its_release() {
    let vlan = "unsupported: xl knows vlan since Xen 4.19, but the xl of Xen 4.17 ignores it [other-release]";
    let trusted =
        "invalid: xl knows trusted since Xen 4.19, but the xl of Xen 4.17 refuses it [other-release]";
    let p9 = "invalid: xl knows max-files since Xen 4.19, but the xl of Xen 4.17 refuses it [other-release]";
    let lab = Lab::with_host(json!({"xen_version": "4.17"}));
    for (line, said) in [
        ("vif = [ \"bridge=xenbr0,vlan=10\" ]", vlan),
        ("disk = [ \"/a,raw,xvda,w,trusted\" ]", trusted),
        ("p9 = [ \"tag=t,path=/p,security_model=none,max-files=5\" ]", p9),
    ] {
        lab.write("guest.cfg", format!("{HEAD}{line}\n"));
        let out = lab.mock(["check", "guest.cfg"]).out;
        assert!(out.contains(said) && out.contains("instead: remove it"), "{line}: {out}");
    }
    // It is not among the words that are proposed, either.
    lab.write("guest.cfg", format!("{HEAD}vif = [ \"colour=1\" ]\n"));
    let out = lab.mock(["check", "guest.cfg"]).out;
    assert!(out.contains("use one of type, mac, bridge") && !out.contains("vlan"), "{out}");
}

#[test]
fn the_words_of_an_entry_keep_their_values() {
    let rows = [
        ("vif", "br=xenbr0", "bridge=xenbr0", ""),
        ("vif", "ipaddr=10.0.0.1", "ip=10.0.0.1", ""),
        ("vif", "briidge=xenbr0", "bridge=xenbr0", ""),
        ("vif", "type=ne2k_pci", "model=ne2k_pci", ""),
        ("vif", "type=netfront", "type=vif", ""),
        ("vif", "type=ioem", "type=ioemu", ""),
        ("p9", "mount_tag=t", "tag=t", ",path=/data,security_model=none"),
        ("disk", "readonly=1", "access=ro", ",format=raw,vdev=xvde,target=/a"),
        ("disk", "discard=on", "discard", ",format=raw,vdev=xvda,target=/a"),
        ("disk", "discard=off", "no-discard", ",format=raw,vdev=xvda,target=/a"),
        ("disk", "format=qcow3", "format=qcow2", ",vdev=xvda,target=/a"),
        ("disk", "acess=ro", "access=ro", ",format=raw,vdev=xvde,target=/a"),
        ("channel", "org.qemu.guest_agent.0", "connection=pty,name=org.qemu.guest_agent.0", ""),
        ("usbctrl", "type=devicemodl", "type=devicemodel", ",version=2"),
        ("usbdev", "type=host", "type=hostdev", ",hostbus=1,hostaddr=2"),
        ("pci", "permissive=yes", "permissive=1", ""),
    ];
    for (list, wrong, right, rest) in rows {
        let first = if list == "pci" { "01:00.0," } else { "" };
        let line = |word: &str| format!("{list} = [ \"{first}{word}{rest}\" ]");
        // A number is replaced alone.
        let remedy = if list == "pci" { "write 1".to_owned() } else { format!("write {right}") };
        follow(&[(&line(wrong), &remedy, &line(right))]);
    }
    let add = "add security_model=none";
    follow(&[("p9 = [ \"tag=t,path=/d\" ]", add, "p9 = [ \"tag=t,path=/d,security_model=none\" ]")]);
    let nodes = "[ \"pnode=0\", \"size=64\", \"vcpus=0-1\" ]";
    for wrong in ["\"pnode=0,size=64M,vcpus=0-1\"", "[ \"pnode=0,size=64,vcpus=0-1\" ]"] {
        let head = "vcpus = 2\nvnuma = [ ";
        follow(&[(&format!("{head}{wrong} ]"), &format!("write {nodes}"), &format!("{head}{nodes} ]"))]);
    }
}

#[test]
fn a_value_in_another_form_keeps_its_meaning() {
    let remove = "remove it; a PCI device takes rdm_policy=strict or relaxed";
    let not_python = "an xl.cfg consists of lines KEY = VALUE and comments after #; it is not Python";
    let bits = "x".repeat(32);
    let as_registers = "write it as in cpuid = [ \"0x1:ecx=x...x\" ], 32 characters a register";
    follow(&[
        ("viridian = \"all\"", "", "viridian = [ \"all\" ]"),
        ("viridian = \"base,freq\"", "", "viridian = [ \"base\", \"freq\" ]"),
        ("maxmem = \"1,024\"", "", "maxmem = 1024"),
        ("maxmem = 1,024", "", "maxmem = 1024"),
        ("maxmem = -128", "", "maxmem = 128"),
        (
            "vif = [ \"bridge=a\" \"bridge=b\" ]",
            "write a comma between the two strings, or join them into one",
            "vif = [ \"bridge=a\", \"bridge=b\" ]",
        ),
        ("disk = [ '/srv' + '/a.img,raw,xvda,w' ]", "", "disk = [ \"/srv/a.img,raw,xvda,w\" ]"),
        ("serial = \"p\" + \"ty\"", "", "serial = \"pty\""),
        ("vif = { \"bridge\": \"xenbr0\" }", "", "vif = [ \"bridge=xenbr0\" ]"),
        ("vif = ('bridge=a', 'bridge=b')", "", "vif = [ \"bridge=a\", \"bridge=b\" ]"),
        ("serial = (\"pty\")", "", "serial = \"pty\""),
        ("serial = [ \"pty\", [ ] ]", "remove the inner [ and ]", "serial = [ \"pty\" ]"),
        ("vga = [ \"stdvga\" ]", "", "vga = \"stdvga\""),
        ("network = \"xenbr0\"", "", "vif = [ \"bridge=xenbr0\" ]"),
        ("mac = \"00:16:3e:00:00:01\"", "", "vif = [ \"mac=00:16:3e:00:00:01\" ]"),
        ("cpuid = \"host:invtsc=1\"", "", "cpuid = \"host,invtsc=1\""),
        ("cpuid = \"+invtsc,-vmx\"", "", "cpuid = \"host,invtsc=1,vmx=0\""),
        ("cpuid = [ \"host,invtsc=1\" ]", "", "cpuid = \"host,invtsc=1\""),
        ("cpuid = \"host,+invtsc\"", "write invtsc=1", "cpuid = \"host,invtsc=1\""),
        ("cpuid = \"host,nonstop_tsc\"", "write invtsc=1", "cpuid = \"host,invtsc=1\""),
        (&format!("cpuid = \"1:ecx={bits}\""), "", &format!("cpuid = [ \"1:ecx={bits}\" ]")),
        ("cpuid = \"eax=1\"", as_registers, ""),
        ("cpuid = \"host,1:eax=1\"", as_registers, ""),
        ("invtsc = 1", "", "cpuid = \"host,invtsc=1\""),
        ("constant_tsc = 1", "", "cpuid = \"host,invtsc=1\""),
        ("nestedvirt = 1", "", "nestedhvm = 1"),
        ("sched_credit_cap = 50", "", "cap = 50"),
        ("rdm = \"strategy=none\"", remove, ""),
        ("rdm = [ \"strategy=host\" ]", remove, ""),
        ("vnc-listen = \"0.0.0.0\"", "", "vnclisten = \"0.0.0.0\""),
        ("if True:", not_python, ""),
        ("return 1", not_python, ""),
        (
            "tsc_mode = \"native_paravirt\"",
            "write tsc_mode = \"default\", or tsc_mode = \"native\" for a guest that never migrates",
            "tsc_mode = \"default\"",
        ),
        (
            "clock_tsc_frequency = 2400",
            "write clock_tsc_frequency = 2400000000 for 2400 MHz",
            "clock_tsc_frequency = 2400000000",
        ),
    ]);
}

#[test]
fn a_value_in_a_form_of_other_tools_keeps_its_meaning() {
    follow(&[
        (
            "clock_timers = [ \"name=hpet;present=no\" ]",
            "write \"name=hpet,present=no\"",
            "clock_timers = [ \"name=hpet,present=no\" ]",
        ),
        (
            "clock_timers = [ \"name=hpet,present=no;name=tsc,mode=native\" ]",
            "write \"name=hpet,present=no\", \"name=tsc,mode=native\"",
            "clock_timers = [ \"name=hpet,present=no\", \"name=tsc,mode=native\" ]",
        ),
        (
            "clock_timers = [[ \"name=hpet\", \"present=no\" ]]",
            "write \"name=hpet,present=no\"",
            "clock_timers = [ \"name=hpet,present=no\" ]",
        ),
        ("vif = [{ \"bridge\": \"xenbr0\" }]", "", "vif = [ \"bridge=xenbr0\" ]"),
        ("vif = [ \"xenbr0\" ]", "write bridge=xenbr0", "vif = [ \"bridge=xenbr0\" ]"),
        ("vif = [ \"bridge:xenbr0\" ]", "write bridge=xenbr0", "vif = [ \"bridge=xenbr0\" ]"),
        (
            "disk = [ \"readonly,vdev=xvde,target=/x\" ]",
            "write access=ro in place of readonly",
            "disk = [ \"access=ro,vdev=xvde,target=/x\" ]",
        ),
        (
            "disk = [ \"trusted,vdev=xvda,target=/x\" ]",
            "remove trusted",
            "disk = [ \"vdev=xvda,target=/x\" ]",
        ),
        ("pci = [ \"pci_0000_01_00_0\" ]", "write 0000:01:00.0", "pci = [ \"0000:01:00.0\" ]"),
        ("pci = [ \"01:00.0,permissive\" ]", "write permissive=1", "pci = [ \"01:00.0,permissive=1\" ]"),
        ("usbdevice = [ \"tablet\", \"kbd\" ]", "", "usbdevice = [ \"tablet\", \"keyboard\" ]"),
        ("bios = \"uefi\"", "", "bios = \"ovmf\""),
        ("vif = 1", "remove it; vif is a list of devices", ""),
        (
            "vif = [[ \"bridge=b\", \"model=e1000\" ]]",
            "write \"bridge=b,model=e1000\"",
            "vif = [ \"bridge=b,model=e1000\" ]",
        ),
        (
            "vnuma = [ \"pnode=0\", \"size=64\", \"vcpus=0\" ]",
            "",
            "vnuma = [ [ \"pnode=0\", \"size=64\", \"vcpus=0\" ] ]",
        ),
        ("clock_start = \"01.01.2026\"", "", "clock_start = 1767225600"),
        ("rtc_timeoffset = \"1:00\"", "", "rtc_timeoffset = 3600"),
        ("nohpet = 1", "", "hpet = 0"),
        ("migrate = 0", "", "nomigrate = 1"),
        (
            "vif = [ \"bridge=xenbr0 model=e1000\" ]",
            "write bridge=xenbr0,model=e1000",
            "vif = [ \"bridge=xenbr0,model=e1000\" ]",
        ),
        (
            "disk = [ \"vdev=xvde,target=/srv/a.qcow2,format=qcow2,access=ro\" ]",
            "write vdev=xvde,format=qcow2,access=ro,target=/srv/a.qcow2",
            "disk = [ \"vdev=xvde,format=qcow2,access=ro,target=/srv/a.qcow2\" ]",
        ),
        (
            "disk = [ \"target=/srv/a.qcow2,vdev=xvde\" ]",
            "write vdev=xvde,target=/srv/a.qcow2",
            "disk = [ \"vdev=xvde,target=/srv/a.qcow2\" ]",
        ),
        (
            "device_model_args = [ \"-device virtio-rng-pci\" ]",
            "write \"-device\", \"virtio-rng-pci\"",
            "device_model_args = [ \"-device\", \"virtio-rng-pci\" ]",
        ),
        ("boot = [ \"c\", \"d\" ]", "", "boot = \"cd\""),
        ("boot = \"DC\"", "", "boot = \"dc\""),
        (
            "kernel = '/k'\nextra = [ \"a\", \"b\" ]",
            "write extra = \"a b\"",
            "kernel = '/k'\nextra = \"a b\"",
        ),
        (
            "kernel = '/k'\nextra = \"root=\"/dev/xvda\"\"",
            "write extra = 'root=\"/dev/xvda\"'",
            "kernel = '/k'\nextra = 'root=\"/dev/xvda\"'",
        ),
        ("disk = None", "remove the line", ""),
        ("vif = [f\"bridge=a\"]", "remove the f before the quote", "vif = [\"bridge=a\"]"),
        ("rtc_base = \"localtime\"", "", "clock_offset = \"localtime\""),
        ("on_reboot = \"reboot\"", "", "on_reboot = \"restart\""),
        ("max_grant_frames = 0", "", "max_grant_frames = 64"),
        ("viridian = [ \"base,freq\" ]", "write \"base\", \"freq\"", "viridian = [ \"base\", \"freq\" ]"),
        ("viridian = \"default\"", "", "viridian = [ \"defaults\" ]"),
        ("vncport = 5901", "", "vncdisplay = 1"),
        ("vfb = [ \"vnc_port=5901\" ]", "write vncdisplay=1", "vfb = [ \"vncdisplay=1\" ]"),
        ("cpuid = \"host,vmx=require\"", "write vmx=1", "cpuid = \"host,vmx=1\""),
        ("tsc_mode = [ \"native\" ]", "", "tsc_mode = \"native\""),
        ("usb_dev = 1", "remove it; usbdev is a list of devices", ""),
        ("device_model_machine = \"q35\"", "remove it, or make it a comment with #", ""),
        (
            "cpuid = \"Haswell\"",
            "remove it: libxl has no CPU models, only single fields, as in \"host,avx512f=0\"",
            "cpuid = \"host,avx512f=0\"",
        ),
    ]);
}

#[test]
fn a_list_of_numbers_is_no_sum_and_no_first_number() {
    follow(&[
        ("vcpus = 2\ncpus = 0-3", "write it in quotes: cpus = \"0-3\"", "vcpus = 2\ncpus = \"0-3\""),
        ("vcpus = 2\ncpus = 0,2-4", "write it in quotes: cpus = \"0,2-4\"", "vcpus = 2\ncpus = \"0,2-4\""),
    ]);
}

#[test]
fn a_timer_by_its_name_alone_has_a_remedy_only_if_it_is_one_timer() {
    let lab = Lab::with_host(json!({}));
    for (item, remedy) in [
        ("hpet=no", Some("name=hpet,present=no")),
        ("rtc=catchup", Some("name=rtc,tickpolicy=catchup")),
        ("tsc=native", Some("name=tsc,mode=native")),
        ("hpet=no,tsc", None),
    ] {
        lab.write("guest.cfg", format!("{HEAD}clock_timers = [ \"{item}\" ]\n"));
        let said = lab.mock(["check", "guest.cfg"]).out;
        match remedy {
            Some(remedy) => {
                assert!(said.contains(&format!("write \"{remedy}\"")), "{item}: {said}");
                lab.write("guest.cfg", format!("{HEAD}clock_timers = [ \"{remedy}\" ]\n"));
                assert!(lab.mock(["check", "guest.cfg"]).out.starts_with("guest.cfg: starts; "), "{remedy}");
            }
            None => assert!(!said.contains("write \"name=hpet,present=no,name="), "{item}: {said}"),
        }
    }
}

#[test]
fn a_remedy_for_a_part_of_an_entry_is_accepted_in_its_place() {
    let entry = |list: &str, text: &str| format!("{list} = [ \"{text}\" ]");
    // The list, the entry, the remedy, and the entry with it.
    for (list, wrong, remedy, right) in [
        (
            "channel",
            "type=unix,path=/a,name=x",
            "write connection=socket",
            "connection=socket,path=/a,name=x",
        ),
        (
            "channel",
            "connection=unix,path=/a,name=x",
            "write connection=socket",
            "connection=socket,path=/a,name=x",
        ),
        ("disk", "vdev=xvda,nodirect-io-safe,target=/a", "remove nodirect-io-safe", "vdev=xvda,target=/a"),
        ("disk", "/a,raw,xvda,w,no-direct-io-safe", "remove no-direct-io-safe", "/a,raw,xvda,w"),
        (
            "disk",
            "vdev=xvda,nodiscard,target=/a",
            "write no-discard in place of nodiscard",
            "vdev=xvda,no-discard,target=/a",
        ),
        (
            "disk",
            "UUID=12-ab,raw,xvda,w",
            "write /dev/disk/by-uuid/12-ab in place of UUID=12-ab",
            "/dev/disk/by-uuid/12-ab,raw,xvda,w",
        ),
        (
            "disk",
            "vdev=xvda,target=LABEL=root",
            "write /dev/disk/by-label/root in place of LABEL=root",
            "vdev=xvda,target=/dev/disk/by-label/root",
        ),
        ("ioports", "10-5", "first write \"5-10\" in place of 10-5", "5-10"),
        (
            "p9",
            "tag=a,security_model=none,path=/a\", \"tag=b",
            "add path=/a,security_model=none",
            "tag=a,security_model=none,path=/a\", \"tag=b,path=/a,security_model=none",
        ),
    ] {
        follow(&[(&entry(list, wrong), remedy, &entry(list, right))]);
    }
    // Each of several wrong words of a node has its own remedy, and the sums are those of the right ones.
    let nodes = |words: &str| format!("maxvcpus = 2\nmaxmem = 64\nvnuma = [ [ {words} ] ]");
    let wrong = nodes("\"pnode=0\", \"size=64M\", \"vcpus=0-z\", \"vdistances=10\"");
    let right = nodes("\"pnode=0\", \"size=64\", \"vcpus=0-1\", \"vdistances=10\"");
    follow(&[
        (&wrong, "write 64", &right),
        (&wrong, "write 0-1", &right),
        (&wrong, "first write 0-1 in place of 0-z", &right),
    ]);
    let wrong = wrong.replace("64M", "65536K").replace("0-z", "0-1");
    follow(&[(&wrong, "write 64", &right), (&wrong, "first write 64 in place of 65536K", &right)]);
}
