//! What the target knows of a guest that is to come: its clock record there, and a domain with its UUID.

use timers::Severity;

use super::effect::{Effect, Taken, named};
use super::report::{GuestReport, HostReport};
use crate::lifecycle::ClockRecord;
use crate::lifecycle::record::{Request, RequestOrigin};

/// The effect of a clock that was requested on the target.
pub const REQUEST_THERE: &str = "request-there";

/// A guest as it is after the move.
pub(super) struct Arriving {
    /// The guest, with its record.
    pub guest: GuestReport,
    /// That record; `None` where it has none.
    pub record: Option<ClockRecord>,
    /// The effect of a record that the target has.
    pub effect: Option<Effect>,
}

/// The guest with the record that it has after the move, and the effects of that: of two records with a request, the
/// later request counts, wherever it was made.
pub(super) fn arriving(guest: &GuestReport, from: &HostReport, to: &HostReport) -> Arriving {
    let of = |host: &HostReport| {
        let records = host.records.iter().flatten();
        records.into_iter().find(|record| record.uuid == guest.uuid).cloned()
    };
    let Some(there) = of(to) else {
        let effect = to.records.is_none().then(|| other_release(to));
        return Arriving { guest: guest.clone(), record: of(from), effect };
    };
    // Without a record here, what travels requests nothing.
    let nothing = || Request::new(timers::GuestClock::default(), RequestOrigin::Unmanaged);
    let here = of(from).unwrap_or_else(|| ClockRecord::new(guest.uuid, &guest.name, nothing()));
    let before = here.request.clock.clone();
    let after = here.arrived(Some(there));
    let changes = after.request.clock != before;
    let effect = changes.then(|| request_there(to));
    Arriving { guest: guest.clone().with_record(&after), record: Some(after), effect }
}

fn request_there(to: &HostReport) -> Effect {
    let to = named(to);
    Effect {
        effect: REQUEST_THERE,
        severity: Severity::Change,
        text: format!(
            "{to} has a clock record of it with another clock, which was requested later: that clock counts for its next \
             start, and its TSC tolerance from the move on; xenclock clock-set on this host makes the clock here the later one, unless the clock of {to} is \
             ahead; after the move, clock-set there sets the clock of the next start in any case"
        ),
    }
}

fn other_release(to: &HostReport) -> Effect {
    let to = named(to);
    Effect {
        effect: "target-release",
        severity: Severity::Change,
        text: format!(
            "the xenclock of {to} is of another release, and this one cannot read its clock records: it is unknown whether another \
             clock was requested there for this guest, and whether that xenclock makes a TSC native; install one release on both"
        ),
    }
}

/// A domain of another name, or of the same name on another host, that has the guest's UUID.
pub(super) fn uuid_there(
    guest: &GuestReport,
    from: &HostReport,
    to: &HostReport,
    taken: Taken,
) -> Option<Effect> {
    let is_itself = |other: &GuestReport| {
        from.host == to.host && (other.domid, &other.name) == (guest.domid, &guest.name)
    };
    let other = to.guests.iter().find(|other| other.uuid == guest.uuid && !is_itself(other))?;
    let (severity, condition) = match taken {
        // It may have moved from one to the other.
        Taken::Separately => (Severity::Change, ", if both reports were made at the same time"),
        Taken::Together(_) | Taken::AtAnyTime => (Severity::Harm, ""),
    };
    Some(Effect {
        effect: "uuid-there",
        severity,
        text: format!(
            "domain {} on {} ('{}') has the same UUID{condition}: both would share one clock record, so that each starts with the \
             clock of the other, and a restart of one is refused while the other is there",
            other.domid,
            named(to),
            other.name
        ),
    })
}
