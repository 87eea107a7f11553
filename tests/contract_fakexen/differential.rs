//! Random histories on the mock host and on the real libraries: both give the same results.

use std::fs::File;
use std::io::Seek;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use timers::tsc::TscMode;
use timers::{GuestKind, UtcOffset};
use xenclock::domain::{Defbool, DomainConfig};
use xenclock::host::mock::Mock;
use xenclock::host::{
    DomId, DomainSummary, Event, Host, Result, RtcRecord, RunState, SaveKind, ShutdownReason,
    ShutdownRequest, TscInfo,
};

use crate::contract::{Scenario, Stage};
use crate::stage::FakeStage;

/// So many histories, unless `PROPTEST_CASES` says otherwise.
const HISTORIES: u32 = 24;

const NOW: &str = "2026-03-28T12:00:00Z";
const ZONE: &str = "Europe/Berlin";
const UUIDS: [&str; 2] = ["6ba7b810-9dad-41d1-80b4-00c04fd430c8", "0f1e2d3c-4b5a-4697-8877-665544332211"];

/// What is done. A guest is the n-th from the last that was made, whichever number each host has given it.
#[derive(Clone, Debug)]
enum Step {
    Create {
        kind: GuestKind,
        name: usize,
        uuid: Option<usize>,
        clock: Clock,
    },
    Unpause(usize),
    Pause(usize),
    Destroy(usize),
    Shutdown(usize, ShutdownRequest),
    TscInfo(usize),
    SetTscInfo(usize, TscInfo),
    SetInitialTsc(usize, TscInfo),
    SetTimeOffset(usize, i32),
    RtcRecord(usize),
    StoredConfig(usize),
    UserData(usize, usize),
    SetUserData(usize, usize, Vec<u8>),
    Save(usize, SaveKind),
    Resume(usize),
    /// Of the last stream that was saved, under its own name or another.
    Restore(Option<usize>, Clock),
    Rename(usize, usize),
    Preserve(usize),
    SoftReset(usize, Clock),
    CoreDump(usize),
    NextEvent,
    /// The guest does this by itself.
    ShiftsRtc(usize, i64),
    Ends(usize, ShutdownReason),
    ReadsTsc(usize),
    Pass(i64),
}

/// What a config says of the clock.
#[derive(Clone, Debug)]
struct Clock {
    mode: Option<TscMode>,
    seconds: i32,
    localtime: Option<Defbool>,
}

fn clocks() -> impl Strategy<Value = Clock> {
    let mode = prop_oneof![
        2 => Just(None),
        1 => Just(Some(TscMode::AlwaysEmulate)),
        1 => Just(Some(TscMode::Native)),
        1 => Just(Some(TscMode::Default)),
    ];
    let seconds = prop_oneof![3 => Just(0), 1 => Just(-3600), 1 => Just(3600), 1 => any::<i32>()];
    let localtime = prop_oneof![Just(None), Just(Some(Defbool::True)), Just(Some(Defbool::False))];
    (mode, seconds, localtime).prop_map(|(mode, seconds, localtime)| Clock { mode, seconds, localtime })
}

