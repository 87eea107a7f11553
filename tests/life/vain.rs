//! Starts whose clock cannot be set: the host refuses, or the domain disappears meanwhile. They do not change the
//! guest's own offset, so the record keeps it for the next start.

use serde_json::Value;
use xenclock::host::{ErrorKind, Host};
use xenclock::lifecycle::ClockRecord;
use xenclock::view::view;

use crate::known::{Expect, Guest, Instance, Settled, What};
use crate::op::{By, Turns};
use crate::world::{Told, Without, World};

/// A call of the host that fails once.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub call: &'static str,
    pub kind: ErrorKind,
}

/// What counts of a record for the next start.
fn what_counts(record: Option<&ClockRecord>) -> Option<(Value, Option<i64>)> {
    let clock = |record: &ClockRecord| serde_json::to_value(&record.request).unwrap();
    record.map(|record| (clock(record), record.last.map(|last| last.offset)))
}

impl World<'_> {
    pub fn awaits(&mut self, fault: Fault, site: usize) {
        self.mock(site).inject(fault.call, fault.kind, 1).unwrap();
        self.fault = Some(fault);
    }

    pub fn awaits_nothing(&mut self, site: usize) {
        if let Some(fault) = self.fault.take() {
            self.mock(site).inject(fault.call, fault.kind, 0).unwrap();
        }
    }

    /// A start during which a call fails, after which the guest is destroyed before it has done anything.
    pub fn start_in_vain(&mut self, guest: usize, site: usize, fault: Fault) -> Told {
        if self.guests[guest].instance.is_some() || !self.keeping || self.is_sick(site) {
            return Ok(());
        }
        let turns = Turns { end: true, birth: true };
        if self.guests[guest].spec.by == By::Us {
            // What a service still has to do with other guests is not to meet the failure.
            if self.services[site].is_some() {
                self.turn(site)?;
            }
            return self.create_in_vain(guest, site, fault, turns);
        }
        // Who else would meet the failure is not the one who sets clocks.
        if self.services[site].as_ref().is_none_or(|service| service.fate.is_near()) {
            return Ok(());
        }
        let config = self.xl_config(guest, site);
        let domid = self.mock(site).create_paused(&config).map_err(|error| error.to_string())?;
        self.alive(guest, site, domid, crate::op::Tool::Xl)?;
        self.instance(guest).fault = Some(fault);
        self.awaits(fault, site);
        let seen = self.turn(site);
        self.awaits_nothing(site);
        seen?;
        self.instance(guest).fault = None;
        self.check_unset(guest, site)?;
        self.mock(site).unpause(domid).unwrap();
        self.instance(guest).runs = true;
        self.destroy(guest);
        Ok(())
    }

    fn create_in_vain(&mut self, guest: usize, site: usize, fault: Fault, turns: Turns) -> Told {
        let records = &self.grounds[site].records;
        let uuid = self.guests[guest].uuid;
        let before = records.get(uuid).unwrap_or(None);
        self.create(guest, site, turns, Some(fault))?;
        if self.guests[guest].instance.is_some() {
            self.destroy(guest);
            return Ok(());
        }
        let mut after = records.get(uuid).unwrap_or(None);
        if self.without == Without::KeptOnFailure {
            after = None;
        }
        let (before, after) = (what_counts(before.as_ref()), what_counts(after.as_ref()));
        match before == after {
            true => Ok(()),
            false => Err(format!("a start that failed has left {after:?} of {before:?}")),
        }
    }

    /// The service could not set the clock: the domain is as xl made it, and what is kept of the guest stays. Answers
    /// whether that is so.
    pub fn is_unset(&mut self, guest: usize, instance: &Instance) -> Result<bool, String> {
        let Some(fault) = instance.fault else { return Ok(false) };
        let spec = &self.guests[guest].spec;
        // A wallclock cannot be read, and so is set wherever it stands, if anything is to be set.
        let set_always = !spec.kind.has_rtc() && fault.call == "set_time_offset" && spec.by == By::Asked;
        let is = self.offset(guest)?;
        let unset = match self.due(guest, instance)? {
            Expect::Is(due) if due.contains(&is) && !set_always => return Ok(false),
            Expect::Is(due) if is != instance.offset => {
                return Err(format!("the RTC is at {is} s, neither at {due:?} nor at {}", instance.offset));
            }
            Expect::Is(_) => true,
            Expect::Any(_) => {
                self.guests[guest].kept[instance.site].doubt();
                false
            }
        };
        let Guest { spec, kept, .. } = &mut self.guests[guest];
        let kept = &mut kept[instance.site];
        if spec.by == By::Asked {
            kept.requested_by_xml(&spec.offset);
        }
        if kept.what == What::Nothing {
            kept.what = What::Sure(Vec::new());
        }
        (kept.lost, kept.unsaved) = (None, false);
        if self.without == Without::KeptOnFailure {
            kept.what = What::Sure(vec![is]);
        }
        let rate = self.rate(guest)?;
        let instance = self.instance(guest);
        (instance.settled, instance.end_unseen, instance.told) = (Settled::Yes, false, None);
        (instance.offset, instance.rate, instance.unset) = (is, rate, unset);
        Ok(true)
    }

    /// What is said of a domain whose clock could not be set: where it is, and not where it was to be.
    fn check_unset(&mut self, guest: usize, site: usize) -> Told {
        let Some(Instance { domid, offset, unset: true, .. }) = self.guests[guest].instance else {
            return Ok(());
        };
        let mock = self.mock(site);
        let domains = mock.domains().unwrap();
        let domain = domains.iter().find(|domain| domain.domid == domid).unwrap();
        let record = self.grounds[site].records.get(self.guests[guest].uuid).unwrap_or(None);
        let zones = &*self.grounds[site].zones;
        let shown = view(mock, domain, &self.facts(site), record.as_ref(), zones)
            .map_err(|error| error.to_string())?;
        let rtc = &shown.rtc;
        let from_config = rtc.source.contains("libxl config");
        match rtc.offset == offset && rtc.changed_by_guest.is_none() && from_config {
            true => Ok(()),
            false => Err(format!("its clock was not set and is at {offset} s; it is said to be: {rtc:?}")),
        }
    }
}
