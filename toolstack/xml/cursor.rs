//! Reads a tree so that nothing is lost silently: nodes that a mapping reads are marked, and unmarked nodes are
//! reported.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::str::FromStr;

use super::schema::namespaces;
use super::tree::{Kind, NodeId, Tree};
use crate::diag::number::{Unit, meant};
use crate::diag::{Finding, FindingId, Findings, Report, nearest};
use crate::domain::Part;

/// The error of every reader: the first thing wrong with what it reads.
pub type Result<T> = std::result::Result<T, Box<Fault>>;

/// What is wrong with a node.
#[derive(Debug)]
pub struct Fault {
    /// The node.
    pub id: NodeId,
    /// The reason and the remedy.
    pub finding: Finding,
}

/// The nodes that were found wrong. A reader sees the document without them, so that it goes on with what holds where
/// nothing is written.
#[derive(Debug, Default)]
pub struct Hidden(BTreeSet<NodeId>);

/// The marks on the nodes of a tree so far.
#[derive(Debug)]
pub struct Ledger<'t> {
    tree: &'t Tree,
    hidden: &'t Hidden,
    faults: RefCell<Vec<Fault>>,
    marks: RefCell<Vec<Option<Mark>>>,
    findings: RefCell<Findings>,
    origins: RefCell<Vec<(Part, NodeId)>>,
}

/// A finding that was put on a node.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// The finding.
    pub(crate) finding: FindingId,
    /// True if it was put on a whole element that this node is in, and not on the node itself.
    pub with_others: bool,
}

/// The digits that any number of 64 bits may have.
const LONGEST_NUMBER: usize = 18;

/// An element, with the ledger that its readings go to.
#[derive(Clone, Copy, Debug)]
pub struct Element<'t> {
    ledger: &'t Ledger<'t>,
    id: NodeId,
}

/// A value (of an attribute, or the text of an element) that has been read.
#[derive(Clone, Copy, Debug)]
pub struct Value<'t> {
    ledger: &'t Ledger<'t>,
    id: NodeId,
    /// The value itself.
    pub text: &'t str,
}

impl Hidden {
    /// Hides a node with all that is in it.
    pub fn hide(&mut self, id: NodeId) {
        self.0.insert(id);
    }

    fn is_hidden(&self, id: NodeId) -> bool {
        self.0.contains(&id)
    }

    /// True if a node is hidden, or something in it.
    pub fn touches(&self, tree: &Tree, id: NodeId) -> bool {
        // What is in a node follows it.
        let next = self.0.range(id..).next();
        next.is_some_and(|&next| next == id || tree.span(next).start < tree.whole(id).end)
    }
}

impl<'t> Ledger<'t> {
    /// A ledger in which nothing has been read yet.
    #[must_use]
    pub fn new(tree: &'t Tree, hidden: &'t Hidden) -> Self {
        let marks = RefCell::new(vec![None; tree.ids().len()]);
        let (faults, findings, origins) = Default::default();
        Ledger { tree, hidden, faults, marks, findings, origins }
    }

    /// The faults despite which the readers went on.
    pub fn take_faults(&self) -> Vec<Fault> {
        self.faults.take()
    }

    /// The root element, read.
    #[must_use]
    pub fn root(&'t self) -> Element<'t> {
        self.read(self.tree.root());
        Element { ledger: self, id: self.tree.root() }
    }

    fn mark(&self, id: NodeId, finding: Finding) {
        let finding = self.findings.borrow_mut().add(finding);
        self.marks.borrow_mut()[id] = Some(Mark { finding, with_others: false });
    }

    /// Marks a node as read; what has been found out about it stays.
    fn read(&self, id: NodeId) {
        let exact = Mark { finding: FindingId::EXACT, with_others: false };
        self.marks.borrow_mut()[id].get_or_insert(exact);
    }

    /// The report. `verdict` has the last word on each node, in the order of the document: it is given the node, the
    /// finding that was put on it, and the verdict on the element around it.
    #[must_use]
    pub(crate) fn into_report(
        self,
        mut verdict: impl FnMut(NodeId, Option<Mark>, Option<FindingId>, &mut Findings) -> FindingId,
    ) -> Report {
        let tree = self.tree;
        let findings = self.findings.into_inner();
        let mut report = Report::with_findings(tree.source().clone(), findings, tree.ids().len());
        for (id, mark) in self.marks.into_inner().into_iter().enumerate() {
            let parent = tree.parent(id);
            let around = parent.map(|parent| report.finding_id(parent));
            let finding = verdict(id, mark, around, report.findings());
            report.add_known(parent, tree.step(id), tree.span(id), finding);
        }
        for (part, id) in self.origins.into_inner() {
            report.set_origin(part, id);
        }
        report
    }
}

impl<'t> Element<'t> {
    /// The element's name.
    #[must_use]
    pub fn name(&self) -> &'t str {
        self.ledger.tree.name(self.id)
    }

