//! Changes of a document's bytes, in the document's own style.

use std::ops::Range;

use crate::write::xml::escaped;
use crate::xml::read::unit_bytes;
use crate::xml::tree::{Kind, NodeId, Tree};

/// Bytes of a document, and the text in their place.
pub(super) type Change = (Range<usize>, String);

/// A document with changes made in it; `None` if two of them are about the same bytes.
pub(super) fn changed(text: &str, mut changes: Vec<Change>) -> Option<String> {
    changes.sort_by_key(|(span, _)| span.start);
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for (span, new) in changes {
        out.push_str(text.get(end..span.start)?);
        out.push_str(&new);
        end = span.end;
    }
    out.push_str(text.get(end..)?);
    Some(out)
}

/// A changed document behind the byte order mark that the document has.
pub(super) fn with_mark(bytes: &[u8], tree: &Tree, text: &str) -> Vec<u8> {
    let mark = bytes.len() - tree.source().text().len();
    [bytes.get(..mark).unwrap_or_default(), text.as_bytes()].concat()
}

/// The white space before an element that begins a line.
pub(super) fn indent(tree: &Tree, element: NodeId) -> &str {
    own_line(tree, element).unwrap_or_default()
}

/// As [`indent`]; for an element that stands behind others on its line, the indent of that line as an error.
fn own_line(tree: &Tree, element: NodeId) -> Result<&str, &str> {
    let before = tree.source().text().get(..tree.span(element).start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let inner = line.trim_start();
    if inner.is_empty() { Ok(line) } else { Err(&line[..line.len() - inner.len()]) }
}

/// An element as xenclock writes it, in the document's style: from its second line on with the document's line ends,
/// indented as deep as `indent` and by the document's own steps.
pub(super) fn in_style(tree: &Tree, element: &str, indent: &str) -> String {
    let feed = line_end(tree);
    let step = step(tree);
    let lines = element.trim_end().split('\n').enumerate().map(|(number, line)| {
        let inner = line.trim_start_matches(' ');
        match number {
            0 => inner.to_owned(),
            _ => format!("{feed}{indent}{}{inner}", step.repeat((line.len() - inner.len()) / 2)),
        }
    });
    lines.collect()
}

fn line_end(tree: &Tree) -> &'static str {
    if tree.source().text().contains("\r\n") { "\r\n" } else { "\n" }
}

/// The indent of one level.
fn step(tree: &Tree) -> &str {
    let outer = indent(tree, tree.root());
    let first = elements(tree, tree.root()).map(|child| indent(tree, child)).find(|inner| !inner.is_empty());
    first.and_then(|inner| inner.strip_prefix(outer)).filter(|step| !step.is_empty()).unwrap_or("  ")
}

/// Inserts an element behind another one, and behind a comment that ends the line of that one.
pub(super) fn behind(tree: &Tree, sibling: NodeId, element: &str) -> Change {
    let end = tree.whole(sibling).end;
    let indent = match own_line(tree, sibling) {
        Ok(indent) => indent,
        Err(indent) => return (end..end, in_style(tree, element, indent)),
    };
    let end = end_of_line(tree, end);
    (end..end, format!("{}{indent}{}", line_end(tree), in_style(tree, element, indent)))
}

/// Inserts an element before another one.
pub(super) fn before(tree: &Tree, sibling: NodeId, element: &str) -> Change {
    let start = tree.span(sibling).start;
    let indent = match own_line(tree, sibling) {
        Ok(indent) => indent,
        Err(indent) => return (start..start, in_style(tree, element, indent)),
    };
    (start..start, format!("{}{}{indent}", in_style(tree, element, indent), line_end(tree)))
}

/// Inserts elements as the first ones of their parent.
pub(super) fn first_in(tree: &Tree, parent: NodeId, new: &[String]) -> Change {
    let text = tree.source().text();
    let tag = tree.span(parent);
    let (outer, feed) = (indent(tree, parent), line_end(tree));
    let inner = format!("{outer}{}", step(tree));
    let lines: String =
        new.iter().map(|element| format!("{feed}{inner}{}", in_style(tree, element, &inner))).collect();
    if is_empty_tag(tree, parent) {
        let start = tag_end(tree, parent);
        return (start..tag.end, format!(">{lines}{feed}{outer}</{}>", tree.name(parent)));
    }
    let is_closed = text.get(tag.end..).is_some_and(|rest| rest.starts_with("</"));
    let end = if is_closed { format!("{feed}{outer}") } else { String::new() };
    let start = end_of_line(tree, tag.end);
    (start..start, lines + &end)
}

