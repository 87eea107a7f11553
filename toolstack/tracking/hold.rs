//! Setting the TSC of another toolstack's domain, which is paused meanwhile, so that it does not stay paused if the
//! process that does it is killed.
//!
//! Pauses of a domain add up, and nobody can read how many there are. So each is noted before it is made, and whoever
//! finds the note of a killed process ends that pause ([`super::unfinished`]).

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::store::{Claim, RecordStore, Then, Unfinished};
use crate::apply::clock::SetTsc;
use crate::host::{DomId, Host, HostError, TscInfo};

/// How long another process is waited for that sets the TSC of the same domain.
const PATIENCE: Duration = Duration::from_secs(5);
const TRY_AGAIN: Duration = Duration::from_millis(5);

/// Sets the TSC from this process, with a note in the records' directory.
pub struct NotedTsc<'a> {
    host: &'a dyn Host,
    records: &'a RecordStore,
    boot: String,
}

impl<'a> NotedTsc<'a> {
    /// On this host.
    ///
    /// # Errors
    /// When the host cannot be read.
    pub fn new(host: &'a dyn Host, records: &'a RecordStore) -> Result<Self, HostError> {
        Ok(NotedTsc { host, records, boot: host.facts()?.boot_id })
    }

    fn noted(
        &self,
        domid: DomId,
        tsc: Option<TscInfo>,
        act: impl FnOnce(&dyn Host) -> Result<(), HostError>,
    ) -> Result<(), HostError> {
        let domain = self.host.domains()?.into_iter().find(|domain| domain.domid == domid);
        // Without a disk there is no note, and the clock counts more.
        let claim = domain.and_then(|domain| self.claim(domain.uuid));
        let Some(mut claim) = claim else { return act(self.host) };
        // A pause of a killed process is ended later, when this domain's toolstack is done.
        let left = claim.take_left().filter(|left| left.boot == self.boot && left.domid == Some(domid));
        let pauses = left.as_ref().map_or(0, Unfinished::pauses);
        let note = |pauses| self.note(&claim, domid, tsc, pauses);
        note(pauses.saturating_add(1));
        let done = act(self.host);
        if pauses > 0 {
            note(pauses);
            claim.leave();
        }
        done
    }

    /// Another helper, or whoever looks at what a killed one has left, is done in a moment.
    fn claim(&self, uuid: Uuid) -> Option<Claim> {
        let begun = Instant::now();
        loop {
            match self.records.claim_holding(uuid) {
                Ok(None) if begun.elapsed() < PATIENCE => std::thread::sleep(TRY_AGAIN),
                claim => return claim.ok().flatten(),
            }
        }
    }

    fn note(&self, claim: &Claim, domid: DomId, tsc: Option<TscInfo>, pauses: u32) {
        let then = Then::EndPauses { pauses, tsc };
        let doing = "set the TSC of the guest".to_owned();
        claim.note(&Unfinished { doing, boot: self.boot.clone(), domid: Some(domid), then });
    }
}

impl SetTsc for NotedTsc<'_> {
    fn set_tsc(&mut self, domid: DomId, info: &TscInfo) -> Result<(), HostError> {
        self.noted(domid, Some(*info), |host| host.set_initial_tsc(domid, info))
    }

    fn make_tsc_native(&mut self, domid: DomId) -> Result<(), HostError> {
        self.noted(domid, None, |host| host.make_tsc_native(domid))
    }
}
