//! Changes of the host's own clock and zone while guests run: their detection, and their effect on a guest.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use timers::GuestKind;
use timers::zone::Zone;

use crate::host::HostFacts;

/// A step that is smaller is not told by itself; several that add up to it are.
const LEAST: TimeDelta = TimeDelta::seconds(1);

/// The steps of the host's clock since a service began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSteps {
    /// When the service began, by the clock of then.
    pub since: DateTime<Utc>,
    /// How many steps it has seen.
    pub count: u64,
    /// By how many milliseconds in all; more than 0 is forward.
    pub by_ms: i64,
    /// When it saw the last one, by the clock after it.
    #[serde(default)]
    pub last: Option<DateTime<Utc>>,
}

impl ClockSteps {
    /// None since now.
    #[must_use]
    pub fn since(now: DateTime<Utc>) -> Self {
        ClockSteps { since: now, count: 0, by_ms: 0, last: None }
    }

    /// One more.
    pub fn add(&mut self, by: TimeDelta, now: DateTime<Utc>) {
        self.count = self.count.saturating_add(1);
        self.by_ms = self.by_ms.saturating_add(by.num_milliseconds());
        self.last = Some(now);
    }
}

/// The changes since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostChanges {
    /// By how much the clock was set.
    pub step: Option<TimeDelta>,
    /// The zone that was in place before.
    pub zone_before: Option<Zone>,
}

/// The host's clock and zone as they were seen last.
#[derive(Clone, Debug, Default)]
pub struct HostClockWatch {
    seen: Option<Look>,
}

#[derive(Clone, Debug)]
struct Look {
    boot: String,
    /// The time of day less the uptime: a step changes it, and NTP's slewing does not, for it is in both.
    booted: DateTime<Utc>,
    zone: Zone,
}

impl HostClockWatch {
    /// Looks once more; answers what has changed. The first look, and one after another boot, compare with nothing.
    pub fn look(&mut self, facts: &HostFacts) -> HostChanges {
        let up = TimeDelta::from_std(facts.uptime).unwrap_or(TimeDelta::MAX);
        let booted = facts.now.checked_sub_signed(up).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let look = Look { boot: facts.boot_id.clone(), booted, zone: facts.zone.clone() };
        let Some(seen) = self.seen.as_mut().filter(|seen| seen.boot == look.boot) else {
            self.seen = Some(look);
            return HostChanges::default();
        };
        let step = Some(look.booted.signed_duration_since(seen.booted)).filter(|by| by.abs() >= LEAST);
        if step.is_some() {
            seen.booted = look.booted;
        }
        let zone_before = (seen.zone != look.zone).then(|| std::mem::replace(&mut seen.zone, look.zone));
        HostChanges { step, zone_before }
    }
}

/// The effect of a step of the host's clock on a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepEffect {
    /// An HVM guest's RTC is the host's time and a distance from it, which stays. Its kernel's time does not move.
    RtcMoves,
    /// A PV or PVH guest's kernel reads the wallclock that moves when it starts or is restored.
    WallclockMoves,
}

impl StepEffect {
    /// On a guest of this kind.
    #[must_use]
    pub fn on(kind: GuestKind) -> Self {
        if kind.has_rtc() { StepEffect::RtcMoves } else { StepEffect::WallclockMoves }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::host::Host;
    use crate::host::mock::Mock;

    #[test]
    fn a_step_is_what_the_uptime_does_not_explain() {
        let mock = Mock::in_memory(Box::new(|| "2026-07-01T12:00:00Z".parse().unwrap()));
        let mut watch = HostClockWatch::default();
        let mut steps = |now: &str| {
            mock.set_fact("now", now).unwrap();
            watch.look(&mock.facts().unwrap()).step.map(|by| by.num_milliseconds())
        };
        assert_eq!(steps("2026-07-01T12:00:00Z"), None);
        assert_eq!(steps("2026-07-01T13:00:00Z"), Some(3_600_000));
        assert_eq!(steps("2026-07-01T13:00:00Z"), None);
        // Two that are each too small add up.
        assert_eq!(steps("2026-07-01T12:59:59.5Z"), None);
        assert_eq!(steps("2026-07-01T12:59:59Z"), Some(-1000));
        mock.advance(86_400).unwrap();
        assert_eq!(watch.look(&mock.facts().unwrap()), HostChanges::default());
        // Another boot has another uptime.
        mock.set_fact("now", "2030-01-01T00:00:00Z").unwrap();
        mock.reboot_host().unwrap();
        assert_eq!(watch.look(&mock.facts().unwrap()), HostChanges::default());
    }

    #[test]
    fn a_zone_changes_by_its_name_or_by_its_rules() {
        let mock = Mock::in_memory(Box::new(|| "2026-07-01T12:00:00Z".parse().unwrap()));
        let mut watch = HostClockWatch::default();
        let mut before = |zone: &str| {
            mock.set_fact("timezone", zone).unwrap();
            watch.look(&mock.facts().unwrap()).zone_before.map(|zone| zone.name().to_owned())
        };
        assert_eq!(before("Europe/Berlin"), None);
        assert_eq!(before("Europe/Berlin"), None);
        assert_eq!(before("Asia/Tokyo").as_deref(), Some("Europe/Berlin"));
        assert_eq!(before("Asia/Tokyo"), None);
    }
}
