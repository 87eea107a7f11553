//! Reads the settings of an xl.cfg into a domain, as `xl_parse.c` does.
//!
//! A setting that xl accepts has the same value, a setting that xl ignores is ignored and reported, and a setting that
//! xl refuses is refused. A setting over which xl crashes or reads uninitialised memory is an error.

mod affinity;
pub(super) mod book;
mod boot;
mod channels;
mod cpuid;
mod cpuid_meant;
mod cpuid_names;
mod devices;
mod disk_lexer;
mod disks;
mod entry;
mod features;
mod foreign;
mod general;
mod guest;
mod nics;
mod old_pci;
mod pairs;
mod passthrough;
mod ranges;
mod screens;
mod simple;
mod sound;
mod twice;
pub(super) mod unknown;
mod usb;
mod viridian;
mod vnuma;

use timers::GuestKind;

use super::host::XlHost;
use super::keys::{self, Key};
use super::suggest::{self, Unit};
use super::{Cfg, Content, Setting, Value};
use crate::diag::{self, Finding, Verdict};
use crate::domain::refused::{self, Refused};
use crate::domain::{Defbool, DomainConfig, Part, XenVersion, release};
use book::{Book, Words};
pub(super) use features::{missed_ticks, tsc_mode};

/// Codes of findings on a value that xl reads as another one.
const MISREAD: [&str; 5] = ["backwards", "bad-range", "not-all-a-number", "number-wraps", "written-again"];

/// A file that is being read.
pub(super) struct Reader<'a> {
    pub book: Book<'a>,
    host: &'a XlHost,
    kind: GuestKind,
    pub config: DomainConfig,
    /// The settings that count, in the order of [`by_length`].
    settings: Vec<Named<'a>>,
    /// The settings are laid over a domain that is there.
    overlay: bool,
}

/// The name of a setting that counts, with its node and its key, if there is such a key.
#[derive(Clone, Copy)]
struct Named<'a> {
    name: &'a str,
    node: usize,
    key: Option<&'static Key>,
}

/// A setting that counts, with its node.
#[derive(Clone, Copy)]
struct Found<'a> {
    setting: &'a Setting,
    node: usize,
}

impl<'a> Reader<'a> {
    pub fn new(cfg: &'a Cfg, host: &'a XlHost, config: DomainConfig, overlay: bool) -> Self {
        let counts = |(index, setting): (usize, &'a Setting)| {
            let name = setting.name.as_str();
            setting.followed_by.is_none().then(|| Named { name, node: index, key: keys::find(name) })
        };
        let mut settings: Vec<_> = cfg.settings.iter().enumerate().filter_map(counts).collect();
        settings.sort_unstable_by_key(|setting| (by_length(setting.name), setting.node));
        Reader { book: Book::of(cfg), host, kind: config.kind(), config, settings, overlay }
    }

    /// Reads all settings but the clock's own.
    pub fn run(&mut self) {
        self.kinds();
        self.simple();
        self.general();
        self.memory();
        self.vcpus();
        self.affinity();
        self.passthrough();
        self.boot();
        self.features();
        self.ranges();
        self.disks();
        self.places_of_disks();
        self.pv_devices();
        self.channels();
        self.nics();
        self.screens();
        self.usb();
        self.cpuid();
        self.device_model();
        self.refused();
        self.arm();
        self.given_twice();
        self.unknown();
    }

    /// What xl accepts, and libxl or QEMU does not.
    fn refused(&mut self) {
        let all = refused::all(&self.config, self.host.release.unwrap_or(XenVersion::NEWEST));
        if all.is_empty() {
            return;
        }
        let (items, misread) = (self.book.items(), self.book.misread(&MISREAD));
        for Refused { keys, item, finding, .. } in all {
            // Words of a command line lie over a file that has the others.
            let Some(found) = keys.iter().find_map(|key| self.find(key)) else { continue };
            let node = item.and_then(|item| items.get(&(found.node, item)).copied()).unwrap_or(found.node);
            // Where xl reads another value than is written, the right one may be what is mended first.
            let finding = match misread.get(&node) {
                Some(first) => finding.instead(first.clone()),
                None => finding,
            };
            self.book.mark(node, finding);
        }
    }

