//! What the RTC is to show.

use ::timers::{Adjustment, Basis, ClockOffset, UtcOffset};

use super::keys::{Key, Keys, Result};
use crate::diag::Finding;
use crate::domain::Part;

/// The kinds of clock, by the words of `clock_offset`.
const KINDS: [&str; 5] = ["utc", "localtime", "timezone", "variable", "absolute"];

/// The keys that belong to some kinds only.
const BELONG: [(&str, Part, &[&str]); 4] = [
    ("clock_timezone", Part::Timezone, &["timezone"]),
    ("clock_start", Part::Start, &["absolute"]),
    ("clock_adjustment", Part::Adjustment, &["utc", "localtime", "variable"]),
    ("clock_basis", Part::Basis, &["variable"]),
];

pub fn read(keys: &mut Keys<'_>) -> Result<ClockOffset> {
    let localtime = localtime(keys);
    let seconds = seconds(keys)?;
    let Some(kind) = kind(keys)? else {
        return Ok(plain(keys, localtime, seconds));
    };
    let offset = word_for_word(keys, kind)?;
    agree(keys, &offset, localtime, seconds)?;
    Ok(offset)
}

/// Whether plain `localtime` is on.
fn localtime(keys: &mut Keys<'_>) -> Option<bool> {
    let key = keys.get("localtime")?;
    let value = key.setting.number().map(|number| number != 0);
    if value.is_none() {
        keys.mark(key.node, passed_over("localtime = 1"));
    }
    value
}

/// Plain `rtc_timeoffset`.
fn seconds(keys: &mut Keys<'_>) -> Result<Option<i64>> {
    let Some(key) = keys.get("rtc_timeoffset") else {
        return Ok(None);
    };
    let Some(number) = key.setting.number() else {
        keys.mark(key.node, passed_over("a number of seconds: rtc_timeoffset = 3600, or \"-3600\""));
        return Ok(None);
    };
    // xl reads 4294963696 as -3600.
    let seconds = match u32::try_from(number) {
        Ok(raw) => UtcOffset::from_libxl(raw),
        Err(_) => UtcOffset::new(number).map_err(|error| {
            let finding = Finding::invalid(
                "offset-range",
                format!("{error}; xl would take what is left of it in 32 bits"),
            );
            keys.error(key.node, finding.instead("write the seconds from UTC"))
        })?,
    };
    Ok(Some(seconds.seconds().into()))
}

/// What xl says a word about, and then starts the guest without.
fn passed_over(instead: &str) -> Finding {
    let finding = Finding::unsupported("no-number", "this is no number to xl, which passes over it");
    finding.instead(format!("write {instead}")).refusing_start()
}

/// What plain keys mean.
fn plain(keys: &mut Keys<'_>, localtime: Option<bool>, seconds: Option<i64>) -> ClockOffset {
    let parts =
        [("rtc_timeoffset", [Part::Offset, Part::Adjustment]), ("localtime", [Part::Offset, Part::Basis])];
    for (name, parts) in parts {
        if let Some(key) = keys.get(name) {
            parts.into_iter().for_each(|part| keys.is(part, key.node));
        }
    }
    let basis = if localtime == Some(true) { Basis::Localtime } else { Basis::Utc };
    match (seconds, basis) {
        (Some(adjustment), basis) => ClockOffset::Variable { adjustment, basis },
        (None, Basis::Localtime) => ClockOffset::Localtime { adjustment: None },
        (None, Basis::Utc) => ClockOffset::Utc { adjustment: None },
    }
}