fn steps() -> impl Strategy<Value = Step> {
    // The last but few are likely to be there still.
    let guest = || prop_oneof![6 => Just(0), 4 => Just(1), 2 => Just(2), 1 => Just(9)];
    let kind = prop_oneof![3 => Just(GuestKind::Hvm), 2 => Just(GuestKind::Pvh), 2 => Just(GuestKind::Pv)];
    let request = prop_oneof![Just(ShutdownRequest::Poweroff), Just(ShutdownRequest::Reboot)];
    let reason = prop_oneof![
        Just(ShutdownReason::Poweroff),
        Just(ShutdownReason::Reboot),
        Just(ShutdownReason::Crash),
        Just(ShutdownReason::SoftReset),
    ];
    let tsc = (0..4_u32, prop_oneof![Just(0), 0..u64::MAX / 4], khz(), 0..4_u32)
        .prop_map(|(mode, elapsed_ns, khz, incarnation)| TscInfo { mode, elapsed_ns, khz, incarnation })
        .boxed();
    prop_oneof![
        8 => (kind, 0..6_usize, prop::option::weighted(0.2, 0..UUIDS.len()), clocks())
            .prop_map(|(kind, name, uuid, clock)| Step::Create { kind, name, uuid, clock }),
        8 => guest().prop_map(Step::Unpause),
        3 => guest().prop_map(Step::Pause),
        2 => guest().prop_map(Step::Destroy),
        2 => (guest(), request).prop_map(|(guest, request)| Step::Shutdown(guest, request)),
        3 => guest().prop_map(Step::TscInfo),
        6 => (guest(), tsc.clone()).prop_map(|(guest, info)| Step::SetTscInfo(guest, info)),
        4 => (guest(), tsc).prop_map(|(guest, info)| Step::SetInitialTsc(guest, info)),
        4 => (guest(), any::<i32>()).prop_map(|(guest, seconds)| Step::SetTimeOffset(guest, seconds)),
        3 => guest().prop_map(Step::RtcRecord),
        2 => guest().prop_map(Step::StoredConfig),
        2 => (guest(), 0..2_usize).prop_map(|(guest, name)| Step::UserData(guest, name)),
        3 => (guest(), 0..2_usize, prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(guest, name, data)| Step::SetUserData(guest, name, data)),
        3 => (guest(), saves()).prop_map(|(guest, how)| Step::Save(guest, how)),
        3 => guest().prop_map(Step::Resume),
        3 => (prop::option::of(0..6_usize), clocks()).prop_map(|(name, clock)| Step::Restore(name, clock)),
        2 => (guest(), 0..6_usize).prop_map(|(guest, name)| Step::Rename(guest, name)),
        3 => guest().prop_map(Step::Preserve),
        3 => (guest(), clocks()).prop_map(|(guest, clock)| Step::SoftReset(guest, clock)),
        1 => guest().prop_map(Step::CoreDump),
        3 => Just(Step::NextEvent),
        4 => (guest(), -100_000..100_000_i64).prop_map(|(guest, seconds)| Step::ShiftsRtc(guest, seconds)),
        2 => (guest(), reason).prop_map(|(guest, reason)| Step::Ends(guest, reason)),
        3 => guest().prop_map(Step::ReadsTsc),
        3 => (0..100_000_i64).prop_map(Step::Pass),
    ]
}

/// A step, or a few that make sense together only.
fn stretches() -> impl Strategy<Value = Vec<Step>> {
    let moved = (clocks(), saves(), any::<bool>()).prop_map(|(clock, how, beside)| {
        let save = vec![Step::Unpause(0), Step::Save(0, how)];
        let (before, name) = if beside { (None, Some(9)) } else { (Some(Step::Destroy(0)), None) };
        let after = vec![Step::Restore(name, clock), Step::RtcRecord(0), Step::TscInfo(0)];
        [save, before.into_iter().collect(), after].concat()
    });
    let again = clocks().prop_map(|clock| {
        let ends = Step::Ends(0, ShutdownReason::SoftReset);
        vec![Step::Unpause(0), ends, Step::SoftReset(0, clock), Step::RtcRecord(0), Step::TscInfo(0)]
    });
    let kept = Just(vec![Step::Unpause(0), Step::Ends(0, ShutdownReason::Crash), Step::Preserve(0)]);
    let asked = prop_oneof![Just(ShutdownRequest::Poweroff), Just(ShutdownRequest::Reboot)]
        .prop_map(|request| vec![Step::Unpause(0), Step::Shutdown(0, request)]);
    prop_oneof![
        16 => steps().prop_map(|step| vec![step]),
        2 => moved,
        1 => again,
        1 => kept,
        1 => asked,
    ]
}

