//! The clock that an xl.cfg requests: exactly as written in `clock_` keys, or as xl interprets the plain keys.
//!
//! `docs/clock-keys.md` describes the keys. In a file with `clock_` keys, these define the whole clock, and plain keys
//! must not contradict them: somebody has probably edited one of the two by hand, and it is unknown which one is meant.
//! Settings on the command line are later than the file and replace the keys that they contradict.

mod asked;
mod keys;
pub(super) mod meant;
mod offset;
mod timers;
mod unset;
mod words;

#[cfg(test)]
mod tests;

pub use asked::{Asked, read, tolerance};
pub(super) use asked::{Base, read_into};
pub(super) use keys::superseded_by;
pub use unset::without;
pub use words::{Words, is_of_clock, rtc_and_tsc, settings, settings_of_xml, words, words_of_xml};
