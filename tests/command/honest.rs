//! Verdicts are true: a node that is called exact is converted, and a node that no mapping knows is called lost.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::common::all_xml;
use chrono::{DateTime, Utc};
use roxmltree::{Document, Node};
use timers::Moment;
use timers::zone::{Zone, default_zones};
use xenclock::convert::{Format, convert};
use xenclock::diag::{Diagnostic, Errors, Verdict};
use xenclock::xml;

/// What became of an input: xl.cfg without its comments, libxl's JSON, and the report for the former.
struct Converted {
    written: [String; 2],
    report: Vec<Diagnostic>,
}

fn converted(text: &str) -> Result<Converted, Errors> {
    let zones = default_zones();
    let now: DateTime<Utc> = crate::common::NOW.parse().unwrap();
    let at = Moment { now, host_zone: &Zone::utc(), zones: &*zones };
    let mut input = xml::read("guest.xml", text.as_bytes())?;
    let json = convert(&mut input.clone(), Format::Json, &at)?;
    let cfg = convert(&mut input, Format::Xl, &at)?;
    let cfg = cfg.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    Ok(Converted { written: [cfg, json], report: input.report.all().collect() })
}

/// A path without the numbers of siblings.
fn numberless(path: &str) -> String {
    path.split('/').map(|step| step.split('[').next().unwrap()).collect::<Vec<_>>().join("/")
}

/// A document in which every element has an attribute and a child that nobody knows, each named `foreign`.
fn with_foreigners(text: &str) -> String {
    let document = Document::parse(text).unwrap();
    let mut additions = Vec::new();
    for element in document.descendants().filter(Node::is_element) {
        let range = element.range();
        let whole = &text[range.clone()];
        let name = whole.find(|c: char| c.is_whitespace() || c == '/' || c == '>').unwrap();
        additions.push((range.start + name, " foreign='1'"));
        if !whole.ends_with("/>") {
            additions.push((range.start + whole.rfind("</").unwrap(), "<foreign/>"));
        }
    }
    additions.sort_unstable();
    let mut out = text.to_owned();
    for (at, addition) in additions.into_iter().rev() {
        out.insert_str(at, addition);
    }
    out
}

#[test]
fn what_no_mapping_knows_is_never_called_exact() {
    for path in all_xml() {
        let text = with_foreigners(&fs::read_to_string(&path).unwrap());
        let report =
            converted(&text).unwrap_or_else(|invalid| panic!("{}: {invalid}", path.display())).report;
        let of = |node: &str| report.iter().find(|entry| entry.node == node);
        let mut seen = 0;
        for entry in &report {
            let Some((around, step)) = entry.node.rsplit_once('/') else { continue };
            // Metadata is kept whole, as it is written.
            if !["@foreign", "foreign"].contains(&step.split('[').next().unwrap())
                || around.starts_with("/domain/metadata")
            {
                continue;
            }
            seen += 1;
            let around = of(around).unwrap();
            let with_it =
                around.finding.code == entry.finding.code && around.finding.verdict != Verdict::Exact;
            let lost = entry.finding.verdict == Verdict::Unsupported;
            assert!(
                lost || with_it,
                "{}: {entry} [{}] at {}",
                path.display(),
                entry.finding.code,
                entry.node
            );
        }
        assert!(seen > 3, "{}: {seen}", path.display());
    }
}

#[test]
fn what_is_in_something_left_out_is_not_called_exact() {
    for path in all_xml() {
        let report = converted(&fs::read_to_string(&path).unwrap()).unwrap().report;
        for entry in report.iter().filter(|entry| entry.finding.verdict == Verdict::Exact) {
            let left_out = report.iter().find(|around| {
                around.finding.verdict == Verdict::Unsupported
                    && entry.node.starts_with(&format!("{}/", around.node))
            });
            assert!(
                left_out.is_none(),
                "{}: {} is called exact, but {left_out:?}",
                path.display(),
                entry.node
            );
        }
    }
}

