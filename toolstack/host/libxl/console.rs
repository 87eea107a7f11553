//! Xen's console ring: its boot messages, and the output of its debug keys.

use std::ffi::{c_char, c_uint};

use super::{Libxl, strings};
use crate::host::{ErrorKind, HostError, Result};

/// As much is read at a time.
const PIECE: usize = 16 * 1024;

/// No ring is longer; what comes after that many is written while it is read.
const PIECES: usize = 4096;

impl Libxl {
    /// The content of Xen's console ring: `xl dmesg`.
    ///
    /// # Errors
    /// When Xen does not give it.
    pub fn console_ring(&self) -> Result<String> {
        let doing = "read Xen's console";
        let (mut ring, mut index) = (Vec::new(), 0_u32);
        for _ in 0..PIECES {
            let mut piece = vec![0_u8; PIECE];
            let mut length = PIECE as c_uint;
            self.xc(doing, |xc| {
                // SAFETY: the handle is open, and the buffer is as long as told; nothing is cleared, and reading goes
                // on at the index.
                unsafe {
                    xen_sys::xc_readconsolering(
                        xc,
                        piece.as_mut_ptr().cast::<c_char>(),
                        &mut length,
                        0,
                        1,
                        &mut index,
                    )
                }
            })?;
            if length == 0 {
                break;
            }
            piece.truncate(length as usize);
            ring.extend(piece);
        }
        Ok(String::from_utf8_lossy(&ring).into_owned())
    }

    /// Presses a key on Xen's console, as `xl debug-keys` does: `s` prints what Xen knows of TSCs.
    ///
    /// # Errors
    /// When it is no ASCII character, or Xen does not take it.
    pub fn debug_key(&self, key: char) -> Result<()> {
        let doing = format!("press the debug key '{}'", key.escape_default());
        if !key.is_ascii_graphic() {
            return Err(HostError::new(
                ErrorKind::Invalid,
                doing,
                "expected an ASCII letter, digit or symbol",
            ));
        }
        let keys = strings::to_c(&doing, "key", &key.to_string())?;
        self.libxl(&doing, |ctx| {
            // SAFETY: the context is open, and libxl only reads the C string.
            unsafe { xen_sys::libxl_send_debug_keys(ctx, keys.as_ptr().cast_mut()) }
        })
    }
}

/// The lines that are Xen's own: a guest can print what it likes, but not without its mark.
fn of_xen(ring: &str) -> impl Iterator<Item = &str> {
    ring.lines().filter_map(|line| line.trim_end().strip_prefix("(XEN) "))
}

/// True if the CPU scales a guest's TSC, by what Xen printed at boot; `None` where that is no longer in the ring.
pub(super) fn tsc_scaling(ring: &str) -> Option<bool> {
    let (mut begun, mut listing, mut listed) = (false, false, false);
    for line in of_xen(ring) {
        begun |= line.contains("Xen version ");
        // With console timestamps, a moment in brackets stands before it.
        let line =
            line.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map_or(line, |(_, rest)| rest);
        if line.contains("Supported advanced features:") {
            (listing, listed) = (true, true);
        } else if let Some(feature) = line.strip_prefix(" - ") {
            // Also below a heading that is gone.
            if matches!(feature, "TSC Scaling" | "TSC Rate MSR") {
                return Some(true);
            }
        } else if listing {
            return Some(false);
        }
        // The whole boot is there, and no list in it: there is nothing on this machine that could scale.
        if line.contains("init memory") && begun && !listed {
            return Some(false);
        }
    }
    None
}

