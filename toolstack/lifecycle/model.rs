//! Each happening in a guest's life as a function from a record to a record, and what a domain that has come is due.

use chrono::{DateTime, Utc};
use timers::resolve::{NextStart, Resolved, is_clock_set};
use timers::tsc::GuestTsc;
use timers::{Basis, ClockOffset, GuestClock, GuestKind, Hertz, KiloHertz, UtcOffset};

use super::record::{
    CONFIG_OFFSETS, Changes, ClockRecord, ConfiguredBy, Correction, Ended, Instance, Request, RequestOrigin,
    SAVES, Saved, Seen, Start, Unset,
};
use crate::host::{DomId, ShutdownReason};

/// Records of guests that have not started for this long are dropped. It is time in which a service watched the host, since
/// one wrong date of the host must not forget all guests.
const FORGOTTEN_AFTER: u64 = 400 * 24 * 3600;

/// A domain as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovered {
    /// The host's boot.
    pub boot: String,
    /// Its number.
    pub domid: DomId,
    /// hvm, pv or pvh.
    pub kind: GuestKind,
    /// Its RTC, in seconds ahead of UTC; `None` for a guest without one.
    pub offset: Option<i64>,
    /// The TSC's: 1 is new, 2 and more came out of a save or a migration.
    pub incarnation: u32,
    /// True if its vCPUs have run on this host.
    pub has_run: bool,
    /// The offset that libxl's config gives, where it has one or localtime: by that a restore overwrites the guest's own.
    pub config_offset: Option<i64>,
}

/// The action for a new domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing: it is known, and its clock was seen to.
    Nothing,
    /// It is new: the clock of this record's next cold start.
    ColdStart(Box<ClockRecord>),
    /// Nothing, for this reason: it is followed from where it stands, or from where it was saved.
    Follow(&'static str, Option<i64>),
    /// Nothing: it came out of a save that this host has not seen, and is followed from where it stands.
    FollowUnknown,
    /// Nothing: it was saved with a clock that could not be set.
    FollowUnset,
    /// It goes on where it was saved, but the toolstack has moved its RTC: back to this.
    PutRight(i64),
}

impl ClockRecord {
    /// The clock of the next cold start. A tracked one goes on from the last offset, from now on counted from UTC so
    /// that no zone can move it; any other, and one whose offset is provisional, is the clock as asked, to be resolved
    /// anew.
    #[must_use]
    pub fn next_clock(&self) -> GuestClock {
        let asked = &self.request.clock;
        match self.last {
            Some(last)
                if self.is_variable() && !self.offset_changed && !last.provisional && self.can_be_set() =>
            {
                GuestClock {
                    offset: ClockOffset::Variable { adjustment: last.meant(), basis: Basis::Utc },
                    ..asked.clone()
                }
            }
            _ => asked.clone(),
        }
    }

    /// True if the last offset is one that Xen can be given: a guest can move its RTC by a century, and Xen takes 32
    /// bits of seconds.
    #[must_use]
    pub(crate) fn can_be_set(&self) -> bool {
        self.last.is_none_or(|last| UtcOffset::new(last.meant()).is_ok())
    }

    /// True if the domain that there is now is this one.
    #[must_use]
    pub fn is_instance(&self, boot: &str, domid: DomId) -> bool {
        self.instance.as_ref().is_some_and(|instance| instance.boot == boot && instance.domid == domid)
    }

    /// What counts of this copy, which the disk did not take, and of the record that the disk has: the copy, unless the
    /// disk's has changed more often since. A copy that was begun while the disk could not be read has changed less often,
    /// and has the later domain.
    pub(crate) fn beside(&self, disk: ClockRecord) -> ClockRecord {
        if self.generation >= disk.generation {
            self.clone()
        } else if self.is_of_later_domain_than(&disk) {
            disk.with_domain_of(self)
        } else {
            disk
        }
    }

