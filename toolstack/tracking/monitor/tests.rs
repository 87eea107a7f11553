#![allow(clippy::unwrap_used)]
use std::fs;

use timers::zone::default_zones;
use timers::{GuestKind, Hertz};

use super::*;
use crate::host::RunState;
use crate::host::mock::Mock;

/// The disposition of a guest of this name that crashes, the guests that are then on the host, and the dumps.
fn crash(name: &str, on_crash: ShutdownAction) -> (Disposition, Vec<String>, Vec<String>) {
    let mock = Mock::in_memory(Box::new(|| "2026-03-28T12:00:00Z".parse().unwrap()));
    let mut config = DomainConfig::new(GuestKind::Hvm);
    config.c_info.name = Some(name.to_owned());
    config.on_crash = on_crash;
    let domid = mock.create_paused(&config).unwrap();
    mock.unpause(domid).unwrap();
    mock.guest_end(domid, ShutdownReason::Crash).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dumps = dir.path().join("not/there/yet");
    let monitor = Monitor {
        host: &mock,
        records: &RecordStore::in_memory(),
        zones: &*default_zones(),
        dumps: &dumps,
        reread: &|_| Err("".into()),
        make_room: &|_| Ok(Box::new(())),
        patience: Duration::ZERO,
    };
    let ended = monitor.ended(domid, ShutdownReason::Crash).unwrap();
    let state = |state| if state == RunState::Running { "runs" } else { "has ended" };
    let guests = mock.domains().unwrap().into_iter().filter(|domain| domain.domid.0 != 0);
    let guests = guests.map(|domain| format!("{} {}", domain.name, state(domain.state))).collect();
    let dumped = fs::read_dir(&dumps).into_iter().flatten().map(|file| file.unwrap().file_name());
    (ended.became, guests, dumped.map(|name| name.into_string().unwrap()).collect())
}

#[test]
fn a_crash_is_what_the_config_makes_of_it() {
    let became = |became: &Disposition| match became {
        Disposition::Gone => "gone",
        Disposition::Restarted(_) => "restarted",
        Disposition::Reset(_) => "reset",
        Disposition::Kept(_) => "kept",
    };
    for (action, becomes, left, dumps) in [
        (ShutdownAction::Destroy, "gone", &[][..], false),
        (ShutdownAction::Restart, "restarted", &["guest runs"], false),
        (
            ShutdownAction::RestartRename,
            "restarted",
            &["guest-20260328T1200Z has ended", "guest runs"],
            false,
        ),
        (ShutdownAction::Preserve, "kept", &["guest has ended"], false),
        (ShutdownAction::CoredumpDestroy, "gone", &[], true),
        (ShutdownAction::CoredumpRestart, "restarted", &["guest runs"], true),
    ] {
        let (ended, guests, dumped) = crash("guest", action);
        let guests: Vec<_> = guests.iter().map(String::as_str).collect();
        assert_eq!((became(&ended), &guests[..]), (becomes, left), "{action:?}");
        assert_eq!(dumped, if dumps { vec!["guest"] } else { vec![] }, "{action:?}");
    }
}

#[test]
fn timers_that_nobody_requested_stay_as_the_config_has_them() {
    let mock = Mock::in_memory(Box::new(|| "2026-03-28T12:00:00Z".parse().unwrap()));
    let uuid = Uuid::from_u128(1);
    let mut config = DomainConfig::new(GuestKind::Hvm);
    config.c_info.name = Some("guest".to_owned());
    config.c_info.uuid = Some(uuid);
    config.b_info.tsc_mode = Some(timers::tsc::TscMode::AlwaysEmulate);
    config.b_info.timer_mode = Some(timers::ticks::MissedTicks::ALL[1]);
    let domid = mock.create_paused(&config).unwrap();
    mock.unpause(domid).unwrap();
    let records = RecordStore::in_memory();
    let record = ClockRecord::new(
        uuid,
        "guest",
        crate::tracking::unmanaged::request(crate::domain::project::clock_of(&config)),
    );
    records.change(uuid, |_, _| (Some(record), ())).unwrap();
    mock.guest_end(domid, ShutdownReason::Reboot).unwrap();
    let zones = default_zones();
    let monitor = Monitor::new(&mock, &records, &*zones, &|_| Err("".into()));
    let Disposition::Restarted(started) = monitor.ended(domid, ShutdownReason::Reboot).unwrap().became else {
        panic!("it was not started again");
    };
    let again = mock.stored_config(started.outcome.domid).unwrap().b_info;
    assert_eq!((again.tsc_mode, again.timer_mode), (config.b_info.tsc_mode, config.b_info.timer_mode));
}

#[test]
fn an_updated_config_that_drops_the_tsc_frequency_is_told() {
    let clock = |frequency: Option<u64>| {
        let mut tsc = timers::Timer::named(timers::TimerName::Tsc);
        tsc.frequency = frequency.map(Hertz);
        GuestClock::new(timers::ClockOffset::Utc { adjustment: None }, vec![tsc])
    };
    for (asked, told) in [(None, true), (Some(2_000_000_000), false)] {
        let mock = Mock::in_memory(Box::new(|| "2026-03-28T12:00:00Z".parse().unwrap()));
        let uuid = Uuid::from_u128(1);
        let mut config = DomainConfig::new(GuestKind::Hvm);
        config.c_info.name = Some("guest".to_owned());
        config.c_info.uuid = Some(uuid);
        let domid = mock.create_paused(&config).unwrap();
        mock.unpause(domid).unwrap();
        mock.set_user_data(domid, UPDATE, b"updated").unwrap();
        let records = RecordStore::in_memory();
        let request = crate::lifecycle::record::Request::of_file(&clock(Some(1_000_000_000)));
        records.change(uuid, |_, _| (Some(ClockRecord::new(uuid, "guest", request)), ())).unwrap();
        mock.guest_end(domid, ShutdownReason::Reboot).unwrap();
        let (zones, reread) = (default_zones(), |_: &[u8]| Ok((config.clone(), clock(asked))));
        let monitor = Monitor::new(&mock, &records, &*zones, &reread);
        let ended = monitor.ended(domid, ShutdownReason::Reboot).unwrap();
        let is_told = ended
            .warnings
            .iter()
            .any(|warning| warning.to_string().contains("clock_tsc_frequency = 1000000000"));
        assert_eq!(is_told, told, "{:?}", ended.warnings);
    }
}

#[test]
fn a_core_stays_in_its_directory_whatever_the_name() {
    for (name, file) in [("/nowhere/guest", "_nowhere_guest"), ("../guest", ".._guest"), ("a/b", "a_b")] {
        assert_eq!(crash(name, ShutdownAction::CoredumpDestroy).2, [file], "{name}");
    }
}
