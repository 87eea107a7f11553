//! The grammar of an xl.cfg, as in `libxlu_cfg_y.y`. After an error, parsing continues with the next setting, so that
//! one run finds all errors.

pub mod lost;
mod mend;
mod unexpected;

use std::collections::BTreeMap;
use std::ops::Range;

use super::lex::{Kind, Lexer, Odd, Token};
use super::shown::Shown;
use super::syntax_error::{self, Expected};
use super::{Cfg, Content, MAX_BYTES, Setting, Unread, Value};
use crate::diag::{Diagnostic, Errors, Finding, Source};

/// Deeper lists are refused. xl's parser runs out of its stack at 2000 to 5000 levels.
const MAX_DEPTH: usize = 1000;

/// After so many errors the rest is not looked at.
const MAX_ERRORS: usize = 50;

/// How a file in UTF-16 begins.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// The name that places in the words of a command line have.
pub const WORDS: &str = "command line";

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// Reads an xl.cfg. `name` is the file's name for messages.
///
/// # Errors
/// Every place where xl's own reader refuses the file.
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
pub fn parse(name: &str, bytes: &[u8]) -> std::result::Result<Cfg, Errors> {
    let (cfg, errors) = parse_with(name, bytes, &[]);
    match Errors::of(errors, &cfg.source) {
        Some(errors) => Err(errors),
        None => Ok(cfg),
    }
}

/// Reads an xl.cfg and words of a command line, which are lines behind it. In those a value need not be quoted, since
/// a shell takes the quotes away. What has no error is in the file that is returned.
pub(super) fn parse_with(name: &str, bytes: &[u8], words: &[String]) -> (Cfg, Vec<Diagnostic>) {
    let mut source = Source::new(name, String::from_utf8_lossy(bytes).into_owned());
    let mut bytes = bytes.to_vec();
    let mut tail = None;
    if !words.is_empty() {
        let lines = words.join("\n");
        if !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        tail = Some(bytes.len());
        bytes.extend(lines.as_bytes());
        bytes.push(b'\n');
        source.append(WORDS, &(lines + "\n"));
    }
    if bytes.len() > MAX_BYTES {
        let reason = format!("the file has {} bytes, more than the {MAX_BYTES} allowed", bytes.len());
        let finding = Finding::invalid("too-long", reason);
        let error = Diagnostic { place: source.place(0..0), node: String::new(), finding };
        return (Cfg::unread(bytes, source, tail), vec![error]);
    }
    if UTF_16.iter().any(|mark| bytes.starts_with(mark)) {
        let finding = Finding::invalid("not-utf8", "the file is UTF-16, but xl expects UTF-8")
            .instead("convert the file, as in: iconv -f UTF-16 -t UTF-8 FILE > NEW");
        let error = Diagnostic { place: source.place(0..0), node: String::new(), finding };
        return (Cfg::unread(bytes, source, tail), vec![error]);
    }
    let shown = Shown::of(&bytes);
    let mut parser = Parser::new(&bytes, &source, &shown, tail);
    parser.file();
    let Parser { settings, errors, unread, .. } = parser;
    (Cfg { bytes, source, shown, settings, tail, unread }, errors)
}

struct Parser<'a> {
    bytes: &'a [u8],
    source: &'a Source,
    shown: &'a Shown,
    lexer: Lexer<'a>,
    token: Token,
    /// From where on values need no quotes.
    tail: usize,
    /// The setting at hand has += behind its key.
    added: bool,
    settings: Vec<Setting>,
    /// The last setting of each name.
    last: BTreeMap<String, usize>,
    errors: Vec<Diagnostic>,
    unread: Unread,
    /// The text is the remedy of an error.
    is_remedy: bool,
    /// The file has lines that end in CR and LF, and that has been said.
    crlf: bool,
}

/// The place to go on after an error.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GoOn {
    /// With the setting at hand.
    Here,
    /// On the next line.
    NextLine,
    /// On the next line that begins a setting, since others may be lines of the list.
    BehindList,
}

