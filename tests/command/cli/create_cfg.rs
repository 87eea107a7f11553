//! `xenclock create` and `convert` of an xl.cfg, which xenclock parses itself, whether or not an xl is installed.

use std::path::Path;

use serde_json::{Value, json};

use crate::common::{FIXED, Lab, domain, finish};

const HVM: &str = "type='hvm'\nname='guest'\nmemory=64\n";

fn lab() -> Lab {
    Lab::with_host(json!({}))
}

/// What is planned for a file.
#[track_caller]
fn plan(lab: &Lab, text: &str, words: &[&str]) -> Value {
    lab.write("guest.cfg", text);
    lab.mock(["create", "-n", "--json", "guest.cfg"].iter().chain(words).copied()).json()
}

/// The offset that is planned, and whether the guest's changes are kept.
#[track_caller]
fn offset(lab: &Lab, text: &str, words: &[&str]) -> (Value, Value) {
    let mut plan = plan(lab, text, words);
    (plan["rtc"]["offset"].take(), plan["rtc"]["tracked"].take())
}

#[test]
fn plain_keys_start_the_guest_with_the_clock_that_xl_means() {
    let lab = lab();
    for (text, seconds, tracked) in [
        ("", 0, false),
        ("localtime=1\n", 7200, false),
        ("localtime=1\nrtc_timeoffset=600\n", 7800, true),
        ("rtc_timeoffset='-3600'\n", -3600, true),
        ("rtc_timeoffset=010\n", 8, true),
        ("rtc_timeoffset=4294963696\n", -3600, true),
    ] {
        let text = HVM.to_owned() + text;
        assert_eq!(offset(&lab, &text, &[]), (json!(seconds), json!(tracked)), "{text}");
        let config = &plan(&lab, &text, &[])["config"]["b_info"];
        assert_eq!((config.get("rtc_timeoffset"), config.get("localtime")), (None, None), "{text}");
    }
}

#[test]
fn clock_keys_start_it_with_the_whole_clock() {
    let lab = lab();
    let text = HVM.to_owned()
        + "rtc_timeoffset = 20700\nclock_offset = \"timezone\"\nclock_timezone = \"Asia/Kathmandu\"\n\
           clock_tsc_frequency = 1000000000\n";
    let plan = plan(&lab, &text, &[]);
    assert_eq!((&plan["rtc"]["offset"], &plan["tsc"]["khz"]), (&json!(20700), &json!(1_000_000)));
    assert!(lab.mock(["create", "guest.cfg"]).err.contains("time zone Asia/Kathmandu"));
    let shown = lab.mock(["clock-show", "--json", "guest"]).json();
    assert_eq!(shown["rtc"]["offset"], 20700, "{shown}");
}

#[test]
fn every_key_reaches_the_config() {
    let text = "type = 'hvm'\nname = 'guest'\nmemory = 1024\nmaxmem = 1024\nvcpus = 2\nmaxvcpus = 4\ncpus = '0-1'\n\
                disk = [ 'phy:/dev/vg/a,hda,w', 'format=qcow2,vdev=xvde,access=ro,target=/srv/b.qcow2' ]\n\
                vif = [ 'mac=00:16:3e:00:00:01,bridge=xenbr0,rate=10MB/s' ]\npci = [ '01:00.0,permissive=1' ]\n\
                serial = [ 'pty' ]\nviridian = [ 'base', 'freq' ]\ncpuid = 'host,tm=0'\n";
    let config = plan(&lab(), text, &[])["config"].take();
    for (path, value) in [
        ("/b_info/target_memkb", json!(1_048_576)),
        ("/b_info/max_memkb", json!(1_048_576)),
        ("/b_info/avail_vcpus", json!([0, 1])),
        ("/b_info/max_vcpus", json!(4)),
        ("/b_info/vcpu_hard_affinity/3", json!([0, 1])),
        ("/disks/0/pdev_path", json!("/dev/vg/a")),
        ("/disks/1/format", json!("qcow2")),
        ("/nics/0/rate_bytes_per_interval", json!(500_000)),
        ("/pcidevs/0/permissive", json!(true)),
        ("/b_info/type.hvm/serial_list", json!(["pty"])),
        ("/b_info/type.hvm/viridian_enable", json!([0, 1])),
        ("/b_info/cpuid/cpuid/0/edx", json!("xx0xxxxxxxxxxxxxxxxxxxxxxxxxxxxx")),
    ] {
        assert_eq!(config.pointer(path), Some(&value), "{path} in {config:#}");
    }
}

