//! Makes a restored guest native, in the right way and in wrong ways, as observed on a real Xen.

use chrono::DateTime;
use timers::tsc::TscHost;
use timers::{GuestKind, KiloHertz};
use uuid::Uuid;

use crate::host::mock::machine::{Context, Machine, NewDomain, Present};
use crate::host::{DomId, TscInfo};

const HOST: u32 = 2_445_423;
const GUEST: u32 = HOST + 611;
const SECOND: u64 = 1_000_000_000;
/// The guest's count when it was saved.
const SAVED: u64 = 10 * GUEST as u64 * 1000;

fn present(up: u64) -> Present {
    let tsc = TscHost { khz: KiloHertz(HOST), reliable: true, scaling: Some(false) };
    Present { utc: DateTime::UNIX_EPOCH, uptime_ns: up * SECOND, tsc }
}

fn info(khz: u32, incarnation: u32) -> TscInfo {
    TscInfo { mode: 0, elapsed_ns: 10 * SECOND, khz, incarnation }
}

/// A guest of two vCPUs on a host that is up for 200 seconds, restored and paused: its stream has this frequency in its
/// TSC info, and this one in its context's header.
fn restored(stream: u32, header: u32) -> (Machine, DomId) {
    let mut machine = Machine::default();
    let now = present(200);
    let new = NewDomain { kind: GuestKind::Hvm, uuid: Uuid::nil(), memory_kb: 0, vcpus: 2 };
    let domid = machine.create(new, &now).unwrap();
    machine.continue_saved(domid).unwrap();
    machine.set_tsc_info(domid, &info(stream, 1), &now).unwrap();
    let cpus = vec![(0, SAVED), (1, SAVED)];
    machine.load_context(domid, &Context { khz: header, cpus }, &now).unwrap();
    (machine, domid)
}

fn is_emulated(machine: &Machine, domid: DomId) -> bool {
    machine.domain(domid).unwrap().tsc.is_emulated()
}

fn tsc(machine: &Machine, domid: DomId, up: u64) -> u64 {
    machine.guest_tsc(domid, &present(up)).unwrap()
}

#[test]
fn untreated_it_is_emulated_at_the_streams_rate_or_native_where_they_are_the_same() {
    for (khz, emulated) in [(HOST, false), (HOST + 1, true), (HOST - 1, true), (GUEST, true)] {
        let (machine, domid) = restored(khz, khz);
        assert_eq!(is_emulated(&machine, domid), emulated, "{khz}");
        assert_eq!(tsc(&machine, domid, 200), SAVED);
        assert_eq!(tsc(&machine, domid, 201), SAVED + u64::from(khz) * 1000);
    }
}

#[test]
fn the_recipe_goes_on_native() {
    for khz in [HOST + 1, HOST - 1, GUEST] {
        for later in [200, 210] {
            let (mut machine, domid) = restored(khz, khz);
            let before = tsc(&machine, domid, later);
            machine.make_tsc_native(domid, &present(later)).unwrap();
            assert!(!is_emulated(&machine, domid));
            assert_eq!(tsc(&machine, domid, later), before);
            assert_eq!(tsc(&machine, domid, later + 1), before + u64::from(HOST) * 1000);
            let info = machine.tsc_info(domid, &present(later)).unwrap();
            assert_eq!((info.khz, info.incarnation), (HOST, 2));
            let context = machine.context(domid, &present(later)).unwrap();
            assert_eq!((context.khz, context.cpus.len()), (HOST, 2));
            assert_eq!(machine.domain(domid).unwrap().pauses, 1);
        }
    }
}

#[test]
fn setting_the_frequency_alone_jumps() {
    let (mut machine, domid) = restored(GUEST, GUEST);
    machine.set_tsc_info(domid, &info(HOST, 1), &present(200)).unwrap();
    assert!(!is_emulated(&machine, domid));
    // By the host's counter less the domain's age.
    assert_eq!(tsc(&machine, domid, 200) - SAVED, (200 - 10) * u64::from(HOST) * 1000 - 10 * 611 * 1000);
    // The value that is read then is already wrong.
    let wrong = machine.context(domid, &present(200)).unwrap();
    machine.load_context(domid, &wrong, &present(200)).unwrap();
    assert!(tsc(&machine, domid, 200) > SAVED + 100 * u64::from(HOST) * 1000);
}

#[test]
fn with_its_own_header_the_guest_is_told_the_streams_frequency() {
    let (mut machine, domid) = restored(GUEST, GUEST);
    let before = machine.context(domid, &present(200)).unwrap();
    machine.set_tsc_info(domid, &info(HOST, 1), &present(200)).unwrap();
    machine.load_context(domid, &before, &present(200)).unwrap();
    assert!(!is_emulated(&machine, domid));
    assert_eq!(tsc(&machine, domid, 201), SAVED + u64::from(HOST) * 1000);
    assert_eq!(machine.domain(domid).unwrap().tsc.told_khz(), GUEST);
    assert_eq!(machine.tsc_info(domid, &present(200)).unwrap().khz, HOST);
}

#[test]
fn a_cpu_that_is_left_out_never_runs_again() {
    let (mut machine, domid) = restored(GUEST, GUEST);
    let mut context = machine.context(domid, &present(200)).unwrap();
    machine.set_tsc_info(domid, &info(HOST, 1), &present(200)).unwrap();
    context.cpus.truncate(1);
    machine.load_context(domid, &Context { khz: HOST, ..context }, &present(200)).unwrap();
    assert_eq!(machine.domain(domid).unwrap().down.iter().collect::<Vec<_>>(), [&1]);
    let left: Vec<_> =
        machine.context(domid, &present(200)).unwrap().cpus.iter().map(|(cpu, _)| *cpu).collect();
    assert_eq!(left, [0]);
}

#[test]
fn a_guest_that_is_not_held_falls_back() {
    let (mut machine, domid) = restored(GUEST, GUEST);
    machine.unpause(domid).unwrap();
    let context = machine.context(domid, &present(200)).unwrap();
    let seen = tsc(&machine, domid, 201);
    machine.set_tsc_info(domid, &info(HOST, 1), &present(201)).unwrap();
    machine.load_context(domid, &Context { khz: HOST, ..context }, &present(201)).unwrap();
    assert!(tsc(&machine, domid, 201) < seen);
}

#[test]
fn incarnation_0_makes_it_look_new() {
    let (mut machine, domid) = restored(GUEST, GUEST);
    machine.set_tsc_info(domid, &info(HOST, 0), &present(200)).unwrap();
    assert_eq!(machine.tsc_info(domid, &present(200)).unwrap().incarnation, 1);
}

#[test]
fn a_header_of_the_host_alone_leaves_it_emulated_at_the_streams_rate() {
    let (machine, domid) = restored(GUEST, HOST);
    assert!(is_emulated(&machine, domid));
    assert_eq!(machine.domain(domid).unwrap().tsc.told_khz(), HOST);
    assert_eq!(tsc(&machine, domid, 201), SAVED + u64::from(GUEST) * 1000);
    // Both of them are as on a host of its own.
    let (machine, domid) = restored(HOST, HOST);
    assert!(!is_emulated(&machine, domid));
}
