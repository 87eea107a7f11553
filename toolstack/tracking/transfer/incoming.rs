//! A guest that arrives: restored under its config and its record, and its TSC.

use std::fs::File;
use std::sync::Arc;

use timers::tsc::Tolerance;
use timers::{GuestClock, GuestKind, UtcOffset};
use uuid::Uuid;

use super::header::{RESTORE, config_in, is_too_long};
use super::{Transfer, put};
use crate::apply::clock::InProcess;
use crate::domain::{Domain, DomainConfig};
use crate::host::{DomId, HostFacts, Result};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::record::{Instance, RecordFormatError, RequestOrigin};
use crate::tracking::cold_start;
use crate::tracking::monitor::read_clock;
use crate::tracking::start::{claim, note, put_back};
use crate::tracking::store::{Claim, Then, Unfinished};
use crate::tracking::tolerance::{Arrival, Outcome, tolerate};
use crate::tracking::unmanaged;
use crate::tracking::warning::{Warning, add};
use crate::xl::savefile::Header;

/// The same of a migration, too.
const ARRIVE: &str = "receive the guest";

/// A guest that has arrived, paused.
#[derive(Debug)]
#[non_exhaustive]
pub struct Incoming {
    /// The domain.
    pub domid: DomId,
    /// Its RTC, in seconds ahead of UTC; of a guest without one what its wallclock was given.
    pub offset: i64,
    /// Warnings for the administrator.
    pub warnings: Vec<Warning>,
    kind: GuestKind,
    uuid: Uuid,
    /// True if its record is known to be of this life of the guest.
    continues: bool,
    /// The record that was kept here before.
    before: Option<ClockRecord>,
    /// Held until the guest runs, so that a service keeps off it.
    claim: Option<Claim>,
    boot: String,
}

/// The record of a guest that comes in.
struct Arriving {
    record: ClockRecord,
    /// True if it came along with the guest.
    came_along: bool,
    warnings: Vec<Warning>,
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

impl Transfer<'_> {
    /// The guest that has arrived is not to run here after all: its domain is taken away, and its record is what it was.
    ///
    /// # Errors
    /// When the domain cannot be taken away.
    pub fn undo_incoming(&self, incoming: &Incoming) -> Result<()> {
        self.host.destroy(incoming.domid)?;
        put_back(self.records, incoming.uuid, incoming.before.clone());
        Ok(())
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
                // The guest is who it was, whatever a config says that was written anew; a copy beside it is another.
                if let (None, Ok(saved)) = (&instead.config.c_info.uuid, saved()) {
                    let domains = self.host.domains()?;
                    let is_here = |uuid: &Uuid| domains.iter().any(|domain| domain.uuid == *uuid);
                    instead.config.c_info.uuid = saved.c_info.uuid.filter(|uuid| !is_here(uuid));
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
        let arriving = self.arriving(header, &config, uuid, requested.as_ref(), &facts);
        let Arriving { mut record, came_along, mut warnings } = arriving;
        let mut offset = 0;
        if config.kind().has_rtc() {
            config.set_rtc_offset(UtcOffset::ZERO);
        } else {
            let (known, warning) = match record.last {
                Some(last) => (last.offset, None),
                None => self.wallclock(saved().as_ref().unwrap_or(&config), &facts)?,
            };
            offset = known;
            warnings.extend(warning.into_iter().chain(put(&mut config, offset)));
        }
        unmanaged::offset_in(&config).into_iter().for_each(|offset| record.config_written(offset));
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
                warnings.push(error.into());
                None
            }
        };
        let offset = rtc.unwrap_or(offset);
        // A clock that could not be set stays one, as long as the guest leaves it alone.
        let unset = record.unset().filter(|unset| unset.at == rtc);
        let instance = Instance { unset, ..Instance::followed(&facts.boot_id, domid, facts.now) };
        let known = Some(offset).filter(|_| unset.is_none());
        if came_along && let Some(offset) = known {
            // Since its record was sent the guest may have set its RTC.
            record.seen(offset, facts.now);
        }
        match continues {
            true => record.continued(instance, known),
            false => record.found_alive(instance, known),
        }
        add(&mut warnings, self.next_start_refused(&record, &config, &facts));
        let mut before = None;
        let kept = self.records.change(uuid, |here, _| {
            before = here;
            (Some(record), ())
        });
        add(&mut warnings, kept.err().map(Warning::from));
        let kind = config.kind();
        let boot = facts.boot_id;
        Ok(Incoming { domid, offset, warnings, kind, uuid, continues, before, claim, boot })
    }

    /// The record with which a guest would go on that comes in: with `config`, and with this clock requested for its next
    /// start if that is not the config that it was saved with. Nothing is changed.
    ///
    /// # Errors
    /// When the host cannot be read.
    pub fn expected(
        &self,
        header: &Header,
        config: &DomainConfig,
        requested: Option<&GuestClock>,
    ) -> Result<ClockRecord> {
        let saved = || config_in(header).ok().and_then(|saved| saved.c_info.uuid);
        let uuid = config.c_info.uuid.or_else(saved).unwrap_or_default();
        Ok(self.arriving(header, config, uuid, requested, &self.host.facts()?).record)
    }

    /// The warning that the next start of a guest here would be refused, with this record and this config. The guest arrives
    /// all the same.
    #[must_use]
    pub fn next_start_refused(
        &self,
        record: &ClockRecord,
        config: &DomainConfig,
        facts: &HostFacts,
    ) -> Option<Warning> {
        cold_start::next(record, config, facts, self.zones).err().map(Warning::NextStartRefused)
    }

    fn arriving(
        &self,
        header: &Header,
        config: &DomainConfig,
        uuid: Uuid,
        requested: Option<&GuestClock>,
        facts: &HostFacts,
    ) -> Arriving {
        let came = Self::came_along(header, uuid, requested.is_some());
        let came_along = matches!(came, Some(Ok(_)));
        let (record, warnings) = self.arriving_record(came, uuid);
        let mut record = record.unwrap_or_else(|| unmanaged::found_in(config, uuid, config.name()));
        if let Some(requested) = requested {
            record.adopt_from_file(requested, RequestOrigin::Create, facts.now);
        }
        Arriving { record, came_along, warnings }
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
            Ok(record) => Some(Err(RecordFormatError::Another(record.uuid))),
            Err(why) => Some(Err(why)),
        }
    }

    /// The record that came along, with what is kept here of the guest; or else the latter.
    fn arriving_record(
        &self,
        came: Option<std::result::Result<ClockRecord, RecordFormatError>>,
        uuid: Uuid,
    ) -> (Option<ClockRecord>, Vec<Warning>) {
        let (here, trouble) = self.record(uuid);
        let mut warnings: Vec<_> = trouble.into_iter().collect();
        match came {
            Some(Ok(came)) => (Some(came.arrived(here)), warnings),
            Some(Err(why)) => {
                warnings.push(Warning::RecordInStream { why: Arc::new(why), known_here: here.is_some() });
                (here, warnings)
            }
            None => (here, warnings),
        }
    }
}
