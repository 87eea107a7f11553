//! Reports changes of the host's own clock and zone, with their effect on each guest.

use chrono::TimeDelta;
use timers::zone::Zone;

use super::{Guest, Watch};
use crate::host::HostFacts;
use crate::lifecycle::event::EventKind;
use crate::lifecycle::host_clock::{ClockSteps, StepEffect};
use crate::tracking::cache::said;
use crate::tracking::cold_start;
use crate::tracking::unmanaged::here;

impl Watch<'_> {
    /// Tells of a step and of another zone, and counts the time that the service has watched, which it keeps each hour.
    pub(super) fn look_at_clock(&mut self, facts: &HostFacts, keep: bool) {
        self.watched.look(facts.now);
        let changes = self.host_clock.look(facts);
        let steps = self.watched.steps.get_or_insert_with(|| ClockSteps::since(facts.now));
        if let Some(by) = changes.step {
            steps.add(by, facts.now);
        }
        let hour = self.watched.seconds.saturating_sub(self.watched_kept.seconds) >= 3600;
        if keep || hour || changes.step.is_some() {
            self.watched_kept = self.watched;
            if let Err(error) = self.tools.records.set_watched(self.watched) {
                self.say(facts, None, said(&error));
            }
        }
        if let Some(by) = changes.step {
            self.stepped(facts, by);
        }
        if let Some(before) = changes.zone_before {
            self.zone_changed(facts, &before);
        }
    }

    fn stepped(&mut self, facts: &HostFacts, by: TimeDelta) {
        let (by_ms, synchronised) = (by.num_milliseconds(), facts.clock.synchronised);
        self.say(facts, None, EventKind::HostClockStep { by_ms, synchronised, effect: None });
        for guest in self.guests.values().cloned().collect::<Vec<_>>() {
            let effect = Some(StepEffect::on(guest.kind));
            let said = EventKind::HostClockStep { by_ms, synchronised, effect };
            self.say(facts, Some(guest.domain_ref), said);
        }
    }

    fn zone_changed(&mut self, facts: &HostFacts, before: &Zone) {
        let told = |offset_before, offset| EventKind::HostZoneChange {
            before: before.name().to_owned(),
            zone: facts.zone.name().to_owned(),
            offset_before,
            offset,
        };
        self.say(facts, None, told(None, None));
        let facts_before = HostFacts { zone: before.clone(), ..facts.clone() };
        for guest in self.guests.values().cloned().collect::<Vec<_>>() {
            let was = self.next_offset(&guest, &facts_before);
            let is = self.next_offset(&guest, facts);
            if was != is {
                self.say(facts, Some(guest.domain_ref), told(was, is));
            }
        }
    }

    /// The offset of the guest's clock after its next start, as far as that is known.
    fn next_offset(&mut self, guest: &Guest, facts: &HostFacts) -> Option<i64> {
        match self.recall(facts, &guest.domain_ref) {
            Some(record) => {
                let start = cold_start::resolve(&record, guest.kind, facts, self.tools.zones).ok()?;
                Some(start.rtc.offset.seconds().into())
            }
            None => here(&self.tools.host.stored_config(guest.domain_ref.domid).ok()?, facts).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;
    use timers::GuestKind;

    use crate::domain::{Defbool, DomainConfig};
    use crate::host::Host;
    use crate::host::mock::Mock;
    use crate::lifecycle::host_clock::ClockSteps;
    use crate::tracking::store::RecordStore;
    use crate::tracking::watch::WatchOptions;
    use crate::tracking::watch::tests::events_of;

    /// A service's events on a host with three guests when these facts change, without times and UUIDs; and its steps.
    fn told(facts: &[(&str, &str)]) -> (Vec<serde_json::Value>, ClockSteps) {
        let mock = Mock::in_memory(Box::new(|| "2026-07-01T12:00:00Z".parse().unwrap()));
        mock.set_fact("timezone", "Europe/Berlin").unwrap();
        for (name, kind, localtime) in [
            ("hvm", GuestKind::Hvm, None),
            ("pvh", GuestKind::Pvh, None),
            ("local", GuestKind::Hvm, Some(Defbool::True)),
        ] {
            let mut config = DomainConfig::new(kind);
            config.c_info.name = Some(name.to_owned());
            config.b_info.localtime = localtime;
            mock.unpause(mock.create_paused(&config).unwrap()).unwrap();
        }
        let dir = tempfile::tempdir().unwrap();
        let records = RecordStore::in_dir(dir.path());
        let events = events_of(&mock, &records, WatchOptions::default(), |watch| {
            watch.scan().unwrap();
            for (name, value) in facts {
                mock.set_fact(name, value).unwrap();
                watch.poll().unwrap();
            }
        });
        let host_events = events
            .iter()
            .map(|event| json!(event))
            .filter(|event| event["event"].as_str().unwrap().starts_with("host-"));
        let strip = |mut event: serde_json::Value| {
            for field in ["time", "uuid", "domid"] {
                event.as_object_mut().unwrap().remove(field);
            }
            event
        };
        (host_events.map(strip).collect(), records.watched().steps.unwrap())
    }

    #[test]
    fn a_step_is_told_of_the_host_and_of_each_guest_and_counted() {
        let (told, steps) = told(&[("now", "2026-07-01T13:00:00Z"), ("now", "2026-07-01T12:59:00Z")]);
        let step = |by_ms: i64| json!({"event": "host-clock-step", "by_ms": by_ms, "synchronised": true});
        let of = |by_ms, name: &str, effect: &str| {
            let mut event = step(by_ms);
            event["name"] = json!(name);
            event["effect"] = json!(effect);
            event
        };
        let all = |by_ms| {
            [
                step(by_ms),
                of(by_ms, "hvm", "rtc-moves"),
                of(by_ms, "pvh", "wallclock-moves"),
                of(by_ms, "local", "rtc-moves"),
            ]
        };
        assert_eq!(told, [all(3_600_000), all(-60_000)].concat());
        assert_eq!((steps.count, steps.by_ms), (2, 3_540_000));
        assert_eq!(steps.since.to_rfc3339(), "2026-07-01T12:00:00+00:00");
    }

    #[test]
    fn another_zone_is_told_of_those_whose_next_start_it_moves() {
        let (told, steps) = told(&[("timezone", "Asia/Tokyo"), ("timezone", "Asia/Tokyo")]);
        let host = json!({"event": "host-zone-change", "before": "Europe/Berlin", "zone": "Asia/Tokyo"});
        let mut local = host.clone();
        local["name"] = json!("local");
        (local["offset_before"], local["offset"]) = (json!(7200), json!(32_400));
        assert_eq!(told, [host, local]);
        assert_eq!(steps.count, 0);
    }
}
