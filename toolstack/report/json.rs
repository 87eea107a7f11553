//! Reports as JSON.

use serde_json::{Value, json};

use super::words::clock_words;
use super::{Counts, FileReport, Found};
use crate::diag::render;

/// The report on a file as an object.
#[must_use]
pub fn json(report: &FileReport) -> Value {
    let Counts { errors, blockers, differs, accepted, no_effect, advice } = report.counts;
    let clock = report.clock.as_ref().map(|clock| {
        json!({
            "offset": clock.as_str(),
            "words": clock_words(clock, report.has_rtc),
            "differs": report.clock_differs,
        })
    });
    json!({
        "file": report.file,
        "format": report.format,
        "guest": report.guest,
        "output": report.output,
        "failure": report.failure,
        "starts": report.starts(),
        "errors": errors,
        "blockers": blockers,
        "differs": differs,
        "accepted": accepted,
        "no_effect": no_effect,
        "advice": advice,
        "clock": clock,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

/// How many files there are of each sort, as an object.
#[must_use]
pub fn summary_json(reports: &[FileReport]) -> Value {
    let number = |is: &dyn Fn(&FileReport) -> bool| reports.iter().filter(|report| is(report)).count();
    json!({
        "files": reports.len(),
        "start": number(&FileReport::starts),
        "differ": number(&|report| report.starts() && report.counts.differs > 0),
        "blocked": number(&|report| report.counts.blockers > 0),
        "wrong": number(&|report| report.failure.is_some() || report.counts.errors > 0),
        "clock_differs": number(&|report| report.clock_differs > 0),
    })
}

fn finding(found: &Found) -> Value {
    let mut value = render::json(&found.diagnostic);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("accepted".to_owned(), json!(found.accepted));
    }
    value
}
