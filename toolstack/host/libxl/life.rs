//! Creates, pauses, shuts down and destroys domains through libxl.

use std::ffi::c_int;
use std::ptr;
use std::time::{Duration, Instant};

use uuid::Uuid;
use xen_sys::libxl_trigger;

use super::config::Config;
use super::domains::Domain;
use super::{Libxl, model};
use crate::domain::DomainConfig;
use crate::host::{DomId, ErrorKind, HostError, Result, RunState, ShutdownRequest};

/// Something outside may still hold a page of a domain that was destroyed; it goes when that is let go of.
const GONE_WITHIN: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

impl Libxl {
    pub(super) fn create(&self, config: &DomainConfig, doing: &str) -> Result<DomId> {
        let (config, uuid) = with_uuid(config);
        self.check_uuid(uuid, doing)?;
        self.make(&config, uuid, doing, |host, config, domid| {
            host.libxl(doing, |ctx| {
                // SAFETY: the context is open and the config is libxl's own; without an `ao_how` the call waits, and
                // without an `aop_console_how` nobody is told of a console.
                unsafe {
                    xen_sys::libxl_domain_create_new(
                        ctx,
                        config.as_mut_ptr(),
                        domid,
                        ptr::null(),
                        ptr::null(),
                    )
                }
            })
        })
    }

    /// The common part of making and restoring: nothing is left when it fails.
    pub(super) fn make(
        &self,
        config: &DomainConfig,
        uuid: Uuid,
        doing: &str,
        call: impl FnOnce(&Self, &mut Config, *mut u32) -> Result<()>,
    ) -> Result<DomId> {
        self.check_name(config.name(), None, doing)?;
        let mut libxls = self.to_libxl(config, doing)?;
        let log = model::Log::of(config.name());
        let mut domid = u32::MAX;
        match call(self, &mut libxls, &mut domid) {
            Ok(()) => {
                self.observe();
                Ok(DomId(domid))
            }
            Err(error) => {
                let error = log.explain(self.short_of_memory(config, error));
                Err(self.take_away(domid, uuid, error))
            }
        }
    }

    /// True if a domain, other than this one, may have this name. libxl refuses one that is taken in the middle of its
    /// work.
    pub(super) fn check_name(&self, name: &str, of: Option<DomId>, doing: &str) -> Result<()> {
        let refuse = |kind, why: String| Err(HostError::new(kind, doing, why));
        if name.is_empty() {
            return refuse(ErrorKind::Invalid, "the domain has no name".to_owned());
        }
        for domain in self.xc_domains(doing)?.iter().filter(|domain| domain.is_there()) {
            if Some(DomId(domain.domid)) != of && self.name(domain.domid) == name {
                return refuse(ErrorKind::Exists, format!("domain {} is named '{name}'", domain.domid));
            }
        }
        Ok(())
    }

    /// libxl lets two domains share a UUID, and with it /vm/UUID in xenstore. One that was preserved has it by name
    /// only.
    fn check_uuid(&self, uuid: Uuid, doing: &str) -> Result<()> {
        for domain in self.xc_domains(doing)?.iter().filter(|domain| domain.is_there() && domain.uuid == uuid)
        {
            if !self.is_preserved(domain) {
                let why = format!("domain {} has the UUID {uuid}", domain.domid);
                return Err(HostError::new(ErrorKind::Exists, doing, why));
            }
        }
        Ok(())
    }

    /// True if xenstore knows a domain by another UUID than Xen.
    pub(super) fn is_preserved(&self, domain: &Domain) -> bool {
        let its = self.store.read(&format!("/local/domain/{}/vm", domain.domid));
        its.is_some_and(|vm| vm != format!("/vm/{}", domain.uuid))
    }

    /// libxl takes a domain away that it could not make, but not always. It tells which one that was; another may have
    /// its UUID.
    fn take_away(&self, domid: u32, uuid: Uuid, error: HostError) -> HostError {
        let domid = DomId(domid);
        match self.domain(domid, &error.doing) {
            Ok(Some(left)) if left.uuid == uuid && left.is_there() => {}
            _ => return error,
        }
        match self.destroy_guest(domid, &format!("destroy the incomplete domain {domid}")) {
            Ok(()) => error,
            Err(why) => HostError { detail: format!("{}; {why}", error.detail), ..error },
        }
    }

    /// True if a failure comes from too little memory, which libxl tells in none of its codes.
    fn short_of_memory(&self, config: &DomainConfig, error: HostError) -> HostError {
        let wanted = config.b_info.target_memkb.or(config.b_info.max_memkb).unwrap_or(0);
        match self.free_memory_kb(&error.doing) {
            Ok(free) if error.kind == ErrorKind::Other && free < wanted => HostError {
                kind: ErrorKind::NoMemory,
                detail: format!(
                    "the domain needs {wanted} KiB of memory, but only {free} KiB are free: {}",
                    error.detail
                ),
                ..error
            },
            _ => error,
        }
    }

