//! The time offset: from a config, set by the toolstack, and changed by the guest.

use timers::{GuestKind, UtcOffset};
use xenclock::domain::Defbool;
use xenclock::host::{ErrorKind, RunState, ShutdownReason};

use super::{
    KINDS, Make, Played, Stage, any, assert_near, at, cases, hvm, local, refused, running, wait_for,
};

const WINTER: &str = "2026-01-15T12:00:00Z";
const SUMMER: &str = "2026-07-15T12:00:00Z";

cases![
    utc_where_nothing_is_said,
    seconds_of_the_config,
    localtime_is_the_hosts_zone_at_the_build,
    localtime_and_seconds_are_added,
    the_sum_has_32_bits,
    an_offset_is_set_at_once_and_its_registers_when_the_guest_runs,
    an_offset_of_a_running_guest,
    any_offset_of_32_bits,
    pv_and_pvh_have_no_rtc,
    the_guests_own_changes_add_up,
    setting_replaces_what_the_guest_did,
    registers_stand_still_with_the_guest,
    the_guests_change_can_be_read_after_its_end,
    a_reboot_loses_the_guests_change,
];

/// The offset of an HVM guest that was made with this.
fn made_with(stage: &dyn Stage, seconds: i32, localtime: Option<Defbool>) -> Played<i64> {
    let mut config = stage.config(GuestKind::Hvm, "guest")?;
    config.b_info.rtc_timeoffset = UtcOffset::from(seconds).to_libxl();
    config.b_info.localtime = localtime;
    let domid = stage.host().create_paused(&config).unwrap();
    let record = stage.host().rtc_record(domid).unwrap();
    stage.host().unpause(domid).unwrap();
    assert_eq!(stage.host().rtc_record(domid).unwrap().offset, record.offset);
    stage.host().destroy(domid).unwrap();
    Ok(record.offset)
}

fn utc_where_nothing_is_said(make: Make<'_>) -> Played {
    let stage = at(make, WINTER, "Europe/Berlin")?;
    assert_eq!(made_with(&*stage, 0, None)?, 0);
    assert_eq!(made_with(&*stage, 0, Some(Defbool::False))?, 0);
    let domid = hvm(&*stage, "new")?;
    let record = stage.host().rtc_record(domid).unwrap();
    assert_eq!(record.offset, 0);
    assert_near(record.cmos, local(stage.host(), 0));
    Ok(())
}

fn seconds_of_the_config(make: Make<'_>) -> Played {
    let stage = any(make)?;
    for seconds in [3600, -3600, 1, -1, 20, 86_400 * 365, i32::MAX, i32::MIN] {
        assert_eq!(made_with(&*stage, seconds, None)?, i64::from(seconds));
    }
    Ok(())
}

fn localtime_is_the_hosts_zone_at_the_build(make: Make<'_>) -> Played {
    for (now, zone, offset) in [
        (WINTER, "Europe/Berlin", 3600),
        (SUMMER, "Europe/Berlin", 7200),
        (WINTER, "America/St_Johns", -12_600),
        (SUMMER, "America/St_Johns", -9000),
        (SUMMER, "Asia/Kathmandu", 20_700),
        (SUMMER, "UTC", 0),
        // One second before summer time and the first of it.
        ("2026-03-29T00:59:59Z", "Europe/Berlin", 3600),
        ("2026-03-29T01:00:00Z", "Europe/Berlin", 7200),
    ] {
        let stage = at(make, now, zone)?;
        assert_eq!(made_with(&*stage, 0, Some(Defbool::True))?, offset, "{zone} at {now}");
    }
    Ok(())
}

fn localtime_and_seconds_are_added(make: Make<'_>) -> Played {
    let stage = at(make, WINTER, "Europe/Berlin")?;
    for (seconds, sum) in [(600, 4200), (-600, 3000), (-3600, 0), (-7200, -3600)] {
        assert_eq!(made_with(&*stage, seconds, Some(Defbool::True))?, sum, "{seconds}");
    }
    Ok(())
}

fn the_sum_has_32_bits(make: Make<'_>) -> Played {
    let stage = at(make, WINTER, "Europe/Berlin")?;
    let wrapped = i64::from(i32::MIN) + 3599;
    assert_eq!(made_with(&*stage, i32::MAX, Some(Defbool::True))?, wrapped);
    Ok(())
}

fn an_offset_is_set_at_once_and_its_registers_when_the_guest_runs(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = hvm(&*stage, "guest")?;
    let before = host.rtc_record(domid).unwrap();
    for seconds in [7200, -86_400] {
        host.set_time_offset(domid, seconds.into()).unwrap();
        let record = host.rtc_record(domid).unwrap();
        assert_eq!(record.offset, i64::from(seconds));
        assert_eq!(record.cmos, before.cmos, "a guest that never ran has had nothing brought up to date");
    }
    host.unpause(domid).unwrap();
    stage.pass(2)?;
    let record = host.rtc_record(domid).unwrap();
    assert_eq!(record.offset, -86_400);
    assert_near(record.cmos, local(host, -86_400));
    Ok(())
}

