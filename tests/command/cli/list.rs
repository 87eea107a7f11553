//! `xenclock list`, in xl's columns; `tests/contract_fakexen/xl.rs` puts it beside the real xl.

use serde_json::json;

use super::usage::lab;
use crate::common::{Lab, domain};

const HEAD: &str = "Name                                        ID   Mem VCPUs\tState\tTime(s)";
const DOM0: &str = "Domain-0                                     0  1024     1     r-----       0.0";

/// One runs, one is paused, one has ended.
fn three() -> Lab {
    let lab = lab();
    for name in ["run", "held", "over"] {
        let xml = domain("hvm", "<on_poweroff>preserve</on_poweroff>").replace("guest", name);
        lab.write("domain.xml", xml);
        lab.mock(["create", "-p", "domain.xml"]).ok();
    }
    lab.mock(["unpause", "run"]).ok();
    lab.mock(["unpause", "over"]).ok();
    lab.mock(["mock", "poweroff", "over"]).ok();
    lab
}

#[test]
fn every_domain_has_a_line() {
    let run = "run                                          1    64     1     r-----       0.0";
    let held = "held                                         2    64     1     --p---       0.0";
    let over = "over                                         3    64     1     ---s--       0.0";
    let lab = three();
    assert_eq!(lab.mock(["list"]).ok(), format!("{HEAD}\n{DOM0}\n{run}\n{held}\n{over}\n"));
    assert_eq!(lab.mock(["list", "Domain-0"]).ok(), format!("{HEAD}\n{DOM0}\n"));
    assert_eq!(lab.mock(["list", "0"]).ok(), format!("{HEAD}\n{DOM0}\n"));
    assert_eq!(lab.mock(["list", "2"]).ok(), format!("{HEAD}\n{held}\n"));
    assert_eq!(lab.mock(["list", "over", "1"]).ok(), format!("{HEAD}\n{over}\n{run}\n"));
    assert_eq!(
        lab.mock(["list", "-c", "-n", "held"]).ok(),
        format!("{HEAD}         Cpupool NODE Affinity\n{held}          Pool-0 all\n")
    );
    assert_eq!(
        lab.mock(["list", "-Z", "held"]).ok(),
        format!("{HEAD}   Security Label\n{held}                -\n")
    );
    let uuid = lab.mock(["list", "--json", "over"]).json()[0]["uuid"].as_str().unwrap().to_owned();
    assert_eq!(
        lab.mock(["list", "--verbose", "over"]).ok(),
        format!(
            "{HEAD}   UUID                            Reason-Code\tSecurity Label\n{over} {uuid}        0                -\n"
        )
    );
}

#[test]
fn the_long_form_has_the_configs() {
    let lab = three();
    let listed = lab.mock(["list", "-l"]).json();
    let told: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["domid"].as_u64().unwrap(), entry["config"]["c_info"]["name"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [(1, "run"), (2, "held"), (3, "over")]);
    let one = lab.mock(["list", "--long", "held"]).ok();
    assert!(one.starts_with("[\n    {\n        \"domid\": 2,\n        \"config\": {\n"), "{one}");
    assert!(one.ends_with("}\n]\n\n"), "{one}");
}

#[test]
fn a_word_of_digits_is_a_number_to_all_commands() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml", "name=99999999999"]).ok();
    assert!(lab.mock(["list", "99999999999"]).fails(1).contains("no domain '99999999999'"));
    assert!(lab.mock(["clock-show", "99999999999"]).fails(1).contains("no domain has the ID 99999999999"));
}

#[test]
fn as_json_there_are_the_guests_unless_dom0_is_named() {
    let lab = three();
    let names = |words: &[&str]| -> Vec<String> {
        let listed = lab.mock(words.iter().copied()).json();
        listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["list", "--json"]), ["run", "held", "over"]);
    assert_eq!(names(&["list", "--json", "0", "run"]), ["Domain-0", "run"]);
    let over = &lab.mock(["list", "--json", "over"]).json()[0];
    assert_eq!(over["flags"]["shutdown"], json!("poweroff"));
    assert_eq!(over["cpu_time_ns"], json!(1_000_000));
    lab.mock(["list", "--json", "-l"]).fails(2);
}

/// What `list -l` and `create -N` print is an input of `check` and `convert`, and what a refusal says to do works.
#[test]
fn a_long_list_of_one_guest_is_a_file_to_read() {
    let lab = three();
    for words in [["list", "-l", "run"], ["-N", "create", "domain.xml"]] {
        lab.write("long.json", lab.mock(words).ok());
        lab.mock(["check", "long.json"]).ok();
        lab.write("run.cfg", lab.mock(["convert", "long.json"]).ok());
        lab.mock(["check", "run.cfg"]).ok();
    }
    lab.write("all.json", lab.mock(["list", "-l"]).ok());
    for words in [["check", "all.json"], ["convert", "all.json"]] {
        let said = lab.mock(words);
        assert_ne!(said.code, 0);
        let said = said.out + &said.err;
        assert!(
            said.contains("the list has 3 domains, expected one: run, held, over [json-domains]"),
            "{said}"
        );
        assert!(
            said.contains("instead: give each domain a file of its own: xl list -l run > run.json"),
            "{said}"
        );
    }
}
