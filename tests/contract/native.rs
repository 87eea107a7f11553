//! A guest that was restored at a frequency other than the host's is made native again.

use std::io::Seek;

use timers::{GuestKind, KiloHertz};
use xenclock::host::{DomId, ErrorKind, RunState, SaveKind, ShutdownReason, TscInfo};

use super::{Cannot, Make, Played, Scenario, Stage, cases, listed, refused, state, stream};

const SECOND: u64 = 1_000_000_000;

cases![
    a_restored_guest_is_made_native_and_goes_on,
    all_its_cpus_go_on,
    it_may_have_run_and_its_toolstacks_pause_stays,
    it_can_be_saved_and_restored_again,
    a_guest_that_was_never_restored_is_refused,
    a_pv_guest_another_mode_and_an_end_are_refused,
    where_it_cannot_be_native_it_is_left_as_it_was,
    a_guest_is_told_the_frequency_that_it_has,
    in_mode_native_it_is_told_the_one_that_it_had,
];

/// A host whose TSC is trusted and not scaled.
fn plain(make: Make<'_>) -> Played<Box<dyn Stage>> {
    let stage =
        make(&Scenario { tsc_reliable: Some(true), tsc_scaling: Some(Some(false)), ..Scenario::default() })?;
    stage.saves()?;
    Ok(stage)
}

/// A guest that was born at so many kHz more than the host has, has run, and was saved and restored here: paused.
fn restored(stage: &dyn Stage, kind: GuestKind, vcpus: u32, khz: u32) -> Played<DomId> {
    let host = stage.host();
    let mut config = stage.config(kind, "guest")?;
    config.b_info.max_vcpus = vcpus.cast_signed();
    config.b_info.avail_vcpus = (0..vcpus).collect();
    let domid = host.create_paused(&config).unwrap();
    let khz = host.facts().unwrap().cpu_khz.0 + khz;
    host.set_initial_tsc(domid, &TscInfo { mode: 0, elapsed_ns: 0, khz, incarnation: 0 }).unwrap();
    host.unpause(domid).unwrap();
    stage.pass(5)?;
    again_here(stage, domid)
}

/// Saved, destroyed, and restored.
fn again_here(stage: &dyn Stage, domid: DomId) -> Played<DomId> {
    let host = stage.host();
    let config = host.stored_config(domid).unwrap();
    let mut file = stream();
    host.save(domid, &mut file, SaveKind::Suspend).unwrap();
    host.destroy(domid).unwrap();
    stage.pass(100)?;
    file.rewind().unwrap();
    Ok(host.restore_paused(&config, &mut file).unwrap())
}

/// Seconds that a TSC has counted, to within a second or two.
#[track_caller]
fn assert_near(is: u64, expected: u64, khz: KiloHertz) {
    let second = u64::from(khz.0) * 1000;
    assert!((expected..expected + 10 * second).contains(&is), "{is} is not a little more than {expected}");
}

fn a_restored_guest_is_made_native_and_goes_on(make: Make<'_>) -> Played {
    for kind in [GuestKind::Hvm, GuestKind::Pvh] {
        let stage = plain(make)?;
        let host = stage.host();
        let domid = restored(&*stage, kind, 1, 600)?;
        let host_khz = host.facts().unwrap().cpu_khz;
        let before = host.tsc_info(domid).unwrap();
        assert_eq!((before.khz, before.incarnation), (host_khz.0 + 600, 2), "emulated");
        let tsc = stage.guest_tsc(domid)?;
        host.make_tsc_native(domid).unwrap();
        assert_near(stage.guest_tsc(domid)?, tsc, host_khz);
        let after = host.tsc_info(domid).unwrap();
        assert_eq!((after.mode, after.khz, after.incarnation), (0, host_khz.0, 2), "{kind:?}");
        assert!(after.elapsed_ns > 100 * SECOND, "the host's uptime, as of a native guest");
        assert_eq!(host.told_tsc_khz(domid).unwrap(), host_khz);
        assert_eq!(state(host, domid), Some(RunState::Paused));
        host.unpause(domid).unwrap();
        let tsc = stage.guest_tsc(domid)?;
        stage.pass(10)?;
        assert_near(stage.guest_tsc(domid)?, tsc + 10 * u64::from(host_khz.0) * 1000, host_khz);
    }
    Ok(())
}

fn all_its_cpus_go_on(make: Make<'_>) -> Played {
    let stage = plain(make)?;
    let host = stage.host();
    let domid = restored(&*stage, GuestKind::Hvm, 2, 1)?;
    assert_eq!(listed(host, domid).unwrap().vcpus, 2);
    host.make_tsc_native(domid).unwrap();
    assert_eq!(listed(host, domid).unwrap().vcpus, 2);
    Ok(())
}

fn it_may_have_run_and_its_toolstacks_pause_stays(make: Make<'_>) -> Played {
    let stage = plain(make)?;
    let host = stage.host();
    let domid = restored(&*stage, GuestKind::Hvm, 1, 1)?;
    host.unpause(domid).unwrap();
    stage.pass(10)?;
    let tsc = stage.guest_tsc(domid)?;
    host.make_tsc_native(domid).unwrap();
    assert_near(stage.guest_tsc(domid)?, tsc, host.facts().unwrap().cpu_khz);
    assert_eq!(state(host, domid), Some(RunState::Running));
    host.pause(domid).unwrap();
    host.make_tsc_native(domid).unwrap();
    assert_eq!(state(host, domid), Some(RunState::Paused));
    Ok(())
}

