//! The cost of the service: `cargo bench --bench watch`.
//!
//! The release build tracks 1,000 domains of a mock host at its default period, with a guest that sets its RTC now and
//! then. The benchmark prints the service's share of a core and its memory, as counted by the kernel, and the time from
//! a domain's creation until its clock is set. Ratios compare it with the same program that only waits.

#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use timers::GuestKind;
use xenclock::domain::DomainConfig;
use xenclock::host::mock::Mock;
use xenclock::host::{DomId, Host};

const DOMAINS: u32 = 1000;
const WATCHED: Duration = Duration::from_secs(30);
const BORN: usize = 40;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    for domains in [0, DOMAINS] {
        let path = dir.path().join(format!("host-{domains}.json"));
        let mock = Mock::open(&path, Box::new(|| SystemTime::now().into())).unwrap();
        let guests: Vec<_> = (0..domains).map(|number| guest(&mock, &format!("guest{number}"))).collect();
        let events = dir.path().join(format!("events-{domains}"));
        let mut service = start(&path, &events);
        wait_for_lines(&events, guests.len());
        let before = cost(&service);
        let start = Instant::now();
        for domid in guests.iter().step_by(200) {
            std::thread::sleep(WATCHED / 5);
            mock.guest_shift_rtc(*domid, 20).unwrap();
        }
        std::thread::sleep(WATCHED.saturating_sub(start.elapsed()));
        let (after, took) = (cost(&service), start.elapsed());
        let share = (after.cpu - before.cpu).as_secs_f64() / took.as_secs_f64() * 100.0;
        println!(
            "{domains:>5} domains: {share:.2} % of a core over {:.0} s, {:.1} MB resident",
            took.as_secs_f64(),
            after.resident as f64 / 1e6
        );
        if domains > 0 {
            born(&mock, &events);
        }
        service.kill().unwrap();
        service.wait().unwrap();
    }
}

fn guest(mock: &Mock, name: &str) -> DomId {
    let mut config = DomainConfig::new(GuestKind::Hvm);
    config.c_info.name = Some(name.to_owned());
    config.b_info.target_memkb = Some(1024);
    let domid = mock.create_paused(&config).unwrap();
    mock.unpause(domid).unwrap();
    domid
}

fn start(host: &Path, events: &Path) -> Child {
    let backend = format!("mock:{}", host.display());
    Command::new(env!("CARGO_BIN_EXE_xenclock"))
        .args(["--backend", &backend, "clock-watch"])
        .stdin(Stdio::null())
        .stdout(File::create(events).unwrap())
        .spawn()
        .unwrap()
}

fn wait_for_lines(events: &Path, lines: usize) {
    let start = Instant::now();
    while fs::read_to_string(events).unwrap().lines().count() < lines {
        assert!(start.elapsed() < Duration::from_secs(120), "the service does not follow");
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(1));
}

struct Cost {
    cpu: Duration,
    resident: u64,
}

/// User and system time of the process and its ended children so far, and its resident memory.
fn cost(service: &Child) -> Cost {
    let of = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", service.id())).unwrap();
    let stat = of("stat");
    // The name, which may have spaces, ends with the last parenthesis.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11..15].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    let status = of("status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    // The kernel counts in hundredths of a second on every Linux.
    Cost { cpu: Duration::from_millis(ticks * 10), resident: kib * 1024 }
}

/// How long it takes until the service has told of a domain that has come.
fn born(mock: &Mock, events: &Path) {
    let mut times = Vec::new();
    for number in 0..BORN {
        let name = format!("born{number}");
        let start = Instant::now();
        guest(mock, &name);
        let made = start.elapsed();
        loop {
            let text = fs::read_to_string(events).unwrap();
            let told = text.lines().rev().take(5).any(|line| {
                serde_json::from_str::<Value>(line).is_ok_and(|event| event["name"] == name.as_str())
            });
            if told {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        times.push((start.elapsed() - made).as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "      a new domain is told of after {:.0} ms (median; {:.0} to {:.0} ms)",
        at(0.5),
        at(0.0),
        at(1.0)
    );
}
