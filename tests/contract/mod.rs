//! The contract of every host: cases that run on any [`Host`].
//!
//! A case requests stages: fresh hosts for a given [`Scenario`], with control over the guest. If a stage does not
//! support a scenario (a real host has a fixed time zone), the case is skipped, with a line that gives the reason.
//! Values that depend on the host are computed from its own facts.

// A test that uses this module need not use all of it.
#![allow(dead_code, clippy::unwrap_used)]

mod create;
mod ended;
mod events;
mod life;
mod moves;
mod native;
mod restore;
mod rtc;
mod tsc;
mod user_data;

use std::fs::File;
use std::io::Seek;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use timers::GuestKind;
use xenclock::domain::DomainConfig;
use xenclock::host::{
    DomId, DomainSummary, ErrorKind, Event, Host, Result, RunState, SaveKind, ShutdownReason,
};

/// What a case needs a host to be; what is `None` does not matter to it.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// The time of day, which then stands still but for [`Stage::pass`].
    pub now: Option<&'static str>,
    /// The host's zone.
    pub timezone: Option<&'static str>,
    /// Whether Xen trusts the host's TSC.
    pub tsc_reliable: Option<bool>,
    /// Whether the CPU scales TSCs; the inner `None` is a host that does not know.
    pub tsc_scaling: Option<Option<bool>>,
    /// Memory for all guests, in MiB.
    pub memory_mb: Option<u64>,
}

/// What a stage cannot do, in words.
#[derive(Debug)]
pub struct Cannot(pub String);

/// Done, or a reason to skip the case.
pub type Played<T = ()> = std::result::Result<T, Cannot>;

/// A fresh host for one case. Dropping it takes its domains away.
pub trait Stage {
    /// The host.
    fn host(&self) -> &dyn Host;

    /// Another connection to the same host, as a second process would have, or another thread.
    fn second(&self) -> Played<Box<dyn Host + Send>>;

    /// A config of this kind and name that this host can start.
    fn config(&self, kind: GuestKind, name: &str) -> Played<DomainConfig>;

    /// Whether this host can save and restore here.
    fn saves(&self) -> Played {
        Ok(())
    }

    /// Lets seconds pass.
    fn pass(&self, seconds: i64) -> Played;

    /// The guest sets its RTC so many seconds later than it reads.
    fn guest_shifts_rtc(&self, domid: DomId, seconds: i64) -> Played;

    /// The guest ends by itself: it powers off, resets itself, crashes, or asks for a soft reset.
    fn guest_ends(&self, domid: DomId, reason: ShutdownReason) -> Played;

    /// What RDTSC reads in the guest.
    fn guest_tsc(&self, domid: DomId) -> Played<u64>;

    /// Seconds that the wallclock of PV drivers is ahead of UTC in the guest.
    fn wallclock_offset(&self, domid: DomId) -> Played<i64>;
}

/// Makes stages.
pub type Make<'a> = &'a dyn Fn(&Scenario) -> Played<Box<dyn Stage>>;

/// One case: it panics when the host is wrong.
type Case = (&'static str, fn(Make<'_>) -> Played);

/// Lists functions as cases, under their own names.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub(super) const CASES: &[super::Case] =
            &[$((concat!(module_path!(), "::", stringify!($name)), $name)),*];
    };
}
pub(crate) use cases;

/// How the cases ended, when none failed.
#[derive(Debug, PartialEq, Eq)]
pub struct Tally {
    /// So many passed.
    pub passed: usize,
    /// These could not be played.
    pub skipped: Vec<&'static str>,
}

