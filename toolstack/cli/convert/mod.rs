//! `xenclock convert`

mod estate;
mod inputs;
mod one;
mod step;
mod written;

use super::args::{Convert, Global};
use super::output::Failure;

pub(super) fn run(global: &Global, options: &Convert) -> Result<(), Failure> {
    if inputs::are_many(options) { estate::run(global, options) } else { one::run(global, options) }
}
