//! The `xenclock` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    xenclock::cli::main()
}
