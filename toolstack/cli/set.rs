//! `xenclock clock-set`: sets a guest's clock from its next start on, or now.

use serde_json::json;
use timers::resolve::{Resolved, rtc_time};
use timers::tsc::TscDecision;
use timers::{GuestClock, GuestKind, KiloHertz, Timer, TimerName, UtcOffset};
use uuid::Uuid;

use super::args::{ClockSet, Global};
use super::backend;
use super::output::{self, Failure};
use super::{from_save, input, wrapper};
use xenclock::apply::clock::{GuestState, set_live_tsc, set_rtc};
use xenclock::cfg;
use xenclock::diag::shown;
use xenclock::domain::DomainConfig;
use xenclock::host::{DomainSummary, Host, HostFacts, RunState};
use xenclock::lifecycle::ClockRecord;
use xenclock::lifecycle::record::{Instance, Request, RequestOrigin};
use xenclock::plan::{RtcTarget, work_out};
use xenclock::preflight::report::born;
use xenclock::tracking::cold_start::{self, ColdStart};
use xenclock::tracking::monitor::read_clock;
use xenclock::tracking::store::RecordStore;
use xenclock::tracking::unmanaged::{found_in, requested};

/// Whose clock it is: a domain that is there, or one that is only remembered.
struct Target {
    uuid: Uuid,
    name: String,
    domain: Option<DomainSummary>,
    /// Its config, if it is there.
    config: Option<DomainConfig>,
    /// Its RTC, if it is there and has one.
    rtc: Option<i64>,
    record: Option<ClockRecord>,
}

impl Target {
    /// A domain that does not exist has the kind of `config`; without one it counts as HVM, which may have every clock.
    fn kind(&self, config: Option<&DomainConfig>) -> GuestKind {
        let domain = self.domain.as_ref().map(|domain| domain.kind);
        domain.or(config.map(DomainConfig::kind)).unwrap_or(GuestKind::Hvm)
    }

    /// What is kept of it; or else what its config says.
    fn known(&self, record: Option<ClockRecord>) -> Option<ClockRecord> {
        record.or_else(|| Some(found_in(self.config.as_ref()?, self.uuid, &self.name)))
    }

    /// The clock requested so far; for an unmanaged domain, that of its config.
    fn clock(&self) -> GuestClock {
        match (self.known(self.record.clone()), &self.config) {
            (Some(record), Some(config)) => requested(&record, config),
            (Some(record), None) => record.request.clock,
            (None, _) => GuestClock::default(),
        }
    }
}

