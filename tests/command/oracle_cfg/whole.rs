//! Whole files, generated, and generated ones with faults put into them: xl and we refuse them, or understand them alike.

use std::collections::BTreeMap;

use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use xenclock::diag::{Errors, Report};

use super::*;
use crate::mutate::{changes, mutated};

/// The host that the oracle shows to its xl.
fn oracle_host(oracle: &Oracle) -> cfg::XlHost {
    cfg::XlHost {
        release: Some(oracle.release),
        cpus: Some(64),
        // All CPUs are in the first node.
        nodes: Some((0..8).map(|node| if node == 0 { (0..64).collect() } else { Vec::new() }).collect()),
        firmware_dir: format!("/usr/lib/xen-{}/boot", oracle.release),
        ..cfg::XlHost::default()
    }
}

/// What xl makes up.
fn without_made_up(mut config: Value, ours: &DomainConfig) -> Value {
    if ours.c_info.uuid.is_none()
        && let Some(info) = config["c_info"].as_object_mut()
    {
        info.remove("uuid");
    }
    if let Some(hvm) = config["b_info"].get_mut("type.hvm").and_then(Value::as_object_mut) {
        hvm.remove("ms_vm_genid");
    }
    // xl's JSON leaves out a USB device without type=, which libxl starts all the same.
    for (index, device) in config["usbdevs"].as_array_mut().into_iter().flatten().enumerate() {
        if let (Some(device), Some(host)) = (device.as_object_mut(), &ours.usbdevs[index].hostdev) {
            device.entry("type.hostdev").or_insert_with(|| serde_json::to_value(host).unwrap());
        }
    }
    config
}

/// Without objects that are empty: which of them stand in the JSON depends on the release.
fn without_empty(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.values_mut().for_each(without_empty);
        fields.retain(|_, value| value.as_object().is_none_or(|fields| !fields.is_empty()));
    }
    if let Value::Array(items) = value {
        items.iter_mut().for_each(without_empty);
    }
}

/// Where xl's answer is chance: it reads what nobody set, or crashes, or never ends; or where we differ by intention.
fn is_chance(errors: &Errors) -> bool {
    let chance = [
        "uninitialised memory",
        "crashes",
        "endless",
        "out of bounds",
        "beyond the end",
        "more than a guest can have",
        "not UTF-8",
    ];
    errors.iter().any(|error| chance.iter().any(|words| error.finding.reason.contains(words)))
}

/// That we refuse a file where xl does, and understand it as xl does.
fn understood_alike(oracle: &Oracle, lab: &Lab, text: &[u8]) -> Result<&'static str, String> {
    let ours = cfg::read("guest.cfg", text, &[], &oracle_host(oracle));
    if ours.as_ref().is_err_and(is_chance) {
        return Ok("chance");
    }
    match (ours, theirs(oracle, lab, text)) {
        (Err(_), Theirs::Unreadable | Theirs::Refused(_) | Theirs::Crashed) => Ok("refused"),
        (Ok(_), Theirs::Unreadable) => Err("xl cannot read it, we can".to_owned()),
        // An error of another number, which xl finds still there when it reads the rate.
        (Ok(_), Theirs::Refused(said))
            if said.contains("Numerical result") && said.contains("rate overflow") =>
        {
            Ok("chance")
        }
        (Ok(_), Theirs::Refused(said)) => Err(format!("xl refuses it, we do not: {said}")),
        (Ok(_), Theirs::Crashed) => Err("xl crashes or never ends, we take it".to_owned()),
        (Err(errors), Theirs::Taken { .. }) => Err(format!("xl takes it, we say\n{errors}")),
        (Ok(described), Theirs::Taken { config: theirs, said }) => {
            warned_alike(&said, &described.input.report)?;
            let config = described.input.domain.config;
            let mut ours = without_made_up(serde_json::to_value(&config).unwrap(), &config);
            let mut theirs = without_made_up(theirs, &config);
            without_empty(&mut ours);
            without_empty(&mut theirs);
            if ours == theirs { Ok("taken") } else { Err(difference("", &ours, &theirs)) }
        }
    }
}

/// Parts of xl's warnings, and the codes of which one must be in our report.
const WARNINGS: &[(&str, &[&str])] = &[
    // What a line says next is about the same.
    ("while parsing CPUID ", &["bad-cpuid", "other-release"]),
    ("  error", &["bad-cpuid", "other-release"]),
    // A key of a screen for a guest that has none is passed over as a whole.
    ("can't use += with numbers", &["no-number", "no-screen"]),
    ("could not be parsed as a number", &["no-number", "no-screen"]),
    ("is not a valid number", &["no-number", "no-screen"]),
    ("is a list but should be", &["no-text", "no-number", "no-screen"]),
    ("`vif2' is a single value", &["deprecated"]),
    ("is a single value but should be", &["no-list"]),
    ("Invalid parameter `mac'", &["bad-mac"]),
    ("Invalid parameter `type'", &["bad-value"]),
    ("RDM", &["rdm"]),
    ("as a string is deprecated", &["deprecated"]),
    ("Specifying \"altp2mhvm\"", &["deprecated"]),
    ("bios_path_override given", &["advice-no-bios"]),
    ("device model override given", &["advice-no-version"]),
    ("ignoring \"vncviewer\"", &["deprecated"]),
    ("netchannel2", &["deprecated"]),
    ("the accel parameter", &["no-accel"]),
    ("the netdev parameter", &["deprecated"]),
    ("unrecognized argument", &["unknown-word", "other-release"]),
    ("unknown channel parameter", &["unknown-word"]),
    ("Unknown PCI BDF option", &["unknown-word"]),
    ("ignoring root= and extra=", &["cmdline-given"]),
    ("override HVM guest firmware", &["deprecated"]),
    ("Invalid argument parsing ioport", &["not-all-a-number"]),
];

