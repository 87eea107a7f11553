//! The mock as a host: every call of the trait.

use std::fs::File;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use timers::UtcOffset;

use super::Mock;
use super::faults::Call;
use super::libxl::{Libxl, Site};
use super::machine::{Errno, Present, Refusal};
use super::store::State;
use super::stream::Stream;
use crate::domain::DomainConfig;
use crate::host::{
    DomId, DomainSummary, Event, Host, HostFacts, Result, RtcRecord, ShutdownRequest, TscInfo,
};

/// How long to wait before looking for events again.
const LOOK_AGAIN: Duration = Duration::from_millis(4);

impl Host for Mock {
    fn facts(&self) -> Result<HostFacts> {
        self.look(Call::Facts, "read the host's facts", |state, present| {
            state.host.tell(present).map_err(|error| Refusal::new(Errno::Fail, error))
        })
    }

    fn domains(&self) -> Result<Vec<DomainSummary>> {
        self.look(Call::Domains, "list domains", |state, _| Ok(state.xen.list()))
    }

    fn create_paused(&self, config: &DomainConfig) -> Result<DomId> {
        let doing = format!("create domain '{}'", config.name());
        self.act(Call::CreatePaused, &doing, |state, present| {
            on_site(state, present, |xen, site| xen.create(config, site))
        })
    }

    fn restore_paused(&self, config: &DomainConfig, stream: &mut File) -> Result<DomId> {
        let doing = format!("restore domain '{}'", config.name());
        self.act(Call::RestorePaused, &doing, |state, present| {
            let stream = Stream::read(stream)?;
            on_site(state, present, |xen, site| xen.restore(config, &stream, site))
        })
    }

    fn save(&self, domid: DomId, stream: &mut File) -> Result<()> {
        self.act(Call::Save, &format!("save domain {domid}"), |state, present| {
            let saved = state.xen.save(domid, present)?;
            // When this fails the guest goes on, as it does on Xen.
            saved
                .write(stream)
                .map_err(|error| Refusal::new(Errno::Io, format!("the stream cannot be written: {error}")))
        })
    }

    fn unpause(&self, domid: DomId) -> Result<()> {
        self.act(Call::Unpause, &format!("unpause domain {domid}"), |state, present| {
            state.xen.unpause(domid, present)
        })
    }

    fn pause(&self, domid: DomId) -> Result<()> {
        self.act(Call::Pause, &format!("pause domain {domid}"), |state, present| {
            state.xen.machine.pause(domid, present)
        })
    }

    fn destroy(&self, domid: DomId) -> Result<()> {
        self.act(Call::Destroy, &format!("destroy domain {domid}"), |state, _| state.xen.destroy(domid))
    }

    fn shutdown(&self, domid: DomId, request: ShutdownRequest) -> Result<()> {
        let doing = match request {
            ShutdownRequest::Poweroff => format!("shut domain {domid} down"),
            ShutdownRequest::Reboot => format!("reboot domain {domid}"),
        };
        self.act(Call::Shutdown, &doing, |state, present| state.xen.ask(domid, request, present))
    }

    fn tsc_info(&self, domid: DomId) -> Result<TscInfo> {
        self.look(Call::TscInfo, &format!("get TSC info of domain {domid}"), |state, present| {
            state.xen.machine.tsc_info(domid, present)
        })
    }

    fn set_tsc_info(&self, domid: DomId, info: &TscInfo) -> Result<()> {
        self.act(Call::SetTscInfo, &format!("set TSC info of domain {domid}"), |state, present| {
            state.xen.machine.set_tsc_info(domid, info, present)
        })
    }

    fn restart_tsc(&self, domid: DomId) -> Result<()> {
        self.act(Call::RestartTsc, &format!("restart the TSC of domain {domid}"), |state, present| {
            state.xen.machine.load_boot_cpu(domid, 0, present)
        })
    }

    fn set_time_offset(&self, domid: DomId, offset: UtcOffset) -> Result<()> {
        self.act(Call::SetTimeOffset, &format!("set the time offset of domain {domid}"), |state, _| {
            state.xen.machine.set_time_offset(domid, offset.seconds().into())
        })
    }

    fn rtc_record(&self, domid: DomId) -> Result<RtcRecord> {
        self.look(Call::RtcRecord, &format!("read the RTC of domain {domid}"), |state, present| {
            state.xen.machine.rtc_record(domid, present)
        })
    }

    fn stored_config(&self, domid: DomId) -> Result<DomainConfig> {
        self.look(Call::StoredConfig, &format!("read the config of domain {domid}"), |state, _| {
            state.xen.config(domid).cloned()
        })
    }

    fn user_data(&self, domid: DomId, name: &str) -> Result<Option<Vec<u8>>> {
        let doing = format!("read user data '{name}' of domain {domid}");
        self.look(Call::UserData, &doing, |state, _| state.xen.user_data(domid, name))
    }

    fn set_user_data(&self, domid: DomId, name: &str, data: &[u8]) -> Result<()> {
        let doing = format!("store user data '{name}' of domain {domid}");
        self.act(Call::SetUserData, &doing, |state, _| state.xen.set_user_data(domid, name, data))
    }

    fn next_event(&self, timeout: Duration) -> Result<Option<Event>> {
        // A timeout beyond all times is none.
        let end = Instant::now().checked_add(timeout);
        loop {
            if let Some(event) = self.new_event()? {
                return Ok(Some(event));
            }
            let left = end.map_or(LOOK_AGAIN, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(None);
            }
            std::thread::sleep(left.min(LOOK_AGAIN));
        }
    }
}

impl Mock {
    /// The first event that this value has not given out.
    fn new_event(&self) -> Result<Option<Event>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.look(Call::NextEvent, "wait for an event", |state, _| {
            let found = state.xen.machine.events().after(*seen);
            Ok(found.map(|(number, event)| (number, event.clone())))
        })?;
        Ok(found.map(|(number, event)| {
            *seen = number;
            event
        }))
    }
}

/// With what a build needs to know of the host.
fn on_site<T>(
    state: &mut State,
    present: &Present,
    build: impl FnOnce(&mut Libxl, &Site<'_>) -> std::result::Result<T, Refusal>,
) -> std::result::Result<T, Refusal> {
    let zone = state.host.zone().map_err(|error| Refusal::new(Errno::Fail, error))?;
    build(&mut state.xen, &Site { present, zone: &zone, memory_mb: state.host.memory_mb })
}
