//! The service on each machine: started, killed, given its turn, and what it tells.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use xenclock::host::Host;
use xenclock::lifecycle::{ClockEvent, EventKind};
use xenclock::tracking::requests::XmlRequests;
use xenclock::tracking::watch::{Tools, Watch, WatchOptions};

use crate::crash_injection::{Fate, Mortal, Setter, survives, teller};
use crate::known::{Guest, Loss, Settled, What};
use crate::op::Sick;
use crate::world::{Ground, Told, World};

/// What one service works with.
pub struct Kit {
    host: Option<Mortal>,
    setter: Option<Setter>,
    requests: Option<XmlRequests>,
    tell: Option<Box<dyn FnMut(ClockEvent)>>,
}

pub struct Service<'k> {
    watch: Watch<'k>,
    host: &'k Mortal,
    pub fate: Rc<Fate>,
    told: Rc<RefCell<Vec<ClockEvent>>>,
}
impl Kit {
    pub fn none() -> Self {
        Kit { host: None, setter: None, requests: None, tell: None }
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
            let told: Rc<RefCell<Vec<ClockEvent>>> = Rc::default();
            let kit = self.kits.next().unwrap();
            kit.host = Some(Mortal::new(ground.mock.reopen().unwrap(), Rc::clone(&fate)));
            kit.setter = Some(Setter { mock: ground.mock.reopen().unwrap(), fate: Rc::clone(&fate) });
            kit.requests = Some(XmlRequests::in_dirs(vec![ground.dir.path().join("xml")]));
            let heard = Rc::clone(&told);
            kit.tell = Some(Box::new(teller(Rc::clone(&fate), move |event| heard.borrow_mut().push(event))));
            let Kit { host: Some(host), setter: Some(tsc), requests: Some(requests), tell: Some(tell) } = kit
            else {
                unreachable!()
            };
            let host: &'k Mortal = host;
            let tools = Tools { host, records: &ground.records, zones: &*ground.zones, tsc, requests, tell };
            let watch = Watch::new(tools, WatchOptions::default().all(true));
            self.services[site] = Some(Service { watch, host, fate, told });
        }
        for guest in 0..self.guests.len() {
            if let Some(instance) =
                self.guests[guest].instance.clone().filter(|instance| instance.site == site)
                && instance.settled == Settled::Yes
            {
                let last = match (instance.stuck, &self.guests[guest].kept[site].what) {
                    (Some(stuck), _) => Some(stuck),
                    (None, What::Sure(lasts)) if lasts.len() == 1 => Some(lasts[0]),
                    _ => None,
                };
                self.instance(guest).told = self.instance(guest).told.and(last);
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
        let told: Vec<ClockEvent> = service.told.borrow_mut().drain(..).collect();
        if !alive {
            self.services[site] = None;
            self.tally.deaths += 1;
        }
        if alive {
            self.check_told(site, &told)?;
        }
        for event in told {
            self.told(site, &event)?;
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
        for instance in self.guests.iter_mut().filter_map(|guest| guest.instance.as_mut()) {
            instance.moved_back &= instance.site != site;
        }
        for guest in 0..self.guests.len() {
            let Some(instance) = self.guests[guest].instance.clone().filter(|instance| instance.site == site)
            else {
                continue;
            };
            if instance.claimed {
                continue;
            }
            if instance.settled != Settled::Yes {
                self.first_look(guest)?;
            } else if instance.end_unseen {
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
            if let Some(instance) =
                self.guests[guest].instance.clone().filter(|instance| instance.site == site)
            {
                if instance.settled != Settled::Yes {
                    self.first_look(guest)?;
                    self.instance(guest).settled = Settled::Yes;
                    continue;
                }
                self.note(guest);
                self.instance(guest).reset &= scanned;
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
        let instance = self.instance(guest);
        if let Some(told) = instance.told.replace(instance.offset)
            && sure
            && told != instance.offset
        {
            let offset = instance.offset;
            let name = &self.guests[guest].name;
            return Err(format!(
                "changes of the RTC of {name} are told up to {told} s, and it is at {offset} s"
            ));
        }
        Ok(())
    }

    pub fn told(&mut self, site: usize, event: &ClockEvent) -> Told {
        let EventKind::RtcChange { before, offset } = event.kind else { return Ok(()) };
        let domain_ref = event.domain.as_ref().ok_or("a change of no domain is told")?;
        let here = |guest: &Guest| {
            guest
                .instance
                .as_ref()
                .is_some_and(|instance| instance.site == site && instance.domid == domain_ref.domid)
        };
        let Some(guest) = self.guests.iter().position(here) else { return Ok(()) };
        self.tally.changes_told += 1;
        let sure = matches!(self.guests[guest].kept[site].what, What::Sure(_));
        let instance = self.instance(guest);
        let (told, is) = (instance.told, instance.offset);
        instance.told = Some(offset);
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
