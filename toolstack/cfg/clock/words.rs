//! Settings on the command line that concern only the clock.

use ::timers::{GuestClock, GuestKind};

use super::super::parse::{WORDS, parse_with};
use super::super::read::book::Book;
use super::super::read::nearest;
use super::asked::{Base, read_into};
use crate::diag::{Errors, Finding, Report};

/// The settings of a clock that need no file around them.
const CLOCK: [&str; 11] = [
    "clock_offset",
    "clock_timezone",
    "clock_start",
    "clock_basis",
    "clock_adjustment",
    "clock_tsc_frequency",
    "clock_tsc_tolerance",
    "clock_timers",
    "localtime",
    "rtc_timeoffset",
    "tsc_mode",
];

/// True for a word of a command line that [`words`] takes.
#[must_use]
pub fn is_of_clock(word: &str) -> bool {
    let key = word.split(['=', '+']).next().unwrap_or_default().trim();
    CLOCK.contains(&key) || key.starts_with("clock_")
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
/// Where xl refuses a word, where it would pass over one, and at a setting that is not a clock's.
pub fn words(clock: &GuestClock, kind: GuestKind, words: &[String]) -> Result<Words, Errors> {
    lay(clock, kind, words, true)
}

/// The same for a domain XML.
///
/// # Errors
/// As [`words`], and at a setting that a `<clock>` has no place for.
pub fn words_of_xml(clock: &GuestClock, kind: GuestKind, words: &[String]) -> Result<Words, Errors> {
    lay(clock, kind, words, false)
}

fn lay(clock: &GuestClock, kind: GuestKind, words: &[String], tolerance: bool) -> Result<Words, Errors> {
    let known: Vec<&str> = CLOCK.into_iter().filter(|name| tolerance || *name != TOLERANCE).collect();
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
            let instead = nearest(name, known.iter().copied())
                .map_or_else(|| format!("there are {}", known.join(", ")), |near| format!("write {near}"));
            book.error(node, finding.instead(instead));
        }
    }
    let clock = read_into(&mut book, kind, Base::Clock(clock));
    let mut report = Report::new(cfg.source().clone());
    let mut errors = book.close(&mut report, 0);
    // There is no guest that could start all the same.
    errors.extend(report.losses().filter(|loss| loss.finding.refuses_start));
    if let Some(errors) = Errors::of(errors, cfg.source()) {
        return Err(errors);
    }
    let has = |tsc: bool| {
        let about_tsc = |name: &str| name.contains("tsc");
        // A tolerance is about moves to come, and changes nothing of a guest that is here.
        let about_now = cfg.settings().iter().filter(|setting| setting.name != "clock_tsc_tolerance");
        about_now.map(|setting| about_tsc(&setting.name)).any(|about_tsc| about_tsc == tsc)
    };
    Ok(Words { clock, offset: has(false), tsc: has(true), report })
}
