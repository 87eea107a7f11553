//! Files in and out: standard input, `-o`, `--strict`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::usage::lab;
use crate::common::{FIXED, Lab, domain};

/// Something that Xen has not.
const LOSSY: &str = "<clock offset='utc'><timer name='platform'/></clock>";

#[test]
fn standard_input_is_a_file_named_dash() {
    let lab = lab();
    let xml = lab.read("guest.xml");
    let from_file = lab.run(["convert", "guest.xml"]).ok();
    assert_eq!(lab.run_with(["convert", "-"], xml.as_bytes()).ok(), from_file);
    let said = lab.run_with(["convert", "-"], b"<domain/>").fails(1);
    assert!(said.starts_with("-:1:1: invalid: "), "{said}");
    let words = ["--backend", "mock:mock.json", "create", "-"];
    assert!(lab.run_with(words, xml.as_bytes()).err.contains("domain 1 'guest' started"));
}

#[test]
fn an_output_file_is_whole_or_not_there() {
    let lab = lab();
    let run = lab.run(["convert", "-o", "guest.cfg", "guest.xml"]);
    assert_eq!((run.code, run.out.as_str()), (0, ""));
    assert_eq!(lab.read("guest.cfg"), lab.run(["convert", "guest.xml"]).ok());
    let mode = fs::metadata(lab.path("guest.cfg")).unwrap().permissions().mode();
    assert_ne!(mode & 0o044, 0, "others may read it, as any new file: {mode:o}");

    lab.write("keep.cfg", "as it was");
    fs::set_permissions(lab.path("keep.cfg"), fs::Permissions::from_mode(0o640)).unwrap();
    lab.write("wrong.xml", "<domain/>");
    lab.run(["convert", "-o", "keep.cfg", "wrong.xml"]).fails(1);
    assert_eq!(lab.read("keep.cfg"), "as it was");
    lab.run(["convert", "-o", "keep.cfg", "guest.xml"]).ok();
    assert_eq!(lab.read("keep.cfg"), lab.read("guest.cfg"));
    assert_eq!(fs::metadata(lab.path("keep.cfg")).unwrap().permissions().mode() & 0o777, 0o640);

    let said = lab.run(["convert", "-o", "no/such/dir/guest.cfg", "guest.xml"]).fails(1);
    assert!(said.contains("no/such/dir/guest.cfg"), "{said}");
    assert_eq!(
        lab.files(),
        ["guest.cfg", "guest.xml", "keep.cfg", "mock.json", "wrong.xml"],
        "no half-written file"
    );
    lab.run(["convert", "-o", "/dev/null", "guest.xml"]).ok();
    assert!(!fs::metadata("/dev/null").unwrap().is_file(), "a device is written to, not replaced");
}

#[test]
fn an_output_may_be_its_own_input() {
    let lab = lab();
    let cfg = lab.run(["convert", "guest.xml"]).ok();
    lab.run(["convert", "-o", "guest.xml", "guest.xml"]).ok();
    assert_eq!(lab.read("guest.xml"), cfg);
}

