//! `<memory>` in `<devices>`: memory modules. Xen has none; what a guest has of one at its start is plain memory.

use std::collections::BTreeMap;

use super::super::cursor::{Element, Result};
use super::{mebibytes, placed_by_xen};
use crate::diag::Finding;

/// Modules that are memory like any other, and the element with what a guest has of one at its start.
const PLAIN: &[(&str, &str)] = &[("dimm", "size"), ("virtio-mem", "requested")];

/// Modules that keep what is written to them.
const PERSISTENT: &[&str] = &["nvdimm", "virtio-pmem"];

/// The memory that modules add to each NUMA cell, in MiB.
pub(super) fn read(root: &Element<'_>) -> Result<BTreeMap<usize, u64>> {
    let mut cells = BTreeMap::new();
    for module in root.children("devices").flat_map(|devices| devices.children("memory")) {
        let model = module.attr("model").map_or("", |model| model.text);
        if let Some((_, at_start)) = PLAIN.iter().find(|(known, _)| *known == model) {
            let (cell, mib) = plain(&module, at_start)?;
            *cells.entry(cell).or_default() += mib;
        } else if PERSISTENT.contains(&model) {
            let reason = "Xen gives a guest no persistent memory: the guest does not find what is in it";
            let finding = Finding::unsupported("memory-device", reason).refusing_start();
            module.leave_out(finding.instead(
                "give the guest its file as a disk: <disk type='file'> with <source file='PATH'/> and <target dev='xvdb'/>, and remove the module",
            ));
        } else {
            let reason = format!("Xen has no memory modules of the kind {model}");
            module.leave_out(Finding::unsupported("memory-device", reason));
        }
    }
    Ok(cells)
}

/// The cell of a module, and its memory in MiB.
fn plain(module: &Element<'_>, at_start: &str) -> Result<(usize, u64)> {
    let target = module.children("target").next();
    let inside = |name: &str| target.and_then(|target| target.children(name).next());
    let cell = match inside("node").map(|node| node.text()).transpose()?.flatten() {
        Some(node) => node.number("the number of a cell, from 0")?,
        None => 0,
    };
    let size = inside(at_start);
    let is_none =
        |size: &Element<'_>| -> Result<bool> { Ok(size.text()?.is_none_or(|size| size.text == "0")) };
    let mib = match size {
        Some(size) if !is_none(&size)? => mebibytes::of_element(&size)?.unwrap_or_default(),
        _ => 0,
    };
    let reason = "Xen has no memory modules (DIMMs): the guest has this memory from its start";
    module.mark_whole(&Finding::approximated("memory-device", reason));
    placed_by_xen(module);
    for index in module.children("acpi") {
        index.mark_whole(&Finding::no_effect("acpi-index", "libxl assigns no ACPI index to devices"));
    }
    Ok((cell, mib))
}
