//! Walks libvirt's own schema, if it is installed (Debian: libvirt0): a document for every element, attribute and
//! value, and its findings.

#![allow(clippy::unwrap_used)]

mod rng;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, mpsc};

use rng::{Goal, Grammar, Made};

use super::names::{NAMESPACES, Names};
use super::row::Row;
use super::rows;
use crate::assess::Target;
use crate::convert::lower;
use crate::diag::{Diagnostic, Errors, Verdict};
use crate::xml;

/// Codes of findings that say nothing of the node in particular.
const GENERIC: &[&str] = &["not-mapped", "repeated", "stray-text", "unknown-element", "unknown-attribute"];

/// The directory of libvirt's schemas. XENCLOCK_LIBVIRT_SCHEMAS names another one, for those of another libvirt.
fn schemas() -> PathBuf {
    std::env::var_os("XENCLOCK_LIBVIRT_SCHEMAS")
        .map_or_else(|| "/usr/share/libvirt/schemas".into(), PathBuf::from)
}

fn grammar() -> Option<Grammar> {
    let grammar = Grammar::load(&schemas(), "domain.rng");
    if grammar.is_none() {
        let why = format!("no domain.rng in {}", schemas().display());
        xentest::skip(
            &why,
            "apt-get install libvirt0, or name another directory in XENCLOCK_LIBVIRT_SCHEMAS",
        );
    }
    grammar
}

/// The requirements of libvirt's own parser: elements, their types (`*`: any), a child of theirs (or they themselves)
/// and an attribute with a value.
const NEEDED: &[(&str, &str, &str, &str, &str)] = &[
    ("graphics", "spice", "", "port", "5900"),
    ("hostdev", "pci", "source/address", "bus", "0x01"),
    ("hostdev", "usb", "source/vendor", "id", "0x046d"),
    ("hostdev", "usb", "source/product", "id", "0xc52b"),
    ("interface", "hostdev", "source/address", "bus", "0x01"),
    ("disk", "network", "source", "protocol", "nbd"),
    ("disk", "network", "source", "name", "name"),
    ("disk", "network", "source/host", "name", "192.0.2.1"),
    ("disk", "*", "target", "dev", "vda"),
    ("disk", "file|", "source", "file", "/disk"),
    ("disk", "block", "source", "dev", "/dev/disk"),
    ("serial|parallel|console|channel", "dev|file|pipe|unix", "source", "path", "/path"),
    ("serial|parallel|console|channel", "tcp|udp", "source", "host", "192.0.2.1"),
    ("serial|parallel|console|channel", "tcp|udp", "source", "service", "4555"),
    ("serial|parallel|console|channel", "tcp", "source", "mode", "connect"),
    (
        "channel",
        "pty|dev|file|pipe|unix|tcp|udp|null|stdio|vc|spicevmc|spiceport|nmdm|qemu-vdagent|dbus",
        "target",
        "name",
        "name",
    ),
    ("filesystem", "mount|bind|", "source", "dir", "/path"),
    ("filesystem", "file", "source", "file", "/path"),
    ("filesystem", "block", "source", "dev", "/dev/path"),
    ("filesystem", "template", "source", "name", "name"),
    ("input", "evdev", "source", "dev", "/dev/input/event0"),
];

/// Attributes with their values.
type Attributes = &'static [(&'static str, &'static str)];

/// Kinds of devices in which Xen's mappings look at most of what is in the device. The schema's smallest device is often
/// of another kind, which is left out as a whole.
const KINDS: &[(&str, &[Attributes])] = &[
    ("hostdev", &[&[("mode", "subsystem"), ("type", "pci")], &[("mode", "subsystem"), ("type", "usb")]]),
    ("graphics", &[&[("type", "vnc")], &[("type", "spice")], &[("type", "sdl")]]),
    (
        "interface",
        &[&[("type", "bridge")], &[("type", "network")], &[("type", "ethernet")], &[("type", "hostdev")]],
    ),
    (
        "disk",
        &[
            &[("type", "file")],
            &[("type", "network")],
            &[("type", "file"), ("device", "cdrom")],
            &[("type", "file"), ("device", "floppy")],
            &[("type", "block"), ("device", "lun")],
        ],
    ),
    (
        "input",
        &[&[("type", "tablet"), ("bus", "usb")], &[("type", "mouse"), ("bus", "ps2")], &[("type", "evdev")]],
    ),
    ("filesystem", &[&[("type", "mount")]]),
    ("channel", &[&[("type", "unix")], &[("type", "spicevmc")]]),
    (
        "serial",
        &[
            &[("type", "pty")],
            &[("type", "tcp")],
            &[("type", "udp")],
            &[("type", "unix")],
            &[("type", "file")],
        ],
    ),
    ("console", &[&[("type", "pty")], &[("type", "tcp")], &[("type", "file")]]),
    ("parallel", &[&[("type", "file")]]),
    ("redirdev", &[&[("bus", "usb"), ("type", "spicevmc")], &[("bus", "usb"), ("type", "tcp")]]),
    ("sound", &[&[("model", "ich6")]]),
    ("watchdog", &[&[("model", "i6300esb")]]),
    (
        "controller",
        &[
            &[("type", "xenbus")],
            &[("type", "usb")],
            &[("type", "usb"), ("model", "qusb2")],
            &[("type", "virtio-serial")],
        ],
    ),
    ("memory", &[&[("model", "dimm")], &[("model", "nvdimm")], &[("model", "virtio-mem")]]),
];

