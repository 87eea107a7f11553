//! A domain has come: what it is due, and doing it.

use std::time::{Duration, Instant};

use timers::UtcOffset;

use super::{Guest, Pending, Watch, is_going};
use crate::apply::clock::{GuestState, SetTsc, set_rtc};
use crate::host::{DomId, DomainSummary, ErrorKind, Host, HostError, HostFacts};
use crate::lifecycle::event::{DomainRef, EventKind};
use crate::lifecycle::model::{Discovered, Due, due};
use crate::lifecycle::record::{
    ClockRecord, ConfiguredBy, Correction, Instance, Request, RequestOrigin, Unset,
};
use crate::plan::RtcTarget;
use crate::tracking::cold_start::{self, configure};
use crate::tracking::monitor::read_clock;
use crate::tracking::unmanaged;
use crate::tracking::warning::Warning;

/// libxl writes a domain's config down only when it has made all of it.
const CONFIG_WITHIN: Duration = Duration::from_secs(60);

impl Watch<'_> {
    /// A domain has come, or is there at the beginning.
    pub(super) fn on_introduced(&mut self, facts: &HostFacts, domain: &DomainSummary) {
        let uuid = domain.uuid;
        let known = self.guests.get(&domain.domid).filter(|guest| guest.domain_ref.uuid == uuid);
        if known.is_some_and(|guest| guest.pending != Pending::All) {
            return;
        }
        let looked = Instant::now();
        let since = known.map_or(looked, |guest| guest.since);
        let first = known.and_then(|guest| guest.first.clone());
        let domain_ref = DomainRef { domid: domain.domid, uuid, name: domain.name.clone() };
        let (kind, offset) = (domain.kind, None);
        let mut guest = Guest {
            domain_ref,
            kind,
            offset,
            told: 0,
            ended: None,
            pending: Pending::All,
            first,
            since,
            looked,
        };
        self.guests.insert(domain.domid, guest.clone());
        if self.cache.records().is_claimed(uuid).unwrap_or(false) {
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
        let doubt = record.as_ref().is_some_and(|record| !record.is_instance(&found.boot, found.domid));
        if doubt && found.incarnation > 1 {
            match self.tools.host.stored_config(domain.domid) {
                Ok(config) => found.config_offset = unmanaged::gives(&config, facts),
                // It comes to be there; until then the domain waits.
                Err(_) if since.elapsed() < CONFIG_WITHIN => return,
                Err(error) => self.failed(facts, domain.domid, error.to_string()),
            }
        }
        let told = record.as_ref().map_or(0, |record| record.guest.seconds);
        self.note(domain.domid, |guest| {
            (guest.offset, guest.told, guest.pending) = (found.offset, told, Pending::Nothing);
        });
        let due = due(record.as_ref(), &found);
        let restored = found.incarnation > 1 && due != Due::Nothing;
        match due {
            Due::Nothing => self.known(facts, &guest, &found),
            Due::ColdStart(record) => self.set(facts, &guest, &found, &record),
            Due::Follow(why, from) => {
                let from = from.filter(|_| found.offset.is_some()).or(found.offset);
                self.follow(facts, &guest, &found, why, from, |record, instance| {
                    record.continued(instance, from)
                });
            }
            Due::FollowUnknown => {
                let (why, from) =
                    ("restored or migrated from a save that this host has not seen", found.offset);
                self.follow(facts, &guest, &found, why, from, |record, instance| {
                    record.found_alive(instance, from)
                });
            }
            Due::FollowUnset => {
                let instance = unset(&found, facts);
                self.change(facts, &guest.domain_ref, |record| record.continued(instance.clone(), None));
                let why = "continues from its save".to_owned();
                self.say(
                    facts,
                    Some(guest.domain_ref.clone()),
                    EventKind::Followed { offset: found.offset, why },
                );
            }
            Due::PutRight(offset) => self.put_right(facts, &guest, &found, offset),
        }
        if restored {
            self.make_native(facts, &guest, &found, record.as_ref());
        }
        self.refine(facts, domain.domid);
    }

    /// The record of a guest, with the request of its XML. An unmanaged guest gets a record if its changes are
    /// to be kept too.
    fn record_of(&mut self, facts: &HostFacts, guest: &Guest, found: &Discovered) -> Option<ClockRecord> {
        let domain_ref = &guest.domain_ref;
        let kept = self.recall(facts, domain_ref);
        if kept.as_ref().is_some_and(|record| record.is_instance(&found.boot, found.domid)) {
            return kept;
        }
        let asked = self.tools.requests.of(domain_ref.uuid, &domain_ref.name).unwrap_or_else(|error| {
            self.failed(facts, domain_ref.domid, error.to_string());
            None
        });
        let before = kept.clone();
        let record = match (kept, asked) {
            (kept, Some(asked)) => {
                let from = RequestOrigin::Xml(asked.path.display().to_string());
                let request = Request::new(asked.clock.clone(), from.clone()).made(facts.now);
                let mut record =
                    kept.unwrap_or_else(|| ClockRecord::new(domain_ref.uuid, &domain_ref.name, request));
                record.adopt_from_file(&asked.clock, from, facts.now);
                record
            }
            (Some(mut record), None) => {
                if found.incarnation == 1 && !found.has_run {
                    unmanaged::refound(&mut record, found, facts, self.tools.zones);
                }
                record
            }
            (None, None) => {
                let offset = found.offset.filter(|_| self.options.all)?;
                self.cache.put(unmanaged::record(domain_ref, offset));
                // It is followed, and the first thing that is kept of it is where it stands.
                return None;
            }
        };
        if before.as_ref() != Some(&record) {
            self.cache.put(record.clone());
        }
        Some(record)
    }

    /// Takes the request of an unmanaged guest from its config, as soon as that can be read.
    pub(super) fn refine(&mut self, facts: &HostFacts, domid: DomId) {
        let Some(guest) = self.guests.get(&domid).cloned() else { return };
        let record = self.recall(facts, &guest.domain_ref);
        if record.is_none_or(|record| record.request.from != RequestOrigin::Unmanaged) {
            return self.note(domid, |guest| guest.pending = Pending::Nothing);
        }
        match self.tools.host.stored_config(domid) {
            Ok(config) => {
                self.note(domid, |guest| guest.pending = Pending::Nothing);
                let is_restored = guest.first.as_ref().is_some_and(|found| found.incarnation > 1);
                let refine = |record: &mut ClockRecord| unmanaged::refine(record, &config, is_restored);
                self.change(facts, &guest.domain_ref, refine);
            }
            Err(_) if guest.since.elapsed() < CONFIG_WITHIN => {
                self.note(domid, |guest| guest.pending = Pending::Config)
            }
            Err(_) => self.note(domid, |guest| guest.pending = Pending::Nothing),
        }
    }

    /// Its clock was seen to already: by whoever started it, or by the service before this one.
    fn known(&mut self, facts: &HostFacts, guest: &Guest, found: &Discovered) {
        let why = "already configured".to_owned();
        self.say(facts, Some(guest.domain_ref.clone()), EventKind::Followed { offset: found.offset, why });
        found.offset.into_iter().for_each(|offset| self.moved(facts, found.domid, offset));
        self.tell_dropped(facts, &guest.domain_ref);
    }

    /// Reports, once, the TSC frequency that the guest's monitor has dropped at its restart.
    fn tell_dropped(&mut self, facts: &HostFacts, domain_ref: &DomainRef) {
        let record = self.recall(facts, domain_ref);
        let Some(before) = record.and_then(|record| record.dropped_frequency) else { return };
        self.change(facts, domain_ref, |record| record.dropped_frequency = None);
        let why = Warning::TscFrequencyDropped { before }.to_string();
        let kind = EventKind::TscDropped { before_hz: before, why };
        self.say(facts, Some(domain_ref.clone()), kind);
    }

    /// Gives the domain the clock of a cold start: before its first instruction, or where it runs already its RTC live.
    fn set(&mut self, facts: &HostFacts, guest: &Guest, found: &Discovered, record: &ClockRecord) {
        let late = found.has_run;
        let start = match cold_start::resolve(record, found.kind, facts, self.tools.zones) {
            Ok(start) => start,
            Err(refusal) => return self.not_started(facts, guest, found, &refusal.with_remedies()),
        };
        let tsc: Option<&mut dyn SetTsc> = if late { None } else { Some(self.tools.tsc) };
        let set = match configure(self.tools.host, tsc, found, &start, facts, self.tools.zones) {
            Ok(set) => set,
            // Its record may be its successor's by now.
            Err(error) if error.kind == ErrorKind::NoSuchDomain => return,
            Err(error) => return self.not_started(facts, guest, found, &error.to_string()),
        };
        let offset = i64::from(set.start.offset.seconds());
        self.note(found.domid, |guest| (guest.offset, guest.told) = (guest.offset.map(|_| offset), 0));
        let by = if late { ConfiguredBy::Late } else { ConfiguredBy::Outside };
        let instance = Instance::of(found, facts.now, by);
        self.change(facts, &guest.domain_ref, |record| record.started(set.start.clone(), instance.clone()));
        let kind = if late {
            self.late += 1;
            let tsc_khz_missed = set.tsc_error.is_some().then_some(set.start.tsc.khz.0);
            EventKind::TooLate { offset, tsc_khz_missed, count: self.late }
        } else {
            let after_ms = u64::try_from(guest.since.elapsed().as_millis()).unwrap_or(u64::MAX);
            let source = set.start.source.clone();
            EventKind::ClockSet { offset, tsc_khz: set.tsc_khz, source, after_ms }
        };
        self.say(facts, Some(guest.domain_ref.clone()), kind);
        let tsc_error = set.tsc_error.filter(|_| !late);
        let troubles = start.warnings.iter().map(ToString::to_string).chain(tsc_error);
        troubles.for_each(|why| self.failed(facts, found.domid, why));
    }

    /// The clock of a cold start cannot be had; the domain is followed as it is. That says nothing about the guest, whose
    /// own changes are kept for its next start.
    fn not_started(&mut self, facts: &HostFacts, guest: &Guest, found: &Discovered, why: &str) {
        let instance = unset(found, facts);
        self.note(found.domid, |guest| guest.told = 0);
        self.change(facts, &guest.domain_ref, |record| record.not_started(instance.clone()));
        self.failed(facts, found.domid, format!("its clock was not set: {why}"));
    }

    /// The clock of a guest that goes on cannot be put right; it is followed as it is.
    fn not_set(&mut self, facts: &HostFacts, guest: &Guest, found: &Discovered, why: &str) {
        let instance = unset(found, facts);
        self.change(facts, &guest.domain_ref, |record| record.continued(instance.clone(), None));
        self.failed(facts, found.domid, format!("its clock was not set: {why}"));
    }

    fn follow(
        &mut self,
        facts: &HostFacts,
        guest: &Guest,
        found: &Discovered,
        why: &str,
        from: Option<i64>,
        note: impl Fn(&mut ClockRecord, Instance),
    ) {
        let instance = Instance::of(found, facts.now, ConfiguredBy::Followed);
        self.change(facts, &guest.domain_ref, |record| note(record, instance.clone()));
        let said = EventKind::Followed { offset: from, why: why.to_owned() };
        self.say(facts, Some(guest.domain_ref.clone()), said);
        // It may have set its RTC before it was found.
        found.offset.into_iter().for_each(|offset| self.moved(facts, found.domid, offset));
    }

    fn put_right(&mut self, facts: &HostFacts, guest: &Guest, found: &Discovered, offset: i64) {
        // The guest's changes to its RTC since it was found stay.
        let now = self.tools.host.rtc_record(found.domid).ok().map(|rtc| rtc.offset);
        let since = now.zip(found.offset).map_or(0, |(now, first)| now.saturating_sub(first));
        let offset = offset.saturating_add(since);
        let to = match UtcOffset::new(offset) {
            Ok(to) => to,
            Err(why) => return self.not_set(facts, guest, found, &why.to_string()),
        };
        // A correction that is made twice moves the RTC away again.
        if let Some(from) = now {
            let correction = Correction { boot: found.boot.clone(), domid: found.domid, from, to: offset };
            self.change(facts, &guest.domain_ref, |record| record.correction = Some(correction.clone()));
        }
        if let Err(why) = set_rtc(self.tools.host, found.domid, RtcTarget::Offset(to), GuestState::Runs) {
            return self.not_set(facts, guest, found, &why.to_string());
        }
        self.note(found.domid, |guest| guest.offset = guest.offset.map(|_| offset));
        let instance = Instance::of(found, facts.now, ConfiguredBy::Followed);
        self.change(facts, &guest.domain_ref, |record| record.continued(instance.clone(), Some(offset)));
        self.say(facts, Some(guest.domain_ref.clone()), EventKind::PutRight { before: found.offset, offset });
    }
}

/// The domain as one whose clock could not be set.
fn unset(found: &Discovered, facts: &HostFacts) -> Instance {
    let unset = Some(Unset { at: found.offset });
    Instance { unset, ..Instance::of(found, facts.now, ConfiguredBy::Followed) }
}

fn find(host: &dyn Host, facts: &HostFacts, domain: &DomainSummary) -> Result<Discovered, HostError> {
    let (rtc, tsc) = read_clock(host, domain.domid)?;
    Ok(Discovered {
        boot: facts.boot_id.clone(),
        domid: domain.domid,
        kind: domain.kind,
        offset: rtc.map(|rtc| rtc.offset),
        incarnation: tsc.incarnation,
        has_run: domain.has_run,
        config_offset: None,
    })
}