/// True if Xen trusts the host's TSC, by what the debug key `s` printed last.
pub(super) fn tsc_reliable(ring: &str) -> Option<bool> {
    of_xen(ring)
        .filter_map(|line| {
            let says = |words| line.contains(words);
            match () {
                () if says("TSC marked as reliable") => Some(true),
                () if says("TSC has constant rate") || says("TSC not marked as") => Some(false),
                () => None,
            }
        })
        .last()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "(XEN) Xen version 4.17.7 (Debian) (team@tracker) (gcc) debug=n Sun\n";
    const LIST: &str = "(XEN) SVM: Supported advanced features:\n(XEN)  - Nested Page Tables (NPT)\n";
    const END: &str = "(XEN) HVM: SVM enabled\n(XEN) Freed 652kB init memory\n";

    #[test]
    fn scaling_is_in_the_list_or_not() {
        let with = |feature: &str| tsc_scaling(&format!("{BEGIN}{LIST}(XEN)  - {feature}\n{END}"));
        assert_eq!(with("TSC Rate MSR"), Some(true));
        assert_eq!(with("TSC Scaling"), Some(true));
        assert_eq!(with("Pause-Intercept Filter"), Some(false));
        assert_eq!(with("TSC Scaling of another kind"), Some(false));
        // Without its beginning, the ring still has the list.
        assert_eq!(tsc_scaling(&format!("{LIST}{END}")), Some(false));
        let vmx = LIST.replace("SVM:", "VMX:");
        assert_eq!(tsc_scaling(&format!("{vmx}(XEN)  - TSC Scaling\n{END}")), Some(true));
    }

    #[test]
    fn scaling_with_timestamps() {
        let text = "(XEN) [2026-07-01 12:00:00] VMX: Supported advanced features:\n\
                    (XEN) [2026-07-01 12:00:00]  - TSC Scaling\n";
        assert_eq!(tsc_scaling(text), Some(true));
        let text = text.replace("TSC Scaling", "Virtual NMI");
        assert_eq!(tsc_scaling(&text), None, "the list may go on");
        assert_eq!(
            tsc_scaling(&format!("{text}(XEN) [2026-07-01 12:00:00] HVM: VMX enabled\n")),
            Some(false)
        );
    }

    #[test]
    fn scaling_is_unknown_where_the_ring_has_wrapped() {
        assert_eq!(tsc_scaling(""), None);
        assert_eq!(tsc_scaling(END), None);
        assert_eq!(tsc_scaling(BEGIN), None);
        assert_eq!(tsc_scaling(&format!("{BEGIN}{LIST}")), None);
        // Cut within the list, above the line that tells.
        assert_eq!(tsc_scaling(&format!("(XEN)  - Virtual NMI\n(XEN)  - TSC Scaling\n{END}")), Some(true));
        assert_eq!(tsc_scaling(&format!("(XEN)  - Virtual NMI\n{END}")), None);
    }

    #[test]
    fn a_machine_without_hvm_scales_nothing() {
        assert_eq!(tsc_scaling(&format!("{BEGIN}{}", "(XEN) Freed 652kB init memory\n")), Some(false));
    }

    #[test]
    fn a_guest_cannot_say_it() {
        let text = format!("{}{}", LIST.replace("(XEN)", "(d5)"), "(d5)  - TSC Scaling\n(d5) x\n");
        assert_eq!(tsc_scaling(&text), None);
        assert_eq!(tsc_reliable("(d5) TSC marked as reliable, warp = 0 (count=1)\n"), None);
    }

    #[test]
    fn the_last_word_on_the_tsc_counts() {
        let good = "(XEN) TSC marked as reliable, warp = 0 (count=2)\n";
        let bad = "(XEN) TSC has constant rate, deep Cstates possible, so not reliable, warp=0 (count=1)\n";
        let none = "(XEN) TSC not marked as either constant or reliable, warp=95 (count=1)\n";
        assert_eq!(tsc_reliable(""), None);
        assert_eq!(tsc_reliable(good), Some(true));
        assert_eq!(tsc_reliable(bad), Some(false));
        assert_eq!(tsc_reliable(none), Some(false));
        assert_eq!(tsc_reliable(&format!("{good}{bad}")), Some(false));
        assert_eq!(tsc_reliable(&format!("{none}{good}(XEN) No domains have emulated TSC\n")), Some(true));
    }
}
