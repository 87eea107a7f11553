//! The cost of tracking a thousand domains on the mock host: reading each RTC once, listing the domains, a call that
//! changes something, and waiting for an event.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use timers::GuestKind;
use xenclock::domain::DomainConfig;
use xenclock::host::mock::{Clock, Mock};
use xenclock::host::{DomId, Host};

const DOMAINS: u32 = 1000;

fn clock() -> Clock {
    Box::new(|| std::time::SystemTime::now().into())
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mock.json");
    for (name, mock) in [("memory", Mock::in_memory(clock())), ("file", Mock::open(&path, clock()).unwrap())]
    {
        measure(name, &mock);
    }
    println!("the file: {} bytes", std::fs::metadata(&path).unwrap().len());
}

fn measure(name: &str, mock: &Mock) {
    let made: Vec<DomId> =
        timed(name, "making them, each", DOMAINS, || (0..DOMAINS).map(|number| make(mock, number)).collect());
    timed(name, "an RTC", DOMAINS, || {
        for domid in &made {
            mock.rtc_record(*domid).unwrap();
        }
    });
    timed(name, "the list", 20, || {
        for _ in 0..20 {
            assert_eq!(mock.domains().unwrap().len(), made.len() + 1);
        }
    });
    timed(name, "a pause", 20, || {
        for domid in &made[..20] {
            mock.pause(*domid).unwrap();
        }
    });
    while mock.next_event(Duration::ZERO).unwrap().is_some() {}
    let before = cpu_time();
    let wait = Duration::from_secs(2);
    assert_eq!(mock.next_event(wait).unwrap(), None);
    let used = cpu_time() - before;
    println!(
        "{name}: waiting for an event takes {:.2} % of a CPU",
        100.0 * used.as_secs_f64() / wait.as_secs_f64()
    );
}

fn make(mock: &Mock, number: u32) -> DomId {
    let mut config = DomainConfig::new(GuestKind::Hvm);
    config.c_info.name = Some(format!("guest-{number}"));
    config.b_info.max_memkb = Some(16 * 1024);
    mock.create_paused(&config).unwrap()
}

fn timed<T>(name: &str, what: &str, times: u32, act: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = act();
    println!("{name}: {what}: {:?}", start.elapsed() / times);
    done
}

/// What this process has used so far.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    Duration::from_nanos(stat.split_whitespace().next().unwrap().parse().unwrap())
}
