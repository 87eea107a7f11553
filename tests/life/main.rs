//! Tests of the life-cycle model: random sequences of actions of guests, toolstacks, services, disks and time, on two
//! mock hosts with Xen's real traps. `oracle.rs` contains the guarantees.

#![allow(clippy::unwrap_used)]

mod actions;
mod crash_injection;
mod disk;
mod fixed;
mod found;
mod given;
mod known;
mod moves;
mod op;
mod oracle;
mod records;
mod said;
mod service;
mod short;
mod told;
mod vain;
mod world;

use std::cell::RefCell;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use op::stories;
use world::{Tally, Without, play};

/// So many stories, unless `PROPTEST_CASES` says otherwise.
const STORIES: u32 = 400;
/// Of so many happenings at most, after their beginning.
const LENGTH: usize = 40;
/// So many without a rule are enough to find one that breaks.
const BROKEN: u32 = 400;

/// Attempts to shorten a story that breaks.
const SHORTER: u32 = 4000;

fn runner(cases: u32, shorter: u32, rng: TestRng) -> TestRunner {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: shorter, ..Config::default() };
    TestRunner::new_with_rng(config, rng)
}

/// The same stories each time, so that a change is to blame for what breaks; with `PROPTEST_CASES` others each time.
fn cases_and_rng() -> (u32, TestRng) {
    match std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()) {
        None => (STORIES, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
        Some(cases) => {
            let halves = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(uuid::Uuid::into_bytes);
            (cases, TestRng::from_seed(RngAlgorithm::ChaCha, &halves.concat()))
        }
    }
}

#[test]
fn no_guest_sees_its_clock_jump() {
    let (cases, rng) = cases_and_rng();
    let sum = RefCell::new(Tally::default());
    let done = runner(cases, SHORTER, rng).run(&stories(LENGTH), |story| {
        let tally = play(&story, Without::Nothing).map_err(TestCaseError::fail)?;
        sum.borrow_mut().add(&tally);
        Ok(())
    });
    match done {
        Ok(()) => {}
        Err(TestError::Fail(why, story)) => panic!("{why}\n{story:?}"),
        Err(error) => panic!("{error}"),
    }
    let sum = sum.into_inner();
    println!("{cases} stories: {sum:#?}");
    // Few stories need not have everything in them.
    if cases >= STORIES {
        assert!(
            sum.promised > u64::from(cases)
                && sum.said > u64::from(cases)
                && sum.changes_told > 0
                && sum.deaths > 0
        );
        let excepted: u64 = sum.excepted.values().sum();
        assert!(excepted < sum.promised / 10, "hardly anything is promised any more");
    }
}

/// Tells stories without one rule until one breaks; that is the proof that the stories would find it missing.
fn break_without(rule: Without) {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let done = runner(BROKEN, 0, rng)
        .run(&stories(LENGTH), |story| play(&story, rule).map(drop).map_err(TestCaseError::fail));
    match done {
        Err(TestError::Fail(why, story)) => println!("one that breaks: {why}\n{story:?}"),
        other => panic!("without {rule:?} nothing broke: {other:?}"),
    }
}

#[test]
fn without_the_config_given_on_the_way_the_next_start_is_wrong() {
    break_without(Without::GivenOnTheWay);
}

#[test]
fn without_what_is_kept_on_failure_the_next_start_is_wrong() {
    break_without(Without::KeptOnFailure);
}

#[test]
fn without_the_present_hosts_facts_what_is_said_is_wrong() {
    break_without(Without::PresentFacts);
}

#[test]
fn without_the_keeping_they_do() {
    break_without(Without::Keeping);
}
