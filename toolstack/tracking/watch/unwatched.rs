//! A guest that ended while the service was stopped or blocked: changes to its RTC in that time are lost.

use super::{Guest, Pending, Watch};
use crate::host::HostFacts;
use crate::lifecycle::event::EventKind;

impl Watch<'_> {
    /// A domain has ended, and its RTC could not be read any more. Up to a period nobody ever knows what happened to it;
    /// where it is longer, that is told.
    pub(super) fn tell_unwatched(&mut self, facts: &HostFacts, guest: &Guest) {
        let Some(after) = self.options.unwatched_after else { return };
        let since = guest.looked.elapsed();
        if since <= after || !guest.kind.has_rtc() || guest.pending == Pending::All {
            return;
        }
        // Whoever ended it may have read it.
        let record = self.recall(facts, &guest.domain_ref);
        let unread = record.is_some_and(|record| {
            record.is_instance(&facts.boot_id, guest.domain_ref.domid) && record.ended.is_none()
        });
        if !unread {
            return;
        }
        let seconds = since.as_secs();
        let why = format!(
            "the service had not read the guest's clock for {seconds} s when its domain ended: changes to the RTC in that time are lost"
        );
        self.say(facts, Some(guest.domain_ref.clone()), EventKind::Unwatched { seconds, why });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use timers::GuestKind;
    use uuid::Uuid;

    use crate::domain::DomainConfig;
    use crate::host::mock::Mock;
    use crate::host::{DomId, Host, ShutdownReason};
    use crate::lifecycle::event::EventKind;
    use crate::tracking::store::RecordStore;
    use crate::tracking::watch::WatchOptions;
    use crate::tracking::watch::tests::events_of;

    fn guest(mock: &Mock) -> DomId {
        let mut config = DomainConfig::new(GuestKind::Hvm);
        config.c_info.name = Some("guest".to_owned());
        config.c_info.uuid = Some(Uuid::from_u128(7));
        let domid = mock.create_paused(&config).unwrap();
        mock.unpause(domid).unwrap();
        domid
    }

    /// How often it is told when a guest's toolstack destroys it, after it had a shutdown that the service read or not.
    fn told(after: Option<Duration>, read: bool) -> usize {
        let mock = Mock::in_memory(Box::new(|| "2026-07-01T12:00:00Z".parse().unwrap()));
        let records = RecordStore::in_memory();
        let options = WatchOptions { unwatched_after: after, ..WatchOptions::default().all(true) };
        let events = events_of(&mock, &records, options, |watch| {
            let domid = guest(&mock);
            watch.scan().unwrap();
            while mock.next_event(Duration::ZERO).unwrap().is_some() {}
            mock.guest_shift_rtc(domid, 20).unwrap();
            if read {
                mock.guest_end(domid, ShutdownReason::Reboot).unwrap();
                watch.event(&mock.next_event(Duration::ZERO).unwrap().unwrap()).unwrap();
            }
            mock.destroy(domid).unwrap();
            guest(&mock);
            while let Some(event) = mock.next_event(Duration::ZERO).unwrap() {
                watch.event(&event).unwrap();
            }
        });
        events.iter().filter(|event| matches!(event.kind, EventKind::Unwatched { .. })).count()
    }

    #[test]
    fn a_guest_that_ended_unread_after_a_gap_is_told() {
        assert_eq!(told(Some(Duration::ZERO), false), 1);
        assert_eq!(told(Some(Duration::ZERO), true), 0, "it was read at its end");
        assert_eq!(told(Some(Duration::from_secs(3600)), false), 0, "it had just been looked at");
        assert_eq!(told(None, false), 0);
    }
}
