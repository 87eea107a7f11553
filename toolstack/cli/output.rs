//! Output: data to standard output, messages to standard error, colour only on a terminal.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use xenclock::diag::{Diagnostic, Source, Verdict, render, shown, shown_json, shown_lines};
use xenclock::host::{HostError, ShutdownReason};

/// Why a command ends.
#[derive(Debug)]
pub(super) enum Failure {
    /// With this message of one line; exit status 1.
    Error(String),
    /// With this message of several lines; exit status 1.
    Lines(String),
    /// The command line is wrong; exit status 2.
    Usage(String),
    /// All has been said already; exit status 1.
    Reported,
    /// With the exit status of what was found.
    Found(u8),
    /// Whoever read standard output has gone; no failure.
    BrokenPipe,
}

impl Failure {
    /// Its message, where it has one that is not said yet.
    pub(super) fn words(self) -> Option<String> {
        match self {
            Failure::Error(message) | Failure::Lines(message) | Failure::Usage(message) => Some(message),
            Failure::Reported | Failure::Found(_) | Failure::BrokenPipe => None,
        }
    }
}

/// Says a failure before anything was looked at. Its exit status is 2, since 1 says that all guests start.
pub(super) fn nothing_found(failure: Failure) -> Failure {
    match failure {
        Failure::Error(message) => error(&message),
        Failure::Lines(message) => error_lines(&message),
        Failure::Reported => {}
        other => return other,
    }
    Failure::Found(2)
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Failure::Error(error.to_string())
    }
}

impl From<Failure> for xenclock::xl::migration::Failed {
    fn from(failure: Failure) -> Self {
        failure.words().unwrap_or_else(|| "it failed".to_owned()).into()
    }
}

/// Prints data, byte for byte: JSON, an xl.cfg, what else programs read.
pub(super) fn data(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

fn written(result: std::io::Result<()>) -> Result<(), Failure> {
    match result {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::BrokenPipe),
        Err(error) => Err(Failure::Error(format!("standard output: {error}"))),
    }
}

/// Prints lines for people. Names in them come from outside.
pub(super) fn text(lines: &str) -> Result<(), Failure> {
    data(&shown_lines(lines))
}

/// Prints a JSON value as data.
pub(super) fn json(value: &serde_json::Value) -> Result<(), Failure> {
    json_data(&format!("{value:#}\n"))
}

/// Prints JSON as data. Names in it come from outside.
pub(super) fn json_data(json: &str) -> Result<(), Failure> {
    data(&shown_json(json))
}

/// Says something, in one line.
pub(super) fn message(text: &str) {
    say(&shown(text));
}

/// Says something in several lines.
pub(super) fn lines(text: &str) {
    say(&shown_lines(text));
}

/// Says what went wrong, in one line.
pub(super) fn error(message: &str) {
    say(&format!("{ERROR}{}", shown(message)));
}

/// Says what went wrong, in several lines.
pub(super) fn error_lines(message: &str) {
    say(&format!("{ERROR}{}", shown_lines(message)));
}

/// Says diagnostics as JSON.
pub(super) fn json_message(text: &str) {
    say(&shown_json(text));
}

/// True if each message has a time.
static STAMPED: AtomicBool = AtomicBool::new(false);

/// Puts the time and this process's number in front of each message, as xl -T does.
pub(super) fn stamp(stamped: bool) {
    STAMPED.store(stamped, Ordering::Relaxed);
}

fn say(text: &str) {
    let stamp = match STAMPED.load(Ordering::Relaxed) {
        true => format!(
            "{} [{}] ",
            chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now())
                .format("%Y-%m-%d %H:%M:%S UTC"),
            std::process::id()
        ),
        false => String::new(),
    };
    // In one write: the two ends of a migration share a terminal. Words that nobody can read any more are no reason to
    // stop.
    let _ = anstream::stderr().write_all(format!("{stamp}{text}\n").as_bytes());
}

const ERROR: &str = "xenclock: \x1b[1;31merror\x1b[0m: ";

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const CYAN: &str = "\x1b[1;36m";
const PLAIN: &str = "\x1b[0m";

/// Says a diagnostic.
pub(super) fn diagnostic(diagnostic: &Diagnostic, source: &Source) {
    painted(diagnostic, &render::human(diagnostic, source));
}

/// Says lines that are safe to show, with their ends.
pub(super) fn said(lines: &str) {
    if !lines.contains('\x1b') {
        let _ = std::io::stderr().write_all(lines.as_bytes());
        return;
    }
    // In one piece, which anstream alone would cut where colours begin and end.
    let choice = anstream::AutoStream::choice(&std::io::stderr());
    let mut text = anstream::AutoStream::new(Vec::new(), choice);
    let _ = text.write_all(lines.as_bytes());
    let _ = std::io::stderr().write_all(&text.into_inner());
}

/// Prints lines that are safe to show, in colour on a terminal.
pub(super) fn coloured(lines: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    written(out.write_all(lines.as_bytes()).and_then(|()| out.flush()))
}

/// Says a diagnostic in these words, with its verdict in colour.
pub(super) fn painted(diagnostic: &Diagnostic, text: &str) {
    if has_colour() {
        said(&with_colour(diagnostic, text));
    } else {
        said(text);
    }
}

/// True if standard error shows colours.
pub(super) fn has_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// The words of a diagnostic, with its verdict in colour.
pub(super) fn with_colour(diagnostic: &Diagnostic, text: &str) -> String {
    let word = diagnostic.finding.word();
    let colour = match diagnostic.finding.verdict {
        Verdict::Invalid => RED,
        Verdict::NoEffect => CYAN,
        _ => YELLOW,
    };
    text.replacen(&format!(": {word}: "), &format!(": {colour}{word}{PLAIN}: "), 1)
}

/// The whole of an input file; - is standard input.
pub(super) fn input(file: &Path) -> Result<Vec<u8>, Failure> {
    let read = || -> std::io::Result<Vec<u8>> {
        // One byte more than any input may have is enough to refuse it.
        let limit = xenclock::xml::MAX_BYTES as u64 + 1;
        let mut bytes = Vec::new();
        if file == Path::new("-") {
            std::io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
        } else {
            std::fs::File::open(file)?.take(limit).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    };
    read().map_err(|error| Failure::Error(format!("{}: {error}", file.display())))
}

/// Why a domain shut down, as xl list and its monitor say it.
pub(super) fn reason_word(reason: ShutdownReason) -> &'static str {
    match reason {
        ShutdownReason::Poweroff => "poweroff",
        ShutdownReason::Reboot => "reboot",
        ShutdownReason::Suspend => "suspended",
        ShutdownReason::Crash => "crashed",
        ShutdownReason::Watchdog => "watchdog",
        ShutdownReason::SoftReset => "soft-reset",
    }
}

/// Prints warnings, each once.
pub(super) fn warn<T: Display>(warnings: &[T]) {
    for warning in warnings {
        let text = warning.to_string();
        if !has_warned(&text) {
            message(&format!("xenclock: warning: {text}"));
            warned().insert(text);
        }
    }
}

/// True if this warning has been printed.
pub(super) fn has_warned(text: &str) -> bool {
    warned().contains(text)
}

/// The warnings that this command has printed: it may meet one trouble several times.
fn warned() -> MutexGuard<'static, BTreeSet<String>> {
    static WARNED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    WARNED.lock().unwrap_or_else(PoisonError::into_inner)
}
