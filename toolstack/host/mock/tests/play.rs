//! Acting as the guest, injected errors, and two handles of one host.

use std::path::Path;
use std::time::Duration;

use timers::GuestKind::{Hvm, Pv, Pvh};

use super::{Mock, clock, config, host};
use crate::host::{DomId, ErrorKind, Event, Host, RunState, SaveKind, ShutdownReason, ShutdownRequest};

#[test]
fn only_a_running_hvm_guest_can_set_its_rtc() {
    let mock = host("yes", "no");
    let day = "2026-07-04T00:00:00".parse().unwrap();
    assert_eq!(mock.guest_set_rtc(DomId(1), day).unwrap_err().kind, ErrorKind::NoSuchDomain);
    for kind in [Pv, Pvh] {
        let domid = mock.create_paused(&config(kind, &format!("{kind:?}"))).unwrap();
        mock.unpause(domid).unwrap();
        assert_eq!(mock.guest_shift_rtc(domid, 1).unwrap_err().kind, ErrorKind::NoRtc);
    }
    let domid = mock.create_paused(&config(Hvm, "hvm")).unwrap();
    assert_eq!(mock.guest_shift_rtc(domid, 1).unwrap_err().kind, ErrorKind::WrongState);
    mock.unpause(domid).unwrap();
    mock.guest_set_rtc(domid, day).unwrap();
    assert_eq!(mock.rtc_record(domid).unwrap().cmos, day);
    assert_eq!(mock.rtc_record(domid).unwrap().offset, 2 * 86_400 + 43_200);
    mock.guest_crash(domid).unwrap();
    assert_eq!(mock.guest_shift_rtc(domid, 1).unwrap_err().kind, ErrorKind::WrongState);
    assert_eq!(mock.guest_reboot(domid).unwrap_err().kind, ErrorKind::WrongState);
}

