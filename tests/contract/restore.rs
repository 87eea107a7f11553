//! Save and restore: the clocks that are saved with a guest, and those that are set again.

use std::fs::File;
use std::io::{Seek, Write};

use timers::tsc::TscMode;
use timers::{GuestKind, UtcOffset};
use xenclock::domain::{Defbool, DomainConfig};
use xenclock::host::{DomId, ErrorKind, RunState, SaveKind, ShutdownReason, TscInfo};

use super::{KINDS, Make, Played, Stage, again, cases, refused, running, state, stream};

const SECOND: u64 = 1_000_000_000;

cases![
    a_saved_domain_is_suspended_until_destroyed,
    a_restored_domain_is_paused,
    the_tsc_goes_with_the_guest,
    the_mode_of_the_stream_wins,
    native_stays_native,
    the_tsc_counts_on,
    each_restore_is_one_more_incarnation,
    the_guests_rtc_is_kept_where_the_config_says_nothing,
    the_guests_rtc_is_lost_where_the_config_has_an_offset,
    the_guests_rtc_is_lost_with_localtime,
    localtime_is_worked_out_again,
    a_sum_of_0_keeps_the_guests_rtc,
    an_offset_set_from_outside_is_kept,
    the_saved_rtc_is_read_without_a_restore,
    pv_and_pvh_have_the_offset_of_the_config_only,
    user_data_stays_behind,
    a_restored_guest_is_not_new,
    a_name_that_is_taken,
    another_kind_of_guest,
    no_stream_at_all,
];

/// Any host that can save.
fn any(make: Make<'_>) -> Played<Box<dyn Stage>> {
    let stage = super::any(make)?;
    stage.saves()?;
    Ok(stage)
}

/// A host that can save, where it is this moment, in this zone.
fn at(make: Make<'_>, now: &'static str, timezone: &'static str) -> Played<Box<dyn Stage>> {
    let stage = super::at(make, now, timezone)?;
    stage.saves()?;
    Ok(stage)
}

/// A running HVM guest with this in its config, and the config.
fn with(stage: &dyn Stage, seconds: i32, localtime: Option<Defbool>) -> Played<(DomId, DomainConfig)> {
    let mut config = stage.config(GuestKind::Hvm, "guest")?;
    config.b_info.rtc_timeoffset = UtcOffset::from(seconds).to_libxl();
    config.b_info.localtime = localtime;
    let domid = stage.host().create_paused(&config).unwrap();
    stage.host().unpause(domid).unwrap();
    Ok((domid, config))
}

fn offset(stage: &dyn Stage, domid: DomId) -> i64 {
    stage.host().rtc_record(domid).unwrap().offset
}

fn a_saved_domain_is_suspended_until_destroyed(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = running(&*stage, "guest")?;
    let mut file = stream();
    stage.host().save(domid, &mut file, SaveKind::Suspend).unwrap();
    assert!(file.metadata().unwrap().len() > 0);
    assert_eq!(state(stage.host(), domid), Some(RunState::Shutdown(ShutdownReason::Suspend)));
    stage.host().tsc_info(domid).unwrap();
    stage.host().rtc_record(domid).unwrap();
    stage.host().destroy(domid).unwrap();
    assert_eq!(state(stage.host(), domid), None);
    Ok(())
}

fn the_saved_rtc_is_read_without_a_restore(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let domid = stage.host().create_paused(&stage.config(kind, "guest")?).unwrap();
        stage.host().unpause(domid).unwrap();
        stage.host().set_time_offset(domid, UtcOffset::from(-3620)).unwrap();
        let mut file = stream();
        // As in a file of xl's, it does not stand at the beginning.
        file.write_all(b"header").unwrap();
        stage.host().save(domid, &mut file, SaveKind::Suspend).unwrap();
        let mut saved_rtc = |at| {
            file.seek(std::io::SeekFrom::Start(at)).unwrap();
            stage.host().saved_rtc(&mut file)
        };
        assert_eq!(saved_rtc(6).unwrap(), kind.has_rtc().then_some(-3620), "{kind:?}");
        assert_eq!(refused(saved_rtc(0)), ErrorKind::Invalid);
    }
    Ok(())
}

fn a_restored_domain_is_paused(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let config = stage.config(kind, "guest")?;
        let domid = stage.host().create_paused(&config).unwrap();
        stage.host().unpause(domid).unwrap();
        let restored = again(&*stage, domid, &config);
        assert!(restored > domid);
        assert_eq!(state(stage.host(), restored), Some(RunState::Paused));
        stage.host().unpause(restored).unwrap();
        assert_eq!(state(stage.host(), restored), Some(RunState::Running));
        assert_eq!(refused(stage.host().unpause(restored)), ErrorKind::Invalid);
    }
    Ok(())
}

