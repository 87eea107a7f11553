//! Reports as SARIF 2.1.0, the format that code hosts, editors and CI systems read.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::percent::uri;
use super::{FileReport, Found, Sort};

/// The list of codes, whose descriptions become those of the rules.
const REFERENCE: &str = include_str!("../../docs/reference.md");

/// The reports on files as one run.
#[must_use]
pub fn sarif<'a>(reports: impl IntoIterator<Item = &'a FileReport>) -> Value {
    let descriptions = descriptions();
    let mut rules = Rules::default();
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for report in reports {
        results.extend(report.findings.iter().map(|found| result(found, &mut rules)));
        if let Some(why) = &report.failure {
            notifications.push(json!({
                "level": "error",
                "message": {"text": why},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(&report.file)}}}],
            }));
        }
    }
    let rule = |code: &&'static str| {
        let text = descriptions.get(code).copied().unwrap_or(code);
        // Viewers show the short description as the title of each result, which has a message of its own.
        json!({
            "id": code,
            "name": name(code),
            "shortDescription": {"text": code.replace('-', " ")},
            "fullDescription": {"text": text},
        })
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "xenclock",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.codes.iter().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": notifications.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

/// A code as SARIF writes names of rules: `BadValue` for `bad-value`.
fn name(code: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        first.to_ascii_uppercase() + rest
    };
    code.split('-').map(capital).collect()
}

/// The rules of a run, in the order in which results name them.
#[derive(Default)]
struct Rules {
    codes: Vec<&'static str>,
    index: BTreeMap<&'static str, usize>,
}

impl Rules {
    fn index_of(&mut self, code: &'static str) -> usize {
        let codes = &mut self.codes;
        *self.index.entry(code).or_insert_with(|| {
            codes.push(code);
            codes.len() - 1
        })
    }
}

fn result(found: &Found, rules: &mut Rules) -> Value {
    let (place, finding) = (&found.diagnostic.place, &found.diagnostic.finding);
    let sort = found.sort();
    let level = match sort {
        Sort::Error | Sort::Blocker => "error",
        Sort::Differs | Sort::Accepted => "warning",
        Sort::Advice | Sort::NoEffect => "note",
    };
    let mut text = finding.reason.to_string();
    if let Some(alternative) = &finding.alternative {
        text.push_str(&format!("; instead: {alternative}"));
    }
    let mut location = json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(&place.file)},
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.line,
            "endColumn": place.column + found.width,
        },
    }});
    if !found.diagnostic.node.is_empty() {
        location["logicalLocations"] = json!([{"fullyQualifiedName": found.diagnostic.node}]);
    }
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": rules.index_of(finding.code),
        "level": level,
        "message": {"text": text},
        "locations": [location],
        "properties": {"verdict": finding.verdict, "refusesStart": finding.refuses_start},
    });
    if let Some(reason) = &found.accepted {
        result["suppressions"] = json!([{"kind": "external", "justification": reason}]);
    }
    result
}

/// The meaning of each code, from the table of codes.
fn descriptions() -> BTreeMap<&'static str, &'static str> {
    let row = |line: &'static str| {
        let (code, text) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((code, text.strip_suffix(" |")?))
    };
    let table = REFERENCE.lines().skip_while(|line| *line != "## Codes of findings").skip(1);
    table.take_while(|line| !line.starts_with("## ")).filter_map(row).collect()
}
