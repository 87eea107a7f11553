//! libxl's side of the mock: names, configs, user data, and the order in which a domain is built or restored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use timers::zone::Zone;
use timers::{GuestKind, UtcOffset};

use super::blob::Blob;
use super::machine::{Context, DOM0, Domain, Errno, Machine, NewDomain, Present, Refusal};
use super::stream::Stream;
use crate::domain::DomainConfig;
use crate::domain::project::offset_of;
use crate::host::{
    DomId, DomainFlags, DomainInfo, DomainSummary, Placement, RunState, ShutdownReason, ShutdownRequest,
    TscInfo,
};

/// libxl's own default for a config that gives no memory, in KiB.
const MEMORY_KB: u64 = 32 * 1024;

/// CPU time of a domain that has run, in nanoseconds.
const RUN_NS: u64 = 1_000_000;

/// dom0's, in KiB.
const DOM0_MEMORY_KB: u64 = 1024 * 1024;

/// libxl's state of one domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub config: DomainConfig,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub user_data: BTreeMap<String, Blob>,
    /// The request to the guest that it could not hear yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<ShutdownRequest>,
    /// True if another may have its UUID.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preserved: bool,
}

impl Kept {
    /// The state of a new domain.
    pub(super) fn new(config: DomainConfig) -> Self {
        Kept { config, user_data: BTreeMap::new(), asked: None, preserved: false }
    }
}

/// A machine with a toolstack on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Libxl {
    pub machine: Machine,
    pub kept: BTreeMap<DomId, Kept>,
}

/// The facts of the host that a build needs.
pub(super) struct Site<'a> {
    pub present: &'a Present,
    pub zone: &'a Zone,
    /// For all guests together.
    pub memory_mb: u64,
}

impl Libxl {
    /// `libxl_domain_create_new`.
    pub(super) fn create(&mut self, config: &DomainConfig, site: &Site<'_>) -> Result<DomId, Refusal> {
        let config = self.with_uuid(config);
        let uuid = config.c_info.uuid.unwrap_or_default();
        let has_it = |domid, domain: &Domain| {
            domain.uuid == uuid && self.kept.get(&domid).is_none_or(|kept| !kept.preserved)
        };
        if self.machine.domains().any(|(domid, domain)| has_it(domid, domain)) {
            let why = format!("a domain with UUID {uuid} exists");
            return Err(Refusal::new(Errno::Exist, why));
        }
        let domid = self.build(config, site)?;
        // A PV guest has no such context and reads on from the host's own counter.
        self.machine.load_boot_cpu(domid, 0, site.present)?;
        self.machine.introduce(domid)?;
        Ok(domid)
    }

    /// `libxl_domain_create_restore`: built from the config first, then the stream is laid over it. Another domain may
    /// have the UUID: the one that was saved.
    pub(super) fn restore(
        &mut self,
        config: &DomainConfig,
        stream: &Stream,
        site: &Site<'_>,
    ) -> Result<DomId, Refusal> {
        if stream.kind != config.kind() {
            return Err(Refusal::new(
                Errno::Inval,
                format!(
                    "the stream is of a {} guest, but the config is of a {} guest",
                    word(stream.kind),
                    word(config.kind())
                ),
            ));
        }
        let domid = self.build(self.with_uuid(config), site)?;
        self.machine.set_tsc_info(domid, &stream.tsc, site.present)?;
        self.machine.continue_saved(domid)?;
        if let Some(tsc) = stream.cpu_tsc {
            let khz = stream.header_khz.unwrap_or(stream.tsc.khz);
            let cpus = (0..self.machine.domain(domid)?.vcpus).map(|cpu| (cpu, tsc)).collect();
            self.machine.load_context(domid, &Context { khz, cpus }, site.present)?;
        }
        if let Some(offset) = stream.rtc_offset {
            self.machine.load_rtc(domid, offset, site.present)?;
        }
        self.machine.introduce(domid)?;
        Ok(domid)
    }

