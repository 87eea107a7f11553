//! Every command and the service are killed at random moments, by SIGKILL and SIGTERM, concurrently on two mock hosts.
//!
//! Whatever is killed: no guest's RTC is lost, no guest runs with a wrong clock or on two hosts, no guest is lost, no
//! domain is left paused, no record is torn, no file is left.
//!
//! It takes some seconds. `XENCLOCK_KILL_MINUTES=10 cargo test --test kill_loop -- --nocapture` takes ten minutes.

#![allow(clippy::unwrap_used)]

mod foreign;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use foreign::{serve, start_foreign};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;
use xenclock::host::mock::Mock;
use xenclock::host::{DomId, DomainSummary, Host, RunState, ShutdownReason};
use xenclock::tracking::store::RecordStore;

/// How long it takes, where nothing else is asked.
const SHORT: Duration = Duration::from_secs(6);

/// Guests, each with a thread that runs commands on it.
const GUESTS: usize = 3;

/// Each guest has this TSC frequency, which is not the hosts'.
const KHZ: u32 = 1_000_000;

/// The two hosts' states.
const HOSTS: [&str; 2] = ["here.json", "there.json"];

/// Numbers that look random (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit.max(1)
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    Failed,
    Killed,
}

#[derive(Default)]
struct Counts {
    runs: AtomicU64,
    killed: AtomicU64,
    mended: AtomicU64,
    apart: AtomicU64,
    helpers: AtomicU64,
    foreign: AtomicU64,
}

struct Lab {
    dir: TempDir,
    until: Instant,
    counts: Counts,
    /// How long each command takes, so that it is killed in the middle of it.
    times: Mutex<BTreeMap<String, Duration>>,
}

