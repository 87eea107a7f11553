//! `xenclock convert`: one file, or many with a table, which is all that a dry run has.

mod estate;
mod inputs;
mod one;
mod step;
mod written;

use super::args::{Convert, Global};
use super::output::Failure;

pub(super) fn run(global: &Global, options: &Convert) -> Result<(), Failure> {
    if global.dry_run || inputs::are_many(options) {
        estate::run(global, options)
    } else {
        one::run(global, options)
    }
}
