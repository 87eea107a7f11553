//! A report for people: a summary, then each finding once.

use super::words::{clock_words, counted};
use super::{Counts, FileReport, Found, Sort};
use crate::diag::{Diagnostic, Source, Verdict, grouped, render, shown};

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The differences, each once.
    Short,
    /// Every finding by itself, with its line of the input.
    Full,
}

/// The summary of a file, in one line without its end.
#[must_use]
pub fn summary(report: &FileReport) -> String {
    let Counts { errors, blockers, differs, accepted, no_effect, advice } = report.counts;
    let words = [
        (errors, counted(errors, "error")),
        (blockers, counted(blockers, "blocker")),
        (
            differs,
            format!("{} {}", counted(differs, "thing"), if differs == 1 { "differs" } else { "differ" }),
        ),
        (accepted, format!("{} accepted", counted(accepted, "difference"))),
        (no_effect, format!("{no_effect} {} no effect", if no_effect == 1 { "has" } else { "have" })),
        (advice, format!("{} of advice", counted(advice, "piece"))),
    ];
    let mut words: Vec<_> =
        words.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words).collect();
    let verdict = match &report.failure {
        Some(why) => why.clone(),
        None if report.counts.errors > 0 => "does not start".to_owned(),
        None if report.counts.blockers > 0 => "does not start as requested".to_owned(),
        None => "starts".to_owned(),
    };
    if words.is_empty() && report.failure.is_none() {
        words.push("everything means the same on Xen".to_owned());
    }
    let words = if words.is_empty() { String::new() } else { format!("; {}", words.join(", ")) };
    shown(&format!("{}: {verdict}{words}", report.file)).into_owned()
}

/// The clock's verdict, in one line without its end; `None` where the file could not be read.
#[must_use]
pub fn clock_line(report: &FileReport) -> Option<String> {
    let words = clock_words(report.clock.as_ref()?, report.has_rtc);
    let blocked = report.of_sort(Sort::Blocker).any(|found| found.of_clock);
    let verdict = match report.clock_differs {
        _ if blocked => "not as requested on Xen".to_owned(),
        0 => "the same on Xen".to_owned(),
        1 => "1 of its settings differs".to_owned(),
        number => format!("{number} of its settings differ"),
    };
    Some(shown(&format!("  clock: {words}; {verdict}")).into_owned())
}

/// Findings for people, each text with the finding that its first line is about.
#[must_use]
pub fn findings(
    findings: impl IntoIterator<Item = Diagnostic>,
    source: &Source,
    detail: Detail,
) -> Vec<(Diagnostic, String)> {
    if detail == Detail::Full {
        return findings.into_iter().map(|found| (found.clone(), render::human(&found, source))).collect();
    }
    let groups = grouped(findings).into_iter();
    let text = |group: crate::diag::Group| {
        if group.first.finding.verdict == Verdict::Invalid {
            return (group.first.clone(), render::human_with_places(&group.first, &group.others, source));
        }
        let text = render::brief(&group.first, &group.others);
        (group.first, text)
    };
    groups.map(text).collect()
}

impl FileReport {
    /// The findings that are said, in their order.
    pub fn said(&self, detail: Detail) -> impl Iterator<Item = &Found> {
        let dull = |found: &&Found| matches!(found.sort(), Sort::NoEffect | Sort::Accepted);
        self.findings.iter().filter(move |found| detail == Detail::Full || !dull(found))
    }
}
