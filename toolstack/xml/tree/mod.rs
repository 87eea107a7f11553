//! A small tree over quick-xml's events: every element, attribute and text with its place in the input.
//!
//! Strict: what libvirt's own parser would refuse is refused here, and so is what only an attack would hold: a
//! DOCTYPE (and with it every entity but XML's own five), control characters and references to them, duplicate
//! attributes, more than [`MAX_DEPTH`] levels, more than [`MAX_BYTES`] bytes.

mod build;
mod declaration;
mod encoding;

use std::collections::HashMap;
use std::ops::Range;

use crate::diag::report::Step;
use crate::diag::source::Bytes;
use crate::diag::{Diagnostic, Finding, Source};

/// Elements within elements at most.
pub const MAX_DEPTH: usize = 1000;
/// Bytes of an input at most.
pub const MAX_BYTES: usize = 32 << 20;
/// Elements, attributes and texts of an input at most.
pub const MAX_NODES: usize = 2_000_000;
/// Siblings up to which it is faster to compare their names pair by pair.
const FEW: usize = 32;
/// Bytes of an input that there are for each of its nodes, about.
const BYTES_PER_NODE: usize = 16;

/// A node's number; numbers rise in the order of the input.
pub type NodeId = usize;

/// A parsed document.
///
/// Names and values are places in the input, so that a node takes no memory of its own beside its entry.
#[derive(Debug)]
pub struct Tree {
    source: Source,
    nodes: Vec<Node>,
    /// Values that do not stand in the input as they are.
    decoded: Vec<Box<str>>,
}

/// One element, attribute or text. An element's attributes follow it, then what is in it.
#[derive(Debug)]
struct Node {
    kind: Kind,
    /// The element around it; [`NONE`] for the root.
    parent: u32,
    /// The next element or text in the same element, or [`NONE`].
    next: u32,
    /// Its place among the siblings of its name, from 1; 0 where there are no others.
    ordinal: u32,
    name: Bytes,
    value: Value,
    span: Bytes,
    /// The end of the whole element.
    end: u32,
}

/// The number of no node.
const NONE: u32 = u32::MAX;

/// The value of an attribute, or a text.
#[derive(Clone, Copy, Debug)]
enum Value {
    InInput(Bytes),
    /// With entities, or parted by comments: the number of a decoded value.
    Decoded(u32),
}

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An element.
    Element,
    /// An attribute.
    Attribute,
    /// A text that is not only white space, trimmed.
    Text,
}

impl Tree {
    /// The root element.
    #[must_use]
    pub fn root(&self) -> NodeId {
        0
    }

    /// All nodes, in the order of the input.
    pub fn ids(&self) -> Range<NodeId> {
        0..self.nodes.len()
    }

    /// The input.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The kind of a node.
    #[must_use]
    pub fn kind(&self, id: NodeId) -> Kind {
        self.nodes[id].kind
    }

