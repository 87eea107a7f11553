//! Lists domains: from Xen's list, and the names from xenstore.

use std::mem::MaybeUninit;

use timers::GuestKind;
use uuid::Uuid;
use xen_sys::xc_domaininfo_t;

use super::{Libxl, strings};
use crate::host::{DomId, DomainSummary, ErrorKind, HostError, Result, RunState, ShutdownReason};

/// As many are asked for at a time.
const BATCH: usize = 256;

/// Xen's state of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Domain {
    pub domid: u32,
    pub uuid: Uuid,
    pub kind: GuestKind,
    pub state: RunState,
    /// True if somebody holds it, whatever else its state is.
    pub paused: bool,
    /// Nanoseconds that its vCPUs have run on this host.
    pub cpu_time: u64,
    pub memory_kb: u64,
    pub vcpus: u32,
}

impl Domain {
    fn new(info: &xc_domaininfo_t) -> Self {
        let flag = |flag: u32| info.flags & flag != 0;
        let state = if flag(xen_sys::XEN_DOMINF_dying) {
            RunState::Dying
        } else if flag(xen_sys::XEN_DOMINF_shutdown) {
            RunState::Shutdown(reason(
                info.flags >> xen_sys::XEN_DOMINF_shutdownshift & xen_sys::XEN_DOMINF_shutdownmask,
            ))
        } else if flag(xen_sys::XEN_DOMINF_paused) {
            RunState::Paused
        } else {
            RunState::Running
        };
        let rtc = info.arch_config.emulation_flags & xen_sys::XEN_X86_EMU_RTC != 0;
        let kind = match (flag(xen_sys::XEN_DOMINF_hvm_guest), rtc) {
            (false, _) => GuestKind::Pv,
            (true, true) => GuestKind::Hvm,
            (true, false) => GuestKind::Pvh,
        };
        Domain {
            domid: info.domain.into(),
            uuid: Uuid::from_bytes(info.handle),
            kind,
            state,
            paused: flag(xen_sys::XEN_DOMINF_paused),
            cpu_time: info.cpu_time,
            memory_kb: info.tot_pages.saturating_mul(4),
            vcpus: info.nr_online_vcpus,
        }
    }

    /// True if it is more than what is left of one that was destroyed.
    pub(super) fn is_there(&self) -> bool {
        self.state != RunState::Dying
    }
}

/// A reason that only a newer Xen has is no orderly one.
pub(super) fn reason(code: u32) -> ShutdownReason {
    match code {
        xen_sys::SHUTDOWN_poweroff => ShutdownReason::Poweroff,
        xen_sys::SHUTDOWN_reboot => ShutdownReason::Reboot,
        xen_sys::SHUTDOWN_suspend => ShutdownReason::Suspend,
        xen_sys::SHUTDOWN_watchdog => ShutdownReason::Watchdog,
        xen_sys::SHUTDOWN_soft_reset => ShutdownReason::SoftReset,
        _ => ShutdownReason::Crash,
    }
}

impl Libxl {
    /// All domains, by number, those that are being destroyed among them.
    pub(super) fn xc_domains(&self, doing: &str) -> Result<Vec<Domain>> {
        let mut domains: Vec<Domain> = Vec::new();
        let mut first = 0;
        while first < xen_sys::DOMID_FIRST_RESERVED {
            let found = self.xc_domains_from(doing, first, BATCH)?;
            let Some(last) = found.last() else { break };
            first = last.domid + 1;
            domains.extend(found);
        }
        Ok(domains)
    }

    /// The first domains from this number on.
    fn xc_domains_from(&self, doing: &str, first: u32, count: usize) -> Result<Vec<Domain>> {
        let mut buffer = vec![MaybeUninit::<xc_domaininfo_t>::zeroed(); count];
        let found = self.xc(doing, |xc| {
            // SAFETY: the handle is open, and the buffer takes as many as told.
            unsafe { xen_sys::xc_domain_getinfolist(xc, first, count as _, buffer.as_mut_ptr().cast()) }
        })?;
        let found = usize::try_from(found).unwrap_or(0).min(count);
        // SAFETY: so many have been written, and all others are zeroed; the structure is made of numbers, for which
        // any bits will do.
        Ok(buffer[..found].iter().map(|info| Domain::new(unsafe { info.assume_init_ref() })).collect())
    }

