//! Configs given to `save DOM FILE CONFIG`, `restore CONFIG FILE` and `migrate -C CONFIG`. The running guest keeps its
//! clock, and its next start has the config's.

use std::fs;

use timers::{ClockOffset, TimerMode};
use xenclock::domain::Domain;

use crate::known::Guest;
use crate::op::{By, Spec};
use crate::world::{Without, World};

/// The clock of a config that is given at the guest's next save or migration, or at its next restore.
#[derive(Clone, Debug)]
pub struct Given {
    pub offset: ClockOffset,
    pub tsc: Option<(TimerMode, Option<u32>)>,
    pub leaving: bool,
}

/// What a guest's record asks for, as far as it left its host with it.
#[derive(Clone, Debug)]
pub struct Requested {
    pub offset: ClockOffset,
    pub tsc: Option<(TimerMode, Option<u32>)>,
    /// It is another than at the last start.
    pub fresh: bool,
    /// It was given for the way.
    pub given: bool,
}

impl World<'_> {
    /// Somebody writes a config for the guest's way. Of a guest that nobody spoke of xl.cfg's keys would not say it all.
    pub fn give(&mut self, guest: usize, given: &Given) {
        if self.guests[guest].spec.by != By::Discovered {
            self.guests[guest].given = Some(given.clone());
        }
    }

    /// Takes the config that was given for this, where there is one.
    pub fn take_given(&mut self, guest: usize, leaving: bool) -> Option<Given> {
        self.guests[guest].given.take_if(|given| given.leaving == leaving)
    }

    /// The config as a command reads it.
    pub fn instead(&self, guest: usize, site: usize, given: &Given) -> Option<Domain> {
        if self.without == Without::GivenOnTheWay {
            return None;
        }
        let Guest { spec, name, uuid, .. } = &self.guests[guest];
        let (offset, tsc) = (given.offset.clone(), given.tsc);
        let spec = Spec { offset, tsc, clean: false, ..spec.clone() };
        let now = self.resolved(site, &spec.offset, spec.kind).unwrap_or_default();
        let now = timers::UtcOffset::new(now).unwrap_or_default();
        let config = spec.xl_config(name, &uuid.to_string(), now);
        Some(Domain::new(config, spec.clock()))
    }

    /// What a guest that leaves its host takes along.
    pub fn takes_along(&self, guest: usize, site: usize, given: Option<&Given>) -> Requested {
        let Guest { spec, kept, .. } = &self.guests[guest];
        let before = kept[site].requested.clone().unwrap_or_else(|| spec.offset.clone());
        match given {
            Some(given) => Requested {
                fresh: kept[site].fresh || before != given.offset,
                offset: given.offset.clone(),
                tsc: given.tsc,
                given: true,
            },
            None => Requested { offset: before, tsc: spec.tsc, fresh: kept[site].fresh, given: false },
        }
    }

    /// A guest has arrived by xenclock, and its next start is what was asked for last.
    pub fn adopt_given(&mut self, guest: usize, site: usize, came: &Requested, given: Option<&Given>) {
        let here = self.guests[guest].kept[site].requested.clone();
        let newest = match given {
            Some(given) => Some((given.offset.clone(), given.tsc)),
            None => came.given.then(|| (came.offset.clone(), came.tsc)),
        };
        // Of a config that asks for what the guest brought along, the record here may ask for another in between.
        let unclear = given.is_some_and(|given| given.offset == came.offset)
            && !came.fresh
            && here.is_some_and(|here| here != came.offset);
        if let Some((offset, tsc)) = newest {
            let spec = &mut self.guests[guest].spec;
            (spec.offset, spec.tsc, spec.clean) = (offset, tsc, false);
            self.ask_everywhere(guest);
        }
        let Guest { spec, kept, .. } = &mut self.guests[guest];
        let kept = &mut kept[site];
        kept.fresh = came.fresh || came.offset != spec.offset;
        kept.requested = Some(spec.offset.clone());
        if unclear {
            kept.doubt();
        }
    }

    /// The guest's file and its domain XML say the same from now on.
    fn ask_everywhere(&mut self, guest: usize) {
        let Guest { spec, name, uuid, .. } = &self.guests[guest];
        if spec.by == By::Asked {
            for ground in self.grounds {
                let file = ground.dir.path().join(format!("xml/{name}.xml"));
                fs::write(file, spec.xml(name, &uuid.to_string())).unwrap();
            }
        }
        self.guests[guest].asked = self.guests[guest].spec.clock();
    }

    /// Whether a host has another clock on record than the guest's file asks for, and stock xl tells it nothing.
    pub fn is_stale(&self, guest: usize, site: usize) -> bool {
        let Guest { spec, kept, .. } = &self.guests[guest];
        spec.by == By::Us && kept[site].requested.as_ref().is_some_and(|requested| *requested != spec.offset)
    }
}
