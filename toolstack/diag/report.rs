//! The report of one input: every node with its verdict.

use std::collections::BTreeMap;
use std::ops::Range;

use super::source::Bytes;
use super::{Diagnostic, Finding, FindingId, Findings, Part, Place, Source, Verdict};

/// Every node of an input with what became of it.
#[derive(Clone, Debug)]
pub struct Report {
    source: Source,
    nodes: Vec<Node>,
    findings: Findings,
    origins: BTreeMap<Part, usize>,
    advice: Vec<(usize, Finding)>,
}

/// A node's entry. It is small, and its path is made only when asked for: an input may have very many nodes.
#[derive(Clone, Debug)]
struct Node {
    /// The node around it.
    parent: Option<u32>,
    step: Step,
    span: Bytes,
    finding: FindingId,
    /// Reported with the node around it: not worth a line of its own.
    inherited: bool,
}

/// A node's own step of its path.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The step word for word, `/disk/0`.
    Literal(Box<str>),
    /// An element: the place of its name, and its number among the siblings of that name, or 0.
    Element { name: Bytes, ordinal: u32 },
    /// An attribute: the place of its name.
    Attribute { name: Bytes },
    /// The text of an element.
    Text,
}

impl Step {
    /// Adds the step to a path; `text` is the input.
    pub(crate) fn push_to(&self, path: &mut String, text: &str) {
        let name = |name: &Bytes| text.get(name.range()).unwrap_or_default();
        match self {
            Step::Literal(step) => path.push_str(step),
            Step::Text => path.push_str("/text()"),
            Step::Attribute { name: at } => path.extend(["/@", name(at)]),
            Step::Element { name: at, ordinal: 0 } => path.extend(["/", name(at)]),
            Step::Element { name: at, ordinal } => {
                path.extend(["/", name(at), "[", &ordinal.to_string(), "]"]);
            }
        }
    }
}

