//! Moves a guest into a stream and out of it: save, restore, migrate, and resume after a failure.

use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::ptr;

use xen_sys::libxl_domain_restore_params;

use super::life::with_uuid;
use super::{Libxl, stream};
use crate::domain::DomainConfig;
use crate::host::{DomId, ErrorKind, HostError, Result, RunState, SaveKind, ShutdownReason};

/// The version of libxl's migration stream since Xen 4.6; libxl itself takes 1 where nothing is said.
const STREAM_VERSION: u32 = 2;

const SUSPENDED: RunState = RunState::Shutdown(ShutdownReason::Suspend);

impl Libxl {
    pub(super) fn restore(&self, config: &DomainConfig, stream: &File, doing: &str) -> Result<DomId> {
        let (config, uuid) = with_uuid(config);
        stream::check_saved(stream, doing)?;
        let mut params = MaybeUninit::<libxl_domain_restore_params>::uninit();
        // SAFETY: libxl_domain_restore_params_init fills the whole structure.
        let mut params = unsafe {
            xen_sys::libxl_domain_restore_params_init(params.as_mut_ptr());
            params.assume_init()
        };
        params.stream_version = STREAM_VERSION;
        let made = self.make(&config, uuid, doing, |host, config, domid| {
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

    pub(super) fn save_guest(&self, domid: DomId, stream: &File, how: SaveKind, doing: &str) -> Result<()> {
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
        let flags = match how {
            SaveKind::Suspend => 0,
            SaveKind::Live => xen_sys::LIBXL_SUSPEND_LIVE as _,
        };
        let saved = self.libxl(doing, |ctx| {
            // SAFETY: the context is open, and the file stays open during the call, which waits without an `ao_how`.
            unsafe { xen_sys::libxl_domain_suspend(ctx, domid.0, stream.as_raw_fd(), flags, ptr::null()) }
        });
        let saved = saved.map_err(|error| self.go_on(domid, stream, error));
        self.observe();
        saved
    }

    /// Lets a guest go on that suspended itself for a save that has failed, and says what else there is to say of that.
    fn go_on(&self, domid: DomId, stream: &File, error: HostError) -> HostError {
        let mut error = error;
        if let Err(why) = stream::check_read(stream, &error.doing) {
            error =
                HostError { kind: why.kind, detail: format!("{}: {}", why.detail, error.detail), ..error };
        }
        let doing = format!("resume domain {domid}");
        let suspended = self.guest(domid, &doing).is_ok_and(|domain| domain.state == SUSPENDED);
        if suspended && let Err(why) = self.libxl_resume(domid, &doing) {
            error.detail = format!("{}; {why}", error.detail);
        }
        error
    }

    pub(super) fn resume_guest(&self, domid: DomId, doing: &str) -> Result<()> {
        // libxl wakes the device model before it looks.
        if self.guest(domid, doing)?.state != SUSPENDED {
            let why = format!("domain {domid} is not suspended");
            return Err(HostError::new(ErrorKind::WrongState, doing, why));
        }
        // Afterwards nothing shows that it was suspended.
        self.observe();
        let resumed = self.libxl_resume(domid, doing);
        self.observe();
        resumed
    }

    fn libxl_resume(&self, domid: DomId, doing: &str) -> Result<()> {
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open; without an `ao_how` the call waits. 1: the guest's suspend call returns as
            // cancelled.
            unsafe { xen_sys::libxl_domain_resume(ctx, domid.0, 1, ptr::null()) }
        })
    }
}
