//! The hub between all formats: a domain and its requested clock.

#[cfg(test)]
pub(crate) mod arbitrary;
pub mod bridges;
mod build_info;
pub mod changes;
pub(crate) mod clock_meant;
pub mod config;
mod cpuid;
mod create_info;
mod declare;
mod devices;
pub mod disk_names;
pub(crate) mod entries;
mod enums;
pub(crate) mod hvm;
mod idl;
pub mod images;
pub(crate) mod libvirt;
pub mod network_disks;
pub mod project;
pub mod qemu;
pub mod refused;
pub mod release;
pub mod sound;
mod tsc;
mod unresolvable;
mod version;

use timers::GuestClock;

use crate::diag::Finding;
pub use crate::diag::Part;
pub(crate) use config::most_vcpus;
pub use config::{Defbool, DomainConfig, ShutdownAction};
pub use release::XenVersion;
pub(crate) use unresolvable::{part_of, unknown_zone, unresolvable};

/// A domain as read from any format.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    /// Everything that libxl can express, except the clock (see [`project`]).
    pub config: DomainConfig,
    /// The requested clock, word for word.
    pub clock: GuestClock,
    /// Texts about the domain that do nothing.
    pub notes: Notes,
    /// The reader's reasons against a start: the guest would get another device than asked for.
    pub refusals: Vec<Finding>,
}

impl Domain {
    /// A domain with this config and clock, and nothing else said about it.
    #[must_use]
    pub fn new(config: DomainConfig, clock: GuestClock) -> Self {
        Domain { config, clock, notes: Notes::default(), refusals: Vec::new() }
    }
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
    /// The operating system, by libosinfo's ID, as in `http://debian.org/debian/12`.
    pub system: Option<String>,
    /// The file's comments, where they are to be kept.
    pub comments: Vec<String>,
}

#[cfg(test)]
mod json_tests;
