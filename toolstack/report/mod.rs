//! Reports on files: as text, JSON, SARIF and HTML.
//!
//! A [`FileReport`] is the result for one file. An [`Estate`] is the result for many files.

mod accept;
mod estate;
mod html;
mod human;
mod json;
mod percent;
mod sarif;
mod table;
mod words;

use timers::ClockOffset;

use crate::diag::{Diagnostic, Source, Verdict};
use crate::input::Input;

pub use accept::{Accepted, first_version};
pub use estate::{Estate, Need, Uses};
pub use html::html;
pub use human::{Detail, clock_line, findings, summary};
pub use json::{json, summary_json};
pub use sarif::sarif;
pub use table::{table_head, table_row};
pub use words::{clock_words, counted};

/// The report on one file.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// Its name; `-` for standard input.
    pub file: String,
    /// Its format: `xml`, `xl` or `json`.
    pub format: &'static str,
    /// The guest's name, where the file could be read.
    pub guest: Option<String>,
    /// The file that was written.
    pub output: Option<String>,
    /// Why nothing was read or written, where no finding says it.
    pub failure: Option<String>,
    /// The clock that is asked for, where the file could be read.
    pub clock: Option<ClockOffset>,
    /// How many things of the clock differ.
    pub clock_differs: usize,
    /// Everything that is not exact, errors and blockers first.
    pub findings: Vec<Found>,
    /// How many findings there are of each sort.
    pub counts: Counts,
}

/// A finding with what is needed to show it without its file.
#[derive(Clone, Debug)]
pub struct Found {
    /// The finding at its place.
    pub diagnostic: Diagnostic,
    /// How many characters it covers on its first line.
    pub width: usize,
    /// Why it was accepted, where it was.
    pub accepted: Option<String>,
    /// True if it is about the clock.
    pub of_clock: bool,
}

/// How many findings there are of each sort. A finding is of one sort only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The input itself is wrong.
    pub errors: usize,
    /// The guest would not start, or not as the file asks.
    pub blockers: usize,
    /// Something differs or is left out.
    pub differs: usize,
    /// Something differs, and was accepted.
    pub accepted: usize,
    /// Something changes nothing.
    pub no_effect: usize,
    /// Something may not be what is wanted.
    pub advice: usize,
}

/// The sort of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// The input itself is wrong.
    Error,
    /// The guest would not start, or not as the file asks.
    Blocker,
    /// Something differs or is left out.
    Differs,
    /// Something differs, and was accepted.
    Accepted,
    /// Something may not be what is wanted.
    Advice,
    /// Something changes nothing.
    NoEffect,
}

impl Found {
    /// The sort of the finding.
    #[must_use]
    pub fn sort(&self) -> Sort {
        let finding = &self.diagnostic.finding;
        match finding.verdict {
            Verdict::Invalid => Sort::Error,
            // Nobody can accept that a guest does not start.
            Verdict::Approximated | Verdict::Unsupported if finding.refuses_start => Sort::Blocker,
            _ if self.accepted.is_some() => Sort::Accepted,
            Verdict::Approximated | Verdict::Unsupported => Sort::Differs,
            Verdict::Exact | Verdict::NoEffect if finding.is_advice() => Sort::Advice,
            Verdict::Exact | Verdict::NoEffect => Sort::NoEffect,
        }
    }
}

/// Says of a finding in a file why it was accepted, if it was.
pub type Accept<'a> = &'a dyn Fn(&str, &Diagnostic) -> Option<String>;

impl FileReport {
    /// The report on a file that was read. `accept` is asked about each loss.
    #[must_use]
    pub fn of(file: &str, format: &'static str, input: &Input, accept: Accept<'_>) -> Self {
        let report = &input.report;
        let of_clock: Vec<_> = report.clock_losses().map(|loss| (loss.node, loss.finding.code)).collect();
        let is_of_clock = |found: &Diagnostic| {
            of_clock.iter().any(|(node, code)| *node == found.node && *code == found.finding.code)
        };
        let found = |diagnostic: Diagnostic| {
            let is_loss = diagnostic.finding.verdict.is_loss();
            Found {
                accepted: if is_loss { accept(file, &diagnostic) } else { None },
                width: report.source().width(&diagnostic.place),
                of_clock: is_loss && is_of_clock(&diagnostic),
                diagnostic,
            }
        };
        let all = report.losses().chain(report.advice()).chain(report.without_effect());
        let mut new = FileReport::empty(file, format);
        new.guest = Some(input.domain.config.name().to_owned());
        new.clock = Some(input.domain.clock.offset.clone());
        new.take(all.map(found).collect());
        new
    }

    /// The report on a file that is wrong.
    #[must_use]
    pub fn wrong(
        file: &str,
        format: &'static str,
        errors: impl IntoIterator<Item = Diagnostic>,
        source: &Source,
    ) -> Self {
        let found = |diagnostic: Diagnostic| Found {
            width: source.width(&diagnostic.place),
            accepted: None,
            of_clock: false,
            diagnostic,
        };
        let mut new = FileReport::empty(file, format);
        new.take(errors.into_iter().map(found).collect());
        new
    }

    /// The report on a file of which nothing is known, for this reason.
    #[must_use]
    pub fn failed(file: &str, why: impl Into<String>) -> Self {
        FileReport { failure: Some(why.into()), ..FileReport::empty(file, "") }
    }

    fn empty(file: &str, format: &'static str) -> Self {
        FileReport {
            file: file.to_owned(),
            format,
            guest: None,
            output: None,
            failure: None,
            clock: None,
            clock_differs: 0,
            findings: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn take(&mut self, mut findings: Vec<Found>) {
        findings.sort_by_key(|found| (found.sort(), !found.of_clock));
        self.clock_differs = findings.iter().filter(|found| found.of_clock).count();
        let mut counts = Counts::default();
        for found in &findings {
            *match found.sort() {
                Sort::Error => &mut counts.errors,
                Sort::Blocker => &mut counts.blockers,
                Sort::Differs => &mut counts.differs,
                Sort::Accepted => &mut counts.accepted,
                Sort::Advice => &mut counts.advice,
                Sort::NoEffect => &mut counts.no_effect,
            } += 1;
        }
        (self.findings, self.counts) = (findings, counts);
    }

    /// Drops the findings but the errors and blockers, which a table shows; their numbers stay.
    pub fn forget_findings(&mut self) {
        self.findings.retain(|found| found.sort() <= Sort::Blocker);
        self.findings.truncate(1);
        self.findings.shrink_to_fit();
    }

    /// True if the guest starts as the file asks, as far as the file tells.
    #[must_use]
    pub fn starts(&self) -> bool {
        self.failure.is_none() && self.counts.errors == 0 && self.counts.blockers == 0
    }

    /// True if anything is lost that nobody has accepted.
    #[must_use]
    pub fn is_lossy(&self) -> bool {
        let is_loss = |found: &Found| found.diagnostic.finding.verdict.is_loss() && found.accepted.is_none();
        self.findings.iter().any(is_loss)
    }

    /// The findings of a sort.
    pub fn of_sort(&self, sort: Sort) -> impl Iterator<Item = &Found> {
        self.findings.iter().filter(move |found| found.sort() == sort)
    }
}
