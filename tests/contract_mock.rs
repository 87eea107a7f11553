//! The contract of every host, held against the mock: in memory, and in a file in which the guest acts from elsewhere.

#![allow(clippy::unwrap_used)]

mod contract;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use contract::{Cannot, Played, Scenario, Stage, suite};
use tempfile::TempDir;
use timers::GuestKind;
use xenclock::domain::DomainConfig;
use xenclock::host::mock::{Clock, Mock};
use xenclock::host::{DomId, Host, ShutdownReason};

fn noon() -> DateTime<Utc> {
    "2026-07-01T12:00:00Z".parse().unwrap()
}

fn clock() -> Clock {
    Box::new(noon)
}

/// A mock, and the folder of its file.
struct MockStage {
    mock: Mock,
    /// Where the state is; `None` in memory.
    file: Option<(TempDir, PathBuf)>,
}

impl MockStage {
    /// The mock for an act of the guest: through the file, as another process would.
    fn play<T>(&self, play: impl FnOnce(&Mock) -> xenclock::host::Result<T>) -> T {
        match &self.file {
            Some((_, path)) => play(&Mock::open(path, clock()).unwrap()).unwrap(),
            None => play(&self.mock).unwrap(),
        }
    }
}

impl Stage for MockStage {
    fn host(&self) -> &dyn Host {
        &self.mock
    }

    fn second(&self) -> Played<Box<dyn Host + Send>> {
        Ok(Box::new(match &self.file {
            Some((_, path)) => Mock::open(path, clock()).unwrap(),
            None => self.mock.reopen().unwrap(),
        }))
    }

    fn config(&self, kind: GuestKind, name: &str) -> Played<DomainConfig> {
        let mut config = DomainConfig::new(kind);
        config.c_info.name = Some(name.to_owned());
        config.b_info.max_memkb = Some(16 * 1024);
        config.b_info.target_memkb = Some(16 * 1024);
        Ok(config)
    }

    fn pass(&self, seconds: i64) -> Played {
        self.play(|mock| mock.advance(seconds));
        Ok(())
    }

    fn guest_shifts_rtc(&self, domid: DomId, seconds: i64) -> Played {
        self.play(|mock| mock.guest_shift_rtc(domid, seconds));
        Ok(())
    }

    fn guest_ends(&self, domid: DomId, reason: ShutdownReason) -> Played {
        self.play(|mock| mock.guest_end(domid, reason));
        Ok(())
    }

    fn guest_tsc(&self, domid: DomId) -> Played<u64> {
        Ok(self.play(|mock| mock.guest_tsc(domid)))
    }

    fn wallclock_offset(&self, domid: DomId) -> Played<i64> {
        Ok(self.play(|mock| mock.wallclock_offset(domid)))
    }
}

/// Gives a mock the facts of a scenario, by their names.
fn dress(mock: &Mock, scenario: &Scenario) {
    let yes_or_no = |yes: bool| if yes { "yes" } else { "no" };
    let memory = scenario.memory_mb.map(|mb| mb.to_string());
    let facts = [
        ("now", scenario.now),
        ("timezone", scenario.timezone),
        ("tsc_reliable", scenario.tsc_reliable.map(yes_or_no)),
        ("tsc_scaling", scenario.tsc_scaling.map(|scaling| scaling.map_or("unknown", yes_or_no))),
        ("memory_mb", memory.as_deref()),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            mock.set_fact(name, value).unwrap();
        }
    }
}

#[test]
fn a_mock_in_memory_keeps_the_contract() {
    let tally = suite(&|scenario| {
        let mock = Mock::in_memory(clock());
        dress(&mock, scenario);
        Ok(Box::new(MockStage { mock, file: None }))
    });
    assert!(tally.skipped.is_empty(), "a mock can play everything, but not {:?}", tally.skipped);
    assert!(tally.passed > 70, "{tally:?}");
}

#[test]
fn a_mock_in_a_file_keeps_the_contract() {
    let tally = suite(&|scenario| {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("mock.json");
        let mock = Mock::open(&path, clock()).unwrap();
        dress(&mock, scenario);
        Ok(Box::new(MockStage { mock, file: Some((dir, path)) }))
    });
    assert!(tally.skipped.is_empty(), "a mock can play everything, but not {:?}", tally.skipped);
}

#[test]
fn a_host_that_can_play_nothing_skips_and_does_not_fail() {
    let tally = suite(&|_| Err(Cannot("no hypervisor here".to_owned())));
    assert_eq!(tally.passed, 0);
    assert!(tally.skipped.len() > 70);
}
