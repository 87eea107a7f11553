//! Suggests a replacement for a value: a line that xl reads as the intended value.

use super::{Content, Value};
pub use crate::diag::number::Unit;
use crate::diag::number::meant;

/// The value, as it is written behind the `=`, that a word stands for where a key takes a number; `None` where nobody
/// can know.
pub fn number(word: &str, unit: Unit) -> Option<String> {
    value(word, unit).map(written)
}

/// As [`number`], for the key of this name.
pub fn number_of(name: &str, word: &str, unit: Unit) -> Option<String> {
    // A display is often written as behind an address, `:1`.
    let display = word.strip_prefix(':').filter(|_| name == "vncdisplay");
    number(display.unwrap_or(word), unit)
}

/// The number that a word stands for where a key takes one.
pub fn value(word: &str, unit: Unit) -> Option<i64> {
    // A quantity is not negative.
    let of_unit = |number: i64| match unit {
        Unit::Seconds | Unit::Epoch | Unit::Plain => number,
        Unit::Flag | Unit::Mebibytes | Unit::Kibibytes | Unit::Hertz => number.saturating_abs(),
    };
    meant(word, unit).map(of_unit)
}

/// A number as xl's lexer takes it.
pub fn written(number: i64) -> String {
    if number < 0 { format!("\"{number}\"") } else { number.to_string() }
}

/// A value as xl takes it: digits as they are, anything else in quotes.
pub fn literal(value: &str) -> String {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { value.to_owned() } else { quoted(value) }
}

/// The remedy for a value of which nobody can know the number.
pub fn example(name: &str, unit: Unit) -> String {
    let example = match unit {
        Unit::Flag => "1 or 0",
        Unit::Seconds => "seconds, as in 3600, or \"-3600\"",
        Unit::Epoch => "seconds since 1970-01-01T00:00:00Z",
        Unit::Mebibytes => "MiB, as in 512",
        Unit::Kibibytes => "KiB",
        Unit::Hertz => "Hz, as in 2000000000",
        Unit::Plain => "a number",
    };
    format!("give {name} {example}")
}

/// A text in the quotes that it needs, its backslashes and quotes escaped where it needs both.
pub fn quoted(text: &str) -> String {
    if text.contains('"') && !text.contains(['\'', '\\']) {
        return format!("'{text}'");
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A list of texts as it is written; `None` if it has anything else in it, or nothing.
pub fn list_of(value: &Value) -> Option<String> {
    let quote = |text: &[u8]| std::str::from_utf8(text).ok().map(quoted);
    let texts: Option<Vec<_>> = match &value.content {
        Content::List(items) => items.iter().map(|item| quote(item.text()?)).collect(),
        Content::Text(text) => quote(text).map(|text| vec![text]),
    };
    texts.filter(|texts| !texts.is_empty()).map(|texts| format!("[ {} ]", texts.join(", ")))
}

/// A text that begins with a quote and does not end with the same one, or has more of them, in quotes as it was
/// probably meant.
pub fn requoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    // `"""text"""`
    let triple = quote.to_string().repeat(3);
    if let Some(inner) = text.strip_prefix(&*triple).and_then(|text| text.strip_suffix(&*triple)) {
        return Some(quoted(inner));
    }
    let other = if quote == '"' { '\'' } else { '"' };
    // `'text'"`
    let stray = text.strip_suffix(other).filter(|text| {
        text.len() > 1 && text.ends_with(quote) && text.matches(quote).count() == 2 && !text.contains(other)
    });
    let text = stray.unwrap_or(text);
    let within = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    let is_whole = text.len() > 1 && text.ends_with(quote) && within.matches(quote).count() % 2 == 0;
    let inner = match within {
        // Quotes within the text are its own, in pairs.
        within if is_whole && !within.is_empty() => within,
        // The other quote closes it.
        within if text.ends_with(other) && !within.contains([quote, other]) => within,
        _ => text.trim_start_matches(quote).trim_end_matches(quote),
    };
    // An escaped quote stays one.
    Some(quoted(&inner.replace(&format!("\\{quote}"), &quote.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_numbers_stand_in_quotes() {
        assert_eq!(number("-90 min", Unit::Seconds).as_deref(), Some("\"-5400\""));
        assert_eq!(number("1h", Unit::Seconds).as_deref(), Some("3600"));
    }

    #[test]
    fn texts_are_quoted_so_that_xl_reads_them_back() {
        let table = [
            ("\"console=ttyS0 quiet\"\"", "\"console=ttyS0 quiet\""),
            ("\"root=\"/dev/xvda\"\"", "'root=\"/dev/xvda\"'"),
            ("\"web'", "\"web\""),
            ("\"a\"b\"", "'a\"b'"),
            ("'it's'", "\"it's\""),
            ("\"it's \"so\"", "\"it's \\\"so\""),
            ("\"open", "\"open\""),
            ("'web'\"", "\"web\""),
            ("\"web\"'", "\"web\""),
            ("\"\"\"/a,raw,xvda,w\"\"\"", "\"/a,raw,xvda,w\""),
        ];
        for (text, expected) in table {
            assert_eq!(requoted(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(quoted("a\\b"), "\"a\\\\b\"");
    }
}
