//! Guesses the number meant by a text where a number is expected: `1h`, `3600*2`, `2.4GHz`, a date.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// The quantity of a number, by which a unit behind it is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 1 or 0.
    Flag,
    /// Seconds of an offset.
    Seconds,
    /// Seconds since 1970-01-01T00:00:00Z.
    Epoch,
    /// MiB.
    Mebibytes,
    /// KiB.
    Kibibytes,
    /// Hz.
    Hertz,
    /// Nothing that has a unit.
    Plain,
}

/// The words that people write for 1 and 0.
const FLAGS: [(&str, u8); 12] = [
    ("yes", 1),
    ("true", 1),
    ("on", 1),
    ("enable", 1),
    ("enabled", 1),
    ("y", 1),
    ("no", 0),
    ("false", 0),
    ("off", 0),
    ("disable", 0),
    ("disabled", 0),
    ("n", 0),
];

/// A unit: its name, and how many of the key's own unit it is, as a fraction.
type Part = (&'static str, i128, i128);

/// Units in lower case, with how many of the key's own unit each is; as a fraction where it is less.
const UNITS: [(Unit, &[Part]); 4] = [
    (
        Unit::Seconds,
        &[
            ("s", 1, 1),
            ("sec", 1, 1),
            ("second", 1, 1),
            ("seconds", 1, 1),
            ("m", 60, 1),
            ("min", 60, 1),
            ("minute", 60, 1),
            ("minutes", 60, 1),
            ("h", 3600, 1),
            ("hour", 3600, 1),
            ("hours", 3600, 1),
            ("d", 86_400, 1),
            ("day", 86_400, 1),
            ("days", 86_400, 1),
            ("ms", 1, 1000),
        ],
    ),
    (
        Unit::Mebibytes,
        &[
            ("b", 1, 1 << 20),
            ("k", 1, 1 << 10),
            ("kb", 1, 1 << 10),
            ("kib", 1, 1 << 10),
            ("m", 1, 1),
            ("mb", 1, 1),
            ("mib", 1, 1),
            ("g", 1 << 10, 1),
            ("gb", 1 << 10, 1),
            ("gib", 1 << 10, 1),
            ("t", 1 << 20, 1),
            ("tb", 1 << 20, 1),
            ("tib", 1 << 20, 1),
        ],
    ),
    (
        Unit::Kibibytes,
        &[
            ("k", 1, 1),
            ("kb", 1, 1),
            ("kib", 1, 1),
            ("m", 1 << 10, 1),
            ("mb", 1 << 10, 1),
            ("mib", 1 << 10, 1),
        ],
    ),
    (Unit::Hertz, &[("hz", 1, 1), ("khz", 1000, 1), ("mhz", 1_000_000, 1), ("ghz", 1_000_000_000, 1)]),
];

/// The number that a word stands for where a number is expected; `None` where nobody can know.
#[must_use]
pub fn meant(word: &str, unit: Unit) -> Option<i64> {
    let word = unquoted(word).trim();
    let lower = word.to_ascii_lowercase();
    if let Some((_, number)) = FLAGS.iter().find(|(flag, _)| *flag == lower) {
        return (unit == Unit::Flag).then_some(i64::from(*number));
    }
    let value = match unit {
        Unit::Epoch => moment(word).map(i128::from),
        Unit::Seconds => offset(word),
        _ => None,
    };
    let value =
        value.or_else(|| grouped(&lower)).or_else(|| if is_date(&lower) { None } else { calculated(&lower) });
    let value = value.or_else(|| with_unit(&lower, unit))?;
    // No format takes more than 64 bits.
    i64::try_from(value).ok()
}

/// `1,024`, `1 000 000`, `1_024`: digits in groups of three.
fn grouped(word: &str) -> Option<i128> {
    let sign = [',', ' ', '_', '\''].into_iter().find(|sign| word.contains(*sign))?;
    let mut groups = word.split(sign);
    let is_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().filter(|first| matches!(first.len(), 1..=3) && is_digits(first))?;
    let rest: Vec<_> = groups.collect();
    let whole = rest.iter().all(|group| group.len() == 3 && is_digits(group));
    if whole { format!("{first}{}", rest.concat()).parse().ok() } else { None }
}

/// `2026-01-31`, `31/1/2026`: a date, which is no difference and no fraction, even if there is no such day.
fn is_date(word: &str) -> bool {
    let is_day = |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_year = |part: &str| part.parse().is_ok_and(|year: u16| (1900..2200).contains(&year));
    ['-', '/'].into_iter().any(|sign| match word.split(sign).collect::<Vec<_>>()[..] {
        [first, middle, last] => {
            is_day(middle) && (is_year(first) && is_day(last) || is_day(first) && is_year(last))
        }
        _ => false,
    })
}

fn unquoted(word: &str) -> &str {
    let inner = |quote: char| word.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(word)
}

/// `1h`, `512M`, `2.4 GHz`.
fn with_unit(word: &str, unit: Unit) -> Option<i128> {
    let (_, units) = UNITS.iter().find(|(of, _)| *of == unit)?;
    let end = word.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+' | '_'))?;
    let (number, name) = word.split_at(end);
    let (_, times, of) = units.iter().find(|(known, ..)| *known == name.trim())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").replace('_', "").parse().ok()?;
    let scale = 10_i128.checked_pow(fraction.len().try_into().ok()?)?;
    let (value, part) = (digits.checked_mul(*times)?, of.checked_mul(scale)?);
    (value % part == 0).then_some(value / part)
}

/// `+02:00`, `1:00`, `UTC-3`, `GMT+5:30`: an offset from UTC in seconds.
fn offset(word: &str) -> Option<i128> {
    let upper = word.to_ascii_uppercase();
    let after_zone = ["UTC", "GMT"].iter().find_map(|zone| upper.strip_prefix(zone));
    let signed = after_zone.unwrap_or(&upper).trim();
    let (sign, rest) = match (signed.strip_prefix('+'), signed.strip_prefix('-')) {
        (Some(rest), _) => (1, rest),
        (_, Some(rest)) => (-1, rest),
        _ if after_zone.is_none() && signed.contains(':') => (1, signed),
        _ => return None,
    };
    // A sign and digits alone are seconds.
    if after_zone.is_none() && !rest.contains(':') {
        return None;
    }
    let mut parts = rest.split(':');
    let part = |text: &str| text.parse::<u8>().ok().map(i128::from);
    let (hours, minutes) = (part(parts.next()?)?, parts.next().map_or(Some(0), part)?);
    let seconds = parts.next().map_or(Some(0), part)?;
    (hours <= 26 && minutes < 60 && seconds < 60 && parts.next().is_none())
        .then_some(sign * (hours * 3600 + minutes * 60 + seconds))
}

/// A date, with a time or without, in UTC unless it says otherwise: seconds since 1970-01-01T00:00:00Z.
fn moment(word: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(&word.replacen(' ', "T", 1)) {
        return Some(time.timestamp());
    }
    if let Ok(time) = DateTime::parse_from_str(word, "%Y-%m-%d %H:%M:%S %z") {
        return Some(time.timestamp());
    }
    let plain = word.trim_end_matches(['Z', 'z']).trim_end_matches(" UTC");
    let forms = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let time = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(plain, form).ok());
    let dates = ["%Y-%m-%d", "%d.%m.%Y"];
    let date = || {
        dates
            .iter()
            .find_map(|form| NaiveDate::parse_from_str(plain, form).ok())
            .map(|date| date.and_time(NaiveTime::MIN))
    };
    time.or_else(date).map(|time| time.and_utc().timestamp())
}

