//! libxl's names for the fields of CPUID and of MSR 0x10a, with the place of each.

/// A register that CPUID answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    Eax,
    Ebx,
    Ecx,
    Edx,
}

/// A register that features are bits of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Leaf {
        leaf: u32,
        subleaf: Option<u32>,
        register: Register,
    },
    /// The half of an MSR that begins with a bit.
    Msr {
        index: u32,
        from: u32,
    },
}

/// Some bits of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub at: At,
    pub bit: u32,
    pub length: u32,
}

/// A field of this name; the fields with a name of libxl's own come before the features.
pub fn find(name: &str) -> Option<Field> {
    let feature = || {
        FEATURES.iter().find_map(|(at, bits)| {
            let (bit, name) = (0..).zip(bits.split(' ')).find(|(_, known)| *known == name && name != ".")?;
            Some(Field { name, at: *at, bit, length: 1 })
        })
    };
    FIELDS.iter().copied().find(|field| field.name == name).or_else(feature)
}

/// The minor number of the release of Xen 4 whose libxl first knows a name; `None` for one that all know.
pub fn since(name: &str) -> Option<u32> {
    NEWER.iter().find(|(_, names)| names.split(' ').any(|known| known == name)).map(|(minor, _)| *minor)
}

/// Every name.
pub fn names() -> impl Iterator<Item = &'static str> {
    let features = FEATURES.iter().flat_map(|(_, bits)| bits.split(' ')).filter(|name| *name != ".");
    FIELDS.iter().map(|field| field.name).chain(features)
}

const fn field(
    name: &'static str,
    leaf: u32,
    subleaf: Option<u32>,
    register: Register,
    bit: u32,
    length: u32,
) -> Field {
    Field { name, at: At::Leaf { leaf, subleaf, register }, bit, length }
}

const fn leaf(leaf: u32, subleaf: Option<u32>, register: Register) -> At {
    At::Leaf { leaf, subleaf, register }
}

/// Numbers, and features under a name of libxl's own.
const FIELDS: &[Field] = &[
    field("maxleaf", 0x0, None, Register::Eax, 0, 32),
    field("stepping", 0x1, None, Register::Eax, 0, 4),
    field("model", 0x1, None, Register::Eax, 4, 8),
    field("family", 0x1, None, Register::Eax, 8, 8),
    field("brandid", 0x1, None, Register::Ebx, 0, 8),
    field("clflush", 0x1, None, Register::Ebx, 8, 8),
    field("proccount", 0x1, None, Register::Ebx, 16, 8),
    field("localapicid", 0x1, None, Register::Ebx, 24, 8),
    field("est", 0x1, None, Register::Ecx, 7, 1),
    field("cntxid", 0x1, None, Register::Ecx, 10, 1),
    field("cmpxchg16", 0x1, None, Register::Ecx, 13, 1),
    field("sse4_1", 0x1, None, Register::Ecx, 19, 1),
    field("sse4.1", 0x1, None, Register::Ecx, 19, 1),
    field("sse4_2", 0x1, None, Register::Ecx, 20, 1),
    field("sse4.2", 0x1, None, Register::Ecx, 20, 1),
    field("aes", 0x1, None, Register::Ecx, 25, 1),
    field("cmpxchg8", 0x1, None, Register::Edx, 8, 1),
    field("sysenter", 0x1, None, Register::Edx, 11, 1),
    field("psn", 0x1, None, Register::Edx, 18, 1),
    field("clfsh", 0x1, None, Register::Edx, 19, 1),
    field("tm", 0x1, None, Register::Edx, 29, 1),
    field("ia64", 0x1, None, Register::Edx, 30, 1),
    field("pbe", 0x1, None, Register::Edx, 31, 1),
    field("arat", 0x6, None, Register::Eax, 2, 1),
    field("tsc_adjust", 0x7, Some(0), Register::Ebx, 1, 1),
    field("cmt", 0x7, Some(0), Register::Ebx, 12, 1),
    field("lahfsahf", 0x8000_0001, None, Register::Ecx, 0, 1),
    field("cmplegacy", 0x8000_0001, None, Register::Ecx, 1, 1),
    field("altmovcr8", 0x8000_0001, None, Register::Ecx, 4, 1),
    field("nodeid", 0x8000_0001, None, Register::Ecx, 19, 1),
    field("perfctr_core", 0x8000_0001, None, Register::Ecx, 23, 1),
    field("perfctr_nb", 0x8000_0001, None, Register::Ecx, 24, 1),
    field("procpkg", 0x4, Some(0), Register::Eax, 26, 6),
    field("invtsc", 0x8000_0007, None, Register::Edx, 8, 1),
    field("ppin", 0x8000_0008, None, Register::Ebx, 23, 1),
    field("btc-no", 0x8000_0008, None, Register::Ebx, 29, 1),
    field("nc", 0x8000_0008, None, Register::Ecx, 0, 8),
    field("apicidsize", 0x8000_0008, None, Register::Ecx, 12, 4),
    field("svm_npt", 0x8000_000a, None, Register::Edx, 0, 1),
    field("svm_lbrv", 0x8000_000a, None, Register::Edx, 1, 1),
    field("svm_nrips", 0x8000_000a, None, Register::Edx, 3, 1),
    field("svm_tscrate", 0x8000_000a, None, Register::Edx, 4, 1),
    field("svm_vmcbclean", 0x8000_000a, None, Register::Edx, 5, 1),
    field("svm_decode", 0x8000_000a, None, Register::Edx, 7, 1),
    field("svm_pausefilt", 0x8000_000a, None, Register::Edx, 10, 1),
    field("lfence+", 0x8000_0021, None, Register::Eax, 2, 1),
    field("maxhvleaf", 0x4000_0000, None, Register::Eax, 0, 8),
];