    /// Says where each disk comes from.
    fn places_of_disks(&mut self) {
        let Some(found) = self.find("disk") else { return };
        let items = self.book.items();
        for index in 0..self.config.disks.len() {
            if let Some(&node) = items.get(&(found.node, index)) {
                self.book.is(Part::Disk(index), node);
            }
        }
    }

    fn find(&self, name: &str) -> Option<Found<'a>> {
        let index =
            self.settings.binary_search_by(|setting| by_length(setting.name).cmp(&by_length(name))).ok()?;
        let Named { node, key, .. } = *self.settings.get(index)?;
        let key = key?;
        // A key that the guest's kind does not have is never looked at.
        if !key.is_for(self.kind) || !self.host.knows(|| release::key(name)) {
            return None;
        }
        Some(Found { setting: self.book.cfg.settings.get(node)?, node })
    }

    /// True if a key is there, whatever its value.
    fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The text of a key; a list is passed over with a word, as by xl.
    fn text(&mut self, name: &str) -> Option<&'a str> {
        let found = self.find(name)?;
        self.text_of(found)
    }

    fn words(&mut self, name: &str) -> Option<(Words<'a>, usize)> {
        let found = self.find(name)?;
        self.text_of(found)?;
        Some((Words::of(&found.setting.value)?, found.node))
    }

    fn text_of(&mut self, found: Found<'a>) -> Option<&'a str> {
        match &found.setting.value.content {
            Content::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Some(text),
                Err(_) => {
                    self.book.error(found.node, not_utf8());
                    None
                }
            },
            Content::List(_) => {
                self.book.mark(found.node, no_text(found.setting));
                None
            }
        }
    }

    /// The number of a key; what is none is passed over with a word, as by xl.
    fn number(&mut self, name: &str) -> Option<i64> {
        let found = self.find(name)?;
        self.number_of(found)
    }

    fn number_of(&mut self, found: Found<'a>) -> Option<i64> {
        let number = found.setting.number();
        if number.is_none() {
            self.no_number(found);
        }
        number
    }

    /// Says that a value is no number.
    fn no_number(&mut self, found: Found<'a>) {
        let finding = no_number(found.setting);
        if finding.verdict == Verdict::Invalid {
            self.book.error(found.node, finding);
        } else {
            self.book.mark(found.node, finding);
        }
    }

    fn flag(&mut self, name: &str) -> Option<Defbool> {
        self.number(name).map(|number| (number != 0).into())
    }

    /// The list of a key; a single value is passed over with a word, as by xl.
    fn list(&mut self, name: &str) -> Option<(&'a [Value], usize)> {
        let found = self.find(name)?;
        match &found.setting.value.content {
            Content::List(items) => Some((items, found.node)),
            Content::Text(text) => {
                let text = String::from_utf8_lossy(text);
                let finding = Finding::unsupported(
                    "no-list",
                    "this is a single value, and xl, which expects a list, ignores it",
                );
                // A number is no device.
                let instead = match suggest::number(&text, Unit::Flag) {
                    Some(flag) if keys::is_list(name) && flag == "0" => "remove it".to_owned(),
                    Some(_) if keys::is_list(name) => {
                        let of = if name == "vnuma" { "nodes" } else { "devices" };
                        format!("remove it; {name} is a list of {of}")
                    }
                    _ if name == "vnuma" => {
                        "remove it, or give a list of nodes, each a list of its settings".to_owned()
                    }
                    _ => format!("write {name} = [ {} ]", suggest::quoted(&text)),
                };
                self.book.mark(found.node, finding.instead(instead));
                None
            }
        }
    }

    /// The texts of a list, each with a node of its own. A list within the list ends it for xl.
    fn items(&mut self, name: &str) -> Option<Vec<(Words<'a>, usize)>> {
        let (items, node) = self.list(name)?;
        Some(self.texts(items, node))
    }

    fn texts(&mut self, items: &'a [Value], node: usize) -> Vec<(Words<'a>, usize)> {
        let mut texts = Vec::with_capacity(items.len());
        let cfg_setting = self.book.cfg.settings().get(node);
        for (index, value) in items.iter().enumerate() {
            let item = self.book.item(node, index, value);
            match (Words::of(value), &value.content) {
                (Some(words), _) => texts.push((words, item)),
                (None, Content::Text(_)) => self.book.error(item, not_utf8()),
                (None, Content::List(_)) => {
                    let finding = Finding::unsupported(
                        "list-in-list",
                        "a list within the list, where xl ends the list: xl ignores this and everything after it",
                    );
                    let is_entry = cfg_setting.is_some_and(|setting| keys::is_list(&setting.name));
                    let entry = joined(value).filter(|text| is_entry && !text.is_empty());
                    let instead = entry.map(|text| format!("write {}", suggest::quoted(&text)));
                    self.book.mark(
                        item,
                        finding.instead(instead.unwrap_or_else(|| "remove the inner [ and ]".to_owned())),
                    );
                    break;
                }
            }
        }
        texts
    }
}

