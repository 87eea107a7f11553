//! The seam between the plan and a machine: what a host can tell and do.
//!
//! There are no default bodies: a host that cannot do a thing answers [`ErrorKind::NotSupported`]. Every host
//! passes the same contract suite (`tests/contract/`).

pub mod dom0;
mod domains;
mod error;
mod facts;
#[cfg(feature = "libxl")]
pub mod libxl;
pub mod mock;
pub mod progress;
pub mod xen_stream;
pub mod zone;

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use timers::tsc::{GuestTsc, TscMode};
use timers::{GuestKind, KiloHertz, UtcOffset};

pub use self::domains::{
    DomId, DomainFlags, DomainInfo, DomainSummary, Event, Placement, RunState, ShutdownReason,
};
pub use self::error::{ErrorKind, HostError, Result};
pub use self::facts::{HostClock, HostFacts};
use crate::domain::DomainConfig;
pub use crate::domain::release::XenVersion;

/// `xen_domctl_tsc_info`: what `xc_domain_get_tsc_info` answers and `xc_domain_set_tsc_info` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TscInfo {
    /// 0 default, 1 always_emulate, 2 native.
    pub mode: u32,
    /// Nanoseconds the guest's TSC has counted; 0 in native mode.
    pub elapsed_ns: u64,
    /// The guest's frequency; Xen answers 0 in native mode, and takes 0 to mean the host's.
    pub khz: u32,
    /// 1 for a domain that was never restored or migrated; Xen stores one more than it is given.
    pub incarnation: u32,
}

impl TscInfo {
    /// The TSC that this makes for a guest on the host; `None` in a mode that no known Xen has.
    #[must_use]
    pub fn guest_tsc(&self, kind: GuestKind, facts: &HostFacts) -> Option<GuestTsc> {
        let mode = TscMode::from_number(self.mode.into()).ok()?;
        Some(GuestTsc::on_host(mode, KiloHertz(self.khz), kind, &facts.tsc()))
    }
}

/// The HVM save record of the RTC (type 11): where the guest's own changes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtcRecord {
    /// Seconds ahead of UTC now, the guest's changes included.
    pub offset: i64,
    /// The CMOS registers at their last update, which happens only while the guest runs.
    pub cmos: NaiveDateTime,
}

/// The request of [`Host::shutdown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShutdownRequest {
    /// Power off.
    Poweroff,
    /// Reboot.
    Reboot,
    /// Press the ACPI power button, which a guest without PV drivers hears.
    PowerButton,
}

/// How a guest is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaveKind {
    /// It is suspended, then written.
    Suspend,
    /// It runs while most of it is written, and is suspended for the rest: a migration's way.
    Live,
}

/// A machine that runs domains.
///
/// [`mock::Mock`] and the host of the feature `libxl` implement it. A toolstack may wrap one of them, for instance to log
/// or to limit calls, and may implement it for a libxl of its own. The trait grows in minor releases: a wrapper then
/// passes a new call on, and any other implementation returns [`ErrorKind::NotSupported`].
///
/// # An implementation guarantees
///
/// - A call that returns `Ok` has taken effect before it returns, and a call that fails has no effect, unless its
///   description says otherwise.
/// - A [`DomId`] is not used again before the host boots again, and `boot_id` changes with every boot.
/// - Errors have the right [`ErrorKind`]: callers act on `NoSuchDomain`, `NoRtc`, `NoMemory` and `NotSupported`.
/// - The facts and the state of a domain are those at the time of the call; nothing is cached between calls.
/// - Events about one domain come in the order in which they happened, and `Introduced` comes first.
///
/// # An implementation does not guarantee
///
/// - That a value that was set is the value that Xen uses: libxl ignores some errors and Xen some values, so [`apply`]
///   reads everything back.
/// - That two calls see the same state: another toolstack may act between them.
/// - That a domain still exists when its event is read, or that every event is delivered: a reader that is a thousand
///   events late misses the oldest. [`Watch::scan`] finds what was missed.
/// - That the time of day is right or only moves forward. `uptime` only moves forward.
///
/// [`apply`]: mod@crate::apply
/// [`Watch::scan`]: crate::tracking::watch::Watch::scan
pub trait Host {
    /// The facts about the host, taken now.
    fn facts(&self) -> Result<HostFacts>;

    /// All domains, by number; dom0 among them where the host has one.
    fn domains(&self) -> Result<Vec<DomainSummary>>;

    /// The same domains, with all that a list of them shows.
    fn domain_infos(&self) -> Result<Vec<DomainInfo>>;

    /// The CPU pool and the NUMA nodes of a domain, dom0 included.
    fn placement(&self, domid: DomId) -> Result<Placement>;

    /// True if dom0's memory is all that guests do not have, as Xen was booted without `dom0_mem`: room for a guest is
    /// then made by taking memory from dom0.
    fn dom0_gives_memory(&self) -> Result<bool>;

    /// Makes room in memory for a domain of this config, by taking what is missing from dom0.
    /// [`ErrorKind::NoMemory`] where dom0 does not give up as much.
    fn make_room(&self, config: &DomainConfig) -> Result<()>;

    /// Makes a domain and leaves it paused before its first instruction. Refused when its name or UUID is taken.
    ///
    /// `localtime` and `rtc_timeoffset` of the config act as in libxl: added, and set only when the sum is not 0.
    fn create_paused(&self, config: &DomainConfig) -> Result<DomId>;