#[test]
fn an_rtc_has_two_digits_for_the_year() {
    let mock = host("yes", "no");
    let domid = mock.create_paused(&config(Hvm, "g")).unwrap();
    mock.unpause(domid).unwrap();
    for (text, good) in [
        ("1999-12-31T23:59:59", false),
        ("2000-01-01T00:00:00", true),
        ("2099-12-31T23:59:59", true),
        ("2100-01-01T00:00:00", false),
    ] {
        let result = mock.guest_set_rtc(domid, text.parse().unwrap());
        assert_eq!(result.is_ok(), good, "{text}");
    }
    assert_eq!(mock.guest_shift_rtc(domid, 1).unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(mock.guest_shift_rtc(domid, i64::MAX).unwrap_err().kind, ErrorKind::Invalid);
    // 1958 shows as 2058, and the guest that writes it back moves itself by a century.
    mock.set_time_offset(domid, i32::MIN.into()).unwrap();
    assert_eq!(mock.rtc_record(domid).unwrap().cmos.to_string(), "2058-06-13 08:45:52");
    mock.guest_shift_rtc(domid, 0).unwrap();
    assert_eq!(mock.rtc_record(domid).unwrap().cmos.to_string(), "2058-06-13 08:45:52");
    assert_eq!(mock.rtc_record(domid).unwrap().offset, i64::from(i32::MIN) + 36_525 * 86_400);
}

#[test]
fn the_wallclock_of_every_kind_has_the_offset() {
    let mock = host("yes", "no");
    for kind in [Hvm, Pv, Pvh] {
        let domid = mock.create_paused(&config(kind, &format!("{kind:?}"))).unwrap();
        mock.set_time_offset(domid, (-5).into()).unwrap();
        assert_eq!(mock.wallclock_offset(domid), Ok(-5));
    }
}

#[test]
fn every_call_can_fail_and_changes_nothing_then() {
    let mock = host("yes", "no");
    let domid = mock.create_paused(&config(Hvm, "g")).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    let before = mock.read("test").unwrap();
    type Try<'a> = (&'a str, Box<dyn FnMut() -> Option<ErrorKind> + 'a>);
    fn kind<T>(result: crate::host::Result<T>) -> Option<ErrorKind> {
        result.err().map(|error| error.kind)
    }
    let mut stream = file.try_clone().unwrap();
    let calls: Vec<Try<'_>> = vec![
        ("facts", Box::new(|| kind(mock.facts()))),
        ("domains", Box::new(|| kind(mock.domains()))),
        ("create_paused", Box::new(|| kind(mock.create_paused(&config(Hvm, "h"))))),
        ("restore_paused", Box::new(|| kind(mock.restore_paused(&config(Hvm, "h"), &mut file)))),
        ("save", Box::new(|| kind(mock.save(domid, &mut stream, SaveKind::Suspend)))),
        ("resume", Box::new(|| kind(mock.resume(domid)))),
        ("rename", Box::new(|| kind(mock.rename(domid, "h")))),
        ("core_dump", Box::new(|| kind(mock.core_dump(domid, Path::new("/nowhere/core"))))),
        ("preserve", Box::new(|| kind(mock.preserve(domid, "-old")))),
        ("soft_reset", Box::new(|| kind(mock.soft_reset(domid, &config(Hvm, "g"))))),
        ("unpause", Box::new(|| kind(mock.unpause(domid)))),
        ("pause", Box::new(|| kind(mock.pause(domid)))),
        ("destroy", Box::new(|| kind(mock.destroy(domid)))),
        ("shutdown", Box::new(|| kind(mock.shutdown(domid, ShutdownRequest::Reboot)))),
        ("tsc_info", Box::new(|| kind(mock.tsc_info(domid)))),
        ("set_tsc_info", Box::new(|| kind(mock.set_tsc_info(domid, &mock.tsc_info(domid).unwrap())))),
        ("set_initial_tsc", Box::new(|| kind(mock.set_initial_tsc(domid, &mock.tsc_info(domid).unwrap())))),
        ("set_time_offset", Box::new(|| kind(mock.set_time_offset(domid, 5.into())))),
        ("rtc_record", Box::new(|| kind(mock.rtc_record(domid)))),
        ("stored_config", Box::new(|| kind(mock.stored_config(domid)))),
        ("user_data", Box::new(|| kind(mock.user_data(domid, "x")))),
        ("set_user_data", Box::new(|| kind(mock.set_user_data(domid, "x", b"y")))),
        ("next_event", Box::new(|| kind(mock.next_event(Duration::ZERO)))),
    ];
    for (name, mut call) in calls {
        mock.inject(name, ErrorKind::Permission, 2).unwrap();
        assert_eq!(call(), Some(ErrorKind::Permission), "{name}");
        assert_eq!(call(), Some(ErrorKind::Permission), "{name}");
        assert_eq!(mock.read("test").unwrap(), before, "{name}");
    }
    assert!(mock.inject("sleep", ErrorKind::Io, 1).unwrap_err().detail.contains("next_event"));
    mock.inject("facts", ErrorKind::Io, 1).unwrap();
    mock.inject("facts", ErrorKind::Io, 0).unwrap();
    assert!(mock.facts().is_ok());
}

#[test]
fn another_view_hears_of_what_happens_from_then_on() {
    let mock = host("yes", "no");
    let domid = mock.create_paused(&config(Hvm, "g")).unwrap();
    let other = mock.reopen().unwrap();
    assert_eq!(other.next_event(Duration::ZERO).unwrap(), None);
    mock.unpause(domid).unwrap();
    mock.guest_poweroff(domid).unwrap();
    for (view, first) in [(&mock, true), (&other, false)] {
        if first {
            assert!(matches!(view.next_event(Duration::ZERO).unwrap(), Some(Event::Introduced { .. })));
        }
        let event = view.next_event(Duration::ZERO).unwrap();
        assert!(matches!(event, Some(Event::Shutdown { reason: ShutdownReason::Poweroff, .. })), "{event:?}");
    }
}

#[test]
fn a_waiting_view_is_woken() {
    let mock = host("yes", "no");
    let other = mock.reopen().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| other.next_event(Duration::MAX).unwrap());
        mock.create_paused(&config(Hvm, "g")).unwrap();
        assert!(matches!(waiting.join().unwrap(), Some(Event::Introduced { .. })));
    });
}

