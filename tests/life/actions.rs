//! What toolstacks do to guests: xenclock, and stock xl.

use std::time::Duration;

use timers::tsc::TscMode;
use timers::{TimerMode, UtcOffset};
use xenclock::domain::{Domain, DomainConfig};
use xenclock::host::{DomId, Host, ShutdownReason};
use xenclock::plan::plan;
use xenclock::tracking::monitor::{Disposition, Monitor, Reread};
use xenclock::tracking::start::{StartOptions, clock_for, start};
use xenclock::tracking::transfer::Transfer;

use crate::known::{Expect, Gone, Guest, Instance, Settled, What};
use crate::op::{By, End, Sick, Tool, Turns};
use crate::oracle::{BEYOND, LOST, NO_SERVICE, NOTHING_KEPT, SOFT_RESET};
use crate::vain::Fault;
use crate::world::{Told, World};

fn mode_in(mode: TscMode) -> TimerMode {
    match mode {
        TscMode::Native => TimerMode::Native,
        TscMode::AlwaysEmulate => TimerMode::Emulate,
        TscMode::Default => TimerMode::Auto,
    }
}

impl World<'_> {
    pub fn does_ours(&self, tool: Tool) -> bool {
        self.keeping && tool == Tool::Us
    }

    pub fn transfer(&self, site: usize) -> Transfer<'_> {
        let ground = &self.grounds[site];
        Transfer::new(&ground.mock, &ground.records, &*ground.zones)
    }

    pub fn is_sick(&self, site: usize) -> bool {
        self.sick[site].is_some()
    }

    /// A domain that has come.
    pub fn alive(&mut self, guest: usize, site: usize, domid: DomId, tool: Tool) -> Told {
        self.guests[guest].instance = Some(Instance {
            site,
            domid,
            tool,
            offset: 0,
            mode: self.guests[guest].spec.mode(),
            rate: 0,
            incarnation: 1,
            runs: false,
            claimed: false,
            settled: Settled::No,
            end_unseen: false,
            written: 0,
            given: None,
            told: None,
            set_unseen: false,
            moved_back: false,
            reset: false,
            tsc_anywhere: false,
            rewritten: false,
            came: None,
            fault: None,
            unset: false,
            stuck: None,
        });
        let (offset, rate, given) = (self.offset(guest)?, self.rate(guest)?, self.given(guest));
        let instance = self.instance(guest);
        (instance.offset, instance.rate, instance.given) = (offset, rate, given);
        Ok(())
    }

    /// A domain is gone, and so far nobody has noted it.
    pub fn goes(&mut self, guest: usize, site: usize, restarts: bool) {
        let reset = self.guests[guest].instance.take().is_some_and(|instance| instance.reset);
        let restarts = (self.serving[site] && !reset).then_some(restarts);
        self.gone.push(Gone { guest, site, restarts });
    }

    /// Our own tools have taken it away, and noted it.
    pub fn ours_gone(&mut self, guest: usize, site: usize) {
        let sick = self.is_sick(site);
        let known = self.guests[guest].kept[site].what != What::Doubt;
        let reset = self.guests[guest].instance.take().is_some_and(|instance| instance.reset);
        let restarts = (!reset).then_some(false);
        self.gone(&Gone { guest, site, restarts }, sick || !known);
    }

    /// The keeping knows a domain that our own tools have made.
    pub fn ours_knows(&mut self, guest: usize, site: usize, request: bool) {
        let offset = self.instance(guest).offset;
        let sick = self.is_sick(site);
        let asked = self.guests[guest].spec.offset.clone();
        let provisional = self.provisional(guest, site, offset);
        let kept = &mut self.guests[guest].kept[site];
        match () {
            () if sick || !request => kept.doubt(),
            () => kept.what = What::Sure(vec![offset]),
        }
        kept.started(&asked);
        kept.provisional = provisional;
        kept.changed = Some(false);
        self.asks_as_its_file(guest, site, true);
        // Its record is another's now.
        self.gone.retain(|gone| (gone.guest, gone.site) != (guest, site));
        let instance = self.instance(guest);
        instance.settled = if sick { Settled::Maybe } else { Settled::Yes };
        (instance.runs, instance.told) = (true, Some(offset));
    }

    /// The mode that the host has for a guest's TSC.
    pub fn mode(&self, guest: usize) -> Result<TimerMode, String> {
        let (site, domid) = self.place(guest).ok_or("it does not live")?;
        let info = self.mock(site).tsc_info(domid).map_err(|error| error.to_string())?;
        Ok(mode_in(TscMode::from_number(info.mode.into()).unwrap()))
    }

    pub fn start(&mut self, guest: usize, site: usize, turns: Turns) -> Told {
        if self.guests[guest].instance.is_some() {
            return Ok(());
        }
        if self.guests[guest].spec.by == By::Us {
            return self.create(guest, site, turns, None);
        }
        let config = self.xl_config(guest, site);
        self.xl_create(guest, site, &config, false, turns)
    }

    /// The xl.cfg that was written for it, read again.
    pub fn xl_config(&self, guest: usize, site: usize) -> DomainConfig {
        let Guest { spec, name, uuid, .. } = &self.guests[guest];
        let now = self.resolved(site, &spec.offset, spec.kind).unwrap_or_default();
        spec.xl_config(name, &uuid.to_string(), UtcOffset::new(now).unwrap_or_default())
    }

    /// `xenclock create`, perhaps with a call of the host that fails.
    pub fn create(&mut self, guest: usize, site: usize, turns: Turns, fault: Option<Fault>) -> Told {
        self.ours(guest, site);
        let expect = match self.sick[site] {
            Some(Sick::Gone) => Expect::Any(LOST),
            _ => self.next(guest, site),
        };
        if !self.keeping {
            let config = self.xl_config(guest, site);
            let domid = self.mock(site).create_paused(&config).map_err(|error| error.to_string())?;
            self.mock(site).unpause(domid).unwrap();
            self.alive(guest, site, domid, Tool::Us)?;
        } else {
            let ground = &self.grounds[site];
            let facts = self.facts(site);
            let Guest { spec, name, uuid, asked, .. } = &self.guests[guest];
            let asked = asked.clone();
            let record = ground.records.get(*uuid).unwrap_or(None);
            let config = spec.config(name, &uuid.to_string());
            let (clock, _) = clock_for(record.clone(), &asked, config.kind(), &facts, &*ground.zones);
            let domain = Domain::new(config, clock);
            let plan = match plan(&domain, &facts, &*ground.zones, *uuid) {
                Ok(plan) => plan,
                // It is refused, with the reason.
                Err(_) if matches!(expect, Expect::Any(BEYOND | LOST)) => return Ok(()),
                Err(refusal) => return Err(format!("refused: {refusal}")),
            };
            let zone_data = ground.zones.release();
            let terms = StartOptions::new(&ground.records).asked(&asked).zone_data(zone_data);
            let mut broken = None;
            if let Some(fault) = fault {
                self.awaits(fault, site);
            }
            let started = start(&plan, &ground.mock, &facts, &terms, &mut |_| {
                // The service sees the domain that is being made, and keeps off it.
                if turns.birth && broken.is_none() {
                    broken = self.turn(site).err();
                }
            });
            self.awaits_nothing(site);
            broken.map_or(Ok(()), Err)?;
            let started = match started {
                Ok(started) => started,
                Err(_) if fault.is_some() => return Ok(()),
                // Where nothing can be claimed, a service that knows the guest from before comes in between. The start is
                // refused then, and nothing is left of it.
                Err(_) if self.sick[site] == Some(Sick::Gone) && self.serving[site] => {
                    *self.tally.excepted.entry(LOST).or_default() += 1;
                    self.guests[guest].kept[site].doubt();
                    return Ok(());
                }
                Err(error) => return Err(error.to_string()),
            };
            self.alive(guest, site, started.outcome.domid, Tool::Us)?;
        }
        if self.guests[guest].kept[site].what == What::Nothing {
            self.guests[guest].kept[site].nothing();
        }
        self.guests[guest].started_in_doubt = false;
        self.expect(guest, expect, "created")?;
        self.expect_birth_tsc(guest, site, "created")?;
        self.ours_knows(guest, site, true);
        Ok(())
    }

    /// `xl create`, and what xl does at a reboot, with its own config or one that xenclock has written.
    pub fn xl_create(
        &mut self,
        guest: usize,
        site: usize,
        config: &DomainConfig,
        rewritten: bool,
        turns: Turns,
    ) -> Told {
        let domid = self.mock(site).create_paused(config).map_err(|error| error.to_string())?;
        self.alive(guest, site, domid, Tool::Xl)?;
        self.instance(guest).rewritten = rewritten;
        // After a config was given on the way, the one that stock xl has may be older.
        self.instance(guest).mode = mode_in(config.b_info.tsc_mode.unwrap_or(TscMode::Default));
        if turns.birth {
            self.turn(site)?;
        }
        self.mock(site).unpause(domid).map_err(|error| error.to_string())?;
        self.instance(guest).runs = true;
        if !self.serving[site] {
            self.expect(guest, Expect::Any(NO_SERVICE), "created by xl")?;
        }
        Ok(())
    }

    pub fn end(&mut self, guest: usize, end: End, turns: Turns) -> Told {
        let Some(Instance { site, domid, tool, .. }) = self.guests[guest].instance.clone() else {
            return Ok(());
        };
        let reason = match end {
            End::Reboot => ShutdownReason::Reboot,
            End::Crash => ShutdownReason::Crash,
            End::Poweroff => ShutdownReason::Poweroff,
            End::SoftReset if self.guests[guest].spec.kind.has_rtc() => ShutdownReason::SoftReset,
            End::SoftReset => return Ok(()),
        };
        self.mock(site).guest_end(domid, reason).map_err(|error| error.to_string())?;
        self.instance(guest).end_unseen = true;
        if turns.end {
            self.turn(site)?;
        }
        match tool {
            Tool::Us => self.our_end(guest, end, reason),
            Tool::Xl => self.xl_end(guest, end, turns),
        }
    }

    pub fn monitored(
        &self,
        site: usize,
        domid: DomId,
        reason: ShutdownReason,
    ) -> Result<Disposition, String> {
        let ground = &self.grounds[site];
        let reread: &Reread<'_> = &|_| Err("nothing was left".into());
        let monitor = Monitor::new(&ground.mock, &ground.records, &*ground.zones, reread)
            .dumps(std::path::Path::new("/nowhere"))
            .patience(Duration::ZERO);
        Ok(monitor.ended(domid, reason).map_err(|error| error.to_string())?.became)
    }

    /// The monitor that xenclock left.
    pub fn our_end(&mut self, guest: usize, end: End, reason: ShutdownReason) -> Told {
        let Instance { site, domid, offset, .. } = self.instance(guest).clone();
        self.ours(guest, site);
        self.ours_noted(guest);
        let expect = match (self.sick[site], &self.guests[guest].kept[site].what) {
            (Some(Sick::Gone), _) => Expect::Any(LOST),
            (_, What::Nothing) => Expect::Any(NOTHING_KEPT),
            // Written down or not, the monitor knows what it has just read.
            (_, What::Sure(_)) => {
                let kept = self.guests[guest].kept[site].clone();
                let shown = self.instance(guest).shows();
                if let Some(offset) = shown.filter(|_| self.guests[guest].spec.kind.has_rtc()) {
                    self.guests[guest].kept[site].last(offset);
                }
                let expect = self.next(guest, site);
                self.guests[guest].kept[site] = kept;
                expect
            }
            _ => self.next(guest, site),
        };
        let tsc = self.tsc(guest)?;
        let became = match self.keeping {
            true => self.monitored(site, domid, reason)?,
            false => return self.unkept_end(guest, end, expect),
        };
        match (end, became) {
            (End::Poweroff, Disposition::Gone) => {
                self.ours_gone(guest, site);
            }
            (End::SoftReset, Disposition::Reset(_)) => {
                self.expect(guest, Expect::Is(vec![offset]), "soft reset")?;
                self.instance(guest).reset = true;
                let is = self.tsc(guest)?;
                if is != tsc {
                    return Err(format!("soft reset: its TSC went on at {is}, and was at {tsc}"));
                }
            }
            (End::Reboot | End::Crash, Disposition::Restarted(started)) => {
                self.restarted(guest, site, started.outcome.domid, expect)?;
            }
            (_, became) => return Err(format!("it became {became:?}")),
        }
        Ok(())
    }

    pub fn restarted(&mut self, guest: usize, site: usize, domid: DomId, expect: Expect) -> Told {
        let sure = matches!(self.guests[guest].kept[site].what, What::Sure(_));
        let nothing = self.guests[guest].kept[site].what == What::Nothing;
        self.guests[guest].started_in_doubt = !sure && !nothing;
        let rewritten = self.guests[guest].instance.as_ref().is_some_and(|before| before.rewritten);
        self.alive(guest, site, domid, Tool::Us)?;
        // Without a record the monitor takes the config as it is.
        self.instance(guest).rewritten = rewritten || !nothing;
        self.expect(guest, expect, "started again")?;
        if sure && self.sick[site] != Some(Sick::Gone) && self.guests[guest].spec.by != By::Discovered {
            self.expect_birth_tsc(guest, site, "started again")?;
        }
        if nothing {
            self.instance(guest).runs = true;
            return Ok(());
        }
        self.ours_knows(guest, site, sure);
        let stored = self.stored_offset(guest);
        self.guests[guest].kept[site].writes(stored);
        if !sure {
            // With a record that could not be written, the request of a config given on the way may be lost.
            self.instance(guest).mode = self.mode(guest)?;
            self.instance(guest).settled = Settled::Maybe;
        }
        Ok(())
    }

    /// Without the keeping: stock xl in our place.
    pub fn unkept_end(&mut self, guest: usize, end: End, expect: Expect) -> Told {
        let Instance { site, domid, offset, .. } = self.instance(guest).clone();
        let mock = self.mock(site);
        let config = mock.stored_config(domid).unwrap();
        if end == End::SoftReset {
            mock.soft_reset(domid, &config).unwrap();
            mock.unpause(domid).unwrap();
            return self.expect(guest, Expect::Is(vec![offset]), "soft reset");
        }
        mock.destroy(domid).unwrap();
        if end == End::Poweroff {
            self.ours_gone(guest, site);
            return Ok(());
        }
        self.guests[guest].instance = None;
        let domid = mock.create_paused(&config).unwrap();
        mock.unpause(domid).unwrap();
        self.restarted(guest, site, domid, expect)
    }

    /// xl's monitor.
    pub fn xl_end(&mut self, guest: usize, end: End, turns: Turns) -> Told {
        let Instance { site, domid, offset, .. } = self.instance(guest).clone();
        let mock = self.mock(site);
        let config = mock.stored_config(domid).map_err(|error| error.to_string())?;
        if end == End::SoftReset {
            let moves = self.config_moves_rtc(guest)?;
            mock.soft_reset(domid, &config).map_err(|error| error.to_string())?;
            mock.unpause(domid).map_err(|error| error.to_string())?;
            let expect = if moves { Expect::Any(SOFT_RESET) } else { Expect::Is(vec![offset]) };
            self.expect(guest, expect, "soft reset by xl")?;
            let rate = self.rate(guest)?;
            let instance = self.instance(guest);
            (instance.rate, instance.tsc_anywhere, instance.reset) = (rate, true, true);
            // A config that was given on the way has perhaps another mode than the guest.
            instance.mode = mode_in(config.b_info.tsc_mode.unwrap_or(TscMode::Default));
            // To whoever has not seen it before it is a new one.
            (instance.incarnation, instance.came) = (1, None);
            return Ok(());
        }
        mock.destroy(domid).map_err(|error| error.to_string())?;
        let rewritten = self.instance(guest).rewritten;
        self.goes(guest, site, end != End::Poweroff);
        if end == End::Poweroff {
            return Ok(());
        }
        self.xl_create(guest, site, &config, rewritten, turns)
    }

    /// `xl destroy`.
    pub fn destroy(&mut self, guest: usize) {
        if let Some((site, domid)) = self.place(guest) {
            self.mock(site).destroy(domid).unwrap();
            self.goes(guest, site, false);
        }
    }
}
