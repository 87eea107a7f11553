//! Changes settings of a domain XML and keeps every other byte.

mod clock;
mod error;
mod patch;
mod text;

use crate::cfg::{self, WORDS, XlHost};
use crate::diag::Errors;
use crate::domain::{Domain, changes};
use crate::write::xml::Document;
use crate::xml;
use crate::xml::tree::Tree;
pub use error::EditError;
use patch::{Insert, Patch};

/// A domain XML with settings laid over it, once those of `unset` are taken out: the settings of the clock as `clock-set` lays
/// them over a guest's, all others as `create` lays them over a domain.
///
/// # Errors
/// If the XML or a word is wrong, or a domain XML cannot express a setting.
pub fn edit(
    name: &str,
    bytes: &[u8],
    words: &[String],
    unset: &[String],
    host: &XlHost,
) -> Result<Vec<u8>, EditError> {
    let added = words.iter().filter_map(|word| word.split_once('=')?.0.trim_end().strip_suffix('+'));
    if let Some(key) = added.map(str::trim).next() {
        return Err(EditError::Added(key.to_owned()));
    }
    laid_over(name, bytes, words, host)?;
    // An empty word keeps the places of the words behind it.
    let only = |of_clock: bool| -> Vec<String> {
        let kept = |word: &&String| cfg::clock::is_of_clock(word) == of_clock;
        words.iter().map(|word| Some(word).filter(kept).cloned().unwrap_or_default()).collect()
    };
    let (of_clock, others) = (only(true), only(false));
    let changed = clock::edit(name, bytes, &of_clock, unset)?;
    if others.iter().all(String::is_empty) {
        return Ok(changed);
    }
    edit_domain(name, &changed, &others, host)?.ok_or_else(|| {
        let key = |word: &String| word.split('=').next().unwrap_or_default().trim().to_owned();
        let fails = |word: &&String| {
            matches!(edit_domain(name, &changed, std::slice::from_ref(*word), host), Ok(None))
        };
        let words = || others.iter().filter(|word| !word.is_empty());
        let mut keys: Vec<_> = words().filter(fails).map(key).collect();
        if keys.is_empty() {
            keys = words().map(key).collect();
        }
        EditError::NoPlace(keys.join(", "))
    })
}

/// The domain before and after the words.
fn laid_over(
    name: &str,
    bytes: &[u8],
    words: &[String],
    host: &XlHost,
) -> Result<(Domain, Domain), EditError> {
    let before = xml::read(name, bytes).map_err(EditError::Xml)?;
    let mut after = before.clone();
    cfg::overlay(&mut after, words, host).map_err(EditError::Words)?;
    // xl ignores such a setting, so that the document has nothing to change.
    let lost = after.report.losses().filter(|loss| &*loss.place.file == WORDS).collect();
    match Errors::of(lost, after.report.source()) {
        Some(lost) => Err(EditError::Words(lost)),
        None => Ok((before.domain, after.domain)),
    }
}

/// Makes the differences in the document that the words make in the domain as xenclock writes it. `None` where the document
/// does not have the requested meaning then.
fn edit_domain(
    name: &str,
    bytes: &[u8],
    words: &[String],
    host: &XlHost,
) -> Result<Option<Vec<u8>>, EditError> {
    let (before, wanted) = laid_over(name, bytes, words, host)?;
    let parsed = |bytes: &[u8]| Tree::parse(name, bytes).map_err(EditError::Xml);
    let written = |domain: &Domain| parsed(Document::new(domain, None).text(&[]).as_bytes());
    let (from, to) = (written(&before)?, written(&wanted)?);
    let patch = Patch::between(&from, &to);
    let tree = parsed(bytes)?;
    let is_as_wanted = |text: &str| {
        xml::read(name, text.as_bytes()).is_ok_and(|read| {
            let read = &read.domain;
            changes::between((&read.config, &read.clock), (&wanted.config, &wanted.clock)).is_empty()
        })
    };
    let made = Insert::ALL.into_iter();
    let text = made.filter_map(|insert| patch.made_in(&tree, insert)).find(|text| is_as_wanted(text));
    Ok(text.map(|text| text::with_mark(bytes, &tree, &text)))
}

#[cfg(test)]
mod tests;
