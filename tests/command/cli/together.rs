//! Several commands at once on one state file.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::json;

use super::usage::lab;

#[test]
fn creates_at_the_same_time_lose_nothing() {
    let lab = lab();
    let start = |number: usize| {
        let name = format!("name=guest-{number}");
        let mut command = lab.command(["--backend", "mock:mock.json", "create", "-q", "guest.xml", &name]);
        command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap()
    };
    let children: Vec<_> = (0..12).map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let list = lab.mock(["list", "--json"]).json();
    let list = list.as_array().unwrap();
    let unique = |key: &str| list.iter().map(|domain| domain[key].to_string()).collect::<BTreeSet<_>>().len();
    assert_eq!((list.len(), unique("name"), unique("domid")), (12, 12, 12));
    assert!(list.iter().all(|domain| domain["state"] == "running"));
    // Each has the record of its clock.
    let clocks = lab.mock(["clock-list", "--json"]).json();
    assert!(clocks.as_array().unwrap().iter().all(|view| !view["clock"].is_null()), "{clocks}");
}

#[test]
fn of_creates_of_one_name_one_wins() {
    let lab = lab();
    let start = || {
        lab.command(["--backend", "mock:mock.json", "create", "-q", "guest.xml"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..6).map(|_| start()).collect();
    let won =
        children.into_iter().map(|mut child| child.wait().unwrap()).filter(|status| status.success()).count();
    assert_eq!(won, 1);
    assert_eq!(lab.mock(["list", "--json"]).json()[0]["name"], json!("guest"));
}
