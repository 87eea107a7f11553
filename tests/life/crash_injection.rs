//! A service that can be killed between any two of its actions: its host, its TSC helper, and its listeners.

use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use timers::{KiloHertz, UtcOffset};
use xenclock::apply::clock::SetTsc;
use xenclock::domain::DomainConfig;
use xenclock::host::mock::Mock;
use xenclock::host::{
    DomId, DomainInfo, DomainSummary, Event, Host, HostError, HostFacts, Placement, Result, RtcRecord,
    SaveKind, ShutdownRequest, TscInfo,
};

/// When a service dies.
#[derive(Debug, Default)]
pub struct Fate {
    /// So many more deeds; `None` lives on.
    left: Cell<Option<u32>>,
    /// The last of them is done, and it dies before it can do anything about that; else it dies before it.
    done: Cell<bool>,
}

/// What a killed service unwinds with.
struct Killed;

impl Fate {
    /// It is killed at the deed of this number, counted from 0.
    pub fn dies(&self, at: u32, done: bool) {
        self.left.set(Some(at));
        self.done.set(done);
    }

    /// Whether it is to be killed.
    pub fn is_near(&self) -> bool {
        self.left.get().is_some()
    }

    /// Does something, unless it dies of it.
    fn deed<T>(&self, deed: impl FnOnce() -> T) -> T {
        let last = match self.left.get() {
            None => false,
            Some(0) => true,
            Some(left) => {
                self.left.set(Some(left - 1));
                false
            }
        };
        if last && !self.done.get() {
            resume_unwind(Box::new(Killed));
        }
        let done = deed();
        if last {
            resume_unwind(Box::new(Killed));
        }
        done
    }
}

/// Does something that a service may die of; `None` where it did. As for a process, what it held open is closed.
pub fn survives<T>(does: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(does)) {
        Ok(done) => Some(done),
        Err(why) if why.is::<Killed>() => None,
        Err(why) => resume_unwind(why),
    }
}

/// A host as a mortal service sees it.
pub struct Mortal {
    mock: Mock,
    fate: Rc<Fate>,
}

impl Mortal {
    pub fn new(mock: Mock, fate: Rc<Fate>) -> Self {
        Mortal { mock, fate }
    }
}

/// The process that sets TSCs outlives the service: an order that was given is carried out.
pub struct Setter {
    pub mock: Mock,
    pub fate: Rc<Fate>,
}

impl SetTsc for Setter {
    fn set_tsc(&mut self, domid: DomId, info: &TscInfo) -> std::result::Result<(), HostError> {
        self.fate.deed(|| self.mock.set_initial_tsc(domid, info))
    }
    fn make_tsc_native(&mut self, domid: DomId) -> std::result::Result<(), HostError> {
        self.fate.deed(|| self.mock.make_tsc_native(domid))
    }
}

/// Tells, unless it dies of it.
pub fn teller<'a, T>(fate: Rc<Fate>, mut tell: impl FnMut(T) + 'a) -> impl FnMut(T) + 'a {
    move |event| fate.deed(|| tell(event))
}