/// An error, and where to go on.
struct Failed {
    error: Box<Diagnostic>,
    go_on: GoOn,
    /// The setting at hand as the error's remedy has it, where that is known; several where the remedy has several.
    meant: Vec<Setting>,
    /// True if the error takes no setting away.
    harmless: bool,
}

impl From<(Box<Diagnostic>, GoOn)> for Failed {
    fn from((error, go_on): (Box<Diagnostic>, GoOn)) -> Self {
        Failed { error, go_on, meant: Vec::new(), harmless: false }
    }
}

/// A list that is not closed yet.
struct Open {
    start: usize,
    items: Vec<Value>,
}

/// The list that is open, as far as it was read, where no list is open within it.
fn only(mut open: Vec<Open>, end: usize) -> Option<Value> {
    let list = open.pop().filter(|_| open.is_empty())?;
    Some(Value { content: Content::List(list.items), span: list.start..end, bare: false })
}

impl<'a> Parser<'a> {
    fn new(bytes: &'a [u8], source: &'a Source, shown: &'a Shown, tail: Option<usize>) -> Self {
        let mut parser = Parser {
            bytes,
            source,
            shown,
            lexer: Lexer::new(bytes),
            token: Token { kind: Kind::End, span: 0..0 },
            tail: tail.unwrap_or(bytes.len()),
            added: false,
            settings: Vec::new(),
            last: BTreeMap::new(),
            errors: Vec::new(),
            unread: Unread::default(),
            is_remedy: false,
            crlf: false,
        };
        if bytes.starts_with(syntax_error::BYTE_ORDER_MARK) {
            let error = parser.at(&(0..syntax_error::BYTE_ORDER_MARK.len()), syntax_error::byte_order_mark());
            parser.errors.push(*error);
            parser.lexer.go_to(syntax_error::BYTE_ORDER_MARK.len());
        }
        parser.advance();
        parser
    }

    fn file(&mut self) {
        while self.errors.len() < MAX_ERRORS {
            let start = self.token.span.start;
            let done = match &self.token.kind {
                Kind::End => return,
                Kind::Newline | Kind::Semicolon => {
                    self.advance();
                    Ok(())
                }
                Kind::Ident => self.setting(),
                kind => {
                    let harmless = *kind == Kind::Odd(Odd::OpenComment);
                    let key_span = self.token.span.clone();
                    let error = self.unexpected(Expected::Key, None);
                    Err(Failed { harmless, ..self.failed(error, key_span, GoOn::NextLine) })
                }
            };
            if let Err(Failed { error, go_on, meant, harmless }) = done {
                self.errors.push(*error);
                let mut is_lost = meant.is_empty() && !harmless;
                for setting in meant {
                    self.unread.mended.push(setting.key_span.start..setting.value.span.end);
                    is_lost |= self.store(setting).is_err();
                }
                self.recover(go_on);
                if is_lost {
                    self.lose(start..self.token.span.start);
                }
            }
        }
        self.unread.lost |= self.token.kind != Kind::End;
    }

