//! The clock that an xl.cfg asks for: of its `clock_` keys word for word, and of plain keys what xl means by them.
//!
//! The keys are those of `docs/clock-keys.md`. Where a file has `clock_` keys they say the whole, and plain keys
//! beside them must not say otherwise: somebody has then changed one of the two by hand, and nobody can know which
//! is meant.

mod keys;
mod offset;
mod timers;

#[cfg(test)]
mod tests;

use ::timers::{GuestClock, GuestKind};

use super::Cfg;
use crate::diag::{Diagnostic, Report};
use keys::Keys;

/// What a file asks of its guest's clock.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The clock.
    pub clock: GuestClock,
    /// The clock's keys, each with a verdict. What other keys mean is for xl to say.
    pub report: Report,
}

/// Reads the clock of a file for this kind of guest.
///
/// # Errors
/// At a `clock_` key that there is not, at a value that its key does not take, and where plain keys contradict the
/// `clock_` keys.
pub fn read(cfg: &Cfg, kind: GuestKind) -> Result<Asked, Box<Diagnostic>> {
    let mut keys = Keys::of(cfg)?;
    let offset = offset::read(&mut keys)?;
    let timers = timers::read(&mut keys, kind)?;
    Ok(Asked { clock: GuestClock { offset, timers }, report: keys.into_report() })
}
