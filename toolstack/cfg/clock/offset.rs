//! The offset of the RTC.

use ::timers::zone::{Meant as MeantZone, suggest as suggest_zone};
use ::timers::{Adjustment, Basis, ClockOffset, ResolveError, UtcOffset};

use super::super::Setting;
use super::super::keys::OUR_OFFSET;
use super::super::keys::unit_of;
use super::super::read::{nearest, no_number, one_of_quoted, with_number};
use super::super::suggest::{self, Unit};
use super::keys::{Key, Keys, PLAIN_OFFSET, Result, bad_value};
use super::meant;
use crate::diag::number::meant as meant_number;
use crate::diag::{Finding, Verdict};
use crate::domain::clock_meant::{Meant, start};
use crate::domain::{Part, unresolvable};

/// The kinds of clock, by the words of `clock_offset`.
const KINDS: [&str; 5] = ["utc", "localtime", "timezone", "variable", "absolute"];

/// The keys that belong to some kinds only.
const BELONG: [(&str, Part, &[&str]); 4] = [
    ("clock_timezone", Part::Timezone, &["timezone"]),
    ("clock_start", Part::Start, &["absolute"]),
    ("clock_adjustment", Part::Adjustment, &["utc", "localtime", "variable"]),
    ("clock_basis", Part::Basis, &["variable"]),
];

/// The values of our own keys, each as its key takes it.
#[derive(Default)]
struct Values<'a> {
    timezone: Option<&'a str>,
    start: Option<i64>,
    adjustment: Option<Adjustment>,
    basis: Option<Basis>,
}

/// `base` is the clock that the settings are laid over, if any: what they do not say is as there. Plain keys add up with
/// it, unless they are the `whole` clock. `None` where something is wrong, which is kept with the keys.
pub fn read(keys: &mut Keys<'_, '_>, base: Option<&ClockOffset>, whole: bool) -> Option<ClockOffset> {
    let (localtime, seconds) = (localtime(keys), seconds(keys));
    let (localtime, seconds) = (keys.kept(localtime), keys.kept(seconds));
    if let Some(base) = base {
        if !keys.has_offset() {
            return Some(base.clone());
        }
        if !keys.has_our_offset() {
            let (base_localtime, base_seconds) = if whole { (None, None) } else { as_plain(base) };
            return Some(plain(keys, localtime?.or(base_localtime), seconds?.or(base_seconds)));
        }
    }
    let kind = kind(keys, base);
    let kind = keys.kept(kind);
    let Some(named) = kind.flatten() else {
        // The values can be wrong whatever the kind.
        let values = values(keys, None);
        return if values.is_some() && kind.is_some() {
            Some(plain(keys, localtime?, seconds?))
        } else {
            None
        };
    };
    let values = values(keys, Some(named))?;
    let offset = word_for_word(keys, named, &values, base);
    let offset = keys.kept(offset)?;
    let agreed = agree(keys, &offset, localtime?, seconds?);
    keys.kept(agreed)?;
    Some(offset)
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
        let mut finding = no_number(key.setting);
        if let Some(instead) = instead_of_plain(keys, key) {
            finding = finding.instead(instead);
        }
        if finding.verdict == Verdict::Invalid {
            return Err(keys.error(key.node, finding));
        }
        keys.mark(key.node, finding.refusing_start());
    }
    Ok(number)
}

