//! `xenclock clock-watch`: the service.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use serde_json::{Value, json};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::args::{ClockWatch, Global};
use super::backend;
use super::output::{self, Failure};
use super::tsc_helper::HelperProcess;
use xenclock::apply::clock::{InProcess, SetTsc};
use xenclock::host::Host;
use xenclock::lifecycle::ClockEvent;
use xenclock::tracking::requests::XmlRequests;
use xenclock::tracking::store::RecordStore;
use xenclock::tracking::watch::{Tools, Watch, WatchOptions};

/// A signal is heard within this time.
const HEAR: Duration = Duration::from_millis(500);

/// A service that has not looked at a guest for so many periods, and for so long, was stopped or held up.
const GAP_PERIODS: u32 = 4;
const GAP: Duration = Duration::from_secs(2);

/// The interval at which work that waits for another program is tried again.
const SOON: Duration = Duration::from_millis(20);

/// The signals that the service heeds.
struct Signals {
    end: Arc<AtomicBool>,
    again: Arc<AtomicBool>,
}

impl Signals {
    fn heed() -> std::io::Result<Self> {
        let signals = Signals { end: Arc::default(), again: Arc::default() };
        for signal in [SIGTERM, SIGINT] {
            // The second one ends the process at once.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&signals.end))?;
            signal_hook::flag::register(signal, Arc::clone(&signals.end))?;
        }
        signal_hook::flag::register(SIGHUP, Arc::clone(&signals.again))?;
        Ok(signals)
    }
}

pub(super) fn run(global: &Global, watch: &ClockWatch) -> Result<(), Failure> {
    let signals = Signals::heed().map_err(|error| Failure::Error(format!("signals: {error}")))?;
    let host = backend::open(global)?;
    if backend::is_mock(global) {
        // A mock host that nobody has changed yet has no boot from which its uptime counts.
        backend::mock(global)?.advance(0)?;
    }
    let records = backend::records(global);
    let served = records.serve().map_err(|error| Failure::Error(error.to_string()))?;
    if served.is_none() {
        let dir = records.dir().unwrap_or(std::path::Path::new("")).display();
        let why = format!(
            "another clock-watch is already running for {dir}; two would set the clock of each new domain twice"
        );
        return Err(Failure::Error(why));
    }
    for dir in watch.xml.missing() {
        let what = if dir.exists() { "not a directory" } else { "there is no such directory yet" };
        output::message(&format!("xenclock: warning: {}: {what}", dir.display()));
    }
    let options =
        WatchOptions::default().all(!watch.asked_only).tsc_tolerance(backend::tsc_tolerance(global)?);
    let options = options.unwatched_after(watch.period.saturating_mul(GAP_PERIODS).max(GAP));
    // In memory there is no other process, and nothing outlives this one.
    let done = match records.dir() {
        Some(_) => serve(&*host, &records, watch, options, &signals, &mut HelperProcess::start(global)?),
        None => serve(&*host, &records, watch, options, &signals, &mut InProcess(&*host)),
    };
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    done
}

fn serve(
    host: &dyn Host,
    records: &RecordStore,
    watch: &ClockWatch,
    options: WatchOptions,
    signals: &Signals,
    tsc: &mut dyn SetTsc,
) -> Result<(), Failure> {
    let zones = backend::zones();
    let mut requests = XmlRequests::in_dirs(watch.xml_dirs());
    let unwritten = RefCell::new(None);
    let mut tell = |event: ClockEvent| {
        let Err(failure) = say(&event) else { return };
        let mut first = unwritten.borrow_mut();
        if first.is_none() && !watch.once {
            output::message(
                "xenclock: warning: events cannot be written to standard output; the clocks are still tracked",
            );
        }
        first.get_or_insert(failure);
    };
    let tools = Tools { host, records, zones: &*zones, tsc, requests: &mut requests, tell: &mut tell };
    let mut service = Watch::new(tools, options);
    service.scan()?;
    if watch.once {
        service.poll()?;
        drop(service);
        return unwritten.into_inner().map_or(Ok(()), Err);
    }
    ready(&service);
    let mut poll_at = Instant::now() + watch.period;
    while !signals.end.load(Ordering::Relaxed) {
        if signals.again.swap(false, Ordering::Relaxed) {
            if let Ok(now) = NotifyState::monotonic_usec_now() {
                let _ = sd_notify::notify(&[NotifyState::Reloading, now]);
            }
            service.scan()?;
            ready(&service);
        }
        let patience = if service.waits() { SOON } else { HEAR };
        let left = poll_at.saturating_duration_since(Instant::now());
        if let Some(event) = host.next_event(left.min(patience))? {
            service.event(&event)?;
        }
        service.go_on()?;
        if Instant::now() >= poll_at {
            service.poll()?;
            poll_at = Instant::now() + watch.period;
        }
        let _ = sd_notify::notify(&[NotifyState::Watchdog]);
    }
    // The state that was seen last is on disk: the next service goes on from there.
    Ok(service.poll()?)
}

