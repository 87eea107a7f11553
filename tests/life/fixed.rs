//! Fixed sequences: the usual life of a guest on Xen, which must fail without tracking; and those of `found`.

use timers::{Basis, ClockOffset, GuestKind, TimerMode};

use crate::found::found;
use crate::op::{By, End, Op, Spec, Story, Tool, Turns};
use crate::short::*;
use crate::world::{Without, play};

/// What is lost on Xen as it is.
fn losses() -> Vec<(&'static str, Story)> {
    let frequency =
        |by| Spec { tsc: Some((TimerMode::Auto, Some(1_000_000))), ..spec(GuestKind::Hvm, by, utc()) };

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

#[test]
fn what_was_broken_once_holds() {
    for (what, story) in found() {
        if let Err(why) = play(&story, Without::Nothing) {
            panic!("{what}: {why}\n{story:?}");
        }
    }
}

/// A correction made twice would move the guest's RTC by what its config gives.
#[test]
fn an_rtc_is_put_right_once_wherever_the_service_ends() {
    let early = Turns { end: false, birth: true };
    let hour = ClockOffset::Variable { adjustment: 3600, basis: Basis::Utc };
    for (at, done) in (0..40).flat_map(|at| [(at, false), (at, true)]) {
        let story = told(
            spec(GuestKind::Hvm, By::Discovered, hour.clone()),
            vec![
                serve(1),
                start(1),
                Op::Set { guest: 0, offset: 0 },
                Op::Dies { site: 1, at, done },
                Op::Poll { site: 1 },
                Op::Migrate { guest: 0, to: 1, by: Tool::Xl, write: 0, fails: false, turns: early },
                serve(1),
            ],
        );
        if let Err(why) = play(&story, Without::Nothing) {
            panic!("{why}\n{story:?}");
        }
    }
}
