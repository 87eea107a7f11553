//! What the error at a token is told from: the texts around it.

use super::super::lex::Token;
use super::super::syntax_error::{self, Expected};
use super::Parser;
use crate::diag::Diagnostic;

impl Parser<'_> {
    pub(super) fn unexpected(&self, expected: Expected, key: Option<&str>) -> Box<Diagnostic> {
        self.unexpected_of(expected, key, self.token.span.start)
    }

    /// The error at the token at hand, of a value that began at a byte.
    pub(super) fn unexpected_of(
        &self,
        expected: Expected,
        key: Option<&str>,
        start: usize,
    ) -> Box<Diagnostic> {
        let Token { kind, span } = &self.token;
        // The message is about the token, the remedy perhaps about all up to the next blank.
        let rest = self.bytes.get(span.start..).unwrap_or_default();
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b',' | b';' | b']');
        let word = span.start..span.start + rest.iter().take_while(|byte| !blank(byte)).count();
        let before = self.bytes.get(..span.start).unwrap_or_default();
        let glued = before.iter().rev().take_while(|byte| !blank(byte) && **byte != b'=').count();
        let whole = span.start - glued..word.end;
        let line = self.bytes.get(start..).unwrap_or_default();
        let line = start..start + line.iter().take_while(|&&byte| byte != b'\n').count();
        let line = self.words(&line);
        let item = self.item(expected, key, span.start);
        let item = item.as_ref().map(|item| self.words(item));
        let said = syntax_error::Unexpected {
            kind,
            expected,
            key,
            added: self.added && !matches!(expected, Expected::Key | Expected::Assign),
            token: &self.words(span),
            word: &self.words(&word),
            whole: &self.words(&whole),
            item: item.as_deref(),
            line: line.trim_end(),
        };
        self.at(span, said.finding())
    }
}