    /// True if the domain of this record came after the one that another record has of the same guest on this host.
    fn is_of_later_domain_than(&self, other: &ClockRecord) -> bool {
        match (&self.instance, &other.instance) {
            (None, _) => false,
            (Some(ours), Some(its)) => ours.boot != its.boot || ours.domid > its.domid,
            (Some(ours), None) => other.ended.is_none_or(|ended| ended.at <= ours.since),
        }
    }

    /// This record with the domain of another record, and with all that happened to that domain.
    fn with_domain_of(mut self, other: &ClockRecord) -> ClockRecord {
        let is_requested = self.request.clock == other.request.clock;
        // A request that the domain was not started with applies to the next start.
        self.start = other.start.clone().map(|start| {
            let made_in = Some(if is_requested { self.generation } else { 0 });
            Start { made_in, ..start }
        });
        self.instance.clone_from(&other.instance);
        self.correction.clone_from(&other.correction);
        (self.last, self.guest, self.birth_khz, self.invariant_tsc, self.ended) =
            (other.last, other.guest, other.birth_khz, other.invariant_tsc, other.ended);
        self.offset_changed = other.offset_changed || !is_requested;
        self
    }

    /// Adopts a file's request, unless it is unchanged or `clock-set` has overridden it.
    pub(crate) fn adopt_from_file(&mut self, clock: &GuestClock, from: RequestOrigin, at: DateTime<Utc>) {
        let stands = match &self.request.from {
            RequestOrigin::ClockSet { instead_of } => instead_of.as_ref() == Some(clock),
            // What was found in a config is no request, even where a file requests the same.
            RequestOrigin::Unmanaged => false,
            _ => self.request.clock == *clock,
        };
        if !stands {
            self.set_request(clock.clone(), from, at);
        }
    }

    /// Replaces the request, for the next start. With another offset the guest's own changes are dropped.
    pub fn set_request(&mut self, clock: GuestClock, from: RequestOrigin, at: DateTime<Utc>) {
        self.offset_changed |= self.request.clock.offset != clock.offset;
        self.dropped_frequency = self.dropped_frequency.filter(|_| clock.tsc_frequency().is_none());
        let made_in = self.generation.saturating_add(1);
        let request = Request::new(clock, from).made(at);
        // It is later than the one that it replaces and than the last start, even if the host's clock was set back since.
        let started_at = self.start.as_ref().map(|start| start.at).filter(|at| is_clock_set(*at));
        let made_at = request.made_at.max(self.request.made_at).max(started_at);
        self.request = Request { made_in, made_at, ..request };
    }

    /// True if the request was made after the last start, which was with another.
    #[must_use]
    pub fn is_requested_since_start(&self) -> bool {
        let Some(start) = &self.start else { return false };
        // The host's clock may have been set between them.
        match start.made_in {
            Some(made_in) => self.request.made_in > made_in,
            None => self.request.made_at.is_some_and(|made_at| made_at > start.at),
        }
    }

    /// A cold start.
    pub fn started(&mut self, start: Start, instance: Instance) {
        let start = Start { made_in: Some(self.generation.saturating_add(1)), ..start };
        let provisional = self.is_variable() && start.next_start == NextStart::ResolvedAgain;
        self.last = Some(Seen { offset: start.offset.seconds().into(), at: start.at, provisional });
        self.offset_changed = false;
        self.guest = Changes::default();
        (self.ended, self.correction) = (None, None);
        (self.birth_khz, self.invariant_tsc) = (Some(start.tsc.khz), None);
        self.start = Some(start);
        self.instance = Some(instance);
    }

    /// The guest goes on in another domain: out of a save, or on another host.
    pub fn continued(&mut self, instance: Instance, offset: Option<i64>) {
        let is_provisional = |offset| self.last.is_some_and(|last| last.provisional && last.offset == offset);
        let seen = |offset| Seen { offset, at: instance.since, provisional: is_provisional(offset) };
        self.last = offset.map(seen).or(self.last);
        (self.ended, self.correction) = (None, None);
        self.instance = Some(instance);
    }

