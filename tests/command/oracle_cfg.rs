//! The check that we read xl's files as xl does, and it ours: against Debian's own xl, as in `oracle.rs`.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use crate::common::{Lab, finish};
use crate::oracle::Oracle;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use xenclock::cfg::{self, Cfg, Content};
use xenclock::domain::DomainConfig;
use xenclock::domain::project::{self, OffsetIn};
use xenclock::xl::installed;
use xenclock::xl::migration::{Failed, Leaving, Now, Receiver, Rune, Transport, send};
use xenclock::xl::savefile::Header;

/// How many files are put to xl, unless `PROPTEST_CASES` says otherwise.
const GENERATED: u32 = 300;

fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = asked.unwrap_or(GENERATED);
    ProptestConfig { cases, max_shrink_iters: 300, failure_persistence: None, ..Default::default() }
}

/// xl's JSON of a config, in which a text that is not UTF-8 stands as it is.
fn json_of(printed: &[u8]) -> Value {
    serde_json::from_str(&String::from_utf8_lossy(printed)).unwrap()
}

/// What xl makes of a file.
enum Theirs {
    /// Its reader refuses it.
    Unreadable,
    /// Its reader takes it; then a value is refused.
    Refused(String),
    /// It crashes, or never ends.
    Crashed,
    Taken {
        config: Value,
        said: String,
    },
}

fn theirs(oracle: &Oracle, lab: &Lab, text: &[u8]) -> Theirs {
    let mut xl = oracle.limited();
    xl.args(["create", "-n"]).arg(lab.write("guest.cfg", text));
    let ended = xl.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    match ended.status.code() {
        Some(0) => Theirs::Taken { config: json_of(&ended.stdout), said },
        Some(_) if !said.contains("Failed to parse config") => Theirs::Refused(said),
        Some(_) => Theirs::Unreadable,
        None => Theirs::Crashed,
    }
}

/// That a file is refused by both, or read alike.
fn read_alike(oracle: &Oracle, lab: &Lab, text: &[u8]) -> Result<(), String> {
    match (cfg::parse("guest.cfg", text), theirs(oracle, lab, text)) {
        // A NUL in a string ends xl by a signal.
        (Err(_), Theirs::Unreadable | Theirs::Crashed) | (Ok(_), Theirs::Refused(_)) => Ok(()),
        (Ok(_), Theirs::Crashed) => Err("xl crashes over it, we do not refuse it".to_owned()),
        (Err(error), Theirs::Taken { .. }) => Err(format!("xl takes it, we say {error}")),
        (Err(error), Theirs::Refused(said)) => Err(format!("xl's reader takes it ({said}), we say {error}")),
        (Ok(_), Theirs::Unreadable) => Err("xl does not take it, we do".to_owned()),
        (Ok(cfg), Theirs::Taken { config, .. }) => same_values(&cfg, &config),
    }
}

