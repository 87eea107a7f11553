//! Files in and out: standard input, `-o`, `--strict`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

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
    assert!(lab.run_with(words, xml.as_bytes()).ok().starts_with("domain 1 'guest' started"));
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
