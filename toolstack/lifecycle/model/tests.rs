//! A table of events and their effect on a record.

#![allow(clippy::unwrap_used)]

mod requests;

use timers::Adjustment;
use timers::resolve::NextStart;
use timers::tsc::{Behaviour, TscMode};
use timers::{KiloHertz, Timer, TimerName};
use uuid::Uuid;

use super::*;
use crate::lifecycle::record::TscRecord;

const BOOT: &str = "this boot";

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000 + 60 * minute, 0).unwrap()
}

fn variable(adjustment: i64) -> ClockOffset {
    ClockOffset::Variable { adjustment, basis: Basis::Utc }
}

fn clock(offset: ClockOffset) -> GuestClock {
    GuestClock::new(offset, Vec::new())
}

fn request(offset: ClockOffset, from: RequestOrigin) -> Request {
    Request::new(GuestClock::new(offset, Vec::new()), from)
}

fn start(offset: i64) -> Start {
    Start {
        at: at(0),
        made_in: None,
        offset: UtcOffset::new(offset).unwrap(),
        tracked: true,
        source: "a test".to_owned(),
        next_start: NextStart::Fixed,
        foresight: None,
        zone_data: None,
        tsc: TscRecord {
            mode: TscMode::Default,
            khz: KiloHertz(1),
            behaviour: Behaviour::Native,
            why: String::new(),
        },
    }
}

fn instance(domid: u32) -> Instance {
    Instance::followed(BOOT, DomId(domid), at(1))
}

/// A guest with a variable clock that runs as domain 1, its RTC at an hour.
fn running() -> ClockRecord {
    let mut record = ClockRecord::new(Uuid::nil(), "guest", request(variable(3600), RequestOrigin::Create));
    record.started(start(3600), instance(1));
    record
}

/// The visible state of a record.
fn line(record: &ClockRecord) -> String {
    let next = match record.next_clock().offset {
        ClockOffset::Variable { adjustment, .. } => adjustment.to_string(),
        other => other.as_str().to_owned(),
    };
    format!(
        "instance {:?} last {:?} guest {}/{} ended {:?} saves {:?} offset_changed {} next {next}",
        record.instance.as_ref().map(|instance| instance.domid.0),
        record.last.map(|last| last.offset),
        record.guest.seen,
        record.guest.seconds,
        record.ended.map(|ended| ended.reason),
        record.saves.iter().map(|saved| (saved.incarnation, saved.rtc.offset)).collect::<Vec<_>>(),
        record.offset_changed,
    )
}

/// An action in words, the action, and the state after it.
type Row = (&'static str, fn(&mut ClockRecord), &'static str);

#[test]
fn each_happening_makes_of_a_record_what_it_should() {
    use ShutdownReason::{Reboot, Suspend};
    let rows: &[Row] = &[
        (
            "nothing",
            |_| {},
            "instance Some(1) last Some(3600) guest 0/0 ended None saves [] offset_changed false next 3600",
        ),
        (
            "the RTC is where it was",
            |record| assert_eq!(record.seen(3600, at(2)), None),
            "instance Some(1) last Some(3600) guest 0/0 ended None saves [] offset_changed false next 3600",
        ),
        (
            "the guest moves its RTC twice",
            |record| {
                assert_eq!(record.seen(3620, at(2)), Some(3600));
                assert_eq!(record.seen(3610, at(3)), Some(3620));
            },
            "instance Some(1) last Some(3610) guest 2/10 ended None saves [] offset_changed false next 3610",
        ),
        (
            "it moves its RTC and reboots at once",
            |record| assert_eq!(record.ended(Reboot, Some(3650), 1, at(2)), Some(3600)),
            "instance Some(1) last Some(3650) guest 1/50 ended Some(Some(Reboot)) saves [] offset_changed false next 3650",
        ),
        (
            "it reboots, and starts again",
            |record| {
                record.ended(Reboot, Some(3650), 1, at(2));
                record.gone(at(2));
                record.started(start(3650), instance(2));
            },
            "instance Some(2) last Some(3650) guest 0/0 ended None saves [] offset_changed false next 3650",
        ),
        (
            "it is destroyed, which nobody saw coming",
            |record| record.gone(at(2)),
            "instance None last Some(3600) guest 0/0 ended Some(None) saves [] offset_changed false next 3600",
        ),
        (
            "it is saved, twice the same, and another time",
            |record| {
                record.ended(Suspend, Some(3600), 1, at(2));
                record.ended(Suspend, Some(3600), 1, at(2));
                record.ended(Suspend, Some(3601), 1, at(3));
            },
            "instance Some(1) last Some(3601) guest 1/1 ended Some(Some(Suspend)) saves [(1, 3601), (1, 3600)] offset_changed false \
             next 3601",
        ),
        (
            "a guest without RTC is saved",
            |record| assert_eq!(record.ended(Suspend, None, 1, at(2)), None),
            "instance Some(1) last Some(3600) guest 0/0 ended Some(Some(Suspend)) saves [(1, 3600)] offset_changed false next 3600",
        ),
        (
            "it is restored",
            |record| {
                record.ended(Suspend, Some(3700), 1, at(2));
                record.gone(at(2));
                record.continued(instance(4), Some(3700));
            },
            "instance Some(4) last Some(3700) guest 1/100 ended None saves [(1, 3700)] offset_changed false next 3700",
        ),
        (
            "an administrator sets it live",
            |record| {
                record.seen(3620, at(2));
                record.set_live(-60, at(3));
            },
            "instance Some(1) last Some(-60) guest 1/20 ended None saves [] offset_changed false next -60",
        ),
        (
            "another offset is asked",
            |record| {
                record.set_request(clock(variable(5)), RequestOrigin::ClockSet { instead_of: None }, at(2))
            },
            "instance Some(1) last Some(3600) guest 0/0 ended None saves [] offset_changed true next 5",
        ),
        (
            "only another TSC is asked",
            |record| {
                let mut other = record.request.clone();
                other.clock.timers.push(Timer::named(TimerName::Tsc));
                record.seen(3620, at(2));
                record.set_request(other.clock, other.from, at(2));
            },
            "instance Some(1) last Some(3620) guest 1/20 ended None saves [] offset_changed false next 3620",
        ),
        (
            "its RTC is beyond what Xen can be told",
            |record| assert_eq!(record.seen(1 << 33, at(2)), Some(3600)),
            "instance Some(1) last Some(8589934592) guest 1/8589930992 ended None saves [] offset_changed false next 3600",
        ),
    ];
    for (what, happens, expected) in rows {
        let mut record = running();
        happens(&mut record);
        assert_eq!(&line(&record), expected, "{what}");
    }
}