    /// A cold start whose clock could not be set: the domain is as its toolstack made it. What the guest made of its RTC
    /// before is kept for its next start.
    pub fn not_started(&mut self, instance: Instance) {
        self.found_alive(instance, None);
    }

    /// The guest was found in a domain whose start and whose moves nobody has recorded: what was known of the start before
    /// says nothing about it.
    pub fn found_alive(&mut self, instance: Instance, offset: Option<i64>) {
        (self.start, self.birth_khz, self.invariant_tsc) = (None, None, None);
        self.guest.seconds = 0;
        self.continued(instance, offset);
    }

    /// True if the guest's changes to its RTC are kept for its next start.
    #[must_use]
    pub fn is_tracked(&self, kind: GuestKind) -> bool {
        kind.has_rtc() && self.is_variable()
    }

    fn is_variable(&self) -> bool {
        matches!(self.request.clock.offset.effective(), ClockOffset::Variable { .. })
    }

    /// The requested TSC frequency, if a guest that runs at `khz` has it. One that was requested since its start applies to
    /// the next.
    #[must_use]
    pub fn frequency_in_force(&self, khz: KiloHertz) -> Option<Hertz> {
        self.request.clock.tsc_frequency().filter(|requested| requested.to_khz() == Ok(khz))
    }

    /// A guest has arrived with the record that travelled with it, and another of it was here from an earlier life. What
    /// it is now, came with it. What it is to be was perhaps said here since; a wish that nobody spoke of counts for none.
    #[must_use]
    pub fn arrived(mut self, here: Option<ClockRecord>) -> Self {
        let Some(here) = here else { return self };
        let unmanaged = |record: &ClockRecord| record.request.from == RequestOrigin::Unmanaged;
        // One host may count many changes and another few, so generations say little about requests made on two hosts.
        // They decide where the times do not: at the same moment, and without a time.
        let counted = |record: &ClockRecord| (record.request.made_in, record.generation);
        // Then only the record here knows with what the guest was started.
        let started_here = self.start.is_none() && here.start.is_some();
        // And what was requested where it has been since, is later than what it was started with, whatever the clocks say.
        let before_it_left = started_here && !here.offset_changed && !here.is_requested_since_start();
        let later = match (here.request.made_at, self.request.made_at) {
            _ if before_it_left => false,
            (Some(here), Some(came)) if here != came => here > came,
            _ => counted(&here) >= counted(&self),
        };
        let differs = here.request.clock.offset != self.request.clock.offset;
        self.generation = self.generation.max(here.generation);
        if unmanaged(&self) {
            (self.request, self.offset_changed) = (here.request, here.offset_changed);
        } else if later && !unmanaged(&here) && here.request.clock != self.request.clock {
            let changed_there = !started_here && (self.offset_changed || differs);
            self.offset_changed = here.offset_changed || changed_there;
            // The guest was not started with it.
            self.request = Request { made_in: self.generation.saturating_add(1), ..here.request };
        } else if started_here && !unmanaged(&here) {
            self.offset_changed = here.offset_changed || differs;
        } else if self.start.is_none() && !unmanaged(&here) {
            self.offset_changed |= differs;
        }
        for saved in here.saves {
            if !self.saves.contains(&saved) {
                self.saves.push(saved);
            }
        }
        self.saves.sort_by_key(|saved| std::cmp::Reverse(saved.rtc.at));
        self.saves.truncate(SAVES);
        here.config_offsets.into_iter().rev().for_each(|offset| self.config_written(offset));
        self
    }

    /// The RTC was read; answers what it was before, where the guest has moved it.
    pub fn seen(&mut self, offset: i64, at: DateTime<Utc>) -> Option<i64> {
        let before = match self.unset() {
            Some(unset) => unset.at,
            None => self.last.map(|last| last.offset),
        };
        if before == Some(offset) {
            return None;
        }
        if let Some(before) = before {
            self.guest.seen = self.guest.seen.saturating_add(1);
            self.guest.seconds = self.guest.seconds.saturating_add(offset.saturating_sub(before));
        }
        self.set_by_guest();
        self.last = Some(Seen::new(offset, at));
        before
    }

