//! A small tree over quick-xml's events: every element, attribute and text with its place in the input.
//!
//! Strict: what libvirt's own parser would refuse is refused here, and so is what only an attack would hold: a
//! DOCTYPE (and with it every entity but XML's own five), control characters and references to them, duplicate
//! attributes, more than [`MAX_DEPTH`] levels, more than [`MAX_BYTES`] bytes.

mod build;

use std::collections::HashMap;
use std::ops::Range;

use crate::diag::{Diagnostic, Finding, Source};

/// Elements within elements at most.
pub const MAX_DEPTH: usize = 1000;
/// Bytes of an input at most.
pub const MAX_BYTES: usize = 16 << 20;
/// Elements, attributes and texts of an input at most.
pub const MAX_NODES: usize = 200_000;

/// A node's number; numbers rise in the order of the input.
pub type NodeId = usize;

/// A parsed document.
#[derive(Debug)]
pub struct Tree {
    source: Source,
    nodes: Vec<Node>,
}

/// One element, attribute or text.
#[derive(Debug)]
pub struct Node {
    /// The kind of node.
    pub kind: Kind,
    /// The element around it; `None` for the root.
    pub parent: Option<NodeId>,
    /// The bytes a message about it points at: a start tag, a whole attribute, a text.
    pub span: Range<usize>,
    /// Attributes of an element.
    pub attributes: Vec<NodeId>,
    /// Elements and texts in an element.
    pub children: Vec<NodeId>,
    /// The bytes of the whole element, from its start tag to its end tag.
    pub whole: Range<usize>,
    /// Its place among the siblings of its name, from 1; 0 where there are no others.
    ordinal: usize,
}

/// The kind of a node.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// An element with its name.
    Element(String),
    /// An attribute with its name and its value.
    Attribute(String, String),
    /// A text that is not only white space, trimmed.
    Text(String),
}

impl Tree {
    /// The root element.
    #[must_use]
    pub fn root(&self) -> NodeId {
        0
    }

    /// A node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
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

    /// The name of an element or attribute; empty for a text.
    #[must_use]
    pub fn name(&self, id: NodeId) -> &str {
        match &self.nodes[id].kind {
            Kind::Element(name) | Kind::Attribute(name, _) => name,
            Kind::Text(_) => "",
        }
    }

    /// The value of an element's attribute.
    #[must_use]
    pub fn attribute(&self, element: NodeId, name: &str) -> Option<&str> {
        let mut attributes = self.nodes[element].attributes.iter();
        attributes.find_map(|&id| match &self.nodes[id].kind {
            Kind::Attribute(found, value) if found == name => Some(value.as_str()),
            _ => None,
        })
    }

    /// True if an earlier sibling has the same name.
    #[must_use]
    pub fn is_repeated(&self, id: NodeId) -> bool {
        self.nodes[id].ordinal > 1
    }

    /// A node's path, `/domain/clock/timer[2]/@mode`; a number only where siblings share the name.
    #[must_use]
    pub fn path(&self, id: NodeId) -> String {
        let mut steps = Vec::new();
        let mut at = Some(id);
        while let Some(id) = at {
            steps.push(self.step(id));
            at = self.nodes[id].parent;
        }
        steps.reverse();
        steps.concat()
    }

    /// A node's own step of its path.
    #[must_use]
    pub fn step(&self, id: NodeId) -> String {
        match (&self.nodes[id].kind, self.nodes[id].ordinal) {
            (Kind::Attribute(name, _), _) => format!("/@{name}"),
            (Kind::Text(_), _) => "/text()".to_owned(),
            (Kind::Element(name), 0) => format!("/{name}"),
            (Kind::Element(name), ordinal) => format!("/{name}[{ordinal}]"),
        }
    }

    /// Numbers siblings that share a name.
    fn number_siblings(&mut self) {
        for parent in self.ids() {
            let children = std::mem::take(&mut self.nodes[parent].children);
            let mut counts: HashMap<&str, usize> = HashMap::new();
            let ordinals: Vec<usize> = children
                .iter()
                .map(|&child| {
                    let count = counts.entry(self.name(child)).or_default();
                    *count += 1;
                    *count
                })
                .collect();
            let alone: Vec<bool> =
                children.iter().map(|&child| counts.get(self.name(child)) == Some(&1)).collect();
            for ((&child, ordinal), alone) in children.iter().zip(ordinals).zip(alone) {
                self.nodes[child].ordinal = if alone { 0 } else { ordinal };
            }
            self.nodes[parent].children = children;
        }
    }

    /// A diagnostic at a node.
    #[must_use]
    pub fn at(&self, id: NodeId, finding: Finding) -> Box<Diagnostic> {
        let place = self.source.place(self.nodes[id].span.clone());
        Box::new(Diagnostic { place, node: self.path(id), finding })
    }
}

/// True if an input starts with the byte order mark of UTF-16.
#[must_use]
pub fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")
}
