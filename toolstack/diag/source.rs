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
    marks: Vec<Mark>,
}

/// A byte whose line and column are known, so that no place is far from one however long the lines are.
#[derive(Clone, Copy, Debug)]
struct Mark {
    byte: usize,
    line: usize,
    column: usize,
}

/// Bytes between marks within a line, about.
const MARK_EVERY: usize = 4096;

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
        let line_starts: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut marks = Vec::new();
        for (index, &start) in line_starts.iter().enumerate() {
            let end = line_starts.get(index + 1).copied().unwrap_or(text.len());
            let mut mark = Mark { byte: start, line: index + 1, column: 1 };
            marks.push(mark);
            while end - mark.byte > MARK_EVERY {
                let next = floor_char_boundary(&text, mark.byte + MARK_EVERY);
                mark.column += text[mark.byte..next].chars().count();
                mark.byte = next;
                marks.push(mark);
            }
        }
        Source { name: name.into(), text, line_starts, marks }
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
        // There is a mark at byte 0.
        let index = self.marks.partition_point(|mark| mark.byte <= start).saturating_sub(1);
        let Mark { byte, line, column } = self.marks[index];
        let column = column + self.text[byte..start].chars().count();
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
        let long = Source::new("f", format!("x\n{}<", "é".repeat(10_000)));
        assert_eq!((long.place(20_002..20_003).line, long.place(20_002..20_003).column), (2, 10_001));
        assert_eq!(source.line(2), "bc");
        assert_eq!(source.line(9), "");
    }
}
