//! Maps places in a file that is not UTF-8 to the text shown in messages, in which each invalid sequence is one
//! replacement character.

use std::ops::Range;

/// How long a replacement character is.
const REPLACEMENT: usize = char::REPLACEMENT_CHARACTER.len_utf8();

/// The differences between the text that is shown and the bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// The starts and ends of sequences that are not UTF-8, and their places in the text, in order.
    replaced: Vec<Replaced>,
}

#[derive(Clone, Debug)]
struct Replaced {
    bytes: Range<usize>,
    end: usize,
}

impl Shown {
    /// The differences for the text that `String::from_utf8_lossy` makes of these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        if std::str::from_utf8(bytes).is_ok() {
            return Shown::default();
        }
        let (mut byte, mut end, mut replaced) = (0, 0, Vec::new());
        for chunk in bytes.utf8_chunks() {
            let start = byte + chunk.valid().len();
            end += chunk.valid().len();
            byte = start + chunk.invalid().len();
            if byte > start {
                end += REPLACEMENT;
                replaced.push(Replaced { bytes: start..byte, end });
            }
        }
        Shown { replaced }
    }

    /// A span of the text.
    pub(super) fn span(&self, bytes: &Range<usize>) -> Range<usize> {
        self.place(bytes.start)..self.place(bytes.end)
    }

    fn place(&self, byte: usize) -> usize {
        let before = self.replaced.partition_point(|replaced| replaced.bytes.start < byte);
        match before.checked_sub(1).and_then(|index| self.replaced.get(index)) {
            Some(last) => last.end + byte.saturating_sub(last.bytes.end),
            None => byte,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_text_that_is_shown() {
        for bytes in [
            &b"plain"[..],
            b"\xff\xfe x \xe9",
            b"\xf0\x9f\x98 \xe2\x82\xac\xe2\x82",
            b"\xc3\xa9\xe9",
            b"",
            b"\x80\x80\x80\x80",
        ] {
            let shown = Shown::of(bytes);
            let text = String::from_utf8_lossy(bytes);
            for chunk_end in bytes.utf8_chunks().scan(0, |at, chunk| {
                *at += chunk.valid().len() + chunk.invalid().len();
                Some(*at)
            }) {
                let expected = String::from_utf8_lossy(&bytes[..chunk_end]).len();
                assert_eq!(shown.span(&(0..chunk_end)), 0..expected, "{text}");
            }
            for byte in 0..bytes.len() {
                assert!(shown.place(byte) <= shown.place(byte + 1) && shown.place(byte) <= text.len());
            }
        }
    }
}