fn the_tsc_goes_with_the_guest(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let config = stage.config(kind, "guest")?;
        let domid = stage.host().create_paused(&config).unwrap();
        let info = TscInfo { mode: 1, elapsed_ns: 0, khz: 1_000_000, incarnation: 0 };
        stage.host().set_tsc_info(domid, &info).unwrap();
        stage.host().unpause(domid).unwrap();
        stage.pass(2)?;
        let before = stage.host().tsc_info(domid).unwrap();
        let restored = again(&*stage, domid, &config);
        let after = stage.host().tsc_info(restored).unwrap();
        assert_eq!((after.mode, after.khz, after.incarnation), (1, 1_000_000, 2), "{kind:?}");
        assert!(after.elapsed_ns >= before.elapsed_ns, "it never counts back");
        assert!(after.elapsed_ns < before.elapsed_ns + 60 * SECOND, "time off the host does not count");
    }
    Ok(())
}

fn the_mode_of_the_stream_wins(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let (domid, mut config) = with(&*stage, 0, None)?;
    config.b_info.tsc_mode = Some(TscMode::AlwaysEmulate);
    let restored = again(&*stage, domid, &config);
    assert_eq!(stage.host().tsc_info(restored).unwrap().mode, 0);
    Ok(())
}

fn native_stays_native(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let mut config = stage.config(GuestKind::Hvm, "guest")?;
    config.b_info.tsc_mode = Some(TscMode::Native);
    let domid = stage.host().create_paused(&config).unwrap();
    stage.host().unpause(domid).unwrap();
    config.b_info.tsc_mode = None;
    let restored = again(&*stage, domid, &config);
    let told = TscInfo { mode: 2, elapsed_ns: 0, khz: 0, incarnation: 2 };
    assert_eq!(stage.host().tsc_info(restored).unwrap(), told);
    Ok(())
}

fn the_tsc_counts_on(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let config = stage.config(GuestKind::Hvm, "guest")?;
    let domid = stage.host().create_paused(&config).unwrap();
    let info = TscInfo { mode: 1, elapsed_ns: 0, khz: 1_000_000, incarnation: 0 };
    stage.host().set_initial_tsc(domid, &info).unwrap();
    stage.host().unpause(domid).unwrap();
    stage.pass(5)?;
    let before = stage.guest_tsc(domid)?;
    let restored = again(&*stage, domid, &config);
    let after = stage.guest_tsc(restored)?;
    assert!((before..before + 60 * SECOND).contains(&after), "{after} after {before}");
    stage.pass(5)?;
    let later = stage.guest_tsc(restored)?;
    assert!((after + 5 * SECOND..after + 60 * SECOND).contains(&later), "{later} after {after}");
    Ok(())
}

fn each_restore_is_one_more_incarnation(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let (mut domid, config) = with(&*stage, 0, None)?;
    for incarnation in [2, 3, 4] {
        domid = again(&*stage, domid, &config);
        assert_eq!(stage.host().tsc_info(domid).unwrap().incarnation, incarnation);
        stage.host().unpause(domid).unwrap();
    }
    Ok(())
}

fn the_guests_rtc_is_kept_where_the_config_says_nothing(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let (domid, config) = with(&*stage, 0, None)?;
    stage.guest_shifts_rtc(domid, 20)?;
    let before = offset(&*stage, domid);
    assert!((before - 20).abs() <= 2, "{before}");
    let domid = again(&*stage, domid, &config);
    assert_eq!(offset(&*stage, domid), before);
    // And over one more.
    stage.host().unpause(domid).unwrap();
    let domid = again(&*stage, domid, &config);
    assert_eq!(offset(&*stage, domid), before);
    Ok(())
}

fn the_guests_rtc_is_lost_where_the_config_has_an_offset(make: Make<'_>) -> Played {
    for seconds in [3600, -3600] {
        let stage = any(make)?;
        let (domid, mut config) = with(&*stage, seconds, None)?;
        stage.guest_shifts_rtc(domid, 20)?;
        let domid = again(&*stage, domid, &config);
        assert_eq!(offset(&*stage, domid), i64::from(seconds));
        // What was learnt can be given to the restore.
        stage.host().unpause(domid).unwrap();
        config.b_info.rtc_timeoffset = UtcOffset::from(seconds + 20).to_libxl();
        let domid = again(&*stage, domid, &config);
        assert_eq!(offset(&*stage, domid), i64::from(seconds + 20));
    }
    Ok(())
}

fn the_guests_rtc_is_lost_with_localtime(make: Make<'_>) -> Played {
    let stage = at(make, "2026-01-15T12:00:00Z", "Europe/Berlin")?;
    let (domid, config) = with(&*stage, 0, Some(Defbool::True))?;
    assert_eq!(offset(&*stage, domid), 3600);
    stage.guest_shifts_rtc(domid, 20)?;
    assert_eq!(offset(&*stage, domid), 3620);
    let domid = again(&*stage, domid, &config);
    assert_eq!(offset(&*stage, domid), 3600);
    Ok(())
}