impl Report {
    /// A report without nodes.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Report::with_findings(source, Findings::default(), 0)
    }

    /// A report without nodes, whose findings are known already.
    pub(crate) fn with_findings(source: Source, findings: Findings, nodes: usize) -> Self {
        let (nodes, origins, advice) = (Vec::with_capacity(nodes), BTreeMap::new(), Vec::new());
        Report { source, nodes, findings, origins, advice }
    }

    /// Puts a text behind the input, with a name of its own; returns the byte at which it starts.
    pub fn append(&mut self, name: &str, text: &str) -> usize {
        self.source.append(name, text)
    }

    /// Adds a node: the node around it, its own step of the path, as in `/clock` or `/@mode`; `inherited` when the
    /// finding is that of the node around it.
    pub fn add(
        &mut self,
        parent: Option<usize>,
        step: String,
        span: Range<usize>,
        finding: Finding,
        inherited: bool,
    ) -> usize {
        let finding = match finding.verdict {
            Verdict::Exact => FindingId::EXACT,
            _ => self.findings.add(finding),
        };
        let parent = parent.and_then(|parent| u32::try_from(parent).ok());
        self.push(Node { parent, step: Step::Literal(step.into()), span: span.into(), finding, inherited })
    }

    fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Adds a node with one of the report's findings.
    pub(crate) fn add_known(
        &mut self,
        parent: Option<usize>,
        step: Step,
        span: Range<usize>,
        finding: FindingId,
    ) {
        let inherited = parent.is_some_and(|parent| self.findings.alike(self.nodes[parent].finding, finding));
        let parent = parent.and_then(|parent| u32::try_from(parent).ok());
        self.push(Node { parent, step, span: span.into(), finding, inherited });
    }

    /// The report's findings.
    pub(crate) fn findings(&mut self) -> &mut Findings {
        &mut self.findings
    }

    /// The finding on a node.
    pub(crate) fn finding_id(&self, node: usize) -> FindingId {
        self.nodes[node].finding
    }

    fn finding(&self, node: &Node) -> &Finding {
        self.findings.get(node.finding)
    }

    /// Says which node a part of the domain came from.
    pub(crate) fn set_origin(&mut self, part: Part, node: usize) {
        self.origins.insert(part, node);
    }

    /// The input itself.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The place of a part of the domain, or of the nearest enclosing part that is written out.
    #[must_use]
    pub fn place(&self, part: Part) -> Place {
        self.source.place(self.span(part))
    }

    /// The bytes of a part, as [`Report::place`]; of the domain as a whole, its first.
    pub(crate) fn span(&self, part: Part) -> Range<usize> {
        let node = self.node_of(part).filter(|_| part != Part::Domain);
        node.map_or(0..0, |node| self.nodes[node].span.range())
    }

    /// A diagnostic at the place of a part.
    #[must_use]
    pub fn at(&self, part: Part, finding: Finding) -> Diagnostic {
        let node = self.node_of(part).map(|node| self.path(node)).unwrap_or_default();
        let finding = finding.at(&node);
        Diagnostic { place: self.place(part), node, finding }
    }

    /// Puts a finding on the node of a part, unless that node already has a worse one. What is in a part that is a
    /// whole goes with it.
    pub fn lower(&mut self, part: Part, finding: Finding) {
        let Some(node) = self.node_of(part) else {
            self.add(None, String::new(), 0..0, finding, false);
            return;
        };
        if self.finding(&self.nodes[node]).verdict > finding.verdict {
            return;
        }
        let finding = self.in_words_of(node, finding);
        let verdict = finding.verdict;
        let finding = self.findings.add(finding);
        if part.is_whole() && self.origins.get(&part) == Some(&node) {
            // Nodes are in the order of the input, so all that is in a node follows it.
            let within = |inner: &&mut Node| inner.parent.is_some_and(|parent| parent as usize >= node);
            for inner in self.nodes[node + 1..].iter_mut().take_while(within) {
                if self.findings.get(inner.finding).verdict < verdict {
                    inner.finding = finding;
                    inner.inherited = true;
                }
            }
        }
        self.nodes[node].finding = finding;
        self.nodes[node].inherited = false;
    }

    /// Changes the findings on what is lost.
    pub(crate) fn change_losses(&mut self, change: impl FnMut(&mut Finding)) {
        self.findings.all_mut().filter(|finding| finding.verdict.is_loss()).for_each(change);
    }

    /// Adds advice on a part. Its node has it for a finding, too, unless something of the node is lost.
    pub(crate) fn advise(&mut self, part: Part, advice: Finding) {
        let Some(node) = self.node_of(part) else { return };
        let advice = self.in_words_of(node, advice);
        if self.nodes.get(node).is_some_and(|node| !self.finding(node).verdict.is_loss()) {
            self.nodes[node].finding = self.findings.add(advice.clone());
        }
        self.advice.push((node, advice));
    }

    /// The advice.
    pub fn advice(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        self.advice
            .iter()
            .map(|(node, finding)| Diagnostic { finding: finding.clone(), ..self.diagnostic(*node) })
    }

    /// Keeps of each finding's alternatives the one that can be followed: in the file that is written, or without one.
    pub(crate) fn choose_alternatives(&mut self, to_file: bool) {
        for finding in self.findings.all_mut() {
            let in_file = finding.alternative_in_file.take();
            if to_file && in_file.is_some() {
                finding.alternative = in_file;
            }
        }
    }

    /// Every node with its verdict, in the order of the input.
    pub fn all(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        (0..self.nodes.len()).map(|node| self.diagnostic(node))
    }

    /// The nodes of which something is lost, each once.
    pub fn losses(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        self.lost(|_| true)
    }

    /// The losses of which this is true. A diagnostic is made for these alone.
    fn lost(&self, wanted: impl Fn(&Finding) -> bool) -> impl Iterator<Item = Diagnostic> {
        let lost = move |node: &usize| {
            let node = &self.nodes[*node];
            let finding = self.finding(node);
            !node.inherited && finding.verdict.is_loss() && wanted(finding)
        };
        (0..self.nodes.len()).filter(lost).map(|node| self.diagnostic(node))
    }

    /// The losses, and the nodes that change nothing on Xen.
    pub fn differences(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        self.losses().chain(self.without_effect())
    }

    /// The nodes that change nothing on Xen, each once, without those that advice is about.
    pub fn without_effect(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        let plain = |node: &usize| {
            let node = &self.nodes[*node];
            let finding = self.finding(node);
            finding.verdict == Verdict::NoEffect && !node.inherited && !finding.is_advice()
        };
        (0..self.nodes.len()).filter(plain).map(|node| self.diagnostic(node))
    }

    /// The nodes of the clock of which something is lost, each once.
    pub fn clock_losses(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        let mut of_clock = vec![false; self.nodes.len()];
        for (part, &node) in &self.origins {
            if part.is_of_clock()
                && let Some(mark) = of_clock.get_mut(node)
            {
                *mark = true;
            }
        }
        // Nodes follow those that they are in.
        for (index, node) in self.nodes.iter().enumerate() {
            of_clock[index] |= node.parent.is_some_and(|parent| of_clock[parent as usize]);
        }
        let lost = move |node: &usize| {
            let Node { finding, inherited, .. } = &self.nodes[*node];
            of_clock[*node] && self.findings.get(*finding).verdict.is_loss() && !inherited
        };
        (0..self.nodes.len()).filter(lost).map(|node| self.diagnostic(node))
    }

    /// The nodes for which a start is refused.
    pub fn refusals(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        self.lost(|finding| finding.refuses_start)
    }

    /// How many nodes got this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.nodes.iter().filter(|node| self.finding(node).verdict == verdict).count()
    }

    fn diagnostic(&self, index: usize) -> Diagnostic {
        let node = &self.nodes[index];
        Diagnostic {
            place: self.source.place(node.span.range()),
            node: self.path(index),
            finding: self.finding(node).clone(),
        }
    }

    /// A finding with the alternative in the words of a node's format.
    fn in_words_of(&self, node: usize, finding: Finding) -> Finding {
        if finding.by_format.is_some() { finding.at(&self.path(node)) } else { finding }
    }

    fn path(&self, index: usize) -> String {
        let above = |node: &&Node| node.parent.map(|parent| &self.nodes[parent as usize]);
        let mut steps: Vec<_> = std::iter::successors(Some(&self.nodes[index]), above).collect();
        steps.reverse();
        let mut path = String::with_capacity(steps.len() * 16);
        steps.iter().for_each(|node| node.step.push_to(&mut path, self.source.text()));
        path
    }

    fn node_of(&self, part: Part) -> Option<usize> {
        let mut part = Some(part);
        while let Some(wanted) = part {
            if let Some(&node) = self.origins.get(&wanted) {
                return Some(node);
            }
            part = wanted.around();
        }
        None
    }
}