/// The kind of clock that our keys name; `None` where there are none of them.
fn kind(keys: &mut Keys<'_>) -> Result<Option<&'static str>> {
    if let Some(key) = keys.get("clock_offset") {
        keys.is(Part::Offset, key.node);
        let expected = KINDS.join(", ");
        let word = keys.text(key, &expected)?;
        let kind = KINDS.into_iter().find(|kind| *kind == word);
        return kind.map(Some).ok_or_else(|| keys.not(key, &expected));
    }
    for (name, part, kinds) in BELONG {
        match (keys.get(name), kinds) {
            (None, _) => {}
            (Some(key), [kind]) if matches!(part, Part::Timezone | Part::Start) => {
                keys.is(Part::Offset, key.node);
                return Ok(Some(kind));
            }
            (Some(key), _) => {
                let finding =
                    Finding::invalid("no-clock-offset", format!("{name} stands without clock_offset"));
                return Err(
                    keys.error(key.node, finding.instead("write clock_offset = \"variable\" as well"))
                );
            }
        }
    }
    Ok(None)
}

fn word_for_word(keys: &mut Keys<'_>, kind: &'static str) -> Result<ClockOffset> {
    for (name, part, kinds) in BELONG {
        let Some(key) = keys.get(name) else {
            continue;
        };
        if !kinds.contains(&kind) {
            let reason =
                format!("{name} belongs to a clock that is {}, and this one is {kind}", kinds.join(" or "));
            let finding = Finding::invalid("other-clock", reason);
            return Err(keys.error(key.node, finding.instead("take it out, or change clock_offset")));
        }
        keys.is(part, key.node);
    }
    Ok(match kind {
        "utc" => ClockOffset::Utc { adjustment: adjustment(keys)? },
        "localtime" => ClockOffset::Localtime { adjustment: adjustment(keys)? },
        "timezone" => {
            let key = needed(keys, "clock_timezone", "\"Europe/Paris\"")?;
            let expected = "a name of the tz database, as in Europe/Paris";
            let timezone = keys.text(key, expected)?;
            if timezone.is_empty() {
                return Err(keys.not(key, expected));
            }
            ClockOffset::Timezone { timezone: timezone.to_owned() }
        }
        "absolute" => {
            let key = needed(keys, "clock_start", "SECONDS, counted from 1970-01-01T00:00:00Z")?;
            ClockOffset::Absolute {
                start: number(keys, key, "a number of seconds since 1970-01-01T00:00:00Z")?,
            }
        }
        _ => ClockOffset::Variable {
            adjustment: match keys.get("clock_adjustment") {
                Some(key) => number(keys, key, "a number of seconds, in quotes when negative")?,
                None => 0,
            },
            basis: match keys.get("clock_basis") {
                Some(key) => match keys.text(key, "utc or localtime")? {
                    "utc" => Basis::Utc,
                    "localtime" => Basis::Localtime,
                    _ => return Err(keys.not(key, "utc or localtime")),
                },
                None => Basis::Utc,
            },
        },
    })
}

fn adjustment(keys: &Keys<'_>) -> Result<Option<Adjustment>> {
    let Some(key) = keys.get("clock_adjustment") else {
        return Ok(None);
    };
    let expected = "a number of seconds, in quotes when negative, or reset";
    match keys.text(key, expected)? {
        "reset" => Ok(Some(Adjustment::Reset)),
        _ => number(keys, key, expected).map(|seconds| Some(Adjustment::Seconds(seconds))),
    }
}

/// A key that the kind of clock cannot do without.
fn needed<'a>(keys: &Keys<'a>, name: &str, example: &str) -> Result<Key<'a>> {
    let at = keys.get("clock_offset").map_or(0, |key| key.node);
    keys.get(name).ok_or_else(|| {
        let finding =
            Finding::invalid("key-missing", format!("such a clock needs {name}, which is not there"));
        keys.error(at, finding.instead(format!("add {name} = {example}")))
    })
}

fn number(keys: &Keys<'_>, key: Key<'_>, expected: &str) -> Result<i64> {
    key.setting.number().ok_or_else(|| keys.not(key, expected))
}

/// That plain keys say nothing else than ours.
fn agree(keys: &Keys<'_>, offset: &ClockOffset, localtime: Option<bool>, seconds: Option<i64>) -> Result<()> {
    // What plain keys can say of it: whether it is local time, and the seconds where they are known.
    let (is_local, expected) = match offset.effective() {
        ClockOffset::Utc { .. } => (false, Some(0)),
        ClockOffset::Localtime { .. } => (true, Some(0)),
        // xl has no room for more; it was then given the nearest.
        ClockOffset::Variable { adjustment, basis } => {
            (basis == Basis::Localtime, UtcOffset::new(adjustment).is_ok().then_some(adjustment))
        }
        // It was given what the zone, or the start, came to when the file was written.
        ClockOffset::Timezone { .. } | ClockOffset::Absolute { .. } => (false, None),
    };
    if localtime.is_some_and(|localtime| localtime != is_local) {
        return Err(contradiction(keys, "localtime", offset));
    }
    if seconds.zip(expected).is_some_and(|(seconds, expected)| seconds != expected) {
        return Err(contradiction(keys, "rtc_timeoffset", offset));
    }
    Ok(())
}

fn contradiction(keys: &Keys<'_>, name: &str, offset: &ClockOffset) -> Box<crate::diag::Diagnostic> {
    let node = keys.get(name).map_or(0, |key| key.node);
    super::keys::contradiction(
        keys,
        node,
        name,
        &format!("the clock_ keys, which ask for {}", offset.as_str()),
    )
}