fn localtime_is_worked_out_again(make: Make<'_>) -> Played {
    let stage = at(make, "2026-03-28T12:00:00Z", "Europe/Berlin")?;
    let (domid, config) = with(&*stage, 0, Some(Defbool::True))?;
    stage.pass(86_400)?;
    assert_eq!(offset(&*stage, domid), 3600, "summer time does not move a running guest");
    let domid = again(&*stage, domid, &config);
    assert_eq!(offset(&*stage, domid), 7200);
    Ok(())
}

fn a_sum_of_0_keeps_the_guests_rtc(make: Make<'_>) -> Played {
    let stage = at(make, "2026-01-15T12:00:00Z", "Europe/Berlin")?;
    let (domid, config) = with(&*stage, -3600, Some(Defbool::True))?;
    assert_eq!(offset(&*stage, domid), 0);
    stage.guest_shifts_rtc(domid, 20)?;
    let domid = again(&*stage, domid, &config);
    assert_eq!(offset(&*stage, domid), 20);
    Ok(())
}

fn an_offset_set_from_outside_is_kept(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let config = stage.config(GuestKind::Hvm, "guest")?;
    let domid = stage.host().create_paused(&config).unwrap();
    stage.host().set_time_offset(domid, 3600.into()).unwrap();
    stage.host().unpause(domid).unwrap();
    stage.guest_shifts_rtc(domid, 20)?;
    let before = offset(&*stage, domid);
    let domid = again(&*stage, domid, &config);
    assert_eq!(offset(&*stage, domid), before);
    Ok(())
}

fn pv_and_pvh_have_the_offset_of_the_config_only(make: Make<'_>) -> Played {
    for kind in [GuestKind::Pv, GuestKind::Pvh] {
        for (seconds, kept) in [(0, 0), (600, 600)] {
            let stage = any(make)?;
            let mut config = stage.config(kind, "guest")?;
            config.b_info.rtc_timeoffset = seconds;
            let domid = stage.host().create_paused(&config).unwrap();
            stage.host().set_time_offset(domid, 5000.into()).unwrap();
            stage.host().unpause(domid).unwrap();
            assert_eq!(stage.wallclock_offset(domid)?, 5000);
            let domid = again(&*stage, domid, &config);
            assert_eq!(stage.wallclock_offset(domid)?, kept, "{kind:?}");
        }
    }
    Ok(())
}

fn user_data_stays_behind(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let (domid, config) = with(&*stage, 0, None)?;
    stage.host().set_user_data(domid, "xenclock-contract", b"data").unwrap();
    let domid = again(&*stage, domid, &config);
    assert_eq!(stage.host().user_data(domid, "xenclock-contract").unwrap(), None);
    Ok(())
}

fn a_restored_guest_is_not_new(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let (domid, config) = with(&*stage, 0, None)?;
    let domid = again(&*stage, domid, &config);
    let before = stage.host().tsc_info(domid).unwrap();
    let info = TscInfo { mode: 1, elapsed_ns: 0, khz: 1_000_000, incarnation: 0 };
    assert_eq!(refused(stage.host().set_initial_tsc(domid, &info)), ErrorKind::WrongState);
    let after = stage.host().tsc_info(domid).unwrap();
    assert_eq!((after.mode, after.khz, after.incarnation), (before.mode, before.khz, before.incarnation));
    Ok(())
}

fn a_name_that_is_taken(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let (domid, config) = with(&*stage, 0, None)?;
    let mut file = stream();
    stage.host().save(domid, &mut file, SaveKind::Suspend).unwrap();
    file.rewind().unwrap();
    // The saved domain is there until it is destroyed.
    assert_eq!(refused(stage.host().restore_paused(&config, &mut file)), ErrorKind::Exists);
    stage.host().destroy(domid).unwrap();
    file.rewind().unwrap();
    stage.host().restore_paused(&config, &mut file).unwrap();
    Ok(())
}

fn another_kind_of_guest(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let (domid, _) = with(&*stage, 0, None)?;
    let mut file = stream();
    stage.host().save(domid, &mut file, SaveKind::Suspend).unwrap();
    stage.host().destroy(domid).unwrap();
    file.rewind().unwrap();
    let before = stage.host().domains().unwrap();
    refused(stage.host().restore_paused(&stage.config(GuestKind::Pv, "guest")?, &mut file));
    assert_eq!(stage.host().domains().unwrap(), before);
    Ok(())
}

fn no_stream_at_all(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let config = stage.config(GuestKind::Hvm, "guest")?;
    let before = stage.host().domains().unwrap();
    let file = |bytes: &[u8]| -> File {
        let mut file = stream();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    };
    for bytes in [&b""[..], b"this is not a saved domain\n", &[0; 4096]] {
        refused(stage.host().restore_paused(&config, &mut file(bytes)));
        assert_eq!(stage.host().domains().unwrap(), before);
    }
    Ok(())
}
