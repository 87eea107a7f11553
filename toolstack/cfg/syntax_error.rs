//! The message for a place that xl's parser refuses: the token found, the token expected, and the remedy.

mod odd;

use super::foreign_line;
use super::keys;
use super::lex::Kind;
use super::python;
use super::remedy_words::{self, IN_QUOTES, write};
use super::suggest::{self, Unit};
use super::{Content, Value};
use crate::diag::Finding;

/// The tokens that the grammar allows at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Key,
    Assign,
    Value,
    EndOfSetting,
    /// After `[` or a comma.
    Item,
    /// After an item.
    EndOfItem,
    /// A list in fewer lists.
    LessDepth,
}

impl Expected {
    fn words(self) -> &'static str {
        match self {
            Expected::Key => "a key, as in memory = 512",
            Expected::Assign => "= or += after the key",
            Expected::Value => "a value: a number, a string in quotes or a list in [ ]",
            Expected::EndOfSetting => "the end of the line, or a ;",
            Expected::Item => "a value of the list or its ]",
            Expected::EndOfItem => "a comma or the list's ]",
            Expected::LessDepth => "less nesting of lists",
        }
    }

    fn is_value(self) -> bool {
        matches!(self, Expected::Value | Expected::Item)
    }

    /// The remedy for something else that nobody can have meant.
    fn remedy(self) -> &'static str {
        match self {
            Expected::Key | Expected::Assign => NOT_PYTHON,
            Expected::Value => "write a value after the =",
            Expected::EndOfSetting => "remove the rest of the line, or write # before it",
            Expected::Item => "remove it, or write a value before it",
            Expected::EndOfItem => "write a comma between two values, and ] after the last",
            Expected::LessDepth => "remove the inner [ and ]",
        }
    }
}

/// A token where it cannot stand.
pub struct Unexpected<'a> {
    pub kind: &'a Kind,
    pub expected: Expected,
    /// The key of the setting, where there is one already.
    pub key: Option<&'a str>,
    /// The key has += behind it.
    pub added: bool,
    /// The token.
    pub token: &'a str,
    /// From the token to the next blank.
    pub word: &'a str,
    /// With what stands before it without a blank.
    pub whole: &'a str,
    /// The item of a list that the token is part of, where it can be known.
    pub item: Option<&'a str>,
    /// From where the value begins to the end of the line; without a value, from the token.
    pub line: &'a str,
}

/// The remedy for a line of a program.
const NOT_PYTHON: &str = "an xl.cfg consists of lines KEY = VALUE and comments after #; it is not Python";

/// The remedy for words in a list that may be one entry or several.
const EACH_IN_QUOTES: &str = "write each entry of the list, with all of its settings, in quotes of its own";

/// Keys with a number for which a word may be that for a clock: what is in quotes is asked what it means.
const OF_CLOCKS: [&str; 2] = ["localtime", "rtc_timeoffset"];

/// The quotes of a text processor.
const CURLY: [char; 8] = ['“', '”', '„', '‟', '‘', '’', '«', '»'];

/// True for the remedy that leaves the value before an error as it is.
pub fn is_rest_of_line(remedy: &str) -> bool {
    remedy == Expected::EndOfSetting.remedy()
}

