//! The bodies of the fuzz targets. Each takes any bytes, and must neither panic nor hang nor break a promise about what it
//! has read.
//!
//! libFuzzer runs them by `fuzz/run`, and `tests/fuzz_corpus.rs` runs them on the corpus in plain `cargo test`.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

use xenclock::cfg::{self, XlConf, XlHost};
use xenclock::convert::{Format, convert};
use xenclock::diag::render;
use xenclock::domain::DomainConfig;
use xenclock::input::Input;
use xenclock::lifecycle::ClockRecord;
use xenclock::timers::zone::{Zone, default_zones};
use xenclock::timers::{GuestKind, Moment};
use xenclock::tracking::transfer::{config_in, sender_in};
use xenclock::xl::migration::{Arriving, Failed, Leaving, Line, receive, send};
use xenclock::xl::savefile::Header;
use xenclock::xml;

/// A target: its name, which is that of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 9] = [
    ("xml", read_xml),
    ("cfg", read_cfg),
    ("xl_conf", read_xl_conf),
    ("json", read_json),
    ("savefile", read_savefile),
    ("record", read_record),
    ("migration", speak_migration),
    ("tzif", read_tzif),
    ("posix_tz", read_posix_tz),
];

/// Seconds from the epoch at which zones are asked: now, and where clocks and files change their form.
const MOMENTS: [i64; 7] =
    [-4_000_000_000, -1, 0, 1_782_907_200, 2_147_483_648, 4_102_444_800, 99_999_999_999];

/// Writes a domain in both formats and shows all that is said of it; what is written is read again.
fn written(input: &mut Input) {
    let zones = default_zones();
    let zone = Zone::utc();
    let now = chrono::DateTime::from_timestamp(1_782_907_200, 0).expect("a date");
    let at = Moment { now, host_zone: &zone, zones: &*zones };
    if let Ok(json) = convert(&mut input.clone(), Format::Json, &at) {
        serde_json::from_str::<DomainConfig>(&json).expect("the JSON that was written can be read");
    }
    if let Ok(text) = convert(input, Format::Xl, &at) {
        cfg::parse("written.cfg", text.as_bytes()).expect("the xl.cfg that was written can be read");
    }
    for said in input.report.all().take(200) {
        assert!(!render::human(&said, input.report.source()).is_empty());
        assert!(render::json(&said).is_object());
    }
}

/// A domain XML.
pub fn read_xml(bytes: &[u8]) {
    match xml::read("guest.xml", bytes) {
        Ok(mut input) => written(&mut input),
        Err(invalid) => assert!(!invalid.to_string().is_empty()),
    }
}

/// An xl.cfg. It may end in words of a command line, behind a byte 0xff.
pub fn read_cfg(bytes: &[u8]) {
    let (file, words) = match bytes.iter().position(|byte| *byte == 0xff) {
        Some(at) => (&bytes[..at], String::from_utf8_lossy(&bytes[at + 1..]).into_owned()),
        None => (bytes, String::new()),
    };
    let words: Vec<String> = words.lines().filter(|word| word.contains('=')).map(str::to_owned).collect();
    for file in [file, bytes] {
        let _: Vec<u8> = cfg::for_xl("guest.cfg", file, &words);
        match cfg::read("guest.cfg", file, &words, &XlHost::default()) {
            Ok(mut described) => written(&mut described.input),
            Err(errors) => errors.iter().for_each(|error| {
                assert!(!render::human(error, errors.input()).is_empty());
            }),
        }
    }
    if let Ok(cfg) = cfg::parse("guest.cfg", bytes) {
        drop(cfg::clock::read(&cfg, cfg.kind().unwrap_or(GuestKind::Pv)));
    }
}

/// `/etc/xen/xl.conf`.
pub fn read_xl_conf(bytes: &[u8]) {
    let said = match XlConf::read("xl.conf", bytes) {
        Ok((_, ignored)) => ignored,
        Err(errors) => Some(errors),
    };
    if let Some(errors) = said {
        errors.iter().for_each(|error| assert!(!render::human(error, errors.input()).is_empty()));
    }
}

/// libxl's JSON: what was read is read the same again.
pub fn read_json(bytes: &[u8]) {
    let Ok(config) = serde_json::from_slice::<DomainConfig>(bytes) else { return };
    let text = serde_json::to_string(&config).expect("a config is JSON");
    let again: DomainConfig = serde_json::from_str(&text).expect("JSON that was written can be read");
    assert_eq!(config, again);
}

