//! What is said of clocks, compared at every step with the truth: the JSON of `view::view`, which is what clock-show,
//! clock-list and the metrics print.
//!
//! The truth is the story's own. How a TSC is read follows from Xen's rule, written down here once more, on the facts that
//! the story has given the guest's host; where a clock stands and what the next start gives is the oracle's.

use serde_json::Value;
use timers::{Adjustment, Basis, ClockOffset, GuestKind, TimerMode, UtcOffset};
use xenclock::host::{DomainSummary, Host, HostFacts};
use xenclock::lifecycle::ClockRecord;
use xenclock::view::view;

use crate::known::{Guest, Instance, Provisional, Settled, What};
use crate::op::{By, Machine, Sick};
use crate::told::is_source;
use crate::world::{Told, Without, World};

/// The first second of 2000 and of 2100: between them a host's clock can be right, and an RTC can show it.
const CENTURY: std::ops::Range<i64> = 946_684_800..4_102_444_800;
/// A host's clock outside these is not set: a day less at both ends.
pub const SET: std::ops::Range<i64> = 946_771_200..4_102_358_400;

/// What is said of the next start of a guest that keeps its own changes.
const TRACKED: &str = "the guest's changes are tracked for the next start";
const UNLESS_MOVED: &str = "resolved again at the next start, unless the guest sets its RTC";

/// Xen's rule: how a guest that counts at this frequency reads its TSC on a host.
pub fn reading(mode: TimerMode, khz: u32, kind: GuestKind, host: &Machine) -> &'static str {
    match (mode, host.reliable, khz == host.khz) {
        (TimerMode::Native, ..) => "native",
        (TimerMode::Emulate, ..) | (_, false, _) => "emulated",
        (_, true, true) => "native",
        (_, true, false) if kind == GuestKind::Pv => "emulated",
        (_, true, false) => match host.scaling {
            Some(true) => "scaled",
            Some(false) => "emulated",
            None => "scaled-or-emulated",
        },
    }
}

/// libvirt's rule: whether a guest's changes to its RTC are kept.
pub fn is_variable(offset: &ClockOffset) -> bool {
    match offset {
        ClockOffset::Variable { .. } => true,
        ClockOffset::Utc { adjustment } | ClockOffset::Localtime { adjustment } => {
            matches!(adjustment, Some(Adjustment::Seconds(_)))
        }
        ClockOffset::Timezone { .. } | ClockOffset::Absolute { .. } => false,
    }
}

/// Whether a clock counts from the host's local time, and goes on from there.
pub fn is_local(offset: &ClockOffset) -> bool {
    match offset {
        ClockOffset::Variable { basis, .. } => *basis == Basis::Localtime,
        ClockOffset::Localtime { .. } => is_variable(offset),
        _ => false,
    }
}

fn mode_word(mode: TimerMode) -> &'static str {
    match mode {
        TimerMode::Native => "native",
        TimerMode::Emulate => "always_emulate",
        _ => "default",
    }
}

/// What is said, by the names of its fields in the JSON.
struct Said<'a> {
    guest: &'a str,
    json: Value,
}

impl Said<'_> {
    fn is(&self, path: &str, truth: impl Into<Value>) -> Told {
        let (said, truth) = (self.json.pointer(path).cloned().unwrap_or_default(), truth.into());
        match said == truth {
            true => Ok(()),
            false => Err(format!("of {} {path} is said to be {said}, and is {truth}", self.guest)),
        }
    }

    fn text(&self, path: &str) -> &str {
        self.json.pointer(path).and_then(Value::as_str).unwrap_or_default()
    }
}