    /// Why the RTC of the domain that there is says nothing about the guest, where it does not.
    #[must_use]
    pub fn unset(&self) -> Option<Unset> {
        self.instance.as_ref()?.unset
    }

    fn set_by_guest(&mut self) {
        if let Some(instance) = &mut self.instance {
            instance.unset = None;
        }
    }

    /// An administrator has set the RTC of the guest that runs, and not the guest: it goes on from there.
    pub fn set_live(&mut self, offset: i64, at: DateTime<Utc>) {
        self.last = Some(Seen::new(offset, at));
        self.offset_changed = false;
        self.set_by_guest();
        if let (Some(start), Ok(offset)) = (&mut self.start, UtcOffset::new(offset)) {
            start.offset = offset;
            start.source = format!("{} s from UTC, set by clock-set", offset.seconds());
        }
    }

    /// The same, with a clock that was resolved for it then.
    pub fn set_live_clock(&mut self, resolved: &Resolved, at: DateTime<Utc>, zone_data: Option<String>) {
        self.set_live(resolved.offset.seconds().into(), at);
        let provisional = self.is_variable() && resolved.next_start == NextStart::ResolvedAgain;
        if let Some(last) = &mut self.last {
            last.provisional = provisional;
        }
        if let Some(start) = &mut self.start {
            let source = format!("{}, set by clock-set", Start::source_of(resolved));
            let Resolved { tracked, next_start, foresight, .. } = resolved.clone();
            let zone_data = resolved.source.zone().and(zone_data);
            *start = Start { at, source, tracked, next_start, foresight, zone_data, ..start.clone() };
        }
    }

    /// The domain has shut down, with its RTC there and its TSC of this incarnation. What the RTC was then counts as
    /// seen.
    pub fn ended(
        &mut self,
        reason: ShutdownReason,
        offset: Option<i64>,
        incarnation: u32,
        at: DateTime<Utc>,
    ) -> Option<i64> {
        let before = offset.and_then(|offset| self.seen(offset, at));
        // The offset that a guest without RTC was given is all that can be known of it.
        let there = offset.or(self.last.map(|last| last.offset));
        if let (ShutdownReason::Suspend, Some(offset)) = (reason, there) {
            self.saved(Saved { incarnation, rtc: Seen::new(offset, at), unset: self.unset().is_some() });
        }
        self.ended = Some(Ended { reason: Some(reason), at, watched: None });
        before
    }

    /// The guest was saved.
    pub fn saved(&mut self, saved: Saved) {
        if self.saves.first() != Some(&saved) {
            self.saves.insert(0, saved);
            self.saves.truncate(SAVES);
        }
    }

    /// xenclock has written this offset into the guest's config. A requested clock is known without its config.
    pub(crate) fn config_written(&mut self, offset: i64) {
        if self.request.from == RequestOrigin::Unmanaged {
            self.config_offsets.retain(|known| *known != offset);
            self.config_offsets.insert(0, offset);
            self.config_offsets.truncate(CONFIG_OFFSETS);
        }
    }

    /// The domain is gone. What is known of why stays.
    pub fn gone(&mut self, at: DateTime<Utc>) {
        self.instance = None;
        self.ended.get_or_insert(Ended { reason: None, at, watched: None });
    }

    /// True if a guest that is gone may come again and find something here: an administrator's word, a save, a restart
    /// that is under way, or what the guest has made of its RTC.
    #[must_use]
    pub(crate) fn is_worth_keeping(&self) -> bool {
        let restarts = self
            .ended
            .and_then(|ended| ended.reason)
            .is_some_and(|reason| !matches!(reason, ShutdownReason::Poweroff | ShutdownReason::Suspend));
        let asked = matches!(self.request.from, RequestOrigin::ClockSet { .. });
        let carries =
            self.is_variable() && (self.request.from != RequestOrigin::Unmanaged || self.guest.seen > 0);
        asked || restarts || !self.saves.is_empty() || (carries && !self.ephemeral)
    }