/// The features of each register from bit 0 up, `.` for a bit without a name.
const FEATURES: &[(At, &str)] = &[
    (
        leaf(0x1, None, Register::Edx),
        "fpu vme de pse tsc msr pae mce cx8 apic . sep mtrr pge mca cmov pat pse36 . clflush . ds \
         acpi mmx fxsr sse sse2 ss htt tm1 . pbe",
    ),
    (
        leaf(0x1, None, Register::Ecx),
        "sse3 pclmulqdq dtes64 monitor dscpl vmx smx eist tm2 ssse3 . sdbg fma cx16 xtpr pdcm . pcid \
         dca sse4-1 sse4-2 x2apic movbe popcnt tsc-deadline aesni xsave osxsave avx f16c rdrand \
         hypervisor",
    ),
    (
        leaf(0x8000_0001, None, Register::Edx),
        ". . . . . . . . . . . syscall . . . . . . . . nx . mmxext . . ffxsr page1gb rdtscp . lm \
         3dnowext 3dnow",
    ),
    (
        leaf(0x8000_0001, None, Register::Ecx),
        "lahf-lm cmp-legacy svm extapic cr8-legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop \
         skinit wdt . lwp fma4 . . nodeid-msr . tbm topoext . . . dbext . . monitorx addr-msk-ext",
    ),
    (leaf(0xd, Some(1), Register::Eax), "xsaveopt xsavec xgetbv1 xsaves xfd"),
    (
        leaf(0x7, Some(0), Register::Ebx),
        "fsgsbase tsc-adjust sgx bmi1 hle avx2 fdp-excp-only smep bmi2 erms invpcid rtm pqm \
         no-fpu-sel mpx pqe avx512f avx512dq rdseed adx smap avx512-ifma . clflushopt clwb proc-trace \
         avx512pf avx512er avx512cd sha avx512bw avx512vl",
    ),
    (
        leaf(0x7, Some(0), Register::Ecx),
        "prefetchwt1 avx512-vbmi umip pku ospke waitpkg avx512-vbmi2 cet-ss gfni vaes vpclmulqdq \
         avx512-vnni avx512-bitalg tme avx512-vpopcntdq . la57 . . . . . rdpid . bld cldemote . \
         movdiri movdir64b enqcmd sgx-lc pks",
    ),
    (leaf(0x8000_0007, None, Register::Edx), ". . . . . . . hw-pstate itsc cpb efro"),
    (
        leaf(0x8000_0008, None, Register::Ebx),
        "clzero . rstr-fp-err-ptrs . . . . . . wbnoinvd . . ibpb . ibrs amd-stibp ibrs-always \
         stibp-always ibrs-fast ibrs-same-mode no-lmsl . . amd-ppin amd-ssbd virt-ssbd ssb-no cppc \
         psfd btc-no ibpb-ret",
    ),
    (
        leaf(0x7, Some(0), Register::Edx),
        ". sgx-keys avx512-4vnniw avx512-4fmaps fsrm uintr . . avx512-vp2intersect srbds-ctrl \
         md-clear rtm-always-abort . tsx-force-abort serialize hybrid tsxldtrk . pconfig arch-lbr \
         cet-ibt . amx-bf16 avx512-fp16 amx-tile amx-int8 ibrsb stibp l1d-flush arch-caps core-caps \
         ssbd",
    ),
    (
        leaf(0x7, Some(1), Register::Eax),
        "sha512 sm3 sm4 . avx-vnni avx512-bf16 lass cmpccxadd arch-perf-mon . fzrm fsrs fsrcs . . . . \
         fred lkgs wrmsrns nmi-src amx-fp16 . avx-ifma . . lam msrlist . . no-invd",
    ),
    (
        leaf(0x8000_0021, None, Register::Eax),
        "no-nest-bp fs-gs-ns lfence-dispatch . . verw-clear nscb . auto-ibrs . amd-fsrs amd-fsrc . . \
         . . . cpuid-user-dis epsf fsrsc amd-prefetchi . . avx512-bmm . . . sbpb ibpb-brtype srso-no \
         srso-us-no srso-msr-fix",
    ),
    (leaf(0x7, Some(1), Register::Ebx), "intel-ppin"),
    (
        leaf(0x7, Some(2), Register::Edx),
        "intel-psfd ipred-ctrl rrsba-ctrl ddp-ctrl bhi-ctrl mcdt-no uc-lock-dis",
    ),
    (
        leaf(0x7, Some(1), Register::Edx),
        ". . . . avx-vnni-int8 avx-ne-convert . . amx-complex . avx-vnni-int16 . . . prefetchi . . \
         uiret-uif cet-sss . . . . . slsm",
    ),
    (
        At::Msr { index: 0x10a, from: 0 },
        "rdcl-no eibrs rsba skip-l1dfl intel-ssb-no mds-no if-pschange-mc-no tsx-ctrl taa-no mcu-ctrl \
         misc-pkg-ctrl energy-filtering doitm sbdr-ssdp-no fbsdp-no psdp-no mcu-ext fb-clear \
         fb-clear-ctrl rrsba bhi-no xapic-status . ovrclk-status pbrsb-no gds-ctrl gds-no rfds-no \
         rfds-clear ign-umonitor mon-umon-mitg",
    ),
    (
        At::Msr { index: 0x10a, from: 32 },
        "pb-opt-ctrl . . . . . . . . . . . . . . . . . . . . . . . . . . . . . its-no",
    ),
    (leaf(0x8000_0021, None, Register::Ecx), ". tsa-sq-no tsa-l1-no"),
];