impl World<'_> {
    /// What is said of every guest of both hosts is true.
    pub fn check_said(&mut self) -> Told {
        for site in 0..2 {
            let facts = self.facts(site);
            let machine = &self.machines[site];
            let told = (facts.cpu_khz.0, facts.tsc_reliable, facts.tsc_scaling);
            if told != (machine.khz, machine.reliable, machine.scaling) {
                return Err(format!("the facts of host {site} are {told:?}, and it is {machine:?}"));
            }
            for domain in self.mock(site).domains().unwrap() {
                let lives = |guest: &Guest| guest.lives_as(site, domain.domid);
                if let Some(guest) = self.guests.iter().position(lives) {
                    self.check_guest(guest, site, &domain, &facts)?;
                }
            }
        }
        Ok(())
    }

    fn check_guest(&mut self, guest: usize, site: usize, domain: &DomainSummary, facts: &HostFacts) -> Told {
        let instance = self.instance(guest).clone();
        if instance.incarnation == 1 {
            self.guests[guest].birth_facts = Some(facts.clone());
        }
        let of_birth = self.guests[guest].birth_facts.as_ref();
        let old = of_birth.filter(|_| self.without == Without::PresentFacts).map(|old| {
            let mut facts = facts.clone();
            (facts.cpu_khz, facts.tsc_reliable, facts.tsc_scaling) =
                (old.cpu_khz, old.tsc_reliable, old.tsc_scaling);
            facts
        });
        let record = self.record_shown(guest, site);
        let zones = &*self.grounds[site].zones;
        let shown = view(self.mock(site), domain, old.as_ref().unwrap_or(facts), record.as_ref(), zones);
        let json = serde_json::to_value(shown.map_err(|error| error.to_string())?).unwrap();
        let said = Said { guest: &self.guests[guest].name, json };
        self.check_tsc(&said, guest, &instance)?;
        self.check_rtc(&said, guest, &instance, record.as_ref(), facts)?;
        self.tally.said += 1;
        Ok(())
    }

    /// A record that is torn is not read, for that would set it aside: whoever asks for a clock would do no more.
    fn record_shown(&self, guest: usize, site: usize) -> Option<ClockRecord> {
        let Guest { kept, uuid, .. } = &self.guests[guest];
        let whole = kept[site].lost.is_none() && kept[site].what != What::Doubt;
        whole.then(|| self.grounds[site].records.get(*uuid).ok().flatten()).flatten()
    }

    fn check_tsc(&self, said: &Said<'_>, guest: usize, instance: &Instance) -> Told {
        let (kind, machine) = (self.guests[guest].spec.kind, &self.machines[instance.site]);
        // After a soft reset by stock xl, a native TSC on a host that scales has the ratio of whatever was set before, and
        // Xen reports no frequency.
        if instance.mode == TimerMode::Native && instance.tsc_anywhere && machine.scaling == Some(true) {
            return Ok(());
        }
        let khz = if instance.mode == TimerMode::Native { machine.khz } else { instance.rate };
        let reading = reading(instance.mode, khz, kind, machine);
        said.is("/type", kind.as_str())?;
        said.is("/tsc/mode", mode_word(instance.mode))?;
        said.is("/tsc/khz", khz)?;
        said.is("/tsc/behaviour", reading)?;
        said.is("/tsc/incarnation", instance.incarnation)?;
        let machine_has = self.mock(instance.site).model(instance.domid).unwrap().tsc;
        let has = match (machine_has.is_emulated(), machine_has.is_scaled()) {
            (true, _) => "emulated",
            (false, true) => "scaled",
            (false, false) => "native",
        };
        // Of a host of which it is not known, the machine has the one or the other.
        let same = has == reading || reading == "scaled-or-emulated" && has != "native";
        match same && machine_has.rate_khz() == khz {
            true => Ok(()),
            false => Err(format!(
                "the machine has {has} at {} kHz, expected {reading} at {khz}",
                machine_has.rate_khz()
            )),
        }
    }

    fn check_rtc(
        &self,
        said: &Said<'_>,
        guest: usize,
        instance: &Instance,
        record: Option<&ClockRecord>,
        facts: &HostFacts,
    ) -> Told {
        let Guest { spec, kept, .. } = &self.guests[guest];
        let kept = &kept[instance.site];
        let has_rtc = spec.kind.has_rtc();
        // Of a guest without RTC the record knows, once it is this domain's.
        let known = kept.is_sure()
            && instance.settled == Settled::Yes
            && self.sick[instance.site] != Some(Sick::Gone)
            && kept.what == What::Sure(vec![instance.offset]);
        if has_rtc || known {
            said.is("/rtc/offset", instance.offset)?;
            let time = facts.now.naive_utc() + chrono::TimeDelta::seconds(instance.offset);
            said.is("/rtc/time", time.format("%Y-%m-%dT%H:%M:%S").to_string())?;
        }
        if record.is_none() {
            said.is("/rtc/tracked", false)?;
            return said.is("/rtc/next_start", "as in its config");
        }
        if !known {
            return Ok(());
        }
        // A reboot would be refused, and that is said whatever else is to be said.
        let is_refused = self.resolved(instance.site, &spec.offset, spec.kind).is_none();
        if is_refused && (kept.fresh || !is_variable(&spec.offset)) {
            return match said.text("/rtc/next_start").starts_with("refused: ") {
                true => Ok(()),
                false => Err(format!(
                    "of {} the next start is said to be: {}; it would be refused",
                    said.guest,
                    said.text("/rtc/next_start")
                )),
            };
        }
        if kept.fresh {
            said.is("/rtc/tracked", false)?;
            return said.is("/rtc/next_start", "another clock, requested since the last start");
        }
        // What xl has brought was found in a config before its domain XML was looked at, perhaps, and is another clock then.
        let is_another = said.text("/rtc/next_start").starts_with("another clock");
        if spec.by == By::Asked && self.guests[guest].by_config && is_another {
            return said.is("/rtc/tracked", false);
        }
        let source = said.text("/rtc/source");
        let of_config = self.guests[guest].by_config && source.ends_with(" s from UTC");
        let in_doubt = self.guests[guest].started_in_doubt;
        if !is_source(source, &spec.offset) && !source.contains("libxl config") && !of_config && !in_doubt {
            return Err(format!("of {} the offset is said to be from {source}", said.guest));
        }
        // On a host in another century Xen takes a guest's time for one of this, and a century is no change of its.
        if UtcOffset::new(instance.offset).is_err() {
            return Ok(());
        }
        // What a new domain cannot have is dropped at the next start.
        let here = ClockOffset::Variable { adjustment: instance.offset, basis: Basis::Utc };
        let fits = self.resolved(instance.site, &here, spec.kind).is_some();
        let variable = is_variable(&spec.offset);
        said.is("/rtc/tracked", variable && has_rtc && fits)?;
        let next = match (&spec.offset, variable) {
            (_, true) if has_rtc && !fits => {
                let dropped = "changes are dropped";
                let text = said.text("/rtc/next_start");
                // What was requested may be too far as well, with the host's date as it is now; or what it was found with.
                let as_found = record.is_some_and(|record| record.request.clock.offset == here);
                let told = match is_refused || as_found {
                    true => text.starts_with("refused: "),
                    false => text.ends_with(dropped),
                };
                return match told {
                    true => Ok(()),
                    false => Err(format!(
                        "of {} the next start is said to be: {text}; its RTC is too far from UTC",
                        said.guest
                    )),
                };
            }
            (_, true) if has_rtc => match kept.provisional {
                Provisional::At(at) if at == instance.offset => &[UNLESS_MOVED][..],
                Provisional::PerhapsAt(at) if at == instance.offset => &[UNLESS_MOVED, TRACKED],
                _ => &[TRACKED],
            },
            (_, true) | (ClockOffset::Utc { .. }, _) => &[
                "the same at the next start",
                "resolved again at the next start",
                "as requested: the guest's change is dropped",
            ],
            _ => &["resolved again at the next start"],
        };
        match next.contains(&said.text("/rtc/next_start")) {
            true => Ok(()),
            false => Err(format!(
                "of {} the next start is said to be: {}; expected was: {next:?}",
                said.guest,
                said.text("/rtc/next_start")
            )),
        }
    }

    /// The offset that a clock comes to here and now; `None` where a guest cannot be started with it.
    pub fn resolved(&self, site: usize, offset: &ClockOffset, kind: GuestKind) -> Option<i64> {
        let now = self.facts(site).now.timestamp();
        let seconds = self.offset_of(site, offset)?;
        let shown = match offset {
            ClockOffset::Absolute { start } => *start,
            _ => now + seconds,
        };
        let can_show = if kind.has_rtc() { CENTURY.contains(&shown) } else { shown >= 0 };
        (can_show || !SET.contains(&now)).then_some(seconds)
    }

    /// The same, whatever year the guest would show.
    pub fn offset_of(&self, site: usize, offset: &ClockOffset) -> Option<i64> {
        let facts = self.facts(site);
        let of = |zone: &timers::zone::Zone| Some(i64::from(zone.offset_at(facts.now).ok()?.seconds()));
        let by = |adjustment: &Option<Adjustment>| match adjustment {
            Some(Adjustment::Seconds(seconds)) => *seconds,
            _ => 0,
        };
        let now = facts.now.timestamp();
        let seconds = match offset {
            ClockOffset::Utc { adjustment } => by(adjustment),
            ClockOffset::Localtime { adjustment } => of(&facts.zone)? + by(adjustment),
            ClockOffset::Timezone { timezone } => of(&self.grounds[site].zones.zone(timezone).ok()?)?,
            ClockOffset::Variable { adjustment, basis: Basis::Utc } => *adjustment,
            ClockOffset::Variable { adjustment, basis: Basis::Localtime } => of(&facts.zone)? + adjustment,
            // A clock that is not set tells nothing of how far away a moment is.
            ClockOffset::Absolute { start } if SET.contains(&now) => start - now,
            ClockOffset::Absolute { .. } => 0,
        };
        UtcOffset::new(seconds).is_ok().then_some(seconds)
    }
}
