//! `<cpu><numa>`: the guest's own NUMA nodes, xl.cfg's `vnuma`.

use std::collections::{BTreeMap, BTreeSet};

use timers::GuestKind;

use super::super::cursor::{Element, Result};
use super::guest::Guest;
use super::mebibytes::{self, KIB_PER_MIB};
use super::{set, tuning};
use crate::diag::Finding;
use crate::domain::config::VnodeInfo;

/// Distances where none are given: within a node, and between two.
const LOCAL: u32 = 10;
const REMOTE: u32 = 20;

struct Cell<'t> {
    mib: u64,
    vcpus: BTreeSet<u32>,
    distances: BTreeMap<usize, u32>,
    element: Element<'t>,
}

pub(super) fn read(root: &Element<'_>, cpu: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let Some(numa) = cpu.children("numa").next() else { return Ok(()) };
    let reason = match guest.kind() {
        GuestKind::Hvm => None,
        GuestKind::Pv => Some("libxl does not support NUMA nodes for a PV guest"),
        GuestKind::Pvh => {
            Some("libxl fails to start a PVH guest with NUMA nodes: it cannot create their ACPI table")
        }
    };
    if let Some(reason) = reason {
        numa.leave_out(Finding::unsupported("numa-kind", reason));
        return Ok(());
    }
    let numa = numa.take();
    let mut cells = BTreeMap::new();
    let mut is_in_doubt = false;
    for element in numa.children("cell").map(Element::take) {
        let id = match element.attr("id") {
            Some(id) => id.number("the number of a cell, from 0")?,
            None => cells.len(),
        };
        let mut cell = cell(element, guest)?;
        if element.has_lost("id") {
            is_in_doubt = true;
            continue;
        }
        cell.mib += guest.modules.get(&id).copied().unwrap_or_default();
        if cells.insert(id, cell).is_some() {
            let finding = Finding::invalid("cell-twice", format!("a second cell {id}"));
            element.report(finding.instead("give each cell an id of its own"));
            is_in_doubt = true;
        }
    }
    if cells.is_empty() && !is_in_doubt {
        return Ok(());
    }
    let nodes = host_nodes(root, cells.len())?;
    // Which cells there are is not known.
    if is_in_doubt {
        return Ok(());
    }
    if let Some(cell) = guest.modules.keys().find(|cell| !cells.contains_key(cell)) {
        let reason = format!("a module of <memory> is for cell {cell}, and there is no such cell");
        let finding = Finding::invalid("no-such-cell", reason);
        return Err(numa.error(finding.instead("write the number of a cell in the <node> of the module")));
    }
    if cells.keys().copied().ne(0..cells.len()) {
        let finding = Finding::invalid("cell-missing", "the ids of the cells are not 0, 1, 2 and so on");
        return Err(numa.error(finding.instead("number the cells from 0 without a gap")));
    }
    let mut cells: Vec<_> = cells.into_values().collect();
    assign(&mut cells, guest)?;
    let bound = bound_cells(root).next().is_some() || nodes_of_guest(root).is_some();
    if !bound && nodes.len() > 1 {
        let reason = "each cell gets its memory from the host's node with the same number, and libxl fails if that node does not exist";
        let instead = "on a host with fewer nodes, bind the cells: <numatune><memnode cellid='1' mode='strict' nodeset='0'/></numatune>";
        numa.mark(Finding::approximated("numa-nodes", reason).instead(instead));
    }
    let total: u64 = cells.iter().map(|cell| cell.mib).sum();
    let count = cells.len();
    let node = |(id, (cell, pnode)): (usize, (Cell<'_>, u32))| VnodeInfo {
        memkb: Some(cell.mib * KIB_PER_MIB),
        distances: (0..count)
            .map(|other| {
                let default = if other == id { LOCAL } else { REMOTE };
                cell.distances.get(&other).copied().unwrap_or(default)
            })
            .collect(),
        pnode,
        vcpus: cell.vcpus.into_iter().collect(),
        ..VnodeInfo::default()
    };
    let b_info = &mut guest.config.b_info;
    b_info.vnuma_nodes = cells.into_iter().zip(nodes).enumerate().map(node).collect();
    set(&mut b_info.numa_placement, false);
    let total = Some(total * KIB_PER_MIB);
    if b_info.max_memkb != total {
        // As in libvirt, the cells decide.
        b_info.max_memkb = total;
        b_info.target_memkb = b_info.target_memkb.min(total);
        if let Some(memory) = root.children("memory").next() {
            memory
                .mark_whole(&Finding::no_effect("memory-of-cells", "the guest has the memory of its cells"));
        }
    }
    // The nodes stand in an ACPI table.
    set(&mut guest.config.b_info.acpi, true);
    Ok(())
}

/// The guest's own nodes.
fn nodes<'t>(root: &Element<'t>) -> Option<Element<'t>> {
    root.children("cpu").next().and_then(|cpu| cpu.children("numa").next())
}

