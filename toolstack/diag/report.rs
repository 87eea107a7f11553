//! The report of one input: every node with its verdict.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Diagnostic, Finding, Part, Place, Source, Verdict};

/// Every node of an input with what became of it.
#[derive(Clone, Debug)]
pub struct Report {
    source: Source,
    nodes: Vec<Node>,
    origins: BTreeMap<Part, usize>,
    advice: Vec<(usize, Finding)>,
}

#[derive(Clone, Debug)]
struct Node {
    /// The node around it; its path is made only when asked for, since a hostile input can make paths long.
    parent: Option<usize>,
    step: String,
    span: Range<usize>,
    finding: Finding,
    /// Reported with the node around it: not worth a line of its own.
    inherited: bool,
}

impl Report {
    /// A report without nodes.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Report { source, nodes: Vec::new(), origins: BTreeMap::new(), advice: Vec::new() }
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
        self.nodes.push(Node { parent, step, span, finding, inherited });
        self.nodes.len() - 1
    }

    /// The finding on a node.
    pub(crate) fn finding(&self, node: usize) -> &Finding {
        &self.nodes[node].finding
    }

    /// True if a node has this very finding already, whatever it gives as alternative.
    #[must_use]
    pub fn says(&self, node: usize, finding: &Finding) -> bool {
        let there = &self.nodes[node].finding;
        (there.verdict, there.code, &there.reason) == (finding.verdict, finding.code, &finding.reason)
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
        let span = self.node_of(part).map_or(0..0, |node| self.nodes[node].span.clone());
        self.source.place(span)
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
        if self.nodes[node].finding.verdict > finding.verdict {
            return;
        }
        let finding = finding.at(&self.path(node));
        if part.is_whole() && self.origins.get(&part) == Some(&node) {
            // Nodes are in the order of the input, so all that is in a node follows it.
            let within = |inner: &&mut Node| inner.parent.is_some_and(|parent| parent >= node);
            for inner in self.nodes[node + 1..].iter_mut().take_while(within) {
                if inner.finding.verdict < finding.verdict {
                    inner.finding = finding.clone();
                    inner.inherited = true;
                }
            }
        }
        self.nodes[node].finding = finding;
        self.nodes[node].inherited = false;
    }

    /// Adds advice on a part. Its node has it for a finding, too, unless something of the node is lost.
    pub(crate) fn advise(&mut self, part: Part, advice: Finding) {
        let Some(node) = self.node_of(part) else { return };
        let advice = advice.at(&self.path(node));
        if let Some(node) = self.nodes.get_mut(node).filter(|node| !node.finding.verdict.is_loss()) {
            node.finding = advice.clone();
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
        for Node { finding, .. } in &mut self.nodes {
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
        let lost = |node: &usize| self.nodes[*node].finding.verdict.is_loss() && !self.nodes[*node].inherited;
        (0..self.nodes.len()).filter(lost).map(|node| self.diagnostic(node))
    }

    /// The nodes that change nothing on Xen, each once, without those that advice is about.
    pub fn without_effect(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        let plain = |node: &usize| {
            let Node { finding, inherited, .. } = &self.nodes[*node];
            finding.verdict == Verdict::NoEffect && !inherited && !finding.is_advice()
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
            of_clock[index] |= node.parent.is_some_and(|parent| of_clock[parent]);
        }
        let lost = move |node: &usize| {
            let Node { finding, inherited, .. } = &self.nodes[*node];
            of_clock[*node] && finding.verdict.is_loss() && !inherited
        };
        (0..self.nodes.len()).filter(lost).map(|node| self.diagnostic(node))
    }

    /// The nodes for which a start is refused.
    pub fn refusals(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        self.losses().filter(|loss| loss.finding.refuses_start)
    }

    /// How many nodes got this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.nodes.iter().filter(|node| node.finding.verdict == verdict).count()
    }

    fn diagnostic(&self, index: usize) -> Diagnostic {
        let node = &self.nodes[index];
        Diagnostic {
            place: self.source.place(node.span.clone()),
            node: self.path(index),
            finding: node.finding.clone(),
        }
    }

    fn path(&self, index: usize) -> String {
        let mut steps = Vec::new();
        let mut at = Some(index);
        while let Some(index) = at {
            steps.push(self.nodes[index].step.as_str());
            at = self.nodes[index].parent;
        }
        steps.reverse();
        steps.concat()
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
