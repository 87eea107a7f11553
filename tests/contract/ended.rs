//! Domains that have ended: core dump, renaming, soft reset.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use uuid::uuid;

use timers::tsc::TscMode;
use timers::{GuestKind, UtcOffset};
use xenclock::host::{DomId, ErrorKind, Event, RunState, ShutdownReason, TscInfo};

use super::{
    KINDS, Make, Played, Stage, again, any, cases, event, hvm, listed, refused, running, state, wait_for,
};

const SECOND: u64 = 1_000_000_000;
const ENDED: RunState = RunState::Shutdown(ShutdownReason::SoftReset);

cases![
    a_domain_can_be_renamed,
    a_name_that_another_has,
    a_core_is_written,
    a_core_that_cannot_be_written,
    the_core_of_a_pv_guest_that_never_ran,
    the_core_of_a_restored_pv_guest,
    a_preserved_domain_leaves_name_and_uuid,
    what_cannot_be_preserved,
    a_soft_reset_stays_in_its_domain,
    a_soft_reset_makes_the_tsc_anew,
    a_soft_reset_sets_the_offset_of_the_config,
    a_soft_reset_takes_user_data_away,
    a_soft_reset_is_no_event,
    what_cannot_be_soft_reset,
];

fn a_domain_can_be_renamed(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let host = stage.host();
        let config = stage.config(kind, "guest")?;
        let domid = host.create_paused(&config).unwrap();
        host.rename(domid, "other").unwrap();
        assert_eq!(listed(host, domid).unwrap().name, "other");
        assert_eq!(host.stored_config(domid).unwrap().name(), "other");
        host.rename(domid, "other").unwrap();
        host.create_paused(&config).unwrap();
        host.unpause(domid).unwrap();
        host.rename(domid, "running").unwrap();
        stage.guest_ends(domid, ShutdownReason::Poweroff)?;
        host.rename(domid, "ended").unwrap();
        assert_eq!(listed(host, domid).unwrap().name, "ended");
    }
    Ok(())
}

fn a_name_that_another_has(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let (one, _two) = (hvm(&*stage, "one")?, hvm(&*stage, "two")?);
    for (name, kind) in
        [("two", ErrorKind::Exists), ("Domain-0", ErrorKind::Exists), ("", ErrorKind::Invalid)]
    {
        assert_eq!(refused(host.rename(one, name)), kind, "{name:?}");
    }
    assert_eq!(listed(host, one).unwrap().name, "one");
    Ok(())
}

fn a_core_is_written(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let host = stage.host();
        let domid = host.create_paused(&stage.config(kind, "guest")?).unwrap();
        host.unpause(domid).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("core of a guest");
        host.core_dump(domid, &path).unwrap();
        assert_eq!(state(host, domid), Some(RunState::Running), "nobody holds it");
        let (length, mode) = fs::metadata(&path).map(|file| (file.len(), file.permissions().mode())).unwrap();
        assert!(length > 0);
        assert_eq!(mode & 0o777, 0o600, "a core has a guest's secrets");

        stage.guest_ends(domid, ShutdownReason::Crash)?;
        fs::write(&path, vec![0; 3 * length as usize]).unwrap();
        host.core_dump(domid, &path).unwrap();
        assert!(fs::metadata(&path).unwrap().len() < 2 * length, "what was there is gone");
        assert_eq!(state(host, domid), Some(RunState::Shutdown(ShutdownReason::Crash)));
    }
    Ok(())
}

fn a_core_that_cannot_be_written(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = running(&*stage, "guest")?;
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(refused(stage.host().core_dump(domid, dir.path())), ErrorKind::Io);
    assert_eq!(refused(stage.host().core_dump(domid, &dir.path().join("no/core"))), ErrorKind::Io);
    Ok(())
}

fn the_core_of_a_pv_guest_that_never_ran(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = host.create_paused(&stage.config(GuestKind::Pv, "guest")?).unwrap();
    let dir = tempfile::tempdir().unwrap();
    refused(host.core_dump(domid, &dir.path().join("core")));
    assert_eq!(state(host, domid), Some(RunState::Paused));
    Ok(())
}

/// A restore takes the guest's list of its memory away; the guest makes it anew when it goes on.
fn the_core_of_a_restored_pv_guest(make: Make<'_>) -> Played {
    let stage = any(make)?;
    stage.saves()?;
    let host = stage.host();
    let config = stage.config(GuestKind::Pv, "guest")?;
    let domid = host.create_paused(&config).unwrap();
    host.unpause(domid).unwrap();
    let domid = again(&*stage, domid, &config);
    let dir = tempfile::tempdir().unwrap();
    refused(host.core_dump(domid, &dir.path().join("core")));
    host.unpause(domid).unwrap();
    host.core_dump(domid, &dir.path().join("core")).unwrap();
    Ok(())
}