#[test]
fn a_file_from_standard_input_is_read() {
    let lab = lab();
    let command = lab.command(["--backend", "mock:mock.json", "create", "-n", "--json", "-"]);
    let plan = finish(command, b"name = 'guest'\nkernel = '/k'\nmemory = 64\n").json();
    assert_eq!(plan["config"]["b_info"]["kernel"], "/k");
}

#[test]
fn a_wrong_file_is_refused_with_its_place_and_a_remedy() {
    let lab = lab();
    for (text, says) in [
        ("rtc_timeoffset=-3600\n", "guest.cfg:1:16: invalid: xl accepts a number with a sign"),
        ("clock_ofset = 'utc'\n", "guest.cfg:1:1: invalid: there is no key clock_ofset"),
        ("localtime = 1\nclock_offset = 'utc'\n", "guest.cfg:1:1: invalid: localtime = 1 contradicts"),
        ("Name = 'guest'\n", "guest.cfg:1:1: invalid: Name is not a key"),
        ("timer_mode = 'no_missed_ticks'\n", "guest.cfg:1:1: invalid: timer_mode is 'no_missed_ticks'"),
        ("disk = [ 'a,b,c' ]\n", "guest.cfg:1:13: invalid: format is 'b'"),
    ] {
        lab.write("guest.cfg", text.to_owned() + HVM);
        let said = lab.mock(["create", "guest.cfg"]).fails(1);
        assert!(said.starts_with(says) && said.contains("instead: "), "{said}");
        assert_eq!(lab.mock(["list", "--json"]).json(), json!([]));
    }
}

#[test]
fn all_that_is_wrong_is_said_in_one_run() {
    let lab = lab();
    lab.write(
        "guest.cfg",
        "type = hvm\nlocaltime = True\nname 'guest'\nvif = [ 'bridge=b'\nmemory = 512M\nuuid = '1'\n",
    );
    let said = lab.mock(["create", "guest.cfg"]).fails(1);
    let places: Vec<_> =
        said.lines().filter_map(|line| line.strip_prefix("guest.cfg:")?.split(" ").next()).collect();
    assert_eq!(places, ["1:8:", "2:13:", "3:6:", "5:1:", "5:13:", "6:1:"], "{said}");
}

#[test]
fn what_the_clock_would_lose_refuses_the_start() {
    let lab = lab();
    for (text, says) in [
        ("rtc_timeoffset='1h'\n", "guest.cfg:4:1: unsupported: xl does not read this as a number"),
        ("rtc_timeoffset=99999999999\n", "guest.cfg:4:1: approximated: 99999999999 seconds do not fit"),
        ("tsc_mode='native_paravirt'\n", "was removed in Xen 4.12"),
        ("tsc_mode='native'\nclock_tsc_frequency=5000000\n", "guest.cfg:5:1: unsupported: TSC mode 'native'"),
        ("clock_timers=['name=tsc,present=no']\n", "guest.cfg:4:25: unsupported: the TSC cannot be hidden"),
    ] {
        lab.write("guest.cfg", HVM.to_owned() + text);
        let said = lab.mock(["create", "guest.cfg"]).fails(1);
        assert!(said.contains(says) && said.contains("was not started"), "{text}: {said}");
    }
    // What is lost of other things is said, and the guest starts.
    lab.write(
        "guest.cfg",
        HVM.to_owned() + "clock_timers=['name=platform,present=yes']\ntimezone='Europe/Berlin'\n",
    );
    let run = lab.mock(["create", "guest.cfg"]);
    assert!(
        run.err.contains("guest.cfg:4:15: unsupported: no hypervisor of libvirt supports the platform timer"),
        "{run:?}"
    );
    assert!(run.err.contains("instead: write clock_timezone = \"Europe/Berlin\""), "{run:?}");
    run.ok();
}

