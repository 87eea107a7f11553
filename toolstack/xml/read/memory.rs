//! The guest's memory.

use super::super::cursor::{Element, Result};
use super::guest::Guest;
use super::mebibytes::{KIB_PER_MIB, of_element};
use super::{modules, numa};
use crate::diag::Finding;

pub(super) fn read(root: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    guest.modules = modules::read(root)?;
    let max = match root.child("memory") {
        Some(element) => of_element(&element)?,
        // As in libvirt: the sum of the cells and the modules.
        None => numa::memory(root)?.map(|cells| cells + guest.modules.values().sum::<u64>()),
    };
    // A cell that is in doubt has an error of its own, and perhaps the memory.
    if max.is_none() && !numa::is_in_doubt(root) {
        let finding = Finding::invalid("no-memory", "the domain has no memory");
        root.lacks("memory", finding, "<memory unit='MiB'>1024</memory>");
    }
    let max = max.unwrap_or_default();
    let mut now = max;
    if let Some(element) = root.child("currentMemory") {
        now = of_element(&element)?.unwrap_or(max);
        if now > max {
            let reason = "more than <memory>, which is the most the guest can have";
            element.mark(Finding::approximated("memory-clamped", reason).instead("raise <memory>"));
            now = max;
        } else if now < max && !guest.for_xen {
            let reason =
                "the guest has only this much memory until it loads Xen's balloon driver, which it must have";
            let finding = Finding::approximated("balloon", reason);
            element.mark(finding.instead("for a guest without Xen's drivers, write as much as in <memory>"));
        }
    }
    guest.config.b_info.max_memkb = Some(max * KIB_PER_MIB);
    guest.config.b_info.target_memkb = Some(now * KIB_PER_MIB);
    Ok(())
}

/// Gives the guest all its memory at once where libxl refuses anything else: with devices of the host, and with NUMA
/// nodes of its own.
pub(super) fn finish(root: &Element<'_>, guest: &mut Guest<'_>) {
    let b_info = &mut guest.config.b_info;
    let reason = if !guest.config.pcidevs.is_empty() || passes_through(guest.config.c_info.passthrough) {
        "a guest with devices of the host has all its memory from the start"
    } else if !b_info.vnuma_nodes.is_empty() {
        "a guest with NUMA nodes has all its memory from the start"
    } else {
        return;
    };
    if b_info.pv.is_some() || b_info.target_memkb == b_info.max_memkb {
        return;
    }
    b_info.target_memkb = b_info.max_memkb;
    if let Some(current) = root.children("currentMemory").next() {
        current.mark_whole(&Finding::approximated("memory-whole", reason));
    }
}

fn passes_through(mode: crate::domain::config::Passthrough) -> bool {
    use crate::domain::config::Passthrough::{Default, Disabled};
    !matches!(mode, Default | Disabled)
}
