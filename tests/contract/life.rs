//! From the first instruction to the end: pauses, shutdowns, and domains that do not exist.

use timers::GuestKind;
use xenclock::domain::DomainConfig;
use xenclock::host::{DomId, ErrorKind, Host, RunState, SaveKind, ShutdownReason, ShutdownRequest, TscInfo};

use super::{
    KINDS, Make, Played, any, cases, hvm, listed, refused, running, state, stream, wait_for, wait_until,
};

cases![
    unpause_lets_it_run,
    unpause_without_a_pause,
    whether_it_has_run,
    pauses_nest,
    destroy_is_once,
    a_paused_domain_can_be_destroyed,
    asked_to_end,
    a_guest_that_resets_itself,
    an_ended_domain_can_still_be_read,
    an_ended_domain_keeps_its_name,
    no_such_domain,
    a_destroyed_domain_is_no_domain,
];

fn unpause_lets_it_run(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = hvm(&*stage, "guest")?;
    assert_eq!(state(stage.host(), domid), Some(RunState::Paused));
    stage.host().unpause(domid).unwrap();
    assert_eq!(state(stage.host(), domid), Some(RunState::Running));
    Ok(())
}

fn unpause_without_a_pause(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = running(&*stage, "guest")?;
    assert_eq!(refused(stage.host().unpause(domid)), ErrorKind::Invalid);
    assert_eq!(state(stage.host(), domid), Some(RunState::Running));
    Ok(())
}

fn whether_it_has_run(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let host = stage.host();
        let domid = host.create_paused(&stage.config(kind, "guest")?).unwrap();
        let has_run = || listed(host, domid).unwrap().has_run;
        assert!(!has_run());
        host.pause(domid).unwrap();
        host.unpause(domid).unwrap();
        assert!(!has_run(), "one pause is left");
        host.unpause(domid).unwrap();
        // The time that it had is what tells.
        wait_until(has_run);
        host.pause(domid).unwrap();
        assert!(has_run());
        host.unpause(domid).unwrap();
        stage.guest_ends(domid, ShutdownReason::Poweroff)?;
        assert!(has_run());
    }
    Ok(())
}

fn pauses_nest(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = hvm(&*stage, "guest")?;
    host.pause(domid).unwrap();
    host.pause(domid).unwrap();
    for left in [2, 1, 0] {
        assert_eq!(state(host, domid), Some(RunState::Paused), "{left} more");
        host.unpause(domid).unwrap();
    }
    assert_eq!(state(host, domid), Some(RunState::Running));
    host.pause(domid).unwrap();
    assert_eq!(state(host, domid), Some(RunState::Paused));
    host.unpause(domid).unwrap();
    assert_eq!(refused(host.unpause(domid)), ErrorKind::Invalid);
    Ok(())
}

fn destroy_is_once(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = running(&*stage, "guest")?;
    stage.host().destroy(domid).unwrap();
    assert_eq!(state(stage.host(), domid), None);
    assert_eq!(refused(stage.host().destroy(domid)), ErrorKind::NoSuchDomain);
    Ok(())
}

fn a_paused_domain_can_be_destroyed(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = hvm(&*stage, "guest")?;
    stage.host().destroy(domid).unwrap();
    assert_eq!(state(stage.host(), domid), None);
    Ok(())
}

fn asked_to_end(make: Make<'_>) -> Played {
    for (request, reason) in [
        (ShutdownRequest::Poweroff, ShutdownReason::Poweroff),
        (ShutdownRequest::Reboot, ShutdownReason::Reboot),
    ] {
        let stage = any(make)?;
        let domid = running(&*stage, "guest")?;
        match stage.host().shutdown(domid, request) {
            // Only a guest with PV drivers hears it.
            Err(error) if error.kind == ErrorKind::NotSupported => {
                return Err(super::Cannot(error.to_string()));
            }
            result => result.unwrap(),
        }
        wait_for(stage.host(), domid, RunState::Shutdown(reason));
    }
    Ok(())
}

