//! Virtual NUMA nodes with which libxl does not start a guest.

use std::collections::HashSet;

use timers::GuestKind;

use super::super::DomainConfig;
use super::refusal::{Place, Refused, by_libxl};

const VNUMA: Place = (&["vnuma"], "b_info.vnuma_nodes");

pub(super) fn refused(config: &DomainConfig) -> Option<Refused> {
    let nodes = &config.b_info.vnuma_nodes;
    if nodes.is_empty() {
        return None;
    }
    if config.kind() != GuestKind::Hvm {
        let reason = "libxl starts only HVM guests with vnuma";
        return Some(by_libxl(VNUMA, reason, "remove it, or write type = \"hvm\""));
    }
    if nodes.iter().any(|node| node.memkb.is_none()) {
        let reason = "a node has no size, and libxl does not start the guest";
        return Some(by_libxl(VNUMA, reason, "add size= to each node"));
    }
    let sum = nodes.iter().filter_map(|node| node.memkb).fold(0, u64::saturating_add);
    if let Some(most) = config.b_info.max_memkb.filter(|most| *most != sum) {
        let reason = format!(
            "the nodes have {} MiB in all, the guest has {}, and libxl does not start it",
            sum / 1024,
            most / 1024
        );
        return Some(by_libxl(VNUMA, reason, format!("write sizes that are {} in all", most / 1024)));
    }
    let vcpus = u32::try_from(config.b_info.max_vcpus.max(1)).unwrap_or(1);
    let mut seen = HashSet::new();
    if let Some(vcpu) = nodes.iter().flat_map(|node| &node.vcpus).find(|vcpu| !seen.insert(**vcpu)) {
        let reason = format!("vCPU {vcpu} is in two nodes, and libxl does not start the guest");
        return Some(by_libxl(VNUMA, reason, format!("write vCPU {vcpu} in one node only")));
    }
    if let Some(vcpu) = (0..vcpus).find(|vcpu| !seen.contains(vcpu)) {
        let reason = format!("vCPU {vcpu} is in no node, and libxl does not start the guest");
        return Some(by_libxl(VNUMA, reason, format!("write vCPU {vcpu} in a node")));
    }
    if let Some(vcpu) = seen.iter().filter(|vcpu| **vcpu >= vcpus).min() {
        let reason = format!("vCPU {vcpu} is in a node, and the guest has {vcpus} vCPUs");
        return Some(by_libxl(VNUMA, reason, format!("remove vCPU {vcpu}, or write vcpus = {}", vcpu + 1)));
    }
    nodes.iter().enumerate().find_map(|(at, node)| {
        let own = *node.distances.get(at)?;
        let (other, distance) = node.distances.iter().enumerate().find(|(_, distance)| **distance < own)?;
        let reason =
            format!("node {other} is nearer to node {at} ({distance}) than itself ({own}), and libxl does not start the guest");
        Some(by_libxl(VNUMA, reason, format!("write {own} or more for node {other} in the vdistances of node {at}")))
    })
}