/// Removes an element, with its line if it has one for itself.
pub(super) fn without(tree: &Tree, element: NodeId) -> Change {
    let text = tree.source().text();
    let whole = tree.whole(element);
    let before = text.get(..whole.start - indent(tree, element).len()).unwrap_or_default();
    let rest = text.get(whole.end..).unwrap_or_default();
    let line = before.strip_suffix('\n').filter(|_| rest.starts_with(['\r', '\n']));
    let start = line.map_or(whole.start, |line| line.trim_end_matches('\r').len());
    (start..whole.end, String::new())
}

/// Gives an element another text. A number of KiB keeps the unit that the document has, if it can.
pub(super) fn with_text(tree: &Tree, element: NodeId, new: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut new = escaped(new, false).into_owned();
    if let (Some(unit), Ok(kib)) = (tree.attribute(element, "unit"), new.parse::<u128>()) {
        match unit_bytes(tree.value(unit)).filter(|unit| (kib << 10).is_multiple_of(*unit)) {
            Some(unit) => new = ((kib << 10) / unit).to_string(),
            None => changes.push(with_attribute(tree, element, "unit", Some("KiB"))),
        }
    }
    let tag = tree.span(element);
    changes.push(match tree.children(element).find(|child| tree.kind(*child) == Kind::Text) {
        Some(text) => (tree.span(text), new),
        None if is_empty_tag(tree, element) => {
            (tag_end(tree, element)..tag.end, format!(">{new}</{}>", tree.name(element)))
        }
        None => (tag.end..tag.end, new),
    });
    changes
}

/// Gives an attribute another value in its own quotes, adds it behind the others, or removes it.
pub(super) fn with_attribute(tree: &Tree, element: NodeId, name: &str, value: Option<&str>) -> Change {
    let text = tree.source().text();
    let span = |attribute| tree.span(attribute);
    let there = tree.attribute(element, name).map(span);
    match (there, value) {
        (Some(span), Some(value)) => {
            let attribute = text.get(span.clone()).unwrap_or_default();
            let open = attribute.find(['\'', '"']).unwrap_or_default();
            let value = escaped(value, true).replace('"', "&quot;");
            (span.start + open + 1..span.end - 1, value)
        }
        (Some(span), None) => {
            let before = text.get(..span.start).unwrap_or_default();
            (before.trim_end().len()..span.end, String::new())
        }
        (None, value) => {
            let end = tag_end(tree, element);
            (end..end, value.map(|value| format!(" {name}='{}'", escaped(value, true))).unwrap_or_default())
        }
    }
}

/// The elements in an element.
pub(super) fn elements(tree: &Tree, parent: NodeId) -> impl Iterator<Item = NodeId> + '_ {
    tree.children(parent).filter(|child| tree.kind(*child) == Kind::Element)
}

fn is_empty_tag(tree: &Tree, element: NodeId) -> bool {
    tree.source().text().get(tree.span(element)).is_some_and(|tag| tag.ends_with("/>"))
}

/// The end of a start tag's name and attributes.
fn tag_end(tree: &Tree, element: NodeId) -> usize {
    let span = tree.span(element);
    let tag = tree.source().text().get(span.clone()).unwrap_or_default();
    let tag = tag.strip_suffix('>').unwrap_or(tag);
    span.start + tag.strip_suffix('/').unwrap_or(tag).trim_end().len()
}

/// The end of a comment that is the rest of a line, or the place itself.
fn end_of_line(tree: &Tree, place: usize) -> usize {
    let rest = tree.source().text().get(place..).unwrap_or_default();
    let line = rest.split(['\r', '\n']).next().unwrap_or_default().trim_end();
    let comment = line.trim_start().strip_prefix("<!--").and_then(|line| line.strip_suffix("-->"));
    let is_one = comment.is_some_and(|comment| !comment.contains("--"));
    if is_one { place + line.len() } else { place }
}
