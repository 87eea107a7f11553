//! The hypervisor's side of the mock: Xen's effect on a guest's clocks, at the granularity of its hypercalls.
//!
//! Pure: it reads no clock and does no I/O. The present is an argument of every call. This module models only Xen and
//! knows nothing of names, configs or libxl, which are in `libxl.rs`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use timers::GuestKind;
use uuid::Uuid;

pub use super::events::EventLog;
pub use super::present::Present;
pub use super::refusal::{Errno, Refusal};
pub use super::rtc::TimeOfDay;
pub use super::tsc::Tsc;
use crate::host::{DomId, Event, RtcRecord, RunState, ShutdownReason, TscInfo};

/// The properties of a new domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDomain {
    /// hvm, pv or pvh.
    pub kind: GuestKind,
    /// Xen's domain handle.
    pub uuid: Uuid,
    /// Memory in KiB.
    pub memory_kb: u64,
    /// vCPUs online.
    pub vcpus: u32,
}

/// A domain as Xen knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// hvm, pv or pvh.
    pub kind: GuestKind,
    /// Xen's domain handle.
    pub uuid: Uuid,
    /// Memory in KiB.
    pub memory_kb: u64,
    /// vCPUs online.
    pub vcpus: u32,
    /// How often it was paused and not unpaused; a new domain has one.
    pub pauses: u32,
    /// True if its vCPUs ran here: Xen counts the time that they had.
    pub has_run: bool,
    /// True if it goes on where a saved one stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continues: bool,
    /// vCPUs that a loaded context has left out: they never run again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub down: BTreeSet<u32>,
    /// Why it ended.
    pub shutdown: Option<ShutdownReason>,
    /// Its TSC.
    pub tsc: Tsc,
    /// Its time of day.
    pub time: TimeOfDay,
}

impl Domain {
    /// True if its vCPUs run.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.pauses == 0 && self.shutdown.is_none()
    }

    /// The state in a list of domains.
    #[must_use]
    pub fn state(&self) -> RunState {
        match self.shutdown {
            Some(reason) => RunState::Shutdown(reason),
            None if self.pauses > 0 => RunState::Paused,
            None => RunState::Running,
        }
    }
}

/// The part of an HVM context that is about the TSC (`gethvmcontext`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The header's frequency, `gtsc_khz`.
    pub khz: u32,
    /// The vCPUs that are up, each with its TSC.
    pub cpus: Vec<(u32, u64)>,
}

/// The domains of one host, without dom0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Machine {
    /// The number last given; none is given twice.
    last_domid: u32,
    domains: BTreeMap<DomId, Domain>,
    #[serde(skip_serializing_if = "EventLog::is_empty")]
    events: EventLog,
}

/// The domain that runs the toolstack.
pub const DOM0: DomId = DomId(0);

impl Machine {
    /// Makes a domain, paused once: `createdomain`. Nobody hears of it before [`Machine::introduce`].
    pub fn create(&mut self, new: NewDomain, present: &Present) -> Result<DomId, Refusal> {
        let tsc = Tsc::new(new.kind, present)?;
        let domid = self
            .last_domid
            .checked_add(1)
            .map(DomId)
            .ok_or_else(|| Refusal::new(Errno::NoMem, "no domain ID is left"))?;
        let domain = Domain {
            kind: new.kind,
            uuid: new.uuid,
            memory_kb: new.memory_kb,
            vcpus: new.vcpus,
            pauses: 1,
            has_run: false,
            continues: false,
            down: BTreeSet::new(),
            shutdown: None,
            tsc,
            time: TimeOfDay::new(present.utc),
        };
        self.last_domid = domid.0;
        self.domains.insert(domid, domain);
        Ok(domid)
    }

    /// Tells the others that a domain is there: xenstore's `introduce`.
    pub fn introduce(&mut self, domid: DomId) -> Result<(), Refusal> {
        let uuid = self.domain(domid)?.uuid;
        self.events.push(Event::Introduced { domid, uuid });
        Ok(())
    }

    /// A domain. Xen answers EINVAL when dom0 asks about itself, as it cannot pause itself for the answer.
    pub fn domain(&self, domid: DomId) -> Result<&Domain, Refusal> {
        self.domains.get(&domid).ok_or_else(|| missing(domid))
    }