    /// Notes how long services have watched this host, in seconds, while the guest is gone. Answers whether the record may
    /// be dropped: the guest has not come again for 400 days of watching. One that `clock-set` made is kept.
    pub(crate) fn is_forgotten(&mut self, watched: u64) -> bool {
        let asked = matches!(self.request.from, RequestOrigin::ClockSet { .. });
        let Some(ended) = self.ended.as_mut().filter(|_| self.instance.is_none()) else { return false };
        let since = *ended.watched.get_or_insert(watched);
        !asked && watched.saturating_sub(since) > FORGOTTEN_AFTER
    }

    /// True if a guest of this incarnation came out of a save that was seen, so that this record is of the same life.
    #[must_use]
    pub(crate) fn knows_save(&self, incarnation: u32) -> bool {
        self.save_before(incarnation).is_some()
    }

    /// The TSC was read.
    pub(crate) fn tsc_seen(&mut self, incarnation: u32, tsc: &GuestTsc, host_khz: KiloHertz) {
        self.birth_khz = birth_khz(self.birth_khz, incarnation, tsc, host_khz);
    }

    /// The save that a guest of this incarnation came out of, as far as it can be told: the latest of the one before.
    fn save_before(&self, incarnation: u32) -> Option<&Saved> {
        self.saves.iter().find(|saved| saved.incarnation.checked_add(1) == Some(incarnation))
    }
}

/// The frequency that a guest was born with that is here, as far as that is known: recorded, or where it was not made native
/// on its way. After its first move it still has it, unless that is the host's, for then it may have been given that.
#[must_use]
pub fn birth_khz(
    recorded: Option<KiloHertz>,
    incarnation: u32,
    tsc: &GuestTsc,
    host_khz: KiloHertz,
) -> Option<KiloHertz> {
    match incarnation {
        0 | 1 => Some(tsc.khz),
        2 if tsc.khz != host_khz && recorded.is_none() => Some(tsc.khz),
        _ => recorded,
    }
}

/// The action for a new domain, by its record.
#[must_use]
pub fn due(record: Option<&ClockRecord>, found: &Discovered) -> Due {
    let Some(record) = record else {
        return Due::Follow("no clock requested", None);
    };
    if record.is_instance(&found.boot, found.domid) {
        return Due::Nothing;
    }
    let begun = |correction: &&Correction| (&correction.boot, correction.domid) == (&found.boot, found.domid);
    if let Some(correction) = record.correction.as_ref().filter(begun) {
        return match found.offset == Some(correction.from) {
            true => Due::PutRight(correction.to),
            false => Due::Follow("its RTC was corrected", Some(correction.to)),
        };
    }
    if found.incarnation > 1 {
        let Some(saved) = record.save_before(found.incarnation) else {
            return Due::FollowUnknown;
        };
        if saved.unset {
            return Due::FollowUnset;
        }
        let saved = saved.rtc.offset;
        // The stream has an RTC's offset, which wins where the config has none; of a wallclock it has nothing. What an
        // RTC is ahead of what the config gives, its guest has done since.
        return match (found.offset, found.config_offset) {
            (None, _) => Due::PutRight(saved),
            (Some(now), Some(given)) if given != saved => {
                Due::PutRight(saved.saturating_add(now.saturating_sub(given)))
            }
            _ => Due::Follow("continues from its save", Some(saved)),
        };
    }
    Due::ColdStart(Box::new(record.clone()))
}

impl Instance {
    /// A domain that has come.
    #[must_use]
    pub fn of(found: &Discovered, since: DateTime<Utc>, by: ConfiguredBy) -> Self {
        Instance { boot: found.boot.clone(), domid: found.domid, since, by, unset: None }
    }
}

#[cfg(test)]
mod tests;
