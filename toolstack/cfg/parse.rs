//! The grammar of an xl.cfg, as `libxlu_cfg_y.y` has it.

use std::collections::HashMap;
use std::ops::Range;

use super::lex::{Kind, Lexer, Token};
use super::say::{self, Expected};
use super::{Cfg, Content, MAX_BYTES, Setting, Value, span};
use crate::diag::{Diagnostic, Finding, Source};

/// Deeper lists are refused. xl's parser runs out of its stack at 2000 to 5000 levels.
const MAX_DEPTH: usize = 1000;

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// Reads an xl.cfg. `name` is the file's name for messages.
///
/// # Errors
/// At the first place that xl's own reader refuses.
///
/// ```
/// use timers::{ClockOffset, GuestKind};
/// use xenclock::cfg;
///
/// let file = cfg::parse("guest.cfg", b"name = 'guest'\ntype = 'hvm'\nclock_offset = 'localtime'\n")?;
/// let asked = cfg::clock::read(&file, GuestKind::Hvm)?;
/// assert!(matches!(asked.clock.offset, ClockOffset::Localtime { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse(name: &str, bytes: &[u8]) -> Result<Cfg> {
    let source = Source::new(name, String::from_utf8_lossy(bytes).into_owned());
    if bytes.len() > MAX_BYTES {
        let reason = format!("the file has {} bytes, more than the {MAX_BYTES} allowed", bytes.len());
        let finding = Finding::invalid("too-long", reason);
        return Err(Box::new(Diagnostic { place: source.place(0..0), node: String::new(), finding }));
    }
    let mut lexer = Lexer::new(bytes);
    let token = lexer.next();
    let mut parser =
        Parser { bytes, source: &source, lexer, token, settings: Vec::new(), last: HashMap::new() };
    parser.file()?;
    let settings = parser.settings;
    Ok(Cfg { bytes: bytes.to_vec(), source, settings })
}

struct Parser<'a> {
    bytes: &'a [u8],
    source: &'a Source,
    lexer: Lexer<'a>,
    token: Token,
    settings: Vec<Setting>,
    /// The last setting of each name.
    last: HashMap<String, usize>,
}

/// A list that is not closed yet.
struct Open {
    start: usize,
    items: Vec<Value>,
}

impl Parser<'_> {
    fn file(&mut self) -> Result<()> {
        loop {
            match &self.token.kind {
                Kind::End => return Ok(()),
                Kind::Newline | Kind::Semicolon => self.advance(),
                Kind::Ident => {
                    self.setting()?;
                    if !matches!(self.token.kind, Kind::Newline | Kind::Semicolon | Kind::End) {
                        return Err(self.unexpected(Expected::EndOfSetting, None));
                    }
                }
                _ => return Err(self.unexpected(Expected::Key, None)),
            }
        }
    }

    fn setting(&mut self) -> Result<()> {
        let key_span = self.token.span.clone();
        let name = self.words(&key_span).into_owned();
        self.advance();
        let added = match self.token.kind {
            Kind::Assign => false,
            Kind::Add => true,
            _ => return Err(self.unexpected(Expected::Assign, Some(&name))),
        };
        self.advance();
        let value = self.value(&name)?;
        self.store(Setting { name, added, value, followed_by: None, key_span })
    }

    /// A value; lists within lists are kept on a stack of our own, since a file decides how many there are.
    fn value(&mut self, key: &str) -> Result<Value> {
        let mut open: Vec<Open> = Vec::new();
        // Whether a value has just ended, so that a comma may follow.
        let mut after_value = false;
        loop {
            while !open.is_empty() && self.token.kind == Kind::Newline {
                self.advance();
            }
            let token = std::mem::replace(&mut self.token, Token { kind: Kind::End, span: 0..0 });
            let depth = open.len();
            let done = match (&token.kind, open.last_mut()) {
                (Kind::Comma, Some(_)) if after_value => {
                    after_value = false;
                    None
                }
                (Kind::Close, Some(list)) => {
                    let content = Content::List(std::mem::take(&mut list.items));
                    let value = Value { content, span: list.start..token.span.end };
                    open.pop();
                    Some(value)
                }
                (Kind::Open, _) if !after_value && depth < MAX_DEPTH => {
                    open.push(Open { start: token.span.start, items: Vec::new() });
                    None
                }
                (Kind::Text(_) | Kind::Number, _) if !after_value => Some(Value {
                    content: Content::Text(match token.kind {
                        Kind::Text(text) => text,
                        _ => self.bytes[token.span.clone()].to_vec(),
                    }),
                    span: token.span,
                }),
                (_, list) => {
                    let expected = match list {
                        None => Expected::Value,
                        Some(_) if after_value => Expected::EndOfItem,
                        Some(_) if token.kind == Kind::Open => Expected::LessDepth,
                        Some(_) => Expected::Item,
                    };
                    self.token = token;
                    return Err(self.unexpected(expected, Some(key)));
                }
            };
            self.advance();
            if let Some(value) = done {
                match open.last_mut() {
                    None => return Ok(value),
                    Some(list) => list.items.push(value),
                }
                after_value = true;
            }
        }
    }

    /// Keeps a setting; one that adds takes over what there is.
    fn store(&mut self, mut setting: Setting) -> Result<()> {
        let index = self.settings.len();
        if let Some(earlier) = self.last.insert(setting.name.clone(), index) {
            let earlier = &mut self.settings[earlier];
            earlier.followed_by = Some(index);
            if setting.added {
                match (&mut earlier.value.content, &mut setting.value.content) {
                    (Content::Text(before), Content::Text(text)) => {
                        let mut all = std::mem::take(before);
                        all.append(text);
                        *text = all;
                    }
                    (Content::List(before), Content::List(items)) => {
                        let mut all = std::mem::take(before);
                        all.append(items);
                        *items = all;
                    }
                    (before, _) => {
                        let was = matches!(before, Content::List(_));
                        return Err(self.at(&setting.value.span, say::mixed(&setting.name, was)));
                    }
                }
            }
        }
        self.settings.push(setting);
        Ok(())
    }

    fn advance(&mut self) {
        self.token = self.lexer.next();
    }

    /// The text at some bytes, as it is shown.
    fn words(&self, span: &Range<usize>) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.bytes.get(span.clone()).unwrap_or_default())
    }

    fn unexpected(&self, expected: Expected, key: Option<&str>) -> Box<Diagnostic> {
        let Token { kind, span } = &self.token;
        // The message is about the token, the remedy perhaps about all up to the next blank.
        let rest = self.bytes.get(span.start..).unwrap_or_default();
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b',' | b';' | b']');
        let word = span.start..span.start + rest.iter().take_while(|byte| !blank(byte)).count();
        let before = self.bytes.get(..span.start).unwrap_or_default();
        let glued = before.iter().rev().take_while(|byte| !blank(byte) && **byte != b'=').count();
        let whole = span.start - glued..word.end;
        let said = say::Unexpected {
            kind,
            expected,
            key,
            token: &self.words(span),
            word: &self.words(&word),
            whole: &self.words(&whole),
            first: span.start == 0,
        };
        self.at(span, said.finding())
    }

    fn at(&self, bytes: &Range<usize>, finding: Finding) -> Box<Diagnostic> {
        let place = self.source.place(span(self.bytes, self.source, bytes));
        Box::new(Diagnostic { place, node: String::new(), finding })
    }
}