fn a_preserved_domain_leaves_name_and_uuid(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let host = stage.host();
        let domid = host.create_paused(&stage.config(kind, "guest")?).unwrap();
        host.set_user_data(domid, "xenclock-contract", b"old").unwrap();
        host.unpause(domid).unwrap();
        stage.guest_ends(domid, ShutdownReason::Crash)?;
        let config = host.stored_config(domid).unwrap();
        let uuid = config.c_info.uuid.unwrap();

        host.preserve(domid, "-20261231T2359Z").unwrap();
        let old = listed(host, domid).unwrap();
        assert_eq!((old.name.as_str(), old.uuid), ("guest-20261231T2359Z", uuid), "Xen keeps the UUID");
        assert_eq!(old.state, RunState::Shutdown(ShutdownReason::Crash));

        let new = host.create_paused(&config).unwrap();
        assert_eq!(listed(host, new).unwrap().uuid, uuid);
        assert_eq!(host.user_data(new, "xenclock-contract").unwrap(), None);
        host.set_user_data(new, "xenclock-contract", b"new").unwrap();
        assert_eq!(host.user_data(domid, "xenclock-contract").unwrap().as_deref(), Some(&b"old"[..]));
        // The new one has it now.
        let mut third = config.clone();
        third.c_info.name = Some("third".to_owned());
        assert_eq!(refused(host.create_paused(&third)), ErrorKind::Exists);

        host.destroy(domid).unwrap();
        assert_eq!(host.user_data(new, "xenclock-contract").unwrap().as_deref(), Some(&b"new"[..]));
        assert_eq!(host.stored_config(new).unwrap().name(), "guest");
        host.unpause(new).unwrap();
        assert_eq!(refused(host.create_paused(&third)), ErrorKind::Exists);
    }
    Ok(())
}

fn what_cannot_be_preserved(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = hvm(&*stage, "guest")?;
    hvm(&*stage, "guest-old")?;
    assert_eq!(refused(host.preserve(domid, "-new")), ErrorKind::WrongState, "a new one");
    host.unpause(domid).unwrap();
    assert_eq!(refused(host.preserve(domid, "-new")), ErrorKind::WrongState, "a running one");
    stage.guest_ends(domid, ShutdownReason::Reboot)?;
    assert_eq!(refused(host.preserve(domid, "-old")), ErrorKind::Exists);
    assert_eq!(listed(host, domid).unwrap().name, "guest");
    // It still has its UUID.
    let mut config = host.stored_config(domid).unwrap();
    config.c_info.name = Some("other".to_owned());
    assert_eq!(refused(host.create_paused(&config)), ErrorKind::Exists);
    Ok(())
}

/// An HVM guest that asks for a soft reset, an hour ahead and with a TSC of its own until then.
fn asking(stage: &dyn Stage) -> Played<DomId> {
    let host = stage.host();
    let domid = hvm(stage, "guest")?;
    let info = TscInfo { mode: 1, elapsed_ns: 0, khz: 1_500_000, incarnation: 0 };
    host.set_tsc_info(domid, &info).unwrap();
    host.set_time_offset(domid, 3600.into()).unwrap();
    host.set_user_data(domid, "xenclock-contract", b"kept").unwrap();
    host.unpause(domid).unwrap();
    stage.guest_ends(domid, ShutdownReason::SoftReset)?;
    wait_for(host, domid, ENDED);
    Ok(domid)
}

fn a_soft_reset_stays_in_its_domain(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = asking(&*stage)?;
    let config = host.stored_config(domid).unwrap();
    let before = listed(host, domid).unwrap();
    host.soft_reset(domid, &config).unwrap();
    let after = listed(host, domid).unwrap();
    assert_eq!((&after.name, &after.uuid), (&before.name, &before.uuid));
    assert_eq!((after.state, after.has_run), (RunState::Paused, true));
    assert_eq!(host.domains().unwrap().iter().filter(|domain| domain.domid != DomId(0)).count(), 1);
    let kept = host.stored_config(domid).unwrap();
    assert_eq!((kept.name(), &kept.c_info.uuid), ("guest", &config.c_info.uuid));
    host.unpause(domid).unwrap();
    assert_eq!(state(host, domid), Some(RunState::Running), "it is paused once");
    // And again, by a config that does not say which domain it is.
    stage.guest_ends(domid, ShutdownReason::SoftReset)?;
    host.soft_reset(domid, &stage.config(GuestKind::Hvm, "guest")?).unwrap();
    assert_eq!(listed(host, domid).unwrap().uuid, before.uuid);
    assert_eq!(state(host, domid), Some(RunState::Paused));
    Ok(())
}

