//! Writes domain XML, in libvirt's own order of elements.
//!
//! Each structure of the config is destructured completely, so that a field that nobody handles does not compile.
//! Settings that domain XML cannot express, or that its readers would misinterpret, are written to `<metadata>` in
//! xenclock's namespace, field by field ([`crate::domain::changes`]).

mod clock;
mod cpu;
mod devices;
mod element;
mod guest;
mod screens;
mod serial;

use std::collections::HashSet;

use timers::GuestClock;

use crate::domain::Domain;
use crate::domain::changes::{Change, Kept};
use crate::domain::libvirt::{KEPT_NAMESPACE, KEPT_PREFIX, XEN_NAMESPACE};
pub(crate) use element::escaped;
use element::{Element, numbered};

/// The device that a path leads to or into: its name, and its number among those of the name.
fn device(path: &str) -> Option<(&str, usize)> {
    let step = path.strip_prefix("/domain/devices/")?.split('/').next()?;
    (!step.starts_with('@')).then(|| numbered(step))
}

/// A domain XML that can still be changed.
#[derive(Clone, Debug)]
pub struct Document {
    root: Element,
    metadata: Option<String>,
    comments: Vec<String>,
}

impl Document {
    /// The domain, as far as a domain XML has words for it, and the number that it runs under.
    #[must_use]
    pub fn new(domain: &Domain, running: Option<u32>) -> Self {
        let mut root = guest::root(domain).maybe("id", running);
        root.children.retain(|child| !matches!(child.name, "features" | "pm") || !child.is_empty());
        if root.children.iter().any(|child| child.name == "xen:commandline") {
            root = root.with("xmlns:xen", XEN_NAMESPACE);
        }
        Document { root, metadata: domain.notes.metadata.clone(), comments: domain.notes.comments.clone() }
    }

    /// Takes out the elements and attributes at paths such as `/domain/os/loader/@type`, in the order of the document. A
    /// device goes whole, whatever part of it is named. Answers how many there were.
    pub fn remove(&mut self, paths: &[String]) -> usize {
        let devices: HashSet<_> = paths.iter().filter_map(|path| device(path)).collect();
        let gone = self.root.remove_devices(&devices);
        // From the end on, so that the numbers of those before stay.
        let mut others: Vec<_> = paths.iter().filter(|path| device(path).is_none()).collect();
        others.dedup();
        gone + others.into_iter().rev().filter(|path| self.remove_one(path)).count()
    }

    fn remove_one(&mut self, path: &str) -> bool {
        let steps: Vec<_> = path.split('/').skip(2).collect();
        let needed = [&["name"][..], &["memory"], &["os"], &["os", "type"]];
        let step = |step: &str| step.split('[').next().unwrap_or_default().to_owned();
        let plain: Vec<_> = steps.iter().map(|name| step(name)).filter(|name| name != "text()").collect();
        if steps.first() == Some(&"metadata") {
            return self.metadata.take().is_some();
        }
        !needed.iter().any(|needed| plain == *needed) && self.root.remove(&steps)
    }

    /// The text, with changes to make to it kept in its metadata.
    #[must_use]
    pub fn text(&self, changes: &[Change]) -> String {
        let mut out = String::new();
        self.root.write(0, &mut out);
        let metadata = self.metadata(changes);
        let after = ["</description>\n", "</title>\n", "</genid>\n", "</uuid>\n", "</name>\n"];
        let place = after.iter().find_map(|end| out.find(end).map(|at| at + end.len()));
        out.insert_str(place.unwrap_or_default(), &metadata);
        let comments = self.comments.iter().map(|comment| format!("  <!-- {} -->\n", plain(comment)));
        let head = out.find('\n').map_or(0, |at| at + 1);
        out.insert_str(head, &comments.collect::<String>());
        out
    }

    fn metadata(&self, changes: &[Change]) -> String {
        let mut kept = String::new();
        if !changes.is_empty() {
            kept = format!("    <{KEPT_PREFIX}:domain xmlns:{KEPT_PREFIX}='{KEPT_NAMESPACE}'>\n");
            for Change { field, to } in changes {
                let field = escaped(field, true);
                kept.push_str(&match to {
                    Kept::Set(value) => line("set", &field, Some(value)),
                    Kept::Add(value) => line("add", &field, Some(value)),
                    Kept::Unset => line("unset", &field, None),
                });
            }
            kept.push_str(&format!("    </{KEPT_PREFIX}:domain>\n"));
        }
        match self.metadata.as_deref().and_then(|there| there.rsplit_once("</")) {
            Some((inner, end)) => format!("  {}\n{kept}  </{end}\n", inner.trim_end()),
            None if kept.is_empty() => String::new(),
            None => format!("  <metadata>\n{kept}  </metadata>\n"),
        }
    }
}

/// A comment's text: two hyphens would end it, and XML has no place for control characters.
fn plain(comment: &str) -> String {
    let mut text: String = comment.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    while text.contains("--") {
        text = text.replace("--", "- -");
    }
    text
}

fn line(what: &str, field: &str, value: Option<&serde_json::Value>) -> String {
    match value {
        Some(value) => {
            let value = value.to_string();
            format!(
                "      <{KEPT_PREFIX}:{what} field='{field}'>{}</{KEPT_PREFIX}:{what}>\n",
                escaped(&value, false)
            )
        }
        None => format!("      <{KEPT_PREFIX}:{what} field='{field}'/>\n"),
    }
}

/// A `<clock>` alone, on lines of its own.
#[must_use]
pub fn clock_element(clock: &GuestClock) -> String {
    let mut out = String::new();
    clock::clock(clock).write(0, &mut out);
    out.truncate(out.trim_end().len());
    out
}

/// The start tag of a `<clock>`, or all of one that holds nothing.
#[must_use]
pub fn clock_tag(clock: &GuestClock, alone: bool) -> String {
    let offset = GuestClock { timers: Vec::new(), ..clock.clone() };
    let tag = clock_element(&offset);
    if alone { tag } else { tag.replace("/>", ">") }
}
