//! What refuses a start by the config as a whole, and what of it holds beside the errors of a document.

use crate::diag::{Diagnostic, Finding, Report};
use crate::domain::refused::{self, Refused};
use crate::domain::{DomainConfig, Part, XenVersion};

/// The nodes that a refusal is judged by, beside its own device and the kind of the guest: by its code and the path in the
/// config. One that is not among these is told only of a document without errors.
const JUDGED_BY: &[(&str, &str, &[&str])] = &[
    ("pci-slots", "", ON_THE_BOARD),
    ("network-card", "nics", &[]),
    ("interface-name", "nics", &[]),
    ("libxl-refuses", "nics", &[]),
    ("libxl-refuses", "pcidevs", &["/domain/devices/hostdev", "/domain/devices/interface"]),
    ("libxl-refuses", "disks", DISKS),
    ("disk-place", "disks", DISKS),
    ("guest-name", "c_info.name", &["/domain/name", "/domain/devices/disk", "/domain/devices/graphics"]),
    ("keymap", "", &["/domain/devices/graphics"]),
    ("display-option", "", &["/domain/devices/graphics"]),
    ("xen-refuses", "b_info.max_memkb", OF_MEMORY),
    ("xen-refuses", "b_info.vnuma_nodes", OF_MEMORY),
    ("xen-refuses", "b_info.nested_hvm", &["/domain/features", "/domain/cpu"]),
    ("xen-refuses", "b_info.max_grant_frames", &["/domain/devices/controller"]),
    ("libxl-refuses", "b_info.max_memkb", &["/domain/memory", "/domain/currentMemory", "/domain/cpu"]),
    ("qemu-argument", "b_info.extra", &[ARGUMENTS]),
    ("qemu-argument", "b_info.extra_hvm", &[ARGUMENTS, "/domain/os/kernel"]),
    ("serial-port", "", &[ARGUMENTS, "/domain/devices/serial", "/domain/devices/console"]),
    ("share-security", "p9s", &["/domain/devices/filesystem"]),
    ("share-tag", "p9s", &["/domain/devices/filesystem"]),
    ("libxl-refuses", "usbctrls", &["/domain/devices/controller"]),
];

/// What decides the names of disks.
const DISKS: &[&str] = &["/domain/devices/disk", "/domain/devices/controller"];

/// Arguments for QEMU, in libvirt's namespaces.
const ARGUMENTS: &str = "/domain/*:commandline";

/// What has a slot on QEMU's board, or decides how many are free.
const ON_THE_BOARD: &[&str] = &[
    "/domain/features",
    "/domain/devices/controller",
    "/domain/devices/disk",
    "/domain/devices/graphics",
    "/domain/devices/channel",
    "/domain/devices/hostdev",
    "/domain/devices/input",
    "/domain/devices/interface",
    "/domain/devices/redirdev",
    "/domain/devices/sound",
    "/domain/devices/video",
];

/// What the guest's memory and that of its card come from.
const OF_MEMORY: &[&str] = &[
    "/domain/memory",
    "/domain/currentMemory",
    "/domain/cpu",
    "/domain/devices/memory",
    "/domain/devices/graphics",
    "/domain/devices/video",
];

/// What the kind of the guest is told by.
const KIND: &[&str] = &["/domain/@type", "/domain/os/type", "/domain/bootloader"];

/// The errors on a domain that lacks a child, and the child.
const LACKS: &[(&str, &str)] =
    &[("no-name", "/domain/name"), ("no-memory", "/domain/memory"), ("no-os-type", "/domain/os/type")];

/// A refusal, with the part that it is of, and as it is said of a domain XML.
pub(super) struct Whole {
    part: Part,
    judged_by: Option<&'static [&'static str]>,
    path: String,
    finding: Finding,
}

/// What of a config does not start on a release of Xen.
pub(super) fn refusals(config: &DomainConfig, xen: XenVersion) -> Vec<Whole> {
    // The readers know most of it at its element, and read it so that it starts.
    refused::all(config, xen).into_iter().map(whole).collect()
}

fn whole(refused: Refused) -> Whole {
    let part = match (refused.path, refused.item) {
        ("c_info.name", _) => Part::Name,
        ("disks", Some(item)) => Part::Disk(item),
        ("nics", Some(item)) => Part::Nic(item),
        ("pcidevs", Some(item)) => Part::HostDevice(item),
        ("b_info.extra" | "b_info.extra_hvm", _) => Part::Arguments,
        _ => Part::Domain,
    };
    let (code, path) = (refused.finding.code, refused.path);
    let row = JUDGED_BY.iter().find(|(of, at, _)| *of == code && (at.is_empty() || *at == path));
    let judged_by = row.map(|(.., nodes)| *nodes);
    let (path, finding) = refused.in_domain_xml();
    Whole { part, judged_by, path, finding }
}

impl Whole {
    /// Adds it to a report.
    pub(super) fn add_to(self, report: &mut Report) {
        let span = report.span(self.part);
        report.add(None, self.path, span, self.finding, false);
    }

    /// The refusal beside the errors of a document, if it is there whatever is meant where these are.
    pub(super) fn beside(self, errors: &[Diagnostic], report: &Report) -> Option<Diagnostic> {
        let judged_by = self.judged_by?;
        let node = report.at(self.part, Finding::exact()).node;
        let own = (self.part != Part::Domain).then(|| unit(&node));
        let touches = |error: &Diagnostic| {
            let at = place(error);
            is_of_kind(at) || own == Some(unit(at)) || judged_by.iter().any(|around| is_in(at, around))
        };
        let stands = !errors.iter().any(touches);
        stands.then(|| Diagnostic { place: report.place(self.part), node: self.path, finding: self.finding })
    }
}

/// True if a finding is there whatever is meant where the errors are: what refuses a start is told of a device, or of
/// another child of the domain, by that alone and by the kind of the guest.
pub(super) fn stands(found: &Diagnostic, errors: &[Diagnostic]) -> bool {
    let own = unit(&found.node);
    errors.iter().map(place).all(|at| !is_of_kind(at) && unit(at) != own)
}

/// The node that an error is about.
fn place(error: &Diagnostic) -> &str {
    let lacks = LACKS.iter().find(|(code, _)| error.finding.code == *code && error.node == "/domain");
    lacks.map_or(&error.node, |(_, child)| child)
}

/// True if an error leaves open what kind of guest it is: one on the whole of `<os>` too, or on one of several.
fn is_of_kind(at: &str) -> bool {
    at == "/domain/os" || at.starts_with("/domain/os[") || KIND.iter().any(|kind| is_in(at, kind))
}

/// True if a node is the one around it or in it; `*` stands for any namespace's prefix.
fn is_in(node: &str, around: &str) -> bool {
    let rest = match around.split_once("*:") {
        None => node.strip_prefix(around),
        Some((before, name)) => node.strip_prefix(before).and_then(|node| {
            let end = node.find(['/', '[']).unwrap_or(node.len());
            let (step, rest) = node.split_at(end);
            step.ends_with(name).then_some(rest)
        }),
    };
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '[']))
}

/// The device that a node is of, or the child of the domain.
fn unit(node: &str) -> &str {
    let steps = if node.starts_with("/domain/devices/") { 3 } else { 2 };
    let ends = node.match_indices('/').map(|(at, _)| at).nth(steps);
    &node[..ends.unwrap_or(node.len())]
}