/// The names that Xen 4.17 does not have, by the release that first has them.
const NEWER: &[(u32, &str)] = &[
    (18, "avx-ifma avx-ne-convert avx-vnni-int8 bld cpuid-user-dis ddp-ctrl pb-opt-ctrl pks wrmsrns"),
    (
        19,
        "addr-msk-ext amd-fsrc amd-fsrs amd-prefetchi amx-tile arch-lbr avx-vnni-int16 epsf fred \
         fs-gs-ns fsrsc no-nest-bp prefetchi sha512 sm3 sm4 uintr",
    ),
    (
        20,
        "amx-bf16 amx-complex amx-fp16 amx-int8 cmpccxadd la57 pconfig sdbg sgx-keys sgx-lc tme \
         waitpkg xfd",
    ),
    (
        21,
        "arch-perf-mon cppc ign-umonitor lam lass lkgs mcu-ext mon-umon-mitg msrlist nmi-src no-invd \
         slsm uc-lock-dis uiret-uif",
    ),
    (22, "avx512-bmm"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_its_place() {
        for name in names() {
            assert_eq!(find(name).map(|field| field.name), Some(name));
        }
        for (_, name) in
            NEWER.iter().flat_map(|(minor, names)| names.split(' ').map(move |name| (minor, name)))
        {
            assert!(find(name).is_some() && since(name).is_some_and(|minor| minor > 17), "{name}");
        }
        let invtsc = find("invtsc").map(|field| (field.at, field.bit, field.length));
        let at = At::Leaf { leaf: 0x8000_0007, subleaf: None, register: Register::Edx };
        assert_eq!(invtsc, Some((at, 8, 1)));
        assert_eq!((since("invtsc"), since("fred")), (None, Some(19)));
    }
}
