//! Random histories: nothing panics, the file and the memory agree, and invariants hold.

use std::io::Seek;
use std::time::Duration;

use proptest::prelude::*;
use timers::GuestKind;
use timers::tsc::TscMode;

use super::{Mock, clock, config};
use crate::domain::Defbool;
use crate::host::{DomId, ErrorKind, Host, RunState, SaveKind, ShutdownRequest, TscInfo};

/// One step; domains are given as a number that need not be one.
#[derive(Clone, Debug)]
enum Step {
    Create { kind: GuestKind, name: u8, mode: Option<TscMode>, offset: u32, localtime: bool },
    SaveAndRestore(u32),
    SaveAndResume(u32),
    Rename(u32, u8),
    Preserve(u32),
    SoftReset(u32),
    RebootHost,
    Unpause(u32),
    Pause(u32),
    Destroy(u32),
    Shutdown(u32, ShutdownRequest),
    SetTsc(u32, TscInfo),
    SetInitialTsc(u32, TscInfo),
    SetOffset(u32, i32),
    UserData(u32, Vec<u8>),
    GuestShifts(u32, i64),
    GuestReboots(u32),
    Pass(i64),
    Fact(&'static str, &'static str),
    Fault(&'static str, u32),
    Event,
}

fn kind() -> impl Strategy<Value = GuestKind> {
    prop_oneof![Just(GuestKind::Hvm), Just(GuestKind::Pv), Just(GuestKind::Pvh)]
}

fn mode() -> impl Strategy<Value = Option<TscMode>> {
    // libxl's JSON leaves the default mode out.
    let modes = [Some(TscMode::AlwaysEmulate), Some(TscMode::Native), None];
    proptest::sample::select(modes.to_vec())
}

fn tsc_info() -> impl Strategy<Value = TscInfo> {
    let elapsed = prop_oneof![Just(0), Just(1_000_000_000), any::<u64>()];
    let khz = prop_oneof![Just(0), Just(1_000_000), Just(2_600_000), any::<u32>()];
    (0..4_u32, elapsed, khz, 0..3_u32).prop_map(|(mode, elapsed_ns, khz, incarnation)| TscInfo {
        mode,
        elapsed_ns,
        khz,
        incarnation,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let domid = || 0..5_u32;
    let offset = prop_oneof![Just(0), Just(3600), any::<i32>()];
    let facts = vec![
        Step::Fact("now", "2026-12-01T00:00:00Z"),
        Step::Fact("now", "real"),
        Step::Fact("timezone", "Europe/Berlin"),
        Step::Fact("timezone", "Nowhere"),
        Step::Fact("cpu_khz", "3000000"),
        Step::Fact("tsc_reliable", "no"),
        Step::Fact("tsc_scaling", "yes"),
        Step::Fact("memory_mb", "70"),
        Step::Fault("create_paused", 1),
        Step::Fault("set_tsc_info", 2),
        Step::Fault("nothing", 1),
    ];
    prop_oneof![
        4 => (kind(), 0..4_u8, mode(), offset.clone(), any::<bool>()).prop_map(
            |(kind, name, mode, offset, localtime)| Step::Create {
                kind, name, mode, offset: offset.cast_unsigned(), localtime
            }
        ),
        2 => domid().prop_map(Step::SaveAndRestore),
        1 => domid().prop_map(Step::SaveAndResume),
        1 => (domid(), 0..4_u8).prop_map(|(domid, name)| Step::Rename(domid, name)),
        1 => domid().prop_map(Step::Preserve),
        1 => domid().prop_map(Step::SoftReset),
        4 => domid().prop_map(Step::Unpause),
        1 => domid().prop_map(Step::Pause),
        1 => domid().prop_map(Step::Destroy),
        1 => domid().prop_map(|domid| Step::Shutdown(domid, ShutdownRequest::Reboot)),
        3 => (domid(), tsc_info()).prop_map(|(domid, info)| Step::SetTsc(domid, info)),
        1 => (domid(), tsc_info()).prop_map(|(domid, info)| Step::SetInitialTsc(domid, info)),
        2 => (domid(), offset).prop_map(|(domid, offset)| Step::SetOffset(domid, offset)),
        1 => (domid(), proptest::collection::vec(any::<u8>(), 0..4)).prop_map(|(d, data)| Step::UserData(d, data)),
        2 => (domid(), -5000..5000_i64).prop_map(|(domid, by)| Step::GuestShifts(domid, by)),
        1 => domid().prop_map(Step::GuestReboots),
        1 => (-1..100_000_i64).prop_map(Step::Pass),
        1 => proptest::sample::select(facts),
        1 => Just(Step::Event),
        1 => Just(Step::RebootHost),
    ]
}

/// Takes the step and tells all that can be seen of it.
fn take(mock: &Mock, step: &Step) -> String {
    match step {
        Step::Create { kind, name, mode, offset, localtime } => {
            let mut config = config(*kind, &format!("g{name}"));
            config.b_info.tsc_mode = *mode;
            config.b_info.rtc_timeoffset = *offset;
            config.b_info.localtime = localtime.then_some(Defbool::True);
            format!("{:?}", mock.create_paused(&config))
        }
        Step::SaveAndRestore(domid) => {
            let mut file = tempfile::tempfile().unwrap();
            let saved = mock.save(DomId(*domid), &mut file, SaveKind::Suspend);
            if saved.is_err() {
                return format!("{saved:?}");
            }
            let config = mock.stored_config(DomId(*domid)).unwrap();
            mock.destroy(DomId(*domid)).unwrap();
            file.rewind().unwrap();
            let restored = mock.restore_paused(&config, &mut file);
            format!("{restored:?}")
        }
        Step::SaveAndResume(domid) => {
            let saved = mock.save(DomId(*domid), &mut tempfile::tempfile().unwrap(), SaveKind::Live);
            format!("{saved:?} {:?}", mock.resume(DomId(*domid)))
        }
        Step::Rename(domid, name) => format!("{:?}", mock.rename(DomId(*domid), &format!("g{name}"))),
        Step::Preserve(domid) => format!("{:?}", mock.preserve(DomId(*domid), "-old")),
        Step::SoftReset(domid) => {
            let config = mock.stored_config(DomId(*domid)).unwrap_or_default();
            format!("{:?}", mock.soft_reset(DomId(*domid), &config))
        }
        Step::RebootHost => {
            mock.reboot_host().unwrap();
            format!("{:?} {:?}", mock.domains(), mock.facts().map(|facts| facts.boot_id))
        }
        Step::Unpause(domid) => format!("{:?}", mock.unpause(DomId(*domid))),
        Step::Pause(domid) => format!("{:?}", mock.pause(DomId(*domid))),
        Step::Destroy(domid) => format!("{:?}", mock.destroy(DomId(*domid))),
        Step::Shutdown(domid, request) => format!("{:?}", mock.shutdown(DomId(*domid), *request)),
        Step::SetTsc(domid, info) => format!("{:?}", mock.set_tsc_info(DomId(*domid), info)),
        Step::SetInitialTsc(domid, info) => format!("{:?}", mock.set_initial_tsc(DomId(*domid), info)),
        Step::SetOffset(domid, offset) => {
            format!("{:?}", mock.set_time_offset(DomId(*domid), (*offset).into()))
        }
        Step::UserData(domid, data) => format!("{:?}", mock.set_user_data(DomId(*domid), "xl", data)),
        Step::GuestShifts(domid, by) => format!("{:?}", mock.guest_shift_rtc(DomId(*domid), *by)),
        Step::GuestReboots(domid) => format!("{:?}", mock.guest_reboot(DomId(*domid))),
        Step::Pass(seconds) => format!("{:?}", mock.advance(*seconds)),
        Step::Fact(name, value) => format!("{:?}", mock.set_fact(name, value)),
        Step::Fault(call, times) => format!("{:?}", mock.inject(call, ErrorKind::Other, *times)),
        Step::Event => format!("{:?}", mock.next_event(Duration::ZERO)),
    }
}

/// Checks the rules that hold for every domain at any time.
fn check(mock: &Mock) {
    for domain in mock.domains().unwrap().into_iter().skip(1) {
        let domid = domain.domid;
        let tsc = mock.tsc_info(domid).unwrap();
        assert!(tsc.mode < 3, "{tsc:?}");
        assert_eq!(tsc.khz == 0, tsc.mode == 2, "{tsc:?}");
        mock.guest_tsc(domid).unwrap();
        let model = mock.model(domid).unwrap();
        assert!(!(model.tsc.is_emulated() && model.tsc.is_scaled()), "{model:?}");
        match mock.rtc_record(domid) {
            Ok(record) => {
                assert_eq!(domain.kind, GuestKind::Hvm);
                assert_eq!(record.offset, mock.wallclock_offset(domid).unwrap());
            }
            Err(error) => assert_eq!((error.kind, domain.kind != GuestKind::Hvm), (ErrorKind::NoRtc, true)),
        }
        assert_eq!(mock.stored_config(domid).unwrap().name(), domain.name);
        assert_eq!(domain.state == RunState::Running, model.runs());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_file_and_the_memory_agree(steps in proptest::collection::vec(step(), 1..40)) {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("mock.json");
        let memory = Mock::in_memory(clock());
        let file = Mock::open(&path, clock()).unwrap();
        for step in &steps {
            prop_assert_eq!(take(&memory, step), take(&file, step), "{:?}", step);
        }
        prop_assert_eq!(memory.read("test").unwrap(), file.read("test").unwrap());
        let again = Mock::open(&path, clock()).unwrap();
        prop_assert_eq!(memory.read("test").unwrap(), again.read("test").unwrap());
        check(&memory);
        check(&file);
    }
}