/// Elements beside which a mapping looks at more of others: the child of the domain that is looked at, the way to the
/// element, and its attributes.
const BESIDE: &[(&str, &str, Attributes)] = &[
    ("devices", "devices/graphics", &[("type", "spice"), ("port", "5900"), ("autoport", "no")]),
    ("numatune", "numatune/memnode", &[("cellid", "0"), ("mode", "strict"), ("nodeset", "0")]),
    ("numatune", "cpu/numa/cell", &[("id", "0"), ("memory", "65536")]),
];

impl Made {
    fn child(&mut self, name: &str) -> Option<&mut Made> {
        self.children.iter_mut().find(|child| child.name == name)
    }

    fn write(&self, root: bool, out: &mut String) {
        let prefix = NAMESPACES.iter().find(|(_, uri)| *uri == self.namespace);
        let name = prefix.map_or(self.name.clone(), |(prefix, _)| format!("{prefix}:{}", self.name));
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;");
        write!(out, "<{name}").unwrap();
        if root {
            for (prefix, uri) in NAMESPACES {
                write!(out, " xmlns:{prefix}='{uri}'").unwrap();
            }
        }
        for (name, value) in &self.attributes {
            write!(out, " {name}='{}'", escaped(value)).unwrap();
        }
        write!(out, ">{}", escaped(&self.text)).unwrap();
        for child in &self.children {
            child.write(false, out);
        }
        write!(out, "</{name}>").unwrap();
    }

