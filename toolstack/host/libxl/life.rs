//! From a domain's making to its end, by libxl.

use std::ffi::c_int;
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::{Duration, Instant};

use uuid::Uuid;
use xen_sys::libxl_domain_restore_params;

use super::config::Config;
use super::{Libxl, stream};
use crate::domain::DomainConfig;
use crate::host::{DomId, ErrorKind, HostError, Result, RunState, ShutdownReason, ShutdownRequest};

/// The version of libxl's migration stream since Xen 4.6; libxl itself takes 1 where nothing is said.
const STREAM_VERSION: u32 = 2;

/// Something outside may still hold a page of a domain that was destroyed; it goes when that is let go of.
const GONE_WITHIN: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

impl Libxl {
    pub(super) fn create(&self, config: &DomainConfig, doing: &str) -> Result<DomId> {
        self.make(config, doing, |host, config, domid| {
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

    pub(super) fn restore(&self, config: &DomainConfig, stream: &File, doing: &str) -> Result<DomId> {
        stream::check_saved(stream, doing)?;
        let mut params = MaybeUninit::<libxl_domain_restore_params>::uninit();
        // SAFETY: libxl_domain_restore_params_init fills the whole structure.
        let mut params = unsafe {
            xen_sys::libxl_domain_restore_params_init(params.as_mut_ptr());
            params.assume_init()
        };
        params.stream_version = STREAM_VERSION;
        let made = self.make(config, doing, |host, config, domid| {
            host.libxl(doing, |ctx| {
                // SAFETY: the context is open, the config and the parameters are libxl's own, and the file stays open
                // during the call, which waits without an `ao_how`; nothing is sent back.
                unsafe {
                    xen_sys::libxl_domain_create_restore(
                        ctx,
                        config.as_mut_ptr(),
                        domid,
                        stream.as_raw_fd(),
                        -1,
                        &params,
                        ptr::null(),
                        ptr::null(),
                    )
                }
            })
        });
        // SAFETY: the structure is filled, and what it holds is libxl's.
        unsafe { xen_sys::libxl_domain_restore_params_dispose(&mut params) };
        made
    }

    /// What making and restoring have in common: nothing is left when it fails.
    fn make(
        &self,
        config: &DomainConfig,
        doing: &str,
        call: impl FnOnce(&Self, &mut Config, *mut u32) -> Result<()>,
    ) -> Result<DomId> {
        let (config, uuid) = with_uuid(config, doing)?;
        self.check_free(config.name(), uuid, doing)?;
        let mut libxls = self.to_libxl(&config, doing)?;
        let mut domid = u32::MAX;
        match call(self, &mut libxls, &mut domid) {
            Ok(()) => {
                self.observe();
                Ok(DomId(domid))
            }
            Err(error) => {
                let error = self.short_of_memory(&config, error);
                Err(self.take_away(uuid, error))
            }
        }
    }

    /// libxl refuses a name that is taken, but lets two domains share a UUID, and with it /vm/UUID in xenstore.
    fn check_free(&self, name: &str, uuid: Uuid, doing: &str) -> Result<()> {
        let refuse = |kind, why: String| Err(HostError::new(kind, doing, why));
        if name.is_empty() {
            return refuse(ErrorKind::Invalid, "the config gives no name".to_owned());
        }
        for domain in self.xc_domains(doing)?.iter().filter(|domain| domain.is_there()) {
            if domain.uuid == uuid {
                return refuse(ErrorKind::Exists, format!("domain {} has the UUID {uuid}", domain.domid));
            }
            if self.name(domain.domid) == name {
                return refuse(ErrorKind::Exists, format!("domain {} is named '{name}'", domain.domid));
            }
        }
        Ok(())
    }

    /// libxl takes a domain away that it could not make, but not always.
    fn take_away(&self, uuid: Uuid, error: HostError) -> HostError {
        let left = self.xc_domains(&error.doing).unwrap_or_default();
        for domain in left.into_iter().filter(|domain| domain.uuid == uuid && domain.is_there()) {
            let domid = DomId(domain.domid);
            if let Err(why) = self.destroy_guest(domid, &format!("destroy the half-made domain {domid}")) {
                let detail = format!("{}; {why}", error.detail);
                return HostError { detail, ..error };
            }
        }
        error
    }

    /// Whether a failure comes from too little memory, which libxl tells in none of its codes.
    fn short_of_memory(&self, config: &DomainConfig, error: HostError) -> HostError {
        let wanted = config.b_info.target_memkb.or(config.b_info.max_memkb).unwrap_or(0);
        match self.free_memory_kb(&error.doing) {
            Ok(free) if error.kind == ErrorKind::Other && free < wanted => HostError {
                kind: ErrorKind::NoMemory,
                detail: format!(
                    "the domain wants {wanted} KiB of memory, and {free} KiB are free: {}",
                    error.detail
                ),
                ..error
            },
            _ => error,
        }
    }

    pub(super) fn save_guest(&self, domid: DomId, stream: &File, doing: &str) -> Result<()> {
        let refuse = |why: String| Err(HostError::new(ErrorKind::WrongState, doing, why));
        match self.guest(domid, doing)?.state {
            RunState::Running => {}
            RunState::Paused => {
                let why = "is paused, and a guest must run to suspend itself: unpause it first";
                return refuse(format!("domain {domid} {why}"));
            }
            RunState::Shutdown(_) | RunState::Dying => {
                return refuse(format!("domain {domid} has ended already"));
            }
        }
        stream::check_writable(stream, doing)?;
        let saved = self.libxl(doing, |ctx| {
            // SAFETY: the context is open, and the file stays open during the call, which waits without an `ao_how`.
            unsafe { xen_sys::libxl_domain_suspend(ctx, domid.0, stream.as_raw_fd(), 0, ptr::null()) }
        });
        if saved.is_err() {
            self.go_on(domid);
        }
        self.observe();
        saved
    }

    /// Lets a guest go on that suspended itself for a save that has failed.
    fn go_on(&self, domid: DomId) {
        let doing = format!("resume domain {domid}");
        let suspended = Ok(RunState::Shutdown(ShutdownReason::Suspend));
        if self.guest(domid, &doing).map(|domain| domain.state) != suspended {
            return;
        }
        let resumed = self.libxl(&doing, |ctx| {
            // SAFETY: the context is open; without an `ao_how` the call waits. 1: the guest's suspend call returns as
            // cancelled.
            unsafe { xen_sys::libxl_domain_resume(ctx, domid.0, 1, ptr::null()) }
        });
        if let Err(error) = resumed {
            tracing::error!("{error}");
        }
    }

    pub(super) fn unpause_guest(&self, domid: DomId, doing: &str) -> Result<()> {
        // libxl wakes the device model before Xen can refuse.
        if !self.guest(domid, doing)?.paused {
            let why = format!("domain {domid} is not paused, so there is no pause to end");
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
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open; without an `ao_how` the call waits.
            unsafe { xen_sys::libxl_domain_destroy(ctx, domid.0, ptr::null()) }
        })?;
        let start = Instant::now();
        while start.elapsed() < GONE_WITHIN && self.domain(domid, doing)?.is_some() {
            std::thread::sleep(LOOK_AGAIN);
        }
        self.observe();
        Ok(())
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
                }
            }
        });
        self.observe();
        asked.map_err(|error| match error.kind {
            ErrorKind::NotSupported => HostError {
                detail: format!("the guest has no PV drivers, so it cannot be asked: {}", error.detail),
                ..error
            },
            _ => error,
        })
    }
}

