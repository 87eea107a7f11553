//! Debian's own `xl`, in a process of its own with our library preloaded, on the machine of this process.

use std::collections::BTreeMap;

use fakexen::parts;
use serde_json::Value;
use timers::GuestKind;
use timers::tsc::TscMode;
use xenclock::domain::DomainConfig;
use xenclock::host::{DomId, RunState, ShutdownReason};

use crate::contract::{Scenario, Stage};
use crate::stage::FakeStage;

/// A machine and xl; without xl, nothing is tested and a line says so.
fn with_xl(test: impl FnOnce(&FakeStage, &dyn Fn(&[&str]) -> String)) {
    let Some(xl) = parts::utility("xl") else {
        return xentest::skip(
            "no xl",
            "tests/oracle/build DIR unpacks Debian's, and XENCLOCK_ORACLE=DIR names it",
        );
    };
    let stage = FakeStage::new(&Scenario::default()).map_err(|cannot| cannot.0).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = parts::command(xl.as_os_str());
        command.args(arguments).envs(stage.environment());
        let output = command.output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "xl {arguments:?}: {}: {err}", output.status);
        out
    };
    test(&stage, &run);
}

/// A guest of each kind: one runs, one is paused, one has ended.
fn three(stage: &FakeStage) -> [DomId; 3] {
    let host = stage.host();
    let [running, paused, ended] = [GuestKind::Hvm, GuestKind::Pvh, GuestKind::Pv].map(|kind| {
        let mut config = stage.config(kind, &format!("{kind:?}")).map_err(|cannot| cannot.0).unwrap();
        config.b_info.tsc_mode = Some(TscMode::AlwaysEmulate);
        config.b_info.rtc_timeoffset = 3600;
        host.create_paused(&config).unwrap()
    });
    host.unpause(running).unwrap();
    host.unpause(ended).unwrap();
    stage.with(|world| world.guest_ends(ended, ShutdownReason::Poweroff)).unwrap();
    [running, paused, ended]
}

/// `xl list` shows the domains that our host has made, and what they do.
pub fn lists() {
    with_xl(|stage, xl| {
        let guests = three(stage);
        let listed = xl(&["list"]);
        let lines: Vec<Vec<&str>> =
            listed.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        let told: Vec<_> = lines.iter().map(|words| (words[0], words[1], words[4])).collect();
        let numbers = guests.map(|domid| domid.to_string());
        let expected = [
            ("Domain-0", "0", "r-----"),
            ("Hvm", &numbers[0], "r-----"),
            ("Pvh", &numbers[1], "--p---"),
            ("Pv", &numbers[2], "---s--"),
        ];
        assert_eq!(told, expected, "{listed}");
    });
}

/// `xl list -l` has the configs that our host has.
pub fn lists_configs() {
    with_xl(|stage, xl| {
        let guests = three(stage);
        let listed: Vec<Value> = serde_json::from_str(&xl(&["list", "-l"])).unwrap();
        for domid in guests {
            let entry = listed.iter().find(|entry| entry["domid"] == domid.0).unwrap();
            let config: DomainConfig = serde_json::from_value(entry["config"].clone()).unwrap();
            assert_eq!(config, stage.host().stored_config(domid).unwrap());
        }
    });
}

