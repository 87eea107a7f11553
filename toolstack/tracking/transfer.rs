//! A guest that is saved, restored or moved: its RTC goes on as if nothing had happened.
//!
//! What travels is libxl's own JSON, with the clock as it is now and nothing else touched, and behind it the clock's
//! record, so that what was asked is known where the guest arrives. An RTC is in Xen's stream, which wins where the
//! config has neither an offset nor localtime; so a restore here takes both away, whoever saved the guest. Of a guest
//! without RTC the stream has nothing, and its offset stands in the config.

use std::fs::File;

use timers::tsc::{GuestTsc, Tolerance, TscMode};
use timers::zone::ZoneSource;
use timers::{GuestKind, KiloHertz, UtcOffset};
use uuid::Uuid;

use super::start::{claim, note, put_back};
use super::store::{Claim, RecordStore, Saved as SaveFile, Then, Unfinished};
use super::tolerance::{Arrival, Outcome, tolerate};
use super::unfinished::mend_claimed;
use super::unmanaged;
use crate::apply::clock::InProcess;
use crate::domain::project;
use crate::domain::{Defbool, Domain, DomainConfig};
use crate::host::{
    DomId, DomainSummary, ErrorKind, Host, HostError, HostFacts, Result, SaveKind, ShutdownReason,
};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::model::birth_khz;
use crate::lifecycle::record::RecordFormatError;
use crate::lifecycle::record::{Instance, RequestOrigin, Saved, Seen};
use crate::preflight::Sender;
use crate::tracking::monitor::read_clock;
use crate::xl::savefile::Header;

/// Saves, restores and migrates guests with their clocks.
///
/// ```
/// use std::io::Seek;
///
/// use xenclock::domain::DomainConfig;
/// use xenclock::host::{Host, SaveKind, mock::Mock};
/// use xenclock::timers::{GuestKind, zone::default_zones};
/// use xenclock::tracking::store::RecordStore;
/// use xenclock::tracking::transfer::Transfer;
///
/// # let now = "2026-07-01T12:00:00Z".parse()?;
/// let host = Mock::in_memory(Box::new(move || now));
/// let mut config = DomainConfig::new(GuestKind::Hvm);
/// config.c_info.name = Some("guest".to_owned());
/// let domid = host.create_paused(&config)?;
/// host.unpause(domid)?;
/// host.guest_shift_rtc(domid, 90)?;
///
/// let (records, zones) = (RecordStore::in_memory(), default_zones());
/// let transfer = Transfer::new(&host, &records, &*zones);
/// let domain = host.domains()?.into_iter().find(|domain| domain.domid == domid).ok_or("no domain")?;
/// let mut outgoing = transfer.outgoing(domain, None, false)?;
/// let mut stream = tempfile::tempfile()?;
/// transfer.save(&mut outgoing, &mut stream, SaveKind::Suspend)?;
/// let header = outgoing.header()?;
/// transfer.left(&outgoing.domain)?;
///
/// stream.rewind()?;
/// let incoming = transfer.receive(&header, None, str::to_owned, &mut stream)?;
/// host.unpause(incoming.domid)?;
/// assert_eq!(host.rtc_record(incoming.domid)?.offset, 90);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Transfer<'a> {
    /// The host.
    pub host: &'a dyn Host,
    /// The clock records.
    pub records: &'a RecordStore,
    /// The source of named zones.
    pub zones: &'a dyn ZoneSource,
}

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
    pub warnings: Vec<String>,
}

/// What is being done when a guest comes.
const RESTORE: &str = "restore the domain";

/// The same of a migration, too.
const ARRIVE: &str = "receive the guest";

/// Where the sender stands in what is ours of a header, beside the fields of the record.
const SENDER: &str = "sender";

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
        let json = format!("{:<length$}", serde_json::to_string_pretty(&self.config)?);
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

/// True if a record is longer than one that is kept may be: the other side could not keep it either.
fn is_too_long(record: &ClockRecord) -> bool {
    record.to_bytes().len() as u64 > ClockRecord::MAX_BYTES
}

/// The config that came with a guest.
///
/// # Errors
/// When it is none of libxl's.
pub fn config_in(header: &Header) -> Result<DomainConfig> {
    let invalid = |why: String| HostError::new(ErrorKind::Invalid, RESTORE, why);
    let json = header.config_json().map_err(|error| invalid(format!("the file {error}")).caused_by(error))?;
    serde_json::from_str(json)
        .map_err(|error| invalid(format!("the config in it is not libxl's: {error}")).caused_by(error))
}

