//! Guests that are saved, restored and migrated, by xenclock and by stock xl.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use timers::{TimerMode, UtcOffset};
use xenclock::domain::{Defbool, DomainConfig};
use xenclock::host::{Host, SaveKind, ShutdownReason};
use xenclock::tracking::transfer::{Incoming, Outgoing};
use xenclock::xl::savefile::Header;

use crate::given::{Given, Requested};
use crate::known::{Came, Expect, Guest, Instance, Provisional, Settled, What};
use crate::op::{By, Sick, Tool, Turns};
use crate::oracle::{NO_SERVICE, NOTHING_KEPT, ON_THE_WAY, UNSEEN};
use crate::world::{Told, World};

/// A guest in a file.
pub struct Saved {
    guest: usize,
    file: File,
    by: Tool,
    /// What it was then.
    offset: i64,
    tsc: u64,
    mode: TimerMode,
    rate: u32,
    incarnation: u32,
    serial: usize,
    /// Whether the record that is for it knows where it stood; an RTC's is in the stream.
    known: bool,
    /// What the config in it gives.
    moves: bool,
    config_offset: Option<i64>,
    /// What was kept of it where it was saved.
    request: bool,
    tsc_anywhere: bool,
    /// What its record asks for.
    requested: Requested,
    /// The guest moved its RTC when its config was on the way already.
    behind: bool,
    /// Its RTC says nothing of the guest.
    stuck: bool,
    /// xenclock has written the offset in its config.
    rewritten: bool,
    /// Its record knows nothing of its own config.
    of_rewritten: bool,
    provisional: Provisional,
}