    /// The element around a node; `None` for the root.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        known(self.nodes[id].parent)
    }

    /// The bytes that a message about a node points at: a start tag, a whole attribute, a text.
    #[must_use]
    pub fn span(&self, id: NodeId) -> Range<usize> {
        self.nodes[id].span.range()
    }

    /// The bytes of a whole element, from its start tag to its end tag.
    #[must_use]
    pub fn whole(&self, id: NodeId) -> Range<usize> {
        self.nodes[id].span.range().start..self.nodes[id].end as usize
    }

    /// The name of an element or attribute; empty for a text.
    #[must_use]
    pub fn name(&self, id: NodeId) -> &str {
        self.source.text().get(self.nodes[id].name.range()).unwrap_or_default()
    }

    /// The value of an attribute, or a text; empty for an element.
    #[must_use]
    pub fn value(&self, id: NodeId) -> &str {
        match self.nodes[id].value {
            Value::InInput(bytes) => self.source.text().get(bytes.range()).unwrap_or_default(),
            Value::Decoded(number) => &self.decoded[number as usize],
        }
    }

    /// The attributes of an element.
    pub fn attributes(&self, element: NodeId) -> Range<NodeId> {
        let first = element + 1;
        let count = self.nodes[first..].iter().take_while(|node| node.kind == Kind::Attribute).count();
        first..first + count
    }

    /// The elements and texts in an element.
    pub fn children(&self, element: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let first = self.attributes(element).end;
        let in_element =
            |&first: &NodeId| self.nodes.get(first).is_some_and(|node| known(node.parent) == Some(element));
        std::iter::successors(Some(first).filter(in_element), |&child| known(self.nodes[child].next))
    }

    /// An element's attribute.
    #[must_use]
    pub fn attribute(&self, element: NodeId, name: &str) -> Option<NodeId> {
        self.attributes(element).find(|&id| self.name(id) == name)
    }

    /// True if an earlier sibling has the same name.
    #[must_use]
    pub fn is_repeated(&self, id: NodeId) -> bool {
        self.nodes[id].ordinal > 1
    }

    /// A node's path, `/domain/clock/timer[2]/@mode`; a number only where siblings share the name.
    #[must_use]
    pub fn path(&self, id: NodeId) -> String {
        let above = std::iter::successors(Some(id), |&id| self.parent(id));
        let mut steps: Vec<_> = above.map(|id| self.step(id)).collect();
        steps.reverse();
        let mut path = String::new();
        steps.iter().for_each(|step| step.push_to(&mut path, self.source.text()));
        path
    }

    /// A node's own step of its path.
    #[must_use]
    pub fn step(&self, id: NodeId) -> Step {
        let Node { kind, name, ordinal, .. } = self.nodes[id];
        match kind {
            Kind::Element => Step::Element { name, ordinal },
            Kind::Attribute => Step::Attribute { name },
            Kind::Text => Step::Text,
        }
    }

    /// Numbers siblings that share a name.
    fn number_siblings(&mut self) {
        let mut siblings: Vec<(NodeId, u32)> = Vec::new();
        for parent in self.ids() {
            if self.nodes[parent].kind != Kind::Element {
                continue;
            }
            siblings.clear();
            siblings.extend(self.children(parent).map(|child| (child, 0)));
            match siblings.len() {
                0 | 1 => continue,
                ..=FEW => self.number_few(&mut siblings),
                _ => self.number_many(&mut siblings),
            }
            for &(child, ordinal) in &siblings {
                self.nodes[child].ordinal = ordinal;
            }
        }
    }

    fn number_few(&self, siblings: &mut [(NodeId, u32)]) {
        for index in 0..siblings.len() {
            let (child, mut ordinal) = siblings[index];
            if ordinal > 0 {
                continue;
            }
            let name = self.name(child);
            for other in index + 1..siblings.len() {
                if self.name(siblings[other].0) == name {
                    ordinal = ordinal.max(1) + 1;
                    siblings[index].1 = 1;
                    siblings[other].1 = ordinal;
                }
            }
        }
    }

    fn number_many(&self, siblings: &mut [(NodeId, u32)]) {
        let mut counts: HashMap<&str, u32> = HashMap::new();
        for (child, ordinal) in siblings.iter_mut() {
            let count = counts.entry(self.name(*child)).or_default();
            *count += 1;
            *ordinal = *count;
        }
        for (child, ordinal) in siblings {
            if counts.get(self.name(*child)) == Some(&1) {
                *ordinal = 0;
            }
        }
    }

    /// A diagnostic at a node.
    #[must_use]
    pub fn at(&self, id: NodeId, finding: Finding) -> Box<Diagnostic> {
        let place = self.source.place(self.span(id));
        Box::new(Diagnostic { place, node: self.path(id), finding })
    }
}

/// A node's number, if it is one.
fn known(id: u32) -> Option<NodeId> {
    (id != NONE).then_some(id as NodeId)
}

/// True if an input starts with the byte order mark of UTF-16.
#[must_use]
pub fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")
}
