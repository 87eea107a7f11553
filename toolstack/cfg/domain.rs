//! Reads an xl.cfg as a domain, and applies settings to an existing domain.

use std::ops::Range;

use timers::GuestKind;

use super::Cfg;
use super::clock::{self, Base};
use super::host::XlHost;
use super::parse::{WORDS, parse_with};
use super::read::{Reader, unknown};
use super::readings;
use super::remedy_words;
use super::suggest;
use crate::assess::{Target, assess, native_at_a_frequency};
use crate::diag::{Diagnostic, Errors, Report, Verdict};
use crate::domain::{Domain, DomainConfig};
use crate::input::{Input, refusals};

/// A domain as an xl.cfg describes it.
#[derive(Clone, Debug)]
pub struct Described {
    /// The domain, and what becomes of each setting.
    pub input: Input,
    /// The keys that no xl up to Xen 4.22 knows and that may be those of a newer one. The domain is without them: where it is to
    /// be started, ask the installed xl for its config ([`crate::xl::installed`]), or refuse it; a converter may leave them out,
    /// as xl does with a warning.
    pub unknown: Vec<String>,
}

/// The keys that say which kind of guest it is.
const KIND: [&str; 2] = ["type", "builder"];

/// Codes of findings about the form of a value: it is no number, no list, none of the words that the key takes.
pub(super) const OF_FORM: [&str; 5] = ["bad-value", "no-number", "no-text", "no-list", "no-word"];

/// Codes of findings on a setting that no other setting can change: they stand where a line of the file cannot be read.
const OF_SETTING: [&str; 21] = [
    "backwards",
    "bad-cpuid",
    "bad-mac",
    "bad-range",
    "bad-value",
    "list-in-list",
    "no-equals",
    "no-list",
    "no-number",
    "no-text",
    "not-all-a-number",
    "number-wraps",
    "offset-range",
    "old-key",
    "other-release",
    "second-equals",
    "target-not-last",
    "unknown-clock-key",
    "unknown-key",
    "unknown-word",
    "word-cut-short",
];

/// Codes of findings on a key, whatever its value.
const OF_NAME: [&str; 3] = ["old-key", "unknown-clock-key", "unknown-key"];

/// Reads an xl.cfg, with remedies that nobody has tried; see [`super::read`].
pub fn read(name: &str, bytes: &[u8], words: &[String], host: &XlHost) -> Result<Described, Errors> {
    let (mut cfg, syntax) = parse_with(name, bytes, words);
    if !cfg.unread.mended.is_empty() && !cfg.unread.lost {
        let Reading { report, errors, .. } = Reading::of(&cfg, Vec::new(), host);
        let forms = report.differences().filter(|found| OF_FORM.contains(&found.finding.code));
        let of_lines = errors.into_iter().chain(forms).filter(|found| !found.place.span.is_empty());
        let open: Vec<_> = of_lines.map(|found| found.place.span.start).collect();
        cfg.give_up(&open);
    }
    let mut read = described(&cfg, syntax.clone(), host);
    for setting in readings::of(&cfg) {
        let Err(errors) = &mut read else { break };
        let of_line = cfg.span(&setting.key_span);
        if let Err(other) = described(&cfg.with(setting), syntax.clone(), host)
            // A value that is refused is none that the line may have.
            && !other.iter().any(|error| !is_of_syntax(error) && is_about(error, &of_line))
        {
            errors.retain(|found| is_of_syntax(found) || other.has(found));
        }
    }
    read
}

/// True for what is said of a line. What is said of the file as a whole stands at its beginning, and is not about the line
/// there.
fn is_about(found: &Diagnostic, line: &Range<usize>) -> bool {
    let place = &found.place.span;
    !place.is_empty() && line.contains(&place.start)
}

/// True for what the lexer or the grammar refuses.
fn is_of_syntax(found: &Diagnostic) -> bool {
    found.finding.code.starts_with("cfg-")
}