fn a_soft_reset_makes_the_tsc_anew(make: Make<'_>) -> Played {
    for (mode, number) in [(None, 0), (Some(TscMode::AlwaysEmulate), 1)] {
        let stage = any(make)?;
        let host = stage.host();
        let domid = asking(&*stage)?;
        assert_eq!(host.tsc_info(domid).unwrap().khz, 1_500_000);
        stage.pass(100)?;
        let mut config = host.stored_config(domid).unwrap();
        config.b_info.tsc_mode = mode;
        host.soft_reset(domid, &config).unwrap();
        let info = host.tsc_info(domid).unwrap();
        assert_eq!((info.mode, info.incarnation), (number, 1));
        assert_eq!(info.khz, host.facts().unwrap().cpu_khz.0, "the frequency is the host's");
        // A default TSC is the host's own here, with all that it has counted.
        assert!(number == 0 || info.elapsed_ns < 60 * SECOND, "{}", info.elapsed_ns);
        // What was lost can be put right before it runs.
        let again = TscInfo { mode: 1, elapsed_ns: 100 * SECOND, khz: 1_500_000, incarnation: 0 };
        host.set_tsc_info(domid, &again).unwrap();
        let info = host.tsc_info(domid).unwrap();
        assert_eq!((info.mode, info.khz, info.incarnation), (1, 1_500_000, 1));
        assert!((100 * SECOND..160 * SECOND).contains(&info.elapsed_ns), "{}", info.elapsed_ns);
    }
    Ok(())
}

fn a_soft_reset_sets_the_offset_of_the_config(make: Make<'_>) -> Played {
    for (seconds, offset) in [(0, 3620), (600, 600), (-600, -600)] {
        let stage = any(make)?;
        let host = stage.host();
        let domid = asking(&*stage)?;
        let mut config = host.stored_config(domid).unwrap();
        // Nothing of it is left from before.
        host.soft_reset(domid, &config).unwrap();
        host.unpause(domid).unwrap();
        stage.guest_shifts_rtc(domid, 20)?;
        stage.guest_ends(domid, ShutdownReason::SoftReset)?;
        config.b_info.rtc_timeoffset = UtcOffset::from(seconds).to_libxl();
        host.soft_reset(domid, &config).unwrap();
        let is = host.rtc_record(domid).unwrap().offset;
        assert!((is - offset).abs() <= 2, "{is} with {seconds} in the config");
    }
    Ok(())
}

fn a_soft_reset_takes_user_data_away(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = asking(&*stage)?;
    let host = stage.host();
    assert!(host.user_data(domid, "xenclock-contract").unwrap().is_some());
    host.soft_reset(domid, &host.stored_config(domid).unwrap()).unwrap();
    assert_eq!(host.user_data(domid, "xenclock-contract").unwrap(), None);
    Ok(())
}

fn a_soft_reset_is_no_event(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = asking(&*stage)?;
    let uuid = listed(host, domid).unwrap().uuid;
    assert_eq!(event(host), Event::Introduced { domid, uuid });
    let reason = ShutdownReason::SoftReset;
    assert_eq!(event(host), Event::Shutdown { domid, uuid, reason });
    host.soft_reset(domid, &host.stored_config(domid).unwrap()).unwrap();
    host.unpause(domid).unwrap();
    stage.guest_ends(domid, reason)?;
    assert_eq!(event(host), Event::Shutdown { domid, uuid, reason }, "it has ended anew");
    Ok(())
}

fn what_cannot_be_soft_reset(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let config = stage.config(GuestKind::Hvm, "guest")?;
    let domid = host.create_paused(&config).unwrap();
    let other = hvm(&*stage, "other")?;
    assert_eq!(refused(host.soft_reset(domid, &config)), ErrorKind::WrongState, "a new one");
    host.unpause(domid).unwrap();
    assert_eq!(refused(host.soft_reset(domid, &config)), ErrorKind::WrongState, "a running one");
    stage.guest_ends(domid, ShutdownReason::SoftReset)?;
    for (wrong, kind) in [
        (stage.config(GuestKind::Pvh, "guest")?, ErrorKind::Invalid),
        (stage.config(GuestKind::Hvm, "other")?, ErrorKind::Exists),
        (host.stored_config(other).unwrap(), ErrorKind::Exists),
        (stage.config(GuestKind::Hvm, "")?, ErrorKind::Invalid),
    ] {
        assert_eq!(refused(host.soft_reset(domid, &wrong)), kind, "{}", wrong.name());
        assert_eq!(state(host, domid), Some(ENDED));
    }
    let mut another = config.clone();
    another.c_info.uuid = Some(uuid!("6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
    assert_eq!(refused(host.soft_reset(domid, &another)), ErrorKind::Invalid);
    assert_eq!(state(host, domid), Some(ENDED));
    for kind in [GuestKind::Pvh, GuestKind::Pv] {
        let config = stage.config(kind, "third")?;
        let domid = host.create_paused(&config).unwrap();
        host.unpause(domid).unwrap();
        stage.guest_ends(domid, ShutdownReason::SoftReset)?;
        assert_eq!(refused(host.soft_reset(domid, &config)), ErrorKind::Invalid, "{kind:?}");
        assert_eq!(state(host, domid), Some(ENDED));
        host.destroy(domid).unwrap();
    }
    Ok(())
}
