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

use ::timers::tsc::Tolerance;
use ::timers::{GuestClock, GuestKind};

use super::{Cfg, number};
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
    let tsc_tolerance = tsc_tolerance(&keys)?;
    Ok(Asked { clock: GuestClock { offset, timers, tsc_tolerance }, report: keys.into_report() })
}

/// `clock_tsc_tolerance`, which neither xl nor libvirt has a word for.
fn tsc_tolerance(keys: &Keys<'_>) -> Result<Option<Tolerance>, Box<Diagnostic>> {
    let Some(key) = keys.get("clock_tsc_tolerance") else { return Ok(None) };
    let ppm = key.setting.text().filter(|_| !key.setting.added).and_then(number::integer);
    let tolerance = ppm.and_then(|ppm| Tolerance::new(u32::try_from(ppm).ok()?).ok());
    let expected = "whole parts per million from 0 (off) to 250";
    tolerance.map(Some).ok_or_else(|| keys.not(key, expected))
}
