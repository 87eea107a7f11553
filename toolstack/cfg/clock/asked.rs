//! The clock of a file, and of settings laid over a clock.

use ::timers::{GuestClock, GuestKind};

use super::keys::Keys;
use super::{offset, timers};
use crate::cfg::Cfg;
use crate::cfg::read::book::Book;
use crate::diag::{Errors, Report};

/// What a file asks of its guest's clock.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The clock.
    pub clock: GuestClock,
    /// The file's keys; those that are not the clock's are exact here.
    pub report: Report,
}

/// Reads the clock of a file for this kind of guest.
///
/// # Errors
/// At a `clock_` key that there is not, at values that their keys do not take, and where plain keys contradict the
/// `clock_` keys.
pub fn read(cfg: &Cfg, kind: GuestKind) -> Result<Asked, Errors> {
    let mut book = Book::of(cfg);
    let clock = read_into(&mut book, kind, Base::Nothing);
    let mut report = Report::new(cfg.source().clone());
    let errors = book.close(&mut report, 0);
    match Errors::of(errors, cfg.source()) {
        Some(errors) => Err(errors),
        None => Ok(Asked { clock, report }),
    }
}

/// What settings are laid over.
#[derive(Clone, Copy, Debug)]
pub enum Base<'a> {
    /// They are a file of their own.
    Nothing,
    /// The clock of a domain, as if its own settings stood before them.
    Domain(&'a GuestClock),
    /// A clock that they replace: what it shows is what they say, if they say anything of it.
    Clock(&'a GuestClock),
}

/// Reads the clock of the settings in a book.
pub fn read_into(book: &mut Book<'_>, kind: GuestKind, base: Base<'_>) -> GuestClock {
    let whole = matches!(base, Base::Clock(_));
    let base = match base {
        Base::Nothing => None,
        Base::Domain(clock) | Base::Clock(clock) => Some(clock),
    };
    let mut keys = Keys::of(book);
    let mut clock = GuestClock::default();
    let mut errors = Vec::new();
    match offset::read(&mut keys, base.map(|base| &base.offset), whole) {
        Ok(offset) => clock.offset = offset,
        Err(error) => errors.push(*error),
    }
    match timers::read(&mut keys, kind, base.map_or(&[], |base| &base.timers)) {
        Ok(timers) => clock.timers = timers,
        Err(error) => errors.push(*error),
    }
    book.errors(errors);
    clock
}
