//! All domains of a host, followed: whoever starts them, their clocks are kept.
//!
//! A domain that shuts down is read at once, and what was read is on disk before anything else. A new one is given its
//! clock before its first instruction; one that goes on where it was saved is left alone, but for an RTC that its
//! toolstack has moved (`on_introduced.rs`). In between the RTCs are looked at, for what a guest has done to its own shows nowhere
//! else.

mod host_clock;
mod native;
mod on_introduced;
mod on_shutdown;
mod unwatched;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use timers::GuestKind;
use timers::tsc::Tolerance;
use timers::zone::ZoneSource;

use super::cache::{RecordCache, said};
use super::monitor::read_clock;
use super::requests::XmlRequests;
use super::store::{RecordError, RecordStore};
use super::unfinished::{self, Mended};
use crate::apply::clock::SetTsc;
use crate::host::{
    DomId, DomainSummary, ErrorKind, Event, Host, HostError, HostFacts, RunState, ShutdownReason,
};
use crate::lifecycle::Watched;
use crate::lifecycle::event::{ClockEvent, DomainRef, EventKind};
use crate::lifecycle::host_clock::HostClockWatch;
use crate::lifecycle::model::Discovered;
use crate::lifecycle::record::ClockRecord;

/// The environment of the service.
pub struct Tools<'a> {
    /// The host.
    pub host: &'a dyn Host,
    /// The clock records.
    pub records: &'a RecordStore,
    /// The source of named zones.
    pub zones: &'a dyn ZoneSource,
    /// Sets the TSC of a new domain.
    pub tsc: &'a mut dyn SetTsc,
    /// Clocks requested in domain XML.
    pub requests: &'a mut XmlRequests,
    /// Receives the events.
    pub tell: &'a mut dyn FnMut(ClockEvent),
}

/// How the service keeps clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WatchOptions {
    /// Also keep what guests do to their RTC of which nobody has said anything.
    pub all: bool,
    /// The TSC tolerance of guests that have none of their own.
    pub tsc_tolerance: Tolerance,
    /// A guest that was not looked at for longer may have set its RTC unseen; `None` where that is not told.
    pub unwatched_after: Option<Duration>,
}

impl WatchOptions {
    /// With [`WatchOptions::all`].
    #[must_use]
    pub fn all(self, all: bool) -> Self {
        WatchOptions { all, ..self }
    }

    /// With this tolerance.
    #[must_use]
    pub fn tsc_tolerance(self, tsc_tolerance: Tolerance) -> Self {
        WatchOptions { tsc_tolerance, ..self }
    }

    /// Told are guests that ended unread after they had not been looked at for longer.
    #[must_use]
    pub fn unwatched_after(self, unwatched_after: Duration) -> Self {
        WatchOptions { unwatched_after: Some(unwatched_after), ..self }
    }
}

/// A domain that is followed.
#[derive(Clone, Debug)]
struct Guest {
    domain_ref: DomainRef,
    kind: GuestKind,
    /// Its RTC as it was seen last.
    offset: Option<i64>,
    /// By how many seconds in all it has moved it, as far as that is told.
    told: i64,
    /// Why it ended. It may live on: after a save that left it, a migration that failed, a soft reset.
    ended: Option<ShutdownReason>,
    /// The work that is left.
    pending: Pending,
    /// As it was found at first: what its toolstack has made of it, before the guest did anything.
    first: Option<Discovered>,
    since: Instant,
    /// When its RTC was looked at last.
    looked: Instant,
}

/// The work that is left for a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    /// Nothing.
    Nothing,
    /// All: another program starts it, or its config cannot be read yet.
    All,
    /// Nobody spoke of it, and what its config says is not known yet.
    Config,
}

