//! Assesses a clock on Xen: a finding for each part of it that Xen does not provide exactly.
//!
//! Independent of the format from which the clock was read. The rules are in `docs/mapping.md`.

mod advice;
mod frequency;
mod image_names;
mod invariant;
mod target;
mod timer_findings;
mod tsc;
mod video_memory;

use timers::{Adjustment, Basis, ClockOffset, GuestClock, GuestKind, check};

pub use target::Target;
pub(crate) use tsc::{decide_tsc, native_at_a_frequency};

use crate::diag::Finding;
use crate::domain::{Domain, Part, network_disks};

/// The fields of a config whose loss in an xl.cfg is found here, at their place in the input.
pub(crate) const FOUND_HERE: &[&str] = &["b_info.type.hvm.ms_vm_genid"];

/// Every finding on a domain's clock, notes, generation ID and disks, for this target.
#[must_use]
pub fn assess(domain: &Domain, target: Target) -> Vec<(Part, Finding)> {
    let mut findings = clock(&domain.clock, domain.config.kind(), target);
    findings.extend(notes(domain, target));
    findings.extend(generation_id(domain, target));
    findings.extend(invariant::finding(domain));
    let disks = domain.config.disks.iter().enumerate();
    findings.extend(disks.filter_map(|(index, disk)| {
        Some((Part::Disk(index), network_disks::finding(&domain.config, disk)?))
    }));
    findings
}

/// The advice on a domain.
#[must_use]
pub(crate) fn advice(domain: &Domain) -> Vec<(Part, Finding)> {
    advice::of_zone(domain)
        .into_iter()
        .chain(frequency::advice(domain))
        .chain(invariant::advice(domain))
        .chain(video_memory::advice(domain))
        .chain(image_names::advice(domain))
        .collect()
}

/// xl makes up a generation ID at each start, and takes none from its file.
fn generation_id(domain: &Domain, target: Target) -> Option<(Part, Finding)> {
    let given =
        domain.config.b_info.hvm.as_ref().is_some_and(|hvm| hvm.ms_vm_genid.iter().any(|byte| *byte != 0));
    let reason = "an xl.cfg cannot hold a generation ID: each start generates a new one";
    let finding = Finding::approximated("xl-genid", reason)
        .instead("start the guest from its XML with xenclock create, which gives it this one");
    (given && target == Target::Xl).then_some((Part::GenerationId, finding))
}

/// Every finding on a clock, for this kind of guest and this target.
#[must_use]
pub fn clock(clock: &GuestClock, kind: GuestKind, target: Target) -> Vec<(Part, Finding)> {
    let mut findings = offset(clock, kind, target);
    if let Err(twice) = check::duplicates(&clock.timers) {
        let finding =
            Finding::invalid("timer-twice", twice.to_string()).instead("keep one timer of each name");
        findings.push((Part::Timer(twice.second), finding));
    }
    findings.extend(timer_findings::findings(&clock.timers, kind, target));
    findings
}

fn offset(clock: &GuestClock, kind: GuestKind, target: Target) -> Vec<(Part, Finding)> {
    let mut findings = Vec::new();
    let effective = clock.offset.effective();
    let lost = |what: &str| {
        Finding::approximated("json-no-clock", format!("libxl's JSON can hold an offset, but not {what}"))
            .instead("convert to xl.cfg, whose clock_ keys hold all of it")
    };
    match (&effective, target) {
        (ClockOffset::Timezone { timezone }, Target::Xl) => {
            let reason = format!(
                "xl does not know time zones: stock xl starts the guest at {timezone}'s present offset from UTC"
            );
            let finding = Finding::approximated("xl-no-timezone", reason);
            findings.push((
                Part::Timezone,
                finding
                    .instead("start the guest with xenclock create, which resolves the zone at each start"),
            ));
        }
        (ClockOffset::Absolute { .. }, Target::Xl) => {
            let reason = "xl has no fixed start: stock xl starts the guest at the present difference between that time and UTC";
            let finding = Finding::approximated("xl-no-absolute", reason);
            findings.push((
                Part::Start,
                finding.instead("start the guest with xenclock create, which sets this time"),
            ));
        }
        (ClockOffset::Timezone { .. }, Target::Json) => {
            findings.push((Part::Timezone, lost("the time zone")))
        }
        (ClockOffset::Absolute { .. }, Target::Json) => findings.push((Part::Start, lost("a fixed start"))),
        (ClockOffset::Variable { .. }, Target::Json) if kind.has_rtc() => {
            findings.push((Part::Offset, lost("that the guest's changes are kept")));
        }
        _ => {}
    }
    if !kind.has_rtc() {
        let reason = match effective {
            ClockOffset::Variable { .. } => {
                "a PV or PVH guest has no RTC: only its wallclock is set, and the guest cannot change it"
            }
            _ => "a PV or PVH guest has no RTC: its wallclock is set",
        };
        let plain = ClockOffset::Variable { adjustment: 0, basis: Basis::Utc };
        let adjusted = !matches!(effective, ClockOffset::Utc { .. }) && effective != plain;
        if adjusted {
            findings.push((Part::Offset, Finding::approximated("no-rtc", reason)));
        } else if effective == plain {
            findings.push((Part::Offset, Finding::no_effect("no-rtc", reason)));
        }
    }
    if let ClockOffset::Utc { adjustment: Some(Adjustment::Seconds(_)) }
    | ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(_)) } = clock.offset
    {
        findings.push((
            Part::Adjustment,
            Finding::new(
                crate::diag::Verdict::Exact,
                "now-variable",
                "a number makes the clock variable, as in libvirt",
            ),
        ));
    }
    findings
}

fn notes(domain: &Domain, target: Target) -> Vec<(Part, Finding)> {
    let notes = [
        (Part::Title, domain.notes.title.is_some()),
        (Part::Description, domain.notes.description.is_some()),
        (Part::Metadata, domain.notes.metadata.is_some()),
    ];
    let finding = match target {
        Target::Xl => Finding::no_effect("kept-as-comment", "kept as a comment"),
        Target::Json => Finding::unsupported("json-no-comments", "libxl's JSON has no field for it")
            .instead("convert to xl.cfg, which keeps it as a comment"),
        Target::Start => Finding::no_effect("no-notes", "changes nothing in the guest"),
    };
    notes.into_iter().filter(|(_, there)| *there).map(|(part, _)| (part, finding.clone())).collect()
}

#[cfg(test)]
mod tests {
    use timers::{TickPolicy, Timer, TimerName};

    use super::*;

    #[test]
    fn a_timer_that_is_given_twice_is_refused_once() {
        for (first, second) in [(TimerName::Rtc, TickPolicy::Merge), (TimerName::Tsc, TickPolicy::Delay)] {
            let other = Timer { tickpolicy: Some(second), ..Timer::named(first) };
            let twice = GuestClock::new(ClockOffset::default(), vec![Timer::named(first), other]);
            let findings = clock(&twice, GuestKind::Hvm, Target::Start);
            let found: Vec<_> =
                findings.iter().filter(|(_, finding)| finding.code == "timer-twice").collect();
            assert!(
                matches!(found[..], [(Part::Timer(1), finding)] if finding.verdict == crate::diag::Verdict::Invalid)
            );
        }
    }
}
