//! A domain's time stamp counter: the effect of `settscinfo`, the result of `gettscinfo`, and the value of RDTSC.

use serde::{Deserialize, Serialize};
use timers::GuestKind;

use super::present::Present;
use super::refusal::{Errno, Refusal};
use crate::host::TscInfo;

/// Xen's mode 2, in which the guest reads the CPU's own counter.
const NATIVE: u32 = 2;

/// The TSC of one domain.
///
/// True if it is emulated or scaled is decided when it is set and stays so, whatever becomes of the host's facts.
/// All sums wrap as in Xen: a TSC that starts a little below 0 reads a little below 2^64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tsc {
    mode: u32,
    emulated: bool,
    scaled: bool,
    /// The frequency that the guest is told: what was asked for, until the header of a loaded context has another. Mode
    /// native leaves it alone.
    khz: u32,
    /// The frequency at which it counts where it is emulated or scaled, once a loaded header tells another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    /// The host's when it was set: the rate of a TSC that is neither emulated nor scaled.
    host_khz: u32,
    incarnation: u32,
    /// The host's uptime at which an emulated TSC counts from; may lie before 0.
    epoch_ns: u64,
    /// The vCPU's addition to the counter. PV guests have none.
    shift: u64,
}

impl Tsc {
    /// As the hypervisor makes it with a new domain: mode default at the host's frequency.
    pub(super) fn new(kind: GuestKind, present: &Present) -> Result<Self, Refusal> {
        let mut tsc = Tsc {
            mode: 0,
            emulated: false,
            scaled: false,
            khz: present.tsc.khz.0,
            rate: None,
            host_khz: present.tsc.khz.0,
            incarnation: 0,
            epoch_ns: present.uptime_ns,
            shift: 0,
        };
        tsc.set(kind, &TscInfo { mode: 0, elapsed_ns: 0, khz: 0, incarnation: 0 }, present)?;
        Ok(tsc)
    }

    /// `tsc_set_info`. A set that is refused changes nothing.
    pub(super) fn set(&mut self, kind: GuestKind, info: &TscInfo, present: &Present) -> Result<(), Refusal> {
        let set = timers::tsc::set_info(info.mode, info.khz, kind, &present.tsc)
            .map_err(|error| Refusal::new(Errno::Inval, error.to_string()))?;
        if info.mode != NATIVE {
            self.epoch_ns = present.uptime_ns.wrapping_sub(info.elapsed_ns);
        }
        if let Some(khz) = set.tsc_khz {
            self.khz = khz.0;
        }
        self.rate = None;
        self.mode = info.mode;
        self.emulated = set.emulated;
        // Mode native takes the ratio of whatever frequency an earlier call has left.
        let left_over = info.mode == NATIVE
            && kind != GuestKind::Pv
            && present.tsc.scaling == Some(true)
            && self.khz != present.tsc.khz.0;
        self.scaled = set.scaled || left_over;
        self.host_khz = present.tsc.khz.0;
        self.incarnation = info.incarnation.wrapping_add(1);
        Ok(())
    }

    /// `tsc_get_info`.
    #[must_use]
    pub fn info(&self, present: &Present) -> TscInfo {
        let (elapsed_ns, khz) = if self.mode == NATIVE {
            (0, 0)
        } else if self.emulated {
            (self.elapsed_ns(present), self.khz)
        } else {
            // Xen divides the host's counter by the guest's frequency, also where the CPU scales.
            let host = count(present.uptime_ns, self.host_khz);
            (nanoseconds(host, self.khz), if self.scaled { self.khz } else { self.host_khz })
        };
        // Xen answers 0 for what is negative when read as signed.
        let elapsed_ns = if elapsed_ns.cast_signed() < 0 { 0 } else { elapsed_ns };
        TscInfo { mode: self.mode, elapsed_ns, khz, incarnation: self.incarnation }
    }

    /// The value that RDTSC reads in the guest.
    #[must_use]
    pub fn read(&self, present: &Present) -> u64 {
        self.unshifted(present).wrapping_add(self.shift)
    }

    /// Loads the boot CPU's context with this TSC: RDTSC reads it now and counts on from it, at the rate in force.
    /// PV guests have no such context.
    pub(super) fn load(&mut self, kind: GuestKind, value: u64, present: &Present) {
        if kind != GuestKind::Pv {
            self.shift = value.wrapping_sub(self.unshifted(present));
        }
    }

    /// Takes the frequency of a loaded context's header: that is what the guest is told from then on, and what goes into
    /// its next stream. Its rate stays. 0 is none.
    pub(super) fn load_header(&mut self, khz: u32) {
        if khz != 0 {
            self.rate = Some(self.rate_khz());
            self.khz = khz;
        }
    }

    /// The frequency that the guest is told: in Xen's CPUID leaf, and in the header of its context.
    #[must_use]
    pub fn told_khz(&self) -> u32 {
        self.khz
    }

    /// True if RDTSC is trapped and computed by Xen.
    #[must_use]
    pub fn is_emulated(&self) -> bool {
        self.emulated
    }

    /// True if the CPU scales its counter for the guest.
    #[must_use]
    pub fn is_scaled(&self) -> bool {
        self.scaled
    }

    /// The rate at which the guest's TSC counts.
    #[must_use]
    pub fn rate_khz(&self) -> u32 {
        if self.emulated || self.scaled { self.rate.unwrap_or(self.khz) } else { self.host_khz }
    }

    fn elapsed_ns(&self, present: &Present) -> u64 {
        present.uptime_ns.wrapping_sub(self.epoch_ns)
    }

    fn unshifted(&self, present: &Present) -> u64 {
        let counted_ns = if self.emulated { self.elapsed_ns(present) } else { present.uptime_ns };
        let signed = counted_ns.cast_signed();
        let ticks = count(signed.unsigned_abs(), self.rate_khz());
        if signed < 0 { ticks.wrapping_neg() } else { ticks }
    }
}

/// Ticks in so many nanoseconds; the upper bits are lost as in a counter.
fn count(ns: u64, khz: u32) -> u64 {
    let ticks = u128::from(ns) * u128::from(khz) / 1_000_000;
    (ticks & u128::from(u64::MAX)) as u64
}

/// Nanoseconds that so many ticks take.
fn nanoseconds(ticks: u64, khz: u32) -> u64 {
    let ns = u128::from(ticks) * 1_000_000 / u128::from(khz.max(1));
    (ns & u128::from(u64::MAX)) as u64
}
