//! Changes settings of a file and keeps every other byte.

use std::ops::Range;

use super::clock::superseded_by;
use super::host::XlHost;
use super::keys::{self, KEYS};
use super::parse::{WORDS, parse_with};
use super::read::nearest;
use super::remedy::read;
use super::{Setting, suggest};
use crate::diag::{Diagnostic, Errors};
use crate::domain::{Domain, changes};

/// Bytes of a file, and those in their place.
type Change = (Range<usize>, Vec<u8>);

/// Codes of findings on settings that xl ignores, so that it would not do what was asked for.
const PASSED_OVER: [&str; 8] = [
    "unknown-key",
    "unknown-clock-key",
    "old-key",
    "no-number",
    "no-text",
    "no-list",
    "no-word",
    "list-in-list",
];

/// Why a file is not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The file, or a word, is wrong.
    #[error("{0}")]
    Wrong(Errors),
    /// The changed file would mean something else than asked for.
    #[error("the changed file would not have the requested meaning: {0}")]
    NotAsAsked(String),
    /// A key that is to go is not in the file, and xl has none of its name.
    #[error("there is no key {0} to remove{near}", near = nearest(.0, KEYS.iter().map(|key| key.name)).map_or_else(String::new, |near| format!("; write {near}")))]
    NoSuchKey(String),
}

impl From<Errors> for EditError {
    fn from(errors: Errors) -> Self {
        EditError::Wrong(errors)
    }
}

/// A file with settings in place of its own: each word is a line of an xl.cfg, and means what it means behind the file. What
/// the file does not have comes to its end, or into the place of a clock's key that it replaces; the other keys that the words
/// replace go, and so do those of `unset`.
///
/// # Errors
/// If the file, a word or the changed file is wrong.
pub fn edit(
    name: &str,
    bytes: &[u8],
    words: &[String],
    unset: &[String],
    host: &XlHost,
) -> Result<Vec<u8>, EditError> {
    // What is wrong with the file may be what is taken out.
    let (with_words, wrong) = match read(name, bytes, words, host) {
        Ok(described) => (Some(described.input), None),
        Err(errors) if unset.is_empty() => return Err(errors.into()),
        Err(errors) => (None, Some(errors)),
    };
    let passed_over =
        |loss: &Diagnostic| &*loss.place.file == WORDS && PASSED_OVER.contains(&loss.finding.code);
    if let Some(report) = with_words.as_ref().map(|input| &input.report) {
        let unknown: Vec<_> = report.losses().filter(passed_over).collect();
        if let Some(errors) = Errors::of(unknown, report.source()) {
            return Err(EditError::Wrong(errors));
        }
    }
    let wanted = with_words.map(|input| input.domain).filter(|_| unset.is_empty());
    let (cfg, _) = parse_with(name, bytes, words);
    let tail = cfg.tail.unwrap_or(cfg.bytes.len());
    let split = cfg.settings.iter().position(|setting| setting.key_span.start >= tail);
    let (file, asked) = cfg.settings.split_at(split.unwrap_or(cfg.settings.len()));
    let in_file = |key: &String| file.iter().any(|setting| setting.name == *key);
    let is_known = |key: &String| keys::find(key).is_some() || keys::OURS.contains(&key.as_str());
    if let Some(key) = unset.iter().find(|key| !in_file(key) && !is_known(key)) {
        return Err(EditError::NoSuchKey(key.clone()));
    }
    let goes = |setting: &Setting| unset.contains(&setting.name);
    if let Some(wrong) =
        wrong.filter(|_| file.iter().any(|setting| goes(setting) && !is_apart(bytes, setting)))
    {
        return Err(wrong.into());
    }
    let names: Vec<&str> = asked.iter().map(|setting| setting.name.as_str()).collect();
    let gone = superseded_by(&names);
    let replaced = |setting: &&Setting| {
        gone.contains(&setting.name.as_str())
            && !names.contains(&setting.name.as_str())
            && !unset.contains(&setting.name)
    };
    let mut replaced = file.iter().filter(replaced).peekable();
    let mut changes: Vec<Change> = Vec::new();
    let mut lines = Vec::new();
    for (index, setting) in asked.iter().enumerate() {
        let again = |later: &Setting| later.name == setting.name && !later.added;
        if asked.iter().skip(index + 1).any(again) {
            continue;
        }
        let value = written(&cfg.bytes, setting);
        let there = file.iter().rfind(|there| there.name == setting.name);
        if let Some(there) =
            there.filter(|there| !there.added && !setting.added && !unset.contains(&there.name))
        {
            changes.push((there.value.span.clone(), value));
            continue;
        }
        let equals = if setting.added { b" += ".as_slice() } else { b" = " };
        let line = [setting.name.as_bytes(), equals, &value].concat();
        // A clock takes the place of the one before it, where the comment is.
        match replaced.next_if(|_| !superseded_by(&[&setting.name]).is_empty()) {
            Some(place) => changes.push((place.key_span.start..place.value.span.end, line)),
            None => lines.extend([&line, b"\n".as_slice()].concat()),
        }
    }
    let all = replaced.chain(file.iter().filter(|setting| goes(setting)));
    changes.extend(all.map(|setting| (line_of(bytes, setting), Vec::new())));
    let text = changed(bytes, whole_lines(bytes, changes), lines);
    let got = read(name, &text, &[], host)?.input.domain;
    match wanted {
        Some(wanted) if !same(&got, &wanted) => Err(EditError::NotAsAsked(
            "the file also contains another setting for it; change the file by hand".to_owned(),
        )),
        _ => Ok(text),
    }
}

