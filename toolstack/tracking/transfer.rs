//! A guest that is saved, restored or moved: its RTC goes on as if nothing had happened.
//!
//! What travels is libxl's own JSON, with the clock as it is now and nothing else touched, and behind it the clock's
//! record, so that what was asked is known where the guest arrives. An RTC is in Xen's stream, which wins where the
//! config has neither an offset nor localtime; so a restore here takes both away, whoever saved the guest. Of a guest
//! without RTC the stream has nothing, and its offset stands in the config.

use std::fs::File;

use timers::UtcOffset;
use timers::zone::ZoneSource;
use uuid::Uuid;

use super::start::{claim, put_back};
use super::store::{Lock, RecordStore};
use super::unmanaged;
use crate::domain::{Defbool, DomainConfig};
use crate::host::{
    DomId, DomainSummary, ErrorKind, Host, HostError, HostFacts, Result, SaveKind, ShutdownReason,
};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::record::{ConfiguredBy, Instance, Saved, Seen};
use crate::tracking::monitor::read_clock;
use crate::xl::savefile::Header;

/// What a journey takes.
#[derive(Clone, Copy)]
pub struct Transfer<'a> {
    /// The host.
    pub host: &'a dyn Host,
    /// The clock records.
    pub records: &'a RecordStore,
    /// Where zones are looked up.
    pub zones: &'a dyn ZoneSource,
}

/// A guest that is about to leave.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The domain.
    pub domain: DomainSummary,
    /// Its config as it travels.
    pub config: DomainConfig,
    /// The clock's record, which travels too, as it was when the guest began to leave.
    pub record: ClockRecord,
}

/// The JSON may grow by this many bytes until the guest is suspended: its RTC's offset, at most.
const ROOM: usize = 32;

impl Outgoing {
    /// What stands before the stream. It is of the same length whatever the offset, so that it can be written again.
    ///
    /// # Errors
    /// When the config is no JSON.
    pub fn header(&self) -> std::result::Result<Header, serde_json::Error> {
        let mut longest = self.config.clone();
        longest.b_info.rtc_timeoffset = u32::MAX;
        let length = serde_json::to_string_pretty(&longest)?.len() + ROOM;
        let json = format!("{:<length$}", serde_json::to_string_pretty(&self.config)?);
        let record = if is_too_long(&self.record) { None } else { Some(serde_json::to_value(&self.record)?) };
        Ok(Header::new(json, record))
    }
}

/// Whether a record is longer than one that is kept may be: the other side could not keep it either.
fn is_too_long(record: &ClockRecord) -> bool {
    record.to_bytes().len() as u64 > ClockRecord::MAX_BYTES
}

/// A guest that has arrived, paused.
#[derive(Debug)]
pub struct Incoming {
    /// The domain.
    pub domid: DomId,
    /// Its RTC, in seconds ahead of UTC; of a guest without one what its wallclock was given.
    pub offset: i64,
    /// What an administrator should know.
    pub warnings: Vec<String>,
    uuid: Uuid,
    /// What was kept here before.
    before: Option<ClockRecord>,
    /// Held until the guest runs, so that a service keeps off it.
    _claim: Option<Lock>,
}