    fn value(&self, attribute: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == attribute).map(|(_, value)| value.as_str())
    }

    fn set(&mut self, attribute: &str, value: &str) {
        match self.attributes.iter_mut().find(|(known, _)| known == attribute) {
            Some((_, there)) => value.clone_into(there),
            None => self.attributes.push((attribute.to_owned(), value.to_owned())),
        }
    }

    /// Adds what the schema leaves open, and libvirt's own parser asks for.
    fn complete(&mut self) {
        for &(name, kinds, child, attribute, value) in NEEDED {
            let kind = self.value("type").unwrap_or_default();
            if name.split('|').any(|name| name == self.name)
                && kinds.split('|').any(|one| one == kind || one == "*")
            {
                let steps = child.split('/').filter(|step| !step.is_empty());
                let holder = steps.fold(&mut *self, |around, step| around.child_or_new(step));
                if holder.value(attribute).is_none() {
                    holder.set(attribute, value);
                }
            }
        }
        let offset = self.value("offset").unwrap_or_default().to_owned();
        match (self.name.as_str(), offset.as_str()) {
            ("clock", "timezone") if self.value("timezone").is_none() => self.set("timezone", "Europe/Paris"),
            ("clock", "absolute") if self.value("start").is_none() => self.set("start", "1750000000"),
            ("timer", _) if self.value("frequency").is_some() => self.set("frequency", "2000000000"),
            ("mtu", _) => self.set("size", "1500"),
            ("disk", _) if self.value("device") == Some("floppy") => {
                self.child("target").into_iter().for_each(|target| target.set("dev", "fda"));
            }

            ("entry", _) if self.value("name") == Some("uuid") => {
                "2147d599-9cc6-40dc-92ab-4064b5446e9b".clone_into(&mut self.text);
            }
            ("numa", _) => {
                let cells = self.children.iter_mut().filter(|child| child.name == "cell");
                cells.enumerate().for_each(|(index, cell)| cell.set("id", &index.to_string()));
            }
            _ => {}
        }
        self.children.iter_mut().for_each(Made::complete);
    }

    /// The document with the goal's device in other kinds.
    fn kinds(&self, goal: &Goal) -> Vec<Made> {
        let device = goal.path.get(2).filter(|_| goal.path[1] == "devices");
        let kinds = device.and_then(|device| KINDS.iter().find(|(name, _)| name == device));
        let is_goal = |name: &str| goal.path.len() == 3 && goal.attribute.as_deref() == Some(name);
        let kinds = kinds.iter().flat_map(|(name, kinds)| kinds.iter().map(move |kind| (name, kind)));
        let of_kind = |(name, kind): (&&str, &Attributes)| {
            let mut document = self.clone();
            let device = document.child("devices")?.child(name)?;
            for (name, value) in kind.iter().filter(|(name, _)| !is_goal(name)) {
                device.set(name, value);
            }
            Some(document)
        };
        let mut documents: Vec<_> = kinds.filter_map(of_kind).collect();
        if documents.is_empty() {
            documents.push(self.clone());
        }
        documents.iter_mut().for_each(|document| document.beside(goal));
        documents
    }

    /// Adds the elements beside which the goal is looked at, where there are none.
    fn beside(&mut self, goal: &Goal) {
        let within = goal.path.get(1).map_or("", String::as_str);
        for (_, way, attributes) in BESIDE.iter().filter(|(name, ..)| *name == within) {
            let steps: Vec<_> = way.split('/').collect();
            let there = steps.iter().try_fold(&mut *self, |around, step| around.child(step)).is_some();
            if there {
                continue;
            }
            let added = steps.iter().fold(&mut *self, |around, step| around.child_or_new(step));
            attributes.iter().for_each(|(name, value)| added.set(name, value));
        }
    }

    fn child_or_new(&mut self, name: &str) -> &mut Made {
        let at = self.children.iter().position(|child| child.name == name).unwrap_or_else(|| {
            self.children.push(Made { name: name.to_owned(), ..Made::default() });
            self.children.len() - 1
        });
        &mut self.children[at]
    }

    /// The document for a guest of a kind and a hypervisor, as far as the goal leaves that open.
    fn guest(&self, goal: &Goal, hypervisor: &str, kind: &str) -> String {
        let mut domain = self.clone();
        domain.complete();
        if goal.path.len() > 1 || goal.attribute.as_deref() != Some("type") {
            domain.attributes.retain(|(name, _)| name != "type");
            domain.attributes.push(("type".to_owned(), hypervisor.to_owned()));
        }
        if domain.child("memory").is_none() {
            let memory = Made { name: "memory".to_owned(), text: "65536".to_owned(), ..Made::default() };
            domain.children.push(memory);
        }
        let within = |name: &str| goal.path.get(1).is_some_and(|step| step == name);
        if within("os") {
            let is_kind = goal.path.get(2).is_some_and(|step| step == "type") && goal.attribute.is_none();
            // Containers cannot become guests of Xen.
            if let Some(word) = domain.child("os").and_then(|os| os.child("type"))
                && (!is_kind || word.text == "exe")
            {
                kind.clone_into(&mut word.text);
            }
        } else {
            domain
                .children
                .retain(|child| child.name != "os" && (within(&child.name) || child.name != "bootloader"));
            let text =
                |name: &str, text: &str| Made { name: name.into(), text: text.into(), ..Made::default() };
            let mut os = Made { name: "os".to_owned(), ..Made::default() };
            os.children.push(text("type", kind));
            if kind != "hvm" {
                os.children.push(text("kernel", "/boot/vmlinuz"));
            }
            domain.children.push(os);
        }
        let mut out = String::new();
        domain.write(true, &mut out);
        out
    }
}

/// The verdicts on a document, as for one that is started.
fn verdicts(text: &str) -> Result<Vec<Diagnostic>, Errors> {
    let mut input = xml::read("guest.xml", text.as_bytes())?;
    lower(&mut input, Target::Start)?;
    Ok(input.report.all().collect())
}

/// A path without the numbers of siblings.
fn numberless(path: &str) -> String {
    path.split('/').map(|step| step.split('[').next().unwrap()).collect::<Vec<_>>().join("/")
}

