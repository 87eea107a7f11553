//! `xenclock clock-show`, `clock-list`, `host-info`

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::args::{ClockList, Global};
use super::backend::{self, find};
use super::metrics;
use super::output::{self, Failure};
use super::preflight;
use timers::tsc::Tolerance;
use timers::{Adjustment, ClockOffset};
use xenclock::diag::shown;
use xenclock::host::{ErrorKind, Host, HostFacts};
use xenclock::lifecycle::ClockRecord;
use xenclock::lifecycle::host_clock::ClockSteps;
use xenclock::tracking::store::RecordStore;
use xenclock::view::{ANOTHER_CLOCK, ClockView, view};

pub(super) fn clock_show(global: &Global, domain: &str, as_json: bool) -> Result<(), Failure> {
    clock_show_on(&*backend::open(global)?, &backend::records(global), domain, as_json)
}

pub(super) fn clock_show_on(
    host: &dyn Host,
    records: &RecordStore,
    domain: &str,
    as_json: bool,
) -> Result<(), Failure> {
    let domain = find(host, domain)?;
    let facts = host.facts()?;
    let mut unread = Unread::default();
    let record = unread.record(records, domain.uuid);
    let view = view(host, &domain, &facts, record.as_ref(), &*backend::zones())?;
    match as_json {
        true => output::json(&unread.json(&view))?,
        false => output::text(&lines(&view, &unread))?,
    }
    unread.told()
}

/// The guests whose records cannot be read: nobody knows whether they are tracked.
#[derive(Debug, Default)]
struct Unread(BTreeSet<Uuid>);

impl Unread {
    /// A guest's record; the first error is said, for it is the directory's mostly.
    fn record(&mut self, records: &RecordStore, uuid: Uuid) -> Option<ClockRecord> {
        backend::record(records, uuid).unwrap_or_else(|error| {
            if self.0.is_empty() {
                output::error(&error.to_string());
            }
            self.0.insert(uuid);
            None
        })
    }

    fn tracked(&self, view: &ClockView) -> &'static str {
        match view.rtc.tracked {
            _ if self.0.contains(&view.uuid) => "unknown",
            true => "yes",
            false => "no",
        }
    }

    fn json(&self, view: &ClockView) -> Value {
        let mut told = json!(view);
        if self.0.contains(&view.uuid) {
            (told["rtc"]["tracked"], told["rtc"]["next_start"]) = (Value::Null, Value::Null);
        }
        told
    }

    fn told(&self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::Reported) }
    }
}

pub(super) fn clock_list(global: &Global, list: &ClockList) -> Result<(), Failure> {
    let host = backend::open(global)?;
    let facts = host.facts()?;
    let records = backend::records(global);
    let zones = backend::zones();
    let (mut views, mut unread, mut failed) = (Vec::new(), Unread::default(), Ok(()));
    for guest in backend::guests(&*host)? {
        let record = unread.record(&records, guest.uuid);
        match view(&*host, &guest, &facts, record.as_ref(), &*zones) {
            Ok(view) => views.push(view),
            // It has ended since the list was made.
            Err(error) if error.kind == ErrorKind::NoSuchDomain => {}
            Err(error) => {
                output::error(&error.to_string());
                failed = Err(Failure::Reported);
            }
        }
    }
    let told = |unread: &Unread| unread.told().and(failed);
    if list.json {
        output::json(&views.iter().map(|view| unread.json(view)).collect())?;
        return told(&unread);
    }
    if list.prometheus {
        output::data(&metrics::of(&views, &facts))?;
        return told(&unread);
    }
    let mut text = format!(
        "{:<30} {:>5} {:>5} {:>11} {:>7} {:>14} {:>11} {:>10}\n",
        "Name", "ID", "Type", "Offset", "Tracked", "TSC-Mode", "kHz", "Behaviour"
    );
    for view in views {
        text.push_str(&format!(
            "{:<30} {:>5} {:>5} {:>11} {:>7} {:>14} {:>11} {:>10}\n",
            shown(&view.name),
            view.domid,
            view.kind.as_str(),
            view.rtc.offset,
            unread.tracked(&view),
            view.tsc.mode,
            view.tsc.khz,
            view.tsc.behaviour.as_str()
        ));
    }
    output::text(&text)?;
    told(&unread)
}

