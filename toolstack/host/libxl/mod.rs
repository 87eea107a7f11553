//! The real host: libxl as `xl` uses it, and libxenctrl for everything that libxl cannot do.
//!
//! - `open.rs`, `handles.rs`: the libraries' handles, and the reasons why they cannot be opened.
//! - `log.rs`, `error.rs`, `strings.rs`, `model.rs`: messages of the libraries and of the device model.
//! - `domains.rs`, `infos.rs`, `config.rs`, `userdata.rs`: domains and their configs in libxl.
//! - `life.rs`, `moves.rs`, `stream.rs`, `peek.rs`, `ended.rs`: actions on domains.
//! - `tsc.rs`, `rtc.rs`, `context.rs`: the clocks, for which libxl has no calls.
//! - `memory.rs`, `facts.rs`, `cpuid.rs`, `console.rs`, `clock.rs`: the host.
//! - `events.rs`: its events; `state.rs`: cached state of the host.
//!
//! Each call looks the guest up first, because libxl's own error for a domain that does not exist is just "failed".

mod clock;
mod config;
mod console;
mod context;
mod cpuid;
mod domains;
mod ended;
mod error;
mod events;
mod facts;
mod handles;
mod infos;
mod life;
mod log;
mod memory;
mod model;
mod moves;
mod open;
mod peek;
mod rtc;
mod state;
mod stream;
mod strings;
mod tsc;
mod userdata;

use std::cell::{OnceCell, RefCell};
use std::ffi::c_int;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use timers::{KiloHertz, UtcOffset};
use xen_sys::{libxl_ctx, xc_interface};

use self::handles::{Ctx, Store, Xc};
use self::log::Log;
use self::state::{Fixed, Watched};
use super::{
    DomId, DomainInfo, DomainSummary, ErrorKind, Event, Host, HostError, HostFacts, Placement, Result,
    RtcRecord, SaveKind, ShutdownRequest, TscInfo, dom0, xen_stream,
};
use crate::domain::DomainConfig;

/// The machine that this program runs on, by libxl and libxenctrl.
///
/// Calls block until they are done: making a domain takes seconds. It can be sent to another thread, and is used by
/// one at a time.
pub struct Libxl {
    ctx: Ctx,
    xc: Xc,
    store: Store,
    log: Arc<Log>,
    /// The facts that do not change while the host runs.
    fixed: OnceCell<Fixed>,
    watched: RefCell<Watched>,
}

impl fmt::Debug for Libxl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Libxl").finish_non_exhaustive()
    }
}

impl Libxl {
    /// A call of libxl, which answers 0 or its code.
    fn libxl(&self, doing: &str, call: impl FnOnce(*mut libxl_ctx) -> c_int) -> Result<()> {
        self.log.take();
        match call(self.ctx.ptr()) {
            0 => Ok(()),
            code => Err(error::of_libxl(doing, code, &self.log.take())),
        }
    }

    /// A call of libxenctrl, which answers a number, or one below 0 and sets errno.
    fn xc(&self, doing: &str, call: impl FnOnce(*mut xc_interface) -> c_int) -> Result<c_int> {
        self.log.take();
        match call(self.xc.ptr()) {
            number if number >= 0 => Ok(number),
            _ => {
                let errno = error::last_errno();
                Err(error::of_errno(doing, errno, &self.log.take()))
            }
        }
    }
}

impl Host for Libxl {
    fn facts(&self) -> Result<HostFacts> {
        self.read_facts("read the host's facts")
    }

    fn domains(&self) -> Result<Vec<DomainSummary>> {
        self.list("list domains")
    }

    fn domain_infos(&self) -> Result<Vec<DomainInfo>> {
        self.list_infos("list domains")
    }

    fn placement(&self, domid: DomId) -> Result<Placement> {
        self.read_placement(domid, &format!("read the placement of domain {domid}"))
    }

    fn dom0_gives_memory(&self) -> Result<bool> {
        Ok(!dom0::has_dom0_mem(&self.command_line("read Xen's command line")?))
    }

    fn make_room(&self, config: &DomainConfig) -> Result<()> {
        self.balloon_dom0(config, &format!("free memory for domain '{}'", config.name()))
    }

    fn create_paused(&self, config: &DomainConfig) -> Result<DomId> {
        self.create(config, &format!("create domain '{}'", config.name()))
    }

    fn restore_paused(&self, config: &DomainConfig, stream: &mut File) -> Result<DomId> {
        self.restore(config, stream, &format!("restore domain '{}'", config.name()))
    }

