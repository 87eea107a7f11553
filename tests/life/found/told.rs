//! What was told or said of a guest, and was not so.

use timers::{ClockOffset, TimerMode};
use xenclock::host::ErrorKind;

use crate::given::Given;
use crate::op::{By, End, Op, Sick, Spec, Story, Tool, Turns};
use crate::short::*;
use crate::vain::Fault;

pub fn rows() -> Vec<(&'static str, Story)> {
    vec![
        (
            "of a guest that was found, the clock that it was found with would be refused at its next start",
            told(
                hvm(By::Discovered, variable()),
                vec![
                    start(1),
                    Op::Date { site: 1, date: Some("2106-02-07T06:28:16Z") },
                    write(2_200_000_000),
                    serve(0),
                    Op::Migrate { guest: 0, to: 0, by: Tool::Xl, write: 0, fails: false, turns: TOO_LATE },
                ],
            ),
        ),
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
    ]
}
