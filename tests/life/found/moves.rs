//! Guests that were restored, sent or reset, and their clocks.

use timers::{ClockOffset, TimerMode};

use crate::op::{By, End, Op, Spec, Story, Tool, Turns};
use crate::short::*;

pub fn rows() -> Vec<(&'static str, Story)> {
    vec![
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
            "a config that says localtime where that is UTC had what it did not move put right",
            told(
                hvm(By::Asked, of_localtime()),
                vec![serve(0), start(0), Op::Zone { site: 0, zone: "UTC" }, migrate(0, Tool::Xl, false)],
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
            "a config of xenclock that no service here knew was taken for the toolstack's new one",
            told(
                hvm(By::Discovered, of_localtime()),
                vec![
                    serve(0),
                    start(0),
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: -1, fails: false, turns: IN_TIME },
                    Op::Boot { site: 0, drift: 0 },
                    save(Tool::Us, false, 0),
                    restore(0, Tool::Xl),
                    end(End::Reboot, IN_TIME),
                    serve(0),
                    save(Tool::Us, false, 0),
                    vain("set_time_offset"),
                ],
            ),
        ),
    ]
}