fn an_offset_of_a_running_guest(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = running(&*stage, "guest")?;
    for seconds in [3600, -3600, 0] {
        host.set_time_offset(domid, seconds.into()).unwrap();
        stage.pass(2)?;
        let record = host.rtc_record(domid).unwrap();
        assert_eq!(record.offset, i64::from(seconds));
        assert_near(record.cmos, local(host, seconds.into()));
    }
    Ok(())
}

fn any_offset_of_32_bits(make: Make<'_>) -> Played {
    let stage = at(make, SUMMER, "UTC")?;
    let host = stage.host();
    let domid = running(&*stage, "guest")?;
    for seconds in [i32::MAX, i32::MIN, 1, -1] {
        host.set_time_offset(domid, seconds.into()).unwrap();
        assert_eq!(host.rtc_record(domid).unwrap().offset, i64::from(seconds));
    }
    // The registers have two digits for the year: 1958 is shown as 58, which reads as 2058.
    host.set_time_offset(domid, i32::MIN.into()).unwrap();
    assert_near(host.rtc_record(domid).unwrap().cmos, "2058-06-27T08:45:52".parse().unwrap());
    Ok(())
}

fn pv_and_pvh_have_no_rtc(make: Make<'_>) -> Played {
    for kind in [GuestKind::Pv, GuestKind::Pvh] {
        let stage = any(make)?;
        let host = stage.host();
        let mut config = stage.config(kind, "guest")?;
        config.b_info.rtc_timeoffset = 600;
        let domid = host.create_paused(&config).unwrap();
        assert_eq!(refused(host.rtc_record(domid)), ErrorKind::NoRtc, "{kind:?}");
        // Their wallclock has the offset all the same.
        assert_eq!(stage.wallclock_offset(domid)?, 600);
        host.set_time_offset(domid, (-60).into()).unwrap();
        assert_eq!(stage.wallclock_offset(domid)?, -60);
        host.unpause(domid).unwrap();
        assert_eq!(refused(host.rtc_record(domid)), ErrorKind::NoRtc, "{kind:?}");
    }
    assert!(KINDS.contains(&GuestKind::Hvm));
    Ok(())
}

fn the_guests_own_changes_add_up(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = running(&*stage, "guest")?;
    for (by, sum) in [(20, 20), (3600, 3620), (-7220, -3600), (0, -3600)] {
        stage.guest_shifts_rtc(domid, by)?;
        let record = host.rtc_record(domid).unwrap();
        assert!((record.offset - sum).abs() <= 2, "{} and not {sum}", record.offset);
        assert_near(record.cmos, local(host, sum));
    }
    Ok(())
}

fn setting_replaces_what_the_guest_did(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = running(&*stage, "guest")?;
    stage.guest_shifts_rtc(domid, 500)?;
    stage.host().set_time_offset(domid, 60.into()).unwrap();
    assert_eq!(stage.host().rtc_record(domid).unwrap().offset, 60);
    stage.guest_shifts_rtc(domid, 10)?;
    let offset = stage.host().rtc_record(domid).unwrap().offset;
    assert!((offset - 70).abs() <= 2, "{offset}");
    Ok(())
}

fn registers_stand_still_with_the_guest(make: Make<'_>) -> Played {
    let stage = at(make, SUMMER, "UTC")?;
    let host = stage.host();
    let domid = running(&*stage, "guest")?;
    stage.pass(100)?;
    host.pause(domid).unwrap();
    let stopped = host.rtc_record(domid).unwrap();
    assert_near(stopped.cmos, local(host, 0));
    stage.pass(1000)?;
    assert_eq!(host.rtc_record(domid).unwrap(), stopped);
    // A pause does not put the clock back: it is the registers only that were not looked after.
    host.unpause(domid).unwrap();
    let record = host.rtc_record(domid).unwrap();
    assert_eq!(record.offset, 0);
    assert_near(record.cmos, local(host, 0));
    Ok(())
}

fn the_guests_change_can_be_read_after_its_end(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = running(&*stage, "guest")?;
    stage.host().set_time_offset(domid, 3600.into()).unwrap();
    stage.guest_shifts_rtc(domid, 20)?;
    stage.guest_ends(domid, ShutdownReason::Reboot)?;
    wait_for(stage.host(), domid, RunState::Shutdown(ShutdownReason::Reboot));
    let offset = stage.host().rtc_record(domid).unwrap().offset;
    assert!((offset - 3620).abs() <= 2, "{offset}");
    Ok(())
}

fn a_reboot_loses_the_guests_change(make: Make<'_>) -> Played {
    for seconds in [0, 3600] {
        let stage = any(make)?;
        let host = stage.host();
        let mut config = stage.config(GuestKind::Hvm, "guest")?;
        config.b_info.rtc_timeoffset = seconds;
        let domid = host.create_paused(&config).unwrap();
        host.unpause(domid).unwrap();
        stage.guest_shifts_rtc(domid, 20)?;
        stage.guest_ends(domid, ShutdownReason::Reboot)?;
        let config = host.stored_config(domid).unwrap();
        host.destroy(domid).unwrap();
        let domid = host.create_paused(&config).unwrap();
        assert_eq!(host.rtc_record(domid).unwrap().offset, i64::from(seconds));
    }
    Ok(())
}
