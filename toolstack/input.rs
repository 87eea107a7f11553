//! A domain that was read, with its report.

use crate::diag::Report;
use crate::domain::{Domain, XenVersion};
use crate::mapping::Outcome;

/// A domain as read, with what became of each node of its input.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Input {
    /// The domain.
    pub domain: Domain,
    /// The report on its input.
    pub report: Report,
    /// The release of Xen that it was read for.
    pub xen: XenVersion,
    /// The effects of a mapping on it, and the names that need a rule.
    pub mapped: Outcome,
}

impl Input {
    /// A domain and its report. What the report refuses to start, the domain refuses too, for whoever has only that.
    #[must_use]
    pub fn new(mut domain: Domain, report: Report) -> Self {
        domain.refusals = report.refusals().map(|refused| refused.finding).collect();
        Input { domain, report, xen: XenVersion::NEWEST, mapped: Outcome::default() }
    }
}
