//! Reads an xl.cfg as a domain, and applies settings to an existing domain.

use timers::GuestKind;

use super::clock::{self, Base};
use super::host::XlHost;
use super::parse::{WORDS, parse_with};
use super::read::{Reader, unknown};
use super::suggest;
use crate::diag::{Errors, Report};
use crate::domain::{Domain, DomainConfig};
use crate::input::Input;

/// A domain as an xl.cfg describes it.
#[derive(Clone, Debug)]
pub struct Described {
    /// The domain, and what becomes of each setting.
    pub input: Input,
    /// The keys that no xl up to Xen 4.22 knows and that may be those of a newer one.
    pub unknown: Vec<String>,
}

/// Reads an xl.cfg, with remedies that nobody has tried; see [`super::read`].
pub fn read(name: &str, bytes: &[u8], words: &[String], host: &XlHost) -> Result<Described, Errors> {
    let (cfg, syntax) = parse_with(name, bytes, words);
    // A kind that xl refuses is reported as well.
    let kind = cfg.kind();
    let is_clear = syntax.is_empty() && kind.is_some();
    let kind = kind.unwrap_or(GuestKind::Pv);
    let mut reader = Reader::new(&cfg, host, DomainConfig::new(kind), false);
    reader.book.errors(syntax);
    reader.run();
    let clock = clock::read_into(&mut reader.book, kind, Base::Nothing);
    let mut report = Report::new(cfg.source().clone());
    let config = reader.config;
    let errors = reader.book.close(&mut report, 0);
    if let Some(errors) = Errors::of(errors, cfg.source()) {
        return Err(if is_clear { errors.with_findings(report.differences()) } else { errors });
    }
    let counts = cfg.settings().iter().filter(|setting| setting.followed_by.is_none());
    let unknown =
        counts.map(|setting| setting.name.clone()).filter(|name| unknown::may_be_newer(name)).collect();
    let mut input = Input::new(Domain::new(config, clock), report);
    input.xen = host.release.unwrap_or(input.xen);
    Ok(Described { input, unknown })
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
    let clock = clock::read_into(&mut reader.book, domain.config.kind(), Base::Domain(&domain.clock));
    let config = reader.config;
    let start = cfg.tail.unwrap_or_default();
    let at = report.append(WORDS, cfg.source().text().get(start..).unwrap_or_default());
    let errors = reader.book.close(report, at - start);
    if let Some(errors) = Errors::of(errors, cfg.source()) {
        return Err(errors);
    }
    domain.config = config;
    domain.clock = clock;
    domain.refusals = report.refusals().map(|refused| refused.finding).collect();
    Ok(())
}
