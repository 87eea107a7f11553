//! Paravirtual devices: `p9`, `vtpm`, `pvcalls`, `virtio`, and sound.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::book::Words;
use super::{Reader, entry};
use crate::cfg::suggest;
use crate::diag::Finding;
use crate::domain::config::{P9, P9Type, Pvcalls, Virtio, VirtioTransport, Vtpm};
use crate::domain::release;

const P9_WORDS: [&str; 4] = ["tag", "path", "security_model", "backend"];
/// Since Xen 4.19.
const P9_NEWER: [&str; 5] = ["type", "max-files", "max-open-files", "max-space", "auto-delete"];

impl<'a> Reader<'a> {
    pub(super) fn pv_devices(&mut self) {
        self.shares();
        if let Some(items) = self.items("vtpm") {
            self.config.vtpms =
                (0..).zip(items).map(|(index, (words, node))| self.vtpm(index, words, node)).collect();
        }
        if let Some(items) = self.items("pvcalls") {
            self.config.pvcallsifs =
                (0..).zip(items).map(|(index, (words, node))| self.pvcalls(index, words, node)).collect();
        }
        if let Some(items) = self.items("virtio") {
            self.config.virtios =
                (0..).zip(items).map(|(index, (words, node))| self.virtio(index, words, node)).collect();
        }
        self.sound();
    }

    /// The `key=value` words of a device up to the first that has no `=`, where xl stops.
    fn key_values(&mut self, words: Words<'a>, node: usize) -> Vec<(Words<'a>, Words<'a>, Words<'a>)> {
        let mut found = Vec::new();
        for word in words.tokens(b",") {
            let word = word.unindented();
            match word.split('=') {
                Some((key, value)) => found.push((word, key, value)),
                None => {
                    let finding = Finding::unsupported(
                        "no-equals",
                        "this has no =, and xl ignores it and everything after it",
                    );
                    self.book.note(node, &word, finding.instead("write it as key=value"));
                    break;
                }
            }
        }
        found
    }

    fn shares(&mut self) {
        let Some(items) = self.items("p9") else { return };
        // Up to Xen 4.18 what one entry does not say is taken from the entry before it.
        let mut before = P9::default();
        let mut shares = Vec::new();
        if let Some(finding) = self.one_share(&items)
            && let Some(list) = self.find("p9")
        {
            self.book.error(list.node, finding);
            return;
        }
        for (words, node) in items {
            // xl forgets the number that it has given.
            let mut share = std::mem::take(&mut before);
            self.p9(&mut share, words, node);
            if !self.host.is_since(19) {
                before = share.clone();
            }
            shares.push(share);
        }
        self.config.p9s = shares;
    }