/// True if something of the cells was found wrong, so that they tell less than they were meant to.
pub(super) fn is_in_doubt(root: &Element<'_>) -> bool {
    nodes(root).is_some_and(|numa| numa.is_in_doubt())
}

/// The memory of all cells, in MiB; `None` without cells.
pub(super) fn memory(root: &Element<'_>) -> Result<Option<u64>> {
    let mut sum = None;
    for cell in nodes(root).iter().flat_map(|numa| numa.children("cell")) {
        if let Some(memory) = cell.attr("memory") {
            let mib = mebibytes::in_mebibytes(&memory, cell.attr("unit"))?;
            sum = Some(sum.unwrap_or_default() + mib);
        }
    }
    Ok(sum)
}

fn cell<'t>(element: Element<'t>, guest: &Guest<'_>) -> Result<Cell<'t>> {
    let memory = element.needs("memory", "1", || {
        let finding = Finding::invalid("no-memory", "the cell has no memory");
        finding.instead("add memory='1024' unit='MiB'")
    });
    let mib = mebibytes::in_mebibytes(&memory, element.attr("unit"))?;
    let most = guest.config.b_info.max_vcpus.unsigned_abs();
    let vcpus = match element.attr("cpus").filter(|cpus| !cpus.text.is_empty()) {
        Some(cpus) => {
            let set = tuning::cpu_set(&cpus)?;
            if set.iter().any(|&vcpu| vcpu >= most) {
                return Err(cpus.not(&format!("a set of the {most} vCPUs of the domain")));
            }
            set
        }
        None => BTreeSet::new(),
    };
    let mut distances = BTreeMap::new();
    if let Some(element) = element.child("distances") {
        for sibling in element.children("sibling").map(Element::take) {
            let [id, value] = sibling.needs_all([("id", "0"), ("value", "20")], || {
                let finding = Finding::invalid("bad-distance", "<sibling> needs an id and a value");
                finding.instead("write <sibling id='1' value='20'/>")
            });
            let distance = match value.number("a distance, 10 to 255")? {
                distance @ 10..=255 => distance,
                _ => return Err(value.not("a distance, 10 to 255")),
            };
            distances.insert(id.number("the id of a cell")?, distance);
        }
    }
    for (name, reason) in [
        ("memAccess", "how QEMU maps memory; Xen does not use it"),
        ("discard", "what QEMU does with the memory when the guest ends; Xen does not use it"),
    ] {
        if let Some(value) = element.attr(name) {
            value.mark(Finding::no_effect("cell-memory", reason));
        }
    }
    Ok(Cell { mib, vcpus, distances, element })
}

