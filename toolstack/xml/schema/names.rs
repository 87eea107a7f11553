//! libvirt's names, parent by parent.
//!
//! A line of `names.txt` is an element, indented below its parent: its name, `$` if it contains text, and its attributes
//! after a colon. An attribute has its values after `=` where the schema lists them, with words of Xen's beside them. A value
//! that only goes with one type of the element has that before it, `TYPE/VALUE`.
//! `NAME = PATH` is an element with the same content as the one at PATH, which is listed above. A prefix stands for one of
//! [`NAMESPACES`].

/// libvirt's own namespaces, by the prefixes that they usually have.
pub(crate) const NAMESPACES: &[(&str, &str)] = &[
    ("qemu", "http://libvirt.org/schemas/domain/qemu/1.0"),
    ("xen", "http://libvirt.org/schemas/domain/xen/1.0"),
    ("lxc", "http://libvirt.org/schemas/domain/lxc/1.0"),
    ("vmware", "http://libvirt.org/schemas/domain/vmware/1.0"),
    ("bhyve", "http://libvirt.org/schemas/domain/bhyve/1.0"),
];

const LIST: &str = include_str!("names.txt");

/// The compiler reads the list, so that no command does it at its start.
static NAMES: Names = Names::parse(LIST.as_bytes());

/// How many elements and attributes there are.
pub(crate) const COUNT: usize = Names::parse(LIST.as_bytes()).count();

/// Room for the elements and for the entries of [`Child`]; the compiler says when it no longer suffices.
const ELEMENTS: usize = 1200;
const CHILDREN: usize = 1300;
/// Room for the names of all elements and attributes.
const LISTED: usize = 3200;
/// Elements within one another, at most.
const DEPTH: usize = 16;

/// An element of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ElementId(u16);

/// An attribute of an element of the schema.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute {
    /// Its number among all elements and attributes.
    pub(crate) number: usize,
    /// The values that it may have, parted by `|`, where the schema lists them.
    values: Option<&'static [u8]>,
}

/// All elements and attributes.
#[derive(Debug)]
pub(crate) struct Names {
    elements: Few<Element, ELEMENTS>,
    children: Few<Child, CHILDREN>,
    /// Each element and each attribute at its number.
    listed: Few<Listed, LISTED>,
    metadata: Option<ElementId>,
}

/// An array with so many entries in use.
#[derive(Debug)]
struct Few<T: 'static, const N: usize> {
    entries: [T; N],
    used: usize,
}

/// An element in another, and the number of the entry of the next one there.
#[derive(Clone, Copy, Debug)]
struct Child {
    element: ElementId,
    next: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
struct Element {
    name: Word,
    parent: Option<ElementId>,
    /// The names with their values, parted by a space each.
    attributes: Word,
    holds_text: bool,
    /// Steps from `<domain>`.
    depth: u8,
    /// The entries of the first and the last of its children.
    children: Option<(u16, u16)>,
    /// The number of the element itself among all elements and attributes; its attributes follow.
    number: u16,
    /// The number behind that of its last attribute.
    end: u16,
}

/// The name of an element or attribute, and an attribute's values, parted by `|`, where the schema lists them.
#[derive(Clone, Copy, Debug)]
struct Listed {
    name: Word,
    values: Option<Word>,
}

/// A part of the list: from one byte to before another.
#[derive(Clone, Copy, Debug)]
struct Word {
    from: u16,
    to: u16,
}

impl Names {
    /// The names of the list.
    pub(crate) fn get() -> &'static Names {
        &NAMES
    }