/// `3600*2`, `-(60 + 5)`: what an expression comes to.
fn calculated(text: &str) -> Option<i128> {
    let mut rest = text.trim();
    let value = sum(&mut rest, 0)?;
    rest.is_empty().then_some(value)
}

/// Brackets within brackets, at most.
const DEEPEST: usize = 20;

fn sum(rest: &mut &str, depth: usize) -> Option<i128> {
    let mut value = product(rest, depth)?;
    loop {
        value = match take(rest, &['+', '-']) {
            Some('+') => value.checked_add(product(rest, depth)?)?,
            Some(_) => value.checked_sub(product(rest, depth)?)?,
            None => return Some(value),
        };
    }
}

fn product(rest: &mut &str, depth: usize) -> Option<i128> {
    let mut value = factor(rest, depth)?;
    loop {
        value = match take(rest, &['*', '/']) {
            Some('*') => value.checked_mul(factor(rest, depth)?)?,
            Some(_) => {
                let by = factor(rest, depth)?;
                (by != 0 && value % by == 0).then(|| value / by)?
            }
            None => return Some(value),
        };
    }
}

fn factor(rest: &mut &str, depth: usize) -> Option<i128> {
    if depth > DEEPEST {
        return None;
    }
    match take(rest, &['(', '-', '+']) {
        Some('(') => {
            let value = sum(rest, depth + 1)?;
            take(rest, &[')'])?;
            Some(value)
        }
        Some('-') => factor(rest, depth + 1)?.checked_neg(),
        Some(_) => factor(rest, depth + 1),
        None => {
            let (base, digits) = match rest.strip_prefix("0x") {
                Some(digits) => (16, digits),
                None => (10, *rest),
            };
            let end = digits.find(|c: char| !c.is_digit(base)).unwrap_or(digits.len());
            let value = i128::from_str_radix(digits.get(..end)?, base).ok()?;
            *rest = digits.get(end..)?.trim_start();
            Some(value)
        }
    }
}

