//! `xenclock clock-watch`: the service.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::args::{ClockWatch, Global};
use super::backend;
use super::birth::Guard;
use super::output::{self, Failure};
use crate::host::Host;
use crate::keep::born::{Here, SetTsc};
use crate::keep::records::Records;
use crate::keep::watch::{Manner, Tools, Watch};
use crate::keep::wishes::{DIRECTORIES, Wishes};
use crate::life::Notice;

/// A signal is heard within this time.
const HEAR: Duration = Duration::from_millis(500);

/// What waits for another program is looked at so often.
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
    let records = backend::records(global);
    let served = records.serve().map_err(|error| Failure::Error(error.to_string()))?;
    if served.is_none() {
        let dir = records.dir().unwrap_or(std::path::Path::new("")).display();
        let why =
            format!("another clock-watch keeps the clocks in {dir}; two would set each new domain twice");
        return Err(Failure::Error(why));
    }
    // In memory there is no other process, and nothing outlives this one.
    let done = match records.dir() {
        Some(_) => serve(&*host, &records, watch, &signals, &mut Guard::start(global)?),
        None => serve(&*host, &records, watch, &signals, &mut Here(&*host)),
    };
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    done
}

fn serve(
    host: &dyn Host,
    records: &Records,
    watch: &ClockWatch,
    signals: &Signals,
    tsc: &mut dyn SetTsc,
) -> Result<(), Failure> {
    let zones = backend::zones();
    let mut wishes = Wishes::in_dirs(watch.xml_dirs());
    let mut tell = |notice: Notice| say(&notice);
    let tools = Tools { host, records, zones: &*zones, tsc, wishes: &mut wishes, tell: &mut tell };
    let mut service = Watch::new(tools, Manner { all: !watch.asked_only });
    service.scan()?;
    if watch.once {
        return Ok(service.poll()?);
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
    // What was seen last is on disk: the next service goes on from there.
    Ok(service.poll()?)
}

fn ready(service: &Watch<'_>) {
    let status = format!("{} domains are followed", service.followed());
    let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// Prints an event as a line of JSON; and in words where an administrator should look. The service does its work whether
/// anybody reads that or not.
fn say(notice: &Notice) {
    let line = json!(notice);
    if notice.said.is_trouble() {
        output::word(&format!("xenclock: warning: {line}"));
    }
    let _ = output::data(&format!("{line}\n"));
}

/// The directories of domain XML that are read where none is named.
pub(super) fn default_xml_dirs() -> Vec<PathBuf> {
    DIRECTORIES.iter().map(PathBuf::from).collect()
}
