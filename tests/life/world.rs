//! Two machines with their guests, services and records, and the actions on them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use timers::UtcOffset;
use timers::zone::{ZoneSource, default_zones};
use uuid::Uuid;
use xenclock::domain::Defbool;
use xenclock::host::mock::Mock;
use xenclock::host::{DomId, Host, HostFacts, RunState};
use xenclock::lifecycle::ClockRecord;
use xenclock::tracking::store::RecordStore;

use crate::known::{Gone, Guest, Instance, Kept, Provisional, Settled, What};
use crate::moves::Saved;
use crate::op::{By, Machine, Op, Sick, Story, ZONES};
use crate::service::{Kit, Service};
use crate::vain::Fault;

/// Done, or what was broken.
pub type Told = Result<(), String>;

const NOW: &str = "2026-03-20T12:00:00Z";
const YEAR: i64 = 360 * 86_400;

/// A machine, with what outlives its services.
pub struct Ground {
    pub mock: Mock,
    pub records: RecordStore,
    pub zones: Box<dyn ZoneSource>,
    pub dir: TempDir,
}

/// A rule that a story is played without, to see that it would break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// None: all of them hold.
    Nothing,
    /// Nobody keeps the clocks: stock xl does all, and there are no services.
    Keeping,
    /// What is said of a TSC counts on the host on which the guest was started, not on the one on which it runs.
    PresentFacts,
    /// A start that fails leaves nothing of what was kept, or what its domain had in its place.
    KeptOnFailure,
    /// A config that is given on the way is forgotten.
    GivenOnTheWay,
}

/// How many steps there were, how many promises and how many views were checked, and how many promises could not be
/// given, and why.
#[derive(Debug, Default)]
pub struct Tally {
    pub steps: u64,
    pub promised: u64,
    pub said: u64,
    pub told: u64,
    pub changes_told: u64,
    pub deaths: u64,
    pub excepted: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.steps += other.steps;
        self.promised += other.promised;
        self.said += other.said;
        self.told += other.told;
        self.changes_told += other.changes_told;
        self.deaths += other.deaths;
        for (why, count) in &other.excepted {
            *self.excepted.entry(why).or_default() += count;
        }
    }
}

pub struct World<'k> {
    pub grounds: &'k [Ground; 2],
    pub kits: std::slice::IterMut<'k, Kit>,
    pub services: [Option<Service<'k>>; 2],
    /// Whether there is a service; without the keeping, whether there would be one.
    pub serving: [bool; 2],
    pub sick: [Option<Sick>; 2],
    pub guests: Vec<Guest>,
    pub saved: Vec<Saved>,
    /// The domains that are gone, and nobody has noted it so far.
    pub gone: Vec<Gone>,
    /// A call that is to fail, and not when the judge makes it.
    pub fault: Option<Fault>,
    /// How long the story is already.
    passed: i64,
    /// The hosts' TSCs, as they are now.
    pub machines: [Machine; 2],
    /// How far each host's clock was set ahead of what it was, by decades.
    ahead: [i64; 2],
    /// So many requests were made.
    pub words: usize,
    /// Without it all is done by stock xl, and there are no services.
    pub keeping: bool,
    /// The rule that is broken.
    pub without: Without,
    pub tally: Tally,
}

/// Plays a story, perhaps without one rule.
///
/// # Errors
/// What was broken, and by what.
pub fn play(story: &Story, without: Without) -> Result<Tally, String> {
    let grounds = [0, 1].map(|site| Ground::new(story, site));
    let mut kits: Vec<Kit> = story.ops.iter().map(|_| Kit::none()).collect();
    let mut world = World::new(&grounds, kits.iter_mut(), story, without);
    for (number, op) in story.ops.iter().enumerate() {
        let broken = |why: String| format!("{why}\n  at {number}: {op:?}");
        world.does(op).map_err(broken)?;
        world.check().map_err(broken)?;
        world.tally.steps += 1;
    }
    Ok(world.tally)
}

