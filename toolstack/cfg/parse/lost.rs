//! Which settings a line may be that nobody can read.

use std::ops::Range;

use super::super::keys::{self, KEYS};
use super::super::python;
use super::Parser;
use crate::diag::nearest;

/// Of a file with more keys in such lines, nothing is known.
pub const MOST_KEYS: usize = 4;

impl Parser<'_> {
    /// Keeps the keys that the bytes of an error name, since each may have another value than the file has.
    pub(super) fn lose(&mut self, bytes: Range<usize>) {
        let text = self.words(&bytes).into_owned();
        for name in keys_in(&text) {
            if !self.unread.keys.iter().any(|(lost, _)| *lost == name) {
                self.unread.keys.push((name, bytes.clone()));
            }
        }
        self.unread.lost |= self.unread.keys.len() > MOST_KEYS;
    }
}

/// The keys that lines name, outside of quotes. Behind the first line only a line's first word is one.
fn keys_in(text: &str) -> Vec<&'static str> {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let first = first.split(" #").next().unwrap_or_default();
    // `"vcpus": two`
    let first = match first.trim_start() {
        quoted if quoted.starts_with(['"', '\'']) => quoted.replace(['"', '\''], " "),
        plain => plain.split(['"', '\'']).step_by(2).collect::<Vec<_>>().join(" "),
    };
    let in_first = words(&first);
    let of_first = in_first.iter().enumerate().filter_map(|(index, (word, behind))| {
        let is_key = index == 0 || behind.trim_start().starts_with(['=', ':']);
        // A slip of the pen where a key stands.
        let is_key = is_key && !python::is_statement(word);
        let near = || is_key.then(|| nearest(word, KEYS.iter().map(|key| key.name))).flatten();
        keys::find(word).map(|key| key.name).or_else(near)
    });
    let of_others = lines.filter_map(|line| {
        let line = words(line);
        line.first().and_then(|(word, _)| keys::find(word)).map(|key| key.name)
    });
    of_first.chain(of_others).collect()
}

/// The words of a text in the letters of a key, each with what stands behind it.
fn words(text: &str) -> Vec<(String, &str)> {
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let word = &rest[start..];
        let (word, behind) = word.split_at(word.find(|c| !is_of_key(c)).unwrap_or(word.len()));
        found.push((word.to_ascii_lowercase().replace('-', "_"), behind));
        rest = behind;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::keys_in;

    #[test]
    fn a_line_loses_the_keys_that_it_names() {
        let table = [
            ("vcpus=$N", &["vcpus"][..]),
            ("vif[0] = \"type=vif\"", &["vif"]),
            ("vif.clear()", &["vif"]),
            ("localtime yes", &["localtime"]),
            ("import os", &[]),
            ("[vm]", &[]),
            ("if memory > 3: vcpus = 2", &["memory", "vcpus"]),
            ("memroy: lots", &["memory"]),
            ("\"vcpus\": two # memory", &["vcpus"]),
            ("disk = [ a(b\n memory lots\n \"c\", name ]", &["disk", "memory"]),
        ];
        for (text, expected) in table {
            assert_eq!(keys_in(text), expected, "{text}");
        }
    }
}
