//! A cold start by xenclock itself: claimed, so that a service keeps off it; applied; recorded.

use timers::zone::ZoneSource;
use timers::{GuestClock, GuestKind};
use uuid::Uuid;

use super::cold_start;
use super::store::{Claim, RecordStore, Then, Unfinished};
use super::unfinished::mend_claimed;
use super::unmanaged;
use super::warning::Warning;
use crate::apply::{ApplyError, Outcome, apply};
use crate::host::{DomId, ErrorKind, Host, HostError, HostFacts};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::record::{ConfiguredBy, Instance, Request, Start};
use crate::plan::{Plan, Step};

/// Options of a start.
#[non_exhaustive]
pub struct StartOptions<'a> {
    /// The clock records.
    pub records: &'a RecordStore,
    /// The request to record; `None` keeps the record's own request.
    pub asked: Option<&'a GuestClock>,
    /// True if the UUID was made up for this start alone.
    pub made_up: bool,
    /// Leave the guest before its first instruction.
    pub paused: bool,
    /// The release of the zone data.
    pub zone_data: Option<String>,
}

impl<'a> StartOptions<'a> {
    /// A guest that is recorded here and let run, and nothing else.
    #[must_use]
    pub fn new(records: &'a RecordStore) -> Self {
        StartOptions { records, asked: None, made_up: false, paused: false, zone_data: None }
    }

    /// With the clock that is requested.
    #[must_use]
    pub fn asked(self, clock: &'a GuestClock) -> Self {
        StartOptions { asked: Some(clock), ..self }
    }

    /// With [`StartOptions::made_up`].
    #[must_use]
    pub fn made_up(self, made_up: bool) -> Self {
        StartOptions { made_up, ..self }
    }

    /// With [`StartOptions::paused`].
    #[must_use]
    pub fn paused(self, paused: bool) -> Self {
        StartOptions { paused, ..self }
    }

    /// With the release of the zone data.
    #[must_use]
    pub fn zone_data(self, zone_data: Option<String>) -> Self {
        StartOptions { zone_data, ..self }
    }
}

/// A started domain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// The domain.
    pub outcome: Outcome,
    /// Why its clock's record could not be written; the guest runs all the same.
    pub unkept: Option<Warning>,
}

/// The clock that a domain starts with whose file asks for `asked`: that, or where the file asked for the same before and
/// the guest has changed its RTC since, what the guest made of it. With it what an administrator should know.
///
/// A clock that cannot be had is answered as it is: [`crate::plan::plan`] refuses it.
#[must_use]
pub fn clock_for(
    record: Option<ClockRecord>,
    asked: &GuestClock,
    kind: GuestKind,
    facts: &HostFacts,
    zones: &dyn ZoneSource,
) -> (GuestClock, Vec<Warning>) {
    let new = ClockRecord::new(Uuid::nil(), "", Request::of_file(asked));
    match cold_start::resolve(&cold_start::with_request(record, new, facts.now), kind, facts, zones) {
        Ok(start) => (start.clock, start.warnings),
        Err(_) => (asked.clone(), Vec::new()),
    }
}