/// The service's state.
///
/// ```
/// use xenclock::apply::clock::InProcess;
/// use xenclock::domain::DomainConfig;
/// use xenclock::host::{Host, mock::Mock};
/// use xenclock::lifecycle::ClockEvent;
/// use xenclock::timers::{GuestKind, zone::default_zones};
/// use xenclock::tracking::requests::XmlRequests;
/// use xenclock::tracking::store::RecordStore;
/// use xenclock::tracking::watch::{Tools, Watch, WatchOptions};
///
/// # let now = "2026-07-01T12:00:00Z".parse()?;
/// let host = Mock::in_memory(Box::new(move || now));
/// let (records, zones) = (RecordStore::in_memory(), default_zones());
/// let (mut tsc, mut requests) = (InProcess(&host), XmlRequests::in_dirs(vec!["/etc/libvirt/libxl".into()]));
/// let mut events: Vec<ClockEvent> = Vec::new();
/// let mut tell = |event| events.push(event);
/// let tools = Tools {
///     host: &host, records: &records, zones: &*zones, tsc: &mut tsc, requests: &mut requests, tell: &mut tell,
/// };
/// let mut watch = Watch::new(tools, WatchOptions::default().all(true));
/// watch.scan()?;
///
/// let mut config = DomainConfig::new(GuestKind::Hvm);
/// config.c_info.name = Some("guest".to_owned());
/// host.create_paused(&config)?;
/// while let Some(event) = host.next_event(std::time::Duration::ZERO)? {
///     watch.event(&event)?;
/// }
/// watch.go_on()?;
/// assert_eq!(watch.followed(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Watch<'a> {
    tools: Tools<'a>,
    options: WatchOptions,
    cache: RecordCache<'a>,
    guests: BTreeMap<DomId, Guest>,
    late: u64,
    watched: Watched,
    /// As it was kept last.
    watched_kept: Watched,
    host_clock: HostClockWatch,
}

impl<'a> Watch<'a> {
    /// Nothing is followed yet.
    #[must_use]
    pub fn new(tools: Tools<'a>, options: WatchOptions) -> Self {
        let cache = RecordCache::of(tools.records);
        let watched = Watched { steps: None, ..tools.records.watched() };
        let host_clock = HostClockWatch::default();
        Watch {
            tools,
            options,
            cache,
            guests: BTreeMap::new(),
            late: 0,
            watched,
            watched_kept: watched,
            host_clock,
        }
    }

    /// So many domains are followed.
    #[must_use]
    pub fn followed(&self) -> usize {
        self.guests.len()
    }

    /// Looks at all domains: at the beginning, and whenever events may have been missed.
    ///
    /// # Errors
    /// When the host cannot be read.
    pub fn scan(&mut self) -> Result<(), HostError> {
        let facts = self.tools.host.facts()?;
        self.look_at_clock(&facts, true);
        self.mend(&facts);
        // Records first: a domain that comes in between is in the list, and its record is no older than what was read.
        let (records, bad) = self.cache.records().all().unwrap_or_else(|error| (Vec::new(), vec![error]));
        let there = self.guests_there()?;
        let is_there = |domid: DomId| there.iter().any(|domain| domain.domid == domid);
        let gone: Vec<_> = self.guests.keys().filter(|domid| !is_there(**domid)).copied().collect();
        gone.into_iter().for_each(|domid| self.on_destroyed(&facts, domid));
        let (aside, unread): (Vec<_>, Vec<_>) =
            bad.into_iter().partition(|error| matches!(error, RecordError::SetAside { .. }));
        aside.iter().for_each(|error| self.say(&facts, None, said(error)));
        // Nothing more can be known of domains that ended while no service was there.
        for record in records {
            let lives = record
                .instance
                .as_ref()
                .is_some_and(|instance| instance.boot == facts.boot_id && is_there(instance.domid));
            // Its guest may have come again, from another host or by another toolstack: then the record is looked at with it.
            let is_back = there.iter().any(|domain| domain.uuid == record.uuid);
            if record.instance.is_none() {
                self.forget_in_time(&facts, &record);
            } else if !lives && !is_back {
                let troubles = self.cache.change(record.uuid, |now| {
                    // It may have come again since it was read.
                    if now.instance == record.instance {
                        now.gone(facts.now);
                    }
                });
                troubles.into_iter().for_each(|said| self.say(&facts, None, said));
                self.cache.forget(record.uuid);
            }
        }
        for domain in there {
            self.on_introduced(&facts, &domain);
            if let RunState::Shutdown(reason) = domain.state {
                let read = read_clock(self.tools.host, domain.domid);
                self.on_shutdown(&facts, domain.domid, reason, read);
            }
        }
        // Those of guests that are here have been told with their guests.
        for error in unread.iter().filter(|error| !self.cache.is_told(error)).collect::<Vec<_>>() {
            self.say(&facts, None, said(error));
        }
        Ok(())
    }

