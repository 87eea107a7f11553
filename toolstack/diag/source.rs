//! An input text and the places in it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// An input: its name and its text.
#[derive(Clone, Debug)]
pub struct Source {
    name: Arc<str>,
    text: String,
    line_starts: Vec<usize>,
}

/// A place in an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The input's name; `-` for standard input.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The bytes meant.
    pub span: Range<usize>,
}

impl Source {
    /// A text under a name.
    pub fn new(name: &str, text: String) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Source { name: name.into(), text, line_starts }
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a span. A span outside the text, or within a character, is brought to the nearest place.
    #[must_use]
    pub fn place(&self, span: Range<usize>) -> Place {
        let start = floor_char_boundary(&self.text, span.start);
        let line = self.line_starts.partition_point(|&at| at <= start).max(1);
        let column = self.text[self.line_starts[line - 1]..start].chars().count() + 1;
        Place { file: self.name.clone(), line, column, span: start..span.end.max(start) }
    }

    /// The text of a line, from 1, without its end.
    #[must_use]
    pub fn line(&self, line: usize) -> &str {
        let Some(&start) = line.checked_sub(1).and_then(|index| self.line_starts.get(index)) else {
            return "";
        };
        let end = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }

    /// How many characters of the span lie on its first line; at least 1, for a caret.
    #[must_use]
    pub fn width(&self, place: &Place) -> usize {
        let start = floor_char_boundary(&self.text, place.span.start);
        let end = floor_char_boundary(&self.text, place.span.end);
        let first_line = self.text.get(start..end).unwrap_or_default().lines().next().unwrap_or_default();
        first_line.chars().count().max(1)
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_and_lines() {
        let source = Source::new("f", "aé\nbc\r\n\nd".to_owned());
        let at = |byte| (source.place(byte..byte + 1).line, source.place(byte..byte + 1).column);
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(3), (1, 3));
        assert_eq!(at(4), (2, 1));
        assert_eq!(at(8), (3, 1));
        assert_eq!(at(9), (4, 1));
        assert_eq!(at(99), (4, 2));
        assert_eq!(at(2), (1, 2), "within the two bytes of é");
        assert_eq!(source.line(2), "bc");
        assert_eq!(source.line(9), "");
    }
}
