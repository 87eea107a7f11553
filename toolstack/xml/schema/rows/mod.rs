//! What becomes of each element and attribute of libvirt's schema on Xen.
//!
//! A row speaks of what its pattern matches and of all that is in it, down to where another row matches more of the
//! path. What a mapping reads has the mapping's own verdict; the rest has that of its row.

mod chardevs;
mod devices;
mod disks;
mod display;
mod domain;
mod features;
mod interfaces;
mod os;
mod processor;

use std::sync::OnceLock;

use super::names::{ElementId, Names};
use crate::diag::{Finding, Verdict};

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

/// The reason of what libvirt's parser reads in devices of another kind.
const OTHER_KIND: &str = "belongs to another kind of device; libvirt passes over it here";

/// Every section, in the order of the documentation.
pub(crate) static SECTIONS: &[&Section] = &[
    &domain::SECTION,
    &domain::CLOCK,
    &domain::TUNING,
    &os::SECTION,
    &processor::SECTION,
    &processor::TUNING,
    &features::SECTION,
    &features::HYPERV,
    &disks::SECTION,
    &interfaces::SECTION,
    &chardevs::SECTION,
    &display::SECTION,
    &devices::HOSTDEV,
    &devices::SECTION,
    &devices::COMMON,
    &domain::OTHERS,
];

/// What is said of a pattern.
#[derive(Debug)]
pub(crate) struct Row {
    /// Steps parted by `/`; each is a name, several parted by `|`, or `*` for any element. A last step that begins
    /// with `@` means attributes. Empty for the section's own element.
    pub(crate) at: &'static str,
    /// What a mapping makes of it, where there is one.
    pub(crate) to: Option<&'static str>,
    /// What is said where no mapping reads it.
    pub(crate) absent: Option<Absent>,
}

/// Why a node has no counterpart.
#[derive(Debug)]
pub(crate) struct Absent {
    pub(crate) verdict: Verdict,
    pub(crate) code: &'static str,
    pub(crate) reason: &'static str,
    /// What to do instead, in the XML, in dom0 or in the guest.
    pub(crate) instead: Option<&'static str>,
    /// What to write instead in the xl.cfg that `convert` writes.
    pub(crate) in_file: Option<&'static str>,
    /// An attribute, and values of it with which nothing is asked for that Xen does not give anyway. Of a row on an
    /// attribute the name is empty.
    pub(crate) harmless: Option<(&'static str, &'static [&'static str])>,
}

/// A mapping reads it.
const fn mapped(at: &'static str, to: &'static str) -> Row {
    Row { at, to: Some(to), absent: None }
}

/// It changes nothing on Xen.
const fn no_effect(at: &'static str, code: &'static str, reason: &'static str) -> Row {
    Row { at, to: None, absent: Some(Absent::new(Verdict::NoEffect, code, reason)) }
}

/// Xen has nothing for it.
const fn unsupported(at: &'static str, code: &'static str, reason: &'static str) -> Row {
    Row { at, to: None, absent: Some(Absent::new(Verdict::Unsupported, code, reason)) }
}

impl Row {
    /// Where no mapping reads it, it changes nothing on Xen.
    const fn or_no_effect(self, code: &'static str, reason: &'static str) -> Row {
        Row { absent: Some(Absent::new(Verdict::NoEffect, code, reason)), ..self }
    }

    /// Where no mapping reads it, Xen has nothing for it.
    const fn or_else(self, code: &'static str, reason: &'static str) -> Row {
        Row { absent: Some(Absent::new(Verdict::Unsupported, code, reason)), ..self }
    }

    const fn instead(self, what: &'static str) -> Row {
        let Some(absent) = self.absent else { return self };
        Row { absent: Some(Absent { instead: Some(what), ..absent }), ..self }
    }

    const fn in_file(self, what: &'static str) -> Row {
        let Some(absent) = self.absent else { return self };
        Row { absent: Some(Absent { in_file: Some(what), ..absent }), ..self }
    }

    const fn unless(self, attribute: &'static str, values: &'static [&'static str]) -> Row {
        let Some(absent) = self.absent else { return self };
        Row { absent: Some(Absent { harmless: Some((attribute, values)), ..absent }), ..self }
    }

    /// How many steps of a path the pattern takes, and how many of them it names; `None` where it does not match.
    /// `attribute` is one of the path's last element.
    fn matches(&self, path: &[&str], attribute: Option<&str>) -> Option<(usize, usize)> {
        let (mut steps, mut named) = (0, 0);
        let mut rest = path.iter();
        for pattern in self.at.split('/').filter(|step| !step.is_empty()) {
            steps += 1;
            named += usize::from(pattern != "*");
            if let Some(names) = pattern.strip_prefix('@') {
                let at_end = rest.next().is_none();
                return (at_end && attribute.is_some_and(|name| one_of(names, name)))
                    .then_some((steps, named));
            }
            let name = rest.next()?;
            if pattern != "*" && !one_of(pattern, name) {
                return None;
            }
        }
        Some((steps, named))
    }
}

/// Whether a name is one of those parted by `|`.
fn one_of(names: &str, name: &str) -> bool {
    names.split('|').any(|one| one == name)
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
            return Finding::no_effect(self.code, "asks for what every guest on Xen has anyway");
        }
        let mut finding = Finding::new(self.verdict, self.code, self.reason);
        finding.alternative = self.instead.map(Into::into);
        finding.alternative_in_file = self.in_file.map(Into::into);
        finding
    }
}

/// A row that was found, and how many steps of the path it matches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    pub(crate) row: &'static Row,
    pub(crate) steps: usize,
}

