//! Actions that only a mock has: act as the guest, advance the time, change the host, and inject failures.

use chrono::NaiveDateTime;

use super::Mock;
use super::faults::Call;
use super::machine::{Domain, Present};
use crate::host::{DomId, ErrorKind, Result, ShutdownReason};

impl Mock {
    /// Sets a fact of the host: `now` (or `real`), `timezone`, `cpu_khz`, `tsc_reliable`, `tsc_scaling`,
    /// `tsc_invariant`, `clock_synchronised`, `clock_error_us`, `xen_version`, `memory_mb`. Domains that exist keep the TSC that they were given.
    ///
    /// # Errors
    /// When there is no such fact, or it cannot have this value; the message says what is expected.
    pub fn set_fact(&self, name: &str, value: &str) -> Result<()> {
        let doing = format!("set {name} of the mock host");
        self.set(&doing, |state, real| state.host.set(name, value, real))
    }

    /// Lets so many seconds pass, at once.
    ///
    /// # Errors
    /// When they are negative, or too many.
    pub fn advance(&self, seconds: i64) -> Result<()> {
        self.set("advance the time of the mock host", |state, real| state.host.advance(seconds, real))
    }

    /// The host boots anew: no domain is left, nobody hears of their ends, and their numbers are given again.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn reboot_host(&self) -> Result<()> {
        self.set("reboot the mock host", |state, real| {
            state.host.reboot(real);
            state.xen.reboot();
            Ok(())
        })
    }

    /// The guest sets its RTC.
    ///
    /// # Errors
    /// When it is not a running HVM guest, or the year is outside 2000 to 2099.
    pub fn guest_set_rtc(&self, domid: DomId, to: NaiveDateTime) -> Result<()> {
        self.play(&format!("set the RTC in domain {domid}"), |state, present| {
            state.xen.machine.guest_sets_rtc(domid, to, present)
        })
    }

    /// The guest sets its RTC so many seconds later than it reads.
    ///
    /// # Errors
    /// As for [`Mock::guest_set_rtc`].
    pub fn guest_shift_rtc(&self, domid: DomId, seconds: i64) -> Result<()> {
        self.play(&format!("shift the RTC in domain {domid}"), |state, present| {
            state.xen.machine.guest_shifts_rtc(domid, seconds, present)
        })
    }

    /// The guest resets itself. What starts it again is the toolstack, not the host.
    ///
    /// # Errors
    /// When it does not run.
    pub fn guest_reboot(&self, domid: DomId) -> Result<()> {
        self.guest_end(domid, ShutdownReason::Reboot)
    }

    /// The guest powers off.
    ///
    /// # Errors
    /// When it does not run.
    pub fn guest_poweroff(&self, domid: DomId) -> Result<()> {
        self.guest_end(domid, ShutdownReason::Poweroff)
    }

    /// The guest crashes.
    ///
    /// # Errors
    /// When it does not run.
    pub fn guest_crash(&self, domid: DomId) -> Result<()> {
        self.guest_end(domid, ShutdownReason::Crash)
    }

    /// The guest ends by itself, for this reason: [`ShutdownReason::SoftReset`] is what it asks for before it starts
    /// another kernel in its memory (kexec).
    ///
    /// # Errors
    /// When it does not run.
    pub fn guest_end(&self, domid: DomId, reason: ShutdownReason) -> Result<()> {
        self.play(&format!("end the guest in domain {domid}"), |state, present| {
            state.xen.machine.guest_ends(domid, reason, present)
        })
    }

    /// The value that RDTSC reads in the guest now.
    ///
    /// # Errors
    /// When there is no such domain.
    pub fn guest_tsc(&self, domid: DomId) -> Result<u64> {
        self.inspect(domid, |domain, present| domain.tsc.read(present))
    }

    /// Seconds that the wallclock of PV drivers is ahead of UTC in the guest: the only sign of the offset in a PV or
    /// PVH guest.
    ///
    /// # Errors
    /// When there is no such domain.
    pub fn wallclock_offset(&self, domid: DomId) -> Result<i64> {
        self.inspect(domid, |domain, _| domain.time.offset())
    }

    /// A domain as the model has it.
    ///
    /// # Errors
    /// When there is no such domain.
    pub fn model(&self, domid: DomId) -> Result<Domain> {
        self.inspect(domid, |domain, _| domain.clone())
    }

    fn inspect<T>(&self, domid: DomId, look: impl FnOnce(&Domain, &Present) -> T) -> Result<T> {
        let doing = format!("read the state of domain {domid}");
        let state = self.read(&doing)?;
        let present = self.present(&state);
        let domain = state.xen.machine.domain(domid).map_err(|refusal| refusal.while_doing(doing))?;
        Ok(look(domain, &present))
    }

    /// Makes a call of the host fail, so many times; 0 takes it back. The name is that of the method of
    /// [`Host`](crate::host::Host), such as `set_tsc_info`.
    ///
    /// # Errors
    /// When there is no such call.
    pub fn inject(&self, call: &str, kind: ErrorKind, times: u32) -> Result<()> {
        self.set("make a call of the mock host fail", |state, _| {
            state.faults.inject(Call::named(call)?, kind, times);
            Ok(())
        })
    }
}
