//! The time of a conversion, as a ratio to quick-xml's time for the same text: `cargo bench`.
//!
//! Both run in turn, so that a busy machine slows both; the medians count.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use quick_xml::events::Event;
use timers::Moment;
use timers::zone::{Zone, default_zones};
use xenclock::convert::{Format, convert};
use xenclock::xml;

const ROUNDS: usize = 201;

fn main() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/windows.xml");
    let text = fs::read_to_string(example).unwrap();
    let zones = default_zones();
    let now: DateTime<Utc> = "2026-07-01T12:00:00Z".parse().unwrap();
    let at = Moment { now, host_zone: &Zone::utc(), zones: &*zones };
    let alone = || {
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut events = 0_u32;
        while !matches!(reader.read_event().unwrap(), Event::Eof) {
            events += 1;
        }
        black_box(events);
    };
    let read = || {
        black_box(xml::read("example", text.as_bytes()).unwrap());
    };
    let whole = || {
        let mut input = xml::read("example", text.as_bytes()).unwrap();
        black_box(convert(&mut input, Format::Xl, &at).unwrap());
    };
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let runs: [&dyn Fn(); 3] = [&alone, &read, &whole];
        for (run, times) in runs.into_iter().zip(&mut times) {
            times.push(time(run));
        }
    }
    let [alone, read, whole] = times.map(median);
    println!("{} bytes of XML, medians of {ROUNDS} rounds:", text.len());
    println!("  quick-xml's events alone  {alone:>10.2?}");
    for (what, took) in [("read, with verdicts", read), ("convert to xl.cfg", whole)] {
        println!("  {what:<24}  {took:>10.2?}  {:>6.1} times that", took.as_secs_f64() / alone.as_secs_f64());
    }
}

fn time(run: &dyn Fn()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
