//! A domain that was read, with its report.

use crate::diag::{Finding, Report};
use crate::domain::{Domain, DomainConfig, XenVersion, network_disks};
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
        domain.refusals = refusals(&domain.config, &report);
        Input { domain, report, xen: XenVersion::NEWEST, mapped: Outcome::default() }
    }
}

/// Why a domain that was read is not started: what its reader found, and its disks.
pub(crate) fn refusals(config: &DomainConfig, report: &Report) -> Vec<Finding> {
    let of_disks = config.disks.iter().filter_map(|disk| network_disks::finding(config, disk));
    let of_reader = report.refusals().map(|refused| refused.finding);
    of_reader.chain(of_disks.filter(|finding| finding.refuses_start)).collect()
}
