//! The mock as a host: every call of the trait.

use std::fs::File;
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use timers::{KiloHertz, UtcOffset};

use super::faults::Call;
use super::libxl::{Libxl, Site};
use super::machine::{Errno, Machine, Present, Refusal};
use super::state::State;
use super::stream::Stream;
use super::{Mock, ended};
use crate::domain::DomainConfig;
use crate::host::progress::Progress;
use crate::host::{
    DomId, DomainInfo, DomainSummary, ErrorKind, Event, Host, HostError, HostFacts, Placement, Result,
    RtcRecord, SaveKind, ShutdownRequest, TscInfo,
};

/// No wait for an event is longer, so that none is too long to be counted.
const ASK_AGAIN: Duration = Duration::from_secs(3600);

/// A model's memory is none, so that all of it is there at once.
const FRAMES: Progress<'_> = Progress { library: "mock", doing: "Frames", percent: 100, done: 1, total: 1 };

impl Host for Mock {
    fn facts(&self) -> Result<HostFacts> {
        self.look(Call::Facts, "read the host's facts", |state, present| {
            state.host.tell(present).map_err(|error| Refusal::new(Errno::Fail, error))
        })
    }

    fn domains(&self) -> Result<Vec<DomainSummary>> {
        self.look(Call::Domains, "list domains", |state, _| Ok(state.xen.list()))
    }

    fn domain_infos(&self) -> Result<Vec<DomainInfo>> {
        self.look(Call::DomainInfos, "list domains", |state, _| Ok(state.xen.infos()))
    }

    fn placement(&self, domid: DomId) -> Result<Placement> {
        let doing = format!("read the placement of domain {domid}");
        self.look(Call::Placement, &doing, |state, _| state.xen.placement(domid))
    }

    fn dom0_gives_memory(&self) -> Result<bool> {
        let doing = "read Xen's command line";
        self.look(Call::Dom0GivesMemory, doing, |_, _| Ok(false))
    }

    fn make_room(&self, config: &DomainConfig) -> Result<()> {
        let doing = format!("free memory for domain '{}'", config.name());
        self.look(Call::MakeRoom, &doing, |state, _| state.xen.check_memory(config, state.host.memory_mb))
    }

    fn create_paused(&self, config: &DomainConfig) -> Result<DomId> {
        let doing = format!("create domain '{}'", config.name());
        self.act(Call::CreatePaused, &doing, |state, present| {
            on_site(state, present, |xen, site| xen.create(config, site))
        })
    }

    fn restore_paused(&self, config: &DomainConfig, stream: &mut File) -> Result<DomId> {
        let doing = format!("restore domain '{}'", config.name());
        self.strike(Call::RestorePaused, &doing)?;
        // Whoever saves into this pipe needs the state, too.
        let stream = Stream::read(stream).map_err(|error| Refusal::from(error).while_doing(&doing))?;
        self.progress.tell(&FRAMES);
        self.play(&doing, |state, present| {
            on_site(state, present, |xen, site| xen.restore(config, &stream, site))
        })
    }

    fn saved_rtc(&self, stream: &mut File) -> Result<Option<i64>> {
        let doing = "read the saved RTC";
        self.strike(Call::SavedRtc, doing)?;
        let stream = Stream::read(stream).map_err(|error| Refusal::from(error).while_doing(doing))?;
        Ok(stream.rtc_offset)
    }

    /// The model has no memory that could be written while the guest runs.
    fn save(&self, domid: DomId, stream: &mut File, _how: SaveKind) -> Result<()> {
        let doing = format!("save domain {domid}");
        let saved = self.act(Call::Save, &doing, |state, present| state.xen.save(domid, present))?;
        self.progress.tell(&FRAMES);
        // Whoever restores from this pipe needs the state, too.
        saved.write(stream).map_err(|error| {
            let why = format!("the stream cannot be written: {error}");
            let error = Refusal::new(Errno::Io, why).while_doing(&doing);
            let resume = format!("resume domain {domid}");
            match self.play(&resume, |state, _| state.xen.resume(domid)) {
                Err(why) if why.kind != ErrorKind::NoSuchDomain => {
                    HostError { detail: format!("{}; {why}", error.detail), ..error }
                }
                // As on Xen, the guest goes on; or somebody has destroyed it meanwhile.
                _ => error,
            }
        })
    }

