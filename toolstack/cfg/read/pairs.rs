//! `key=value` in strings, and lists in strings, as xl's helpers split them.

use super::Reader;
use super::book::Words;
use crate::cfg::number;
use crate::diag::Finding;
use crate::diag::number::{Unit, meant};

/// A range of numbers, `3` or `2-5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub first: u64,
    pub last: u64,
    /// True if xl takes it for one; some of its readers do not ask.
    pub whole: bool,
}

impl Range {
    /// The numbers below a bound.
    pub fn below(self, bound: u32) -> impl Iterator<Item = u32> {
        let end = self.last.saturating_add(1).min(u64::from(bound));
        (self.first..end).filter_map(|number| u32::try_from(number).ok())
    }

    /// How many numbers it has.
    pub fn count(self) -> u64 {
        if self.first <= self.last { (self.last - self.first).saturating_add(1) } else { 0 }
    }
}

/// xl's `parse_range`.
pub fn range(text: &str) -> Range {
    let (first, length) = number::unsigned(text, 10);
    if length == 0 || first == u64::MAX {
        return Range { first, last: first, whole: false };
    }
    let rest = &text[length..];
    let Some(rest) = rest.strip_prefix('-') else {
        return Range { first, last: first, whole: rest.is_empty() };
    };
    let (last, length) = number::unsigned(rest, 10);
    let whole = length > 0 && last != u64::MAX && last >= first && length == rest.len();
    Range { first, last, whole }
}

impl<'a> Reader<'a> {
    /// xl's `split_string_into_pair` at a character; `None` where it finds no two parts.
    pub(super) fn pair(&self, words: Words<'a>, at: char) -> Option<(Words<'a>, Words<'a>)> {
        if self.host.is_since(18) {
            return words.split(at).filter(|(_, value)| !value.text.is_empty());
        }
        // Before that, all of the delimiters parted, and what stands behind a second one was lost.
        let delimiters: &'static [u8] = if at == ':' { b":" } else { b"=" };
        let mut parts = words.tokens(delimiters);
        let (key, value) = (parts.next()?, parts.next()?);
        Some((key, value))
    }

    /// [`Reader::pair`] at `=`, without blanks around the parts.
    pub(super) fn trimmed_pair(&mut self, words: Words<'a>, node: usize) -> Option<(Words<'a>, Words<'a>)> {
        let pair = self.pair(words, '=');
        if let Some((_, value)) = pair
            && !self.host.is_since(18)
            && value.text.len() < words.text.len()
            && words.text.trim_end_matches(value.text).len() != words.text.len() - value.text.len()
        {
            let reason = format!("xl loses everything after the second = of '{}'", words.text);
            self.book.note(node, &words, Finding::unsupported("second-equals", reason));
        }
        pair.map(|(key, value)| (key.trimmed(), value.trimmed()))
    }