    /// The config with a UUID.
    fn with_uuid(&self, config: &DomainConfig) -> DomainConfig {
        let mut config = config.clone();
        config.c_info.uuid.get_or_insert_with(|| self.unused_uuid());
        config
    }

    /// True if a domain, other than this one, may have this name.
    pub(super) fn check_name(&self, name: &str, of: Option<DomId>) -> Result<(), Refusal> {
        if name.is_empty() {
            return Err(Refusal::new(Errno::Inval, "the domain has no name"));
        }
        let has_it = |(domid, kept): (&DomId, &Kept)| Some(*domid) != of && kept.config.name() == name;
        if name == "Domain-0" || self.kept.iter().any(has_it) {
            return Err(Refusal::new(Errno::Exist, format!("a domain named '{name}' exists")));
        }
        Ok(())
    }

    /// Checks that there is room for a domain. The model's dom0 keeps what it has.
    pub(super) fn check_memory(&self, config: &DomainConfig, memory_mb: u64) -> Result<(), Refusal> {
        let memory_kb = memory_kb(config);
        let used_kb: u64 = self.machine.domains().map(|(_, domain)| domain.memory_kb).sum();
        let free_kb = memory_mb.saturating_mul(1024).saturating_sub(used_kb);
        if memory_kb > free_kb {
            return Err(Refusal::new(
                Errno::NoMem,
                format!("the domain needs {memory_kb} KiB of memory, but only {free_kb} KiB are free"),
            ));
        }
        Ok(())
    }

    /// The common part of a new and a restored domain.
    fn build(&mut self, config: DomainConfig, site: &Site<'_>) -> Result<DomId, Refusal> {
        self.check_name(config.name(), None)?;
        let memory_kb = self.check_memory(&config, site.memory_mb).map(|()| memory_kb(&config))?;
        let info = &config.b_info;
        let vcpus = match info.avail_vcpus.len() {
            0 => u32::try_from(info.max_vcpus).unwrap_or(0).max(1),
            some => u32::try_from(some).unwrap_or(u32::MAX),
        };
        let uuid = config.c_info.uuid.unwrap_or_default();
        let new = NewDomain { kind: config.kind(), uuid, memory_kb, vcpus };
        let domid = self.machine.create(new, site.present)?;
        self.build_clocks(domid, &config, site)?;
        self.kept.insert(domid, Kept::new(config));
        Ok(domid)
    }

    /// The effect of `libxl__build_pre` on the clocks of a domain, be it new, to be restored, or soft reset.
    pub(super) fn build_clocks(
        &mut self,
        domid: DomId,
        config: &DomainConfig,
        site: &Site<'_>,
    ) -> Result<(), Refusal> {
        let mode = config.b_info.tsc_mode.map_or(0, |mode| mode.number());
        let tsc = TscInfo { mode, elapsed_ns: 0, khz: 0, incarnation: 0 };
        self.machine.set_tsc_info(domid, &tsc, site.present)?;
        // A sum of 0 is not set, and then an RTC that was restored or is still there keeps its own.
        match time_offset(config, site)? {
            0 => Ok(()),
            offset => self.machine.set_time_offset(domid, offset.into()),
        }
    }

    /// The same for the same history, so that a test can be run twice.
    fn unused_uuid(&self) -> uuid::Uuid {
        let made = |number: u128| uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid();
        let taken = |uuid: &uuid::Uuid| self.machine.domains().any(|(_, domain)| domain.uuid == *uuid);
        // Numbers never come twice, so the first is taken only when somebody has chosen that very UUID.
        let first = u128::from(self.machine.last_domid()) + 1;
        (0..=u128::MAX >> 64)
            .map(|round| made((round << 64) | first))
            .find(|uuid| !taken(uuid))
            .unwrap_or_default()
    }

