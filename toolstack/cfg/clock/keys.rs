//! The clock keys of a file, each with its place and its verdict.

use super::super::keys::{OUR_OFFSET, OURS};
use super::super::read::book::{Book, Words};
use super::super::read::unknown::instead_of_clock_key;
use super::super::read::{joined, known_instead, nearest, one_of_quoted};
use super::super::{Content, Setting, Zones};
use super::unset;
use ::timers::{TimerMode, TimerName};

use crate::cfg::suggest;
use crate::diag::number::{Unit, meant};
use crate::diag::{Diagnostic, Finding};
use crate::domain::Part;

/// The result of reading the clock of a file.
pub(super) type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// The prefix of our own keys.
const PREFIX: &str = "clock_";

/// The plain keys that say what the RTC shows.
pub(super) const PLAIN_OFFSET: [&str; 2] = ["localtime", "rtc_timeoffset"];

/// The number of our own keys of the offset that say which kind of clock it is.
const KINDS: usize = 3;

/// The clock's keys.
pub struct Keys<'a, 'b> {
    pub book: &'b mut Book<'a>,
    pub zones: &'b Zones,
    keys: Vec<Key<'a>>,
    timers: Vec<TimerWords<'a>>,
}

/// A key that counts.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    pub setting: &'a Setting,
    pub node: usize,
    /// It stands on the command line.
    pub is_word: bool,
}

/// An item of `clock_timers`.
#[derive(Clone)]
pub struct TimerWords<'a> {
    pub node: usize,
    pub words: Vec<Word<'a>>,
}

/// `key=value` within an item.
#[derive(Clone, Copy)]
pub struct Word<'a> {
    pub key: &'a str,
    pub value: &'a str,
    pub node: usize,
}

/// The keys of a file's clock whose place words of these names take.
pub fn superseded_by(words: &[&str]) -> Vec<&'static str> {
    let any = |names: &[&str]| names.iter().any(|name| words.contains(name));
    match (any(OUR_OFFSET), any(&OUR_OFFSET[..KINDS]), any(&PLAIN_OFFSET)) {
        (true, true, _) => [&PLAIN_OFFSET[..], OUR_OFFSET].concat(),
        (true, false, _) => PLAIN_OFFSET.to_vec(),
        (false, _, true) => OUR_OFFSET.to_vec(),
        (false, _, false) => Vec::new(),
    }
}

impl<'a, 'b> Keys<'a, 'b> {
    /// Finds the keys; a `clock_` key that there is not is an error, and so are items of `clock_timers` that are no
    /// words.
    pub fn of(book: &'b mut Book<'a>, zones: &'b Zones) -> Self {
        let cfg = book.cfg;
        let mut keys = Keys { book, zones, keys: Vec::new(), timers: Vec::new() };
        for (node, setting) in cfg.settings().iter().enumerate() {
            let name = setting.name.as_str();
            if name.starts_with(PREFIX) && !OURS.contains(&name) {
                let finding = Finding::invalid("no-such-key", format!("there is no key {name}"));
                let instead =
                    instead_of_clock_key(setting, cfg, zones).unwrap_or_else(|| known_instead(name, &OURS));
                let error = cfg.at(&setting.key_span, &format!("/{name}"), finding.instead(instead));
                keys.book.errors([error]);
            } else if setting.followed_by.is_none() {
                let is_word = cfg.tail.is_some_and(|tail| setting.key_span.start >= tail);
                keys.keys.push(Key { setting, node, is_word });
            }
        }
        keys.supersede();
        if let Some(key) = keys.get("clock_timers") {
            keys.read_timers(key);
        }
        keys
    }

    /// Words of the command line take the place of the file's clock: of its plain keys where they are `clock_` keys, of
    /// its `clock_` keys where they are plain. Plain keys among themselves add up as in xl.
    fn supersede(&mut self) {
        let words: Vec<&str> =
            self.keys.iter().filter(|key| key.is_word).map(|key| key.setting.name.as_str()).collect();
        let superseded = superseded_by(&words);
        let gone = |name: &str| superseded.contains(&name);
        let finding = Finding::no_effect("written-again", "the command line sets the clock");
        for key in &self.keys {
            if !key.is_word && gone(&key.setting.name) {
                self.book.mark(key.node, finding.clone());
            }
        }
        self.keys.retain(|key| key.is_word || !gone(&key.setting.name));
    }

