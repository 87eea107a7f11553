//! Prints reports to standard error.

use std::io::IsTerminal;

use super::args::{Diagnostics, Global};
use super::input;
use super::output::{self, Failure};
use super::reading::Wrong;
use xenclock::diag::{Diagnostic, Report, render};
use xenclock::report::{Detail, FileReport, clock_line, findings, sarif, summary};

/// How much is asked for.
pub(super) fn detail(global: &Global) -> Detail {
    if global.verbose > 0 { Detail::Full } else { Detail::Short }
}

/// Says the report on a file that was read. Where nothing is lost that is said on a terminal, and with -v.
pub(super) fn say(said: &FileReport, report: &Report, how: Diagnostics, detail: Detail) {
    match how {
        Diagnostics::Human if nothing_to_say(said, detail) => {}
        Diagnostics::Human => {
            let mut lines = heading(said);
            let shown = said.said(detail).map(|found| found.diagnostic.clone());
            let has_colour = output::has_colour();
            for (finding, text) in findings(shown, report.source(), detail) {
                lines.push_str(&if has_colour { output::with_colour(&finding, &text) } else { text });
            }
            output::said(&lines);
        }
        Diagnostics::Json => array(report.all()),
        Diagnostics::Sarif => output::json_message(&format!("{:#}", sarif([said]))),
    }
}

fn nothing_to_say(said: &FileReport, detail: Detail) -> bool {
    let is_dull = said.said(Detail::Short).next().is_none() && said.counts.accepted == 0;
    is_dull && detail == Detail::Short && !std::io::stderr().is_terminal()
}

/// The summary of a file and its clock's verdict, in one or two lines.
pub(super) fn heading(said: &FileReport) -> String {
    let clock = clock_line(said).map(|line| line + "\n").unwrap_or_default();
    format!("{}\n{clock}", summary(said))
}

/// Says what differs where a guest is started: its clock is said elsewhere.
pub(super) fn losses(report: &Report, detail: Detail) {
    let losses = report.losses().chain(report.advice());
    for (finding, text) in findings(losses, report.source(), detail) {
        output::painted(&finding, &text);
    }
}

/// Says what is wrong with a file.
pub(super) fn wrong(file: &str, bytes: &[u8], wrong: &Wrong, how: Diagnostics) -> Failure {
    match how {
        Diagnostics::Human => {
            wrong.errors.iter().for_each(|error| output::diagnostic(error, &wrong.source));
            if let Some(hint) = input::no_cfg(file, bytes, wrong.format) {
                output::error(&hint);
            }
        }
        Diagnostics::Json => array(wrong.errors.iter().cloned()),
        Diagnostics::Sarif => output::json_message(&format!("{:#}", sarif([&wrong.report(file)]))),
    }
    Failure::Reported
}

/// One by one: an array of all as values takes a lot more memory than its text.
fn array(diagnostics: impl Iterator<Item = Diagnostic>) {
    let items: Vec<_> =
        diagnostics.map(|item| format!("{:#}", render::json(&item)).replace('\n', "\n  ")).collect();
    output::json_message(&format!("[\n  {}\n]", items.join(",\n  ")));
}
