//! Writes an XML element with libvirt's quotes, indentation and order.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::diag::acts;

/// An element with its attributes, and a text or elements in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: Option<String>,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn new(name: &'static str) -> Self {
        Element { name, attributes: Vec::new(), text: None, children: Vec::new() }
    }

    /// An element with a text.
    pub(super) fn of(name: &'static str, text: impl Into<String>) -> Self {
        Element { text: Some(text.into()), ..Element::new(name) }
    }

    /// With an attribute.
    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// With an attribute, where there is a value.
    pub(super) fn maybe(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With elements in it.
    pub(super) fn around(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    /// Takes out what is at a path, or the element around it that must go with it. `false` where there is nothing.
    pub(super) fn remove(&mut self, steps: &[&str]) -> bool {
        let Some((step, rest)) = steps.split_first() else { return false };
        if let Some(attribute) = step.strip_prefix('@') {
            let before = self.attributes.len();
            self.attributes.retain(|(name, _)| *name != attribute);
            return self.attributes.len() < before;
        }
        let (name, number) = numbered(step);
        let mut named = self.children.iter().enumerate().filter(|(_, child)| child.name == name);
        let Some(index) = named.nth(number - 1).map(|(index, _)| index) else { return false };
        let whole = rest.is_empty() || rest == ["text()"];
        if !whole && self.children[index].remove(rest) {
            return true;
        }
        self.children.remove(index);
        true
    }

    /// Takes these out of the devices, each a name and a number from 1. Answers how many there were.
    pub(super) fn remove_devices(&mut self, gone: &HashSet<(&str, usize)>) -> usize {
        let Some(devices) = self.children.iter_mut().find(|child| child.name == "devices") else { return 0 };
        let before = devices.children.len();
        let mut numbers = HashMap::new();
        devices.children.retain(|device| {
            let number = numbers.entry(device.name).or_insert(0);
            *number += 1;
            !gone.contains(&(device.name, *number))
        });
        before - devices.children.len()
    }

    pub(super) fn write(&self, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        out.push_str(&indent);
        out.push('<');
        out.push_str(self.name);
        for (name, value) in &self.attributes {
            out.push_str(&format!(" {name}='{}'", escaped(value, true)));
        }
        match &self.text {
            Some(text) => out.push_str(&format!(">{}</{}>\n", escaped(text, false), self.name)),
            None if self.children.is_empty() => out.push_str("/>\n"),
            None => {
                out.push_str(">\n");
                self.children.iter().for_each(|child| child.write(depth + 1, out));
                out.push_str(&format!("{indent}</{}>\n", self.name));
            }
        }
    }
}

/// A text as it stands in a document, without what a terminal acts upon. What XML has no place for is left out.
pub(crate) fn escaped(text: &str, quoted: bool) -> Cow<'_, str> {
    let odd = |c: char| "&<>'\"".contains(c) || acts(c) || matches!(c, '\u{fffe}' | '\u{ffff}');
    if !text.contains(odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' if quoted => out.push_str("&apos;"),
            '\n' if !quoted => out.push('\n'),
            '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {}
            // A parser would change a line end, and a terminal acts upon the others.
            c if acts(c) => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// `yes` or `no`.
pub(super) fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// `on` or `off`.
pub(super) fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// The name and the number, from 1, that a step such as `disk[2]` has.
pub(super) fn numbered(step: &str) -> (&str, usize) {
    let (name, number) = step.trim_end_matches(']').split_once('[').unwrap_or((step, "1"));
    (name, number.parse().unwrap_or(1).max(1))
}
