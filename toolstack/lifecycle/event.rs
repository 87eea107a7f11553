//! Events in a clock's life, one JSON object each. Offsets always count from UTC.

use chrono::{DateTime, Utc};
use serde::Serialize;
use timers::{Hertz, Ppm};
use uuid::Uuid;

use super::host_clock::StepEffect;
use crate::host::{DomId, ShutdownReason};

/// Something that happened to a domain's clock, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClockEvent {
    /// When it was seen.
    pub time: DateTime<Utc>,
    /// The kind of event.
    #[serde(flatten)]
    pub kind: EventKind,
    /// Which domain; `None` where it is about none.
    #[serde(flatten)]
    pub domain: Option<DomainRef>,
}

/// The domain that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DomainRef {
    /// Its number.
    pub domid: DomId,
    /// Its UUID.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
}

/// The kind of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EventKind {
    /// The guest has set its RTC: libvirt's RTC-change event, whose offset counts from UTC. Xen itself tells only the
    /// difference that a write makes.
    RtcChange {
        /// Seconds ahead of UTC before.
        before: i64,
        /// Seconds ahead of UTC now.
        offset: i64,
    },
    /// A new domain of another toolstack has its clock, before its first instruction.
    ClockSet {
        /// Seconds ahead of UTC.
        offset: i64,
        /// The TSC's frequency, where it was set.
        #[serde(skip_serializing_if = "Option::is_none")]
        tsc_khz: Option<u32>,
        /// The origin of the clock, in words.
        source: String,
        /// Milliseconds since the domain was heard of.
        after_ms: u64,
    },
    /// A new domain ran already when it was found: its RTC was set live, its TSC was left as it is.
    TooLate {
        /// Seconds ahead of UTC.
        offset: i64,
        /// The frequency that the TSC was to have, where it has another.
        #[serde(skip_serializing_if = "Option::is_none")]
        tsc_khz_missed: Option<u32>,
        /// How often this has happened since the service began.
        count: u64,
    },
    /// A domain is followed from here on; nothing was set.
    Followed {
        /// Seconds ahead of UTC; `None` for a guest without RTC.
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<i64>,
        /// Why nothing was set.
        why: String,
    },
    /// The toolstack had moved a restored guest's RTC, and it is back where the guest left it.
    PutRight {
        /// The RTC that the toolstack set, in seconds ahead of UTC; `None` for a guest without RTC.
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<i64>,
        /// The guest's own RTC, which is set again.
        offset: i64,
    },
    /// A restored guest's TSC, which Xen emulated, is native again, within the tolerance.
    TscNative {
        /// The host's frequency, at which it counts now.
        tsc_khz: u32,
        /// The frequency at which it was emulated.
        before_khz: u32,
        /// The frequency that the guest was born with.
        birth_khz: u32,
        /// How far it is off that, in parts per million: a Linux guest on clocksource tsc runs off by so much.
        off_ppm: Ppm,
    },
    /// A restored guest's TSC was to be made native within the tolerance, and is left as Xen has made it.
    TscLeft {
        /// Why.
        why: String,
    },
    /// A config that `xl config-update` left requests no TSC frequency, although one was requested before, and the guest
    /// was restarted with it.
    TscDropped {
        /// The frequency that was requested before.
        before_hz: Hertz,
        /// The effect and the remedy.
        why: String,
    },
    /// A domain has shut down, and its clock is kept.
    Ended {
        /// Why.
        reason: ShutdownReason,
        /// Seconds ahead of UTC at the end; `None` for a guest without RTC.
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<i64>,
    },
    /// A domain is gone.
    Gone,
    /// The host's clock was set, by a second or more. It is told without a domain, and then with each guest.
    HostClockStep {
        /// By how many milliseconds; more than 0 is forward.
        by_ms: i64,
        /// True if something such as NTP keeps the host's clock right now; `None` where that is not known.
        #[serde(skip_serializing_if = "Option::is_none")]
        synchronised: Option<bool>,
        /// The effect on the guest: `rtc-moves`, the RTC of an HVM guest moves as far and keeps its distance from UTC;
        /// `wallclock-moves`, so does the wallclock of a PV or PVH guest. The time that its kernel keeps does not move.
        #[serde(skip_serializing_if = "Option::is_none")]
        effect: Option<StepEffect>,
        /// `refused: `, the reason and the remedy, where the guest's next start is now refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_start: Option<String>,
    },
    /// The host's zone, or its rules, have changed. It is told without a domain, and then with each guest whose next start
    /// that moves; a clock that runs does not move.
    HostZoneChange {
        /// The zone's name before.
        before: String,
        /// Its name now.
        zone: String,
        /// The offset that the guest would have had after its next start, in seconds ahead of UTC.
        #[serde(skip_serializing_if = "Option::is_none")]
        offset_before: Option<i64>,
        /// The offset that it has after its next start, in seconds ahead of UTC.
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<i64>,
        /// `refused: `, the reason and the remedy, where the guest's next start is now refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_start: Option<String>,
    },
    /// A record could not be read and was set aside.
    RecordSetAside {
        /// The file that it is in now, and why.
        why: String,
    },
    /// A record was gone while its domain lived; it was written again from memory.
    RecordRestored,
    /// The guest's domain ended unread after the service had not looked at it for long: an RTC that the guest set in that
    /// time may be lost.
    Unwatched {
        /// For how long the service had not looked.
        seconds: u64,
        /// The possible loss, and its reason.
        why: String,
    },
    /// A program was killed while it started, saved, restored, sent or reset the guest or set its TSC, and that was put right.
    Interrupted {
        /// The reason of the interruption, and the remedy that was applied.
        why: String,
    },
    /// Something did not work; the service goes on.
    Failed {
        /// The operation and the reason.
        why: String,
    },
}

impl EventKind {
    /// True if an administrator should look.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(
            self,
            EventKind::TooLate { .. }
                | EventKind::TscDropped { .. }
                | EventKind::HostClockStep { effect: None, .. }
                | EventKind::HostClockStep { next_start: Some(_), .. }
                | EventKind::HostZoneChange { next_start: Some(_), .. }
                | EventKind::RecordSetAside { .. }
                | EventKind::RecordRestored
                | EventKind::Unwatched { .. }
                | EventKind::Interrupted { .. }
                | EventKind::Failed { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_notice_is_one_flat_object() {
        let event = ClockEvent {
            time: "2026-07-01T12:00:00Z".parse().unwrap(),
            kind: EventKind::RtcChange { before: 3600, offset: 3620 },
            domain: Some(DomainRef { domid: DomId(3), uuid: Uuid::nil(), name: "windows".to_owned() }),
        };
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            json!({
                "time": "2026-07-01T12:00:00Z", "event": "rtc-change", "before": 3600, "offset": 3620,
                "domid": 3, "uuid": "00000000-0000-0000-0000-000000000000", "name": "windows"
            })
        );
        let bare = ClockEvent { kind: EventKind::Gone, domain: None, ..event };
        assert_eq!(
            serde_json::to_value(&bare).unwrap(),
            json!({"time": "2026-07-01T12:00:00Z", "event": "gone"})
        );
    }
}
