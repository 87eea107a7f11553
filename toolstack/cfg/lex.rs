//! The tokens of an xl.cfg, as in `libxlu_cfg_l.l`.

use std::ops::Range;

/// A token and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A key: lower case letters, digits, `_` and `.`.
    Ident,
    /// Digits, `a` to `f` and `x` among them.
    Number,
    /// A string, its escapes undone.
    Text(Vec<u8>),
    Comma,
    Open,
    Close,
    Assign,
    Add,
    Semicolon,
    /// The end of a line, with the comment before it.
    Newline,
    End,
    /// A text without quotes; only words of the command line have those.
    Bare,
    /// A text that xl's lexer refuses.
    Odd(Odd),
}

/// Why xl's lexer refuses something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// A character that starts nothing.
    Character,
    /// A string without end on its line.
    OpenString,
    /// A comment without line break at the end of the file.
    OpenComment,
    /// `\x41`, which xl's lexer means to take and never does.
    HexEscape,
    /// `\1` without enough digits behind it.
    OctalEscape,
    /// A backslash before a letter that stands for nothing.
    Escape,
    /// A NUL in a string, which ends xl itself.
    Nul,
}

pub struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Lexer { bytes, at: 0 }
    }

    /// Goes on at a byte.
    pub fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// The next token; [`Kind::End`] from the end on.
    pub fn next(&mut self) -> Token {
        self.blanks();
        let start = self.at;
        let (kind, length) = token(self.rest());
        self.at += length;
        Token { kind, span: start..self.at }
    }

    /// The next token where a value is expected and need not be quoted: what is neither a quoted text nor a list nor
    /// a number goes to the end of the setting.
    pub fn next_bare(&mut self) -> Token {
        self.blanks();
        let rest = self.rest();
        let end = rest.iter().take_while(|byte| !matches!(byte, b';' | b'\n')).count();
        let word = rest.get(..end).unwrap_or_default().trim_ascii_end();
        // A comment may follow a number.
        let number = word.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii_end();
        let is_number =
            !number.is_empty() && number.iter().all(|byte| number_part(*byte)) && number[0].is_ascii_digit();
        if is_number || matches!(word, [] | [b'"' | b'\'' | b'[', ..]) {
            return self.next();
        }
        let span = self.at..self.at + word.len();
        self.at = span.end;
        Token { kind: Kind::Bare, span }
    }

    fn blanks(&mut self) {
        while matches!(self.rest(), [b' ' | b'\t', ..]) {
            self.at += 1;
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

/// True for a byte that may follow a number's first digit.
fn number_part(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'x')
}

/// The token that a text starts with, and its length.
fn token(text: &[u8]) -> (Kind, usize) {
    let run = |part: fn(&u8) -> bool| text.iter().take_while(|byte| part(byte)).count();
    match text {
        [] => (Kind::End, 0),
        [b'a'..=b'z', ..] => {
            (Kind::Ident, run(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_')))
        }
        [b'0'..=b'9', ..] => (Kind::Number, run(|byte| number_part(*byte))),
        [b',', ..] => (Kind::Comma, 1),
        [b'[', ..] => (Kind::Open, 1),
        [b']', ..] => (Kind::Close, 1),
        [b'+', b'=', ..] => (Kind::Add, 2),
        [b'=', ..] => (Kind::Assign, 1),
        [b';', ..] => (Kind::Semicolon, 1),
        [b'\n', ..] => (Kind::Newline, 1),
        // A last character that starts nothing is one that xl's lexer loses.
        [_] => (Kind::End, 1),
        [b'#', ..] => match run(|&byte| byte != b'\n') {
            all if all == text.len() => (Kind::Odd(Odd::OpenComment), all),
            comment => (Kind::Newline, comment + 1),
        },
        [quote @ (b'\'' | b'"'), ..] => string(text, *quote),
        _ => (Kind::Odd(Odd::Character), run(|byte| !matches!(byte, b' ' | b'\t' | b'\n')).max(1)),
    }
}

fn string(text: &[u8], quote: u8) -> (Kind, usize) {
    let mut end = 1;
    loop {
        match text.get(end..) {
            Some([b'\\', after, ..]) if *after != b'\n' => end += 2,
            Some([byte, ..]) if *byte == quote => break,
            Some([byte, ..]) if !matches!(byte, b'\n' | b'\\') => end += 1,
            _ => {
                let line = text.iter().take_while(|&&byte| byte != b'\n').count();
                return (Kind::Odd(Odd::OpenString), line);
            }
        }
    }
    let kind = match unescaped(&text[1..end]) {
        Ok(text) => Kind::Text(text),
        Err(odd) => Kind::Odd(odd),
    };
    (kind, end + 1)
}

/// The escapes that stand for one character.
const ESCAPES: [(u8, u8); 10] = [
    (b'"', b'"'),
    (b'\'', b'\''),
    (b'\\', b'\\'),
    (b'a', 0x07),
    (b'b', 0x08),
    (b'f', 0x0c),
    (b'n', b'\n'),
    (b'r', b'\r'),
    (b't', b'\t'),
    (b'v', 0x0b),
];

/// A string with its escapes undone.
fn unescaped(text: &[u8]) -> Result<Vec<u8>, Odd> {
    if text.contains(&0) {
        return Err(Odd::Nul);
    }
    if !text.contains(&b'\\') {
        return Ok(text.to_vec());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        match rest {
            [] => return Ok(out),
            [b'\\', b'x', ..] => return Err(Odd::HexEscape),
            // xl's lexer reads the digits behind the first one, in decimal, and then forgets the number.
            [b'\\', b'0'..=b'7', after @ ..] => match decimal(after) {
                length @ 2.. => rest = &after[length..],
                _ => return Err(Odd::OctalEscape),
            },
            [b'\\', letter, after @ ..] => {
                let (_, byte) = ESCAPES.iter().find(|(escape, _)| escape == letter).ok_or(Odd::Escape)?;
                out.push(*byte);
                rest = after;
            }
            [byte, after @ ..] => {
                out.push(*byte);
                rest = after;
            }
        }
    }
}

/// How much of the next three bytes C's `strtoul` takes: blanks, a sign, digits.
fn decimal(text: &[u8]) -> usize {
    let text = &text[..text.len().min(3)];
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | 0x09..=0x0d)).count();
    let sign = usize::from(matches!(text.get(blanks), Some(b'+' | b'-')));
    let digits = text[blanks + sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 { 0 } else { blanks + sign + digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &[u8]) -> Vec<Kind> {
        let mut lexer = Lexer::new(text);
        let mut kinds = Vec::new();
        loop {
            match lexer.next().kind {
                Kind::End => return kinds,
                kind => kinds.push(kind),
            }
        }
    }

    #[test]
    fn tokens_are_xls() {
        use Kind::{Add, Assign, Close, Comma, Ident, Newline, Number, Odd, Open, Semicolon, Text};
        let text = |text: &str| Text(text.as_bytes().to_vec());
        assert_eq!(
            kinds(b"a.b_1 =\t0x1f; c+= [ 'x', ] # no \"\n"),
            [Ident, Assign, Number, Semicolon, Ident, Add, Open, text("x"), Comma, Close, Newline]
        );
        assert_eq!(kinds(b"12gh"), [Number, Ident]);
        assert_eq!(kinds(b"-12 3"), [Odd(super::Odd::Character), Number]);
        assert_eq!(kinds(b"+ ="), [Odd(super::Odd::Character), Assign]);
        assert_eq!(kinds(b"# end"), [Odd(super::Odd::OpenComment)]);
        assert_eq!(kinds(b"'a\n'b'\n"), [Odd(super::Odd::OpenString), Newline, text("b"), Newline]);
        assert_eq!(kinds(b"'\"' \"'\""), [text("\""), text("'")]);
        assert_eq!(kinds(b"''''"), [text(""), text("")]);
    }

    #[test]
    fn a_last_odd_character_is_lost_as_in_xl() {
        for text in [&b"a -"[..], b"a \"", b"a #", b"a A"] {
            assert_eq!(kinds(text), [Kind::Ident]);
        }
        assert_eq!(kinds(b"a -\n"), [Kind::Ident, Kind::Odd(Odd::Character), Kind::Newline]);
    }

    #[test]
    fn escapes_are_undone_as_xl_does() {
        let table: [(&str, Result<&str, Odd>); 14] = [
            (r#"\"\'\\"#, Ok(r#""'\"#)),
            (r"\a\b\f\n\r\t\v", Ok("\x07\x08\x0c\n\r\t\x0b")),
            (r"a\123b", Ok("ab")),
            (r"a\1234b", Ok("ab")),
            (r"a\12345b", Ok("a5b")),
            (r"a\1 +2b", Ok("ab")),
            (r"a\1 2b", Ok("ab")),
            (r"a\12b", Err(Odd::OctalEscape)),
            (r"a\1", Err(Odd::OctalEscape)),
            (r"a\8", Err(Odd::Escape)),
            (r"a\z", Err(Odd::Escape)),
            (r"a\x41", Err(Odd::HexEscape)),
            ("a\0b", Err(Odd::Nul)),
            ("ü#;", Ok("ü#;")),
        ];
        for (text, expected) in table {
            let expected = expected.map(|text| text.as_bytes().to_vec());
            assert_eq!(unescaped(text.as_bytes()), expected, "{text:?}");
        }
    }
}
