//! Converts many files: on all cores, with one table.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::super::args::{Convert, Diagnostics, Global};
use super::super::output::{self, Failure};
use super::super::reading::{Setting, unused_rules};
use super::super::{input, report};
use super::inputs::{self, Job};
use super::step::{Unconverted, accepted, converted, stale, write_accept};
use super::written;
use xenclock::files::read_regular;
use xenclock::report::{
    Accepted, Detail, Estate, FileReport, Uses, counted, findings, sarif, table_head, table_row,
};
use xenclock::xml;

/// As many kinds of findings are named below the table.
const COMMONEST: usize = 10;

/// How often the progress is said.
const PROGRESS: Duration = Duration::from_millis(100);

/// The result of converting a file.
struct Outcome {
    index: usize,
    report: FileReport,
    uses: Uses,
    secret: bool,
    /// The report of it with -v.
    details: String,
}

/// The state that all workers share.
struct Shared<'a> {
    jobs: Vec<Job>,
    next: AtomicUsize,
    options: &'a Convert,
    setting: Setting,
    accepted: Option<Accepted>,
    detail: Detail,
    dry_run: bool,
}

pub(super) fn run(global: &Global, options: &Convert) -> Result<(), Failure> {
    let (jobs, skipped) = inputs::jobs(options)?;
    let setting = Setting::of(global, &options.reading)?;
    let accepted = accepted(options)?;
    if let Some(directory) = options.output.as_deref().filter(|_| !global.dry_run) {
        std::fs::create_dir_all(directory)
            .map_err(|error| Failure::Error(format!("{}: {error}", directory.display())))?;
    }
    let (ins, outs) =
        (jobs.iter().map(|job| &*job.input), jobs.iter().filter_map(|job| job.output.as_deref()));
    written::check_outputs(options, ins.chain(outs).collect(), Vec::new())?;
    let next = AtomicUsize::new(0);
    let (detail, dry_run) = (report::detail(global), global.dry_run);
    let shared = Shared { jobs, next, options, setting, accepted, detail, dry_run };
    let whole = options.report.is_some()
        || options.write_accept.is_some()
        || options.diagnostics != Diagnostics::Human;
    let (reports, estate, secrets) = all(&shared, whole);
    if let Some(directory) = options.output.as_deref().filter(|_| !dry_run) {
        written::finish(directory)
            .map_err(|error| Failure::Error(format!("{}: {error}", directory.display())))?;
    }
    say(options, &reports, &estate)?;
    if skipped > 0 {
        output::message(&format!("xenclock: skipped {}", counted(skipped, "other file")));
    }
    if secrets > 0 {
        output::message(&format!(
            "xenclock: {secrets} of the files contain a password: only their owner can read these (mode 0600)"
        ));
    }
    unused_rules(&shared.setting.mapping, estate.mapped());
    stale(shared.accepted.as_ref());
    written::report(options, &estate, &reports)?;
    write_accept(options, &reports)?;
    let is_done = |report: &FileReport| report.failure.is_none() && report.counts.errors == 0;
    if reports.iter().all(is_done) { Ok(()) } else { Err(Failure::Reported) }
}

