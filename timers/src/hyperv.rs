//! Hyper-V time sources for Windows guests: libvirt's `hypervclock` as libxl's viridian groups.

use crate::words::words;

words! {
    any_case;
    /// A group of Hyper-V enlightenments: `libxl_viridian_enlightenment`, the members of xl.cfg's `viridian` list.
    ///
    /// Xen 4.14 knows the numbers up to 9; 4.15 added the rest.
    Viridian {
        /// Hypercall page, VP index and APIC registers; libxl refuses every other group without it.
        Base = "base" as 0,
        /// The MSRs that tell the frequency of the TSC and the APIC. Hypervisor's mask has it inverted, `no_freq`.
        Freq = "freq" as 1,
        /// The reference counter MSR: 100 ns units since the guest was made.
        TimeRefCount = "time_ref_count" as 2,
        /// The reference TSC page: the same time, read without leaving the guest.
        ReferenceTsc = "reference_tsc" as 3,
        /// TLB flush by hypercall.
        HcallRemoteTlbFlush = "hcall_remote_tlb_flush" as 4,
        /// End of interrupt without leaving the guest.
        ApicAssist = "apic_assist" as 5,
        /// The MSRs that report a crash.
        CrashCtl = "crash_ctl" as 6,
        /// The synthetic interrupt controller.
        Synic = "synic" as 7,
        /// Synthetic timers; libxl adds `time_ref_count` and `synic`, which they stand on.
        Stimer = "stimer" as 8,
        /// Interrupts between CPUs by hypercall.
        HcallIpi = "hcall_ipi" as 9,
        /// Hypercalls that name more than 64 CPUs. Since 4.15.
        ExProcessorMasks = "ex_processor_masks" as 10,
        /// Tells Windows that there is no limit of CPUs. Since 4.15.
        NoVpLimit = "no_vp_limit" as 11,
        /// Tells Windows that CPUs may be added. Since 4.15.
        CpuHotplug = "cpu_hotplug" as 12,
    }
}

impl Viridian {
    /// The bit in `viridian_enable` and `viridian_disable`, 0 to 12.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The group of a bit; `None` when libxl has none there.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|group| group.number() == number)
    }
}

/// The groups that `<timer name='hypervclock' present='yes'/>` turns on: the two time sources of QEMU's `hv-time`,
/// and the base that libxl demands.
///
/// `reference_tsc` comes with `time_ref_count` because Xen's `update_reference_tsc` puts the counter's offset into
/// the page, and a guest falls back to the counter when the page is invalid (as it is while the TSC is emulated).
/// `freq` does not belong here: nothing in Xen's `viridian/time.c` needs it for either source, and libvirt has a
/// word of its own for it, `<hyperv><frequencies/>`.
#[must_use]
pub fn clock_groups() -> &'static [Viridian] {
    &[Viridian::Base, Viridian::TimeRefCount, Viridian::ReferenceTsc]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_libxls() {
        assert_eq!(Viridian::ALL.len(), 13);
        for (number, &group) in (0..).zip(Viridian::ALL) {
            assert_eq!(group.number(), number);
            assert_eq!(Viridian::from_number(number), Some(group));
            assert_eq!(Viridian::from_word(group.as_str()), Some(group));
        }
        assert_eq!(Viridian::from_number(13), None);
        assert_eq!(Viridian::Stimer.number(), 8);
    }

    #[test]
    fn words_ignore_case_as_in_libxl() {
        assert_eq!(Viridian::from_word("Reference_TSC"), Some(Viridian::ReferenceTsc));
        assert_eq!(Viridian::from_word("reference-tsc"), None);
        assert_eq!(Viridian::from_word("all"), None);
    }

    #[test]
    fn a_clock_always_has_its_base() {
        let words: Vec<_> = clock_groups().iter().map(|group| group.as_str()).collect();
        assert_eq!(words, ["base", "time_ref_count", "reference_tsc"]);
    }
}