#[test]
fn strict_writes_nothing_where_anything_is_lost() {
    let lab = lab();
    lab.write("lossy.xml", domain("hvm", LOSSY));
    lab.write("out.cfg", "as it was");
    for diagnostics in ["human", "json"] {
        for output in [&["-o", "out.cfg"][..], &[]] {
            let words = ["convert", "--strict", "--diagnostics", diagnostics, "lossy.xml"];
            let said = lab.run(words.iter().chain(output)).fails(1);
            assert!(said.contains("platform timer") || said.contains("platform-timer"), "{said}");
            assert_eq!(lab.read("out.cfg"), "as it was");
        }
    }
    lab.run(["convert", "lossy.xml"]).ok();
    let run = lab.run(["convert", "--strict", "-o", "out.cfg", "guest.xml"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert!(lab.read("out.cfg").contains("name = \"guest\""));
}

#[test]
fn strict_counts_what_has_no_effect_as_no_loss() {
    let lab = Lab::new();
    lab.write(
        "guest.xml",
        domain(
            "hvm",
            "<title>a title</title><clock offset='utc'><timer name='kvmclock' present='no'/></clock>",
        ),
    );
    lab.run(["convert", "--strict", "guest.xml"]).ok();
    // libxl's JSON has no comments for the title.
    lab.run(["convert", "--strict", "--to", "json", "guest.xml"]).fails(1);
}

#[test]
fn where_and_when_can_be_said() {
    let lab = Lab::new();
    lab.write("guest.xml", domain("hvm", "<clock offset='timezone' timezone='Europe/Berlin'/>"));
    for (now, offset) in [("2026-07-01T12:00:00Z", 7200), ("2026-01-01T12:00:00+05:00", 3600)] {
        let json = lab.run(["convert", "--to", "json", "--now", now, "guest.xml"]).json();
        assert_eq!(json["b_info"]["rtc_timeoffset"], offset);
    }
    lab.write("guest.xml", domain("hvm", "<clock offset='variable' adjustment='-7200' basis='localtime'/>"));
    let words = ["convert", "--to", "json"].into_iter().chain(FIXED).chain(["guest.xml"]);
    let json = lab.run(words).json();
    assert_eq!(json["b_info"]["localtime"], "True");
    assert_eq!(json["b_info"]["rtc_timeoffset"], u32::MAX - 7199, "as libxl has it");
    let cfg = lab.run(["convert", "guest.xml"]).ok();
    assert!(cfg.contains("rtc_timeoffset = \"-7200\"\n"), "xl takes no sign without quotes: {cfg}");
    lab.run(["convert", "--from", "xml", "guest.xml"]).ok();
}

/// Clocks, with what an xl.cfg says of them: what plain xl reads, and what it passes over.
const CLOCKS: &[(&str, &[&str])] = &[
    ("<clock offset='utc'/>", &[]),
    ("<clock offset='localtime'/>", &["localtime = 1"]),
    (
        "<clock offset='localtime' adjustment='reset'/>",
        &["localtime = 1", "clock_offset = \"localtime\"", "clock_adjustment = \"reset\""],
    ),
    (
        "<clock offset='utc' adjustment='90'/>",
        &["rtc_timeoffset = 90", "clock_offset = \"utc\"", "clock_adjustment = 90"],
    ),
    (
        "<clock offset='variable' adjustment='-90' basis='localtime'/>",
        &[
            "localtime = 1",
            "rtc_timeoffset = \"-90\"",
            "clock_offset = \"variable\"",
            "clock_adjustment = \"-90\"",
            "clock_basis = \"localtime\"",
        ],
    ),
    (
        "<clock offset='timezone' timezone='Asia/Kathmandu'/>",
        &["rtc_timeoffset = 20700", "clock_offset = \"timezone\"", "clock_timezone = \"Asia/Kathmandu\""],
    ),
    (
        "<clock offset='absolute' start='1904169600'/>",
        &["rtc_timeoffset = 121262400", "clock_offset = \"absolute\"", "clock_start = 1904169600"],
    ),
    (
        "<clock offset='utc'><timer name='tsc' mode='emulate' frequency='2000000499'/></clock>",
        &["tsc_mode = \"always_emulate\"", "clock_tsc_frequency = 2000000499"],
    ),
    (
        "<clock offset='utc'><timer name='rtc' tickpolicy='catchup' track='guest'><catchup slew='5'/></timer></clock>",
        &[
            "timer_mode = \"no_delay_for_missed_ticks\"",
            "clock_timers = [ \"name=rtc,track=guest,tickpolicy=catchup,slew=5\" ]",
        ],
    ),
];

#[test]
fn an_xl_cfg_has_the_whole_clock_word_for_word() {
    let lab = Lab::new();
    for (clock, lines) in CLOCKS {
        lab.write("guest.xml", domain("hvm", clock));
        let cfg = lab.run(["convert"].into_iter().chain(FIXED).chain(["guest.xml"])).ok();
        let words = ["clock_", "localtime", "rtc_timeoffset", "tsc_mode", "timer_mode"];
        let of_clock: Vec<_> =
            cfg.lines().filter(|line| words.iter().any(|word| line.starts_with(word))).collect();
        assert_eq!(&of_clock, lines, "{clock}");
    }
}

#[test]
fn a_config_with_a_password_is_for_its_owner_alone() {
    let lab = Lab::new();
    let mode = |name: &str| fs::metadata(lab.path(name)).unwrap().permissions().mode() & 0o777;
    let graphics = |words: &str| domain("hvm", &format!("<devices><graphics {words}/></devices>"));
    for (xml, secret) in [
        (graphics("type='vnc' passwd='hush'"), true),
        (graphics("type='spice' port='5901' passwd='hush'"), true),
        (graphics("type='vnc'"), false),
        (domain("hvm", ""), false),
    ] {
        lab.write("guest.xml", &xml);
        for to in ["xl", "json"] {
            let _ = fs::remove_file(lab.path("out"));
            for existing in [None, Some(0o644), Some(0o600)] {
                if let Some(existing) = existing {
                    fs::set_permissions(lab.path("out"), fs::Permissions::from_mode(existing)).unwrap();
                }
                let run = lab.run(["convert", "--to", to, "-o", "out", "guest.xml"]);
                let says = run
                    .err
                    .contains("xenclock: out contains a password: only its owner can read it (mode 0600)");
                assert_eq!((run.code, says), (0, secret), "{xml}: {run:?}");
                let expected = if secret { 0o600 } else { existing.unwrap_or(0o644) };
                assert_eq!(mode("out"), expected, "{xml} {existing:?}");
            }
        }
        // Nothing can be said of who reads a pipe.
        let run = lab.run(["convert", "-o", "/dev/stdout", "guest.xml"]);
        assert!(!run.err.contains("mode 0600"), "{run:?}");
        assert!(run.ok().contains("name = \"guest\""));
    }
    // Whatever it begins with.
    for first in ["[", "{", "&amp;", ";", "&gt;", "&apos;", "&quot;", "\\", "}", "]", ",", " ", "..."] {
        lab.write("guest.xml", graphics(&format!("type='vnc' passwd='{first}hush'")));
        for (to, out) in [("xl", "odd.cfg"), ("json", "odd.json"), ("xml", "odd.xml")] {
            lab.run(["convert", "--to", to, "-o", out, "guest.xml"]).ok();
            assert_eq!(mode(out), 0o600, "{first} {to}");
            fs::remove_file(lab.path(out)).unwrap();
        }
    }
    // One that is wrong is not repeated.
    for wrong in ["hu,sh", "hu&#10;sh"] {
        lab.write(
            "wrong.xml",
            domain("pv", &format!("<devices><graphics type='vnc' passwd='{wrong}'/></devices>")),
        );
        let run = lab.run(["check", "--json", "wrong.xml"]);
        assert!(run.code == 2 && run.out.contains("xl.cfg can hold no "), "{run:?}");
        assert!(!run.out.contains("hu,sh") && !run.out.contains("sh'"), "{run:?}");
    }
    // One that was taken out of use may still be somebody's.
    lab.write("old.cfg", "type = \"hvm\"\nname = \"g\"\nmemory = 64\n# vncpasswd = \"hush\"\n");
    for (comments, is_secret) in [(&["--comments"][..], true), (&[], false)] {
        let words = ["convert", "--to", "xml", "-o", "old.xml", "old.cfg"];
        let run = lab.run(words.iter().chain(comments));
        assert_eq!((run.code, run.err.contains("mode 0600")), (0, is_secret), "{run:?}");
    }
    // A changed copy has it, too.
    lab.write("secret.xml", graphics("type='vnc' passwd='hush'"));
    lab.run(["convert", "-o", "secret.cfg", "secret.xml"]).ok();
    for file in ["secret.xml", "secret.cfg"] {
        let run = lab.run(["edit", "-o", "copy", file, "memory=128"]);
        assert!(run.code == 0 && run.err.contains("copy contains a password"), "{run:?}");
        assert_eq!(mode("copy"), 0o600);
        fs::remove_file(lab.path("copy")).unwrap();
    }
}

#[test]
fn a_report_is_for_its_owner_alone_if_a_password_is_in_it_and_acts_on_no_terminal() {
    let lab = Lab::new();
    for (line, secret) in [
        ("vncpaswd = \"hush\"", true),
        ("vncpasswd = [ \"hush\" ]", true),
        ("spicepasswd = hush", true),
        ("vfb = [ \"vncpaswd=hush\" ]", true),
        ("my_password = \"hush\"", false),
        ("vncpaswd = \"\"", false),
    ] {
        lab.write(
            "guest.cfg",
            format!("type = \"hvm\"\nname = \"a\u{9b}31m\u{202e}b\u{7f}\"\nmemory = 64\n{line}\n"),
        );
        for report in ["report.html", "report.json", "report.sarif"] {
            let _ = fs::remove_file(lab.path(report));
            let run = lab.run(["convert", "--report", report, "guest.cfg"]);
            let mode = fs::metadata(lab.path(report)).unwrap().permissions().mode() & 0o777;
            let says = run.err.contains(&format!("xenclock: {report} contains a password"));
            let text = fs::read_to_string(lab.path(report)).unwrap();
            assert_eq!(text.contains("hush"), secret, "{line}: {text}");
            assert_eq!((mode, says), if secret { (0o600, true) } else { (0o644, false) }, "{line}: {run:?}");
            assert!(!text.contains(['\u{9b}', '\u{202e}', '\u{7f}']), "{line} {report}");
        }
    }
    // What a changed file keeps in a place that no guest sees is a password, too.
    for (name, text) in [
        ("a.cfg", "type = \"hvm\"\nname = \"a\"\nmemory = 64\n# vncpasswd = \"hush\"\n".to_owned()),
        ("b.cfg", "type = \"hvm\"\nname = \"a\"\nmemory = 64\nmy_password = \"hush\"\n".to_owned()),
        ("c.xml", domain("hvm", "<devices><graphics type='spice' passwd='hush'/></devices>")),
    ] {
        lab.write(name, text);
        let run = lab.run(["edit", "-o", "copy", name, "memory=70"]);
        assert!(run.code == 0 && run.err.contains("copy contains a password"), "{name}: {run:?}");
        fs::remove_file(lab.path("copy")).unwrap();
    }
}

#[test]
fn a_path_need_not_be_utf_8() {
    let lab = Lab::new();
    let name = |name: &str| OsStr::from_bytes(&[name.as_bytes(), b"-\xff"].concat()).to_owned();
    fs::write(lab.path(name("guest.xml")), domain("hvm", "<clock offset='localtime'/>")).unwrap();
    fs::write(
        lab.path(name("guest.cfg")),
        "name = \"cfg\"\ntype = \"hvm\"\nmemory = 64\nclock_offset = \"utc\"\n",
    )
    .unwrap();
    let host = OsStr::from_bytes(b"mock:host-\xff.json").to_owned();
    let run = |words: &[&OsStr]| {
        let words = [&[OsStr::new("--backend"), &host], words].concat();
        lab.run(words)
    };
    let word = OsStr::new;
    let (xml, cfg, saved, out) = (name("guest.xml"), name("guest.cfg"), name("saved"), name("out"));
    run(&[word("convert"), word("-o"), &out, &xml]).ok();
    assert!(fs::read_to_string(lab.path(&out)).unwrap().contains("localtime = 1"));
    run(&[word("create"), word("-q"), &xml]).ok();
    run(&[word("create"), word("-q"), &cfg]).ok();
    run(&[word("clock-set"), word("guest"), word("--from"), &xml]).ok();
    run(&[word("save"), word("guest"), &saved]).ok();
    run(&[word("restore"), &xml, &saved]).ok();
    run(&[word("save"), word("guest"), &saved, &xml]).ok();
    run(&[word("restore"), &saved]).ok();
    let dir = name("dir");
    fs::create_dir(lab.path(&dir)).unwrap();
    fs::copy(lab.path(&xml), lab.path(&dir).join(OsStr::from_bytes(b"\xff.xml"))).unwrap();
    run(&[word("clock-watch"), word("--once"), word("--xml-dir"), &dir]).ok();
    run(&[word("tsc-helper"), word("--device-model"), word("-xen-domid"), word("2"), word("-drive"), &out])
        .ok();
    let records = name("records");
    run(&[word("--records"), &records, word("clock-set"), word("guest"), word("clock_offset=utc")]).ok();
    assert!(lab.path(&records).join("lock").exists());
    // What cannot be read is named as far as it can be.
    let err = run(&[word("create"), &name("nowhere")]).err;
    assert!(err.contains("nowhere-\u{fffd}: No such file"), "{err}");
    assert!(lab.path(OsStr::from_bytes(b"host-\xff.json")).exists());
}

#[test]
fn libxls_json_is_detected_and_converted() {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.cfg", "name = \"guest\"\ntype = \"hvm\"\nmemory = 64\nlocaltime = 1\n");
    let printed = lab.mock(["create", "-n", "guest.cfg"]).ok();
    lab.write("guest.json", printed);
    for target in ["xl", "xml", "json"] {
        let converted = lab.mock(["convert", "--to", target, "guest.json"]).ok();
        assert_eq!(converted, lab.mock(["convert", "--to", target, "--from", "json", "guest.json"]).ok());
    }
    // No guest starts from it, as with xl; the remedy works.
    let said = lab.mock(["create", "guest.json"]).fails(1);
    assert!(said.contains("instead: convert it first: xenclock convert guest.json > NAME.cfg"), "{said}");
    lab.write("again.cfg", lab.mock(["convert", "guest.json"]).ok());
    lab.mock(["create", "-q", "again.cfg"]).ok();
}

#[test]
fn an_id_of_each_start_is_one_id_in_xml() {
    let lab = lab();
    lab.write("guest.cfg", "name = \"guest\"\ntype = \"hvm\"\nmemory = 64\nms_vm_genid = \"generate\"\n");
    let converted = lab.run(["convert", "--to", "xml", "guest.cfg"]);
    assert!(converted.out.contains("<genid>"), "{converted:?}");
    assert!(
        converted.err.contains("guest.cfg:4:1: approximated: ") && converted.err.contains("[genid]"),
        "{converted:?}"
    );
    let check = lab.mock(["check", "guest.cfg"]).ok();
    assert!(check.contains("everything means the same"), "{check}");
}
