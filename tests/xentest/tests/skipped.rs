//! The end of `cargo test --workspace`: the doctests, and the list of what was skipped.
//!
//! Cargo itself would run the doctests after every test program, below this list. So the crates turn that off
//! (`doctest = false`), and they run from here, with the options of the cargo that started this program.

use std::error::Error;
use std::os::unix::process::parent_id;
use std::process::{Command, ExitCode};

use xentest::list::{doctests, listed, unbuilt};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if std::env::args().any(|word| word == "--list") {
        return Ok(ExitCode::SUCCESS);
    }
    let outer = std::fs::read_to_string(format!("/proc/{}/cmdline", parent_id()))?;
    let words: Vec<_> = outer.trim_end_matches('\0').split('\0').skip(1).map(str::to_owned).collect();
    let passed = match doctests(&words) {
        Some(words) => cargo().args(words).status()?.success(),
        None => true,
    };
    let notes = xentest::notes()?;
    let metadata = cargo().args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).output()?;
    let unbuilt = unbuilt(&serde_json::from_slice(&metadata.stdout)?, &words);
    print!("{}", listed(&notes, &unbuilt));
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The cargo that runs the tests, where it runs.
fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(format!("/proc/{}/cwd", parent_id()));
    cargo
}