#[test]
fn what_goes_on_at_a_cold_start_is_what_the_clock_kind_says() {
    let seconds = |by| Some(Adjustment::Seconds(by));
    let table = [
        (variable(1), variable(77)),
        (ClockOffset::Variable { adjustment: 1, basis: Basis::Localtime }, variable(77)),
        (ClockOffset::Utc { adjustment: seconds(1) }, variable(77)),
        (ClockOffset::Localtime { adjustment: seconds(1) }, variable(77)),
    ];
    let itself = [
        ClockOffset::Utc { adjustment: None },
        ClockOffset::Utc { adjustment: Some(Adjustment::Reset) },
        ClockOffset::Localtime { adjustment: None },
        ClockOffset::Localtime { adjustment: Some(Adjustment::Reset) },
        ClockOffset::Timezone { timezone: "Asia/Kathmandu".to_owned() },
        ClockOffset::Absolute { start: 1_800_000_000 },
    ];
    for (asked, next) in table.into_iter().chain(itself.map(|offset| (offset.clone(), offset))) {
        let mut record =
            ClockRecord::new(Uuid::nil(), "guest", request(asked.clone(), RequestOrigin::Create));
        assert_eq!(record.next_clock().offset, asked, "at its first start it is what was asked");
        record.started(start(1), instance(1));
        record.seen(77, at(2));
        assert_eq!(record.next_clock().offset, next, "{asked:?}");
    }
}

#[test]
fn a_file_is_right_until_clock_set_and_again_when_it_asks_something_else() {
    let clock = |adjustment| GuestClock::new(variable(adjustment), Vec::new());
    let mut record = running();
    record.seen(3620, at(2));
    record.adopt_from_file(&clock(3600), RequestOrigin::Create, at(2));
    assert_eq!((record.next_clock(), record.offset_changed), (clock(3620), false), "it asks what it asked");
    record.set_request(clock(5), RequestOrigin::ClockSet { instead_of: Some(clock(3600)) }, at(2));
    record.adopt_from_file(&clock(3600), RequestOrigin::Create, at(2));
    assert_eq!(record.next_clock(), clock(5), "clock-set was later");
    record.adopt_from_file(&clock(7200), RequestOrigin::Create, at(2));
    assert_eq!((record.next_clock(), record.offset_changed), (clock(7200), true), "the file was edited");
}

