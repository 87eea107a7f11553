//! Reads a setting with an error as the error's remedy has it, so that the rest of the file can be judged with it.

use std::ops::Range;

use super::super::shown::Shown;
use super::super::syntax_error::Expected;
use super::super::{Content, Setting, Value, entries, foreign_line, keys, remedy_words, suggest};
use super::{Failed, GoOn, Parser};
use crate::diag::{Diagnostic, Source};

/// True for a byte that a word without quotes in a list may have.
fn is_of_word(byte: &u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'\n' | b',' | b';' | b'[' | b']' | b'"' | b'\'')
}

/// A value of a remedy, where the value stands that it is for.
fn placed(value: Value, span: &Range<usize>) -> Value {
    let content = match value.content {
        Content::List(items) => {
            Content::List(items.into_iter().map(|item| Value { span: span.clone(), ..item }).collect())
        }
        text @ Content::Text(_) => text,
    };
    Value { content, span: span.clone(), bare: false }
}

/// The settings that a text consists of, if it has nothing else.
fn settings_in(text: &str) -> Vec<Setting> {
    let text = format!("{text}\n");
    let source = Source::new("", text.clone());
    let shown = Shown::of(text.as_bytes());
    // A remedy that is wrong itself is not mended again.
    let mut parser = Parser { is_remedy: true, ..Parser::new(text.as_bytes(), &source, &shown, None) };
    parser.file();
    if parser.errors.is_empty() { parser.settings } else { Vec::new() }
}

impl Parser<'_> {
    /// The setting that a list of one value is meant to be, which is not closed, where the key takes no list. That is the remedy
    /// of the error, too.
    pub(super) fn without_bracket(&self, error: &mut Diagnostic, setting: &Setting) -> Option<Setting> {
        let Content::List(items) = &setting.value.content else { return None };
        let [item] = items.as_slice() else { return None };
        let takes_one = keys::find(&setting.name).is_some_and(keys::Key::takes_one) && !setting.added;
        let text = item.text().filter(|_| takes_one)?;
        let value = suggest::literal(&String::from_utf8_lossy(text));
        // Where the list begins, as the remedy is for that.
        error.place = self.source.place(self.shown.span(&setting.key_span));
        error.finding.alternative = Some(remedy_words::write(&format!("{} = {value}", setting.name)).into());
        let content = Content::Text(text.to_vec());
        Some(Setting { value: Value { content, ..setting.value.clone() }, ..setting.clone() })
    }

    /// An error of a setting that begins with a key and ends with the line, with the setting that its remedy is.
    pub(super) fn failed(
        &mut self,
        mut error: Box<Diagnostic>,
        key_span: Range<usize>,
        go_on: GoOn,
    ) -> Failed {
        let end_of_line = |from: usize| {
            let rest = self.bytes.get(from..).unwrap_or_default();
            from + rest.iter().take_while(|&&byte| byte != b'\n').count()
        };
        let mut end = end_of_line(self.token.span.start);
        if !self.is_remedy && self.line_begins(key_span.start) {
            let line = self.words(&(key_span.start..end)).into_owned();
            let behind = self.words(&(end + 1..self.bytes.len())).into_owned();
            if let Some(foreign) = foreign_line::setting(&line, &behind) {
                let first = error.place.line;
                error.finding.alternative = Some(
                    match foreign.more_lines {
                        0 => remedy_words::write(&foreign.setting),
                        more => remedy_words::write_over(&foreign.setting, (first, first + more)),
                    }
                    .into(),
                );
                if let Some(reason) = foreign.reason {
                    error.finding.reason = reason.into();
                }
                for _ in 0..foreign.more_lines {
                    end = end_of_line(end + 1);
                }
                if foreign.more_lines > 0 {
                    self.lexer.go_to(end);
                    self.advance();
                }
            }
        }
        let alternative = error.finding.alternative.as_deref().filter(|_| !self.is_remedy);
        let remedy = alternative.and_then(remedy_words::setting_of).map(settings_in).unwrap_or_default();
        let meant = |Setting { name, added, value, .. }: Setting| Setting {
            name,
            added,
            value: placed(value, &(key_span.end..end.max(key_span.end))),
            joints: Vec::new(),
            followed_by: None,
            key_span: key_span.clone(),
        };
        let meant = remedy.into_iter().map(meant).collect();
        Failed { meant, ..(error, go_on).into() }
    }

    pub(super) fn source_line(&self, byte: usize) -> usize {
        self.source.place(self.shown.span(&(byte..byte))).line
    }

    /// True if nothing but blanks stands before a byte on its line.
    fn line_begins(&self, at: usize) -> bool {
        let before = self.bytes.get(..at).unwrap_or_default();
        before.iter().rev().take_while(|&&byte| byte != b'\n').all(|byte| matches!(byte, b' ' | b'\t'))
    }

    /// The item of a list that the remedy of an error is, with the last of its tokens at hand.
    pub(super) fn item_meant(&mut self, error: &Diagnostic, expected: Expected, key: &str) -> Option<Value> {
        let remedy = error.finding.alternative.as_deref().filter(|_| !self.is_remedy)?;
        let text = remedy_words::item_of(remedy)?;
        let item = settings_in(&format!("item = {text}")).pop()?.value;
        let span = self.item(expected, Some(key), self.token.span.start)?;
        self.lexer.go_to(span.end);
        self.token.span = span.clone();
        Some(Value { span, ..item })
    }

    /// True if the remedy of an error in a list is the whole setting.
    pub(super) fn is_setting(&self, error: &Diagnostic, key: &str) -> bool {
        let remedy = error.finding.alternative.as_deref().and_then(remedy_words::setting_of);
        remedy.is_some_and(|setting| remedy_words::key_of(setting) == Some(key))
    }

    /// The bytes of the item of a list that a token without quotes is part of; `None` where nobody can know its end.
    pub(super) fn item(&self, expected: Expected, key: Option<&str>, at: usize) -> Option<Range<usize>> {
        let before = self.bytes.get(..at).unwrap_or_default();
        // `03:00.0` begins with a number, behind which an end is expected.
        let glued = match expected {
            Expected::EndOfItem => before.iter().rev().take_while(|byte| is_of_word(byte)).count(),
            _ => 0,
        };
        let start = at - glued;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let ends = |byte: &u8| matches!(byte, b']' | b'\n' | b'"' | b'\'' | b'#');
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        let text = std::str::from_utf8(rest.get(..end).unwrap_or_default()).ok()?;
        let length = entries::first(key.unwrap_or_default(), text)?;
        // `bridge="xenbr0"`: more of it stands in quotes.
        let is_quoted = matches!(rest.get(end), Some(b'"' | b'\'')) && length == text.len() && length > 0;
        (!is_quoted).then(|| start..start + length)
    }
}
