//! Guests that a killed program has left half-done: a domain that was made and never let run, a guest that was suspended
//! and never let go on.
//!
//! A domain stays paused if the process that made it dies, and its clock may not be set yet. So it is never let run: what
//! has not run is destroyed, since the guest can be started, restored or sent again. A suspended guest is in its domain
//! alone until its file is in place, and goes on. One that may run on another host as well is left alone and named.
//! Pauses that were made to set a TSC are ended, and a soft reset is finished.

use std::time::Duration;

use super::store::{Claim, RecordStore, Then, Unfinished};
use crate::apply::clock::put_back;
use crate::host::{DomId, DomainSummary, ErrorKind, Host, HostError, RunState, ShutdownReason, TscInfo};
use crate::xl::migration::name_away;

/// A toolstack lets a new domain run so soon after it has written its config down. Before that, a domain that is paused may
/// be so by its toolstack alone.
const TOOLSTACK_DONE: Duration = Duration::from_secs(2);

/// A domain whose config is not written down by then is not being made any more.
const MADE_WITHIN: Duration = Duration::from_secs(60);

/// A guest that was found half-done, and what has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// Its domain, as it was found.
    pub domain: DomainSummary,
    /// The reason of the interruption, and the remedy that was applied.
    pub why: String,
}

/// Looks for guests that killed programs have left half-done, and puts them right.
///
/// # Errors
/// When the host cannot be read.
pub fn mend(host: &dyn Host, records: &RecordStore) -> Result<Vec<Mended>, HostError> {
    let left = records.unfinished();
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let mut mended = Vec::new();
    for mut claim in left {
        if is_too_early(host, &claim)? {
            claim.leave();
        } else {
            mended.extend(mend_claimed(host, records, &mut claim)?);
        }
    }
    Ok(mended)
}

/// True if a domain may still be paused by the toolstack that makes it: that pause is not to be ended.
fn is_too_early(host: &dyn Host, claim: &Claim) -> Result<bool, HostError> {
    let Some(Unfinished { boot, domid: Some(domid), then: Then::EndPauses { .. }, .. }) = claim.left() else {
        return Ok(false);
    };
    if *boot != host.facts()?.boot_id {
        return Ok(false);
    }
    let made_within = match host.stored_config(*domid) {
        Ok(_) => TOOLSTACK_DONE,
        Err(error) if error.kind == ErrorKind::NoSuchDomain => return Ok(false),
        // libxl writes the config down when it has made all of the domain.
        Err(_) => MADE_WITHIN,
    };
    // A host's clock that was set back tells no age, and holds nothing up.
    Ok(claim.age().is_some_and(|age| age < made_within))
}

/// Puts right what was left under this claim, which is the caller's now.
///
/// # Errors
/// When the host cannot be read.
pub fn mend_claimed(
    host: &dyn Host,
    records: &RecordStore,
    claim: &mut Claim,
) -> Result<Option<Mended>, HostError> {
    let Some(left) = claim.take_left() else { return Ok(None) };
    let facts = host.facts()?;
    if left.boot != facts.boot_id {
        return Ok(None);
    }
    let is_it = |domain: &DomainSummary| {
        domain.uuid == claim.uuid()
            && domain.domid != DomId(0)
            && left.domid.is_none_or(|domid| domid == domain.domid)
            && is_half_done(domain, &left.then)
    };
    let Some(domain) = host.domains()?.into_iter().find(is_it) else { return Ok(None) };
    if let Then::EndPauses { pauses, tsc } = left.then {
        // Whoever sets the TSC pauses the domain once more, and may be killed as well.
        let then = Then::EndPauses { pauses: pauses.saturating_add(1), tsc };
        claim.note(&Unfinished { then, ..left.clone() });
    }
    let done = match put_right(host, &domain, &left.then) {
        Ok(Done::Destroyed(words)) => {
            // A change that cannot be noted now is seen at the next look.
            drop(records.gone(domain.uuid, &facts.boot_id, domain.domid, facts.now));
            words.to_owned()
        }
        Ok(Done::Resumed) => {
            let noted = records.change(domain.uuid, |mut record, _| {
                if let Some(record) =
                    record.as_mut().filter(|record| record.is_instance(&facts.boot_id, domain.domid))
                {
                    record.ended = None;
                }
                (record, ())
            });
            drop(noted);
            "it continues to run".to_owned()
        }
        Ok(Done::Left(words)) => words,
        Err(error) => error.to_string(),
    };
    let Unfinished { doing, .. } = left;
    let why = format!("a program was killed while trying to {doing}: {done}");
    Ok(Some(Mended { domain, why }))
}

