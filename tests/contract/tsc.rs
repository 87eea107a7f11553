//! The TSC: the accepted values, the reported values, and the guest's readings.

use timers::tsc::{TscMode, set_info};
use timers::{GuestKind, KiloHertz};
use xenclock::host::{DomId, ErrorKind, Host, RunState, ShutdownReason, TscInfo};

use super::{Cannot, KINDS, Make, Played, Scenario, Stage, any, cases, hvm, refused, running, state};

const SECOND: u64 = 1_000_000_000;

cases![
    a_new_domain_has_the_mode_of_its_config,
    set_decides_as_the_hypervisor_does,
    native_takes_no_frequency,
    modes_that_there_are_not,
    any_frequency_is_taken,
    no_frequency_is_the_hosts,
    the_incarnation_is_one_more,
    elapsed_counts_on_from_what_was_set,
    a_running_domain_can_be_set,
    what_was_read_can_be_set_again,
    elapsed_tells_emulated_from_native,
    a_birth_sets_what_a_set_does,
    a_birth_is_for_guests_that_never_ran,
    a_new_guest_starts_at_0,
    another_frequency_starts_near_the_end_but_at_a_birth,
    an_emulated_guest_starts_at_0_at_any_frequency,
    a_reboot_loses_the_frequency,
];

fn with_tsc(make: Make<'_>, reliable: bool, scaling: Option<bool>) -> Played<Box<dyn Stage>> {
    make(&Scenario { tsc_reliable: Some(reliable), tsc_scaling: Some(scaling), ..Scenario::default() })
}

fn set(host: &dyn Host, domid: DomId, mode: u32, khz: u32) {
    host.set_tsc_info(domid, &TscInfo { mode, elapsed_ns: 0, khz, incarnation: 0 }).unwrap();
}

fn born(host: &dyn Host, domid: DomId, mode: u32, khz: u32) {
    host.set_initial_tsc(domid, &TscInfo { mode, elapsed_ns: 0, khz, incarnation: 0 }).unwrap();
}

/// What the guest's frequency is told as after a set.
fn told_khz(host: &dyn Host, kind: GuestKind, mode: u32, khz: u32) -> u32 {
    let facts = host.facts().unwrap().tsc();
    let set = set_info(mode, khz, kind, &facts).unwrap();
    match set.tsc_khz {
        None => 0,
        Some(khz) if set.emulated || set.scaled => khz.0,
        Some(_) => facts.khz.0,
    }
}

fn a_new_domain_has_the_mode_of_its_config(make: Make<'_>) -> Played {
    for kind in KINDS {
        for mode in [None, Some(TscMode::Default), Some(TscMode::AlwaysEmulate), Some(TscMode::Native)] {
            let stage = any(make)?;
            let mut config = stage.config(kind, "guest")?;
            config.b_info.tsc_mode = mode;
            let domid = stage.host().create_paused(&config).unwrap();
            let info = stage.host().tsc_info(domid).unwrap();
            let number = mode.map_or(0, TscMode::number);
            assert_eq!((info.mode, info.incarnation), (number, 1), "{kind:?} {mode:?}");
            assert_eq!(info.khz, told_khz(stage.host(), kind, number, 0), "{kind:?} {mode:?}");
            if mode == Some(TscMode::Native) {
                assert_eq!((info.khz, info.elapsed_ns), (0, 0));
            } else {
                assert_eq!(KiloHertz(info.khz), stage.host().facts().unwrap().cpu_khz);
            }
        }
    }
    Ok(())
}

fn set_decides_as_the_hypervisor_does(make: Make<'_>) -> Played {
    let mut played = false;
    for reliable in [false, true] {
        for scaling in [None, Some(false), Some(true)] {
            // A real host is one of these.
            let Ok(stage) = with_tsc(make, reliable, scaling) else { continue };
            played = true;
            for kind in KINDS {
                let domid = stage.host().create_paused(&stage.config(kind, &format!("{kind:?}"))?).unwrap();
                let host_khz = stage.host().facts().unwrap().cpu_khz.0;
                for (mode, khz) in [
                    (0, 0),
                    (0, host_khz),
                    (0, host_khz + 1),
                    (0, host_khz - 1),
                    (0, 1_000_000),
                    (1, 0),
                    (1, host_khz),
                    (1, 1_000_000),
                    (1, 2_800_000),
                ] {
                    set(stage.host(), domid, mode, khz);
                    let info = stage.host().tsc_info(domid).unwrap();
                    let expected = told_khz(stage.host(), kind, mode, khz);
                    assert_eq!(
                        (info.mode, info.khz, info.incarnation),
                        (mode, expected, 1),
                        "{kind:?} mode {mode} at {khz} kHz, reliable {reliable}, scaling {scaling:?}"
                    );
                }
            }
        }
    }
    if played { Ok(()) } else { Err(Cannot("no kind of TSC can be played".to_owned())) }
}

