//! docs/reference.md lists every code of a finding, and every field of the `--json` outputs and of the events.
//!
//! With `XENCLOCK_BLESS=1` the test adds and removes rows, and keeps the descriptions.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::{Lab, root};
use xenclock::lifecycle::ClockRecord;
use xenclock::timers::GuestClock;

/// The functions that make a finding from a code.
const MAKERS: [&str; 7] =
    ["invalid(", "approximated(", "unsupported(", "no_effect(", "advice(", "or_else(", "or_no_effect("];
/// The rows of the table of libvirt's names: there the first argument of these is a pattern, and the code comes next.
const ROWS: &str = "toolstack/xml/schema/rows";
const ROW_MAKERS: [&str; 2] = ["unsupported(", "no_effect("];

/// The codes that a source file gives to findings; `rows` for one that has rows of the table.
fn codes_in(text: &str, rows: bool, codes: &mut BTreeSet<String>) {
    let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let makers = MAKERS.iter().flat_map(|maker| {
        let pattern_first = rows && ROW_MAKERS.contains(maker);
        // `or_no_effect(` ends like `no_effect(`.
        let calls = program.match_indices(maker).filter(|(at, _)| !program[..*at].ends_with('_'));
        calls.filter_map(move |(at, _)| {
            let arguments = &program[at + maker.len()..];
            if pattern_first { arguments.split_once(',').map(|(_, rest)| rest) } else { Some(arguments) }
        })
    });
    let verdicts =
        program.split("Verdict::").skip(1).filter_map(|rest| rest.split_once(',').map(|(_, rest)| rest));
    for rest in makers.chain(verdicts) {
        let Some(code) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
            continue;
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !code.is_empty() && code.chars().all(plain) {
            codes.insert(code.to_owned());
        }
    }
}

/// The codes in the table of libvirt's schema: there the pattern comes before the code, and `mapped` has none.
fn codes_in_rows(dir: &Path, codes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let second = ["unsupported(", "no_effect("].into_iter().flat_map(|maker| {
            let without_or = |(at, _): &(usize, &str)| !text[..*at].ends_with("or_");
            text.match_indices(maker).filter(without_or).filter_map(|(at, _)| text[at..].split('"').nth(3))
        });
        let first = ["or_else(", "or_no_effect("]
            .into_iter()
            .flat_map(|maker| text.split(maker).skip(1).filter_map(|rest| rest.split('"').nth(1)));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        codes.extend(second.chain(first).filter(|code| code.chars().all(plain)).map(str::to_owned));
    }
}

fn codes() -> BTreeSet<String> {
    fn below(dir: &Path, codes: &mut BTreeSet<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("xml/schema/rows") {
                codes_in_rows(&path, codes);
            } else if path.is_dir() {
                below(&path, codes);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
                let rows = path.starts_with(root().join(ROWS));
                codes_in(&fs::read_to_string(&path).unwrap(), rows, codes);
            }
        }
    }
    let mut codes = BTreeSet::from(["exact".to_owned()]);
    below(&root().join("toolstack"), &mut codes);
    codes
}

/// Fields below which are those of another document: libxl's own JSON is libxl's, and a record is described where clock-set
/// prints it.
pub const NOT_FOLLOWED: [&str; 2] = ["config", "records"];

/// The fields of a JSON value; those of lists' members stand once.
fn fields(value: &Value, before: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if before.is_empty() { name.clone() } else { format!("{before}.{name}") };
                if !NOT_FOLLOWED.contains(&name.as_str()) {
                    fields(value, &path, found);
                }
                found.insert(path);
            }
        }
        Value::Array(members) => members.iter().for_each(|member| fields(member, before, found)),
        _ => {}
    }
}

