//! Makes the differences between two domain XMLs in a third one, which says more or says it in other words.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use super::text::{self, Change, elements};
use crate::xml::tree::{Kind, NodeId, Tree};

/// The names of the elements around an element and its own, each with its number among the siblings of that name, from 0.
type Path<'t> = Vec<(&'t str, usize)>;

/// A difference between two documents. Paths lead to elements of the old one, `new` is an element of the new one.
#[derive(Clone, Debug)]
struct Difference<'t> {
    path: Path<'t>,
    kind: Changed<'t>,
}

#[derive(Clone, Debug)]
enum Changed<'t> {
    /// The element has another text.
    Text { new: NodeId },
    /// An attribute of the element has another value, or is gone.
    Attribute { name: &'t str, new: NodeId },
    /// The element is new, and comes before the old one that has this path.
    Added { new: NodeId },
    /// The element is gone.
    Removed,
}

/// The elements that are inserted into a document that lacks them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Insert {
    Nothing,
    /// Those that are new.
    New,
    /// Those that have changed, too.
    Changed,
}

impl Insert {
    /// The least first.
    pub const ALL: [Insert; 3] = [Insert::Nothing, Insert::New, Insert::Changed];
}

/// The differences that lead from one document to another.
pub(super) struct Patch<'t> {
    to: &'t Tree,
    differences: Vec<Difference<'t>>,
}

impl<'t> Patch<'t> {
    /// The differences between two documents of the same writer.
    pub(super) fn between(from: &'t Tree, to: &'t Tree) -> Self {
        let mut patch = Patch { to, differences: Vec::new() };
        patch.compare(from, from.root(), to.root(), &mut Vec::new());
        patch
    }

    fn push(&mut self, path: &Path<'t>, kind: Changed<'t>) {
        self.differences.push(Difference { path: path.clone(), kind });
    }

    fn compare(&mut self, from: &'t Tree, old: NodeId, new: NodeId, path: &mut Path<'t>) {
        let to = self.to;
        let attributes = from.attributes(old).map(|id| from.name(id));
        for name in unique(attributes.chain(to.attributes(new).map(|id| to.name(id)))) {
            if value(from, old, name) != value(to, new, name) {
                self.push(path, Changed::Attribute { name, new });
            }
        }
        if text(from, old) != text(to, new) {
            self.push(path, Changed::Text { new });
        }
        let children = elements(from, old).map(|id| from.name(id));
        for name in unique(children.chain(elements(to, new).map(|id| to.name(id)))) {
            let olds: Vec<_> = named(from, old, name).collect();
            let news: Vec<_> = named(to, new, name).collect();
            let same = |&old: &NodeId, &new: &NodeId| written(from, old) == written(to, new);
            for (old, new) in unequal(&olds, &news, same) {
                for number in 0..old.len().max(new.len()) {
                    let number_in_old = (old.start + number).min(old.end);
                    path.push((name, number_in_old));
                    match (olds[old.clone()].get(number), news[new.clone()].get(number)) {
                        (Some(&old), Some(&new)) => self.compare(from, old, new, path),
                        (Some(_), None) => self.push(path, Changed::Removed),
                        (None, Some(&new)) => self.push(path, Changed::Added { new }),
                        (None, None) => {}
                    }
                    path.pop();
                }
            }
        }
    }

    /// The text of a document with the differences made in it. `None` if it has no place for one of them.
    pub(super) fn made_in(&self, tree: &Tree, insert: Insert) -> Option<String> {
        let mut changes: Vec<Change> = Vec::new();
        let mut firsts: BTreeMap<NodeId, Vec<String>> = BTreeMap::new();
        let mut inserted = Vec::new();
        let mut left: VecDeque<_> = self.differences.iter().cloned().collect();
        while let Some(Difference { path, kind }) = left.pop_front() {
            let there = at(tree, &path);
            let (new, least) = match (kind, there) {
                (Changed::Removed, there) => {
                    changes.extend(there.map(|element| text::without(tree, element)));
                    continue;
                }
                (Changed::Text { new }, Some(element)) => {
                    changes.extend(text::with_text(tree, element, text(self.to, new)));
                    continue;
                }
                (Changed::Attribute { name, new }, Some(element)) => {
                    changes.push(text::with_attribute(tree, element, name, value(self.to, new, name)));
                    continue;
                }
                // The document has it without anything that Xen knows, such as an empty <features/>.
                (Changed::Added { new }, Some(_)) if insert != Insert::Nothing && is_single(&path) => {
                    self.all_of(&path, new).into_iter().rev().for_each(|part| left.push_front(part));
                    continue;
                }
                (Changed::Added { new }, _) => (new, Insert::New),
                (Changed::Text { new } | Changed::Attribute { new, .. }, None) => (new, Insert::Changed),
            };
            if insert == Insert::Nothing || least == Insert::Changed && insert == Insert::New {
                continue;
            }
            // The outermost element that the document lacks comes with all that is in it.
            let around = (0..path.len()).rev().find(|&length| at(tree, &path[..length]).is_some())?;
            let new = (around + 1..path.len()).try_fold(new, |new, _| self.to.parent(new))?;
            if !inserted.contains(&new) {
                inserted.push(new);
                match self.place(tree, &path[..=around], new)? {
                    Place::At(change) => changes.push(change),
                    Place::FirstIn(parent) => firsts.entry(parent).or_default().push(self.element(new)?),
                }
            }
        }
        changes.extend(firsts.iter().map(|(parent, elements)| text::first_in(tree, *parent, elements)));
        text::changed(tree.source().text(), changes)
    }

