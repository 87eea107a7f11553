//! Sequences that random tests once found broken. The file is long because it is one table: each failure adds a row.

use timers::{Adjustment, Basis, ClockOffset, GuestKind, TimerMode};
use xenclock::host::ErrorKind;

use crate::given::Given;
use crate::op::{By, End, Op, Sick, Spec, Story, Tool, Turns};
use crate::short::*;
use crate::vain::Fault;

/// The stories, with what was broken.
pub fn found() -> Vec<(&'static str, Story)> {
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
        (
            "a guest that a service had found without its record was said to have had its own clock at its next start",
            told(
                hvm(By::Us, ClockOffset::Utc { adjustment: Some(Adjustment::Reset) }),
                vec![
                    start(0),
                    Op::Destroy { guest: 0 },
                    start(1),
                    Op::Lose { site: 1, guest: 0, keeps: None },
                    serve(1),
                    end(End::Reboot, TOO_LATE),
                    Op::Migrate { guest: 0, to: 0, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "a failure that was meant for a start met who looked at another guest",
            Story {
                guests: vec![hvm(By::Us, utc()), hvm(By::Us, utc())],
                ..told(
                    hvm(By::Us, utc()),
                    vec![
                        serve(0),
                        start(0),
                        lose(None),
                        Op::Migrate {
                            guest: 0,
                            to: 0,
                            by: Tool::Us,
                            write: 0,
                            fails: false,
                            turns: TOO_LATE,
                        },
                        end(End::Reboot, TOO_LATE),
                        Op::Vain {
                            guest: 1,
                            site: 0,
                            fault: Fault { call: "rtc_record", kind: ErrorKind::Permission },
                        },
                    ],
                )
            },
        ),
        (
            "a save of a wallclock that nobody knew was taken for one of where it stood",
            told(
                pvh(By::Asked, localtime()),
                vec![
                    serve(1),
                    start(0),
                    migrate(1, Tool::Xl, false),
                    Op::Migrate { guest: 0, to: 1, by: Tool::Xl, write: 0, fails: false, turns: TOO_LATE },
                    Op::Zone { site: 1, zone: "Asia/Kathmandu" },
                ],
            ),
        ),
        (
            "an RTC that could not be put right was taken to stand where stock xl had put it",
            told(
                hvm(By::Asked, of_localtime()),
                vec![
                    serve(1),
                    start(1),
                    Op::Date { site: 1, date: Some("1970-01-01T00:00:10Z") },
                    Op::Migrate {
                        guest: 0,
                        to: 1,
                        by: Tool::Xl,
                        write: 1,
                        fails: false,
                        turns: Turns { end: false, birth: true },
                    },
                    Op::Pass { seconds: 150 * 86_400 },
                    end(End::Reboot, TOO_LATE),
                ],
            ),
        ),
        (
            "where an RTC that could not be put right stood was told again after the service was started again",
            told(
                hvm(By::Asked, of_localtime()),
                vec![
                    serve(0),
                    Op::Start { guest: 0, site: 0, turns: TOO_LATE },
                    write(2_200_000_000),
                    Op::Migrate {
                        guest: 0,
                        to: 0,
                        by: Tool::Xl,
                        write: 0,
                        fails: false,
                        turns: Turns { end: false, birth: true },
                    },
                    serve(0),
                ],
            ),
        ),
        (
            "a config given after the host's clock was set back was forgotten for the one before",
            told(
                hvm(By::Us, ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(0)) }),
                vec![
                    Op::Give { guest: 0, given: Given { offset: utc(), tsc: None, leaving: true } },
                    start(0),
                    Op::Step { site: 0, seconds: -7200 },
                    migrate(0, Tool::Us, false),
                    end(End::Reboot, IN_TIME),
                ],
            ),
        ),
        (
            "a soft reset by stock xl kept the TSC mode that the config given on the way had not",
            told(
                Spec { tsc: Some((TimerMode::Emulate, None)), ..hvm(By::Us, utc()) },
                vec![
                    start(0),
                    Op::Give { guest: 0, given: Given { offset: utc(), tsc: None, leaving: false } },
                    migrate(0, Tool::Us, false),
                    migrate(0, Tool::Us, false),
                    Op::Boot { site: 0, drift: 0 },
                    restore(0, Tool::Xl),
                    end(End::SoftReset, TOO_LATE),
                ],
            ),
        ),
        (
            "a config given to the migration back, with the clock of the start, had the guest's own changes let go",
            told(
                hvm(By::Us, ClockOffset::Variable { adjustment: -5400, basis: Basis::Localtime }),
                vec![
                    start(1),
                    migrate(0, Tool::Xl, false),
                    Op::Give {
                        guest: 0,
                        given: Given {
                            offset: ClockOffset::Variable { adjustment: -5400, basis: Basis::Localtime },
                            tsc: None,
                            leaving: true,
                        },
                    },
                    migrate(1, Tool::Us, false),
                ],
            ),
        ),
        (
            "a start by stock xl had the TSC mode of a config that was given to xenclock",
            told(
                hvm(By::Us, utc()),
                vec![
                    Op::Give {
                        guest: 0,
                        given: Given { offset: utc(), tsc: Some((TimerMode::Emulate, None)), leaving: false },
                    },
                    Op::Start { guest: 0, site: 0, turns: TOO_LATE },
                    save(Tool::Us, true, 0),
                    migrate(0, Tool::Us, false),
                    Op::Destroy { guest: 0 },
                    restore(0, Tool::Us),
                    migrate(0, Tool::Xl, false),
                    end(End::Reboot, TOO_LATE),
                ],
            ),
        ),
        (
            "a soft reset that put the RTC back to where the service had seen it left the record where clock-set had",
            told(
                hvm(By::Asked, ClockOffset::Absolute { start: 1_700_000_000 }),
                vec![
                    start(1),
                    serve(1),
                    end(End::SoftReset, TOO_LATE),
                    Op::Set { guest: 0, offset: 0 },
                    end(End::SoftReset, TOO_LATE),
                ],
            ),
        ),
        (
            "a config given where the clock was behind lost to the request that the guest was started with",
            told(
                hvm(By::Us, ClockOffset::Utc { adjustment: Some(Adjustment::Seconds(0)) }),
                vec![
                    start(0),
                    save(Tool::Xl, false, 0),
                    Op::Step { site: 1, seconds: -7200 },
                    Op::Give { guest: 0, given: Given { offset: utc(), tsc: None, leaving: false } },
                    restore(1, Tool::Us),
                    migrate(0, Tool::Us, false),
                ],
            ),
        ),
        (
            "the config that xenclock had written was taken for an edited one of a guest that nobody spoke of",
            told(
                hour(By::Discovered),
                vec![
                    Op::Start { guest: 0, site: 0, turns: IN_TIME },
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                    Op::Migrate { guest: 0, to: 1, by: Tool::Xl, write: 1, fails: false, turns: TOO_LATE },
                    end(End::Reboot, TOO_LATE),
                    serve(1),
                    end(End::Poweroff, TOO_LATE),
                    start(1),
                ],
            ),
        ),
        (
            "and its own xl.cfg, where stock xl had restored what xenclock had saved",
            told(
                hour(By::Discovered),
                vec![
                    serve(0),
                    start(0),
                    write(20),
                    save(Tool::Us, false, 0),
                    restore(0, Tool::Xl),
                    end(End::Poweroff, IN_TIME),
                    start(0),
                ],
            ),
        ),
        (
            "of a request that was made elsewhere where the clock was behind, nobody can tell that it is the later",
            told(
                Spec { tsc: Some((TimerMode::Auto, Some(3_000_000))), ..hvm(By::Us, utc()) },
                vec![
                    start(1),
                    Op::Step { site: 0, seconds: -7200 },
                    save(Tool::Us, false, 0),
                    start(0),
                    Op::Give { guest: 0, given: Given { offset: utc(), tsc: None, leaving: true } },
                    save(Tool::Us, false, 0),
                    restore(1, Tool::Us),
                    end(End::Reboot, TOO_LATE),
                ],
            ),
        ),
        (
            "of two requests for a guest, the one in an older save was taken for the later by the judge",
            told(
                hvm(By::Us, variable()),
                vec![
                    start(1),
                    Op::Boot { site: 0, drift: 0 },
                    Op::Give { guest: 0, given: Given { offset: utc(), tsc: None, leaving: true } },
                    save(Tool::Us, false, 0),
                    start(0),
                    end(End::Poweroff, TOO_LATE),
                    restore(0, Tool::Us),
                    end(End::Reboot, TOO_LATE),
                ],
            ),
        ),
        (
            "of a guest that was reset while its record was gone, the RTC was set once more",
            told(
                hvm(By::Asked, ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(0)) }),
                vec![
                    serve(0),
                    start(0),
                    Op::Destroy { guest: 0 },
                    Op::Sicken { site: 0, how: Sick::Gone },
                    Op::Start { guest: 0, site: 0, turns: TOO_LATE },
                    Op::Heal { site: 0 },
                    end(End::SoftReset, TOO_LATE),
                    write(-1),
                    serve(0),
                ],
            ),
        ),
        (
            "of a guest that was gone from a host, the judge lost sight while it failed to come back there",
            told(
                hvm(By::Us, ClockOffset::Timezone { timezone: "Asia/Kathmandu".to_owned() }),
                vec![
                    start(1),
                    Op::Boot { site: 1, drift: 0 },
                    Op::Start { guest: 0, site: 0, turns: TOO_LATE },
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: 0, fails: true, turns: TOO_LATE },
                    serve(1),
                    Op::Migrate { guest: 0, to: 1, by: Tool::Xl, write: 0, fails: false, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "of a guest that was sent within a host, a service had seen more than the judge when it died",
            told(
                hvm(By::Discovered, ClockOffset::Variable { adjustment: 3600, basis: Basis::Utc }),
                vec![
                    serve(0),
                    Op::Dies { site: 0, at: 14, done: false },
                    Op::Start { guest: 0, site: 0, turns: TOO_LATE },
                    Op::Migrate {
                        guest: 0,
                        to: 0,
                        by: Tool::Xl,
                        write: 1,
                        fails: false,
                        turns: Turns { end: false, birth: true },
                    },
                    end(End::Reboot, TOO_LATE),
                    serve(0),
                ],
            ),
        ),
        (
            "a guest whose RTC was beyond what Xen can be told, and that nobody had asked a clock for, stayed down",
            told(
                hvm(By::Discovered, ClockOffset::Variable { adjustment: 0, basis: Basis::Utc }),
                vec![
                    serve(0),
                    start(1),
                    Op::Date { site: 1, date: Some("1970-01-01T00:00:10Z") },
                    write(-1),
                    Op::Migrate { guest: 0, to: 0, by: Tool::Xl, write: 0, fails: false, turns: TOO_LATE },
                    Op::Migrate { guest: 0, to: 0, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                    end(End::Reboot, TOO_LATE),
                ],
            ),
        ),
        (
            "a guest whose RTC shows a year before 2000 was not put right where stock xl had restored it",
            told(
                hvm(By::Asked, ClockOffset::Absolute { start: 1_700_000_000 }),
                vec![
                    serve(1),
                    start(1),
                    Op::Date { site: 1, date: Some("1999-12-31T23:59:50Z") },
                    Op::Pass { seconds: MONTHS },
                    end(End::Reboot, TOO_LATE),
                    Op::Migrate {
                        guest: 0,
                        to: 1,
                        by: Tool::Xl,
                        write: 0,
                        fails: false,
                        turns: Turns { end: false, birth: true },
                    },
                ],
            ),
        ),
        (
            "a service that died over the end of a guest had written its lost record again, perhaps",
            told(
                hvm(By::Us, ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(0)) }),
                vec![
                    serve(0),
                    start(0),
                    Op::Pass { seconds: MONTHS },
                    lose(None),
                    Op::Dies { site: 0, at: 3, done: false },
                    Op::Destroy { guest: 0 },
                    Op::Start { guest: 0, site: 0, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "a clock that domain XML requests is known since a start that failed, and another one counts as changed",
            told(
                Spec { clean: true, ..hour(By::Asked) },
                vec![
                    serve(1),
                    Op::Vain {
                        guest: 0,
                        site: 1,
                        fault: Fault { call: "set_time_offset", kind: ErrorKind::Permission },
                    },
                    Op::Start { guest: 0, site: 0, turns: TOO_LATE },
                    Op::Give { guest: 0, given: Given { offset: of_localtime(), tsc: None, leaving: false } },
                    Op::Migrate { guest: 0, to: 0, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                    Op::Migrate { guest: 0, to: 1, by: Tool::Xl, write: 0, fails: false, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "clock-set's change was told as the guest's, where the guest was sent within its host at once",
            told(
                hvm(By::Us, utc()),
                vec![
                    start(0),
                    serve(0),
                    Op::Set { guest: 0, offset: -1 },
                    Op::Migrate {
                        guest: 0,
                        to: 0,
                        by: Tool::Us,
                        write: 0,
                        fails: true,
                        turns: Turns { end: false, birth: true },
                    },
                    end(End::Reboot, Turns { end: true, birth: false }),
                ],
            ),
        ),
        (
            "a config given on the way is lost where its record cannot be written and no monitor has it",
            told(
                hvm(By::Us, utc()),
                vec![
                    start(1),
                    Op::Give {
                        guest: 0,
                        given: Given {
                            offset: ClockOffset::Utc { adjustment: Some(Adjustment::Seconds(0)) },
                            tsc: None,
                            leaving: false,
                        },
                    },
                    sicken(0),
                    Op::Migrate { guest: 0, to: 0, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "what the disk did not take of a guest that is gone was in the service's memory still",
            told(
                hvm(By::Asked, localtime()),
                vec![
                    start(1),
                    serve(1),
                    sicken(1),
                    Op::Save {
                        guest: 0,
                        by: Tool::Xl,
                        stay: false,
                        write: 1,
                        turns: Turns { end: true, birth: false },
                    },
                    Op::Heal { site: 1 },
                    Op::Lose { site: 1, guest: 0, keeps: None },
                    Op::Restore { file: 0, site: 1, by: Tool::Xl, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "a wallclock that clock-set had set was forgotten with the record, which the service had read before",
            told(
                pvh(By::Us, ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(0)) }),
                vec![
                    serve(0),
                    Op::Start { guest: 0, site: 0, turns: TOO_LATE },
                    Op::Set { guest: 0, offset: 0 },
                    poll(0),
                    lose(None),
                    end(End::Reboot, Turns { end: true, birth: false }),
                ],
            ),
        ),
        (
            "what a guest did while it was sent within its host, in vain, was told only at its next change",
            told(
                hvm(By::Us, utc()),
                vec![
                    start(0),
                    serve(0),
                    Op::Migrate {
                        guest: 0,
                        to: 0,
                        by: Tool::Us,
                        write: 1,
                        fails: true,
                        turns: Turns { end: false, birth: true },
                    },
                    poll(0),
                    Op::Migrate {
                        guest: 0,
                        to: 0,
                        by: Tool::Us,
                        write: 0,
                        fails: false,
                        turns: Turns { end: true, birth: false },
                    },
                ],
            ),
        ),
        (
            "where nobody knew a guest's request, a config given on the way is no other clock than the one in force",
            told(
                hvm(By::Us, utc()),
                vec![
                    start(1),
                    Op::Migrate { guest: 0, to: 0, by: Tool::Xl, write: 0, fails: false, turns: TOO_LATE },
                    Op::Give { guest: 0, given: Given { offset: variable(), tsc: None, leaving: true } },
                    serve(0),
                    end(End::Reboot, TOO_LATE),
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "a clock given on the way is another than that of the start, as the host of the start knows",
            told(
                hvm(By::Asked, utc()),
                vec![
                    start(1),
                    serve(1),
                    Op::Give {
                        guest: 0,
                        given: Given {
                            offset: ClockOffset::Utc { adjustment: Some(Adjustment::Seconds(0)) },
                            tsc: None,
                            leaving: false,
                        },
                    },
                    serve(0),
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                    Op::Migrate { guest: 0, to: 0, by: Tool::Xl, write: 0, fails: false, turns: TOO_LATE },
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "a config given to a host that could not write it down is lost when that host boots",
            told(
                hvm(By::Us, utc()),
                vec![
                    start(0),
                    Op::Give {
                        guest: 0,
                        given: Given {
                            offset: ClockOffset::Utc { adjustment: Some(Adjustment::Seconds(0)) },
                            tsc: None,
                            leaving: false,
                        },
                    },
                    sicken(1),
                    Op::Pass { seconds: 1 },
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                    Op::Heal { site: 1 },
                    Op::Boot { site: 1, drift: 0 },
                    Op::Restore { file: 0, site: 1, by: Tool::Us, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "a service whose records are gone told of the TSC that was requested before the config given on the way",
            told(
                Spec { tsc: Some((TimerMode::Native, None)), ..hvm(By::Us, utc()) },
                vec![
                    start(1),
                    serve(1),
                    Op::Give { guest: 0, given: Given { offset: utc(), tsc: None, leaving: false } },
                    Op::Sicken { site: 1, how: Sick::Gone },
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                    end(End::Reboot, TOO_LATE),
                ],
            ),
        ),
        (
            "a wallclock of which the save was not written down was said to be where it was saved",
            told(
                pvh(By::Asked, localtime()),
                vec![
                    serve(0),
                    start(0),
                    sicken(0),
                    Op::Save { guest: 0, by: Tool::Xl, stay: false, write: 0, turns: TOO_LATE },
                    change(0),
                    serve(0),
                    Op::Heal { site: 0 },
                    Op::Restore { file: 0, site: 0, by: Tool::Xl, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "what a guest had done before it was sent within its host is its own change still",
            told(
                hvm(By::Discovered, variable()),
                vec![
                    serve(0),
                    start(0),
                    write(-1),
                    poll(0),
                    Op::Kill { site: 0 },
                    Op::Migrate { guest: 0, to: 0, by: Tool::Xl, write: 0, fails: false, turns: TOO_LATE },
                    serve(0),
                    end(End::Poweroff, TOO_LATE),
                    Op::Start { guest: 0, site: 0, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "a guest out of an older stream was started again with the request that came in it",
            told(
                hvm(By::Us, utc()),
                vec![
                    start(0),
                    Op::Give { guest: 0, given: Given { offset: variable(), tsc: None, leaving: false } },
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                    end(End::Poweroff, TOO_LATE),
                    Op::Restore { file: 0, site: 0, by: Tool::Us, turns: TOO_LATE },
                    end(End::Reboot, TOO_LATE),
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "a config given to a host that could not write it down is lost also after its disk is well again",
            told(
                hvm(By::Us, utc()),
                vec![
                    start(0),
                    Op::Give {
                        guest: 0,
                        given: Given {
                            offset: ClockOffset::Utc { adjustment: Some(Adjustment::Seconds(0)) },
                            tsc: None,
                            leaving: false,
                        },
                    },
                    Op::Save { guest: 0, by: Tool::Us, stay: false, write: 0, turns: TOO_LATE },
                    sicken(1),
                    Op::Restore { file: 0, site: 1, by: Tool::Us, turns: TOO_LATE },
                    Op::Heal { site: 1 },
                    Op::Migrate { guest: 0, to: 0, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                ],
            ),
        ),
    ]
}