    fn domain_mut(&mut self, domid: DomId) -> Result<&mut Domain, Refusal> {
        self.domains.get_mut(&domid).ok_or_else(|| missing(domid))
    }

    /// All domains but dom0, by number.
    pub fn domains(&self) -> impl Iterator<Item = (DomId, &Domain)> {
        self.domains.iter().map(|(domid, domain)| (*domid, domain))
    }

    /// The number that the latest domain got; 0 before the first.
    #[must_use]
    pub(crate) fn last_domid(&self) -> u32 {
        self.last_domid
    }

    /// The events so far.
    #[must_use]
    pub fn events(&self) -> &EventLog {
        &self.events
    }

    /// `settscinfo`: taken at any time, also from a running domain.
    pub fn set_tsc_info(&mut self, domid: DomId, info: &TscInfo, present: &Present) -> Result<(), Refusal> {
        let domain = self.domain_mut(domid)?;
        domain.tsc.set(domain.kind, info, present)
    }

    /// `gettscinfo`.
    pub fn tsc_info(&self, domid: DomId, present: &Present) -> Result<TscInfo, Refusal> {
        Ok(self.domain(domid)?.tsc.info(present))
    }

    /// `gethvmcontext`: of the vCPUs that are up. A new guest has its boot CPU.
    pub fn context(&self, domid: DomId, present: &Present) -> Result<Context, Refusal> {
        let domain = translated(domid, self.domain(domid)?)?;
        let up = if domain.has_run || domain.continues { domain.vcpus } else { 1 };
        let tsc = domain.tsc.read(present);
        let cpus = (0..up).filter(|cpu| !domain.down.contains(cpu)).map(|cpu| (cpu, tsc)).collect();
        Ok(Context { khz: domain.tsc.told_khz(), cpus })
    }

    /// `sethvmcontext`: the TSC goes on from what is loaded, at the rate in force, whatever it was, and vCPUs that are not
    /// loaded are down from then on. All of them have one TSC, as those that are saved together have.
    pub fn load_context(
        &mut self,
        domid: DomId,
        context: &Context,
        present: &Present,
    ) -> Result<(), Refusal> {
        let domain = self.domain_mut(domid)?;
        translated(domid, domain)?;
        domain.tsc.load_header(context.khz);
        let up: BTreeSet<u32> = context.cpus.iter().map(|(cpu, _)| *cpu).collect();
        if let Some((_, tsc)) = context.cpus.first() {
            domain.tsc.load(domain.kind, *tsc, present);
        }
        // A new guest brings its other CPUs up itself.
        let all = if domain.has_run || domain.continues { domain.vcpus } else { 1 };
        domain.down = (0..all).filter(|cpu| !up.contains(cpu)).collect();
        Ok(())
    }

    /// Makes a TSC native again that is emulated since its guest came out of a save: see
    /// [`Host::make_tsc_native`](crate::host::Host::make_tsc_native).
    pub fn make_tsc_native(&mut self, domid: DomId, present: &Present) -> Result<(), Refusal> {
        let domain = self.domain(domid)?;
        let before = domain.tsc.info(present);
        let refuse = |why: &str| Err(Refusal::new(Errno::Busy, format!("domain {domid} {why}")));
        if domain.shutdown.is_some() {
            return refuse("has ended");
        }
        if before.incarnation < 2 {
            return refuse("was never restored, and has its initial TSC");
        }
        if before.mode != 0 {
            return Err(Refusal::new(Errno::Inval, format!("the TSC mode of domain {domid} is not default")));
        }
        if !present.tsc.reliable {
            return refuse("cannot be native: Xen does not trust the host's TSC");
        }
        let context = self.context(domid, present)?;
        let khz = present.tsc.khz.0;
        // Xen adds one to it.
        let set = TscInfo { khz, incarnation: before.incarnation - 1, ..before };
        let loaded = Context { khz, ..context.clone() };
        self.set_tsc_info(domid, &set, present)?;
        self.load_context(domid, &loaded, present)?;
        let right = !self.domain(domid)?.tsc.is_emulated() && self.context(domid, present)? == loaded;
        if !right {
            let back = TscInfo { incarnation: before.incarnation - 1, ..before };
            self.set_tsc_info(domid, &back, present)?;
            self.load_context(domid, &context, present)?;
        }
        if right { Ok(()) } else { refuse("is not native at the host's frequency, and was left as it was") }
    }