    /// A setting up to its end.
    fn setting(&mut self) -> std::result::Result<(), Failed> {
        let key_span = self.token.span.clone();
        let name = self.words(&key_span).into_owned();
        self.advance();
        let added = self.token.kind == Kind::Add;
        if !added && self.token.kind != Kind::Assign {
            let error = self.unexpected(Expected::Assign, Some(&name));
            return Err(self.failed(error, key_span, GoOn::NextLine));
        }
        self.added = added;
        let setting = |value| Setting {
            name: name.clone(),
            added,
            value,
            joints: Vec::new(),
            followed_by: None,
            key_span: key_span.clone(),
        };
        self.advance_to_value(key_span.start);
        let faults = self.errors.len();
        let value = match self.value(&name) {
            Ok(value) => value,
            Err((error, GoOn::NextLine, _)) => return Err(self.failed(error, key_span, GoOn::NextLine)),
            Err((error, go_on, None)) => return Err((error, go_on).into()),
            // The items that were read count.
            Err((error, go_on, Some(value))) => {
                let mut failed = Failed::from((error, go_on));
                let setting = setting(value);
                match self.without_bracket(&mut failed.error, &setting) {
                    Some(meant) => failed.meant.push(meant),
                    None => failed.harmless = self.store(setting).is_ok(),
                }
                return Err(failed);
            }
        };
        if self.errors.len() > faults {
            self.unread.mended.push(key_span.start..value.span.end);
        }
        if !matches!(self.token.kind, Kind::Newline | Kind::Semicolon | Kind::End) {
            // The values read so far count, so that none is reported as missing.
            let start = value.span.start;
            let error = self.unexpected_of(Expected::EndOfSetting, Some(&name), start);
            let mut failed = self.failed(error, key_span.clone(), GoOn::NextLine);
            if failed.meant.is_empty() {
                failed.harmless =
                    failed.error.finding.alternative.as_deref().is_some_and(syntax_error::is_rest_of_line);
                let _ = self.store(setting(value));
            }
            return Err(failed);
        }
        self.store(setting(value)).map_err(|error| (error, GoOn::NextLine).into())
    }

    /// Goes to where the next setting can begin.
    fn recover(&mut self, go_on: GoOn) {
        if go_on == GoOn::Here {
            return;
        }
        let within_list = go_on == GoOn::BehindList;
        loop {
            // A line that only has the value of the key before it says nothing new.
            let alone = self.token.kind == Kind::Newline;
            while !matches!(self.token.kind, Kind::Newline | Kind::End) {
                self.advance();
            }
            while self.token.kind == Kind::Newline {
                self.advance();
            }
            match &self.token.kind {
                Kind::End => return,
                Kind::Ident if !within_list || self.at_setting() => return,
                Kind::Ident => {}
                Kind::Number | Kind::Text(_) | Kind::Open if alone => {}
                _ if !within_list => return,
                _ => {}
            }
        }
    }

    /// True if the key at hand is followed by a `=`.
    fn at_setting(&self) -> bool {
        let after = self.bytes.get(self.token.span.end..).unwrap_or_default().trim_ascii_start();
        matches!(after, [b'=', ..] | [b'+', b'=', ..])
    }