fn a_guest_that_resets_itself(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = running(&*stage, "guest")?;
    stage.guest_ends(domid, ShutdownReason::Reboot)?;
    wait_for(stage.host(), domid, RunState::Shutdown(ShutdownReason::Reboot));
    // The host starts nothing by itself.
    assert_eq!(stage.host().domains().unwrap().iter().filter(|domain| domain.name == "guest").count(), 1);
    Ok(())
}

fn an_ended_domain_can_still_be_read(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = hvm(&*stage, "guest")?;
    let info = TscInfo { mode: 1, elapsed_ns: 0, khz: 1_500_000, incarnation: 0 };
    host.set_tsc_info(domid, &info).unwrap();
    host.set_time_offset(domid, 3600.into()).unwrap();
    host.set_user_data(domid, "xenclock-contract", b"kept").unwrap();
    host.unpause(domid).unwrap();
    stage.guest_ends(domid, ShutdownReason::Reboot)?;
    wait_for(host, domid, RunState::Shutdown(ShutdownReason::Reboot));
    let read = host.tsc_info(domid).unwrap();
    assert_eq!((read.mode, read.khz, read.incarnation), (1, 1_500_000, 1));
    assert_eq!(host.rtc_record(domid).unwrap().offset, 3600);
    assert_eq!(host.stored_config(domid).unwrap().name(), "guest");
    assert_eq!(host.user_data(domid, "xenclock-contract").unwrap().as_deref(), Some(&b"kept"[..]));
    host.destroy(domid).unwrap();
    Ok(())
}

fn an_ended_domain_keeps_its_name(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = running(&*stage, "guest")?;
    stage.guest_ends(domid, ShutdownReason::Reboot)?;
    wait_for(stage.host(), domid, RunState::Shutdown(ShutdownReason::Reboot));
    let config = stage.host().stored_config(domid).unwrap();
    assert_eq!(refused(stage.host().create_paused(&config)), ErrorKind::Exists);
    stage.host().destroy(domid).unwrap();
    let next = stage.host().create_paused(&config).unwrap();
    assert!(next > domid);
    Ok(())
}

fn no_such_domain(make: Make<'_>) -> Played {
    let stage = any(make)?;
    hvm(&*stage, "guest")?;
    for domid in [DomId(4242), DomId(32_751)] {
        assert_nothing_there(stage.host(), domid);
    }
    Ok(())
}

fn a_destroyed_domain_is_no_domain(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = running(&*stage, "guest")?;
    stage.host().destroy(domid).unwrap();
    assert_nothing_there(stage.host(), domid);
    Ok(())
}

fn assert_nothing_there(host: &dyn Host, domid: DomId) {
    let info = TscInfo { mode: 0, elapsed_ns: 0, khz: 0, incarnation: 0 };
    let config = DomainConfig::new(GuestKind::Hvm);
    let core = tempfile::tempdir().unwrap().path().join("core");
    for (call, kind) in [
        ("save", refused(host.save(domid, &mut stream(), SaveKind::Suspend))),
        ("resume", refused(host.resume(domid))),
        ("rename", refused(host.rename(domid, "other"))),
        ("core_dump", refused(host.core_dump(domid, &core))),
        ("preserve", refused(host.preserve(domid, "-old"))),
        ("soft_reset", refused(host.soft_reset(domid, &config))),
        ("unpause", refused(host.unpause(domid))),
        ("pause", refused(host.pause(domid))),
        ("destroy", refused(host.destroy(domid))),
        ("shutdown", refused(host.shutdown(domid, ShutdownRequest::Poweroff))),
        ("tsc_info", refused(host.tsc_info(domid))),
        ("set_tsc_info", refused(host.set_tsc_info(domid, &info))),
        ("set_initial_tsc", refused(host.set_initial_tsc(domid, &info))),
        ("set_time_offset", refused(host.set_time_offset(domid, 60.into()))),
        ("rtc_record", refused(host.rtc_record(domid))),
        ("stored_config", refused(host.stored_config(domid))),
        ("user_data", refused(host.user_data(domid, "xenclock-contract"))),
        ("set_user_data", refused(host.set_user_data(domid, "xenclock-contract", b"data"))),
    ] {
        assert_eq!(kind, ErrorKind::NoSuchDomain, "{call}");
    }
}
