//! The clock that an xl.cfg asks for: of its `clock_` keys word for word, and of plain keys what xl means by them.
//!
//! The keys are those of `docs/clock-keys.md`. Where a file has `clock_` keys they say the whole, and plain keys
//! beside them must not say otherwise: somebody has then changed one of the two by hand, and nobody can know which
//! is meant. Words of a command line are later than the file, and take the place of what they contradict in it.

mod asked;
mod keys;
mod offset;
mod timers;
mod words;

#[cfg(test)]
mod tests;

pub use asked::{Asked, read};
pub(super) use asked::{Base, read_into};
pub(super) use keys::{OURS, superseded_by};
pub use words::{Words, words, words_of_xml};