    /// The key of this name that counts.
    pub fn get(&self, name: &str) -> Option<Key<'a>> {
        self.keys.iter().find(|key| key.setting.name == name).copied()
    }

    /// True if any key says what the RTC shows.
    pub fn has_offset(&self) -> bool {
        PLAIN_OFFSET.iter().chain(OUR_OFFSET).any(|name| self.get(name).is_some())
    }

    /// True if one of our own keys does.
    pub fn has_our_offset(&self) -> bool {
        OUR_OFFSET.iter().any(|name| self.get(name).is_some())
    }

    /// The items of `clock_timers`; `None` where there is no such key.
    pub fn clock_timers(&self) -> Option<Vec<TimerWords<'a>>> {
        self.get("clock_timers").map(|_| self.timers.clone())
    }

    /// True if a plain key overrides `clock_timers`, which stands in the file, rather than having to agree with it.
    pub fn overrides_timers(&self, key: Key<'_>) -> bool {
        key.is_word && self.get("clock_timers").is_none_or(|timers| !timers.is_word)
    }

    /// Says which place a part of the clock is from.
    pub fn is(&mut self, part: Part, node: usize) {
        self.book.is(part, node);
    }

    /// Says what becomes of a place.
    pub fn mark(&mut self, node: usize, finding: Finding) {
        self.book.mark(node, finding);
    }

    /// What was read; an error is kept, so that the others are found too.
    pub fn kept<T>(&mut self, read: Result<T>) -> Option<T> {
        read.map_err(|error| self.book.errors([*error])).ok()
    }

    /// An error at a place.
    pub fn error(&self, node: usize, finding: Finding) -> Box<Diagnostic> {
        self.book.error_at(node, finding)
    }

    /// The value of one of our keys: a text.
    ///
    /// # Errors
    /// If it is a list, or not UTF-8.
    pub fn text(&self, key: Key<'a>, expected: &str) -> Result<&'a str> {
        let text = key.setting.text().and_then(|text| std::str::from_utf8(text).ok());
        text.ok_or_else(|| self.not(key, expected))
    }

    /// The error for a value that is not what was expected.
    pub fn not(&self, key: Key<'_>, expected: &str) -> Box<Diagnostic> {
        self.error(key.node, bad_value(key.setting, expected))
    }

    fn read_timers(&mut self, key: Key<'a>) {
        let expected = "a list of \"name=...,key=value\", as in [ \"name=rtc,tickpolicy=catchup\" ]";
        let Content::List(items) = &key.setting.value.content else {
            let finding = bad_value(key.setting, expected);
            let items = key.setting.text().map(String::from_utf8_lossy).and_then(|text| items_of(&text));
            let text = key.setting.text().map(String::from_utf8_lossy);
            let instead = match items {
                Some(items) => format!("write {} = [ {items} ]", key.setting.name),
                None if text.is_some_and(|text| unset::is_none(&text)) => {
                    unset::leave_out("clock_timers", "Xen's timers, as with [ ]")
                }
                None => format!("give it {expected}"),
            };
            return self.book.error(key.node, finding.instead(instead));
        };
        for (index, item) in items.iter().enumerate() {
            let node = self.book.item(key.node, index, item);
            let Some(text) = Words::of(item) else {
                let finding =
                    Finding::invalid("bad-timer", format!("a list within the list, expected {expected}"));
                let instead = match joined(item).and_then(|text| items_of(&text)) {
                    Some(items) => format!("write {items}"),
                    None => "remove the inner [ and ]".to_owned(),
                };
                self.book.error(node, finding.instead(instead));
                continue;
            };
            if text.text.split(',').any(|word| word.trim().contains([';', ' ', '\t'])) {
                let finding =
                    Finding::invalid("bad-timer", "the settings of a timer are separated by commas");
                let finding = match items_of(text.text) {
                    Some(items) => finding.instead(format!("write {items}")),
                    None => finding.instead("write them as in \"name=rtc,tickpolicy=catchup\""),
                };
                self.book.error(node, finding);
                continue;
            }
            let mut words = Vec::new();
            let mut wrong = false;
            let mut start = 0;
            for word in text.text.split(',') {
                let part = text.part(start..start + word.len());
                start += word.len() + 1;
                let Some((key, value)) = word.split_once('=') else {
                    let finding = Finding::invalid("bad-timer", format!("'{word}' is not key=value"))
                        .instead(match (items_of(text.text), item_of(word)) {
                            (Some(items), _) => format!("write {items}"),
                            (None, Some(name)) => format!("write {name}"),
                            (None, None) => {
                                "write it as KEY=VALUE, as in \"name=rtc,tickpolicy=catchup\"".to_owned()
                            }
                        });
                    self.book.wrong(node, &part, finding);
                    wrong = true;
                    continue;
                };
                let (key, value) = (key.trim(), value.trim());
                let span = self.book.span(&part);
                let node = self.book.node(node, format!("/{key}"), span);
                words.push(Word { key, value, node });
            }
            if !wrong {
                self.timers.push(TimerWords { node, words });
            }
        }
    }
}

