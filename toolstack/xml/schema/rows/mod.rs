//! The verdicts on all elements and attributes of libvirt's schema.
//!
//! A row applies to the nodes that its pattern matches and to their content, except where another row matches more of
//! the path. A node that a mapping reads has the mapping's own verdict; all others have that of their row.

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

use super::names::{COUNT, ElementId, Names};
use super::row::{Row, Section, steps_of};

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

/// A row that was found, and how many steps of the path it matches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    pub(crate) row: &'static Row,
    pub(crate) steps: usize,
}

/// The row on an element, or on an attribute of it, by its number.
pub(crate) fn row_of(
    names: &Names,
    number: usize,
    element: ElementId,
    attribute: Option<&str>,
) -> Option<Match> {
    // Looking a row up takes a while, and the same nodes come again and again.
    static FOUND: [OnceLock<Option<Match>>; COUNT] = [const { OnceLock::new() }; COUNT];
    *FOUND[number].get_or_init(|| look_up(&names.steps(element), attribute))
}

/// The row on an element, or on an attribute of it.
#[cfg(test)]
pub(crate) fn row(names: &Names, element: ElementId, attribute: Option<&str>) -> Option<Match> {
    let number = match attribute {
        None => names.number(element),
        Some(name) => names.attribute(element, name)?.number,
    };
    row_of(names, number, element, attribute)
}

fn look_up(path: &[&str], attribute: Option<&str>) -> Option<Match> {
    let mut best = None;
    for section in SECTIONS {
        let mut depth = 0;
        let is_in = steps_of(section.path).all(|step| {
            depth += 1;
            path.get(depth - 1).is_some_and(|name| name.as_bytes() == step)
        });
        if !is_in {
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
    use crate::diag::Verdict;

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
