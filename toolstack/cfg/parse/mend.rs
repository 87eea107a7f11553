//! Reads a setting with an error as the error's remedy has it, so that the rest of the file can be judged with it.

use std::ops::Range;

use super::super::shown::Shown;
use super::super::syntax_error::Expected;
use super::super::{Content, Setting, Value, foreign_line, syntax_error};
use super::{Failed, GoOn, Parser};
use crate::diag::{Diagnostic, Source};

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
                        0 => syntax_error::write(&foreign.setting),
                        more => syntax_error::write_over(&foreign.setting, (first, first + more)),
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
        let remedy = alternative.and_then(syntax_error::setting_of).map(settings_in).unwrap_or_default();
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

    /// True if nothing but blanks stands before a byte on its line.
    fn line_begins(&self, at: usize) -> bool {
        let before = self.bytes.get(..at).unwrap_or_default();
        before.iter().rev().take_while(|&&byte| byte != b'\n').all(|byte| matches!(byte, b' ' | b'\t'))
    }

    /// The item of a list that the remedy of an error is, with the last of its tokens at hand.
    pub(super) fn item_meant(&mut self, error: &Diagnostic, expected: Expected, key: &str) -> Option<Value> {
        let remedy = error.finding.alternative.as_deref().filter(|_| !self.is_remedy)?;
        let text = syntax_error::item_of(remedy)?;
        let item = settings_in(&format!("item = {text}")).pop()?.value;
        let span = self.item(expected, Some(key), self.token.span.start)?;
        self.lexer.go_to(span.end);
        self.token.span = span.clone();
        Some(Value { span, ..item })
    }

    /// True if the remedy of an error in a list is the whole setting.
    pub(super) fn is_setting(&self, error: &Diagnostic, key: &str) -> bool {
        let remedy = error.finding.alternative.as_deref().and_then(syntax_error::setting_of);
        remedy.and_then(|setting| setting.strip_prefix(key)).is_some_and(|rest| rest.starts_with(" = "))
    }
}
