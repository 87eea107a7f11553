//! An input that is changed according to its remedy is accepted: wrong values of the clock, in XML and in xl.cfg.

use serde_json::json;

use crate::common::{FIXED, Lab, domain};

/// The value that a remedy says to write: the first in quotes, or behind `write KEY = `.
fn value(remedy: &str) -> Option<String> {
    let quoted = |text: &str| Some(text.split_once('\'')?.1.split_once('\'')?.0.to_owned());
    match remedy.rsplit_once(" = ") {
        Some((_, value)) => Some(value.split(" (").next()?.trim().to_owned()),
        None => quoted(remedy),
    }
}

/// Puts a value into a file and what the remedy says in its place, and has both converted and started.
#[track_caller]
fn follow(file: &str, with: impl Fn(&str) -> String, wrong: &str) -> String {
    let lab = Lab::with_host(json!({}));
    lab.write(file, with(wrong));
    let convert = || lab.run(["convert", file].into_iter().chain(FIXED));
    // xl passes over some words in silence; a start is refused in any case.
    let said = convert().err;
    let created = lab.mock(["create", file]).fails(1);
    let remedy = |said: &str| said.lines().find_map(|line| Some(line.split_once("instead: ")?.1.to_owned()));
    let instead = remedy(&said).unwrap_or_else(|| panic!("no remedy for {wrong}: {said}"));
    assert_eq!(remedy(&created), Some(instead.clone()), "{created}");
    let right = value(&instead).unwrap_or_else(|| panic!("{wrong}: {instead}"));
    lab.write(file, with(&right));
    convert().ok();
    lab.mock(["create", file]).ok();
    right
}

