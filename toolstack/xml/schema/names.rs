//! libvirt's names, parent by parent.
//!
//! A line of `names.txt` is an element, indented below its parent: its name, `$` if it contains text, and its
//! attributes after a colon. `NAME = PATH` is an element with the same content as the one at PATH, which is listed
//! above. A prefix stands for one of [`NAMESPACES`].

use std::sync::OnceLock;

/// libvirt's own namespaces, by the prefixes that they usually have.
pub(crate) const NAMESPACES: &[(&str, &str)] = &[
    ("qemu", "http://libvirt.org/schemas/domain/qemu/1.0"),
    ("xen", "http://libvirt.org/schemas/domain/xen/1.0"),
    ("lxc", "http://libvirt.org/schemas/domain/lxc/1.0"),
    ("vmware", "http://libvirt.org/schemas/domain/vmware/1.0"),
    ("bhyve", "http://libvirt.org/schemas/domain/bhyve/1.0"),
];

/// An element of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ElementId(u16);

/// All elements and attributes.
#[derive(Debug)]
pub(crate) struct Names {
    elements: Vec<Element>,
    children: Vec<Child>,
    metadata: Option<ElementId>,
}

/// An element in another, and the number of the entry of the next one there. A command reads the list at each start, and
/// one vector for all elements takes little time.
#[derive(Clone, Copy, Debug)]
struct Child {
    element: ElementId,
    next: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
struct Element {
    name: &'static str,
    parent: Option<ElementId>,
    /// The names, parted by a space each.
    attributes: &'static str,
    holds_text: bool,
    /// Steps from `<domain>`.
    depth: usize,
    /// The entries of the first and the last of its children.
    children: Option<(u16, u16)>,
    /// The number of the element itself among all elements and attributes; its attributes follow.
    number: u16,
}

impl Names {
    /// The names, which are read from the list once.
    pub(crate) fn get() -> &'static Names {
        static NAMES: OnceLock<Names> = OnceLock::new();
        NAMES.get_or_init(|| Names::parse(include_str!("names.txt")))
    }

    fn parse(list: &'static str) -> Names {
        let mut names =
            Names { elements: Vec::with_capacity(1200), children: Vec::with_capacity(1300), metadata: None };
        // The elements around the line, from the outermost.
        let mut open: Vec<ElementId> = Vec::new();
        for line in list.lines() {
            let text = line.trim_start();
            open.truncate(line.len() - text.len());
            let parent = open.last().copied();
            // `NAME`, `NAME: ATTRIBUTES` or `NAME = PATH`.
            let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
            let (attributes, same_as) = match rest.strip_prefix("= ") {
                Some(path) => ("", names.at(path)),
                None => (rest, None),
            };
            let name = name.strip_suffix(':').unwrap_or(name);
            match same_as {
                // An element within itself.
                Some(around) if open.contains(&around) => {
                    if let Some(parent) = parent {
                        names.put(around, parent);
                    }
                }
                Some(other) => names.copy(other, parent),
                None => {
                    let (name, holds_text) =
                        name.strip_suffix('$').map_or((name, false), |name| (name, true));
                    open.push(names.add(Element {
                        name,
                        parent,
                        attributes,
                        holds_text,
                        depth: 0,
                        children: None,
                        number: 0,
                    }));
                }
            }
        }
        let mut number = 0;
        for element in &mut names.elements {
            element.number = number;
            number += 1 + element.attribute_count();
        }
        names.metadata = names.at("metadata");
        names
    }

    fn add(&mut self, mut element: Element) -> ElementId {
        let id = ElementId(small(self.elements.len()));
        if let Some(parent) = element.parent {
            element.depth = self.element(parent).depth + 1;
            self.put(id, parent);
        }
        self.elements.push(element);
        id
    }

    /// Puts an element behind those in another.
    fn put(&mut self, element: ElementId, parent: ElementId) {
        let new = small(self.children.len());
        self.children.push(Child { element, next: None });
        let children = &mut self.elements[parent.index()].children;
        let (first, last) = children.unwrap_or((new, new));
        if last != new {
            self.children[usize::from(last)].next = Some(new);
        }
        *children = Some((first, new));
    }

    /// Adds a copy of an element, with all that is in it. What lies within itself stays there.
    fn copy(&mut self, original: ElementId, parent: Option<ElementId>) {
        let children: Vec<_> = self.children(original).collect();
        let copy = self.add(Element { parent, children: None, ..*self.element(original) });
        for child in children {
            if self.element(child).parent == Some(original) {
                self.copy(child, Some(copy));
            } else {
                self.put(child, copy);
            }
        }
    }

    fn element(&self, id: ElementId) -> &Element {
        &self.elements[id.index()]
    }

    fn at(&self, path: &str) -> Option<ElementId> {
        path.split('/').try_fold(self.root(), |around, name| self.child(around, name))
    }

    /// `<domain>`
    pub(crate) fn root(&self) -> ElementId {
        ElementId(0)
    }

