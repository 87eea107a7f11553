//! A limit to the entries of a config in libxl's JSON: an empty device is three bytes there, and a thousand in memory.

/// The most objects in a config: far more than the devices, NUMA nodes and console ports that libxl gives a domain.
pub const MOST_ENTRIES: usize = 65_536;

/// A config with more entries than any domain has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has {0} entries (devices and their parts, each an object or a list in JSON), and no domain has more than {MOST_ENTRIES}"
)]
pub struct TooManyEntries(usize);

/// Counts the objects and lists in a JSON text, whatever else it is, before any is made.
///
/// # Errors
/// When they are too many.
pub fn check(json: &[u8]) -> Result<(), TooManyEntries> {
    let (mut count, mut in_text, mut is_escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            // A list is taken for an object, too: its members are the fields.
            b'{' | b'[' if !in_text => count += 1,
            _ => {}
        }
    }
    if count > MOST_ENTRIES { Err(TooManyEntries(count)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_count_and_what_is_in_texts_does_not() {
        let more = MOST_ENTRIES + 1;
        for one in ["{},", "[],"] {
            let all = |count| format!("{{{}}}", one.repeat(count - 1));
            assert_eq!(check(all(MOST_ENTRIES).as_bytes()), Ok(()));
            assert_eq!(check(all(more).as_bytes()), Err(TooManyEntries(more)));
        }
        let text = format!(r#"{{"name": "\"{}"}}"#, "{".repeat(more));
        assert_eq!(check(text.as_bytes()), Ok(()));
        let nested = "{\"a\":".repeat(more);
        assert_eq!(check(nested.as_bytes()), Err(TooManyEntries(more)));
    }
}
