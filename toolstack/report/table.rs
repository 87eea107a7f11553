//! The table of an estate: one line for each file.

use super::{FileReport, Sort};

/// Wider names push the other columns to the right.
const WIDEST: usize = 72;

/// The table's head, for names of this width.
#[must_use]
pub fn table_head(width: usize) -> String {
    let width = width.clamp(4, WIDEST);
    format!("{:width$}  {:6}  {:>7}  {:>8}  {}\n", "File", "Starts", "Differs", "Blockers", "Clock")
}

/// A file's line.
#[must_use]
pub fn table_row(report: &FileReport, width: usize) -> String {
    let width = width.clamp(4, WIDEST);
    let counts = &report.counts;
    let why = match &report.failure {
        Some(why) => format!("; {why}"),
        None => report.of_sort(Sort::Error).next().map_or(String::new(), |first| {
            let place = &first.diagnostic.place;
            format!("; {}:{}: {}", place.line, place.column, first.diagnostic.finding.reason)
        }),
    };
    let line = format!(
        "{:width$}  {:6}  {:>7}  {:>8}  {}{why}",
        report.file,
        starts_cell(report),
        counts.differs,
        counts.blockers + counts.errors,
        clock_cell(report)
    );
    crate::diag::shown(&line).into_owned() + "\n"
}

/// True if the guest starts; `-` where the file was not read or not written, which tells nothing of the guest.
#[must_use]
pub fn starts_cell(report: &FileReport) -> &'static str {
    match report.starts() {
        _ if report.failure.is_some() => "-",
        true => "yes",
        false => "no",
    }
}

/// The cell for the clock: its offset, or the loss.
#[must_use]
pub fn clock_cell(report: &FileReport) -> String {
    match (report.clock.is_some(), report.clock_differs) {
        (false, _) => "-".to_owned(),
        _ if report.of_sort(Sort::Blocker).any(|found| found.of_clock) => "blocked".to_owned(),
        (true, 0) => "same".to_owned(),
        (true, 1) => "1 differs".to_owned(),
        (true, number) => format!("{number} differ"),
    }
}
