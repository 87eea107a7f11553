//! All domains of a host, followed: whoever starts them, their clocks are kept.
//!
//! A domain that shuts down is read at once, and what was read is on disk before anything else. A new one is given its
//! clock before its first instruction; one that goes on where it was saved is left alone, but for an RTC that its
//! toolstack has moved. In between the RTCs are looked at, for what a guest has done to its own shows nowhere else.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use timers::zone::ZoneSource;
use timers::{GuestClock, GuestKind, UtcOffset};
use uuid::Uuid;

use super::born::{SetTsc, set_new};
use super::found;
use super::memory::{Memory, said};
use super::monitor::read_clock;
use super::records::Records;
use super::wishes::Wishes;
use crate::host::{
    DomId, DomainSummary, ErrorKind, Event, Host, HostError, HostFacts, RtcRecord, RunState, ShutdownReason,
    TscInfo,
};
use crate::life::model::{Due, Found, due};
use crate::life::notice::{Notice, Said, Whose};
use crate::life::record::{ClockRecord, Keeper, Life, Wish, WishFrom};

/// libxl writes a domain's config down only when it has made all of it.
const CONFIG_WITHIN: Duration = Duration::from_secs(60);

/// What the service works with.
pub struct Tools<'a> {
    /// The host.
    pub host: &'a dyn Host,
    /// The clock records.
    pub records: &'a Records,
    /// Where zones are looked up.
    pub zones: &'a dyn ZoneSource,
    /// Sets the TSC of a new domain.
    pub tsc: &'a mut dyn SetTsc,
    /// What domains that nobody spoke of are to have.
    pub wishes: &'a mut Wishes,
    /// Is told what happens.
    pub tell: &'a mut dyn FnMut(Notice),
}

/// How the service keeps clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Also keep what guests do to their RTC of which nobody has said anything.
    pub all: bool,
}

/// A domain that is followed.
#[derive(Clone, Debug)]
struct Guest {
    whose: Whose,
    kind: GuestKind,
    /// Its RTC as it was seen last.
    offset: Option<i64>,
    ended: bool,
    /// What is still to be done about it.
    open: Open,
    since: Instant,
}

/// What is still to be done about a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// Nothing.
    Nothing,
    /// All: another program starts it, or its config cannot be read yet.
    All,
    /// Nobody spoke of it, and what its config says is not known yet.
    Config,
}

/// The service's state.
pub struct Watch<'a> {
    tools: Tools<'a>,
    manner: Manner,
    memory: Memory<'a>,
    guests: BTreeMap<DomId, Guest>,
    late: u64,
}

/// What could be read of a domain's clock.
type Read = Result<(Option<RtcRecord>, TscInfo), HostError>;

impl<'a> Watch<'a> {
    /// Nothing is followed yet.
    #[must_use]
    pub fn new(tools: Tools<'a>, manner: Manner) -> Self {
        let memory = Memory::of(tools.records);
        Watch { tools, manner, memory, guests: BTreeMap::new(), late: 0 }
    }

