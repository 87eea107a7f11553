//! `xenclock check`

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{Check, Global};
use super::directory;
use super::input::{self, Format};
use super::output::{self, Failure};
use super::reading::{Setting, Wrong};
use super::report;
use xenclock::convert;
use xenclock::diag::{Errors, Source, Verdict};
use xenclock::input::Input;
use xenclock::report::{Detail, FileReport, Found, Sort, counted, sarif, summary_json};

/// A file that was looked at, with its text for the lines that are shown.
struct Checked {
    report: FileReport,
    source: Option<Source>,
    status: u8,
}

pub(super) fn run(global: &Global, check: &Check) -> Result<(), Failure> {
    let setting = Setting::of(global, &check.reading).map_err(output::nothing_found)?;
    let detail = report::detail(global);
    let (mut worst, mut reports) = (0, Vec::new());
    let (files, skipped) = files(check);
    for file in &files {
        let checked = checked(file, &setting);
        worst = worst.max(checked.status);
        if check.json || check.sarif {
            reports.push(checked.report);
        } else {
            show(&checked, check.quiet, detail)?;
            reports.push(FileReport { findings: Vec::new(), ..checked.report });
        }
    }
    if check.json {
        let files: Vec<_> = reports.iter().map(xenclock::report::json).collect();
        output::json(&json!({"files": files, "summary": summary_json(&reports)}))?;
    } else if check.sarif {
        output::json(&sarif(&reports))?;
    } else if !check.quiet && (reports.len() > 1 || files != check.files) {
        let number = |status: fn(&FileReport) -> bool| reports.iter().filter(|report| status(report)).count();
        let (starts, wrong) = (number(FileReport::starts), number(|report| !report.starts()));
        output::text(&format!("{}: {starts} start, {wrong} do not\n", counted(reports.len(), "file")))?;
    }
    if skipped > 0 {
        output::message(&format!("xenclock: skipped {}", counted(skipped, "other file")));
    }
    if worst == 0 { Ok(()) } else { Err(Failure::Found(worst)) }
}

/// The files that are named, those of directories among them, and how many files of directories are passed over.
fn files(check: &Check) -> (Vec<PathBuf>, usize) {
    let (mut files, mut skipped) = (Vec::new(), 0);
    for file in &check.files {
        match directory::configs(file, true) {
            Ok((configs, others)) => {
                files.extend(configs);
                skipped += others;
            }
            // No directory, or one whose error its turn brings out.
            Err(_) => files.push(file.clone()),
        }
    }
    (files, skipped)
}

fn checked(file: &Path, setting: &Setting) -> Checked {
    let name = &input::name_of(file);
    let bytes = match output::input(file) {
        Ok(bytes) => bytes,
        Err(failure) => {
            let why = failure.words().unwrap_or_default();
            let why = why.strip_prefix(&format!("{name}: ")).unwrap_or(&why);
            return Checked { report: FileReport::failed(name, why), source: None, status: 2 };
        }
    };
    let read = setting.read(name, &bytes).and_then(|(mut input, format)| {
        judge(&mut input, format, setting).map_err(|errors| Wrong::with(&input, format, &errors))?;
        Ok((input, format))
    });
    match read {
        Ok((input, format)) => {
            let report = FileReport::of(name, format.as_str(), &input, &|_, _| None);
            let status = status(&report, format);
            Checked { report, source: Some(input.report.source().clone()), status }
        }
        Err(wrong) => Checked { report: wrong.report(name), source: Some(*wrong.source), status: 2 },
    }
}

/// Says of a domain what a start would make of it.
fn judge(input: &mut Input, format: Format, setting: &Setting) -> Result<(), Errors> {
    convert::check(input, &setting.at(), setting.tsc.as_ref())?;
    if format == Format::Json {
        convert::note_unknown(input);
    }
    setting.look_at_host(input);
    Ok(())
}

/// The exit status. A setting without effect is a mistake in an xl.cfg, which is for Xen alone. Domain XML is for other
/// hypervisors, too, and libxl's JSON is written by programs.
fn status(report: &FileReport, format: Format) -> u8 {
    let differs = report.findings.iter().any(|found| {
        let verdict = found.diagnostic.finding.verdict;
        verdict.is_loss()
            || (format == Format::Cfg
                && verdict == Verdict::NoEffect
                && !found.diagnostic.finding.is_advice())
    });
    if report.starts() { u8::from(differs) } else { 2 }
}

fn show(checked: &Checked, quiet: bool, detail: Detail) -> Result<(), Failure> {
    let Checked { report, source, status } = checked;
    if quiet && *status == 0 {
        return Ok(());
    }
    let mut text = report::heading(report);
    if let Some(source) = source {
        // The parts of an XML that Xen does not need are reported with -v.
        let is_dull =
            |found: &&Found| found.sort() == Sort::NoEffect && report.format == Format::Xml.as_str();
        let findings = report.findings.iter().filter(|found| detail == Detail::Full || !is_dull(found));
        let diagnostics = findings.map(|found| found.diagnostic.clone());
        for (finding, lines) in xenclock::report::findings(diagnostics, source, detail) {
            text.push_str(&output::with_colour(&finding, &lines));
        }
    }
    output::coloured(&text)
}