#[test]
fn what_arrives_goes_on_with_what_is_asked_of_it_here() {
    let found = |offset: i64| {
        let mut record =
            ClockRecord::new(Uuid::nil(), "guest", request(variable(offset), RequestOrigin::Unmanaged));
        record.last = Some(Seen::new(offset, at(9)));
        record
    };
    let older = |mut record: ClockRecord, generation| {
        record.generation = generation;
        record
    };
    let mut here = older(running(), 7);
    here.ended(ShutdownReason::Suspend, Some(3600), 1, at(2));
    // Nothing was known of it where it was; a wish that nobody spoke of is none, whichever is the later.
    for generation in [1, 9] {
        let both = older(found(42), generation).arrived(Some(here.clone()));
        assert_eq!((both.request.clone(), both.offset_changed), (here.request.clone(), false));
        assert_eq!((both.last.unwrap().offset, both.generation), (42, generation.max(7)));
        assert_eq!(both.saves, here.saves);
        assert_eq!(
            older(running(), 3).arrived(Some(older(found(42), generation))).request,
            running().request
        );
    }
    // Asked here since it left: for the next start.
    let mut asked = here.clone();
    asked.set_request(clock(variable(5)), RequestOrigin::ClockSet { instead_of: None }, at(2));
    asked.generation = 8;
    let both = older(running(), 7).arrived(Some(asked.clone()));
    assert_eq!((both.next_clock().offset, both.last), (variable(5), running().last));
    // Asked where it was, after it left here.
    let both = older(asked, 9).arrived(Some(here.clone()));
    assert_eq!(both.next_clock().offset, variable(5));
    assert_eq!(running().arrived(None), running());
    // The latest saves of both.
    let save = |minute, incarnation| Saved { incarnation, rtc: Seen::new(minute, at(minute)), unset: false };
    let (mut came, mut here) = (running(), running());
    (came.saves, here.saves) = (vec![save(5, 2), save(1, 1)], vec![save(7, 1), save(1, 1)]);
    assert_eq!(came.arrived(Some(here)).saves, [save(7, 1), save(5, 2), save(1, 1)]);
}

#[test]
fn no_more_saves_are_remembered_than_are_of_use() {
    let mut record = running();
    for minute in 0..20 {
        record.ended(ShutdownReason::Suspend, Some(minute), 1, at(minute));
    }
    assert_eq!(record.saves.len(), SAVES);
    assert_eq!(record.saves[0].rtc.offset, 19);
}

#[test]
fn what_a_domain_is_due() {
    let found = |domid, offset: Option<i64>, incarnation, has_run, config_offset| Discovered {
        boot: BOOT.to_owned(),
        domid: DomId(domid),
        kind: if offset.is_some() { GuestKind::Hvm } else { GuestKind::Pvh },
        offset,
        incarnation,
        has_run,
        config_offset,
    };
    let mut record = running();
    record.ended(ShutdownReason::Suspend, Some(3620), 1, at(2));
    record.ended(ShutdownReason::Suspend, Some(3640), 2, at(3));
    assert_eq!(record.next_clock(), clock(variable(3640)));
    let cold = || Due::ColdStart(Box::new(record.clone()));
    for (what, found, expected) in [
        ("the one that is known", found(1, Some(5), 1, true, None), Due::Nothing),
        ("a new one", found(2, Some(0), 1, false, None), cold()),
        ("a new one that runs", found(2, Some(0), 1, true, None), cold()),
        ("one without RTC", found(2, None, 1, false, None), cold()),
        (
            "restored, and the stream has won",
            found(2, Some(3640), 3, false, None),
            Due::Follow("continues from its save", Some(3640)),
        ),
        ("restored, and its config has won", found(2, Some(3600), 3, false, Some(3600)), Due::PutRight(3640)),
        ("and has set its RTC since", found(2, Some(3607), 3, true, Some(3600)), Due::PutRight(3647)),
        ("out of the save before", found(2, Some(3600), 2, false, Some(3600)), Due::PutRight(3620)),
        (
            "where its config gives the same",
            found(2, Some(3620), 2, false, Some(3620)),
            Due::Follow("continues from its save", Some(3620)),
        ),
        (
            "and has set its RTC since, too",
            found(2, Some(3625), 2, true, Some(3620)),
            Due::Follow("continues from its save", Some(3620)),
        ),
        ("by just as much as before", found(2, Some(3640), 3, true, Some(3600)), Due::PutRight(3680)),
        ("out of none that is known", found(2, Some(0), 9, false, Some(0)), Due::FollowUnknown),
        ("a wallclock is in no stream", found(2, None, 3, false, None), Due::PutRight(3640)),
        ("nor known without the save", found(2, None, 9, false, None), Due::FollowUnknown),
    ] {
        assert_eq!(due(Some(&record), &found), expected, "{what}");
    }
    let same_number = Discovered { boot: "another boot".to_owned(), ..found(1, Some(0), 1, false, None) };
    assert_eq!(due(Some(&record), &same_number), cold(), "of another boot it is another");
    let nobody = due(None, &found(2, Some(0), 1, false, None));
    assert_eq!(nobody, Due::Follow("no clock requested", None));
}