    /// So many new domains were found too late.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.late
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
        let there = self.guests_there()?;
        let is_there = |domid: DomId| there.iter().any(|domain| domain.domid == domid);
        let gone: Vec<_> = self.guests.keys().filter(|domid| !is_there(**domid)).copied().collect();
        gone.into_iter().for_each(|domid| self.gone(&facts, domid));
        let (records, bad) = self.memory.records().all().unwrap_or_else(|error| (Vec::new(), vec![error]));
        bad.iter().for_each(|error| self.say(&facts, None, said(error)));
        // Of those that ended while no service was there, nothing more can be known.
        for record in records {
            let lives =
                record.life.as_ref().is_some_and(|life| life.boot == facts.boot_id && is_there(life.domid));
            if record.life.is_some() && !lives {
                let troubles = self.memory.change(record.uuid, |record| record.gone(facts.now));
                troubles.into_iter().for_each(|said| self.say(&facts, None, said));
                self.memory.forget(record.uuid);
            }
        }
        for domain in there {
            self.come(&facts, &domain);
            if let RunState::Shutdown(reason) = domain.state {
                let read = read_clock(self.tools.host, domain.domid);
                self.ended(&facts, domain.domid, reason, read);
            }
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
                self.ended(&facts, *domid, *reason, read);
            }
            Event::Introduced { domid, .. } => {
                let there = self.guests_there()?;
                let facts = self.tools.host.facts()?;
                if let Some(domain) = there.iter().find(|domain| domain.domid == *domid) {
                    self.look_at_others_of(&facts, domain, &there);
                    self.come(&facts, domain);
                }
            }
            Event::Destroyed { domid, .. } => {
                let facts = self.tools.host.facts()?;
                self.gone(&facts, *domid);
            }
        }
        Ok(())
    }

    /// Whether something waits to be done soon, and not only at the next look at all RTCs.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.guests.values().any(|guest| guest.open != Open::Nothing)
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
        for domain in self.guests_there()? {
            match self.guests.get(&domain.domid).map(|guest| guest.open) {
                Some(Open::All) => self.come(&facts, &domain),
                Some(Open::Config) => self.refine(&facts, domain.domid),
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
        for uuid in self.memory.unsaved() {
            let troubles = self.memory.change(uuid, |_| {});
            troubles.into_iter().for_each(|said| self.say(&facts, None, said));
        }
        let with_rtc: Vec<_> = self
            .guests
            .iter()
            .filter(|(_, guest)| guest.kind.has_rtc() && !guest.ended && guest.open != Open::All)
            .map(|(domid, guest)| (*domid, guest.offset))
            .collect();
        for (domid, before) in with_rtc {
            match self.tools.host.rtc_record(domid) {
                Ok(rtc) if Some(rtc.offset) != before => self.moved(&facts, domid, rtc.offset),
                Ok(_) => {}
                // It goes away, and its event comes.
                Err(error) if is_going(&error) => {}
                Err(error) => self.failed(&facts, domid, error.to_string()),
            }
        }
        Ok(())
    }

    fn guests_there(&self) -> Result<Vec<DomainSummary>, HostError> {
        let mut all = self.tools.host.domains()?;
        all.retain(|domain| domain.domid != DomId(0) && domain.state != RunState::Dying);
        Ok(all)
    }

    /// Before a domain is looked at that has come: others of the same guest may have ended without a word so far, as
    /// in a migration to this same host.
    fn look_at_others_of(&mut self, facts: &HostFacts, domain: &DomainSummary, there: &[DomainSummary]) {
        for other in there.iter().filter(|other| other.uuid == domain.uuid && other.domid != domain.domid) {
            if let RunState::Shutdown(reason) = other.state {
                let read = read_clock(self.tools.host, other.domid);
                self.ended(facts, other.domid, reason, read);
            }
        }
    }

    /// A domain has come, or is there at the beginning.
    fn come(&mut self, facts: &HostFacts, domain: &DomainSummary) {
        let Ok(uuid) = Uuid::try_parse(&domain.uuid) else { return };
        let known = self.guests.get(&domain.domid).filter(|guest| guest.whose.uuid == uuid);
        if known.is_some_and(|guest| guest.open != Open::All) {
            return;
        }
        let since = known.map_or_else(Instant::now, |guest| guest.since);
        let whose = Whose { domid: domain.domid, uuid, name: domain.name.clone() };
        let guest = Guest { whose, kind: domain.kind, offset: None, ended: false, open: Open::All, since };
        self.guests.insert(domain.domid, guest.clone());
        if self.memory.records().is_claimed(uuid).unwrap_or(false) {
            return;
        }
        let mut found = match find(self.tools.host, facts, domain) {
            Ok(found) => found,
            Err(error) if is_going(&error) => return,
            Err(error) => return self.failed(facts, domain.domid, error.to_string()),
        };
        let record = self.record_of(facts, &guest, &found);
        // Only a restored guest's RTC can have been moved by its config.
        let doubt = record.as_ref().is_some_and(|record| !record.lives_as(&found.boot, found.domid));
        if doubt && found.incarnation > 1 {
            match self.tools.host.stored_config(domain.domid) {
                Ok(config) => found.config_moves_rtc = found::moves_rtc(&config),
                // It comes to be there; until then the domain waits.
                Err(_) if since.elapsed() < CONFIG_WITHIN => return,
                Err(error) => self.failed(facts, domain.domid, error.to_string()),
            }
        }
        self.note(domain.domid, |guest| (guest.offset, guest.open) = (found.offset, Open::Nothing));
        match due(record.as_ref(), &found) {
            Due::Nothing => self.known(facts, &guest, &found),
            Due::SetNew(clock) => self.set(facts, &guest, &found, &clock),
            Due::SetLate(clock) => self.set_late(facts, &guest, &found, &clock),
            Due::Follow(why) => self.follow(facts, &guest, &found, why),
            Due::PutRight(offset) => self.put_right(facts, &guest, &found, offset),
        }
        self.refine(facts, domain.domid);
    }

    /// What is kept of a guest, with what its XML asks now. One that nobody spoke of gets a record where its changes are
    /// to be kept too.
    fn record_of(&mut self, facts: &HostFacts, guest: &Guest, found: &Found) -> Option<ClockRecord> {
        let whose = &guest.whose;
        let kept = self.recall(facts, whose);
        if kept.as_ref().is_some_and(|record| record.lives_as(&found.boot, found.domid)) {
            return kept;
        }
        let asked = self.tools.wishes.of(whose.uuid, &whose.name).unwrap_or_else(|why| {
            self.failed(facts, whose.domid, why);
            None
        });
        let before = kept.clone();
        let record = match (kept, asked) {
            (kept, Some(asked)) => {
                let from = WishFrom::Xml(asked.path.display().to_string());
                let wish = Wish { clock: asked.clock.clone(), from: from.clone(), wrapper: false };
                let mut record = kept.unwrap_or_else(|| ClockRecord::new(whose.uuid, &whose.name, wish));
                record.asked_by_file(&asked.clock, from);
                record
            }
            (Some(mut record), None) => {
                if found.incarnation == 1 && !found.has_run {
                    found::refound(&mut record, found, facts, self.tools.zones);
                }
                record
            }
            (None, None) => {
                let offset = found.offset.filter(|_| self.manner.all)?;
                self.memory.put(found::record(whose, offset));
                // It is followed, and the first thing that is kept of it is where it stands.
                return None;
            }
        };
        if before.as_ref() != Some(&record) {
            self.memory.put(record.clone());
        }
        Some(record)
    }

    /// What a guest was asked to have of which nobody spoke is what its config says, as soon as that can be read.
    fn refine(&mut self, facts: &HostFacts, domid: DomId) {
        let Some(guest) = self.guests.get(&domid).cloned() else { return };
        let record = self.recall(facts, &guest.whose);
        if record.is_none_or(|record| record.wish.from != WishFrom::Found) {
            return self.note(domid, |guest| guest.open = Open::Nothing);
        }
        match self.tools.host.stored_config(domid) {
            Ok(config) => {
                self.note(domid, |guest| guest.open = Open::Nothing);
                self.change(facts, &guest.whose, |record| found::refine(record, &config));
            }
            Err(_) if guest.since.elapsed() < CONFIG_WITHIN => {
                self.note(domid, |guest| guest.open = Open::Config)
            }
            Err(_) => self.note(domid, |guest| guest.open = Open::Nothing),
        }
    }

    /// Its clock was seen to already: by whoever started it, or by the service before this one.
    fn known(&mut self, facts: &HostFacts, guest: &Guest, found: &Found) {
        let why = "its clock was seen to already".to_owned();
        self.say(facts, Some(guest.whose.clone()), Said::Followed { offset: found.offset, why });
        found.offset.into_iter().for_each(|offset| self.moved(facts, found.domid, offset));
    }

    fn set(&mut self, facts: &HostFacts, guest: &Guest, found: &Found, clock: &GuestClock) {
        let tsc: &mut dyn SetTsc = self.tools.tsc;
        let set = match set_new(self.tools.host, Some(tsc), found, clock, facts, self.tools.zones) {
            Ok(set) => set,
            Err(error) => return self.not_set(facts, guest, found, &error.to_string()),
        };
        let offset = i64::from(set.start.offset.seconds());
        self.note(found.domid, |guest| guest.offset = guest.offset.map(|_| offset));
        let life = Life::of(found, facts.now, Keeper::Outside);
        self.change(facts, &guest.whose, |record| record.started(set.start.clone(), life.clone()));
        let after_ms = u64::try_from(guest.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let source = set.start.source.clone();
        let said = Said::ClockSet { offset, tsc_khz: set.tsc_khz, source, after_ms };
        self.say(facts, Some(guest.whose.clone()), said);
        set.trouble.into_iter().for_each(|why| self.failed(facts, found.domid, why));
    }

    fn set_late(&mut self, facts: &HostFacts, guest: &Guest, found: &Found, clock: &GuestClock) {
        let set = match set_new(self.tools.host, None, found, clock, facts, self.tools.zones) {
            Ok(set) => set,
            Err(error) => return self.not_set(facts, guest, found, &error.to_string()),
        };
        self.late += 1;
        let offset = i64::from(set.start.offset.seconds());
        self.note(found.domid, |guest| guest.offset = guest.offset.map(|_| offset));
        let life = Life::of(found, facts.now, Keeper::Late);
        self.change(facts, &guest.whose, |record| record.started(set.start.clone(), life.clone()));
        let tsc_khz_missed = set.trouble.is_some().then_some(set.start.tsc.khz.0);
        let said = Said::TooLate { offset, tsc_khz_missed, count: self.late };
        self.say(facts, Some(guest.whose.clone()), said);
    }

    /// The clock cannot be had; the domain is followed as it is.
    fn not_set(&mut self, facts: &HostFacts, guest: &Guest, found: &Found, why: &str) {
        let life = Life::of(found, facts.now, Keeper::Followed);
        self.change(facts, &guest.whose, |record| record.went_on(life.clone(), found.offset));
        self.failed(facts, found.domid, format!("its clock was not set: {why}"));
    }

    fn follow(&mut self, facts: &HostFacts, guest: &Guest, found: &Found, why: &str) {
        let life = Life::of(found, facts.now, Keeper::Followed);
        self.change(facts, &guest.whose, |record| record.went_on(life.clone(), found.offset));
        let said = Said::Followed { offset: found.offset, why: why.to_owned() };
        self.say(facts, Some(guest.whose.clone()), said);
    }

    fn put_right(&mut self, facts: &HostFacts, guest: &Guest, found: &Found, offset: i64) {
        let set =
            |offset| self.tools.host.set_time_offset(found.domid, offset).map_err(|error| error.to_string());
        let done = UtcOffset::new(offset).map_err(|error| error.to_string()).and_then(set);
        if let Err(why) = done {
            return self.not_set(facts, guest, found, &why);
        }
        self.note(found.domid, |guest| guest.offset = guest.offset.map(|_| offset));
        let life = Life::of(found, facts.now, Keeper::Followed);
        self.change(facts, &guest.whose, |record| record.went_on(life.clone(), Some(offset)));
        self.say(facts, Some(guest.whose.clone()), Said::PutRight { before: found.offset, offset });
    }

    /// The RTC stands somewhere, perhaps elsewhere than it was seen last.
    fn moved(&mut self, facts: &HostFacts, domid: DomId, offset: i64) {
        let Some(whose) = self.guests.get(&domid).map(|guest| guest.whose.clone()) else { return };
        self.note(domid, |guest| guest.offset = Some(offset));
        let mut before = None;
        self.change(facts, &whose, |record| before = record.seen(offset, facts.now));
        if let Some(before) = before {
            self.say(facts, Some(whose), Said::RtcChange { before, offset });
        }
    }

    /// A domain has shut down, and this could be read of it.
    fn ended(&mut self, facts: &HostFacts, domid: DomId, reason: ShutdownReason, read: Read) {
        let Some(guest) = self.guests.get_mut(&domid) else { return };
        if std::mem::replace(&mut guest.ended, true) {
            return;
        }
        // Where it is too late to read it, what was seen last counts.
        let (offset, incarnation) = match read {
            Ok((rtc, tsc)) => (rtc.map(|rtc| rtc.offset), tsc.incarnation),
            Err(_) => (guest.offset, 1),
        };
        guest.offset = offset;
        let whose = guest.whose.clone();
        let mut before = None;
        self.change(facts, &whose, |record| {
            if record.lives_as(&facts.boot_id, domid) {
                before = record.ended(reason, offset, incarnation, facts.now);
            }
        });
        if let (Some(before), Some(offset)) = (before, offset) {
            self.say(facts, Some(whose.clone()), Said::RtcChange { before, offset });
        }
        self.say(facts, Some(whose), Said::Ended { reason, offset });
    }

    fn gone(&mut self, facts: &HostFacts, domid: DomId) {
        let Some(Guest { whose, .. }) = self.guests.remove(&domid) else { return };
        let same = |other: &&Guest| other.whose.uuid == whose.uuid && !other.ended;
        // A migration to this host that failed: the guest goes on where it was.
        let other = self.guests.values().find(same).cloned();
        self.change(facts, &whose, |record| match &other {
            _ if !record.lives_as(&facts.boot_id, domid) => {}
            Some(other) => {
                let boot = facts.boot_id.clone();
                let life = Life { boot, domid: other.whose.domid, since: facts.now, by: Keeper::Followed };
                record.went_on(life, other.offset);
            }
            None => record.gone(facts.now),
        });
        if other.is_none() {
            self.memory.forget(whose.uuid);
        }
        self.say(facts, Some(whose), Said::Gone);
    }

    fn note(&mut self, domid: DomId, with: impl FnOnce(&mut Guest)) {
        if let Some(guest) = self.guests.get_mut(&domid) {
            with(guest);
        }
    }

    fn recall(&mut self, facts: &HostFacts, whose: &Whose) -> Option<ClockRecord> {
        let (record, trouble) = self.memory.get(whose.uuid);
        trouble.into_iter().for_each(|said| self.say(facts, Some(whose.clone()), said));
        record
    }

    fn change(&mut self, facts: &HostFacts, whose: &Whose, mut with: impl FnMut(&mut ClockRecord)) {
        let troubles = self.memory.change(whose.uuid, |record| {
            record.name.clone_from(&whose.name);
            with(record);
        });
        troubles.into_iter().for_each(|said| self.say(facts, Some(whose.clone()), said));
    }

    fn failed(&mut self, facts: &HostFacts, domid: DomId, why: String) {
        let whose = self.guests.get(&domid).map(|guest| guest.whose.clone());
        self.say(facts, whose, Said::Failed { why });
    }

    fn say(&mut self, facts: &HostFacts, domain: Option<Whose>, said: Said) {
        (self.tools.tell)(Notice { time: to_the_millisecond(facts.now), said, domain });
    }
}

fn find(host: &dyn Host, facts: &HostFacts, domain: &DomainSummary) -> Result<Found, HostError> {
    let (rtc, tsc) = read_clock(host, domain.domid)?;
    Ok(Found {
        boot: facts.boot_id.clone(),
        domid: domain.domid,
        kind: domain.kind,
        offset: rtc.map(|rtc| rtc.offset),
        incarnation: tsc.incarnation,
        has_run: domain.has_run,
        config_moves_rtc: false,
    })
}

fn to_the_millisecond(now: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
}

/// Whether a domain could not be read because it goes away.
fn is_going(error: &HostError) -> bool {
    matches!(error.kind, ErrorKind::NoSuchDomain | ErrorKind::WrongState | ErrorKind::Invalid)
}
