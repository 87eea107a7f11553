//! The clock of a file, and settings applied to a clock.

use ::timers::tsc::{InvalidTolerance, Tolerance};
use ::timers::{GuestClock, GuestKind};

use super::keys::{Keys, bad_value};
use super::{offset, timers, unset};
use crate::cfg::read::book::Book;
use crate::cfg::{Cfg, Zones, number};
use crate::diag::number::{Unit, meant};
use crate::diag::{Diagnostic, Errors, Report};

/// The clock that a file requests.
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
    let clock = read_into(&mut book, &Zones::default(), kind, Base::Nothing);
    let mut report = Report::new(cfg.source().clone());
    let errors = book.close(&mut report, 0);
    match Errors::of(errors, cfg.source()) {
        Some(errors) => Err(errors),
        None => Ok(Asked { clock, report }),
    }
}

/// The base that settings are applied to.
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
pub fn read_into(book: &mut Book<'_>, zones: &Zones, kind: GuestKind, base: Base<'_>) -> GuestClock {
    let whole = matches!(base, Base::Clock(_));
    let base = match base {
        Base::Nothing => None,
        Base::Domain(clock) | Base::Clock(clock) => Some(clock),
    };
    let mut keys = Keys::of(book, zones);
    let offset = offset::read(&mut keys, base.map(|base| &base.offset), whole);
    let timers = timers::read(&mut keys, kind, base.map_or(&[], |base| &base.timers));
    let tolerance = tsc_tolerance(&keys);
    let tolerance = keys.kept(tolerance).flatten().or(base.and_then(|base| base.tsc_tolerance));
    GuestClock {
        offset: offset.unwrap_or_default(),
        timers: timers.unwrap_or_default(),
        tsc_tolerance: tolerance,
    }
}

/// The tolerance that a text gives: a number as in any key of an xl.cfg.
///
/// # Errors
/// When it gives none.
pub fn tolerance(text: &str) -> Result<Tolerance, InvalidTolerance> {
    let ppm = number::whole(text.as_bytes()).and_then(|ppm| Tolerance::new(u32::try_from(ppm).ok()?).ok());
    ppm.ok_or_else(|| InvalidTolerance(text.to_owned()))
}

/// `clock_tsc_tolerance`, which neither xl nor libvirt has a word for.
fn tsc_tolerance(keys: &Keys<'_, '_>) -> Result<Option<Tolerance>, Box<Diagnostic>> {
    let Some(key) = keys.get("clock_tsc_tolerance") else { return Ok(None) };
    let text = key.setting.text().filter(|_| !key.setting.added);
    let ppm = text.and_then(|text| tolerance(std::str::from_utf8(text).ok()?).ok());
    ppm.map(Some).ok_or_else(|| {
        let finding = bad_value(key.setting, "whole parts per million from 0 (off) to 250");
        let meant = text.and_then(|text| meant_tolerance(&String::from_utf8_lossy(text)));
        keys.error(
            key.node,
            match meant {
                Some(ppm) => finding.instead(format!("write clock_tsc_tolerance = {ppm}")),
                None if text.is_some_and(|text| unset::is_none(&String::from_utf8_lossy(text))) => finding
                    .instead(unset::leave_out("clock_tsc_tolerance", "the host's tolerance; 0 is none")),
                None => finding.instead("give clock_tsc_tolerance a number from 0 to 250, or leave it out"),
            },
        )
    })
}

/// `100 ppm`, `off`: the tolerance that a text stands for, no larger than there is.
fn meant_tolerance(text: &str) -> Option<i64> {
    let lower = text.trim().to_ascii_lowercase();
    let number = lower.strip_suffix("ppm").unwrap_or(&lower).trim_end();
    let flag = || meant(number, Unit::Flag).filter(|_| !number.starts_with(|c: char| c.is_ascii_digit()));
    match (meant(number, Unit::Plain), flag()) {
        (Some(ppm), _) => (ppm >= 0).then(|| ppm.min(Tolerance::MAX.into())),
        (None, flag) => flag.filter(|flag| *flag == 0),
    }
}