    /// Something has happened.
    ///
    /// # Errors
    /// When the host cannot be read at all.
    pub fn event(&mut self, event: &Event) -> Result<(), HostError> {
        match event {
            Event::Shutdown { domid, reason, .. } => {
                // It can be read for a moment only, so that comes before anything else.
                let read = read_clock(self.tools.host, *domid);
                let facts = self.tools.host.facts()?;
                self.on_shutdown(&facts, *domid, *reason, read);
            }
            Event::Introduced { domid, .. } => {
                let facts = self.tools.host.facts()?;
                self.mend(&facts);
                let there = self.guests_there()?;
                if let Some(domain) = there.iter().find(|domain| domain.domid == *domid) {
                    self.look_at_others_of(&facts, domain, &there);
                    self.on_introduced(&facts, domain);
                }
            }
            Event::Destroyed { domid, .. } => {
                let facts = self.tools.host.facts()?;
                self.on_destroyed(&facts, *domid);
            }
        }
        Ok(())
    }

    /// True if something waits to be done soon, and not only at the next look at all RTCs.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.guests.values().any(|guest| guest.pending != Pending::Nothing)
    }

    /// Does what waits.
    ///
    /// # Errors
    /// When the host cannot be read at all.
    pub fn go_on(&mut self) -> Result<(), HostError> {
        if !self.waits() {
            return Ok(());
        }
        let facts = self.tools.host.facts()?;
        self.mend(&facts);
        for domain in self.guests_there()? {
            match self.guests.get(&domain.domid).map(|guest| guest.pending) {
                Some(Pending::All) => self.on_introduced(&facts, &domain),
                Some(Pending::Config) => self.refine(&facts, domain.domid),
                _ => {}
            }
        }
        Ok(())
    }

    /// Looks at every RTC, and tries again what the disk did not take.
    ///
    /// # Errors
    /// When the host cannot be read at all.
    pub fn poll(&mut self) -> Result<(), HostError> {
        let facts = self.tools.host.facts()?;
        self.cache.records().settle();
        self.look_at_clock(&facts, false);
        self.mend(&facts);
        self.write_again(&facts)?;
        if self.guests.values().any(|guest| guest.ended.is_some()) {
            for domain in self.guests_there()? {
                let ended = self.guests.get(&domain.domid).is_some_and(|guest| guest.ended.is_some());
                if ended && !matches!(domain.state, RunState::Shutdown(_)) {
                    self.lives_on(&facts, domain.domid);
                }
            }
        }
        let followed: Vec<_> = self
            .guests
            .iter()
            .filter(|(_, guest)| guest.ended.is_none() && guest.pending != Pending::All)
            .map(|(domid, guest)| (*domid, guest.clone()))
            .collect();
        for (domid, guest) in followed {
            if !guest.kind.has_rtc() {
                // Another tool may have set its wallclock, which only the record says.
                drop(self.recall(&facts, &guest.domain_ref));
                continue;
            }
            match self.tools.host.rtc_record(domid) {
                Ok(rtc) => {
                    self.note(domid, |guest| guest.looked = Instant::now());
                    if Some(rtc.offset) != guest.offset || !self.is_recorded(&facts, domid, rtc.offset) {
                        self.moved(&facts, domid, rtc.offset);
                    }
                }
                // It goes away, and its event comes.
                Err(error) if is_going(&error) => {}
                Err(error) => self.failed(&facts, domid, error.to_string()),
            }
        }
        Ok(())
    }

    /// Writes the records that the disk did not take, or has lost. That of a guest that is gone was taken away with it; its
    /// event comes.
    fn write_again(&mut self, facts: &HostFacts) -> Result<(), HostError> {
        let unsaved = self.cache.unsaved();
        let there = if unsaved.is_empty() { Vec::new() } else { self.guests_there()? };
        for uuid in unsaved {
            if self.cache.is_unsaved(uuid) || there.iter().any(|domain| domain.uuid == uuid) {
                let troubles = self.cache.change(uuid, |_| {});
                troubles.into_iter().for_each(|said| self.say(facts, None, said));
            }
        }
        Ok(())
    }

    /// Puts right what killed programs have left half-done.
    fn mend(&mut self, facts: &HostFacts) {
        match unfinished::mend(self.tools.host, self.cache.records()) {
            Ok(mended) => mended.into_iter().for_each(|Mended { domain, why }| {
                let domain_ref = DomainRef { domid: domain.domid, uuid: domain.uuid, name: domain.name };
                self.say(facts, Some(domain_ref), EventKind::Interrupted { why });
            }),
            Err(error) => self.say(facts, None, EventKind::Failed { why: error.to_string() }),
        }
    }

    /// Drops the record of a guest that has not come again for long enough.
    fn forget_in_time(&mut self, facts: &HostFacts, record: &ClockRecord) {
        let watched = self.watched.seconds;
        let mut noted = record.clone();
        if !noted.is_forgotten(watched) && noted == *record {
            return;
        }
        let done = self.cache.records().change(record.uuid, |record, _| {
            (record.and_then(|mut record| (!record.is_forgotten(watched)).then_some(record)), ())
        });
        done.err().iter().for_each(|error| self.say(facts, None, said(error)));
    }

    fn guests_there(&self) -> Result<Vec<DomainSummary>, HostError> {
        let mut all = self.tools.host.domains()?;
        all.retain(|domain| domain.domid != DomId(0) && domain.state != RunState::Dying);
        Ok(all)
    }

    /// The RTC stands somewhere, perhaps elsewhere than it was seen last.
    fn moved(&mut self, facts: &HostFacts, domid: DomId, offset: i64) {
        let Some(domain_ref) = self.guests.get(&domid).map(|guest| guest.domain_ref.clone()) else { return };
        self.note(domid, |guest| guest.offset = Some(offset));
        let mut changes = None;
        self.change(facts, &domain_ref, |record| {
            record.seen(offset, facts.now);
            changes = Some(record.guest.seconds);
        });
        self.tell_changes(facts, domid, changes, offset);
    }

    /// Tells what the guest itself has done to its RTC, whichever tool was the first to see it, and nothing that others
    /// did.
    fn tell_changes(&mut self, facts: &HostFacts, domid: DomId, changes: Option<i64>, offset: i64) {
        let (Some(guest), Some(changes)) = (self.guests.get_mut(&domid), changes) else { return };
        let by = changes.saturating_sub(std::mem::replace(&mut guest.told, changes));
        if by != 0 {
            let domain_ref = guest.domain_ref.clone();
            let before = offset.saturating_sub(by);
            self.say(facts, Some(domain_ref), EventKind::RtcChange { before, offset });
        }
    }

    fn note(&mut self, domid: DomId, with: impl FnOnce(&mut Guest)) {
        if let Some(guest) = self.guests.get_mut(&domid) {
            with(guest);
        }
    }

    /// The record of a domain that is followed, as other tools have left it. One that cannot be read is reported when it is
    /// to be changed.
    fn record_now(&mut self, facts: &HostFacts, domid: DomId) -> Option<ClockRecord> {
        let domain_ref = self.guests.get(&domid)?.domain_ref.clone();
        let (record, trouble) = self.cache.get(domain_ref.uuid);
        // It is set aside only once.
        if let Some(set_aside @ EventKind::RecordSetAside { .. }) = trouble {
            self.say(facts, Some(domain_ref), set_aside);
        }
        record.filter(|record| record.is_instance(&facts.boot_id, domid))
    }

    fn recall(&mut self, facts: &HostFacts, domain_ref: &DomainRef) -> Option<ClockRecord> {
        let (record, trouble) = self.cache.get(domain_ref.uuid);
        trouble.into_iter().for_each(|said| self.say(facts, Some(domain_ref.clone()), said));
        record
    }

    fn change(&mut self, facts: &HostFacts, domain_ref: &DomainRef, mut with: impl FnMut(&mut ClockRecord)) {
        let troubles = self.cache.change(domain_ref.uuid, |record| {
            record.name.clone_from(&domain_ref.name);
            with(record);
        });
        troubles.into_iter().for_each(|said| self.say(facts, Some(domain_ref.clone()), said));
    }

    fn failed(&mut self, facts: &HostFacts, domid: DomId, why: String) {
        let domain_ref = self.guests.get(&domid).map(|guest| guest.domain_ref.clone());
        self.say(facts, domain_ref, EventKind::Failed { why });
    }

    fn say(&mut self, facts: &HostFacts, domain: Option<DomainRef>, said: EventKind) {
        (self.tools.tell)(ClockEvent { time: to_the_millisecond(facts.now), kind: said, domain });
    }
}

fn to_the_millisecond(now: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
}

/// True if a domain could not be read because it goes away.
fn is_going(error: &HostError) -> bool {
    matches!(error.kind, ErrorKind::NoSuchDomain | ErrorKind::WrongState | ErrorKind::Invalid)
}

#[cfg(test)]
mod tests;