/// The row on a node by its path, when the row is about that very node.
fn row_on(path: &str) -> Option<&'static Row> {
    let names = Names::get();
    let (elements, attribute) = path.split_once("/@").map_or((path, None), |(path, name)| (path, Some(name)));
    let element =
        elements.split('/').skip(2).try_fold(names.root(), |around, name| names.child(around, name))?;
    let steps = names.depth(element) + usize::from(attribute.is_some());
    rows::row(names, element, attribute).filter(|found| found.steps == steps).map(|found| found.row)
}

/// What is wrong with the verdicts on documents, each with one of them, by node or by what is said.
#[derive(Default)]
struct Wrong {
    generic: BTreeMap<String, (String, String)>,
    refused: BTreeMap<String, (String, String)>,
    stale: BTreeMap<String, (String, String)>,
}

impl Wrong {
    fn judge(&mut self, goal: &str, text: &str) {
        let verdicts = match verdicts(text) {
            Ok(verdicts) => verdicts,
            Err(errors) => {
                let invalid = errors.first();
                let said = format!("{} {} [{}]", invalid.node, invalid.finding.reason, invalid.finding.code);
                self.refused.entry(said).or_insert((goal.to_owned(), text.to_owned()));
                return;
            }
        };
        for verdict in verdicts {
            let node = numberless(&verdict.node);
            let code = verdict.finding.code;
            if GENERIC.contains(&code) && !node.starts_with("/domain/metadata") {
                let said = format!("{} [{code}]", verdict.finding.reason);
                self.generic.entry(node.clone()).or_insert((said, text.to_owned()));
            }
            let means_something = matches!(verdict.finding.verdict, Verdict::Exact | Verdict::Approximated);
            if means_something && row_on(&node).is_some_and(|row| row.to.is_none()) {
                self.stale.entry(node).or_insert((code.to_owned(), text.to_owned()));
            }
        }
    }

    fn add(&mut self, other: Wrong) {
        self.generic.extend(other.generic);
        self.refused.extend(other.refused);
        self.stale.extend(other.stale);
    }
}

#[test]
fn the_schema_is_walked() {
    let Some(grammar) = grammar() else { return };
    let mut goals = BTreeSet::new();
    let mut made = BTreeSet::new();
    let mut wrong = Wrong::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // They are judged while the next ones are made.
    let (documents, to_judge) = mpsc::sync_channel::<(String, String)>(1000);
    let to_judge = Mutex::new(to_judge);
    std::thread::scope(|scope| {
        let next = || to_judge.lock().unwrap().recv();
        let judges: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(move || {
                    let mut wrong = Wrong::default();
                    while let Ok((goal, text)) = next() {
                        wrong.judge(&goal, &text);
                    }
                    wrong
                })
            })
            .collect();
        grammar.ways(&mut |goal, way| {
            let guests = [("kvm", "hvm"), ("xen", "hvm"), ("xen", "xen"), ("xen", "xenpvh")];
            // One way to each is enough for the other guests.
            let (guests, kinds) = match goals.insert(goal.clone()) {
                true => (&guests[..], true),
                false if goal.value.is_none() => (&guests[..1], false),
                false => return,
            };
            let document = grammar.make(way);
            let others = if kinds { document.kinds(goal) } else { Vec::new() };
            let texts = guests.iter().map(|(hypervisor, kind)| document.guest(goal, hypervisor, kind));
            let of_others = [("kvm", "hvm"), ("xen", "xen")];
            let of_others = others.iter().flat_map(|other| {
                of_others.iter().map(move |(hypervisor, kind)| other.guest(goal, hypervisor, kind))
            });
            for text in texts.chain(of_others) {
                if made.insert(text.clone()) {
                    documents.send((format!("{goal:?}"), text)).unwrap();
                }
            }
        });
        drop(documents);
        judges.into_iter().for_each(|judge| wrong.add(judge.join().unwrap()));
    });
    println!("{} goals, {} documents", goals.len(), made.len());
    let Wrong { generic, refused, stale } = wrong;
    let list = |found: &BTreeMap<String, (String, String)>| {
        found.iter().map(|(node, (said, text))| format!("{node}: {said}\n    {text}\n")).collect::<String>()
    };
    assert!(refused.is_empty(), "valid, and refused: {}\n{}", refused.len(), list(&refused));
    assert!(
        stale.is_empty(),
        "read, though their rows say that no mapping does: {}\n{}",
        stale.len(),
        list(&stale)
    );
    assert!(generic.is_empty(), "no reason of their own: {}\n{}", generic.len(), list(&generic));
}
