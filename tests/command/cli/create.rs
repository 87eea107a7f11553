//! `create`, the life of a domain after it, and its failures, which leave nothing behind.

use serde_json::{Value, json};

use super::usage::lab;
use crate::common::{Lab, domain, own_xml};

fn states(lab: &Lab) -> Vec<String> {
    let list = lab.mock(["list", "--json"]).json();
    list.as_array().unwrap().iter().map(|domain| domain["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_guest_starts_running_or_paused() {
    let lab = lab();
    lab.mock(["create", "guest.xml"]).ok();
    assert_eq!(states(&lab), ["running"]);
    lab.mock(["pause", "guest"]).ok();
    assert_eq!(states(&lab), ["paused"]);
    lab.mock(["unpause", "guest"]).ok();
    assert_eq!(states(&lab), ["running"]);
    lab.mock(["destroy", "guest"]).ok();
    assert_eq!(states(&lab), [] as [&str; 0]);
    assert!(lab.mock(["create", "-p", "guest.xml"]).err.contains("created, paused"));
    assert_eq!(states(&lab), ["paused"]);
}

#[test]
fn a_guest_that_is_asked_to_end_ends() {
    let lab = lab();
    lab.mock(["create", "-q", "guest.xml"]).ok();
    lab.mock(["shutdown", "-w", "guest"]).ok();
    assert_eq!(states(&lab), [] as [&str; 0]);
}

#[test]
fn quiet_says_nothing_but_errors() {
    let lab = lab();
    lab.write("lossy.xml", domain("hvm", "<clock offset='utc'><timer name='kvmclock'/></clock>"));
    let run = lab.mock(["create", "-q", "lossy.xml"]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (0, "", ""));
    let said = lab.mock(["create", "-q", "lossy.xml"]).fails(1);
    assert!(said.contains("exists"), "a second one of the name: {said}");
    assert_eq!(states(&lab).len(), 1);
}

#[test]
fn verbose_says_each_step_before_it_is_done() {
    let lab = lab();
    let said = lab.mock(["-v", "create", "guest.xml"]).err;
    for step in ["create the domain, paused", "read the clock back", "unpause the guest"] {
        assert!(said.contains(step), "{said}");
    }
}

#[test]
fn every_fixture_is_started_or_refused_with_its_place() {
    let lab = Lab::with_host(json!({"memory_mb": 1 << 20}));
    let mut started = 0;
    for xml in own_xml() {
        let run = lab.mock(["create", "--json", xml.to_str().unwrap()]);
        if run.code == 0 {
            let shown: Value = serde_json::from_str(&run.out).unwrap();
            lab.mock(["destroy", &shown["domid"].to_string()]).ok();
            started += 1;
        } else {
            let said = run.fails(1);
            assert!(said.starts_with(&format!("{}:", xml.display())), "{said}");
            assert!(
                ["[tsc-", "[timer-fixed]", "[disk-no-name]"].iter().any(|code| said.contains(code)),
                "only a wrong clock and a disk without a name are refused: {said}"
            );
        }
        assert_eq!(states(&lab), [] as [&str; 0], "{}", xml.display());
    }
    assert!(started > 20, "{started}");
}

/// A guest for which every step of a plan is taken.
const WHOLE_CLOCK: &str = "<clock offset='localtime'><timer name='tsc' frequency='2000000000'/></clock>";

#[test]
fn a_failure_at_any_call_leaves_no_domain() {
    let lab = Lab::with_host(json!({"timezone": "Europe/Berlin"}));
    lab.write("guest.xml", domain("hvm", WHOLE_CLOCK));
    let calls =
        ["facts", "create_paused", "set_initial_tsc", "set_time_offset", "tsc_info", "rtc_record", "unpause"];
    for call in calls {
        for kind in ["permission", "no_memory", "invalid", "not_supported", "io", "other"] {
            lab.mock(["mock", "fail", call, kind]).ok();
            let said = lab.mock(["create", "guest.xml"]).fails(1);
            assert!(said.contains("(injected)"), "{call}: {said}");
            assert_eq!(states(&lab), [] as [&str; 0], "{call} {kind}");
        }
    }
    // Nothing is left that could be in the way of the next.
    lab.mock(["create", "guest.xml"]).ok();
}

#[test]
fn what_cannot_be_taken_away_again_is_said() {
    let lab = lab();
    lab.mock(["mock", "fail", "unpause", "io"]).ok();
    lab.mock(["mock", "fail", "destroy", "permission"]).ok();
    let said = lab.mock(["create", "guest.xml"]).fails(1);
    assert!(said.contains("the new domain could not be destroyed"), "{said}");
}

#[test]
fn a_failure_that_is_taken_back_does_not_strike() {
    let lab = lab();
    lab.mock(["mock", "fail", "unpause", "io", "3"]).ok();
    lab.mock(["mock", "fail", "unpause", "io", "0"]).ok();
    lab.mock(["create", "guest.xml"]).ok();
}

#[test]
fn a_rule_puts_a_local_bridge_in_the_place_of_a_network() {
    let lab = Lab::with_host(json!({}));
    lab.write(
        "guest.xml",
        domain("hvm", "<devices><interface type='network'><source network='default'/></interface></devices>"),
    );
    lab.write("guest.cfg", "name = \"guest\"\ntype = \"hvm\"\nmemory = 64\nvif = [ \"bridge=virbr0\" ]\n");
    lab.write("rules", "bridge:virbr0=xenbr9\n");
    for words in [
        &["create", "-n", "--map", "network:default=xenbr9", "guest.xml"][..],
        &["create", "-n", "--map-file", "rules", "guest.cfg"],
    ] {
        let run = lab.mock(words.iter().copied());
        let config: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        assert_eq!(config["nics"][0]["bridge"], "xenbr9", "{run:?}");
    }
    let unused = lab.mock(["plan", "--map", "network:other=xenbr9", "guest.xml"]);
    assert!(unused.err.contains("nothing uses network:other=xenbr9"), "{unused:?}");
    let wrong = lab.mock(["create", "--map", "network", "guest.xml"]).fails(2);
    assert!(wrong.contains("--map network"), "{wrong}");
}