    const fn parse(list: &[u8]) -> Names {
        let mut names = Names {
            elements: Few::of(Element::NONE),
            children: Few::of(Child::NONE),
            listed: Few::of(Listed { name: Word::new(0, 0), values: None }),
            metadata: None,
        };
        // The elements around the line, from the outermost.
        let mut open = [ElementId(0); DEPTH];
        let mut at = 0;
        while at < list.len() {
            let mut depth = 0;
            while list[at] == b' ' {
                depth += 1;
                at += 1;
            }
            let parent = if depth == 0 { None } else { Some(open[depth - 1]) };
            // `NAME`, `NAME: ATTRIBUTES` or `NAME = PATH`.
            let line = Word::new(at, find(list, at, list.len(), b'\n'));
            let (name, rest) = line.split_once(list, b' ');
            let (path, same) = rest.without_first(list, b'=');
            at = line.end() + 1;
            if !same {
                let (name, _) = name.without_last(list, b':');
                let (name, holds_text) = name.without_last(list, b'$');
                open[depth] =
                    names.add(Element { name, parent, attributes: rest, holds_text, ..Element::NONE });
                continue;
            }
            let Some(original) = names.at(list, path.without_first(list, b' ').0) else {
                panic!("no such path")
            };
            if depth > 0 && is_among(&open, depth, original) {
                // an element within itself
                names.put(original, open[depth - 1]);
            } else {
                names.copy(original, parent);
            }
        }
        let mut index = 0;
        while index < names.elements.used {
            names.number_element(list, index);
            index += 1;
        }
        names.metadata = names.named(list, ElementId(0), b"metadata");
        names
    }

    /// Gives an element and its attributes the next numbers.
    const fn number_element(&mut self, list: &[u8], index: usize) {
        let element = &mut self.elements.entries[index];
        element.number = small(self.listed.used);
        self.listed.push(Listed { name: element.name, values: None });
        let mut rest = element.attributes;
        while !rest.is_empty() {
            let (word, after) = rest.split_once(list, b' ');
            let (name, values) = word.split_once(list, b'=');
            let values = if values.is_empty() { None } else { Some(values) };
            self.listed.push(Listed { name, values });
            rest = after;
        }
        element.end = small(self.listed.used);
    }

    const fn add(&mut self, mut element: Element) -> ElementId {
        let id = ElementId(small(self.elements.used));
        if let Some(parent) = element.parent {
            element.depth = self.element(parent).depth + 1;
            self.put(id, parent);
        }
        self.elements.push(element);
        id
    }

    /// Puts an element behind those in another.
    const fn put(&mut self, element: ElementId, parent: ElementId) {
        let new = small(self.children.used);
        self.children.push(Child { element, next: None });
        let children = &mut self.elements.entries[parent.index()].children;
        *children = match *children {
            None => Some((new, new)),
            Some((first, last)) => {
                self.children.entries[last as usize].next = Some(new);
                Some((first, new))
            }
        };
    }

    /// Adds a copy of an element, with all that is in it. What lies within itself stays there.
    const fn copy(&mut self, original: ElementId, parent: Option<ElementId>) {
        let copied = *self.element(original);
        let copy = self.add(Element { parent, children: None, ..copied });
        let mut next = first(copied.children);
        // not those that the copying itself puts there
        let end = self.children.used;
        while let Some(number) = next {
            let Child { element, next: after } = self.children.entries[number as usize];
            next = match after {
                Some(after) if (after as usize) < end => Some(after),
                _ => None,
            };
            match self.element(element).parent {
                Some(parent) if parent.0 == original.0 => self.copy(element, Some(copy)),
                _ => self.put(element, copy),
            }
        }
    }

    const fn element(&self, id: ElementId) -> &Element {
        &self.elements.entries[id.index()]
    }

    /// The element at a path below `<domain>`.
    const fn at(&self, list: &[u8], path: Word) -> Option<ElementId> {
        let mut around = ElementId(0);
        let mut rest = path;
        while !rest.is_empty() {
            let (name, after) = rest.split_once(list, b'/');
            match self.named(list, around, name.bytes(list)) {
                Some(element) => around = element,
                None => return None,
            }
            rest = after;
        }
        Some(around)
    }

    const fn named(&self, list: &[u8], parent: ElementId, name: &[u8]) -> Option<ElementId> {
        let mut next = first(self.element(parent).children);
        while let Some(number) = next {
            let child = self.children.entries[number as usize];
            if same(self.element(child.element).name.bytes(list), name) {
                return Some(child.element);
            }
            next = child.next;
        }
        None
    }

