//! All errors of a document, not only the first.
//!
//! A reader stops at the first error. It then reads the document again, without the node that was wrong, and so goes on
//! with what holds where nothing is written.

use timers::zone::default_zones;

use super::super::cursor::{Element, Fault, Hidden, Ledger, Result};
use super::super::tree::{MAX_NODES, Tree};
use super::{unread, whole};
use crate::assess::{Target, assess};
use crate::diag::{Diagnostic, Errors, Report, Verdict};
use crate::domain::{Domain, XenVersion, unknown_zone};

/// The most errors of a document. Nobody reads more, and the document is read again for each: a large one has fewer, so
/// that it takes no longer than the largest without an error.
const MOST_ERRORS: usize = 100;

/// The domain that a reader makes of a document, with more that it found, and the report on the document.
///
/// # Errors
/// All that is wrong with the document.
pub(super) fn all<T>(
    tree: &Tree,
    xen: XenVersion,
    read: impl Fn(&Element<'_>) -> Result<(Domain, T)>,
) -> std::result::Result<(Domain, T, Report), Errors> {
    let mut hidden = Hidden::default();
    let mut errors = Vec::new();
    let mut nodes_read = 0;
    loop {
        let ledger = Ledger::new(tree, &hidden);
        let outcome = read(&ledger.root());
        let faults = ledger.take_faults().into_iter().map(|fault| at(tree, fault));
        let fault = match outcome {
            Ok((domain, more)) => {
                errors.extend(faults);
                let (mut report, faults) = report(tree, ledger);
                errors.extend(faults.into_iter().map(|fault| at(tree, fault)));
                let whole = whole::refusals(&domain.config, xen);
                let mut beside = Vec::new();
                if errors.is_empty() {
                    whole.into_iter().for_each(|refusal| refusal.add_to(&mut report));
                } else {
                    let judged: Vec<_> = assess(&domain, Target::Start)
                        .into_iter()
                        .map(|(part, finding)| report.at(part, finding))
                        .collect();
                    errors.extend(contradictions(&domain, &report, &judged, &errors));
                    let refused = report
                        .refusals()
                        .chain(judged.into_iter().filter(|found| found.finding.refuses_start));
                    beside.extend(refused.filter(|refused| whole::stands(refused, &errors)));
                    beside.extend(whole.into_iter().filter_map(|refusal| refusal.beside(&errors, &report)));
                }
                return match Errors::of(errors, tree.source()) {
                    Some(errors) => Err(errors.with_findings(beside)),
                    None => Ok((domain, more, report)),
                };
            }
            Err(fault) => *fault,
        };
        let id = fault.id;
        let error = at(tree, fault);
        // What is said of an element that has lost a part may be so only because of that.
        if !hidden.touches(tree, id) {
            errors.push(error.clone());
        }
        nodes_read += tree.ids().len();
        if id == tree.root() || errors.len() >= MOST_ERRORS || nodes_read >= MAX_NODES {
            errors.extend(faults);
            let source = tree.source();
            return Err(Errors::of(errors, source).unwrap_or_else(|| Errors::one(error, source)));
        }
        hidden.hide(id);
    }
}

/// What is wrong with the clock as a whole. Of a document without errors that is judged by a later step.
fn contradictions(
    domain: &Domain,
    report: &Report,
    judged: &[Diagnostic],
    errors: &[Diagnostic],
) -> Vec<Diagnostic> {
    let invalid = judged.iter().filter(|found| found.finding.verdict == Verdict::Invalid);
    let alone = invalid.filter(|found| !errors.iter().any(|error| are_together(&found.node, &error.node)));
    // A zone is wrong whatever else is.
    let zone = unknown_zone(&domain.clock.offset, &*default_zones());
    alone.cloned().chain(zone.map(|(part, finding)| report.at(part, finding))).collect()
}

/// True if one node is in the element around the other.
fn are_together(node: &str, other: &str) -> bool {
    let around = node.rsplit_once('/').map_or(node, |(around, _)| around);
    other.strip_prefix(around).is_some_and(|rest| rest.starts_with('/'))
}

fn at(tree: &Tree, fault: Fault) -> Diagnostic {
    *tree.at(fault.id, fault.finding)
}

/// The report, and what only its verdicts found wrong.
fn report(tree: &Tree, ledger: Ledger<'_>) -> (Report, Vec<Fault>) {
    let mut verdicts = unread::Verdicts::new(tree);
    let report = ledger.into_report(|id, mark, around, findings| verdicts.of(id, mark, around, findings));
    (report, verdicts.into_faults())
}
