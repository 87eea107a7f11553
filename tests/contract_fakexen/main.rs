//! The contract of every host, held against the real libxl and libxenctrl: they run in this process, on the model of
//! the mock host (see `tests/fakexen`). No hypervisor is needed, and nothing of a dom0 is touched.

#![allow(clippy::unwrap_used)]

#[path = "../contract/mod.rs"]
mod contract;
mod differential;
mod stage;
mod xl;

use std::panic::catch_unwind;
use std::process::ExitCode;

use fakexen::{device_model, place};

/// All tests, in the order in which they run: one after the other, as there is one machine in a process.
const TESTS: &[(&str, fn())] = &[
    ("the_real_libraries_keep_the_contract", the_real_libraries_keep_the_contract),
    ("the_mock_and_the_real_libraries_agree", differential::run),
    ("xl_lists_our_domains", xl::lists),
    ("xl_lists_our_configs", xl::lists_configs),
    ("xl_creates_what_our_host_finds", xl::creates),
];

fn the_real_libraries_keep_the_contract() {
    let tally = contract::suite(&|scenario| Ok(Box::new(stage::FakeStage::new(scenario)?)));
    println!("{} cases passed, {} were skipped", tally.passed, tally.skipped.len());
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if std::env::var_os(stage::DEVICE_MODEL).is_some() {
        return device_model::run(&arguments);
    }
    let wanted: Vec<&String> = arguments[1..].iter().filter(|word| !word.starts_with('-')).collect();
    let listed = arguments.iter().any(|word| word == "--list");
    let tests =
        TESTS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|word| name.contains(*word)));
    if listed {
        tests.for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    // SAFETY: nothing has started a thread yet.
    if let Err(error) = unsafe { place::enter() } {
        println!("skipped: there is no place for libxl's files: {error}");
        return ExitCode::SUCCESS;
    }
    let mut failed = false;
    for (name, test) in tests {
        let result = catch_unwind(test);
        println!("test {name} ... {}", if result.is_ok() { "ok" } else { "FAILED" });
        failed |= result.is_err();
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