    /// A value; lists within lists are kept on a stack of our own, since a file decides how many there are.
    /// An error comes with where to go on, and with what was read of a list.
    fn value(&mut self, key: &str) -> std::result::Result<Value, (Box<Diagnostic>, GoOn, Option<Value>)> {
        let mut open: Vec<Open> = Vec::new();
        // True if a value has just ended, so that a comma may follow.
        let mut after_value = false;
        // True if a line has just begun.
        let mut line = false;
        loop {
            while !open.is_empty() && self.token.kind == Kind::Newline {
                self.advance();
                line = true;
            }
            let depth = open.len();
            if depth > 0 && line && self.token.kind == Kind::Ident && self.at_setting() {
                let start = open[0].start;
                let lines = (self.source_line(start), self.source_line(self.token.span.start));
                let next = self.words(&self.token.span).into_owned();
                let finding = syntax_error::unclosed(key, lines, &next);
                let error = self.at(&self.token.span, finding);
                return Err((error, GoOn::Here, only(open, self.token.span.start)));
            }
            line = false;
            let token = std::mem::replace(&mut self.token, Token { kind: Kind::End, span: 0..0 });
            let done = match (&token.kind, open.last_mut()) {
                (Kind::Comma, Some(_)) if after_value => {
                    after_value = false;
                    None
                }
                (Kind::Close, Some(list)) => {
                    let content = Content::List(std::mem::take(&mut list.items));
                    let value = Value { content, span: list.start..token.span.end, bare: false };
                    open.pop();
                    Some(value)
                }
                (Kind::Open, _) if !after_value && depth < MAX_DEPTH => {
                    open.push(Open { start: token.span.start, items: Vec::new() });
                    None
                }
                (Kind::Text(_) | Kind::Number | Kind::Bare, _) if !after_value => {
                    let bare = token.kind == Kind::Bare;
                    let text = match token.kind {
                        Kind::Text(text) => text,
                        _ => self.bytes[token.span.clone()].to_vec(),
                    };
                    Some(Value { content: Content::Text(text), span: token.span, bare })
                }
                (_, list) => {
                    let expected = match list {
                        None => Expected::Value,
                        Some(_) if after_value => Expected::EndOfItem,
                        Some(_) if token.kind == Kind::Open => Expected::LessDepth,
                        Some(_) => Expected::Item,
                    };
                    let start = token.span.start;
                    self.token = token;
                    if let (Kind::End, Some(list)) = (&self.token.kind, open.first()) {
                        let finding = syntax_error::unended(key, self.source_line(list.start));
                        let error = self.at(&self.token.span, finding);
                        return Err((error, GoOn::BehindList, only(open, start)));
                    }
                    if depth == 0 {
                        let error = self.unexpected_of(expected, Some(key), start);
                        return Err((error, GoOn::NextLine, None));
                    }
                    let list = open.first().map_or(start, |list| list.start);
                    let error = self.unexpected_of(expected, Some(key), list);
                    if self.errors.len() + 1 >= MAX_ERRORS {
                        return Err((error, GoOn::BehindList, None));
                    }
                    match expected {
                        // As if the comma were there.
                        Expected::EndOfItem if matches!(self.token.kind, Kind::Text(_)) => {
                            self.errors.push(*error);
                            after_value = false;
                            continue;
                        }
                        Expected::Item | Expected::EndOfItem => {
                            match self.item_meant(&error, expected, key) {
                                Some(item) => {
                                    self.errors.push(*error);
                                    // The number that it begins with is part of it.
                                    let is_begin = |last: &mut Value| last.span.start == item.span.start;
                                    open.last_mut().and_then(|list| list.items.pop_if(is_begin));
                                    Some(item)
                                }
                                // The remedy is the setting on its line.
                                None if self.is_setting(&error, key) => {
                                    return Err((error, GoOn::NextLine, None));
                                }
                                None => return Err((error, GoOn::BehindList, None)),
                            }
                        }
                        _ => return Err((error, GoOn::BehindList, None)),
                    }
                }
            };
            match (done, open.last_mut()) {
                (Some(value), None) => {
                    self.advance();
                    return Ok(value);
                }
                (Some(value), Some(list)) => {
                    list.items.push(value);
                    after_value = true;
                }
                (None, _) => {}
            }
            self.advance();
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
                        setting.joints = std::mem::take(&mut earlier.joints);
                        setting.joints.push(all.len());
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
                        let finding = syntax_error::mixed(&setting.name, was, &setting.value);
                        let error = self.at(&setting.value.span, finding);
                        self.unread.mended.push(setting.key_span.start..setting.value.span.end);
                        self.settings.push(setting);
                        return Err(error);
                    }
                }
            }
        }
        self.settings.push(setting);
        Ok(())
    }

    fn advance(&mut self) {
        self.token = self.lexer.next();
        // Said once, and then the line reads as if it ended in LF alone.
        while self.token.kind == Kind::Odd(Odd::Character)
            && self.bytes.get(self.token.span.clone()) == Some(b"\r")
            && self.bytes.get(self.token.span.end) == Some(&b'\n')
        {
            if !self.crlf {
                let error = self.at(&self.token.span, syntax_error::crlf());
                self.errors.push(*error);
                self.crlf = true;
            }
            self.token = self.lexer.next();
        }
    }

    /// To the token behind the `=` of a key.
    fn advance_to_value(&mut self, key_at: usize) {
        if key_at >= self.tail {
            self.token = self.lexer.next_bare();
        } else {
            self.advance();
        }
    }

    /// The text at some bytes, as it is shown.
    fn words(&self, span: &Range<usize>) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.bytes.get(span.clone()).unwrap_or_default())
    }

    fn at(&self, bytes: &Range<usize>, finding: Finding) -> Box<Diagnostic> {
        let place = self.source.place(self.shown.span(bytes));
        Box::new(Diagnostic { place, node: String::new(), finding })
    }
}
