//! The value of RDTSC in a guest, which no call of a host returns.

use GuestKind::{Hvm, Pv, Pvh};
use TscMode::{AlwaysEmulate, Default, Native};
use timers::GuestKind;
use timers::tsc::TscMode;

use super::{create, host};
use crate::host::mock::Mock;
use crate::host::{DomId, ErrorKind, Host, SaveKind, TscInfo};

const SECOND: u64 = 1_000_000_000;
/// The host has been up for an hour.
const HOST_TSC: u64 = 3600 * 2_600_000_000;

fn set(mock: &Mock, domid: DomId, mode: u32, khz: u32) {
    mock.set_tsc_info(domid, &TscInfo { mode, elapsed_ns: 0, khz, incarnation: 0 }).unwrap();
}

fn born(mock: &Mock, domid: DomId, mode: u32, khz: u32) -> crate::host::Result<()> {
    mock.set_initial_tsc(domid, &TscInfo { mode, elapsed_ns: 0, khz, incarnation: 0 })
}

fn after_a_second(mock: &Mock, domid: DomId) -> u64 {
    mock.advance(1).unwrap();
    mock.guest_tsc(domid).unwrap()
}

#[test]
fn a_new_guest_starts_at_0_at_the_hosts_frequency() {
    for (reliable, scaling) in [("yes", "no"), ("yes", "yes"), ("no", "no"), ("no", "unknown")] {
        for mode in [Default, AlwaysEmulate, Native] {
            for kind in [Hvm, Pvh] {
                let mock = host(reliable, scaling);
                let domid = create(&mock, kind, mode);
                assert_eq!(mock.guest_tsc(domid), Ok(0), "{reliable} {scaling} {mode:?} {kind:?}");
                assert_eq!(after_a_second(&mock, domid), 2_600_000_000);
            }
        }
    }
}

#[test]
fn a_pv_guest_reads_the_hosts_counter_unless_emulated() {
    let mock = host("yes", "yes");
    let native = create(&mock, Pv, Default);
    let emulated = create(&mock, Pv, AlwaysEmulate);
    assert_eq!(mock.guest_tsc(native), Ok(HOST_TSC));
    assert_eq!(mock.guest_tsc(emulated), Ok(0));
    // Never scaled, so another frequency is emulated, and from 0: nothing is left of the host's counter.
    set(&mock, native, 0, 1_000_000);
    assert!(mock.model(native).unwrap().tsc.is_emulated());
    assert_eq!(mock.guest_tsc(native), Ok(0));
    assert_eq!(after_a_second(&mock, native), SECOND);
}

#[test]
fn another_frequency_alone_starts_near_the_end_and_a_birth_at_0() {
    for (scaling, left_over) in [("yes", HOST_TSC - 3600 * SECOND), ("no", HOST_TSC)] {
        let mock = host("yes", scaling);
        let domid = create(&mock, Hvm, Default);
        set(&mock, domid, 0, 1_000_000);
        assert_eq!(mock.guest_tsc(domid), Ok(left_over.wrapping_neg()), "scaling {scaling}");
        assert_eq!(mock.model(domid).unwrap().tsc.is_scaled(), scaling == "yes");
        born(&mock, domid, 0, 1_000_000).unwrap();
        assert_eq!(mock.guest_tsc(domid), Ok(0));
        assert_eq!(after_a_second(&mock, domid), SECOND);
    }
}

#[test]
fn where_the_tsc_was_emulated_from_the_start_nothing_is_left_over() {
    let mock = host("no", "no");
    let domid = create(&mock, Hvm, Default);
    set(&mock, domid, 0, 1_000_000);
    assert_eq!(mock.guest_tsc(domid), Ok(0));
    assert_eq!(after_a_second(&mock, domid), SECOND);
    mock.unpause(domid).unwrap();
    // A running guest's TSC falls back to what it is given.
    set(&mock, domid, 1, 1_500_000);
    assert_eq!(mock.guest_tsc(domid), Ok(0));
    assert_eq!(after_a_second(&mock, domid), 1_500_000_000);
    let info = mock.tsc_info(domid).unwrap();
    mock.set_tsc_info(domid, &info).unwrap();
    assert_eq!(mock.guest_tsc(domid), Ok(1_500_000_000));
}