#[test]
fn what_is_kept_of_a_guest_that_is_gone() {
    let gone = |offset: ClockOffset, from: RequestOrigin, reason: Option<ShutdownReason>| {
        let mut record = ClockRecord::new(Uuid::nil(), "guest", request(offset, from));
        record.started(start(0), instance(1));
        if let Some(reason) = reason {
            record.ended(reason, Some(0), 1, at(2));
        }
        record.gone(at(3));
        record
    };
    let utc = || ClockOffset::Utc { adjustment: None };
    let asked = || RequestOrigin::ClockSet { instead_of: None };
    let off = Some(ShutdownReason::Poweroff);
    for (what, record, kept) in [
        ("what a file will say again", gone(utc(), RequestOrigin::Create, off), false),
        ("its RTC may be its own", gone(variable(0), RequestOrigin::Create, off), true),
        ("nobody spoke of it, and it did nothing", gone(variable(0), RequestOrigin::Unmanaged, off), false),
        ("an administrator's word", gone(utc(), asked(), off), true),
        ("it starts again", gone(utc(), RequestOrigin::Create, Some(ShutdownReason::Reboot)), true),
        ("it crashed", gone(variable(0), RequestOrigin::Unmanaged, Some(ShutdownReason::Crash)), true),
        ("it is in a file", gone(utc(), RequestOrigin::Create, Some(ShutdownReason::Suspend)), true),
        ("nobody saw it end", gone(utc(), RequestOrigin::Create, None), false),
    ] {
        assert_eq!(record.is_worth_keeping(), kept, "{what}");
        let day = 24 * 3600;
        let mut record = record;
        assert!(!record.is_forgotten(5 * day), "{what}: watched from here on");
        assert!(!record.is_forgotten(404 * day), "{what}");
        let more = 406 * day;
        let for_ever = matches!(record.request.from, RequestOrigin::ClockSet { .. });
        assert_eq!(record.is_forgotten(more), !for_ever, "{what}");
    }
    let mut moved = running();
    moved.request.from = RequestOrigin::Unmanaged;
    moved.ended(ShutdownReason::Poweroff, Some(3601), 1, at(2));
    moved.gone(at(2));
    assert!(moved.is_worth_keeping(), "it has set its RTC");
    moved.request.from = RequestOrigin::Create;
    moved.ephemeral = true;
    assert!(!moved.is_worth_keeping(), "nobody can ask for it again");
    let mut lives = running();
    assert!(!lives.is_forgotten(0) && !lives.is_forgotten(4000 * 24 * 3600), "it runs");
}

/// A running guest at 90 s whose clock could not be set: its toolstack left it at 0.
fn unset() -> ClockRecord {
    let mut record = ClockRecord::new(Uuid::nil(), "guest", request(variable(90), RequestOrigin::Create));
    record.started(start(90), instance(1));
    record.seen(95, at(2));
    record.ended(ShutdownReason::Reboot, Some(95), 1, at(3));
    record.gone(at(3));
    record.continued(Instance { unset: Some(Unset { at: Some(0) }), ..instance(2) }, None);
    record
}

#[test]
fn a_clock_that_could_not_be_set_says_nothing_about_the_guest() {
    let mut record = unset();
    assert_eq!(record.next_clock(), clock(variable(95)));
    assert_eq!(record.seen(0, at(4)), None, "its toolstack put it there");
    record.ended(ShutdownReason::Suspend, Some(0), 1, at(5));
    assert_eq!(record.next_clock(), clock(variable(95)));
    let restored = |incarnation| Discovered {
        boot: BOOT.to_owned(),
        domid: DomId(3),
        kind: GuestKind::Hvm,
        offset: Some(0),
        incarnation,
        has_run: false,
        config_offset: None,
    };
    assert_eq!(due(Some(&record), &restored(2)), Due::FollowUnset);
    // The guest sets its RTC itself: from then on it counts.
    let mut record = unset();
    assert_eq!(record.seen(3600, at(4)), Some(0));
    assert_eq!((record.next_clock(), record.guest.seconds), (clock(variable(3600)), 3605));
    assert_eq!(record.seen(3610, at(5)), Some(3600));
    let mut record = unset();
    record.set_live(7, at(4));
    assert_eq!((record.seen(7, at(5)), record.next_clock()), (None, clock(variable(7))), "set by clock-set");
}

#[test]
fn of_a_life_that_nobody_recorded_only_the_request_and_the_rtc_are_known() {
    let mut record = running();
    record.seen(3620, at(1));
    record.found_alive(instance(2), Some(5));
    assert_eq!((record.start.as_ref(), record.birth_khz, record.guest.seconds), (None, None, 0));
    assert_eq!(record.last.map(|last| last.offset), Some(5));
    assert_eq!(record.request.clock, clock(variable(3600)));
    assert!(record.is_instance(&instance(2).boot, DomId(2)));
}