    /// xl's `split_string_into_string_list`, which crashes where there is nothing to split.
    pub(super) fn parts(
        &mut self,
        words: Words<'a>,
        delimiters: &'static [u8],
        node: usize,
    ) -> Vec<Words<'a>> {
        let parts: Vec<_> = words.tokens(delimiters).collect();
        if parts.is_empty() {
            let finding = Finding::invalid("nothing-there", "the value is missing, and xl crashes");
            self.book.wrong(node, &words, finding.instead("remove it, or give it a value"));
        }
        parts
    }

    /// xl's `parse_ulong`: the number that a text begins with.
    pub(super) fn ulong(&mut self, words: Words<'a>, node: usize) -> Option<u64> {
        let (value, length) = number::unsigned(words.text, 10);
        if length == 0 || value == u64::MAX {
            let finding = Finding::invalid("bad-value", format!("'{}' is not a number", words.text));
            self.book.wrong(node, &words, finding.instead(digits(words.text, Unit::Plain)));
            return None;
        }
        self.rest_of_number(words, length, node);
        Some(value)
    }

    /// As [`Reader::ulong`], for a number that people give a unit.
    pub(super) fn ulong_of(&mut self, words: Words<'a>, node: usize, unit: Unit) -> Option<u64> {
        let (value, length) = number::unsigned(words.text, 10);
        match meant(words.text, unit) {
            Some(_) if length > 0 && length < words.text.len() => {
                let reason = format!("xl reads only {} of '{}'", &words.text[..length], words.text);
                let finding = Finding::approximated("not-all-a-number", reason);
                self.book.note(node, &words, finding.instead(digits(words.text, unit)));
                Some(value)
            }
            _ => self.ulong(words, node),
        }
    }

    /// `strtoul` in base 0, of which xl takes whatever comes out.
    pub(super) fn number_at(&mut self, words: Words<'a>, node: usize) -> u64 {
        let (value, length) = number::unsigned(words.text, 0);
        self.rest_of_number(words, length, node);
        value
    }

    /// As [`Reader::number_at`], of which xl keeps 8 bits.
    pub(super) fn byte_at(&mut self, words: Words<'a>, node: usize) -> u8 {
        let value = self.number_at(words, node);
        self.kept_of(words, node, value.into(), i128::from(value as u8));
        value as u8
    }

    /// As [`Reader::number_at`], of which xl keeps 32 bits.
    pub(super) fn word_at(&mut self, words: Words<'a>, node: usize) -> u32 {
        let value = self.number_at(words, node);
        self.kept_of(words, node, value.into(), i128::from(value as u32));
        value as u32
    }

    /// As [`Reader::ulong`], of which xl keeps 32 bits.
    pub(super) fn ulong_of_word(&mut self, words: Words<'a>, node: usize) -> Option<u32> {
        let value = self.ulong(words, node)?;
        self.kept_of(words, node, value.into(), i128::from(value as u32));
        Some(value as u32)
    }

    /// `atoi`, of which xl takes whatever comes out.
    pub(super) fn int_at(&mut self, words: Words<'a>, node: usize) -> i32 {
        let (value, length) = number::signed(words.text, 10);
        self.rest_of_number(words, length, node);
        let kept = number::int(words.text);
        self.kept_of(words, node, value.into(), kept.into());
        kept
    }

    /// Says that xl keeps another number than the one that is written.
    fn kept_of(&mut self, words: Words<'a>, node: usize, value: i128, kept: i128) {
        let is_minus_one = words.text.trim_start().starts_with("-1") && kept == i128::from(u32::MAX);
        if value != kept && !is_minus_one {
            let reason = format!("the number '{}' is out of range, and xl reads it as {kept}", words.text);
            let finding = Finding::approximated("number-wraps", reason);
            self.book.note(node, &words, finding.instead("write a number that is in range"));
        }
    }

    /// Says what xl makes of a number with something behind it.
    fn rest_of_number(&mut self, words: Words<'a>, length: usize, node: usize) {
        if length == words.text.len() && length > 0 {
            return;
        }
        let reason = match length {
            0 => format!("'{}' is not a number, and xl reads it as 0", words.text),
            _ => format!("xl reads only {} of '{}'", &words.text[..length], words.text),
        };
        self.book.note(
            node,
            &words,
            Finding::approximated("not-all-a-number", reason).instead(digits(words.text, Unit::Plain)),
        );
    }
}

/// The remedy for a text that is no number in digits.
fn digits(text: &str, unit: Unit) -> String {
    // `:1`, a display as behind an address.
    let text = text.strip_prefix(':').unwrap_or(text);
    match meant(text, Unit::Flag).or_else(|| meant(text, unit)).filter(|number| *number >= 0) {
        Some(number) => format!("write {number}"),
        None => "write only digits".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_xls() {
        let table = [
            ("3", (3, 3, true)),
            ("2-5", (2, 5, true)),
            ("5-2", (5, 2, false)),
            ("2-", (2, 0, false)),
            ("3x", (3, 3, false)),
            ("2-5x", (2, 5, false)),
            ("x", (0, 0, false)),
            ("-1", (u64::MAX, u64::MAX, false)),
            (" 1- 2", (1, 2, true)),
        ];
        for (text, (first, last, whole)) in table {
            assert_eq!(range(text), Range { first, last, whole }, "{text:?}");
        }
        assert_eq!(range("2-99").below(5).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(range("5-2").below(9).count(), 0);
        assert_eq!(range("0").below(0).count(), 0);
        assert_eq!(range("0-9").count(), 10);
    }
}
