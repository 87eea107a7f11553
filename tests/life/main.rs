//! The proof of the life-cycle model: random stories of guests, toolstacks, services, disks and time, on two mock hosts
//! with Xen's real traps on. `oracle.rs` says what is promised.

#![allow(clippy::unwrap_used)]

mod deeds;
mod mortal;
mod op;
mod oracle;
mod records;
mod world;

use std::cell::RefCell;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use op::{Story, stories};
use world::{Tally, play};

/// So many stories, unless `PROPTEST_CASES` says otherwise.
const STORIES: u32 = 200;
/// Of so many happenings at most.
const LENGTH: usize = 40;

fn runner(cases: u32, rng: TestRng) -> TestRunner {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    TestRunner::new_with_rng(config, rng)
}

fn random() -> TestRng {
    TestRng::from_seed(RngAlgorithm::ChaCha, &rand_seed())
}

/// Another one each time; a failure shows the whole story.
fn rand_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    seed[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    seed
}

fn add(sum: &mut Tally, tally: Tally) {
    sum.promised += tally.promised;
    sum.changes_told += tally.changes_told;
    sum.deaths += tally.deaths;
    for (why, count) in tally.excepted {
        *sum.excepted.entry(why).or_default() += count;
    }
}

#[test]
fn no_guest_sees_its_clock_jump() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(STORIES);
    let sum = RefCell::new(Tally::default());
    let done = runner(cases, random()).run(&stories(LENGTH), |story| match play(&story, true) {
        Ok(tally) => {
            add(&mut sum.borrow_mut(), tally);
            Ok(())
        }
        Err(why) => Err(TestCaseError::fail(why)),
    });
    match done {
        Ok(()) => {}
        Err(TestError::Fail(why, story)) => panic!("{why}\n{story:?}"),
        Err(error) => panic!("{error}"),
    }
    println!("{cases} stories: {:#?}", sum.into_inner());
}

#[test]
fn without_the_keeping_they_do() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let done = runner(50, rng)
        .run(&stories(LENGTH), |story: Story| play(&story, false).map(drop).map_err(TestCaseError::fail));
    match done {
        Err(TestError::Fail(why, story)) => println!("the shortest of them: {why}\n{story:?}"),
        other => panic!("without the keeping nothing broke: {other:?}"),
    }
}
