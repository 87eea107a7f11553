//! Makes a restored guest native, if its tolerance allows it.

use super::{Guest, Watch};
use crate::host::{HostError, HostFacts};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::event::EventKind;
use crate::lifecycle::model::Discovered;
use crate::tracking::tolerance::{Arrival, Outcome, tolerate};

impl Watch<'_> {
    /// Makes the TSC of a guest native that has come out of a save or a migration. `record` is what was kept of it then.
    pub(super) fn make_native(
        &mut self,
        facts: &HostFacts,
        guest: &Guest,
        found: &Discovered,
        record: Option<&ClockRecord>,
    ) {
        let outcome = self.tolerated(facts, guest, found, record);
        let said = match outcome {
            Ok(Outcome::AsItIs) => return,
            Ok(Outcome::Native(made)) => EventKind::TscNative {
                tsc_khz: made.khz.0,
                before_khz: made.from.0,
                birth_khz: made.birth.0,
                off_ppm: made.off,
            },
            Ok(Outcome::Left(why)) => EventKind::TscLeft { why },
            Err(error) => EventKind::TscLeft { why: error.to_string() },
        };
        self.say(facts, Some(guest.domain_ref.clone()), said);
    }

    fn tolerated(
        &mut self,
        facts: &HostFacts,
        guest: &Guest,
        found: &Discovered,
        record: Option<&ClockRecord>,
    ) -> Result<Outcome, HostError> {
        let continues = record.is_some_and(|record| record.knows_save(found.incarnation));
        let arrival = Arrival { domid: found.domid, kind: found.kind, record, continues };
        let uuid = guest.domain_ref.uuid;
        let (cache, host, default) = (&mut self.cache, self.tools.host, self.options.tsc_tolerance);
        let mut keep_birth = |birth| {
            // The next move of a guest without a record knows no birth, and so adds nothing to this one.
            let Some(_) = record else { return Ok(()) };
            // A change that the disk does not take is told when it is tried again.
            drop(cache.change(uuid, |record| record.birth_khz = Some(birth)));
            match cache.records().get(uuid) {
                Ok(Some(kept)) if kept.birth_khz == Some(birth) => Ok(()),
                Ok(_) => Err("the record is not written".into()),
                Err(error) => Err(error.into()),
            }
        };
        tolerate(host, self.tools.tsc, &arrival, facts, default, &mut keep_birth)
    }
}
