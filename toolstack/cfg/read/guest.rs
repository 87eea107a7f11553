//! The kind of a guest, its memory and its vCPUs.

use timers::GuestKind;

use super::{Reader, keys};
use crate::cfg::{Cfg, Content};
use crate::diag::Finding;
use crate::domain::most_vcpus;

/// More vCPUs than this are not counted one by one; libxl takes 512 at most.
const MOST_VCPUS: i64 = 1 << 16;

/// The beginning of a word is enough for xl.
const TYPES: [(&str, GuestKind); 3] =
    [("hvm", GuestKind::Hvm), ("pv", GuestKind::Pv), ("pvh", GuestKind::Pvh)];
const BUILDERS: [(&str, GuestKind); 2] = [("hvm", GuestKind::Hvm), ("generic", GuestKind::Pv)];

impl Cfg {
    /// The kind of guest, as xl takes it from `type` or `builder`; `None` where xl refuses what they say.
    #[must_use]
    pub fn kind(&self) -> Option<GuestKind> {
        let of = |key: &str, words: &[(&str, GuestKind)]| match self.get(key).map(|key| &key.value.content) {
            Some(Content::Text(text)) => begun(words, text).map(Some),
            Some(Content::List(_)) | None => Some(None),
        };
        let (kind, builder) = (of("type", &TYPES)?, of("builder", &BUILDERS)?);
        match (kind, builder) {
            (Some(kind), Some(builder)) if kind != builder => None,
            (kind, builder) => Some(kind.or(builder).unwrap_or(GuestKind::Pv)),
        }
    }
}

fn begun(words: &[(&str, GuestKind)], text: &[u8]) -> Option<GuestKind> {
    words.iter().find(|(word, _)| word.as_bytes().starts_with(text)).map(|(_, kind)| *kind)
}

impl Reader<'_> {
    /// Says what is wrong with `type` and `builder`, and what xl makes of a word that is cut short.
    pub(super) fn kinds(&mut self) {
        let mut kinds = [None; 2];
        for (slot, (name, words)) in
            kinds.iter_mut().zip([("type", TYPES.as_slice()), ("builder", BUILDERS.as_slice())])
        {
            let Some((text, node)) = self.words(name) else {
                continue;
            };
            let expected: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            *slot = begun(words, text.text.as_bytes());
            match *slot {
                None => {
                    let lower = text.text.to_ascii_lowercase();
                    let finding = super::bad_value(name, text.text, &expected);
                    let meant = match lower.as_str() {
                        "linux" | "xen" | "paravirt" | "paravirtualized" => Some("pv"),
                        _ => expected.iter().copied().find(|word| *word == lower),
                    };
                    let finding = match meant {
                        Some(word) => finding.instead(format!("write type = \"{word}\"")),
                        None => finding,
                    };
                    self.book.error(node, finding);
                }
                Some(kind) if !expected.contains(&text.text) => {
                    let reason = format!("xl reads '{}' as an abbreviation of {}", text.text, kind.as_str());
                    let finding = Finding::no_effect("word-cut-short", reason);
                    self.book.mark(node, finding.instead(format!("write type = \"{}\"", kind.as_str())));
                }
                Some(kind) if name == "builder" => {
                    let finding = Finding::no_effect("deprecated", "since Xen 4.10, type replaces builder");
                    self.book.mark(node, finding.instead(format!("write type = \"{}\"", kind.as_str())));
                }
                Some(_) => {}
            }
        }
        if let [Some(kind), Some(builder)] = kinds
            && kind != builder
            && let Some(found) = self.find("builder")
        {
            let finding =
                Finding::invalid("contradiction", "builder names a different kind of guest than type");
            self.book.error(found.node, finding.instead("remove builder"));
        }
        if self.overlay
            && let Some(kind) = kinds[0].or(kinds[1])
            && kind != self.kind
            && let Some(found) = self.find("type").or_else(|| self.find("builder"))
        {
            let reason = format!("the domain is {}, and a setting cannot change that", self.kind.as_str());
            self.book.error(found.node, Finding::invalid("other-kind", reason).instead("remove it"));
        }
    }

    /// `memory` and `maxmem`; vNUMA nodes may say the second.
    pub(super) fn memory(&mut self) {
        let target = self.number("memory").and_then(keys::kibibytes);
        let max = self.number("maxmem").and_then(keys::kibibytes);
        let b_info = &mut self.config.b_info;
        let before = b_info.max_memkb;
        b_info.target_memkb = target.or(b_info.target_memkb);
        if max.is_some() || !self.overlay {
            b_info.max_memkb = max;
        } else if target.is_some() {
            // The domain that this is laid over has a maximum of its own, which memory may lie above.
            b_info.max_memkb = before.max(target);
        }
    }

    /// `vcpus`, `maxvcpus` and the guest's NUMA nodes.
    pub(super) fn vcpus(&mut self) {
        let mut vcpus = self.number("vcpus");
        let max = self.number("maxvcpus").map(|max| max as i32);
        if self.host.is_since(22) && !self.overlay && vcpus.unwrap_or(0) < 1 {
            vcpus = Some(1);
        }
        if let Some(count) = vcpus {
            match count {
                0..=MOST_VCPUS => self.config.b_info.avail_vcpus = (0..count as u32).collect(),
                _ => {
                    let reason = format!("vcpus is {count}, more than a guest can have");
                    let instead = format!("give vcpus a number from 1 to {}", most_vcpus(self.kind));
                    if let Some(found) = self.find("vcpus") {
                        self.book.error(found.node, Finding::invalid("bad-value", reason).instead(instead));
                    }
                    return;
                }
            }
        }
        let overlaid = self.config.b_info.max_vcpus;
        self.config.b_info.max_vcpus = max.unwrap_or(if self.overlay { overlaid } else { 0 });
        self.vnuma();
        let b_info = &mut self.config.b_info;
        if b_info.max_memkb.is_none() {
            b_info.max_memkb = b_info.target_memkb;
        }
        let count = vcpus.unwrap_or_default();
        if b_info.max_vcpus == 0 || (self.overlay && max.is_none()) {
            b_info.max_vcpus = b_info.max_vcpus.max(count as i32);
        }
        if i64::from(b_info.max_vcpus) < count {
            let reason = format!("maxvcpus is {}, less than the {count} vcpus", b_info.max_vcpus);
            // The nodes have the number that is not given.
            let instead = match max.is_none() && !b_info.vnuma_nodes.is_empty() {
                true => format!("name each of the vCPUs 0 to {} in one node of vnuma", count - 1),
                false => format!("write maxvcpus = {count}"),
            };
            if let Some(found) = self.find("maxvcpus").or_else(|| self.find("vcpus")) {
                let finding = Finding::invalid("too-few-vcpus", reason);
                self.book.error(found.node, finding.instead(instead));
            }
        } else if self.overlay && max.is_some() && vcpus.is_none() {
            // The domain that this is laid over may have more of them online.
            let max = b_info.max_vcpus.max(0).unsigned_abs();
            b_info.avail_vcpus.retain(|vcpu| *vcpu < max);
        }
        let most = most_vcpus(self.kind);
        if self.config.b_info.max_vcpus > most
            && let Some(found) = self.find("maxvcpus").or_else(|| self.find("vcpus"))
        {
            let reason = format!("on Xen a guest of this kind has at most {most} vCPUs");
            let finding = Finding::unsupported("too-many-vcpus", reason).refusing_start();
            let instead = format!("write {} = {most}", found.setting.name);
            self.book.mark(found.node, finding.instead(instead));
        }
    }
}