/// Where syncing costs nothing, if there is such a place.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl Ground {
    pub fn new(story: &Story, site: usize) -> Self {
        let mock = Mock::in_memory(Box::new(|| NOW.parse().unwrap()));
        let Machine { khz, reliable, scaling } = story.machines[site];
        let yes = |yes| if yes { "yes" } else { "no" };
        for (name, value) in [
            ("now", NOW),
            ("timezone", ZONES[site]),
            ("cpu_khz", &khz.to_string()),
            ("tsc_reliable", yes(reliable)),
            ("tsc_scaling", scaling.map_or("unknown", yes)),
        ] {
            mock.set_fact(name, value).unwrap();
        }
        // No boot of one machine has the name of one of the other's.
        (0..site * story.ops.len()).for_each(|_| mock.reboot_host().unwrap());
        mock.advance(1000).unwrap();
        let dir = scratch();
        fs::create_dir_all(dir.path().join("xml")).unwrap();
        let records = RecordStore::in_dir(dir.path().join("records"));
        fs::create_dir_all(dir.path().join("records")).unwrap();
        fs::write(dir.path().join("records/lock"), "").unwrap();
        Ground { mock, records, zones: default_zones(), dir }
    }

    pub fn records_dir(&self) -> PathBuf {
        self.dir.path().join("records")
    }
}

impl<'k> World<'k> {
    pub fn new(
        grounds: &'k [Ground; 2],
        kits: std::slice::IterMut<'k, Kit>,
        story: &Story,
        without: Without,
    ) -> Self {
        let mut guests = Vec::new();
        for (number, spec) in story.guests.iter().enumerate() {
            let uuid = Uuid::from_u128(0x6f2d_4a54_0c1e_4e0b_9d53_2f0c_5a4f_7b00 + number as u128);
            let name = format!("guest{number}");
            if spec.by == By::Asked {
                for ground in grounds {
                    let file = ground.dir.path().join(format!("xml/{name}.xml"));
                    fs::write(file, spec.xml(&name, &uuid.to_string())).unwrap();
                }
            }
            let kept = [Kept::default(), Kept::default()];
            let (spec, asked) = (spec.clone(), spec.clock());
            guests.push(Guest {
                spec,
                asked,
                uuid,
                name,
                instance: None,
                kept,
                birth_facts: None,
                given: None,
                was_given: false,
                by_config: false,
                started_in_doubt: false,
            });
        }
        World {
            grounds,
            kits,
            services: [None, None],
            serving: [false; 2],
            sick: [None; 2],
            guests,
            saved: Vec::new(),
            gone: Vec::new(),
            fault: None,
            passed: 0,
            machines: story.machines.clone(),
            ahead: [0; 2],
            words: 0,
            keeping: without != Without::Keeping,
            without,
            tally: Tally::default(),
        }
    }

