//! Configs given to `save DOM FILE CONFIG`, `restore CONFIG FILE` and `migrate -C CONFIG`. The running guest keeps its
//! clock, and its next start has the config's.

use std::fs;

use chrono::{DateTime, Utc};
use timers::{ClockOffset, TimerMode};
use xenclock::domain::Domain;

use crate::known::{Guest, What};
use crate::op::{By, Spec};
use crate::said::SET;
use crate::world::{Without, World};

type Tsc = Option<(TimerMode, Option<u32>)>;

/// The clock of a config that is given at the guest's next save or migration, or at its next restore.
#[derive(Clone, Debug)]
pub struct Given {
    pub offset: ClockOffset,
    pub tsc: Tsc,
    pub leaving: bool,
}

/// What a guest's record asks for, as far as it left its host with it.
#[derive(Clone, Debug)]
pub struct Requested {
    pub offset: ClockOffset,
    pub tsc: Tsc,
    /// It is another than at the last start.
    pub fresh: bool,
    /// The record has the last start.
    pub started: bool,
    /// It was given for the way.
    pub given: bool,
    /// What the record asks for is known.
    pub sure: bool,
    /// When that was asked.
    pub word: Option<Word>,
}

/// A request in a record.
#[derive(Clone, Debug)]
pub struct Word {
    offset: ClockOffset,
    tsc: Tsc,
    /// When it was made, by the clock of the host where it was made, unless that was not set; never before the request that
    /// it replaced.
    at: Option<DateTime<Utc>>,
    /// When the guest was last started with it, by that clock.
    started: Option<DateTime<Utc>>,
    /// So many requests were made before it, on all hosts.
    serial: usize,
}

impl Word {
    fn asks_the_same(&self, other: &Word) -> bool {
        (&self.offset, self.tsc) == (&other.offset, other.tsc)
    }

    /// Whether by the hosts' clocks the earlier of two requests is the later, or one of them has no time.
    fn is_misordered(&self, other: &Word) -> bool {
        let reversed = self.serial.cmp(&other.serial) == self.at.cmp(&other.at).reverse();
        !self.asks_the_same(other) && (reversed || self.at.is_none() || other.at.is_none())
    }

    fn later(self, other: Option<Word>) -> Word {
        other.filter(|other| other.serial > self.serial).unwrap_or(self)
    }
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

    /// A request of this clock, where the record asks for another.
    fn word(&mut self, site: usize, before: Option<Word>, offset: &ClockOffset, tsc: Tsc) -> Word {
        let at = self.set_time(site);
        let at = before.as_ref().map_or(at, |before| at.max(before.at).max(before.started));
        self.words += 1;
        let new = Word { offset: offset.clone(), tsc, at, started: None, serial: self.words };
        before.filter(|before| before.asks_the_same(&new)).unwrap_or(new)
    }

    /// A host's time, unless its clock is not set.
    fn set_time(&self, site: usize) -> Option<DateTime<Utc>> {
        Some(self.facts(site).now).filter(|now| SET.contains(&now.timestamp()))
    }

    /// The record of a host asks for what the guest's file does.
    pub fn asks_as_its_file(&mut self, guest: usize, site: usize, starts: bool) {
        let Guest { spec, kept, .. } = &self.guests[guest];
        let (before, offset, tsc) = (kept[site].word.clone(), spec.offset.clone(), spec.tsc);
        let mut word = self.word(site, before, &offset, tsc);
        if starts {
            word.started = self.set_time(site);
        }
        self.guests[guest].kept[site].word = Some(word);
    }

    /// What a guest that leaves its host takes along.
    pub fn takes_along(&mut self, guest: usize, site: usize, given: Option<&Given>) -> Requested {
        let word = self.guests[guest].kept[site].word.clone();
        let word = match given {
            Some(given) => Some(self.word(site, word, &given.offset, given.tsc)),
            None => word,
        };
        let Guest { spec, kept, .. } = &self.guests[guest];
        let before = kept[site].requested.clone().unwrap_or_else(|| spec.offset.clone());
        let started = kept[site].started;
        match given {
            Some(given) => Requested {
                word,
                fresh: kept[site].fresh || before != given.offset,
                offset: given.offset.clone(),
                tsc: given.tsc,
                started,
                given: true,
                // With what it was started there is in doubt, and so whether this is another clock.
                sure: kept[site].what != What::Doubt,
            },
            None => {
                // A record that could not be written, or is in doubt, is not what travels.
                let known = kept[site].what != What::Doubt;
                let sure = known && kept[site].requested.is_some() || !self.guests[guest].was_given;
                let fresh = kept[site].fresh;
                Requested { offset: before, tsc: spec.tsc, fresh, started, given: false, sure, word }
            }
        }
    }

    /// A guest has arrived by xenclock, and its next start is what was asked for last.
    pub fn adopt_given(&mut self, guest: usize, site: usize, came: &Requested, given: Option<&Given>) {
        // Two hosts know of each other's requests only when they were made.
        let words = (came.word.clone(), self.guests[guest].kept[site].word.clone());
        let (misordered, outdated) = match &words {
            (Some(came), Some(here)) => {
                let decides = |word: &Word| given.is_none_or(|given| given.offset == word.offset);
                let outdated = here.serial > came.serial && !came.asks_the_same(here);
                let untold = came.is_misordered(here) || outdated && came.at == here.at;
                (untold && (decides(came) || decides(here)), outdated)
            }
            _ => (false, false),
        };
        let here = self.guests[guest].kept[site].requested.clone();
        let newest = match given {
            Some(given) => Some((given.offset.clone(), given.tsc)),
            // Out of an older save it may be no news.
            None => (came.given && !outdated).then(|| (came.offset.clone(), came.tsc)),
        };
        // Of a config that asks for what the guest brought along, the record here may ask for another in between.
        let unclear = given.is_some_and(|given| given.offset == came.offset)
            && !came.fresh
            && here.as_ref().is_some_and(|here| *here != came.offset);
        let merged = match words {
            (Some(came), here) => Some(came.later(here)),
            (None, here) => here,
        };
        let merged = match given {
            Some(given) => Some(self.word(site, merged, &given.offset, given.tsc)),
            None => merged,
        };
        let has_newest = newest.is_some();
        if let Some((offset, tsc)) = newest {
            let spec = &mut self.guests[guest].spec;
            (spec.offset, spec.tsc, spec.clean) = (offset, tsc, false);
            self.guests[guest].was_given = true;
            self.ask_everywhere(guest);
        }
        self.guests[guest].was_given |= misordered;
        let Guest { spec, kept, .. } = &mut self.guests[guest];
        let kept = &mut kept[site];
        // Out of an older save, on a host that has not heard of a config that was given elsewhere since.
        let unheard = !has_newest && came.offset != spec.offset && here.as_ref() != Some(&spec.offset);
        // Only the record here knows with what the guest was started, if what came does not.
        let started_here = !came.started && kept.started && here.is_some();
        let elsewhere = given.is_some() && here.as_ref() != Some(&came.offset);
        kept.fresh = match started_here {
            true => kept.fresh || here.as_ref() != Some(&spec.offset),
            false => came.fresh || came.offset != spec.offset,
        };
        kept.started = came.started;
        kept.requested = Some(spec.offset.clone());
        kept.word = merged;
        if unclear || unheard || misordered || !came.sure || started_here && elsewhere {
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
