//! `<vcpu>` and `<cputune>`: the number of vCPUs, their affinity, and their scheduling.

use std::collections::BTreeSet;

use super::super::cursor::{Element, Result, Value};
use super::guest::Guest;
use super::set;
use crate::diag::Finding;
use crate::domain::most_vcpus;
use timers::GuestKind;

/// The most vCPUs of any guest.
const MAX_VCPUS: i32 = most_vcpus(GuestKind::Pv);
/// The CPUs that libvirt counts at most.
const MAX_CPUS: u32 = 16384;
/// The CPUs of a vCPU that is pinned nowhere, when others are: more CPUs than any host has.
const ANYWHERE: u32 = 1024;
/// libvirt's period where there is a quota alone, in microseconds.
const PERIOD: u64 = 100_000;
/// The weights that the credit scheduler takes.
const WEIGHTS: std::ops::RangeInclusive<i32> = 1..=65535;

pub(super) fn read(root: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let everywhere = vcpus(root, guest)?;
    let Some(tune) = root.child("cputune") else {
        pin(guest, everywhere, Vec::new());
        return Ok(());
    };
    let pins = pins(&tune, guest)?;
    pin(guest, everywhere, pins);
    shares(&tune, guest)?;
    quota(&tune, guest)
}

/// How many vCPUs there are; the CPUs that all of them may run on.
fn vcpus(root: &Element<'_>, guest: &mut Guest<'_>) -> Result<Option<BTreeSet<u32>>> {
    let (mut max, mut now) = (1, 1);
    let mut everywhere = None;
    if let Some(element) = root.child("vcpu") {
        let count = |value: &Value<'_>| -> Result<i32> {
            let expected = format!("a number of vCPUs, 1 to {MAX_VCPUS}");
            match value.number(&expected)? {
                count @ 1..=MAX_VCPUS => Ok(count),
                _ => Err(value.not(&expected)),
            }
        };
        let most = most_vcpus(guest.kind());
        if let Some(value) = element.text()? {
            max = count(&value)?;
            if max > most {
                let reason = format!("on Xen a guest of this kind has at most {most} vCPUs");
                value.mark(Finding::approximated("too-many-vcpus", reason));
            }
        } else if element.is_in_doubt() {
            max = MAX_VCPUS;
        }
        now = max;
        if let Some(current) = element.attr("current") {
            now = count(&current)?;
            if now > max {
                return Err(current.not(&format!("a number of vCPUs up to the {max} of <vcpu>")));
            }
        }
        (max, now) = (max.min(most), now.min(most));
        let mut automatic = false;
        if let Some(placement) = element.attr("placement") {
            automatic = placement.one_of(&[("static", false), ("auto", true)])?;
            if automatic {
                let reason = "Xen places vCPUs by itself by default";
                placement.mark(Finding::no_effect("placement", reason));
            }
        }
        if let Some(cpus) = element.attr("cpuset") {
            let set = cpu_set(&cpus)?;
            if automatic {
                let reason = "with placement='auto' libvirt does not use it either";
                cpus.mark(Finding::no_effect("placement", reason));
            } else {
                everywhere = Some(set);
            }
        }
    }
    guest.config.b_info.max_vcpus = max;
    guest.config.b_info.avail_vcpus = (0..now.unsigned_abs()).collect();
    Ok(everywhere)
}

/// CPUs as libvirt and xl both write them: `1-4,^3,6`.
pub(super) fn cpu_set(value: &Value<'_>) -> Result<BTreeSet<u32>> {
    let wrong = || value.not("a set of CPUs such as 1-4,^3,6");
    let number = |text: &str| text.parse().ok().filter(|&cpu: &u32| cpu < MAX_CPUS);
    let mut set = BTreeSet::new();
    for part in value.text.split(',').map(str::trim) {
        if let Some(out) = part.strip_prefix('^') {
            set.remove(&number(out).ok_or_else(wrong)?);
            continue;
        }
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => set.extend(first..=last),
            _ => return Err(wrong()),
        }
    }
    if set.is_empty() { Err(wrong()) } else { Ok(set) }
}

