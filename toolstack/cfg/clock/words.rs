//! Settings on the command line that concern only the clock.

use ::timers::{GuestClock, GuestKind};

use super::super::Zones;
use super::super::keys::{OUR_OFFSET, OURS};
use super::super::parse::{WORDS, parse_with};
use super::super::read::book::Book;
use super::super::read::known_instead;
use super::asked::{Base, read_into};
use super::keys::PLAIN_OFFSET;
use crate::diag::{Errors, Finding, Report};

/// The part of a guest's clock that a setting is about.
#[derive(Clone, Copy, PartialEq)]
enum About {
    /// The time that its RTC shows.
    Rtc,
    /// How its TSC works.
    Tsc,
    /// Any timer, the TSC among them.
    Timers,
    /// Moves to come, and nothing of a guest that is here.
    Moves,
}

/// The part that a setting is about; `None` for a setting that is no clock's.
fn about(name: &str) -> Option<About> {
    match name {
        "tsc_mode" | "clock_tsc_frequency" => Some(About::Tsc),
        "clock_timers" => Some(About::Timers),
        TOLERANCE => Some(About::Moves),
        _ if OUR_OFFSET.contains(&name) || PLAIN_OFFSET.contains(&name) => Some(About::Rtc),
        _ => None,
    }
}

/// The settings of a clock that need no file around them.
pub fn settings() -> impl Iterator<Item = &'static str> {
    OURS.into_iter().chain(PLAIN_OFFSET).chain(["tsc_mode"])
}

/// Those that a `<clock>` has a place for.
#[must_use]
pub fn settings_of_xml() -> Vec<&'static str> {
    settings().filter(|name| about(name) != Some(About::Moves)).collect()
}

/// True if one of these settings is about the time that the RTC shows, and if one is about the TSC alone.
#[must_use]
pub fn rtc_and_tsc(settings: &[String]) -> (bool, bool) {
    let any = |wanted| settings.iter().any(|name| about(name) == Some(wanted));
    (any(About::Rtc), any(About::Tsc))
}

/// True for a word of a command line that [`words`] takes.
#[must_use]
pub fn is_of_clock(word: &str) -> bool {
    let key = word.split(['=', '+']).next().unwrap_or_default().trim();
    about(key).is_some() || key.starts_with("clock_")
}

/// The clock that words request.
#[derive(Clone, Debug)]
pub struct Words {
    /// The clock with the words laid over it.
    pub clock: GuestClock,
    /// They say what its RTC is to show.
    pub offset: bool,
    /// They say how its TSC works.
    pub tsc: bool,
    /// The verdict for each.
    pub report: Report,
}

/// The setting that a `<clock>` has no place for.
const TOLERANCE: &str = "clock_tsc_tolerance";

/// Lays words over the clock of a guest of this kind.
///
/// # Errors
/// If xl refuses or ignores a word, or a setting is not a clock's.
pub fn words(clock: &GuestClock, kind: GuestKind, words: &[String]) -> Result<Words, Errors> {
    lay(Base::Clock(clock), clock, kind, words)
}

/// Lays words over the clock of a domain XML, as if they stood at the end of its file.
///
/// # Errors
/// As [`words`], and at a setting that a `<clock>` has no place for.
pub fn words_of_xml(clock: &GuestClock, kind: GuestKind, words: &[String]) -> Result<Words, Errors> {
    lay(Base::Domain(clock), clock, kind, words)
}

fn lay(base: Base<'_>, before: &GuestClock, kind: GuestKind, words: &[String]) -> Result<Words, Errors> {
    let tolerance = matches!(base, Base::Clock(_));
    let known = if tolerance { settings().collect() } else { settings_of_xml() };
    let (cfg, syntax) = parse_with(WORDS, b"", words);
    let mut book = Book::of(&cfg);
    book.errors(syntax);
    for (node, setting) in cfg.settings().iter().enumerate() {
        let name = setting.name.as_str();
        if name == TOLERANCE && !tolerance {
            let finding = Finding::invalid("no-such-key", format!("a <clock> has no place for {name}"));
            book.error(
                node,
                finding
                    .instead("set it with xenclock clock-set, or in an xl.cfg that the file is converted to"),
            );
        } else if !known.contains(&name) && !name.starts_with("clock_") {
            let finding = Finding::invalid("no-such-key", format!("a clock has no setting {name}"));
            book.error(node, finding.instead(known_instead(name, &known)));
        }
    }
    let clock = read_into(&mut book, &Zones::default(), kind, base);
    let mut report = Report::new(cfg.source().clone());
    let mut errors = book.close(&mut report, 0);
    // There is no guest that could start all the same.
    errors.extend(report.losses().filter(|loss| loss.finding.refuses_start));
    if let Some(errors) = Errors::of(errors, cfg.source()) {
        return Err(errors);
    }
    let says = |part| cfg.settings().iter().any(|setting| about(&setting.name) == Some(part));
    // A list of timers replaces the whole list, with a TSC in it or without.
    let lists_tsc = says(About::Timers) && (clock.tsc().is_some() || before.tsc().is_some());
    Ok(Words { offset: says(About::Rtc), tsc: says(About::Tsc) || lists_tsc, clock, report })
}
