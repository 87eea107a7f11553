//! The combined report on many files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::words::counted;
use super::{FileReport, Sort, json, summary_json};
use crate::input::Input;
use crate::mapping::{Kind, Outcome, references};

/// The report on many files. It holds no findings, so its size hardly depends on their number.
#[derive(Clone, Debug, Default)]
pub struct Estate {
    files: usize,
    starts: usize,
    differs: usize,
    blocked: usize,
    wrong: usize,
    /// Not read, or not written.
    failed: usize,
    clock_differs: usize,
    /// By kind and name: how many guests have it, and whether they start without a rule.
    needs: BTreeMap<(Kind, String), (usize, bool)>,
    /// By code: in how many files, and what it says.
    codes: BTreeMap<&'static str, (usize, String)>,
    /// The guests' names and MAC addresses, with the first file that has them.
    seen: BTreeMap<String, String>,
    twice: BTreeSet<String>,
    mapped: Outcome,
}

/// A name that means something only on the host that a file is from, or that must be on the host it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The kind of a rule for it.
    pub kind: Kind,
    /// The name.
    pub name: String,
    /// How many guests have it.
    pub guests: usize,
    /// True if guests keep it without a rule.
    pub resolved: bool,
}

/// The part of an estate that comes from one file, beside its report.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    needs: BTreeSet<(Kind, String)>,
    references: BTreeSet<(Kind, String)>,
    names: Vec<String>,
    mapped: Outcome,
}

impl Uses {
    /// The things that a domain uses.
    #[must_use]
    pub fn of(input: &Input) -> Self {
        let config = &input.domain.config;
        let mut names = vec![format!("the name '{}'", config.name())];
        names.extend(config.c_info.uuid.map(|uuid| format!("the UUID {uuid}")));
        names.extend(
            config.nics.iter().filter_map(|nic| Some(format!("the MAC address {}", nic.mac.as_ref()?))),
        );
        Uses {
            needs: input.mapped.needs.clone(),
            references: references(config).collect(),
            names,
            mapped: input.mapped.clone(),
        }
    }
}

impl Uses {
    /// The effects of a mapping on the domain.
    #[must_use]
    pub fn mapped(&self) -> &Outcome {
        &self.mapped
    }
}

impl Estate {
    /// Adds a file.
    pub fn add(&mut self, report: &FileReport, uses: &Uses) {
        self.files += 1;
        self.starts += usize::from(report.starts());
        self.differs += usize::from(report.starts() && report.counts.differs > 0);
        self.blocked += usize::from(report.counts.blockers > 0);
        self.wrong += usize::from(report.failure.is_none() && report.counts.errors > 0);
        self.failed += usize::from(report.failure.is_some());
        self.clock_differs += usize::from(report.clock_differs > 0);
        for (names, resolved) in [(&uses.needs, false), (&uses.references, true)] {
            for name in names {
                self.needs.entry(name.clone()).or_insert((0, resolved)).0 += 1;
            }
        }
        let mut codes = BTreeSet::new();
        for found in &report.findings {
            let finding = &found.diagnostic.finding;
            if found.sort() <= Sort::Differs && codes.insert(finding.code) {
                self.codes.entry(finding.code).or_insert_with(|| (0, finding.reason.to_string())).0 += 1;
            }
        }
        for name in &uses.names {
            match self.seen.get(name) {
                Some(first) if *first != report.file => {
                    self.twice.insert(format!("{} and {} have {name}", first, report.file));
                }
                Some(_) => {}
                None => drop(self.seen.insert(name.clone(), report.file.clone())),
            }
        }
        self.mapped.merge(&uses.mapped);
    }

    /// How many files there are of each sort, in a line without its end.
    #[must_use]
    pub fn totals(&self) -> String {
        let Estate { files, starts, differs, blocked, wrong, failed, clock_differs, .. } = self;
        let failed = if *failed > 0 { format!(", {failed} not converted") } else { String::new() };
        format!(
            "{}: {starts} start ({differs} with differences), {blocked} blocked, {wrong} wrong{failed}; the clock \
             differs in {clock_differs}",
            counted(*files, "file")
        )
    }

    /// The most frequent findings: code, number of files, and the text in one of them.
    #[must_use]
    pub fn commonest(&self, most: usize) -> Vec<(&'static str, usize, &str)> {
        let mut codes: Vec<_> =
            self.codes.iter().map(|(code, (number, reason))| (*code, *number, reason.as_str())).collect();
        codes.sort_by_key(|(_, number, _)| std::cmp::Reverse(*number));
        codes.truncate(most);
        codes
    }

    /// The names that need a mapping or must exist on the host, by kind and name.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        let need = |((kind, name), (guests, resolved)): (&(Kind, String), &(usize, bool))| Need {
            kind: *kind,
            name: name.clone(),
            guests: *guests,
            resolved: *resolved,
        };
        self.needs.iter().map(need).collect()
    }

    /// Guests that cannot run together, since both have the same name, UUID or MAC address.
    pub fn twice(&self) -> impl Iterator<Item = &str> {
        self.twice.iter().map(String::as_str)
    }

    /// The effects of the rules on all files.
    #[must_use]
    pub fn mapped(&self) -> &Outcome {
        &self.mapped
    }

    /// The estate and its files as an object.
    #[must_use]
    pub fn json(&self, reports: &[FileReport]) -> Value {
        let need = |need: Need| {
            json!({
                "kind": need.kind.as_str(),
                "name": need.name,
                "guests": need.guests,
                "resolved": need.resolved,
            })
        };
        json!({
            "files": reports.iter().map(json).collect::<Vec<_>>(),
            "summary": summary_json(reports),
            "to_map": self.needs().into_iter().map(need).collect::<Vec<_>>(),
        })
    }
}
