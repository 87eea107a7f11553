//! The TSC of a domain, through libxenctrl: libxl has no call for it.

use std::ffi::c_int;
use std::ptr;
use std::time::{Duration, Instant};

use timers::tsc::TscMode;
use timers::{GuestKind, KiloHertz};

use super::context::{self, Unfit};
use super::{Libxl, domains::Domain};
use crate::host::{DomId, ErrorKind, HostError, Result, RunState, TscInfo};

/// Xen counts from 1: more than that is a guest that came out of a stream.
const NEVER_RESTORED: u32 = 1;

/// Making a TSC native takes milliseconds; a TSC that is farther on afterwards has jumped.
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// Holds a domain as long as it lives. Pauses nest, so this one leaves the toolstack's alone.
struct Hold<'a> {
    host: &'a Libxl,
    domid: DomId,
}

impl<'a> Hold<'a> {
    fn new(host: &'a Libxl, domid: DomId, doing: &str) -> Result<Self> {
        // SAFETY: the handle is open.
        host.xc(doing, |xc| unsafe { xen_sys::xc_domain_pause(xc, domid.0) })?;
        Ok(Hold { host, domid })
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let doing = format!("end the pause of domain {}", self.domid);
        // SAFETY: the handle is open.
        if let Err(error) = self.host.xc(&doing, |xc| unsafe { xen_sys::xc_domain_unpause(xc, self.domid.0) })
        {
            tracing::error!("{error}");
        }
    }
}

impl Libxl {
    pub(super) fn read_tsc_info(&self, doing: &str, domid: u32) -> Result<TscInfo> {
        let mut info = TscInfo { mode: 0, elapsed_ns: 0, khz: 0, incarnation: 0 };
        self.xc(doing, |xc| {
            // SAFETY: the handle is open, and each result has a place.
            unsafe {
                xen_sys::xc_domain_get_tsc_info(
                    xc,
                    domid,
                    &mut info.mode,
                    &mut info.elapsed_ns,
                    &mut info.khz,
                    &mut info.incarnation,
                )
            }
        })?;
        Ok(info)
    }

    pub(super) fn write_tsc_info(&self, domid: DomId, info: &TscInfo, doing: &str) -> Result<()> {
        self.guest(domid, doing)?;
        self.xc(doing, |xc| {
            // SAFETY: the handle is open.
            unsafe {
                xen_sys::xc_domain_set_tsc_info(
                    xc,
                    domid.0,
                    info.mode,
                    info.elapsed_ns,
                    info.khz,
                    info.incarnation,
                )
            }
        })?;
        Ok(())
    }

    /// Sets the TSC, and loads the boot CPU's own context again with its TSC at 0: Xen works out how far the guest's
    /// counter is from the host's only then, and by the frequency in force.
    pub(super) fn write_birth_tsc(&self, domid: DomId, info: &TscInfo, doing: &str) -> Result<()> {
        let (held, kind) = self.hold_new(domid, doing)?;
        if kind == GuestKind::Pv {
            self.write_tsc_info(domid, info, doing)?;
        } else {
            // A guest that this refuses keeps its TSC. The header has the frequency, so what is loaded is read after it.
            self.boot_cpu(domid, doing)?;
            self.write_tsc_info(domid, info, doing)?;
            self.load(domid, self.boot_cpu(domid, doing)?, doing)?;
        }
        drop(held);
        Ok(())
    }