/// The host that a guest has left, where xenclock saved or sent it.
#[must_use]
pub fn sender_in(header: &Header) -> Option<Sender> {
    let ours = header.ours.as_ref().filter(|ours| ours.len() as u64 <= ClockRecord::MAX_BYTES)?;
    let ours: serde_json::Value = serde_json::from_slice(ours).ok()?;
    serde_json::from_value(ours.get(SENDER)?.clone()).ok()
}

/// A guest that has arrived, paused.
#[derive(Debug)]
#[non_exhaustive]
pub struct Incoming {
    /// The domain.
    pub domid: DomId,
    /// Its RTC, in seconds ahead of UTC; of a guest without one what its wallclock was given.
    pub offset: i64,
    /// Warnings for the administrator.
    pub warnings: Vec<String>,
    kind: GuestKind,
    uuid: Uuid,
    /// True if its record is known to be of this life of the guest.
    continues: bool,
    /// What was kept here before.
    before: Option<ClockRecord>,
    /// Held until the guest runs, so that a service keeps off it.
    claim: Option<Claim>,
    boot: String,
}

impl Incoming {
    /// From now on the guest may be here alone, or run elsewhere: if this program is killed, nobody can tell, and so its
    /// domain stays.
    pub fn is_handed_over(&self) {
        if let Some(claim) = &self.claim {
            claim.note(&Unfinished {
                doing: ARRIVE.to_owned(),
                boot: self.boot.clone(),
                domid: Some(self.domid),
                then: Then::Leave,
            });
        }
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

impl<'a> Transfer<'a> {
    /// Transfers on this host.
    #[must_use]
    pub fn new(host: &'a dyn Host, records: &'a RecordStore, zones: &'a dyn ZoneSource) -> Self {
        Transfer { host, records, zones }
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
        config.c_info.uuid = Some(uuid);
        if config.name().is_empty() {
            config.c_info.name = Some(domain.name.clone());
        }
        // Where nothing is kept of it, what travels says at least where it stood.
        let (record, trouble) = self.record(uuid);
        let mut record = record.unwrap_or_else(|| found_in(&config, uuid, config.name()));
        let facts = self.host.facts()?;
        let domid = domain.domid;
        let (offset, warning) = self.offset_now(domid, &record, &facts)?;
        match record.is_instance(&facts.boot_id, domid) {
            true => drop(record.seen(offset, facts.now)),
            false => record.last = Some(Seen { offset, at: facts.now }),
        }
        record.birth_khz = self.birth_now(&domain, &record, &facts)?;
        if let Some(requested) = requested {
            record.adopt_from_file(&requested, RequestOrigin::Create, facts.now);
        }
        let unfit = carry(&mut config, offset);
        let most = ClockRecord::MAX_BYTES;
        let long = is_too_long(&record)
            .then(|| format!("its clock record is longer than {most} bytes and is not sent"));
        let warnings = trouble.into_iter().chain(warning).chain(unfit).chain(long).collect();
        Ok(Outgoing { domain, config, record, sender: None, warnings })
    }

    /// The TSC frequency that a guest was born with, which travels with it.
    fn birth_now(
        &self,
        domain: &DomainSummary,
        record: &ClockRecord,
        facts: &HostFacts,
    ) -> Result<Option<KiloHertz>> {
        let info = self.host.tsc_info(domain.domid)?;
        let recorded = record.birth_khz.filter(|_| record.is_instance(&facts.boot_id, domain.domid));
        let mode = TscMode::from_number(info.mode.into()).unwrap_or(TscMode::Default);
        let tsc = GuestTsc::on_host(mode, KiloHertz(info.khz), domain.kind, &facts.tsc());
        Ok(birth_khz(recorded, info.incarnation, &tsc, facts.cpu_khz))
    }

    fn record(&self, uuid: Uuid) -> (Option<ClockRecord>, Option<String>) {
        match self.records.get(uuid) {
            Ok(record) => (record, None),
            Err(error) => (None, Some(error.to_string())),
        }
    }

    /// Where the guest's clock is now, and a warning where that is not certain.
    fn offset_now(
        &self,
        domid: DomId,
        record: &ClockRecord,
        facts: &HostFacts,
    ) -> Result<(i64, Option<String>)> {
        let (rtc, _) = read_clock(self.host, domid)?;
        let last = record.last.filter(|_| record.is_instance(&facts.boot_id, domid));
        match (rtc, last) {
            (Some(rtc), _) => Ok((rtc.offset, None)),
            (None, Some(last)) => Ok((last.offset, None)),
            // A config given for the way says nothing of where the guest stands.
            (None, None) => self.wallclock(&self.host.stored_config(domid)?, facts),
        }
    }

    /// Where nothing is kept of a guest without RTC: what its config gives it now.
    fn wallclock(&self, config: &DomainConfig, facts: &HostFacts) -> Result<(i64, Option<String>)> {
        let warning = config.b_info.localtime.is_some_and(Defbool::is_true).then(|| {
            "the config has localtime: the wallclock follows the host's zone, and its offset at the guest's start is \
             not known"
                .to_owned()
        });
        let offset = unmanaged::here(&project::clock_of(config), config.kind(), facts, self.zones).map_err(
            |error| {
                HostError::new(ErrorKind::Invalid, "read the wallclock", error.to_string()).caused_by(error)
            },
        )?;
        Ok((offset, warning))
    }

    /// A guest begins to leave. Until it is told otherwise, it goes on here if this program is killed.
    ///
    /// # Errors
    /// When another program saves it or sends it away.
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
        let birth = outgoing.record.birth_khz;
        let trouble = self.note(outgoing.domain.uuid, |record| {
            record.birth_khz = birth;
            match record.is_instance(&facts.boot_id, domid) {
                true => drop(record.ended(ShutdownReason::Suspend, Some(offset), tsc.incarnation, facts.now)),
                // Its changes belong to another instance.
                false => {
                    let rtc = Seen { offset, at: facts.now };
                    record.last = Some(rtc);
                    record.saved(Saved { incarnation: tsc.incarnation, rtc, unset: false });
                }
            }
        });
        // The same warning twice is one.
        let warning = warning.filter(|warning| !outgoing.warnings.contains(warning));
        outgoing.warnings.extend(warning.into_iter().chain(unfit).chain(trouble));
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
        // What cannot be noted now is seen by whoever looks next.
        drop(self.note(domain.uuid, |record| {
            if record.is_instance(&facts.boot_id, domain.domid) {
                record.ended = None;
            }
        }));
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

    /// Notes something in a record; answers why that did not work.
    fn note(&self, uuid: Uuid, with: impl FnOnce(&mut ClockRecord)) -> Option<String> {
        let noted = self.records.change(uuid, |mut record, _| {
            if let Some(record) = &mut record {
                with(record);
            }
            (record, ())
        });
        noted.err().map(|error| error.to_string())
    }

    /// Restores a guest from a stream, paused: with the config that came with it, or with `instead` in its place, whose
    /// clock is then requested for the next start; and under `name` where that is given.
    ///
    /// The RTC of the guest that is restored goes on in any case.
    ///
    /// # Errors
    /// When the config is no good, another program starts the same guest, or the host says no.
    pub fn receive(
        &self,
        header: &Header,
        instead: Option<Domain>,
        name: impl FnOnce(&str) -> String,
        stream: &mut File,
    ) -> Result<Incoming> {
        let saved = || config_in(header);
        let (mut config, requested) = match instead {
            Some(mut instead) => {
                // The guest is who it was, whatever a config says that was written anew.
                if let (None, Ok(saved)) = (&instead.config.c_info.uuid, saved()) {
                    instead.config.c_info.uuid = saved.c_info.uuid;
                }
                (instead.config, Some(instead.clock))
            }
            None => (saved()?, None),
        };
        let uuid = *config.c_info.uuid.get_or_insert_with(Uuid::new_v4);
        let claim = claim(self.host, self.records, uuid, RESTORE)?;
        let facts = self.host.facts()?;
        let note = |domid| note(claim.as_ref(), ARRIVE, &facts, domid, Then::Destroy);
        note(None);
        let own = config.name().to_owned();
        let came = Self::came_along(header, uuid, requested.is_some());
        let came_along = matches!(came, Some(Ok(_)));
        let (record, mut warnings) = self.arriving_record(came, uuid);
        let mut record = record.unwrap_or_else(|| found_in(&config, uuid, &own));
        if let Some(requested) = requested {
            record.adopt_from_file(&requested, RequestOrigin::Create, facts.now);
        }
        let mut offset = 0;
        if config.kind().has_rtc() {
            (config.b_info.rtc_timeoffset, config.b_info.localtime) = (0, None);
        } else {
            let (known, warning) = match record.last {
                Some(last) => (last.offset, None),
                None => self.wallclock(saved().as_ref().unwrap_or(&config), &facts)?,
            };
            offset = known;
            warnings.extend(warning.into_iter().chain(put(&mut config, offset)));
        }
        config.c_info.name = Some(name(&own));
        let domid = self.host.restore_paused(&config, stream)?;
        note(Some(domid));
        let mut continues = came_along;
        let rtc = match read_clock(self.host, domid) {
            Ok((rtc, tsc)) => {
                continues |= record.knows_save(tsc.incarnation);
                rtc.map(|rtc| rtc.offset)
            }
            Err(error) => {
                warnings.push(error.to_string());
                None
            }
        };
        let offset = rtc.unwrap_or(offset);
        // A clock that could not be set stays one, as long as the guest leaves it alone.
        let unset = record.unset().filter(|unset| unset.at == rtc);
        let instance = Instance { unset, ..Instance::followed(&facts.boot_id, domid, facts.now) };
        record.continued(instance, Some(offset).filter(|_| unset.is_none()));
        let mut before = None;
        let kept = self.records.change(uuid, |here, _| {
            before = here;
            (Some(record), ())
        });
        warnings.extend(kept.err().map(|error| error.to_string()));
        let kind = config.kind();
        let boot = facts.boot_id;
        Ok(Incoming { domid, offset, warnings, kind, uuid, continues, before, claim, boot })
    }

    /// Makes the TSC of a guest native that has arrived, where its tolerance, or else this one, allows it.
    ///
    /// # Errors
    /// When the host cannot be read.
    pub fn tolerate(&self, incoming: &Incoming, default: Tolerance) -> Result<Outcome> {
        let facts = self.host.facts()?;
        let (record, _) = self.record(incoming.uuid);
        let Incoming { domid, kind, continues, .. } = *incoming;
        let arrival = Arrival { domid, kind, record: record.as_ref(), continues };
        let mut keep_birth = |birth| {
            let kept = self.records.change(incoming.uuid, |mut record, _| {
                if let Some(record) = &mut record {
                    record.birth_khz = Some(birth);
                }
                (record, ())
            });
            kept.map(drop).map_err(Into::into)
        };
        tolerate(self.host, &mut InProcess(self.host), &arrival, &facts, default, &mut keep_birth)
    }

    /// The record that came along, or why it cannot be used. Under another UUID, which only a config `instead` of the saved
    /// one gives it, the guest goes on with it too.
    fn came_along(
        header: &Header,
        uuid: Uuid,
        instead: bool,
    ) -> Option<std::result::Result<ClockRecord, RecordFormatError>> {
        match ClockRecord::from_bytes(header.ours.as_ref()?) {
            Ok(record) if is_too_long(&record) => Some(Err(RecordFormatError::TooLong)),
            Ok(mut record) if record.uuid == uuid || instead => {
                record.uuid = uuid;
                Some(Ok(record))
            }
            Ok(_) => None,
            Err(why) => Some(Err(why)),
        }
    }

    /// The record that came along, with what is kept here of the guest; or else the latter.
    fn arriving_record(
        &self,
        came: Option<std::result::Result<ClockRecord, RecordFormatError>>,
        uuid: Uuid,
    ) -> (Option<ClockRecord>, Vec<String>) {
        let (here, trouble) = self.record(uuid);
        let mut warnings: Vec<_> = trouble.into_iter().collect();
        match came {
            Some(Ok(came)) => (Some(came.arrived(here)), warnings),
            Some(Err(why)) => {
                let known = match here.is_some() {
                    true => "its record on this host is used",
                    false => "its next start follows its config",
                };
                warnings.push(format!(
                    "the clock record in the stream cannot be used ({why}): the guest's RTC continues as saved, and {known}"
                ));
                (here, warnings)
            }
            None => (here, warnings),
        }
    }
}

/// The record of a guest of which nobody has said anything but its config.
fn found_in(config: &DomainConfig, uuid: Uuid, name: &str) -> ClockRecord {
    ClockRecord::new(uuid, name, unmanaged::request(project::clock_of(config)))
}

/// Puts the clock as it is now into the config that travels; answers a warning where it does not fit. An RTC's is in the
/// stream, and wins as long as the config has nothing.
fn carry(config: &mut DomainConfig, offset: i64) -> Option<String> {
    let stands_in_config = !config.kind().has_rtc() || unmanaged::moves_rtc(config);
    if stands_in_config { put(config, offset) } else { None }
}

/// One offset from UTC, and no zone.
fn put(config: &mut DomainConfig, offset: i64) -> Option<String> {
    config.b_info.localtime = None;
    match UtcOffset::new(offset) {
        Ok(offset) => {
            config.b_info.rtc_timeoffset = offset.to_libxl();
            None
        }
        // Then at least no wrong one: an RTC's is in the stream.
        Err(error) => {
            config.b_info.rtc_timeoffset = 0;
            Some(error.to_string())
        }
    }
}