/// Each vCPU must be in one cell, and libxl refuses one that is in none.
fn assign(cells: &mut [Cell<'_>], guest: &Guest<'_>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for cell in cells.iter() {
        if let Some(vcpu) = cell.vcpus.iter().find(|&&vcpu| !seen.insert(vcpu)) {
            let finding = Finding::invalid("vcpu-twice", format!("vCPU {vcpu} is in two cells"));
            return Err(cell.element.error(finding.instead("put each vCPU into one cell")));
        }
    }
    let left: Vec<_> =
        (0..guest.config.b_info.max_vcpus.unsigned_abs()).filter(|vcpu| !seen.contains(vcpu)).collect();
    if let Some(first) = cells.first_mut().filter(|_| !left.is_empty()) {
        first.vcpus.extend(left);
        let reason = "vCPUs that are in no cell are put into the first one";
        first
            .element
            .mark(Finding::approximated("vcpus-of-no-cell", reason).instead("put each vCPU into a cell"));
    }
    Ok(())
}

/// Where all of the guest's memory is to come from: libxl has only the nodes of the CPUs that the vCPUs are pinned to.
pub(super) fn placement(root: &Element<'_>, guest: &Guest<'_>) -> Result<()> {
    let memory = root.child("numatune").and_then(|tune| tune.children("memory").next());
    let Some(memory) = memory else { return Ok(()) };
    let Some(nodes) = memory.attr("nodeset") else {
        let reason = "libxl chooses the nodes for a guest's memory by itself";
        memory.mark_whole(&Finding::no_effect("numa-placement", reason));
        return Ok(());
    };
    let several = tuning::cpu_set(&nodes)?.len() > 1;
    let b_info = &guest.config.b_info;
    if !b_info.vnuma_nodes.is_empty() {
        let memory = memory.take();
        for value in ["mode", "placement"].iter().filter_map(|name| memory.attr(name)) {
            let reason = "libxl allocates a cell's memory on its node of the host";
            value.mark(Finding::no_effect("memnode-mode", reason));
        }
        if bound_cells(root).count() >= b_info.vnuma_nodes.len() {
            let reason = "the memory of each cell comes from the node of its <memnode>";
            memory.mark_whole(&Finding::no_effect("numa-placement", reason));
        } else if several {
            let reason = "libxl allocates the memory of each cell on one node of the host";
            let instead = "say which: <memnode cellid='0' mode='strict' nodeset='0'/> for each cell";
            nodes.mark(Finding::approximated("numa-placement", reason).instead(instead));
        }
        return Ok(());
    }
    let reason = "libxl allocates memory only on the nodes where the vCPUs may run";
    if !b_info.vcpu_hard_affinity.is_empty() {
        let of_nodes = format!("the CPUs of the nodes {}, which xl info -n lists", nodes.text);
        let finding = Finding::unsupported("numa-placement", reason)
            .instead(format!("name only {of_nodes}, in every cpuset=; the memory follows"))
            .instead_in_file(format!("name only {of_nodes}, in cpus =; the memory follows"));
        memory.leave_out(finding);
        return Ok(());
    }
    let word = |part: &str| match part.trim().strip_prefix('^') {
        Some(out) => format!("^nodes:{out}"),
        None => format!("nodes:{}", part.trim()),
    };
    let words: Vec<_> = nodes.text.split(',').map(word).collect();
    let finding = Finding::unsupported("numa-placement", reason)
        .instead(format!(
            "write the CPUs of the nodes {} in cpuset= of <vcpu>; the memory follows",
            nodes.text
        ))
        .instead_in_file(format!("write cpus = \"{}\"; the memory follows", words.join(",")));
    memory.leave_out(finding);
    Ok(())
}

/// The bindings of cells to nodes of the host.
fn bound_cells<'t>(root: &Element<'t>) -> impl Iterator<Item = Element<'t>> {
    root.children("numatune").next().into_iter().flat_map(|tune| tune.children("memnode"))
}

/// The nodes of the host for all of the guest's memory.
fn nodes_of_guest(root: &Element<'_>) -> Option<BTreeSet<u32>> {
    let tune = root.children("numatune").next()?;
    let nodes = tune.children("memory").next()?.attr("nodeset")?;
    tuning::cpu_set(&nodes).ok()
}

/// The host's node of each cell: as `<numatune>` binds them, else one after the other of those for the whole guest.
fn host_nodes(root: &Element<'_>, count: usize) -> Result<Vec<u32>> {
    let mut nodes: Vec<u32> = (0..count).filter_map(|id| u32::try_from(id).ok()).collect();
    if let Some(of_guest) = nodes_of_guest(root) {
        nodes.iter_mut().zip(of_guest.iter().cycle()).for_each(|(node, of_guest)| *node = *of_guest);
    }
    for bound in bound_cells(root) {
        let (Some(cell), Some(set)) = (bound.attr("cellid"), bound.attr("nodeset")) else { continue };
        let bound = bound.take();
        let cell: usize = cell.number("the id of a cell")?;
        let set = tuning::cpu_set(&set)?;
        if let (Some(slot), Some(first)) = (nodes.get_mut(cell), set.first()) {
            *slot = *first;
            if set.len() > 1 {
                let reason = format!("libxl allocates a cell's memory on one node of the host: {first}");
                bound.mark(Finding::approximated("memnode", reason));
            }
        }
        if let Some(mode) = bound.attr("mode") {
            mode.mark(Finding::no_effect(
                "memnode-mode",
                "libxl allocates a cell's memory on its node of the host",
            ));
        }
    }
    Ok(nodes)
}
