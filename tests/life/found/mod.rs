//! Sequences that random tests once found broken: each failure adds a row.

mod moves;
mod records;
mod requests;
mod told;
mod wallclocks;

use crate::op::Story;

/// The stories, with what was broken.
pub fn found() -> Vec<(&'static str, Story)> {
    [told::rows(), moves::rows(), records::rows(), requests::rows(), wallclocks::rows()].concat()
}
