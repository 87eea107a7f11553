//! Settings that stand twice in one entry of a list, or in one string.

use std::collections::BTreeMap;

use super::Reader;
use super::book::Words;
use crate::cfg::{Content, Value};
use crate::diag::Finding;

/// Lists of entries with settings between commas.
const OF_ENTRIES: [&str; 11] =
    ["vif", "vfb", "vtpm", "p9", "pci", "usbctrl", "usbdev", "channel", "vdispl", "vkb", "virtio"];

/// The finding on a setting that stands before another one, which counts in its place.
pub(super) fn written_again(before: &str, later: &str) -> Finding {
    let again = if before == later { " again" } else { "" };
    let reason = format!("{later} stands{again} behind this, and the last one counts");
    Finding::no_effect("written-again", reason)
}

/// A part of a string with the name of its setting.
fn named(part: Words<'_>) -> Option<(&str, Words<'_>)> {
    Some((part.text.split('=').next()?.trim(), part))
}

/// The texts of a list, each with its place there.
fn texts(list: &[Value]) -> impl Iterator<Item = (usize, Words<'_>)> {
    list.iter().enumerate().filter_map(|(index, value)| Some((index, Words::of(value)?)))
}

/// What each setting sets, with its name and its words, in their order.
type Settings<'a, S = (usize, &'a str)> = Vec<(S, (&'a str, Words<'a>))>;

fn between_commas(words: Words<'_>) -> Settings<'_> {
    words.tokens(b",").filter_map(named).map(|(name, part)| ((0, name), (name, part))).collect()
}

/// The settings of a sound card: each text has those of the card, or those of a device or a stream of its own.
fn of_card<'a>(parts: &'a [Value]) -> Settings<'a> {
    let of_part = |(index, words): (usize, Words<'a>)| {
        let mut settings = between_commas(words);
        let is_card = settings.first().is_some_and(|(_, (name, _))| name.eq_ignore_ascii_case("card"));
        let about = if is_card { 0 } else { index + 1 };
        settings.drain(..settings.len().min(1));
        settings.into_iter().map(move |((_, name), setting)| ((about, name), setting)).collect::<Vec<_>>()
    };
    texts(parts).flat_map(of_part).collect()
}

/// The settings of a node of the guest. Its vCPUs are all that it names, and its sizes are told apart where they are read.
fn of_node(settings: &[Value]) -> Settings<'_> {
    let is_last = |(name, _): &(&str, Words<'_>)| ["pnode", "vdistances"].contains(name);
    let settings = texts(settings).filter_map(|(_, words)| named(words)).filter(is_last);
    settings.map(|(name, words)| ((0, name), (name, words))).collect()
}

/// The groups of viridian, each perhaps with a sign that leaves it out.
fn of_groups<'a>(groups: &'a [Value]) -> Settings<'a> {
    let name = |words: Words<'a>| words.text.strip_prefix('!').unwrap_or(words.text);
    texts(groups).map(|(_, words)| ((0, name(words)), (words.text, words))).collect()
}

/// The registers of all texts of cpuid, each of its leaf.
fn of_registers<'a>(leaves: &'a [Value]) -> Settings<'a, (&'a str, &'a str)> {
    let of_leaf = |(_, words): (usize, Words<'a>)| {
        let (leaf, registers) = words.split(':')?;
        Some(
            registers
                .tokens(b",")
                .filter_map(named)
                .map(move |(name, part)| {
                    let part = part.trimmed();
                    ((leaf.text, name), (name, part))
                })
                .collect::<Vec<_>>(),
        )
    };
    texts(leaves).filter_map(of_leaf).flatten().collect()
}

