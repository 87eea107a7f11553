//! An estate's report as an HTML page: one file, without scripts or external resources.

use std::fmt::Write;

use super::estate::{Estate, Need};
use super::table::{clock_cell, starts_cell};
use super::words::counted;
use super::{FileReport, Found, Sort};

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:72em;margin:2em auto;padding:0 1em;color:#222;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3em .6em;border-bottom:1px solid #ddd;vertical-align:top}
td.n{text-align:right}code{font-family:ui-monospace,monospace;font-size:.9em}h2{margin-top:2em}
.error,.blocker{color:#b00020}.differs{color:#8a5a00}.accepted,.noeffect{color:#666}.advice{color:#00607a}
li{margin:.4em 0}.instead{color:#444}summary{cursor:pointer}details{margin:.6em 0}
@media (prefers-color-scheme:dark){body{background:#1b1b1b;color:#ddd}th,td{border-color:#444}.instead{color:#aaa}
.error,.blocker{color:#ff8a8a}.differs{color:#e5b567}.advice{color:#7fd0e5}.accepted,.noeffect{color:#999}}";

/// The report on an estate as a page.
#[must_use]
pub fn html(estate: &Estate, reports: &[FileReport]) -> String {
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n<title>Guests on Xen</title>\n");
    let _ = writeln!(out, "<style>{STYLE}</style>\n</head>\n<body>\n<h1>Guests on Xen</h1>");
    let _ = writeln!(out, "<p>{}</p>", escaped(&estate.totals()));
    needs(&mut out, estate);
    out.push_str(
        "<h2>Files</h2>\n<table>\n<tr><th>File<th>Guest<th>Starts<th>Differs<th>Blockers<th>Clock</tr>\n",
    );
    for (index, report) in reports.iter().enumerate() {
        let _ = writeln!(
            out,
            "<tr><td><a href=\"#f{index}\">{}</a><td>{}<td>{}<td class=\"n\">{}<td class=\"n\">{}<td>{}</tr>",
            escaped(&report.file),
            escaped(report.guest.as_deref().unwrap_or_default()),
            starts_cell(report),
            report.counts.differs,
            report.counts.blockers + report.counts.errors,
            clock_cell(report)
        );
    }
    out.push_str("</table>\n<h2>Findings</h2>\n");
    for (index, report) in reports.iter().enumerate() {
        file(&mut out, index, report);
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn needs(out: &mut String, estate: &Estate) {
    for (title, text, resolved) in [
        ("To be mapped first", "Without a rule these are lost or replaced by a default.", false),
        ("Used as they are", "These must exist on the host.", true),
    ] {
        let needs: Vec<_> = estate.needs().into_iter().filter(|need| need.resolved == resolved).collect();
        if needs.is_empty() {
            continue;
        }
        let _ = writeln!(out, "<h2>{title}</h2>\n<p>{text}</p>\n<table>\n<tr><th>Name<th>Guests</tr>");
        for Need { kind, name, guests, .. } in needs {
            let name = escaped(&name);
            let _ =
                writeln!(out, "<tr><td><code>{}:{name}</code><td class=\"n\">{guests}</tr>", kind.as_str());
        }
        out.push_str("</table>\n");
    }
}

fn file(out: &mut String, index: usize, report: &FileReport) {
    let open = if report.starts() { "" } else { " open" };
    let name = escaped(&report.file);
    let summary = super::summary(report);
    let summary =
        summary.strip_prefix(&format!("{}: ", crate::diag::shown(&report.file))).unwrap_or(&summary);
    let _ = writeln!(
        out,
        "<details id=\"f{index}\"{open}><summary><b>{name}</b>: {}</summary>",
        escaped(summary)
    );
    if let Some(output) = &report.output {
        let _ = writeln!(out, "<p>Written to <code>{}</code>.</p>", escaped(output));
    }
    for sort in [Sort::Error, Sort::Blocker, Sort::Differs, Sort::Accepted, Sort::Advice, Sort::NoEffect] {
        let found: Vec<_> = report.of_sort(sort).collect();
        if found.is_empty() {
            continue;
        }
        let (class, title) = match sort {
            Sort::Error => ("error", "error"),
            Sort::Blocker => ("blocker", "blocker"),
            Sort::Differs => ("differs", "difference"),
            Sort::Accepted => ("accepted", "accepted difference"),
            Sort::Advice => ("advice", "piece of advice"),
            Sort::NoEffect => ("noeffect", "node without effect"),
        };
        let title = match (found.len(), title) {
            (1, title) => format!("1 {title}"),
            (number, "piece of advice") => format!("{number} pieces of advice"),
            (number, "node without effect") => format!("{number} nodes without effect"),
            (number, title) => counted(number, title),
        };
        let _ = writeln!(out, "<p class=\"{class}\">{title}</p>\n<ul>");
        found.into_iter().for_each(|found| item(out, found));
        out.push_str("</ul>\n");
    }
    out.push_str("</details>\n");
}

fn item(out: &mut String, found: &Found) {
    let (place, finding) = (&found.diagnostic.place, &found.diagnostic.finding);
    let _ = write!(
        out,
        "<li>{}:{} <code>{}</code> {}: {}",
        place.line,
        place.column,
        escaped(&found.diagnostic.node),
        finding.word(),
        escaped(&finding.reason)
    );
    let _ = write!(out, " <code>[{}]</code>", finding.code);
    if let Some(alternative) = &finding.alternative {
        let _ = write!(out, "<br><span class=\"instead\">instead: {}</span>", escaped(alternative));
    }
    if let Some(reason) = &found.accepted {
        let _ = write!(out, "<br><span class=\"instead\">accepted: {}</span>", escaped(reason));
    }
    out.push('\n');
}

/// Text for a page. What a terminal would act upon is written as an escape here, too.
fn escaped(text: &str) -> String {
    let text = crate::diag::shown(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