    /// The element's whole text in the input, tags and all.
    #[must_use]
    pub fn raw(&self) -> &'t str {
        &self.ledger.tree.source().text()[self.ledger.tree.whole(self.id)]
    }

    /// An attribute's value; read from now on.
    #[must_use]
    pub fn attr(&self, name: &str) -> Option<Value<'t>> {
        let Ledger { tree, hidden, .. } = self.ledger;
        let id = tree.attribute(self.id, name).filter(|&id| !hidden.is_hidden(id))?;
        self.ledger.read(id);
        Some(Value { ledger: self.ledger, id, text: tree.value(id) })
    }

    /// The first child element of this name; read from now on. Others of the name stay unread.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<Element<'t>> {
        self.children(name).next().map(Element::take)
    }

    /// All child elements of this name, not read yet: call [`Element::take`] on each that is used.
    pub fn children<'n>(&self, name: &'n str) -> impl Iterator<Item = Element<'t>> + use<'t, 'n> {
        let tree = self.ledger.tree;
        let libvirts = move |child: &Element<'t>| !namespaces::declares_foreign(tree, child.id);
        self.elements().filter(move |child| tree.name(child.id) == name).filter(libvirts)
    }

    /// All child elements, not read yet.
    pub fn elements(&self) -> impl Iterator<Item = Element<'t>> + use<'t> {
        let ledger = self.ledger;
        let Ledger { tree, hidden, .. } = ledger;
        let seen = |&id: &NodeId| tree.kind(id) == Kind::Element && !hidden.is_hidden(id);
        tree.children(self.id).filter(seen).map(|id| Element { ledger, id })
    }

    /// True if the element is in another program's namespace.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        namespaces::declares_foreign(self.ledger.tree, self.id)
    }

    /// Marks the element as read.
    #[must_use]
    pub fn take(self) -> Self {
        self.ledger.read(self.id);
        self
    }

    /// The element's text, read from now on; `None` when it has none.
    ///
    /// # Errors
    /// When the element holds elements too, so that its text is not one value.
    pub fn text(&self) -> Result<Option<Value<'t>>> {
        let Ledger { tree, hidden, .. } = self.ledger;
        let mut found = None;
        let seen = |&id: &NodeId| tree.kind(id) == Kind::Text && !hidden.is_hidden(id);
        for id in tree.children(self.id).filter(seen) {
            if found.is_some() {
                return Err(
                    self.invalid("xml-mixed", format!("<{}> contains elements, expected text", self.name()))
                );
            }
            found = Some(Value { ledger: self.ledger, id, text: tree.value(id) });
        }
        if let Some(value) = found {
            self.ledger.read(value.id);
        }
        Ok(found)
    }

    /// The text of the first child element of this name, both read.
    ///
    /// # Errors
    /// As [`Element::text`].
    pub fn child_text(&self, name: &str) -> Result<Option<Value<'t>>> {
        self.child(name).map_or(Ok(None), |child| child.text())
    }

    /// Puts a finding on the element; it counts as read.
    pub fn mark(&self, finding: Finding) {
        self.ledger.mark(self.id, finding);
    }

    /// Puts a finding on the element and on all that is in it.
    pub fn mark_whole(&self, finding: &Finding) {
        let Ledger { tree, findings, marks, .. } = self.ledger;
        let finding = findings.borrow_mut().add(finding.clone());
        let end = tree.whole(self.id).end;
        let mut marks = marks.borrow_mut();
        marks[self.id] = Some(Mark { finding, with_others: false });
        for id in tree.ids().skip(self.id + 1).take_while(|&id| tree.span(id).start < end) {
            marks[id] = Some(Mark { finding, with_others: true });
        }
    }

    /// Puts a finding on the element and on all that is in it; what to do instead is said once.
    pub fn leave_out(&self, finding: Finding) {
        let within = Finding {
            alternative: None,
            alternative_in_file: None,
            by_format: None,
            refuses_start: false,
            ..finding.clone()
        };
        self.mark_whole(&within);
        self.mark(finding);
    }

    /// Says that a part of the domain comes from this element.
    pub fn is(&self, part: Part) {
        self.ledger.origins.borrow_mut().push((part, self.id));
    }

    /// An error about this element.
    #[must_use]
    pub fn invalid(&self, code: &'static str, reason: impl Into<Cow<'static, str>>) -> Box<Fault> {
        self.error(Finding::invalid(code, reason))
    }

    /// An error about this element.
    #[must_use]
    pub fn error(&self, finding: Finding) -> Box<Fault> {
        Box::new(Fault { id: self.id, finding })
    }

    /// Says that something is wrong with the element, and lets the reader go on.
    pub fn report(&self, finding: Finding) {
        self.ledger.faults.borrow_mut().push(Fault { id: self.id, finding });
    }

    /// Says that the element lacks a child of this name, or what is to be in it, and lets the reader go on. `example` is the
    /// child as it could be. One of which something is hidden has its own error.
    pub fn lacks(&self, child: &str, finding: Finding, example: &str) {
        let Ledger { tree, hidden, .. } = self.ledger;
        let is_hidden = |id: NodeId| tree.name(id) == child && hidden.touches(tree, id);
        if tree.children(self.id).any(is_hidden) {
            return;
        }
        match self.children(child).next() {
            Some(empty) => empty.report(finding.instead(format!("write {example} in its place"))),
            None => self.report(finding.instead(format!("add {example} in <{}>", self.name()))),
        }
    }

    /// An attribute that the element must have. Where it has none that is said, and the reader goes on with an example, so
    /// that the rest is looked at too. One that is only hidden has its own error.
    pub fn needs(&self, name: &str, example: &'static str, missing: impl FnOnce() -> Finding) -> Value<'t> {
        let [value] = self.needs_all([(name, example)], missing);
        value
    }

    /// The same of several, of which those that are missing are said at once.
    pub fn needs_all<const N: usize>(
        &self,
        names: [(&str, &'static str); N],
        missing: impl FnOnce() -> Finding,
    ) -> [Value<'t>; N] {
        let found = names.map(|(name, example)| (self.attr(name), name, example));
        if found.iter().any(|(value, name, _)| value.is_none() && !self.has_lost(name)) {
            self.report(missing());
        }
        found.map(|(value, _, example)| value.unwrap_or_else(|| self.example(example)))
    }

    /// What stands for a value that the element lacks, for a reader that goes on.
    #[must_use]
    pub fn example(&self, text: &'static str) -> Value<'t> {
        Value { ledger: self.ledger, id: self.id, text }
    }

    /// True if the element has an attribute of this name that was found wrong, so that it only seems to have none.
    #[must_use]
    pub fn has_lost(&self, attribute: &str) -> bool {
        let Ledger { tree, hidden, .. } = self.ledger;
        tree.attribute(self.id, attribute).is_some_and(|id| hidden.is_hidden(id))
    }

    /// True if something in the element was found wrong, so that it tells less than it was meant to.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.ledger.hidden.touches(self.ledger.tree, self.id)
    }
}

impl<'t> Value<'t> {
    /// Puts a finding on the value.
    pub fn mark(&self, finding: Finding) {
        self.ledger.mark(self.id, finding);
    }

    /// Says that a part of the domain comes from this value.
    pub fn is(&self, part: Part) {
        self.ledger.origins.borrow_mut().push((part, self.id));
    }

    /// The name of the attribute; empty for the text of an element.
    #[must_use]
    pub fn name(&self) -> &'t str {
        self.ledger.tree.name(self.id)
    }

    /// An error about this value.
    #[must_use]
    pub fn error(&self, finding: Finding) -> Box<Fault> {
        Box::new(Fault { id: self.id, finding })
    }

    /// The value without what it begins with, where it does.
    #[must_use]
    pub fn without_prefix(self, prefix: &str) -> Self {
        Value { text: self.text.strip_prefix(prefix).unwrap_or(self.text), ..self }
    }

    /// The value as a number.
    ///
    /// # Errors
    /// When it is not one, or does not fit; `expected` says what would.
    pub fn number<T: FromStr>(&self, expected: &str) -> Result<T> {
        self.text.parse().map_err(|_| self.not(expected))
    }

    /// The value as a number of a unit; what is written in another way is worked out, as the remedy.
    ///
    /// # Errors
    /// When it is not one, or does not fit; `expected` says what would.
    pub fn number_of<T: FromStr>(&self, unit: Unit, expected: &str) -> Result<T> {
        self.number(expected).map_err(|mut error| {
            let digits = self.text.trim_start_matches(['-', '+']);
            if digits.len() > LONGEST_NUMBER && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                error.finding.reason = format!("{} is too large, expected {expected}", self.text).into();
            }
            let meant = meant(self.text, unit).map(|number| number.to_string());
            if let Some(number) = meant.filter(|number| number.parse::<T>().is_ok()) {
                let name = self.name();
                error.finding.alternative = Some(match name {
                    "" => format!("write {number}").into(),
                    name => format!("write {name}='{number}'").into(),
                });
            }
            error
        })
    }

    /// The value as a number that is at most `max`.
    ///
    /// # Errors
    /// When it is not one; the message names the largest number.
    pub fn at_most(&self, max: u32, expected: &str) -> Result<u32> {
        let expected = format!("{expected}, at most {max}");
        let number = self.number(&expected)?;
        if number <= max { Ok(number) } else { Err(self.not(&expected)) }
    }

    /// yes or no, as libvirt writes it.
    ///
    /// # Errors
    /// When it is neither.
    pub fn yes_no(&self) -> Result<bool> {
        self.one_of(&[("yes", true), ("no", false)])
    }

    /// on or off, as libvirt writes it.
    ///
    /// # Errors
    /// When it is neither.
    pub fn on_off(&self) -> Result<bool> {
        self.one_of(&[("on", true), ("off", false)])
    }

    /// One of a few words.
    ///
    /// # Errors
    /// When it is none of them; the message lists them.
    pub fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T> {
        match words.iter().find(|(word, _)| *word == self.text) {
            Some(&(_, value)) => Ok(value),
            None => Err(self.not_one_of(words.iter().map(|(word, _)| *word))),
        }
    }

    /// The error that this value is none of a few words, with the nearest of them as the remedy.
    #[must_use]
    pub fn not_one_of<'w>(&self, words: impl Iterator<Item = &'w str> + Clone) -> Box<Fault> {
        let mut error = self.not(&list(words.clone()));
        error.finding.alternative = self.meant(words).map(Cow::from);
        error
    }

    /// The remedy for a word that is none of a few: the one that means the same, or the nearest of them, if one is near.
    #[must_use]
    pub fn meant<'w>(&self, words: impl Iterator<Item = &'w str> + Clone) -> Option<String> {
        let is_this = |word: &&&str| word.eq_ignore_ascii_case(self.text);
        let same = [YES, NO].into_iter().find(|same| same.iter().any(|word| is_this(&word)));
        let same = same.and_then(|same| words.clone().find(|word| same.contains(word)));
        same.or_else(|| nearest(self.text, words)).map(|word| self.rather(word))
    }

    /// The remedy to write another word.
    #[must_use]
    pub fn rather(&self, word: &str) -> String {
        match self.name() {
            "" => format!("write {word}"),
            name => format!("write {name}='{word}'"),
        }
    }

    /// The error that this value is not what was expected.
    #[must_use]
    pub fn not(&self, expected: &str) -> Box<Fault> {
        let name = self.name();
        let what = if name.is_empty() { String::new() } else { format!("{name} ") };
        self.error(Finding::invalid("bad-value", format!("{what}'{}' is not {expected}", self.text)))
    }
}

/// Words for yes and for no, of which each setting takes its own.
const YES: [&str; 4] = ["yes", "on", "true", "1"];
const NO: [&str; 4] = ["no", "off", "false", "0"];

/// `a, b or c`.
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