fn same(one: &Domain, other: &Domain) -> bool {
    changes::between((&one.config, &one.clock), (&other.config, &other.clock)).is_empty()
}

/// A word's value as it stands in a file, where texts are quoted.
fn written(bytes: &[u8], setting: &Setting) -> Vec<u8> {
    let text = bytes.get(setting.value.span.clone()).unwrap_or_default();
    if setting.value.bare {
        suggest::quoted(&String::from_utf8_lossy(text)).into_bytes()
    } else {
        text.to_vec()
    }
}

/// False for a setting of a wrong line, of which it is not known where it ends and another one begins.
fn is_apart(bytes: &[u8], setting: &Setting) -> bool {
    let text = bytes.get(setting.key_span.start..setting.value.span.end).unwrap_or_default();
    let value = bytes.get(setting.value.span.clone()).unwrap_or_default();
    let is_plain = !value.starts_with(b"[") && !value.starts_with(b"'") && !value.starts_with(b"\"");
    text.starts_with(setting.name.as_bytes()) && !(is_plain && value.contains(&b';'))
}

/// The bytes that go with a setting: itself, and the `;` behind it.
fn line_of(bytes: &[u8], setting: &Setting) -> Range<usize> {
    let (start, end) = (setting.key_span.start, setting.value.span.end);
    let behind = bytes.get(end..).unwrap_or_default();
    let blanks = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    if behind.get(blanks) == Some(&b';') { start..end + blanks + 1 } else { start..end }
}

/// The changes, with each line as a whole of which they leave nothing but a comment.
fn whole_lines(bytes: &[u8], mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by_key(|(span, _)| span.start);
    let end_of = |at: usize| {
        let behind = bytes.get(at..).unwrap_or_default();
        behind.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |found| at + found + 1)
    };
    let mut all = Vec::new();
    let mut rest = changes.into_iter().peekable();
    while let Some(first) = rest.next() {
        let before = bytes.get(..first.0.start).unwrap_or_default();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut end = end_of(first.0.end);
        let mut group = vec![first];
        while let Some(next) = rest.next_if(|(span, _)| span.start < end) {
            end = end_of(next.0.end);
            group.push(next);
        }
        let cuts = group.iter().map(|(span, _)| span.clone()).chain(std::iter::once(end..end));
        let mut left = Vec::new();
        let mut at = start;
        for cut in cuts {
            left.extend(bytes.get(at..cut.start).unwrap_or_default());
            at = cut.end.max(at);
        }
        let left = left.trim_ascii();
        let goes = group.iter().all(|(_, new)| new.is_empty()) && (left.is_empty() || left.starts_with(b"#"));
        if goes { all.push((start..end, Vec::new())) } else { all.extend(group) }
    }
    all
}