    fn resume(&self, domid: DomId) -> Result<()> {
        self.act(Call::Resume, &format!("resume domain {domid}"), |state, _| state.xen.resume(domid))
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

    fn rename(&self, domid: DomId, name: &str) -> Result<()> {
        self.act(Call::Rename, &format!("rename domain {domid} to '{name}'"), |state, _| {
            state.xen.rename(domid, name)
        })
    }

    fn core_dump(&self, domid: DomId, path: &Path) -> Result<()> {
        let doing = format!("dump the core of domain {domid}");
        let core = self.look(Call::CoreDump, &doing, |state, _| state.xen.core(domid))?;
        ended::write_core(path, &core).map_err(|refusal| refusal.while_doing(doing))
    }

    fn preserve(&self, domid: DomId, suffix: &str) -> Result<()> {
        self.act(Call::Preserve, &format!("preserve domain {domid}"), |state, _| {
            state.xen.preserve(domid, suffix)
        })
    }

    fn soft_reset(&self, domid: DomId, config: &DomainConfig) -> Result<()> {
        self.act(Call::SoftReset, &format!("soft reset domain {domid}"), |state, present| {
            on_site(state, present, |xen, site| xen.soft_reset(domid, config, site))
        })
    }

    fn shutdown(&self, domid: DomId, request: ShutdownRequest) -> Result<()> {
        let doing = match request {
            ShutdownRequest::Poweroff => format!("shut domain {domid} down"),
            ShutdownRequest::Reboot => format!("reboot domain {domid}"),
            ShutdownRequest::PowerButton => format!("press the power button of domain {domid}"),
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

    fn set_initial_tsc(&self, domid: DomId, info: &TscInfo) -> Result<()> {
        let doing = format!("set the new TSC of domain {domid}");
        // On a real host the hypercall of `set_tsc_info` is part of it.
        self.strike(Call::SetTscInfo, &doing)?;
        self.held(Call::SetInitialTsc, &doing, domid, |machine, present| {
            machine.set_initial_tsc(domid, info, present)
        })
    }

    fn make_tsc_native(&self, domid: DomId) -> Result<()> {
        let doing = format!("make the TSC of domain {domid} native");
        self.held(Call::MakeTscNative, &doing, domid, |machine, present| {
            machine.make_tsc_native(domid, present)
        })
    }

    fn told_tsc_khz(&self, domid: DomId) -> Result<KiloHertz> {
        let doing = format!("read the TSC frequency reported to domain {domid}");
        self.look(Call::ToldTscKhz, &doing, |state, present| {
            Ok(KiloHertz(state.xen.machine.context(domid, present)?.khz))
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
            let state = self.strike(Call::NextEvent, "wait for an event")?;
            if let Some(event) = self.new_event(&state) {
                return Ok(Some(event));
            }
            let left = end.map_or(ASK_AGAIN, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(None);
            }
            self.store.wait(&state, left.min(ASK_AGAIN));
        }
    }
}

impl Mock {
    /// Acts on a domain while it is held, unless that is refused. As with libxenctrl, these are several calls: if the
    /// process is killed between them, the domain stays held.
    fn held<T>(
        &self,
        call: Call,
        doing: &str,
        domid: DomId,
        act: impl Fn(&mut Machine, &Present) -> std::result::Result<T, Refusal>,
    ) -> Result<T> {
        self.act(call, doing, |state, present| {
            act(&mut state.xen.machine.clone(), present)?;
            state.xen.machine.pause(domid, present)
        })?;
        let done = self.play(doing, |state, present| act(&mut state.xen.machine, present));
        match self.play(doing, |state, _| state.xen.machine.unpause(domid)) {
            Err(error) if error.kind != ErrorKind::NoSuchDomain => done.and(Err(error)),
            _ => done,
        }
    }

    /// The first event that this value has not given out.
    fn new_event(&self, state: &State) -> Option<Event> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, event) = state.xen.machine.events().after(*seen)?;
        *seen = number;
        Some(event.clone())
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