/// Carries out a plan and records the clock. `progress` is called before each step.
///
/// The plan of a guest that ran before is made of the clock that [`clock_for`] gives, so that its own changes survive.
///
/// # Errors
/// When another program starts the same domain, or as [`apply`].
///
/// ```
/// use xenclock::host::{Host, mock::Mock};
/// use xenclock::plan::plan;
/// use xenclock::timers::zone::default_zones;
/// use xenclock::tracking::start::{StartOptions, clock_for, start};
/// use xenclock::tracking::store::RecordStore;
///
/// # let text = "<domain type='xen'><name>guest</name><uuid>6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11</uuid>
/// #   <memory unit='MiB'>64</memory><os><type>hvm</type></os><clock offset='variable' adjustment='3600'/></domain>";
/// # let now = "2026-07-01T12:00:00Z".parse()?;
/// let host = Mock::in_memory(Box::new(move || now));
/// let records = RecordStore::in_memory();
/// let mut domain = xenclock::xml::read("guest.xml", text.as_bytes())?.domain;
/// let uuid = domain.config.c_info.uuid.ok_or("no UUID")?;
/// let (facts, zones) = (host.facts()?, default_zones());
/// let asked = domain.clock.clone();
/// let (clock, warnings) = clock_for(records.get(uuid)?, &asked, domain.config.kind(), &facts, &*zones);
/// assert!(warnings.is_empty());
/// domain.clock = clock;
/// let plan = plan(&domain, &facts, &*zones, uuid)?;
/// let options = StartOptions::new(&records).asked(&asked).paused(true);
/// let started = start(&plan, &host, &facts, &options, &mut |_| {})?;
/// assert_eq!(started.unkept, None);
/// let record = records.get(uuid)?.ok_or("no record")?;
/// assert!(record.is_instance(&facts.boot_id, started.outcome.domid));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn start(
    plan: &Plan,
    host: &dyn Host,
    facts: &HostFacts,
    options: &StartOptions<'_>,
    progress: &mut dyn FnMut(&Step),
) -> Result<Started, ApplyError> {
    let doing = format!("start domain '{}'", plan.config.name());
    let refused = |error| ApplyError { error, left_behind: None };
    let uuid = uuid_of(plan, &doing).map_err(refused)?;
    let claim = claim(host, options.records, uuid, &doing).map_err(refused)?;
    let note = |domid| note(claim.as_ref(), "start the guest", facts, domid, Then::Destroy);
    note(None);
    let mut unkept = None;
    // The record as it was before this start, once the start has written it.
    let mut before = None;
    let outcome = apply(plan, host, options.paused, progress, &mut |domid, offset| {
        note(Some(domid));
        let mut start = Start::new(&plan.clock, &plan.tsc, facts.now, options.zone_data.clone());
        start.offset = offset;
        let instance =
            Instance { by: ConfiguredBy::Create, ..Instance::followed(&facts.boot_id, domid, facts.now) };
        let kept = options.records.change(uuid, |record, trouble| {
            before = Some(record.clone());
            (Some(recorded(record, uuid, plan, options, start, instance)), trouble)
        });
        unkept = match kept {
            Ok((_, trouble)) => trouble.map(Warning::from),
            Err(error) => Some(error.into()),
        };
    });
    match outcome {
        Ok(outcome) => Ok(Started { outcome, unkept }),
        Err(error) => {
            if let Some(before) = before {
                put_back(options.records, uuid, before);
            }
            Err(error)
        }
    }
}

fn recorded(
    record: Option<ClockRecord>,
    uuid: Uuid,
    plan: &Plan,
    options: &StartOptions<'_>,
    start: Start,
    instance: Instance,
) -> ClockRecord {
    let name = plan.config.name();
    let new = || {
        ClockRecord::new(uuid, name, Request::of_file(options.asked.unwrap_or(&plan.asked)).made(start.at))
    };
    let mut record = match options.asked {
        Some(_) => cold_start::with_request(record, new(), start.at),
        None => record.unwrap_or_else(new),
    };
    name.clone_into(&mut record.name);
    record.ephemeral |= options.made_up;
    unmanaged::offset_in(&plan.config).into_iter().for_each(|offset| record.config_written(offset));
    record.started(start, instance);
    record
}

fn uuid_of(plan: &Plan, doing: &str) -> Result<Uuid, HostError> {
    let missing = || HostError::new(ErrorKind::Invalid, doing, "the config has no UUID".to_owned());
    plan.config.c_info.uuid.ok_or_else(missing)
}

/// Keeps a service and every other start off a guest until it runs. What a killed start has left is taken away first.
/// Without a directory for records there is nobody who could come in between.
pub(super) fn claim(
    host: &dyn Host,
    records: &RecordStore,
    uuid: Uuid,
    doing: &str,
) -> Result<Option<Claim>, HostError> {
    match records.claim(uuid) {
        Ok(Some(mut claim)) => {
            mend_claimed(host, records, &mut claim)?;
            Ok(Some(claim))
        }
        Ok(None) => Err(HostError::new(
            ErrorKind::WrongState,
            doing,
            "another program is starting this guest".to_owned(),
        )),
        Err(_) => Ok(None),
    }
}

/// Notes in a claim what is being done, for whoever finds it when this program was killed.
pub(super) fn note(claim: Option<&Claim>, doing: &str, facts: &HostFacts, domid: Option<DomId>, then: Then) {
    if let Some(claim) = claim {
        claim.note(&Unfinished { doing: doing.to_owned(), boot: facts.boot_id.clone(), domid, then });
    }
}

/// The record as it was before a start that had written it and failed.
pub(super) fn put_back(records: &RecordStore, uuid: Uuid, before: Option<ClockRecord>) {
    // The start has failed already, and says why.
    drop(records.change(uuid, |_, _| (before, ())));
}