/// The fields of each output, by its command.
fn outputs() -> Vec<(&'static str, BTreeSet<String>)> {
    let lab = Lab::with_host(json!({"now": "2026-07-01T12:00:00Z", "timezone": "Europe/Berlin"}));
    let windows = root().join("docs/examples/windows.xml");
    let windows = windows.to_str().unwrap();
    let planned = lab.mock(["plan", "-q", "--json", windows]).json();
    let created = lab.mock(["create", "-q", "--json", windows]).json();
    lab.mock(["create", "-q", root().join("docs/examples/linux.xml").to_str().unwrap()]).ok();
    lab.mock(["mock", "write-rtc", "linux", "+5"]).ok();
    let fields_of = |value: Value| {
        let mut found = BTreeSet::new();
        fields(&value, "", &mut found);
        found
    };
    let unset = json!({"host": {"now": "1970-01-01T00:00:10Z", "timezone": "Europe/Berlin"}});
    lab.write("unset.json", unset.to_string());
    let planned_unset = lab.run(["--backend", "mock:unset.json", "plan", "-q", "--json", windows]).json();
    let slower = json!({"host": {"now": "2026-07-01T12:00:00Z", "cpu_khz": 2_000_000}});
    lab.write("there.json", slower.to_string());
    lab.write("here.info", lab.mock(["host-info", "--json"]).ok());
    lab.write("there.info", lab.run(["--backend", "mock:there.json", "host-info", "--json"]).ok());
    let moved = lab.run(["preflight", "--pool", "--json", "here.info", "there.info"]).out;
    let told = lab.mock(["clock-watch", "--once"]).ok();
    let events = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut event = fields_of(Value::Array(events));
    event.extend(declared_in_events());
    let diagnostics = lab.run(["convert", "--diagnostics", "json", windows]).err;
    lab.write("wrong.cfg", "name = \"wrong\nmemory = 1\n");
    lab.run(["convert", "--report", "report.json", windows]).ok();
    let reported = serde_json::from_str(&lab.read("report.json")).unwrap();
    let checked = lab.run(["check", "--json", windows, "wrong.cfg"]);
    assert_eq!(checked.code, 2, "{checked:?}");
    lab.mock(["clock-set", "linux", "tsc_mode=always_emulate"]).ok();
    let mut outputs = vec![
        ("check --json", fields_of(serde_json::from_str(&checked.out).unwrap())),
        ("create --json", fields_of(created)),
        ("plan --json", fields_of(json!([planned, planned_unset]))),
        (
            "clock-show --json",
            fields_of(
                ["linux", "windows"].map(|name| lab.mock(["clock-show", name, "--json"]).json()).into(),
            ),
        ),
        ("clock-list --json", fields_of(lab.mock(["clock-list", "--json"]).json())),
        ("list --json", fields_of(lab.mock(["list", "--json"]).json())),
        ("host-info --json", fields_of(lab.mock(["host-info", "--json"]).json())),
        (
            "clock-set --json",
            fields_of(with_every_field(
                lab.mock(["clock-set", "windows", "--json", "--wrapper", "clock_offset=utc"]).json(),
            )),
        ),
        ("preflight --json", fields_of(serde_json::from_str(&moved).unwrap())),
        ("convert --report FILE.json", fields_of(reported)),
        ("convert --diagnostics json", fields_of(serde_json::from_str(&diagnostics).unwrap())),
        ("clock-watch", event),
    ];
    for (_, found) in &mut outputs {
        // Wherever a clock stands, it may be any clock.
        let before: Vec<_> =
            found.iter().filter_map(|field| field.strip_suffix("offset.offset")).map(str::to_owned).collect();
        for (before, field) in
            before.iter().flat_map(|before| of_any_clock().map(move |field| (before, field)))
        {
            found.insert(format!("{before}{field}"));
        }
    }
    outputs
}

/// A record with the fields that it has only after certain events.
fn with_every_field(mut told: Value) -> Value {
    let device_model = told.as_object_mut().unwrap().remove("device_model").unwrap();
    told["ephemeral"] = json!(true);
    told["invariant_tsc"] = json!(true);
    told["dropped_frequency"] = json!(1);
    told["correction"] = json!({"boot": "boot", "domid": 1, "from": 1, "to": 2});
    told["instance"]["unset"] = json!({"at": 1});
    let at = told["last"]["at"].clone();
    told["last"]["provisional"] = json!(true);
    told["config_offsets"] = json!([1]);
    told["saves"] =
        json!([{"incarnation": 1, "rtc": {"offset": 1, "at": at, "provisional": true}, "unset": true}]);
    told["ended"] = json!({"reason": "poweroff", "at": at, "watched": 1});
    let record = ClockRecord::from_bytes(told.to_string().as_bytes()).unwrap();
    let read: Value = serde_json::from_slice(&record.to_bytes()).unwrap();
    assert_eq!(read, told, "no field is another's");
    told["device_model"] = device_model;
    told
}

