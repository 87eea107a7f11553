//! The rows for people: the table in `docs/mapping.md`.

use std::fmt::Write;

use super::rows::{Row, SECTIONS, Section};

/// All that libvirt's schema has, and what becomes of it on Xen, as tables in Markdown.
#[must_use]
pub fn mapping_table() -> String {
    let mut out = String::new();
    for section in SECTIONS {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "### {}\n\n| XML | on Xen |\n|---|---|", section.title);
        for row in section.rows {
            let _ = writeln!(out, "| {} | {} |", pattern(section, row), fate(row));
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// `disk/driver`, `disk/@io`: what a row is about, counted from `<domain>` or `<devices>`.
fn pattern(section: &Section, row: &Row) -> String {
    let around = section.path.strip_prefix("devices").unwrap_or(section.path);
    let steps: Vec<_> = around.split('/').chain(row.at.split('/')).filter(|step| !step.is_empty()).collect();
    let Some((last, before)) = steps.split_last() else {
        return String::new();
    };
    let before: String = before
        .iter()
        .map(|step| match step.contains('|') {
            true => format!("{{{}}}/", step.replace('|', ",")),
            false => format!("{step}/"),
        })
        .collect();
    let (at, names) = last.strip_prefix('@').map_or(("", *last), |names| ("@", names));
    let mut names = names.split('|');
    let first = format!("`{before}{at}{}`", names.next().unwrap_or_default());
    let rest = names.map(|name| format!(", `{at}{name}`"));
    std::iter::once(first).chain(rest).collect()
}

fn fate(row: &Row) -> String {
    let mut parts = Vec::new();
    parts.extend(row.to.map(str::to_owned));
    if let Some(absent) = &row.absent {
        let verdict = absent.verdict.to_string();
        let verdict = if row.to.is_some() { "else" } else { verdict.as_str() };
        let mut text = format!("{verdict}: {}", absent.reason);
        if let Some((name, values)) = absent.harmless {
            let values = values.join("`, `");
            let _ = match name {
                "" => write!(text, " (no-effect: `{values}`)"),
                name => write!(text, " (no-effect: `{name}` `{values}`)"),
            };
        }
        parts.push(text);
        parts.extend(absent.instead.map(|instead| format!("*instead:* {instead}")));
        parts.extend(absent.in_file.map(|in_file| format!("*in the xl.cfg:* {in_file}")));
    }
    parts.join("; ").replace('|', "\\|").replace('<', "\\<")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::*;

    const BEGIN: &str = "<!-- from the code: XENCLOCK_BLESS=1 cargo test --lib mapping_table -->\n\n";
    const END: &str = "<!-- end -->\n";

    #[test]
    fn the_mapping_table_in_the_documentation_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mapping.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(BEGIN).expect("the table's beginning");
        let (_, after) = rest.split_once(END).expect("the table's end");
        let current = [before, BEGIN, &mapping_table(), "\n", END, after].concat();
        if std::env::var_os("XENCLOCK_BLESS").is_some() {
            std::fs::write(&path, &current).unwrap();
        }
        assert!(
            page == current || std::env::var_os("XENCLOCK_BLESS").is_some(),
            "docs/mapping.md is out of date: XENCLOCK_BLESS=1 cargo test --lib mapping_table"
        );
    }
}