/// That whatever xl warns of is reported. Only a mode by its number is not: it is deprecated, and right.
fn warned_alike(said: &str, report: &Report) -> Result<(), String> {
    let codes: Vec<_> = report.all().map(|diagnostic| diagnostic.finding.code).collect();
    let by_number = |line: &str| line.contains("_mode\" as an integer is deprecated");
    for line in said.lines().filter(|line| !crate::oracle::is_harmless(line) && !by_number(line)) {
        // xl ends some lines without a line feed, and repeats a value with the line breaks that it has.
        let found = WARNINGS.iter().find(|(words, _)| line.contains(words));
        let expected = found.map_or(&[][..], |(_, codes)| codes);
        let repeated = found.is_none() && codes.contains(&"bad-cpuid");
        if !repeated && !expected.iter().any(|code| codes.contains(code)) {
            return Err(format!("xl warns: {line}\nexpected one of {expected:?}, we say {codes:?}"));
        }
    }
    Ok(())
}

/// Where two values differ.
fn difference(path: &str, ours: &Value, theirs: &Value) -> String {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys = ours.keys().chain(theirs.keys().filter(|key| !ours.contains_key(*key)));
            let null = Value::Null;
            keys.filter(|key| ours.get(*key) != theirs.get(*key))
                .map(|key| {
                    let (ours, theirs) = (ours.get(key).unwrap_or(&null), theirs.get(key).unwrap_or(&null));
                    difference(&format!("{path}/{key}"), ours, theirs)
                })
                .collect()
        }
        _ => format!("{path}: we say {ours}, xl {theirs}\n"),
    }
}

/// Puts files to an xl, and tells what became of them.
fn put_to(oracle: &Oracle, cases: u32, files: impl Strategy<Value = Vec<u8>>) -> BTreeMap<&'static str, u32> {
    let lab = Lab::new();
    let mut runner = TestRunner::new(config());
    let (mut counts, mut failed) = (BTreeMap::new(), Vec::new());
    for _ in 0..cases {
        let text = files.new_tree(&mut runner).unwrap().current();
        match understood_alike(oracle, &lab, &text) {
            Ok(outcome) => *counts.entry(outcome).or_insert(0) += 1,
            Err(why) => failed.push(format!("{why}\n{}", String::from_utf8_lossy(&text))),
        }
        if failed.len() >= 20 {
            break;
        }
    }
    println!("xl {}: {counts:?}", oracle.release);
    assert!(
        failed.is_empty(),
        "xl {}: {} of {counts:?}:\n{}",
        oracle.release,
        failed.len(),
        failed.join("\n-----\n")
    );
    counts
}

fn well_made() -> impl Strategy<Value = Vec<u8>> {
    crate::xl_language::file().prop_map(String::into_bytes)
}

fn broken() -> impl Strategy<Value = Vec<u8>> {
    // Of a file that was right a few changes leave more to compare.
    let files = (crate::xl_language::file(), crate::xl_language::file(), crate::xl_language::file());
    (files, changes(3)).prop_map(|((first, second, third), changes)| {
        let host = cfg::XlHost::default();
        let is_right = |text: &&String| cfg::read("guest.cfg", text.as_bytes(), &[], &host).is_ok();
        let text = [&first, &second].into_iter().find(is_right).unwrap_or(&third);
        mutated(text, &changes)
    })
}

#[test]
fn whole_files_are_understood_as_xl_understands_them() {
    let Some(oracle) = Oracle::find() else { return };
    let counts = put_to(&oracle, config().cases, well_made());
    assert!(counts.get("taken").is_some_and(|taken| *taken > 40), "{counts:?}");
}

#[test]
fn files_with_faults_are_refused_and_understood_as_by_xl() {
    let Some(oracle) = Oracle::find() else { return };
    let counts = put_to(&oracle, config().cases, broken());
    assert!(counts.get("taken").is_some_and(|taken| *taken > 20), "{counts:?}");
}

#[test]
fn ends_of_disks_are_understood_as_by_xl() {
    let Some(oracle) = Oracle::find() else { return };
    let lab = Lab::new();
    for end in ["=", ",=", ",x=", ",x=,", ",x==", ",/x=", ", x=", ",A=", ",,=", ",x y=", ",=x"] {
        for start in ["vdev=xvda", "/a,raw,xvda,w", "/a", "format=qcow2,vdev=xvda, format=qcow2"] {
            let text =
                format!("name = 'x'\ntype = 'pvh'\nkernel = '/k'\nmemory = 64\ndisk = [ '{start}{end}' ]\n");
            understood_alike(&oracle, &lab, text.as_bytes()).unwrap_or_else(|why| panic!("{why}\n{text}"));
        }
    }
}

#[test]
fn older_and_newer_xls_understand_files_as_we_do_for_their_release() {
    for oracle in Oracle::of_other_releases() {
        put_to(&oracle, config().cases / 2, well_made());
        put_to(&oracle, config().cases / 2, broken());
    }
}