/// True if a domain is as a killed program leaves it. A domain that runs was let run by somebody.
fn is_half_done(domain: &DomainSummary, then: &Then) -> bool {
    let new = domain.state == RunState::Paused && !domain.has_run;
    let suspended = domain.state == RunState::Shutdown(ShutdownReason::Suspend);
    match then {
        Then::Destroy => new,
        Then::Resume | Then::DestroyIfSaved(_) => suspended,
        Then::Leave => new || suspended,
        Then::EndPauses { .. } | Then::FinishReset(_) => domain.state == RunState::Paused,
    }
}

enum Done {
    Destroyed(&'static str),
    Resumed,
    Left(String),
}

fn put_right(host: &dyn Host, domain: &DomainSummary, then: &Then) -> Result<Done, HostError> {
    let destroy = |words| match host.destroy(domain.domid) {
        Err(error) if error.kind != ErrorKind::NoSuchDomain => Err(error),
        _ => Ok(Done::Destroyed(words)),
    };
    match then {
        Then::Destroy => {
            destroy("its domain, which has not run, was destroyed; start, restore or send the guest again")
        }
        Then::DestroyIfSaved(file) if file.is_in_place() => {
            destroy("its save file is complete, and its suspended domain was destroyed; it can be restored")
        }
        Then::Resume | Then::DestroyIfSaved(_) => {
            if let Some(name) = domain.name.strip_suffix(&name_away("")) {
                host.rename(domain.domid, name)?;
            }
            host.resume(domain.domid).map(|()| Done::Resumed)
        }
        Then::Leave if domain.state == RunState::Paused => Ok(Done::Left(
            "its domain, which has not run, is left paused, because the guest may run elsewhere; if it does, destroy the domain, otherwise unpause it"
                .to_owned(),
        )),
        Then::Leave => Ok(Done::Left(
            "its suspended domain is left, because the guest may run elsewhere; if it does, destroy the domain"
                .to_owned(),
        )),
        Then::EndPauses { pauses, tsc } => {
            let set = set_tsc(host, domain, tsc.as_ref());
            end_pauses(host, domain.domid, *pauses)?;
            Ok(Done::Left(format!("{set}, and the domain was unpaused")))
        }
        Then::FinishReset(None) => destroy("its domain, whose soft reset was incomplete, was destroyed; start the guest again"),
        Then::FinishReset(Some(clocks)) => {
            put_back(host, domain.domid, clocks.offset, &clocks.tsc)?;
            host.unpause(domain.domid).map(|()| Done::Resumed)
        }
    }
}

/// Sets the TSC of a domain that has not run, once more: the killed program may have set half of it.
fn set_tsc(host: &dyn Host, domain: &DomainSummary, tsc: Option<&TscInfo>) -> String {
    match tsc.filter(|_| !domain.has_run).map(|tsc| host.set_initial_tsc(domain.domid, tsc)) {
        Some(Ok(())) => "its TSC is set".to_owned(),
        Some(Err(error)) => format!("its TSC was not set: {error}"),
        None => "its TSC may have been changed: see clock-show".to_owned(),
    }
}

/// Ends at most so many pauses: fewer, where the program was killed before it made the last one.
fn end_pauses(host: &dyn Host, domid: DomId, pauses: u32) -> Result<(), HostError> {
    let is_paused = |domain: &DomainSummary| domain.domid == domid && domain.state == RunState::Paused;
    for _ in 0..pauses {
        if !host.domains()?.iter().any(is_paused) {
            break;
        }
        host.unpause(domid)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
