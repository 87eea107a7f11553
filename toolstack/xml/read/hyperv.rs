//! `<hyperv>`: the Hyper-V enlightenments, which Xen calls viridian.

use timers::hyperv::Viridian;

use super::super::cursor::{Element, Result};
use super::guest::Guest;
use super::{common, set};
use crate::diag::Finding;
use crate::domain::libvirt::{HYPERV, value_of};
use crate::domain::release;

pub(super) fn read(hyperv: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    if let Some(mode) = hyperv.attr("mode").filter(|mode| mode.text != "custom") {
        if let Some(hvm) = guest.hvm() {
            set(&mut hvm.viridian, true);
        }
        let reason = "becomes Xen's default group of enlightenments, which does not contain all";
        let instead = "name the features wanted in <hyperv>";
        mode.mark(Finding::approximated("hyperv-passthrough", reason).instead(instead));
    }
    let mut groups: Vec<Viridian> = Vec::new();
    for feature in hyperv.elements() {
        let on = feature.attr("state").map_or(Ok(true), |state| state.on_off())?;
        if !on {
            let reason = "an enlightenment that is not requested is off";
            feature.mark_whole(&Finding::no_effect("hyperv-off", reason));
            continue;
        }
        match value_of(HYPERV, feature.name()) {
            Some(wanted) => {
                groups.extend_from_slice(wanted);
                groups.extend(extended(&feature.take(), guest)?);
            }
            None if feature.name() == "spinlocks" => {
                retries(&feature)?;
                groups.push(Viridian::Base);
                let reason = "Xen advises its own number of retries, with the base group";
                feature.mark_whole(&Finding::approximated("hyperv-spinlocks", reason));
            }
            None => {}
        }
    }
    if let Some(hvm) = guest.hvm() {
        merge(&mut hvm.viridian_enable, groups);
    }
    Ok(())
}

/// Checks how often a guest is to try a spinlock before it calls the hypervisor.
fn retries(spinlocks: &Element<'_>) -> Result<()> {
    let Some(retries) = spinlocks.attr("retries") else { return Ok(()) };
    common::c_number(&retries).map(drop).ok_or_else(|| retries.not("a number of retries"))
}

/// `<extended>` in `<tlbflush>`: hypercalls that name more CPUs than 64.
fn extended(feature: &Element<'_>, guest: &Guest<'_>) -> Result<Option<Viridian>> {
    let Some(extended) = feature.child("extended") else { return Ok(None) };
    let group = Viridian::ExProcessorMasks;
    if !extended.attr("state").map_or(Ok(true), |state| state.on_off())? {
        let reason = "an enlightenment that is not requested is off";
        extended.mark_whole(&Finding::no_effect("hyperv-off", reason));
        return Ok(None);
    }
    if let Some(finding) = guest.lacks(release::word("viridian", group.as_str()), "such enlightenment") {
        extended.leave_out(finding);
        return Ok(None);
    }
    Ok(Some(group))
}

/// Adds groups to a list of libxl, which is sorted and has each once.
fn merge(list: &mut Vec<u32>, groups: impl IntoIterator<Item = Viridian>) {
    list.extend(groups.into_iter().map(Viridian::number));
    list.sort_unstable();
    list.dedup();
}