    /// `libxl_domain_suspend`: what goes into the stream. The domain stays until it is destroyed.
    pub(super) fn save(&mut self, domid: DomId, present: &Present) -> Result<Stream, Refusal> {
        let domain = self.machine.domain(domid)?;
        if domain.state() == RunState::Paused {
            return Err(Refusal::new(
                Errno::Busy,
                format!("domain {domid} is paused, and a guest must run to suspend itself: unpause it first"),
            ));
        }
        let kind = domain.kind;
        self.machine.shut_down(domid, ShutdownReason::Suspend, present)?;
        let tsc = self.machine.tsc_info(domid, present)?;
        let context = match kind {
            GuestKind::Pv => None,
            GuestKind::Hvm | GuestKind::Pvh => Some(self.machine.context(domid, present)?),
        };
        Ok(Stream {
            kind,
            tsc,
            cpu_tsc: context.as_ref().and_then(|context| context.cpus.first()).map(|(_, tsc)| *tsc),
            header_khz: context.map(|context| context.khz).filter(|khz| *khz != tsc.khz),
            rtc_offset: match kind {
                GuestKind::Hvm => Some(self.machine.rtc_record(domid, present)?.offset),
                GuestKind::Pv | GuestKind::Pvh => None,
            },
        })
    }

    /// `libxl_domain_unpause`. What the guest was asked meanwhile, it does now.
    pub(super) fn unpause(&mut self, domid: DomId, present: &Present) -> Result<(), Refusal> {
        self.machine.unpause(domid)?;
        if self.machine.domain(domid)?.runs()
            && let Some(request) = self.kept.get_mut(&domid).and_then(|kept| kept.asked.take())
        {
            self.machine.shut_down(domid, reason(request), present)?;
        }
        Ok(())
    }

    /// `libxl_domain_shutdown` and `_reboot`: a note in xenstore, which a running guest follows at once.
    pub(super) fn ask(
        &mut self,
        domid: DomId,
        request: ShutdownRequest,
        present: &Present,
    ) -> Result<(), Refusal> {
        match self.machine.domain(domid)?.state() {
            RunState::Paused => {
                self.kept_mut(domid)?.asked = Some(request);
                Ok(())
            }
            _ => self.machine.shut_down(domid, reason(request), present),
        }
    }

    /// `libxl_domain_destroy`.
    pub(super) fn destroy(&mut self, domid: DomId) -> Result<(), Refusal> {
        self.machine.destroy(domid)?;
        self.kept.remove(&domid);
        Ok(())
    }

    /// `libxl_list_domain`, with dom0.
    pub(super) fn list(&self) -> Vec<DomainSummary> {
        let dom0 = DomainSummary {
            domid: DOM0,
            name: "Domain-0".to_owned(),
            uuid: uuid::Uuid::nil(),
            kind: GuestKind::Pv,
            state: RunState::Running,
            has_run: true,
            memory_kb: DOM0_MEMORY_KB,
            vcpus: 1,
        };
        let others = self.machine.domains().map(|(domid, domain)| self.summary(domid, domain));
        std::iter::once(dom0).chain(others).collect()
    }

    /// `libxl_list_domain`, with all that it says. A guest of the model never waits, and using a CPU takes it no time.
    pub(super) fn infos(&self) -> Vec<DomainInfo> {
        let info = |summary: DomainSummary| {
            let domain = self.machine.domain(summary.domid).ok();
            let flags = DomainFlags {
                running: summary.state == RunState::Running,
                blocked: false,
                paused: domain.is_some_and(|domain| domain.pauses > 0),
                shutdown: domain.and_then(|domain| domain.shutdown),
                dying: summary.state == RunState::Dying,
            };
            let cpu_time_ns = if summary.has_run { RUN_NS } else { 0 };
            DomainInfo { summary, flags, cpu_time_ns, outstanding_kb: 0, security_label: None }
        };
        self.list().into_iter().map(info).collect()
    }

