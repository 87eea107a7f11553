//! A row: the verdict on the nodes that a pattern matches.

use crate::diag::{Finding, Verdict};

/// The reason of what libvirt's parser reads in devices of another kind.
pub(in super::super) const OTHER_KIND: &str = "belongs to another kind of device; libvirt ignores it here";

/// Rows on one part of the domain.
#[derive(Debug)]
pub(crate) struct Section {
    /// The part, for people.
    pub(crate) title: &'static str,
    /// The element that the rows' patterns count from, without `<domain>`; empty for `<domain>` itself.
    pub(crate) path: &'static str,
    /// The rows. The one that matches most of a path counts, then the one that names most of it.
    pub(crate) rows: &'static [Row],
}

/// The statement about a pattern.
#[derive(Debug)]
pub(crate) struct Row {
    /// Steps parted by `/`; each is a name, several parted by `|`, or `*` for any element. A last step that begins
    /// with `@` means attributes. Empty for the section's own element.
    pub(crate) at: &'static str,
    /// The first letter of the one name that the first step takes; 0 where it takes several, any, or none. Most rows
    /// are passed over because of it.
    letter: u8,
    /// The target of its mapping, if there is one.
    pub(crate) to: Option<&'static str>,
    /// The verdict if no mapping reads it.
    pub(crate) absent: Option<Absent>,
}

/// Why a node has no counterpart.
#[derive(Debug)]
pub(crate) struct Absent {
    pub(crate) verdict: Verdict,
    pub(crate) code: &'static str,
    pub(crate) reason: &'static str,
    /// The remedy in the XML, in dom0 or in the guest.
    pub(crate) instead: Option<&'static str>,
    /// The remedy in the xl.cfg that `convert` writes.
    pub(crate) in_file: Option<&'static str>,
    /// An attribute, and values of it with which nothing is asked for that Xen does not give anyway. Of a row on an
    /// attribute the name is empty.
    pub(crate) harmless: Option<(&'static str, &'static [&'static str])>,
}

/// A mapping reads it.
pub(super) const fn mapped(at: &'static str, to: &'static str) -> Row {
    Row { at, letter: letter(at), to: Some(to), absent: None }
}

/// It changes nothing on Xen.
pub(super) const fn no_effect(at: &'static str, code: &'static str, reason: &'static str) -> Row {
    Row { at, letter: letter(at), to: None, absent: Some(Absent::new(Verdict::NoEffect, code, reason)) }
}

/// Xen has nothing for it.
pub(super) const fn unsupported(at: &'static str, code: &'static str, reason: &'static str) -> Row {
    Row { at, letter: letter(at), to: None, absent: Some(Absent::new(Verdict::Unsupported, code, reason)) }
}

impl Row {
    /// With the verdict that it changes nothing on Xen, if no mapping reads it.
    pub(super) const fn or_no_effect(self, code: &'static str, reason: &'static str) -> Row {
        Row { absent: Some(Absent::new(Verdict::NoEffect, code, reason)), ..self }
    }

    /// With the verdict that Xen has nothing for it, if no mapping reads it.
    pub(super) const fn or_else(self, code: &'static str, reason: &'static str) -> Row {
        Row { absent: Some(Absent::new(Verdict::Unsupported, code, reason)), ..self }
    }

    pub(super) const fn instead(self, what: &'static str) -> Row {
        let Some(absent) = self.absent else { return self };
        Row { absent: Some(Absent { instead: Some(what), ..absent }), ..self }
    }

    pub(super) const fn in_file(self, what: &'static str) -> Row {
        let Some(absent) = self.absent else { return self };
        Row { absent: Some(Absent { in_file: Some(what), ..absent }), ..self }
    }

    pub(super) const fn unless(self, attribute: &'static str, values: &'static [&'static str]) -> Row {
        let Some(absent) = self.absent else { return self };
        Row { absent: Some(Absent { harmless: Some((attribute, values)), ..absent }), ..self }
    }

    /// How many steps of a path the pattern takes, and how many of them it names; `None` where it does not match.
    /// `attribute` is one of the path's last element.
    pub(super) fn matches(&self, path: &[&str], attribute: Option<&str>) -> Option<(usize, usize)> {
        let first = path.first().and_then(|name| name.bytes().next());
        if self.letter != 0 && first != Some(self.letter) {
            return None;
        }
        let (mut steps, mut named) = (0, 0);
        let mut rest = path.iter();
        for pattern in steps_of(self.at) {
            steps += 1;
            named += usize::from(pattern != b"*");
            if let [b'@', names @ ..] = pattern {
                let at_end = rest.next().is_none();
                return (at_end && attribute.is_some_and(|name| one_of(names, name)))
                    .then_some((steps, named));
            }
            let name = rest.next()?;
            if pattern != b"*" && !one_of(pattern, name) {
                return None;
            }
        }
        Some((steps, named))
    }
}

/// The steps of a path or a pattern. A search for a `char` would take longer than these short ones are.
pub(super) fn steps_of(path: &str) -> impl Iterator<Item = &[u8]> {
    path.as_bytes().split(|byte| *byte == b'/').filter(|step| !step.is_empty())
}

/// The letter by which most rows are passed over.
const fn letter(at: &str) -> u8 {
    let at = at.as_bytes();
    let mut end = 0;
    while end < at.len() && at[end] != b'/' {
        if at[end] == b'|' {
            return 0;
        }
        end += 1;
    }
    if end == 0 || matches!(at[0], b'*' | b'@') { 0 } else { at[0] }
}

/// True if a name is one of those parted by `|`.
fn one_of(names: &[u8], name: &str) -> bool {
    let name = name.as_bytes();
    // Most are one name.
    names == name || (names.len() > name.len() && names.split(|byte| *byte == b'|').any(|one| one == name))
}

impl Absent {
    const fn new(verdict: Verdict, code: &'static str, reason: &'static str) -> Absent {
        Absent { verdict, code, reason, instead: None, in_file: None, harmless: None }
    }

    /// The finding, for a node whose attribute `value` looks up; the empty name means the attribute itself.
    pub(crate) fn finding<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Finding {
        if let Some((name, values)) = self.harmless
            && let Some(value) = value(name)
            && values.contains(&value)
        {
            return Finding::no_effect(self.code, "requests a property that every guest on Xen has");
        }
        let mut finding = Finding::new(self.verdict, self.code, self.reason);
        finding.alternative = self.instead.map(Into::into);
        finding.alternative_in_file = self.in_file.map(Into::into);
        finding
    }
}
