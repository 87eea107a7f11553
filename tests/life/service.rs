//! The service on each machine: started, killed, given its turn, and what it tells.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use xenclock::host::Host;
use xenclock::keep::watch::{Manner, Tools, Watch};
use xenclock::keep::wishes::Wishes;
use xenclock::life::{Notice, Said};

use crate::known::{Guest, Loss, Settled, What};
use crate::mortal::{Fate, Mortal, Setter, survives, teller};
use crate::op::Sick;
use crate::world::{Ground, Told, World};

/// What one service works with.
pub struct Kit {
    host: Option<Mortal>,
    setter: Option<Setter>,
    wishes: Option<Wishes>,
    tell: Option<Box<dyn FnMut(Notice)>>,
}

pub struct Service<'k> {
    watch: Watch<'k>,
    host: &'k Mortal,
    pub fate: Rc<Fate>,
    told: Rc<RefCell<Vec<Notice>>>,
}
impl Kit {
    pub fn none() -> Self {
        Kit { host: None, setter: None, wishes: None, tell: None }
    }
}

impl<'k> World<'k> {
    /// Whoever keeps the clocks of a site has seen all that is gone there.
    pub fn note_gone(&mut self, site: usize) {
        for gone in std::mem::take(&mut self.gone) {
            match gone.site == site {
                true => self.gone(&gone, false),
                false => self.gone.push(gone),
            }
        }
    }

    pub fn serve(&mut self, site: usize) -> Told {
        self.kill(site);
        if self.sick[site] == Some(Sick::Gone) {
            return Ok(());
        }
        self.serving[site] = true;
        if self.keeping {
            let ground: &'k Ground = &self.grounds[site];
            let fate: Rc<Fate> = Rc::default();
            let told: Rc<RefCell<Vec<Notice>>> = Rc::default();
            let kit = self.kits.next().unwrap();
            kit.host = Some(Mortal::new(ground.mock.reopen().unwrap(), Rc::clone(&fate)));
            kit.setter = Some(Setter { mock: ground.mock.reopen().unwrap(), fate: Rc::clone(&fate) });
            kit.wishes = Some(Wishes::in_dirs(vec![ground.dir.path().join("xml")]));
            let heard = Rc::clone(&told);
            kit.tell =
                Some(Box::new(teller(Rc::clone(&fate), move |notice| heard.borrow_mut().push(notice))));
            let Kit { host: Some(host), setter: Some(tsc), wishes: Some(wishes), tell: Some(tell) } = kit
            else {
                unreachable!()
            };
            let host: &'k Mortal = host;
            let tools = Tools { host, records: &ground.records, zones: &*ground.zones, tsc, wishes, tell };
            let watch = Watch::new(tools, Manner { all: true });
            self.services[site] = Some(Service { watch, host, fate, told });
        }
        for guest in 0..self.guests.len() {
            if let Some(life) = self.guests[guest].life.clone().filter(|life| life.site == site)
                && life.settled == Settled::Yes
            {
                let last = match &self.guests[guest].kept[site].what {
                    What::Sure(lasts) if lasts.len() == 1 => Some(lasts[0]),
                    _ => None,
                };
                self.life(guest).told = self.life(guest).told.and(last);
            }
        }
        if self.attend(site, |service| service.watch.scan().unwrap())? {
            self.note_gone(site);
        }
        self.seen_all(site, true)
    }

