//! `libxl_cpuid_policy_list`: the CPUID and MSR bits that the guest sees.

use serde::de::{Deserialize, Deserializer, Error, MapAccess};
use serde::ser::SerializeMap;
use serde_json::Value;

use super::declare::libxl_struct;
use super::idl::{Field, Rest};

/// `libxl_cpuid_policy_list`: libxl leaves an empty one out, and otherwise prints both lists.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct CpuPolicy {
    /// CPUID leaves.
    pub cpuid: Vec<CpuidLeaf>,
    /// MSRs.
    pub msr: Vec<MsrPolicy>,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

libxl_struct! {
    /// A CPUID leaf: 32 characters a register, from bit 31 down. `0` and `1` set a bit, `x` leaves libxl's default,
    /// `k` and `s` take the host's.
    pub struct CpuidLeaf {
        /// The leaf.
        leaf: Option<u32>,
        /// The subleaf, where the leaf has some.
        subleaf: Option<u32>,
        /// EAX.
        eax: Option<String>,
        /// EBX.
        ebx: Option<String>,
        /// ECX.
        ecx: Option<String>,
        /// EDX.
        edx: Option<String>,
    }
}

/// An MSR: 64 characters, from bit 63 down, as in a CPUID leaf; since Xen 4.19. libxl prints all of it.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MsrPolicy {
    /// The MSR's number.
    pub index: u32,
    /// Its bits.
    pub policy: Option<String>,
    /// Keys of libxl's JSON that are not typed here.
    #[serde(flatten)]
    pub rest: Rest,
}

impl<'de> Deserialize<'de> for CpuPolicy {
    /// Before it knew MSRs, libxl printed the list of leaves alone, and still reads it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, serde::Deserialize)]
        #[serde(default)]
        struct Both {
            cpuid: Vec<CpuidLeaf>,
            msr: Vec<MsrPolicy>,
            #[serde(flatten)]
            rest: Rest,
        }
        let value = Value::deserialize(deserializer)?;
        let Both { cpuid, msr, rest } = if value.is_array() {
            let cpuid = serde_json::from_value(value).map_err(D::Error::custom)?;
            Both { cpuid, ..Both::default() }
        } else {
            serde_json::from_value(value).map_err(D::Error::custom)?
        };
        Ok(CpuPolicy { cpuid, msr, rest })
    }
}

impl Field for CpuPolicy {
    fn write<M: SerializeMap>(&self, key: &'static str, map: &mut M) -> Result<(), M::Error> {
        if *self == CpuPolicy::default() { Ok(()) } else { map.serialize_entry(key, self) }
    }

    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Result<Self, Value>, A::Error> {
        map.next_value().map(Ok)
    }
}
