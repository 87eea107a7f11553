//! Parses numbers as C's library does, and therefore as xl does.

/// A number at the beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scanned {
    negative: bool,
    /// `None` where 64 bits do not hold it.
    magnitude: Option<u64>,
    /// The bytes up to its end.
    len: usize,
}

/// The longest number that a text begins with, after blanks; `None` where there is none. Base 0 is that of a literal
/// in C: 16 after `0x`, 8 after `0`, else 10.
fn scan(text: &str, base: u32) -> Option<Scanned> {
    let bytes = text.as_bytes();
    // isspace(3), in the C locale.
    let blanks = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    let signed = matches!(bytes.get(blanks), Some(b'-' | b'+'));
    let start = blanks + usize::from(signed);
    let rest = bytes.get(start..).unwrap_or_default();
    let is_hex = matches!(rest, [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit());
    let (base, prefix) = match (base, rest) {
        (0 | 16, _) if is_hex => (16, 2),
        (0, [b'0', ..]) => (8, 0),
        (0, _) => (10, 0),
        (base, _) => (base, 0),
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(base);
    let (mut count, mut magnitude) = (0, Some(0_u64));
    for digit in rest.iter().skip(prefix).map_while(digit) {
        count += 1;
        magnitude =
            magnitude.and_then(|value| value.checked_mul(u64::from(base))?.checked_add(u64::from(digit)));
    }
    let negative = bytes.get(blanks) == Some(&b'-');
    (count > 0).then_some(Scanned { negative, magnitude, len: start + prefix + count })
}

/// `strtoul`: the number, of which a negative one wraps and too large a one is the largest; and how many bytes it has,
/// 0 where there is none.
pub fn unsigned(text: &str, base: u32) -> (u64, usize) {
    match scan(text, base) {
        None => (0, 0),
        Some(Scanned { magnitude: None, len, .. }) => (u64::MAX, len),
        Some(Scanned { negative: true, magnitude: Some(value), len }) => (value.wrapping_neg(), len),
        Some(Scanned { negative: false, magnitude: Some(value), len }) => (value, len),
    }
}

/// `strtol`: the number, or the end of its range; and how many bytes it has, 0 where there is none.
pub fn signed(text: &str, base: u32) -> (i64, usize) {
    let Some(Scanned { negative, magnitude, len }) = scan(text, base) else {
        return (0, 0);
    };
    let value = match (negative, magnitude) {
        (false, Some(value)) => i64::try_from(value).unwrap_or(i64::MAX),
        (true, Some(value)) => 0_i64.checked_sub_unsigned(value).unwrap_or(i64::MIN),
        (false, None) => i64::MAX,
        (true, None) => i64::MIN,
    };
    (value, len)
}

/// `atoi`: 0 where there is no number, and of a large one the low 32 bits.
pub fn int(text: &str) -> i32 {
    signed(text, 10).0 as i32
}

/// A number of `sscanf`'s `%x` or `%u` and its bytes. Unlike `strtoul` it takes `0x` without digits for 0.
pub fn scanned(text: &str, base: u32) -> Option<(u64, usize)> {
    let (value, len) = unsigned(text, base);
    let after = text.get(len..).unwrap_or_default();
    match len {
        0 => None,
        _ if base == 16 && value == 0 && text[..len].ends_with('0') && is_lone_prefix(text, len) => {
            Some((value, len + after.starts_with(['x', 'X']) as usize))
        }
        _ => Some((value, len)),
    }
}

/// True if the number up to there is the 0 of a `0x`.
fn is_lone_prefix(text: &str, len: usize) -> bool {
    text[..len].trim_start().trim_start_matches(['-', '+']) == "0"
}

/// A number that is the whole text, in base 0, as xl takes it for a key; `None` where there is none, where something
/// follows it, or where 64 bits do not hold it.
pub fn long(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let Scanned { negative, magnitude, len } = scan(text, 0)?;
    let value = magnitude?;
    match (len == text.len(), negative) {
        (false, _) => None,
        (true, false) => i64::try_from(value).ok(),
        (true, true) => 0_i64.checked_sub_unsigned(value),
    }
}

/// As [`long`], where 64 bits without a sign do.
pub fn whole(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let Scanned { negative, magnitude, len } = scan(text, 0)?;
    magnitude.filter(|value| len == text.len() && (!negative || *value == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_keys_are_cs() {
        let table = [
            ("0", Some(0)),
            ("3600", Some(3600)),
            (" \t-3600", Some(-3600)),
            ("+5", Some(5)),
            ("0x10", Some(16)),
            ("-0X1f", Some(-31)),
            ("010", Some(8)),
            ("08", None),
            ("0x", None),
            ("0x-1", None),
            ("--1", None),
            ("- 1", None),
            ("", None),
            ("5 ", None),
            ("1fx", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("99999999999999999999999999999999999999999999", None),
        ];
        for (text, number) in table {
            assert_eq!(long(text.as_bytes()), number, "{text:?}");
        }
        assert_eq!(long(b"\xff"), None);
        assert_eq!(whole(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!((whole(b"-1"), whole(b"-0"), whole(b"1 ")), (None, Some(0), None));
    }

    #[test]
    fn numbers_in_texts_are_cs() {
        let table = [
            ("12ab", 10, (12, 2)),
            ("12ab", 16, (0x12ab, 4)),
            (" +7,", 10, (7, 3)),
            ("-1", 10, (u64::MAX, 2)),
            ("-2", 16, (u64::MAX - 1, 2)),
            ("0x1f-", 16, (0x1f, 4)),
            ("0x", 16, (0, 1)),
            ("0xg", 0, (0, 1)),
            ("x", 16, (0, 0)),
            ("99999999999999999999", 10, (u64::MAX, 20)),
            ("-99999999999999999999", 10, (u64::MAX, 21)),
        ];
        for (text, base, expected) in table {
            assert_eq!(unsigned(text, base), expected, "{text:?}");
        }
        assert_eq!(signed("-99999999999999999999", 10), (i64::MIN, 21));
        assert_eq!(["7x", "x", "-3", "4294967297", "99999999999999999999"].map(int), [7, 0, -3, 1, -1]);
    }

    #[test]
    fn sscanf_takes_a_lone_prefix_for_zero() {
        let table = [
            ("0x:1", Some((0, 2))),
            ("0x1", Some((1, 3))),
            ("00x", Some((0, 2))),
            (" -1", Some((u64::MAX, 3))),
            ("1f.0", Some((0x1f, 2))),
            (":", None),
        ];
        for (text, expected) in table {
            assert_eq!(scanned(text, 16), expected, "{text:?}");
        }
    }
}
