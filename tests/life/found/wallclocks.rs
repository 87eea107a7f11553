//! Wallclocks of guests without RTC, which nobody can read.

use timers::{Adjustment, ClockOffset, GuestKind};

use crate::given::Given;
use crate::op::{By, End, Op, Spec, Story, Tool, Turns};
use crate::short::*;

pub fn rows() -> Vec<(&'static str, Story)> {
    vec![
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
    ]
}
