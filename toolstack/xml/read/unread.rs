//! The verdicts on nodes that no mapping reads: what is known to have no counterpart, and names that libvirt's schema
//! does not have.

use super::super::cursor::{Fault, Mark};
use super::super::schema::names::{Attribute, ElementId, NAMESPACES, Names};
use super::super::schema::namespaces::{Namespaces, Prefix};

use super::super::schema::rows;
use super::super::tree::{Kind, NodeId, Tree};
use super::common::{meant_by, one_of};
use crate::diag::{self, Finding, FindingId, Findings, MOST_SUGGESTIONS, nearest};

/// Letters of a name in a message; a hostile input's names may be long, and each node within has the same message.
const LONGEST_NAME: usize = 60;

/// Verdicts node by node, in the order of the document.
pub(super) struct Verdicts<'t> {
    tree: &'t Tree,
    names: &'static Names,
    namespaces: Namespaces<'t>,
    places: Vec<Place>,
    suggestions: usize,
    faults: Vec<Fault>,
}

/// The place of an element in the schema.
#[derive(Clone, Copy)]
enum Place {
    /// At this element of the schema.
    Known(Known),
    /// In `<metadata>`, where anything may stand.
    Metadata,
    /// In an element that the schema does not have: all in it goes with it.
    Elsewhere,
}

/// An element of the schema.
#[derive(Clone, Copy)]
struct Known {
    element: ElementId,
    /// True if it was left out: nobody read it, or an element around it.
    left_out: bool,
}

/// A verdict: a finding that some node has already, or a new one.
enum Verdict {
    Is(FindingId),
    New(Finding),
}
use Verdict::{Is, New};

impl<'t> Verdicts<'t> {
    pub(super) fn new(tree: &'t Tree) -> Self {
        Verdicts {
            tree,
            names: Names::get(),
            namespaces: Namespaces::default(),
            places: Vec::with_capacity(tree.ids().len()),
            suggestions: MOST_SUGGESTIONS,
            faults: Vec::new(),
        }
    }

    /// The values that a mapping read, and that libvirt refuses.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// The verdict on a node, read or not; `around` is that on the element around it. Nodes must come in their order.
    pub(super) fn of(
        &mut self,
        id: NodeId,
        read: Option<Mark>,
        around: Option<FindingId>,
        findings: &mut Findings,
    ) -> FindingId {
        let is_element = self.tree.kind(id) == Kind::Element;
        if is_element {
            self.namespaces.enter(self.tree, id);
        }
        let (Some(parent), Some(around)) = (self.tree.parent(id), around) else {
            self.places.push(Place::Known(Known { element: self.names.root(), left_out: false }));
            return read.map_or(FindingId::EXACT, |read| read.finding);
        };
        let place = self.places[parent];
        let (verdict, place) = match (place, read) {
            (Place::Known(parent), read) if is_element => self.element(id, parent, read, around),
            (Place::Known(parent), read) => (self.leaf(id, parent, read, around, findings), place),
            (Place::Metadata, Some(read)) => (Is(read.finding), place),
            (Place::Metadata | Place::Elsewhere, _) => (Is(around), place),
        };
        self.places.push(place);
        match verdict {
            Is(finding) => finding,
            New(finding) => findings.add(finding),
        }
    }

    fn element(
        &mut self,
        id: NodeId,
        parent: Known,
        read: Option<Mark>,
        around: FindingId,
    ) -> (Verdict, Place) {
        let prefix = self.namespaces.prefix(self.tree, id);
        let Some(element) = self.find(parent.element, self.tree.name(id), prefix) else {
            let verdict = match read {
                Some(Mark { finding, with_others: false }) => Is(finding),
                _ => New(self.stranger(id, parent.element, prefix)),
            };
            return (verdict, Place::Elsewhere);
        };
        let left_out = parent.left_out || read.is_none();
        let verdict = match read {
            Some(read) if !left_out => Is(read.finding),
            _ => self.unread(id, element, None, Some(around).filter(|_| parent.left_out)),
        };
        let metadata = self.names.metadata() == Some(element);
        (verdict, if metadata { Place::Metadata } else { Place::Known(Known { element, left_out }) })
    }

