//! `<features>`: ACPI and related features, Xen's own, and those of other hypervisors.

use super::super::cursor::{Element, Result};
use super::guest::Guest;
use super::{hvm_only, hyperv, set};
use crate::diag::Finding;
use crate::domain::config::Passthrough;
use crate::domain::libvirt::{PASSTHROUGH_MODES, value_of};
use crate::domain::release;

/// Features that a PV or PVH guest does not have.
const HVM_ONLY: &[&str] = &["acpi", "apic", "pae", "viridian", "hyperv", "ps2", "smm"];

pub(super) fn read(root: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let features = root.child("features");
    let has = |name: &str| features.and_then(|features| features.child(name)).is_some();
    let (acpi, apic, pae) = (has("acpi"), has("apic"), has("pae"));
    let for_xen = guest.for_xen;
    if guest.is_hvm() {
        // A feature that is not listed is off. The other hypervisors' XML does not list what they cannot switch off.
        guest.config.b_info.acpi = Some(acpi.into());
        guest.config.b_info.apic = (apic || for_xen).then(|| apic.into());
        if let Some(hvm) = guest.hvm() {
            hvm.pae = (pae || for_xen).then(|| pae.into());
        }
    }
    let Some(features) = features else { return Ok(()) };
    if !guest.is_hvm() {
        hvm_only(&features, HVM_ONLY);
    }
    if let Some(hap) = features.child("hap") {
        let on = hap.attr("state").map_or(Ok(true), |state| state.on_off())?;
        set(&mut guest.config.c_info.hap, on);
    }
    if let Some(xen) = features.child("xen") {
        of_xen(&xen, guest)?;
    }
    if let Some(msrs) = features.child("msrs") {
        unknown_msrs(&msrs, guest);
    }
    if let Some(pmu) = features.children("pmu").next() {
        performance_counters(&pmu, guest)?;
    }
    if let Some(hvm) = guest.hvm() {
        if features.child("viridian").is_some() {
            set(&mut hvm.viridian, true);
        }
        if let Some(hyperv) = features.child("hyperv") {
            hyperv::read(&hyperv, guest)?;
        }
    }
    Ok(())
}

/// Xen's own features: the host's memory map for a PV guest, and the IOMMU.
fn of_xen(xen: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    if let Some(e820) = xen.child("e820_host") {
        let on = e820.attr("state").map_or(Ok(true), |state| state.on_off())?;
        match guest.config.b_info.pv.as_mut() {
            Some(pv) => set(&mut pv.e820_host, on),
            None => e820
                .mark_whole(&Finding::no_effect("pv-only", "only a PV guest can have the host's memory map")),
        }
    }
    let Some(passthrough) = xen.child("passthrough") else { return Ok(()) };
    let on = passthrough.attr("state").map_or(Ok(true), |state| state.on_off())?;
    let mode = passthrough.attr("mode");
    if !on {
        guest.config.c_info.passthrough = Passthrough::Disabled;
        if let Some(mode) = mode {
            mode.mark(Finding::no_effect("passthrough-off", "a detail of passthrough, which is off"));
        }
        return Ok(());
    }
    if guest.kind() == timers::GuestKind::Pvh {
        let reason = "libxl does not pass devices through to a PVH guest";
        passthrough.mark_whole(&Finding::unsupported("passthrough-pvh", reason));
        return Ok(());
    }
    guest.config.c_info.passthrough = match mode {
        None => Passthrough::Enabled,
        Some(mode) => match value_of(PASSTHROUGH_MODES, mode.text) {
            // libxl shares page tables only with HAP, and not with a PV guest.
            Some(Passthrough::SharePt)
                if guest.is_hvm() && guest.config.c_info.hap.is_none_or(|hap| hap.is_true()) =>
            {
                Passthrough::SharePt
            }
            Some(Passthrough::SyncPt) => Passthrough::SyncPt,
            _ => {
                let reason =
                    "libxl shares page tables only with an HVM guest with HAP, so libxl chooses the mode";
                mode.mark(Finding::approximated("passthrough-mode", reason).instead("write mode='sync_pt'"));
                Passthrough::Enabled
            }
        },
    };
    Ok(())
}

/// Reads how MSRs that the hypervisor does not know are read and written.
fn unknown_msrs(msrs: &Element<'_>, guest: &mut Guest<'_>) {
    let Some(unknown) = msrs.attr("unknown") else { return };
    if let Some(finding) =
        guest.lacks(release::key("msr_relaxed"), "key for this").filter(|_| unknown.text == "ignore")
    {
        unknown.mark(finding);
    } else if unknown.text == "ignore" {
        set(&mut guest.config.b_info.arch_x86.msr_relaxed, true);
        unknown.mark(Finding::approximated(
            "msr-relaxed",
            "reads return 0 if Xen itself can read the MSR, and writes are dropped",
        ));
    } else {
        unknown.mark(Finding::no_effect("msr-fault", "on Xen an unknown MSR faults by default"));
    }
}

/// libxl refuses a guest with performance counters where Xen itself was not started with them.
fn performance_counters(pmu: &Element<'_>, guest: &Guest<'_>) -> Result<()> {
    if pmu.attr("state").map_or(Ok(true), |state| state.on_off())? {
        let reason = "a guest on Xen has no performance counters unless Xen was started with vpmu=on";
        let finding = Finding::unsupported("vpmu", reason);
        pmu.leave_out(match guest.lacks(release::key("vpmu"), "key for this") {
            None => finding.instead_in_file("start Xen with vpmu=on, and write vpmu = 1"),
            // Every guest has them then.
            Some(_) => finding.instead("start Xen with vpmu=on"),
        });
    } else {
        let reason = "a guest on Xen has no performance counters unless requested";
        pmu.mark_whole(&Finding::no_effect("vpmu", reason));
    }
    Ok(())
}