/// How some editors begin a file in UTF-8.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Unexpected<'_> {
    pub fn finding(&self) -> Finding {
        let finding = self.of_token();
        let remedy = finding.alternative.as_deref().filter(|_| self.added);
        match remedy.and_then(|remedy| remedy_words::as_added(remedy, self.key?)) {
            Some(remedy) => finding.instead(remedy),
            None => finding,
        }
    }

    fn of_token(&self) -> Finding {
        if self.expected == Expected::Assign && self.key.is_some_and(python::is_statement) {
            let reason = format!("expected {}, found {}", self.expected.words(), self.what());
            return Finding::invalid("cfg-syntax", reason).instead(NOT_PYTHON);
        }
        match self.kind {
            Kind::Odd(odd) => self.odd(*odd),
            Kind::Ident if self.expected.is_value() => self.bare_word(),
            Kind::Ident | Kind::Number if self.ends_at_quote() => self.quote_too_many(),
            Kind::Ident | Kind::Number if self.whole != self.word => self.split_word(),
            _ => {
                let reason = format!("expected {}, found {}", self.expected.words(), self.what());
                let finding = Finding::invalid("cfg-syntax", reason);
                match (self.kind, self.expected) {
                    (Kind::Text(_), Expected::EndOfSetting) if self.ends_at_quote() => self.quote_too_many(),
                    (Kind::Text(_), Expected::EndOfSetting) => finding.instead(
                        "join the two strings into one; several strings are a list, as in [ \"a\", \"b\" ]",
                    ),
                    (Kind::Text(_), Expected::EndOfItem) => {
                        finding.instead("write a comma between the two strings, or join them into one")
                    }
                    (Kind::Comma, Expected::EndOfSetting)
                        if self.takes_text() && !self.line.contains('=') =>
                    {
                        finding.instead(self.written(self.value()))
                    }
                    (Kind::Comma | Kind::Number, Expected::EndOfSetting) if self.calculated().is_some() => {
                        finding.instead(self.calculated().unwrap_or_default())
                    }
                    (Kind::Comma, Expected::EndOfSetting) if self.line.contains('=') => {
                        finding.instead("remove the comma, and put what follows it on a line of its own")
                    }
                    (Kind::Newline | Kind::End, Expected::Value) => {
                        let example = match self.key.and_then(keys::unit_of) {
                            Some(_) => "1",
                            None => "\"...\"",
                        };
                        finding.instead(format!(
                            "write a value after the = on its line, as in {} = {example}; only a list may continue on the next line",
                            self.key()
                        ))
                    }
                    (Kind::Assign, Expected::Value) => finding.instead("write only one ="),
                    (Kind::Number | Kind::Text(_), Expected::Assign) if self.is_value_alone() => {
                        finding.instead(format!("write {} = {}", self.key(), self.line))
                    }
                    (Kind::Open, Expected::Assign) if self.is_list_alone() => {
                        finding.instead(format!("write {} = {}", self.key(), self.value()))
                    }
                    (Kind::Ident, Expected::Assign) if self.is_key_in_two() && self.is_setting() => {
                        finding.instead(format!("write {}{}", self.key(), self.line))
                    }
                    (Kind::Ident, Expected::EndOfSetting) if self.is_setting() => {
                        finding.instead(format!("put {} on a line of its own", self.token))
                    }
                    _ => finding.instead(self.expected.remedy()),
                }
            }
        }
    }

    /// True if nothing but one value is left of the line.
    fn is_value_alone(&self) -> bool {
        self.value() == self.token
    }

    /// True if nothing but a list of texts is left of the line.
    fn is_list_alone(&self) -> bool {
        let is_list = self.value().ends_with(']') && self.value().contains(['"', '\'']);
        is_list && self.key.is_some_and(|key| keys::find(key).is_some())
    }

    /// True for a key with a blank in it.
    fn is_key_in_two(&self) -> bool {
        keys::find(&format!("{}{}", self.key(), self.token)).is_some()
    }

    /// True if the token is the key of one more setting on the line.
    fn is_setting(&self) -> bool {
        let rest = self.line.split_once(self.token).map(|(_, rest)| rest.trim_start());
        rest.is_some_and(|rest| rest.starts_with('='))
    }

    fn what(&self) -> String {
        match self.kind {
            Kind::Newline => "the end of the line".to_owned(),
            Kind::End => "the end of the file".to_owned(),
            _ => self.token.to_owned(),
        }
    }

    fn key(&self) -> &str {
        self.key.unwrap_or("key")
    }

    /// The value without a comment or setting behind it.
    fn value(&self) -> &str {
        let end = self.line.find(" #").unwrap_or(self.line.len());
        self.line[..end].trim_end_matches([';', ' ', '\t'])
    }

    /// True if the token stands right behind the quote of a string.
    fn ends_at_quote(&self) -> bool {
        let before = self.whole.len().checked_sub(self.word.len()).and_then(|end| self.whole.get(..end));
        before.is_some_and(|before| before.ends_with(['"', '\'']))
    }

    fn quote_too_many(&self) -> Finding {
        let finding = Finding::invalid("cfg-syntax", "one quote too many after the string");
        match (self.expected, suggest::requoted(self.value())) {
            (Expected::EndOfSetting, Some(text)) => finding.instead(format!("write {} = {text}", self.key())),
            _ => finding.instead("remove it, or write \\ before a quote that is part of the text"),
        }
    }

    /// The remedy for a value or an item of a list without quotes.
    fn in_quotes(&self) -> String {
        match (self.expected, self.item) {
            (Expected::Value | Expected::EndOfSetting, _) => self.written(self.value()),
            (_, Some(item)) => self.written(item),
            (_, None) => self.as_python().unwrap_or_else(|| EACH_IN_QUOTES.to_owned()),
        }
    }

    /// How the word is written as a value: as the number that is meant, else in quotes.
    fn written(&self, word: &str) -> String {
        if word == "None" && self.expected == Expected::Value {
            return "remove the line".to_owned();
        }
        let word = self.in_curly_quotes().unwrap_or(word).trim_matches(CURLY);
        if let Some(setting) = self.as_python() {
            return setting;
        }
        let is_entries = self.key.is_some_and(keys::is_list);
        if python::is_code(word, is_entries) {
            return if is_entries { EACH_IN_QUOTES } else { NOT_PYTHON }.to_owned();
        }
        if !self.is_item()
            && let Some(several) = self.key.and_then(|key| foreign_line::several(key, word))
        {
            return several;
        }
        match self.expected {
            Expected::Value | Expected::EndOfSetting => {
                let key = self.key.and_then(keys::find);
                let number = key
                    .filter(|_| !self.is_range(word))
                    .and_then(|key| suggest::number_of(key.name, word, key.unit));
                match (number, key) {
                    (Some(number), _) => format!("write {} = {number}", self.key()),
                    // In quotes it would be no number, either, nor a clock.
                    (None, Some(key)) if key.takes_number() && !OF_CLOCKS.contains(&key.name) => {
                        suggest::example(key.name, key.unit)
                    }
                    _ => format!("{IN_QUOTES}{} = {}", self.key(), suggest::quoted(word)),
                }
            }
            _ => format!("{IN_QUOTES}{}", suggest::quoted(&foreign_line::item(word, is_entries))),
        }
    }

    /// True within a list.
    fn is_item(&self) -> bool {
        !matches!(self.expected, Expected::Value | Expected::EndOfSetting)
    }

    fn bare_word(&self) -> Finding {
        let reason = format!("{} is not a value: xl accepts strings only in quotes", self.word);
        let behind = self.word.strip_prefix(self.token).unwrap_or_default();
        if behind.starts_with(['"', '\'']) {
            return Finding::invalid("cfg-syntax", reason)
                .instead(format!("remove the {} before the quote", self.token));
        }
        Finding::invalid("cfg-syntax", reason).instead(self.in_quotes())
    }

    /// `512M`: xl reads a number and then something else.
    fn split_word(&self) -> Finding {
        if self.expected == Expected::Assign {
            let reason = format!("expected {}, found {}", self.expected.words(), self.word);
            return Finding::invalid("cfg-syntax", reason).instead(NOT_PYTHON);
        }
        let reason = format!(
            "in {} the value ends before {}: without quotes, xl accepts only digits",
            self.whole, self.word
        );
        Finding::invalid("cfg-syntax", reason).instead(self.in_quotes())
    }

    /// True if the key takes no number, as far as is known.
    fn takes_text(&self) -> bool {
        self.key.and_then(keys::find).is_some_and(|key| !key.takes_number())
    }

    /// True for `0-3`, which is no difference unless the key takes a number alone.
    fn is_range(&self, word: &str) -> bool {
        let takes_number = self.key.and_then(keys::find).is_some_and(|key| key.takes_number());
        !takes_number && word.trim_start_matches('-').contains(['-', ','])
    }

    /// The setting for a value that Python reads, and xl does not.
    fn as_python(&self) -> Option<String> {
        let value = python::value_of(self.key(), python::literal_in(self.value())?)?;
        Some(format!("write {} = {value}", self.key()))
    }

    /// The text between the quotes of a text processor, with the commas in it.
    fn in_curly_quotes(&self) -> Option<&str> {
        let begin = self.token.chars().next().filter(|first| CURLY.contains(first))?;
        let (_, rest) = self.line.split_once(begin)?;
        rest.find(CURLY).and_then(|end| rest.get(..end))
    }

    /// `3600 * 2`, worked out.
    fn calculated(&self) -> Option<String> {
        let key = self.key.and_then(keys::find);
        let number = suggest::number(self.value(), key.map_or(Unit::Plain, |key| key.unit))?;
        if self.is_range(self.value()) {
            return Some(format!("{IN_QUOTES}{} = {}", self.key(), suggest::quoted(self.value())));
        }
        Some(format!("write {} = {number}", self.key()))
    }
}