    /// One CPU pool and one NUMA node, which all domains have.
    pub(super) fn placement(&self, domid: DomId) -> Result<Placement, Refusal> {
        if domid != DOM0 {
            self.machine.domain(domid)?;
        }
        Ok(Placement { cpupool: "Pool-0".to_owned(), nodes: vec![true] })
    }

    fn summary(&self, domid: DomId, domain: &Domain) -> DomainSummary {
        let name = self.kept.get(&domid).map(|kept| kept.config.name().to_owned()).unwrap_or_default();
        let Domain { kind, memory_kb, has_run, .. } = *domain;
        let vcpus = domain.vcpus.saturating_sub(u32::try_from(domain.down.len()).unwrap_or(0));
        let (uuid, state) = (domain.uuid, domain.state());
        DomainSummary { domid, name, uuid, kind, state, has_run, memory_kb, vcpus }
    }

    /// `libxl_retrieve_domain_configuration`.
    pub(super) fn config(&self, domid: DomId) -> Result<&DomainConfig, Refusal> {
        Ok(&self.kept(domid)?.config)
    }

    /// `libxl_userdata_retrieve`.
    pub(super) fn user_data(&self, domid: DomId, name: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.kept(domid)?.user_data.get(file_name(name)?).map(|blob| blob.0.clone()))
    }

    /// `libxl_userdata_store`, which takes no bytes at all to mean that the file is to be removed.
    pub(super) fn set_user_data(&mut self, domid: DomId, name: &str, data: &[u8]) -> Result<(), Refusal> {
        let user_data = &mut self.kept_mut(domid)?.user_data;
        let name = file_name(name)?;
        if !data.is_empty() {
            user_data.insert(name.to_owned(), Blob(data.to_vec()));
            return Ok(());
        }
        match user_data.remove(name) {
            Some(_) => Ok(()),
            None => Err(Refusal::new(
                Errno::Fail,
                format!("there is no user data '{name}' to remove by storing 0 bytes"),
            )),
        }
    }

    fn kept(&self, domid: DomId) -> Result<&Kept, Refusal> {
        // The machine knows what to say of a domain that is not there.
        self.machine.domain(domid)?;
        self.kept.get(&domid).ok_or_else(|| nothing_kept(domid))
    }

    pub(super) fn kept_mut(&mut self, domid: DomId) -> Result<&mut Kept, Refusal> {
        self.machine.domain(domid)?;
        self.kept.get_mut(&domid).ok_or_else(|| nothing_kept(domid))
    }
}

/// The memory that a domain starts with, in KiB.
fn memory_kb(config: &DomainConfig) -> u64 {
    config.b_info.target_memkb.or(config.b_info.max_memkb).unwrap_or(MEMORY_KB)
}

/// The value that libxl passes to `settimeoffset`.
fn time_offset(config: &DomainConfig, site: &Site<'_>) -> Result<i32, Refusal> {
    let offset = offset_of(config, site.present.utc, site.zone);
    offset.map(UtcOffset::seconds).map_err(|error| Refusal::new(Errno::Fail, error.to_string()))
}

fn reason(request: ShutdownRequest) -> ShutdownReason {
    match request {
        ShutdownRequest::Poweroff | ShutdownRequest::PowerButton => ShutdownReason::Poweroff,
        ShutdownRequest::Reboot => ShutdownReason::Reboot,
    }
}

fn word(kind: GuestKind) -> &'static str {
    match kind {
        GuestKind::Hvm => "hvm",
        GuestKind::Pv => "pv",
        GuestKind::Pvh => "pvh",
    }
}

/// libxl puts the name into a file's name.
fn file_name(name: &str) -> Result<&str, Refusal> {
    if name.is_empty() || name.contains(['/', '\0']) {
        return Err(Refusal::new(
            Errno::Inval,
            format!("'{}' is not a name of user data, expected a name such as xl", name.escape_default()),
        ));
    }
    Ok(name)
}

fn nothing_kept(domid: DomId) -> Refusal {
    Refusal::new(Errno::Fail, format!("no saved state of domain {domid} exists"))
}