    /// Makes the TSC of a restored guest native at this host's frequency. What the registers are is read before Xen is told
    /// the frequency, for after that it works out the TSC by an offset that no longer fits; all of them are loaded again.
    pub(super) fn make_native(&self, domid: DomId, khz: KiloHertz, doing: &str) -> Result<()> {
        check_restored(&self.guest(domid, doing)?, doing)?;
        if !self.is_tsc_reliable(doing)? {
            let why = "Xen does not trust the host's TSC, and emulates it at any frequency";
            return Err(HostError::new(ErrorKind::WrongState, doing, why));
        }
        let _held = Hold::new(self, domid, doing)?;
        check_restored(&self.guest(domid, doing)?, doing)?;
        let before = self.read_tsc_info(doing, domid.0)?;
        if before.incarnation <= NEVER_RESTORED {
            let why = format!("domain {domid} was never restored, and has its initial TSC");
            return Err(HostError::new(ErrorKind::WrongState, doing, why));
        }
        if before.mode != TscMode::Default.number() {
            let why = format!("the TSC mode of domain {domid} is {} and not default", before.mode);
            return Err(HostError::new(ErrorKind::Invalid, doing, why));
        }
        let context = self.read_context(domid, doing)?;
        let read = Instant::now();
        let broken = |why: String| HostError::new(ErrorKind::Other, doing, format!("its HVM context: {why}"));
        // All that can be found wrong is found before anything is set.
        let cpus = context::cpus(&context).map_err(broken)?;
        let told = context::told_khz(&context).map_err(broken)?;
        context::at_frequency(&context, khz.0, 0).map_err(broken)?;
        // Xen adds one to the incarnation. It must not be given 0, by which the guest would look new.
        let info = |khz| TscInfo { khz, incarnation: before.incarnation - 1, ..before };
        let native = || {
            self.write_tsc_info(domid, &info(khz.0), doing)?;
            let passed = ticks(read.elapsed(), khz);
            self.load(domid, context::at_frequency(&context, khz.0, passed).map_err(broken)?, doing)?;
            self.check_native(domid, khz, before.incarnation, &cpus, doing)
        };
        native().map_err(|error| {
            let back = || {
                self.write_tsc_info(domid, &info(before.khz), doing)?;
                self.load(domid, context::at_frequency(&context, told, 0).map_err(broken)?, doing)
            };
            match back() {
                Ok(()) => error,
                Err(left) => HostError {
                    detail: format!("{}; and the change could not be undone: {}", error.detail, left.detail),
                    ..error
                },
            }
        })
    }

    /// That a guest is native at this frequency, and all its CPUs go on.
    fn check_native(
        &self,
        domid: DomId,
        khz: KiloHertz,
        incarnation: u32,
        before: &[(u16, u64)],
        doing: &str,
    ) -> Result<()> {
        let wrong = |why: String| Err(HostError::new(ErrorKind::Other, doing, why));
        let info = self.read_tsc_info(doing, domid.0)?;
        if (info.mode, info.khz, info.incarnation) != (TscMode::Default.number(), khz.0, incarnation) {
            return wrong(format!("Xen reports its TSC as {info:?}"));
        }
        let context = self.read_context(domid, doing)?;
        let broken = |why: String| HostError::new(ErrorKind::Other, doing, format!("its HVM context: {why}"));
        let (told, after) =
            (context::told_khz(&context).map_err(broken)?, context::cpus(&context).map_err(broken)?);
        if told != khz.0 {
            return wrong(format!("the guest sees {told} kHz"));
        }
        let most = ticks(LONGEST_HOLD, khz);
        let goes_on = |(&(cpu, then), &(same, now)): (&(u16, u64), &(u16, u64))| {
            cpu == same && now.wrapping_sub(then) < most
        };
        if before.len() != after.len() || !before.iter().zip(&after).all(goes_on) {
            return wrong(format!("its TSCs were {before:?} and are now {after:?}"));
        }
        Ok(())
    }

    /// The frequency that a guest is told.
    pub(super) fn read_told_khz(&self, domid: DomId, doing: &str) -> Result<KiloHertz> {
        if self.guest(domid, doing)?.kind == GuestKind::Pv {
            return Err(no_context(domid, doing));
        }
        let context = self.read_context(domid, doing)?;
        context::told_khz(&context)
            .map(KiloHertz)
            .map_err(|why| HostError::new(ErrorKind::Other, doing, format!("its HVM context: {why}")))
    }

    /// Holds a guest that never ran: whoever unpauses it meanwhile does not start it before the answer is dropped.
    fn hold_new(&self, domid: DomId, doing: &str) -> Result<(Hold<'_>, GuestKind)> {
        check_held(&self.guest(domid, doing)?, doing)?;
        let held = Hold::new(self, domid, doing)?;
        let domain = self.guest(domid, doing)?;
        check_held(&domain, doing)?;
        // A restored guest has not run on this host either, and must not lose its CPUs.
        if self.read_tsc_info(doing, domid.0)?.incarnation > NEVER_RESTORED {
            return Err(has_run(domid, doing, "was restored"));
        }
        Ok((held, domain.kind))
    }

