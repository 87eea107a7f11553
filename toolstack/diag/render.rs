//! Diagnostics for people and for programs.

use serde_json::{Value, json};

use super::shown::{shown, shown_with_tabs};
use super::{Diagnostic, Place, Source};

/// Longer lines are not shown: nobody finds the caret in them.
const LONGEST_LINE: usize = 500;

/// As many places are named where the same holds at others.
const MOST_PLACES: usize = 10;

/// One diagnostic for people without the line of the input, and the other places at which the same holds.
#[must_use]
pub fn brief(diagnostic: &Diagnostic, others: &[Place]) -> String {
    heading(diagnostic) + &also_at(others) + &instead(diagnostic)
}

fn also_at(others: &[Place]) -> String {
    if others.is_empty() {
        return String::new();
    }
    let named: Vec<_> =
        others.iter().take(MOST_PLACES).map(|place| format!("{}:{}", place.line, place.column)).collect();
    let more = match others.len().saturating_sub(MOST_PLACES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("  also at: {}{more}\n", named.join(", "))
}

fn instead(diagnostic: &Diagnostic) -> String {
    let alternative = diagnostic.finding.alternative.as_deref();
    alternative.map_or_else(String::new, |text| format!("  instead: {}\n", shown(text)))
}

fn heading(Diagnostic { place, finding, .. }: &Diagnostic) -> String {
    let place = place.to_string();
    format!("{}: {}: {} [{}]\n", shown(&place), finding.word(), shown(&finding.reason), finding.code)
}

/// One diagnostic for people: the message, the line of the input with a caret, and what to do instead.
///
/// The first line starts `FILE:LINE:COLUMN:`, so that editors find the place.
#[must_use]
pub fn human(diagnostic: &Diagnostic, source: &Source) -> String {
    human_with_places(diagnostic, &[], source)
}

/// The same, with the other places at which it holds.
#[must_use]
pub fn human_with_places(diagnostic: &Diagnostic, others: &[Place], source: &Source) -> String {
    let place = &diagnostic.place;
    let mut out = heading(diagnostic);
    let line = source.line_of(place);
    if !line.trim().is_empty() && line.len() <= LONGEST_LINE {
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let (start, end) = place_in(line, place.column - 1, source.width(place));
        let text = shown_with_tabs(line);
        // Tabs stay tabs, so that the caret stands below its place however wide they are.
        let indent: String =
            shown_with_tabs(&line[..start]).chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let caret = "^".repeat(shown_with_tabs(&line[start..end]).chars().count().max(1));
        out.push_str(&format!("  {number} | {text}\n  {margin} | {indent}{caret}\n"));
    }
    out + &also_at(others) + &instead(diagnostic)
}

/// The bytes of so many characters of a line.
fn place_in(line: &str, before: usize, width: usize) -> (usize, usize) {
    let at = |count: usize| line.char_indices().nth(count).map_or(line.len(), |(at, _)| at);
    (at(before), at(before.saturating_add(width)))
}

/// One diagnostic as a JSON object.
#[must_use]
pub fn json(diagnostic: &Diagnostic) -> Value {
    let Diagnostic { place, node, finding } = diagnostic;
    json!({
        "file": &*place.file,
        "line": place.line,
        "column": place.column,
        "node": node,
        "verdict": finding.verdict,
        "code": finding.code,
        "reason": finding.reason,
        "alternative": finding.alternative,
        "refuses_start": finding.refuses_start,
    })
}
