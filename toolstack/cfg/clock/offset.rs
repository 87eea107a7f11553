//! The offset of the RTC.

use ::timers::{Adjustment, Basis, ClockOffset, UtcOffset};

use super::super::Setting;
use super::super::keys::unit_of;
use super::super::read::{no_number, with_number};
use super::super::suggest::Unit;
use super::keys::{Key, Keys, Result, bad_value};
use crate::diag::{Finding, Verdict};
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

/// `base` is the clock that the settings are laid over, if any: what they do not say is as there. Plain keys add up with
/// it, unless they are the `whole` clock.
pub fn read(keys: &mut Keys<'_, '_>, base: Option<&ClockOffset>, whole: bool) -> Result<ClockOffset> {
    let localtime = localtime(keys)?;
    let seconds = seconds(keys)?;
    if let Some(base) = base {
        if !keys.has_offset() {
            return Ok(base.clone());
        }
        if !keys.has_our_offset() {
            let (base_localtime, base_seconds) = if whole { (None, None) } else { as_plain(base) };
            return Ok(plain(keys, localtime.or(base_localtime), seconds.or(base_seconds)));
        }
    }
    let Some(kind) = kind(keys, base)? else {
        return Ok(plain(keys, localtime, seconds));
    };
    let offset = word_for_word(keys, kind, base)?;
    agree(keys, &offset, localtime, seconds)?;
    Ok(offset)
}

/// The values of the plain keys of a clock: local time, and seconds.
fn as_plain(clock: &ClockOffset) -> (Option<bool>, Option<i64>) {
    match clock.effective() {
        ClockOffset::Localtime { .. } => (Some(true), None),
        ClockOffset::Variable { adjustment, basis } => (Some(basis == Basis::Localtime), Some(adjustment)),
        ClockOffset::Utc { .. } | ClockOffset::Timezone { .. } | ClockOffset::Absolute { .. } => (None, None),
    }
}

/// True if plain `localtime` is on.
fn localtime(keys: &mut Keys<'_, '_>) -> Result<Option<bool>> {
    let Some(key) = keys.get("localtime") else {
        return Ok(None);
    };
    Ok(plain_number(keys, key)?.map(|number| number != 0))
}

/// The number of a plain key; over what is none xl says a word and starts the guest without.
fn plain_number(keys: &mut Keys<'_, '_>, key: Key<'_>) -> Result<Option<i64>> {
    let number = key.setting.number();
    if number.is_none() {
        let finding = no_number(key.setting);
        if finding.verdict == Verdict::Invalid {
            return Err(keys.error(key.node, finding));
        }
        keys.mark(key.node, finding.refusing_start());
    }
    Ok(number)
}

/// Plain `rtc_timeoffset`.
fn seconds(keys: &mut Keys<'_, '_>) -> Result<Option<i64>> {
    let Some(key) = keys.get("rtc_timeoffset") else {
        return Ok(None);
    };
    let Some(number) = plain_number(keys, key)? else {
        return Ok(None);
    };
    // xl reads 4294963696 as -3600.
    let seconds: i64 = UtcOffset::from_libxl(number as u32).seconds().into();
    if seconds != number && u32::try_from(number).is_err() {
        let reason = format!("{number} seconds do not fit into 32 bits, and xl truncates them to {seconds}");
        let finding = Finding::approximated("offset-range", reason).refusing_start();
        keys.mark(key.node, finding.instead("write the seconds from UTC, from -2147483648 to 2147483647"));
    }
    Ok(Some(seconds))
}

/// The meaning of plain keys.
fn plain(keys: &mut Keys<'_, '_>, localtime: Option<bool>, seconds: Option<i64>) -> ClockOffset {
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
fn kind(keys: &mut Keys<'_, '_>, base: Option<&ClockOffset>) -> Result<Option<&'static str>> {
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
            (Some(_), _) if base.is_some() => return Ok(base.map(ClockOffset::as_str)),
            (Some(key), _) => {
                let finding =
                    Finding::invalid("no-clock-offset", format!("{name} is given without clock_offset"));
                return Err(
                    keys.error(key.node, finding.instead("write clock_offset = \"variable\" as well"))
                );
            }
        }
    }
    Ok(None)
}

fn word_for_word(
    keys: &mut Keys<'_, '_>,
    kind: &'static str,
    base: Option<&ClockOffset>,
) -> Result<ClockOffset> {
    // A clock of the same kind gives what is not said of it.
    let base = base.filter(|base| base.as_str() == kind && keys.get("clock_offset").is_none());
    for (name, part, kinds) in BELONG {
        let Some(key) = keys.get(name) else {
            continue;
        };
        if !kinds.contains(&kind) {
            let reason = format!(
                "{name} belongs to a clock with offset {}, but this clock has {kind}",
                kinds.join(" or ")
            );
            let finding = Finding::invalid("other-clock", reason);
            return Err(keys.error(key.node, finding.instead("remove it, or change clock_offset")));
        }
        keys.is(part, key.node);
    }
    Ok(match kind {
        "utc" => ClockOffset::Utc { adjustment: adjustment(keys)?.or(base_adjustment(base)) },
        "localtime" => ClockOffset::Localtime { adjustment: adjustment(keys)?.or(base_adjustment(base)) },
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
                None => base.and_then(|base| as_plain(base).1).unwrap_or_default(),
            },
            basis: match keys.get("clock_basis") {
                Some(key) => match keys.text(key, "utc or localtime")? {
                    "utc" => Basis::Utc,
                    "localtime" => Basis::Localtime,
                    _ => return Err(keys.not(key, "utc or localtime")),
                },
                None if base.and_then(|base| as_plain(base).0) == Some(true) => Basis::Localtime,
                None => Basis::Utc,
            },
        },
    })
}

fn base_adjustment(base: Option<&ClockOffset>) -> Option<Adjustment> {
    match base? {
        ClockOffset::Utc { adjustment } | ClockOffset::Localtime { adjustment } => *adjustment,
        _ => None,
    }
}

fn adjustment(keys: &Keys<'_, '_>) -> Result<Option<Adjustment>> {
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
fn needed<'a>(keys: &Keys<'a, '_>, name: &str, example: &str) -> Result<Key<'a>> {
    let at = keys.get("clock_offset").map_or(0, |key| key.node);
    keys.get(name).ok_or_else(|| {
        let finding = Finding::invalid("key-missing", format!("such a clock needs {name}, which is missing"));
        keys.error(at, finding.instead(format!("add {name} = {example}")))
    })
}

fn number(keys: &Keys<'_, '_>, key: Key<'_>, expected: &str) -> Result<i64> {
    key.setting.number().ok_or_else(|| {
        let Setting { name, .. } = key.setting;
        let text = String::from_utf8_lossy(key.setting.text().unwrap_or_default()).into_owned();
        let unit = unit_of(name).unwrap_or(Unit::Plain);
        keys.error(key.node, with_number(bad_value(key.setting, expected), name, &text, unit))
    })
}

/// That plain keys say nothing else than ours.
fn agree(
    keys: &Keys<'_, '_>,
    offset: &ClockOffset,
    localtime: Option<bool>,
    seconds: Option<i64>,
) -> Result<()> {
    // Plain keys can say whether it is local time, and the seconds if they are known.
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

fn contradiction(keys: &Keys<'_, '_>, name: &str, offset: &ClockOffset) -> Box<crate::diag::Diagnostic> {
    let node = keys.get(name).map_or(0, |key| key.node);
    super::keys::contradiction(
        keys,
        node,
        name,
        &format!("the clock_ keys, which request {}", offset.as_str()),
    )
}
