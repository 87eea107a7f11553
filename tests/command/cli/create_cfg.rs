//! `xenclock create` of an xl.cfg: its clock is ours to read, all else is xl's.

use serde_json::{Value, json};

use crate::common::{Lab, Run, finish};
use crate::oracle::Oracle;

/// A lab whose xl makes this of every file, and keeps how it was called in `called`.
fn lab(kind: &str, b_info: &Value) -> Lab {
    let lab = Lab::with_host(json!({}));
    let mut b_info = b_info.clone();
    b_info["max_vcpus"] = json!(1);
    b_info["target_memkb"] = json!(65536);
    b_info["max_memkb"] = json!(65536);
    b_info[format!("type.{kind}")] = json!({});
    let config = json!({
        "c_info": {"type": kind, "name": "guest", "uuid": "6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11"},
        "b_info": b_info,
        "pcidevs": [{"dev": 1}],
        "on_reboot": "restart",
    });
    lab.write("answer.json", config.to_string());
    lab.program("xl", "#!/bin/sh\necho \"$*\" >>called\necho 'Parsing config from' >&2\ncat answer.json\n");
    lab
}

/// What is planned for a file.
fn plan(lab: &Lab, text: &str, words: &[&str]) -> Value {
    lab.write("guest.cfg", text);
    let words: Vec<_> =
        ["create", "-n", "--json", "guest.cfg"].into_iter().chain(words.iter().copied()).collect();
    lab.with_programs(words).json()
}

#[test]
fn plain_keys_start_the_guest_with_the_clock_that_xl_means() {
    let lab = lab("hvm", &json!({"rtc_timeoffset": 600, "localtime": "True"}));
    for (text, offset, tracked) in [
        ("name='guest'\ntype='hvm'\n", 0, false),
        ("type='hvm'\nlocaltime=1\n", 7200, false),
        ("type='hvm'\nlocaltime=1\nrtc_timeoffset=600\n", 7800, true),
        ("type='hvm'\nrtc_timeoffset='-3600'\n", -3600, true),
    ] {
        let plan = plan(&lab, text, &[]);
        assert_eq!(
            (&plan["rtc"]["offset"], &plan["rtc"]["tracked"]),
            (&json!(offset), &json!(tracked)),
            "{text}"
        );
        assert_eq!(plan["config"]["b_info"].get("rtc_timeoffset"), None, "{text}: {plan}");
        assert_eq!(plan["config"]["b_info"].get("localtime"), None, "{text}: {plan}");
        assert_eq!(plan["config"]["pcidevs"], json!([{"dev": 1}]), "what is not known here is kept");
    }
}

#[test]
fn clock_keys_start_it_with_the_whole_clock() {
    let lab = lab("hvm", &json!({}));
    let text = "type = 'hvm'\nrtc_timeoffset = 20700\nclock_offset = \"timezone\"\n\
                clock_timezone = \"Asia/Kathmandu\"\nclock_tsc_frequency = 1000000000\n";
    let plan = plan(&lab, text, &[]);
    assert_eq!((&plan["rtc"]["offset"], &plan["tsc"]["khz"]), (&json!(20700), &json!(1_000_000)));
    let run = lab.with_programs(["create", "guest.cfg"]);
    assert!(run.ok().contains("time zone Asia/Kathmandu"));
    let shown = lab.mock(["clock-show", "--json", "guest"]).json();
    assert_eq!(shown["rtc"]["offset"], 20700, "{shown}");
}

#[test]
fn what_the_command_line_sets_is_ours_or_xls() {
    let lab = lab("hvm", &json!({}));
    let words = ["name=other", "clock_timezone=Asia/Tokyo", "vif=[ 'bridge=b' ]", "timer_mode=0"];
    let plan = plan(&lab, "type='hvm'\ntsc_mode='native'\n", &words);
    assert_eq!((&plan["name"], &plan["rtc"]["offset"]), (&json!("other"), &json!(9 * 3600)));
    assert_eq!(plan["config"]["b_info"]["timer_mode"], "delay_for_missed_ticks");
    assert_eq!(plan["config"]["b_info"]["tsc_mode"], "native");
    let called = lab.read("called");
    assert_eq!(called, "-N create ./guest.cfg vif=[ 'bridge=b' ] timer_mode=0\n");
    for (word, says) in [
        ("clock_zone=Asia/Tokyo", "no setting 'clock_zone'"),
        ("rtc=[ -5 ]", "command line:1:7: invalid: xl takes no number with a sign"),
        ("guest2.cfg", "command line:1:"),
    ] {
        let said = lab.with_programs(["create", "guest.cfg", word]).fails(1);
        assert!(said.contains(says), "{word}: {said}");
    }
}

