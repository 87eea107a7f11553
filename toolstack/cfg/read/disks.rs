//! `disk`: block devices, as read by the lexer `libxlu_disk_l.l`.

use std::collections::BTreeMap;

use super::book::Words;
use super::disk_lexer::{FLAGS, KEYS, Rule, rule};
use super::{Reader, entry, nearest, twice};
use crate::cfg::number;
use crate::diag::Finding;
use crate::domain::config::{Disk, DiskBackend, DiskFormat, DiskSpecification};
use crate::domain::disk_names::instead_of_fstab;
use crate::domain::qemu;
use crate::domain::release::{self, Known};

/// A disk that is being read.
struct Spec<'a> {
    disk: Disk,
    node: usize,
    access_given: bool,
    prefixed: bool,
    failed: bool,
    words: Words<'a>,
    /// The flags that are given, by what each sets.
    flags: BTreeMap<&'static str, Words<'a>>,
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
        let flags = BTreeMap::new();
        let mut spec = Spec { disk, node, access_given: false, prefixed: false, failed: false, words, flags };
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
                } else if rule == Rule::Bad
                    && let Some((named, instead)) =
                        words.text.split([',', ':']).find_map(|word| Some((word, instead_of_fstab(word)?)))
                {
                    spec.failed = true;
                    let reason = format!("xl has no disk by such a name as {named}, only by its path");
                    let finding = Finding::invalid("bad-disk", reason);
                    self.book.wrong(node, &words, finding.instead(instead));
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
            Rule::Flag(index) => {
                disk_flag(&mut spec.disk, FLAGS[index]);
                let name = FLAGS[index].split('=').next().unwrap_or_default();
                let sets = name.trim_start_matches("no-").trim_start_matches("un");
                if let Some(before) = spec.flags.insert(sets, word) {
                    self.book.note(spec.node, &before, twice::written_again(before.text, word.text));
                }
            }
            Rule::Target => {
                let target = word.from("target=".len());
                self.disk_text(spec, "target", target, |disk| &mut disk.pdev_path);
                if let Some(order) = self.target_last(spec.words.text).filter(|_| spec.disk.vdev.is_some()) {
                    let reason = "xl takes all that stands behind target= for the path";
                    let finding = Finding::unsupported("target-not-last", reason).refusing_start();
                    self.book.note(spec.node, &target, finding.instead(format!("write {order}")));
                }
            }
            Rule::UnknownKey => {
                let key = whole.text.split('=').next().unwrap_or_default();
                let mut known: Vec<_> =
                    KEYS.iter().map(|key| key.trim_end_matches('=')).chain(["target"]).collect();
                known.extend(FLAGS.iter().filter(|flag| !flag.contains('=')));
                spec.failed = true;
                // The rule ends at the first character of the value.
                let end = rest.text.find(',').unwrap_or(rest.text.len());
                let finding = self.no_word(&rest.text[..end], entry::DISK, &known, entry::REFUSES);
                let reason = format!("a disk has no setting '{key}'").into();
                let finding = match finding.code {
                    "no-such-word" => Finding { reason, code: "bad-disk", ..finding },
                    _ => finding,
                };
                self.book.wrong(spec.node, &whole, finding);
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
                        self.bad_disk_word(
                            spec,
                            "backendtype",
                            value,
                            &["phy", "tap", "qdisk", "standalone"],
                        );
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
                        self.bad_disk_word(spec, "specification", value, &["xen", "virtio"]);
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
                match entry::flag_of_disk(word.text) {
                    Some((_, instead)) if !self.newer_in_disk(spec, &word, None) => {
                        spec.failed = true;
                        let finding = Finding::invalid("bad-disk", "one value too many");
                        self.book.wrong(spec.node, &word, finding.instead(instead));
                    }
                    Some(_) => {}
                    None => self.bad_disk(spec, &word, "one value too many".to_owned()),
                }
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
                self.bad_disk_word(spec, "devtype", kind, &["disk", "cdrom"]);
            }
        }
    }

    fn disk_access(&mut self, spec: &mut Spec<'a>, word: Words<'a>) {
        match word.text {
            "r" | "ro" => spec.disk.readwrite = 0,
            "rw" | "w" | "" => spec.disk.readwrite = 1,
            _ => self.bad_disk_word(spec, "access", word, &["r", "ro", "w", "rw"]),
        }
    }

    fn disk_format(&mut self, spec: &mut Spec<'a>, word: Words<'a>) {
        let wanted = match word.text {
            "" => Some(DiskFormat::Raw),
            text => DiskFormat::from_word(text).filter(|format| format.as_str() == text),
        };
        match (wanted, spec.disk.format) {
            (None, _) if qemu::OTHER_IMAGES.contains(&word.text.to_ascii_lowercase().as_str()) => {
                let reason = format!("libxl has no disks in the format {}", word.text);
                let instead =
                    "convert the image, as in: qemu-img convert -O qcow2 OLD NEW, and write format=qcow2";
                self.book.wrong(spec.node, &word, Finding::invalid("bad-disk", reason).instead(instead));
            }
            (None, _) => {
                let known = ["raw", "qcow", "qcow2", "vhd", "qed", "empty"];
                self.bad_disk_word(spec, "format", word, &known);
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
        // A word alone is the target for xl.
        let flag = spec.disk.pdev_path.as_deref().filter(|_| name == "target").and_then(entry::flag_of_disk);
        match flag {
            Some((word_alone, instead)) => {
                let reason = format!("target is given twice: '{word_alone}' is one for xl");
                let finding = Finding::invalid("bad-disk", reason);
                spec.failed = true;
                self.book.wrong(spec.node, &word, finding.instead(instead));
            }
            None => self.bad_disk(spec, &word, format!("{name} is given twice")),
        }
    }

    /// A value that is none of some words.
    fn bad_disk_word(&mut self, spec: &mut Spec<'a>, name: &str, word: Words<'a>, known: &[&str]) {
        let text = word.text;
        let newer = release::word(&format!("disk.{name}"), text);
        if self.newer_in_disk(spec, &word, newer) {
            return;
        }
        let (last, others) = known.split_last().unwrap_or((&"", &[]));
        let reason = format!("{name} is '{text}', expected {} or {last}", others.join(", "));
        // A value in its place has no name.
        let named = spec.words.text.contains(&format!("{name}={text}"));
        let prefix = if named { format!("{name}=") } else { String::new() };
        let same = known.iter().copied().find(|known| known.eq_ignore_ascii_case(text));
        let instead = match same.or_else(|| nearest(text, known.iter().copied())) {
            Some(near) => format!("write {prefix}{near}"),
            None if self.target_last(spec.words.text).is_some() => return self.bad_disk(spec, &word, reason),
            None => format!("use one of {}", known.join(", ")),
        };
        self.book.wrong(spec.node, &word, Finding::invalid("bad-disk", reason).instead(instead));
    }

    /// True if a word is one that only other releases know, which is then said.
    fn newer_in_disk(&mut self, spec: &mut Spec<'a>, word: &Words<'a>, value: Option<Known>) -> bool {
        spec.failed = true;
        let Some(known) = self.newer(release::setting("disk", word.text)).or_else(|| self.newer(value))
        else {
            return false;
        };
        let reason = self.only_known(word.text, known, entry::REFUSES);
        let finding = Finding::invalid("other-release", reason);
        self.book.wrong(spec.node, word, finding.instead("remove it"));
        true
    }

    fn bad_disk(&mut self, spec: &mut Spec<'a>, word: &Words<'a>, reason: String) {
        if self.newer_in_disk(spec, word, None) {
            return;
        }
        let instead = match self.target_last(spec.words.text) {
            Some(order) => format!("write {order}"),
            None => {
                "write a disk as in \"format=raw,vdev=xvda,access=rw,target=/dev/vg/guest\", the target last"
                    .to_owned()
            }
        };
        self.book.wrong(spec.node, word, Finding::invalid("bad-disk", reason).instead(instead));
    }

    /// The disk with its target at the end, where only settings stand behind it.
    fn target_last(&self, text: &str) -> Option<String> {
        let parts: Vec<_> = text.split(',').map(str::trim).collect();
        let at = parts.iter().position(|part| part.starts_with("target="))?;
        let (before, rest) = parts.split_at(at);
        let (target, behind) = rest.split_first()?;
        let is_setting = |part: &&str| match part.split_once('=') {
            Some((key, _)) => KEYS.iter().any(|known| known.trim_end_matches('=') == key),
            None => FLAGS.contains(part),
        };
        (!behind.is_empty() && behind.iter().all(is_setting))
            .then(|| [before, behind, &[*target]].concat().join(","))
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

/// Sets a flag.
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
