//! Findings on names that libvirt's schema does not have, and on names without equivalent on Xen.

use crate::common::{FIXED, Lab, domain};
use serde_json::Value;

/// What `convert` says of each node of a domain with this inside.
fn said(inside: &str) -> Vec<Value> {
    let lab = Lab::new();
    lab.write("guest.xml", domain("hvm", inside));
    let run = lab.run(["convert", "--diagnostics", "json", "guest.xml"].into_iter().chain(FIXED));
    assert_eq!(run.code, 0, "{run:?}");
    serde_json::from_str(&run.err).unwrap()
}

#[track_caller]
fn on<'v>(said: &'v [Value], node: &str) -> &'v Value {
    said.iter().find(|entry| entry["node"] == node).unwrap_or_else(|| panic!("nothing on {node}"))
}

/// That a node is said to be so, with this alternative.
#[track_caller]
fn is(inside: &str, node: &str, verdict: &str, code: &str, alternative: Option<&str>) {
    let said = said(inside);
    let entry = on(&said, node);
    assert_eq!((entry["verdict"].as_str(), entry["code"].as_str()), (Some(verdict), Some(code)), "{entry}");
    assert_eq!(entry["alternative"].as_str(), alternative, "{entry}");
}

#[test]
fn an_unknown_name_is_reported_with_the_nearest_known_one() {
    for (inside, node, alternative) in [
        ("<Vcpu>2</Vcpu>", "/domain/Vcpu", Some("write <vcpu>")),
        ("<memtunes/>", "/domain/memtunes", Some("write <memtune>")),
        ("<currentmemory>1</currentmemory>", "/domain/currentmemory", Some("write <currentMemory>")),
        (
            "<devices><interfcae type='bridge'/></devices>",
            "/domain/devices/interfcae",
            Some("write <interface>"),
        ),
        // Not near to anything here, but known elsewhere.
        ("<emulator>/x</emulator>", "/domain/emulator", Some("put <emulator> into <devices>")),
        ("<nonsense/>", "/domain/nonsense", None),
    ] {
        is(inside, node, "unsupported", "unknown-element", alternative);
    }
    for (inside, node, alternative) in [
        ("<vcpu cpu_set='1'>2</vcpu>", "/domain/vcpu/@cpu_set", Some("write cpuset=")),
        ("<clock Offset='utc'/>", "/domain/clock/@Offset", Some("write offset=")),
        ("<vcpu nonsense='1'>2</vcpu>", "/domain/vcpu/@nonsense", None),
    ] {
        is(inside, node, "unsupported", "unknown-attribute", alternative);
    }
}

#[test]
fn an_unknown_name_is_reported_wherever_it_stands() {
    // In what has no effect, in what is left out, in what is read; and what is in it goes with it.
    for (inside, node) in [
        ("<memoryBacking><hugepage/></memoryBacking>", "/domain/memoryBacking/hugepage"),
        ("<devices><rng model='virtio'><backand/></rng></devices>", "/domain/devices/rng/backand"),
        ("<devices><memballoon><stat/></memballoon></devices>", "/domain/devices/memballoon/stat"),
        ("<clock><timer name='pit'><catchups/></timer></clock>", "/domain/clock/timer/catchups"),
        ("<foreign><name/></foreign>", "/domain/foreign/name"),
    ] {
        assert_eq!(on(&said(inside), node)["code"], "unknown-element", "{inside}");
    }
    is(
        "<devices><memballoon modle='xen'/></devices>",
        "/domain/devices/memballoon/@modle",
        "unsupported",
        "unknown-attribute",
        Some("write model="),
    );
}

#[test]
fn other_programs_have_namespaces_of_their_own() {
    let metadata = "<metadata><x:note xmlns:x='urn:x'><anything goes='1'/></x:note><any/></metadata>";
    for entry in said(metadata) {
        assert!(entry["verdict"] == "exact" || entry["verdict"] == "no-effect", "{entry}");
    }
    let elsewhere = "<x:note xmlns:x='urn:x'><anything goes='1'/></x:note>";
    is(elsewhere, "/domain/x:note", "no-effect", "foreign-namespace", None);
    is(elsewhere, "/domain/x:note/anything/@goes", "no-effect", "foreign-namespace", None);
    is("<note xmlns='urn:x'/>", "/domain/note", "no-effect", "foreign-namespace", None);
    // libvirt's own namespaces have names, too; the prefix does not matter.
    let qemu = "xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'";
    is(
        &format!("<q:capabilities {qemu}><q:add capability='x'/></q:capabilities>"),
        "/domain/q:capabilities",
        "no-effect",
        "qemu-capabilities",
        None,
    );
    is(
        &format!("<q:commandlines {qemu}/>"),
        "/domain/q:commandlines",
        "unsupported",
        "unknown-element",
        Some("write <q:commandline>"),
    );
    is(
        "<qemu:commandline/>",
        "/domain/qemu:commandline",
        "unsupported",
        "unknown-element",
        Some("write <domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' ...>"),
    );
}

#[test]
fn what_is_asked_for_as_every_guest_has_it_is_no_loss() {
    for (inside, node) in [
        ("<features><smm state='off'/></features>", "/domain/features/smm"),
        ("<features><smm state='off'><tseg>8</tseg></smm></features>", "/domain/features/smm/tseg"),
        ("<features><pmu state='off'/></features>", "/domain/features/pmu"),
    ] {
        assert_eq!(on(&said(inside), node)["verdict"], "no-effect", "{inside}");
    }
    let on_node = said("<features><smm state='on'><tseg>8</tseg></smm></features>");
    assert_eq!(on(&on_node, "/domain/features/smm/tseg")["verdict"], "unsupported");
}

#[test]
fn an_alternative_is_for_the_way_that_the_xml_is_used() {
    let inside = "<maxMemory slots='4' unit='MiB'>128</maxMemory><features><virtualization/></features>";
    let lab = Lab::with_host(serde_json::json!({"timezone": "UTC"}));
    lab.write("guest.xml", domain("hvm", inside));
    let alternatives = |words: &[&str]| {
        let run = lab.mock(words.iter().copied());
        assert_eq!(run.code, 0, "{run:?}");
        let alternatives = run.err.lines().filter_map(|line| line.trim().strip_prefix("instead: "));
        alternatives.map(str::to_owned).collect::<Vec<_>>()
    };
    let larger = "write the maximum size in <memory> and the initial size in <currentMemory>; with NUMA cells, write the maximum in the cells";
    let in_file = "write nestedhvm = 1";
    assert_eq!(alternatives(&["convert", "guest.xml"]), [larger, in_file]);
    assert_eq!(alternatives(&["convert", "--to", "json", "guest.xml"]), [larger]);
    assert_eq!(alternatives(&["create", "guest.xml"]), [larger]);
}