pub(super) fn run(global: &Global, set: &ClockSet) -> Result<(), Failure> {
    input::all_are_settings(&set.settings)?;
    let asks_nothing =
        set.settings.is_empty() && set.unset.is_empty() && set.from.is_none() && set.from_save.is_none();
    if let Some(key) = set.settings.iter().find_map(|word| word.trim_end().strip_suffix('=')) {
        return Err(Failure::Usage(format!("'{key}=' has no value; --unset {key} takes the setting back")));
    }
    if asks_nothing && (set.now || !set.wrapper.is_asked()) {
        return Err(Failure::Usage(
            "nothing to set: give KEY=VALUE, --unset KEY, --from FILE, --from-save FILE or --wrapper"
                .to_owned(),
        ));
    }
    let host = backend::open(global)?;
    let records = backend::records(global);
    let target = find(&*host, &records, &set.domain)?;
    let facts = host.facts()?;
    let (from, config) = match &set.from {
        Some(file) => input::clock(global, &facts, file).map(|(clock, config)| (Some(clock), config))?,
        None => (None, None),
    };
    let config = match &target.config {
        Some(config) if set.wrapper.is_asked() => Some(config.clone()),
        _ => config,
    };
    let kind = target.kind(config.as_ref());
    let wrapper = set.wrapper.is_for(kind, config.as_ref()).then(|| wrapper::lines(config.as_ref()));
    if wrapper.is_some() {
        wrapper::warn_if_missing();
    }
    if asks_nothing {
        return match (wrapper, set.json) {
            (Some(_), true) => output::json(&json!({"device_model": wrapper::WRAPPER})),
            (Some(lines), false) => output::text(&lines),
            (None, _) => Ok(()),
        };
    }
    let before = target.clock();
    let asked = from.unwrap_or_else(|| before.clone());
    // What was taken back before, the running guest may still have.
    let (takes_rtc, takes_tsc) = cfg::clock::rtc_and_tsc(&set.unset);
    let mut clock = set.unset.iter().try_fold(asked.clone(), without)?;
    let takes_tsc = takes_tsc || clock.tsc() != asked.tsc();
    if let Some(file) = &set.from_save {
        clock.offset = from_save::offset(global, &*host, &facts, file, target.uuid)?;
    }
    let words = cfg::clock::words(&clock, kind, &set.settings).map_err(|errors| input::wrong(&errors))?;
    words.report.losses().for_each(|loss| output::diagnostic(&loss, words.report.source()));
    let clock = words.clock;
    if set.from_save.is_some() && (words.offset || takes_rtc) {
        return Err(Failure::Usage(
            "--from-save gives the offset of the save: leave out the settings of the offset".to_owned(),
        ));
    }
    // A clock that cannot be had is refused before anything is kept or done.
    let (resolved, tsc) = work_out(&clock, kind, &facts, &*backend::zones()).map_err(|refusal| {
        let why = refusal.with_remedies();
        Failure::Error(format!("the clock of '{}' was not changed: {why}", target.name))
    })?;
    let file_has_tsc = set.from.is_some() && (clock.tsc().is_some() || before.tsc().is_some());
    let wants_tsc = words.tsc || file_has_tsc || takes_tsc;
    let wants_offset = words.offset || takes_rtc || set.from.is_some() || set.from_save.is_some();
    let live = match set.now {
        true => Some(Live {
            domain: target.domain.as_ref().ok_or_else(|| not_there(&target.name))?,
            tsc: wants_tsc.then_some(&tsc),
            offset: wants_offset.then_some(resolved.offset),
        }),
        false => None,
    };
    if set.now && !wants_tsc && !wants_offset {
        let why =
            "neither the offset nor the TSC is set; the rest is for the next start, or for the next move";
        output::message(&format!("xenclock: warning: --now has no effect here: {why}"));
    }
    if !global.dry_run {
        backend::wait_until_free(&records)?;
    }
    if let Some(config) = &target.config
        && let left @ [_, ..] = &timers_left(&before, &clock, config)[..]
    {
        output::message(&format!(
            "xenclock: the running guest's config keeps {} of the timers that were taken back, and a reboot keeps it too; to \
             start without, destroy the guest and create it again",
            left.join(" and ")
        ));
    }
    if let Some(live) = &live {
        live.say(&*host, &facts, global.force)?;
    }
    let now = live.as_ref().and_then(|live| live.offset).map(|_| resolved.clone());
    let birth = match &live {
        Some(Live { domain, tsc: Some(_), .. }) => {
            born(&*host, domain, &host.tsc_info(domain.domid)?, &facts, target.record.as_ref())
        }
        _ => None,
    };
    let change = Change { target: &target, facts: &facts, clock, anew: set.from_save.is_some(), now, birth };
    if global.dry_run {
        let record = change.of(target.record.clone());
        if set.json {
            return print_record(&record, wrapper.is_some());
        }
        let next = change.next_start(&record, kind)?;
        let lines = wrapper.unwrap_or_default();
        let name = shown(&target.name);
        return output::text(&format!("'{name}' would next start at {}\n{lines}", in_words(&next)));
    }
    if let Some(live) = &live {
        live.set(&*host)?;
    }
    let record = change.keep(&records)?;
    if set.json {
        return print_record(&record, wrapper.is_some());
    }
    if target.domain.is_none() && target.record.is_none() {
        output::message(&format!(
            "xenclock: no guest {} is known yet: its first start will have this clock",
            target.uuid
        ));
    }
    say(set, wrapper.as_deref(), &change, kind, &record)
}

fn print_record(record: &ClockRecord, with_wrapper: bool) -> Result<(), Failure> {
    let mut told = json!(record);
    if with_wrapper {
        told["device_model"] = json!(wrapper::WRAPPER);
    }
    output::json(&told)
}

/// The keys of timers that a clock no longer has, and that stay in the config of a running guest. Nobody knows whether its own
/// file has them too.
fn timers_left(before: &GuestClock, after: &GuestClock, config: &DomainConfig) -> Vec<&'static str> {
    let Some(hvm) = &config.b_info.hvm else { return Vec::new() };
    let has_groups = !hvm.viridian_enable.is_empty() || !hvm.viridian_disable.is_empty();
    let of = |clock: &GuestClock, name| {
        // One without `present` is an HPET, and no request for Hyper-V's clock.
        let says = |timer: &Timer| timer.name == TimerName::Hpet || timer.present.is_some();
        clock.timers.iter().any(|timer| timer.name == name && says(timer))
    };
    let timers =
        [(TimerName::Hpet, "hpet", hvm.hpet.is_some()), (TimerName::Hypervclock, "viridian", has_groups)];
    let left = timers.into_iter().filter(|(name, _, there)| *there && of(before, *name) && !of(after, *name));
    left.map(|(_, key, _)| key).collect()
}

