//! The restart or the end of a guest that has shut down, as its config says: xl's monitor, with a clock that goes on.
//!
//! On Xen a reboot is a new domain, made from the config; stock xl forgets what the guest made of its RTC and what was
//! set from outside. Here the old domain is read, and what was read is on disk, before it goes.

use std::any::Any;
use std::error::Error;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use timers::zone::ZoneSource;
use timers::{GuestClock, UtcOffset};
use uuid::Uuid;

use super::cold_start;
use super::start::{StartOptions, Started, claim, note, start};
use super::store::{Clocks, RecordStore, Then};
use super::unmanaged;
use super::warning::{Warning, add};
use crate::apply::clock::put_back;
use crate::apply::{ApplyError, Outcome};
use crate::domain::{Domain, DomainConfig, ShutdownAction};
use crate::host::{DomId, DomainSummary, ErrorKind, Host, HostError, RtcRecord, ShutdownReason, TscInfo};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::record::RequestOrigin;
use crate::plan::{self, Plan, Refusal};

/// Memory of a domain that has just gone is still being scrubbed: so often and so long is a start tried again.
const TRIES: u32 = 5;

/// Reads an xl.cfg: its config, and the clock that it requests. Why one cannot be read is the reader's own error.
pub type Reread<'a> = dyn Fn(&[u8]) -> Result<(DomainConfig, GuestClock), Box<dyn Error + Send + Sync>> + 'a;

/// Makes room in memory for a domain that is about to be made; what it answers is held until the domain is there.
pub type MakeRoom<'a> = dyn Fn(&DomainConfig) -> Result<Box<dyn Any>, HostError> + 'a;

/// Restarts or destroys a domain that has shut down, as its config requests.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Monitor<'a> {
    /// The host.
    pub host: &'a dyn Host,
    /// The clock records.
    pub records: &'a RecordStore,
    /// The source of named zones.
    pub zones: &'a dyn ZoneSource,
    /// The directory of core dumps.
    pub dumps: &'a Path,
    /// Reads an xl.cfg that was left for the next start (`xl config-update`).
    pub reread: &'a Reread<'a>,
    /// Makes room in memory for the new domain.
    pub make_room: &'a MakeRoom<'a>,
    /// How long to wait before a start is tried again for which memory was short.
    pub patience: Duration,
}

/// xl's directory for core dumps.
const DUMPS: &str = "/var/lib/xen/dump";

/// The time between two attempts to start a guest for which memory was short.
const PATIENCE: Duration = Duration::from_secs(2);

impl<'a> Monitor<'a> {
    /// A monitor that dumps cores into xl's directory and tries a start again after two seconds.
    #[must_use]
    pub fn new(
        host: &'a dyn Host,
        records: &'a RecordStore,
        zones: &'a dyn ZoneSource,
        reread: &'a Reread<'a>,
    ) -> Self {
        let make_room: &MakeRoom<'_> = &|_| Ok(Box::new(()));
        Monitor { host, records, zones, dumps: Path::new(DUMPS), reread, make_room, patience: PATIENCE }
    }

    /// With another directory for core dumps.
    #[must_use]
    pub fn dumps(self, dumps: &'a Path) -> Self {
        Monitor { dumps, ..self }
    }

    /// With room that is made in memory before a domain is started again.
    #[must_use]
    pub fn make_room(self, make_room: &'a MakeRoom<'a>) -> Self {
        Monitor { make_room, ..self }
    }

    /// With another time between two attempts.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Monitor { patience, ..self }
    }
}

/// The user data in which `xl config-update` leaves a config for the next start.
const UPDATE: &str = "xl";

/// The next domain, worked out while the old one is still there.
struct Next {
    config: DomainConfig,
    plan: Option<Plan>,
    /// The clock that an updated config requests.
    asked: Option<GuestClock>,
    warnings: Vec<Warning>,
}