const ZONES: [(&str, &str); 12] = [
    ("europe/berlin", "Europe/Berlin"),
    ("America/New York", "America/New_York"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome", "Europe/Amsterdam"),
    ("PST", "America/Los_Angeles"),
    ("IST", "Asia/Kolkata"),
    ("UTC+3", "Etc/GMT-3"),
    ("GMT-5", "Etc/GMT+5"),
    ("Berlin", "Europe/Berlin"),
    ("Eurpoe/Berlin", "Europe/Berlin"),
    ("CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Berlin"),
];

#[test]
fn zones_that_there_are_not() {
    if timers::zone::default_zones().zone("Asia/Kolkata").is_err() {
        return xentest::skip("no tz database", "apt-get install tzdata");
    }
    let xml = |zone: &str| domain("hvm", &format!("<clock offset='timezone' timezone='{zone}'/>"));
    let cfg = |zone: &str| {
        format!(
            "name = \"guest\"\ntype = \"hvm\"\nmemory = 64\nclock_timezone = \"{}\"\n",
            zone.trim_matches('"')
        )
    };
    for (wrong, right) in ZONES {
        assert_eq!(follow("guest.xml", xml, wrong), right, "{wrong}");
        assert_eq!(follow("guest.cfg", cfg, wrong).trim_matches('"'), right, "{wrong}");
    }
}

/// Values, each with the XML's attribute or the setting that takes it, and what it comes to.
const NUMBERS: [(&str, &str, &str); 9] = [
    ("start", "2024-01-01", "1704067200"),
    ("start", "2024-01-01T00:00:00Z", "1704067200"),
    ("start", "2024-01-01 01:00:00+01:00", "1704067200"),
    ("adjustment", "1h", "3600"),
    ("adjustment", "3600*2", "7200"),
    ("adjustment", "-90 min", "-5400"),
    ("adjustment", "+02:00", "7200"),
    ("frequency", "2.4GHz", "2400000000"),
    ("frequency", "2400 MHz", "2400000000"),
];

#[test]
fn numbers_that_are_worked_out() {
    for (attribute, wrong, right) in NUMBERS {
        let xml = |value: &str| {
            let clock = match attribute {
                "start" => format!("<clock offset='absolute' start='{value}'/>"),
                "frequency" => format!(
                    "<clock offset='utc'><timer name='tsc' mode='emulate' frequency='{value}'/></clock>"
                ),
                _ => format!("<clock offset='variable' adjustment='{value}'/>"),
            };
            domain("hvm", &clock)
        };
        assert_eq!(follow("guest.xml", xml, wrong), right, "{attribute} {wrong}");
        let keys: &[&str] = match attribute {
            "start" => &["clock_start"],
            "frequency" => &["clock_tsc_frequency"],
            _ => &["rtc_timeoffset", "clock_offset = \"variable\"\nclock_adjustment"],
        };
        for key in keys {
            let cfg = |value: &str| {
                // A remedy has its own quotes.
                let value = match value.starts_with('"') || value.parse::<u64>().is_ok() {
                    true => value.to_owned(),
                    false => format!("\"{value}\""),
                };
                format!("name = \"guest\"\ntype = \"hvm\"\nmemory = 64\n{key} = {value}\n")
            };
            let right = if right.starts_with('-') { format!("\"{right}\"") } else { right.to_owned() };
            assert_eq!(follow("guest.cfg", cfg, wrong), right, "{key} {wrong}");
        }
    }
}

const XML_HEAD: &str = "<domain type='xen'><name>guest</name><memory>65536</memory><os><type>hvm</type></os>";
const CFG_HEAD: &str = "name = \"guest\"\ntype = \"hvm\"\nmemory = 64\n";

/// A wrong clock in each format, the remedy in that format's words, and the clock that follows from it.
const WORDS: [(&str, &str, &str); 13] = [
    (
        "<timer name='tsc' mode='paravirt'/>",
        "write mode='auto', or mode='native' for a guest that never migrates",
        "<timer name='tsc' mode='auto'/>",
    ),
    ("tsc_mode = 3", "write tsc_mode = \"default\", or tsc_mode = \"native\"", "tsc_mode = \"default\""),
    (
        "clock_timers = [ \"name=tsc,mode=paravirt\" ]",
        "write mode=auto, or mode=native for",
        "clock_timers = [ \"name=tsc,mode=auto\" ]",
    ),
    (
        "clock_timers = [ \"name=tsc,mode=smpsafe\" ]",
        "write mode=emulate to be safe",
        "clock_timers = [ \"name=tsc,mode=emulate\" ]",
    ),
    (
        "<timer name='tsc' frequency='0'/>",
        "as in frequency='2000000000'",
        "<timer name='tsc' frequency='2000000000'/>",
    ),
    ("clock_tsc_frequency = 0", "as in clock_tsc_frequency = 2000000000", "clock_tsc_frequency = 2000000000"),
    ("<timer name='tsc' present='no'/>", "remove present='no'", "<timer name='tsc'/>"),
    ("clock_timers = [ \"name=tsc,present=no\" ]", "remove present=no", "clock_timers = [ \"name=tsc\" ]"),
    ("<timer name='rtc' track='boot'/>", "write track='wall'", "<timer name='rtc' track='wall'/>"),
    (
        "clock_timers = [ \"name=rtc,track=boot\" ]",
        "write track=wall",
        "clock_timers = [ \"name=rtc,track=wall\" ]",
    ),
    (
        "tsc_mode = \"native\"\nclock_tsc_frequency = 1000000000",
        "remove mode native (tsc_mode, or mode= in clock_timers)",
        "clock_tsc_frequency = 1000000000",
    ),
    ("Localtime=1", "write localtime = 1", "localtime = 1"),
    ("clock_offset = \"localtime\"\nlocaltime = 0", "remove the clock_ keys", "localtime = 0"),
];

#[test]
fn remedies_are_in_the_words_of_their_input() {
    for (wrong, remedy, right) in WORDS {
        let lab = Lab::with_host(json!({}));
        let (file, text): (_, fn(&str) -> String) = match wrong.starts_with('<') {
            true => {
                ("guest.xml", |timer| format!("{XML_HEAD}<clock offset='utc'>{timer}</clock></domain>\n"))
            }
            false => ("guest.cfg", |line| format!("{CFG_HEAD}{line}\n")),
        };
        lab.write(file, text(wrong));
        let said = lab.run(["convert", file].into_iter().chain(FIXED)).err;
        assert!(said.contains(remedy), "{wrong}: {said}");
        lab.write(file, text(right));
        let done = lab.run(["convert", file].into_iter().chain(FIXED));
        assert!(!done.err.contains(remedy), "{right}: {}", done.err);
        done.ok();
        lab.mock(["create", file]).ok();
    }
}

#[test]
fn an_encoding_is_changed_where_it_is_declared() {
    let lab = Lab::new();
    let body = |encoding: &str, title: &str| {
        format!("<?xml version='1.0' encoding='{encoding}'?>\n{XML_HEAD}<title>{title}</title></domain>\n")
    };
    let latin: Vec<u8> = body("ISO-8859-15", "Büro").chars().map(|letter| letter as u8).collect();
    let wide: Vec<u8> = body("UTF-16", "Büro").encode_utf16().fold(vec![0xff, 0xfe], |mut bytes, unit| {
        bytes.extend(unit.to_le_bytes());
        bytes
    });
    for (text, remedy) in [
        (
            latin,
            "iconv -f ISO-8859-15 -t UTF-8 FILE > NEW; then write encoding='UTF-8' in the first line of NEW",
        ),
        (wide, "iconv -f UTF-16 -t UTF-8 FILE > NEW; then write encoding='UTF-8' in the first line of NEW"),
        (body("UTF-16", "Büro").into_bytes(), "write encoding='UTF-8': the file is already in UTF-8"),
        (body("ISO-8859-1", "Buro").into_bytes(), "write encoding='UTF-8': the file is already in UTF-8"),
    ] {
        lab.write("guest.xml", text);
        let said = lab.run(["convert", "guest.xml"]).fails(1);
        assert!(said.contains(remedy), "{said}");
    }
    lab.write("guest.xml", body("UTF-8", "Büro"));
    lab.run(["convert", "guest.xml"]).ok();
}

#[test]
fn an_xl_cfg_in_utf_16_is_one() {
    let lab = Lab::new();
    let wide = CFG_HEAD.encode_utf16().fold(vec![0xff, 0xfe], |mut bytes, unit| {
        bytes.extend(unit.to_le_bytes());
        bytes
    });
    lab.write("guest.cfg", wide);
    let said = lab.run(["convert", "guest.cfg"]).fails(1);
    assert!(said.contains("[not-utf8]") && said.contains("iconv -f UTF-16"), "{said}");
    assert!(!said.contains("xml"), "{said}");
}

/// Words for a TSC mode, each with libvirt's and xl's for what it means.
const MODES: [(&str, &str, &str); 12] = [
    ("emulate", "emulate", "always_emulate"),
    ("always_emulate", "emulate", "always_emulate"),
    ("Emulated", "emulate", "always_emulate"),
    ("native", "native", "native"),
    ("passthrough", "native", "native"),
    ("auto", "auto", "default"),
    ("default", "auto", "default"),
    ("smpsafe", "auto", "default"),
    ("pvrdtscp", "auto", "default"),
    ("paravirt", "auto", "default"),
    ("native_paravirt", "auto", "default"),
    ("2", "native", "native"),
];

#[test]
fn tsc_modes_in_the_words_of_another_toolstack() {
    let lab = Lab::with_host(json!({}));
    let mut refused = 0;
    for (word, libvirts, xls) in MODES {
        let xml = |mode| {
            format!("{XML_HEAD}<clock offset='utc'><timer name='tsc' mode='{mode}'/></clock></domain>\n")
        };
        let listed = |mode| format!("{CFG_HEAD}clock_timers = [ \"name=tsc,mode={mode}\" ]\n");
        let key = |mode| format!("{CFG_HEAD}tsc_mode = \"{mode}\"\n");
        let files = [
            ("a.xml", xml(word), format!("write mode='{libvirts}'"), xml(libvirts)),
            ("b.cfg", listed(word), format!("write mode={libvirts}"), listed(libvirts)),
            ("c.cfg", key(word), format!("write tsc_mode = \"{xls}\""), key(xls)),
        ];
        for (file, wrong, remedy, right) in files {
            lab.write(file, wrong);
            let ran = lab.mock(["create", "-n", file]);
            if ran.code != 0 {
                refused += 1;
                assert!(ran.err.contains(&remedy), "{file} {word}: {}", ran.err);
                lab.write(file, right);
                lab.mock(["create", "-n", file]).ok();
            }
        }
    }
    // The others are right where they stand.
    assert_eq!(refused, 24);
}
