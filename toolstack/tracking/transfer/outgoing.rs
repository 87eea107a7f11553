//! A guest that leaves: its config and its record as they travel, and the domain that stays behind.

use std::fs::File;
use std::iter::repeat_n;

use super::header::{SENDER, is_too_long};
use super::{Transfer, put};
use crate::domain::{Domain, DomainConfig};
use crate::host::{DomId, DomainSummary, ErrorKind, HostError, HostFacts, Result, SaveKind, ShutdownReason};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::record::{RequestOrigin, Saved, Seen};
use crate::preflight::Sender;
use crate::preflight::report::{born, invariant};
use crate::tracking::monitor::read_clock;
use crate::tracking::store::{Claim, Saved as SaveFile, Then, Unfinished};
use crate::tracking::unfinished::mend_claimed;
use crate::tracking::unmanaged;
use crate::tracking::warning::{Warning, add};
use crate::xl::savefile::Header;

/// A guest that is about to leave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outgoing {
    /// The domain.
    pub domain: DomainSummary,
    /// Its config as it travels.
    pub config: DomainConfig,
    /// The clock's record, which travels too, as it was when the guest began to leave.
    pub record: ClockRecord,
    /// The host that it leaves, which travels with the record.
    pub sender: Option<Sender>,
    /// Warnings for the administrator.
    pub warnings: Vec<Warning>,
}

/// The JSON may grow by this many bytes until the guest is suspended: its RTC's offset, at most.
const ROOM: usize = 32;

impl Outgoing {
    /// The header before the stream. Its length does not depend on the offset, so that it can be written again.
    ///
    /// # Errors
    /// When the config is no JSON.
    pub fn header(&self) -> std::result::Result<Header, serde_json::Error> {
        let mut longest = self.config.clone();
        longest.b_info.rtc_timeoffset = u32::MAX;
        let length = serde_json::to_string_pretty(&longest)?.len() + ROOM;
        let mut json = serde_json::to_string_pretty(&self.config)?;
        json.extend(repeat_n(' ', length.saturating_sub(json.len())));
        if is_too_long(&self.record) {
            return Ok(Header::new(json, None));
        }
        let mut ours = serde_json::to_value(&self.record)?;
        if let (Some(sender), serde_json::Value::Object(fields)) = (&self.sender, &mut ours) {
            fields.insert(SENDER.to_owned(), serde_json::to_value(sender)?);
        }
        Ok(Header::new(json, Some(ours)))
    }
}

/// A guest that leaves, for whoever finds it when the program that sees to it was killed.
#[derive(Debug)]
pub struct Departure {
    claim: Option<Claim>,
    unfinished: Unfinished,
}

impl Departure {
    /// The guest is in this file as soon as that has its name.
    ///
    /// # Errors
    /// When the file cannot be told.
    pub fn is_saved_in(&mut self, file: &File, path: &std::path::Path) -> std::io::Result<()> {
        self.note(Then::DestroyIfSaved(SaveFile::of(file, path)?));
        Ok(())
    }

    /// From now on the guest may be elsewhere, and it does not go on here by itself.
    pub fn is_handed_over(&mut self) {
        self.note(Then::Leave);
    }

    /// The guest is here again, and nowhere else.
    pub fn is_given_back(&mut self) {
        self.note(Then::Resume);
    }

    fn note(&mut self, then: Then) {
        self.unfinished.then = then;
        if let Some(claim) = &self.claim {
            claim.note(&self.unfinished);
        }
    }
}