/// The error of a restart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestartError {
    /// The old domain could not be read or taken away.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The clock cannot be had on this host, as after a move. Nothing was done: the domain is still there, shut down, and
    /// what its guest made of its RTC is in its clock record. It is started again once another clock is requested, by
    /// [`crate::tracking::start::start`] or `create`, after [`Host::destroy`] of this domain.
    #[error(
        "{}. The domain is still there, shut down: request another clock, in the guest's file or, if the file has a uuid, \
         with xenclock clock-set; then destroy the domain and create it again",
        .0.with_remedies()
    )]
    Refused(#[from] Refusal),
    /// The new domain failed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// The state of a domain after its shutdown was handled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// It is gone.
    Gone,
    /// It is a new domain.
    Restarted(Started),
    /// It is the same domain, and goes on after a soft reset.
    Reset(UtcOffset),
    /// It is still there, for this reason.
    Kept(&'static str),
}

/// A handled shutdown, with the errors that did not stop it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// The state of the domain.
    pub became: Disposition,
    /// Warnings for the administrator.
    pub warnings: Vec<Warning>,
}

impl Monitor<'_> {
    /// Handles a domain that has shut down as its config requests: `on_poweroff`, `on_reboot` and so on.
    ///
    /// # Errors
    /// When the domain cannot be read or taken away, or the new one cannot be made.
    pub fn ended(&self, domid: DomId, reason: ShutdownReason) -> Result<Ended, RestartError> {
        let (record, mut warnings) = self.note_end(domid, reason)?;
        let config = self.host.stored_config(domid)?;
        let mut action = action(&config, reason);
        if let ShutdownAction::CoredumpDestroy | ShutdownAction::CoredumpRestart = action {
            // A name may have any letters.
            let file = self.dumps.join(config.name().replace('/', "_"));
            // As xl does: a dump that fails holds nothing up. Not every installation of Xen has the directory.
            let _ = DirBuilder::new().recursive(true).mode(0o700).create(self.dumps);
            if let Err(error) = self.host.core_dump(domid, &file) {
                warnings.push(error.into());
            }
            action = if action == ShutdownAction::CoredumpRestart {
                ShutdownAction::Restart
            } else {
                ShutdownAction::Destroy
            };
        }
        let became = match action {
            ShutdownAction::Preserve => Disposition::Kept(match reason {
                ShutdownReason::Suspend => "it was saved",
                _ => "its config says so",
            }),
            ShutdownAction::Destroy => {
                self.host.destroy(domid)?;
                add(&mut warnings, self.note_gone(domid, record.as_ref()));
                Disposition::Gone
            }
            ShutdownAction::Restart => {
                let next = self.next(domid, config, record.as_ref())?;
                self.host.destroy(domid)?;
                Disposition::Restarted(self.again(next, &mut warnings)?)
            }
            ShutdownAction::RestartRename => {
                let next = self.next(domid, config, record.as_ref())?;
                let suffix = self.host.facts()?.now.format("-%Y%m%dT%H%MZ").to_string();
                self.host.preserve(domid, &suffix)?;
                Disposition::Restarted(self.again(next, &mut warnings)?)
            }
            ShutdownAction::SoftReset => Disposition::Reset(self.reset(domid, &config)?),
            // Both became another above.
            ShutdownAction::CoredumpDestroy | ShutdownAction::CoredumpRestart => {
                Disposition::Kept("its core was dumped")
            }
        };
        Ok(Ended { became, warnings })
    }

    /// Reads what can be read only now, and has it on disk before anything else. Answers the record, and warnings.
    fn note_end(
        &self,
        domid: DomId,
        reason: ShutdownReason,
    ) -> Result<(Option<ClockRecord>, Vec<Warning>), HostError> {
        let (rtc, tsc_info) = read_clock(self.host, domid)?;
        let domains = self.host.domains()?;
        let found = domains.into_iter().find(|domain| domain.domid == domid);
        let Some(DomainSummary { uuid, kind, .. }) = found else { return Ok((None, Vec::new())) };
        let facts = self.host.facts()?;
        let note = |mut record: ClockRecord| {
            // Only its own record knows the clock of a guest without RTC; and what has become of the guest since, as in
            // a migration within this host, is in another domain's.
            let is_its = record.is_instance(&facts.boot_id, domid);
            if let Some(tsc) = tsc_info.guest_tsc(kind, &facts).filter(|_| is_its) {
                record.tsc_seen(tsc_info.incarnation, &tsc, facts.cpu_khz);
            }
            if is_its || rtc.is_some() && record.instance.is_none() {
                record.ended(reason, rtc.map(|rtc| rtc.offset), tsc_info.incarnation, facts.now);
            }
            record
        };
        let kept = self.records.change(uuid, |record, trouble| (record.map(note), trouble));
        Ok(match kept {
            Ok((record, trouble)) => (record, trouble.into_iter().map(Warning::from).collect()),
            Err(error) => {
                let record = match error.record() {
                    Some(record) => Some(record.clone()),
                    None => self.records.get(uuid).ok().flatten().map(note),
                };
                (record, vec![error.into()])
            }
        })
    }

    fn note_gone(&self, domid: DomId, record: Option<&ClockRecord>) -> Option<Warning> {
        let (record, facts) = (record?, self.host.facts().ok()?);
        let done = self.records.gone(record.uuid, &facts.boot_id, domid, facts.now);
        done.err().map(Warning::from)
    }

    /// The next domain. Without a record it is the config alone, as xl does it.
    fn next(
        &self,
        domid: DomId,
        config: DomainConfig,
        record: Option<&ClockRecord>,
    ) -> Result<Next, RestartError> {
        let (mut config, asked, warning) = self.updated(domid, config)?;
        let mut warnings: Vec<_> = warning.into_iter().collect();
        let Some(record) = record else {
            warnings.push(Warning::NoRecord(domid));
            return Ok(Next { config, plan: None, asked: None, warnings });
        };
        let facts = self.host.facts()?;
        let mut record = record.clone();
        if let Some(asked) = &asked {
            let before = record.request.clock.tsc_frequency();
            record.adopt_from_file(asked, RequestOrigin::Create, facts.now);
            if let Some(before) = before.filter(|_| record.request.clock.tsc_frequency().is_none()) {
                warnings.push(Warning::TscFrequencyDropped { before });
                let noted = self.records.change(record.uuid, |mut record, _| {
                    record.iter_mut().for_each(|record| record.dropped_frequency = Some(before));
                    (record, ())
                });
                warnings.extend(noted.err().map(Warning::from));
            }
        }
        // The plan puts the offset where it belongs.
        config.set_rtc_offset(UtcOffset::ZERO);
        config.c_info.uuid = Some(record.uuid);
        let start = cold_start::next(&record, &config, &facts, self.zones)?;
        warnings.extend(start.warnings);
        let domain = Domain::new(config.clone(), start.clock);
        let plan = plan::plan(&domain, &facts, self.zones, record.uuid)?;
        Ok(Next { config, plan: Some(plan), asked, warnings })
    }

    /// The config that `xl config-update` has left for the next start, where it has. One that cannot be understood is
    /// no reason for the guest to stay away, but for a warning.
    fn updated(
        &self,
        domid: DomId,
        config: DomainConfig,
    ) -> Result<(DomainConfig, Option<GuestClock>, Option<Warning>), HostError> {
        let Some(text) = self.host.user_data(domid, UPDATE)? else { return Ok((config, None, None)) };
        Ok(match (self.reread)(&text) {
            Ok((updated, asked)) => (updated, Some(asked), None),
            Err(why) => (config, None, Some(Warning::UpdateNotUsed(why.into()))),
        })
    }

    /// Starts a domain again whose predecessor has gone.
    fn again(&self, next: Next, warnings: &mut Vec<Warning>) -> Result<Started, RestartError> {
        add(warnings, next.warnings);
        let config = next.plan.as_ref().map_or(&next.config, |plan| &plan.config);
        let room = (self.make_room)(config)?;
        let once = || match &next.plan {
            Some(plan) => {
                let facts = self.host.facts().map_err(of_start)?;
                let terms = StartOptions {
                    records: self.records,
                    asked: next.asked.as_ref(),
                    made_up: false,
                    paused: false,
                    zone_data: self.zones.release(),
                };
                start(plan, self.host, &facts, &terms, &mut |_| {})
            }
            None => {
                let outcome = self.as_configured(&next.config).map_err(of_start)?;
                Ok(Started { outcome, unkept: None })
            }
        };
        let mut tries = 1;
        let started = loop {
            match once() {
                Err(error) if error.error.kind == ErrorKind::NoMemory && tries < TRIES => {
                    tries += 1;
                    std::thread::sleep(self.patience);
                }
                done => break done?,
            }
        };
        drop(room);
        add(warnings, started.unkept.clone());
        Ok(started)
    }

    /// Starts a domain of which nothing is recorded.
    fn as_configured(&self, config: &DomainConfig) -> Result<Outcome, HostError> {
        let facts = self.host.facts()?;
        let doing = format!("start domain '{}'", config.name());
        let claim = match config.c_info.uuid {
            Some(uuid) => claim(self.host, self.records, uuid, &doing)?,
            None => None,
        };
        note(claim.as_ref(), "start the guest", &facts, None, Then::Destroy);
        let domid = self.host.create_paused(config)?;
        note(claim.as_ref(), "start the guest", &facts, Some(domid), Then::Destroy);
        let offset = match read_clock(self.host, domid)? {
            (Some(rtc), _) => rtc.offset,
            (None, _) => unmanaged::here(config, &facts).unwrap_or_default(),
        };
        self.host.unpause(domid)?;
        // libxl gives a new domain no more than 32 bits.
        Ok(Outcome { domid, offset: UtcOffset::new(offset).unwrap_or_default() })
    }

    /// A soft reset keeps the domain, but libxl builds it again: its TSC is new then, and an offset in the config is set
    /// anew. The guest is the same, and its clocks go on.
    fn reset(&self, domid: DomId, config: &DomainConfig) -> Result<UtcOffset, RestartError> {
        let (rtc, tsc) = read_clock(self.host, domid)?;
        // One that Xen cannot be told is none that the config has set.
        let offset = rtc.and_then(|rtc| UtcOffset::new(rtc.offset).ok());
        let doing = "reset the guest";
        let (facts, uuid) = (self.host.facts()?, uuid_of(self.host, domid)?);
        let claim = match uuid {
            Some(uuid) => claim(self.host, self.records, uuid, doing)?,
            None => None,
        };
        let note = |then| note(claim.as_ref(), doing, &facts, Some(domid), then);
        note(Then::FinishReset(None));
        self.host.soft_reset(domid, config)?;
        // The kernel that starts now counts by the frequency that it finds, whoever finishes this. A record that cannot be
        // written says an older one, and the guest is tolerated less.
        if let (Some(uuid), Some(found)) = (uuid, tsc.guest_tsc(config.kind(), &facts)) {
            let anew = |mut record: ClockRecord| {
                record.birth_khz = Some(found.khz);
                record
            };
            drop(self.records.change(uuid, |record, _| (record.map(anew), ())));
        }
        note(Then::FinishReset(Some(Clocks { offset, tsc })));
        put_back(self.host, domid, offset, &tsc)?;
        self.host.unpause(domid)?;
        Ok(offset.unwrap_or_default())
    }
}

