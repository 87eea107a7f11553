//! A service with guests that are suspended in memory, and with saves that stock xl restores more than once.

#![allow(clippy::unwrap_used)]

use std::io::{Seek, SeekFrom};

use serde_json::json;
use timers::GuestKind;
use timers::zone::default_zones;
use uuid::Uuid;

use super::{Tools, Watch, WatchOptions};
use crate::apply::clock::InProcess;
use crate::domain::DomainConfig;
use crate::host::mock::Mock;
use crate::host::{DomId, Host, SaveKind, ShutdownReason};
use crate::lifecycle::{ClockEvent, ClockRecord, EventKind};
use crate::tracking::monitor::{Monitor, Reread};
use crate::tracking::requests::XmlRequests;
use crate::tracking::store::RecordStore;

const GUEST: Uuid = Uuid::from_u128(7);

fn mock() -> Mock {
    Mock::in_memory(Box::new(|| "2026-07-01T12:00:00Z".parse().unwrap()))
}

fn config(offset: u32) -> DomainConfig {
    let mut config = DomainConfig::new(GuestKind::Hvm);
    config.c_info.name = Some("guest".to_owned());
    config.c_info.uuid = Some(GUEST);
    config.b_info.rtc_timeoffset = offset;
    config
}

fn record(records: &RecordStore) -> ClockRecord {
    records.get(GUEST).unwrap().unwrap()
}

/// The events of a service while a story goes on.
pub(super) fn events_of(
    mock: &Mock,
    records: &RecordStore,
    options: WatchOptions,
    story: impl FnOnce(&mut Watch<'_>),
) -> Vec<ClockEvent> {
    let mut events = Vec::new();
    let mut tell = |event| events.push(event);
    let tools = Tools {
        host: mock,
        records,
        zones: &*default_zones(),
        tsc: &mut InProcess(mock),
        requests: &mut XmlRequests::in_dirs(Vec::new()),
        tell: &mut tell,
    };
    story(&mut Watch::new(tools, options));
    events
}

/// Runs a story with a service that hears of everything; answers the words of what it told.
fn told(mock: &Mock, records: &RecordStore, story: &mut dyn FnMut(&mut dyn FnMut())) -> Vec<String> {
    let events = events_of(mock, records, WatchOptions::default().all(true), |watch| {
        watch.scan().unwrap();
        story(&mut || {
            while let Some(event) = mock.next_event(std::time::Duration::ZERO).unwrap() {
                watch.event(&event).unwrap();
            }
            watch.go_on().unwrap();
            watch.poll().unwrap();
        });
    });
    let word = |event: &ClockEvent| json!(event)["event"].as_str().unwrap().to_owned();
    events.iter().map(word).collect()
}

#[test]
fn a_guest_that_is_suspended_in_memory_goes_on_as_itself() {
    let (mock, records) = (mock(), RecordStore::in_memory());
    let mut domid = DomId(0);
    let told = told(&mock, &records, &mut |look| {
        domid = mock.create_paused(&config(3600)).unwrap();
        look();
        mock.unpause(domid).unwrap();
        mock.guest_shift_rtc(domid, 20).unwrap();
        look();
        // xl suspend, and an hour later xl resume: the RTC has gone on with the host's time.
        mock.guest_end(domid, ShutdownReason::Suspend).unwrap();
        look();
        assert_eq!(record(&records).ended.unwrap().reason, Some(ShutdownReason::Suspend));
        mock.advance(3600).unwrap();
        look();
        mock.resume(domid).unwrap();
        look();
        let record = record(&records);
        assert!(record.ended.is_none() && record.instance.as_ref().unwrap().domid == domid);
        assert_eq!(record.last.unwrap().offset, 3620);
        mock.guest_shift_rtc(domid, 1).unwrap();
        look();
    });
    assert_eq!(mock.rtc_record(domid).unwrap().offset, 3621);
    assert_eq!(record(&records).last.unwrap().offset, 3621);
    let of = |word: &str| told.iter().filter(|told| *told == word).count();
    assert_eq!((of("rtc-change"), of("ended"), of("gone"), of("failed")), (2, 1, 0, 0), "{told:?}");
}

#[test]
fn a_save_that_stock_xl_restores_many_times_is_put_right_each_time() {
    let (mock, records) = (mock(), RecordStore::in_memory());
    let mut file = tempfile::tempfile().unwrap();
    let told = told(&mock, &records, &mut |look| {
        let domid = mock.create_paused(&config(3600)).unwrap();
        look();
        mock.unpause(domid).unwrap();
        mock.guest_shift_rtc(domid, 20).unwrap();
        look();
        mock.save(domid, &mut file, SaveKind::Suspend).unwrap();
        look();
        mock.destroy(domid).unwrap();
        look();
        for round in 0..4 {
            // xl gives it the offset of its config, in place of its own.
            file.seek(SeekFrom::Start(0)).unwrap();
            let domid = mock.restore_paused(&config(3600), &mut file).unwrap();
            look();
            assert_eq!(mock.rtc_record(domid).unwrap().offset, 3620, "round {round}");
            mock.unpause(domid).unwrap();
            mock.guest_shift_rtc(domid, 500).unwrap();
            look();
            assert_eq!(record(&records).last.unwrap().offset, 4120);
            mock.destroy(domid).unwrap();
            look();
        }
    });
    let of = |word: &str| told.iter().filter(|told| *told == word).count();
    assert_eq!((of("put-right"), of("failed")), (4, 0), "{told:?}");
}

#[test]
fn an_end_that_the_service_comes_too_late_to_read_is_told_with_what_the_monitor_read() {
    let (mock, records) = (mock(), RecordStore::in_memory());
    let events = events_of(&mock, &records, WatchOptions::default().all(true), |watch| {
        watch.scan().unwrap();
        let hear = |watch: &mut Watch<'_>| {
            while let Some(event) = mock.next_event(std::time::Duration::ZERO).unwrap() {
                watch.event(&event).unwrap();
            }
        };
        let domid = mock.create_paused(&config(3600)).unwrap();
        hear(watch);
        mock.unpause(domid).unwrap();
        mock.guest_shift_rtc(domid, 20).unwrap();
        mock.guest_end(domid, ShutdownReason::Poweroff).unwrap();
        let zones = default_zones();
        let reread: &Reread<'_> = &|_| Err("nothing was left".into());
        Monitor::new(&mock, &records, &*zones, reread).ended(domid, ShutdownReason::Poweroff).unwrap();
        hear(watch);
    });
    let ended = events.iter().find_map(|event| match event.kind {
        EventKind::Ended { offset, .. } => Some(offset),
        _ => None,
    });
    assert_eq!(ended, Some(Some(3620)), "{events:?}");
}