#[test]
fn an_installed_xl_is_not_asked() {
    let lab = lab();
    lab.program("xl", "#!/bin/sh\necho called >called\nexit 1\n");
    lab.write("guest.cfg", HVM.to_owned() + "new_key_of_a_newer_xl = 1\n");
    let run = lab.with_programs(["create", "guest.cfg"]);
    assert!(
        run.err.contains("guest.cfg:4:1: unsupported: xl does not know the key new_key_of_a_newer_xl"),
        "{run:?}"
    );
    run.ok();
    lab.with_programs(["convert", "--to", "json", "guest.cfg"]).ok();
    assert!(!lab.files().contains(&"called".to_owned()));
}

#[test]
fn a_clock_is_taken_from_a_file() {
    let lab = lab();
    lab.write("guest.cfg", HVM);
    lab.mock(["create", "-q", "guest.cfg"]).ok();
    lab.write("clock.cfg", "rtc_timeoffset = 32400\nclock_timezone = 'Asia/Tokyo'\n");
    lab.mock(["clock-set", "--from", "clock.cfg", "guest"]).ok();
    assert!(lab.mock(["mock", "reboot", "guest"]).ok().contains("its clock at UTC+09:00"));
    lab.write("clock.cfg", "rtc_timeoffset = '1h'\n");
    let said = lab.mock(["clock-set", "--from", "clock.cfg", "guest"]).fails(1);
    assert!(said.contains("clock.cfg:1:1: unsupported: xl does not read this as a number"), "{said}");
    assert!(said.contains("instead: write rtc_timeoffset = 3600"), "{said}");
}

#[test]
fn a_config_for_a_save_file_may_be_an_xl_cfg() {
    let lab = lab();
    lab.write("guest.cfg", HVM.to_owned() + "soundhw = 'ac97'\n");
    lab.mock(["create", "-q", "guest.cfg"]).ok();
    lab.mock(["save", "guest", "saved", "guest.cfg"]).ok();
    let saved = String::from_utf8_lossy(&std::fs::read(lab.path("saved")).unwrap()).into_owned();
    assert!(saved.contains("ac97"), "{saved}");
}

#[test]
fn a_pvh_guests_own_timer_mode_stands() {
    let plan = plan(&lab(), "type='pvh'\nname='g'\nkernel='/k'\nmemory=64\ntimer_mode=3\n", &[]);
    assert_eq!(plan["config"]["b_info"]["timer_mode"], "one_missed_tick_pending");
}

/// An xl.cfg that is converted to one is the same domain.
#[test]
fn an_xml_and_its_xl_cfg_start_the_same_clock() {
    let lab = lab();
    let examples = crate::common::root().join("docs/examples");
    for name in ["windows.xml", "linux.xml"] {
        let xml = examples.join(name);
        let xml = xml.to_str().unwrap();
        lab.mock(["convert", "-o", "guest.cfg", xml]).ok();
        let mut plans = [xml, "guest.cfg"].map(|file| lab.mock(["create", "-n", "--json", file]).json());
        for plan in &mut plans {
            // Made up where the XML has none.
            plan["config"]["c_info"]["uuid"] = json!("any");
        }
        for part in ["name", "rtc", "tsc", "steps", "config"] {
            assert_eq!(plans[0][part], plans[1][part], "{name}: {part}");
        }
    }
}

