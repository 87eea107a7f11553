//! The findings on timers.

use timers::{Catchup, GuestKind, TickPolicy, Timer, TimerMode, TimerName, Track, ticks};

use super::Target;
use crate::diag::Finding;
use crate::domain::Part;

type Findings = Vec<(Part, Finding)>;

pub(super) fn findings(timers: &[Timer], kind: GuestKind, target: Target) -> Findings {
    let decision = ticks::decide(timers);
    let mut all = Findings::new();
    for (index, timer) in timers.iter().enumerate() {
        match timer.name {
            TimerName::Tsc => tsc(timer, index, target, &mut all),
            TimerName::Rtc | TimerName::Pit | TimerName::Hpet => {
                emulated(timer, index, kind, &mut all);
                if kind.has_rtc() && decision.overruled.contains(&timer.name) {
                    all.push((Part::TickPolicy(index), overruled(decision.decided_by)));
                }
            }
            TimerName::Hypervclock => hyperv(timer, index, kind, &mut all),
            TimerName::Kvmclock | TimerName::Platform | TimerName::Armvtimer => {
                absent(timer, index, &mut all)
            }
        }
        elsewhere(timer, index, &mut all);
        tunables(timer, index, &mut all);
    }
    all
}

fn tsc(timer: &Timer, index: usize, target: Target, all: &mut Findings) {
    if timer.present == Some(false) {
        let finding = Finding::unsupported("tsc-hidden", "the TSC cannot be hidden from a guest on Xen");
        all.push((
            Part::Present(index),
            finding
                .instead_by_format("remove present='no'", "remove present=no from clock_timers")
                .refusing_start(),
        ));
    }
    match timer.mode {
        Some(TimerMode::Paravirt) => {
            let reason = "mode 'paravirt' (native_paravirt, PVRDTSCP) was removed in Xen 4.12";
            let finding = Finding::unsupported("tsc-paravirt", reason);
            all.push((
                Part::Mode(index),
                finding
                    .instead_by_format(
                        "write mode='auto', or mode='native' for a guest that never migrates",
                        "write tsc_mode = \"default\", or tsc_mode = \"native\" for a guest that never migrates",
                    )
                    .refusing_start(),
            ));
        }
        Some(TimerMode::Smpsafe) => {
            let reason = "Xen has no such mode: default is used, which emulates if the host's TSC is not reliable on all CPUs";
            all.push((
                Part::Mode(index),
                Finding::approximated("tsc-smpsafe", reason).instead_by_format(
                    "write mode='emulate' to be safe on every host",
                    "write tsc_mode = \"always_emulate\" to be safe on every host",
                ),
            ));
        }
        _ => {}
    }
    if timer.tickpolicy.is_some() {
        let reason = "the TSC counts and does not tick: Xen has no policy for it";
        all.push((
            Part::TickPolicy(index),
            Finding::unsupported("tsc-ticks", reason).instead("remove tickpolicy"),
        ));
    }
    frequency(timer, index, target, all);
}

fn frequency(timer: &Timer, index: usize, target: Target, all: &mut Findings) {
    let Some(frequency) = timer.frequency else {
        return;
    };
    let part = Part::Frequency(index);
    let khz = match frequency.to_khz() {
        Ok(khz) => khz,
        Err(error) => {
            let finding = Finding::invalid("tsc-frequency", error.to_string());
            all.push((
                part,
                finding.instead_by_format(
                    "write the frequency in Hz, as in frequency='2000000000' for 2 GHz, or leave frequency out for the host's",
                    "write the frequency in Hz, as in clock_tsc_frequency = 2000000000 for 2 GHz, or leave clock_tsc_frequency \
                     out for the host's; xenclock clock-set DOMAIN --unset clock_tsc_frequency takes it back",
                ),
            ));
            return;
        }
    };
    if timer.mode == Some(TimerMode::Native) {
        // A start knows the host's frequency, and decides by it.
        if target != Target::Start {
            all.push((part, native_frequency()));
        }
        return;
    }
    let rounded = (!frequency.is_whole_khz()).then(|| format!("Xen counts in kHz: rounded to {khz}"));
    match (target, rounded) {
        (Target::Start, Some(rounded)) => all.push((part, Finding::approximated("tsc-rounded", rounded))),
        (Target::Start, None) => {}
        (Target::Xl, rounded) => {
            let mut reason = "xl has no key for it: stock xl gives the guest the host's frequency".to_owned();
            if let Some(rounded) = rounded {
                reason = format!("{reason}; {rounded}");
            }
            let finding = Finding::approximated("xl-no-frequency", reason);
            all.push((
                part,
                finding.instead("start the guest with xenclock create, which reads clock_tsc_frequency"),
            ));
        }
        (Target::Json, _) => {
            let finding = Finding::unsupported(
                "json-no-frequency",
                "libxl's JSON has no field for the TSC's frequency",
            );
            all.push((part, finding.instead("convert to xl.cfg, whose clock_tsc_frequency holds it")));
        }
    }
}