fn it_can_be_saved_and_restored_again(make: Make<'_>) -> Played {
    let stage = plain(make)?;
    let host = stage.host();
    let domid = restored(&*stage, GuestKind::Hvm, 1, 1)?;
    host.make_tsc_native(domid).unwrap();
    host.unpause(domid).unwrap();
    let tsc = stage.guest_tsc(domid)?;
    let domid = again_here(&*stage, domid)?;
    let host_khz = host.facts().unwrap().cpu_khz;
    let info = host.tsc_info(domid).unwrap();
    assert_eq!((info.khz, info.incarnation), (host_khz.0, 3));
    assert!(info.elapsed_ns > 100 * SECOND, "native without anybody's help");
    assert_near(stage.guest_tsc(domid)?, tsc, host_khz);
    Ok(())
}

fn a_guest_that_was_never_restored_is_refused(make: Make<'_>) -> Played {
    let stage = plain(make)?;
    let host = stage.host();
    for kind in [GuestKind::Hvm, GuestKind::Pvh] {
        let domid = host.create_paused(&stage.config(kind, &format!("{kind:?}"))?).unwrap();
        let info = TscInfo { mode: 0, elapsed_ns: 0, khz: 1_000_000, incarnation: 0 };
        host.set_initial_tsc(domid, &info).unwrap();
        assert_eq!(refused(host.make_tsc_native(domid)), ErrorKind::WrongState);
        host.unpause(domid).unwrap();
        assert_eq!(refused(host.make_tsc_native(domid)), ErrorKind::WrongState);
        assert_eq!(host.tsc_info(domid).unwrap().khz, 1_000_000);
    }
    assert_eq!(refused(host.make_tsc_native(DomId(4000))), ErrorKind::NoSuchDomain);
    Ok(())
}

fn a_pv_guest_another_mode_and_an_end_are_refused(make: Make<'_>) -> Played {
    let stage = plain(make)?;
    let host = stage.host();
    let pv = restored(&*stage, GuestKind::Pv, 1, 1)?;
    let before = host.tsc_info(pv).unwrap();
    assert_eq!(refused(host.make_tsc_native(pv)), ErrorKind::Invalid);
    assert_eq!(refused(host.told_tsc_khz(pv)), ErrorKind::Invalid);
    assert_eq!(host.tsc_info(pv).unwrap().khz, before.khz);
    host.destroy(pv).unwrap();

    let always = restored(&*stage, GuestKind::Hvm, 1, 1)?;
    let info = host.tsc_info(always).unwrap();
    host.set_tsc_info(always, &TscInfo { mode: 1, ..info }).unwrap();
    assert_eq!(refused(host.make_tsc_native(always)), ErrorKind::Invalid);
    host.set_tsc_info(always, &info).unwrap();
    host.unpause(always).unwrap();
    stage.guest_ends(always, ShutdownReason::Poweroff)?;
    assert_eq!(refused(host.make_tsc_native(always)), ErrorKind::WrongState);
    Ok(())
}

fn where_it_cannot_be_native_it_is_left_as_it_was(make: Make<'_>) -> Played {
    let untrusted =
        Scenario { tsc_reliable: Some(false), tsc_scaling: Some(Some(false)), ..Scenario::default() };
    let stage = make(&untrusted)?;
    stage.saves()?;
    let host = stage.host();
    let domid = restored(&*stage, GuestKind::Hvm, 2, 1)?;
    let (before, tsc) = (host.tsc_info(domid).unwrap(), stage.guest_tsc(domid)?);
    assert_eq!(refused(host.make_tsc_native(domid)), ErrorKind::WrongState);
    let after = host.tsc_info(domid).unwrap();
    assert_eq!((after.khz, after.incarnation), (before.khz, before.incarnation));
    assert_near(stage.guest_tsc(domid)?, tsc, host.facts().unwrap().cpu_khz);
    assert_eq!(listed(host, domid).unwrap().vcpus, 2);
    Ok(())
}

fn a_guest_is_told_the_frequency_that_it_has(make: Make<'_>) -> Played {
    let stage = plain(make)?;
    let host = stage.host();
    let host_khz = host.facts().unwrap().cpu_khz;
    let domid = host.create_paused(&stage.config(GuestKind::Pvh, "new")?).unwrap();
    assert_eq!(host.told_tsc_khz(domid).unwrap(), host_khz);
    let other = restored(&*stage, GuestKind::Hvm, 1, 7)?;
    assert_eq!(host.told_tsc_khz(other).unwrap(), KiloHertz(host_khz.0 + 7));
    if stage.guest_tsc(other)? == 0 {
        return Err(Cannot("the guest has no TSC".to_owned()));
    }
    Ok(())
}

fn in_mode_native_it_is_told_the_one_that_it_had(make: Make<'_>) -> Played {
    let stage = plain(make)?;
    let host = stage.host();
    let domid = restored(&*stage, GuestKind::Hvm, 1, 7)?;
    let info = host.tsc_info(domid).unwrap();
    // As on a host from which it comes with its own frequency in its context's header, and in mode native.
    host.set_tsc_info(domid, &TscInfo { mode: 2, ..info }).unwrap();
    host.unpause(domid).unwrap();
    let domid = again_here(&*stage, domid)?;
    let host_khz = host.facts().unwrap().cpu_khz;
    assert_eq!(host.tsc_info(domid).unwrap().mode, 2);
    assert_eq!(host.told_tsc_khz(domid).unwrap(), KiloHertz(host_khz.0 + 7));
    Ok(())
}
