//! Records that were lost, or that a disk did not take.

use timers::{Adjustment, Basis, ClockOffset};

use crate::op::{By, End, Op, Sick, Story, Tool, Turns};
use crate::short::*;

pub fn rows() -> Vec<(&'static str, Story)> {
    vec![
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
            "a start that failed before it wrote the record took the record away",
            told(
                hour(By::Us),
                vec![start(0), write(40), end(End::Poweroff, IN_TIME), vain("set_time_offset")],
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
    ]
}
