//! A RELAX NG schema, as far as libvirt uses it: every path to an element, an attribute or a value, and the smallest
//! document that contains it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

use roxmltree::{Document, Node, NodeId};

/// A pattern: a node of one of the schema's files.
pub(super) type Pattern = Node<'static, 'static>;

/// The schema's start and definitions, its overrides applied.
pub(super) struct Grammar {
    start: Vec<Pattern>,
    defines: HashMap<&'static str, Vec<Pattern>>,
    sizes: RefCell<HashMap<(usize, NodeId), usize>>,
}

/// An element of a made document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Made>,
}

/// A way through the patterns, from the start to what is wanted.
pub(super) type Way = Vec<(usize, NodeId)>;

/// The goal of a way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Goal {
    /// The elements around and, for an element, itself.
    pub(super) path: Vec<String>,
    pub(super) attribute: Option<String>,
    /// One of the values that it may have.
    pub(super) value: Option<String>,
}

const NAMESPACE: &str = "http://relaxng.org/ns/structure/1.0";

/// More than any document has.
const MUCH: usize = 1_000_000;

/// Elements within elements of a made document, where nothing deeper is wanted.
const DEEPEST: usize = 40;

impl Grammar {
    /// Reads a schema; `None` where it is not installed.
    pub(super) fn load(dir: &Path, top: &str) -> Option<Grammar> {
        let mut grammar = Grammar { start: Vec::new(), defines: HashMap::new(), sizes: RefCell::default() };
        let mut files = Vec::new();
        grammar.file(dir, top, &mut files)?;
        Some(grammar)
    }

    fn file(&mut self, dir: &Path, name: &str, files: &mut Vec<String>) -> Option<()> {
        if files.iter().any(|file| file == name) {
            return Some(());
        }
        files.push(name.to_owned());
        let text = std::fs::read_to_string(dir.join(name)).ok()?;
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let document = Document::parse_with_options(Box::leak(text.into_boxed_str()), options).unwrap();
        let document: &'static Document<'static> = Box::leak(Box::new(document));
        self.definitions(dir, document.root_element(), false, files)
    }

    fn definitions(
        &mut self,
        dir: &Path,
        within: Pattern,
        overriding: bool,
        files: &mut Vec<String>,
    ) -> Option<()> {
        for child in patterns(within) {
            let name = child.attribute("name").unwrap_or_default();
            match kind(child) {
                "include" => {
                    self.file(dir, child.attribute("href").unwrap(), files)?;
                    self.definitions(dir, child, true, files)?;
                }
                "define" if overriding => drop(self.defines.insert(name, vec![child])),
                "define" => self.defines.entry(name).or_default().push(child),
                "start" => self.start = vec![child],
                "div" => self.definitions(dir, child, overriding, files)?,
                _ => {}
            }
        }
        Some(())
    }

    /// The definitions behind a `<ref>`.
    fn behind(&self, reference: Pattern) -> &[Pattern] {
        self.defines.get(reference.attribute("name").unwrap()).map_or(&[], Vec::as_slice)
    }

    /// Tells of every way that leads to something new.
    pub(super) fn ways(&self, found: &mut dyn FnMut(&Goal, &Way)) {
        let goal = Goal { path: Vec::new(), attribute: None, value: None };
        let mut search = Search { grammar: self, way: Vec::new(), elements: Vec::new(), found };
        for &start in &self.start {
            search.go(start, &goal);
        }
    }

    /// The smallest document along a way.
    pub(super) fn make(&self, way: &Way) -> Made {
        let mut around = Made::default();
        for &start in &self.start {
            self.emit(start, Some(way), &mut around, 0);
        }
        around.children.remove(0)
    }

