//! Clocks and TSCs end to end: from the XML through `create` on a mock host to `clock-show`.
//!
//! The cases are those in `tests/cases/` and, if they are present, those that several projects share.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::{Lab, domain, root};
use serde_json::{Value, json};

type Row = BTreeMap<String, String>;

/// The rows of all tables of a name, by column.
pub fn rows(table: &str) -> Vec<Row> {
    let own = root().join("tests/cases").join(table);
    let all: Vec<_> = [Some(own), xentest::shared(&format!("cases/{table}"))].into_iter().flatten().collect();
    all.iter().flat_map(|path| rows_of(path)).collect()
}

fn rows_of(path: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let row = |cells: Vec<String>| {
        assert_eq!(cells.len(), names.len(), "{}: {cells:?}", path.display());
        names.iter().cloned().zip(cells).collect()
    };
    lines.map(row).collect()
}

/// Whether named zones can be looked up; without them hardly a case can be set up.
fn has_zones() -> bool {
    let there = Path::new("/usr/share/zoneinfo/Europe/Berlin").exists();
    if !there {
        xentest::skip("no tz database in /usr/share/zoneinfo", "apt-get install tzdata");
    }
    there
}

/// The clock that `create` gives a guest on such a host, or what it says against it; then no guest is left.
fn created(guest: &str, clock: &str, facts: Value) -> Result<Value, String> {
    let lab = Lab::with_host(facts);
    lab.write("guest.xml", domain(guest, clock));
    let run = lab.mock(["create", "-q", "guest.xml"]);
    if run.code == 0 {
        assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""), "-q says nothing");
        return Ok(lab.mock(["clock-show", "guest", "--json"]).json());
    }
    let said = run.fails(1);
    assert!(said.starts_with("guest.xml:1:"), "{said}");
    assert_eq!(lab.mock(["list", "--json"]).json(), json!([]), "a guest is left");
    Err(said)
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

#[test]
fn clocks() {
    if !has_zones() {
        return;
    }
    for row in rows("clock.tsv") {
        let facts = json!({"now": row["now"], "timezone": row["host_zone"]});
        let (offset, tracked) = match created(&row["guest"], &row["clock"], facts) {
            Ok(shown) => {
                let rtc = &shown["rtc"];
                assert_eq!(shown["type"], row["guest"].as_str());
                (rtc["offset"].to_string(), yes(rtc["tracked"].as_bool().unwrap()))
            }
            Err(_) => ("error".to_owned(), "-"),
        };
        assert_eq!((offset, tracked), (row["offset"].clone(), row["tracked"].as_str()), "{row:?}");
    }
}

#[test]
fn tscs() {
    for row in rows("tsc.tsv") {
        let facts = json!({
            "timezone": "UTC",
            "cpu_khz": row["host_khz"].parse::<u32>().unwrap(),
            "tsc_reliable": row["host_reliable"] == "yes",
            "tsc_scaling": row["host_scaling"] == "yes",
        });
        let clock = match row["timer"].as_str() {
            "" => String::new(),
            timer => format!("<clock offset='utc'>{timer}</clock>"),
        };
        let found = match created(&row["guest"], &clock, facts) {
            Ok(shown) => {
                let tsc = &shown["tsc"];
                [
                    tsc["mode"].as_str().unwrap().to_owned(),
                    tsc["khz"].to_string(),
                    tsc["behaviour"].as_str().unwrap().to_owned(),
                ]
            }
            Err(_) => ["error", "-", "-"].map(str::to_owned),
        };
        assert_eq!(found, ["tsc_mode", "khz", "behaviour"].map(|name| row[name].clone()), "{row:?}");
    }
}

#[test]
fn what_is_shown_of_a_clock_has_all_its_parts() {
    if !has_zones() {
        return;
    }
    let facts = json!({"cpu_khz": 2_600_000, "tsc_reliable": true, "tsc_scaling": true});
    let clock = "<uuid>6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11</uuid>\
                 <clock offset='localtime' adjustment='600'><timer name='tsc' frequency='2000000000'/></clock>";
    let shown = created("hvm", clock, facts).unwrap();
    let known = json!({
        "domid": 1,
        "name": "guest",
        "uuid": "6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11",
        "type": "hvm",
    });
    for (key, value) in known.as_object().unwrap() {
        assert_eq!(&shown[key], value, "{key}");
    }
    assert_eq!(shown["rtc"]["time"], "2026-07-01T14:10:00");
    assert_eq!(shown["tsc"]["incarnation"], 1, "a TSC set at birth was never migrated");
    assert!(shown["rtc"]["source"].as_str().unwrap().contains("Europe/Berlin"), "{shown}");
}

/// The example of libvirt's own reference for `<clock>`.
const REFERENCE: &str = "<clock offset='localtime'>
<timer name='rtc' tickpolicy='catchup' track='guest'>
<catchup threshold='123' slew='120' limit='10000'/>
</timer>
<timer name='pit' tickpolicy='delay'/>
</clock>";

#[test]
fn the_reference_example_is_started_with_a_word_on_each_tunable_that_xen_lacks() {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.xml", domain("hvm", REFERENCE));
    let run = lab.mock(["create", "guest.xml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    for (place, code) in [
        ("2:40", "rtc-track"),
        ("3:10", "catchup-tunable"),
        ("3:26", "catchup-tunable"),
        ("3:37", "catchup-tunable"),
        ("5:19", "one-policy"),
    ] {
        let said = run.err.lines().any(|line| {
            line.starts_with(&format!("guest.xml:{place}: ")) && line.ends_with(&format!("[{code}]"))
        });
        assert!(said, "no word at {place} on {code}: {}", run.err);
    }
    for name in ["threshold", "slew", "limit"] {
        assert!(run.err.contains(&format!("no {name} ")), "{}", run.err);
    }
}
