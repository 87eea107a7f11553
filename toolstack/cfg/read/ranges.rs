//! Ranges of numbers: `ioports`, `irqs`, `iomem`, `llc_colors`, and `xenstore_quota`.

use super::Reader;
use super::book::Words;
use crate::cfg::number;
use crate::diag::Finding;
use crate::domain::config::{IomemRange, IoportRange, XenstoreQuota, XenstoreQuotas};

/// So many colours no cache has.
const MOST_COLORS: u64 = 1 << 16;

impl<'a> Reader<'a> {
    pub(super) fn ranges(&mut self) {
        if let Some(items) = self.whole_items("ioports") {
            self.config.b_info.ioports =
                items.into_iter().filter_map(|(words, node)| self.ioport(words, node)).collect();
        }
        if let Some(items) = self.whole_items("irqs") {
            self.config.b_info.irqs =
                items.into_iter().filter_map(|(words, node)| self.irq(words, node)).collect();
        }
        if let Some(items) = self.whole_items("iomem") {
            self.config.b_info.iomem =
                items.into_iter().filter_map(|(words, node)| self.iomem(words, node)).collect();
        }
        if let Some(items) = self.whole_items("llc_colors") {
            let colors = items.into_iter().flat_map(|(words, node)| self.colors(words, node));
            self.config.b_info.llc_colors = colors.collect();
        }
        if let Some(items) = self.whole_items("xenstore_quota") {
            let quota = items.into_iter().filter_map(|(words, node)| self.quota(words, node)).collect();
            self.config.b_info.xenstore_quota = Some(XenstoreQuotas { quota, ..XenstoreQuotas::default() });
        }
    }

    /// The texts of a list in which xl refuses lists.
    fn whole_items(&mut self, name: &str) -> Option<Vec<(Words<'a>, usize)>> {
        let (values, node) = self.list(name)?;
        let items = self.texts(values, node);
        if items.len() < values.len() && !self.book.is_wrong(&[name]) {
            let finding = Finding::invalid("list-in-list", format!("{name} has a list within the list"));
            self.book.error(node, finding.instead("remove the inner [ and ]"));
        }
        Some(items)
    }

    fn ioport(&mut self, words: Words<'a>, node: usize) -> Option<IoportRange> {
        let instead = || match ports_meant(words.text) {
            Some(meant) => format!("write {meant}"),
            None => "write ports in hexadecimal, as in \"2f8-2ff\"".to_owned(),
        };
        let bad = |reason: String| Finding::invalid("bad-ioports", reason).instead(instead());
        let (first, length) = number::unsigned(words.text, 16);
        if length == 0 {
            self.book.wrong(
                node,
                &words,
                bad(format!("'{}' is neither a port nor a range of ports", words.text)),
            );
            return None;
        }
        let rest = words.from(length);
        let mut last = first;
        if let Some(rest) = rest.after("-") {
            let (number, length) = number::unsigned(rest.text, 16);
            if length == 0 || length < rest.text.len() {
                self.book.wrong(node, &words, bad(format!("'{}' is not a range of ports", words.text)));
                return None;
            }
            last = number;
        } else if !rest.text.is_empty() {
            let reason = format!("xl reads only {} of '{}'", &words.text[..length], words.text);
            let finding = Finding::approximated("not-all-a-number", reason);
            self.book.note(node, &words, finding.instead(instead()));
        }
        if first.max(last) >= u64::from(u32::MAX) {
            self.book.wrong(node, &words, bad("a port is too large".to_owned()));
            return None;
        }
        let (first, last) = (first as u32, last as u32);
        if last < first {
            let finding = Finding::approximated(
                "backwards",
                "the range ends before it begins, and xl computes its length modulo 2^32",
            );
            self.book.note(node, &words, finding.instead(format!("write \"{last:x}-{first:x}\"")));
        }
        Some(IoportRange {
            first,
            number: last.wrapping_sub(first).wrapping_add(1),
            ..IoportRange::default()
        })
    }

    fn irq(&mut self, words: Words<'a>, node: usize) -> Option<u32> {
        let (irq, length) = number::unsigned(words.text, 10);
        if length == 0 || length < words.text.len() || irq >= u64::from(u32::MAX) {
            let finding = Finding::invalid("bad-irqs", format!("'{}' is not an interrupt", words.text));
            self.book.wrong(
                node,
                &words,
                finding.instead(match irq_meant(words.text) {
                    Some(meant) => format!("write \"{meant}\""),
                    None => "write its number in decimal, as in 5".to_owned(),
                }),
            );
            return None;
        }
        Some(irq as u32)
    }