    /// The element of the schema with this name in this place.
    fn find(&self, parent: ElementId, name: &str, prefix: Prefix) -> Option<ElementId> {
        let in_namespace = match prefix {
            Prefix::Libvirt(usual) => {
                let local = name.rsplit(':').next().unwrap_or(name);
                self.names.child(parent, &format!("{usual}:{local}"))
            }
            _ => None,
        };
        let in_none = !name.contains(':') && prefix != Prefix::Foreign;
        in_namespace.or_else(|| self.names.child(parent, name).filter(|_| in_none))
    }

    /// An attribute or a text.
    fn leaf(
        &mut self,
        id: NodeId,
        parent: Known,
        read: Option<Mark>,
        around: FindingId,
        findings: &Findings,
    ) -> Verdict {
        let Known { element, left_out } = parent;
        let tree = self.tree;
        let attribute = (tree.kind(id) == Kind::Attribute).then(|| tree.name(id));
        let around = Some(around).filter(|_| left_out);
        let Some(name) = attribute else {
            return match read {
                Some(read) if !left_out => Is(read.finding),
                _ if !self.names.holds_text(element) => {
                    New(Finding::no_effect("stray-text", "libvirt reads no text here"))
                }
                _ => self.unread(id, element, None, around),
            };
        };
        if name == "xmlns" || name.starts_with("xmlns:") {
            return New(Finding::no_effect("namespace", "names a namespace"));
        }
        let known = self.names.attribute(element, name);
        if let Some(known) = known
            && !known.may_be(tree.value(id), || self.type_beside(id))
        {
            return self.strange_value(id, known, read.filter(|_| !left_out), findings);
        }
        match (known, read) {
            (_, Some(Mark { finding, with_others: false })) if !left_out => Is(finding),
            (None, _) => New(self.strange_attribute(name, element)),
            (Some(_), Some(read)) if !left_out => Is(read.finding),
            (Some(known), _) => self.unread(id, element, Some((name, known.number)), around),
        }
    }