#[test]
fn a_file_from_standard_input_is_given_to_xl_as_a_file() {
    let lab = lab("pv", &json!({}));
    lab.program("xl", "#!/bin/sh\ncat \"$3\" >seen\ncat answer.json\n");
    let mut command = lab.command(["--backend", "mock:mock.json", "create", "-n", "-"]);
    command.env("PATH", lab.path_with_programs());
    finish(command, b"kernel = '/k'\n").ok();
    assert_eq!(lab.read("seen"), "kernel = '/k'\n");
}

#[test]
fn a_wrong_file_is_refused_before_xl_is_asked() {
    let lab = lab("hvm", &json!({}));
    for (text, says) in [
        ("rtc_timeoffset=-3600\n", "guest.cfg:1:16: invalid: xl takes no number with a sign"),
        ("clock_ofset = 'utc'\n", "guest.cfg:1:1: invalid: there is no key clock_ofset"),
        ("localtime = 1\nclock_offset = 'utc'\n", "guest.cfg:1:1: invalid: localtime contradicts"),
        ("tsc_mode = 'native_paravirt'\n", "guest.cfg:1:1: invalid: native_paravirt was removed in Xen 4.12"),
        ("Name = 'guest'\n", "guest.cfg:1:1: invalid: Name is no key"),
    ] {
        lab.write("guest.cfg", text);
        let said = lab.with_programs(["create", "guest.cfg"]).fails(1);
        assert!(said.starts_with(says) && said.contains("instead: "), "{said}");
        assert_eq!(lab.files(), ["answer.json", "guest.cfg", "mock.json", "xl"], "xl was asked");
    }
}

#[test]
fn what_the_clock_would_lose_refuses_the_start() {
    let lab = lab("hvm", &json!({}));
    for (text, says) in [
        ("type='hvm'\nrtc_timeoffset='1h'\n", "guest.cfg:2:1: unsupported: this is no number to xl"),
        (
            "type='hvm'\ntsc_mode='native'\nclock_tsc_frequency=5000000\n",
            "guest.cfg:3:1: unsupported: TSC mode 'native'",
        ),
        (
            "type='hvm'\nclock_timers=['name=tsc,present=no']\n",
            "guest.cfg:2:25: unsupported: the TSC cannot be hidden",
        ),
    ] {
        lab.write("guest.cfg", text);
        let said = lab.with_programs(["create", "guest.cfg"]).fails(1);
        assert!(said.contains(says) && said.contains("was not started"), "{text}: {said}");
    }
    // What is lost of other things is said, and the guest starts.
    lab.write("guest.cfg", "type='hvm'\nclock_timers=['name=platform,present=yes']\n");
    let run = lab.with_programs(["create", "guest.cfg"]);
    assert!(
        run.err.contains("guest.cfg:2:15: unsupported: no hypervisor of libvirt has the platform timer"),
        "{run:?}"
    );
    run.ok();
}

#[test]
fn what_xl_says_is_said() {
    let lab = lab("hvm", &json!({}));
    lab.write("guest.cfg", "type='hvm'\n");
    lab.program("xl", "#!/bin/sh\necho 'WARNING: odd' >&2\ncat answer.json\n");
    let run = lab.with_programs(["create", "-n", "guest.cfg"]);
    assert_eq!(run.err, "xl: WARNING: odd\n");
    assert_eq!(lab.with_programs(["create", "-n", "-q", "guest.cfg"]).err, "");
    lab.program("xl", "#!/bin/sh\necho 'Domain name must be specified.' >&2\nexit 1\n");
    let said = lab.with_programs(["create", "guest.cfg"]).fails(1);
    assert_eq!(
        said,
        "xenclock: error: guest.cfg: xl refuses the file (exit status: 1):\nDomain name must be specified.\n"
    );
}