    /// Lets the service of a site do something. Answers false where there is none, or where it dies of it.
    pub fn attend(&mut self, site: usize, does: impl FnOnce(&mut Service<'k>)) -> Result<bool, String> {
        if !self.keeping {
            return Ok(self.serving[site]);
        }
        let Some(service) = &mut self.services[site] else { return Ok(false) };
        let alive = survives(|| does(service)).is_some();
        let told: Vec<Notice> = service.told.borrow_mut().drain(..).collect();
        if !alive {
            self.services[site] = None;
            self.tally.deaths += 1;
        }
        for notice in told {
            self.told(site, &notice)?;
        }
        if !alive {
            self.died(site)?;
        }
        Ok(alive)
    }

    /// The service gets to do what has come up.
    pub fn turn(&mut self, site: usize) -> Told {
        let alive = self.attend(site, |service| {
            while let Some(event) = service.host.next_event(Duration::ZERO).unwrap() {
                service.watch.event(&event).unwrap();
            }
            service.watch.go_on().unwrap();
        })?;
        if !alive {
            return Ok(());
        }
        self.note_gone(site);
        for life in self.guests.iter_mut().filter_map(|guest| guest.life.as_mut()) {
            life.moved_back &= life.site != site;
        }
        for guest in 0..self.guests.len() {
            let Some(life) = self.guests[guest].life.clone().filter(|life| life.site == site) else {
                continue;
            };
            if life.claimed {
                continue;
            }
            if life.settled != Settled::Yes {
                self.first_look(guest)?;
            } else if life.end_unseen {
                self.note(guest);
                self.all_told(guest)?;
            }
        }
        Ok(())
    }

    pub fn poll(&mut self, site: usize) -> Told {
        match self.attend(site, |service| service.watch.poll().unwrap())? {
            true => self.seen_all(site, false),
            false => Ok(()),
        }
    }

    /// The service has read all RTCs.
    pub fn seen_all(&mut self, site: usize, scanned: bool) -> Told {
        if !self.serving[site] {
            return Ok(());
        }
        for guest in 0..self.guests.len() {
            let lost = self.guests[guest].kept[site].lost;
            if let Some(life) = self.guests[guest].life.clone().filter(|life| life.site == site) {
                if life.settled != Settled::Yes {
                    self.first_look(guest)?;
                    self.life(guest).settled = Settled::Yes;
                    continue;
                }
                self.note(guest);
                self.life(guest).reset &= scanned;
                // A torn file is not looked into as long as nothing is to be written.
                if matches!(lost, Some(Loss::Torn | Loss::Perhaps)) && !scanned {
                    self.guests[guest].kept[site].lost = Some(Loss::Perhaps);
                }
                self.all_told(guest)?;
            } else if self.sick[site].is_none() {
                let kept = &mut self.guests[guest].kept[site];
                if std::mem::take(&mut kept.unsaved) {
                    kept.lost = None;
                }
            }
        }
        Ok(())
    }

    /// Every change of a guest's RTC so far must have been told.
    pub fn all_told(&mut self, guest: usize) -> Told {
        if !self.keeping || !self.guests[guest].spec.kind.has_rtc() {
            return Ok(());
        }
        let (site, _) = self.place(guest).unwrap();
        let sure = matches!(self.guests[guest].kept[site].what, What::Sure(_));
        let life = self.life(guest);
        if let Some(told) = life.told.replace(life.offset)
            && sure
            && told != life.offset
        {
            let offset = life.offset;
            let name = &self.guests[guest].name;
            return Err(format!(
                "changes of the RTC of {name} are told up to {told} s, and it is at {offset} s"
            ));
        }
        Ok(())
    }

    pub fn told(&mut self, site: usize, notice: &Notice) -> Told {
        let Said::RtcChange { before, offset } = notice.said else { return Ok(()) };
        let whose = notice.domain.as_ref().ok_or("a change of no domain is told")?;
        let here = |guest: &Guest| {
            guest.life.as_ref().is_some_and(|life| life.site == site && life.domid == whose.domid)
        };
        let Some(guest) = self.guests.iter().position(here) else { return Ok(()) };
        self.tally.changes_told += 1;
        let sure = matches!(self.guests[guest].kept[site].what, What::Sure(_));
        let life = self.life(guest);
        let (told, is) = (life.told, life.offset);
        life.told = Some(offset);
        if sure && (offset != is || told.is_some_and(|told| told != before)) {
            let name = &self.guests[guest].name;
            return Err(format!(
                "a change of the RTC of {name} from {before} to {offset} is told; it is at {is}, and up to {told:?} all \
                 was told"
            ));
        }
        Ok(())
    }

    pub fn kill(&mut self, site: usize) {
        self.services[site] = None;
        self.killed(site);
    }
}