/// The CPUs that each vCPU with a pin of its own may run on.
fn pins(tune: &Element<'_>, guest: &Guest<'_>) -> Result<Vec<(usize, BTreeSet<u32>)>> {
    let max = guest.config.b_info.max_vcpus.unsigned_abs() as usize;
    let mut found: Vec<(usize, BTreeSet<u32>)> = Vec::new();
    for element in tune.children("vcpupin").map(Element::take) {
        let [vcpu, cpus] = element.needs_all([("vcpu", "0"), ("cpuset", "0")], || {
            let finding = Finding::invalid("bad-pin", "<vcpupin> needs a vcpu and a cpuset");
            finding.instead("write <vcpupin vcpu='0' cpuset='2'/>")
        });
        let number: usize = vcpu.number("the number of a vCPU, from 0")?;
        let cpus = cpu_set(&cpus)?;
        if element.attr("vcpu").is_none() {
            continue;
        }
        if number >= max {
            element.mark_whole(&Finding::no_effect("no-such-vcpu", format!("there is no vCPU {number}")));
        } else if found.iter().any(|(other, _)| *other == number) {
            return Err(vcpu.not("the number of an unpinned vCPU"));
        } else {
            found.push((number, cpus));
        }
    }
    Ok(found)
}

/// Puts the pins into the config; a vCPU without one may run where all may.
fn pin(guest: &mut Guest<'_>, everywhere: Option<BTreeSet<u32>>, pins: Vec<(usize, BTreeSet<u32>)>) {
    let b_info = &mut guest.config.b_info;
    let count = match (&everywhere, pins.iter().map(|(vcpu, _)| vcpu + 1).max()) {
        (None, None) => return,
        (None, Some(count)) => count,
        (Some(_), _) => b_info.max_vcpus.unsigned_abs() as usize,
    };
    let others = everywhere.unwrap_or_else(|| (0..ANYWHERE).collect());
    let mut all = vec![others; count];
    for (vcpu, cpus) in pins {
        if let Some(slot) = all.get_mut(vcpu) {
            *slot = cpus;
        }
    }
    let alike = all.windows(2).all(|pair| pair[0] == pair[1]);
    let whole = all.len() == b_info.max_vcpus.unsigned_abs() as usize;
    // As xl does: a list for each vCPU has chosen the nodes, one for all has not.
    if !(alike && whole) {
        set(&mut b_info.numa_placement, false);
    }
    b_info.vcpu_hard_affinity = all.into_iter().map(|cpus| cpus.into_iter().collect()).collect();
}

fn shares(tune: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let Some(shares) = tune.child_text("shares")? else { return Ok(()) };
    let wanted: u64 = shares.number("a number of shares")?;
    let weight = i32::try_from(wanted).unwrap_or(i32::MAX).clamp(*WEIGHTS.start(), *WEIGHTS.end());
    guest.config.b_info.sched_params.weight = Some(weight);
    if u64::from(weight.unsigned_abs()) != wanted {
        let reason = format!("a weight on Xen is a number from 1 to 65535: {weight}");
        shares.mark(Finding::approximated("cpu-weight", reason));
    } else if !guest.for_xen {
        let reason = "a weight relative to those of other guests, 256 by default";
        shares.mark(Finding::approximated("cpu-weight", reason));
    }
    Ok(())
}

/// Quotas of CPU time: for each vCPU, or for all together; Xen's `cap` is for all, in hundredths of a CPU.
fn quota(tune: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let vcpus = u64::from(guest.config.b_info.max_vcpus.unsigned_abs());
    let mut least: Option<u64> = None;
    for (quota, period, count) in [("quota", "period", vcpus), ("global_quota", "global_period", 1)] {
        let length = tune.child_text(period)?;
        let Some(value) = tune.child_text(quota)? else {
            if let Some(length) = length {
                length.mark(Finding::no_effect("no-quota", format!("without a <{quota}> it limits nothing")));
            }
            continue;
        };
        let period = length.map_or(Ok(PERIOD), |length| length.number("a number of microseconds"))?;
        let limit: i64 = value.number("a number of microseconds, or a negative one for no limit")?;
        let limit = u64::try_from(limit).ok().filter(|&limit| limit > 0 && period > 0);
        let hundredths = limit.map(|limit| (u128::from(limit) * u128::from(count) * 100, u128::from(period)));
        // All vCPUs whole is no limit, and more libxl refuses.
        match hundredths.filter(|(time, period)| *time < u128::from(vcpus) * 100 * period) {
            Some((time, period)) => {
                let cap = u64::try_from(time.div_ceil(period)).unwrap_or(u64::MAX);
                if time % period != 0 {
                    let reason = format!("Xen counts in hundredths of a CPU: {cap}");
                    value.mark(Finding::approximated("cpu-cap", reason));
                }
                least = Some(least.map_or(cap, |least| least.min(cap)));
            }
            None => {
                let finding = Finding::no_effect("no-limit", "no limit");
                value.mark(finding.clone());
                length.into_iter().for_each(|length| length.mark(finding.clone()));
            }
        }
    }
    guest.config.b_info.sched_params.cap = least.and_then(|cap| i32::try_from(cap).ok());
    Ok(())
}