fn scratch_file() -> File {
    tempfile::tempfile_in("/dev/shm").or_else(|_| tempfile::tempfile()).unwrap()
}
impl World<'_> {
    pub fn save(&mut self, guest: usize, by: Tool, stay: bool, write: i64, turns: Turns) -> Told {
        let Some((site, domid)) = self.place(guest) else { return Ok(()) };
        let (saved, outgoing) = self.suspend(guest, by, write, SaveKind::Suspend)?;
        self.saved.push(saved);
        if turns.end {
            self.turn(site)?;
            self.save_seen(guest);
        }
        match (stay, outgoing) {
            (true, Some(outgoing)) => {
                self.transfer(site).stays(&outgoing.domain).map_err(|error| error.to_string())?;
            }
            (true, None) => self.mock(site).resume(domid).map_err(|error| error.to_string())?,
            (false, Some(outgoing)) => {
                self.transfer(site).left(&outgoing.domain).map_err(|error| error.to_string())?;
            }
            (false, None) => self.mock(site).destroy(domid).map_err(|error| error.to_string())?,
        }
        if stay {
            self.turn(site)?;
            if !turns.end {
                self.save_seen(guest);
            }
            return Ok(());
        }
        let incarnation = self.instance(guest).incarnation;
        if !turns.end && self.serving[site] {
            // It comes too late to read where the RTC stood.
            self.guests[guest].kept[site].saved(incarnation, usize::MAX);
        }
        match by {
            Tool::Us => self.ours_gone(guest, site),
            Tool::Xl => self.goes(guest, site, false),
        }
        Ok(())
    }

    /// The service has had its turn while a guest was suspended into the latest file.
    pub fn save_seen(&mut self, guest: usize) {
        let Some(instance) = &self.guests[guest].instance else { return };
        let (site, incarnation) = (instance.site, instance.incarnation);
        if self.serving[site] && instance.settled == Settled::Yes {
            let serial = self.saved.len() - 1;
            self.guests[guest].kept[site].saved(incarnation, serial);
        }
    }

    /// Writes a guest into a file; it is suspended then.
    pub fn suspend(
        &mut self,
        guest: usize,
        by: Tool,
        write: i64,
        how: SaveKind,
    ) -> Result<(Saved, Option<Outgoing>), String> {
        let (site, domid) = self.place(guest).unwrap();
        let mock = self.mock(site);
        let mut file = scratch_file();
        let stored = mock.stored_config(domid).map_err(|error| error.to_string())?;
        let ours = by == Tool::Us;
        let mut outgoing = None;
        if ours {
            self.ours(guest, site);
        }
        let before = self.instance(guest).offset;
        let known = self.knows_wallclock(guest, site, ours);
        let given = if self.does_ours(by) { self.take_given(guest, true) } else { None };
        let instead = given.as_ref().and_then(|given| self.instead(guest, site, given));
        let requested = self.takes_along(guest, site, given.as_ref());
        let config_offset = Self::config_offset(&stored);
        if self.does_ours(by) {
            let summary = mock.domains().unwrap().into_iter().find(|domain| domain.domid == domid).unwrap();
            let failed = |error: xenclock::host::HostError| error.to_string();
            let mut leaving = self.transfer(site).outgoing(summary, instead, false).map_err(failed)?;
            leaving.header().unwrap().write(&mut file).unwrap();
            self.write_on_the_way(guest, write);
            let changed = self.transfer(site).save(&mut leaving, &mut file, how).map_err(failed)?;
            if changed && how == SaveKind::Suspend {
                file.seek(SeekFrom::Start(0)).unwrap();
                leaving.header().unwrap().write(&mut file).unwrap();
            }
            outgoing = Some(leaving);
        } else {
            Header::new(serde_json::to_string(&stored).unwrap(), None).write(&mut file).unwrap();
            self.write_on_the_way(guest, write);
            mock.save(domid, &mut file, how).map_err(|error| error.to_string())?;
        }
        file.flush().unwrap();
        let serial = self.saved.len();
        let instance = self.guests[guest].instance.clone().unwrap();
        let moves = self.config_moves_rtc(guest)?;
        let stuck = self.guests[guest].spec.kind.has_rtc() && instance.shows().is_none();
        let request = self.guests[guest].kept[site].is_sure() && self.sick[site] != Some(Sick::Gone);
        let saved = Saved {
            guest,
            file,
            by,
            offset: instance.offset,
            tsc: self.tsc(guest)?,
            mode: instance.mode,
            rate: instance.rate,
            incarnation: instance.incarnation,
            serial,
            known: known && !stuck,
            moves,
            config_offset,
            request,
            tsc_anywhere: instance.tsc_anywhere,
            requested,
            behind: how == SaveKind::Live && instance.offset != before,
            stuck,
            rewritten: instance.rewritten || ours && moves,
            of_rewritten: match &self.guests[guest].kept[site].what {
                What::Nothing => instance.rewritten,
                _ => self.guests[guest].kept[site].of_rewritten,
            },
            provisional: self.guests[guest].kept[site].provisional,
        };
        self.instance(guest).end_unseen = true;
        let our_monitor = self.does_ours(instance.tool);
        if our_monitor {
            self.monitored(site, domid, ShutdownReason::Suspend)?;
        }
        if ours || instance.tool == Tool::Us {
            if !ours {
                self.ours(guest, site);
            }
            self.ours_noted(guest);
            if !self.is_sick(site) {
                if ours && moves {
                    self.guests[guest].kept[site].writes(Some(saved.offset));
                }
                if ours && saved.known {
                    self.guests[guest].kept[site].last(saved.offset);
                } else if ours && self.guests[guest].kept[site].what != What::Nothing {
                    // What was written down is what the config gives now, right or wrong.
                    self.guests[guest].kept[site].doubt();
                }
                self.guests[guest].kept[site].saved(instance.incarnation, serial);
            }
        }
        Ok((saved, outgoing))
    }

    /// Whether what is kept, or the config, says where the wallclock of a guest without RTC stands.
    pub fn knows_wallclock(&self, guest: usize, site: usize, ours: bool) -> bool {
        let Guest { spec, kept, instance, .. } = &self.guests[guest];
        let Some(instance) = instance else { return false };
        let kept = &kept[site];
        let by_record = kept.is_sure() && kept.what == What::Sure(vec![instance.offset]);
        let by_config = self.stored_offset(guest) == Some(instance.offset);
        spec.kind.has_rtc()
            || match instance.settled {
                Settled::Yes if matches!(kept.what, What::Nothing) => ours && by_config,
                Settled::Yes if kept.what == What::Sure(Vec::new()) => ours && by_config,
                Settled::Yes => by_record && self.sick[site] != Some(Sick::Gone),
                Settled::No => ours && by_config,
                Settled::Maybe => false,
            }
    }

    pub fn stored_offset(&self, guest: usize) -> Option<i64> {
        let (site, domid) = self.place(guest)?;
        Self::config_offset(&self.mock(site).stored_config(domid).ok()?)
    }

    /// What a config gives by itself, wherever it is built.
    pub fn config_offset(config: &DomainConfig) -> Option<i64> {
        let local = config.b_info.localtime.is_some_and(Defbool::is_true);
        (!local).then(|| UtcOffset::from_libxl(config.b_info.rtc_timeoffset).seconds().into())
    }

    pub fn write_on_the_way(&mut self, guest: usize, by: i64) {
        let (site, domid) = self.place(guest).unwrap();
        if by != 0
            && self.guests[guest].spec.kind.has_rtc()
            && self.mock(site).guest_shift_rtc(domid, by).is_ok()
        {
            let is = self.offset(guest).unwrap();
            self.instance(guest).moves(is);
        }
    }

    pub fn restore(&mut self, file: usize, site: usize, by: Tool, turns: Turns) -> Told {
        let Some(index) = self.saved.len().checked_sub(file + 1) else { return Ok(()) };
        let saved = &self.saved[index];
        if self.guests[saved.guest].instance.is_some() {
            return Ok(());
        }
        let guest = saved.guest;
        // Of a config that was given to xenclock stock xl's next start does not know.
        let other_tsc = saved.requested.tsc != self.guests[guest].spec.tsc;
        if by == Tool::Xl && (saved.requested.given || other_tsc || self.is_stale(guest, site)) {
            return Ok(());
        }
        let mut file = saved.file.try_clone().unwrap();
        self.arrive(index, &mut file, site, by, turns, |name| name.to_owned())?;
        self.go_on(guest, site)
    }

    pub fn go_on(&mut self, guest: usize, site: usize) -> Told {
        let domid = self.instance(guest).domid;
        self.mock(site).unpause(domid).map_err(|error| error.to_string())?;
        self.instance(guest).runs = true;
        Ok(())
    }

    /// Makes a domain of a file, paused.
    pub fn arrive(
        &mut self,
        index: usize,
        file: &mut File,
        site: usize,
        by: Tool,
        turns: Turns,
        name: impl FnOnce(&str) -> String,
    ) -> Result<Option<Incoming>, String> {
        file.seek(SeekFrom::Start(0)).unwrap();
        let header = Header::read(file).map_err(|error| error.to_string())?;
        let guest = self.saved[index].guest;
        if by == Tool::Us {
            self.ours(guest, site);
        }
        self.guests[guest].by_config |= by == Tool::Xl || self.saved[index].by == Tool::Xl;
        let failed = |error: xenclock::host::HostError| error.to_string();
        let given = if self.does_ours(by) { self.take_given(guest, false) } else { None };
        let (domid, incoming) = if self.does_ours(by) {
            let instead = given.as_ref().and_then(|given| self.instead(guest, site, given));
            let incoming = self.transfer(site).receive(&header, instead, name, file).map_err(failed)?;
            (incoming.domid, Some(incoming))
        } else {
            let mut config: DomainConfig = serde_json::from_str(header.config_json().unwrap()).unwrap();
            config.c_info.name = Some(name(config.name()));
            (self.mock(site).restore_paused(&config, file).map_err(failed)?, None)
        };
        self.alive(guest, site, domid, by)?;
        let saved = &self.saved[index];
        let came = Came { serial: saved.serial, offset: saved.offset, known: saved.known };
        let (rate, tsc, offset, incarnation) = (saved.rate, saved.tsc, saved.offset, saved.incarnation + 1);
        let (mode, anywhere) = (saved.mode, saved.tsc_anywhere);
        let rewritten = saved.rewritten || by == Tool::Us && saved.moves;
        let native = mode == TimerMode::Native;
        let instance = self.instance(guest);
        instance.mode = mode;
        (instance.incarnation, instance.came, instance.tsc_anywhere) = (incarnation, Some(came), anywhere);
        instance.rewritten = rewritten;
        if !native {
            instance.rate = rate;
            self.expect_rate(guest, "restored")?;
        }
        let is = self.tsc(guest)?;
        if self.guests[guest].spec.kind != timers::GuestKind::Pv && is != tsc {
            return Err(format!(
                "restored: the TSC of {} went on at {is}, and was at {tsc}",
                self.guests[guest].name
            ));
        }
        let expect = self.carried(index, site, by);
        match by {
            Tool::Us => {
                self.expect(guest, expect, "restored")?;
                self.arrived_by_us(index, site, offset, given.as_ref());
            }
            // What xl alone gets right, it gets right before any service looks.
            Tool::Xl => self.expect(guest, expect, "restored by xl")?,
        }
        if turns.birth {
            self.instance(guest).claimed = by == Tool::Us;
            self.turn(site)?;
            self.instance(guest).claimed = false;
        }
        Ok(incoming)
    }

    /// Where the RTC of a guest out of a file stands, before any service has looked.
    pub fn carried(&self, index: usize, site: usize, by: Tool) -> Expect {
        let saved = &self.saved[index];
        let guest = &self.guests[saved.guest];
        let right = Expect::Is(vec![saved.offset]);
        match by {
            _ if guest.spec.kind.has_rtc() && (by == Tool::Us || !saved.moves) => right,
            Tool::Xl if saved.by == Tool::Us && saved.behind => Expect::Any(ON_THE_WAY),
            // What xenclock has written has the offset in its config.
            _ if saved.by == Tool::Us && saved.known => right,
            Tool::Us if !guest.spec.kind.has_rtc() => {
                let kept = &guest.kept[site];
                let latest = kept.saves.first().is_some_and(|(_, serial)| *serial == saved.serial);
                let by_record = kept.is_sure() && kept.what == What::Sure(vec![saved.offset]) && latest;
                let by_config = kept.what == What::Nothing && saved.config_offset == Some(saved.offset);
                // What xenclock has saved brings its own record, right or wrong.
                if saved.by == Tool::Xl && (by_record || by_config) {
                    right
                } else {
                    Expect::Any(NOTHING_KEPT)
                }
            }
            _ if saved.config_offset == Some(saved.offset) && saved.by == Tool::Xl => right,
            _ if self.serving[site] => Expect::Any(UNSEEN),
            _ => Expect::Any(NO_SERVICE),
        }
    }

    pub fn arrived_by_us(&mut self, index: usize, site: usize, offset: i64, given: Option<&Given>) {
        let saved = &self.saved[index];
        let guest = saved.guest;
        let sick = self.sick[site];
        let stored = self.stored_offset(guest);
        let kept = &mut self.guests[guest].kept[site];
        let here = kept.is_sure() && sick != Some(Sick::Gone);
        let known = here
            || saved.request && saved.by == Tool::Us
            || kept.what == What::Nothing && self.guests[guest].spec.by == By::Discovered;
        let request = known && !saved.stuck;
        let kept = &mut self.guests[guest].kept[site];
        // Which of two records it goes on with, it decides.
        kept.saves.clear();
        kept.saves_sure = false;
        if kept.what == What::Nothing {
            kept.of_rewritten = if saved.by == Tool::Us { saved.of_rewritten } else { saved.rewritten };
        }
        let in_doubt = kept.what == What::Doubt;
        let here = (kept.requested.clone().filter(|_| !in_doubt), kept.fresh, kept.started);
        let word = kept.word.clone();
        let provisional = match (saved.provisional.perhaps(offset), kept.provisional.perhaps(offset)) {
            (Provisional::No, of_host) => of_host,
            (of_save, _) => of_save,
        };
        // Stock xl sends no record.
        let came = match (saved.by, &here.0) {
            (Tool::Us, _) => saved.requested.clone(),
            (Tool::Xl, asks) => Requested {
                offset: asks.clone().unwrap_or_else(|| saved.requested.offset.clone()),
                fresh: here.1,
                started: here.2,
                word: None,
                ..saved.requested.clone()
            },
        };
        self.ours_knows(guest, site, request);
        let kept = &mut self.guests[guest].kept[site];
        (kept.requested, kept.fresh, kept.started) = here;
        kept.provisional = provisional;
        kept.word = word;
        kept.changed = None;
        kept.writes(stored);
        self.adopt_given(guest, site, &came, given);
        let instance = self.instance(guest);
        (instance.runs, instance.told) = (false, Some(offset));
    }

    pub fn migrate(
        &mut self,
        guest: usize,
        to: usize,
        by: Tool,
        write: i64,
        fails: bool,
        turns: Turns,
    ) -> Told {
        let Some((from, domid)) = self.place(guest) else { return Ok(()) };
        if by == Tool::Xl && self.is_stale(guest, to) {
            return Ok(());
        }
        if fails {
            // The administrator tries again without it.
            self.guests[guest].given = None;
        }
        let served = self.serving[from];
        let (saved, outgoing) = self.suspend(guest, by, write, SaveKind::Live)?;
        let index = self.saved.len();
        let mut file = saved.file.try_clone().unwrap();
        self.saved.push(saved);
        if turns.end {
            self.turn(from)?;
            self.save_seen(guest);
        } else if from == to && turns.birth {
            // The service looks at the one that is suspended when it sees the other come.
            self.save_seen(guest);
        } else if self.serving[from] {
            let incarnation = self.instance(guest).incarnation;
            self.guests[guest].kept[from].saved(incarnation, usize::MAX);
        }
        let here = self.guests[guest].instance.clone().unwrap();
        let kept = self.guests[guest].kept[to].clone();
        let gone = self.gone.iter().find(|gone| (gone.guest, gone.site) == (guest, to)).copied();
        let incoming = self.arrive(index, &mut file, to, by, turns, |name| format!("{name}--incoming"))?;
        let arrived = self.instance(guest).domid;
        let name = self.guests[guest].name.clone();
        let failed = |error: xenclock::host::HostError| error.to_string();
        if fails {
            match &incoming {
                Some(incoming) => self.transfer(to).undo_incoming(incoming).map_err(failed)?,
                None => self.mock(to).destroy(arrived).map_err(failed)?,
            }
            match by {
                Tool::Us if self.sick[to].is_none() => {
                    self.guests[guest].kept[to] = kept;
                    // No service was there to see that an earlier domain of it is gone, and it still is.
                    if !self.serving[to] {
                        self.gone.extend(gone);
                    }
                    // A service that has looked meanwhile takes a record that is gone again for a lost one.
                    if from == to && served && self.guests[guest].kept[to].what == What::Nothing {
                        self.guests[guest].kept[to].doubt();
                    }
                }
                // Within a host the record is again that of the one that stays.
                Tool::Xl if from != to => self.goes(guest, to, false),
                _ => {}
            }
            // What was told of it meanwhile was told of a domain that was none of its own any more.
            let moved_back = from == to;
            self.guests[guest].instance = Some(Instance { told: None, moved_back, ..here });
            if moved_back && served && !self.serving[from] {
                // The service died while its record was the other's.
                self.guests[guest].kept[from].doubt();
                self.instance(guest).settled = Settled::Maybe;
            }
            match outgoing {
                Some(outgoing) => self.transfer(from).stays(&outgoing.domain).map_err(failed)?,
                None => self.mock(from).resume(domid).map_err(failed)?,
            }
            return Ok(());
        }
        self.mock(from).rename(domid, &format!("{name}--migratedaway")).map_err(failed)?;
        self.mock(to).rename(arrived, &name).map_err(failed)?;
        self.go_on(guest, to)?;
        match outgoing {
            Some(outgoing) => self.transfer(from).left(&outgoing.domain).map_err(failed)?,
            None => self.mock(from).destroy(domid).map_err(failed)?,
        }
        let lives = self.guests[guest].instance.replace(here);
        match by {
            // Within a host its record is the other's by now.
            Tool::Us if from == to => {}
            Tool::Us => self.ours_gone(guest, from),
            Tool::Xl if from == to && self.serving[to] => {}
            Tool::Xl => self.goes(guest, from, false),
        }
        self.guests[guest].instance = lives;
        Ok(())
    }
}