/// The item that is probably meant by a text that does not name its timer by `name=`: it names it alone, as in `tsc` and
/// `tsc,mode=native`, or with its presence, as in `hpet=no`. `None` where it is no item of a timer.
pub fn item_of(text: &str) -> Option<String> {
    let words: Vec<_> = text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    let is_timer = |word: &str| TimerName::ALL.iter().any(|timer| timer.to_string() == word);
    let named = words.iter().map(|word| match word.split_once('=').unwrap_or((word, "")) {
        (name, "") if is_timer(name) => format!("name={name}"),
        (name, value) if is_timer(name) => match meant(value, Unit::Flag) {
            Some(flag) => format!("name={name},present={}", if flag != 0 { "yes" } else { "no" }),
            None if TimerMode::from_word(value).is_some() => format!("name={name},mode={value}"),
            None => format!("name={name},tickpolicy={value}"),
        },
        _ => (*word).to_owned(),
    });
    let item = named.collect::<Vec<_>>().join(",");
    let timers = item.split(',').filter(|word| word.starts_with("name=")).count();
    let is_item = item.starts_with("name=") && timers == 1 && item.split(',').all(|word| word.contains('='));
    is_item.then_some(item)
}

/// The items, in quotes, that are probably meant by a text with the settings of one timer or several.
pub fn items_of(text: &str) -> Option<String> {
    let is_timer = |word: &str| TimerName::ALL.iter().any(|timer| timer.to_string() == word);
    let mut items: Vec<Vec<&str>> = Vec::new();
    for word in text.split([',', ';', ' ', '\t']).filter(|word| !word.is_empty()) {
        let key = word.split('=').next().unwrap_or_default();
        match items.last_mut() {
            Some(item) if key != "name" && !is_timer(key) => item.push(word),
            _ => items.push(vec![word]),
        }
    }
    let items: Option<Vec<_>> = items.iter().map(|words| item_of(&words.join(","))).collect();
    let quoted = |items: Vec<String>| items.iter().map(|item| suggest::quoted(item)).collect::<Vec<_>>();
    items.filter(|items| !items.is_empty()).map(|items| quoted(items).join(", "))
}

/// The digits that any number of 64 bits may have.
const LONGEST_NUMBER: usize = 18;

/// A value that a key does not take.
pub fn bad_value(setting: &Setting, expected: &str) -> Finding {
    let Setting { name, value, added, .. } = setting;
    let what = match &value.content {
        Content::List(_) => "a list".to_owned(),
        Content::Text(_) if *added => "set with +=".to_owned(),
        Content::Text(text) => format!("'{}'", String::from_utf8_lossy(text)),
    };
    let text = String::from_utf8_lossy(setting.text().unwrap_or_default());
    let digits = text.trim_start_matches(['-', '+']);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let reason = match is_number && !setting.added && digits.len() > LONGEST_NUMBER {
        true => format!("{name} is {text}, which is too large, expected {expected}"),
        false => format!("{name} is {what}, expected {expected}"),
    };
    let finding = Finding::invalid("bad-value", reason);
    let words: Vec<_> = expected.split(", ").flat_map(|words| words.split(" or ")).collect();
    let is_word = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    match nearest(&text, words.iter().copied()) {
        Some(near) => finding.instead(format!("write {name} = \"{near}\"")),
        None if words.iter().all(is_word) => finding.instead(one_of_quoted(name, &words)),
        // A list of one value is that value.
        None => match joined(value).filter(|text| !text.is_empty()) {
            Some(text) => finding.instead(format!("write {name} = {}", suggest::literal(&text))),
            None => finding,
        },
    }
}

/// The code of a plain key that says something else than ours.
pub const CONTRADICTION: &str = "contradiction";

/// The error for a plain key that says something else than ours.
pub fn contradiction(keys: &Keys<'_, '_>, node: usize, name: &str, ours: &str) -> Box<Diagnostic> {
    let setting = keys.get(name).map(|key| key.setting);
    let text = setting.and_then(Setting::text).map(String::from_utf8_lossy);
    let said = text.map_or_else(|| name.to_owned(), |text| format!("{name} = {text}"));
    let finding = Finding::invalid(CONTRADICTION, format!("{said} contradicts {ours}"));
    // An adjustment counts from UTC where nothing else is said.
    let is_set = setting.and_then(Setting::text).is_some_and(|text| text != b"0");
    let counts_from_local = name == "localtime" && is_set && keys.get("clock_adjustment").is_some();
    let instead = match counts_from_local && keys.get("clock_basis").is_none() {
        true => "write clock_basis = \"localtime\" as well".to_owned(),
        false => format!("remove {name}, or remove the clock_ keys, so that only the plain keys count"),
    };
    keys.error(node, finding.instead(instead))
}