/// The finding, once, for a file with DOS's line ends.
pub fn crlf() -> Finding {
    Finding::invalid("cfg-lexical", "lines end in CR and LF, but xl accepts only LF")
        .instead("save the file with Unix line endings, as dos2unix does")
}

/// The finding for a byte order mark.
pub fn byte_order_mark() -> Finding {
    Finding::invalid("cfg-lexical", "the file starts with a byte order mark")
        .instead("save it as UTF-8 without a byte order mark")
}

/// A list that goes on into the next setting.
pub fn unclosed(key: &str, (from, to): (usize, usize), next: &str) -> Finding {
    let reason = format!("the list of {key} that begins on line {from} is not closed before {next}");
    Finding::invalid("cfg-syntax", reason).instead(format!("write the list's ] before line {to}"))
}

/// A list that the file ends in.
pub fn unended(key: &str, line: usize) -> Finding {
    let reason = format!("the file ends inside the list of {key}, which begins on line {line}");
    Finding::invalid("cfg-syntax", reason).instead("close the list with ]")
}

/// A list added to a string or the reverse.
pub fn mixed(key: &str, to_list: bool, value: &Value) -> Finding {
    let (what, to) = if to_list { ("a string", "list") } else { ("a list", "string") };
    let reason = format!("{what} is added to {key}, which is a {to} before this line");
    let texts = match &value.content {
        Content::List(items) => items.iter().map(Value::text).collect::<Option<Vec<_>>>(),
        Content::Text(text) => Some(vec![text.as_slice()]),
    };
    let texts: Vec<_> = texts.unwrap_or_default().into_iter().map(String::from_utf8_lossy).collect();
    let takes_list = keys::is_list(key);
    let value = match (to_list, keys::find(key)) {
        _ if texts.is_empty() => None,
        (true, _) => suggest::list_of(value),
        // What is added is added as it is.
        (false, Some(known)) if !takes_list && !known.takes_number() => {
            let between = remedy_words::before_added(key);
            Some(suggest::quoted(&format!("{between}{}", texts.join(between))))
        }
        (false, _) => None,
    };
    Finding::invalid("cfg-syntax", reason).instead(match value {
        Some(value) => write(&format!("{key} += {value}")),
        None if to_list => format!("write {key} += [ ... ]"),
        None => format!("write {key} = [ ... ], to replace it"),
    })
}
