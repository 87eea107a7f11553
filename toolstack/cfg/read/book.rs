//! Keeps the verdict and the place of each setting of a file, and its errors.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use super::super::{Cfg, Content, Value};
use crate::diag::{Diagnostic, Finding, Report};
use crate::domain::Part;

/// The settings of a file, each with what becomes of it. The first nodes are the settings, by their index in the file.
pub struct Book<'a> {
    pub cfg: &'a Cfg,
    nodes: Vec<Node>,
    origins: Vec<(Part, usize)>,
    errors: Vec<Diagnostic>,
}

/// A place of the file and what becomes of it.
struct Node {
    parent: Option<usize>,
    step: Cow<'static, str>,
    span: Range<usize>,
    finding: Finding,
}

/// A text of the file or a part of one.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    pub text: &'a str,
    /// The value it is from.
    value: &'a Value,
    /// Its start in that value's text.
    at: usize,
}

impl<'a> Words<'a> {
    /// A value that is a text; `None` where it is a list or not UTF-8.
    pub fn of(value: &'a Value) -> Option<Self> {
        match &value.content {
            Content::Text(text) => Some(Words { text: std::str::from_utf8(text).ok()?, value, at: 0 }),
            Content::List(_) => None,
        }
    }

    /// The part from one byte to another.
    pub fn part(self, range: Range<usize>) -> Self {
        let text = self.text.get(range.clone()).unwrap_or_default();
        Words { text, at: self.at + range.start.min(self.text.len()), ..self }
    }

    /// The rest behind a number of bytes.
    pub fn from(self, start: usize) -> Self {
        self.part(start..self.text.len())
    }

    /// The parts between delimiters as `strtok` finds them: empty ones do not count.
    pub fn tokens(self, delimiters: &'static [u8]) -> impl Iterator<Item = Words<'a>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let bytes = self.text.as_bytes();
            let is_delimiter = |byte: &u8| delimiters.contains(byte);
            let start = at + bytes.get(at..)?.iter().position(|byte| !is_delimiter(byte))?;
            let length = bytes.get(start..)?.iter().position(is_delimiter);
            let end = length.map_or(bytes.len(), |length| start + length);
            at = end;
            Some(self.part(start..end))
        })
    }

    /// Without spaces before it.
    pub fn unindented(self) -> Self {
        let spaces = self.text.len() - self.text.trim_start_matches(' ').len();
        self.from(spaces)
    }

    /// Without blanks at both ends, as `isspace` knows them.
    pub fn trimmed(self) -> Self {
        let blank = |c: char| matches!(c, ' ' | '\t'..='\r');
        let start = self.text.len() - self.text.trim_start_matches(blank).len();
        let end = self.text.trim_end_matches(blank).len();
        self.part(start..end.max(start))
    }

    /// The rest behind a prefix.
    pub fn after(self, prefix: &str) -> Option<Self> {
        self.text.starts_with(prefix).then(|| self.from(prefix.len()))
    }

    /// The parts before and behind the first of a character.
    pub fn split(self, at: char) -> Option<(Self, Self)> {
        let index = self.text.find(at)?;
        Some((self.part(0..index), self.from(index + at.len_utf8())))
    }
}

impl<'a> Book<'a> {
    /// A book of all the settings; those that a later one replaces say so.
    pub fn of(cfg: &'a Cfg) -> Self {
        let nodes = cfg
            .settings
            .iter()
            .map(|setting| {
                let later = setting.followed_by.and_then(|later| cfg.settings.get(later));
                let finding = match later {
                    Some(later) if !later.added => Finding::no_effect(
                        "written-again",
                        "the same key appears again below, and the last one counts",
                    ),
                    _ => Finding::exact(),
                };
                Node {
                    parent: None,
                    step: Cow::Owned(["/", &setting.name].concat()),
                    span: setting.key_span.start..setting.value.span.end,
                    finding,
                }
            })
            .collect();
        Book { cfg, nodes, origins: Vec::new(), errors: Vec::new() }
    }