/// The order in which settings are looked up: most names differ in length, which is fast to compare.
fn by_length(name: &str) -> (usize, &str) {
    (name.len(), name)
}

/// The texts of a list as one, with commas between them.
pub(super) fn joined(list: &Value) -> Option<String> {
    let Content::List(items) = &list.content else { return None };
    let texts: Option<Vec<_>> = items.iter().map(|item| std::str::from_utf8(item.text()?).ok()).collect();
    texts.map(|texts| texts.join(","))
}

/// The finding for a list where xl expects a text.
pub(super) fn no_text(setting: &Setting) -> Finding {
    let finding =
        Finding::unsupported("no-text", "this is a list, and xl, which expects one value, ignores it");
    let Content::List(items) = &setting.value.content else { return finding };
    let texts: Option<Vec<_>> = items.iter().map(|item| item.text().map(String::from_utf8_lossy)).collect();
    let texts = texts.unwrap_or_default();
    let name = setting.name.as_str();
    let value = match (name, texts.len()) {
        (_, 0) => return finding.instead(format!("give {name} one value in quotes")),
        ("boot", _) => texts.concat(),
        ("cmdline" | "extra" | "root" | "bootloader", _) => texts.join(" "),
        (_, 1) => texts[0].to_string(),
        _ => return finding.instead(format!("give {name} one of them")),
    };
    finding.instead(format!("write {name} = {}", suggest::quoted(&value)))
}

/// The finding for a value that is no number: xl passes over it, and a word of a command line that xl's lexer would
/// refuse is refused.
pub(super) fn no_number(setting: &Setting) -> Finding {
    let (name, unit) = (&setting.name, keys::unit_of(&setting.name).unwrap_or(Unit::Plain));
    let text = match &setting.value.content {
        // A list of one value is that value.
        Content::List(items) if items.len() == 1 => items[0].text(),
        _ => setting.text(),
    };
    let text = String::from_utf8_lossy(text.unwrap_or_default());
    if setting.value.bare {
        let finding = Finding::invalid("bad-value", format!("{name} '{text}' is not a number"));
        return with_number(finding, name, &text, unit);
    }
    let reason = match &setting.value.content {
        Content::List(_) => "this is a list, and xl, which expects a number, ignores it",
        Content::Text(_) if setting.added => return added_number(setting, unit),
        Content::Text(_) => "xl does not read this as a number, and ignores it",
    };
    with_number(Finding::unsupported("no-number", reason), name, &text, unit)
}

/// The finding for a number with `+=`: what is meant is the sum, and xl has no number at all.
fn added_number(setting: &Setting, unit: Unit) -> Finding {
    let name = &setting.name;
    let reason = match setting.joints.len() {
        0 => "xl reads no number from a setting with +=, and ignores it".to_owned(),
        _ => format!(
            "xl joins texts with +=, reads no number from {name}, and ignores all of it, also what is set before"
        ),
    };
    let number = |text: &[u8]| suggest::value(&String::from_utf8_lossy(text), unit);
    // A yes and a yes are no two.
    let is_sum = unit != Unit::Flag || setting.joints.is_empty();
    let sum = is_sum
        .then_some(())
        .and_then(|()| setting.parts().try_fold(0_i64, |sum, text| sum.checked_add(number(text)?)));
    Finding::unsupported("no-number", reason).instead(match sum {
        Some(sum) => format!("write {name} = {}", suggest::written(sum)),
        None => suggest::example(name, unit),
    })
}

