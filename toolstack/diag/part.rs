//! The parts of a domain that a finding can be about.

/// A part of a domain that a message can be about, whatever format the domain came from.
///
/// A timer is meant by its index in [`timers::GuestClock::timers`].
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
    /// The operating system that it is said to run.
    System,
    /// Its generation ID.
    GenerationId,
    /// A disk, by its index in the config.
    Disk(usize),
    /// A network card, by its index in the config.
    Nic(usize),
    /// A PCI device of the host, by its index in the config.
    HostDevice(usize),
    /// The arguments for QEMU.
    Arguments,
    /// The invariant TSC of its CPUID.
    InvariantTsc,
    /// The clock as a whole.
    Clock,
    /// The clock's kind.
    Offset,
    /// Seconds, or reset.
    Adjustment,
    /// The origin that the seconds count from.
    Basis,
    /// The named zone.
    Timezone,
    /// The fixed start.
    Start,
    /// A timer as a whole.
    Timer(usize),
    /// True if it is there.
    Present(usize),
    /// The clock that it follows.
    Track(usize),
    /// The policy for its late ticks.
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
    /// True if what is said of the part holds for all that is in it.
    #[must_use]
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Part::Title | Part::Description | Part::Metadata | Part::Timer(_) | Part::Catchup(_))
    }

    /// True if it is the clock or in it.
    #[must_use]
    pub fn is_of_clock(self) -> bool {
        self == Part::Clock || self.around().is_some_and(Part::is_of_clock)
    }

    /// The part around this one.
    #[must_use]
    pub fn around(self) -> Option<Part> {
        match self {
            Part::Domain => None,
            Part::Name
            | Part::Title
            | Part::Description
            | Part::Metadata
            | Part::System
            | Part::GenerationId
            | Part::Disk(_)
            | Part::Nic(_)
            | Part::HostDevice(_)
            | Part::Arguments
            | Part::InvariantTsc
            | Part::Clock => Some(Part::Domain),
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
