//! `disk`: block devices, as read by the lexer `libxlu_disk_l.l`.
//!
//! At each place the longest rule applies; of equally long rules, the first one does. A rule may look ahead without
//! consuming text, and the lookahead counts towards its length: this is how an old prefix (`phy:`) is recognised before
//! the file's name.

use super::Reader;
use super::book::Words;
use crate::cfg::number;
use crate::diag::Finding;
use crate::domain::config::{Disk, DiskBackend, DiskFormat, DiskSpecification};

/// The action of a rule of the lexer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
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

const KEYS: [&str; 13] = [
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

const FLAGS: [&str; 10] = [
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
fn rule(text: &str, knows: impl Fn(&str) -> bool) -> (Rule, usize) {
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

/// A disk that is being read.
struct Spec<'a> {
    disk: Disk,
    node: usize,
    access_given: bool,
    prefixed: bool,
    failed: bool,
    words: Words<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn disks(&mut self) {
        let Some(items) = self.items("disk") else {
            return;
        };
        self.config.disks = items.into_iter().map(|(words, node)| self.disk(words, node)).collect();
    }

    fn disk(&mut self, words: Words<'a>, node: usize) -> Disk {
        let disk = Disk { readwrite: 1, ..Disk::default() };
        let mut spec = Spec { disk, node, access_given: false, prefixed: false, failed: false, words };
        let mut rest = words;
        while !rest.text.is_empty() {
            let (rule, taken) = rule(rest.text, |name| self.host.knows_setting("disk", name));
            if rule == Rule::Bad || !self.disk_rule(&mut spec, rule, rest, taken) {
                if rule == Rule::Bad && rest.text == "=" {
                    // xl's lexer waits for more before it refuses it.
                    let reason =
                        "xl ignores a = at the end of a disk, and takes the text before it as a value";
                    let finding = Finding::unsupported("unknown-word", reason);
                    self.book.note(node, &rest, finding.instead("remove the ="));
                } else if rule == Rule::Bad {
                    self.bad_disk(&mut spec, &rest, "this is not a setting of a disk".to_owned());
                }
                break;
            }
            // A wrong key is taken up to its first character.
            let mut taken = taken;
            while !rest.text.is_char_boundary(taken) {
                taken += 1;
            }
            rest = rest.from(taken);
        }
        self.finish_disk(&mut spec);
        spec.disk
    }

    /// Does what a rule says; whether the lexer goes on.
    fn disk_rule(&mut self, spec: &mut Spec<'a>, rule: Rule, rest: Words<'a>, taken: usize) -> bool {
        let whole = rest.part(0..taken);
        let word = whole.part(0..whole.text.len() - usize::from(whole.text.ends_with(',')));
        match rule {
            Rule::Blanks => {}
            Rule::Key(index) => {
                let value = word.from(KEYS[index].len());
                self.disk_key(spec, KEYS[index].trim_end_matches('='), value);
            }
            Rule::Flag(index) => disk_flag(&mut spec.disk, FLAGS[index]),
            Rule::Target => {
                let target = word.from("target=".len());
                self.disk_text(spec, "target", target, |disk| &mut disk.pdev_path);
            }
            Rule::UnknownKey => {
                let key = whole.text.split('=').next().unwrap_or_default();
                let mut known: Vec<_> =
                    KEYS.iter().map(|key| key.trim_end_matches('=')).chain(["target"]).collect();
                known.retain(|name| self.host.knows_setting("disk", name));
                spec.failed = true;
                let finding = Finding::invalid("bad-disk", format!("a disk has no setting '{key}'"));
                let instead = super::known_instead(key, &known, "=");
                self.book.wrong(spec.node, &whole, finding.instead(instead));
            }
            Rule::FormatPrefix => {
                spec.prefixed = true;
                self.disk_format(spec, word.part(0..word.text.len().saturating_sub(1)));
            }
            Rule::ScriptPrefix => {
                spec.prefixed = true;
                let script = format!("block-{}", word.text.trim_end_matches(':'));
                self.disk_string(spec, "script", word, script, |disk| &mut disk.script);
            }
            Rule::IgnoredPrefix => {
                spec.prefixed = true;
                let finding = Finding::no_effect("deprecated", "an old prefix, which xl ignores");
                self.book.note(spec.node, &whole, finding.instead("leave it out, and name the format"));
            }
            Rule::UnknownPrefix => {
                self.bad_disk(spec, &whole, format!("'{}' is not a prefix that xl knows", whole.text));
                return false;
            }
            Rule::Positional => return self.disk_position(spec, word),
            Rule::Bad => return false,
        }
        true
    }

    fn disk_key(&mut self, spec: &mut Spec<'a>, key: &str, value: Words<'a>) {
        match key {
            "format" => self.disk_format(spec, value),
            "devtype" => self.disk_devtype(spec, value),
            "access" => self.disk_access(spec, value),
            "backend" => self.disk_text(spec, "backend", value, |disk| &mut disk.backend_domname),
            "backendtype" => {
                let wanted = DiskBackend::from_word(value.text).filter(|backend| {
                    backend.as_str() == value.text && self.host.knows_word("disk.backendtype", value.text)
                });
                match (wanted, spec.disk.backend) {
                    (None, _) => {
                        let reason = format!(
                            "backendtype is '{}', expected phy, tap, qdisk or standalone",
                            value.text
                        );
                        self.bad_disk(spec, &value, reason);
                    }
                    (Some(wanted), Some(before)) if wanted != before => {
                        self.respecified(spec, "backendtype", value)
                    }
                    (wanted, _) => spec.disk.backend = wanted,
                }
            }
            "specification" => {
                let wanted =
                    DiskSpecification::from_word(value.text).filter(|spec| spec.as_str() == value.text);
                match (wanted, spec.disk.specification) {
                    (None, _) => {
                        let reason = format!("specification is '{}', expected xen or virtio", value.text);
                        self.bad_disk(spec, &value, reason);
                    }
                    (Some(wanted), Some(before)) if wanted != before => {
                        self.respecified(spec, "specification", value)
                    }
                    (wanted, _) => spec.disk.specification = wanted,
                }
            }
            "vdev" => self.disk_text(spec, "vdev", value, |disk| &mut disk.vdev),
            "script" => self.disk_text(spec, "script", value, |disk| &mut disk.script),
            "colo-host" => self.disk_text(spec, "colo-host", value, |disk| &mut disk.colo_host),
            "colo-port" => match number::int(value.text) {
                0 => self.bad_disk(spec, &value, format!("colo-port is '{}', expected a port", value.text)),
                port => spec.disk.colo_port = port,
            },
            "colo-export" => self.disk_text(spec, "colo-export", value, |disk| &mut disk.colo_export),
            "active-disk" => self.disk_text(spec, "active-disk", value, |disk| &mut disk.active_disk),
            _ => self.disk_text(spec, "hidden-disk", value, |disk| &mut disk.hidden_disk),
        }
    }

    fn disk_position(&mut self, spec: &mut Spec<'a>, word: Words<'a>) -> bool {
        if spec.failed {
            return true;
        }
        let Disk { pdev_path, format, vdev, .. } = &spec.disk;
        match pdev_path {
            None => self.disk_text(spec, "target", word, |disk| &mut disk.pdev_path),
            Some(path) if !spec.prefixed && format.is_none() => {
                if path.is_empty() && self.vdev_and_type(spec, word) {
                    spec.disk.format = Some(DiskFormat::Empty);
                } else {
                    self.disk_format(spec, word);
                }
            }
            Some(_) if vdev.is_none() => {
                if !self.vdev_and_type(spec, word) {
                    self.disk_text(spec, "vdev", word, |disk| &mut disk.vdev);
                }
            }
            Some(_) if !spec.access_given => {
                spec.access_given = true;
                self.disk_access(spec, word);
            }
            Some(_) => {
                self.bad_disk(spec, &word, "one value too many".to_owned());
                return false;
            }
        }
        true
    }

    /// `hdc:cdrom`; whether it has the colon.
    fn vdev_and_type(&mut self, spec: &mut Spec<'a>, word: Words<'a>) -> bool {
        let Some(colon) = word.text.rfind(':') else {
            return false;
        };
        self.disk_text(spec, "vdev", word.part(0..colon), |disk| &mut disk.vdev);
        let kind = word.from(colon + 1);
        self.disk_devtype(spec, kind);
        true
    }

    fn disk_devtype(&mut self, spec: &mut Spec<'a>, kind: Words<'a>) {
        match kind.text {
            "cdrom" => spec.disk.is_cdrom = 1,
            "disk" => spec.disk.is_cdrom = 0,
            _ => {
                let why = format!("devtype is '{}', expected disk or cdrom", kind.text);
                self.bad_disk(spec, &kind, why);
            }
        }
    }

    fn disk_access(&mut self, spec: &mut Spec<'a>, word: Words<'a>) {
        match word.text {
            "r" | "ro" => spec.disk.readwrite = 0,
            "rw" | "w" | "" => spec.disk.readwrite = 1,
            _ => self.bad_disk(spec, &word, format!("access is '{}', expected r, ro, w or rw", word.text)),
        }
    }

    fn disk_format(&mut self, spec: &mut Spec<'a>, word: Words<'a>) {
        let wanted = match word.text {
            "" => Some(DiskFormat::Raw),
            text => DiskFormat::from_word(text).filter(|format| format.as_str() == text),
        };
        match (wanted, spec.disk.format) {
            (None, _) => {
                let reason =
                    format!("format is '{}', expected raw, qcow, qcow2, vhd, qed or empty", word.text);
                self.bad_disk(spec, &word, reason);
            }
            (Some(wanted), Some(before)) if wanted != before => self.respecified(spec, "format", word),
            (wanted, _) => spec.disk.format = wanted,
        }
    }

    fn disk_text(
        &mut self,
        spec: &mut Spec<'a>,
        name: &str,
        word: Words<'a>,
        field: fn(&mut Disk) -> &mut Option<String>,
    ) {
        self.disk_string(spec, name, word, word.text.to_owned(), field);
    }

    /// Sets a text once; an empty one may be set again.
    fn disk_string(
        &mut self,
        spec: &mut Spec<'a>,
        name: &str,
        word: Words<'a>,
        value: String,
        field: fn(&mut Disk) -> &mut Option<String>,
    ) {
        let slot = field(&mut spec.disk);
        if slot.as_ref().is_some_and(|before| !before.is_empty()) {
            return self.respecified(spec, name, word);
        }
        *slot = Some(value);
    }

    fn respecified(&mut self, spec: &mut Spec<'a>, name: &str, word: Words<'a>) {
        self.bad_disk(spec, &word, format!("{name} is given twice"));
    }

    fn bad_disk(&mut self, spec: &mut Spec<'a>, word: &Words<'a>, reason: String) {
        spec.failed = true;
        let instead =
            "write a disk as in \"format=raw,vdev=xvda,access=rw,target=/dev/vg/guest\", the target last";
        self.book.wrong(spec.node, word, Finding::invalid("bad-disk", reason).instead(instead));
    }

    fn finish_disk(&mut self, spec: &mut Spec<'a>) {
        if spec.failed {
            return;
        }
        let words = spec.words;
        let disk = &mut spec.disk;
        disk.format = disk.format.or(Some(DiskFormat::Raw));
        if disk.is_cdrom != 0 {
            disk.removable = 1;
            disk.readwrite = 0;
            if disk.pdev_path.as_ref().is_none_or(String::is_empty) {
                disk.format = Some(DiskFormat::Empty);
            }
        }
        let missing = match (&disk.vdev, &disk.pdev_path) {
            (None, _) => Some("a disk needs its name in the guest, vdev="),
            (Some(_), None) if disk.removable == 0 => Some("a disk that is not removable needs a target="),
            _ => None,
        };
        if let Some(reason) = missing {
            self.bad_disk(spec, &words, reason.to_owned());
        }
    }
}

fn disk_flag(disk: &mut Disk, flag: &str) {
    match flag {
        "cdrom" => disk.is_cdrom = 1,
        "direct-io-safe" => disk.direct_io_safe = true,
        "discard" | "no-discard" => disk.discard_enable = Some((flag == "discard").into()),
        "colo" | "no-colo" => disk.colo_enable = Some((flag == "colo").into()),
        "trusted" | "untrusted" => disk.trusted = Some((flag == "trusted").into()),
        _ => disk.grant_usage = Some(flag.ends_with('1').into()),
    }
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

    #[test]
    fn an_equals_sign_at_the_end_is_passed_over() {
        let read = |disk: &str| {
            let text = format!("name = 'x'\ntype = 'hvm'\nmemory = 64\ndisk = [ '{disk}' ]\n");
            crate::cfg::read("f", text.as_bytes(), &[], &crate::cfg::XlHost::default())
        };
        for (disk, target) in [("vdev=xvda,x=", "x"), ("vdev=xvda,,=", ""), ("/a,raw,xvda,w=", "/a")] {
            let input = read(disk).unwrap_or_else(|errors| panic!("{errors}")).input;
            assert_eq!(input.domain.config.disks[0].pdev_path.as_deref(), Some(target), "{disk}");
            let said: Vec<_> = input.report.losses().map(|loss| loss.finding.code).collect();
            assert_eq!(said, ["unknown-word"], "{disk}");
        }
        for disk in ["vdev=xvda,x=,", "vdev=xvda,x==", "="] {
            assert!(read(disk).is_err(), "{disk}");
        }
    }
}