    /// All that a new element has, as differences to an empty one.
    fn all_of(&self, path: &Path<'t>, new: NodeId) -> Vec<Difference<'t>> {
        let to = self.to;
        let own = |kind| Difference { path: path.clone(), kind };
        let mut all: Vec<_> =
            to.attributes(new).map(|id| own(Changed::Attribute { name: to.name(id), new })).collect();
        if !text(to, new).is_empty() {
            all.push(own(Changed::Text { new }));
        }
        for name in unique(elements(to, new).map(|id| to.name(id))) {
            for (number, new) in named(to, new, name).enumerate() {
                let path = path.iter().copied().chain([(name, number)]).collect();
                all.push(Difference { path, kind: Changed::Added { new } });
            }
        }
        all
    }

    /// The place in a document of a new element that has a path in the old one.
    fn place(&self, tree: &Tree, path: &[(&str, usize)], new: NodeId) -> Option<Place> {
        let (&(name, number), around) = path.split_last()?;
        let parent = at(tree, around)?;
        let mut siblings = named(tree, parent, name).skip(number.saturating_sub(1));
        if let Some(sibling) = siblings.next() {
            let change = match number {
                0 => text::before(tree, sibling, &self.element(new)?),
                _ => text::behind(tree, sibling, &self.element(new)?),
            };
            return Some(Place::At(change));
        }
        // It comes behind the last of those that it follows where xenclock writes it.
        let names = elements(self.to, self.to.parent(new)?).map(|id| self.to.name(id));
        let before: Vec<_> = names.take_while(|other| *other != name).collect();
        let follows = |&id: &NodeId| tree.name(id) == name || before.contains(&tree.name(id));
        Some(match elements(tree, parent).filter(follows).last() {
            Some(sibling) => Place::At(text::behind(tree, sibling, &self.element(new)?)),
            None => Place::FirstIn(parent),
        })
    }

    /// A new element as it is written, without the indent of its first line.
    fn element(&self, new: NodeId) -> Option<String> {
        Some(written(self.to, new)?.replace(&format!("\n{}", text::indent(self.to, new)), "\n"))
    }
}

enum Place {
    At(Change),
    FirstIn(NodeId),
}

/// True for an element of which there is one. Devices are many, also those that Xen does not know.
fn is_single(path: &[(&str, usize)]) -> bool {
    !matches!(path, [("devices", _), _])
}

/// The parts of two lists between the elements that they share.
fn unequal<T>(olds: &[T], news: &[T], same: impl Fn(&T, &T) -> bool) -> Vec<(Range<usize>, Range<usize>)> {
    let mut found = Vec::new();
    let (mut old, mut start) = (0, 0);
    for (number, new) in news.iter().enumerate() {
        if let Some(shared) = olds[old..].iter().position(|old| same(old, new)) {
            found.push((old..old + shared, start..number));
            old += shared + 1;
            start = number + 1;
        }
    }
    found.push((old..olds.len(), start..news.len()));
    found
}

fn unique<'t>(names: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let mut found = Vec::new();
    names.for_each(|name| {
        if !found.contains(&name) {
            found.push(name);
        }
    });
    found
}

fn named<'t>(tree: &'t Tree, parent: NodeId, name: &'t str) -> impl Iterator<Item = NodeId> + 't {
    elements(tree, parent).filter(move |child| tree.name(*child) == name)
}

/// An element as its document has it.
fn written(tree: &Tree, element: NodeId) -> Option<&str> {
    tree.source().text().get(tree.whole(element))
}

fn value<'t>(tree: &'t Tree, element: NodeId, attribute: &str) -> Option<&'t str> {
    tree.attribute(element, attribute).map(|id| tree.value(id))
}

fn text(tree: &Tree, element: NodeId) -> &str {
    let text = tree.children(element).find(|child| tree.kind(*child) == Kind::Text);
    text.map(|text| tree.value(text)).unwrap_or_default()
}

fn at(tree: &Tree, path: &[(&str, usize)]) -> Option<NodeId> {
    path.iter().try_fold(tree.root(), |element, (name, number)| named(tree, element, name).nth(*number))
}