    /// `<domain>`
    pub(crate) fn root(&self) -> ElementId {
        ElementId(0)
    }

    /// An element in an element.
    pub(crate) fn child(&self, parent: ElementId, name: &str) -> Option<ElementId> {
        self.children(parent).find(|child| self.element(*child).name.is(name))
    }

    /// The elements in an element.
    pub(crate) fn children(&self, parent: ElementId) -> impl Iterator<Item = ElementId> + '_ {
        let entry = |number: u16| &self.children.entries[usize::from(number)];
        std::iter::successors(first(self.element(parent).children), move |&number| entry(number).next)
            .map(move |number| entry(number).element)
    }

    /// An element's name.
    pub(crate) fn name(&self, id: ElementId) -> &'static str {
        self.element(id).name.text()
    }

    /// The names of an element's attributes.
    pub(crate) fn attributes(&self, id: ElementId) -> impl Iterator<Item = &'static str> {
        self.listed(id).iter().map(|attribute| attribute.name.text())
    }

    fn listed(&self, id: ElementId) -> &[Listed] {
        let Element { number, end, .. } = *self.element(id);
        &self.listed.entries[usize::from(number) + 1..usize::from(end)]
    }

    /// True if an element has text of its own.
    pub(crate) fn holds_text(&self, id: ElementId) -> bool {
        self.element(id).holds_text
    }

    /// The number of an element among all elements and attributes, from 0.
    pub(crate) fn number(&self, id: ElementId) -> usize {
        self.element(id).number.into()
    }

    /// An attribute of an element; `None` for one that the element does not have.
    pub(crate) fn attribute(&self, id: ElementId, name: &str) -> Option<Attribute> {
        let listed = self.listed(id);
        let place = listed.iter().position(|attribute| attribute.name.is(name))?;
        let values = listed[place].values.map(|values| values.bytes(LIST.as_bytes()));
        Some(Attribute { number: self.number(id) + 1 + place, values })
    }

    /// The values of an attribute of the element at a path below `<domain>`, in an element of a type.
    pub(crate) fn values_at(
        &self,
        path: &str,
        attribute: &str,
        of_type: Option<&'static str>,
    ) -> Vec<&'static str> {
        let element = path.split('/').try_fold(self.root(), |around, name| self.child(around, name));
        let attribute = element.and_then(|element| self.attribute(element, attribute));
        attribute.into_iter().flat_map(|attribute| attribute.values(of_type)).collect()
    }

    /// How many elements and attributes there are.
    pub(crate) const fn count(&self) -> usize {
        self.listed.used
    }

    /// How many steps it is from `<domain>` to an element.
    pub(crate) fn depth(&self, id: ElementId) -> usize {
        self.element(id).depth.into()
    }

    /// `<metadata>`
    pub(crate) fn metadata(&self) -> Option<ElementId> {
        self.metadata
    }

    /// An element around one of this name; `None` where there is none, and for a name that is too common to tell.
    pub(crate) fn somewhere(&self, name: &str) -> Option<ElementId> {
        let mut around =
            self.elements.entries[..self.elements.used].iter().filter(|element| element.name.text() == name);
        match (around.next(), around.next()) {
            (Some(only), None) => only.parent,
            _ => None,
        }
    }

    /// The names from below `<domain>` to an element.
    pub(crate) fn steps(&self, id: ElementId) -> Vec<&'static str> {
        let mut steps = Vec::with_capacity(self.depth(id));
        let mut at = id;
        while let Some(parent) = self.element(at).parent {
            steps.push(self.name(at));
            at = parent;
        }
        steps.reverse();
        steps
    }
}