    /// Puts into an element what a pattern asks for at least, and what lies on the way.
    fn emit(&self, pattern: Pattern, way: Option<&[(usize, NodeId)]>, into: &mut Made, depth: usize) {
        // The rest of the way, for those of the children that it leads through.
        let rest = match way {
            Some([first, rest @ ..]) if *first == key(pattern) => Some(rest),
            _ => None,
        };
        let inner = |children: &[Pattern], into: &mut Made| {
            for &child in children {
                let on_way = rest.filter(|rest| rest.first() == Some(&key(child)));
                self.emit(child, on_way, into, depth + 1);
            }
        };
        if depth > DEEPEST && rest.is_none() {
            return;
        }
        match kind(pattern) {
            "element" => {
                let (names, content) = named(pattern);
                let mut element =
                    Made { name: names[0].clone(), namespace: namespace(pattern), ..Made::default() };
                if element.name == "*" {
                    element.name = "any".to_owned();
                }
                inner(&content, &mut element);
                into.children.push(element);
            }
            "attribute" => {
                let (names, content) = named(pattern);
                let mut holder = Made { name: names[0].clone(), ..Made::default() };
                inner(&content, &mut holder);
                into.attributes.retain(|(name, _)| *name != names[0]);
                let value = if content.is_empty() { free(&names[0]).to_owned() } else { holder.text };
                into.attributes.push((names[0].clone(), value));
            }
            "optional" | "zeroOrMore" if rest.is_none() => {}
            "choice" => {
                let children = patterns(pattern);
                let on_way = children.iter().find(|child| rest.and_then(<[_]>::first) == Some(&key(**child)));
                let chosen = on_way.or_else(|| children.iter().min_by_key(|child| self.size(**child)));
                inner(chosen.map_or(&[], std::slice::from_ref), into);
            }
            "ref" => {
                let name = pattern.attribute("name").unwrap();
                let on_way = rest.is_some_and(|rest| !rest.is_empty());
                match sample(name, &into.name) {
                    Some(value) if !on_way => into.text = value.to_owned(),
                    _ => inner(self.behind(pattern), into),
                }
            }
            "value" => into.text = pattern.text().unwrap_or_default().to_owned(),
            "data" if into.text.is_empty() => into.text = datum(pattern, &into.name).to_owned(),
            "text" if into.text.is_empty() => {
                into.text = free(&into.name).to_owned();
            }
            "data" | "text" | "empty" | "param" | "except" => {}
            _ => inner(&patterns(pattern), into),
        }
    }

    /// About how much a pattern asks for.
    fn size(&self, pattern: Pattern) -> usize {
        if let Some(&known) = self.sizes.borrow().get(&key(pattern)) {
            return known;
        }
        // A pattern that asks for itself asks for too much.
        self.sizes.borrow_mut().insert(key(pattern), MUCH);
        let sum =
            |children: &[Pattern]| children.iter().map(|child| self.size(*child)).sum::<usize>().min(MUCH);
        let size = match kind(pattern) {
            "element" => 10 + sum(&named(pattern).1),
            "attribute" => 3,
            "optional" | "zeroOrMore" | "empty" => 0,
            "choice" => patterns(pattern).iter().map(|child| self.size(*child)).min().unwrap_or(0),
            "ref" => sum(self.behind(pattern)),
            "value" | "data" | "text" => 1,
            "notAllowed" => MUCH,
            _ => sum(&patterns(pattern)),
        };
        self.sizes.borrow_mut().insert(key(pattern), size);
        size
    }
}

struct Search<'g, 'f> {
    grammar: &'g Grammar,
    way: Way,
    /// The elements around; one within itself is gone into once.
    elements: Vec<NodeId>,
    found: &'f mut dyn FnMut(&Goal, &Way),
}

