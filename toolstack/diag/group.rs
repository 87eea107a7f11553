//! Groups diagnostics with the same text.

use std::collections::HashMap;

use super::{Diagnostic, Finding, Place};

/// Diagnostics with one finding, at one place or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The first of them.
    pub first: Diagnostic,
    /// The places of the others, in the order of the input.
    pub others: Vec<Place>,
}

impl Group {
    /// The lines of the input that it is about, each once: `line 3`, or `lines 3, 4 and 9`.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut lines = vec![self.first.place.line];
        lines.extend(self.others.iter().map(|place| place.line));
        lines.dedup();
        let numbers: Vec<_> = lines.iter().map(usize::to_string).collect();
        match numbers.split_last() {
            Some((last, [])) => format!("line {last}"),
            Some((last, before)) => format!("lines {} and {last}", before.join(", ")),
            None => String::new(),
        }
    }
}

/// Diagnostics grouped by what they say, in the order of the first of each group.
pub fn grouped(diagnostics: impl IntoIterator<Item = Diagnostic>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known = HashMap::new();
    for diagnostic in diagnostics {
        let Finding { code, reason, alternative, refuses_start, .. } = &diagnostic.finding;
        let next = groups.len();
        match *known.entry((*code, reason.clone(), alternative.clone(), *refuses_start)).or_insert(next) {
            index if index == next => groups.push(Group { first: diagnostic, others: Vec::new() }),
            index => groups[index].others.push(diagnostic.place),
        }
    }
    groups
}
