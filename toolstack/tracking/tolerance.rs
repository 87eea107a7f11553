//! Makes the TSC of a restored or migrated guest native again, if its frequency differs from the host's within the
//! tolerance.
//!
//! `restore` and `migrate-receive` do this before the guest runs; for other toolstacks the service and the device-model
//! wrapper do. [`MovingTsc::tolerated_on`] decides whether it is allowed; this module does it. It records the guest's
//! initial frequency first, because that frequency bounds the sum of several moves.

use std::error::Error;

use timers::tsc::{MovingTsc, NotTolerated, Tolerance, TscMode};
use timers::{GuestKind, KiloHertz, Ppm};

use crate::apply::clock::{SetTsc, make_native};
use crate::host::{DomId, Host, HostFacts, Result};
use crate::lifecycle::ClockRecord;

/// A guest that has arrived, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    /// Its number.
    pub domid: DomId,
    /// hvm, pv or pvh.
    pub kind: GuestKind,
    /// Its record, kept here or received with it.
    pub record: Option<&'a ClockRecord>,
    /// True if the frequency of birth in that is this life's: the record came along, or the guest's save was seen.
    pub continues: bool,
}

/// The state of a restored guest's TSC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody asks for it, or nothing is to be done.
    AsItIs,
    /// It is native.
    Native(MadeNative),
    /// It is left as Xen has made it, for this reason.
    Left(String),
}

/// A TSC that was made native.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MadeNative {
    /// The frequency at which it was emulated.
    pub from: KiloHertz,
    /// The host's, at which it counts now.
    pub khz: KiloHertz,
    /// The one that the guest was born with.
    pub birth: KiloHertz,
    /// How far it is off that.
    pub off: Ppm,
}

/// Makes the TSC of a guest native that has arrived, where its tolerance, or else the host's, allows it.
///
/// `keep_birth` writes the frequency of its birth down, before anything is done; where it cannot, the guest is left as it
/// is, for the next move could then add to this one.
///
/// # Errors
/// When the host cannot be read.
pub(crate) fn tolerate(
    host: &dyn Host,
    setter: &mut dyn SetTsc,
    arrival: &Arrival<'_>,
    facts: &HostFacts,
    default: Tolerance,
    keep_birth: &mut dyn FnMut(KiloHertz) -> std::result::Result<(), Box<dyn Error + Send + Sync>>,
) -> Result<Outcome> {
    let request = arrival.record.map(|record| &record.request.clock);
    let tolerance = request.and_then(|clock| clock.tsc_tolerance).unwrap_or(default);
    if tolerance == Tolerance::OFF {
        return Ok(Outcome::AsItIs);
    }
    let info = host.tsc_info(arrival.domid)?;
    let Ok(mode) = TscMode::from_number(info.mode.into()) else { return Ok(Outcome::AsItIs) };
    let khz = KiloHertz(info.khz);
    let moving = MovingTsc {
        kind: arrival.kind,
        mode,
        khz,
        birth: birth(arrival, info.incarnation, khz),
        explicit: arrival.record.is_some_and(|record| record.frequency_in_force(khz).is_some()),
        invariant: false,
        tolerance,
    };
    let off = match moving.tolerated_on(&facts.tsc()) {
        Ok(off) => off,
        // The host does better, or is asked for something else.
        Err(
            NotTolerated::Native
            | NotTolerated::Off
            | NotTolerated::Mode(_)
            | NotTolerated::Scales
            | NotTolerated::Explicit,
        ) => return Ok(Outcome::AsItIs),
        Err(why) => return Ok(Outcome::Left(why.to_string())),
    };
    // Without it nothing is tolerated.
    let Some(birth) = moving.birth else { return Ok(Outcome::AsItIs) };
    if let Err(why) = keep_birth(birth) {
        return Ok(Outcome::Left(format!("its initial frequency cannot be recorded: {why}")));
    }
    Ok(match make_native(host, setter, arrival.domid, facts.cpu_khz) {
        Ok(()) => Outcome::Native(MadeNative { from: khz, khz: facts.cpu_khz, birth, off }),
        Err(error) => Outcome::Left(error.to_string()),
    })
}

/// The frequency that a guest was born with. Out of its first save it still has that; later it may have been made native
/// on the way, so then only a record tells.
fn birth(arrival: &Arrival<'_>, incarnation: u32, khz: KiloHertz) -> Option<KiloHertz> {
    let recorded = arrival.record.filter(|_| arrival.continues).and_then(|record| record.birth_khz);
    match incarnation {
        0..=2 => Some(khz),
        _ => recorded,
    }
}
