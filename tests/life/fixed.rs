//! Fixed sequences: the usual life of a guest on Xen, which must fail without tracking; and sequences that random tests
//! once found broken.

use timers::{Basis, ClockOffset, GuestKind, TimerMode};
use xenclock::host::ErrorKind;

use crate::given::Given;
use crate::op::{By, End, Machine, Op, Sick, Spec, Story, Tool, Turns};
use crate::vain::Fault;
use crate::world::{Without, play};

const IN_TIME: Turns = Turns { end: true, birth: true };
const TOO_LATE: Turns = Turns { end: false, birth: false };
const MONTHS: i64 = 40 * 86_400;

fn spec(kind: GuestKind, by: By, offset: ClockOffset) -> Spec {
    Spec { kind, offset, tsc: None, by, clean: false }
}

fn utc() -> ClockOffset {
    ClockOffset::Utc { adjustment: None }
}

fn localtime() -> ClockOffset {
    ClockOffset::Localtime { adjustment: None }
}

fn variable() -> ClockOffset {
    ClockOffset::Variable { adjustment: 0, basis: Basis::Utc }
}

fn of_localtime() -> ClockOffset {
    ClockOffset::Variable { adjustment: 0, basis: Basis::Localtime }
}

fn start(site: usize) -> Op {
    Op::Start { guest: 0, site, turns: IN_TIME }
}

fn write(by: i64) -> Op {
    Op::Write { guest: 0, by }
}

fn end(end: End, turns: Turns) -> Op {
    Op::End { guest: 0, end, turns }
}

fn save(by: Tool, stay: bool, write: i64) -> Op {
    Op::Save { guest: 0, by, stay, write, turns: IN_TIME }
}

fn restore(site: usize, by: Tool) -> Op {
    Op::Restore { file: 0, site, by, turns: IN_TIME }
}

fn migrate(to: usize, by: Tool, fails: bool) -> Op {
    Op::Migrate { guest: 0, to, by, write: 0, fails, turns: IN_TIME }
}

fn vain(call: &'static str) -> Op {
    Op::Vain { guest: 0, site: 0, fault: Fault { call, kind: ErrorKind::Permission } }
}

fn serve(site: usize) -> Op {
    Op::Serve { site }
}

fn machine(khz: u32, reliable: bool, scales: bool) -> Machine {
    Machine { khz, reliable, scaling: Some(scales) }
}

fn told(spec: Spec, ops: Vec<Op>) -> Story {
    Story {
        machines: [machine(2_600_000, true, false), machine(3_000_000, true, true)],
        guests: vec![spec],
        ops,
    }
}

/// What is lost on Xen as it is.
fn losses() -> Vec<(&'static str, Story)> {
    let frequency =
        |by| Spec { tsc: Some((TimerMode::Auto, Some(1_000_000))), ..spec(GuestKind::Hvm, by, utc()) };
    let hvm = |by, offset| spec(GuestKind::Hvm, by, offset);
    let pass = Op::Pass { seconds: MONTHS };
    vec![
        (
            "a guest sets its RTC and reboots",
            told(hvm(By::Us, variable()), vec![start(0), write(90), end(End::Reboot, IN_TIME)]),
        ),
        (
            "one that xl has started does so at once",
            told(
                hvm(By::Discovered, variable()),
                vec![serve(0), start(0), write(90), end(End::Reboot, IN_TIME)],
            ),
        ),
        (
            "it crashes",
            told(
                hvm(By::Asked, of_localtime()),
                vec![serve(0), start(0), write(-5), end(End::Crash, IN_TIME)],
            ),
        ),
        (
            "it is restored, and its config has an offset",
            told(
                hvm(By::Asked, of_localtime()),
                vec![serve(0), start(0), write(20), save(Tool::Xl, false, 0), restore(0, Tool::Xl)],
            ),
        ),
        (
            "it is restored in summer, and its config says localtime",
            told(
                hvm(By::Us, localtime()),
                vec![start(0), save(Tool::Us, false, 0), pass.clone(), restore(0, Tool::Us)],
            ),
        ),
        (
            "it moves to another zone",
            told(hvm(By::Us, localtime()), vec![start(0), migrate(1, Tool::Us, false)]),
        ),
        (
            "so does one without RTC",
            told(spec(GuestKind::Pv, By::Us, localtime()), vec![start(0), migrate(1, Tool::Us, false)]),
        ),
        (
            "its zone is one that xl does not know of, and changes",
            told(
                hvm(By::Asked, ClockOffset::Timezone { timezone: "Europe/Berlin".to_owned() }),
                vec![serve(1), start(1), pass, end(End::Reboot, IN_TIME)],
            ),
        ),
        ("its TSC is to run at 1 GHz", told(frequency(By::Us), vec![start(0)])),
        (
            "at its next start, too",
            told(frequency(By::Asked), vec![serve(0), start(0), end(End::Reboot, IN_TIME)]),
        ),
        (
            "it is soft reset",
            told(hvm(By::Us, localtime()), vec![start(0), write(7), end(End::SoftReset, IN_TIME)]),
        ),
    ]
}

