//! Escapes text from outside for output on a terminal.

use std::borrow::Cow;

/// Text that came from outside, such as a domain's name or a line of a file, without what a terminal acts upon: control
/// characters, line breaks and marks that change the direction of writing are written as escapes, `\n` or `\u{202e}`.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, acts)
}

/// As [`shown`], but tabs stay tabs.
#[must_use]
pub(super) fn shown_with_tabs(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\t' && acts(c))
}

/// As [`shown`], but line breaks stay line breaks: for several lines that are this program's own.
#[must_use]
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && acts(c))
}

/// JSON without what a terminal acts upon: the same value, with those characters of its strings as `\u202e`. A JSON writer
/// escapes only the controls below the blank, of which the text has only the line breaks and tabs between its tokens.
#[must_use]
pub fn shown_json(json: &str) -> Cow<'_, str> {
    escaped_as(
        json,
        |c| !c.is_ascii_whitespace() && acts(c),
        |c, out| {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        },
    )
}

fn escaped(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    escaped_as(text, acts, |c, out| out.extend(c.escape_default()))
}

fn escaped_as(text: &str, acts: impl Fn(char) -> bool, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for c in text.chars() {
        if acts(c) {
            escape(c, &mut out);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// True if a terminal does more than show it in its place.
pub(crate) fn acts(c: char) -> bool {
    let breaks_line = matches!(c, '\u{2028}' | '\u{2029}');
    c.is_control() || breaks_line || is_unseen(c)
}

/// True if nobody sees the character: two names look alike with it, or it changes the direction of writing. Unicode's
/// `Default_Ignorable_Code_Point`, and the marks of interlinear annotations.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_a_terminal_acts_upon_is_escaped_and_the_rest_stays() {
        for plain in ["", "guest", "Grüße 你好 🦀", "C:\\x", "it's \"quoted\""] {
            assert!(matches!(shown(plain), Cow::Borrowed(text) if text == plain));
        }
        assert_eq!(shown("a\x1b[2Jb\n\tc\r\0\x7f"), "a\\u{1b}[2Jb\\n\\tc\\r\\u{0}\\u{7f}");
        assert_eq!(
            shown("\u{9b}31m \u{202e} \u{2028} \u{200b}x"),
            "\\u{9b}31m \\u{202e} \\u{2028} \\u{200b}x"
        );
        assert_eq!(shown("a\u{ad}\u{fe0f}\u{3164}b\u{fff9}"), "a\\u{ad}\\u{fe0f}\\u{3164}b\\u{fff9}");
        assert_eq!(shown_with_tabs("\ta\x1b\n"), "\ta\\u{1b}\\n");
        assert_eq!(shown_lines("a\tb\nc\x1b"), "a\\tb\nc\\u{1b}");
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"a\u{9b}": ["\x1b[2J\u{7f}\u{202e}\n\t", "Grüße 你好 🦀\u{e0041}\u{feff}\\u"]});
        for json in [value.to_string(), format!("{value:#}\n")] {
            let shown = shown_json(&json);
            assert!(!shown.contains(|c: char| c != '\n' && acts(c)), "{shown}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
            assert!(shown.contains("Grüße 你好 🦀"), "{shown}");
        }
    }
}
