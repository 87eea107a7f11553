//! vCPUs: affinity, features and NUMA cells.

use timers::GuestKind;

use super::element::Element;
use crate::domain::config::{BuildInfo, CpuPolicy, CpuidLeaf, VnodeInfo};
use crate::domain::{Defbool, libvirt};

/// `<vcpu>` and `<cputune>`.
pub(super) fn vcpus(b_info: &BuildInfo) -> Vec<Element> {
    let max = b_info.max_vcpus.max(1);
    let online = i32::try_from(b_info.avail_vcpus.len()).unwrap_or(max);
    let pins = &b_info.vcpu_hard_affinity;
    let alike = pins.windows(2).all(|pair| pair[0] == pair[1]);
    let together = !pins.is_empty() && alike && pins.len() == usize::try_from(max).unwrap_or_default();
    let all = pins.first().filter(|pin| together && !pin.is_empty() && b_info.numa_placement.is_none());
    let vcpu = Element::of("vcpu", max.to_string())
        .with("placement", "static")
        .maybe("cpuset", all.map(|cpus| ranges(cpus)))
        .maybe("current", Some(online).filter(|online| *online != max && *online > 0));
    let mut tune = Element::new("cputune");
    if let Some(weight) = b_info.sched_params.weight.filter(|weight| (1..=65535).contains(weight)) {
        tune = tune.around([Element::of("shares", weight.to_string())]);
    }
    // A cap is in hundredths of a CPU, of all vCPUs together.
    if let Some(cap) = b_info.sched_params.cap.filter(|cap| (1..max.saturating_mul(100)).contains(cap)) {
        tune = tune.around([
            Element::of("global_period", "100000"),
            Element::of("global_quota", (i64::from(cap) * 1000).to_string()),
        ]);
    }
    if all.is_none() {
        let pins = pins.iter().enumerate().filter(|(_, pin)| !pin.is_empty());
        tune = tune.around(
            pins.map(|(vcpu, pin)| Element::new("vcpupin").with("vcpu", vcpu).with("cpuset", ranges(pin))),
        );
    }
    std::iter::once(vcpu).chain(Some(tune).filter(|tune| !tune.is_empty())).collect()
}

/// `<numatune>` and `<cpu>`.
pub(super) fn cpu(b_info: &BuildInfo, kind: GuestKind) -> [Option<Element>; 2] {
    let mut cpu = Element::new("cpu").with("mode", "host-passthrough").around(features(&b_info.cpuid));
    if let Some(nested) = b_info.nested_hvm.filter(|_| kind != GuestKind::Pv) {
        cpu = cpu.around([feature("vmx", nested == Defbool::True)]);
    }
    let nodes = &b_info.vnuma_nodes;
    let whole =
        nodes.iter().all(|node| node.memkb.is_some_and(|kib| kib % 1024 == 0) && !node.vcpus.is_empty());
    let mut tune = None;
    if !nodes.is_empty() && whole && kind != GuestKind::Pvh {
        cpu = cpu.around([Element::new("numa").around(nodes.iter().enumerate().map(cell))]);
        let bound = nodes.iter().enumerate().map(|(id, node)| {
            Element::new("memnode").with("cellid", id).with("mode", "strict").with("nodeset", node.pnode)
        });
        tune = Some(Element::new("numatune").around(bound));
    }
    [tune, Some(cpu).filter(|cpu| !cpu.is_empty())]
}

fn cell((id, node): (usize, &VnodeInfo)) -> Element {
    let VnodeInfo { memkb, distances, pnode: _, vcpus, rest: _ } = node;
    let siblings = distances.iter().enumerate();
    let siblings = siblings.map(|(id, value)| Element::new("sibling").with("id", id).with("value", value));
    let distances = Element::new("distances").around(siblings);
    Element::new("cell")
        .with("id", id)
        .with("cpus", ranges(vcpus))
        .with("memory", memkb.unwrap_or_default())
        .with("unit", "KiB")
        .around(Some(distances).filter(|distances| !distances.is_empty()))
}

/// The features whose bits are set or cleared; none where a bit has no name, or takes the host's value.
fn features(policy: &CpuPolicy) -> Vec<Element> {
    let CpuPolicy { cpuid, msr: _, rest: _ } = policy;
    let all: Option<Vec<Vec<Element>>> = cpuid.iter().map(features_of).collect();
    all.unwrap_or_default().concat()
}

fn features_of(leaf: &CpuidLeaf) -> Option<Vec<Element>> {
    let CpuidLeaf { leaf, subleaf, eax, ebx, ecx, edx, rest: _ } = leaf;
    let mut found = Vec::new();
    for (register, bits) in [eax, ebx, ecx, edx].into_iter().enumerate() {
        for (at, bit) in bits.iter().flat_map(|bits| bits.chars().enumerate()) {
            let on = match bit {
                'x' => continue,
                '0' | '1' => bit == '1',
                _ => return None,
            };
            let name = libvirt::feature_at((*leaf)?, *subleaf, register, 31_usize.checked_sub(at)?)?;
            // These two stand for nested virtualization.
            if matches!(name, "vmx" | "svm") {
                return None;
            }
            found.push(feature(name, on));
        }
    }
    Some(found)
}

fn feature(name: &str, on: bool) -> Element {
    Element::new("feature").with("policy", if on { "require" } else { "disable" }).with("name", name)
}

/// Numbers as `1-3,7`.
pub(super) fn ranges(numbers: &[u32]) -> String {
    crate::write::ranges(numbers).join(",")
}