/// What a file has, as far as it can be read.
struct Reading {
    domain: Domain,
    report: Report,
    errors: Vec<Diagnostic>,
}

impl Reading {
    /// The reading of a file with these errors of syntax. A kind of guest that xl refuses is reported as well.
    fn of(cfg: &Cfg, syntax: Vec<Diagnostic>, host: &XlHost) -> Self {
        let kind = cfg.kind().unwrap_or(GuestKind::Pv);
        let mut reader = Reader::new(cfg, host, DomainConfig::new(kind), false);
        reader.book.errors(syntax);
        reader.run();
        let clock = clock::read_into(&mut reader.book, &host.zones, kind, Base::Nothing);
        let mut report = Report::new(cfg.source().clone());
        let config = reader.config;
        let errors = reader.book.close(&mut report, 0);
        Reading { domain: Domain::new(config, clock), report, errors }
    }
}

/// A file as a domain, with its errors of syntax.
fn described(cfg: &Cfg, syntax: Vec<Diagnostic>, host: &XlHost) -> Result<Described, Errors> {
    let is_kind = cfg.kind().is_some();
    // A line that cannot be read may be the one of the kind.
    let has_kind = is_kind && (!cfg.unread.lost || KIND.iter().any(|key| cfg.get(key).is_some()));
    let Reading { domain, report, errors } = Reading::of(cfg, syntax, host);
    if !errors.is_empty()
        && let Some(errors) = (Wrong { cfg, is_kind, has_kind }).errors(errors, &report, &domain)
    {
        return Err(errors);
    }
    let counts = cfg.settings().iter().filter(|setting| setting.followed_by.is_none());
    let names = counts.map(|setting| &setting.name);
    let unknown = names.filter(|name| unknown::may_be_newer(name)).cloned().collect();
    let mut input = Input::new(domain, report);
    input.xen = host.release.unwrap_or(input.xen);
    Ok(Described { input, unknown })
}

/// A file with errors.
struct Wrong<'a> {
    cfg: &'a Cfg,
    /// Which kind of guest it is can be known.
    is_kind: bool,
    /// It is, as far as the file can be read.
    has_kind: bool,
}