#[test]
fn a_birth_is_for_guests_that_never_ran() {
    let mock = host("yes", "no");
    let (hvm, pv) = (create(&mock, Hvm, Default), create(&mock, Pv, Default));
    born(&mock, pv, 0, 0).unwrap();
    assert_eq!(mock.guest_tsc(pv), Ok(HOST_TSC), "nothing to do for a PV guest");
    mock.unpause(hvm).unwrap();
    mock.pause(hvm).unwrap();
    assert_eq!(born(&mock, hvm, 0, 0).unwrap_err().kind, ErrorKind::WrongState);
}

#[test]
fn a_guest_keeps_the_tsc_it_was_given_when_the_host_changes() {
    let mock = host("yes", "yes");
    let domid = create(&mock, Hvm, Default);
    born(&mock, domid, 0, 1_000_000).unwrap();
    for (name, value) in [("tsc_scaling", "no"), ("tsc_reliable", "no"), ("cpu_khz", "3000000")] {
        mock.set_fact(name, value).unwrap();
    }
    mock.set_fact("now", "2040-01-01T00:00:00Z").unwrap();
    assert_eq!(mock.guest_tsc(domid), Ok(0));
    assert_eq!(after_a_second(&mock, domid), SECOND);
    assert_eq!(mock.tsc_info(domid).unwrap().khz, 1_000_000);
}

#[test]
fn native_after_another_frequency_keeps_the_ratio() {
    let mock = host("yes", "yes");
    let domid = create(&mock, Hvm, Default);
    set(&mock, domid, 0, 1_000_000);
    born(&mock, domid, 2, 0).unwrap();
    assert_eq!(after_a_second(&mock, domid), SECOND);
    let info = mock.tsc_info(domid).unwrap();
    assert_eq!((info.mode, info.khz, info.elapsed_ns), (2, 0, 0));
}

#[test]
fn a_restored_guest_goes_on_where_it_was_saved() {
    for (reliable, scaling) in [("yes", "no"), ("yes", "yes"), ("no", "no")] {
        for kind in [Hvm, Pvh] {
            let mock = host(reliable, scaling);
            let domid = create(&mock, kind, Default);
            born(&mock, domid, 0, 1_000_000).unwrap();
            mock.unpause(domid).unwrap();
            mock.advance(5).unwrap();
            let mut file = tempfile::tempfile().unwrap();
            mock.save(domid, &mut file, SaveKind::Suspend).unwrap();
            let config = mock.stored_config(domid).unwrap();
            mock.destroy(domid).unwrap();
            mock.advance(1000).unwrap();
            mock.set_fact("cpu_khz", "3000000").unwrap();
            std::io::Seek::rewind(&mut file).unwrap();
            let domid = mock.restore_paused(&config, &mut file).unwrap();
            assert_eq!(mock.guest_tsc(domid), Ok(5 * SECOND), "{reliable} {scaling} {kind:?}");
            assert_eq!(after_a_second(&mock, domid), 6 * SECOND);
            assert_eq!(born(&mock, domid, 0, 0).unwrap_err().kind, ErrorKind::WrongState);
        }
    }
}

#[test]
fn elapsed_tells_native_from_emulated() {
    let mock = host("yes", "no");
    let (native, emulated) = (create(&mock, Hvm, Default), create(&mock, Hvm, AlwaysEmulate));
    mock.advance(2).unwrap();
    assert_eq!(mock.tsc_info(native).unwrap().elapsed_ns, 3602 * SECOND, "the host's uptime");
    assert_eq!(mock.tsc_info(emulated).unwrap().elapsed_ns, 2 * SECOND, "the domain's age");
}

#[test]
fn extreme_values_are_taken_and_wrap() {
    let mock = host("yes", "yes");
    let domid = create(&mock, Hvm, Default);
    for (mode, khz) in [(0, 1), (1, 1), (0, u32::MAX), (1, u32::MAX)] {
        for elapsed_ns in [0, 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX] {
            mock.set_tsc_info(domid, &TscInfo { mode, elapsed_ns, khz, incarnation: u32::MAX }).unwrap();
            let info = mock.tsc_info(domid).unwrap();
            assert_eq!((info.mode, info.khz, info.incarnation), (mode, khz, 0));
            mock.guest_tsc(domid).unwrap();
        }
    }
    // A value that is negative when read as signed is told as 0.
    assert_eq!(mock.tsc_info(domid).unwrap().elapsed_ns, 0);
}