impl Search<'_, '_> {
    fn go(&mut self, pattern: Pattern, goal: &Goal) {
        self.way.push(key(pattern));
        match kind(pattern) {
            "element" if self.elements.contains(&pattern.id()) => {}
            "element" => {
                let (names, content) = named(pattern);
                self.elements.push(pattern.id());
                for name in names.into_iter().filter(|name| name != "*").take(1) {
                    let prefix =
                        super::super::names::NAMESPACES.iter().find(|(_, uri)| *uri == namespace(pattern));
                    let name = prefix.map_or(name.clone(), |(prefix, _)| format!("{prefix}:{name}"));
                    let mut goal = goal.clone();
                    goal.path.push(name);
                    (self.found)(&goal, &self.way);
                    content.iter().for_each(|child| self.go(*child, &goal));
                }
                self.elements.pop();
            }
            "attribute" => {
                let (names, content) = named(pattern);
                let goal = Goal { attribute: Some(names[0].clone()), ..goal.clone() };
                (self.found)(&goal, &self.way);
                content.iter().for_each(|child| self.go(*child, &goal));
            }
            "ref" => self.grammar.behind(pattern).iter().for_each(|define| self.go(*define, goal)),
            "value" => {
                let goal = Goal { value: pattern.text().map(str::to_owned), ..goal.clone() };
                (self.found)(&goal, &self.way);
            }
            "data" | "text" | "empty" | "param" | "except" => {}
            _ => patterns(pattern).iter().for_each(|child| self.go(*child, goal)),
        }
        self.way.pop();
    }
}

/// A pattern, told from those of other files.
fn key(pattern: Pattern) -> (usize, NodeId) {
    (std::ptr::from_ref(pattern.document()) as usize, pattern.id())
}

fn kind(pattern: Pattern) -> &'static str {
    pattern.tag_name().name()
}

fn patterns(within: Pattern) -> Vec<Pattern> {
    let ours = |child: &Pattern| child.is_element() && child.tag_name().namespace() == Some(NAMESPACE);
    within.children().filter(ours).collect()
}

/// The names that an element or attribute may have (`*` for any), and what is in it.
fn named(pattern: Pattern) -> (Vec<String>, Vec<Pattern>) {
    let children = patterns(pattern);
    if let Some(name) = pattern.attribute("name") {
        return (vec![name.to_owned()], children);
    }
    let names = children[0].descendants().filter(|class| class.is_element());
    let names = names.filter_map(|class| match kind(class) {
        "name" => Some(class.text().unwrap_or_default().trim().to_owned()),
        "anyName" | "nsName" => Some("*".to_owned()),
        _ => None,
    });
    (names.collect(), children[1..].to_vec())
}

/// The namespace of an element, where it is not libvirt's own way.
fn namespace(pattern: Pattern) -> String {
    let declared = pattern.ancestors().find_map(|around| around.attribute("ns"));
    declared.unwrap_or_default().to_owned()
}

/// A value for what the schema describes by a pattern of letters, by the name of its definition.
fn sample(define: &str, holder: &str) -> Option<&'static str> {
    Some(match (define, holder) {
        ("UUID", _) => "2147d599-9cc6-40dc-92ab-4064b5446e9b",
        ("uniMacAddr" | "macAddr", _) => "00:16:3e:66:92:9c",
        ("ipAddr" | "ipv4Addr", _) => "192.0.2.1",
        ("ipv6Addr", _) => "2001:db8::1",
        ("absFilePath" | "absDirPath" | "filePath" | "dirPath", _) => "/path",
        ("cpuset", _) => "0",
        ("unit", _) => "KiB",
        ("numaDistanceValue", _) => "20",
        ("memoryKB" | "scaledInteger" | "memoryKBElement", _) => "65536",
        ("duration" | "timeDelta", _) => "10",
        ("domainName", _) => "guest",
        ("timestamp", _) => "1",
        _ => return None,
    })
}

/// A value that the schema leaves open.
fn free(holder: &str) -> &'static str {
    match holder {
        "port" => "1",
        "mode" => "connect",
        _ => "text",
    }
}

fn datum(data: Pattern, holder: &str) -> &'static str {
    match (data.attribute("type").unwrap_or_default(), holder) {
        ("string", "dev") => "vda",
        ("string", "domain" | "bus" | "device" | "slot" | "function" | "port" | "id") => "0x1",
        ("string" | "token" | "NCName" | "anyURI", _) => "text",
        _ => "1",
    }
}