impl Wrong<'_> {
    /// All errors, with what can be said of the rest: nobody should have to mend a file to see what else is wrong with it.
    fn errors(&self, errors: Vec<Diagnostic>, report: &Report, domain: &Domain) -> Option<Errors> {
        let mut report = report.clone();
        let Wrong { cfg, is_kind, has_kind } = *self;
        // A setting with an error of syntax has that error alone.
        let mended: Vec<_> = cfg.unread.mended.iter().map(|bytes| cfg.span(bytes)).collect();
        let is_mended = |found: &Diagnostic| mended.iter().any(|span| is_about(found, span));
        let (of_mended, mut left): (Vec<_>, Vec<_>) =
            errors.into_iter().partition(|error| !is_of_syntax(error) && is_mended(error));
        let is_whole = !cfg.unread.lost && of_mended.is_empty();
        let is_of_clock = |error: &Diagnostic| clock::is_of_clock(error.node.trim_start_matches('/'));
        let is_clock = has_kind && is_whole && !left.iter().any(is_of_clock);
        let native = native_at_a_frequency(&domain.clock);
        let judged = has_kind.then(|| assess(domain, Target::Start)).into_iter().flatten();
        for (part, finding) in judged.chain(native) {
            match finding.verdict {
                Verdict::Invalid => left.push(report.at(part, finding)),
                _ if is_clock => report.lower(part, finding),
                _ => {}
            }
        }
        report.choose_alternatives(false);
        let stands = |found: &Diagnostic| match (is_kind, is_whole) {
            (true, false) if is_mended(found) => OF_NAME.contains(&found.finding.code),
            // Its form is that of the remedy.
            (true, true) => !is_mended(found) || !OF_FORM.contains(&found.finding.code),
            (true, false) => OF_SETTING.contains(&found.finding.code),
            (false, _) => false,
        };
        // What is said of the value that is meant, or of a key that xl does not know, is said of the line.
        let is_of_line = |found: &Diagnostic| {
            let key = found.node.trim_start_matches('/');
            let writes =
                |remedy: &str| remedy.strip_prefix("write ").and_then(remedy_words::key_of) == Some(key);
            let is_value = || is_whole && found.finding.alternative.as_deref().is_some_and(writes);
            is_mended(found) && (OF_NAME.contains(&found.finding.code) || is_value())
        };
        let of_lines: Vec<_> = report.differences().filter(is_of_line).collect();
        // What has the remedy of an error is part of it.
        let mut parts = Vec::new();
        for error in left.iter_mut().filter(|error| is_of_syntax(error)) {
            let Some(line) = mended.iter().find(|span| span.contains(&error.place.span.start)) else {
                continue;
            };
            for found in of_lines.iter().filter(|found| line.contains(&found.place.span.start)) {
                let remedy = error.finding.alternative.as_deref().unwrap_or_default();
                let better = found.finding.alternative.as_deref().unwrap_or_default();
                let several = remedy_words::setting_of(remedy)
                    .is_some_and(|settings| remedy_words::each(settings).len() > 1);
                let remedy = match several {
                    true => remedy_words::with_better(remedy, better),
                    false => found.finding.alternative.as_deref().map(str::to_owned),
                };
                if let Some(remedy) = remedy {
                    error.finding.alternative = Some(remedy.into());
                    if !OF_FORM.contains(&found.finding.code) {
                        error.finding.reason =
                            format!("{}; and {}", error.finding.reason, found.finding.reason).into();
                    }
                    parts.push(found);
                }
                if !several {
                    break;
                }
            }
        }
        let is_alone = |found: &Diagnostic| {
            !parts.iter().any(|part| part.finding == found.finding && part.place.span == found.place.span)
        };
        let errors = Errors::of(left, cfg.source())?;
        Some(errors.with_findings(report.differences().filter(|found| stands(found) && is_alone(found))))
    }
}

/// A file with words of a command line behind it, as an installed xl is given it: it takes no word without quotes.
#[must_use]
pub fn for_xl(name: &str, bytes: &[u8], words: &[String]) -> Vec<u8> {
    let (cfg, _) = parse_with(name, bytes, words);
    let mut text = Vec::with_capacity(cfg.bytes.len());
    let mut at = 0;
    for setting in cfg.settings().iter().filter(|setting| setting.value.bare) {
        let span = &setting.value.span;
        text.extend(cfg.bytes.get(at..span.start).unwrap_or_default());
        text.extend(
            suggest::quoted(&String::from_utf8_lossy(setting.text().unwrap_or_default())).into_bytes(),
        );
        at = span.end;
    }
    text.extend(cfg.bytes.get(at..).unwrap_or_default());
    text
}

/// Lays the words of a command line over a domain: each key means what it means in an xl.cfg.
///
/// # Errors
/// If xl refuses a word, or a key does not exist.
pub fn overlay(input: &mut Input, words: &[String], host: &XlHost) -> Result<(), Errors> {
    if words.is_empty() {
        return Ok(());
    }
    let Input { domain, report, .. } = input;
    let (cfg, syntax) = parse_with(WORDS, b"", words);
    let mut reader = Reader::new(&cfg, host, domain.config.clone(), true);
    reader.book.errors(syntax);
    reader.run();
    let clock =
        clock::read_into(&mut reader.book, &host.zones, domain.config.kind(), Base::Domain(&domain.clock));
    let config = reader.config;
    let start = cfg.tail.unwrap_or_default();
    let at = report.append(WORDS, cfg.source().text().get(start..).unwrap_or_default());
    let errors = reader.book.close(report, at - start);
    if let Some(errors) = Errors::of(errors, cfg.source()) {
        return Err(errors);
    }
    domain.config = config;
    domain.clock = clock;
    domain.refusals = refusals(&domain.config, report);
    Ok(())
}