#[test]
fn without_an_xl_there_is_no_reading_an_xl_cfg() {
    if std::path::Path::new("/usr/sbin/xl").exists() {
        return xentest::skip("this machine has an xl", "run the test where /usr/sbin/xl does not exist");
    }
    let lab = Lab::with_host(json!({}));
    lab.write("guest.cfg", "# a guest\n\nname = 'guest'\n");
    let said = lab.mock(["create", "guest.cfg"]).fails(1);
    assert!(said.contains("no xl is installed") && said.contains("domain XML is read without"), "{said}");
    // A conversion is of XML only.
    let said = lab.mock(["convert", "guest.cfg"]).fails(1);
    assert!(said.contains("does not look like XML"), "{said}");
}

#[test]
fn a_clock_is_taken_from_a_file_without_xl() {
    let lab = lab("hvm", &json!({}));
    lab.write("guest.cfg", "type='hvm'\n");
    lab.with_programs(["create", "-q", "guest.cfg"]).ok();
    lab.write("clock.cfg", "rtc_timeoffset = 32400\nclock_timezone = 'Asia/Tokyo'\n");
    std::fs::remove_file(lab.path("xl")).unwrap();
    lab.mock(["clock-set", "--from", "clock.cfg", "guest"]).ok();
    let run = lab.mock(["mock", "reboot", "guest"]);
    assert!(run.ok().contains("RTC at UTC+09:00"));
    lab.write("clock.cfg", "rtc_timeoffset = '1h'\n");
    let said = lab.mock(["clock-set", "--from", "clock.cfg", "guest"]).fails(1);
    assert!(said.contains("clock.cfg:1:1: unsupported: this is no number to xl"), "{said}");
}

#[test]
fn a_config_for_a_save_file_may_be_an_xl_cfg() {
    let lab = lab("hvm", &json!({}));
    lab.write("guest.cfg", "type='hvm'\n");
    lab.with_programs(["create", "-q", "guest.cfg"]).ok();
    lab.with_programs(["save", "guest", "saved", "guest.cfg"]).ok();
    let saved = String::from_utf8_lossy(&std::fs::read(lab.path("saved")).unwrap()).into_owned();
    assert!(saved.contains("pcidevs"), "what xl made of the file is in it: {saved}");
}

#[test]
fn a_pvh_guests_own_timer_mode_stands() {
    let lab = lab("pvh", &json!({"timer_mode": "one_missed_tick_pending"}));
    let plan = plan(&lab, "type='pvh'\nkernel='/k'\ntimer_mode=3\n", &[]);
    assert_eq!(plan["config"]["b_info"]["timer_mode"], "one_missed_tick_pending");
}

/// With the real xl: an XML's clock through an xl.cfg is the XML's clock.
#[test]
fn an_xml_and_its_xl_cfg_start_the_same_clock() {
    let Some(oracle) = Oracle::find() else { return };
    let lab = Lab::with_host(json!({}));
    lab.program("xl", &oracle.script());
    let examples = crate::common::root().join("docs/examples");
    for name in ["windows.xml", "linux.xml"] {
        let xml = examples.join(name);
        let xml = xml.to_str().unwrap();
        lab.mock(["convert", "-o", "guest.cfg", xml]).ok();
        let plans: Vec<Value> = [xml, "guest.cfg"]
            .map(|file| {
                let run: Run = lab.with_programs(["create", "-n", "--json", file]);
                run.json()
            })
            .into();
        for part in ["name", "rtc", "tsc", "steps", "config"] {
            let (mut from_xml, mut from_cfg) = (plans[0][part].clone(), plans[1][part].clone());
            for config in [&mut from_xml, &mut from_cfg] {
                if let Some(c_info) = config.get_mut("c_info") {
                    // Made up where the XML has none.
                    c_info["uuid"] = json!("any");
                }
            }
            assert_eq!(from_xml, from_cfg, "{name}: {part}");
        }
    }
}