impl Transfer<'_> {
    /// A guest that is to leave. Its config is the one that libxl keeps, or `config` in its place. The number of the
    /// domain travels only when it is to be the same where it arrives.
    ///
    /// # Errors
    /// When the domain cannot be read.
    pub fn outgoing(
        &self,
        domain: DomainSummary,
        config: Option<DomainConfig>,
        with_domid: bool,
    ) -> Result<(Outgoing, Vec<String>)> {
        let mut warnings = Vec::new();
        let mut config = match config {
            Some(config) => config,
            None => self.host.stored_config(domain.domid)?,
        };
        config.c_info.domid = if with_domid { domain.domid.0 } else { 0 };
        // Without it the guest would arrive as another.
        let uuid = Uuid::try_parse(&domain.uuid).unwrap_or_default();
        config.c_info.uuid = Some(uuid);
        if config.name().is_empty() {
            config.c_info.name = Some(domain.name.clone());
        }
        // Where nothing is kept of it, what travels says at least where it stood.
        let mut record =
            self.record(uuid, &mut warnings).unwrap_or_else(|| found_in(&config, uuid, config.name()));
        let facts = self.host.facts()?;
        let domid = domain.domid;
        let offset = self.offset_now(domid, &config, &record, &facts, &mut warnings)?;
        match record.is_instance(&facts.boot_id, domid) {
            true => drop(record.seen(offset, facts.now)),
            false => record.last = Some(Seen { offset, at: facts.now }),
        }
        carry(&mut config, offset, &mut warnings);
        if is_too_long(&record) {
            let most = ClockRecord::MAX_BYTES;
            warnings.push(format!("its clock record is longer than {most} bytes and does not travel"));
        }
        Ok((Outgoing { domain, config, record }, warnings))
    }

    fn record(&self, uuid: Uuid, warnings: &mut Vec<String>) -> Option<ClockRecord> {
        self.records.get(uuid).unwrap_or_else(|error| {
            warnings.push(error.to_string());
            None
        })
    }

    /// Where the guest's clock is now.
    fn offset_now(
        &self,
        domid: DomId,
        config: &DomainConfig,
        record: &ClockRecord,
        facts: &HostFacts,
        warnings: &mut Vec<String>,
    ) -> Result<i64> {
        let (rtc, _) = read_clock(self.host, domid)?;
        let last = record.last.filter(|_| record.is_instance(&facts.boot_id, domid));
        match (rtc, last) {
            (Some(rtc), _) => Ok(rtc.offset),
            (None, Some(last)) => Ok(last.offset),
            (None, None) => self.wallclock(config, facts, warnings),
        }
    }

    /// Where nothing is kept of a guest without RTC: what its config gives it now.
    fn wallclock(&self, config: &DomainConfig, facts: &HostFacts, warnings: &mut Vec<String>) -> Result<i64> {
        if config.b_info.localtime.is_some_and(Defbool::is_true) {
            warnings.push(
                "its wallclock follows the host's zone, as its config says localtime, and what it was at its start \
                 cannot be known"
                    .to_owned(),
            );
        }
        unmanaged::here(&unmanaged::clock_in(config), config.kind(), facts, self.zones)
            .map_err(|error| HostError::new(ErrorKind::Invalid, "read the wallclock", error.to_string()))
    }

    /// Suspends a guest into a stream and notes what its RTC was then. Answers whether what travels has changed since
    /// the leaver's header was written.
    ///
    /// # Errors
    /// When it cannot be saved; it then goes on.
    pub fn save(
        &self,
        outgoing: &mut Outgoing,
        stream: &mut File,
        how: SaveKind,
        warnings: &mut Vec<String>,
    ) -> Result<bool> {
        self.host.save(outgoing.domain.domid, stream, how)?;
        let facts = self.host.facts()?;
        let domid = outgoing.domain.domid;
        let offset = self.offset_now(domid, &outgoing.config, &outgoing.record, &facts, warnings)?;
        let (_, tsc) = read_clock(self.host, domid)?;
        let before = outgoing.config.clone();
        carry(&mut outgoing.config, offset, warnings);
        self.note(&outgoing.domain.uuid, warnings, |record| {
            match record.is_instance(&facts.boot_id, domid) {
                true => drop(record.ended(ShutdownReason::Suspend, Some(offset), tsc.incarnation, facts.now)),
                // Its changes were none of this life's.
                false => {
                    let rtc = Seen { offset, at: facts.now };
                    record.last = Some(rtc);
                    record.saved(Saved { incarnation: tsc.incarnation, rtc });
                }
            }
        });
        Ok(outgoing.config != before)
    }

    /// The guest has left, and its domain is taken away.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn left(&self, domain: &DomainSummary) -> Result<()> {
        self.host.destroy(domain.domid)?;
        let facts = self.host.facts()?;
        // What cannot be noted now is seen by whoever looks next.
        if let Ok(uuid) = Uuid::try_parse(&domain.uuid) {
            drop(self.records.gone(uuid, &facts.boot_id, domain.domid, facts.now));
        }
        Ok(())
    }

    /// The guest stays after all, and goes on.
    ///
    /// # Errors
    /// When it does not.
    pub fn stays(&self, domain: &DomainSummary) -> Result<()> {
        self.host.resume(domain.domid)?;
        let facts = self.host.facts()?;
        // What cannot be noted now is seen by whoever looks next.
        self.note(&domain.uuid, &mut Vec::new(), |record| {
            if record.is_instance(&facts.boot_id, domain.domid) {
                record.ended = None;
            }
        });
        Ok(())
    }

    /// The guest that has arrived is not to run here after all: its domain is taken away, and its record is what it was.
    ///
    /// # Errors
    /// When the domain cannot be taken away.
    pub fn undo_incoming(&self, incoming: &Incoming) -> Result<()> {
        self.host.destroy(incoming.domid)?;
        put_back(self.records, incoming.uuid, incoming.before.clone());
        Ok(())
    }

    fn note(&self, uuid: &str, warnings: &mut Vec<String>, with: impl FnOnce(&mut ClockRecord)) {
        let Ok(uuid) = Uuid::try_parse(uuid) else { return };
        let noted = self.records.change(uuid, |mut record, _| {
            if let Some(record) = &mut record {
                with(record);
            }
            (record, ())
        });
        warnings.extend(noted.err().map(|error| error.to_string()));
    }

    /// Restores a guest from a stream, paused: with the config that came with it, or with `config` in its place, and
    /// under `name` where that is given.
    ///
    /// # Errors
    /// When the config is no good, another program starts the same guest, or the host says no.
    pub fn arrive(
        &self,
        header: &Header,
        config: Option<DomainConfig>,
        name: impl FnOnce(&str) -> String,
        stream: &mut File,
    ) -> Result<Incoming> {
        let doing = "restore the domain";
        let invalid = |why: String| HostError::new(ErrorKind::Invalid, doing, why);
        let mut warnings = Vec::new();
        let saved = || -> Result<DomainConfig> {
            let json = header.config_json().map_err(|error| invalid(format!("the file {error}")))?;
            serde_json::from_str(json)
                .map_err(|error| invalid(format!("the config in it is not libxl's: {error}")))
        };
        let mut config = match config {
            Some(mut config) => {
                // The guest is who it was, whatever a config says that was written anew.
                if let (None, Ok(saved)) = (&config.c_info.uuid, saved()) {
                    config.c_info.uuid = saved.c_info.uuid;
                }
                config
            }
            None => saved()?,
        };
        let uuid = *config.c_info.uuid.get_or_insert_with(Uuid::new_v4);
        let claim = claim(self.records, uuid, doing)?;
        let record = self.arriving_record(header, uuid, &mut warnings);
        let facts = self.host.facts()?;
        let own = config.name().to_owned();
        let mut record = record.unwrap_or_else(|| found_in(&config, uuid, &own));
        let mut offset = 0;
        if config.kind().has_rtc() {
            (config.b_info.rtc_timeoffset, config.b_info.localtime) = (0, None);
        } else {
            offset = match record.last {
                Some(last) => last.offset,
                None => self.wallclock(&config, &facts, &mut warnings)?,
            };
            put(&mut config, offset, &mut warnings);
        }
        config.c_info.name = Some(name(&own));
        let domid = self.host.restore_paused(&config, stream)?;
        let rtc = match read_clock(self.host, domid) {
            Ok((rtc, _)) => rtc.map(|rtc| rtc.offset),
            Err(error) => {
                warnings.push(error.to_string());
                None
            }
        };
        let offset = rtc.unwrap_or(offset);
        let instance =
            Instance { boot: facts.boot_id.clone(), domid, since: facts.now, by: ConfiguredBy::Followed };
        record.continued(instance, Some(offset));
        let mut before = None;
        let kept = self.records.change(uuid, |here, _| {
            before = here;
            (Some(record), ())
        });
        warnings.extend(kept.err().map(|error| error.to_string()));
        Ok(Incoming { domid, offset, warnings, uuid, before, _claim: claim })
    }

    /// The record that came along, and the one that is here.
    fn arriving_record(
        &self,
        header: &Header,
        uuid: Uuid,
        warnings: &mut Vec<String>,
    ) -> Option<ClockRecord> {
        let here = self.record(uuid, warnings);
        let came = header.ours.as_ref().and_then(|ours| {
            let why = match ClockRecord::from_bytes(ours) {
                // A config in its place has made it another guest.
                Ok(record) if record.uuid != uuid => return None,
                Ok(record) if is_too_long(&record) => {
                    format!("it is longer than {} bytes", ClockRecord::MAX_BYTES)
                }
                Ok(record) => return Some(record),
                Err(why) => why.to_string(),
            };
            let known = if here.is_some() { "what is kept of it here counts" } else { "it starts next as its config says" };
            warnings.push(format!(
                "the clock record that came along cannot be used ({why}): the guest's RTC goes on as saved, and {known}"
            ));
            None
        });
        match came {
            Some(came) => Some(came.arrived(here)),
            None => here,
        }
    }
}

/// The record of a guest of which nobody has said anything but its config.
fn found_in(config: &DomainConfig, uuid: Uuid, name: &str) -> ClockRecord {
    ClockRecord::new(uuid, name, unmanaged::request(unmanaged::clock_in(config)))
}

/// Puts the clock as it is now into the config that travels. An RTC's is in the stream, and wins as long as the config has
/// nothing.
fn carry(config: &mut DomainConfig, offset: i64, warnings: &mut Vec<String>) {
    if !config.kind().has_rtc() || unmanaged::moves_rtc(config) {
        put(config, offset, warnings);
    }
}

/// One offset from UTC, and no zone.
fn put(config: &mut DomainConfig, offset: i64, warnings: &mut Vec<String>) {
    config.b_info.localtime = None;
    match UtcOffset::new(offset) {
        Ok(offset) => config.b_info.rtc_timeoffset = offset.to_libxl(),
        // Then at least no wrong one: an RTC's is in the stream.
        Err(error) => {
            config.b_info.rtc_timeoffset = 0;
            warnings.push(error.to_string());
        }
    }
}
