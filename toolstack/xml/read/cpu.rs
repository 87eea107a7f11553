//! `<cpu>`: the CPU that the guest sees. On Xen this is the host's CPU, with features added and removed.

use super::super::cursor::{Element, Result, Value};
use super::guest::Guest;
use super::{numa, set};
use crate::diag::Finding;
use crate::domain::Part;
use crate::domain::config::{CpuPolicy, CpuidLeaf};
use crate::domain::libvirt::{self, Bit, FEATURE_POLICIES, Register, value_of};

pub(super) fn read(root: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let Some(cpu) = root.child("cpu") else { return Ok(()) };
    let mut nested = None;
    for feature in cpu.children("feature") {
        if let Some(on) = read_feature(&feature, guest)? {
            nested = Some(on);
        }
    }
    model(&cpu, guest, nested);
    numa::read(root, &cpu, guest)
}

/// The CPU as a whole: the host's, whatever is asked for.
fn model(cpu: &Element<'_>, guest: &Guest<'_>, nested: Option<bool>) {
    let mode = cpu.attr("mode");
    let named = mode.map_or("custom", |mode| mode.text) == "custom";
    let models: Vec<_> = cpu.children("model").collect();
    if let Some(mode) = mode {
        let whole_host = matches!(mode.text, "host-passthrough" | "maximum");
        mode.mark(if whole_host && nested.is_none() && !guest.for_xen && guest.is_hvm() {
            let reason =
                "a guest on Xen has the host's CPU, but without nested virtualization unless requested";
            let instead =
                "if the guest runs guests itself, add <feature policy='require' name='vmx'/> (svm on AMD)";
            Finding::approximated("nested", reason).instead(instead)
        } else {
            Finding::no_effect(
                "host-cpu",
                "a guest on Xen has the host's CPU with the features that Xen exposes",
            )
        });
    }
    for model in models {
        let finding = if named {
            let reason = "Xen has no CPU models: the guest has the host's CPU";
            Finding::approximated("cpu-model", reason).instead(
                "disable features that the guest must not see: <feature policy='disable' name='NAME'/>",
            )
        } else {
            Finding::no_effect(
                "host-cpu",
                "a guest on Xen has the host's CPU with the features that Xen exposes",
            )
        };
        model.leave_out(finding);
    }
    if let Some(vendor) = cpu.child("vendor") {
        vendor.mark_whole(&Finding::approximated("cpu-vendor", "the vendor is that of the host's CPU"));
    }
}

/// Reads a feature; whether the guest may run guests itself, where it is about that.
fn read_feature(feature: &Element<'_>, guest: &mut Guest<'_>) -> Result<Option<bool>> {
    let name = feature.needs("name", "aes", || {
        let finding = Finding::invalid("no-feature-name", "the CPU feature has no name");
        finding.instead("add name='NAME', as in name='aes'")
    });
    let policy = feature.attr("policy");
    let word = policy.map_or("require", |policy| policy.text);
    let Some(wish) = value_of(FEATURE_POLICIES, word) else {
        return Err(policy.map_or_else(
            || feature.invalid("bad-value", "no policy"),
            |policy| policy.not_one_of(["force", "require", "optional", "disable", "forbid"].into_iter()),
        ));
    };
    let Some(wish) = wish else {
        let reason = "a guest on Xen has the features of the host that Xen exposes";
        feature.mark_whole(&Finding::no_effect("cpu-optional", reason));
        return Ok(None);
    };
    let feature = feature.take();
    if matches!(name.text, "vmx" | "svm") {
        return Ok(nested(&feature, &name, wish, guest));
    }
    let Some(bit) = libvirt::bit(name.text) else {
        let finding = unknown(name.text, wish);
        feature.mark_whole(&finding);
        return Ok(None);
    };
    if name.text == "invtsc" {
        feature.is(Part::InvariantTsc);
    }
    put(&mut guest.config.b_info.cpuid, bit, wish);
    if let Some(policy) = policy {
        policy_finding(&policy);
    }
    Ok(None)
}

/// True if the guest may run guests itself: vmx on Intel's CPUs, svm on AMD's.
fn nested(feature: &Element<'_>, name: &Value<'_>, wish: bool, guest: &mut Guest<'_>) -> Option<bool> {
    if guest.kind() == timers::GuestKind::Pv {
        let reason = format!("a PV guest has no {} in any case", name.text);
        let finding = Finding::unsupported("nested", reason.clone());
        feature.mark_whole(&if wish { finding } else { Finding::no_effect("nested", reason) });
        return None;
    }
    // An XML made on AMD's may take out Intel's, and the other way around.
    let asked = guest.config.b_info.nested_hvm.is_some_and(|nested| nested.is_true());
    if wish || !asked {
        set(&mut guest.config.b_info.nested_hvm, wish);
    }
    Some(wish)
}

/// A feature that CPUID has no bit for.
fn unknown(name: &str, wish: bool) -> Finding {
    if name.starts_with("vmx-") {
        let reason = "a detail of nested virtualization, which Xen decides by itself";
        return Finding::no_effect("cpu-nested-detail", reason);
    }
    if wish {
        Finding::unsupported(
            "cpu-feature",
            format!("'{name}' is not a CPUID bit that libxl can set; Xen decides"),
        )
    } else {
        Finding::unsupported(
            "cpu-feature",
            format!("'{name}' is not a CPUID bit that libxl can clear; Xen decides"),
        )
    }
}

/// Policies that say more than whether the guest sees the feature.
fn policy_finding(policy: &Value<'_>) {
    match policy.text {
        "force" => {
            policy.mark(Finding::approximated("cpu-force", "Xen exposes a feature only if the host has it"))
        }
        "forbid" => policy.mark(Finding::approximated(
            "cpu-forbid",
            "Xen hides the feature, but also starts the guest on a host that has it",
        )),
        _ => {}
    }
}

/// Sets a bit in the policy, in a leaf that is there or a new one.
fn put(policy: &mut CpuPolicy, bit: Bit, value: bool) {
    let same = |leaf: &CpuidLeaf| leaf.leaf == Some(bit.leaf) && leaf.subleaf == bit.subleaf;
    let at = policy.cpuid.iter().position(same).unwrap_or_else(|| {
        policy.cpuid.push(CpuidLeaf { leaf: Some(bit.leaf), subleaf: bit.subleaf, ..CpuidLeaf::default() });
        policy.cpuid.len() - 1
    });
    let Some(leaf) = policy.cpuid.get_mut(at) else { return };
    let register = match bit.register {
        Register::Eax => &mut leaf.eax,
        Register::Ebx => &mut leaf.ebx,
        Register::Ecx => &mut leaf.ecx,
        Register::Edx => &mut leaf.edx,
    };
    let old = register.take().unwrap_or_else(|| "x".repeat(32));
    let digit = if value { '1' } else { '0' };
    *register =
        Some(old.chars().enumerate().map(|(at, c)| if at == 31 - bit.bit { digit } else { c }).collect());
}
