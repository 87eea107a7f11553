//! An input text and the places in it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// An input: its name and its text. A copy shares them.
#[derive(Clone, Debug)]
pub struct Source(Arc<Input>);

#[derive(Clone, Debug)]
struct Input {
    name: Arc<str>,
    text: String,
    line_starts: Vec<usize>,
    marks: Vec<Mark>,
    tail: Option<Tail>,
}

/// A text behind the input that has a name and lines of its own.
#[derive(Clone, Debug)]
struct Tail {
    name: Arc<str>,
    byte: usize,
    /// How many lines stand before it.
    lines: usize,
}

/// Bytes of an input, kept small: there is one for each of its nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes {
    start: u32,
    end: u32,
}

impl Bytes {
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn end(self) -> u32 {
        self.end
    }
}

impl From<Range<usize>> for Bytes {
    /// Inputs are far shorter than 4 GiB.
    fn from(range: Range<usize>) -> Self {
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Bytes { start: small(range.start), end: small(range.end) }
    }
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
        let mut input =
            Input { name: name.into(), text, line_starts: Vec::new(), marks: Vec::new(), tail: None };
        input.index_from(0);
        Source(Arc::new(input))
    }

    /// Puts a text behind this one, on a line of its own: places in it have its name, and its lines count from 1.
    /// Returns the byte at which it starts.
    pub fn append(&mut self, name: &str, text: &str) -> usize {
        Arc::make_mut(&mut self.0).append(name, text)
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Line and column of a span. A span outside the text, or within a character, is brought to the nearest place.
    #[must_use]
    pub fn place(&self, span: Range<usize>) -> Place {
        let start = floor_char_boundary(&self.0.text, span.start);
        // There is a mark at byte 0.
        let index = self.0.marks.partition_point(|mark| mark.byte <= start).saturating_sub(1);
        let Mark { byte, line, column } = self.0.marks[index];
        let column = column + self.0.text[byte..start].chars().count();
        let span = start..span.end.max(start);
        match &self.0.tail {
            Some(tail) if start >= tail.byte => {
                Place { file: tail.name.clone(), line: line - tail.lines, column, span }
            }
            _ => Place { file: self.0.name.clone(), line, column, span },
        }
    }

    /// The line in which a place begins, without its end.
    #[must_use]
    pub(crate) fn line_of(&self, place: &Place) -> &str {
        let at = floor_char_boundary(&self.0.text, place.span.start);
        // There is a line at byte 0.
        let next = self.0.line_starts.partition_point(|&start| start <= at);
        let start = next.checked_sub(1).and_then(|index| self.0.line_starts.get(index)).copied().unwrap_or(0);
        let end = self.0.line_starts.get(next).copied().unwrap_or(self.0.text.len());
        self.0.text[start..end].trim_end_matches(['\n', '\r'])
    }

    /// How many characters of the span lie on its first line; at least 1, for a caret.
    #[must_use]
    pub fn width(&self, place: &Place) -> usize {
        let start = floor_char_boundary(&self.0.text, place.span.start);
        let end = floor_char_boundary(&self.0.text, place.span.end);
        let first_line = self.0.text.get(start..end).unwrap_or_default().lines().next().unwrap_or_default();
        first_line.chars().count().max(1)
    }
}

impl Input {
    fn append(&mut self, name: &str, text: &str) -> usize {
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let byte = self.text.len();
        // A line that begins at the very end belongs to what follows.
        self.line_starts.retain(|&start| start < byte);
        self.marks.retain(|mark| mark.byte < byte);
        self.tail = Some(Tail { name: name.into(), byte, lines: self.line_starts.len() });
        self.text.push_str(text);
        self.index_from(byte);
        byte
    }

    /// Notes where lines start, from a byte that starts one.
    fn index_from(&mut self, byte: usize) {
        let first = self.line_starts.len();
        let text = &self.text;
        self.line_starts.push(byte);
        // Lines are short: a search for each end would take longer.
        for (at, _) in text.as_bytes()[byte..].iter().enumerate().filter(|(_, c)| **c == b'\n') {
            self.line_starts.push(byte + at + 1);
        }
        for (index, &start) in self.line_starts.iter().enumerate().skip(first) {
            let end = self.line_starts.get(index + 1).copied().unwrap_or(text.len());
            let mut mark = Mark { byte: start, line: index + 1, column: 1 };
            self.marks.push(mark);
            while end - mark.byte > MARK_EVERY {
                let next = floor_char_boundary(text, mark.byte + MARK_EVERY);
                mark.column += text[mark.byte..next].chars().count();
                mark.byte = next;
                self.marks.push(mark);
            }
        }
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
        assert_eq!(source.line_of(&source.place(4..5)), "bc");
        assert_eq!(source.line_of(&source.place(99..100)), "d");
    }

    #[test]
    fn a_tail_has_its_own_name_and_lines() {
        for text in ["a\nb", "a\nb\n"] {
            let mut source = Source::new("f", text.to_owned());
            assert_eq!(source.append("words", "c\nd"), 4);
            let at = |byte: usize| source.place(byte..byte + 1).to_string();
            assert_eq!([at(2), at(4), at(6), at(9)], ["f:2:1", "words:1:1", "words:2:1", "words:2:2"]);
            assert_eq!(source.line_of(&source.place(6..7)), "d");
            assert_eq!(source.line_of(&source.place(2..3)), "b");
        }
        let mut empty = Source::new("f", String::new());
        assert_eq!(empty.append("words", "c"), 1);
        assert_eq!(empty.place(0..0).to_string(), "f:1:1");
        assert_eq!(empty.place(1..2).to_string(), "words:1:1");
    }
}