    pub(super) fn unpause_guest(&self, domid: DomId, doing: &str) -> Result<()> {
        // libxl wakes the device model before Xen can refuse.
        if !self.guest(domid, doing)?.paused {
            let why = format!("domain {domid} is not paused");
            return Err(HostError::new(ErrorKind::Invalid, doing, why));
        }
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open; without an `ao_how` the call waits.
            unsafe { xen_sys::libxl_domain_unpause(ctx, domid.0, ptr::null()) }
        })
    }

    pub(super) fn pause_guest(&self, domid: DomId, doing: &str) -> Result<()> {
        self.guest(domid, doing)?;
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open; without an `ao_how` the call waits.
            unsafe { xen_sys::libxl_domain_pause(ctx, domid.0, ptr::null()) }
        })
    }

    pub(super) fn destroy_guest(&self, domid: DomId, doing: &str) -> Result<()> {
        match self.guest(domid, doing) {
            // Whoever began it may not have come to the end.
            Err(error) if error.kind != ErrorKind::WrongState => return Err(error),
            _ => self.observe(),
        }
        let uuid = self.domain(domid, doing)?.map(|domain| domain.uuid);
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open; without an `ao_how` the call waits.
            unsafe { xen_sys::libxl_domain_destroy(ctx, domid.0, ptr::null()) }
        })?;
        let start = Instant::now();
        while start.elapsed() < GONE_WITHIN && self.domain(domid, doing)?.is_some() {
            std::thread::sleep(LOOK_AGAIN);
        }
        self.observe();
        uuid.map_or(Ok(()), |uuid| self.sweep(uuid, doing))
    }

    /// Takes /vm/UUID out of xenstore when no domain has the UUID any more: libxl writes a new name there also for a
    /// domain that was preserved, and looks elsewhere when that one is destroyed.
    fn sweep(&self, uuid: Uuid, doing: &str) -> Result<()> {
        let path = format!("/vm/{uuid}");
        if self.store.read(&path).is_none()
            || self.xc_domains(doing)?.iter().any(|domain| domain.uuid == uuid)
        {
            return Ok(());
        }
        self.store.remove(&path).map_err(|error| {
            let why = format!("{path} cannot be removed from xenstore: {error}");
            HostError::new(ErrorKind::Io, doing, why).caused_by(error)
        })
    }

    pub(super) fn ask_guest(&self, domid: DomId, request: ShutdownRequest, doing: &str) -> Result<()> {
        let why = match self.guest(domid, doing)?.state {
            RunState::Running => None,
            RunState::Paused => Some("is paused, so its guest cannot answer: unpause it first"),
            RunState::Shutdown(_) | RunState::Dying => Some("has ended already"),
        };
        if let Some(why) = why {
            return Err(HostError::new(ErrorKind::WrongState, doing, format!("domain {domid} {why}")));
        }
        let asked = self.libxl(doing, |ctx| -> c_int {
            // SAFETY: the context is open; without an `ao_how` the calls wait.
            unsafe {
                match request {
                    ShutdownRequest::Poweroff => xen_sys::libxl_domain_shutdown(ctx, domid.0, ptr::null()),
                    ShutdownRequest::Reboot => xen_sys::libxl_domain_reboot(ctx, domid.0, ptr::null()),
                    ShutdownRequest::PowerButton => xen_sys::libxl_send_trigger(
                        ctx,
                        domid.0,
                        libxl_trigger::LIBXL_TRIGGER_POWER,
                        0,
                        ptr::null(),
                    ),
                }
            }
        });
        self.observe();
        asked.map_err(|error| match error.kind {
            ErrorKind::NotSupported => HostError {
                detail: format!(
                    "the guest has no PV drivers that could receive the request: {}",
                    error.detail
                ),
                ..error
            },
            _ => error,
        })
    }
}

/// The config with a UUID, which libxl itself would leave at all zeros.
pub(super) fn with_uuid(config: &DomainConfig) -> (DomainConfig, Uuid) {
    let mut config = config.clone();
    let uuid = *config.c_info.uuid.get_or_insert_with(Uuid::new_v4);
    (config, uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_made_where_there_is_none() {
        let (made, uuid) = with_uuid(&DomainConfig::default());
        assert!(!uuid.is_nil());
        assert_eq!(made.c_info.uuid, Some(uuid));
        assert_eq!(with_uuid(&made), (made.clone(), uuid));
    }
}