/// `xenclock list` prints what `xl list` prints, to the byte, and ends as it does.
pub fn lists_alike() {
    let Some(xl) = parts::utility("xl") else {
        return xentest::skip("no xl", "tests/oracle/build DIR unpacks it, and XENCLOCK_ORACLE=DIR names it");
    };
    let stage = FakeStage::new(&Scenario::default()).map_err(|cannot| cannot.0).unwrap();
    let guests = three(&stage);
    let number = guests[1].to_string();
    let ours = std::ffi::OsStr::new(env!("CARGO_BIN_EXE_xenclock"));
    let run = |program: &std::ffi::OsStr, before: &[&str], words: &[&str]| {
        let mut command = parts::command(program);
        let output = command.args(before).arg("list").args(words).envs(stage.environment()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    for words in [
        &[][..],
        &["-v"],
        &["--verbose", "--context"],
        &["-Z"],
        &["-c"],
        &["-n"],
        &["-vZcn"],
        &["--cpupool", "--numa"],
        &["-l"],
        &["--long", "Hvm"],
        &["Pv"],
        &["Domain-0"],
        &["0"],
        &[&number],
        &["--", "Hvm"],
        &["nobody"],
        &["4711"],
        &["-l", "4711"],
    ] {
        let theirs = run(xl.as_os_str(), &[], words);
        let (code, text) = run(ours, &["--backend", "libxl"], words);
        let text = without_newer(text, &theirs.1);
        assert_eq!((code, text), theirs, "list {words:?}: ours, and xl's");
    }
}

/// Our JSON as a libxl prints it that does not know `arch_x86` yet, where xl's is from such a one (before Xen 4.16).
pub fn without_newer(ours: String, theirs: &str) -> String {
    if theirs.contains("\"arch_x86\"") {
        return ours;
    }
    let mut kept = ours;
    while let Some(at) = kept.find("\"arch_x86\": {\n") {
        let start = kept[..at].rfind(',').unwrap();
        let end = at + kept[at..].find('}').unwrap() + 1;
        kept.replace_range(start..end, "");
    }
    kept
}

/// What xl makes, our host finds, with the clock that the file says.
pub fn creates() {
    with_xl(|stage, xl| {
        let file = stage.dir().join("guest.cfg");
        let kernel = stage.dir().join("kernel");
        let text = format!(
            "type = \"pvh\"\nname = \"by-xl\"\nmemory = 32\nkernel = \"{}\"\ntsc_mode = \"always_emulate\"\n\
             rtc_timeoffset = \"-3600\"\n",
            kernel.display()
        );
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();

        let only_parsed: Value = serde_json::from_str(&xl(&["create", "-n", file])).unwrap();
        let config: DomainConfig = serde_json::from_value(only_parsed).unwrap();
        assert_eq!((config.name(), config.b_info.tsc_mode), ("by-xl", Some(TscMode::AlwaysEmulate)));
        assert_eq!(stage.host().domains().unwrap().len(), 1, "nothing was made");

        xl(&["create", "-p", "-e", file]);
        let domains = stage.host().domains().unwrap();
        let made = domains.iter().find(|domain| domain.name == "by-xl").unwrap();
        assert_eq!((made.kind, made.state), (GuestKind::Pvh, RunState::Paused));
        let info = stage.host().tsc_info(made.domid).unwrap();
        assert_eq!((info.mode, info.incarnation), (1, 1));
        assert_eq!(stage.wallclock_offset(made.domid).map_err(|cannot| cannot.0), Ok(-3600));
        let stored = stage.host().stored_config(made.domid).unwrap();
        assert_eq!(stored.b_info.rtc_timeoffset, config.b_info.rtc_timeoffset);

        xl(&["unpause", "by-xl"]);
        assert_eq!(stage.host().domains().unwrap()[1].state, RunState::Running);
        xl(&["destroy", "by-xl"]);
        assert_eq!(stage.host().domains().unwrap().len(), 1);
    });
}

/// All nodes of xenstore.
fn nodes(stage: &FakeStage) -> Vec<String> {
    stage.with(|world| ["/local", "/vm", "/libxl", "/tool"].map(|top| world.store.paths_below(top)).concat())
}

/// The nodes that were not there before; domains' numbers are `N`.
fn new_nodes(stage: &FakeStage, before: &[String]) -> BTreeMap<String, usize> {
    let all = nodes(stage);
    let mut nodes = BTreeMap::new();
    for path in all.iter().filter(|path| !before.contains(path)) {
        let words = path.split('/').map(|word| match word.parse::<u32>() {
            Ok(number) if number > 0 => "N",
            _ => word,
        });
        *nodes.entry(words.collect::<Vec<_>>().join("/")).or_default() += 1;
    }
    nodes
}

/// Thirty PVH guests that come and go leave no more nodes in xenstore than thirty of xl's do.
pub fn pvh_guests_leave_what_xls_do() {
    const GUESTS: u32 = 30;
    let mut left = Vec::new();
    for by_xl in [false, true] {
        with_xl(|stage, xl| {
            let file = stage.dir().join("guest.cfg");
            let kernel = stage.dir().join("kernel");
            let text =
                format!("type = \"pvh\"\nname = \"guest\"\nmemory = 32\nkernel = \"{}\"\n", kernel.display());
            std::fs::write(&file, text).unwrap();
            let before = nodes(stage);
            for _ in 0..GUESTS {
                if by_xl {
                    xl(&["create", "-q", "-e", file.to_str().unwrap()]);
                    xl(&["destroy", "guest"]);
                } else {
                    let config = stage.config(GuestKind::Pvh, "guest").map_err(|cannot| cannot.0).unwrap();
                    let domid = stage.host().create_paused(&config).unwrap();
                    stage.host().unpause(domid).unwrap();
                    stage.host().destroy(domid).unwrap();
                }
            }
            left.push(new_nodes(stage, &before));
        });
    }
    if let [ours, xls] = &left[..] {
        println!("left by ours: {ours:?}; by xl's: {xls:?}");
        assert_eq!(ours, xls);
    }
}