impl Attribute {
    /// True if the attribute may have this value, as far as the schema tells, in an element of a type.
    pub(crate) fn may_be<'o>(self, value: &str, of_type: impl FnOnce() -> Option<&'o str>) -> bool {
        // Most values go with every type, and their bytes tell.
        let is_listed =
            |values: &[u8]| values.split(|byte| *byte == b'|').any(|known| known == value.as_bytes());
        self.values.is_none_or(is_listed) || self.values(of_type()).any(|known| known == value)
    }

    /// The values that it may have in an element of a type, each once; none where the schema leaves them open. Without a type,
    /// or with one that is none, those of all types.
    pub(crate) fn values<'o>(
        self,
        of_type: Option<&'o str>,
    ) -> impl Iterator<Item = &'static str> + Clone + use<'o> {
        let text = self.values.and_then(|values| std::str::from_utf8(values).ok());
        let entries = move || text.into_iter().flat_map(|text| text.split('|'));
        let parted = |entry: &'static str| {
            entry.split_once('/').map_or((None, entry), |(of, value)| (Some(of), value))
        };
        entries()
            .map(parted)
            .enumerate()
            .filter(move |(at, (of, value))| match of {
                None => true,
                Some(of) => match of_type {
                    Some(of_type) => *of == of_type,
                    None => !entries().map(parted).take(*at).any(|(_, before)| before == *value),
                },
            })
            .map(|(_, (_, value))| value)
    }
}

impl<T: Copy, const N: usize> Few<T, N> {
    const fn of(entry: T) -> Few<T, N> {
        Few { entries: [entry; N], used: 0 }
    }

    const fn push(&mut self, entry: T) {
        self.entries[self.used] = entry;
        self.used += 1;
    }
}

impl Child {
    const NONE: Child = Child { element: ElementId(0), next: None };
}

impl Element {
    const NONE: Element = Element {
        name: Word::new(0, 0),
        parent: None,
        attributes: Word::new(0, 0),
        holds_text: false,
        depth: 0,
        children: None,
        number: 0,
        end: 0,
    };
}

impl Word {
    const fn new(from: usize, to: usize) -> Word {
        Word { from: small(from), to: small(to) }
    }

    const fn end(self) -> usize {
        self.to as usize
    }

    const fn is_empty(self) -> bool {
        self.from == self.to
    }

    fn text(self) -> &'static str {
        LIST.get(self.from.into()..self.to.into()).unwrap_or_default()
    }

    /// True if it is this name. Most have another length.
    fn is(self, name: &str) -> bool {
        usize::from(self.to - self.from) == name.len() && self.text() == name
    }

    const fn bytes(self, list: &[u8]) -> &[u8] {
        list.split_at(self.to as usize).0.split_at(self.from as usize).1
    }

    /// The parts before and behind the first such byte.
    const fn split_once(self, list: &[u8], byte: u8) -> (Word, Word) {
        let end = self.end();
        let at = find(list, self.from as usize, end, byte);
        (Word::new(self.from as usize, at), Word::new(if at < end { at + 1 } else { end }, end))
    }

    /// The rest, and true, if it begins with this byte.
    const fn without_first(self, list: &[u8], byte: u8) -> (Word, bool) {
        if self.is_empty() || list[self.from as usize] != byte {
            (self, false)
        } else {
            (Word { from: self.from + 1, ..self }, true)
        }
    }

    /// The rest, and true, if it ends with this byte.
    const fn without_last(self, list: &[u8], byte: u8) -> (Word, bool) {
        if self.is_empty() || list[self.end() - 1] != byte {
            (self, false)
        } else {
            (Word { to: self.to - 1, ..self }, true)
        }
    }
}

/// The place of a byte, or the end.
const fn find(list: &[u8], from: usize, end: usize, byte: u8) -> usize {
    let mut at = from;
    while at < end && list[at] != byte {
        at += 1;
    }
    at
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len()
}

const fn is_among(elements: &[ElementId], count: usize, element: ElementId) -> bool {
    let mut at = 0;
    while at < count && elements[at].0 != element.0 {
        at += 1;
    }
    at < count
}

const fn first(children: Option<(u16, u16)>) -> Option<u16> {
    match children {
        Some((first, _)) => Some(first),
        None => None,
    }
}

/// A number as the entries hold it.
const fn small(number: usize) -> u16 {
    assert!(number <= u16::MAX as usize);
    number as u16
}

impl ElementId {
    const fn index(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests;
