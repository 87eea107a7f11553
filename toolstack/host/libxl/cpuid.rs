//! Xen's CPUID leaves on the TSC, if this domain may read them.

use std::arch::asm;
use std::fs;
use std::path::Path;

/// Xen's leaves begin here, or so many hundreds further on where Xen poses as Hyper-V too.
const FIRST: u32 = 0x4000_0000;
const LAST: u32 = 0x4001_0000;
const STEP: u32 = 0x100;

/// `XenVMMXenVMM` in EBX, ECX and EDX.
const SIGNATURE: [u32; 3] =
    [u32::from_le_bytes(*b"XenV"), u32::from_le_bytes(*b"MMXe"), u32::from_le_bytes(*b"nVMM")];

/// The time leaf's number from the first; in EAX of its sub-leaf 0, that Xen trusts the host's TSC.
const TIME: u32 = 3;
const RELIABLE: u32 = 1 << 1;

/// EAX, EBX, ECX and EDX.
type Registers = [u32; 4];

/// How a domain gets at Xen's leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The instruction leads to Xen by itself.
    Plain,
    /// In a PV domain it reads the machine's own leaves, unless Xen is asked to do it.
    Forced,
}

/// True if Xen trusts the host's TSC; `None` where no leaf says so.
pub(super) fn tsc_reliable() -> Option<bool> {
    let way = way(Path::new("/sys/hypervisor"))?;
    reliable(|leaf, sub| match way {
        Way::Plain => plain(leaf, sub),
        // SAFETY: this is a PV domain of Xen, so the prefix is not an illegal instruction but a request.
        Way::Forced => unsafe { forced(leaf, sub) },
    })
}

/// The kernel knows what kind of domain it is in; without its word nothing is tried.
fn way(hypervisor: &Path) -> Option<Way> {
    let says = |file: &str| fs::read_to_string(hypervisor.join(file)).ok();
    if says("type")?.trim() != "xen" {
        return None;
    }
    match says("guest_type")?.trim() {
        "PV" => Some(Way::Forced),
        "HVM" | "PVH" => Some(Way::Plain),
        _ => None,
    }
}

fn reliable(read: impl Fn(u32, u32) -> Registers) -> Option<bool> {
    let base = (FIRST..LAST).step_by(STEP as usize).find(|&base| {
        let [last, name @ ..] = read(base, 0);
        name == SIGNATURE && last >= base + TIME
    })?;
    Some(read(base + TIME, 0)[0] & RELIABLE != 0)
}

fn plain(leaf: u32, sub: u32) -> Registers {
    let (mut a, b, mut c, d) = (leaf, 0_u32, sub, 0_u32);
    let (mut b, mut d) = (u64::from(b), d);
    // SAFETY: every x86-64 CPU has CPUID, and it changes these four registers only; LLVM keeps RBX for itself, so it
    // is put aside.
    unsafe {
        asm!(
            "mov {save}, rbx", "cpuid", "xchg {save}, rbx",
            save = inout(reg) b, inout("eax") a, inout("ecx") c, inout("edx") d,
            options(nomem, nostack, preserves_flags)
        );
    }
    [a, b as u32, c, d]
}

/// CPUID behind the prefix that makes Xen do it for a PV domain: `ud2` and the letters `xen`.
///
/// # Safety
/// Only in a PV domain of Xen: elsewhere the prefix is an illegal instruction.
unsafe fn forced(leaf: u32, sub: u32) -> Registers {
    let (mut a, b, mut c, d) = (leaf, 0_u32, sub, 0_u32);
    let (mut b, mut d) = (u64::from(b), d);
    // SAFETY: as the caller promises; else as in `plain`.
    unsafe {
        asm!(
            "mov {save}, rbx", ".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e", "cpuid", "xchg {save}, rbx",
            save = inout(reg) b, inout("eax") a, inout("ecx") c, inout("edx") d,
            options(nomem, nostack, preserves_flags)
        );
    }
    [a, b as u32, c, d]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn xen_at(base: u32, leaves: u32, flags: u32) -> impl Fn(u32, u32) -> Registers {
        move |leaf, sub| match (leaf.wrapping_sub(base), sub) {
            (0, _) => [base + leaves, SIGNATURE[0], SIGNATURE[1], SIGNATURE[2]],
            (TIME, 0) => [flags, 0, 2_600_000, 1],
            (TIME, _) => [u32::MAX; 4],
            _ => [0; 4],
        }
    }

    #[test]
    fn the_leaf_is_found_and_its_bit_read() {
        assert_eq!(reliable(xen_at(0x4000_0000, 5, 0b111)), Some(true));
        assert_eq!(reliable(xen_at(0x4000_0000, 5, 0b101)), Some(false));
        assert_eq!(reliable(xen_at(0x4000_0100, 4, 0b010)), Some(true));
        assert_eq!(reliable(xen_at(0x4000_ff00, 3, 0b010)), Some(true));
        // Too few leaves, another hypervisor, none at all.
        assert_eq!(reliable(xen_at(0x4000_0000, 2, 0b010)), None);
        assert_eq!(reliable(xen_at(0x4001_0000, 5, 0b010)), None);
        assert_eq!(reliable(|_, _| [0x4000_0005, 1, 2, 3]), None);
    }

    #[test]
    fn the_instruction_answers() {
        // "GenuineIntel", "AuthenticAMD" and their kin are letters.
        let [last, name @ ..] = plain(0, 0);
        assert!(last >= 1);
        assert!(
            name.iter()
                .flat_map(|word| word.to_le_bytes())
                .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        );
        assert_eq!(plain(0, 0)[1], std::arch::x86_64::__cpuid(0).ebx);
    }

    #[test]
    fn only_the_kernels_word_leads_to_the_prefix() {
        let dir = tempfile::tempdir().unwrap();
        let at = |kind: Option<&str>, guest: Option<&str>| {
            for (file, text) in [("type", kind), ("guest_type", guest)] {
                let _ = fs::remove_file(dir.path().join(file));
                if let Some(text) = text {
                    fs::write(dir.path().join(file), format!("{text}\n")).unwrap();
                }
            }
            way(dir.path())
        };
        assert_eq!(at(Some("xen"), Some("PV")), Some(Way::Forced));
        assert_eq!(at(Some("xen"), Some("PVH")), Some(Way::Plain));
        assert_eq!(at(Some("xen"), Some("HVM")), Some(Way::Plain));
        for (kind, guest) in [
            (None, None),
            (None, Some("PV")),
            (Some("xen"), None),
            (Some("xen"), Some("new")),
            (Some("kvm"), Some("PV")),
        ] {
            assert_eq!(at(kind, guest), None);
        }
    }
}
