//! The project's shared conformance cases: tables of clocks and TSC timers with what they must come to.
//!
//! The directory is that of the environment variable `XENCLOCK_SHARED`, else `shared` beside the workspace. Where it
//! is absent, nothing is tested.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use timers::tsc::{TscHost, decide, request};
use timers::zone::default_zones;
use timers::{
    Adjustment, Basis, ClockOffset, GuestKind, Hertz, KiloHertz, Moment, Timer, TimerMode, TimerName, resolve,
};

/// The rows of a table, by column; `None` where there is no table.
fn rows(file: &str) -> Option<Vec<HashMap<String, String>>> {
    let path = xentest::shared(&format!("cases/{file}"))?;
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let rows = lines.map(|cells| {
        assert_eq!(cells.len(), names.len(), "{cells:?}");
        names.iter().cloned().zip(cells).collect()
    });
    Some(rows.collect())
}

/// The attributes of one empty element; just enough for the tables.
fn attributes<'a>(element: &str, text: &'a str) -> Option<HashMap<&'a str, &'a str>> {
    let mut rest = text.strip_prefix('<')?.strip_prefix(element)?.strip_suffix("/>")?.trim();
    let mut found = HashMap::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let quote = after.chars().next().filter(|c| "'\"".contains(*c))?;
        let (value, after) = after[1..].split_once(quote)?;
        found.insert(name.trim(), value);
        rest = after.trim_start();
    }
    Some(found)
}

/// A clock as libvirt reads it; `None` where it would not.
fn clock(text: &str) -> Option<ClockOffset> {
    if text.is_empty() {
        return Some(ClockOffset::default());
    }
    let given = attributes("clock", text)?;
    let adjustment = || match given.get("adjustment") {
        None => Some(None),
        Some(&"reset") => Some(Some(Adjustment::Reset)),
        Some(seconds) => Some(Some(Adjustment::Seconds(seconds.parse().ok()?))),
    };
    Some(match *given.get("offset")? {
        "utc" => ClockOffset::Utc { adjustment: adjustment()? },
        "localtime" => ClockOffset::Localtime { adjustment: adjustment()? },
        "timezone" => ClockOffset::Timezone { timezone: (*given.get("timezone")?).to_owned() },
        "variable" => ClockOffset::Variable {
            adjustment: given.get("adjustment").map_or(Some(0), |seconds| seconds.parse().ok())?,
            basis: match given.get("basis") {
                None | Some(&"utc") => Basis::Utc,
                Some(&"localtime") => Basis::Localtime,
                Some(_) => return None,
            },
        },
        "absolute" => ClockOffset::Absolute { start: given.get("start")?.parse().ok()? },
        _ => return None,
    })
}

/// A timer as libvirt reads it; `None` where it would not.
fn timer(text: &str) -> Option<Timer> {
    let given = attributes("timer", text)?;
    let mut timer = Timer::named(TimerName::from_word(given.get("name")?)?);
    for (name, value) in given {
        match name {
            "name" => {}
            "present" => timer.present = Some(["no", "yes"].iter().position(|word| *word == value)? == 1),
            "mode" => timer.mode = Some(TimerMode::from_word(value)?),
            "frequency" => timer.frequency = Some(Hertz(value.parse().ok()?)),
            _ => return None,
        }
    }
    Some(timer)
}

fn kind(word: &str) -> GuestKind {
    [GuestKind::Hvm, GuestKind::Pv, GuestKind::Pvh].into_iter().find(|kind| kind.as_str() == word).unwrap()
}

fn yes(word: &str) -> Option<bool> {
    match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

#[test]
fn clocks() {
    let zones = default_zones();
    for row in rows("clock.tsv").unwrap_or_default() {
        let Ok(host_zone) = zones.zone(&row["host_zone"]) else {
            return xentest::skip("no tz database in /usr/share/zoneinfo", "apt-get install tzdata");
        };
        let at = Moment { now: row["now"].parse().unwrap(), host_zone: &host_zone, zones: &*zones };
        let resolved = clock(&row["clock"]).and_then(|clock| resolve(&clock, kind(&row["guest"]), &at).ok());
        let tracked = |tracked| if tracked { "yes" } else { "no" };
        let found = resolved.map_or(("error".to_owned(), "-"), |resolved| {
            (resolved.offset.seconds().to_string(), tracked(resolved.tracked))
        });
        assert_eq!(found, (row["offset"].clone(), row["tracked"].as_str()), "{}", row["id"]);
    }
}

#[test]
fn tsc() {
    for row in rows("tsc.tsv").unwrap_or_default() {
        let host = TscHost {
            khz: KiloHertz(row["host_khz"].parse().unwrap()),
            reliable: yes(&row["host_reliable"]).unwrap(),
            scaling: yes(&row["host_scaling"]),
        };
        let timers = if row["timer"].is_empty() {
            Some(vec![])
        } else {
            timer(&row["timer"]).map(|timer| vec![timer])
        };
        let decision = timers
            .and_then(|timers| request(&timers).ok())
            .and_then(|request| decide(&request, kind(&row["guest"]), &host).ok());
        let found = decision.map_or(["error".to_owned(), "-".to_owned(), "-".to_owned()], |decision| {
            [decision.mode.to_string(), decision.khz.0.to_string(), decision.behaviour.to_string()]
        });
        assert_eq!(found, ["tsc_mode", "khz", "behaviour"].map(|name| row[name].clone()), "{}", row["id"]);
    }
}