/// The RTC, where there is one, and the TSC.
///
/// # Errors
/// When the domain cannot be read.
pub fn read_clock(host: &dyn Host, domid: DomId) -> Result<(Option<RtcRecord>, TscInfo), HostError> {
    let rtc = match host.rtc_record(domid) {
        Ok(rtc) => Some(rtc),
        Err(error) if error.kind == ErrorKind::NoRtc => None,
        Err(error) => return Err(error),
    };
    Ok((rtc, host.tsc_info(domid)?))
}

fn uuid_of(host: &dyn Host, domid: DomId) -> Result<Option<Uuid>, HostError> {
    let domains = host.domains()?;
    let domain = domains.iter().find(|domain| domain.domid == domid);
    Ok(domain.map(|domain| domain.uuid))
}

fn of_start(error: HostError) -> ApplyError {
    ApplyError { error, left_behind: None }
}

/// The config's action for this reason of a shutdown.
fn action(config: &DomainConfig, reason: ShutdownReason) -> ShutdownAction {
    match reason {
        ShutdownReason::Poweroff => config.on_poweroff,
        ShutdownReason::Reboot => config.on_reboot,
        ShutdownReason::Crash => config.on_crash,
        ShutdownReason::Watchdog => config.on_watchdog,
        ShutdownReason::SoftReset => config.on_soft_reset,
        ShutdownReason::Suspend => ShutdownAction::Preserve,
    }
}

#[cfg(test)]
mod tests;