fn ready(service: &Watch<'_>) {
    let status = format!("{} domains are followed", service.followed());
    let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// Prints an event as a line of JSON; and in words where an administrator should look.
fn say(event: &ClockEvent) -> Result<(), Failure> {
    let line = json!(event);
    if event.kind.is_trouble() {
        output::message(&format!("xenclock: warning: {}", in_words(&line)));
    }
    output::json_data(&format!("{line}\n"))
}

/// An event in words: whose it is, what it is, and its values.
fn in_words(event: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let of = |key: &str| event.get(key).map(&text);
    let guest = of("name").map(|name| match of("domid") {
        Some(domid) => format!("'{name}' (domain {domid}): "),
        None => format!("'{name}': "),
    });
    let values = event.as_object().into_iter().flatten();
    let values = values.filter(|(key, _)| {
        !["time", "event", "domid", "uuid", "name", "why", "next_start"].contains(&key.as_str())
    });
    let values: Vec<_> = values.map(|(key, value)| format!(" {key}={}", text(value))).collect();
    let next_start = || of("next_start").map(|next| format!("its next start is {next}"));
    let why = of("why").or_else(next_start).or_else(|| step_in_words(event)).map(|why| format!(": {why}"));
    let event = of("event").unwrap_or_default();
    format!("{}{event}{}{}", guest.unwrap_or_default(), values.concat(), why.unwrap_or_default())
}

/// A step of the host's clock, and which way it moves the guests' clocks.
fn step_in_words(event: &Value) -> Option<String> {
    let by_ms = event.get("by_ms")?.as_i64()?;
    let way = if by_ms < 0 { "back" } else { "forward" };
    let (seconds, rest) = (by_ms.unsigned_abs() / 1000, by_ms.unsigned_abs() % 1000);
    Some(format!(
        "the host's clock was set {seconds}.{rest:03} s {way}; the guests' RTCs and wallclocks move with it, and their offsets \
         and the time of their kernels stay"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_sentence() {
        let event = json!({"time": "2026-07-01T12:00:00Z", "event": "failed", "why": "its clock was not set", "domid": 2,
            "uuid": "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "name": "guest"});
        assert_eq!(in_words(&event), "'guest' (domain 2): failed: its clock was not set");
        let event = json!({"time": "2026-07-01T12:00:00Z", "event": "host-clock-step", "by_ms": 3_600_000});
        assert_eq!(
            in_words(&event),
            "host-clock-step by_ms=3600000: the host's clock was set 3600.000 s forward; the guests' RTCs and wallclocks move \
             with it, and their offsets and the time of their kernels stay"
        );
        let event = json!({"event": "host-clock-step", "by_ms": -1500, "effect": "rtc-moves", "name": "guest", "domid": 2,
            "next_start": "refused: no such year"});
        assert_eq!(
            in_words(&event),
            "'guest' (domain 2): host-clock-step by_ms=-1500 effect=rtc-moves: its next start is refused: no such year"
        );
        let event = json!({"event": "host-clock-step", "by_ms": -1500});
        assert!(in_words(&event).contains("was set 1.500 s back"));
    }
}