/// RTC, PIT and HPET: an HVM guest has all three (the HPET as asked), other guests none.
fn emulated(timer: &Timer, index: usize, kind: GuestKind, all: &mut Findings) {
    let name = timer.name;
    let is_rtc = name == TimerName::Rtc;
    let finding = match (kind.has_rtc(), timer.present) {
        (true, Some(false)) if name != TimerName::Hpet => {
            let finding =
                Finding::unsupported("timer-fixed", format!("an HVM guest on Xen always has its {name}"));
            Some(finding.instead_by_format(
                "remove present='no', or use a PVH guest, which has none",
                "remove present=no from clock_timers, or use a PVH guest, which has none",
            ))
        }
        (false, Some(true)) => {
            let finding = Finding::unsupported("no-such-timer", format!("a PV or PVH guest has no {name}"));
            Some(finding.instead_by_format(
                "remove present='yes', or use an HVM guest",
                "remove present=yes from clock_timers, or use an HVM guest",
            ))
        }
        _ => None,
    };
    if let Some(finding) = finding {
        all.push((Part::Present(index), if is_rtc { finding.refusing_start() } else { finding }));
    }
    if !kind.has_rtc() && timer.tickpolicy.is_some() {
        let reason = format!("a PV or PVH guest has no {name} that could tick");
        all.push((Part::TickPolicy(index), Finding::no_effect("no-such-timer", reason)));
    }
    if !is_rtc {
        return;
    }
    let track = match timer.track {
        Some(Track::Guest) if kind.has_rtc() => Finding::approximated(
            "rtc-track",
            "Xen's RTC follows the host's wallclock, and continues while the guest is paused",
        ),
        Some(Track::Boot | Track::Realtime) if kind.has_rtc() => {
            Finding::unsupported("rtc-track", "Xen's RTC follows the host's wallclock alone")
        }
        Some(Track::Wall) if kind.has_rtc() => Finding::exact(),
        Some(_) => Finding::no_effect("no-such-timer", "a PV or PVH guest has no RTC"),
        None => return,
    };
    let finding = if track.verdict.is_loss() {
        track.instead_by_format("write track='wall'", "write track=wall")
    } else {
        track
    };
    all.push((Part::Track(index), finding));
}

fn overruled(decided_by: Option<TimerName>) -> Finding {
    let by = decided_by.map_or("another timer", TimerName::as_str);
    let reason = format!("Xen has one policy for all periodic timers: that of {by} applies");
    Finding::approximated("one-policy", reason)
}

fn hyperv(timer: &Timer, index: usize, kind: GuestKind, all: &mut Findings) {
    match timer.present {
        Some(true) => {}
        Some(false) => return,
        None => {
            // So it is for libvirt's QEMU driver, too.
            let reason = "Hyper-V's clock is off unless present='yes'";
            return all.push((Part::Timer(index), Finding::no_effect("hyperv-not-asked", reason)));
        }
    }
    if !kind.has_rtc() {
        let finding = Finding::unsupported("hyperv-hvm-only", "only an HVM guest has Hyper-V's clock");
        all.push((Part::Timer(index), finding.instead("a PV or PVH guest uses Xen's own clock")));
    }
}

