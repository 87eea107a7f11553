//! Requests for one guest that were made on two hosts.

use proptest::prelude::*;

use super::*;

#[test]
fn of_two_requests_the_later_counts() {
    let mut here = running();
    here.generation = 5;
    // A config given to `save` is requested in the file, and the record here changes once more for the save.
    let mut travels = here.clone();
    travels.adopt_from_file(&clock(variable(60)), RequestOrigin::Create, at(2));
    here.generation = 6;
    assert_eq!(travels.clone().arrived(Some(here.clone())).next_clock(), clock(variable(60)));
    here.set_request(clock(variable(61)), RequestOrigin::ClockSet { instead_of: None }, at(3));
    assert_eq!(
        travels.clone().arrived(Some(here.clone())).next_clock(),
        clock(variable(61)),
        "clock-set came after it"
    );
    // All at the same moment: the generations in which they were made decide.
    here.request.made_at = travels.request.made_at;
    assert_eq!(
        travels.clone().arrived(Some(here.clone())).next_clock(),
        clock(variable(61)),
        "at the same moment"
    );
    let mut before = running();
    before.request.made_at = travels.request.made_at;
    before.generation = 6;
    assert_eq!(travels.arrived(Some(before)).next_clock(), clock(variable(60)), "the record only changed");
}

#[test]
fn a_request_is_later_than_the_one_that_it_replaces_also_where_the_clock_was_set_back() {
    let asks = |record: &ClockRecord, offset, now| {
        let mut record = record.clone();
        record.set_request(clock(variable(offset)), RequestOrigin::Create, now);
        record.generation += 1;
        record
    };
    let here = asks(&running(), 60, at(7200));
    let unset = "1970-01-01T00:00:10Z".parse().unwrap();
    for now in [at(0), unset] {
        let travels = asks(&here, 61, now);
        assert_eq!(travels.clone().arrived(Some(here.clone())).next_clock(), clock(variable(61)), "{now}");
        assert_eq!(here.clone().arrived(Some(travels.clone())).next_clock(), clock(variable(61)), "{now}");
        // The clock is right again.
        let last = asks(&travels, 62, at(7201));
        assert_eq!(last.arrived(Some(travels)).next_clock(), clock(variable(62)), "{now}");
    }
}

#[test]
fn a_request_after_the_start_is_pending_also_where_the_clock_was_set_back() {
    let with_tsc = GuestClock::new(variable(3600), vec![Timer::named(TimerName::Tsc)]);
    // As a start records it, with the request that a file made of it.
    let mut record = running();
    record.set_request(with_tsc.clone(), RequestOrigin::Create, at(0));
    record.started(start(3600), instance(1));
    record.generation += 1;
    assert!(!record.is_requested_since_start(), "it was started with it");
    for now in [at(-120), at(0), at(1)] {
        let mut record = record.clone();
        record.set_request(clock(variable(3600)), RequestOrigin::ClockSet { instead_of: None }, now);
        record.generation += 1;
        assert!(record.is_requested_since_start() && !record.offset_changed, "{now}");
        record.started(start(3600), instance(2));
        assert!(!record.is_requested_since_start(), "{now}");
    }
}

#[test]
fn only_the_record_with_the_start_knows_whether_another_clock_was_requested_since() {
    let here = running();
    // Stock xl took the guest to a host without a record, where the config counts as the request.
    let away = || ClockRecord::new(here.uuid, &here.name, request(variable(90), RequestOrigin::Unmanaged));
    let asked = here.request.clock.clone();
    let mut came = away();
    came.adopt_from_file(&asked, RequestOrigin::Create, at(5));
    assert!(!came.arrived(Some(here.clone())).offset_changed, "the same as at the start");
    let mut came = away();
    came.adopt_from_file(&clock(variable(60)), RequestOrigin::Create, at(5));
    assert!(came.clone().arrived(Some(here.clone())).offset_changed, "another");
    let mut later = here.clone();
    later.set_request(clock(variable(61)), RequestOrigin::Create, at(6));
    assert!(came.clone().arrived(Some(later)).offset_changed, "another, requested here");
    let mut later = here.clone();
    later.generation += 1;
    later.set_request(asked.clone(), RequestOrigin::Create, at(6));
    assert!(!came.arrived(Some(later)).offset_changed, "requested again here");
}

/// A step of a guest's story on two hosts; the first number is the host.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Somebody asks for an offset.
    Ask(usize),
    /// The record changes for other reasons, so many times.
    Count(usize, u64),
    /// The guest goes to the other host.
    Travel,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..2_usize).prop_map(Act::Ask),
        (0..2_usize, 1..1000_u64).prop_map(|(host, times)| Act::Count(host, times)),
        Just(Act::Travel),
    ]
}

proptest! {
    #[test]
    fn the_latest_request_that_a_host_can_know_counts_whatever_the_generations(
        acts in proptest::collection::vec(act(), 1..40)
    ) {
        let mut records = [running(), running()];
        // The newest request that each host has heard of, by its number.
        let mut newest = [3600_i64, 3600];
        let mut place = 0;
        for (now, act) in (1_i64..).zip(acts) {
            match act {
                Act::Ask(host) => {
                    let from = RequestOrigin::ClockSet { instead_of: None };
                    records[host].set_request(clock(variable(3600 + now)), from, at(now));
                    newest[host] = 3600 + now;
                }
                Act::Count(host, times) => records[host].generation += times,
                Act::Travel => {
                    let there = 1 - place;
                    records[there] = records[place].clone().arrived(Some(records[there].clone()));
                    newest[there] = newest[0].max(newest[1]);
                    place = there;
                }
            }
            for host in 0..2 {
                prop_assert_eq!(&records[host].request.clock, &clock(variable(newest[host])));
            }
        }
    }
}