/// A clock without a setting.
fn without(clock: GuestClock, key: &String) -> Result<GuestClock, Failure> {
    cfg::clock::without(clock, key).ok_or_else(|| {
        let known = cfg::clock::settings().collect::<Vec<_>>().join(", ");
        Failure::Usage(format!("--unset: a clock has no setting {key}, expected one of {known}"))
    })
}

/// The clock that a running guest gets at once.
struct Live<'a> {
    domain: &'a DomainSummary,
    tsc: Option<&'a TscDecision>,
    offset: Option<UtcOffset>,
}

impl Live<'_> {
    /// Says what it does to the guest. Another TSC takes force.
    fn say(&self, host: &dyn Host, facts: &HostFacts, force: bool) -> Result<(), Failure> {
        let name = &self.domain.name;
        let danger = "a running guest sees its TSC jump, and its clocks may stop or race";
        match (self.tsc, force) {
            (Some(_), false) => {
                let why =
                    format!("the clock of '{name}' was not changed: {danger}; -f changes its TSC anyway");
                return Err(Failure::Error(why));
            }
            (Some(_), true) => output::message(&format!("xenclock: the TSC of '{name}' changes: {danger}")),
            (None, _) => {}
        }
        match self.offset {
            Some(offset) => say_jump(host, self.domain, facts, offset),
            None => Ok(()),
        }
    }

    fn set(&self, host: &dyn Host) -> Result<(), Failure> {
        if let Some(tsc) = self.tsc {
            set_live_tsc(host, self.domain.domid, tsc)?;
        }
        if let Some(offset) = self.offset {
            let done = if self.tsc.is_some() { "; its TSC has been changed" } else { "" };
            set_rtc(host, self.domain.domid, RtcTarget::Offset(offset), GuestState::Runs)
                .map_err(|error| Failure::Error(format!("{error}{done}")))?;
        }
        Ok(())
    }
}

/// A domain by name or number, or one that is not there by name or UUID.
fn find(host: &dyn Host, records: &RecordStore, wanted: &str) -> Result<Target, Failure> {
    let uuid = Uuid::try_parse(wanted).ok();
    let there = host.domains()?.into_iter().find(|domain| Some(domain.uuid) == uuid);
    let domain = match there {
        Some(domain) => Ok(domain),
        None => backend::find(host, wanted),
    };
    let no_domain = match domain {
        Ok(domain) => {
            let record = backend::record(records, domain.uuid);
            let record = record.map_err(|error| Failure::Error(error.to_string()))?;
            let (rtc, _) = read_clock(host, domain.domid)?;
            return Ok(Target {
                uuid: domain.uuid,
                name: domain.name.clone(),
                config: host.stored_config(domain.domid).ok(),
                rtc: rtc.map(|rtc| rtc.offset),
                domain: Some(domain),
                record,
            });
        }
        Err(no_domain) => no_domain,
    };
    let (all, _) = records.all().map_err(|error| Failure::Error(error.to_string()))?;
    let named = all.iter().find(|record| record.name == wanted).map(|record| record.uuid);
    let no_domain = match named.filter(|_| backend::is_domid(wanted)) {
        Some(uuid) => Failure::Error(format!(
            "no domain has the ID {wanted}; for the guest named '{wanted}', which does not run, give its UUID {uuid}"
        )),
        None => no_domain,
    };
    let gone = |uuid, name: &str, record| Target {
        uuid,
        name: name.to_owned(),
        domain: None,
        config: None,
        rtc: None,
        record,
    };
    // A name of digits alone is a domain's number.
    let is_it = |record: &ClockRecord| {
        Some(record.uuid) == uuid || !backend::is_domid(wanted) && record.name == wanted
    };
    let mut known = all.into_iter().filter(is_it);
    match (known.next(), known.next(), uuid) {
        (Some(record), None, _) => Ok(gone(record.uuid, &record.name.clone(), Some(record))),
        (Some(_), Some(_), _) => {
            Err(Failure::Error(format!("several clock records have the name '{wanted}'; give the UUID")))
        }
        // A guest of another toolstack may be spoken of before it is there for the first time.
        (None, _, Some(uuid)) => Ok(gone(uuid, wanted, None)),
        (None, _, None) => Err(no_domain),
    }
}

fn not_there(name: &str) -> Failure {
    Failure::Error(format!("'{name}' is not running; without --now its clock is set at the next start"))
}

fn say_jump(
    host: &dyn Host,
    domain: &DomainSummary,
    facts: &HostFacts,
    offset: UtcOffset,
) -> Result<(), Failure> {
    let (rtc, _) = read_clock(host, domain.domid)?;
    let to = rtc_time(facts.now, offset.seconds().into()).map_or_else(String::new, |time| time.to_string());
    let words = match rtc.and_then(|rtc| Some((rtc.offset, rtc_time(facts.now, rtc.offset)?))) {
        Some((from, _)) if from == i64::from(offset.seconds()) => return Ok(()),
        Some((from, time)) => format!(
            "the RTC of '{}' jumps from {time} to {to}, by {} s; a guest reads its RTC at boot, and seldom later",
            domain.name,
            i64::from(offset.seconds()) - from
        ),
        None => {
            format!("the wallclock of '{}' changes to {to}; a guest reads it at boot or resume", domain.name)
        }
    };
    output::message(&format!("xenclock: {words}"));
    Ok(())
}

