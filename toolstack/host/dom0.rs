//! Detects a dom0, and reads dom0's memory.

use std::path::Path;

/// True if this is a dom0: the kernel says what this domain may do.
#[must_use]
pub fn in_dom0() -> bool {
    controls(Path::new("/proc/xen/capabilities"))
}

/// True if this capabilities file says that its domain controls the others.
#[must_use]
pub fn controls(capabilities: &Path) -> bool {
    std::fs::read_to_string(capabilities).is_ok_and(|text| text.contains("control_d"))
}

/// Returns true if Xen's command line fixes dom0's memory, by a `dom0_mem` that Xen understands.
#[must_use]
pub fn has_dom0_mem(command_line: &str) -> bool {
    let sizes = command_line.split(' ').filter_map(|word| word.strip_prefix("dom0_mem="));
    sizes
        .map(|sizes| sizes.strip_suffix(',').unwrap_or(sizes))
        .any(|sizes| sizes.split(',').all(is_dom0_size))
}

/// `[min:|max:]SIZE`, or a percentage in the place of the size or behind it.
fn is_dom0_size(word: &str) -> bool {
    let word = word.strip_prefix("min:").or_else(|| word.strip_prefix("max:")).unwrap_or(word);
    match word.strip_suffix('%') {
        None => is_size(word),
        Some(share) => {
            let percent = match share.split_once('+') {
                Some((size, percent)) if is_size(size) => percent,
                Some(_) => return false,
                None => share,
            };
            (1..=2).contains(&percent.len()) && percent.bytes().all(|byte| byte.is_ascii_digit())
        }
    }
}

/// A number with a unit, such as `-512M`.
fn is_size(word: &str) -> bool {
    let number = word.strip_prefix('-').unwrap_or(word);
    let digits = number.strip_suffix(|unit: char| "bBkKmMgGtT".contains(unit)).unwrap_or(number);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dom0_mem_is_found_as_xl_finds_it() {
        for line in [
            "dom0_mem=512M",
            "noreboot dom0_mem=1G,max:1G loglvl=all",
            "dom0_mem=min:-128M,max:1G+10%,",
            "dom0_mem=10%",
            "dom0_mem=524288",
        ] {
            assert!(has_dom0_mem(line), "{line}");
        }
        for line in [
            "",
            "loglvl=all",
            "xdom0_mem=512M",
            "dom0_mem=",
            "dom0_mem=much",
            "dom0_mem=max:",
            "dom0_mem=100%",
            "dom0_mem=1+1G",
        ] {
            assert!(!has_dom0_mem(line), "{line}");
        }
    }
}
