//! Accepted losses, in a file that people write.
//!
//! A section `[FILE]` applies to the files of that name; lines before the first section apply to all files. A line
//! `CODE NODE = REASON` accepts the findings with a code on a node. `*` matches any characters in FILE and NODE.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use super::FileReport;
use crate::diag::{Diagnostic, Finding, Source, shown};

/// The accepted findings.
#[derive(Debug)]
pub struct Accepted {
    entries: Vec<Entry>,
    source: Source,
}

#[derive(Debug)]
struct Entry {
    file: String,
    code: String,
    node: String,
    reason: String,
    span: std::ops::Range<usize>,
    used: AtomicBool,
}

/// How a node without a name is written.
const NO_NODE: &str = "-";

impl Accepted {
    /// Reads a file of accepted losses.
    ///
    /// # Errors
    /// At the first line that is none.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Box<(Diagnostic, Source)>> {
        let source = Source::new(name, String::from_utf8_lossy(bytes).into_owned());
        let mut entries = Vec::new();
        let (mut at, mut file) = (0, "*".to_owned());
        for line in source.text().split_inclusive('\n') {
            let text = line.trim();
            let start = at + (line.len() - line.trim_start().len());
            at += line.len();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if let Some(section) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section.trim().clone_into(&mut file);
                continue;
            }
            let span = start..start + text.len();
            let parts = text.split_once('=').and_then(|(what, reason)| {
                let (code, node) = what.trim().split_once(char::is_whitespace)?;
                let (node, reason) = (node.trim(), reason.trim());
                (!node.is_empty() && !node.contains(char::is_whitespace)).then_some((code, node, reason))
            });
            let (why, instead) = match parts {
                Some((code, node, reason)) if !reason.is_empty() => {
                    let (code, node, reason) = (code.to_owned(), node.to_owned(), reason.to_owned());
                    let used = AtomicBool::new(false);
                    entries.push(Entry { file: file.clone(), code, node, reason, span, used });
                    continue;
                }
                Some(_) => ("the loss is accepted without a reason", "write the reason after the ="),
                None => (
                    "this is not an accepted loss",
                    "write CODE NODE = REASON, or a section [FILE], or a comment with #",
                ),
            };
            let finding = Finding::invalid("bad-accept", why).instead(instead);
            let place = source.place(span);
            return Err(Box::new((Diagnostic { place, node: String::new(), finding }, source)));
        }
        Ok(Accepted { entries, source })
    }

    /// Why a finding was accepted, if it was.
    #[must_use]
    pub fn reason(&self, file: &str, diagnostic: &Diagnostic) -> Option<String> {
        let node = if diagnostic.node.is_empty() { NO_NODE } else { &diagnostic.node };
        let base = file.rsplit('/').next().unwrap_or(file);
        let mut matching = self.entries.iter().filter(|entry| {
            entry.code == diagnostic.finding.code
                && is_like(&entry.node, node)
                && (is_like(&entry.file, file) || is_like(&entry.file, base))
        });
        let first = matching.next()?;
        first.used.store(true, Ordering::Relaxed);
        matching.for_each(|entry| entry.used.store(true, Ordering::Relaxed));
        Some(first.reason.clone())
    }

    /// The entries that no finding matched, each in a line with its place.
    pub fn stale(&self) -> impl Iterator<Item = String> + '_ {
        let stale = self.entries.iter().filter(|entry| !entry.used.load(Ordering::Relaxed));
        stale.map(|Entry { code, node, span, .. }| {
            format!("{}: {code} no longer occurs at {node}", self.source.place(span.clone()))
        })
    }
}

/// A first version of the file: every difference of these reports. What was accepted already keeps its reason.
#[must_use]
pub fn first_version(reports: &[FileReport]) -> String {
    let mut by_loss: BTreeMap<(&str, &str, String), BTreeSet<&str>> = BTreeMap::new();
    for report in reports {
        for found in &report.findings {
            let Diagnostic { node, finding, .. } = &found.diagnostic;
            if !finding.verdict.is_loss() || finding.verdict == crate::diag::Verdict::Invalid {
                continue;
            }
            let node = if node.is_empty() { NO_NODE } else { node };
            let reason =
                found.accepted.clone().unwrap_or_else(|| format!("not reviewed: {}", shown(&finding.reason)));
            by_loss.entry((finding.code, node, reason)).or_default().insert(&report.file);
        }
    }
    let mut text = "# Accepted losses, for xenclock convert --strict --accept: CODE NODE = REASON.\n\
                    # A section [FILE] applies to the files of that name; * matches any characters.\n"
        .to_owned();
    let mut by_file: BTreeMap<&str, String> = BTreeMap::new();
    let read = reports.iter().filter(|report| report.guest.is_some()).count();
    for ((code, node, reason), files) in by_loss {
        let line = format!("{code} {node} = {reason}\n");
        if files.len() == read {
            text.push_str(&line);
        } else {
            files.into_iter().for_each(|file| by_file.entry(file).or_default().push_str(&line));
        }
    }
    for (file, lines) in by_file {
        text.push_str(&format!("\n[{}]\n{lines}", shown(file)));
    }
    text
}

/// True if a text is like a pattern, in which `*` stands for any characters.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "a", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c", "abc", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXcYb", false),
            ("aa*aa", "aaa", false),
        ] {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn an_entry_is_for_a_code_a_node_and_a_file() {
        let text = "# all\none-policy /domain/clock/timer[*]/@tickpolicy = fine\n[web*.xml]\ncode /a = because = so\n[x]\nold - = gone\n";
        let accepted = Accepted::read("accept", text.as_bytes()).unwrap();
        let source = Source::new("f", String::new());
        let found = |code: &'static str, node: &str| Diagnostic {
            place: source.place(0..0),
            node: node.to_owned(),
            finding: Finding::unsupported(code, "why"),
        };
        let policy = found("one-policy", "/domain/clock/timer[2]/@tickpolicy");
        assert_eq!(accepted.reason("any.xml", &policy).as_deref(), Some("fine"));
        assert_eq!(accepted.reason("dir/web1.xml", &found("code", "/a")).as_deref(), Some("because = so"));
        assert_eq!(accepted.reason("dir/db1.xml", &found("code", "/a")), None);
        assert_eq!(accepted.reason("web1.xml", &found("code", "/b")), None);
        let stale: Vec<_> = accepted.stale().collect();
        assert_eq!(stale, ["accept:6:1: old no longer occurs at -"]);
    }

    #[test]
    fn what_is_no_entry_has_its_place() {
        for (text, place) in [("\n code\n", "a:2:2"), ("code /a =\n", "a:1:1"), ("code = why\n", "a:1:1")] {
            let wrong = Accepted::read("a", text.as_bytes()).unwrap_err();
            assert_eq!((wrong.0.place.to_string().as_str(), wrong.0.finding.code), (place, "bad-accept"));
        }
    }
}
