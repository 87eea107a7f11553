//! Which namespace a prefix stands for, element by element in the order of the document.

use std::collections::HashMap;

use super::super::tree::{NodeId, Tree};
use super::names::NAMESPACES;

/// The declarations around the present element.
#[derive(Debug, Default)]
pub(crate) struct Namespaces<'t> {
    /// The namespaces of each prefix (the empty one for elements without), each with the end of the element that
    /// declares it; the innermost is the last.
    declared: HashMap<&'t str, Vec<(usize, &'t str)>>,
}

/// The meaning of an element's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefix {
    /// There is none, and no namespace but libvirt's own way.
    None,
    /// One of libvirt's namespaces, by its usual prefix.
    Libvirt(&'static str),
    /// Another program's namespace.
    Foreign,
    /// Nothing: nobody declares it.
    Undeclared,
}

/// True if an element puts itself into another program's namespace, by a default namespace of its own. libvirt looks for
/// names without a namespace, and passes over it.
pub(crate) fn declares_foreign(tree: &Tree, element: NodeId) -> bool {
    let uri = tree.attribute(element, "xmlns").map_or("", |attribute| tree.value(attribute));
    let is_prefixed = tree.name(element).contains(':');
    !is_prefixed && !uri.is_empty() && !NAMESPACES.iter().any(|(_, known)| *known == uri)
}

impl<'t> Namespaces<'t> {
    /// Comes to an element: what it declares holds from now on, until its end. Elements must come in the order of the
    /// document.
    pub(crate) fn enter(&mut self, tree: &'t Tree, element: NodeId) {
        for attribute in tree.attributes(element) {
            let prefix = match tree.name(attribute).strip_prefix("xmlns") {
                Some("") => "",
                Some(prefix) if prefix.starts_with(':') => &prefix[1..],
                _ => continue,
            };
            self.declared.entry(prefix).or_default().push((tree.whole(element).end, tree.value(attribute)));
        }
    }

    /// The meaning of the prefix of an element; the element is the one that was entered last.
    pub(crate) fn prefix(&mut self, tree: &Tree, element: NodeId) -> Prefix {
        let prefix = tree.name(element).split_once(':').map_or("", |(prefix, _)| prefix);
        let start = tree.span(element).start;
        let uri = self.declared.get_mut(prefix).and_then(|declared| {
            while declared.pop_if(|(end, _)| *end <= start).is_some() {}
            declared.last().map(|&(_, uri)| uri)
        });
        match uri {
            Some(uri) => match NAMESPACES.iter().find(|(_, known)| *known == uri) {
                Some(&(usual, _)) => Prefix::Libvirt(usual),
                None if uri.is_empty() => Prefix::None,
                None => Prefix::Foreign,
            },
            None if prefix.is_empty() => Prefix::None,
            None => Prefix::Undeclared,
        }
    }
}