    /// Loads the boot CPU's context with this TSC (`sethvmcontext`), as a build does with 0 and a restore with the
    /// saved one. A guest that has run would lose its other vCPUs by it.
    pub(crate) fn load_boot_cpu(&mut self, domid: DomId, tsc: u64, present: &Present) -> Result<(), Refusal> {
        let domain = self.new_domain(domid)?;
        domain.tsc.load(domain.kind, tsc, present);
        Ok(())
    }

    /// Sets the TSC of a domain that never ran, and loads its boot CPU's context anew.
    pub fn set_initial_tsc(
        &mut self,
        domid: DomId,
        info: &TscInfo,
        present: &Present,
    ) -> Result<(), Refusal> {
        let domain = self.new_domain(domid)?;
        domain.tsc.set(domain.kind, info, present)?;
        domain.tsc.load(domain.kind, 0, present);
        Ok(())
    }

    fn new_domain(&mut self, domid: DomId) -> Result<&mut Domain, Refusal> {
        let domain = self.domain_mut(domid)?;
        if domain.has_run || domain.continues || domain.shutdown.is_some() {
            return Err(Refusal::new(
                Errno::Busy,
                format!(
                    "domain {domid} has run, and its CPU can be reloaded only before its first instruction"
                ),
            ));
        }
        Ok(domain)
    }

    /// Loads a saved RTC (`sethvmcontext`): a time offset that was set on this domain wins over the saved one.
    pub fn load_rtc(&mut self, domid: DomId, saved_offset: i64, present: &Present) -> Result<(), Refusal> {
        with_rtc(domid, self.domain_mut(domid)?)?.time.load(saved_offset, present.utc);
        Ok(())
    }

    /// Marks a new domain as one that goes on where a saved one stopped.
    pub fn continue_saved(&mut self, domid: DomId) -> Result<(), Refusal> {
        self.domain_mut(domid)?.continues = true;
        Ok(())
    }

    /// `settimeoffset`.
    pub fn set_time_offset(&mut self, domid: DomId, offset: i64) -> Result<(), Refusal> {
        self.domain_mut(domid)?.time.set_offset(offset);
        Ok(())
    }

    /// `gethvmcontext_partial` of the RTC.
    pub fn rtc_record(&self, domid: DomId, present: &Present) -> Result<RtcRecord, Refusal> {
        let domain = self.domain(domid)?;
        if domain.kind != GuestKind::Hvm {
            return Err(no_rtc(domid, domain.kind));
        }
        let mut time = domain.time.clone();
        if domain.runs() {
            time.catch_up(present.utc);
        }
        Ok(time.record())
    }

    /// `pausedomain`: one more.
    pub fn pause(&mut self, domid: DomId, present: &Present) -> Result<(), Refusal> {
        let domain = self.domain_mut(domid)?;
        let pauses = domain.pauses.checked_add(1).ok_or_else(|| {
            Refusal::new(Errno::Inval, format!("domain {domid} has been paused too many times"))
        })?;
        stop_clock(domain, present);
        domain.pauses = pauses;
        Ok(())
    }

    /// `unpausedomain`: one less; the last one lets it run.
    pub fn unpause(&mut self, domid: DomId) -> Result<(), Refusal> {
        let domain = self.domain_mut(domid)?;
        domain.pauses = domain
            .pauses
            .checked_sub(1)
            .ok_or_else(|| Refusal::new(Errno::Inval, format!("domain {domid} is not paused")))?;
        domain.has_run |= domain.runs();
        Ok(())
    }

    /// `resumedomain`: an end is taken back, whatever its reason.
    pub fn resume(&mut self, domid: DomId) -> Result<(), Refusal> {
        let domain = self.domain_mut(domid)?;
        domain.shutdown = None;
        domain.has_run |= domain.runs();
        Ok(())
    }

    /// `soft_reset`: the vCPUs of a domain that has ended are let go on as they are.
    pub fn soft_reset(&mut self, domid: DomId) -> Result<(), Refusal> {
        let domain = self.domain(domid)?;
        if domain.kind == GuestKind::Pv {
            return Err(Refusal::new(
                Errno::Inval,
                format!("domain {domid} is a PV guest, and a soft reset needs HVM"),
            ));
        }
        if domain.shutdown.is_none() {
            return Err(Refusal::new(
                Errno::Inval,
                format!("domain {domid} has not ended, so its vCPUs still run"),
            ));
        }
        self.resume(domid)
    }