    /// `START,NUMBER@GFN`, in hexadecimal.
    fn iomem(&mut self, words: Words<'a>, node: usize) -> Option<IomemRange> {
        let found = iomem(words.text);
        if found.is_none() {
            let finding =
                Finding::invalid("bad-iomem", format!("'{}' is not a range of page frames", words.text));
            let instead = "write page frames in hexadecimal: \"fed40,5\", or with the frame in the guest \"fed40,5@20\"";
            self.book.wrong(node, &words, finding.instead(instead));
        }
        found
    }

    fn colors(&mut self, words: Words<'a>, node: usize) -> Vec<u32> {
        let scanned = |text: &str| number::scanned(text, 10);
        let Some((first, length)) = scanned(words.text) else {
            let finding = Finding::invalid("bad-colors", format!("'{}' is not a colour", words.text));
            self.book.wrong(node, &words, finding.instead("write colours as in \"0-3\""));
            return Vec::new();
        };
        let last = words.text[length..].strip_prefix('-').and_then(scanned).map_or(first, |(last, _)| last);
        let (first, last) = (u64::from(first as u32), u64::from(last as u32));
        if first > last || last - first > MOST_COLORS {
            let finding =
                Finding::invalid("bad-colors", format!("'{}' is not a range of colours", words.text));
            self.book.wrong(node, &words, finding.instead("write the lower colour first, as in \"0-3\""));
            return Vec::new();
        }
        (first..=last).map(|color| color as u32).collect()
    }

    fn quota(&mut self, words: Words<'a>, node: usize) -> Option<XenstoreQuota> {
        let pair = words.split('=');
        let value = pair.and_then(|(_, value)| number::long(value.text.as_bytes()));
        let value = value.and_then(|value| u32::try_from(value).ok());
        let Some(((name, _), val)) = pair.zip(value) else {
            let finding = Finding::invalid("bad-quota", format!("'{}' is not a quota", words.text));
            self.book.wrong(node, &words, finding.instead("write it as in \"nodes=1000\""));
            return None;
        };
        Some(XenstoreQuota { name: Some(name.text.to_owned()), val, ..XenstoreQuota::default() })
    }
}

/// The ports of a PC's serial ports.
const SERIAL_PORTS: [(&str, &str); 4] =
    [("com1", "3f8-3ff"), ("com2", "2f8-2ff"), ("com3", "3e8-3ef"), ("com4", "2e8-2ef")];

/// The ports that a text in other signs than xl's stands for: `3f8h`, `0x3f8..0x3ff`, `3f8 - 3ff`, `com1`.
fn ports_meant(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    if let Some((_, ports)) = SERIAL_PORTS.iter().find(|(name, _)| *name == lower) {
        return Some(format!("\"{ports}\""));
    }
    let port = |text: &str| {
        let digits = text.trim().trim_start_matches("0x").trim_end_matches('h');
        u16::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
    };
    if let Some(one) = port(&lower) {
        return Some(format!("\"{one:x}\""));
    }
    for sign in ["..", "-", ":", " to "] {
        if let Some((first, last)) = lower.split_once(sign) {
            let (first, last) = (port(first)?, port(last)?);
            return Some(format!("\"{:x}-{:x}\"", first.min(last), first.max(last)));
        }
    }
    let each: Option<Vec<_>> = lower.split([',', ' ']).filter(|part| !part.is_empty()).map(port).collect();
    let each: Vec<_> = each?.into_iter().map(|port| format!("\"{port:x}\"")).collect();
    (!each.is_empty()).then(|| each.join(", "))
}

/// The interrupt that a text stands for: `irq 5`, `0x5`.
fn irq_meant(text: &str) -> Option<u8> {
    let lower = text.trim().to_ascii_lowercase();
    let number = lower.strip_prefix("irq").unwrap_or(&lower).trim();
    match number.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => number.parse().ok(),
    }
}

fn iomem(text: &str) -> Option<IomemRange> {
    let (start, length) = number::scanned(text, 16)?;
    let rest = text.get(length..)?.strip_prefix(',')?;
    let (number, length) = number::scanned(rest, 16)?;
    let rest = rest.get(length..)?;
    let mut range = IomemRange { start, number, ..IomemRange::default() };
    if !rest.is_empty() {
        let (gfn, length) = number::scanned(rest.strip_prefix('@')?, 16)?;
        if length + 1 != rest.len() {
            return None;
        }
        // All bits set is libxl's default.
        range.gfn = Some(gfn).filter(|gfn| *gfn != u64::MAX);
    }
    Some(range)
}