    /// A domain, or none of that number.
    pub(super) fn domain(&self, domid: DomId, doing: &str) -> Result<Option<Domain>> {
        // Xen gives the next one where there is none of that number, and takes only 16 bits of it.
        Ok(self.xc_domains_from(doing, domid.0, 1)?.into_iter().find(|domain| domain.domid == domid.0))
    }

    /// A domain that something can be done to: not dom0, and not one that is being destroyed.
    pub(super) fn guest(&self, domid: DomId, doing: &str) -> Result<Domain> {
        let refuse = |kind, why: String| Err(HostError::new(kind, doing, why));
        if domid == DomId(0) {
            let why = "domain 0 runs the toolstack; this can be done only to guests";
            return refuse(ErrorKind::Invalid, why.to_owned());
        }
        match self.domain(domid, doing)? {
            None => refuse(ErrorKind::NoSuchDomain, format!("there is no domain {domid}")),
            Some(domain) if !domain.is_there() => {
                refuse(ErrorKind::WrongState, format!("domain {domid} is being destroyed"))
            }
            Some(domain) => Ok(domain),
        }
    }

    /// A domain's name, empty where it has none.
    pub(super) fn name(&self, domid: u32) -> String {
        // SAFETY: the context is open; the answer is null or a string that libxl has allocated for us.
        unsafe { strings::taken(xen_sys::libxl_domid_to_name(self.ctx.ptr(), domid)) }.unwrap_or_default()
    }

    pub(super) fn list(&self, doing: &str) -> Result<Vec<DomainSummary>> {
        let domains = self.xc_domains(doing)?;
        Ok(domains
            .into_iter()
            .map(|domain| DomainSummary {
                domid: DomId(domain.domid),
                name: self.name(domain.domid),
                uuid: domain.uuid,
                kind: domain.kind,
                state: domain.state,
                has_run: domain.cpu_time > 0,
                memory_kb: domain.memory_kb,
                vcpus: domain.vcpus,
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(flags: u32, emulation_flags: u32) -> Domain {
        let info = MaybeUninit::<xc_domaininfo_t>::zeroed();
        // SAFETY: the structure is made of numbers, for which zero will do.
        let mut info = unsafe { info.assume_init() };
        info.flags = flags;
        info.arch_config.emulation_flags = emulation_flags;
        info.tot_pages = 10;
        info.handle[0] = 0xab;
        Domain::new(&info)
    }

    #[test]
    fn states() {
        use xen_sys::{
            XEN_DOMINF_dying as DYING, XEN_DOMINF_paused as PAUSED, XEN_DOMINF_shutdown as SHUTDOWN,
        };
        for (flags, state, paused) in [
            (0, RunState::Running, false),
            (xen_sys::XEN_DOMINF_blocked, RunState::Running, false),
            (PAUSED, RunState::Paused, true),
            (SHUTDOWN | PAUSED, RunState::Shutdown(ShutdownReason::Poweroff), true),
            (SHUTDOWN | 1 << 16, RunState::Shutdown(ShutdownReason::Reboot), false),
            (SHUTDOWN | 2 << 16, RunState::Shutdown(ShutdownReason::Suspend), false),
            (SHUTDOWN | 3 << 16, RunState::Shutdown(ShutdownReason::Crash), false),
            (SHUTDOWN | 4 << 16, RunState::Shutdown(ShutdownReason::Watchdog), false),
            (SHUTDOWN | 5 << 16, RunState::Shutdown(ShutdownReason::SoftReset), false),
            (SHUTDOWN | 200 << 16, RunState::Shutdown(ShutdownReason::Crash), false),
            (DYING | SHUTDOWN | 1 << 16, RunState::Dying, false),
        ] {
            let domain = domain(flags, 0);
            assert_eq!((domain.state, domain.paused), (state, paused), "{flags:#x}");
            assert_eq!(domain.is_there(), state != RunState::Dying);
        }
    }

    #[test]
    fn kinds_and_numbers() {
        let hvm = xen_sys::XEN_DOMINF_hvm_guest;
        let rtc = xen_sys::XEN_X86_EMU_RTC;
        assert_eq!(domain(0, 0).kind, GuestKind::Pv);
        assert_eq!(domain(hvm, 1).kind, GuestKind::Pvh);
        assert_eq!(domain(hvm, rtc | 1).kind, GuestKind::Hvm);
        assert_eq!(domain(0, 0).memory_kb, 40);
        assert_eq!(domain(0, 0).uuid.to_string(), "ab000000-0000-0000-0000-000000000000");
    }
}