#[test]
fn an_xl_cfg_is_converted_to_json_and_to_its_own_normal_form() {
    let lab = lab();
    lab.write("guest.cfg", "type = 'h'\nname = 'guest'\nmemory = 0100\nlocaltime = 1; hpet = 2\n");
    let words = |to: &str| ["convert", "--to", to, "guest.cfg"].map(str::to_owned);
    let json: Value = lab.run(words("json").iter().map(String::as_str).chain(FIXED)).json();
    assert_eq!(
        (&json["b_info"]["target_memkb"], &json["b_info"]["localtime"]),
        (&json!(65536), &json!("True"))
    );
    let normal = lab.run(words("xl").iter().map(String::as_str).chain(FIXED)).ok();
    assert!(normal.contains("memory = 64\n") && normal.contains("localtime = 1\n"), "{normal}");
    lab.write("again.cfg", &normal);
    let again = lab.run(["convert", "--to", "json", "again.cfg"].into_iter().chain(FIXED)).json();
    assert_eq!(again, json);
}

#[test]
fn nothing_and_words_are_a_domain() {
    let lab = lab();
    lab.write("empty.cfg", "");
    for file in ["/dev/null", "empty.cfg"] {
        let words = ["name=\"a\"", "type='hvm'", "memory=64", "localtime=1"];
        let run = lab.mock(["create", "-n", "--json", file].iter().chain(&words).copied());
        let plan = run.json();
        assert_eq!((&plan["name"], &plan["rtc"]["offset"]), (&json!("a"), &json!(7200)));
        let said = lab.mock(["create", file]).fails(1);
        assert!(said.contains("the domain has no name") && said.contains("write name ="), "{said}");
    }
    lab.write("notes.txt", "hello, world\n");
    let said = lab.mock(["create", "notes.txt"]).fails(1);
    assert!(said.contains("neither XML nor JSON"), "{said}");
}

#[test]
fn words_are_lines_behind_the_file() {
    let lab = lab();
    let text = "type = 'hvm'\nmemory = 64\n";
    for (words, seconds) in [
        (&["localtime=1", "rtc_timeoffset=7200"][..], 14_400),
        (&["rtc_timeoffset=7200", "localtime=1"], 14_400),
        (&["localtime=1;rtc_timeoffset=7200"], 14_400),
        (&["rtc_timeoffset=7200;localtime=1"], 14_400),
        (&["rtc_timeoffset=010"], 8),
        (&["rtc_timeoffset=0x80"], 128),
        (&["rtc_timeoffset=-3600"], -3600),
        (&["localtime=2"], 7200),
        (&["clock_timezone=Asia/Tokyo"], 32_400),
    ] {
        let words: Vec<_> = ["name=\"a\""].iter().chain(words).copied().collect();
        assert_eq!(offset(&lab, text, &words).0, seconds, "{words:?}");
    }
    let config =
        plan(&lab, text, &["name=a", "memory=0100", "vcpus=010", "tsc_mode=\"NATIVE\""])["config"].take();
    assert_eq!(config["b_info"]["target_memkb"], 64 << 10);
    assert_eq!(config["b_info"]["avail_vcpus"].as_array().map(Vec::len), Some(8));
    assert_eq!(config["b_info"]["tsc_mode"], "native");
    assert_eq!(plan(&lab, text, &["name=a", "memory=0x80"])["config"]["b_info"]["target_memkb"], 128 << 10);
    let nics =
        plan(&lab, text, &["name=a", "vif=[ 'bridge=b' ]", "vif+=['bridge=c']"])["config"]["nics"].take();
    assert_eq!((&nics[0]["bridge"], &nics[1]["bridge"]), (&json!("b"), &json!("c")));
    for (words, says) in [
        (
            &["name=a", "vcpus=3", "maxvcpus=2"][..],
            "command line:3:1: invalid: maxvcpus is 2, less than the 3 vcpus",
        ),
        (&["name=a", "clock_zone=Asia/Tokyo"], "command line:2:1: invalid: there is no key clock_zone"),
        (&["name=a", "rtc=[ -5 ]"], "command line:2:7: invalid: xl accepts a number with a sign"),
        (&["name=a", "memory=much"], "command line:2:1: invalid: memory 'much' is not a number"),
        (&["name=a", "tsc_mode=warp"], "command line:2:1: invalid: tsc_mode is 'warp'"),
    ] {
        lab.write("guest.cfg", text);
        let said = lab.mock(["create", "guest.cfg"].iter().chain(words).copied()).fails(1);
        assert!(said.contains(says), "{words:?}: {said}");
    }
    assert!(lab.mock(["create", "guest.cfg", "other.cfg"]).fails(2).contains("'other.cfg' is not a setting"));
}