fn native_takes_no_frequency(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let domid = stage.host().create_paused(&stage.config(kind, "guest")?).unwrap();
        let info = TscInfo { mode: 2, elapsed_ns: 5 * SECOND, khz: 1_000_000, incarnation: 0 };
        stage.host().set_tsc_info(domid, &info).unwrap();
        let told = TscInfo { mode: 2, elapsed_ns: 0, khz: 0, incarnation: 1 };
        assert_eq!(stage.host().tsc_info(domid).unwrap(), told, "{kind:?}");
        // Back in another mode, the frequency that native was given is not remembered.
        set(stage.host(), domid, 1, 0);
        assert_eq!(
            KiloHertz(stage.host().tsc_info(domid).unwrap().khz),
            stage.host().facts().unwrap().cpu_khz
        );
    }
    Ok(())
}

fn modes_that_there_are_not(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let domid = stage.host().create_paused(&stage.config(kind, "guest")?).unwrap();
        set(stage.host(), domid, 1, 1_500_000);
        for mode in [3, 4, 7, u32::MAX] {
            let info = TscInfo { mode, elapsed_ns: 0, khz: 0, incarnation: 5 };
            assert_eq!(refused(stage.host().set_tsc_info(domid, &info)), ErrorKind::Invalid, "{mode}");
        }
        let told = stage.host().tsc_info(domid).unwrap();
        assert_eq!((told.mode, told.khz, told.incarnation), (1, 1_500_000, 1));
    }
    Ok(())
}

fn any_frequency_is_taken(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = hvm(&*stage, "guest")?;
    for khz in [1, 2, 999, 10_000_000, u32::MAX - 1, u32::MAX] {
        set(stage.host(), domid, 1, khz);
        assert_eq!(stage.host().tsc_info(domid).unwrap().khz, khz);
    }
    Ok(())
}

fn no_frequency_is_the_hosts(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = hvm(&*stage, "guest")?;
    set(stage.host(), domid, 1, 1_000_000);
    set(stage.host(), domid, 1, 0);
    assert_eq!(KiloHertz(stage.host().tsc_info(domid).unwrap().khz), stage.host().facts().unwrap().cpu_khz);
    Ok(())
}

fn the_incarnation_is_one_more(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = hvm(&*stage, "guest")?;
    for incarnation in [0, 1, 7] {
        let info = TscInfo { mode: 1, elapsed_ns: 0, khz: 0, incarnation };
        stage.host().set_tsc_info(domid, &info).unwrap();
        assert_eq!(stage.host().tsc_info(domid).unwrap().incarnation, incarnation + 1);
    }
    Ok(())
}

fn elapsed_counts_on_from_what_was_set(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let host = stage.host();
        let domid = host.create_paused(&stage.config(kind, "guest")?).unwrap();
        for from in [1000 * SECOND, 0] {
            let info = TscInfo { mode: 1, elapsed_ns: from, khz: 1_000_000, incarnation: 0 };
            host.set_tsc_info(domid, &info).unwrap();
            let first = host.tsc_info(domid).unwrap().elapsed_ns;
            assert!((from..from + 10 * SECOND).contains(&first), "{first} after {from}");
            stage.pass(2)?;
            // It counts while the domain is paused, too.
            let second = host.tsc_info(domid).unwrap().elapsed_ns;
            assert!((first + 2 * SECOND..first + 30 * SECOND).contains(&second), "{second} after {first}");
        }
    }
    Ok(())
}

fn a_running_domain_can_be_set(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = running(&*stage, "guest")?;
    stage.pass(2)?;
    set(stage.host(), domid, 1, 1_500_000);
    let info = stage.host().tsc_info(domid).unwrap();
    assert_eq!((info.mode, info.khz, info.incarnation), (1, 1_500_000, 1));
    assert!(info.elapsed_ns < 2 * SECOND, "{} ns", info.elapsed_ns);
    Ok(())
}

fn what_was_read_can_be_set_again(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = running(&*stage, "guest")?;
    set(stage.host(), domid, 1, 1_500_000);
    stage.pass(5)?;
    let before = stage.host().tsc_info(domid).unwrap();
    stage.host().set_tsc_info(domid, &before).unwrap();
    let after = stage.host().tsc_info(domid).unwrap();
    assert_eq!((after.mode, after.khz, after.incarnation), (1, 1_500_000, before.incarnation + 1));
    assert!(before.elapsed_ns >= 5 * SECOND, "{} ns", before.elapsed_ns);
    assert!((before.elapsed_ns..before.elapsed_ns + 10 * SECOND).contains(&after.elapsed_ns));
    Ok(())
}

fn elapsed_tells_emulated_from_native(make: Make<'_>) -> Played {
    let stage = with_tsc(make, true, Some(false))?;
    let host = stage.host();
    let domid = hvm(&*stage, "guest")?;
    stage.pass(60)?;
    let native = host.tsc_info(domid).unwrap().elapsed_ns;
    set(host, domid, 0, 1_000_000);
    let emulated = host.tsc_info(domid).unwrap().elapsed_ns;
    assert!(native > 60 * SECOND, "the host's uptime, and not {native} ns");
    assert!(emulated < 30 * SECOND, "{emulated} ns");
    Ok(())
}