impl<'a> Reader<'a> {
    /// Says of each setting of an entry that another one, which counts, stands behind it.
    pub(super) fn given_twice(&mut self) {
        let items = self.book.items();
        for key in OF_ENTRIES.into_iter().chain(["vsnd", "vnuma"]) {
            let Some(found) = self.find(key) else { continue };
            let Content::List(values) = &found.setting.value.content else { continue };
            for (index, value) in values.iter().enumerate() {
                let Some(&node) = items.get(&(found.node, index)) else { continue };
                let settings = match (key, &value.content) {
                    ("vsnd", Content::List(parts)) => of_card(parts),
                    ("vnuma", Content::List(settings)) => of_node(settings),
                    ("vsnd" | "vnuma", _) | (_, Content::List(_)) => continue,
                    _ => Words::of(value).map(between_commas).unwrap_or_default(),
                };
                self.first_of_two(node, settings);
            }
        }
        if let Some(found) = self.find("viridian")
            && let Content::List(groups) = &found.setting.value.content
        {
            self.first_of_two(found.node, of_groups(groups));
        }
        if let Some(found) = self.find("cpuid") {
            match &found.setting.value.content {
                Content::List(leaves) => self.first_of_two(found.node, of_registers(leaves)),
                Content::Text(_) => {
                    let settings = Words::of(&found.setting.value).map(between_commas).unwrap_or_default();
                    // Without it, xl reads none of them.
                    if settings.first().is_some_and(|(_, (name, _))| *name == "host") {
                        self.first_of_two(found.node, settings);
                    }
                }
            }
        }
    }

    fn first_of_two<S: Ord>(&mut self, node: usize, settings: Settings<'a, S>) {
        let mut last = BTreeMap::new();
        let mut void: Vec<_> = settings
            .into_iter()
            .filter_map(|(sets, setting)| Some((last.insert(sets, setting)?, setting.0)))
            .collect();
        void.sort_by_key(|((_, before), _)| self.book.span(before).start);
        for ((name, before), later) in void {
            self.book.note(node, &before, written_again(name, later));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::cfg::{XlHost, read};

    /// The texts that another one stands behind.
    fn first_ones(settings: &str) -> Vec<String> {
        let text = format!("name = 'x'\ntype = 'hvm'\nmemory = 96\n{settings}\n");
        let input = read("f", text.as_bytes(), &[], &XlHost::default()).unwrap().input;
        let of_two = input.report.differences().filter(|found| found.finding.code == "written-again");
        let source = input.report.source().text();
        of_two.map(|found| source[found.place.span.clone()].to_owned()).collect()
    }

    #[test]
    fn the_first_of_two_settings_is_said_to_be_void() {
        let bits = "x".repeat(32);
        let leaves = format!("cpuid = [ '1:ecx={bits}, edx={bits}', '1:edx={bits}', '2:ecx={bits}' ]");
        let table = [
            ("vif = [ 'bridge=a,bridge=b' ]", vec!["bridge=a"]),
            ("vdispl = [ 'be-alloc=1,connectors=a:1x1,be-alloc=0' ]", vec!["be-alloc=1"]),
            (
                "vsnd = [ [ 'card,short-name=a', 'pcm,name=a,name=b', 'pcm,name=c', 'card, short-name=b' ] ]",
                vec!["short-name=a", "name=a"],
            ),
            ("cpuid = 'host,aes=0,avx=0,aes=1'", vec!["aes=0"]),
            (&leaves, vec![&leaves[51..87]]),
            ("viridian = [ 'base', 'freq', '!base' ]", vec!["base"]),
            ("vcpus = 1\nvnuma = [ [ 'pnode=1', 'size=96', 'vcpus=0', 'pnode=0' ] ]", vec!["pnode=1"]),
            ("disk = [ '/a,raw,xvda,w,discard,cdrom,no-discard' ]", vec!["discard"]),
            ("disk = [ '/a,raw,xvda,w,discard' ]", vec![]),
            ("vnuma = [ [ 'size=32', 'size=96', 'vcpus=0' ] ]", vec!["size=96"]),
        ];
        for (settings, expected) in table {
            assert_eq!(first_ones(settings), expected, "{settings}");
        }
    }
}
