//! TSC settings of a config besides the mode: the invariant bit of CPUID, `nomigrate`, Hyper-V's reference page.

use timers::hyperv::Viridian;
use timers::tsc::{CpuidBit, InvariantRequest, TscMode};

use super::config::{Defbool, DomainConfig};

/// CPUID's place for the invariant TSC: leaf and bit of EDX.
const INVARIANT: (u32, usize) = (0x8000_0007, 8);

/// Bits of a register; libxl writes them from the highest down.
const BITS: usize = 32;

impl DomainConfig {
    /// The config's settings for the invariant TSC.
    #[must_use]
    pub(crate) fn invariant_tsc(&self) -> InvariantRequest {
        InvariantRequest {
            bit: self.invariant_bit(),
            nomigrate: self.is_nomigrate(),
            mode: self.b_info.tsc_mode.unwrap_or(TscMode::Default),
        }
    }

    /// True if it says `nomigrate`. Xen and xl move such a guest all the same.
    #[must_use]
    pub(crate) fn is_nomigrate(&self) -> bool {
        self.b_info.disable_migrate.is_some_and(Defbool::is_true)
    }

    /// True if Windows in it reads its time from Hyper-V's reference TSC page, which is valid only while the TSC is not
    /// emulated.
    #[must_use]
    pub(crate) fn has_reference_tsc(&self) -> bool {
        let number = Viridian::ReferenceTsc.number();
        self.b_info.hvm.as_ref().is_some_and(|hvm| {
            hvm.viridian_enable.contains(&number) && !hvm.viridian_disable.contains(&number)
        })
    }

    fn invariant_bit(&self) -> CpuidBit {
        let (leaf, bit) = INVARIANT;
        let leaves = self.b_info.cpuid.cpuid.iter().filter(|found| found.leaf == Some(leaf));
        let mut said = leaves.filter_map(|leaf| leaf.edx.as_ref()?.as_bytes().get(BITS - 1 - bit));
        said.next_back().map_or(CpuidBit::Default, |character| match character {
            b'1' => CpuidBit::On,
            b'0' => CpuidBit::Off,
            b'k' | b's' => CpuidBit::Host,
            _ => CpuidBit::Default,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn config(b_info: serde_json::Value) -> DomainConfig {
        serde_json::from_value(json!({"c_info": {"type": "hvm"}, "b_info": b_info})).unwrap()
    }

    #[test]
    fn the_invariant_bit_as_libxl_writes_it() {
        let with = |edx: &str| {
            config(json!({"cpuid": {"cpuid": [{"leaf": 0x8000_0007_u32, "edx": edx}], "msr": []}}))
        };
        let bit = |edx: &str| with(edx).invariant_tsc().bit;
        assert_eq!(bit("xxxxxxxxxxxxxxxxxxxxxxx1xxxxxxxx"), CpuidBit::On);
        assert_eq!(bit("xxxxxxxxxxxxxxxxxxxxxxx0xxxxxxxx"), CpuidBit::Off);
        assert_eq!(bit("xxxxxxxxxxxxxxxxxxxxxxxkxxxxxxxx"), CpuidBit::Host);
        assert_eq!(bit("1111111111111111111111101x1111111"), CpuidBit::Off);
        for none in ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "", "1", "xxxxxxxxxxxxxxxxxxxxxx1xxxxxxxxx"] {
            assert_eq!(bit(none), CpuidBit::Default, "{none}");
        }
        // As older releases printed it.
        let old =
            config(json!({"cpuid": [{"leaf": 0x8000_0007_u32, "edx": "xxxxxxxxxxxxxxxxxxxxxxx1xxxxxxxx"}]}));
        assert_eq!(old.invariant_tsc().bit, CpuidBit::On);
        assert_eq!(config(json!({})).invariant_tsc().bit, CpuidBit::Default);
    }

    #[test]
    fn nomigrate_and_the_reference_page() {
        assert!(config(json!({"disable_migrate": "True"})).is_nomigrate());
        assert!(
            !config(json!({"disable_migrate": "False"})).is_nomigrate() && !config(json!({})).is_nomigrate()
        );
        let viridian = |on: &[u32], off: &[u32]| {
            config(json!({"type.hvm": {"viridian_enable": on, "viridian_disable": off}})).has_reference_tsc()
        };
        assert!(viridian(&[0, 3], &[]) && !viridian(&[0, 2], &[]) && !viridian(&[0, 3], &[3]));
    }
}