    /// The domain ends. Its records can be read until it is destroyed.
    pub fn shut_down(
        &mut self,
        domid: DomId,
        reason: ShutdownReason,
        present: &Present,
    ) -> Result<(), Refusal> {
        let domain = self.domain_mut(domid)?;
        if domain.shutdown.is_some() {
            return Err(Refusal::new(Errno::Busy, format!("domain {domid} has ended already")));
        }
        stop_clock(domain, present);
        domain.shutdown = Some(reason);
        let uuid = domain.uuid;
        self.events.push(Event::Shutdown { domid, uuid, reason });
        Ok(())
    }

    /// `destroydomain`, the whole of it.
    pub fn destroy(&mut self, domid: DomId) -> Result<(), Refusal> {
        let domain = self.domains.remove(&domid).ok_or_else(|| missing(domid))?;
        self.events.push(Event::Destroyed { domid, uuid: domain.uuid });
        Ok(())
    }

    /// The host boots anew: nothing is left, and numbers are given from the first on again.
    pub(super) fn reboot(&mut self) {
        *self = Machine { events: self.events.silenced(), ..Machine::default() };
    }

    /// The guest sets its RTC.
    pub(crate) fn guest_sets_rtc(
        &mut self,
        domid: DomId,
        to: NaiveDateTime,
        present: &Present,
    ) -> Result<(), Refusal> {
        running(domid, with_rtc(domid, self.domain_mut(domid)?)?)?.time.write(to, present.utc)
    }

    /// The guest reads its RTC and sets it so many seconds later.
    pub fn guest_shifts_rtc(&mut self, domid: DomId, seconds: i64, present: &Present) -> Result<(), Refusal> {
        running(domid, with_rtc(domid, self.domain_mut(domid)?)?)?.time.shift(seconds, present.utc)
    }

    /// The guest ends by itself, for one of the reasons that a guest can have.
    pub fn guest_ends(
        &mut self,
        domid: DomId,
        why: ShutdownReason,
        present: &Present,
    ) -> Result<(), Refusal> {
        running(domid, self.domain_mut(domid)?)?;
        self.shut_down(domid, why, present)
    }

    /// The value that RDTSC reads in the guest.
    pub fn guest_tsc(&self, domid: DomId, present: &Present) -> Result<u64, Refusal> {
        Ok(self.domain(domid)?.tsc.read(present))
    }
}

/// The registers of a CMOS clock stay where they are when its guest stops.
fn stop_clock(domain: &mut Domain, present: &Present) {
    if domain.runs() {
        domain.time.catch_up(present.utc);
    }
}

fn missing(domid: DomId) -> Refusal {
    if domid == DOM0 {
        return Refusal::new(Errno::Inval, "domain 0 runs the toolstack; this can be done only to guests");
    }
    Refusal::new(Errno::Srch, format!("there is no domain {domid}"))
}

fn no_rtc(domid: DomId, kind: GuestKind) -> Refusal {
    let kind = match kind {
        GuestKind::Pv => "PV",
        GuestKind::Pvh => "PVH",
        GuestKind::Hvm => "HVM",
    };
    Refusal::new(Errno::NoEnt, format!("domain {domid} is a {kind} guest, and only HVM guests have an RTC"))
}

/// PV guests have no HVM context.
fn translated(domid: DomId, domain: &Domain) -> Result<&Domain, Refusal> {
    match domain.kind {
        GuestKind::Hvm | GuestKind::Pvh => Ok(domain),
        GuestKind::Pv => {
            Err(Refusal::new(Errno::Inval, format!("domain {domid} is a PV guest, which has no HVM context")))
        }
    }
}

fn with_rtc(domid: DomId, domain: &mut Domain) -> Result<&mut Domain, Refusal> {
    if domain.kind == GuestKind::Hvm { Ok(domain) } else { Err(no_rtc(domid, domain.kind)) }
}

fn running(domid: DomId, domain: &mut Domain) -> Result<&mut Domain, Refusal> {
    let is = match domain.state() {
        RunState::Running => return Ok(domain),
        RunState::Paused => "is paused, so its guest does not run: unpause it first",
        RunState::Shutdown(_) | RunState::Dying => "has ended, so its guest no longer runs",
    };
    Err(Refusal::new(Errno::Busy, format!("domain {domid} {is}")))
}