fn a_birth_sets_what_a_set_does(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let host = stage.host();
        let domid = host.create_paused(&stage.config(kind, "guest")?).unwrap();
        for (mode, khz) in [(1, 1_000_000), (0, 0), (0, 1_000_000), (2, 0)] {
            born(host, domid, mode, khz);
            let info = host.tsc_info(domid).unwrap();
            let told = told_khz(host, kind, mode, khz);
            assert_eq!((info.mode, info.khz, info.incarnation), (mode, told, 1), "{kind:?}");
        }
        let before = host.tsc_info(domid).unwrap();
        let removed = TscInfo { mode: 3, elapsed_ns: 0, khz: 0, incarnation: 0 };
        assert_eq!(refused(host.set_initial_tsc(domid, &removed)), ErrorKind::Invalid);
        assert_eq!(host.tsc_info(domid).unwrap(), before, "{kind:?}");
    }
    Ok(())
}

fn a_birth_is_for_guests_that_never_ran(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let host = stage.host();
        let domid = host.create_paused(&stage.config(kind, "guest")?).unwrap();
        host.unpause(domid).unwrap();
        let before = host.tsc_info(domid).unwrap();
        let info = TscInfo { mode: 1, elapsed_ns: 0, khz: 1_000_000, incarnation: 0 };
        assert_eq!(refused(host.set_initial_tsc(domid, &info)), ErrorKind::WrongState);
        host.pause(domid).unwrap();
        assert_eq!(refused(host.set_initial_tsc(domid, &info)), ErrorKind::WrongState);
        let after = host.tsc_info(domid).unwrap();
        assert_eq!((after.mode, after.khz, after.incarnation), (before.mode, before.khz, 1), "{kind:?}");
        assert_eq!(state(host, domid), Some(RunState::Paused), "the toolstack's own pause is left alone");
    }
    Ok(())
}

fn a_new_guest_starts_at_0(make: Make<'_>) -> Played {
    for kind in [GuestKind::Hvm, GuestKind::Pvh] {
        for mode in [TscMode::Default, TscMode::AlwaysEmulate, TscMode::Native] {
            let stage = any(make)?;
            let mut config = stage.config(kind, "guest")?;
            config.b_info.tsc_mode = Some(mode);
            let domid = stage.host().create_paused(&config).unwrap();
            assert_seconds(stage.guest_tsc(domid)?, stage.host().facts().unwrap().cpu_khz, 0);
            stage.pass(3)?;
            assert_seconds(stage.guest_tsc(domid)?, stage.host().facts().unwrap().cpu_khz, 3);
        }
    }
    Ok(())
}

fn another_frequency_starts_near_the_end_but_at_a_birth(make: Make<'_>) -> Played {
    let mut played = false;
    for scaling in [false, true] {
        let Ok(stage) = with_tsc(make, true, Some(scaling)) else { continue };
        played = true;
        let host = stage.host();
        let domid = hvm(&*stage, "guest")?;
        set(host, domid, 0, 1_000_000);
        let left_over = stage.guest_tsc(domid)?;
        assert!(left_over > u64::MAX / 2, "{left_over} is not near the end of the counter");
        born(host, domid, 0, 1_000_000);
        assert_seconds(stage.guest_tsc(domid)?, KiloHertz(1_000_000), 0);
        stage.pass(3)?;
        assert_seconds(stage.guest_tsc(domid)?, KiloHertz(1_000_000), 3);
        host.unpause(domid).unwrap();
        assert_seconds(stage.guest_tsc(domid)?, KiloHertz(1_000_000), 3);
    }
    if played { Ok(()) } else { Err(Cannot("the host's TSC is not reliable".to_owned())) }
}

fn an_emulated_guest_starts_at_0_at_any_frequency(make: Make<'_>) -> Played {
    let stage = with_tsc(make, false, Some(false))?;
    let domid = hvm(&*stage, "guest")?;
    for mode in [0, 1] {
        born(stage.host(), domid, mode, 1_000_000);
        assert_seconds(stage.guest_tsc(domid)?, KiloHertz(1_000_000), 0);
    }
    stage.pass(3)?;
    assert_seconds(stage.guest_tsc(domid)?, KiloHertz(1_000_000), 3);
    Ok(())
}

/// A TSC that has counted so many seconds, or a few more.
#[track_caller]
fn assert_seconds(tsc: u64, khz: KiloHertz, seconds: u64) {
    let counted = tsc / (u64::from(khz.0) * 1000);
    assert!((seconds..seconds + 20).contains(&counted), "{tsc} is {counted} s at {khz} and not {seconds}");
}

fn a_reboot_loses_the_frequency(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = hvm(&*stage, "guest")?;
    set(host, domid, 1, 1_500_000);
    host.unpause(domid).unwrap();
    stage.guest_ends(domid, ShutdownReason::Reboot)?;
    let config = host.stored_config(domid).unwrap();
    host.destroy(domid).unwrap();
    let domid = host.create_paused(&config).unwrap();
    let info = host.tsc_info(domid).unwrap();
    assert_eq!((info.mode, KiloHertz(info.khz), info.incarnation), (0, host.facts().unwrap().cpu_khz, 1));
    Ok(())
}