    /// An element in an element.
    pub(crate) fn child(&self, parent: ElementId, name: &str) -> Option<ElementId> {
        self.children(parent).find(|&child| self.name(child) == name)
    }

    /// The elements in an element.
    pub(crate) fn children(&self, parent: ElementId) -> impl Iterator<Item = ElementId> + '_ {
        let first = self.element(parent).children.map(|(first, _)| first);
        let entry = |number: u16| &self.children[usize::from(number)];
        std::iter::successors(first, move |&number| entry(number).next)
            .map(move |number| entry(number).element)
    }

    /// An element's name.
    pub(crate) fn name(&self, id: ElementId) -> &'static str {
        self.element(id).name
    }

    /// The names of an element's attributes.
    pub(crate) fn attributes(&self, id: ElementId) -> impl Iterator<Item = &'static str> + use<> {
        self.element(id).attributes()
    }

    /// True if an element has text of its own.
    pub(crate) fn holds_text(&self, id: ElementId) -> bool {
        self.element(id).holds_text
    }

    /// The number of an element among all elements and attributes, from 0.
    pub(crate) fn number(&self, id: ElementId) -> usize {
        self.element(id).number.into()
    }

    /// The number of an attribute; `None` for one that the element does not have.
    pub(crate) fn attribute_number(&self, id: ElementId, name: &str) -> Option<usize> {
        let place = self.attributes(id).position(|known| known == name)?;
        Some(self.number(id) + 1 + place)
    }

    /// How many elements and attributes there are.
    pub(crate) fn count(&self) -> usize {
        self.elements.last().map_or(0, |last| usize::from(last.number + 1 + last.attribute_count()))
    }

    /// How many steps it is from `<domain>` to an element.
    pub(crate) fn depth(&self, id: ElementId) -> usize {
        self.element(id).depth
    }

    /// `<metadata>`
    pub(crate) fn metadata(&self) -> Option<ElementId> {
        self.metadata
    }

    /// An element around one of this name; `None` where there is none, and for a name that is too common to tell.
    pub(crate) fn somewhere(&self, name: &str) -> Option<ElementId> {
        let mut around = self.elements.iter().filter(|element| element.name == name);
        match (around.next(), around.next()) {
            (Some(only), None) => only.parent,
            _ => None,
        }
    }

    /// The names from below `<domain>` to an element.
    pub(crate) fn steps(&self, id: ElementId) -> Vec<&'static str> {
        let mut steps = Vec::new();
        let mut at = id;
        while let Some(parent) = self.element(at).parent {
            steps.push(self.name(at));
            at = parent;
        }
        steps.reverse();
        steps
    }
}

impl Element {
    fn attributes(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.attributes.split(' ').filter(|name| !name.is_empty())
    }

    fn attribute_count(&self) -> u16 {
        let spaces = self.attributes.bytes().filter(|byte| *byte == b' ').count();
        if self.attributes.is_empty() { 0 } else { 1 + small(spaces) }
    }
}

/// A number as the entries hold it; the list is far shorter.
fn small(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

impl ElementId {
    fn index(self) -> usize {
        self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> ElementId {
        Names::get().at(path).unwrap_or_else(|| panic!("no {path}"))
    }

    #[test]
    fn every_line_of_the_list_is_understood() {
        let names = Names::get();
        assert!(names.elements.len() > 850, "{}", names.elements.len());
        assert!(names.count() > 2800, "{}", names.count());
        for element in &names.elements {
            let words = element.attributes().chain([element.name]);
            for word in words {
                assert!(
                    word.chars().all(|c| c.is_ascii_alphanumeric() || "_-:".contains(c)) && !word.is_empty(),
                    "{word}"
                );
            }
        }
    }

    #[test]
    fn what_is_the_same_is_there_in_each_place() {
        let names = Names::get();
        let zpci = at("devices/watchdog/address/zpci");
        assert_eq!(names.steps(zpci), ["devices", "watchdog", "address", "zpci"]);
        assert!(names.attributes(zpci).eq(["fid", "uid"]));
        assert!(names.holds_text(at("memory")) && !names.holds_text(at("devices")));
    }

    #[test]
    fn what_lies_within_itself_has_no_end() {
        let names = Names::get();
        let deep =
            at("devices/disk/backingStore/backingStore/backingStore/source/dataStore/source/dataStore");
        assert_eq!(names.name(deep), "dataStore");
        assert!(names.child(deep, "source").is_some());
    }

    #[test]
    fn numbers_are_each_ones_own() {
        let names = Names::get();
        let mut seen = vec![false; names.count()];
        for id in (0..names.elements.len()).filter_map(|index| u16::try_from(index).ok()).map(ElementId) {
            let attributes = names.attributes(id).filter_map(|name| names.attribute_number(id, name));
            for number in std::iter::once(names.number(id)).chain(attributes) {
                assert!(!std::mem::replace(&mut seen[number], true));
            }
        }
        assert!(seen.into_iter().all(|seen| seen));
    }
}