#[test]
fn words_take_the_place_of_the_files_clock() {
    let lab = lab();
    let zone =
        HVM.to_owned() + "clock_offset='timezone'\nclock_timezone='Asia/Kathmandu'\nrtc_timeoffset=20700\n";
    let variable = HVM.to_owned() + "clock_offset='variable'\nclock_adjustment=60\nrtc_timeoffset=60\n";
    let plain = HVM.to_owned() + "rtc_timeoffset=60\n";
    for (text, words, seconds) in [
        (&zone, &["localtime=1"][..], 20_700 + 7200),
        (&zone, &["localtime=1", "rtc_timeoffset=0"], 7200),
        (&zone, &["clock_offset=utc"], 0),
        (&zone, &["clock_timezone=Asia/Tokyo"], 32_400),
        (&variable, &["clock_adjustment=90"], 90),
        (&variable, &["rtc_timeoffset=90"], 90),
        (&plain, &["localtime=1"], 7260),
        (&plain, &["clock_offset=localtime"], 7200),
    ] {
        assert_eq!(offset(&lab, text, words).0, seconds, "{words:?} after\n{text}");
    }
    let listed = HVM.to_owned()
        + "clock_timers=['name=tsc,mode=native', 'name=hpet,present=no']\ntsc_mode='native'\nhpet=0\n";
    let config = plan(&lab, &listed, &["tsc_mode=always_emulate", "hpet=1"])["config"].take();
    assert_eq!(config["b_info"]["tsc_mode"], "always_emulate");
    assert_eq!(config["b_info"]["type.hvm"]["hpet"], "True");
}

/// The rows of `cases/field/` that are about an xl.cfg.
#[test]
fn inputs_from_the_field() {
    let Some(field) = xentest::shared("cases/field") else { return };
    let lab = Lab::with_host(json!({"timezone": "Europe/Berlin", "now": "2026-01-15T12:00:00Z"}));
    lab.write("guest.cfg", "type='hvm'\nname='guest'\nmemory=64\n");
    let words = ["create", "-n", "--json", "guest.cfg", "localtime=1", "rtc_timeoffset=7200"];
    assert_eq!(lab.mock(words).json()["rtc"]["offset"], 10_800);
    let stray = Path::new(&field).join("stray-quote.cfg");
    let said = lab.mock(["create", stray.to_str().unwrap()]).fails(1);
    assert!(said.contains("stray-quote.cfg:4:32: invalid: one quote too many after the string"), "{said}");
    assert!(said.contains("instead: write cmdline = \"console=ttyS0 quiet\""), "{said}");
    lab.write("guest.cfg", HVM.to_owned() + "localtime=True\n");
    assert!(lab.mock(["create", "guest.cfg"]).fails(1).contains("instead: write localtime = 1\n"));
}