/// That our values of some keys are those in xl's JSON.
fn same_values(cfg: &Cfg, theirs: &Value) -> Result<(), String> {
    let hvm = &theirs["b_info"]["type.hvm"];
    let texts = [
        ("name", &theirs["c_info"]["name"]),
        ("boot", &hvm["boot"]),
        ("vncpasswd", &hvm["vnc"]["passwd"]),
        ("keymap", &hvm["keymap"]),
    ];
    for (key, theirs) in texts {
        let ours = cfg.get(key).and_then(|setting| setting.text());
        let ours = ours.map_or(Value::Null, |text| json!(String::from_utf8(text.to_vec()).unwrap()));
        if ours != *theirs {
            return Err(format!("{key} is {theirs} to xl, {ours} to us"));
        }
    }
    let list = match cfg.get("device_model_args_hvm").map(|setting| &setting.value.content) {
        Some(Content::List(items)) => {
            let text = |item: &cfg::Value| match &item.content {
                Content::Text(text) => Some(json!(String::from_utf8(text.clone()).unwrap())),
                Content::List(_) => None,
            };
            // A list within ends it for xl.
            items.iter().map_while(text).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    };
    let theirs_list = theirs["b_info"]["extra_hvm"].as_array().cloned().unwrap_or_default();
    if list != theirs_list {
        return Err(format!("the list is {theirs_list:?} to xl, {list:?} to us"));
    }
    let number = |key: &str| cfg.get(key).and_then(|setting| setting.number());
    // libxl holds it in 32 bits.
    let ours = number("rtc_timeoffset").unwrap_or_default() as u32;
    let rtc = theirs["b_info"]["rtc_timeoffset"].as_u64().unwrap_or_default();
    let localtime = number("localtime").map(|number| if number != 0 { "True" } else { "False" });
    if u64::from(ours) != rtc || localtime != theirs["b_info"]["localtime"].as_str() {
        return Err(format!("numbers are {}, we have {ours} and {localtime:?}", theirs["b_info"]));
    }
    Ok(())
}

mod generated;
mod whole;

#[test]
fn generated_files_are_read_as_xl_reads_them() {
    let Some(oracle) = Oracle::find() else { return };
    let lab = Lab::new();
    let (taken, refused) = (Cell::new(0), Cell::new(0));
    proptest!(config(), |(text in generated::file())| {
        let count = if cfg::parse("f", text.as_bytes()).is_ok() { &taken } else { &refused };
        count.set(count.get() + 1);
        read_alike(&oracle, &lab, text.as_bytes()).map_err(|why| TestCaseError::fail(format!("{why}\n{text:?}")))?;
    });
    assert!(
        taken.get() > 20 && refused.get() > 20,
        "files of one sort only: {taken:?} taken, {refused:?} refused"
    );
}

/// xl.cfg files that others wrote.
fn fixtures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs: Vec<_> = xentest::shared("fixtures").into_iter().collect();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                dirs.push(path);
            } else if name.ends_with(".cfg") || name.starts_with("xlexample") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn files_of_others_are_read_as_xl_reads_them() {
    let Some(oracle) = Oracle::find() else { return };
    let lab = Lab::new();
    for path in fixtures() {
        let text = fs::read(&path).unwrap();
        read_alike(&oracle, &lab, &text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    }
}

/// The fields of the clock in a config, as a start by plain xl would take them.
fn clock_fields(config: &DomainConfig) -> Value {
    let b_info = &config.b_info;
    let hvm = b_info.hvm.as_ref();
    json!({
        "rtc_timeoffset": b_info.rtc_timeoffset,
        // Not set is not local time, too.
        "localtime": b_info.localtime.is_some_and(|localtime| localtime.is_true()),
        "tsc_mode": b_info.tsc_mode,
        "timer_mode": b_info.timer_mode,
        "hpet": hvm.and_then(|hvm| hvm.hpet),
        "viridian": hvm.and_then(|hvm| hvm.viridian),
        "viridian_enable": hvm.map(|hvm| &hvm.viridian_enable),
    })
}

#[test]
fn plain_keys_mean_to_us_what_they_mean_to_xl() {
    let Some(oracle) = Oracle::find() else { return };
    let lab = Lab::new();
    proptest!(config(), |(text in generated::plain_clock())| {
        let file = cfg::parse("guest.cfg", text.as_bytes()).map_err(|error| TestCaseError::fail(error.to_string()));
        // A string may be none, and then xl's reader refuses it as well: the other test's business.
        let Ok(file) = file else { return Ok(()) };
        let theirs = theirs(&oracle, &lab, text.as_bytes());
        let asked = cfg::clock::read(&file, file.kind().unwrap());
        let fail = |why: String| Err(TestCaseError::fail(format!("{why}\n{text}")));
        match (asked, theirs) {
            (_, Theirs::Unreadable | Theirs::Crashed) => return fail("xl does not read it".to_owned()),
            (Err(_), Theirs::Refused(_)) => {}
            (Err(error), Theirs::Taken { .. }) => return fail(format!("xl takes it, we say {error}")),
            // A PV guest has no timer_mode, and xl says so.
            (Ok(_), Theirs::Refused(said)) if said.contains("not supported for PV") => {}
            (Ok(_), Theirs::Refused(said)) => return fail(format!("xl says {said}")),
            (Ok(asked), Theirs::Taken { config, .. }) => {
                let theirs: DomainConfig = serde_json::from_value(config).unwrap();
                prop_assert_eq!(theirs.kind(), file.kind().unwrap());
                let mut ours = theirs.clone();
                let now = match asked.clock.offset {
                    timers::ClockOffset::Variable { adjustment, .. } => timers::UtcOffset::new(adjustment).unwrap(),
                    _ => timers::UtcOffset::ZERO,
                };
                project::clock(&mut ours, &asked.clock, OffsetIn::Intent(now));
                prop_assert_eq!(clock_fields(&ours), clock_fields(&theirs), "{}", text);
            }
        }
    });
}

#[test]
fn xl_is_asked_what_it_makes_of_a_file() {
    let Some(oracle) = Oracle::find() else { return };
    let lab = Lab::new();
    lab.program("xl", &oracle.script());
    let path = lab.path(".").into_os_string();
    let xl = installed::find(&installed::Places { path, ..Default::default() }).unwrap();
    let file =
        lab.write("guest.cfg", "name = 'guest'\ntype = 'hvm'\nmemory = 64\npci = [ '01:00.0' ]\nvif = 'x'\n");
    let understood = installed::config_of(&xl, &file, &["memory = 128".to_owned()]).unwrap();
    assert_eq!(understood.config.b_info.target_memkb, Some(128 << 10), "lines stand behind the file");
    assert_eq!(understood.config.pcidevs[0].bus, 1, "xl.cfg beyond the clock is xl's");
    assert!(
        understood.warnings[0].contains("parameter `vif' is a single value"),
        "{:?}",
        understood.warnings
    );
    let broken = lab.write("broken.cfg", "name = 'guest'\ntype = 'other'\n");
    let error = installed::config_of(&xl, &broken, &[]).unwrap_err().to_string();
    assert_eq!(error, "xl refuses the file (exit status: 1):\nInvalid domain type other.");
}

/// A header of ours with a part of ours behind the config.
fn our_header() -> Header {
    let config = json!({
        "c_info": {"type": "hvm", "name": "guest", "uuid": "6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11"},
        "b_info": {"max_vcpus": 1, "type.hvm": {}},
    });
    Header::new(config.to_string(), Some(json!({"clock": {"offset": "utc"}, "text": "x".repeat(5000)})))
}

/// xl reads our save file, as far as it gets without a hypervisor: it prints the config and passes over our part.
#[test]
fn xl_passes_over_our_part_of_a_save_file_and_of_a_migration() {
    let Some(oracle) = Oracle::find() else { return };
    let lab = Lab::new();
    let mut stream = Vec::new();
    our_header().write(&mut stream).unwrap();
    let length = stream.len() - 48;
    stream.extend(b"LibxlFmt");
    let mut restore = oracle.program();
    restore.args(["restore", "-d", "-e"]).arg(lab.write("saved", &stream));
    let mut receive = oracle.program();
    receive.args(["migrate-receive", "-d", "-e"]);
    for (xl, input, name) in [(restore, &b""[..], "guest"), (receive, &stream, "guest--incoming")] {
        let run = finish(xl, input);
        let said = &run.err;
        assert!(said.contains(&format!("(new xl fmt info 0x3/0x0/{length})")), "{run:?}");
        assert!(said.contains("Savefile contains xl domain config in JSON format"), "{run:?}");
        let json = &said[said.find('{').unwrap()..=said.rfind("\n}").unwrap() + 1];
        let config: Value = serde_json::from_str(json).unwrap();
        assert_eq!(config["c_info"]["name"], name);
        assert!(!said.contains("truncated"), "{run:?}");
        if name != "guest" {
            assert_eq!(run.out, "xl migration receiver ready, send binary domain data.\n");
        }
    }
}

/// A guest that is sent and does not come through: it runs on here.
struct Guest {
    runs: bool,
}

impl Leaving for Guest {
    fn save(&mut self, to: &mut File) -> Result<(), Failed> {
        self.runs = false;
        Ok(to.write_all(b"no stream of libxl's")?)
    }
    fn rename_away(&mut self) -> Result<(), Failed> {
        panic!("xl takes what is no stream")
    }
    fn rename_back(&mut self) -> Result<(), Failed> {
        Ok(())
    }
    fn resume(&mut self) -> Result<(), Failed> {
        self.runs = true;
        Ok(())
    }
    fn destroy(&mut self) -> Result<(), Failed> {
        panic!("a guest that did not move is destroyed")
    }
    fn progress(&mut self, _: &str) {}
}

#[test]
fn xl_answers_our_migration_and_a_guest_that_it_refuses_runs_on_here() {
    let Some(oracle) = Oracle::find() else { return };
    let lab = Lab::new();
    let xl = lab.program("xl", &oracle.script());
    let command = format!("'{}' migrate-receive 2>'{}'", xl.display(), lab.path("said").display());
    let rune = Rune {
        ssh: "",
        host: &command,
        receiver: Receiver::Xl,
        terminal: false,
        timestamps: false,
        verbose: 0,
        monitor: true,
        debug: false,
        paused: false,
    };
    let (line, mut transport) = Transport::open(&rune.command()).unwrap();
    let mut guest = Guest { runs: true };
    let error = send(&mut guest, &our_header(), line).unwrap_err();
    assert!(matches!(error.now, Now::RunsHere) && guest.runs, "{error}");
    // xl may have ended before the guest is sent, or later.
    let says = ["did not accept the guest", "could not be sent: Broken pipe"];
    assert!(says.iter().any(|says| error.to_string().contains(says)), "{error}");
    assert_eq!(transport.ended(Duration::from_secs(10)).unwrap().and_then(|status| status.code()), Some(1));
    assert!(lab.read("said").contains("Parsing config from <saved>"), "{}", lab.read("said"));
}
