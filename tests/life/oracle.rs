//! What is promised: where a guest's RTC must stand after each happening, and where nothing can be promised, and why.
//!
//! Of the records the oracle knows only what was seen of a guest by whom; it never looks into them. What a guest sees is
//! asked of the mock.
//!
//! The promise, seen from inside the guest:
//!
//! 1. While it lives, its RTC stays where it is, but for its own writes. Saved, restored, migrated and soft reset by
//!    xenclock, that needs no service. By stock xl it needs nothing where the config has neither offset nor localtime
//!    (as of every HVM guest that xenclock started), and else a service that has seen the save and the restore.
//! 2. At a cold start a variable clock goes on from the last offset that this host's keeping has seen; any other is
//!    resolved then and there. By stock xl that needs a service: before the guest's first instruction where it looks in
//!    time, live where it comes later.
//! 3. A TSC frequency that was asked for is there at each cold start by xenclock, or by xl with a service that looks in
//!    time, and the TSC counts from 0; it then stays, and the TSC goes on, over every move.
//! 4. A service tells each change of the RTC once: the changes told add up to the guest's own.
//!
//! The exceptions are the reasons of [`Expect::Any`].

use timers::{Basis, ClockOffset, UtcOffset};
use xenclock::host::Host;

use crate::known::{Expect, Gone, Guest, Instance, Loss, Provisional, Settled, What};
use crate::op::{By, Sick};
use crate::said::{SET, is_local};
use crate::world::{Told, World};

/// The record was lost, torn or not writable, and no service had it in memory, or our own tools came before it; or a
/// service died while it was to write, also over a migration within its host that failed.
pub const LOST: &str = "the record was lost or could not be written";
/// Of a guest that nobody spoke of, or whose record is lost, only a config tells.
pub const NOTHING_KEPT: &str = "nothing is kept, so it is as in its config";
/// The guest's own RTC is farther away than a new domain's can be set.
pub const BEYOND: &str = "the guest's RTC is beyond what Xen can be told";
/// Stock xl, a config that moves the RTC, and nobody had seen the save, as on another host.
pub const UNSEEN: &str = "moved by stock xl, and nobody had seen the save";
/// Which of several saves of one incarnation it was cannot be told.
pub const OLD_SAVE: &str = "restored by stock xl from an older save";
/// Stock xl and no service.
pub const NO_SERVICE: &str = "stock xl without a service";
/// The service came when what the config gives was another already.
pub const LATE: &str = "restored by stock xl before the zone changed, and found after it";
/// Stock xl builds a soft reset guest's clock anew, and says nothing of it.
pub const SOFT_RESET: &str = "soft reset by stock xl with a config that moves the RTC";
/// What xenclock sends before the guest is suspended cannot be written again.
pub const ON_THE_WAY: &str = "the guest moved its RTC while it was sent, and stock xl restored it";

/// Stock xl has restored a guest that nobody spoke of, with the config that xenclock has written, and no service of this
/// host has seen both that and its own config.
pub const REWRITTEN: &str = "stock xl has brought a config here that xenclock has written";

