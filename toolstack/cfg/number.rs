//! Numbers as xl takes them: C's `strtol` with base 0, to the end of the text.

/// The number; `None` where there is none, where something follows it, or where 64 bits do not hold it.
pub fn long(text: &[u8]) -> Option<i64> {
    integer(text).and_then(|number| i64::try_from(number).ok())
}

/// As [`long`], where more than 64 bits do.
pub fn integer(text: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(text).ok()?;
    // isspace(3), in the C locale.
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (base, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None if digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    // Rust's own parser would take another sign.
    if !digits.starts_with(|digit: char| digit.is_digit(base)) {
        return None;
    }
    let value = i128::from_str_radix(digits, base).ok()?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::long;

    #[test]
    fn numbers_are_cs() {
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
    }
}