/// The remedy for a plain key with a text that names another clock than its key can.
fn instead_of_plain(keys: &Keys<'_, '_>, key: Key<'_>) -> Option<String> {
    let text = String::from_utf8_lossy(key.setting.text()?);
    let name = key.setting.name.as_str();
    if meant_number(&text, unit_of(name).unwrap_or(Unit::Plain)).is_some() {
        return None;
    }
    let others =
        PLAIN_OFFSET.iter().chain(OUR_OFFSET).any(|other| *other != name && keys.get(other).is_some());
    match keys.zones.look(|zones| Meant::by(&text, zones))? {
        Meant::Kind("utc") => Some(format!("write {name} = 0")),
        Meant::Kind(_) if name == "localtime" => Some("write localtime = 1".to_owned()),
        Meant::Kind(_) if !others => Some("write localtime = 1".to_owned()),
        other if !others => Some(format!("write {}", meant::written(&other))),
        _ => None,
    }
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
        return kind.map(Some).ok_or_else(|| {
            let finding = bad_value(key.setting, &expected);
            keys.error(key.node, finding.instead(instead_of_kind(keys, word)))
        });
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

/// The remedy for a word that is no kind of clock: the kind that the other keys belong to, or the setting that the word
/// is a value of.
fn instead_of_kind(keys: &Keys<'_, '_>, word: &str) -> String {
    let known = |kind: &str| format!("clock_offset = \"{kind}\"");
    let misspelt = nearest(word, KINDS.into_iter()).map(known);
    let given = |most: usize| {
        let mut belong =
            BELONG.iter().filter(|(name, _, kinds)| kinds.len() <= most && keys.get(name).is_some());
        belong.find_map(|(_, _, kinds)| kinds.last()).map(|kind| known(kind))
    };
    let meant = || keys.zones.look(|zones| meant::setting(word, zones));
    // `localtime+1h` is no slip of the pen.
    let misspelt = misspelt.filter(|_| !word.contains(['+', '-', ':']));
    match misspelt.or_else(|| given(1)).or_else(meant).or_else(|| given(KINDS.len())) {
        Some(setting) => format!("write {setting}"),
        None => one_of_quoted("clock_offset", &KINDS),
    }
}

/// The values of our own keys; only of those that a clock of this kind has, where its kind is known. `None` where one is
/// wrong.
fn values<'a>(keys: &mut Keys<'a, '_>, kind: Option<&str>) -> Option<Values<'a>> {
    let mut values = Values::default();
    let mut all = true;
    for (name, part, kinds) in BELONG {
        let Some(key) = keys.get(name) else {
            continue;
        };
        let read = match kind {
            Some(kind) if !kinds.contains(&kind) => Err(other_clock(keys, key, kinds, kind)),
            _ => {
                keys.is(part, key.node);
                value(keys, key, part, kind, &mut values)
            }
        };
        all &= keys.kept(read).is_some();
    }
    all.then_some(values)
}

fn other_clock(
    keys: &Keys<'_, '_>,
    key: Key<'_>,
    kinds: &[&str],
    kind: &str,
) -> Box<crate::diag::Diagnostic> {
    let reason = format!(
        "{} belongs to a clock with offset {}, but this clock has {kind}",
        key.setting.name,
        kinds.join(" or ")
    );
    let finding = Finding::invalid("other-clock", reason);
    keys.error(key.node, finding.instead("remove it, or change clock_offset"))
}

/// Reads the value of one of our own keys.
fn value<'a>(
    keys: &Keys<'a, '_>,
    key: Key<'a>,
    part: Part,
    kind: Option<&str>,
    values: &mut Values<'a>,
) -> Result<()> {
    match part {
        Part::Timezone => values.timezone = Some(zone(keys, key)?),
        Part::Start => {
            values.start = Some(number(keys, key, "a number of seconds since 1970-01-01T00:00:00Z")?);
        }
        Part::Basis => {
            values.basis = Some(match keys.text(key, "utc or localtime")? {
                "utc" => Basis::Utc,
                "localtime" => Basis::Localtime,
                _ => return Err(keys.not(key, "utc or localtime")),
            });
        }
        // A clock with a number is a variable one, which cannot be reset.
        _ if kind == Some("variable") => {
            let seconds = number(keys, key, "a number of seconds, in quotes when negative")?;
            values.adjustment = Some(Adjustment::Seconds(seconds));
        }
        _ => values.adjustment = Some(adjustment(keys, key)?),
    }
    Ok(())
}

