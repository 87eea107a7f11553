//! Suggests the zone that was probably meant by a name that is not in the tz database.

mod windows;
mod words;

use std::fmt;

use super::{Zone, ZoneSource};
use crate::units::UtcOffset;
use windows::WINDOWS;
use words::{ABBREVIATIONS, CITIES, RENAMED};

/// The probable meaning of a name that is not a zone: a zone, one of several, or an offset from UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// Zones of the database, the likeliest first. There is at least one.
    Zones(Vec<String>),
    /// An offset from UTC, with the zone that always has it where the database has one.
    Offset {
        /// The offset.
        offset: UtcOffset,
        /// The zone.
        zone: Option<String>,
        /// The zone of the opposite offset, where the name is one that POSIX, and so QEMU, counts towards the west.
        posix: Option<String>,
    },
}

/// Longer texts are no names.
const LONGEST: usize = 80;

/// At most so many zones are suggested.
const MOST: usize = 4;

/// The zone that is probably meant by a name that is none; `None` where nobody can know.
#[must_use]
pub fn suggest(name: &str, zones: &dyn ZoneSource) -> Option<Meant> {
    Known { names: zones.names(), zones }.suggest(name)
}

/// The database.
struct Known<'a> {
    names: Vec<String>,
    zones: &'a dyn ZoneSource,
}

impl Known<'_> {
    fn suggest(&self, name: &str) -> Option<Meant> {
        let name = name.trim();
        if name.is_empty() || name.len() > LONGEST {
            return None;
        }
        self.first(self.listed(name))
            .or_else(|| self.offset(name))
            .or_else(|| self.of_display(name))
            .or_else(|| self.first(self.city(name)))
            .or_else(|| self.of_rule(name))
            .or_else(|| self.first(self.misspelt(name)))
    }

    /// Only a zone that can be read is suggested.
    fn first(&self, names: Vec<String>) -> Option<Meant> {
        let there = |name: &String| self.zones.zone(name).is_ok();
        let names: Vec<_> = names.into_iter().filter(there).take(MOST).collect();
        (!names.is_empty()).then_some(Meant::Zones(names))
    }

    /// The name in another spelling, a name of Windows, an abbreviation, an older name.
    fn listed(&self, name: &str) -> Vec<String> {
        let path = name.replace('\\', "/");
        let path =
            path.split_once("zoneinfo/").map_or(path.as_str(), |(_, zone)| zone).trim_start_matches(':');
        let plain = plain(path);
        let spelt = self.names.iter().filter(|known| self::plain(known) == plain).cloned();
        let windows = windows_name(name);
        let windows = WINDOWS.iter().filter(|(known, _)| self::plain(known) == windows);
        let windows = windows.flat_map(|(_, zone)| self.present(zone));
        let words = [RENAMED, ABBREVIATIONS].into_iter().flat_map(|table| self.words(table, &plain));
        spelt.chain(windows).chain(words).collect()
    }

    /// The zones that a table has for a word.
    fn words(&self, table: &[(&str, &[&str])], plain: &str) -> Vec<String> {
        let found = table.iter().filter(|(word, _)| self::plain(word) == plain);
        found.flat_map(|(_, zones)| *zones).filter_map(|zone| self.present(zone)).collect()
    }

    /// A zone, or its other name where this database has only that.
    fn present(&self, zone: &str) -> Option<String> {
        let has = |name: &str| self.names.iter().any(|known| known == name).then(|| name.to_owned());
        let other = || RENAMED.iter().find(|(old, _)| *old == zone).and_then(|(_, new)| has(new[0]));
        has(zone).or_else(other)
    }

    /// `UTC+3`, `GMT-5`, `+05:30`: ahead of UTC with a plus, as everybody but POSIX and `Etc/GMT-3` writes it.
    fn offset(&self, name: &str) -> Option<Meant> {
        let upper = name.to_ascii_uppercase();
        let west = upper.starts_with("ETC/GMT");
        let upper = upper.trim_start_matches("ETC/");
        let rest =
            ["UTC", "GMT", "Z"].iter().find_map(|zone| upper.strip_prefix(zone)).unwrap_or(upper).trim();
        let (sign, digits) = match (rest.strip_prefix('+'), rest.strip_prefix(['-', '\u{2212}'])) {
            (Some(digits), _) => (1, digits.trim()),
            (_, Some(digits)) => (-1, digits.trim()),
            _ => return None,
        };
        let sign = if west { -sign } else { sign };
        let (hours, minutes) = match (digits.split_once([':', '.']), digits.len()) {
            (Some(parts), _) => parts,
            (None, 3 | 4) if digits.is_ascii() => digits.split_at(digits.len() - 2),
            (None, _) => (digits, "0"),
        };
        let number = |text: &str| text.parse::<u8>().ok().filter(|_| !text.starts_with('+')).map(i32::from);
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        if hours > 26 || minutes > 59 {
            return None;
        }
        // These names count towards the west.
        let whole_hours = |hours: i32| self.present(&format!("Etc/GMT{:+}", -hours));
        let zone = match (minutes, sign * hours) {
            (0, 0) => self.present("UTC").or_else(|| self.present("Etc/UTC")),
            (0, hours) => whole_hours(hours),
            _ => None,
        };
        let is_rule = hours > 0 && minutes == 0 && rest != upper && upper == name.to_ascii_uppercase();
        let posix = if is_rule { whole_hours(-sign * hours) } else { None };
        Some(Meant::Offset { offset: UtcOffset::from(sign * (hours * 3600 + minutes * 60)), zone, posix })
    }

    /// The zone of a name that Windows shows, as in `(UTC+01:00) Amsterdam, Berlin`: the first city in the database.
    fn of_display(&self, name: &str) -> Option<Meant> {
        let (offset, cities) = name.strip_prefix('(')?.split_once(')')?;
        let city = cities.split([',', '&', '/']).find_map(|city| self.first(self.city(city.trim())));
        city.or_else(|| self.first(self.listed(cities.trim()))).or_else(|| self.offset(offset))
    }

    /// A city alone, or below another continent.
    fn city(&self, name: &str) -> Vec<String> {
        let city = plain(name.rsplit('/').next().unwrap_or(name));
        let of = |known: &String| known.rsplit_once('/').map(|(_, city)| plain(city));
        let known = self.names.iter().filter(|known| !city.is_empty() && of(known).as_ref() == Some(&city));
        let mut found: Vec<_> = known.cloned().collect();
        // The same city twice, as in America/Louisville and America/Kentucky/Louisville: the longer name is the new one.
        found.sort_by_key(|name| std::cmp::Reverse(name.matches('/').count()));
        found.extend(self.words(CITIES, &city));
        found
    }

    /// A POSIX rule, which is no name: the zone of its abbreviation, or its offset where it has no summer time.
    fn of_rule(&self, name: &str) -> Option<Meant> {
        let (abbreviation, rest) = name.split_at(name.find(|c: char| !c.is_ascii_alphabetic())?);
        let known = self.first(self.words(ABBREVIATIONS, &plain(abbreviation)));
        // UTC-3 has been read as an offset.
        if known.is_some()
            && !["UTC", "GMT"].contains(&abbreviation)
            && rest.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c))
        {
            return known;
        }
        let rule = Zone::from_posix(name).ok()?;
        let winter = chrono::DateTime::from_timestamp(0, 0)?;
        let fixed = || Some(Meant::Offset { offset: rule.offset_at(winter).ok()?, zone: None, posix: None });
        rule.next_change(winter).is_none().then(fixed).flatten()
    }

    /// The names that differ by the fewest letters.
    fn misspelt(&self, name: &str) -> Vec<String> {
        let (whole, city) = (plain(name), plain(name.rsplit('/').next().unwrap_or(name)));
        // A whole name is nearer than another continent's city.
        let mut found: Vec<((usize, bool), &String)> = self
            .names
            .iter()
            .filter_map(|known| {
                let of_whole = near(&whole, &plain(known)).map(|distance| (distance, false));
                let of_city =
                    || near(&city, &plain(known.rsplit_once('/')?.1)).map(|distance| (distance, true));
                Some((of_whole.or_else(of_city)?, known))
            })
            .collect();
        let Some(least) = found.iter().map(|(distance, _)| *distance).min() else { return Vec::new() };
        found.retain(|(distance, _)| *distance == least);
        found.into_iter().map(|(_, name)| name.clone()).collect()
    }
}

