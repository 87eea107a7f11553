//! Reports changes of the host's own clock and zone, with their effect on each guest.

use chrono::TimeDelta;
use timers::zone::Zone;

use super::{Guest, Watch, is_going};
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
        let told = |effect, next_start| EventKind::HostClockStep { by_ms, synchronised, effect, next_start };
        self.say(facts, None, told(None, None));
        for guest in self.guests.values().cloned().collect::<Vec<_>>() {
            let next_start = self.recorded_next(&guest, facts).and_then(Result::err);
            self.say(facts, Some(guest.domain_ref), told(Some(StepEffect::on(guest.kind)), next_start));
        }
    }

    fn zone_changed(&mut self, facts: &HostFacts, before: &Zone) {
        let told = |offset_before, offset, next_start| EventKind::HostZoneChange {
            before: before.name().to_owned(),
            zone: facts.zone.name().to_owned(),
            offset_before,
            offset,
            next_start,
        };
        self.say(facts, None, told(None, None, None));
        let facts_before = HostFacts { zone: before.clone(), ..facts.clone() };
        for guest in self.guests.values().cloned().collect::<Vec<_>>() {
            let was = self.next_start(&guest, &facts_before);
            let is = self.next_start(&guest, facts);
            if was != is {
                let offset = |start: &Option<Result<i64, String>>| start.as_ref()?.as_ref().ok().copied();
                let (offset_before, offset) = (offset(&was), offset(&is));
                let refused = is.and_then(Result::err);
                self.say(facts, Some(guest.domain_ref), told(offset_before, offset, refused));
            }
        }
    }

    /// The offset of the guest's clock after its next start, or that this is refused, and why. `None` for a guest that is gone,
    /// and for one without a record whose config gives no offset.
    fn next_start(&mut self, guest: &Guest, facts: &HostFacts) -> Option<Result<i64, String>> {
        let next = self.recorded_next(guest, facts);
        if next.is_some() {
            return next;
        }
        let domid = guest.domain_ref.domid;
        match self.tools.host.stored_config(domid) {
            Ok(config) => here(&config, facts).ok().map(Ok),
            Err(error) if is_going(&error) => None,
            Err(error) => {
                self.failed(facts, domid, format!("the clock of its next start is not known: {error}"));
                None
            }
        }
    }

    /// The same, of a guest with a record; only that can be refused.
    fn recorded_next(&mut self, guest: &Guest, facts: &HostFacts) -> Option<Result<i64, String>> {
        let record = self.recall(facts, &guest.domain_ref)?;
        Some(match cold_start::resolve(&record, guest.kind, facts, self.tools.zones) {
            Ok(start) => Ok(start.rtc.offset.seconds().into()),
            Err(refusal) => Err(refusal.of_next_start()),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;
    use timers::{Basis, ClockOffset, GuestClock, GuestKind};
    use uuid::Uuid;

    use crate::domain::{Defbool, DomainConfig};
    use crate::host::Host;
    use crate::host::mock::Mock;
    use crate::lifecycle::ClockRecord;
    use crate::lifecycle::host_clock::ClockSteps;
    use crate::lifecycle::record::{Request, RequestOrigin};
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

    /// Guests with a requested clock whose next start depends on the host's date, on its zone, and on neither; what is said to
    /// each of its next start.
    fn said_of_next_starts(fact: (&str, &str)) -> Vec<(String, Option<String>)> {
        let mock = Mock::in_memory(Box::new(|| "2026-07-01T12:00:00Z".parse().unwrap()));
        mock.set_fact("timezone", "UTC").unwrap();
        let records = RecordStore::in_memory();
        let far = |basis| ClockOffset::Variable { adjustment: i64::from(i32::MAX) - 3600, basis };
        for (number, name, offset) in [
            (1, "far", far(Basis::Utc)),
            (2, "zoned", ClockOffset::default()),
            (3, "utc", ClockOffset::default()),
        ] {
            let uuid = Uuid::from_u128(number);
            let request = Request::new(GuestClock::new(offset, Vec::new()), RequestOrigin::Create);
            let record = ClockRecord::new(uuid, name, request);
            records.change(uuid, |_, _| (Some(record), ())).unwrap();
            let mut config = DomainConfig::new(GuestKind::Hvm);
            (config.c_info.name, config.c_info.uuid) = (Some(name.to_owned()), Some(uuid));
            mock.unpause(mock.create_paused(&config).unwrap()).unwrap();
        }
        let events = events_of(&mock, &records, WatchOptions::default(), |watch| {
            watch.scan().unwrap();
            // A tracked clock is counted from UTC as soon as the guest has started with it.
            let clock = GuestClock::new(far(Basis::Localtime), Vec::new());
            let now = mock.facts().unwrap().now;
            let request = |record: Option<ClockRecord>| {
                let mut record = record.unwrap();
                record.set_request(clock, RequestOrigin::Create, now);
                (Some(record), ())
            };
            records.change(Uuid::from_u128(2), |record, _| request(record)).unwrap();
            mock.set_fact(fact.0, fact.1).unwrap();
            watch.poll().unwrap();
        });
        let host = events.iter().filter(|event| json!(event)["event"].as_str().unwrap().starts_with("host-"));
        host.filter_map(|event| {
            let told = json!(event);
            assert_eq!(told["next_start"].is_string(), told["name"].is_string() && event.kind.is_trouble());
            Some((told["name"].as_str()?.to_owned(), told["next_start"].as_str().map(str::to_owned)))
        })
        .collect()
    }

    #[test]
    fn a_next_start_that_is_refused_from_then_on_is_told_with_the_reason() {
        let told = said_of_next_starts(("now", "2094-07-01T12:00:00Z"));
        let [(_, Some(far)), (_, Some(zoned)), (utc, None)] = &told[..] else { panic!("{told:?}") };
        assert_eq!(utc, "utc");
        for next in [far, zoned] {
            assert!(next.starts_with("refused: ") && next.contains("2000 to 2099"), "{next}");
        }
        let told = said_of_next_starts(("timezone", "Asia/Tokyo"));
        let [(name, Some(next))] = &told[..] else { panic!("{told:?}") };
        assert_eq!(name, "zoned");
        assert!(next.starts_with("refused: ") && next.contains("2147"), "{next}");
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
