//! Changes the clock of a domain XML.

use timers::GuestClock;

use super::error::EditError;
use super::patch::{Insert, Patch};
use super::text::{self, elements};
use crate::cfg::clock;
use crate::domain::Domain;
use crate::write::xml::{Document, clock_element, clock_tag};
use crate::xml;
use crate::xml::tree::{NodeId, Tree};

/// The elements that a clock follows, the nearest first.
const BEFORE: [&str; 8] = ["cpu", "features", "os", "vcpu", "currentMemory", "memory", "uuid", "name"];

/// A clock without a setting, as it would be had nobody written it.
fn without(clock: GuestClock, key: &str) -> Result<GuestClock, EditError> {
    let known = clock::settings_of_xml();
    let left = known.contains(&key).then(|| clock::without(clock, key)).flatten();
    left.ok_or_else(|| EditError::NoSuchKey { key: key.to_owned(), known: known.join(", ") })
}

/// A domain XML with settings laid over its clock, once those of `unset` are taken out.
pub(super) fn edit(
    name: &str,
    bytes: &[u8],
    words: &[String],
    unset: &[String],
) -> Result<Vec<u8>, EditError> {
    let input = xml::read(name, bytes).map_err(EditError::Xml)?;
    let before = &input.domain.clock;
    let kind = input.domain.config.kind();
    let left = unset.iter().try_fold(before.clone(), |clock, key| without(clock, key))?;
    let after = match words.iter().all(String::is_empty) {
        true => left,
        false => clock::words_of_xml(&left, kind, words).map_err(EditError::Words)?.clock,
    };
    if after == *before {
        return Ok(bytes.to_vec());
    }
    let tree = Tree::parse(name, bytes).map_err(EditError::Xml)?;
    let is_right = |text: &[u8]| {
        let read = xml::read(name, text).map(|read| read.domain);
        read.is_ok_and(|read| read.clock == after && read.config == input.domain.config)
    };
    if element(&tree, &["clock"]).is_some() {
        let written = |clock: &GuestClock| {
            let domain = Domain { clock: clock.clone(), ..input.domain.clone() };
            Tree::parse(name, Document::new(&domain, None).text(&[]).as_bytes()).map_err(EditError::Xml)
        };
        let (from, to) = (written(before)?, written(&after)?);
        let patch = Patch::between(&from, &to);
        let made = Insert::ALL.into_iter().filter_map(|insert| patch.made_in(&tree, insert));
        if let Some(text) = made.into_iter().find(|text| is_right(text.as_bytes())) {
            return Ok(text::with_mark(bytes, &tree, &text));
        }
    }
    let source = tree.source().text();
    let change = match element(&tree, &["clock"]) {
        // The timers, with all that stands between them, stay as they are.
        Some(clock) if after.timers == before.timers => {
            let span = tree.span(clock);
            let alone = source.get(span.clone()).is_some_and(|tag| tag.ends_with("/>"));
            (span, clock_tag(&after, alone))
        }
        Some(clock) => {
            (tree.whole(clock), text::in_style(&tree, &clock_element(&after), text::indent(&tree, clock)))
        }
        None => {
            let sibling =
                BEFORE.iter().find_map(|name| element(&tree, &[name])).ok_or(EditError::NotAsAsked)?;
            text::behind(&tree, sibling, &clock_element(&after))
        }
    };
    let changed = text::changed(source, vec![change]).ok_or(EditError::NotAsAsked)?;
    let changed = text::with_mark(bytes, &tree, &changed);
    if is_right(&changed) { Ok(changed) } else { Err(EditError::NotAsAsked) }
}

/// A child of the root.
fn element(tree: &Tree, names: &[&str]) -> Option<NodeId> {
    elements(tree, tree.root()).find(|child| names.contains(&tree.name(*child)))
}