impl World<'_> {
    /// A cold start here and now.
    pub fn next(&self, guest: usize, site: usize) -> Expect {
        let Guest { spec, kept, .. } = &self.guests[guest];
        let asked = || match self.resolved(site, &spec.offset, spec.kind) {
            Some(offset) => Expect::Is(vec![offset]),
            None => Expect::Any(BEYOND),
        };
        let changed = kept[site].requested.as_ref().is_some_and(|requested| *requested != spec.offset);
        let goes_on = matches!(spec.offset.effective(), ClockOffset::Variable { .. });
        match &kept[site].what {
            What::Doubt => Expect::Any(LOST),
            What::Sure(_) if kept[site].fresh || changed => asked(),
            What::Sure(lasts) if goes_on && !lasts.is_empty() => {
                let can = |last: &i64| {
                    let clock = ClockOffset::Variable { adjustment: *last, basis: Basis::Utc };
                    UtcOffset::new(*last).is_ok() && self.resolved(site, &clock, spec.kind).is_some()
                };
                match (lasts.iter().all(can), kept[site].provisional) {
                    (false, _) => Expect::Any(BEYOND),
                    (true, Provisional::At(at)) if *lasts == [at] => asked(),
                    (true, Provisional::At(at) | Provisional::PerhapsAt(at)) if lasts.contains(&at) => {
                        lasts.iter().fold(asked(), |expect, last| expect.or(*last))
                    }
                    (true, _) => Expect::Is(lasts.clone()),
                }
            }
            What::Nothing if spec.by == By::Discovered => Expect::Any(NOTHING_KEPT),
            _ => asked(),
        }
    }

    /// Whether the offset of a cold start here and now is provisional. It must be asked before the start is noted.
    pub fn provisional(&self, guest: usize, site: usize, offset: i64) -> Provisional {
        let Guest { spec, kept, .. } = &self.guests[guest];
        let kept = &kept[site];
        if SET.contains(&self.facts(site).now.timestamp()) || !is_local(&spec.offset) {
            return Provisional::No;
        }
        let changed = kept.requested.as_ref().is_some_and(|requested| *requested != spec.offset);
        match (&kept.what, kept.provisional) {
            (What::Doubt, _) => Provisional::PerhapsAt(offset),
            (What::Nothing, _) if spec.by == By::Discovered => Provisional::No,
            (What::Nothing, _) => Provisional::At(offset),
            (What::Sure(lasts), _) if lasts.is_empty() || kept.fresh || changed => Provisional::At(offset),
            (What::Sure(lasts), Provisional::At(at)) if *lasts == [at] => Provisional::At(offset),
            // It goes on from its own offset, unless that cannot be had.
            (What::Sure(lasts), Provisional::No) if *lasts == [offset] => Provisional::No,
            _ => Provisional::PerhapsAt(offset),
        }
    }

    /// The rate that a TSC has after a cold start as asked.
    pub fn asked_rate(&self, guest: usize, site: usize) -> u32 {
        let khz = self.guests[guest].spec.tsc.and_then(|(_, khz)| khz);
        khz.unwrap_or(self.machines[site].khz)
    }

    /// Checks where a guest's RTC stands; from here on it must stay there.
    pub fn expect(&mut self, guest: usize, expect: Expect, when: &str) -> Told {
        let is = self.offset(guest)?;
        match expect {
            Expect::Is(offsets) => {
                self.tally.promised += 1;
                if !offsets.contains(&is) {
                    return Err(format!(
                        "{when}: the RTC of {} is at {is} s, promised was {offsets:?}",
                        self.guests[guest].name
                    ));
                }
            }
            Expect::Any(why) => *self.tally.excepted.entry(why).or_default() += 1,
        }
        self.instance(guest).offset = is;
        Ok(())
    }

    /// A service has looked at a domain that it does not know.
    pub fn first_look(&mut self, guest: usize) -> Told {
        let Some(instance) = self.guests[guest].instance.clone() else { return Ok(()) };
        if self.is_unset(guest, &instance)? {
            return Ok(());
        }
        let site = instance.site;
        let maybe = instance.settled == Settled::Maybe;
        let mut expect = self.due(guest, &instance)?;
        if maybe {
            // The keeping knew it already, perhaps.
            expect = expect.or(instance.offset);
        }
        let has_rtc = self.guests[guest].spec.kind.has_rtc();
        let stuck = instance.came.filter(|_| has_rtc && expect == Expect::Any(BEYOND));
        self.expect(guest, expect, "the service has looked")?;
        let in_time = instance.incarnation == 1 && !instance.runs;
        let timed = self.guests[guest].asked.timers.is_empty();
        let wished =
            self.guests[guest].kept[site].what != What::Doubt && self.guests[guest].spec.by != By::Discovered;
        let known_wish = self.guests[guest].spec.by == By::Asked
            || matches!(self.guests[guest].kept[site].what, What::Sure(_));
        let set = in_time && !maybe && wished && known_wish && instance.fault.is_none();
        let mode = self.guests[guest].spec.mode();
        match set {
            true if timed => self.instance(guest).rate = self.rate(guest)?,
            true => self.expect_birth_tsc(guest, site, "the service has looked in time")?,
            false if in_time || maybe => {
                self.instance(guest).rate = self.rate(guest)?;
                if instance.mode != mode {
                    self.instance(guest).mode = self.mode(guest)?;
                }
            }
            false => {}
        }
        if set {
            self.instance(guest).mode = mode;
        }
        let offset = self.instance(guest).offset;
        self.looked(guest, site, has_rtc, instance.incarnation > 1, offset);
        if let Some(came) = stuck {
            self.guests[guest].kept[site].what = What::Sure(vec![came.offset]);
            self.guests[guest].kept[site].provisional = Provisional::No;
            self.instance(guest).stuck = Some(offset);
        }
        Ok(())
    }

    /// Where the service must put the RTC of a domain that it does not know.
    pub fn due(&self, guest: usize, instance: &Instance) -> Result<Expect, String> {
        let Guest { spec, kept, .. } = &self.guests[guest];
        let kept = &kept[instance.site];
        let unchanged = Expect::Is(vec![instance.offset]);
        if kept.what == What::Nothing && spec.by != By::Asked {
            return Ok(unchanged);
        }
        if self.forgotten(guest, instance.site) {
            return Ok(Expect::Any(LOST));
        }
        let Some(came) = instance.came else {
            let is_known = match instance.rewritten {
                true => self.stored_offset(guest).is_some_and(|offset| kept.written.contains(&offset)),
                false => !kept.of_rewritten,
            };
            return Ok(match spec.by == By::Discovered && !is_known {
                true => Expect::Any(REWRITTEN),
                false => self.next(guest, instance.site),
            });
        };
        let moves = !spec.kind.has_rtc() || self.config_moves_rtc(guest)?;
        if !moves {
            return Ok(unchanged);
        }
        let seen = kept.saves.iter().find(|(incarnation, _)| incarnation + 1 == instance.incarnation);
        Ok(match (&kept.what, seen) {
            (What::Doubt, _) => Expect::Any(LOST),
            (_, None) if kept.saves_sure => unchanged,
            (_, None) => Expect::Any(OLD_SAVE),
            (_, Some((_, serial))) if *serial != came.serial || !came.known => Expect::Any(OLD_SAVE),
            // What the guest has done since is told from what the config gives now.
            _ if spec.kind.has_rtc() && self.given(guest) != instance.given => Expect::Any(LATE),
            // libxl sets no sum of 0, and the stream has won.
            _ if spec.kind.has_rtc() && instance.given == Some(0) => unchanged,
            _ if UtcOffset::new(came.offset + instance.written).is_err() => Expect::Any(BEYOND),
            _ => Expect::Is(vec![came.offset + instance.written]),
        })
    }

    /// What a guest's config gives here and now.
    pub fn given(&self, guest: usize) -> Option<i64> {
        let (site, domid) = self.place(guest)?;
        let config = self.mock(site).stored_config(domid).ok()?;
        let adjustment = UtcOffset::from_libxl(config.b_info.rtc_timeoffset).seconds().into();
        let local = config.b_info.localtime.is_some_and(xenclock::domain::Defbool::is_true);
        let basis = if local { Basis::Localtime } else { Basis::Utc };
        // Its toolstack does not ask what an RTC can show.
        self.offset_of(site, &ClockOffset::Variable { adjustment, basis })
    }

    /// A domain is gone, and whoever keeps the clocks of this host knows it: what need not be kept is not. With a doubt
    /// whether it was noted, or how it ended.
    pub fn gone(&mut self, gone: &Gone, doubt: bool) {
        let Guest { spec, kept, .. } = &mut self.guests[gone.guest];
        let kept = &mut kept[gone.site];
        if kept.what == What::Nothing {
            return;
        }
        // The record here may ask for another clock than the guest's file by now.
        let requested = kept.requested.as_ref().unwrap_or(&spec.offset);
        let variable = matches!(requested.effective(), ClockOffset::Variable { .. });
        let carries = match (spec.by, kept.changed) {
            (By::Discovered, changed) => changed,
            (_, _) => Some(variable),
        };
        let saved = if kept.saves.is_empty() { (!kept.saves_sure).then_some(false) } else { Some(true) };
        let known = kept.lost.is_none() && !kept.unsaved && self.sick[gone.site].is_none() && !doubt;
        match (gone.restarts, carries, saved) {
            (Some(true), ..) | (_, Some(true), _) | (.., Some(true)) if kept.what != What::Doubt => {
                // What it was to note it has written, the lost with it; or perhaps, where it died of that.
                match doubt {
                    true if kept.lost.is_some() => kept.doubt(),
                    false if self.sick[gone.site].is_none() => (kept.lost, kept.unsaved) = (None, false),
                    _ => {}
                }
            }
            (Some(false), Some(false), None) if known && kept.saves_sure => kept.nothing(),
            _ => kept.doubt(),
        }
    }

    /// A service has in memory what guests need that live; of others it can know nothing without a disk.
    pub fn forgotten(&self, guest: usize, site: usize) -> bool {
        let kept = &self.guests[guest].kept[site];
        self.sick[site] == Some(Sick::Gone) && kept.what != What::Nothing && !kept.unsaved
    }

    /// What the keeping has of a domain after its first look at it.
    pub fn looked(&mut self, guest: usize, site: usize, has_rtc: bool, restored: bool, offset: i64) {
        let sick = self.sick[site].is_some();
        let by = self.guests[guest].spec.by;
        let written = self.instance(guest).written != 0;
        let requested = self.guests[guest].spec.offset.clone();
        if self.forgotten(guest, site) {
            self.guests[guest].kept[site].doubt();
        }
        let rewritten = self.instance(guest).rewritten;
        let stored = self.stored_offset(guest).filter(|_| rewritten);
        let incarnation = self.instance(guest).incarnation;
        let came = self.instance(guest).came;
        let is_its = |serial: usize| came.is_some_and(|came| came.known && came.serial == serial);
        let saves = &self.guests[guest].kept[site].saves;
        let put_right = saves
            .iter()
            .find(|(saved, _)| saved + 1 == incarnation)
            .is_some_and(|(_, serial)| is_its(*serial));
        let provisional = match restored {
            false => self.provisional(guest, site, offset),
            true => match (&self.guests[guest].kept[site].what, self.guests[guest].kept[site].provisional) {
                (What::Sure(lasts), provisional) if lasts.is_empty() || *lasts == [offset] => provisional,
                (_, provisional) => provisional.perhaps(offset),
            },
        };
        let kept = &mut self.guests[guest].kept[site];
        kept.provisional = provisional;
        let begins = kept.what == What::Nothing;
        kept.what = match (&kept.what, by) {
            (What::Nothing, By::Discovered) if !has_rtc => What::Nothing,
            (What::Nothing, By::Us) if !has_rtc => What::Nothing,
            // The service takes it for one that nobody spoke of.
            (What::Nothing, By::Us) | (What::Doubt, _) => What::Doubt,
            (What::Nothing, _) if !has_rtc && restored => What::Sure(Vec::new()),
            // Of a restored guest without RTC it is not known where it stands, unless it was put there.
            (What::Sure(_), _) if !has_rtc && restored && put_right => What::Sure(vec![offset]),
            // Perhaps by a save in a record that another host has sent.
            (What::Sure(lasts), _) if !has_rtc && restored && !kept.saves_sure && !lasts.is_empty() => {
                What::Sure(lasts.iter().copied().chain([offset]).collect())
            }
            (What::Sure(lasts), _) if !has_rtc && restored => What::Sure(lasts.clone()),
            (What::Nothing | What::Sure(_), _) => What::Sure(vec![offset]),
        };
        // One whose offset is not known to be xenclock's is taken for the toolstack's new one.
        let taken = !restored && stored.is_some_and(|offset| !kept.written.contains(&offset));
        kept.of_rewritten =
            rewritten && (begins || taken || kept.of_rewritten) || restored && kept.of_rewritten;
        kept.writes(stored);
        match restored {
            false => kept.started(&requested),
            // Its domain XML asks for it.
            true if by == By::Asked => kept.requested_by_xml(&requested),
            true => {}
        }
        let asks = !restored || by == By::Asked;
        // Of a guest without an RTC nothing is read that would be written down.
        if !has_rtc && kept.lost.is_some() {
            kept.doubt();
        }
        if sick {
            kept.unsaved |= kept.what != What::Nothing;
        } else {
            (kept.lost, kept.unsaved) = (None, false);
        }
        // Of one that was restored, what it did before it was found may count, and what it did before it was saved does.
        kept.changed = match (restored, written) {
            (false, _) => Some(false),
            (true, true) => None,
            (true, false) => kept.changed,
        };
        let doubt = kept.what == What::Doubt;
        if asks && !doubt {
            self.asks_as_its_file(guest, site, !restored);
        }
        // Its next start may be that of its config, and what is said of it travels.
        self.guests[guest].by_config |= doubt;
        let instance = self.instance(guest);
        // Of what our own tools could not find, a service may think that all is done.
        instance.settled =
            if doubt && instance.settled == Settled::Maybe { Settled::Maybe } else { Settled::Yes };
        instance.end_unseen = false;
        instance.told = Some(offset);
    }

    /// A service has read the RTC of a domain that it knows.
    pub fn note(&mut self, guest: usize) {
        let sick = self.sick.map(|sick| sick.is_some());
        let has_rtc = self.guests[guest].spec.kind.has_rtc();
        let Guest { instance, kept, .. } = &mut self.guests[guest];
        let Some(instance) = instance else { return };
        (instance.end_unseen, instance.set_unseen) = (false, false);
        let (site, shown) = (instance.site, instance.shows());
        instance.stuck = instance.stuck.filter(|_| shown.is_none());
        let kept = &mut kept[site];
        // Of a guest without an RTC nothing is read that would be written down.
        if !has_rtc && kept.lost.is_some() {
            (instance.settled, instance.told) = (Settled::Maybe, None);
            return kept.doubt();
        }
        if let Some(offset) = shown.filter(|_| has_rtc) {
            kept.last(offset);
        }
        if sick[site] {
            kept.unsaved |= kept.what != What::Nothing;
        } else {
            kept.lost = None;
            kept.unsaved = false;
        }
    }

    /// Our own tools read and write the record here and now.
    pub fn ours(&mut self, guest: usize, site: usize) {
        let kept = &mut self.guests[guest].kept[site];
        if kept.lost.is_some()
            || kept.unsaved
            || (self.sick[site] == Some(Sick::Gone) && kept.what != What::Nothing)
        {
            kept.doubt();
            if let Some(instance) = &mut self.guests[guest].instance
                && instance.site == site
            {
                instance.settled = Settled::Maybe;
                instance.told = None;
            }
        }
    }

    /// Our own tools have read the RTC of a guest that ended, and written it down.
    pub fn ours_noted(&mut self, guest: usize) {
        let has_rtc = self.guests[guest].spec.kind.has_rtc();
        let Some(instance) = &mut self.guests[guest].instance else { return };
        let (site, offset, shown) = (instance.site, instance.offset, instance.shows());
        if !self.serving[site] {
            // Nobody is there to be told, and whoever comes later has it from where it was noted.
            instance.told = (instance.settled == Settled::Yes).then_some(offset);
        }
        let Some(offset) = shown.filter(|_| has_rtc) else { return };
        if self.sick[site].is_some() {
            self.guests[guest].kept[site].or_last(offset);
        } else {
            self.guests[guest].kept[site].last(offset);
        }
    }

    /// A service has died over what it was doing.
    pub fn died(&mut self, site: usize) -> Told {
        self.serving[site] = false;
        for guest in 0..self.guests.len() {
            let sick = self.sick[site].is_some();
            if let Some(instance) =
                self.guests[guest].instance.clone().filter(|instance| instance.site == site)
            {
                if instance.settled != Settled::Yes {
                    let expect = self.due(guest, &instance)?.or(instance.offset);
                    self.expect(guest, expect, "the service died over it")?;
                    let rate = self.rate(guest)?;
                    if instance.incarnation > 1 || instance.runs {
                        self.expect_rate(guest, "the service died over it")?;
                    }
                    let offset = self.offset(guest)?;
                    let kept = &mut self.guests[guest].kept[site];
                    match kept.what {
                        What::Nothing => kept.doubt(),
                        What::Sure(ref lasts) if lasts.is_empty() => kept.doubt(),
                        _ => kept.or_last(offset),
                    }
                    // In a migration within the host it has read the one that was sent, perhaps.
                    if let Some(came) = instance.came {
                        kept.or_last(came.offset);
                    }
                    let instance = self.instance(guest);
                    (instance.rate, instance.settled) = (rate, Settled::Maybe);
                } else if self.guests[guest].spec.kind.has_rtc() {
                    self.guests[guest].kept[site].or_last(instance.offset);
                }
                let instance = self.instance(guest);
                instance.told = None;
                // A save that it was about to write down, perhaps.
                self.guests[guest].kept[site].saves_sure = false;
                self.guests[guest].kept[site].changed = None;
                // What was lost, it has written again, perhaps.
                let moved_back = self.instance(guest).moved_back;
                if sick || moved_back || self.guests[guest].kept[site].lost.is_some() {
                    self.guests[guest].kept[site].doubt();
                    self.instance(guest).settled = Settled::Maybe;
                }
            }
        }
        for gone in std::mem::take(&mut self.gone) {
            match gone.site == site {
                true => self.gone(&gone, true),
                false => self.gone.push(gone),
            }
        }
        self.killed(site);
        Ok(())
    }

    /// A service is gone, and its memory with it.
    pub fn killed(&mut self, site: usize) {
        self.serving[site] = false;
        for guest in &mut self.guests {
            let kept = &mut guest.kept[site];
            let here = guest.instance.as_mut().filter(|instance| instance.site == site);
            if kept.unsaved || kept.lost == Some(Loss::Perhaps) {
                kept.doubt();
                if let Some(instance) = here {
                    (instance.settled, instance.told) = (Settled::Maybe, None);
                }
            } else if kept.lost.is_some() {
                kept.nothing();
                if let Some(instance) = here {
                    (instance.settled, instance.told) = (Settled::No, None);
                }
            }
        }
    }
}