    pub fn mock(&self, site: usize) -> &'k Mock {
        let grounds: &'k [Ground; 2] = self.grounds;
        &grounds[site].mock
    }

    pub fn facts(&self, site: usize) -> HostFacts {
        self.mock(site).facts().unwrap()
    }

    /// The domain of a guest that is known to live.
    pub fn instance(&mut self, guest: usize) -> &mut Instance {
        self.guests[guest].instance.as_mut().unwrap()
    }

    pub fn place(&self, guest: usize) -> Option<(usize, DomId)> {
        self.guests[guest].instance.as_ref().map(|instance| (instance.site, instance.domid))
    }

    /// Where the RTC, or wallclock, of a guest stands, as it sees it.
    pub fn offset(&self, guest: usize) -> Result<i64, String> {
        let (site, domid) = self.place(guest).ok_or("it does not live")?;
        let wallclock = self.mock(site).wallclock_offset(domid).map_err(|error| error.to_string())?;
        let fails = self.fault.is_some_and(|fault| fault.call == "rtc_record");
        if self.guests[guest].spec.kind.has_rtc() && !fails {
            let rtc = self.mock(site).rtc_record(domid).map_err(|error| error.to_string())?.offset;
            assert_eq!(rtc, wallclock);
        }
        Ok(wallclock)
    }

    pub fn rate(&self, guest: usize) -> Result<u32, String> {
        let (site, domid) = self.place(guest).ok_or("it does not live")?;
        Ok(self.mock(site).model(domid).map_err(|error| error.to_string())?.tsc.rate_khz())
    }

    /// What the guest reads of its TSC.
    pub fn tsc(&self, guest: usize) -> Result<u64, String> {
        let (site, domid) = self.place(guest).ok_or("it does not live")?;
        self.mock(site).guest_tsc(domid).map_err(|error| error.to_string())
    }

    pub fn expect_rate(&mut self, guest: usize, when: &str) -> Told {
        let is = self.rate(guest)?;
        let promised = self.instance(guest).rate;
        if is != promised {
            let name = &self.guests[guest].name;
            return Err(format!("{when}: the TSC of {name} runs at {is} kHz, promised was {promised} kHz"));
        }
        Ok(())
    }

    /// A new guest's TSC, asked at this site.
    pub fn expect_birth_tsc(&mut self, guest: usize, site: usize, when: &str) -> Told {
        self.instance(guest).rate = self.asked_rate(guest, site);
        self.expect_rate(guest, when)?;
        let native_pv = !self.guests[guest].spec.kind.has_rtc();
        let tsc = self.tsc(guest)?;
        // A PV guest reads the host's own counter where it is not emulated.
        if !native_pv && tsc > 1_000_000 {
            return Err(format!("{when}: the TSC of {} begins at {tsc}", self.guests[guest].name));
        }
        Ok(())
    }

    pub fn config_moves_rtc(&self, guest: usize) -> Result<bool, String> {
        let (site, domid) = self.place(guest).ok_or("it does not live")?;
        let config = self.mock(site).stored_config(domid).map_err(|error| error.to_string())?;
        Ok(config.b_info.rtc_timeoffset != 0 || config.b_info.localtime.is_some_and(Defbool::is_true))
    }

    /// What holds at all times.
    pub fn check(&mut self) -> Told {
        for site in 0..2 {
            let domains = self.mock(site).domains().unwrap();
            let known = |domid| {
                self.guests.iter().any(|guest| {
                    guest
                        .instance
                        .as_ref()
                        .is_some_and(|instance| (instance.site, instance.domid) == (site, domid))
                })
            };
            if let Some(left) = domains.iter().find(|domain| domain.domid.0 != 0 && !known(domain.domid)) {
                return Err(format!("a domain is left behind: {left:?}"));
            }
        }
        for guest in 0..self.guests.len() {
            let Some((site, domid)) = self.place(guest) else { continue };
            let name = self.guests[guest].name.clone();
            let domains = self.mock(site).domains().unwrap();
            match domains.iter().find(|domain| domain.domid == domid) {
                Some(domain) if domain.state == RunState::Running => {}
                other => return Err(format!("{name} does not run: {other:?}")),
            }
            let (is, promised) = (self.offset(guest)?, self.instance(guest).offset);
            self.tally.promised += 1;
            if is != promised {
                return Err(format!("the RTC of {name} is at {is} s, promised was {promised} s"));
            }
            self.expect_rate(guest, "while it lives")?;
            let tsc = self.tsc(guest)?;
            if tsc > 1 << 62 && !self.instance(guest).tsc_anywhere {
                return Err(format!("the TSC of {name} is at {tsc}"));
            }
        }
        self.check_said()
    }

    pub fn does(&mut self, op: &Op) -> Told {
        match *op {
            Op::Start { guest, site, turns } => self.start(guest, site, turns)?,
            Op::Vain { guest, site, fault } => self.start_in_vain(guest, site, fault)?,
            Op::Write { guest, by } => self.write(guest, by),
            Op::Set { guest, offset } => self.set(guest, offset),
            Op::End { guest, end, turns } => self.end(guest, end, turns)?,
            Op::Destroy { guest } => self.destroy(guest),
            Op::Save { guest, by, stay, write, turns } => self.save(guest, by, stay, write, turns)?,
            Op::Restore { file, site, by, turns } => self.restore(file, site, by, turns)?,
            Op::Migrate { guest, to, by, write, fails, turns } => {
                self.migrate(guest, to, by, write, fails, turns)?;
            }
            Op::Give { guest, ref given } => self.give(guest, given),
            Op::Pass { seconds } => self.pass(seconds),
            Op::ToChange { site } => {
                let facts = self.facts(site);
                if let Some(change) = facts.zone.next_change(facts.now) {
                    self.pass((change.at - facts.now).num_seconds() + 1);
                }
            }
            Op::Step { site, seconds } => {
                self.passed += seconds.max(0);
                let now = self.facts(site).now + chrono::TimeDelta::seconds(seconds);
                self.mock(site).set_fact("now", &now.to_rfc3339()).unwrap();
            }
            Op::Zone { site, zone } => self.mock(site).set_fact("timezone", zone).unwrap(),
            Op::Boot { site, drift } => self.boot(site, drift),
            Op::Date { site, date } => self.date(site, date),
            Op::Serve { site } => self.serve(site)?,
            Op::Kill { site } => self.kill(site),
            Op::Dies { site, at, done } => {
                if let Some(service) = &self.services[site] {
                    service.fate.dies(at, done);
                }
            }
            Op::Poll { site } => self.poll(site)?,
            Op::Lose { site, guest, keeps } => self.lose(site, guest, keeps),
            Op::Sicken { site, how } => self.sicken(site, how),
            Op::Heal { site } => self.heal(site),
        }
        self.turn(0)?;
        self.turn(1)
    }

    pub fn pass(&mut self, seconds: i64) {
        // Of who has not been there for a year the records are given up.
        if self.passed + seconds > YEAR {
            return;
        }
        self.passed += seconds;
        for ground in self.grounds {
            ground.mock.advance(seconds).unwrap();
        }
    }

    pub fn write(&mut self, guest: usize, by: i64) {
        let Some((site, domid)) = self.place(guest) else { return };
        let mock = self.mock(site);
        if by == 0 || !self.guests[guest].spec.kind.has_rtc() {
            return;
        }
        // A year that no RTC has is not written.
        if mock.guest_shift_rtc(domid, by).is_ok() {
            // Of a clock beyond the century the guest sees two digits of the year.
            let is = self.offset(guest).unwrap();
            self.instance(guest).moves(is);
        }
    }

    /// As `clock-set --now`, of a guest whose record can be written.
    pub fn set(&mut self, guest: usize, offset: i64) {
        let Some((site, domid)) = self.place(guest) else { return };
        let sure = self.guests[guest].kept[site].is_sure() && self.sick[site].is_none();
        if !sure || self.instance(guest).settled != Settled::Yes {
            return;
        }
        self.mock(site).set_time_offset(domid, UtcOffset::new(offset).unwrap()).unwrap();
        let now = self.facts(site).now;
        let set = |mut record: ClockRecord| {
            record.set_live(offset, now);
            record
        };
        if self.keeping {
            let records = &self.grounds[site].records;
            records.change(self.guests[guest].uuid, |record, _| (record.map(set), ())).unwrap();
        }
        self.guests[guest].kept[site].what = What::Sure(vec![offset]);
        self.guests[guest].kept[site].fresh = false;
        self.guests[guest].kept[site].provisional = Provisional::No;
        let instance = self.instance(guest);
        (instance.offset, instance.told, instance.set_unseen) = (offset, Some(offset), true);
        instance.stuck = None;
    }

    /// The host's clock leaves its century, as with a dead battery, or is right again.
    fn date(&mut self, site: usize, date: Option<&str>) {
        let now = self.facts(site).now;
        let to = match date {
            Some(date) => date.parse().unwrap(),
            None => now - chrono::TimeDelta::seconds(self.ahead[site]),
        };
        self.ahead[site] = date.map_or(0, |_| self.ahead[site] + (to - now).num_seconds());
        self.mock(site).set_fact("now", &to.to_rfc3339()).unwrap();
    }

    fn boot(&mut self, site: usize, drift: i32) {
        self.kill(site);
        let khz = self.machines[site].khz.saturating_add_signed(drift).max(1);
        self.machines[site].khz = khz;
        self.mock(site).set_fact("cpu_khz", &khz.to_string()).unwrap();
        self.mock(site).reboot_host().unwrap();
        self.mock(site).advance(100).unwrap();
        for guest in 0..self.guests.len() {
            if self.place(guest).is_some_and(|(at, _)| at == site) {
                self.guests[guest].instance = None;
                self.gone.push(Gone { guest, site, restarts: None });
            }
        }
    }
}