impl Transfer<'_> {
    /// A guest that is to leave. Its config is the one that libxl keeps, or `instead` in its place, whose clock is then
    /// requested for the next start. The number of the domain travels only when it is to be the same where it arrives.
    ///
    /// # Errors
    /// When the domain cannot be read.
    pub fn outgoing(
        &self,
        domain: DomainSummary,
        instead: Option<Domain>,
        with_domid: bool,
    ) -> Result<Outgoing> {
        let (mut config, requested) = match instead {
            Some(instead) => (instead.config, Some(instead.clock)),
            None => (self.host.stored_config(domain.domid)?, None),
        };
        config.c_info.domid = if with_domid { domain.domid.0 } else { 0 };
        // Without it the guest would arrive as another.
        let uuid = domain.uuid;
        let other = config.c_info.uuid.replace(uuid).filter(|other| *other != uuid);
        let kept = other.map(|other| Warning::KeepsUuid { own: uuid, other });
        if config.name().is_empty() {
            config.c_info.name = Some(domain.name.clone());
        }
        // Without a record of it, one of where its clock stood travels at least.
        let (record, trouble) = self.record(uuid);
        let mut record = record.unwrap_or_else(|| unmanaged::found_in(&config, uuid, config.name()));
        let facts = self.host.facts()?;
        let domid = domain.domid;
        let (offset, warning) = self.offset_now(domid, &record, &facts)?;
        match record.is_instance(&facts.boot_id, domid) {
            true => drop(record.seen(offset, facts.now)),
            false => record.last = Some(Seen::new(offset, facts.now)),
        }
        self.note_tsc(&domain, &mut record, &facts)?;
        if let Some(requested) = requested {
            record.adopt_from_file(&requested, RequestOrigin::Create, facts.now);
        }
        let unfit = carry(&mut config, offset);
        let long = is_too_long(&record).then_some(Warning::RecordTooLong);
        let warnings = trouble.into_iter().chain(warning).chain(unfit).chain(long).chain(kept).collect();
        Ok(Outgoing { domain, config, record, sender: None, warnings })
    }

    /// The TSC frequency that a guest was born with, and what its CPUID shows, travel with it.
    fn note_tsc(&self, domain: &DomainSummary, record: &mut ClockRecord, facts: &HostFacts) -> Result<()> {
        let info = self.host.tsc_info(domain.domid)?;
        record.birth_khz = born(self.host, domain, &info, facts, Some(record));
        let config = self.host.stored_config(domain.domid)?;
        record.invariant_tsc = invariant(domain, &config, &info, facts, Some(record)).shown;
        Ok(())
    }

    /// The offset of the guest's clock now, and a warning if it is not certain.
    fn offset_now(
        &self,
        domid: DomId,
        record: &ClockRecord,
        facts: &HostFacts,
    ) -> Result<(i64, Option<Warning>)> {
        let (rtc, _) = read_clock(self.host, domid)?;
        let last = record.last.filter(|_| record.is_instance(&facts.boot_id, domid));
        match (rtc, last) {
            (Some(rtc), _) => Ok((rtc.offset, None)),
            (None, Some(last)) => Ok((last.offset, None)),
            // A config given for the way says nothing of where the guest stands.
            (None, None) => self.wallclock(&self.host.stored_config(domid)?, facts),
        }
    }

    /// A guest begins to leave. Until it is told otherwise, it goes on here if this program is killed.
    ///
    /// # Errors
    /// When another program saves it or sends it away, or has done so.
    pub fn departs(&self, domain: &DomainSummary, doing: &str) -> Result<Departure> {
        let mut claim = match self.records.claim_leaving(domain.uuid) {
            Ok(Some(claim)) => Some(claim),
            Ok(None) => {
                let why = "another program is saving or migrating it";
                return Err(HostError::new(ErrorKind::WrongState, doing, why));
            }
            // Without a disk there is nobody to tell.
            Err(_) => None,
        };
        if let Some(claim) = &mut claim {
            mend_claimed(self.host, self.records, claim)?;
        }
        // Whoever had the claim before may have sent it away.
        let is_here = |now: &DomainSummary| (now.domid, now.uuid) == (domain.domid, domain.uuid);
        if !self.host.domains()?.iter().any(is_here) {
            let why = format!("domain {} has disappeared in the meantime", domain.domid);
            return Err(HostError::new(ErrorKind::NoSuchDomain, doing, why));
        }
        let (boot, domid) = (self.host.facts()?.boot_id, Some(domain.domid));
        let unfinished = Unfinished { doing: doing.to_owned(), boot, domid, then: Then::Resume };
        let mut departure = Departure { claim, unfinished };
        departure.note(Then::Resume);
        Ok(departure)
    }

    /// Suspends a guest into a stream and notes what its RTC was then. Answers whether what travels has changed since
    /// the header of `outgoing` was written.
    ///
    /// # Errors
    /// When it cannot be saved; it then goes on.
    pub fn save(&self, outgoing: &mut Outgoing, stream: &mut File, how: SaveKind) -> Result<bool> {
        self.host.save(outgoing.domain.domid, stream, how)?;
        let facts = self.host.facts()?;
        let domid = outgoing.domain.domid;
        let (offset, warning) = self.offset_now(domid, &outgoing.record, &facts)?;
        let (_, tsc) = read_clock(self.host, domid)?;
        let before = outgoing.config.clone();
        let unfit = carry(&mut outgoing.config, offset);
        let (birth, invariant) = (outgoing.record.birth_khz, outgoing.record.invariant_tsc);
        let written = unmanaged::offset_in(&outgoing.config);
        let trouble = self.note(outgoing.domain.uuid, |record| {
            (record.birth_khz, record.invariant_tsc) = (birth, invariant);
            written.into_iter().for_each(|offset| record.config_written(offset));
            match record.is_instance(&facts.boot_id, domid) {
                true => drop(record.ended(ShutdownReason::Suspend, Some(offset), tsc.incarnation, facts.now)),
                // Its changes belong to another instance.
                false => {
                    let rtc = Seen::new(offset, facts.now);
                    record.last = Some(rtc);
                    record.saved(Saved { incarnation: tsc.incarnation, rtc, unset: false });
                }
            }
        });
        add(&mut outgoing.warnings, warning.into_iter().chain(unfit).chain(trouble));
        Ok(outgoing.config != before)
    }

    /// The guest has left, and its domain is taken away.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn left(&self, domain: &DomainSummary) -> Result<()> {
        self.host.destroy(domain.domid)?;
        let facts = self.host.facts()?;
        // A change that cannot be noted now is seen at the next look.
        drop(self.records.gone(domain.uuid, &facts.boot_id, domain.domid, facts.now));
        Ok(())
    }

    /// The guest stays after all, and goes on.
    ///
    /// # Errors
    /// When it does not.
    pub fn stays(&self, domain: &DomainSummary) -> Result<()> {
        self.host.resume(domain.domid)?;
        let facts = self.host.facts()?;
        // A change that cannot be noted now is seen at the next look.
        drop(self.note(domain.uuid, |record| {
            if record.is_instance(&facts.boot_id, domain.domid) {
                record.ended = None;
            }
        }));
        Ok(())
    }
}

/// Puts the clock as it is now into the config that travels; answers a warning where it does not fit. An RTC's is in the
/// stream, and wins as long as the config has nothing.
fn carry(config: &mut DomainConfig, offset: i64) -> Option<Warning> {
    let stands_in_config = !config.kind().has_rtc() || unmanaged::moves_rtc(config);
    if stands_in_config { put(config, offset) } else { None }
}
