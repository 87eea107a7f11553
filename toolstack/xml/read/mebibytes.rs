//! Sizes of memory: libvirt's units, and the MiB that xl counts in.

use super::super::cursor::{Element, Result, Value, list};
use crate::diag::Finding;

/// KiB in a MiB.
pub(super) const KIB_PER_MIB: u64 = 1024;

/// The size of a memory element, rounded up to the MiB that xl counts in; `None` for an empty element.
pub(super) fn of_element(element: &Element<'_>) -> Result<Option<u64>> {
    let Some(value) = element.text()? else { return Ok(None) };
    in_mebibytes(&value, element.attr("unit")).map(Some)
}

/// A size in a unit, KiB where there is none, rounded up to the MiB that xl counts in.
pub(super) fn in_mebibytes(value: &Value<'_>, unit: Option<Value<'_>>) -> Result<u64> {
    let number: u64 = value.number("a number of memory units")?;
    let unit = match unit {
        Some(unit) => bytes_per(&unit)?,
        None => 1 << 10,
    };
    let bytes = u128::from(number) * unit;
    let mib = bytes.div_ceil(1 << 20);
    // xl multiplies the MiB by 1024 in a signed 64-bit long.
    let fits = u64::try_from(mib).ok().filter(|&mib| mib > 0 && mib < 1 << 40);
    let Some(mib) = fits else {
        return Err(value.not("an amount of memory between 1 MiB and 1 EiB"));
    };
    if !bytes.is_multiple_of(1 << 20) {
        let reason = format!("xl counts memory in MiB: rounded up to {mib} MiB");
        value.mark(Finding::approximated("memory-rounded", reason).instead("write a whole number of MiB"));
    }
    Ok(mib)
}

/// The units to choose from.
const UNITS: &[&str] = &["b", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "KB", "MB", "GB", "TB", "PB", "EB"];

/// Bytes in a unit of an XML, or the error about it.
fn bytes_per(unit: &Value<'_>) -> Result<u128> {
    unit_bytes(unit.text).ok_or_else(|| {
        let mut error = unit.not(&format!("a unit: {}", list(UNITS.iter().copied())));
        error.finding.alternative = unit.meant(UNITS.iter().copied()).map(Into::into);
        error
    })
}

/// Bytes in libvirt's memory units: powers of 1000 with a B alone, of 1024 otherwise, whatever the case.
pub(crate) fn unit_bytes(unit: &str) -> Option<u128> {
    let lower = unit.to_ascii_lowercase();
    if ["b", "byte", "bytes"].contains(&lower.as_str()) {
        return Some(1);
    }
    let mut letters = lower.chars();
    let letter = letters.next()?;
    let base: u128 = match letters.as_str() {
        "" | "ib" => 1024,
        "b" => 1000,
        _ => return None,
    };
    let power = "kmgtpe".chars().position(|known| known == letter)?;
    base.checked_pow(u32::try_from(power).ok()? + 1)
}
