//! Findings that many nodes share.

use super::Finding;

/// The findings of a report. Most nodes of an input have the same few, so each node has only a number.
#[derive(Clone, Debug)]
pub(crate) struct Findings(Vec<Finding>);

/// The number of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FindingId(u32);

impl FindingId {
    /// The finding that a node means the same on Xen.
    pub(crate) const EXACT: FindingId = FindingId(0);
}

impl Default for Findings {
    fn default() -> Self {
        Findings(vec![Finding::exact()])
    }
}

impl Findings {
    pub(crate) fn add(&mut self, finding: Finding) -> FindingId {
        self.0.push(finding);
        // An input has fewer nodes than that.
        FindingId(u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX))
    }

    pub(crate) fn get(&self, id: FindingId) -> &Finding {
        &self.0[id.0 as usize]
    }

    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut Finding> {
        self.0.iter_mut()
    }

    /// True if two findings are the same, whatever they give as alternative.
    pub(crate) fn alike(&self, one: FindingId, other: FindingId) -> bool {
        let said = |id| {
            let finding = self.get(id);
            (finding.verdict, finding.code, &finding.reason)
        };
        one == other || said(one) == said(other)
    }
}