    /// The type of the element that an attribute is of; none for the type itself.
    fn type_beside(&self, id: NodeId) -> Option<&'t str> {
        let tree = self.tree;
        let of_element = tree.attribute(tree.parent(id)?, "type").filter(|other| *other != id)?;
        Some(tree.value(of_element))
    }

    /// A value that the schema does not list. One that a mapping took for a known one is an error, as in libvirt.
    fn strange_value(
        &mut self,
        id: NodeId,
        attribute: Attribute,
        read: Option<Mark>,
        findings: &Findings,
    ) -> Verdict {
        let (name, value) = (self.tree.name(id), self.tree.value(id));
        let said = read.map(|read| findings.get(read.finding));
        if let (Some(read), Some(said)) = (read, said)
            && !read.with_others
            && (said.code == "unknown-value" || said.refuses_start)
        {
            return Is(read.finding);
        }
        let reason = format!("libvirt does not know {name}='{}'", short(value));
        let words: Vec<_> = attribute.values(self.type_beside(id)).collect();
        let meant = match self.suggestions.checked_sub(1) {
            Some(left) => {
                self.suggestions = left;
                meant_by(value, &words)
            }
            None => Err(words),
        };
        let instead = match meant {
            Ok(word) => format!("write {name}='{word}'"),
            Err(words) if words.is_empty() => format!("remove {name}="),
            Err(words) => one_of(&words),
        };
        // An older libvirt takes the words for nothing where its schema does not list them.
        let is_nothing = matches!(value, "default" | "none");
        let took =
            |said: &&Finding| matches!(said.verdict, diag::Verdict::Exact | diag::Verdict::Approximated);
        let is_own = read.is_some_and(|read| !read.with_others);
        if is_own && !is_nothing && said.filter(took).is_some() {
            let finding = Finding::invalid("unknown-value", reason).instead(instead);
            self.faults.push(Fault { id, finding });
            return Is(FindingId::EXACT);
        }
        New(Finding::unsupported("unknown-value", reason).instead(instead))
    }

    /// The verdict on a node that nobody read. What is in an element that nobody read goes with it, unless it has a row
    /// of its own. An attribute has its name and its number.
    fn unread(
        &self,
        id: NodeId,
        element: ElementId,
        attribute: Option<(&str, usize)>,
        around: Option<FindingId>,
    ) -> Verdict {
        let steps = self.names.depth(element) + usize::from(attribute.is_some());
        let number = attribute.map_or_else(|| self.names.number(element), |(_, number)| number);
        let attribute = attribute.map(|(name, _)| name);
        let row = rows::row_of(self.names, number, element, attribute).filter(|found| found.steps == steps);
        if let Some(absent) = row.and_then(|found| found.row.absent.as_ref()) {
            return New(absent.finding(|name| match self.tree.kind(id) {
                Kind::Attribute => Some(self.tree.value(id)),
                Kind::Element => self.tree.attribute(id, name).map(|attribute| self.tree.value(attribute)),
                Kind::Text => None,
            }));
        }
        if let Some(around) = around {
            return Is(around);
        }
        let name = self.names.name(element);
        if self.tree.is_repeated(id) {
            let reason = format!("a second <{name}>; only the first one counts");
            return New(
                Finding::unsupported("repeated", reason).instead("move everything into the first one")
            );
        }
        let what =
            attribute.map_or_else(|| format!("<{name}>"), |attribute| format!("{attribute}= of <{name}>"));
        New(Finding::unsupported("not-mapped", format!("{what} is not mapped to Xen here; it is left out")))
    }

    /// An element that the schema does not have in this place.
    fn stranger(&mut self, id: NodeId, parent: ElementId, prefix: Prefix) -> Finding {
        let name = self.tree.name(id);
        let around = self.names.name(parent);
        match prefix {
            Prefix::Foreign => Finding::no_effect(
                "foreign-namespace",
                "in another program's namespace, which libvirt ignores",
            ),
            Prefix::Undeclared => {
                let (prefix, _) = name.split_once(':').unwrap_or((name, ""));
                let reason = format!(
                    "libvirt ignores <{}>: the prefix {} is not declared",
                    short(name),
                    short(prefix)
                );
                let uri = NAMESPACES.iter().find(|(usual, _)| *usual == prefix).map_or("URI", |(_, uri)| uri);
                Finding::unsupported("unknown-element", reason)
                    .instead(format!("write <domain xmlns:{}='{uri}' ...>", short(prefix)))
            }
            Prefix::None | Prefix::Libvirt(_) => {
                let reason = format!("libvirt does not know <{}> in <{around}>", short(name));
                let finding = Finding::unsupported("unknown-element", reason);
                // The list has libvirt's own namespaces by their usual prefixes.
                let (own, local) = name.split_once(':').map_or(("", name), |(prefix, local)| (prefix, local));
                let usual = if let Prefix::Libvirt(usual) = prefix { usual } else { "" };
                let known = self.names.children(parent).filter_map(|child| {
                    let name = self.names.name(child);
                    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
                    (prefix == usual).then_some(local)
                });
                match suggestion(&mut self.suggestions, local, known) {
                    Some(near) if own.is_empty() => finding.instead(format!("write <{near}>")),
                    Some(near) => finding.instead(format!("write <{own}:{near}>")),
                    None if self.suggestions == 0 => finding,
                    None => match self.names.somewhere(name) {
                        Some(place) => {
                            finding.instead(format!("put <{name}> into <{}>", self.names.name(place)))
                        }
                        None => finding,
                    },
                }
            }
        }
    }

    fn strange_attribute(&mut self, name: &str, element: ElementId) -> Finding {
        if name.contains(':') {
            return Finding::no_effect(
                "foreign-namespace",
                "in another program's namespace, which libvirt ignores",
            );
        }
        let reason =
            format!("libvirt does not know the attribute {} of <{}>", short(name), self.names.name(element));
        let finding = Finding::unsupported("unknown-attribute", reason);
        match suggestion(&mut self.suggestions, name, self.names.attributes(element)) {
            Some(near) => finding.instead(format!("write {near}=")),
            None => finding,
        }
    }
}

/// The nearest of the known names, as long as there are `left` to look for.
fn suggestion<'n>(left: &mut usize, name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    *left = left.checked_sub(1)?;
    nearest(name, known)
}

/// A name as long as a message can bear.
fn short(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    }
}