fn lines(view: &ClockView, unread: &Unread) -> String {
    let ClockView { domid, name, uuid, kind, rtc, tsc, .. } = view;
    let what = if kind.has_rtc() { "RTC" } else { "wallclock" };
    let time = rtc.time.map(|time| time.to_string()).unwrap_or_default();
    let name = shown(name);
    let mut text = format!("{name} (domain {domid}, {}, {uuid})\n", kind.as_str());
    let mut line = |label: &str, value: &str| text.push_str(&format!("  {label:<12} {}\n", shown(value)));
    line(what, &format!("{time}, {} ({} s)", timers::from_utc(rtc.offset), rtc.offset));
    line("source", &rtc.source);
    line("known from", rtc.known_from);
    if let Some(resolved) = &rtc.resolved_at {
        line("resolved", &resolved.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    }
    if let Some(changed) = rtc.changed_by_guest {
        line("guest", &format!("moved its RTC by {changed} s"));
    }
    line(
        "tracked",
        match unread.tracked(view) {
            "yes" => "yes: the guest's changes survive a reboot",
            "unknown" => "unknown: its clock record cannot be read",
            no => no,
        },
    );
    match &view.clock {
        None if unread.0.contains(uuid) => line("next start", "unknown: its clock record cannot be read"),
        Some(clock) if rtc.next_start == ANOTHER_CLOCK => {
            line("next start", &format!("{ANOTHER_CLOCK}: {}", offset_words(&clock.offset)));
        }
        _ => line("next start", &rtc.next_start),
    }
    if let Some(change) = &rtc.zone_change {
        let text = match rtc.zone_has_changed {
            true => format!("{}; the {what} did not follow", change.past()),
            false => format!("{change}; the {what} does not follow"),
        };
        line("zone", &text);
    }
    line("TSC mode", &tsc.mode);
    line("TSC", &format!("{} kHz, {}", tsc.khz, tsc.behaviour.as_str()));
    line("reason", &tsc.why);
    line("known from", tsc.known_from);
    if let Some(next) = &tsc.next_start {
        line("next TSC", &format!("{next} at the next start"));
    }
    if let (Some(birth), Some(off)) = (tsc.birth_khz, tsc.off_ppm.filter(|off| !off.is_zero())) {
        line(
            "off",
            &format!(
                "{off} from its initial {birth}: Linux's clocksource tsc {}; Xen's clocksource and \
                 Hyper-V's reference page are not affected",
                off.in_a_day()
            ),
        );
    }
    if let Some(invariant) = &tsc.invariant {
        let shown = match invariant.shown {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        line("invariant", &format!("{shown}: {}", invariant.why));
    }
    if let Some(linux) = &tsc.linux_clock {
        line("Linux uses", &format!("clocksource {}: {}", linux.clocksource, linux.why));
    }
    line("incarnation", &incarnation(tsc.incarnation));
    text
}

/// The time that a clock is requested to show.
fn offset_words(offset: &ClockOffset) -> String {
    let word = offset.as_str();
    match offset {
        ClockOffset::Utc { adjustment: None } | ClockOffset::Localtime { adjustment: None } => {
            word.to_owned()
        }
        ClockOffset::Utc { adjustment: Some(Adjustment::Reset) }
        | ClockOffset::Localtime { adjustment: Some(Adjustment::Reset) } => format!("{word}, reset"),
        ClockOffset::Utc { adjustment: Some(Adjustment::Seconds(seconds)) }
        | ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(seconds)) } => {
            format!("variable, {seconds} s from {word}")
        }
        ClockOffset::Variable { adjustment, basis } => {
            format!("{word}, {adjustment} s from {}", basis.as_str())
        }
        ClockOffset::Timezone { timezone } => format!("{word} {timezone}"),
        ClockOffset::Absolute { start } => format!("{word}, {start} s since 1970-01-01T00:00:00Z"),
    }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn incarnation(number: u32) -> String {
    match number {
        0 | 1 => format!("{number}: never restored or migrated"),
        _ => format!(
            "{number}: the guest was restored or migrated, or its TSC set, {} since its start",
            times(number - 1)
        ),
    }
}

pub(super) fn host_info(global: &Global, as_json: bool) -> Result<(), Failure> {
    let host = backend::open(global)?;
    if as_json {
        return output::json(&json!(preflight::whole_host(global, &*host, &backend::records(global))?));
    }
    let facts = host.facts()?;
    let scaling = match facts.tsc_scaling {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown: a guest with another frequency is scaled or emulated",
    };
    let invariant = match facts.tsc_invariant {
        Some(true) => "yes: Xen can show it to a guest",
        Some(false) => "no",
        None => "unknown",
    };
    let reliable =
        if facts.tsc_reliable { "yes: mode default is native" } else { "no: mode default emulates the TSC" };
    let report = preflight::this_host(global, &facts)?;
    let version = facts.xen_version;
    let mut text = String::new();
    for (label, value) in [
        ("Xen", format!("{}.{}", version.major, version.minor)),
        ("time", facts.now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        ("zone", zone_line(&facts)),
        ("TSC", facts.cpu_khz.to_string()),
        ("reliable", reliable.to_owned()),
        ("scaling", scaling.to_owned()),
        ("invariant", invariant.to_owned()),
        ("clock", clock_line(&facts)),
        ("steps", steps_line(backend::records(global).watched().steps)),
        ("tz data", report.zone_data.clone().unwrap_or_else(|| "of an unknown release".to_owned())),
        ("tolerance", tolerance_line(report.tsc_tolerance)),
        ("TSC modes", report.clocks.tsc_words()),
        ("RTC", report.clocks.rtc_words()),
    ] {
        text.push_str(&format!("{label:<9} {}\n", shown(&value)));
    }
    output::text(&text)
}

fn clock_line(facts: &HostFacts) -> String {
    let off = |us: Option<u64>| us.map(|us| format!("{us} us"));
    match facts.clock.synchronised {
        Some(true) => match (off(facts.clock.estimated_error_us), off(facts.clock.maximum_error_us)) {
            (Some(estimated), Some(most)) => {
                format!("synchronised, {estimated} off by its own estimate, {most} at most")
            }
            _ => "synchronised".to_owned(),
        },
        Some(false) => "not synchronised: guests' RTCs follow it; start an NTP service".to_owned(),
        None => "not known whether it is synchronised".to_owned(),
    }
}

fn steps_line(steps: Option<ClockSteps>) -> String {
    let utc = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let Some(steps) = steps else { return "unknown: no clock-watch has run".to_owned() };
    let since = utc(steps.since);
    match steps.last {
        None => format!("none since clock-watch started at {since}"),
        Some(last) => format!(
            "{} since clock-watch started at {since}, the last one at {}: {:+} ms in all",
            steps.count,
            utc(last),
            steps.by_ms
        ),
    }
}

fn tolerance_line(tolerance: Tolerance) -> String {
    match tolerance {
        Tolerance::OFF => {
            "off: a guest with another frequency is emulated, or scaled where the host can".to_owned()
        }
        tolerance => format!("{tolerance}: a guest that arrives within it is made native"),
    }
}

fn zone_line(facts: &HostFacts) -> String {
    let now =
        facts.zone.offset_at(facts.now).map_or_else(|error| error.to_string(), |offset| offset.to_string());
    match facts.zone.next_change(facts.now) {
        Some(change) => format!("{}, {now}; {change}", facts.zone.name()),
        // UTC
        None if facts.zone.name() == now => now,
        None => format!("{}, {now}", facts.zone.name()),
    }
}
