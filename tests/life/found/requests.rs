//! Requests: of configs given on the way, of domain XML, and those of two hosts for one guest.

use timers::{Adjustment, Basis, ClockOffset, TimerMode};
use xenclock::host::ErrorKind;

use crate::given::Given;
use crate::op::{By, End, Op, Sick, Spec, Story, Tool};
use crate::short::*;
use crate::vain::Fault;

pub fn rows() -> Vec<(&'static str, Story)> {
    vec![
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
            "the TSC mode of an xl.cfg was lost when the guest was started again by xenclock",
            told(
                Spec { tsc: Some((TimerMode::Emulate, None)), ..hvm(By::Discovered, variable()) },
                vec![start(0), save(Tool::Us, false, 0), restore(0, Tool::Us), end(End::Reboot, IN_TIME)],
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
        (
            "a guest that xl had brought was found in its config before its domain XML was looked at",
            told(
                hvm(By::Asked, utc()),
                vec![
                    serve(0),
                    start(1),
                    Op::Migrate { guest: 0, to: 1, by: Tool::Us, write: 1, fails: false, turns: TOO_LATE },
                    Op::Boot { site: 1, drift: 0 },
                    serve(1),
                    Op::Restore { file: 0, site: 0, by: Tool::Xl, turns: TOO_LATE },
                    Op::Migrate { guest: 0, to: 1, by: Tool::Xl, write: 0, fails: false, turns: TOO_LATE },
                    Op::Date { site: 0, date: Some("1970-01-01T00:00:10Z") },
                    Op::Migrate { guest: 0, to: 0, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                ],
            ),
        ),
        (
            "of a guest without RTC, restored by xl, the save in the record that travelled with it was known after all",
            told(
                pvh(By::Us, variable()),
                vec![
                    start(0),
                    Op::Migrate { guest: 0, to: 0, by: Tool::Us, write: 0, fails: false, turns: TOO_LATE },
                    Op::Set { guest: 0, offset: -1 },
                    Op::Destroy { guest: 0 },
                    Op::Restore { file: 0, site: 0, by: Tool::Xl, turns: TOO_LATE },
                    serve(0),
                    end(End::Reboot, TOO_LATE),
                ],
            ),
        ),
    ]
}