    /// The context of the boot CPU alone, with its TSC at 0.
    fn boot_cpu(&self, domid: DomId, doing: &str) -> Result<Vec<u8>> {
        context::restarted(&self.read_context(domid, doing)?).map_err(|unfit| match unfit {
            Unfit::HasRun => has_run(domid, doing, "has CPUs online besides its boot CPU"),
            Unfit::Broken(why) => HostError::new(ErrorKind::Other, doing, format!("its HVM context: {why}")),
        })
    }

    fn load(&self, domid: DomId, mut context: Vec<u8>, doing: &str) -> Result<()> {
        self.xc(doing, |xc| {
            // SAFETY: the handle is open, and the buffer is as long as told: some 1100 bytes.
            unsafe {
                xen_sys::xc_domain_hvm_setcontext(xc, domid.0, context.as_mut_ptr(), context.len() as u32)
            }
        })?;
        Ok(())
    }

    fn read_context(&self, domid: DomId, doing: &str) -> Result<Vec<u8>> {
        let length = self.xc(doing, |xc| {
            // SAFETY: the handle is open; without a buffer Xen answers how long one must be.
            unsafe { xen_sys::xc_domain_hvm_getcontext(xc, domid.0, ptr::null_mut(), 0) }
        })?;
        let size = |length: c_int| usize::try_from(length).unwrap_or(0);
        let mut context = vec![0; size(length)];
        let length = self.xc(doing, |xc| {
            // SAFETY: the handle is open, and the buffer is as long as told.
            unsafe {
                xen_sys::xc_domain_hvm_getcontext(xc, domid.0, context.as_mut_ptr(), length.unsigned_abs())
            }
        })?;
        context.truncate(size(length));
        Ok(context)
    }
}

/// Only a translated guest has registers that could be loaded; and one that has ended needs none.
fn check_restored(domain: &Domain, doing: &str) -> Result<()> {
    let domid = DomId(domain.domid);
    if domain.kind == GuestKind::Pv {
        return Err(no_context(domid, doing));
    }
    match domain.state {
        RunState::Paused | RunState::Running => Ok(()),
        RunState::Shutdown(_) | RunState::Dying => {
            Err(HostError::new(ErrorKind::WrongState, doing, format!("domain {domid} has ended")))
        }
    }
}

fn no_context(domid: DomId, doing: &str) -> HostError {
    let why = format!("domain {domid} is a PV guest, which has no HVM context");
    HostError::new(ErrorKind::Invalid, doing, why)
}

/// The ticks of a counter of this frequency in a time.
fn ticks(time: Duration, khz: KiloHertz) -> u64 {
    let ticks = time.as_nanos() * u128::from(khz.0) / 1_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// Only a domain that is held, and has not run yet, has a TSC to restart.
fn check_held(domain: &Domain, doing: &str) -> Result<()> {
    let domid = DomId(domain.domid);
    match domain.state {
        _ if domain.cpu_time > 0 => Err(has_run(domid, doing, "has run")),
        RunState::Paused => Ok(()),
        RunState::Running => Err(has_run(domid, doing, "is running")),
        RunState::Shutdown(_) | RunState::Dying => Err(has_run(domid, doing, "has ended")),
    }
}

fn has_run(domid: DomId, doing: &str, what: &str) -> HostError {
    let why =
        format!("domain {domid} {what}, and its TSC can be restarted only before its first instruction");
    HostError::new(ErrorKind::WrongState, doing, why)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::host::ShutdownReason;

    #[test]
    fn only_a_held_domain_that_never_ran_may_be_restarted() {
        let domain = |state, cpu_time| Domain {
            domid: 5,
            uuid: Uuid::nil(),
            kind: GuestKind::Hvm,
            state,
            paused: state == RunState::Paused,
            cpu_time,
            memory_kb: 0,
            vcpus: 1,
        };
        assert_eq!(check_held(&domain(RunState::Paused, 0), "x"), Ok(()));
        for (state, cpu_time) in [
            (RunState::Paused, 1),
            (RunState::Running, 0),
            (RunState::Running, 1),
            (RunState::Shutdown(ShutdownReason::Suspend), 0),
            (RunState::Dying, 0),
        ] {
            let error = check_held(&domain(state, cpu_time), "x");
            assert_eq!(error.map_err(|error| error.kind), Err(ErrorKind::WrongState), "{state:?} {cpu_time}");
        }
    }
}