/// The config with a UUID, which libxl itself would leave at all zeros.
fn with_uuid(config: &DomainConfig, doing: &str) -> Result<(DomainConfig, Uuid)> {
    let uuid = match config.c_info.uuid.as_deref() {
        None => Uuid::new_v4(),
        Some(text) => Uuid::try_parse(text).map_err(|_| {
            let why =
                format!("'{text}' is no UUID, expected one such as 6ba7b810-9dad-41d1-80b4-00c04fd430c8");
            HostError::new(ErrorKind::Invalid, doing, why)
        })?,
    };
    let mut config = config.clone();
    config.c_info.uuid = Some(uuid.hyphenated().to_string());
    Ok((config, uuid))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_uuid_is_made_or_written_in_the_usual_way() {
        let mut config = DomainConfig::default();
        let (made, uuid) = with_uuid(&config, "x").unwrap();
        assert!(!uuid.is_nil());
        assert_eq!(made.c_info.uuid, Some(uuid.to_string()));
        config.c_info.uuid = Some("6BA7B8109DAD41D180B400C04FD430C8".to_owned());
        let (made, _) = with_uuid(&config, "x").unwrap();
        assert_eq!(made.c_info.uuid.as_deref(), Some("6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
        config.c_info.uuid = Some("guest".to_owned());
        assert_eq!(with_uuid(&config, "x").unwrap_err().kind, ErrorKind::Invalid);
    }
}
