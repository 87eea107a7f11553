//! `dumpxml`: a running domain as XML, with its present clock or with that of its next start.

use serde_json::json;
use xenclock::domain::changes;
use xenclock::xml;

use crate::common::{Lab, domain};

const CLOCK: &str = "<clock offset='variable' adjustment='3600' basis='localtime'>
    <timer name='rtc' tickpolicy='catchup'/><timer name='tsc' frequency='2399999123'/></clock>";

#[test]
fn a_running_domain_as_it_is_now_and_as_it_starts_next() {
    let lab = Lab::with_host(json!({}));
    lab.write("guest.xml", domain("hvm", CLOCK));
    lab.mock(["create", "guest.xml"]).ok();
    lab.mock(["mock", "write-rtc", "guest", "+90"]).ok();
    let now = lab.mock(["dumpxml", "guest"]).ok();
    let read = xml::read("guest.xml", now.as_bytes()).unwrap();
    assert_eq!(read.report.losses().count(), 0, "{now}");
    assert!(now.starts_with("<domain type='xen' id='1'>\n  <name>guest</name>\n"), "{now}");
    assert!(now.contains("<clock offset='variable' adjustment='10890' basis='utc'>"), "{now}");
    assert!(now.contains("<timer name='tsc' frequency='2399999123' mode='auto'/>"), "{now}");
    let next = lab.mock(["dumpxml", "--inactive", "guest"]).ok();
    assert!(next.starts_with("<domain type='xen'>\n"), "{next}");
    assert!(next.contains("<clock offset='variable' adjustment='3600' basis='localtime'>"), "{next}");
    // It starts again from that.
    let again = xml::read("next.xml", next.as_bytes()).unwrap().domain;
    let first = xml::read("guest.xml", lab.read("guest.xml").as_bytes()).unwrap().domain;
    assert_eq!(again.clock, first.clock);
    let uuid = again.config.c_info.uuid;
    let mut first = first.config;
    first.c_info.uuid = uuid;
    let differ = changes::between((&first, &again.clock), (&again.config, &again.clock));
    assert!(differ.is_empty(), "{differ:?}");
}

#[test]
fn passwords_are_shown_only_when_asked_for() {
    let lab = Lab::with_host(json!({}));
    let screen = "<devices><graphics type='vnc' port='5901' autoport='no' passwd='secret'/></devices>";
    lab.write("guest.xml", domain("hvm", screen));
    lab.mock(["create", "guest.xml"]).ok();
    let hidden = lab.mock(["dumpxml", "guest"]).ok();
    assert!(hidden.contains("port='5901'") && !hidden.contains("secret"), "{hidden}");
    assert!(lab.mock(["dumpxml", "--security-info", "guest"]).ok().contains("passwd='secret'"));
    lab.mock(["dumpxml", "nobody"]).fails(1);
}
