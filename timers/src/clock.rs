//! `GuestClock`: the clock that a user requests for a guest, as written, before anything is resolved.
//!
//! Mirrors libvirt's `<clock>` element (`domaincommon.rng`, `virDomainClockDef`).

use serde::{Deserialize, Serialize};

use crate::timer::{Timer, TimerName};
use crate::tsc::Tolerance;
use crate::units::Hertz;

/// The whole of a `<clock>` element.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestClock {
    /// The guest's RTC when it starts.
    pub offset: ClockOffset,
    /// The timers, in the order written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<Timer>,
    /// How far the TSC may be off after a move so that it is native again; libvirt has no word for it. `None` where the
    /// host's tolerance counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tsc_tolerance: Option<Tolerance>,
}

impl GuestClock {
    /// A clock with these timers.
    #[must_use]
    pub fn new(offset: ClockOffset, timers: Vec<Timer>) -> Self {
        GuestClock { offset, timers, tsc_tolerance: None }
    }

    /// The settings of the TSC, if it has any.
    #[must_use]
    pub fn tsc(&self) -> Option<&Timer> {
        self.timers.iter().find(|timer| timer.name == TimerName::Tsc)
    }

    /// The requested frequency of the TSC.
    #[must_use]
    pub fn tsc_frequency(&self) -> Option<Hertz> {
        self.tsc()?.frequency
    }
}

/// `<clock offset=>` with the attributes that belong to each kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "offset", rename_all = "lowercase")]
pub enum ClockOffset {
    /// UTC at every start; a number of seconds makes it [`ClockOffset::Variable`].
    Utc {
        /// `adjustment=`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        adjustment: Option<Adjustment>,
    },
    /// The host's zone at every start; a number of seconds makes it [`ClockOffset::Variable`].
    Localtime {
        /// `adjustment=`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        adjustment: Option<Adjustment>,
    },
    /// A named zone at every start.
    Timezone {
        /// A name of the tz database such as `Europe/Paris`.
        timezone: String,
    },
    /// An offset that the guest may change; the change is kept.
    Variable {
        /// Seconds ahead of the basis at the first start.
        adjustment: i64,
        /// The origin that the seconds count from.
        basis: Basis,
    },
    /// One fixed moment at every start.
    Absolute {
        /// Seconds since 1970-01-01T00:00:00Z.
        start: i64,
    },
}

/// `adjustment=` of a utc or localtime clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adjustment {
    /// Never becomes variable: what the guest does to its RTC is dropped at the next start.
    Reset,
    /// Becomes variable, starting this many seconds ahead.
    Seconds(i64),
}

/// `basis=` of a variable clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Seconds count from UTC.
    #[default]
    Utc,
    /// Seconds count from the host's local time, looked at once, when the domain starts.
    Localtime,
}

impl Default for ClockOffset {
    fn default() -> Self {
        ClockOffset::Utc { adjustment: None }
    }
}

impl ClockOffset {
    /// The kind this clock acts as: utc and localtime with a number are variable (libvirt's rule), all else is
    /// itself.
    #[must_use]
    pub fn effective(&self) -> ClockOffset {
        let variable = |adjustment, basis| ClockOffset::Variable { adjustment, basis };
        match *self {
            ClockOffset::Utc { adjustment: Some(Adjustment::Seconds(s)) } => variable(s, Basis::Utc),
            ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(s)) } => {
                variable(s, Basis::Localtime)
            }
            _ => self.clone(),
        }
    }

    /// The word of `<clock offset=>`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            ClockOffset::Utc { .. } => "utc",
            ClockOffset::Localtime { .. } => "localtime",
            ClockOffset::Timezone { .. } => "timezone",
            ClockOffset::Variable { .. } => "variable",
            ClockOffset::Absolute { .. } => "absolute",
        }
    }
}

impl Basis {
    /// The word of `basis=`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Utc => "utc",
            Basis::Localtime => "localtime",
        }
    }
}

/// The kind of guest that the clock belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuestKind {
    /// Fully emulated: has an RTC, a PIT, an HPET.
    Hvm,
    /// Paravirtualised: no emulated clock; the hypervisor's wallclock only.
    Pv,
    /// Hardware-assisted without emulated devices: the hypervisor's wallclock only.
    Pvh,
}

impl GuestKind {
    /// True if the guest has an emulated RTC that it can write.
    #[must_use]
    pub fn has_rtc(self) -> bool {
        self == GuestKind::Hvm
    }

    /// The word of xl.cfg's `type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            GuestKind::Hvm => "hvm",
            GuestKind::Pv => "pv",
            GuestKind::Pvh => "pvh",
        }
    }
}
