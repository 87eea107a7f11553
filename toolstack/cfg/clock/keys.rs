//! The clock's keys of a file, each with its place and what becomes of it.

use std::ops::Range;

use super::super::{Cfg, Content, Setting, Value};
use crate::diag::{Diagnostic, Finding, Report};
use crate::domain::Part;

/// The plain keys that say something of the clock.
const PLAIN: [&str; 6] = ["localtime", "rtc_timeoffset", "tsc_mode", "timer_mode", "hpet", "viridian"];

/// Our own keys.
const OURS: [&str; 8] = [
    "clock_offset",
    "clock_adjustment",
    "clock_basis",
    "clock_timezone",
    "clock_start",
    "clock_tsc_frequency",
    "clock_tsc_tolerance",
    "clock_timers",
];

/// What reading the clock of a file ends with.
pub(super) type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// What our own keys start with.
const PREFIX: &str = "clock_";

/// The clock's keys.
pub struct Keys<'a> {
    cfg: &'a Cfg,
    nodes: Vec<Node>,
    origins: Vec<(Part, usize)>,
    keys: Vec<Key<'a>>,
    timers: Vec<TimerWords>,
}

/// A place of the file and what becomes of it.
struct Node {
    parent: Option<usize>,
    step: String,
    span: Range<usize>,
    finding: Finding,
}

/// A key that counts.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    pub setting: &'a Setting,
    pub node: usize,
}

/// An item of `clock_timers`.
#[derive(Clone)]
pub struct TimerWords {
    pub node: usize,
    pub words: Vec<Word>,
}

/// `key=value` within an item.
#[derive(Clone)]
pub struct Word {
    pub key: String,
    pub value: String,
    pub node: usize,
}

impl<'a> Keys<'a> {
    /// Finds the keys.
    ///
    /// # Errors
    /// At a `clock_` key that there is not, and at items of `clock_timers` that are no words.
    pub fn of(cfg: &'a Cfg) -> Result<Self> {
        let mut keys =
            Keys { cfg, nodes: Vec::new(), origins: Vec::new(), keys: Vec::new(), timers: Vec::new() };
        for setting in cfg.settings() {
            let name = setting.name.as_str();
            let known = PLAIN.contains(&name) || OURS.contains(&name);
            if !known && !name.starts_with(PREFIX) {
                continue;
            }
            let span = setting.key_span.start..setting.value.span.end;
            if !known {
                let reason = format!("there is no key {name}");
                let finding =
                    Finding::invalid("no-such-key", reason).instead(format!("there are {}", OURS.join(", ")));
                return Err(Box::new(cfg.at(&setting.key_span, &format!("/{name}"), finding)));
            }
            let later = setting.followed_by.and_then(|later| cfg.settings().get(later));
            let finding = match later {
                Some(later) if !later.added => Finding::no_effect(
                    "written-again",
                    "the same key comes again below, and the last one counts",
                ),
                _ => Finding::exact(),
            };
            let node = keys.node(None, format!("/{name}"), span, finding);
            if later.is_none() {
                keys.keys.push(Key { setting, node });
                if name == "clock_timers" {
                    keys.timers(setting, node)?;
                }
            }
        }
        Ok(keys)
    }