    /// Adds a node within another.
    pub fn node(&mut self, parent: usize, step: impl Into<Cow<'static, str>>, span: Range<usize>) -> usize {
        let node = Node { parent: Some(parent), step: step.into(), span, finding: Finding::exact() };
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// The remedies for what xl reads as another value, by all the nodes that have such a value within them.
    pub fn misread(&self, codes: &[&str]) -> BTreeMap<usize, String> {
        let mut found = BTreeMap::new();
        for inner in self.nodes.iter().filter(|inner| codes.contains(&inner.finding.code)) {
            let Some(remedy) = inner.finding.alternative.as_deref() else { continue };
            let mut around = inner.parent;
            while let Some(node) = around {
                let written = inner.step.trim_start_matches('/');
                let place = if remedy.starts_with("write ") {
                    format!(" in place of {written}")
                } else {
                    String::new()
                };
                found.entry(node).or_insert_with(|| format!("first {remedy}{place}"));
                around = self.nodes.get(node).and_then(|node| node.parent);
            }
        }
        found
    }

    /// Adds a node for an item of a list, counted from 0.
    pub fn item(&mut self, parent: usize, index: usize, value: &Value) -> usize {
        self.node(parent, format!("[{}]", index + 1), value.span.clone())
    }

    /// The nodes of all items of lists, by the list's node and the item's number, counted from 0.
    pub fn items(&self) -> BTreeMap<(usize, usize), usize> {
        let number =
            |step: &str| step.strip_prefix('[')?.strip_suffix(']')?.parse::<usize>().ok()?.checked_sub(1);
        let items = self.nodes.iter().enumerate().rev();
        items.filter_map(|(at, node)| Some(((node.parent?, number(&node.step)?), at))).collect()
    }

    /// Says what becomes of a place, unless worse has been said of it.
    pub fn mark(&mut self, node: usize, finding: Finding) {
        if self.nodes[node].finding.verdict <= finding.verdict {
            self.nodes[node].finding = finding;
        }
    }

    /// Says what becomes of a word within a node, in a node of its own.
    pub fn note(&mut self, parent: usize, words: &Words<'_>, finding: Finding) {
        // A word's key tells it from its neighbours.
        let end = words.text.find(['=', ' ', ',']).unwrap_or(words.text.len());
        let step = format!("/{}", &words.text[..end]);
        let node = self.node(parent, step, self.span(words));
        self.mark(node, finding);
    }

    /// Says which place a part of the clock is from.
    pub fn is(&mut self, part: Part, node: usize) {
        self.origins.push((part, node));
    }

    /// Says that a place is wrong.
    pub fn error(&mut self, node: usize, finding: Finding) {
        let error = self.error_at(node, finding);
        self.errors.push(*error);
    }

    /// Says that a word is wrong.
    pub fn wrong(&mut self, node: usize, words: &Words<'_>, finding: Finding) {
        let error = self.cfg.at(&self.span(words), &self.path(node), finding);
        self.errors.push(error);
    }

    /// Says what is wrong with the file as a whole.
    pub fn lacking(&mut self, finding: Finding) {
        self.errors.push(self.cfg.at(&(0..0), "", finding));
    }

    /// Adds errors that were found elsewhere.
    pub fn errors(&mut self, errors: impl IntoIterator<Item = Diagnostic>) {
        self.errors.extend(errors);
    }

    /// True if something is wrong with one of these keys.
    pub fn is_wrong(&self, keys: &[&str]) -> bool {
        let key_of = |error: &Diagnostic| {
            let path = error.node.trim_start_matches('/');
            path.split(['/', '[']).next().is_some_and(|key| keys.contains(&key))
        };
        self.errors.iter().any(key_of)
    }

    /// True if one of these keys is wrong, or may be in a line that cannot be read.
    pub fn is_unclear(&self, keys: &[&str]) -> bool {
        self.cfg.unread.lost || self.is_wrong(keys)
    }

    /// An error at a place, not yet said.
    pub fn error_at(&self, node: usize, finding: Finding) -> Box<Diagnostic> {
        Box::new(self.cfg.at(&self.nodes[node].span, &self.path(node), finding))
    }

    /// The bytes of words; those of the whole string where escapes move them.
    pub fn span(&self, words: &Words<'_>) -> Range<usize> {
        let Value { span, content, .. } = words.value;
        let Content::Text(text) = content else {
            return span.clone();
        };
        // A quote stands before a text, none before a number.
        [1, 0]
            .into_iter()
            .find_map(|quote| {
                let inner = span.start + quote..span.end.checked_sub(quote)?;
                (self.cfg.bytes.get(inner.clone())? == text.as_slice()).then(|| {
                    let start = inner.start + words.at;
                    start..start + words.text.len()
                })
            })
            .unwrap_or_else(|| span.clone())
    }

    /// Puts the nodes into a report, in the order of the file; returns the errors. `shift` is how much further back
    /// the text stands in the report's input.
    pub fn close(self, report: &mut Report, shift: usize) -> Vec<Diagnostic> {
        let mut children = vec![Vec::new(); self.nodes.len()];
        let mut waiting = Vec::new();
        for (index, node) in self.nodes.iter().enumerate().rev() {
            match node.parent {
                Some(parent) => children[parent].push(index),
                None => waiting.push(index),
            }
        }
        let mut nodes: Vec<_> = self.nodes.into_iter().map(Some).collect();
        let mut places = vec![0; nodes.len()];
        while let Some(index) = waiting.pop() {
            waiting.append(&mut children[index]);
            if let Some(Node { parent, step, span, finding }) = nodes[index].take() {
                let parent = parent.map(|parent| places[parent]);
                let span = self.cfg.span(&span);
                let span = span.start + shift..span.end + shift;
                places[index] = report.add(parent, step.into_owned(), span, finding, false);
            }
        }
        for (part, node) in self.origins {
            report.set_origin(part, places[node]);
        }
        self.errors
    }

    fn path(&self, node: usize) -> String {
        let Node { parent, step, .. } = &self.nodes[node];
        // Nodes are three deep at most.
        parent.map(|parent| self.path(parent)).unwrap_or_default() + step
    }
}