/// Converts all files. Reports keep their findings where `whole`.
fn all(shared: &Shared<'_>, whole: bool) -> (Vec<FileReport>, Estate, usize) {
    let total = shared.jobs.len();
    let workers = thread::available_parallelism().map_or(1, usize::from).min(total.max(1));
    let mut reports: Vec<Option<FileReport>> = (0..total).map(|_| None).collect();
    let mut waiting: Vec<Option<(Uses, String)>> = (0..total).map(|_| None).collect();
    let (mut estate, mut secrets, mut done, mut shown) = (Estate::default(), 0, 0, 0);
    let mut progress = Progress::new(total);
    thread::scope(|scope| {
        // A worker that is ahead waits: no more than a few outcomes are in memory.
        let (sender, receiver) = mpsc::sync_channel(4 * workers);
        for _ in 0..workers {
            let sender = sender.clone();
            scope.spawn(move || {
                while let Some(outcome) = next(shared) {
                    if sender.send(outcome).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for Outcome { index, report, uses, secret, details } in receiver {
            secrets += usize::from(secret);
            reports[index] = Some(report);
            waiting[index] = Some((uses, details));
            // In the order of the inputs.
            while let Some((uses, details)) = waiting.get_mut(shown).and_then(Option::take) {
                if let Some(report) = &mut reports[shown] {
                    progress.clear(&details);
                    estate.add(report, &uses);
                    if !whole {
                        report.forget_findings();
                    }
                }
                shown += 1;
            }
            done += 1;
            progress.say(done);
        }
    });
    progress.end();
    (reports.into_iter().flatten().collect(), estate, secrets)
}

/// Converts the next file that nobody has taken.
fn next(shared: &Shared<'_>) -> Option<Outcome> {
    let index = shared.next.fetch_add(1, Ordering::Relaxed);
    let job = shared.jobs.get(index)?;
    let name = input::name_of(&job.input);
    let failed = |why: String| Outcome {
        index,
        report: FileReport::failed(&name, why),
        uses: Uses::default(),
        secret: false,
        details: String::new(),
    };
    if let Some(why) = &job.refused {
        return Some(failed(why.clone()));
    }
    let bytes = match read(&job.input, shared.options) {
        Ok(bytes) => bytes,
        Err(why) => return Some(failed(why)),
    };
    let done = converted(&name, &bytes, shared.options, &shared.setting, shared.accepted.as_ref());
    let done = match done {
        Ok(done) => done,
        Err(Unconverted::Failed(failure)) => return Some(failed(failure.words().unwrap_or_default())),
        Err(Unconverted::Wrong(wrong)) => {
            let report = wrong.report(&name);
            let details = details(&report, &wrong.source, shared.detail);
            return Some(Outcome { report, details, ..failed(String::new()) });
        }
    };
    let mut report = done.report;
    let details = details(&report, done.findings.source(), shared.detail);
    let mut secret = false;
    if shared.options.strict && report.is_lossy() {
        report.failure = Some("not written: not everything means the same on Xen (--strict)".to_owned());
    } else if let Some(output) = job.output.as_deref().filter(|_| !shared.dry_run) {
        match written::write_one_of_many(output, &done.text, done.secret) {
            Ok(()) => {
                report.output = Some(input::name_of(output));
                secret = done.secret;
            }
            Err(error) => report.failure = Some(format!("{}: {error}", output.display())),
        }
    }
    Some(Outcome { index, report, uses: done.uses, secret, details })
}

/// The bytes of a file. One alone is read as by a conversion that writes, from a pipe too.
fn read(file: &Path, options: &Convert) -> Result<Vec<u8>, String> {
    if !inputs::are_many(options) {
        return output::input(file).map_err(|failure| failure.words().unwrap_or_default());
    }
    read_regular(file, xml::MAX_BYTES as u64).map_err(|error| error.to_string())
}

/// The report of a file with -v.
fn details(report: &FileReport, source: &xenclock::diag::Source, detail: Detail) -> String {
    if detail == Detail::Short {
        return String::new();
    }
    let mut text = report::heading(report);
    let shown = report.said(detail).map(|found| found.diagnostic.clone());
    let has_colour = output::has_colour();
    for (finding, lines) in findings(shown, source, detail) {
        text.push_str(&if has_colour { output::with_colour(&finding, &lines) } else { lines });
    }
    text
}

/// The table on standard output with what many files have in common; or all as JSON or SARIF on standard error.
fn say(options: &Convert, reports: &[FileReport], estate: &Estate) -> Result<(), Failure> {
    match options.diagnostics {
        Diagnostics::Human => {}
        Diagnostics::Json => output::json_message(&format!("{:#}", estate.json(reports))),
        Diagnostics::Sarif => output::json_message(&format!("{:#}", sarif(reports))),
    }
    let width = reports.iter().map(|report| report.file.chars().count()).max().unwrap_or_default();
    let mut text = table_head(width);
    reports.iter().for_each(|report| text.push_str(&table_row(report, width)));
    text.push_str(&format!("\n{}\n", estate.totals()));
    let commonest = estate.commonest(COMMONEST);
    if !commonest.is_empty() {
        text.push_str("\nMost often:\n");
    }
    for (code, files, reason) in commonest {
        text.push_str(&format!("  {files:>5}  [{code}] {reason}\n"));
    }
    for (title, resolved) in [
        ("To be mapped first (--map or --map-file):", false),
        ("Used unchanged, and must exist on the host:", true),
    ] {
        let needs: Vec<_> = estate.needs().into_iter().filter(|need| need.resolved == resolved).collect();
        if !needs.is_empty() {
            text.push_str(&format!("\n{title}\n"));
        }
        for need in needs {
            text.push_str(&format!("  {:>5}  {}:{}=\n", need.guests, need.kind.as_str(), need.name));
        }
    }
    let twice: Vec<_> = estate.twice().map(|words| format!("  {words}\n")).collect();
    if !twice.is_empty() {
        text.push_str(&format!("\nCannot run together:\n{}", twice.concat()));
    }
    output::text(&text)
}

/// How far the conversion is, on a terminal.
struct Progress {
    total: usize,
    last: Option<Instant>,
    is_shown: bool,
}

impl Progress {
    fn new(total: usize) -> Self {
        Progress { total, last: std::io::stderr().is_terminal().then(Instant::now), is_shown: false }
    }

    fn say(&mut self, done: usize) {
        if let Some(last) = self.last.as_mut().filter(|last| last.elapsed() >= PROGRESS) {
            *last = Instant::now();
            let _ = write!(std::io::stderr(), "\r{done} of {} files", self.total);
            self.is_shown = true;
        }
    }

    /// Says lines in the place of the progress.
    fn clear(&mut self, lines: &str) {
        if !lines.is_empty() {
            self.end();
            output::said(lines);
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