fn changed(bytes: &[u8], changes: Vec<Change>, lines: Vec<u8>) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() + lines.len() + 1);
    let mut at = 0;
    for (span, new) in changes {
        text.extend(bytes.get(at..span.start).unwrap_or_default());
        text.extend(new);
        at = span.end.max(at);
    }
    text.extend(bytes.get(at..).unwrap_or_default());
    if !lines.is_empty() && !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend(lines);
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const FILE: &str = "\
# A guest, kept by hand\r
name = 'guest'   # its name
type='hvm';  memory = 512
localtime = 1    # Windows
\tvcpus   =   2
disk = [ 'phy:/dev/vg/a,xvda,w', ]
";

    fn edited(file: &str, words: &[&str], unset: &[&str]) -> Result<String, EditError> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let host = XlHost::default();
        let text = edit("guest.cfg", file.as_bytes(), &owned(words), &owned(unset), &host)?;
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn every_other_byte_stays() {
        let file = FILE.replace('\r', "");
        let table = [
            (vec!["memory=1024"], file.replace("memory = 512", "memory = 1024")),
            (vec!["vcpus=4", "name=other"], file.replace("=   2", "=   4").replace("'guest'", "\"other\"")),
            (vec!["localtime=0"], file.replace("localtime = 1", "localtime = 0")),
            (vec!["rtc_timeoffset=3600"], format!("{file}rtc_timeoffset = 3600\n")),
            // A clock that takes the place of another.
            (
                vec!["clock_timezone=Europe/Berlin"],
                file.replace("localtime = 1 ", "clock_timezone = \"Europe/Berlin\" "),
            ),
            (
                vec!["disk=['phy:/dev/vg/b,xvda,w']"],
                file.replace("[ 'phy:/dev/vg/a,xvda,w', ]", "['phy:/dev/vg/b,xvda,w']"),
            ),
            (vec!["on_crash=preserve", "on_crash=restart"], format!("{file}on_crash = \"restart\"\n")),
        ];
        for (words, expected) in table {
            assert_eq!(edited(&file, &words, &[]).unwrap(), expected, "{words:?}");
        }
        assert_eq!(edited(&file, &[], &["memory"]).unwrap(), file.replace("  memory = 512", "  "));
        // The settings of a wrong line cannot be told apart.
        for (line, key) in
            [("boot=cd;vnc=1", "boot"), ("boot=cd;vnc=1", "vnc"), ("vcpus = $X ; hap = 1", "vcpus")]
        {
            let file = format!("name = 'a'\ntype = 'hvm'\n{line}\n");
            assert!(matches!(edited(&file, &[], &[key]), Err(EditError::Wrong(_))), "{line} {key}");
        }
        let wrong = "name = 'a'\ntype = 'hvm'\nvcpus = two # z\n";
        assert_eq!(edited(wrong, &[], &["vcpus"]).unwrap(), "name = 'a'\ntype = 'hvm'\n");
        let one = "type = 'hvm'; vcpus = 2; name = 'a'\n";
        assert_eq!(edited(one, &[], &["vcpus"]).unwrap(), "type = 'hvm';  name = 'a'\n");
        assert_eq!(edited(&file, &[], &["vcpus"]).unwrap(), file.replace("\tvcpus   =   2\n", ""));
        // A line of which nothing is left goes.
        let two = "type = 'hvm'\nlocaltime=1 ; rtc_timeoffset=60 # both\nname = 'a'\n";
        let left = "type = 'hvm'\nname = 'a'\n";
        assert_eq!(edited(two, &[], &["localtime", "rtc_timeoffset"]).unwrap(), left);
        let zone = edited(two, &["clock_timezone=Europe/Berlin"], &[]).unwrap();
        assert_eq!(
            zone,
            two.replace("localtime=1 ; rtc_timeoffset=60", "clock_timezone = \"Europe/Berlin\" ; ")
        );
        let list = "type = 'hvm'\nvif = [ 'bridge=a',\n 'bridge=b' ] # two\nname = 'a'\n";
        assert_eq!(edited(list, &[], &["vif"]).unwrap(), left);
        // Without a line break at its end.
        assert_eq!(
            edited("name='a'; type='hvm'", &["memory=64"], &[]).unwrap(),
            "name='a'; type='hvm'\nmemory = 64\n"
        );
    }

    #[test]
    fn what_would_be_wrong_is_refused() {
        let file = FILE.replace('\r', "");
        for words in [&["memory=much"][..], &["vcpus=3", "maxvcpus=2"], &["clock_start=soon"], &["disk=['x"]]
        {
            assert!(matches!(edited(&file, words, &[]), Err(EditError::Wrong(_))), "{words:?}");
        }
        assert!(matches!(edited("name = ", &["memory=64"], &[]), Err(EditError::Wrong(_))));
        // What xl would pass over.
        for word in ["timezone=Europe/Berlin", "memroy=5", "ram=5"] {
            assert!(matches!(edited(&file, &[word], &[]), Err(EditError::Wrong(_))), "{word}");
        }
        let Err(EditError::NoSuchKey(key)) = edited(&file, &[], &["memroy"]) else { panic!() };
        assert_eq!(key, "memroy");
        // One that is not there is out already.
        assert_eq!(edited(&file, &[], &["rtc_timeoffset"]).unwrap(), file);
    }
}
