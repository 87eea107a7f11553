//! What is said of a place that xl's reader refuses: what stands there, what was expected, what to write instead.

use super::lex::{Kind, Odd};
use crate::diag::Finding;

/// What the grammar has room for at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Key,
    Assign,
    Value,
    EndOfSetting,
    /// After `[` or a comma.
    Item,
    /// After an item.
    EndOfItem,
    /// A list in fewer lists.
    LessDepth,
}

impl Expected {
    fn words(self) -> &'static str {
        match self {
            Expected::Key => "a key, as in memory = 512",
            Expected::Assign => "= or += behind the key",
            Expected::Value => "a value: a number, a text in quotes or a list in [ ]",
            Expected::EndOfSetting => "the end of the line, or a ;",
            Expected::Item => "a value of the list or its ]",
            Expected::EndOfItem => "a comma or the list's ]",
            Expected::LessDepth => "fewer lists within lists",
        }
    }

    fn is_value(self) -> bool {
        matches!(self, Expected::Value | Expected::Item)
    }
}

/// A token where it cannot stand.
pub struct Unexpected<'a> {
    pub kind: &'a Kind,
    pub expected: Expected,
    /// The key of the setting, where there is one already.
    pub key: Option<&'a str>,
    /// The token.
    pub token: &'a str,
    /// From the token to the next blank.
    pub word: &'a str,
    /// With what stands before it without a blank.
    pub whole: &'a str,
    /// It is the first of the file.
    pub first: bool,
}

/// The words that people write for 1 and 0.
const BOOLEANS: [(&str, u8); 6] = [("yes", 1), ("true", 1), ("on", 1), ("no", 0), ("false", 0), ("off", 0)];

impl Unexpected<'_> {
    pub fn finding(&self) -> Finding {
        match self.kind {
            Kind::Odd(odd) => self.odd(*odd),
            Kind::End if matches!(self.expected, Expected::Item | Expected::EndOfItem) => {
                Finding::invalid("cfg-syntax", "the file ends within a list").instead("close the list with ]")
            }
            Kind::Ident if self.expected.is_value() => self.bare_word(),
            Kind::Ident | Kind::Number if self.whole != self.word => self.split_word(),
            _ => {
                let reason = format!("{}, where xl expects {}", self.what(), self.expected.words());
                let finding = Finding::invalid("cfg-syntax", reason);
                match (self.kind, self.expected) {
                    (Kind::Text(_), Expected::EndOfSetting | Expected::EndOfItem) => finding.instead(
                        "join the two strings into one; several strings are a list, as in [ \"a\", \"b\" ]",
                    ),
                    (Kind::Newline | Kind::End, Expected::Value) => {
                        finding.instead("write the value on the key's own line; only a list may go on below")
                    }
                    _ => finding,
                }
            }
        }
    }

    fn what(&self) -> String {
        match self.kind {
            Kind::Newline => "here the line ends".to_owned(),
            Kind::End => "here the file ends".to_owned(),
            _ => format!("here stands {}", self.token),
        }
    }

    fn key(&self) -> &str {
        self.key.unwrap_or("key")
    }

    /// How the word is written as a value.
    fn quoted(&self, word: &str) -> String {
        let quote = if word.contains('"') { '\'' } else { '"' };
        match self.expected {
            Expected::Value => format!("write it in quotes: {} = {quote}{word}{quote}", self.key()),
            _ => format!("write it in quotes: {quote}{word}{quote}"),
        }
    }

    fn bare_word(&self) -> Finding {
        let reason = format!("{} is no value: xl takes a text in quotes only", self.word);
        let finding = Finding::invalid("cfg-syntax", reason);
        match BOOLEANS.iter().find(|(word, _)| *word == self.word) {
            Some((_, number)) => finding.instead(format!("write {} = {number}", self.key())),
            None => finding.instead(self.quoted(self.word)),
        }
    }

    /// `512M`: xl reads a number and then something else.
    fn split_word(&self) -> Finding {
        let reason =
            format!("in {} the value ends before {}: unquoted, xl takes digits only", self.whole, self.word);
        let instead = format!("write the whole in quotes, \"{}\", where it is a text", self.whole);
        Finding::invalid("cfg-syntax", reason).instead(instead)
    }

    fn odd(&self, odd: Odd) -> Finding {
        let lexical = |reason: &'static str| Finding::invalid("cfg-lexical", reason);
        match odd {
            Odd::OpenString => lexical("the string does not end on its line")
                .instead("close it with its quote; a line break within it is written \\n"),
            Odd::OpenComment => lexical("xl takes no comment in a last line that does not end")
                .instead("end the file with a line break"),
            Odd::HexEscape => lexical("xl takes no \\x escapes, though it means to")
                .instead("write the character itself; the file may be UTF-8"),
            Odd::OctalEscape | Odd::Escape => lexical("a \\ that xl's strings have no meaning for")
                .instead("write \\\\ for a backslash; there are \\n \\t \\r \\\" \\' and \\a \\b \\f \\v"),
            Odd::Nul => lexical("a NUL in a string").instead("take it out"),
            Odd::Character => self.odd_character(),
        }
    }

    fn odd_character(&self) -> Finding {
        let lexical = |reason: String| Finding::invalid("cfg-lexical", reason);
        let signed = self.token.strip_prefix(['-', '+']);
        let is_number = signed.is_some_and(|digits| digits.starts_with(|digit: char| digit.is_ascii_digit()));
        let mut characters = self.token.chars();
        match characters.next() {
            Some('\r') => lexical("the line ends in CR and LF, and xl takes LF only".to_owned())
                .instead("save the file with Unix line ends, as dos2unix does"),
            Some('\u{feff}') if self.first => lexical("the file starts with a byte order mark".to_owned())
                .instead("save it as UTF-8 without"),
            _ if is_number && self.expected.is_value() => {
                lexical("xl takes no number with a sign, unless it is in quotes".to_owned())
                    .instead(self.quoted(self.word))
            }
            _ if self.expected.is_value() => {
                lexical(format!("{} is no value: xl takes a text in quotes only", self.word))
                    .instead(self.quoted(self.word))
            }
            Some('A'..='Z') if self.expected == Expected::Key => {
                lexical(format!("{} is no key: keys are in lower case", self.word))
                    .instead(format!("write {}", self.word.to_lowercase()))
            }
            _ if self.whole != self.word && self.expected != Expected::Key => {
                let Finding { reason, alternative, .. } = self.split_word();
                Finding::invalid("cfg-lexical", reason).instead(alternative.unwrap_or_default())
            }
            _ => lexical(format!("{}, where xl expects {}", self.what(), self.expected.words()))
                .instead("an xl.cfg has lines KEY = VALUE and comments behind #; it is no Python"),
        }
    }
}

/// A list added to a string or the reverse.
pub fn mixed(key: &str, to_list: bool) -> Finding {
    let (what, to) = if to_list { ("a string", "list") } else { ("a list", "string") };
    Finding::invalid("cfg-syntax", format!("{what} is added to {key}, which is a {to} so far")).instead(
        if to_list {
            format!("write {key} += [ ... ]")
        } else {
            format!("write {key} = [ ... ], to replace it")
        },
    )
}