/// Attributes and texts that change nothing when they have this value, since it is the same without them, or is said elsewhere too.
const DEFAULTS: &[(&str, &[&str])] = &[
    ("/domain/@type", &["xen"]),
    ("/domain/clock/@adjustment", &["0"]),
    ("/domain/clock/@basis", &["utc"]),
    ("/domain/clock/@offset", &["utc"]),
    ("/domain/clock/timer/@present", &["yes"]),
    ("/domain/currentMemory/@unit", &["KiB"]),
    ("/domain/memory/@unit", &["KiB"]),
    ("/domain/cpu/feature/@policy", &["require"]),
    ("/domain/cpu/numa/cell/@cpus", &["0", "0-1"]),
    ("/domain/cpu/numa/cell/@id", &["0", "1", "2", "3", "4", "5"]),
    ("/domain/cpu/numa/cell/@unit", &["KiB"]),
    ("/domain/devices/channel/target/@type", &["xen"]),
    ("/domain/devices/console/@type", &["pty"]),
    ("/domain/devices/controller/@model", &["qusb2"]),
    ("/domain/devices/disk/driver/@name", &["qemu"]),
    ("/domain/devices/filesystem/@accessmode", &["passthrough"]),
    ("/domain/devices/filesystem/@type", &["mount"]),
    ("/domain/devices/hostdev/@mode", &["subsystem"]),
    ("/domain/devices/hostdev/source/address/@domain", &["0x0000"]),
    ("/domain/devices/hostdev/source/address/@function", &["0x0"]),
    ("/domain/devices/hostdev/source/address/@slot", &["0x00"]),
    ("/domain/devices/interface/script/@path", &["vif-openvswitch"]),
    ("/domain/devices/redirdev/@type", &["spicevmc"]),
    ("/domain/devices/serial/protocol/@type", &["raw"]),
    ("/domain/devices/serial/source/@mode", &["connect"]),
    ("/domain/devices/video/model/@ram", &["65536"]),
    ("/domain/devices/video/model/@vram", &["65536"]),
    ("/domain/devices/controller/@type", &["xenbus"]),
    ("/domain/devices/disk/@device", &["disk"]),
    ("/domain/devices/disk/@type", &["file", "block"]),
    ("/domain/devices/disk/driver/@type", &["raw"]),
    ("/domain/devices/disk/target/@bus", &["xen", "ide", "fdc", "sata", "scsi"]),
    ("/domain/devices/disk/target/@dev", &["fda"]),
    ("/domain/devices/graphics/@autoport", &["yes", "no"]),
    ("/domain/devices/graphics/@listen", &["127.0.0.1"]),
    ("/domain/devices/graphics/@port", &["-1"]),
    ("/domain/devices/graphics/listen/@address", &["127.0.0.1"]),
    ("/domain/devices/graphics/listen/@type", &["address"]),
    ("/domain/devices/interface/ip/@family", &["ipv4", "ipv6"]),
    ("/domain/features/hap/@state", &["on"]),
    ("/domain/features/hyperv/@mode", &["custom"]),
    ("/domain/features/hyperv/@state", &["on"]),
    ("/domain/numatune/memory/@nodeset", &["0"]),
    ("/domain/os/@firmware", &["efi"]),
    ("/domain/os/loader/@type", &["rom"]),
    ("/domain/os/type/@arch", &["x86_64"]),
    ("/domain/os/type/@machine", &["xenfv", "xenpv", "xenpvh"]),
    ("/domain/bootloader/text()", &["pygrub"]),
    ("/domain/currentMemory/text()", &["430080", "524288", "1048576", "8388608"]),
    ("/domain/on_crash/text()", &["destroy"]),
    ("/domain/on_poweroff/text()", &["destroy"]),
    ("/domain/on_reboot/text()", &["restart"]),
    ("/domain/vcpu/@placement", &["static"]),
    ("/domain/vcpu/text()", &["1"]),
];

fn is_default(path: &str, value: &str) -> bool {
    // Each enlightenment has a state.
    let enlightenment = path.starts_with("/domain/features/hyperv/") && path.ends_with("/@state");
    let path = if enlightenment { "/domain/features/hyperv/@state" } else { path };
    DEFAULTS.iter().any(|(known, values)| *known == path && values.contains(&value))
}

/// The attributes and texts called exact that can be taken out of a document without any change of what is written.
fn without_effect(path: &Path) -> BTreeSet<(String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let document = Document::parse(&text).unwrap();
    let attributes = document.descendants().flat_map(|element| element.attributes());
    let attributes = attributes.map(|attribute| (attribute.range(), attribute.value()));
    let texts =
        document.descendants().filter(|node| node.is_text() && !node.text().unwrap().trim().is_empty());
    let texts = texts.map(|node| (node.range(), node.text().unwrap()));
    let whole = converted(&text).unwrap();
    let mut found = BTreeSet::new();
    for (range, value) in attributes.chain(texts) {
        let blank = text[range.clone()].len() - text[range.clone()].trim_start().len();
        let at = document.text_pos_at(range.start + blank);
        let (line, column) = (at.row as usize, at.col as usize);
        let entry =
            whole.report.iter().find(|entry| (entry.place.line, entry.place.column) == (line, column));
        // Of a text around comments only the first piece has an entry.
        let Some(entry) = entry.filter(|entry| entry.finding.verdict == Verdict::Exact) else { continue };
        if entry.node.starts_with("/domain/metadata") {
            continue;
        }
        let without = format!("{}{}", &text[..range.start], &text[range.end..]);
        if converted(&without).is_ok_and(|without| without.written == whole.written) {
            found.insert((numberless(&entry.node), value.trim().to_owned()));
        }
    }
    found
}

#[test]
fn what_is_called_exact_is_carried_over() {
    let mut wrong = BTreeSet::new();
    for path in all_xml() {
        let redundant = without_effect(&path).into_iter().filter(|(node, value)| !is_default(node, value));
        wrong.extend(redundant.map(|(node, value)| format!("{node}='{value}' in {}", path.display())));
    }
    assert!(wrong.is_empty(), "called exact, and change nothing: {wrong:#?}");
}