/// The name of a zone, which must be one where the zones are known.
fn zone<'a>(keys: &Keys<'a, '_>, key: Key<'a>) -> Result<&'a str> {
    let expected = "a name of the tz database, as in Europe/Paris";
    let name = keys.text(key, expected)?;
    if name.is_empty() {
        let finding = bad_value(key.setting, expected);
        return Err(keys.error(key.node, finding.instead("write clock_timezone = \"Europe/Paris\"")));
    }
    let Some(error) = keys.zones.error(name) else {
        return Ok(name);
    };
    let finding = keys.zones.look(|zones| {
        let finding = unresolvable(&ResolveError::Zone(error), zones);
        match (meant::setting(name, zones), suggest_zone(name, zones)) {
            (Some(setting), _) if !setting.starts_with("clock_timezone") => {
                finding.instead(format!("write {setting}"))
            }
            // Of several names, somebody has to choose.
            (_, Some(MeantZone::Zones(names))) if names.len() == 1 => {
                finding.instead(format!("write clock_timezone = {}", suggest::quoted(&names[0])))
            }
            _ => finding,
        }
    });
    Err(keys.error(key.node, finding))
}

fn word_for_word(
    keys: &Keys<'_, '_>,
    kind: &'static str,
    values: &Values<'_>,
    base: Option<&ClockOffset>,
) -> Result<ClockOffset> {
    // A clock of the same kind gives what is not said of it.
    let base = base.filter(|base| base.as_str() == kind && keys.get("clock_offset").is_none());
    let missing = |name, example| missing(keys, name, example);
    Ok(match kind {
        "utc" => ClockOffset::Utc { adjustment: values.adjustment.or(base_adjustment(base)) },
        "localtime" => ClockOffset::Localtime { adjustment: values.adjustment.or(base_adjustment(base)) },
        "timezone" => match values.timezone {
            Some(timezone) => ClockOffset::Timezone { timezone: timezone.to_owned() },
            None => return Err(missing("clock_timezone", "\"Europe/Paris\"")),
        },
        "absolute" => match values.start {
            Some(start) => ClockOffset::Absolute { start },
            None => return Err(missing("clock_start", "SECONDS, counted from 1970-01-01T00:00:00Z")),
        },
        _ => ClockOffset::Variable {
            adjustment: match values.adjustment {
                Some(Adjustment::Seconds(seconds)) => seconds,
                _ => base.and_then(|base| as_plain(base).1).unwrap_or_default(),
            },
            basis: match values.basis {
                Some(basis) => basis,
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

fn adjustment<'a>(keys: &Keys<'a, '_>, key: Key<'a>) -> Result<Adjustment> {
    let expected = "a number of seconds, in quotes when negative, or reset";
    match keys.text(key, expected)? {
        "reset" => Ok(Adjustment::Reset),
        _ => number(keys, key, expected).map(Adjustment::Seconds),
    }
}

/// The error for a key that the kind of clock cannot do without.
fn missing(keys: &Keys<'_, '_>, name: &str, example: &str) -> Box<crate::diag::Diagnostic> {
    let at = keys.get("clock_offset").map_or(0, |key| key.node);
    let finding = Finding::invalid("key-missing", format!("such a clock needs {name}, which is missing"));
    keys.error(at, finding.instead(format!("add {name} = {example}")))
}

fn number(keys: &Keys<'_, '_>, key: Key<'_>, expected: &str) -> Result<i64> {
    key.setting.number().ok_or_else(|| {
        let Setting { name, .. } = key.setting;
        let text = String::from_utf8_lossy(key.setting.text().unwrap_or_default()).into_owned();
        let unit = unit_of(name).unwrap_or(Unit::Plain);
        let finding = bad_value(key.setting, expected);
        let finding = match start(&text).filter(|_| unit == Unit::Epoch) {
            Some(start) => finding.instead(format!("write {name} = {}", suggest::written(start))),
            None if finding.alternative.is_some() => finding,
            None => with_number(finding, name, &text, unit),
        };
        keys.error(key.node, finding)
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