#[test]
fn a_paused_guest_follows_a_request_when_it_runs() {
    let mock = host("yes", "no");
    let domid = mock.create_paused(&config(Hvm, "g")).unwrap();
    mock.shutdown(domid, ShutdownRequest::Reboot).unwrap();
    assert_eq!(mock.domains().unwrap()[1].state, RunState::Paused);
    mock.unpause(domid).unwrap();
    assert_eq!(mock.domains().unwrap()[1].state, RunState::Shutdown(ShutdownReason::Reboot));
}

#[test]
fn memory_runs_out_when_the_host_has_little() {
    let mock = host("yes", "no");
    mock.set_fact("memory_mb", "48").unwrap();
    mock.create_paused(&config(Hvm, "one")).unwrap();
    let error = mock.create_paused(&config(Hvm, "two")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoMemory);
    let says =
        "create domain 'two': the domain needs 32768 KiB of memory, but only 16384 KiB are free (ENOMEM)";
    assert_eq!(error.to_string(), says);
}

#[test]
fn a_uuid_is_made_where_none_is_given_and_the_same_in_the_same_history() {
    let made = || {
        let mock = Mock::in_memory(clock());
        let domid = mock.create_paused(&config(Hvm, "g")).unwrap();
        mock.stored_config(domid).unwrap().c_info.uuid.unwrap()
    };
    assert_eq!(made(), made());
    assert!(!made().is_nil());
    // Somebody may have taken the very next one.
    let mock = Mock::in_memory(clock());
    let mut first = config(Hvm, "g");
    first.c_info.uuid = Some(uuid::Uuid::from_u128(made().as_u128() + 1));
    mock.create_paused(&first).unwrap();
    mock.create_paused(&config(Hvm, "h")).unwrap();
}

#[test]
fn a_save_that_cannot_be_written_leaves_the_guest_running() {
    let mock = host("yes", "no");
    let domid = mock.create_paused(&config(Hvm, "g")).unwrap();
    mock.unpause(domid).unwrap();
    let path = tempfile::NamedTempFile::new().unwrap();
    let mut only_read = std::fs::File::open(path.path()).unwrap();
    assert_eq!(mock.save(domid, &mut only_read, SaveKind::Suspend).unwrap_err().kind, ErrorKind::Io);
    assert_eq!(mock.domains().unwrap()[1].state, RunState::Running);
    // Whoever listens hears of the end that was none, as on Xen.
    assert!(matches!(mock.next_event(Duration::ZERO).unwrap(), Some(Event::Introduced { .. })));
    let event = mock.next_event(Duration::ZERO).unwrap();
    assert!(matches!(event, Some(Event::Shutdown { reason: ShutdownReason::Suspend, .. })), "{event:?}");
    assert_eq!(mock.next_event(Duration::ZERO).unwrap(), None);
}

#[test]
fn a_host_that_boots_anew_gives_the_same_numbers_to_others() {
    let mock = host("no", "no");
    let listener = mock.reopen().unwrap();
    let made = mock.create_paused(&config(Hvm, "g")).unwrap();
    mock.create_paused(&config(Pv, "h")).unwrap();
    mock.unpause(made).unwrap();
    let before = mock.facts().unwrap();
    mock.advance(3600).unwrap();
    assert_eq!(mock.facts().unwrap().boot_id, before.boot_id);

    mock.reboot_host().unwrap();
    let after = mock.facts().unwrap();
    assert_ne!(after.boot_id, before.boot_id);
    assert_eq!((after.cpu_khz, after.tsc_reliable), (before.cpu_khz, before.tsc_reliable));
    assert_eq!(mock.domains().unwrap().len(), 1);
    assert_eq!(mock.rtc_record(made).unwrap_err().kind, ErrorKind::NoSuchDomain);
    // Nobody was there to tell of it.
    assert_eq!(listener.next_event(Duration::ZERO).unwrap(), None);

    let again = mock.create_paused(&config(Hvm, "other")).unwrap();
    assert_eq!(again, made, "the number is another domain's now");
    let event = listener.next_event(Duration::ZERO).unwrap();
    assert!(matches!(event, Some(Event::Introduced { domid, .. }) if domid == again), "{event:?}");
    mock.reboot_host().unwrap();
    assert_ne!(mock.facts().unwrap().boot_id, after.boot_id);
}
