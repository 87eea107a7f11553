//! A domain that has shut down: what could still be read of it, and whether it goes on after all or goes away.

use timers::resolve::NextStart;

use super::{Guest, Watch};
use crate::host::{DomId, DomainSummary, HostError, HostFacts, RtcRecord, RunState, ShutdownReason, TscInfo};
use crate::lifecycle::event::EventKind;
use crate::lifecycle::record::{ClockRecord, Instance, Start};
use crate::tracking::monitor::read_clock;

/// The clock of a domain, as far as it could be read.
type Read = Result<(Option<RtcRecord>, TscInfo), HostError>;

impl Watch<'_> {
    /// Before a domain is looked at that has come: others of the same guest may have ended without a word so far, as
    /// in a migration to this same host.
    pub(super) fn look_at_others_of(
        &mut self,
        facts: &HostFacts,
        domain: &DomainSummary,
        there: &[DomainSummary],
    ) {
        for other in there.iter().filter(|other| other.uuid == domain.uuid && other.domid != domain.domid) {
            if let RunState::Shutdown(reason) = other.state {
                let read = read_clock(self.tools.host, other.domid);
                self.on_shutdown(facts, other.domid, reason, read);
            }
        }
    }

    /// A domain has shut down, and this could be read of it.
    pub(super) fn on_shutdown(
        &mut self,
        facts: &HostFacts,
        domid: DomId,
        reason: ShutdownReason,
        read: Read,
    ) {
        let Some(guest) = self.guests.get_mut(&domid) else { return };
        // The offset that was seen last counts if it is too late to read it: by this service, or by who came in time.
        let in_time = read.is_ok();
        if !in_time {
            let guest = guest.clone();
            self.tell_unwatched(facts, &guest);
        }
        let recorded = if in_time { None } else { self.recorded(facts, domid, reason) };
        let Some(guest) = self.guests.get_mut(&domid) else { return };
        let tsc = read.as_ref().ok().and_then(|(_, info)| info.guest_tsc(guest.kind, facts));
        let (offset, incarnation) = match read {
            Ok((rtc, tsc)) => (rtc.map(|rtc| rtc.offset), tsc.incarnation),
            Err(_) => (recorded.or(guest.offset), guest.first.as_ref().map_or(1, |first| first.incarnation)),
        };
        let before = guest.offset;
        let told = guest.told;
        let domain_ref = guest.domain_ref.clone();
        let again = guest.ended.replace(reason) == Some(reason) && guest.offset == offset;
        // Nothing has become of it since. Of a guest without RTC that cannot be seen.
        if let Some(offset) = offset.filter(|_| again)
            && self.is_recorded(facts, domid, offset)
        {
            return;
        }
        let Some(guest) = self.guests.get_mut(&domid) else { return };
        guest.offset = offset;
        let mut changes = None;
        self.change(facts, &domain_ref, |record| {
            changes = match record.is_instance(&facts.boot_id, domid) {
                true => {
                    if let Some(tsc) = &tsc {
                        record.tsc_seen(incarnation, tsc, facts.cpu_khz);
                    }
                    record.ended(reason, offset.filter(|_| in_time), incarnation, facts.now);
                    Some(record.guest.seconds)
                }
                // It is another's by now, which has gone on from here.
                false if recorded.is_some() => offset
                    .zip(before)
                    .map(|(offset, before)| told.saturating_add(offset.saturating_sub(before))),
                false => record.last.zip(offset).map(|(last, offset)| {
                    record.guest.seconds.saturating_add(offset.saturating_sub(last.offset))
                }),
            };
        });
        if let Some(offset) = offset {
            self.tell_changes(facts, domid, changes, offset);
        }
        self.say(facts, Some(domain_ref), EventKind::Ended { reason, offset });
    }

    /// The RTC at the end of a domain in its record, which the guest's monitor may have written.
    fn recorded(&mut self, facts: &HostFacts, domid: DomId, reason: ShutdownReason) -> Option<i64> {
        let guest = self.guests.get(&domid).filter(|guest| guest.kind.has_rtc())?;
        let uuid = guest.domain_ref.uuid;
        // The monitor may have taken the domain away.
        let is_its = |record: &ClockRecord| match &record.instance {
            Some(instance) if (&instance.boot, instance.domid) == (&facts.boot_id, domid) => true,
            // A guest whose RTC is kept has been started again where it ended.
            Some(instance) if instance.boot == facts.boot_id && instance.domid > domid => {
                let is_kept = |start: &Start| start.tracked && start.next_start == NextStart::Fixed;
                record.guest.seen == 0 && record.start.as_ref().is_some_and(is_kept)
            }
            Some(_) => false,
            None => record.ended.is_some_and(|ended| ended.reason == Some(reason)),
        };
        let (record, _) = self.cache.get(uuid);
        record.filter(|record| is_its(record) && record.unset().is_none())?.last.map(|last| last.offset)
    }

    /// True if a domain's record has its RTC where it is: another tool may have set it since the service looked.
    pub(super) fn is_recorded(&mut self, facts: &HostFacts, domid: DomId, offset: i64) -> bool {
        self.record_now(facts, domid).is_none_or(|mut record| {
            let before = record.last;
            record.seen(offset, facts.now);
            record.last == before
        })
    }

    /// A domain that had ended lives on.
    pub(super) fn lives_on(&mut self, facts: &HostFacts, domid: DomId) {
        self.note(domid, |guest| guest.ended = None);
        let Some(Guest { domain_ref, offset, .. }) = self.guests.get(&domid).cloned() else { return };
        let instance = Instance::followed(&facts.boot_id, domid, facts.now);
        // After a migration to this same host its record may be another's, which is gone or lives.
        let other = self.guests.values().find(|other| {
            other.domain_ref.uuid == domain_ref.uuid
                && other.domain_ref.domid != domid
                && other.ended.is_none()
        });
        if other.is_some() {
            return;
        }
        self.change(facts, &domain_ref, |record| match record.is_instance(&facts.boot_id, domid) {
            true => record.ended = None,
            false => record.continued(instance.clone(), offset),
        });
    }

    pub(super) fn on_destroyed(&mut self, facts: &HostFacts, domid: DomId) {
        let Some(guest) = self.guests.remove(&domid) else { return };
        if guest.ended.is_none() {
            self.tell_unwatched(facts, &guest);
        }
        let domain_ref = guest.domain_ref;
        let same = |other: &&Guest| {
            other.domain_ref.uuid == domain_ref.uuid
                && matches!(other.ended, None | Some(ShutdownReason::Suspend))
        };
        // A migration to this host that failed: the guest goes on where it was.
        let other = self.guests.values().find(same).cloned();
        self.change(facts, &domain_ref, |record| match &other {
            _ if !record.is_instance(&facts.boot_id, domid) => {}
            Some(other) => {
                let instance = Instance::followed(&facts.boot_id, other.domain_ref.domid, facts.now);
                record.continued(instance, other.offset);
            }
            None => record.gone(facts.now),
        });
        if other.is_none() {
            self.cache.forget(domain_ref.uuid);
        }
        self.say(facts, Some(domain_ref), EventKind::Gone);
    }
}
