//! How long a conversion to xl.cfg with all verdicts takes, as a ratio to quick-xml's bare loop over the events and
//! attributes of the same text: `cargo bench --bench convert`. docs/performance.md has the numbers.
//!
//! The loop and the conversion run in turn, the processor time of this thread is what counts, and of many rounds the
//! least: whatever else the machine does can only add to a time.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use chrono::{DateTime, Utc};
use quick_xml::events::Event;
use rustix::time::{ClockId, clock_gettime};
use timers::Moment;
use timers::zone::{Zone, default_zones};
use xenclock::convert::{Format, convert};
use xenclock::xml;

/// A guest from KVM, of 2 kB.
const GUEST: &str = include_str!("guest.xml");
const WINDOWS: &str = include_str!("../../docs/examples/windows.xml");

fn main() {
    let one = |name: &'static str, text: &str| ratio(name, text);
    println!("{:<28} {:>10} {:>12} {:>8} {:>8}", "", "bytes", "bare loop", "read", "convert");
    one("a guest from KVM", GUEST);
    one("docs/examples/windows.xml", WINDOWS);
    for bytes in [20_000, 200_000, 2_000_000, 20_000_000] {
        one("many devices", &with_devices(bytes));
    }
    for bytes in [20_000, 200_000, 2_000_000, 20_000_000] {
        one("much metadata", &with_metadata(bytes));
    }
}

/// The guest with so many controllers, cards and channels that it has this size.
fn with_devices(bytes: usize) -> String {
    let mut devices = String::new();
    let mut number = 0;
    while GUEST.len() + devices.len() < bytes {
        devices.push_str(&format!(
            "    <interface type='bridge'>\n      <mac address='52:54:00:{:02x}:{:02x}:{:02x}'/>\n      \
             <source bridge='br{number}'/>\n      <model type='virtio'/>\n      <address type='pci' domain='0x0000' \
             bus='0x01' slot='0x00' function='0x0'/>\n    </interface>\n    <controller type='pci' index='{number}' \
             model='pcie-root-port'>\n      <target chassis='{number}' port='0x8'/>\n    </controller>\n",
            number >> 16 & 0xff,
            number >> 8 & 0xff,
            number & 0xff,
        ));
        number += 1;
    }
    GUEST.replacen("  </devices>", &format!("{devices}  </devices>"), 1)
}

/// The guest with so much metadata that it has this size.
fn with_metadata(bytes: usize) -> String {
    let mut entries = String::new();
    let mut number = 0;
    while GUEST.len() + entries.len() < bytes {
        entries.push_str(&format!(
            "      <m:disk name='vda' serial='{number}'><m:size unit='GiB'>20</m:size></m:disk>\n"
        ));
        number += 1;
    }
    let metadata = format!(
        "  <metadata>\n    <m:inventory xmlns:m='urn:example'>\n{entries}    </m:inventory>\n  </metadata>\n"
    );
    GUEST.replacen("  <memory ", &format!("{metadata}  <memory "), 1)
}

fn ratio(name: &str, text: &str) {
    let zones = default_zones();
    let now: DateTime<Utc> = "2026-07-01T12:00:00Z".parse().unwrap();
    let at = Moment { now, host_zone: &Zone::utc(), zones: &*zones };
    let read = || xml::read("example", text.as_bytes()).unwrap();
    let whole = || {
        let mut input = read();
        convert(&mut input, Format::Xl, &at).unwrap()
    };
    // At least some ten rounds, and about half a second of them.
    let rounds = (10_000_000 / text.len()).clamp(8, 2000);
    let mut least = [Duration::MAX; 3];
    for _ in 0..rounds {
        let times = [time(|| bare(text)), time(read), time(whole)];
        for (least, time) in least.iter_mut().zip(times) {
            *least = time.min(*least);
        }
    }
    let [bare, read, whole] = least.map(|time| time.as_secs_f64());
    println!(
        "{name:<28} {:>10} {:>9.1} µs {:>8.2} {:>8.2}",
        text.len(),
        bare * 1e6,
        read / bare,
        whole / bare
    );
}

/// quick-xml's events and attributes, and nothing else.
fn bare(text: &str) -> usize {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut length = 0;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) | Event::Empty(start) => {
                for attribute in start.attributes() {
                    let attribute = attribute.unwrap();
                    length += attribute.key.as_ref().len() + attribute.value.len();
                }
            }
            Event::Eof => break,
            event => length += event.len(),
        }
    }
    length
}

fn time<T>(run: impl FnOnce() -> T) -> Duration {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
    };
    let start = now();
    let result = black_box(run());
    let took = now() - start;
    drop(result);
    took
}