#[test]
fn a_poll_finds_an_rtc_that_is_not_where_another_tool_has_recorded_it() {
    let (mock, records) = (mock(), RecordStore::in_memory());
    let told = told(&mock, &records, &mut |look| {
        let domid = mock.create_paused(&config(3600)).unwrap();
        look();
        mock.unpause(domid).unwrap();
        // `clock-set --now`, and the guest sets its RTC back, before the service looks.
        records
            .change(GUEST, |record, _| {
                let mut record = record.unwrap();
                record.set_live(60, mock.facts().unwrap().now);
                (Some(record), ())
            })
            .unwrap();
        look();
        assert_eq!(record(&records).last.unwrap().offset, 3600);
    });
    assert_eq!(told.iter().filter(|told| *told == "rtc-change").count(), 1, "{told:?}");
}

/// A guest whose record is not worth keeping ends, and another program of xenclock handles that before the service looks.
#[test]
fn a_record_that_was_taken_away_with_its_guest_is_not_lost() {
    let (utc, variable) =
        (json!({"offset": "utc"}), json!({"offset": "variable", "adjustment": 0, "basis": "utc"}));
    for (clock, worth_keeping) in [(utc, false), (variable, true)] {
        for (by_monitor, hears_the_end) in [(true, true), (true, false), (false, false)] {
            let (mock, records) = (mock(), RecordStore::in_memory());
            let zones = default_zones();
            let told = told(&mock, &records, &mut |look| {
                let clock = serde_json::from_value(json!({ "offset": clock })).unwrap();
                let domain = crate::domain::Domain::new(config(0), clock);
                let facts = mock.facts().unwrap();
                let plan = crate::plan::plan(&domain, &facts, &*zones, GUEST).unwrap();
                let options = crate::tracking::start::StartOptions::new(&records).asked(&domain.clock);
                let started =
                    crate::tracking::start::start(&plan, &mock, &facts, &options, &mut |_| {}).unwrap();
                let domid = started.outcome.domid;
                look();
                assert!(record(&records).instance.is_some());
                if by_monitor {
                    mock.guest_end(domid, ShutdownReason::Poweroff).unwrap();
                    if hears_the_end {
                        look();
                    }
                    let reread: &Reread<'_> = &|_| Err("nothing was left".into());
                    Monitor::new(&mock, &records, &*zones, reread)
                        .ended(domid, ShutdownReason::Poweroff)
                        .unwrap();
                } else {
                    mock.destroy(domid).unwrap();
                    records.gone(GUEST, &facts.boot_id, domid, facts.now).unwrap();
                }
                look();
            });
            let last: Vec<_> = told.iter().rev().take(2).rev().map(String::as_str).collect();
            assert!(!told.contains(&"record-restored".to_owned()), "{told:?}");
            assert_eq!(last, if by_monitor { ["ended", "gone"] } else { ["followed", "gone"] }, "{told:?}");
            assert_eq!(records.is_there(GUEST), worth_keeping);
        }
    }
}

/// The service polls after the guest and its record have gone, and before it hears of that.
#[test]
fn a_poll_does_not_write_the_record_of_a_guest_that_is_gone() {
    let (mock, records) = (mock(), RecordStore::in_memory());
    let events = events_of(&mock, &records, WatchOptions::default().all(true), |watch| {
        watch.scan().unwrap();
        let domid = mock.create_paused(&config(0)).unwrap();
        mock.unpause(domid).unwrap();
        while let Some(event) = mock.next_event(std::time::Duration::ZERO).unwrap() {
            watch.event(&event).unwrap();
        }
        assert!(records.is_there(GUEST));
        mock.destroy(domid).unwrap();
        let facts = mock.facts().unwrap();
        records.gone(GUEST, &facts.boot_id, domid, facts.now).unwrap();
        watch.poll().unwrap();
        assert!(!records.is_there(GUEST));
    });
    assert!(!events.iter().any(|event| event.kind == EventKind::RecordRestored), "{events:?}");
}