/// A word that a setting within a value does not take.
fn bad_word(name: &str, text: &str, expected: &[&str]) -> Finding {
    let near = nearest(text, expected.iter().copied()).filter(|_| !name.contains(' '));
    let instead = near.map(|near| format!("write {name}={near}"));
    unexpected(name, text, expected).instead(instead.unwrap_or_else(|| known_instead(text, expected)))
}

/// Values of other tools, by the key, with xl's.
const OTHER_VALUES: &[(&str, &[&str], &str)] = &[
    ("bios", &["uefi", "efi", "edk2", "tianocore"], "ovmf"),
    ("bios", &["bios", "legacy", "csm"], "seabios"),
    ("on_reboot", &["reboot"], "restart"),
    ("on_crash", &["reboot"], "restart"),
    ("on_crash", &["coredump"], "coredump-destroy"),
    ("on_crash", &["rename"], "rename-restart"),
    ("on_poweroff", &["poweroff", "shutdown", "halt"], "destroy"),
    ("vga", &["qxl-vga"], "qxl"),
    ("vga", &["std", "vga"], "stdvga"),
];

/// A word that a key does not take.
fn bad_value(key: &str, text: &str, expected: &[&str]) -> Finding {
    let other = OTHER_VALUES
        .iter()
        .find(|(of, texts, _)| *of == key && texts.iter().any(|other| other.eq_ignore_ascii_case(text)))
        .map(|(_, _, known)| *known);
    let instead = match other.or_else(|| nearest(text, expected.iter().copied())) {
        Some(near) => one_of_quoted(key, &[near]),
        None => one_of_quoted(key, expected),
    };
    unexpected(key, text, expected).instead(instead)
}

/// The remedy for a key that takes one of these words.
pub(super) fn one_of_quoted(key: &str, words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    format!("write {key} = {}", words.join(" or "))
}

fn unexpected(name: &str, text: &str, expected: &[&str]) -> Finding {
    Finding::invalid("bad-value", format!("{name} is '{text}', expected {}", expected.join(", ")))
}

pub(super) fn not_utf8() -> Finding {
    Finding::invalid(
        "not-utf8",
        "this is not UTF-8; libxl keeps a domain's config as JSON, which must be UTF-8",
    )
    .instead("save the file as UTF-8")
}

/// A finding about a number, with what to write where that can be known.
pub(super) fn with_number(finding: Finding, name: &str, text: &str, unit: Unit) -> Finding {
    match suggest::number_of(name, text, unit) {
        Some(number) => finding.instead(format!("write {name} = {number}")),
        None => finding.instead(suggest::example(name, unit)),
    }
}

/// The word that another is probably meant to be: the nearest by letters that are wrong, missing or too many, if it is
/// near, else the only one of which it is the beginning, or which is its beginning.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<_> = known.filter(|name| !diag::is_opposite(word, name)).collect();
    let near = || diag::nearest(word, known.iter().copied()).filter(|_| word.len() > 2);
    near().or_else(|| {
        let word = word.to_ascii_lowercase();
        // `utc+3` is more than `utc`, and `base,freq` more than `base`.
        let goes_on = |rest: &str| rest.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
        let begins = |name: &&str| {
            // Of a name that is much longer it is no more than the subject.
            let (more, less) = (name.len().abs_diff(word.len()), name.len().min(word.len()));
            (name.starts_with(&word) && more <= less)
                || (word.strip_prefix(*name).is_some_and(goes_on) && 2 * more <= less)
        };
        let mut found = known.iter().copied().filter(|name| word.len().min(name.len()) > 2).filter(begins);
        found.next().filter(|_| found.next().is_none())
    })
}

/// As [`nearest`], as long as there are `left` to look for.
pub(super) fn suggestion<'a>(
    left: &mut usize,
    word: &str,
    known: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    *left = left.checked_sub(1)?;
    nearest(word, known)
}

/// The remedy for an unknown word: the known one that is probably meant, else all that are known.
pub(super) fn known_instead(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("write {near}"),
        None => format!("use one of {}", known.join(", ")),
    }
}

/// The finding for a key that this guest does not have.
fn other_guests(key: &Key) -> Finding {
    Finding::no_effect("other-guest", format!("only {} has this, and xl ignores it", key.guests()))
}
