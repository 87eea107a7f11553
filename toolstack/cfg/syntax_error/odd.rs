//! The message for a character or a string that xl's lexer refuses.

use super::super::keys;
use super::super::lex::Odd;
use super::super::remedy_words::CLOSE_QUOTE;
use super::super::suggest;
use super::{Expected, NOT_PYTHON, Unexpected};
use crate::diag::Finding;

impl Unexpected<'_> {
    pub(super) fn odd(&self, odd: Odd) -> Finding {
        let lexical = |reason: &'static str| Finding::invalid("cfg-lexical", reason);
        match odd {
            Odd::OpenString if !self.expected.is_value() && self.expected != Expected::Key => {
                self.quote_too_many()
            }
            Odd::OpenString => {
                let finding = lexical("the string does not end on its line");
                match (self.expected, suggest::requoted(self.value())) {
                    (Expected::Value, Some(text)) => {
                        finding.instead(format!("{CLOSE_QUOTE}: {} = {text}", self.key()))
                    }
                    _ => finding.instead(CLOSE_QUOTE),
                }
            }
            Odd::OpenComment => lexical("xl accepts no comment in a last line without a line break")
                .instead("end the file with a line break"),
            Odd::HexEscape => lexical("xl's \\x escapes do not work")
                .instead("write the character itself; the file may be UTF-8"),
            Odd::OctalEscape | Odd::Escape => lexical("an unknown escape: xl does not accept this \\")
                .instead("write \\\\ for a backslash; the other escapes are \\n \\t \\r \\\" \\' and \\a \\b \\f \\v"),
            Odd::Nul => lexical("a NUL byte in a string").instead("remove it"),
            Odd::Character => self.odd_character(),
        }
    }

    fn odd_character(&self) -> Finding {
        let lexical = |reason: String| Finding::invalid("cfg-lexical", reason);
        let signed = self.token.strip_prefix(['-', '+']);
        let is_number = signed.is_some_and(|digits| digits.starts_with(|digit: char| digit.is_ascii_digit()));
        match self.token.chars().next() {
            _ if is_number && self.expected.is_value() => {
                lexical("xl accepts a number with a sign only in quotes".to_owned()).instead(self.in_quotes())
            }
            _ if self.expected.is_value() => {
                lexical(format!("{} is not a value: xl accepts strings only in quotes", self.word))
                    .instead(self.in_quotes())
            }
            Some('A'..='Z') if self.expected == Expected::Key => {
                let instead = match self.value().split_once('=') {
                    Some((key, value)) => {
                        let (key, equals) = key.strip_suffix('+').map_or((key, "="), |key| (key, "+="));
                        format!("write {} {equals} {}", key_like(key.trim_end()), value.trim_start())
                    }
                    None if keys::find(&key_like(self.word)).is_some() => {
                        format!("write {} = VALUE", key_like(self.word))
                    }
                    None => NOT_PYTHON.to_owned(),
                };
                lexical(format!("{} is not a key: keys are in lower case", self.word)).instead(instead)
            }
            Some('-') if self.expected == Expected::Assign && self.whole != self.word => {
                lexical(format!("{} is not a key: keys contain _ and no -", self.whole))
                    .instead(self.renamed())
            }
            Some(':' | '-')
                if self.expected == Expected::Assign
                    && [":", "->"].iter().any(|sign| self.line.starts_with(sign)) =>
            {
                let value = self.line.trim_start_matches([':', '-', '>', '=', ' ', '\t']);
                let instead = match value.chars().next() {
                    None => self.expected.remedy().to_owned(),
                    Some('"' | '\'' | '[') => format!("write {} = {value}", self.key()),
                    Some(_) => format!("write {} = {}", self.key(), suggest::literal(value)),
                };
                lexical(format!("expected = after the key, found {}", self.token)).instead(instead)
            }
            Some('-') if self.line.starts_with("-=") => {
                lexical("xl does not calculate".to_owned()).instead(NOT_PYTHON)
            }
            Some('-' | ':' | 'A'..='Z') if self.expected == Expected::Assign => {
                lexical(format!("{} is not a key: keys are in lower case, with _ and no -", self.whole))
                    .instead(self.renamed())
            }
            Some('+') if self.as_python().is_some() => {
                lexical("xl does not join strings".to_owned()).instead(self.as_python().unwrap_or_default())
            }
            Some('+') if self.expected == Expected::EndOfItem => {
                lexical("xl does not join strings".to_owned())
                    .instead("join the two strings into one, without the +")
            }
            _ if self.ends_at_quote() => self.quote_too_many(),
            _ if self.whole != self.word && self.expected != Expected::Key => {
                let Finding { reason, alternative, .. } = self.split_word();
                Finding::invalid("cfg-lexical", reason).instead(alternative.unwrap_or_default())
            }
            _ if self.expected == Expected::EndOfSetting && self.calculated().is_some() => {
                lexical("xl does not calculate".to_owned()).instead(self.calculated().unwrap_or_default())
            }
            _ => lexical(format!("expected {}, found {}", self.expected.words(), self.what())).instead(
                match self.expected {
                    Expected::EndOfSetting => NOT_PYTHON,
                    expected => expected.remedy(),
                },
            ),
        }
    }

    /// The remedy for a key with other letters than a key has, with the value behind it where that is the rest of the line.
    fn renamed(&self) -> String {
        let key = key_like(self.whole);
        // The line goes on from within the key.
        let value = self.line.split_once('=').map(|(name, value)| (name.trim_end(), value.trim()));
        match value.filter(|(name, value)| !name.contains([' ', '\t']) && !value.is_empty()) {
            _ if key.starts_with('_') => NOT_PYTHON.to_owned(),
            Some((_, value)) if value.contains(';') => format!("write {key}"),
            Some((name, value)) => {
                let sign = if name.ends_with('+') { "+=" } else { "=" };
                let value = match value.starts_with(['"', '\'', '[']) {
                    true => value.to_owned(),
                    false => suggest::literal(value.split(" #").next().unwrap_or_default().trim_end()),
                };
                format!("write {key} {sign} {value}")
            }
            None => format!("write {key}"),
        }
    }
}

/// A word in the letters that a key may have: the key that there is, if one is near.
fn key_like(word: &str) -> String {
    let word = word.split(['=', '+', ' ']).next().unwrap_or_default();
    let word = word.to_ascii_lowercase().replace('-', "_");
    let joined = word.replace('_', "");
    let known = |name: &&str| *name == word || name.replace('_', "") == joined;
    keys::KEYS.iter().map(|key| key.name).find(known).map_or(word, str::to_owned)
}
