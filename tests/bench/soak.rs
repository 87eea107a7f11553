//! A long run of the service's engine: `cargo bench --bench soak`.
//!
//! It tracks 1,000 domains of a mock host until it has reported 100,000 events: guests set their RTCs, reboot, power
//! off and start again, and the host's clock steps forwards and back. After each domain has had its turn, the memory
//! and the open files of the process, which includes the mock host, must not grow. `XENCLOCK_SOAK_DOMAINS` and
//! `XENCLOCK_SOAK_EVENTS` change the numbers.

#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::fs;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use timers::GuestKind;
use timers::zone::default_zones;
use uuid::Uuid;
use xenclock::apply::clock::InProcess;
use xenclock::domain::DomainConfig;
use xenclock::host::mock::Mock;
use xenclock::host::{DomId, Host};
use xenclock::lifecycle::ClockEvent;
use xenclock::tracking::requests::XmlRequests;
use xenclock::tracking::store::RecordStore;
use xenclock::tracking::watch::{Tools, Watch, WatchOptions};

/// Memory may grow by this share from the first fifth of the events to the last.
const GROWTH: f64 = 1.10;

/// By how many seconds the host's clock has been stepped.
static STEPS: AtomicI64 = AtomicI64::new(0);

/// All RTCs are looked at after so many happenings.
const PERIOD: usize = 200;

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |number| number.parse().unwrap())
}

fn main() {
    let (domains, events) = (number("XENCLOCK_SOAK_DOMAINS", 1000), number("XENCLOCK_SOAK_EVENTS", 100_000));
    // On a file system in memory where there is one: the disk's own speed is not what is measured.
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let records = RecordStore::in_dir(dir.path().join("records"));
    let now = || {
        chrono::DateTime::from(SystemTime::now()) + chrono::TimeDelta::seconds(STEPS.load(Ordering::Relaxed))
    };
    let mock = Mock::in_memory(Box::new(now));
    let zones = default_zones();
    let told = Cell::new(0_usize);
    let mut tell = |event: ClockEvent| {
        told.set(told.get() + 1);
        drop(serde_json::to_string(&event).unwrap());
    };
    let mut requests = XmlRequests::in_dirs(Vec::new());
    let tools = Tools {
        host: &mock,
        records: &records,
        zones: &*zones,
        tsc: &mut InProcess(&mock),
        requests: &mut requests,
        tell: &mut tell,
    };
    let mut watch = Watch::new(tools, WatchOptions::default().all(true));
    let mut guests: Vec<DomId> = (0..domains).map(|number| guest(&mock, number)).collect();
    watch.scan().unwrap();
    let begun = Instant::now();
    let mut samples = vec![sample(told.get(), begun)];
    let mut turn = 0_usize;
    while told.get() < events {
        let index = (turn * 7) % domains;
        let domid = guests[index];
        match turn % 40 {
            0 => {
                mock.guest_reboot(domid).unwrap();
                hear(&mut watch, &mock);
                mock.destroy(domid).unwrap();
                guests[index] = guest(&mock, index);
            }
            1 => {
                mock.destroy(domid).unwrap();
                guests[index] = guest(&mock, index);
            }
            2 => drop(STEPS.fetch_add(if turn.is_multiple_of(3) { -7200 } else { 3600 }, Ordering::Relaxed)),
            _ => mock.guest_shift_rtc(domid, 1 + (turn % 50) as i64).unwrap(),
        }
        hear(&mut watch, &mock);
        turn += 1;
        if turn.is_multiple_of(PERIOD) {
            watch.poll().unwrap();
        }
        if told.get() * 10 / events >= samples.len() {
            samples.push(sample(told.get(), begun));
        }
    }
    println!("{domains} domains, {} events of {turn} happenings", told.get());
    for Sample { events, after, resident, files } in &samples {
        println!(
            "{events:>8} events, {:>5.0} s: {:.1} MB resident, {files} open files",
            after.as_secs_f64(),
            *resident as f64 / 1e6
        );
    }
    assert_eq!(watch.followed(), domains, "those that are gone are forgotten");
    let (first, last) = (&samples[2.min(samples.len() - 1)], samples.last().unwrap());
    assert!(last.resident as f64 <= first.resident as f64 * GROWTH, "memory grows");
    assert_eq!(samples[0].files, last.files, "files stay open");
}

fn guest(mock: &Mock, number: usize) -> DomId {
    let mut config = DomainConfig::new(GuestKind::Hvm);
    config.c_info.name = Some(format!("guest{number}"));
    config.c_info.uuid = Some(Uuid::from_u128(0x1000 + number as u128));
    config.b_info.target_memkb = Some(1024);
    let domid = mock.create_paused(&config).unwrap();
    mock.unpause(domid).unwrap();
    domid
}

fn hear(watch: &mut Watch<'_>, host: &Mock) {
    while let Some(event) = host.next_event(Duration::ZERO).unwrap() {
        watch.event(&event).unwrap();
    }
    watch.go_on().unwrap();
}

struct Sample {
    events: usize,
    after: Duration,
    resident: u64,
    files: usize,
}

fn sample(events: usize, begun: Instant) -> Sample {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    let files = fs::read_dir("/proc/self/fd").unwrap().count();
    Sample { events, after: begun.elapsed(), resident: kib * 1024, files }
}