/// A save file up to libxl's stream: what was read is written and read the same again.
pub fn read_savefile(bytes: &[u8]) {
    let Ok(header) = Header::read(&mut &bytes[..]) else { return };
    drop(sender_in(&header));
    drop(config_in(&header));
    if let Some(ours) = &header.ours {
        read_record(ours);
    }
    let mut again = Vec::new();
    // What was cut off is a few bytes longer when it is whole.
    if header.write(&mut again).is_ok() {
        assert_eq!(Header::read(&mut &again[..]).expect("a header that was written can be read"), header);
    }
}

/// A clock record: what was read is written and read the same again.
pub fn read_record(bytes: &[u8]) {
    let Ok(record) = ClockRecord::from_bytes(bytes) else { return };
    let again = ClockRecord::from_bytes(&record.to_bytes()).expect("a record that was written can be read");
    assert_eq!(again, record);
}

/// Either side of a migration whose other side says these bytes. The first byte tells which.
pub fn speak_migration(bytes: &[u8]) {
    // A pipe holds as much without a reader.
    let Some((side, said)) = bytes.split_first().filter(|(_, said)| said.len() <= 60_000) else { return };
    let line = || {
        let (from, mut to) = std::io::pipe().expect("a pipe");
        to.write_all(said).expect("room in the pipe");
        let to = File::options().write(true).open("/dev/null").expect("/dev/null");
        Line { to, from: File::from(OwnedFd::from(from)) }
    };
    let mut guest = Guest::default();
    match side % 2 {
        0 => {
            let arrived = receive(&mut guest, line(), side & 2 != 0).is_ok();
            assert_eq!(arrived, guest.here && !guest.gone, "it is here when that is said, and else nowhere");
            assert!(!guest.here || guest.gone || guest.named, "nothing runs before it is permitted");
        }
        _ => {
            let header = Header::new("{}".to_owned(), None);
            let moved = send(&mut guest, &header, line()).is_ok();
            assert_eq!(
                moved, guest.gone,
                "it is taken away here when it is known to run there, and only then"
            );
            assert!(!(guest.gone && guest.resumed), "it does not run here and there");
        }
    }
}

/// A guest that moves, on either side.
#[derive(Default)]
struct Guest {
    here: bool,
    named: bool,
    gone: bool,
    resumed: bool,
}

impl Arriving for Guest {
    fn restore(&mut self, from: &mut File) -> Result<(), Failed> {
        let header = Header::read(from)?;
        config_in(&header)?;
        self.here = true;
        Ok(())
    }

    fn rename_home(&mut self) -> Result<(), Failed> {
        self.named = true;
        Ok(())
    }

    fn unpause(&mut self) -> Result<(), Failed> {
        Ok(())
    }

    fn destroy(&mut self) -> Result<(), Failed> {
        self.gone = true;
        Ok(())
    }

    fn progress(&mut self, _: &str) {}
}

impl Leaving for Guest {
    fn save(&mut self, _: &mut File) -> Result<(), Failed> {
        Ok(())
    }

    fn rename_away(&mut self) -> Result<(), Failed> {
        Ok(())
    }

    fn rename_back(&mut self) -> Result<(), Failed> {
        Ok(())
    }

    fn resume(&mut self) -> Result<(), Failed> {
        self.resumed = true;
        Ok(())
    }

    fn destroy(&mut self) -> Result<(), Failed> {
        self.gone = true;
        Ok(())
    }

    fn progress(&mut self, _: &str) {}
}

/// Asks a zone at each moment.
fn asked(zone: &Zone) {
    for at in MOMENTS.into_iter().filter_map(|at| chrono::DateTime::from_timestamp(at, 0)) {
        drop(zone.offset_at(at));
        if let Some(change) = zone.next_change(at) {
            assert!(change.at > at, "the next change is later");
        }
    }
}

/// A file of the tz database.
pub fn read_tzif(bytes: &[u8]) {
    if let Ok(zone) = Zone::from_tzif("Fuzz/Zone", bytes) {
        asked(&zone);
    }
}

/// A POSIX TZ rule.
pub fn read_posix_tz(bytes: &[u8]) {
    let Ok(rule) = std::str::from_utf8(bytes) else { return };
    if let Ok(zone) = Zone::from_posix(rule) {
        asked(&zone);
    }
}