/// Timers of other hypervisors and other machines.
fn absent(timer: &Timer, index: usize, all: &mut Findings) {
    let (code, reason, instead) = match timer.name {
        TimerName::Kvmclock => {
            let reason = "KVM's own clock; on Xen, Linux uses Xen's clock instead";
            return all.push((Part::Timer(index), Finding::no_effect("kvmclock", reason)));
        }
        TimerName::Armvtimer => ("armvtimer", "armvtimer exists only on ARM", "remove the timer"),
        _ => {
            ("platform-timer", "no hypervisor of libvirt supports the platform timer", "use rtc, pit or hpet")
        }
    };
    let finding = if timer.present == Some(false) {
        Finding::no_effect(code, "does not exist on Xen")
    } else {
        Finding::unsupported(code, reason).instead(instead)
    };
    all.push((Part::Timer(index), finding));
}

/// Attributes that belong to other timers, which libvirt refuses: its `virDomainDefPostParseTimer`.
fn elsewhere(timer: &Timer, index: usize, all: &mut Findings) {
    let name = timer.name;
    let is_tsc = name == TimerName::Tsc;
    let ticks = !matches!(name, TimerName::Kvmclock | TimerName::Hypervclock);
    let tracks = matches!(name, TimerName::Rtc | TimerName::Platform);
    let frequency = timer.frequency.is_some_and(|frequency| frequency.0 != 0);
    let strangers = [
        (timer.mode.is_some() && !is_tsc, Part::Mode(index), "mode", "only tsc has one"),
        (frequency && !is_tsc, Part::Frequency(index), "frequency", "only tsc has one"),
        (timer.tickpolicy.is_some() && !ticks, Part::TickPolicy(index), "tickpolicy", "it does not tick"),
        (timer.track.is_some() && !tracks, Part::Track(index), "track", "only rtc has one"),
    ];
    for (there, part, attribute, reason) in strangers {
        if there {
            let reason = format!("timer {name} takes no {attribute}: {reason}");
            let finding = Finding::invalid("other-timer", reason);
            all.push((part, finding.instead(format!("remove {attribute}"))));
        }
    }
}

fn tunables(timer: &Timer, index: usize, all: &mut Findings) {
    let Some(catchup) = timer.catchup else {
        return;
    };
    if timer.tickpolicy != Some(TickPolicy::Catchup) {
        let Catchup { threshold, slew, limit } = catchup;
        let finding = if [threshold, slew, limit].into_iter().flatten().any(|number| number != 0) {
            let reason =
                "threshold, slew and limit belong to tickpolicy 'catchup', which this timer does not have";
            Finding::invalid("no-catchup", reason).instead_by_format(
                "add tickpolicy='catchup', or remove <catchup>",
                "add tickpolicy=catchup, or remove threshold, slew and limit",
            )
        } else {
            Finding::no_effect("no-catchup", "belongs to tickpolicy='catchup'")
        };
        return all.push((Part::Catchup(index), finding));
    }
    let numbers = [
        ("threshold", catchup.threshold, Part::Threshold(index)),
        ("slew", catchup.slew, Part::Slew(index)),
        ("limit", catchup.limit, Part::Limit(index)),
    ];
    for (name, number, part) in numbers {
        if number.is_some() {
            let reason = format!(
                "Xen has no {name} for catching up: missed ticks come at once when the guest runs again"
            );
            all.push((part, Finding::unsupported("catchup-tunable", reason).instead("remove it")));
        }
    }
}

/// The finding for a frequency in native mode, which every host refuses but one whose TSC runs at it.
pub(super) fn native_frequency() -> Finding {
    let reason = "Xen ignores a frequency in native mode: the guest gets the host's";
    Finding::unsupported("tsc-native-frequency", reason).instead_by_format(
        "remove mode='native'; then Xen scales or emulates the TSC",
        "remove mode native (tsc_mode, or mode= in clock_timers); then Xen scales or emulates the TSC",
    )
}