/// The fields of a requested clock, of every kind and with every setting.
fn of_any_clock() -> impl Iterator<Item = String> {
    let timers = json!([{
        "name": "rtc", "present": true, "track": "wall", "tickpolicy": "catchup",
        "catchup": {"threshold": 1, "slew": 2, "limit": 3}, "frequency": 1000, "mode": "auto",
    }]);
    let offsets = [
        json!({"offset": "utc"}),
        json!({"offset": "timezone", "timezone": "Europe/Berlin"}),
        json!({"offset": "variable", "adjustment": 1, "basis": "utc"}),
        json!({"offset": "absolute", "start": 1}),
    ];
    let mut found = BTreeSet::new();
    for offset in offsets {
        let clock = json!({"offset": offset, "timers": timers, "tsc_tolerance": 50});
        let read: GuestClock = serde_json::from_value(clock.clone()).unwrap();
        assert_eq!(json!(read), clock, "no field is another's");
        fields(&clock, "", &mut found);
    }
    found.into_iter()
}

/// The fields that events declare, whether or not one of them happened here.
fn declared_in_events() -> impl Iterator<Item = String> {
    let text = fs::read_to_string(root().join("toolstack/lifecycle/event.rs")).unwrap();
    let kinds = text.split("pub enum EventKind {").nth(1).unwrap().split("\n}\n").next().unwrap().to_owned();
    let field = |line: &str| line.strip_prefix("        ")?.split_once(": ").map(|(name, _)| name.to_owned());
    let is_name = |name: &String| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    kinds.lines().filter_map(field).filter(is_name).collect::<Vec<_>>().into_iter()
}

/// The first column of the table under a heading, with the second.
pub fn rows(document: &str, heading: &str) -> Vec<(String, String)> {
    let lines = document
        .lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('#'));
    let cells = lines.filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    cells.map(|(name, text)| (name.to_owned(), text.trim_end_matches(" |").to_owned())).collect()
}

/// A table with these names; descriptions that there are stay.
fn table(document: &str, heading: &str, names: &BTreeSet<String>, what: &str) -> String {
    let known = rows(document, heading);
    let text = |name: &String| known.iter().find(|(known, _)| known == name).map_or("", |(_, text)| text);
    let rows: String = names.iter().map(|name| format!("| `{name}` | {} |\n", text(name))).collect();
    format!("{heading}\n\n| {what} | meaning |\n|---|---|\n{rows}\n")
}

#[test]
fn the_reference_has_every_code_and_every_field() {
    let path = root().join("docs/reference.md");
    let document = fs::read_to_string(&path).unwrap_or_default();
    let mut sections = vec![("## Codes of findings".to_owned(), codes(), "code")];
    sections
        .extend(outputs().into_iter().map(|(command, fields)| (format!("## `{command}`"), fields, "field")));
    if std::env::var_os("XENCLOCK_BLESS").is_some() {
        let head = document.split("\n## ").next().unwrap_or_default().trim_end();
        let tables: String =
            sections.iter().map(|(heading, names, what)| table(&document, heading, names, what)).collect();
        fs::write(&path, format!("{head}\n\n{}\n", tables.trim_end())).unwrap();
    }
    let document = fs::read_to_string(&path).unwrap();
    let mut wrong = Vec::new();
    for (heading, names, _) in &sections {
        let listed: BTreeSet<_> = rows(&document, heading).into_iter().map(|(name, _)| name).collect();
        wrong.extend(names.difference(&listed).map(|name| format!("{heading}: {name} is missing")));
        let described = rows(&document, heading).into_iter().filter(|(_, text)| text.trim().is_empty());
        wrong.extend(described.map(|(name, _)| format!("{heading}: write there what {name} means")));
        wrong.extend(listed.difference(names).map(|name| format!("{heading}: there is no {name}")));
    }
    assert!(
        wrong.is_empty(),
        "docs/reference.md is out of date (XENCLOCK_BLESS=1 cargo test --test command reference):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn codes_are_found_in_sources() {
    let mut codes = BTreeSet::new();
    codes_in(
        "Finding::invalid(\"one\", x); a.unsupported(\n    \"two-2\", y); Finding::new(Verdict::Exact, \"three\", z);\n\
         invalid(name); no_effect(\"Not A Code\", x);\n#[cfg(test)]\nmod tests { invalid(\"four\") }",
        false,
        &mut codes,
    );
    codes_in(
        "unsupported(\"a|b/@c\", \"four\", x), mapped(\"d\", \"e\").or_no_effect(\"five\", x)",
        true,
        &mut codes,
    );
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), ["five", "four", "one", "three", "two-2"]);
}