impl Host for Mortal {
    fn facts(&self) -> Result<HostFacts> {
        self.fate.deed(|| self.mock.facts())
    }
    fn domains(&self) -> Result<Vec<DomainSummary>> {
        self.fate.deed(|| self.mock.domains())
    }
    fn domain_infos(&self) -> Result<Vec<DomainInfo>> {
        self.fate.deed(|| self.mock.domain_infos())
    }
    fn placement(&self, domid: DomId) -> Result<Placement> {
        self.fate.deed(|| self.mock.placement(domid))
    }
    fn dom0_gives_memory(&self) -> Result<bool> {
        self.fate.deed(|| self.mock.dom0_gives_memory())
    }
    fn make_room(&self, config: &DomainConfig) -> Result<()> {
        self.fate.deed(|| self.mock.make_room(config))
    }
    fn create_paused(&self, config: &DomainConfig) -> Result<DomId> {
        self.fate.deed(|| self.mock.create_paused(config))
    }
    fn restore_paused(&self, config: &DomainConfig, stream: &mut File) -> Result<DomId> {
        self.fate.deed(|| self.mock.restore_paused(config, stream))
    }
    fn saved_rtc(&self, stream: &mut File) -> Result<Option<i64>> {
        self.fate.deed(|| self.mock.saved_rtc(stream))
    }
    fn save(&self, domid: DomId, stream: &mut File, how: SaveKind) -> Result<()> {
        self.fate.deed(|| self.mock.save(domid, stream, how))
    }
    fn resume(&self, domid: DomId) -> Result<()> {
        self.fate.deed(|| self.mock.resume(domid))
    }
    fn unpause(&self, domid: DomId) -> Result<()> {
        self.fate.deed(|| self.mock.unpause(domid))
    }
    fn pause(&self, domid: DomId) -> Result<()> {
        self.fate.deed(|| self.mock.pause(domid))
    }
    fn destroy(&self, domid: DomId) -> Result<()> {
        self.fate.deed(|| self.mock.destroy(domid))
    }
    fn rename(&self, domid: DomId, name: &str) -> Result<()> {
        self.fate.deed(|| self.mock.rename(domid, name))
    }
    fn core_dump(&self, domid: DomId, path: &Path) -> Result<()> {
        self.fate.deed(|| self.mock.core_dump(domid, path))
    }
    fn preserve(&self, domid: DomId, suffix: &str) -> Result<()> {
        self.fate.deed(|| self.mock.preserve(domid, suffix))
    }
    fn soft_reset(&self, domid: DomId, config: &DomainConfig) -> Result<()> {
        self.fate.deed(|| self.mock.soft_reset(domid, config))
    }
    fn shutdown(&self, domid: DomId, request: ShutdownRequest) -> Result<()> {
        self.fate.deed(|| self.mock.shutdown(domid, request))
    }
    fn tsc_info(&self, domid: DomId) -> Result<TscInfo> {
        self.fate.deed(|| self.mock.tsc_info(domid))
    }
    fn set_tsc_info(&self, domid: DomId, info: &TscInfo) -> Result<()> {
        self.fate.deed(|| self.mock.set_tsc_info(domid, info))
    }
    fn set_initial_tsc(&self, domid: DomId, info: &TscInfo) -> Result<()> {
        self.fate.deed(|| self.mock.set_initial_tsc(domid, info))
    }
    fn make_tsc_native(&self, domid: DomId) -> Result<()> {
        self.fate.deed(|| self.mock.make_tsc_native(domid))
    }
    fn told_tsc_khz(&self, domid: DomId) -> Result<KiloHertz> {
        self.fate.deed(|| self.mock.told_tsc_khz(domid))
    }
    fn set_time_offset(&self, domid: DomId, offset: UtcOffset) -> Result<()> {
        self.fate.deed(|| self.mock.set_time_offset(domid, offset))
    }
    fn rtc_record(&self, domid: DomId) -> Result<RtcRecord> {
        self.fate.deed(|| self.mock.rtc_record(domid))
    }
    fn stored_config(&self, domid: DomId) -> Result<DomainConfig> {
        self.fate.deed(|| self.mock.stored_config(domid))
    }
    fn user_data(&self, domid: DomId, name: &str) -> Result<Option<Vec<u8>>> {
        self.fate.deed(|| self.mock.user_data(domid, name))
    }
    fn set_user_data(&self, domid: DomId, name: &str, data: &[u8]) -> Result<()> {
        self.fate.deed(|| self.mock.set_user_data(domid, name, data))
    }
    fn next_event(&self, timeout: Duration) -> Result<Option<Event>> {
        self.fate.deed(|| self.mock.next_event(timeout))
    }
}
