//! A domain has come: what it is due, and doing it.

use std::time::{Duration, Instant};

use timers::{GuestClock, UtcOffset};
use uuid::Uuid;

use super::{Guest, Open, Watch, is_going};
use crate::host::{DomId, DomainSummary, Host, HostError, HostFacts};
use crate::keep::born::{SetTsc, set_new};
use crate::keep::found;
use crate::keep::monitor::read_clock;
use crate::life::model::{Due, Found, due};
use crate::life::notice::{Said, Whose};
use crate::life::record::{ClockRecord, Keeper, Life, Wish, WishFrom};

/// libxl writes a domain's config down only when it has made all of it.
const CONFIG_WITHIN: Duration = Duration::from_secs(60);

impl Watch<'_> {
    /// A domain has come, or is there at the beginning.
    pub(super) fn come(&mut self, facts: &HostFacts, domain: &DomainSummary) {
        let Ok(uuid) = Uuid::try_parse(&domain.uuid) else { return };
        let known = self.guests.get(&domain.domid).filter(|guest| guest.whose.uuid == uuid);
        if known.is_some_and(|guest| guest.open != Open::All) {
            return;
        }
        let since = known.map_or_else(Instant::now, |guest| guest.since);
        let first = known.and_then(|guest| guest.first.clone());
        let whose = Whose { domid: domain.domid, uuid, name: domain.name.clone() };
        let (kind, offset) = (domain.kind, None);
        let mut guest = Guest { whose, kind, offset, told: 0, ended: None, open: Open::All, first, since };
        self.guests.insert(domain.domid, guest.clone());
        if self.memory.records().is_claimed(uuid).unwrap_or(false) {
            return;
        }
        let looked = || find(self.tools.host, facts, domain);
        let mut found = match guest.first.take().map_or_else(looked, Ok) {
            Ok(found) => found,
            Err(error) if is_going(&error) => return,
            Err(error) => return self.failed(facts, domain.domid, error.to_string()),
        };
        self.note(domain.domid, |guest| guest.first = Some(found.clone()));
        let record = self.record_of(facts, &guest, &found);
        // Only a restored guest's RTC can have been moved by its config.
        let doubt = record.as_ref().is_some_and(|record| !record.lives_as(&found.boot, found.domid));
        if doubt && found.incarnation > 1 {
            match self.tools.host.stored_config(domain.domid) {
                Ok(config) => found.config_offset = found::gives(&config, facts, self.tools.zones),
                // It comes to be there; until then the domain waits.
                Err(_) if since.elapsed() < CONFIG_WITHIN => return,
                Err(error) => self.failed(facts, domain.domid, error.to_string()),
            }
        }
        let told = record.as_ref().map_or(0, |record| record.guest.seconds);
        self.note(domain.domid, |guest| {
            (guest.offset, guest.told, guest.open) = (found.offset, told, Open::Nothing);
        });
        match due(record.as_ref(), &found) {
            Due::Nothing => self.known(facts, &guest, &found),
            Due::SetNew(clock) => self.set(facts, &guest, &found, &clock),
            Due::SetLate(clock) => self.set_late(facts, &guest, &found, &clock),
            Due::Follow(why, from) => self.follow(facts, &guest, &found, why, from),
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
                let wish = Wish { clock: asked.clock.clone(), from: from.clone() };
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
    pub(super) fn refine(&mut self, facts: &HostFacts, domid: DomId) {
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
        self.note(found.domid, |guest| (guest.offset, guest.told) = (guest.offset.map(|_| offset), 0));
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
        self.note(found.domid, |guest| (guest.offset, guest.told) = (guest.offset.map(|_| offset), 0));
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

    fn follow(&mut self, facts: &HostFacts, guest: &Guest, found: &Found, why: &str, from: Option<i64>) {
        let life = Life::of(found, facts.now, Keeper::Followed);
        let from = from.filter(|_| found.offset.is_some()).or(found.offset);
        self.change(facts, &guest.whose, |record| record.went_on(life.clone(), from));
        let said = Said::Followed { offset: from, why: why.to_owned() };
        self.say(facts, Some(guest.whose.clone()), said);
        // It may have set its RTC before it was found.
        found.offset.into_iter().for_each(|offset| self.moved(facts, found.domid, offset));
    }

    fn put_right(&mut self, facts: &HostFacts, guest: &Guest, found: &Found, offset: i64) {
        // What the guest has done to its RTC since it was found stays.
        let now = self.tools.host.rtc_record(found.domid).ok().map(|rtc| rtc.offset);
        let since = now.zip(found.offset).map_or(0, |(now, first)| now.saturating_sub(first));
        let offset = offset.saturating_add(since);
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
        config_offset: None,
    })
}