    fn saved_rtc(&self, stream: &mut File) -> Result<Option<i64>> {
        xen_stream::rtc_offset(stream).map_err(|error| {
            let kind = if error.kind() == std::io::ErrorKind::InvalidData {
                ErrorKind::Invalid
            } else {
                ErrorKind::Io
            };
            HostError::new(kind, "read the saved RTC", format!("the stream cannot be read: {error}"))
        })
    }

    fn save(&self, domid: DomId, stream: &mut File, how: SaveKind) -> Result<()> {
        self.save_guest(domid, stream, how, &format!("save domain {domid}"))
    }

    fn resume(&self, domid: DomId) -> Result<()> {
        self.resume_guest(domid, &format!("resume domain {domid}"))
    }

    fn unpause(&self, domid: DomId) -> Result<()> {
        self.unpause_guest(domid, &format!("unpause domain {domid}"))
    }

    fn pause(&self, domid: DomId) -> Result<()> {
        self.pause_guest(domid, &format!("pause domain {domid}"))
    }

    fn destroy(&self, domid: DomId) -> Result<()> {
        self.destroy_guest(domid, &format!("destroy domain {domid}"))
    }

    fn rename(&self, domid: DomId, name: &str) -> Result<()> {
        self.rename_guest(domid, name, &format!("rename domain {domid} to '{name}'"))
    }

    fn core_dump(&self, domid: DomId, path: &Path) -> Result<()> {
        self.dump_core(domid, path, &format!("dump the core of domain {domid}"))
    }

    fn preserve(&self, domid: DomId, suffix: &str) -> Result<()> {
        self.preserve_guest(domid, suffix, &format!("preserve domain {domid}"))
    }

    fn soft_reset(&self, domid: DomId, config: &DomainConfig) -> Result<()> {
        self.soft_reset_guest(domid, config, &format!("soft reset domain {domid}"))
    }

    /// A paused guest is refused: libxl waits a minute for the answer that it cannot give.
    fn shutdown(&self, domid: DomId, request: ShutdownRequest) -> Result<()> {
        let doing = match request {
            ShutdownRequest::Poweroff => format!("shut domain {domid} down"),
            ShutdownRequest::Reboot => format!("reboot domain {domid}"),
            ShutdownRequest::PowerButton => format!("press the power button of domain {domid}"),
        };
        self.ask_guest(domid, request, &doing)
    }

    fn tsc_info(&self, domid: DomId) -> Result<TscInfo> {
        let doing = format!("get TSC info of domain {domid}");
        self.guest(domid, &doing)?;
        self.read_tsc_info(&doing, domid.0)
    }

    fn set_tsc_info(&self, domid: DomId, info: &TscInfo) -> Result<()> {
        self.write_tsc_info(domid, info, &format!("set TSC info of domain {domid}"))
    }

    fn set_initial_tsc(&self, domid: DomId, info: &TscInfo) -> Result<()> {
        self.write_birth_tsc(domid, info, &format!("set the new TSC of domain {domid}"))
    }

    fn make_tsc_native(&self, domid: DomId) -> Result<()> {
        let doing = format!("make the TSC of domain {domid} native");
        self.make_native(domid, self.cpu_khz(&doing)?, &doing)
    }

    fn told_tsc_khz(&self, domid: DomId) -> Result<KiloHertz> {
        self.read_told_khz(domid, &format!("read the TSC frequency reported to domain {domid}"))
    }

    fn set_time_offset(&self, domid: DomId, offset: UtcOffset) -> Result<()> {
        self.write_time_offset(domid, offset, &format!("set the time offset of domain {domid}"))
    }

    fn rtc_record(&self, domid: DomId) -> Result<RtcRecord> {
        self.read_rtc(domid, &format!("read the RTC of domain {domid}"))
    }

    fn stored_config(&self, domid: DomId) -> Result<DomainConfig> {
        self.read_config(domid, &format!("read the config of domain {domid}"))
    }

    fn user_data(&self, domid: DomId, name: &str) -> Result<Option<Vec<u8>>> {
        self.read_user_data(domid, name, &format!("read user data '{name}' of domain {domid}"))
    }

    fn set_user_data(&self, domid: DomId, name: &str, data: &[u8]) -> Result<()> {
        self.write_user_data(domid, name, data, &format!("store user data '{name}' of domain {domid}"))
    }

    fn next_event(&self, timeout: Duration) -> Result<Option<Event>> {
        self.wait_for_event(timeout, "wait for an event")
    }
}