fn saves() -> impl Strategy<Value = SaveKind> {
    prop_oneof![Just(SaveKind::Suspend), Just(SaveKind::Live)]
}

fn khz() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(1_000_000), Just(2_600_000), Just(2_600_001), 1..u32::MAX]
}

/// One of the two hosts, with what it has made.
struct Player<'a> {
    host: &'a dyn Host,
    stage: &'a dyn Stage,
    guests: Vec<DomId>,
    /// The last stream, and the config of the guest in it.
    saved: Option<(File, DomainConfig)>,
}

impl Player<'_> {
    fn guest(&self, index: usize) -> DomId {
        self.guests.iter().rev().nth(index).copied().unwrap_or(DomId(4242))
    }

    /// Which of the guests made this number is.
    fn index(&self, domid: DomId) -> String {
        match self.guests.iter().position(|guest| *guest == domid) {
            Some(index) => format!("guest {index}"),
            None => format!("domain {domid}"),
        }
    }

    fn config(&self, kind: GuestKind, name: usize, clock: &Clock) -> DomainConfig {
        let mut config =
            self.stage.config(kind, &format!("guest-{name}")).map_err(|cannot| cannot.0).unwrap();
        with_clock(&mut config, clock);
        config
    }

    /// What came of a step, in words that are the same for both: no text of an error, no number of a domain.
    fn play(&mut self, step: &Step) -> String {
        let told = |result: Result<String>| result.unwrap_or_else(|error| format!("{:?}", error.kind));
        let host = self.host;
        match step {
            Step::Create { kind, name, uuid, clock } => {
                let mut config = self.config(*kind, *name, clock);
                config.c_info.uuid = uuid.map(|uuid| UUIDS[uuid].parse().unwrap());
                told(host.create_paused(&config).map(|domid| self.made(domid)))
            }
            Step::Unpause(guest) => told(host.unpause(self.guest(*guest)).map(done)),
            Step::Pause(guest) => told(host.pause(self.guest(*guest)).map(done)),
            Step::Destroy(guest) => told(host.destroy(self.guest(*guest)).map(done)),
            Step::Shutdown(guest, request) => told(host.shutdown(self.guest(*guest), *request).map(done)),
            Step::TscInfo(guest) => told(host.tsc_info(self.guest(*guest)).map(|info| format!("{info:?}"))),
            Step::SetTscInfo(guest, info) => told(host.set_tsc_info(self.guest(*guest), info).map(done)),
            Step::SetInitialTsc(guest, info) => {
                told(host.set_initial_tsc(self.guest(*guest), info).map(done))
            }
            Step::SetTimeOffset(guest, seconds) => {
                told(host.set_time_offset(self.guest(*guest), (*seconds).into()).map(done))
            }
            Step::RtcRecord(guest) => {
                let words = |RtcRecord { offset, cmos }| format!("{offset} {cmos}");
                told(host.rtc_record(self.guest(*guest)).map(words))
            }
            Step::StoredConfig(guest) => {
                told(host.stored_config(self.guest(*guest)).map(|config| words(&config)))
            }
            Step::UserData(guest, name) => {
                let data = host.user_data(self.guest(*guest), &format!("xenclock-{name}"));
                told(data.map(|data| format!("{data:?}")))
            }
            Step::SetUserData(guest, name, data) => {
                told(host.set_user_data(self.guest(*guest), &format!("xenclock-{name}"), data).map(done))
            }
            Step::Save(guest, how) => told(self.save(self.guest(*guest), *how).map(done)),
            Step::Resume(guest) => told(host.resume(self.guest(*guest)).map(done)),
            Step::Rename(guest, name) => {
                told(host.rename(self.guest(*guest), &format!("guest-{name}")).map(done))
            }
            Step::Preserve(guest) => told(host.preserve(self.guest(*guest), "-old").map(done)),
            Step::SoftReset(guest, clock) => told(self.soft_reset(self.guest(*guest), clock).map(done)),
            Step::CoreDump(guest) => told(self.dump_core(self.guest(*guest))),
            Step::Restore(name, clock) => match self.saved.take() {
                None => "nothing to restore".to_owned(),
                Some((mut file, mut config)) => {
                    with_clock(&mut config, clock);
                    if let Some(name) = name {
                        config.c_info.name = Some(format!("guest-{name}"));
                    }
                    file.rewind().unwrap();
                    let restored = host.restore_paused(&config, &mut file);
                    told(restored.map(|domid| self.made(domid)))
                }
            },
            Step::NextEvent => told(host.next_event(Duration::ZERO).map(|event| self.event(event))),
            Step::ShiftsRtc(..) | Step::Ends(..) | Step::ReadsTsc(_) | Step::Pass(_) => {
                unreachable!("no host does this")
            }
        }
    }

    fn made(&mut self, domid: DomId) -> String {
        assert!(self.guests.iter().all(|guest| *guest < domid), "{domid} was given before");
        self.guests.push(domid);
        "made".to_owned()
    }

    fn save(&mut self, domid: DomId, how: SaveKind) -> Result<()> {
        let config = self.host.stored_config(domid)?;
        let mut file = tempfile::tempfile().unwrap();
        self.host.save(domid, &mut file, how)?;
        self.saved = Some((file, config));
        Ok(())
    }

    fn soft_reset(&self, domid: DomId, clock: &Clock) -> Result<()> {
        let mut config = self.host.stored_config(domid)?;
        with_clock(&mut config, clock);
        self.host.soft_reset(domid, &config)
    }

    fn dump_core(&self, domid: DomId) -> Result<String> {
        let core = tempfile::NamedTempFile::new().unwrap();
        self.host.core_dump(domid, core.path())?;
        Ok(format!("something was written: {}", core.path().metadata().unwrap().len() > 0))
    }

    fn event(&self, event: Option<Event>) -> String {
        // Which of them has a UUID that it was not given: those are not the same on both.
        match event {
            None => "nothing".to_owned(),
            Some(Event::Introduced { domid, .. }) => format!("introduced {}", self.index(domid)),
            Some(Event::Shutdown { domid, reason, .. }) => {
                format!("shutdown {} {reason:?}", self.index(domid))
            }
            Some(Event::Destroyed { domid, .. }) => format!("destroyed {}", self.index(domid)),
            Some(other) => format!("{other:?}"),
        }
    }

    /// All domains. How much memory a guest has is not the model's to say.
    fn domains(&self) -> Vec<String> {
        let words = |domain: DomainSummary| {
            let DomainSummary { domid, name, kind, state, has_run, vcpus, .. } = domain;
            format!("{} {name} {kind:?} {state:?} {has_run} {vcpus}", self.index(domid))
        };
        self.host.domains().unwrap().into_iter().map(words).collect()
    }
}