#[test]
fn what_is_lost_on_xen_as_it_is_is_kept() {
    for (what, story) in losses() {
        if let Err(why) = play(&story, Without::Nothing) {
            panic!("{what}: {why}\n{story:?}");
        }
        assert!(
            play(&story, Without::Keeping).is_err(),
            "{what}: nothing is lost, so this story shows nothing\n{story:?}"
        );
    }
}

/// What random stories have found.
fn found() -> Vec<(&'static str, Story)> {
    let hvm = |by, offset| spec(GuestKind::Hvm, by, offset);
    let pvh = |by, offset| spec(GuestKind::Pvh, by, offset);
    let hour = |by| spec(GuestKind::Hvm, by, ClockOffset::Variable { adjustment: 3600, basis: Basis::Utc });
    let poll = |site| Op::Poll { site };
    let change = |site| Op::ToChange { site };
    let sicken = |site| Op::Sicken { site, how: Sick::ReadOnly };
    let lose = |keeps| Op::Lose { site: 0, guest: 0, keeps };
    vec![
        (
            "what our own tools note first was told to nobody",
            told(hvm(By::Us, utc()), vec![serve(0), start(0), save(Tool::Us, true, 1), poll(0)]),
        ),
        (
            "a guest that lived on after a save was not looked at any more",
            told(
                hvm(By::Asked, variable()),
                vec![
                    serve(0),
                    start(0),
                    save(Tool::Xl, true, 0),
                    poll(0),
                    write(-1),
                    poll(0),
                    write(5),
                    end(End::Reboot, IN_TIME),
                ],
            ),
        ),
        (
            "nor its end, where it was saved once more before",
            told(
                hvm(By::Us, utc()),
                vec![start(0), serve(0), save(Tool::Us, true, 0), save(Tool::Us, false, -1)],
            ),
        ),
        (
            "a migration within a host that failed left its record to the domain that is gone",
            told(
                hvm(By::Us, utc()),
                vec![serve(0), start(0), write(1), migrate(0, Tool::Us, true), serve(0)],
            ),
        ),
        (
            "the same where no service was there, and what was asked of it was lost with it",
            told(
                hvm(By::Us, utc()),
                vec![start(0), write(1), migrate(0, Tool::Us, true), serve(0), end(End::Reboot, IN_TIME)],
            ),
        ),
        (
            "the same by xl, and its clock was set anew",
            told(
                hvm(By::Asked, localtime()),
                vec![serve(0), start(0), migrate(0, Tool::Xl, true), change(0), serve(0)],
            ),
        ),
        (
            "and one of a guest that nobody spoke of a record that had its clock set anew",
            told(
                pvh(By::Discovered, of_localtime()),
                vec![serve(0), start(0), change(0), migrate(0, Tool::Us, true), serve(0)],
            ),
        ),
        (
            "a service that began with a disk that takes nothing kept nothing",
            told(hvm(By::Us, utc()), vec![start(0), sicken(0), write(1), serve(0), poll(0)]),
        ),
        (
            "what could not be written was dropped for what had been written before",
            told(
                hvm(By::Asked, variable()),
                vec![
                    start(1),
                    serve(1),
                    save(Tool::Us, true, 0),
                    sicken(1),
                    write(-1),
                    end(End::Reboot, IN_TIME),
                ],
            ),
        ),
        (
            "a lost record came back only with a change",
            told(
                hvm(By::Asked, localtime()),
                vec![serve(0), start(0), write(3), poll(0), lose(None), poll(0), serve(0)],
            ),
        ),
        (
            "a soft reset after a migration let the TSC begin near 2^64",
            Story {
                machines: [machine(2_600_000, false, false), machine(3_000_000, true, false)],
                ..told(
                    hvm(By::Us, utc()),
                    vec![start(1), migrate(0, Tool::Us, false), end(End::SoftReset, IN_TIME)],
                )
            },
        ),
        (
            "a record that nobody asked for took the place of the one that travels",
            told(
                Spec { tsc: Some((TimerMode::Auto, Some(3_000_000))), ..hvm(By::Us, utc()) },
                vec![
                    serve(0),
                    start(1),
                    migrate(0, Tool::Xl, true),
                    migrate(0, Tool::Us, false),
                    end(End::Reboot, IN_TIME),
                ],
            ),
        ),
        (
            "a request that nobody spoke of, met on the way, had the guest's own changes let go",
            told(
                hvm(By::Us, of_localtime()),
                vec![
                    change(0),
                    start(0),
                    migrate(1, Tool::Xl, false),
                    migrate(0, Tool::Us, false),
                    change(0),
                    Op::Destroy { guest: 0 },
                    start(0),
                ],
            ),
        ),
        (
            "what was asked here at last, and was in force where the guest came from, had its own changes let go",
            told(
                hvm(By::Asked, of_localtime()),
                vec![
                    serve(0),
                    start(1),
                    migrate(0, Tool::Us, false),
                    migrate(0, Tool::Xl, false),
                    serve(1),
                    migrate(1, Tool::Xl, false),
                    migrate(0, Tool::Us, false),
                    end(End::Reboot, IN_TIME),
                ],
            ),
        ),
        (
            "a wallclock that was set between two saves was put right to the first",
            told(
                pvh(By::Asked, utc()),
                vec![
                    serve(1),
                    start(1),
                    save(Tool::Us, true, 0),
                    Op::Set { guest: 0, offset: -1 },
                    migrate(1, Tool::Xl, false),
                ],
            ),
        ),
        (
            "a wallclock was taken from the record of an earlier instance",
            told(
                pvh(By::Asked, of_localtime()),
                vec![serve(0), start(0), migrate(1, Tool::Xl, false), migrate(0, Tool::Us, false)],
            ),
        ),
        (
            "and put right to it after a save",
            told(
                pvh(By::Us, of_localtime()),
                vec![
                    start(0),
                    Op::Boot { site: 0, drift: 0 },
                    start(1),
                    migrate(0, Tool::Xl, false),
                    save(Tool::Us, false, 0),
                    restore(0, Tool::Xl),
                    serve(0),
                ],
            ),
        ),
        (
            "a service that came too late to read an end wrote over what the monitor had read",
            told(
                hvm(By::Us, variable()),
                vec![
                    start(0),
                    serve(0),
                    Op::Migrate { guest: 0, to: 1, by: Tool::Xl, write: 1, fails: false, turns: TOO_LATE },
                    Op::Boot { site: 1, drift: 0 },
                    start(0),
                ],
            ),
        ),
        (
            "a config that says localtime where that is UTC had what it did not move put right",
            told(
                hvm(By::Asked, of_localtime()),
                vec![serve(0), start(0), Op::Zone { site: 0, zone: "UTC" }, migrate(0, Tool::Xl, false)],
            ),
        ),
        (
            "a wallclock that was set after a save was taken to stand in the guest that came out of it",
            told(
                Spec { kind: GuestKind::Pvh, ..hvm(By::Us, variable()) },
                vec![
                    start(1),
                    save(Tool::Us, true, 0),
                    Op::Set { guest: 0, offset: -1 },
                    Op::Destroy { guest: 0 },
                    Op::Restore { file: 0, site: 1, by: Tool::Xl, turns: TOO_LATE },
                    serve(1),
                    end(End::Reboot, TOO_LATE),
                ],
            ),
        ),
        (
            "what a guest did between its restore and the service's first look passed for what it had been",
            told(
                hour(By::Asked),
                vec![
                    serve(0),
                    start(0),
                    write(40),
                    save(Tool::Xl, false, 0),
                    Op::Kill { site: 0 },
                    restore(0, Tool::Xl),
                    write(40),
                    serve(0),
                ],
            ),
        ),
        (
            "the TSC mode of an xl.cfg was lost when the guest was started again by xenclock",
            told(
                Spec { tsc: Some((TimerMode::Emulate, None)), ..hvm(By::Discovered, variable()) },
                vec![start(0), save(Tool::Us, false, 0), restore(0, Tool::Us), end(End::Reboot, IN_TIME)],
            ),
        ),
        (
            "a wallclock of which nothing is kept jumped to the clock of the config given on the way",
            told(
                Spec {
                    kind: GuestKind::Pvh,
                    ..hvm(By::Asked, ClockOffset::Timezone { timezone: "Asia/Kathmandu".to_owned() })
                },
                vec![
                    Op::Start { guest: 0, site: 0, turns: TOO_LATE },
                    Op::Give { guest: 0, given: Given { offset: utc(), tsc: None, leaving: true } },
                    migrate(0, Tool::Us, false),
                ],
            ),
        ),
        (
            "a start that failed before it wrote the record took the record away",
            told(
                hour(By::Us),
                vec![start(0), write(40), end(End::Poweroff, IN_TIME), vain("set_time_offset")],
            ),
        ),
        (
            "of a clock that could not be set the one before was said",
            told(
                hour(By::Asked),
                vec![
                    serve(0),
                    start(0),
                    write(40),
                    end(End::Poweroff, IN_TIME),
                    vain("set_time_offset"),
                    start(0),
                ],
            ),
        ),
        (
            "of a config given to a restore whose record could not be written, the live mode was taken for its own",
            told(
                Spec { tsc: Some((TimerMode::Emulate, None)), ..hvm(By::Us, utc()) },
                vec![
                    start(0),
                    save(Tool::Us, false, 0),
                    Op::Give { guest: 0, given: Given { offset: utc(), tsc: None, leaving: false } },
                    Op::Sicken { site: 0, how: Sick::ReadOnly },
                    restore(0, Tool::Us),
                    end(End::Reboot, IN_TIME),
                ],
            ),
        ),
        (
            "west of Greenwich, a host whose clock had fallen to the first day of 2000 did not start a guest again",
            told(
                hvm(By::Us, localtime()),
                vec![
                    start(1),
                    Op::Date { site: 1, date: Some("2000-01-01T00:00:00Z") },
                    end(End::Reboot, TOO_LATE),
                ],
            ),
        ),
        (
            "on a host that scales, a native guest that had come from another jumped by a soft reset",
            Story {
                machines: [machine(2_600_000, true, true), machine(3_000_000, true, true)],
                guests: vec![Spec { tsc: Some((TimerMode::Native, None)), ..hvm(By::Us, utc()) }],
                ops: vec![start(1), migrate(0, Tool::Us, false), end(End::SoftReset, TOO_LATE)],
            },
        ),
        (
            "a config given to a save on a host that had the guest from stock xl was forgotten where the guest had started",
            told(
                hvm(By::Us, of_localtime()),
                vec![
                    start(1),
                    migrate(0, Tool::Xl, false),
                    Op::Give { guest: 0, given: Given { offset: variable(), tsc: None, leaving: true } },
                    save(Tool::Us, false, 0),
                    restore(1, Tool::Us),
                ],
            ),
        ),
        (
            "a service dropped the record of a guest whose host had restarted, though stock xl had brought the guest back",
            told(
                hvm(By::Us, utc()),
                vec![
                    start(1),
                    Op::Boot { site: 1, drift: 0 },
                    Op::Start { guest: 0, site: 0, turns: TOO_LATE },
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: 0, fails: true, turns: TOO_LATE },
                    Op::Migrate { guest: 0, to: 1, by: Tool::Xl, write: 0, fails: false, turns: TOO_LATE },
                    serve(1),
                ],
            ),
        ),
    ]
}

#[test]
fn what_was_broken_once_holds() {
    for (what, story) in found() {
        if let Err(why) = play(&story, Without::Nothing) {
            panic!("{what}: {why}\n{story:?}");
        }
    }
}
