//! The facts of this host that the plan needs.

use std::fs;
use std::mem::MaybeUninit;
use std::time::SystemTime;

use timers::KiloHertz;
use xen_sys::libxl_physinfo;

use super::state::Fixed;
use super::{Libxl, clock, console, cpuid};
use crate::host::{ErrorKind, HostError, HostFacts, Result, zone};

/// The kernel's ID of this boot. Xen and its dom0 boot together.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The kernel's list of dom0's CPUs. Xen shows dom0 an invariant TSC wherever there is one.
const CPU_INFO: &str = "/proc/cpuinfo";

impl Libxl {
    pub(super) fn read_facts(&self, doing: &str) -> Result<HostFacts> {
        let fixed = self.fixed(doing)?;
        let zone = zone::machine_zone()?;
        Ok(HostFacts {
            boot_id: fixed.boot_id.clone(),
            zone,
            xen_version: fixed.xen_version,
            cpu_khz: fixed.cpu_khz,
            tsc_reliable: fixed.tsc_reliable,
            tsc_scaling: fixed.tsc_scaling,
            tsc_invariant: fixed.tsc_invariant,
            clock: clock::state(),
            // Together, as their difference tells a step of the clock; and last, as offsets are worked out from it.
            uptime: clock::uptime(),
            now: SystemTime::now().into(),
        })
    }

    fn fixed(&self, doing: &str) -> Result<&Fixed> {
        match self.fixed.get() {
            Some(fixed) => Ok(fixed),
            None => {
                let read = self.read_fixed(doing)?;
                Ok(self.fixed.get_or_init(|| read))
            }
        }
    }

    /// The frequency of the host's TSC.
    pub(super) fn cpu_khz(&self, doing: &str) -> Result<KiloHertz> {
        Ok(self.fixed(doing)?.cpu_khz)
    }

    /// True if Xen trusts the host's TSC.
    pub(super) fn is_tsc_reliable(&self, doing: &str) -> Result<bool> {
        Ok(self.fixed(doing)?.tsc_reliable)
    }

    fn read_fixed(&self, doing: &str) -> Result<Fixed> {
        let tsc_reliable = match cpuid::tsc_reliable() {
            Some(reliable) => reliable,
            None => self.ask_for_tsc(doing)?,
        };
        Ok(Fixed {
            boot_id: boot_id(doing)?,
            xen_version: self.version(doing)?,
            cpu_khz: self.physinfo(doing, |info| KiloHertz(info.cpu_khz))?,
            tsc_reliable,
            // Without the console the rest is still to be had.
            tsc_scaling: self.console_ring().ok().as_deref().and_then(console::tsc_scaling),
            tsc_invariant: fs::read_to_string(CPU_INFO).ok().as_deref().and_then(tsc_invariant),
        })
    }

    /// Asks Xen to print what the CPUID leaves do not say.
    fn ask_for_tsc(&self, doing: &str) -> Result<bool> {
        let unknown = |why: &str| {
            let why = format!("cannot determine whether Xen trusts the host's TSC: {why}");
            HostError::new(ErrorKind::NotSupported, doing, why)
        };
        self.debug_key('s').map_err(|error| unknown(&error.to_string()))?;
        let ring = self.console_ring().map_err(|error| unknown(&error.to_string()))?;
        console::tsc_reliable(&ring).ok_or_else(|| {
            unknown("its CPUID leaves cannot be read, and the debug key 's' does not print it")
        })
    }

    /// Memory that a new domain can have.
    pub(super) fn free_memory_kb(&self, doing: &str) -> Result<u64> {
        self.physinfo(doing, |info| info.free_pages.saturating_add(info.scrub_pages).saturating_mul(4))
    }

    pub(super) fn physinfo<T>(&self, doing: &str, read: impl FnOnce(&libxl_physinfo) -> T) -> Result<T> {
        let mut info = MaybeUninit::<libxl_physinfo>::uninit();
        // SAFETY: libxl_physinfo_init fills the whole structure.
        let mut info = unsafe {
            xen_sys::libxl_physinfo_init(info.as_mut_ptr());
            info.assume_init()
        };
        // SAFETY: the context is open, and the structure is filled.
        let result = self.libxl(doing, |ctx| unsafe { xen_sys::libxl_get_physinfo(ctx, &mut info) });
        let result = result.map(|()| read(&info));
        // SAFETY: the structure is filled, and what it holds is libxl's.
        unsafe { xen_sys::libxl_physinfo_dispose(&mut info) };
        result
    }
}

/// True if the CPU has an invariant TSC, by the flags of the first one.
fn tsc_invariant(cpu_info: &str) -> Option<bool> {
    let flags =
        cpu_info.lines().find_map(|line| line.strip_prefix("flags")?.trim_start().strip_prefix(':'))?;
    Some(flags.split_whitespace().any(|flag| flag == "nonstop_tsc"))
}

fn boot_id(doing: &str) -> Result<String> {
    match fs::read_to_string(BOOT_ID) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) => {
            Err(HostError::new(ErrorKind::Io, doing, format!("{BOOT_ID}: {error}")).caused_by(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invariant_tsc_is_a_flag_of_the_first_cpu() {
        let info =
            |flags: &str| format!("processor\t: 0\nflags\t\t: fpu tsc {flags}\nbugs\t\t: nonstop_tsc\n");
        assert_eq!(tsc_invariant(&info("constant_tsc nonstop_tsc cpuid")), Some(true));
        assert_eq!(tsc_invariant(&info("constant_tsc nonstop_tsc_s3")), Some(false));
        assert_eq!(tsc_invariant("processor\t: 0\n"), None);
    }
}