    /// The key of this name that counts.
    pub fn get(&self, name: &str) -> Option<Key<'a>> {
        self.keys.iter().find(|key| key.setting.name == name).copied()
    }

    /// The items of `clock_timers`; `None` where there is no such key.
    pub fn clock_timers(&self) -> Option<Vec<TimerWords>> {
        self.get("clock_timers").map(|_| self.timers.clone())
    }

    /// Says which place a part of the clock is from.
    pub fn is(&mut self, part: Part, node: usize) {
        self.origins.push((part, node));
    }

    /// Says what becomes of a place.
    pub fn mark(&mut self, node: usize, finding: Finding) {
        self.nodes[node].finding = finding;
    }

    /// An error at a place.
    pub fn error(&self, node: usize, finding: Finding) -> Box<Diagnostic> {
        Box::new(self.cfg.at(&self.nodes[node].span, &self.path(node), finding))
    }

    /// The value of one of our keys: a text.
    ///
    /// # Errors
    /// Where it is a list, or not UTF-8.
    pub fn text(&self, key: Key<'a>, expected: &str) -> Result<&'a str> {
        let text = key.setting.text().and_then(|text| std::str::from_utf8(text).ok());
        text.ok_or_else(|| self.not(key, expected))
    }

    /// The error for a value that is not what was expected.
    pub fn not(&self, key: Key<'_>, expected: &str) -> Box<Diagnostic> {
        let Setting { name, value, added, .. } = key.setting;
        let what = match &value.content {
            Content::List(_) => "a list".to_owned(),
            Content::Text(_) if *added => "added up by +=".to_owned(),
            Content::Text(text) => format!("'{}'", String::from_utf8_lossy(text)),
        };
        let finding = Finding::invalid("bad-value", format!("{name} is {what}, expected {expected}"));
        self.error(key.node, finding)
    }

    /// The report on the keys.
    pub fn into_report(self) -> Report {
        let mut report = Report::new(self.cfg.source().clone());
        for Node { parent, step, span, finding } in self.nodes {
            report.add(parent, step, self.cfg.span(&span), finding, false);
        }
        for (part, node) in self.origins {
            report.set_origin(part, node);
        }
        report
    }

    fn path(&self, node: usize) -> String {
        let Node { parent, step, .. } = &self.nodes[node];
        // Nodes are three deep at most.
        parent.map(|parent| self.path(parent)).unwrap_or_default() + step
    }

    fn node(&mut self, parent: Option<usize>, step: String, span: Range<usize>, finding: Finding) -> usize {
        self.nodes.push(Node { parent, step, span, finding });
        self.nodes.len() - 1
    }

    fn timers(&mut self, setting: &'a Setting, node: usize) -> Result<()> {
        let expected = "a list of \"name=...,key=value\", as in [ \"name=rtc,tickpolicy=catchup\" ]";
        let Content::List(items) = &setting.value.content else {
            return Err(self.not(Key { setting, node }, expected));
        };
        for (index, item) in items.iter().enumerate() {
            let item_node =
                self.node(Some(node), format!("[{}]", index + 1), item.span.clone(), Finding::exact());
            let Content::Text(text) = &item.content else {
                let finding =
                    Finding::invalid("bad-timer", format!("a list within the list, expected {expected}"));
                return Err(self.error(item_node, finding));
            };
            let text = String::from_utf8_lossy(text).into_owned();
            let mut words = Vec::new();
            let mut start = 0;
            for word in text.split(',') {
                let span = self.within(item, &text, start..start + word.len());
                start += word.len() + 1;
                let Some((key, value)) = word.split_once('=') else {
                    let word_node = self.node(Some(item_node), String::new(), span, Finding::exact());
                    let reason = format!("'{word}' is no key=value of a timer");
                    let finding = Finding::invalid("bad-timer", reason)
                        .instead("write \"name=rtc,tickpolicy=catchup\": words with = between commas");
                    return Err(self.error(word_node, finding));
                };
                let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
                let node = self.node(Some(item_node), format!("/{key}"), span, Finding::exact());
                words.push(Word { key, value, node });
            }
            self.timers.push(TimerWords { node: item_node, words });
        }
        Ok(())
    }

    /// The bytes of a part of a string; the whole string where escapes move them.
    fn within(&self, item: &Value, text: &str, part: Range<usize>) -> Range<usize> {
        let start = item.span.start + 1;
        let raw = self.cfg.bytes.get(start..item.span.end.saturating_sub(1));
        if raw == Some(text.as_bytes()) { start + part.start..start + part.end } else { item.span.clone() }
    }
}

/// The error for a plain key that says something else than ours.
pub fn contradiction(keys: &Keys<'_>, node: usize, name: &str, ours: &str) -> Box<Diagnostic> {
    let finding = Finding::invalid("contradiction", format!("{name} contradicts {ours}"))
        .instead("change the two alike, or take the clock_ keys out, and the plain keys count alone");
    keys.error(node, finding)
}