fn done((): ()) -> String {
    "done".to_owned()
}

fn with_clock(config: &mut DomainConfig, clock: &Clock) {
    config.b_info.tsc_mode = clock.mode;
    config.b_info.rtc_timeoffset = UtcOffset::from(clock.seconds).to_libxl();
    config.b_info.localtime = clock.localtime;
}

/// What a stored config says of the clock. libxl leaves out what is the default, and writes down what it has decided.
fn words(config: &DomainConfig) -> String {
    let mode = config.b_info.tsc_mode.unwrap_or(TscMode::Default);
    let localtime = config.b_info.localtime.is_some_and(Defbool::is_true);
    let (name, kind, seconds) = (config.name(), config.kind(), config.b_info.rtc_timeoffset);
    format!("{name} {kind:?} {mode:?} {seconds} {localtime}")
}

/// Plays a history on both, and compares after each step.
fn agree(reliable: bool, scaling: Option<bool>, history: &[Step]) {
    let scenario = Scenario {
        now: Some(NOW),
        timezone: Some(ZONE),
        tsc_reliable: Some(reliable),
        tsc_scaling: Some(scaling),
        memory_mb: None,
    };
    let stage = FakeStage::new(&scenario).map_err(|cannot| cannot.0).unwrap();
    let mock = Mock::in_memory(Box::new(|| NOW.parse().unwrap()));
    let yes_or_no = |yes: bool| if yes { "yes" } else { "no" };
    for (name, value) in [
        ("now", NOW),
        ("timezone", ZONE),
        ("tsc_reliable", yes_or_no(reliable)),
        ("tsc_scaling", scaling.map_or("unknown", yes_or_no)),
    ] {
        mock.set_fact(name, value).unwrap();
    }
    let mut model = Player { host: &mock, stage: &stage, guests: Vec::new(), saved: None };
    let mut real = Player { host: stage.host(), stage: &stage, guests: Vec::new(), saved: None };
    for (index, step) in history.iter().enumerate() {
        if is_apart(step, &mock, &model, &real) {
            continue;
        }
        let (said, also) = match step {
            Step::ShiftsRtc(guest, seconds) => (
                mock.guest_shift_rtc(model.guest(*guest), *seconds).map_err(|error| error.kind),
                stage.with(|world| world.guest_shifts_rtc(real.guest(*guest), *seconds)).map_err(kind),
            ),
            Step::Ends(guest, reason) => (
                mock.guest_end(model.guest(*guest), *reason).map_err(|error| error.kind),
                stage.with(|world| world.guest_ends(real.guest(*guest), *reason)).map_err(kind),
            ),
            Step::Pass(seconds) => {
                mock.advance(*seconds).unwrap();
                stage.pass(*seconds).map_err(|cannot| cannot.0).unwrap();
                continue;
            }
            Step::ReadsTsc(guest) => {
                let said = mock.guest_tsc(model.guest(*guest)).map_err(|error| error.kind);
                let also = stage.with(|world| world.guest_tsc(real.guest(*guest))).map_err(kind);
                assert_eq!(said, also, "step {index} of {history:?}");
                continue;
            }
            host => {
                assert_eq!(
                    model.play(host),
                    real.play(host),
                    "mock and libxl after step {index} of {history:?}"
                );
                (Ok(()), Ok(()))
            }
        };
        assert_eq!(said, also, "step {index} of {history:?}");
        assert_eq!(model.domains(), real.domains(), "mock and libxl after step {index} of {history:?}");
    }
}

