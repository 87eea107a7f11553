//! Frees memory for a guest by ballooning dom0 down.

use std::time::{Duration, Instant};

use super::Libxl;
use crate::domain::DomainConfig;
use crate::host::{ErrorKind, HostError, Result};

/// dom0's number, and what libxl takes for the number of no domain.
const DOM0: u32 = 0;
const NO_DOMAIN: u32 = u32::MAX;

/// How long dom0 may take in all, and how long without any progress, as in xl.
const PATIENCE: Duration = Duration::from_secs(30);
const WITHOUT_PROGRESS: i32 = 10;

impl Libxl {
    /// The words that Xen was booted with.
    pub(super) fn command_line(&self, doing: &str) -> Result<String> {
        // SAFETY: the context is open; the answer is null or the context's own.
        let info = unsafe { xen_sys::libxl_get_version_info(self.ctx.ptr()).as_ref() };
        let none = || HostError::new(ErrorKind::Other, doing, "libxl has no information about this Xen");
        // SAFETY: the text is null or the context's own.
        Ok(unsafe { super::strings::copied(info.ok_or_else(none)?.commandline) }.unwrap_or_default())
    }

    pub(super) fn balloon_dom0(&self, config: &DomainConfig, doing: &str) -> Result<()> {
        let need = self.needed_kb(config, doing)?;
        let mut waited = Duration::ZERO;
        loop {
            let free = self.free_kb(doing)?;
            if free >= need {
                return Ok(());
            }
            let short = |why: &str| {
                let detail =
                    format!("the domain needs {need} KiB of memory, only {free} KiB are free, and {why}");
                HostError::new(ErrorKind::NoMemory, doing, detail)
            };
            if waited >= PATIENCE {
                return Err(short("dom0 does not release the rest in time"));
            }
            let missing = i64::try_from(need - free).unwrap_or(i64::MAX);
            // SAFETY: the context is open.
            self.libxl(doing, |ctx| unsafe { xen_sys::libxl_set_memory_target(ctx, DOM0, -missing, 1, 0) })
                .map_err(|error| short(&format!("dom0 cannot release the rest: {}", error.detail)))?;
            let start = Instant::now();
            // SAFETY: the context is open.
            self.libxl(doing, |ctx| unsafe {
                xen_sys::libxl_wait_for_memory_target(ctx, DOM0, WITHOUT_PROGRESS)
            })
            .map_err(|error| short(&format!("dom0 does not release the rest: {}", error.detail)))?;
            // A target that is reached at once, and frees nothing, must come to an end, too.
            waited += start.elapsed().max(Duration::from_millis(100));
        }
    }

    fn needed_kb(&self, config: &DomainConfig, doing: &str) -> Result<u64> {
        let mut config = self.to_libxl(config, doing)?;
        let mut need = 0;
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open, and the config is libxl's own.
            unsafe { xen_sys::libxl_domain_need_memory(ctx, config.as_mut_ptr(), NO_DOMAIN, &mut need) }
        })?;
        Ok(need)
    }

    fn free_kb(&self, doing: &str) -> Result<u64> {
        let mut free = 0;
        // SAFETY: the context is open.
        self.libxl(doing, |ctx| unsafe { xen_sys::libxl_get_free_memory(ctx, &mut free) })?;
        Ok(free)
    }
}