/// What was asked, and what was done.
struct Change<'a> {
    target: &'a Target,
    facts: &'a HostFacts,
    clock: GuestClock,
    /// The offset counts also where the same one was asked for before and the guest has moved its RTC since.
    anew: bool,
    /// The clock that the running guest was given.
    now: Option<Resolved>,
    /// The initial frequency of a running guest whose TSC was set: the guest's clocksource tsc still counts by it.
    birth: Option<KiloHertz>,
}

impl Change<'_> {
    /// The record with it.
    fn of(&self, record: Option<ClockRecord>) -> ClockRecord {
        let Change { target, facts, clock, .. } = self;
        // A file that asks for the same as before does not undo this.
        let instead_of = record.as_ref().and_then(|record| match &record.request.from {
            RequestOrigin::ClockSet { instead_of } => instead_of.clone(),
            RequestOrigin::Create | RequestOrigin::Xml(_) => Some(record.request.clock.clone()),
            RequestOrigin::Unmanaged => None,
        });
        let from = RequestOrigin::ClockSet { instead_of };
        let mut record = match target.known(record) {
            Some(mut record) => {
                record.set_request(clock.clone(), from, facts.now);
                record
            }
            None => {
                let request = Request::new(clock.clone(), from).made(facts.now);
                ClockRecord::new(target.uuid, &target.name, request)
            }
        };
        record.offset_changed |= self.anew;
        if let Some(domain) =
            target.domain.as_ref().filter(|domain| !record.is_instance(&facts.boot_id, domain.domid))
        {
            record.found_alive(Instance::followed(&facts.boot_id, domain.domid, facts.now), target.rtc);
        }
        record.birth_khz = self.birth.or(record.birth_khz);
        if let Some(resolved) = &self.now {
            record.set_live_clock(resolved, facts.now, backend::zones().release());
        }
        record
    }

    /// The clock of the guest's next start with this record.
    fn next_start(&self, record: &ClockRecord, kind: GuestKind) -> Result<ColdStart, Failure> {
        let mut record = record.clone();
        // What the guest made of its RTC counts, also where nobody has seen it yet. One that was just set is in the record.
        if let Some(rtc) = self.target.rtc.filter(|_| self.now.is_none()) {
            record.seen(rtc, self.facts.now);
        }
        cold_start::resolve(&record, kind, self.facts, &*backend::zones())
            .map_err(|refusal| Failure::Error(refusal.with_remedies()))
    }

    fn keep(&self, records: &RecordStore) -> Result<ClockRecord, Failure> {
        match records.change(self.target.uuid, |record, _| (Some(self.of(record)), ())) {
            Ok((Some(record), ())) => Ok(record),
            Ok((None, ())) => Err(Failure::Error("the clock was not recorded".to_owned())),
            Err(error) => {
                let why = error.to_string();
                let record = error.record().cloned().ok_or_else(|| Failure::Error(why.clone()))?;
                output::warn(&[why]);
                Ok(record)
            }
        }
    }
}

/// The clock of a next start.
fn in_words(next: &ColdStart) -> String {
    format!(
        "{} ({} s), {}; TSC {}, {}",
        next.rtc.offset,
        next.rtc.offset.seconds(),
        next.rtc.source,
        next.tsc.khz,
        next.tsc.behaviour
    )
}

fn say(
    set: &ClockSet,
    wrapper: Option<&str>,
    change: &Change<'_>,
    kind: GuestKind,
    record: &ClockRecord,
) -> Result<(), Failure> {
    let target = change.target;
    let next = change.next_start(record, kind)?;
    output::warn(&next.warnings);
    let mut text = format!("'{}' next starts at {}\n", shown(&target.name), in_words(&next));
    if record.ephemeral {
        output::message(&format!(
            "xenclock: warning: the config of '{}' has no uuid, so this clock is for reboots of this domain alone; to keep it \
             for another create, add uuid = \"{}\" to the xl.cfg, or <uuid>{}</uuid> to the domain XML",
            target.name, record.uuid, record.uuid
        ));
    }
    if let Some(lines) = wrapper {
        text.push_str(lines);
    } else if target.domain.as_ref().is_some_and(|domain| domain.state == RunState::Running) && !set.now {
        text.push_str("the running guest is not changed\n");
    }
    output::text(&text)
}