fn take(rest: &mut &str, signs: &[char]) -> Option<char> {
    let sign = rest.chars().next().filter(|first| signs.contains(first))?;
    *rest = rest[sign.len_utf8()..].trim_start();
    Some(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_worked_out() {
        let table = [
            ("True", Unit::Flag, Some(1)),
            ("1,024", Unit::Mebibytes, Some(1024)),
            ("1 000 000", Unit::Plain, Some(1_000_000)),
            ("1,02", Unit::Plain, None),
            ("1,024.5", Unit::Plain, None),
            ("'off'", Unit::Flag, Some(0)),
            ("true", Unit::Seconds, None),
            ("1h", Unit::Seconds, Some(3600)),
            ("-90 min", Unit::Seconds, Some(-5400)),
            ("1.5h", Unit::Seconds, Some(5400)),
            ("3600*2", Unit::Seconds, Some(7200)),
            ("-(60 + 2*5)", Unit::Seconds, Some(-70)),
            ("-3600", Unit::Seconds, Some(-3600)),
            ("+02:00", Unit::Seconds, Some(7200)),
            ("1:30", Unit::Seconds, Some(5400)),
            ("1:99", Unit::Seconds, None),
            ("UTC-3", Unit::Seconds, Some(-10800)),
            ("GMT+5:30", Unit::Seconds, Some(19800)),
            ("512M", Unit::Mebibytes, Some(512)),
            ("2 GiB", Unit::Mebibytes, Some(2048)),
            ("4096K", Unit::Mebibytes, Some(4)),
            ("1K", Unit::Mebibytes, None),
            ("2.4GHz", Unit::Hertz, Some(2400000000)),
            ("2000 MHz", Unit::Hertz, Some(2000000000)),
            ("4*1024", Unit::Plain, Some(4096)),
            ("7/2", Unit::Plain, None),
            ("1/0", Unit::Plain, None),
            ("soon", Unit::Seconds, None),
            ("99999999999999999999", Unit::Plain, None),
            ("2022-01-01", Unit::Epoch, Some(1640995200)),
            ("2022-01-01T00:00:00Z", Unit::Epoch, Some(1640995200)),
            ("2022-01-01 01:00:00+01:00", Unit::Epoch, Some(1640995200)),
            ("2022-01-01 00:00", Unit::Epoch, Some(1640995200)),
            ("2022-01-01 00:00:00 UTC", Unit::Epoch, Some(1640995200)),
            ("24*3600", Unit::Epoch, Some(86400)),
            ("2022-13-45", Unit::Epoch, None),
            ("31.12.2021", Unit::Epoch, Some(1640908800)),
            ("2022-01-01", Unit::Seconds, None),
            ("01/02/2022", Unit::Seconds, None),
            ("90-30", Unit::Seconds, Some(60)),
            ("7200-60-60", Unit::Seconds, Some(7080)),
            ("2022/40/01", Unit::Epoch, None),
        ];
        for (word, unit, expected) in table {
            assert_eq!(meant(word, unit), expected, "{word}");
        }
        assert_eq!(meant(&"(".repeat(100_000), Unit::Plain), None);
        assert_eq!(meant(&"-".repeat(100_000), Unit::Plain), None);
    }
}
