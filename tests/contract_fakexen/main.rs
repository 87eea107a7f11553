//! The contract of every host, held against the real libxl and libxenctrl: they run in this process, on the model of
//! the mock host (see `tests/fakexen`). No hypervisor is needed, and nothing of a dom0 is touched.

#![allow(clippy::unwrap_used)]

#[path = "../contract/mod.rs"]
mod contract;

mod command;
mod differential;
mod failing;
#[path = "../generated/mod.rs"]
mod generated;
mod keep;
mod options;
mod stage;
mod starts;
mod xl;

use std::panic::catch_unwind;
use std::process::ExitCode;

use fakexen::{parts, place};

/// All tests, in the order in which they run: one after the other, as there is one machine in a process.
const TESTS: &[(&str, fn())] = &[
    ("the_real_libraries_keep_the_contract", the_real_libraries_keep_the_contract),
    ("the_mock_and_the_real_libraries_agree", differential::run),
    ("a_device_model_that_does_not_start_is_quoted", failing::a_device_model_that_does_not_start),
    ("a_reader_that_hangs_up_leaves_the_guest_running", failing::a_reader_that_hangs_up),
    ("the_command_says_the_same_of_a_pvh_guest", command::of_a_pvh_guest),
    ("the_command_says_the_same_of_an_hvm_guest", command::of_an_hvm_guest),
    ("the_command_shows_a_guest_by_xl", command::shows_a_guest),
    ("every_fixture_starts_as_reported", starts::fixtures),
    ("every_row_starts_as_reported", starts::rows),
    ("generated_domains_start_as_reported", starts::generated),
    ("an_xl_cfg_and_its_xml_start_alike", starts::xml_of_cfg),
    ("lines_of_an_xl_cfg_start_as_reported", starts::lines),
    ("xl_lists_our_domains", xl::lists),
    ("xl_lists_our_configs", xl::lists_configs),
    ("our_list_is_xls", xl::lists_alike),
    ("options_are_read_as_xl_reads_them", options::run),
    ("xl_creates_what_our_host_finds", xl::creates),
    ("pvh_guests_leave_in_xenstore_what_xls_do", xl::pvh_guests_leave_what_xls_do),
    ("a_clock_is_kept_by_the_service", keep::by_the_service),
    ("a_clock_is_lost_without_the_service", keep::without_the_service),
    ("a_clock_is_kept_over_save_and_restore", keep::saved_and_restored),
    ("a_clock_is_kept_by_the_monitor", keep::by_the_monitor),
    ("a_clock_is_kept_by_a_monitor_that_waits", keep::by_a_monitor_that_waits),
    ("a_guest_has_a_monitor_without_a_disk", keep::by_a_monitor_without_a_disk),
    ("an_updated_config_is_taken", keep::an_updated_config_is_taken),
    ("dom0_gives_memory", keep::dom0_gives_memory),
];

fn the_real_libraries_keep_the_contract() {
    let tally = contract::suite(&|scenario| Ok(Box::new(stage::FakeStage::new(scenario)?)));
    println!("{} cases passed, {} were skipped", tally.passed, tally.skipped.len());
    for name in &tally.skipped {
        xentest::skip_test(
            name,
            "no libxl-save-helper",
            "tests/oracle/build DIR unpacks Debian's, and XENCLOCK_ORACLE=DIR names it",
        );
    }
    // Only saving takes a program that may be missing.
    let can_save = parts::utility("libxl-save-helper").is_some();
    assert!(tally.skipped.is_empty() || !can_save, "nothing is missing here, but {:?}", tally.skipped);
}

fn main() -> ExitCode {
    if let Some(code) = parts::run() {
        return code;
    }
    let asked = Asked::by(std::env::args().skip(1));
    let tests = TESTS.iter().filter(|(name, _)| asked.runs(name));
    if asked.listed {
        tests.for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    // SAFETY: nothing has started a thread yet.
    if let Err(error) = unsafe { place::enter() } {
        xentest::skip(&format!("there is no place for libxl's files: {error}"), "run the tests as root");
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

/// What the command line asks for. The other options of the usual test programs have no meaning here: there are no
/// threads, no captured output and no colours.
#[derive(Default)]
struct Asked {
    /// The tests whose names contain one of these run; all where there is none.
    wanted: Vec<String>,
    /// The tests whose names contain one of these do not run.
    skipped: Vec<String>,
    /// The tests are only listed.
    listed: bool,
}

impl Asked {
    fn by(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut asked = Asked::default();
        while let Some(word) = arguments.next() {
            match word.as_str() {
                "--list" => asked.listed = true,
                "--skip" => asked.skipped.extend(arguments.next()),
                "--test-threads" | "--color" | "--format" | "--logfile" | "-Z" => drop(arguments.next()),
                option if option.starts_with('-') => {}
                _ => asked.wanted.push(word),
            }
        }
        asked
    }

    fn runs(&self, name: &str) -> bool {
        let one_of = |words: &[String]| words.iter().any(|word| name.contains(word));
        (self.wanted.is_empty() || one_of(&self.wanted)) && !one_of(&self.skipped)
    }
}
