//! A guest that is saved, restored or moved: its RTC goes on as if nothing had happened.
//!
//! libxl's own JSON travels, with the clock as it is now and nothing else touched, and behind it the clock's record, so
//! that the request is known where the guest arrives. An RTC is in Xen's stream, which wins where the
//! config has neither an offset nor localtime; so a restore here takes both away, whoever saved the guest. Of a guest
//! without RTC the stream has nothing, and its offset stands in the config.

mod header;
mod incoming;
mod outgoing;

pub use self::header::{config_in, sender_in};
pub use self::incoming::Incoming;
pub use self::outgoing::{Departure, Outgoing};

use timers::UtcOffset;
use timers::zone::ZoneSource;
use uuid::Uuid;

use super::store::RecordStore;
use super::unmanaged;
use super::warning::Warning;
use crate::domain::DomainConfig;
use crate::host::{ErrorKind, Host, HostError, HostFacts, Result};
use crate::lifecycle::ClockRecord;

/// Saves, restores and migrates guests with their clocks.
///
/// ```
/// use std::io::Seek;
///
/// use xenclock::domain::DomainConfig;
/// use xenclock::host::{Host, SaveKind, mock::Mock};
/// use xenclock::timers::{GuestKind, zone::default_zones};
/// use xenclock::tracking::store::RecordStore;
/// use xenclock::tracking::transfer::Transfer;
///
/// # let now = "2026-07-01T12:00:00Z".parse()?;
/// let host = Mock::in_memory(Box::new(move || now));
/// let mut config = DomainConfig::new(GuestKind::Hvm);
/// config.c_info.name = Some("guest".to_owned());
/// let domid = host.create_paused(&config)?;
/// host.unpause(domid)?;
/// host.guest_shift_rtc(domid, 90)?;
///
/// let (records, zones) = (RecordStore::in_memory(), default_zones());
/// let transfer = Transfer::new(&host, &records, &*zones);
/// let domain = host.domains()?.into_iter().find(|domain| domain.domid == domid).ok_or("no domain")?;
/// let mut outgoing = transfer.outgoing(domain, None, false)?;
/// let mut stream = tempfile::tempfile()?;
/// transfer.save(&mut outgoing, &mut stream, SaveKind::Suspend)?;
/// let header = outgoing.header()?;
/// transfer.left(&outgoing.domain)?;
///
/// stream.rewind()?;
/// let incoming = transfer.receive(&header, None, str::to_owned, &mut stream)?;
/// host.unpause(incoming.domid)?;
/// assert_eq!(host.rtc_record(incoming.domid)?.offset, 90);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Transfer<'a> {
    /// The host.
    pub host: &'a dyn Host,
    /// The clock records.
    pub records: &'a RecordStore,
    /// The source of named zones.
    pub zones: &'a dyn ZoneSource,
}

impl<'a> Transfer<'a> {
    /// Transfers on this host.
    #[must_use]
    pub fn new(host: &'a dyn Host, records: &'a RecordStore, zones: &'a dyn ZoneSource) -> Self {
        Transfer { host, records, zones }
    }
}

impl Transfer<'_> {
    fn record(&self, uuid: Uuid) -> (Option<ClockRecord>, Option<Warning>) {
        match self.records.get(uuid) {
            Ok(record) => (record, None),
            Err(error) => (None, Some(error.into())),
        }
    }

    /// The offset of a guest without RTC and without record: the one that its config gives now.
    fn wallclock(&self, config: &DomainConfig, facts: &HostFacts) -> Result<(i64, Option<Warning>)> {
        let warning = config.is_localtime().then_some(Warning::LocaltimeWallclock);
        let offset = unmanaged::here(config, facts).map_err(|error| {
            HostError::new(ErrorKind::Invalid, "read the wallclock", error.to_string()).caused_by(error)
        })?;
        Ok((offset, warning))
    }

    /// Notes something in a record; answers why that did not work.
    fn note(&self, uuid: Uuid, with: impl FnOnce(&mut ClockRecord)) -> Option<Warning> {
        let noted = self.records.change(uuid, |mut record, _| {
            if let Some(record) = &mut record {
                with(record);
            }
            (record, ())
        });
        noted.err().map(Warning::from)
    }
}

/// One offset from UTC, and no zone.
fn put(config: &mut DomainConfig, offset: i64) -> Option<Warning> {
    let offset = UtcOffset::new(offset);
    // Without one, at least no wrong one: an RTC's is in the stream.
    config.set_rtc_offset(offset.unwrap_or(UtcOffset::ZERO));
    offset.err().map(Warning::from)
}
