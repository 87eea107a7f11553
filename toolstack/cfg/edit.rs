//! Changes settings of a file and keeps every other byte.

use std::ops::Range;

use super::clock::superseded_by;
use super::domain::read;
use super::host::XlHost;
use super::parse::parse_with;
use super::{Setting, suggest};
use crate::diag::Errors;
use crate::domain::{Domain, changes};

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
}

impl From<Errors> for EditError {
    fn from(errors: Errors) -> Self {
        EditError::Wrong(errors)
    }
}

/// A file with settings in place of its own: each word is a line of an xl.cfg, and means what it means behind the file. What
/// the file does not have comes to its end; a clock's keys that the words replace go, and so do the keys of `unset`.
///
/// # Errors
/// Where the file or a word is wrong, and where the changed file would be.
pub fn edit(
    name: &str,
    bytes: &[u8],
    words: &[String],
    unset: &[String],
    host: &XlHost,
) -> Result<Vec<u8>, EditError> {
    let wanted = if unset.is_empty() { Some(read(name, bytes, words, host)?.input.domain) } else { None };
    let (cfg, _) = parse_with(name, bytes, words);
    let tail = cfg.tail.unwrap_or(cfg.bytes.len());
    let split = cfg.settings.iter().position(|setting| setting.key_span.start >= tail);
    let (file, asked) = cfg.settings.split_at(split.unwrap_or(cfg.settings.len()));
    let mut changes: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    let mut lines = Vec::new();
    for (index, setting) in asked.iter().enumerate() {
        let again = |later: &Setting| later.name == setting.name && !later.added;
        if asked.iter().skip(index + 1).any(again) {
            continue;
        }
        let value = written(&cfg.bytes, setting);
        let there = file.iter().rfind(|there| there.name == setting.name);
        match there.filter(|there| !there.added && !setting.added && !unset.contains(&there.name)) {
            Some(there) => changes.push((there.value.span.clone(), value)),
            None => {
                lines.extend(setting.name.as_bytes());
                lines.extend(if setting.added { b" += ".as_slice() } else { b" = " });
                lines.extend(value);
                lines.push(b'\n');
            }
        }
    }
    let names: Vec<&str> = asked.iter().map(|setting| setting.name.as_str()).collect();
    let gone = superseded_by(&names);
    let goes = |setting: &&Setting| {
        let replaced = gone.contains(&setting.name.as_str()) && !names.contains(&setting.name.as_str());
        replaced || unset.contains(&setting.name)
    };
    changes.extend(file.iter().filter(goes).map(|setting| (line_of(bytes, setting), Vec::new())));
    let text = changed(bytes, changes, lines);
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

/// The bytes that go with a setting: its line, or its part of a line that has others.
fn line_of(bytes: &[u8], setting: &Setting) -> Range<usize> {
    let (start, end) = (setting.key_span.start, setting.value.span.end);
    let before = bytes.get(..start).unwrap_or_default();
    let line = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let behind = bytes.get(end..).unwrap_or_default();
    let blanks = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let alone = bytes.get(line..start).unwrap_or_default().iter().all(u8::is_ascii_whitespace);
    match behind.get(blanks) {
        Some(b';') => start..end + blanks + 1,
        _ if !alone => start..end,
        Some(b'\n' | b'#') => {
            let rest = behind.iter().position(|byte| *byte == b'\n').map_or(behind.len(), |at| at + 1);
            line..end + rest
        }
        _ => line..end + blanks,
    }
}

fn changed(bytes: &[u8], mut changes: Vec<(Range<usize>, Vec<u8>)>, lines: Vec<u8>) -> Vec<u8> {
    changes.sort_by_key(|(span, _)| span.start);
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
                file.replace("localtime = 1    # Windows\n", "") + "clock_timezone = \"Europe/Berlin\"\n",
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
        let one = "type = 'hvm'; vcpus = 2; name = 'a'\n";
        assert_eq!(edited(one, &[], &["vcpus"]).unwrap(), "type = 'hvm';  name = 'a'\n");
        assert_eq!(edited(&file, &[], &["vcpus"]).unwrap(), file.replace("\tvcpus   =   2\n", ""));
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
    }
}