/// The row on an element, or on an attribute of it.
pub(crate) fn row(names: &Names, element: ElementId, attribute: Option<&str>) -> Option<Match> {
    let number = match attribute {
        None => names.number(element),
        Some(name) => names.attribute_number(element, name)?,
    };
    // Looking a row up takes a while, and the same nodes come again and again.
    static FOUND: OnceLock<Box<[OnceLock<Option<Match>>]>> = OnceLock::new();
    let found = FOUND.get_or_init(|| (0..names.count()).map(|_| OnceLock::new()).collect());
    *found[number].get_or_init(|| look_up(&names.steps(element), attribute))
}

fn look_up(path: &[&str], attribute: Option<&str>) -> Option<Match> {
    let mut best = None;
    for section in SECTIONS {
        let around = section.path.split('/').filter(|step| !step.is_empty());
        let depth = around.clone().count();
        if depth > path.len() || !around.eq(path[..depth].iter().copied()) {
            continue;
        }
        for row in section.rows {
            if let Some((steps, named)) = row.matches(&path[depth..], attribute) {
                let rank = (depth + steps, depth + named);
                if best.is_none_or(|(so_far, _)| rank > so_far) {
                    best = Some((rank, row));
                }
            }
        }
    }
    best.map(|((steps, _), row)| Match { row, steps })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every element and attribute of the schema, with its path.
    fn nodes() -> Vec<(ElementId, Option<&'static str>, String)> {
        let names = Names::get();
        let mut nodes = Vec::new();
        let mut open = vec![names.root()];
        let mut seen = BTreeSet::new();
        while let Some(element) = open.pop() {
            if !seen.insert(names.number(element)) {
                continue;
            }
            let path = names.steps(element).join("/");
            nodes.extend(
                names.attributes(element).map(|name| (element, Some(name), format!("{path}/@{name}"))),
            );
            nodes.push((element, None, path));
            open.extend(names.children(element));
        }
        assert_eq!(nodes.len(), names.count());
        nodes
    }

    #[test]
    fn every_name_of_the_schema_has_a_row() {
        let names = Names::get();
        let without =
            nodes().into_iter().filter(|(element, attribute, _)| row(names, *element, *attribute).is_none());
        let without: Vec<_> = without.map(|(.., path)| path).filter(|path| !path.is_empty()).collect();
        assert!(without.is_empty(), "{without:#?}");
    }

    #[test]
    fn every_row_is_about_something() {
        let names = Names::get();
        let used: BTreeSet<*const Row> = nodes()
            .into_iter()
            .filter_map(|(element, attribute, _)| row(names, element, attribute))
            .map(|found| std::ptr::from_ref(found.row))
            .collect();
        let all = SECTIONS.iter().flat_map(|section| section.rows.iter().map(move |row| (section.path, row)));
        let idle: Vec<_> = all.filter(|(_, row)| !used.contains(&std::ptr::from_ref::<Row>(row))).collect();
        assert!(idle.is_empty(), "{:#?}", idle.iter().map(|(path, row)| (path, row.at)).collect::<Vec<_>>());
    }

    #[test]
    fn rows_are_written_as_all_findings_are() {
        for row in SECTIONS.iter().flat_map(|section| section.rows) {
            let Some(absent) = &row.absent else { continue };
            assert!(
                absent.code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
                "{}",
                absent.code
            );
            for text in [Some(absent.reason), absent.instead, absent.in_file].into_iter().flatten() {
                assert!(!text.ends_with('.') && !text.contains("  ") && !text.is_empty(), "{text}");
            }
            // There is no xl.cfg to edit where a guest is started from its XML.
            assert!(absent.instead.is_none_or(|instead| !instead.contains("xl.cfg")), "{:?}", absent.instead);
            assert!(absent.verdict != Verdict::NoEffect || absent.instead.is_none(), "{}", absent.reason);
        }
    }
}
