//! Random arguments of xl's commands, for xl and for xenclock: both exit with the same status, print the same data,
//! print their help to the same stream, and have the same effect on the same domain.

use std::ffi::OsStr;
use std::fs;
use std::process::Stdio;

use fakexen::parts;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use timers::GuestKind;
use xenclock::host::DomId;

use crate::contract::{Scenario, Stage};
use crate::stage::FakeStage;
use crate::xl::without_newer;

/// As many command lines, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 150;

/// The commands that are put to both, and what their words are made of. What would show a console, wait for ever, or take
/// a guest away for good is not among them, or has only a domain that there is not.
const COMMANDS: &[(&str, &[&str])] = &[
    (
        "list",
        &[
            "-l",
            "-v",
            "-Z",
            "-c",
            "-n",
            "-lv",
            "--long",
            "--verb",
            "--context",
            "--c",
            "--numa",
            "guest",
            "nobody",
        ],
    ),
    ("pause", &["guest", "nobody"]),
    ("unpause", &["guest", "nobody"]),
    ("domid", &["guest", "nobody"]),
    ("domname", &["0", "nobody", "4711"]),
    ("destroy", &["-f", "nobody"]),
    ("shutdown", &["-w", "-F", "-wF", "--wait", "nobody"]),
    ("save", &["-c", "-p", "-D", "-cpD", "nobody", "file", "config"]),
    ("restore", &["-p", "-e", "-d", "-pe", "--vncviewer", "--vncviewer-a", "nowhere", "config"]),
    ("migrate", &["-e", "-p", "-D", "-C", "-Cx", "-s", "-s=", "--debug", "--live", "--d", "nobody", "host"]),
    (
        "create",
        &[
            "-p",
            "-q",
            "-e",
            "-pq",
            "--quiet",
            "--q",
            "-f",
            "-fguest.cfg",
            "--defconfig",
            "--defconfig=guest.cfg",
            "--de",
            "--d",
            "--dryrun",
            "--dr",
            "--dryrun=1",
            "--ignore-global",
            "-i",
            "--vnc",
            "--vncviewer",
            "--vncviewer-autopass",
            "-A",
            "guest.cfg",
            "guest.cfg",
            "other.cfg",
            "/dev/null",
            "missing.cfg",
            "name=\"b\"",
            "memory=64",
            "+x",
            "-d",
            "type='pvh'",
            "vcpus = 2",
        ],
    ),
];

/// Words that any command may be given.
const ANY: &[&str] = &["-x", "-h", "--help", "--he", "--no-such", "--", "-", "-hx", "-xh", "extra", "-9"];

fn lines() -> impl Strategy<Value = Vec<String>> {
    select(COMMANDS).prop_flat_map(|(command, own): (&'static str, &'static [&'static str])| {
        let word = prop_oneof![6 => select(own), 1 => select(ANY)];
        proptest::collection::vec(word, 0..5).prop_map(move |words: Vec<&str>| {
            // A dry run, so that nothing is left of it.
            let dry: &[&str] = if command == "create" { &["-N"] } else { &[] };
            dry.iter().copied().chain([command]).chain(words).map(str::to_owned).collect()
        })
    })
}

/// How a program ends, and what it prints.
#[derive(Debug, PartialEq, Eq)]
struct Ending {
    code: Option<i32>,
    out: String,
}

pub fn run() {
    let Some(xl) = parts::utility("xl") else {
        return xentest::skip("no xl", "tests/oracle/build DIR unpacks it, and XENCLOCK_ORACLE=DIR names it");
    };
    let stage = FakeStage::new(&Scenario::default()).map_err(|cannot| cannot.0).unwrap();
    let mut config = stage.config(GuestKind::Pvh, "guest").map_err(|cannot| cannot.0).unwrap();
    config.c_info.uuid = Some(uuid::Uuid::from_u128(1));
    let guest = stage.host().create_paused(&config).unwrap();
    for (name, text) in
        [("guest.cfg", "name='a'\ntype='hvm'\n"), ("other.cfg", "name='o'\ntype='pv'\nkernel='/k'\n")]
    {
        fs::write(stage.dir().join(name), text).unwrap();
    }
    let run = |program: &OsStr, before: &[&str], words: &[String]| {
        let mut command = parts::command(program);
        command.args(before).args(words).current_dir(stage.dir()).stdin(Stdio::null());
        let output = command.envs(stage.environment()).output().unwrap();
        Ending { code: output.status.code(), out: String::from_utf8_lossy(&output.stdout).into_owned() }
    };
    let ours = OsStr::new(env!("CARGO_BIN_EXE_xenclock"));
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = ProptestConfig { cases, failure_persistence: None, ..Default::default() };
    TestRunner::new(config)
        .run(&lines(), |words| {
            let theirs = run(xl.as_os_str(), &[], &words);
            let their_state = state(&stage, guest);
            let ours = run(ours, &["--backend", "libxl"], &words);
            if let Some(why) = differs(&words, &ours, &theirs) {
                return Err(TestCaseError::fail(format!(
                    "{words:?}: {why}\nours: {ours:?}\nxl's: {theirs:?}"
                )));
            }
            prop_assert_eq!(state(&stage, guest), their_state, "{:?}", words);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// What a command line has done to the guest. It is paused once before the next.
fn state(stage: &FakeStage, guest: DomId) -> u32 {
    let pauses = stage.with(|world| world.domain(guest).unwrap().pauses);
    match pauses {
        0 => stage.host().pause(guest).unwrap(),
        pauses => (1..pauses).for_each(|_| stage.host().unpause(guest).unwrap()),
    }
    pauses
}

/// Where we are not as xl; docs/xl.md tells why where that is meant.
fn differs(words: &[String], ours: &Ending, theirs: &Ending) -> Option<&'static str> {
    let is_help = theirs.out.starts_with("Usage: xl");
    let create = words.contains(&"create".to_owned());
    let stdin = create && words.iter().any(|word| word == "-");
    let several = words[0] == "list" && is_help && theirs.code == Some(1);
    if stdin || several || undone(words, ours, theirs) {
        return None;
    }
    let code = match theirs.code {
        // xl create ends with libxl's error numbers; and a file that is not given is wrong usage.
        Some(6) if create => Some(2),
        Some(3) if create => Some(1),
        code => code,
    };
    if ours.code != code {
        return Some("the exit status differs");
    }
    if is_help {
        // A second file for create is named, without the help.
        let named = create && code == Some(2);
        return (ours.out.is_empty() && !named).then_some("xl prints its help to standard output");
    }
    let out = without_newer(ours.out.clone(), &theirs.out);
    let same = match create {
        true => without_uuid(&out) == without_uuid(&theirs.out),
        false => out == theirs.out,
    };
    (!same).then_some("standard output differs")
}

/// Where xl says that it has done what it could not: an unpause of a running guest, the pause of one that is not there.
fn undone(words: &[String], ours: &Ending, theirs: &Ending) -> bool {
    ["pause", "unpause"].contains(&words[0].as_str()) && ours.code == Some(1) && theirs.code == Some(0)
}

/// A UUID that the file does not give is another one each time.
fn without_uuid(json: &str) -> String {
    json.lines().filter(|line| !line.contains("\"uuid\": ")).collect::<Vec<_>>().join("\n")
}