impl Lab {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, host: usize, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xenclock"));
        command.args(["--backend", &format!("mock:{}", HOSTS[host])]).args(words);
        command.current_dir(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs a command, and kills it now and then; with all that it has started, or alone.
    fn run(&self, random: &mut Random, host: usize, words: &[&str]) -> End {
        self.counts.runs.fetch_add(1, Ordering::Relaxed);
        let name = words.iter().take(2).copied().collect::<Vec<_>>().join(" ");
        let usual = self.times.lock().unwrap().get(&name).copied().unwrap_or(Duration::from_millis(20));
        let begun = Instant::now();
        let mut child = self.command(host, words).process_group(0).spawn().unwrap();
        let killed = random.below(3) > 0;
        if killed {
            std::thread::sleep(Duration::from_micros(random.below(usual.as_micros() as u64 * 5 / 4)));
            let signal = if random.below(3) == 0 { Signal::TERM } else { Signal::KILL };
            let pid = Pid::from_child(&child);
            let _ = if random.below(2) == 0 {
                kill_process_group(pid, signal)
            } else {
                kill_process(pid, signal)
            };
        }
        let status = child.wait().unwrap();
        // What it has started ends by itself, as on a line that breaks.
        let gone = Instant::now();
        while kill_process_group(Pid::from_raw(child.id() as i32).unwrap(), Signal::CONT).is_ok() {
            assert!(gone.elapsed() < Duration::from_secs(30), "{words:?}: something goes on");
            std::thread::sleep(Duration::from_millis(2));
        }
        if status.success() && !killed {
            let took = begun.elapsed();
            let mut times = self.times.lock().unwrap();
            let time = times.entry(name).or_insert(took);
            *time = (*time * 3 + took) / 4;
        }
        match status.code() {
            Some(0) => End::Done,
            Some(_) if !killed => End::Failed,
            _ => {
                self.counts.killed.fetch_add(1, Ordering::Relaxed);
                End::Killed
            }
        }
    }

    /// A command that is left alone.
    fn quietly(&self, host: usize, words: &[&str]) -> (bool, String) {
        let output = self.command(host, words).stderr(Stdio::piped()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn mock(&self, host: usize) -> Mock {
        Mock::open(self.path(HOSTS[host]), Box::new(|| SystemTime::now().into())).unwrap()
    }

    /// The domains of a guest.
    fn domains(&self, host: usize, uuid: Uuid) -> Vec<DomainSummary> {
        let domains = self.mock(host).domains().unwrap();
        domains.into_iter().filter(|domain| domain.uuid == uuid && domain.domid != DomId(0)).collect()
    }

    /// What killed programs have left is put right by the next command, where no service is about it: then it is waited
    /// for.
    fn mend(&self, uuid: Uuid) {
        let begun = Instant::now();
        for host in [0, 1] {
            let claims = ["starting", "leaving", "holding"]
                .map(|dir| self.path(&format!("{}.clocks", HOSTS[host])).join(dir).join(uuid.to_string()));
            while claims.iter().any(|claim| claim.exists()) {
                let (_, said) = self.quietly(host, &["unpause", "nobody"]);
                let mended = said.matches("a program was killed while ").count() as u64;
                self.counts.mended.fetch_add(mended, Ordering::Relaxed);
                assert!(begun.elapsed() < Duration::from_secs(90), "nobody puts it right: {claims:?}");
            }
        }
    }
}

/// A guest, and what is known of it.
struct Guest<'a> {
    lab: &'a Lab,
    name: String,
    uuid: Uuid,
    /// Where its RTC may stand, in seconds ahead of UTC: at one of these.
    offsets: BTreeSet<i64>,
    paused: bool,
    log: Vec<String>,
}

/// Where a guest is.
#[derive(Debug)]
enum Place {
    Runs(usize, DomainSummary),
    Saved(usize),
    Nowhere,
}

impl Guest<'_> {
    fn file(&self) -> PathBuf {
        self.lab.path(&format!("{}.save", self.name))
    }

    /// Looks at the guest after a command, and at all that must hold.
    fn look(&mut self, host: usize) -> Place {
        self.lab.mend(self.uuid);
        let mut there: Vec<_> = [0, 1]
            .into_iter()
            .flat_map(|host| self.lab.domains(host, self.uuid).into_iter().map(move |domain| (host, domain)))
            .collect();
        let runs = |domain: &DomainSummary| {
            domain.state == RunState::Running || (domain.state == RunState::Paused && domain.has_run)
        };
        let running = there.iter().filter(|(_, domain)| runs(domain)).count();
        assert!(running <= 1, "it runs twice: {there:?}\n{:#?}", self.log);
        // A migration that was cut between its two sides leaves a copy on either, and an administrator looks.
        if there.len() > 1 || there.first().is_some_and(|(_, domain)| domain.name.ends_with("--migratedaway"))
        {
            self.lab.counts.apart.fetch_add(1, Ordering::Relaxed);
            let best = there.iter().position(|(_, domain)| runs(domain));
            let best = best.or_else(|| there.iter().position(|(_, domain)| domain.state == RunState::Paused));
            let keep = best.unwrap_or(0);
            for (index, (host, domain)) in there.iter().enumerate() {
                if index != keep {
                    self.lab.mock(*host).destroy(domain.domid).unwrap();
                }
            }
            let (host, domain) = there.swap_remove(keep);
            let mock = self.lab.mock(host);
            if domain.name != self.name {
                mock.rename(domain.domid, &self.name).unwrap();
            }
            match domain.state {
                RunState::Paused if !self.paused => mock.unpause(domain.domid).unwrap(),
                RunState::Shutdown(ShutdownReason::Suspend) => mock.resume(domain.domid).unwrap(),
                _ => {}
            }
            there = self.lab.domains(host, self.uuid).into_iter().map(|domain| (host, domain)).collect();
        }
        let saved = self.file().exists();
        match there.pop() {
            None if saved => Place::Saved(host),
            None => Place::Nowhere,
            Some((host, DomainSummary { state: RunState::Shutdown(reason), .. }))
                if reason != ShutdownReason::Suspend =>
            {
                // Its monitor was killed before it did anything.
                assert!(self.lab.quietly(host, &["destroy", &self.name]).0);
                self.look(host)
            }
            Some((host, domain)) => {
                let expected = if self.paused { RunState::Paused } else { RunState::Running };
                assert_eq!((domain.state, domain.has_run), (expected, true), "{domain:?}\n{:#?}", self.log);
                assert_eq!(domain.name, self.name, "{:#?}", self.log);
                self.check_clock(host, domain.domid);
                Place::Runs(host, domain)
            }
        }
    }

    fn check_clock(&mut self, host: usize, domid: DomId) {
        let mock = self.lab.mock(host);
        let offset = mock.rtc_record(domid).unwrap().offset;
        let tsc = mock.tsc_info(domid).unwrap();
        assert!(
            self.offsets.contains(&offset),
            "{} stands at {offset}, and may stand at {:?}\n{:#?}",
            self.name,
            self.offsets,
            self.log
        );
        assert_eq!(tsc.khz, KHZ, "{:#?}", self.log);
        self.offsets = BTreeSet::from([offset]);
    }

    fn is_paused(&self, host: usize, domid: DomId) -> bool {
        let domains = self.lab.domains(host, self.uuid);
        domains.iter().any(|domain| domain.domid == domid && domain.state == RunState::Paused)
    }

    fn run(&mut self, random: &mut Random, host: usize, words: &[&str]) -> End {
        let end = self.lab.run(random, host, words);
        if self.log.len() > 40 {
            self.log.drain(..20);
        }
        self.log.push(format!("{} on {host}: {} {end:?}", self.name, words.join(" ")));
        end
    }

    /// One command, whatever comes of it.
    fn step(&mut self, random: &mut Random, place: Place) -> usize {
        let name = self.name.clone();
        let file = format!("{name}.save");
        match place {
            Place::Nowhere => {
                self.paused = false;
                let host = random.below(2) as usize;
                // A record of the other host knows nothing of what the guest did here.
                let host = if self.log.is_empty() { host } else { self.last_host() };
                self.run(random, host, &["create", "-q", &format!("{name}.xml")]);
                host
            }
            Place::Saved(host) => {
                let end = self.run(random, host, &["restore", &file]);
                assert_ne!(end, End::Failed, "{:#?}", self.log);
                host
            }
            Place::Runs(host, domain) => {
                let there = format!(
                    "'{}' --backend mock:{} migrate-receive",
                    env!("CARGO_BIN_EXE_xenclock"),
                    HOSTS[1 - host]
                );
                let by = format!("+{}", 1 + random.below(50));
                // It runs, so a file of it is an old one.
                let _ = fs::remove_file(self.file());
                let choice = if self.paused { 10 } else { random.below(10) };
                let end = match choice {
                    0 | 1 => {
                        let before: Vec<_> = self.offsets.iter().copied().collect();
                        let end = self.run(random, host, &["mock", "write-rtc", &name, &by]);
                        let moved = before.iter().map(|offset| offset + by.parse::<i64>().unwrap());
                        match end {
                            End::Done => self.offsets = moved.collect(),
                            _ => self.offsets.extend(moved),
                        }
                        end
                    }
                    2 | 3 => self.run(random, host, &["mock", "reboot", &name]),
                    4 => self.run(random, host, &["save", &name, &file]),
                    5 => {
                        let end = self.run(random, host, &["save", "-c", &name, &file]);
                        let _ = fs::remove_file(self.file());
                        end
                    }
                    6 => self.run(random, host, &["destroy", &name]),
                    7 => self.run(random, host, &["migrate", "-s", "", &name, &there]),
                    8 => {
                        let end = self.run(random, host, &["pause", &name]);
                        self.paused = self.is_paused(host, domain.domid);
                        end
                    }
                    9 => self.run(random, host, &["mock", "soft-reset", &name]),
                    _ => {
                        let end = self.run(random, host, &["unpause", &name]);
                        self.paused = self.is_paused(host, domain.domid);
                        end
                    }
                };
                if choice == 4 && self.file().exists() {
                    let runs = self
                        .lab
                        .domains(host, self.uuid)
                        .iter()
                        .any(|domain| domain.state == RunState::Running);
                    assert!(!runs, "it runs and is saved: {:#?}", self.log);
                }
                assert_ne!(end, End::Failed, "{:#?}", self.log);
                host
            }
        }
    }

    /// Where it was last.
    fn last_host(&self) -> usize {
        let last = self.log.last().and_then(|line| line.split(" on ").nth(1)?.chars().next()?.to_digit(10));
        last.unwrap_or(0) as usize
    }

    fn live(&mut self, random: &mut Random) {
        let mut host = 0;
        while Instant::now() < self.lab.until {
            let place = self.look(host);
            host = self.step(random, place);
        }
        self.look(host);
    }
}

#[test]
fn whatever_is_killed_no_clock_is_lost_and_nothing_is_left() {
    let minutes = std::env::var("XENCLOCK_KILL_MINUTES").ok().map(|minutes| minutes.parse::<f64>().unwrap());
    let length = minutes.map_or(SHORT, |minutes| Duration::from_secs_f64(minutes * 60.0));
    let lab = Lab {
        dir: TempDir::new().unwrap(),
        until: Instant::now() + length,
        counts: Counts::default(),
        times: Mutex::default(),
    };
    for host in HOSTS {
        let facts = json!({"host": {"now": "2026-07-01T12:00:00Z", "timezone": "Europe/Berlin"}});
        fs::write(lab.path(host), facts.to_string()).unwrap();
    }
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (lab, stop) = (&lab, &stop);
        let services: Vec<_> = [0, 1]
            .map(|host| scope.spawn(move || serve(lab, host, &mut Random(seed ^ (host as u64 + 77)), stop)))
            .into();
        let foreign: Vec<_> = [0, 1]
            .map(|host| scope.spawn(move || start_foreign(lab, host, &mut Random(seed ^ (host as u64 + 99)))))
            .into();
        let guests: Vec<_> = (0..GUESTS)
            .map(|number| {
                let uuid = Uuid::from_u128(0x6ba7_b810_9dad_41d1_80b4_00c0_4fd4_3000 + number as u128);
                let name = format!("guest{number}");
                let offset = 3600 * number as i64;
                let xml = format!(
                    "<domain type='xen'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>64</memory>\
                     <os><type>hvm</type></os><on_reboot>restart</on_reboot>\
                     <clock offset='variable' adjustment='{offset}'>\
                     <timer name='tsc' frequency='{}' mode='emulate'/></clock></domain>",
                    u64::from(KHZ) * 1000
                );
                fs::write(lab.path(&format!("{name}.xml")), xml).unwrap();
                let offsets = BTreeSet::from([offset]);
                let mut guest = Guest { lab, name, uuid, offsets, paused: false, log: Vec::new() };
                scope.spawn(move || guest.live(&mut Random(seed ^ (number as u64 + 1))))
            })
            .collect();
        let ended: Vec<_> = guests.into_iter().chain(foreign).map(|guest| guest.join()).collect();
        stop.store(true, Ordering::Relaxed);
        services.into_iter().for_each(|service| service.join().unwrap());
        if let Some(Err(panic)) = ended.into_iter().find(Result::is_err) {
            std::panic::resume_unwind(panic);
        }
    });
    nothing_is_left(&lab);
    let Counts { runs, killed, mended, apart, helpers, foreign } = &lab.counts;
    println!(
        "{} commands in {length:?}, {} killed; {} half-done guests put right by a command, {} moves looked at; \
         {} starts by xl, {} helpers killed",
        runs.load(Ordering::Relaxed),
        killed.load(Ordering::Relaxed),
        mended.load(Ordering::Relaxed),
        apart.load(Ordering::Relaxed),
        foreign.load(Ordering::Relaxed),
        helpers.load(Ordering::Relaxed)
    );
    assert!(killed.load(Ordering::Relaxed) > 0);
}

/// No torn record, no file, no claim.
fn nothing_is_left(lab: &Lab) {
    for host in [0, 1] {
        // Any command that changes a record, or saves, sweeps first.
        lab.quietly(host, &["clock-watch", "--once"]);
        lab.quietly(host, &["clock-set", "00000000-0000-0000-0000-000000000001", "clock_offset=utc"]);
        let dir = lab.path(&format!("{}.clocks", HOSTS[host]));
        let (_, bad) = RecordStore::in_dir(&dir).all().unwrap();
        assert!(bad.is_empty(), "{bad:?}");
        for name in names(&dir) {
            let known = ["lock", "service", "watched", "starting", "leaving", "holding", "monitors"]
                .contains(&name.as_str())
                || name.strip_suffix(".json").is_some_and(|uuid| uuid.parse::<Uuid>().is_ok());
            assert!(known, "{name}");
        }
        for held in ["starting", "leaving", "holding", "monitors"] {
            assert_eq!(names(&dir.join(held)), [""; 0], "{held}");
        }
    }
    for name in names(lab.dir.path()) {
        let known = [".json", ".xml", ".save", ".clocks"].iter().any(|end| name.ends_with(end));
        assert!(known && !name.starts_with('.'), "{name}");
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
