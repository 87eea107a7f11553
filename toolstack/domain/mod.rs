//! The hub between all formats: what a domain is, and what its clock is asked to be.

#[cfg(test)]
pub(crate) mod arbitrary;
mod build_info;
pub mod config;
mod cpuid;
mod create_info;
mod devices;
mod enums;
mod hvm;
mod idl;
pub mod project;
pub mod release;

use timers::GuestClock;

pub use config::{Defbool, DomainConfig, ShutdownAction};
pub use release::XenVersion;

/// A domain as read from any format.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    /// What libxl can say, save the clock (see [`project`]).
    pub config: DomainConfig,
    /// What is asked of the clock, word for word.
    pub clock: GuestClock,
    /// Texts about the domain that do nothing.
    pub notes: Notes,
}

/// Texts that a human wrote about the domain; kept as comments where a format has no better place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// `<title>`
    pub title: Option<String>,
    /// `<description>`
    pub description: Option<String>,
    /// `<metadata>`, as written.
    pub metadata: Option<String>,
}

/// A part of a domain that a message can be about, whatever format the domain came from.
///
/// A timer is meant by its index in [`GuestClock::timers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The domain as a whole.
    Domain,
    /// Its name.
    Name,
    /// Its title.
    Title,
    /// Its description.
    Description,
    /// Its metadata.
    Metadata,
    /// The clock as a whole.
    Clock,
    /// The clock's kind.
    Offset,
    /// Seconds, or reset.
    Adjustment,
    /// What the seconds count from.
    Basis,
    /// The named zone.
    Timezone,
    /// The fixed start.
    Start,
    /// A timer as a whole.
    Timer(usize),
    /// Whether it is there.
    Present(usize),
    /// What it follows.
    Track(usize),
    /// What happens to its late ticks.
    TickPolicy(usize),
    /// How it catches up.
    Catchup(usize),
    /// From what lag on it catches up.
    Threshold(usize),
    /// How fast it catches up.
    Slew(usize),
    /// How much it catches up.
    Limit(usize),
    /// The TSC's frequency.
    Frequency(usize),
    /// The TSC's mode.
    Mode(usize),
}

impl Part {
    /// Whether what is said of the part holds for all that is in it.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Part::Title | Part::Description | Part::Metadata | Part::Timer(_) | Part::Catchup(_))
    }

    /// The part around this one.
    #[must_use]
    pub fn around(self) -> Option<Part> {
        match self {
            Part::Domain => None,
            Part::Name | Part::Title | Part::Description | Part::Metadata | Part::Clock => Some(Part::Domain),
            Part::Offset | Part::Adjustment | Part::Basis | Part::Timezone | Part::Start | Part::Timer(_) => {
                Some(Part::Clock)
            }
            Part::Present(timer)
            | Part::Track(timer)
            | Part::TickPolicy(timer)
            | Part::Catchup(timer)
            | Part::Frequency(timer)
            | Part::Mode(timer) => Some(Part::Timer(timer)),
            Part::Threshold(timer) | Part::Slew(timer) | Part::Limit(timer) => Some(Part::Catchup(timer)),
        }
    }
}

#[cfg(test)]
mod json_tests;
