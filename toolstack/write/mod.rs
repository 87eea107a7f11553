//! Writes the hub in the output formats.

pub mod clock_keys;
pub mod json;
pub mod value;
pub mod xl;
pub mod xml;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod oracle;

/// Numbers as `1` and `3-5`, in their order.
pub(super) fn ranges(numbers: &[u32]) -> Vec<String> {
    let mut out: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match out.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => out.push((*number, *number)),
        }
    }
    out.iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect()
}