fn kind(refusal: xenclock::host::mock::machine::Refusal) -> xenclock::host::ErrorKind {
    refusal.errno.kind()
}

/// What the two hosts do not have in common, by what they say of themselves.
fn is_apart(step: &Step, mock: &Mock, model: &Player<'_>, real: &Player<'_>) -> bool {
    let domain = |guest: usize| mock.model(model.guest(guest)).ok();
    match step {
        // The mock remembers what a paused guest is asked; libxl waits for an answer, so that host refuses.
        Step::Shutdown(guest, _) => domain(*guest).is_some_and(|domain| domain.state() == RunState::Paused),
        // The mock knows that a guest never ran; that host knows a restored one only by its incarnation.
        Step::SetInitialTsc(guest, _) => domain(*guest).is_some_and(|domain| {
            !(domain.has_run || domain.continues)
                && mock.tsc_info(model.guest(*guest)).is_ok_and(|info| info.incarnation > 1)
        }),
        // libxl's helper is not here.
        Step::Save(..) => real.stage.saves().is_err(),
        _ => false,
    }
}

/// Random histories, on hosts of all kinds.
pub fn run() {
    let cases =
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(HISTORIES);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let scaling = prop_oneof![Just(None), Just(Some(false)), Just(Some(true))];
    let histories = (any::<bool>(), scaling, prop::collection::vec(stretches(), 10..40));
    TestRunner::new(config)
        .run(&histories, |(reliable, scaling, history)| {
            agree(reliable, scaling, &history.concat());
            Ok(())
        })
        .unwrap();
}