/// A name without case and without what parts words. A sign before a digit stays.
fn plain(name: &str) -> String {
    let sign_of_number = |at: usize| name[at + 1..].starts_with(|next: char| next.is_ascii_digit());
    let keep = |(at, c): &(usize, char)| match c {
        '-' => sign_of_number(*at),
        _ => !c.is_whitespace() && !"_.'\"".contains(*c),
    };
    name.char_indices().filter(keep).flat_map(|(_, c)| c.to_lowercase()).collect()
}

/// A name of Windows as in its table: `W. Europe Daylight Time` is `W. Europe`.
fn windows_name(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = ["standard time", "daylight time", "summer time"];
    plain(&words.iter().fold(lower, |name, word| name.replace(word, "")))
}

/// How far one word is from another: at most a quarter of its letters.
fn near(one: &str, other: &str) -> Option<usize> {
    let most = (one.chars().count() / 4).min(3);
    (one.len().abs_diff(other.len()) <= 4 * most)
        .then(|| strsim::osa_distance(one, other))
        .filter(|distance| *distance <= most)
}

/// Writes the text that replaces the name.
impl fmt::Display for Meant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Meant::Zones(zones) => {
                for (index, zone) in zones.iter().enumerate() {
                    let before = match index {
                        0 => "write ",
                        _ if index + 1 == zones.len() => " or ",
                        _ => ", ",
                    };
                    write!(f, "{before}'{zone}'")?;
                }
                Ok(())
            }
            Meant::Offset { offset, zone: Some(zone), .. } if *offset == UtcOffset::ZERO => {
                write!(f, "write '{zone}'")
            }
            Meant::Offset { offset, zone: Some(zone), posix } => {
                write!(f, "write '{zone}' for {offset} (these names count towards the west)")?;
                match (posix, UtcOffset::new(-i64::from(offset.seconds()))) {
                    (Some(posix), Ok(west)) => {
                        write!(f, "; QEMU reads it as POSIX does, as '{posix}' for {west}")
                    }
                    _ => Ok(()),
                }
            }
            Meant::Offset { offset, zone: None, .. } => write!(
                f,
                "write a variable clock with an adjustment of {} for {offset}, or the name of a zone",
                offset.seconds()
            ),
        }
    }
}

#[cfg(test)]
mod tests;