/// Runs all cases, and panics at the end when some failed.
pub fn suite(make: Make<'_>) -> Tally {
    let all = [
        create::CASES,
        ended::CASES,
        events::CASES,
        life::CASES,
        moves::CASES,
        native::CASES,
        restore::CASES,
        rtc::CASES,
        tsc::CASES,
        user_data::CASES,
    ];
    let mut tally = Tally { passed: 0, skipped: Vec::new() };
    let mut failed = Vec::new();
    for (name, case) in all.into_iter().flatten() {
        match catch_unwind(AssertUnwindSafe(|| case(make))) {
            Ok(Ok(())) => tally.passed += 1,
            Ok(Err(Cannot(why))) => {
                println!("{name}: skipped: {why}");
                tally.skipped.push(name);
            }
            Err(_) => failed.push(*name),
        }
    }
    assert!(failed.is_empty(), "{} of the contract's cases failed: {}", failed.len(), failed.join(", "));
    tally
}

/// All kinds of guest.
const KINDS: [GuestKind; 3] = [GuestKind::Hvm, GuestKind::Pvh, GuestKind::Pv];

/// Any host.
fn any(make: Make<'_>) -> Played<Box<dyn Stage>> {
    make(&Scenario::default())
}

/// A host where it is this moment, in this zone.
fn at(make: Make<'_>, now: &'static str, timezone: &'static str) -> Played<Box<dyn Stage>> {
    make(&Scenario { now: Some(now), timezone: Some(timezone), ..Scenario::default() })
}

/// A paused HVM guest.
fn hvm(stage: &dyn Stage, name: &str) -> Played<DomId> {
    Ok(stage.host().create_paused(&stage.config(GuestKind::Hvm, name)?).unwrap())
}

/// A running HVM guest.
fn running(stage: &dyn Stage, name: &str) -> Played<DomId> {
    let domid = hvm(stage, name)?;
    stage.host().unpause(domid).unwrap();
    Ok(domid)
}

/// The kind of a call's error. Panics when it went well.
#[track_caller]
fn refused<T>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(_) => panic!("the call went well, and an error was expected"),
        Err(error) => {
            assert!(!error.doing.is_empty() && !error.detail.is_empty(), "{error:?} says too little");
            error.kind
        }
    }
}

/// A domain's line in the list; `None` when it is not there.
fn listed(host: &dyn Host, domid: DomId) -> Option<DomainSummary> {
    host.domains().unwrap().into_iter().find(|domain| domain.domid == domid)
}

/// What a domain does; `None` when it is not in the list.
fn state(host: &dyn Host, domid: DomId) -> Option<RunState> {
    listed(host, domid).map(|domain| domain.state)
}

/// Waits until this is so.
#[track_caller]
fn wait_until(is: impl Fn() -> bool) {
    for _ in 0..600 {
        if is() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it is not so after a minute");
}

/// Waits until a domain does this.
#[track_caller]
fn wait_for(host: &dyn Host, domid: DomId, wanted: RunState) {
    wait_until(|| state(host, domid) == Some(wanted));
}

/// The next event, which must come soon.
#[track_caller]
fn event(host: &dyn Host) -> Event {
    host.next_event(Duration::from_secs(60)).unwrap().expect("no event came in a minute")
}

/// Whether two times are the same, as near as calls that follow each other can tell.
#[track_caller]
fn assert_near(one: NaiveDateTime, other: NaiveDateTime) {
    let apart = one.signed_duration_since(other).num_seconds().abs();
    assert!(apart <= 3, "{one} and {other} are {apart} seconds apart");
}

/// The time of day on the host, so many seconds from UTC.
fn local(host: &dyn Host, offset: i64) -> NaiveDateTime {
    let now: DateTime<Utc> = host.facts().unwrap().now;
    (now + chrono::TimeDelta::seconds(offset)).naive_utc()
}

/// An empty file for a stream.
fn stream() -> File {
    tempfile::tempfile().unwrap()
}

/// Saves and destroys a running domain, and makes it again from this config.
fn again(stage: &dyn Stage, domid: DomId, config: &DomainConfig) -> DomId {
    let mut file = stream();
    stage.host().save(domid, &mut file, SaveKind::Suspend).unwrap();
    stage.host().destroy(domid).unwrap();
    file.rewind().unwrap();
    stage.host().restore_paused(config, &mut file).unwrap()
}