#[test]
fn more_vcpus_than_xen_gives_a_guest_are_refused_before_it_is_made() {
    let lab = lab();
    for (kind, words, remedy) in [
        ("hvm", "vcpus=129", Some("write vcpus = 128")),
        ("pvh", "maxvcpus=129", Some("write maxvcpus = 128")),
        ("hvm", "vcpus=128", None),
        ("pv", "vcpus=129", None),
    ] {
        lab.write("many.cfg", format!("name='many'\nmemory=64\ntype='{kind}'\nkernel='/k'\n{words}\n"));
        let checked = lab.run(["check", "many.cfg"]);
        let said = "unsupported: on Xen a guest of this kind has at most 128 vCPUs [too-many-vcpus]";
        assert_eq!(
            (checked.code, checked.out.contains(said)),
            (if remedy.is_some() { 2 } else { 0 }, remedy.is_some())
        );
        if let Some(remedy) = remedy {
            let refused = lab.mock(["create", "many.cfg"]).fails(1);
            assert!(refused.contains(remedy), "{refused}");
        }
    }
}

#[test]
fn what_qemu_refuses_is_refused_with_what_it_takes() {
    let lab = Lab::with_host(json!({}));
    for (line, reason, instead) in [
        ("boot = \"cdrom\"", "QEMU has no boot device 'r'", "write boot = \"d\""),
        (
            "disk = [ \"vdev=hda,target=/a\", \"vdev=xvda,target=/b\" ]",
            "QEMU emulates one drive in the place of xvda",
            "give each disk other letters",
        ),
        (
            "disk = [ \"vdev=sdh,target=/a\" ]",
            "QEMU has no SCSI disk sdh",
            "write vdev=sda to sdg, or vdev=xvde",
        ),
        ("boot = \"adcn\"", "QEMU has 3 places in its boot order", "write boot = \"adc\""),
        (
            "vif = [ \"bridge=a,model=virtio\" ]",
            "QEMU has no network card 'virtio'",
            "write model=virtio-net, or",
        ),
        (
            "vif = [ \"bridge=a\", \"model=E1000,bridge=a\" ]",
            "no network card 'E1000'",
            "write model=e1000, or",
        ),
    ] {
        let text = format!("name = \"guest\"\ntype = \"hvm\"\nmemory = 64\n{line}\n");
        lab.write("guest.cfg", &text);
        let refused = lab.mock(["create", "guest.cfg"]).fails(1);
        assert!(refused.contains(reason) && refused.contains(&format!("instead: {instead}")), "{refused}");
        lab.write("guest.cfg", text.replace("virtio", "virtio-net").replace("E1000", "e1000"));
        if line.starts_with("vif") {
            assert_eq!(lab.mock(["check", "guest.cfg"]).code, 0, "{line}");
        }
    }
    for fine in [
        "boot = \"dcn\"",
        "vif = [ \"type=vif,model=anything,bridge=a\" ]",
        "vif = [ \"bridge=a,model=vmxnet3\" ]",
    ] {
        lab.write("guest.cfg", format!("name = \"guest\"\ntype = \"hvm\"\nmemory = 64\n{fine}\n"));
        assert_eq!(lab.mock(["check", "guest.cfg"]).code, 0, "{fine}");
    }
    let json = r#"{"c_info": {"type": "hvm", "name": "guest"}, "b_info": {"type.hvm": {"boot": "hd"}, "max_memkb": 65536},
        "nics": [{"devid": 0, "model": "virtio"}]}"#;
    lab.write("guest.json", json);
    let said = lab.mock(["check", "--from", "json", "guest.json"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.out.contains("'h'") && said.out.contains("'virtio'"), "{said:?}");
}

#[test]
fn a_boot_order_has_three_places() {
    let lab = Lab::with_host(json!({}));
    let boot = |devices: &[&str]| -> String {
        devices.iter().map(|device| format!("<boot dev='{device}'/>")).collect()
    };
    let os = boot(&["fd", "cdrom", "hd", "network"]);
    lab.write(
        "guest.xml",
        domain("hvm", "").replace("<os><type>hvm</type>", &format!("<os><type>hvm</type>{os}")),
    );
    let run = lab.mock(["convert", "guest.xml"]);
    assert!(run.out.contains("boot = \"adc\""), "{run:?}");
    assert!(run.err.contains("unsupported: QEMU has 3 places in its boot order"), "{run:?}");
}