    /// The finding for a list of which each text has one setting of a share; up to Xen 4.18 each of them lacks the others.
    fn one_share(&self, items: &[(Words<'a>, usize)]) -> Option<Finding> {
        let names: Option<BTreeSet<_>> = items
            .iter()
            .map(|(words, _)| {
                let (name, value) = words.text.split_once('=')?;
                (P9_WORDS.contains(&name) && !value.contains([',', '='])).then_some(name)
            })
            .collect();
        let is_one = items.len() > 1 && names.is_some_and(|names| names.len() == items.len());
        let settings: Vec<_> = items.iter().map(|(words, _)| words.text).collect();
        let finding = Finding::invalid("bad-p9", "a 9pfs share is one text with all of its settings");
        let instead = format!("write p9 = [ {} ]", suggest::quoted(&settings.join(",")));
        (is_one && !self.host.is_since(19)).then(|| finding.instead(instead))
    }

    fn p9(&mut self, share: &mut P9, words: Words<'a>, node: usize) {
        let inherited =
            [&share.tag, &share.path, &share.security_model, &share.backend_domname].map(Clone::clone);
        let (mut given, mut meant) = (Vec::new(), Vec::new());
        let pairs = if self.host.is_since(19) {
            let mut pairs = Vec::new();
            for part in self.parts(words, b",", node) {
                match self.trimmed_pair(part, node) {
                    Some((key, value)) => pairs.push((part, key, value)),
                    None => {
                        let finding = Finding::invalid("bad-p9", format!("'{}' is not key=value", part.text));
                        self.book.wrong(node, &part, finding.instead("write it as in tag=share"));
                    }
                }
            }
            pairs
        } else {
            self.key_values(words, node)
        };
        for (word, key, value) in pairs {
            let text = Some(value.text.to_owned());
            given.push(key.text);
            match key.text {
                "security_model" => share.security_model = text,
                "path" => share.path = text,
                "tag" => share.tag = text,
                "backend" => share.backend_domname = text,
                name if P9_NEWER.contains(&name) && self.host.knows(|| release::setting("p9", name)) => {
                    match name {
                        "type" => match P9Type::from_word(value.text) {
                            Some(kind) => share.kind = Some(kind),
                            None if value.text.eq_ignore_ascii_case("unknown") => share.kind = None,
                            None => {
                                let finding = super::bad_word("type", value.text, &["qemu", "xen_9pfsd"]);
                                self.book.wrong(node, &value, finding);
                            }
                        },
                        "auto-delete" => share.auto_delete = self.number_at(value, node) != 0,
                        _ => {
                            let number = self.ulong(value, node).unwrap_or_default() as i32;
                            match name {
                                "max-files" => share.max_files = number,
                                "max-open-files" => share.max_open_files = number,
                                _ => share.max_space = number,
                            }
                        }
                    }
                }
                _ => {
                    let newer = if self.host.knows(|| release::setting("p9", "type")) {
                        P9_NEWER.as_slice()
                    } else {
                        &[]
                    };
                    let known = [&P9_WORDS, newer].concat();
                    self.no_such_word(node, &word, entry::SHARE, &known);
                    // Its remedy gives the share what would be missing.
                    meant.extend(entry::meant(entry::SHARE.list, word.text, &known));
                }
            }
        }
        if self.host.is_since(19) {
            if share.kind == Some(P9Type::Xen9pfsd) && share.path.is_none() {
                let name = self.config.c_info.name.as_deref().unwrap_or_default();
                share.path = Some(format!("/var/log/xen/guests/{name}"));
            }
            return;
        }
        let is_meant = |name: &str| meant.iter().any(|word| word.split('=').next() == Some(name));
        let taken: Vec<_> = P9_WORDS
            .into_iter()
            .zip(inherited)
            .filter(|(name, _)| !given.contains(name) && !is_meant(name))
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)))
            .collect();
        if !taken.is_empty() {
            let taken = taken.join(",");
            let reason = format!("xl takes {taken} from the previous entry, since this one does not say it");
            let finding = Finding::approximated("inherited", reason).instead(format!("add {taken}"));
            self.book.mark(node, finding);
        }
        let needed = [("tag", &share.tag), ("path", &share.path), ("security_model", &share.security_model)];
        let missing: Vec<_> = needed
            .iter()
            .filter(|(name, value)| value.is_none() && !is_meant(name))
            .map(|(name, _)| *name)
            .collect();
        if !missing.is_empty() {
            let reason = format!("a 9pfs share needs {}", missing.join(" and "));
            let examples = [
                ("tag", "tag=share"),
                ("path", "path=/srv/share"),
                ("security_model", "security_model=none"),
            ];
            let add: Vec<_> =
                examples.iter().filter(|(name, _)| missing.contains(name)).map(|(_, word)| *word).collect();
            // A word that is joined to another by the wrong sign is part of its value.
            let instead = match words.text.split(';').skip(1).any(|part| part.contains('=')) {
                true => "write a comma in place of each ;".to_owned(),
                false => format!("add {}", add.join(",")),
            };
            self.book.error(node, Finding::invalid("bad-p9", reason).instead(instead));
        }
    }

    fn vtpm(&mut self, index: u32, words: Words<'a>, node: usize) -> Vtpm {
        let mut vtpm = Vtpm { devid: Some(index), ..Vtpm::default() };
        for (word, key, value) in self.key_values(words, node) {
            match key.text {
                "backend" => vtpm.backend_domname = Some(value.text.to_owned()),
                "uuid" => {
                    match (value.text.len() == 36).then(|| Uuid::try_parse(value.text).ok()).flatten() {
                        Some(uuid) => vtpm.uuid = (!uuid.is_nil()).then_some(uuid),
                        None => {
                            let finding =
                                Finding::invalid("bad-vtpm", format!("'{}' is not a UUID", value.text));
                            self.book.wrong(
                                node,
                                &value,
                                finding.instead("write it in the form of uuidgen, or leave it out"),
                            );
                        }
                    }
                }
                _ => self.no_such_word(node, &word, entry::TPM, &["backend", "uuid"]),
            }
        }
        if vtpm.backend_domname.is_none() {
            let finding = Finding::invalid("bad-vtpm", "a TPM needs the domain of its backend");
            self.book.error(node, finding.instead("add backend=DOMAIN"));
        }
        vtpm
    }

    fn pvcalls(&mut self, index: u32, words: Words<'a>, node: usize) -> Pvcalls {
        let mut device = Pvcalls { devid: Some(index), ..Pvcalls::default() };
        for (word, key, value) in self.key_values(words, node) {
            match key.text {
                "backend" => device.backend_domname = Some(value.text.to_owned()),
                _ => self.no_such_word(node, &word, entry::PVCALLS, &["backend"]),
            }
        }
        device
    }

    fn virtio(&mut self, index: u32, words: Words<'a>, node: usize) -> Virtio {
        let mut device = Virtio { devid: Some(index), ..Virtio::default() };
        let mut parts = words.tokens(b",").map(Words::unindented);
        while let Some(word) = parts.next() {
            if let Some(value) = word.after("type=") {
                // The type's own comma is none between settings.
                device.kind = if value.text.starts_with("virtio") {
                    let Some(rest) = parts.next() else {
                        let finding = Finding::invalid("bad-virtio", "the type ends early, and xl crashes");
                        self.book.wrong(
                            node,
                            &word,
                            finding.instead("write type=virtio,device22 or type=virtio,device"),
                        );
                        continue;
                    };
                    Some(format!("{},{}", value.text, rest.text))
                } else {
                    Some(value.text.to_owned())
                };
            } else if let Some(value) = word.after("backend=") {
                device.backend_domname = Some(value.text.to_owned());
            } else if let Some(value) = word.after("transport=") {
                match VirtioTransport::from_word(value.text) {
                    Some(transport) => device.transport = Some(transport),
                    None if value.text.eq_ignore_ascii_case("unknown") => device.transport = None,
                    None => {
                        self.book.wrong(node, &value, super::bad_word("transport", value.text, &["mmio"]))
                    }
                }
            } else if let Some(value) = word.after("grant_usage=") {
                device.grant_usage = Some((self.number_at(value, node) != 0).into());
            } else {
                let known = ["backend", "type", "transport", "grant_usage"];
                self.no_such_word(node, &word, entry::VIRTIO, &known);
            }
        }
        device
    }
}
