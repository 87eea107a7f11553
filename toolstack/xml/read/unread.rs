//! What is said of nodes that no mapping reads: they are left out, and here is why and what to do.

use super::super::tree::{Kind, NodeId, Tree};
use crate::diag::Finding;

/// Elements by the end of their path: what can be done about them.
const REMEDIES: &[(&str, &str)] = &[
    ("/devices/hostdev", "write pci = [ 'BB:DD.F' ] in the xl.cfg"),
    ("/devices/channel", "write channel = [ 'name=NAME,connection=pty' ] in the xl.cfg"),
    ("/devices/sound", "write soundhw = \"hda\" in the xl.cfg"),
    ("/devices/filesystem", "write p9 = [ ... ] in the xl.cfg, or share over the network"),
    ("/devices/tpm", "write vtpm = [ 'backend=DOMAIN' ] in the xl.cfg"),
    ("/devices/rng", "a Xen guest gathers randomness itself; install haveged in an old guest"),
    (
        "/devices/watchdog",
        "use Xen's own watchdog with xenwatchdogd in the guest, and on_watchdog in the xl.cfg",
    ),
    ("/devices/controller", "write usbctrl = [ ... ] or the like in the xl.cfg"),
    ("/devices/interface/bandwidth", "write rate=10MB/s in the xl.cfg's vif"),
    ("/devices/interface/vlan", "tag the traffic on the bridge"),
    ("/devices/disk/iotune", "limit the backend in dom0 with a cgroup"),
    ("/cpu/numa", "write vnuma = [ ... ] in the xl.cfg"),
    ("/cpu/feature", "write cpuid = \"host,NAME=1\" in the xl.cfg (invtsc: cpuid = \"host,invtsc=1\")"),
    ("/cpu/topology", "write vcpus in the xl.cfg; Xen chooses the topology"),
    ("/domain/cpu", "write cpuid = \"host,...\" in the xl.cfg"),
    ("/domain/cputune", "write cpus, cpu_weight or cap in the xl.cfg"),
    ("/vcpu/@cpuset", "write cpus = \"...\" in the xl.cfg"),
    ("/domain/numatune", "write cpus = \"nodes:...\" in the xl.cfg"),
    ("/domain/maxMemory", "write maxmem in the xl.cfg"),
    ("/os/acpi", "write acpi_firmware = \"/PATH\" in the xl.cfg"),
    ("/os/nvram", "UEFI variables of a Xen guest are not kept in a file"),
    ("/domain/sysinfo", "write smbios = [ ... ] in the xl.cfg"),
    ("/domain/seclabel", "write seclabel = \"...\" in the xl.cfg"),
    ("/domain/memoryBacking", "Xen backs a guest's memory itself"),
    ("/hyperv/reenlightenment", "see docs/mapping.md for the enlightenments that Xen has"),
];

/// The finding on a node that nothing read.
pub(super) fn finding(tree: &Tree, id: NodeId) -> Finding {
    if let Some(finding) = without_effect(tree, id) {
        return finding;
    }
    let what = match &tree.node(id).kind {
        Kind::Element(name) => format!("<{name}>"),
        Kind::Attribute(name, _) => match tree.node(id).parent {
            Some(element) => format!("{name}= of <{}>", tree.name(element)),
            None => format!("{name}="),
        },
        Kind::Text(_) => "this text".to_owned(),
    };
    let finding = Finding::unsupported("not-mapped", format!("{what} is not mapped to Xen; it is left out"));
    match remedy(&numberless(&tree.path(id))) {
        Some(remedy) => finding.instead(remedy),
        None => finding,
    }
}

fn remedy(path: &str) -> Option<&'static str> {
    REMEDIES.iter().find(|(end, _)| path.ends_with(end)).map(|(_, remedy)| *remedy)
}

/// What changes nothing on Xen wherever it stands.
fn without_effect(tree: &Tree, id: NodeId) -> Option<Finding> {
    let node = tree.node(id);
    let name = tree.name(id);
    let parent = node.parent.map_or("", |parent| tree.name(parent));
    match (&node.kind, parent, name) {
        (Kind::Attribute(..), _, name) if name == "xmlns" || name.starts_with("xmlns:") => {
            Some(Finding::no_effect("namespace", "names a namespace"))
        }
        (Kind::Element(_), _, "alias" | "address") => {
            Some(Finding::no_effect("own-address", "libxl places and names devices by itself"))
        }
        (Kind::Element(_), "disk", "backingStore") if node.children.is_empty() => {
            Some(Finding::no_effect("backing-store", "says that there is none"))
        }
        (Kind::Attribute(..), "source", "index") => {
            Some(Finding::no_effect("live-state", "a number of a running guest"))
        }
        (Kind::Element(_), "devices", "audio") => {
            Some(Finding::no_effect("audio-backend", "where another hypervisor plays the sound of <sound>"))
        }
        (Kind::Attribute(_, value), "cpu", "mode") if value.starts_with("host-") => {
            Some(Finding::no_effect("host-cpu", "a guest on Xen has the host's CPU, as far as Xen lets it"))
        }
        (Kind::Attribute(_, value), "cpu", "check" | "migratable" | "match") if !value.is_empty() => {
            Some(Finding::no_effect("host-cpu", "how libvirt checks the CPU; Xen does not ask"))
        }
        _ => None,
    }
}

fn numberless(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    out
}
