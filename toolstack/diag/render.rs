//! Diagnostics for people and for programs.

use serde_json::{Value, json};

use super::{Diagnostic, Source};

/// Longer lines are not shown: nobody finds the caret in them.
const LONGEST_LINE: usize = 500;

/// One diagnostic for people: the message, the line of the input with a caret, and what to do instead.
///
/// The first line starts `FILE:LINE:COLUMN:`, so that editors find the place.
#[must_use]
pub fn human(diagnostic: &Diagnostic, source: &Source) -> String {
    let Diagnostic { place, finding, .. } = diagnostic;
    let mut out = format!("{place}: {}: {} [{}]\n", finding.word(), one_line(&finding.reason), finding.code);
    let line = source.line(place.line);
    if !line.trim().is_empty() && line.len() <= LONGEST_LINE {
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        // Tabs stay tabs, so that the caret stands below its place however wide they are.
        let indent: String =
            line.chars().take(place.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let caret = "^".repeat(source.width(place));
        out.push_str(&format!("  {number} | {line}\n  {margin} | {indent}{caret}\n"));
    }
    if let Some(alternative) = &finding.alternative {
        out.push_str(&format!("  instead: {}\n", one_line(alternative)));
    }
    out
}

/// A value of the input may hold a line break; a message is one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
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
