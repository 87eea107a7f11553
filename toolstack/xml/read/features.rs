//! `<features>`: ACPI and its kin, and the Hyper-V enlightenments, which Xen calls viridian.

use timers::GuestKind;
use timers::hyperv::Viridian;

use super::super::cursor::{Element, Result};
use super::set;
use crate::diag::Finding;
use crate::domain::DomainConfig;
use crate::domain::config::Hvm;

/// Hyper-V features whose counterpart in Xen are these groups. All of them need `base`.
const HYPERV: &[(&str, &[Viridian])] = &[
    ("relaxed", &[Viridian::Base]),
    ("vpindex", &[Viridian::Base]),
    ("vapic", &[Viridian::Base, Viridian::ApicAssist]),
    ("synic", &[Viridian::Base, Viridian::Synic]),
    (
        "stimer",
        &[Viridian::Base, Viridian::TimeRefCount, Viridian::ReferenceTsc, Viridian::Synic, Viridian::Stimer],
    ),
    ("frequencies", &[Viridian::Base, Viridian::Freq]),
    ("tlbflush", &[Viridian::Base, Viridian::HcallRemoteTlbFlush]),
    ("ipi", &[Viridian::Base, Viridian::HcallIpi]),
];

/// Features that mean nothing on Xen, with the reason.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("vmport", "an HVM guest on Xen has no VMware port unless asked for"),
    ("kvm", "features of KVM itself"),
    ("ioapic", "KVM's choice of where the I/O APIC runs; on Xen the hypervisor has it"),
    ("privnet", "of containers only"),
];

pub(super) fn read(root: &Element<'_>, config: &mut DomainConfig, for_xen: bool) -> Result<()> {
    let features = root.child("features");
    let has = |name: &str| features.and_then(|features| features.child(name)).is_some();
    let (acpi, apic, pae) = (has("acpi"), has("apic"), has("pae"));
    if config.kind() == GuestKind::Hvm {
        // A feature that is not listed is off. The other hypervisors' XML does not list what they cannot switch off.
        config.b_info.acpi = Some(acpi.into());
        config.b_info.apic = (apic || for_xen).then(|| apic.into());
        if let Some(hvm) = config.b_info.hvm.as_mut() {
            hvm.pae = (pae || for_xen).then(|| pae.into());
        }
    }
    let Some(features) = features else {
        return Ok(());
    };
    if config.kind() != GuestKind::Hvm {
        for feature in
            ["acpi", "apic", "pae", "viridian", "hyperv"].iter().flat_map(|name| features.children(name))
        {
            feature.mark_whole(&Finding::no_effect("hvm-only", "only an HVM guest has it"));
        }
    }
    if let Some(hap) = features.child("hap") {
        let on = hap.attr("state").map_or(Ok(true), |state| state.on_off())?;
        set(&mut config.c_info.hap, on);
    }
    for &(name, reason) in WITHOUT_EFFECT {
        for feature in features.children(name) {
            feature.mark_whole(&Finding::no_effect("feature-elsewhere", reason));
        }
    }
    if let Some(hvm) = config.b_info.hvm.as_mut() {
        if features.child("viridian").is_some() {
            set(&mut hvm.viridian, true);
        }
        if let Some(hyperv) = features.child("hyperv") {
            enlightenments(&hyperv, hvm)?;
        }
    }
    Ok(())
}

fn enlightenments(hyperv: &Element<'_>, hvm: &mut Hvm) -> Result<()> {
    if let Some(mode) = hyperv.attr("mode")
        && mode.one_of(&[("custom", false), ("passthrough", true)])?
    {
        set(&mut hvm.viridian, true);
        mode.mark(
            Finding::approximated(
                "hyperv-passthrough",
                "Xen's default group of enlightenments, not all there are",
            )
            .instead("name the features wanted in <hyperv>"),
        );
    }
    let mut groups: Vec<Viridian> = Vec::new();
    for feature in hyperv.elements() {
        let on = feature.attr("state").map_or(Ok(true), |state| state.on_off())?;
        if !on {
            let reason = "an enlightenment that is not asked for is off";
            feature.mark_whole(&Finding::no_effect("hyperv-off", reason));
            continue;
        }
        match HYPERV.iter().find(|(name, _)| *name == feature.name()) {
            Some((_, wanted)) => {
                let _ = feature.take();
                groups.extend_from_slice(wanted);
            }
            None if feature.name() == "spinlocks" => {
                groups.push(Viridian::Base);
                let reason = "Xen advises its own number of retries, with the base group";
                feature.mark_whole(&Finding::approximated("hyperv-spinlocks", reason));
            }
            None => {}
        }
    }
    merge(&mut hvm.viridian_enable, groups);
    Ok(())
}

/// Adds groups to a list of libxl, which is sorted and has each once.
pub(super) fn merge(list: &mut Vec<u32>, groups: impl IntoIterator<Item = Viridian>) {
    list.extend(groups.into_iter().map(Viridian::number));
    list.sort_unstable();
    list.dedup();
}