    /// Makes a domain from a stream that [`Host::save`] wrote, and leaves it paused. Refused when its name is taken;
    /// its UUID may be, as the one that is saved is there until it is destroyed.
    ///
    /// The stream may be a pipe into which another saves meanwhile. When it fails, what it made itself is gone, and
    /// nothing else is touched.
    fn restore_paused(&self, config: &DomainConfig, stream: &mut File) -> Result<DomId>;

    /// The RTC in a stream that [`Host::save`] wrote into a file, in seconds ahead of UTC; `None` for a guest without one.
    /// The file is read from where it stands, and left anywhere.
    fn saved_rtc(&self, stream: &mut File) -> Result<Option<i64>>;

    /// Suspends a domain into a stream, which may be a pipe; it is then [`RunState::Shutdown`] with
    /// [`ShutdownReason::Suspend`]. When it fails the guest goes on; others may have heard of an end that was none.
    fn save(&self, domid: DomId, stream: &mut File, how: SaveKind) -> Result<()>;

    /// Resumes a domain that [`Host::save`] has suspended, without any change to its clocks.
    fn resume(&self, domid: DomId) -> Result<()>;

    /// Unpauses a domain.
    fn unpause(&self, domid: DomId) -> Result<()>;

    /// Pauses a running domain.
    fn pause(&self, domid: DomId) -> Result<()>;

    /// Destroys a domain at once.
    fn destroy(&self, domid: DomId) -> Result<()>;

    /// Renames a domain. Refused when the name is in use.
    fn rename(&self, domid: DomId, name: &str) -> Result<()>;

    /// Writes a domain's memory into a file, in the place of what was there. Nothing is held meanwhile.
    ///
    /// A PV guest that never ran has nothing that could be found in its memory. When it fails, a part of the file may
    /// be left.
    fn core_dump(&self, domid: DomId, path: &Path) -> Result<()>;

    /// Keeps a domain that has ended under its name and this after it, so that a new one may take its name and UUID.
    /// In the list of domains its UUID stays what it was: Xen has no second one for it.
    fn preserve(&self, domid: DomId, suffix: &str) -> Result<()>;

    /// Starts an HVM guest that has ended again in the same domain with its memory as it is (kexec), and leaves it
    /// paused.
    ///
    /// It is built anew from the config: its TSC gets the config's mode, the host's frequency, counts from 0 and is a
    /// first incarnation; the config's time offset is set as in [`Host::create_paused`], over what the guest made of
    /// its RTC, and else that stays; user data is gone. When it fails half-way, the domain is gone.
    fn soft_reset(&self, domid: DomId, config: &DomainConfig) -> Result<()>;

    /// Asks the guest to shut down.
    fn shutdown(&self, domid: DomId, request: ShutdownRequest) -> Result<()>;

    /// `xc_domain_get_tsc_info`.
    fn tsc_info(&self, domid: DomId) -> Result<TscInfo>;

    /// `xc_domain_set_tsc_info`.
    fn set_tsc_info(&self, domid: DomId, info: &TscInfo) -> Result<()>;

    /// Sets the TSC of a guest that never ran, and starts it at 0 in its new frequency, the guest held meanwhile.
    ///
    /// After [`Host::set_tsc_info`] alone it would start near 2^64 where it is not emulated; so the boot CPU's context is
    /// loaded anew. PV guests need none of that, and count as ever. Refused for a guest that has run or was restored,
    /// and then nothing is set.
    fn set_initial_tsc(&self, domid: DomId, info: &TscInfo) -> Result<()>;

    /// Makes the TSC of a guest native at this host's frequency, which Xen emulates since the guest came out of a save on a
    /// host of another one: it goes on from where it stands, on all vCPUs. Its incarnation stays what it is.
    ///
    /// The guest is held meanwhile, by a pause that adds to its toolstack's; it may have run. What is set is read back:
    /// where it is not native then, it is left as it was, and that is an error. Refused for a guest that was never
    /// restored or has ended and on a host whose TSC Xen does not trust ([`ErrorKind::WrongState`]), for a PV guest and for another mode than default
    /// ([`ErrorKind::Invalid`]). How far a guest's clocks run off by it is the caller's care.
    fn make_tsc_native(&self, domid: DomId) -> Result<()>;

    /// The frequency that an HVM or PVH guest is told, by Xen's CPUID leaf: in mode native the one of the host that it
    /// came from, and else the one at which it counts. [`ErrorKind::Invalid`] for a PV guest.
    fn told_tsc_khz(&self, domid: DomId) -> Result<KiloHertz>;

    /// `xc_domain_set_time_offset`: the RTC (and wallclock) from now on, in seconds ahead of UTC.
    fn set_time_offset(&self, domid: DomId, offset: UtcOffset) -> Result<()>;

    /// The RTC as the guest sees it. [`ErrorKind::NoRtc`] for PV and PVH guests.
    fn rtc_record(&self, domid: DomId) -> Result<RtcRecord>;

    /// The config that libxl keeps of a domain.
    fn stored_config(&self, domid: DomId) -> Result<DomainConfig>;

    /// A blob that was kept with the domain under this name; `None` where there is none. It goes with the domain.
    fn user_data(&self, domid: DomId, name: &str) -> Result<Option<Vec<u8>>>;

    /// Keeps a blob with the domain (libxl's userdata).
    fn set_user_data(&self, domid: DomId, name: &str, data: &[u8]) -> Result<()>;

    /// The next event since this host was opened; `None` after the timeout. A thousand events are kept, and a reader that
    /// is slower misses the oldest; the domain of an event may no longer exist when the event is read.
    fn next_event(&self, timeout: Duration) -> Result<Option<Event>>;
}
