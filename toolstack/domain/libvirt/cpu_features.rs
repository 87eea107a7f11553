//! libvirt's names of x86 CPU features, with their CPUID bits.

/// A register of CPUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Register {
    Eax,
    Ebx,
    Ecx,
    Edx,
}

/// A bit of CPUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bit {
    pub(crate) leaf: u32,
    pub(crate) subleaf: Option<u32>,
    pub(crate) register: Register,
    pub(crate) bit: usize,
}

/// The names of a register's bits. A blank name stands for a bit without one.
type Names = (u32, Option<u32>, Register, &'static [(usize, &'static [&'static str])]);

/// Registers, and for each the first bit of a run with the names of its bits.
const REGISTERS: &[Names] = &[
    (
        0x1,
        None,
        Register::Ecx,
        &[
            (
                0,
                &[
                    "pni", "pclmuldq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3",
                    "cid",
                ],
            ),
            (12, &["fma", "cx16", "xtpr", "pdcm", "", "pcid", "dca", "sse4.1", "sse4.2", "x2apic", "movbe"]),
            (
                23,
                &["popcnt", "tsc-deadline", "aes", "xsave", "osxsave", "avx", "f16c", "rdrand", "hypervisor"],
            ),
        ],
    ),
    (
        0x1,
        None,
        Register::Edx,
        &[
            (
                0,
                &[
                    "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", "", "sep", "mtrr",
                    "pge",
                ],
            ),
            (
                14,
                &[
                    "mca", "cmov", "pat", "pse36", "pn", "clflush", "", "ds", "acpi", "mmx", "fxsr", "sse",
                    "sse2",
                ],
            ),
            (27, &["ss", "ht", "tm", "ia64", "pbe"]),
        ],
    ),
    (0x6, None, Register::Eax, &[(2, &["arat"])]),
    (
        0x7,
        Some(0),
        Register::Ebx,
        &[
            (
                0,
                &[
                    "fsgsbase",
                    "tsc_adjust",
                    "sgx",
                    "bmi1",
                    "hle",
                    "avx2",
                    "",
                    "smep",
                    "bmi2",
                    "erms",
                    "invpcid",
                ],
            ),
            (
                11,
                &["rtm", "cmt", "", "mpx", "", "avx512f", "avx512dq", "rdseed", "adx", "smap", "avx512ifma"],
            ),
            (
                23,
                &["clflushopt", "clwb", "intel-pt", "avx512pf", "avx512er", "avx512cd", "sha-ni", "avx512bw"],
            ),
            (31, &["avx512vl"]),
        ],
    ),
    (
        0x7,
        Some(0),
        Register::Ecx,
        &[
            (
                0,
                &[
                    "prefetchwt1",
                    "avx512vbmi",
                    "umip",
                    "pku",
                    "ospke",
                    "waitpkg",
                    "avx512vbmi2",
                    "",
                    "gfni",
                    "vaes",
                ],
            ),
            (10, &["vpclmulqdq", "avx512vnni", "avx512bitalg", "", "avx512-vpopcntdq", "", "la57"]),
            (22, &["rdpid", "", "bus-lock-detect", "cldemote", "", "movdiri", "movdir64b"]),
        ],
    ),
    (
        0x7,
        Some(0),
        Register::Edx,
        &[
            (2, &["avx512-4vnniw", "avx512-4fmaps", "fsrm"]),
            (
                8,
                &[
                    "avx512-vp2intersect",
                    "",
                    "md-clear",
                    "",
                    "",
                    "",
                    "serialize",
                    "",
                    "tsx-ldtrk",
                    "",
                    "pconfig",
                ],
            ),
            (
                22,
                &[
                    "amx-bf16",
                    "avx512-fp16",
                    "amx-tile",
                    "amx-int8",
                    "spec-ctrl",
                    "stibp",
                    "",
                    "arch-capabilities",
                ],
            ),
            (30, &["core-capability", "ssbd"]),
        ],
    ),
    (
        0x7,
        Some(1),
        Register::Eax,
        &[
            (4, &["avx-vnni", "avx512-bf16"]),
            (10, &["fzrm", "fsrs", "fsrc"]),
            (21, &["amx-fp16", "", "avx-ifma"]),
        ],
    ),
    (0xd, Some(1), Register::Eax, &[(0, &["xsaveopt", "xsavec", "xgetbv1", "xsaves"])]),
    (
        0x8000_0001,
        None,
        Register::Ecx,
        &[
            (0, &["lahf_lm", "cmp_legacy", "svm", "extapic", "cr8legacy", "abm", "sse4a", "misalignsse"]),
            (
                8,
                &[
                    "3dnowprefetch",
                    "osvw",
                    "ibs",
                    "xop",
                    "skinit",
                    "wdt",
                    "",
                    "lwp",
                    "fma4",
                    "tce",
                    "",
                    "nodeid_msr",
                ],
            ),
            (21, &["tbm", "topoext", "perfctr_core", "perfctr_nb"]),
        ],
    ),
    (
        0x8000_0001,
        None,
        Register::Edx,
        &[
            (11, &["syscall"]),
            (
                20,
                &["nx", "", "mmxext", "", "", "fxsr_opt", "pdpe1gb", "rdtscp", "", "lm", "3dnowext", "3dnow"],
            ),
        ],
    ),
    (0x8000_0007, None, Register::Edx, &[(8, &["invtsc"])]),
    (
        0x8000_0008,
        None,
        Register::Ebx,
        &[
            (0, &["clzero", "", "xsaveerptr"]),
            (9, &["wbnoinvd", "", "", "ibpb", "", "ibrs", "amd-stibp", "", "stibp-always-on"]),
            (24, &["amd-ssbd", "virt-ssbd", "amd-no-ssb", "", "amd-psfd"]),
        ],
    ),
    (
        0x8000_000a,
        None,
        Register::Edx,
        &[
            (
                0,
                &[
                    "npt",
                    "lbrv",
                    "svm-lock",
                    "nrip-save",
                    "tsc-scale",
                    "vmcb-clean",
                    "flushbyasid",
                    "decodeassists",
                ],
            ),
            (10, &["pause-filter", "", "pfthreshold", "avic", "", "v-vmsave-vmload", "vgif"]),
        ],
    ),
];

/// The bit that a feature's name stands for.
pub(crate) fn bit(name: &str) -> Option<Bit> {
    if name.is_empty() {
        return None;
    }
    REGISTERS.iter().find_map(|&(leaf, subleaf, register, runs)| {
        let (first, at) = runs
            .iter()
            .find_map(|(first, names)| names.iter().position(|known| *known == name).map(|at| (first, at)))?;
        Some(Bit { leaf, subleaf, register, bit: first + at })
    })
}

/// The name of a bit of a leaf's register; registers are numbered from EAX on.
pub(crate) fn feature_at(
    leaf: u32,
    subleaf: Option<u32>,
    register: usize,
    bit: usize,
) -> Option<&'static str> {
    let of = REGISTERS.iter().filter(|(of, sub, place, _)| {
        let place = match place {
            Register::Eax => 0,
            Register::Ebx => 1,
            Register::Ecx => 2,
            Register::Edx => 3,
        };
        (*of, *sub, place) == (leaf, subleaf, register)
    });
    let mut names = of.flat_map(|(.., runs)| *runs);
    names
        .find_map(|(first, names)| names.get(bit.checked_sub(*first)?).copied())
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_the_bits_that_cpus_have() {
        for (name, leaf, subleaf, register, at) in [
            ("aes", 1, None, Register::Ecx, 25),
            ("rdrand", 1, None, Register::Ecx, 30),
            ("hypervisor", 1, None, Register::Ecx, 31),
            ("pbe", 1, None, Register::Edx, 31),
            ("sse2", 1, None, Register::Edx, 26),
            ("avx512vl", 7, Some(0), Register::Ebx, 31),
            ("smap", 7, Some(0), Register::Ebx, 20),
            ("clwb", 7, Some(0), Register::Ebx, 24),
            ("rdpid", 7, Some(0), Register::Ecx, 22),
            ("movdir64b", 7, Some(0), Register::Ecx, 28),
            ("ssbd", 7, Some(0), Register::Edx, 31),
            ("spec-ctrl", 7, Some(0), Register::Edx, 26),
            ("arch-capabilities", 7, Some(0), Register::Edx, 29),
            ("avx-vnni", 7, Some(1), Register::Eax, 4),
            ("xsaves", 13, Some(1), Register::Eax, 3),
            ("perfctr_nb", 0x8000_0001, None, Register::Ecx, 24),
            ("nodeid_msr", 0x8000_0001, None, Register::Ecx, 19),
            ("3dnow", 0x8000_0001, None, Register::Edx, 31),
            ("pdpe1gb", 0x8000_0001, None, Register::Edx, 26),
            ("invtsc", 0x8000_0007, None, Register::Edx, 8),
            ("virt-ssbd", 0x8000_0008, None, Register::Ebx, 25),
            ("ibrs", 0x8000_0008, None, Register::Ebx, 14),
            ("vgif", 0x8000_000a, None, Register::Edx, 16),
        ] {
            assert_eq!(bit(name), Some(Bit { leaf, subleaf, register, bit: at }), "{name}");
        }
        assert_eq!(bit(""), None);
        assert_eq!(bit("vmx-ept"), None);
    }

    #[test]
    fn each_bit_has_one_name() {
        let mut seen = std::collections::BTreeSet::new();
        for (leaf, subleaf, register, runs) in REGISTERS {
            for (first, names) in *runs {
                for (at, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
                    assert!(first + at < 32, "{name}");
                    assert!(seen.insert((*leaf, *subleaf, format!("{register:?}"), first + at)), "{name}");
                }
            }
        }
    }
}
