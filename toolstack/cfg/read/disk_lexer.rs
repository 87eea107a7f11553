//! The rules of `libxlu_disk_l.l`, by which a disk is read.
//!
//! At each place the longest rule applies; of equally long rules, the first one does. A rule may look ahead without
//! consuming text, and the lookahead counts towards its length: this is how an old prefix (`phy:`) is recognised before
//! the file's name.

/// The action of a rule of the lexer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Blanks,
    /// `key=value`, by its index in [`KEYS`].
    Key(usize),
    /// A word alone, by its index in [`FLAGS`].
    Flag(usize),
    Target,
    UnknownKey,
    FormatPrefix,
    ScriptPrefix,
    IgnoredPrefix,
    UnknownPrefix,
    Positional,
    Bad,
}

pub(super) const KEYS: [&str; 13] = [
    "format=",
    "devtype=",
    "access=",
    "backend=",
    "backendtype=",
    "specification=",
    "vdev=",
    "script=",
    "colo-host=",
    "colo-port=",
    "colo-export=",
    "active-disk=",
    "hidden-disk=",
];

pub(super) const FLAGS: [&str; 10] = [
    "cdrom",
    "direct-io-safe",
    "discard",
    "no-discard",
    "colo",
    "no-colo",
    "trusted",
    "untrusted",
    "grant_usage=1",
    "grant_usage=0",
];

const FORMAT_PREFIXES: [&str; 4] = ["raw:", "qcow:", "qcow2:", "vhd:"];
const SCRIPT_PREFIXES: [&str; 4] = ["iscsi:", "nbd:", "enbd:", "drbd:"];
const IGNORED_PREFIXES: [&str; 7] = ["tapdisk:", "tap:", "tap2:", "aio:", "ioemu:", "file:", "phy:"];

/// The rule that counts at the beginning of a text, and how many bytes of it that takes.
pub(super) fn rule(text: &str, knows: impl Fn(&str) -> bool) -> (Rule, usize) {
    let mut best = (Rule::Bad, 0, 0);
    // `seen` is what the rule looks at, `taken` what it takes.
    let mut offer = |rule: Rule, seen: usize, taken: usize| {
        if seen > best.2 {
            best = (rule, taken, seen);
        }
    };
    let bytes = text.as_bytes();
    let run = |from: usize, part: &dyn Fn(u8) -> bool| {
        bytes.get(from..).unwrap_or_default().iter().take_while(|byte| part(**byte)).count()
    };
    let to_comma = |from: usize| from + run(from, &|byte| byte != b',');
    let comma = |at: usize| at + usize::from(bytes.get(at) == Some(&b','));
    let line = |from: usize| from + run(from, &|byte| byte != b'\n');
    let blanks = run(0, &|byte| matches!(byte, b' ' | b'\t' | b'\n'));
    if blanks > 0 {
        let seen = if blanks < bytes.len() { line(blanks + 1) } else { blanks };
        offer(Rule::Blanks, seen, blanks);
    }
    for (index, key) in KEYS.iter().enumerate() {
        if text.starts_with(key) && knows(key.trim_end_matches('=')) {
            let end = comma(to_comma(key.len()));
            offer(Rule::Key(index), end, end);
        }
    }
    for (index, flag) in FLAGS.iter().enumerate() {
        if text.starts_with(flag) && knows(flag.split('=').next().unwrap_or_default()) {
            let end = comma(flag.len());
            offer(Rule::Flag(index), end, end);
        }
    }
    if text.starts_with("target=") {
        offer(Rule::Target, line(7), line(7));
    }
    let starts_low = bytes.first().is_some_and(u8::is_ascii_lowercase);
    let low = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if starts_low {
        let equals = run(0, &|byte| low(byte) || byte == b'-');
        if bytes.get(equals) == Some(&b'=') && bytes.get(equals + 1).is_some_and(|byte| *byte != b',') {
            // A character is one byte to the lexer.
            let end = comma(equals + 2);
            offer(Rule::UnknownKey, end, end);
        }
    }
    let prefixes = [
        (Rule::FormatPrefix, FORMAT_PREFIXES.as_slice()),
        (Rule::ScriptPrefix, &SCRIPT_PREFIXES),
        (Rule::IgnoredPrefix, &IGNORED_PREFIXES),
    ];
    for (rule, prefixes) in prefixes {
        if let Some(prefix) = prefixes.iter().find(|prefix| text.starts_with(*prefix)) {
            offer(rule, line(prefix.len()), prefix.len());
        }
    }
    if starts_low {
        let colon = run(0, &low);
        if bytes.get(colon) == Some(&b':') {
            let after = colon + 1;
            let seen = match bytes.get(after) {
                Some(byte) if !low(*byte) => line(after + 1),
                _ => after,
            };
            offer(Rule::UnknownPrefix, seen, after);
        }
    }
    let end = run(0, &|byte| !matches!(byte, b'=' | b','));
    if end > 0 || bytes.first() == Some(&b',') {
        offer(Rule::Positional, comma(end), comma(end));
    }
    (best.0, best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rule_counts() {
        let table = [
            ("phy:/dev/x,hda,w", (Rule::IgnoredPrefix, 4)),
            ("phyx:/dev/x", (Rule::UnknownPrefix, 5)),
            ("foo:bar,hda", (Rule::Positional, 8)),
            ("foo:", (Rule::UnknownPrefix, 4)),
            ("format=raw,vdev=hda", (Rule::Key(0), 11)),
            ("bogus=abc", (Rule::UnknownKey, 7)),
            ("bogus=,", (Rule::Positional, 5)),
            ("=x", (Rule::Bad, 0)),
            (",hda", (Rule::Positional, 1)),
            ("cdrom,", (Rule::Flag(0), 6)),
            ("cdromx,", (Rule::Positional, 7)),
            ("  hda,w", (Rule::Blanks, 2)),
            ("  ", (Rule::Blanks, 2)),
            ("target=a,b", (Rule::Target, 10)),
            ("qcow2:/x", (Rule::FormatPrefix, 6)),
            ("nbd:x:1", (Rule::ScriptPrefix, 4)),
        ];
        for (text, expected) in table {
            assert_eq!(rule(text, |_| true), expected, "{text}");
        }
    }
}
