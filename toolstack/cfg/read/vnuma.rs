//! `vnuma`: the guest's NUMA nodes.

use std::collections::BTreeSet;

use super::book::Words;
use super::{Reader, entry, pairs};
use crate::cfg::{Content, suggest};
use crate::diag::Finding;
use crate::diag::number::{Unit, meant};
use crate::domain::Defbool;
use crate::domain::config::VnodeInfo;

/// More nodes are not read.
const MOST_NODES: usize = 256;

/// The sums over all nodes.
#[derive(Default)]
struct Sums {
    vcpus: u64,
    memkb: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn vnuma(&mut self) {
        let Some((items, list)) = self.list("vnuma") else {
            return;
        };
        if items.is_empty() {
            return;
        }
        // Each node has a distance to each.
        if items.len() > MOST_NODES {
            let reason =
                format!("{} nodes, and Xen gives an HVM guest at most 128 vCPUs for them", items.len());
            let finding = Finding::invalid("bad-vnuma", reason);
            return self.book.error(list, finding.instead(format!("give at most {MOST_NODES} nodes")));
        }
        // The settings of one node.
        let one = |words: &Words<'_>| words.text.matches('=').count() == 1;
        let settings: Option<Vec<_>> = items.iter().map(|value| Words::of(value).filter(one)).collect();
        if let Some(settings) = settings {
            let finding = Finding::invalid("bad-vnuma", "a node of the guest is a list of its settings");
            let quoted: Vec<_> = settings.iter().map(|words| suggest::quoted(words.text)).collect();
            let instead = format!("write vnuma = [ [ {} ] ]", quoted.join(", "));
            return self.book.error(list, finding.instead(instead));
        }
        let mut sums = Sums::default();
        let mut nodes = Vec::new();
        let mut is_whole = true;
        for (index, value) in items.iter().enumerate() {
            let item = self.book.item(list, index, value);
            let joined = |value| Words::of(value).and_then(|words| settings_in(words.text));
            let Content::List(options) = &value.content else {
                let finding = Finding::invalid("bad-vnuma", "a node of the guest is a list of its settings");
                let example = "[ \"pnode=0\", \"size=1024\", \"vcpus=0-1\", \"vdistances=10,20\" ]";
                let instead = joined(value).unwrap_or_else(|| example.to_owned());
                self.book.error(item, finding.instead(format!("write {instead}")));
                is_whole = false;
                continue;
            };
            if let [one] = options.as_slice()
                && let Some(several) = joined(one)
            {
                let reason = "several settings in one text, of which xl reads only the first";
                let finding = Finding::approximated("not-all-a-number", reason).refusing_start();
                self.book.mark(item, finding.instead(format!("write {several}")));
            }
            let mut node = VnodeInfo { distances: vec![0; items.len()], ..VnodeInfo::default() };
            for value in options {
                match Words::of(value) {
                    Some(words) => self.vnode_option(&mut node, words, item, &mut sums),
                    None => {
                        let finding = Finding::unsupported("list-in-list", "a list, which xl ignores");
                        let at = self.book.node(item, "/[]", value.span.clone());
                        self.book.mark(at, finding);
                    }
                }
            }
            nodes.push(node);
        }
        // The sums of some of the nodes are not the guest's.
        if is_whole {
            self.config.b_info.vnuma_nodes = nodes;
            self.vnuma_sums(list, &sums);
        }
    }

    fn vnode_option(&mut self, node: &mut VnodeInfo, words: Words<'a>, item: usize, sums: &mut Sums) {
        let Some((key, value)) = self.trimmed_pair(words, item) else {
            let finding = Finding::invalid("bad-vnuma", format!("'{}' is not key=value", words.text));
            return self.book.wrong(item, &words, finding.instead("write it as in size=1024"));
        };
        match key.text {
            "pnode" => {
                let Some(pnode) = self.ulong(value, item) else {
                    return;
                };
                if let Some(nodes) = &self.host.nodes
                    && pnode >= nodes.len() as u64
                {
                    let reason = format!("the host has {} NUMA nodes, but no node {pnode}", nodes.len());
                    let instead = format!("give pnode a number below {}", nodes.len());
                    return self.book.wrong(
                        item,
                        &words,
                        Finding::invalid("bad-vnuma", reason).instead(instead),
                    );
                }
                node.pnode = pnode as u32;
                self.config.b_info.numa_placement = Some(Defbool::False);
            }
            "size" => {
                if let Some(size) = self.ulong_of(value, item, Unit::Mebibytes) {
                    let memkb = size << 10;
                    if node.memkb.replace(memkb).is_some() {
                        let reason = "size stands here again: xl gives the node this one, and the guest both";
                        let finding = Finding::unsupported("written-again", reason).refusing_start();
                        self.book.note(item, &words, finding.instead("leave out one size of the node"));
                    }
                    sums.memkb = sums.memkb.wrapping_add(memkb);
                }
            }
            "vcpus" => {
                let mut set: BTreeSet<u32> = node.vcpus.iter().copied().collect();
                for part in self.parts(value, b",", item) {
                    let range = pairs::range(part.text);
                    if range.last == u64::MAX {
                        let finding = Finding::invalid(
                            "bad-vnuma",
                            format!("'{}' is an endless range for xl", part.text),
                        );
                        return self.book.wrong(item, &part, finding.instead("give vCPUs as in 0-3"));
                    }
                    if !range.whole {
                        let taken = match range.count() {
                            0 => "none".to_owned(),
                            _ => format!("{} to {}", range.first, range.last),
                        };
                        let reason = format!("'{}' is not a range of vCPUs, and xl uses {taken}", part.text);
                        let finding = Finding::approximated("bad-range", reason);
                        // Of the guest's own, where it has a number of them.
                        let last = match self.config.b_info.max_vcpus {
                            0 => range.first,
                            most => u64::try_from(most - 1).unwrap_or_default(),
                        };
                        let first = if range.first <= last { range.first } else { 0 };
                        let instead = match (first == last, vcpus_meant(part.text)) {
                            (_, Some(meant)) => format!("write {meant}"),
                            (true, None) => format!("write {first}"),
                            (false, None) => format!("write {first}-{last}"),
                        };
                        self.book.note(item, &part, finding.instead(instead));
                    }
                    sums.vcpus = sums.vcpus.saturating_add(range.count());
                    set.extend(range.below(self.vcpu_bits()));
                }
                node.vcpus = set.into_iter().collect();
            }
            "vdistances" => {
                for (index, part) in self.parts(value, b",", item).into_iter().enumerate() {
                    let Some(distance) = self.ulong(part, item) else {
                        return;
                    };
                    match node.distances.get_mut(index) {
                        Some(slot) => *slot = distance as u32,
                        None => {
                            let finding = Finding::invalid(
                                "bad-vnuma",
                                "more distances than nodes, and xl writes out of bounds",
                            );
                            let instead = format!("give {} distances", node.distances.len());
                            return self.book.wrong(item, &part, finding.instead(instead));
                        }
                    }
                }
            }
            _ => {
                self.passed_over(item, &words, entry::NODE, &SETTINGS);
            }
        }
    }

    /// How many vCPUs a node's set has room for.
    fn vcpu_bits(&self) -> u32 {
        match u32::try_from(self.config.b_info.max_vcpus) {
            Ok(max) if max > 0 => max.div_ceil(8) * 8,
            _ => self.host.cpu_bits(),
        }
    }

    fn vnuma_sums(&mut self, list: usize, sums: &Sums) {
        let misread = |code| self.book.misread(&[code]).remove(&list);
        let size = misread("not-all-a-number").or_else(|| misread("written-again"));
        let cpus = misread("bad-range");
        let b_info = &mut self.config.b_info;
        let wrong = |reason: String, instead: String| Finding::invalid("bad-vnuma", reason).instead(instead);
        let mut errors = Vec::new();
        if b_info.max_vcpus != 0 {
            if u64::try_from(b_info.max_vcpus).ok() != Some(sums.vcpus) {
                let reason =
                    format!("the nodes have {} vCPUs, but maxvcpus is {}", sums.vcpus, b_info.max_vcpus);
                // Fewer are not meant where the guest has more.
                let instead = match u64::try_from(b_info.max_vcpus).is_ok_and(|max| sums.vcpus < max) {
                    true => format!("name each of the vCPUs 0 to {} in one node", b_info.max_vcpus - 1),
                    false => format!("write maxvcpus = {}", sums.vcpus),
                };
                errors.push(wrong(reason, cpus.unwrap_or(instead)));
            }
        } else {
            if let Some(cpus) = self.host.cpus
                && u64::from(cpus) < sums.vcpus
            {
                let reason = format!("the nodes have {} vCPUs, but the host has {cpus} CPUs", sums.vcpus);
                errors.push(wrong(reason, format!("write maxvcpus = {} if that is meant", sums.vcpus)));
            }
            b_info.max_vcpus = sums.vcpus as i32;
        }
        match b_info.max_memkb.replace(sums.memkb) {
            Some(max) if self.overlay => b_info.max_memkb = Some(max),
            Some(max) if max != sums.memkb => {
                let reason = format!("the nodes have {} KiB of memory, but maxmem is {max} KiB", sums.memkb);
                let instead = size.unwrap_or_else(|| format!("write maxmem = {}", sums.memkb >> 10));
                errors.push(wrong(reason, instead));
            }
            _ => {}
        }
        for error in errors {
            self.book.error(list, error);
        }
    }
}

/// The set of vCPUs that a text is meant to be: `1-0` is a range with its end first, and `0 1` has no comma.
fn vcpus_meant(text: &str) -> Option<String> {
    let number = |text: &str| text.trim().parse::<u32>().ok();
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (number(first)?, number(last)?);
        return Some(format!("{}-{}", first.min(last), first.max(last)));
    }
    let numbers: Option<Vec<_>> =
        text.split_whitespace().map(|part| Some(number(part)?.to_string())).collect();
    numbers.filter(|numbers| numbers.len() > 1).map(|numbers| numbers.join(","))
}

/// The settings of a node.
const SETTINGS: [&str; 4] = ["pnode", "size", "vcpus", "vdistances"];

/// A text with several settings between commas, as the list of them that it is meant to be; `None` for a text with one.
fn settings_in(text: &str) -> Option<String> {
    let mut settings: Vec<String> = Vec::new();
    for part in text.split(',') {
        match (part.split_once('='), settings.last_mut()) {
            (Some((key, size)), _) if key.trim() == "size" => {
                settings.push(format!("size={}", meant(size, Unit::Mebibytes)?));
            }
            (Some((key, value)), _) if SETTINGS.contains(&key.trim()) => {
                settings.push(format!("{}={}", key.trim(), value.trim()));
            }
            (Some(_), _) => settings.push(entry::meant("vnuma", part.trim(), &SETTINGS)?),
            // A list has commas of its own.
            (None, Some(last)) => last.extend([",", part.trim()]),
            _ => return None,
        }
    }
    let quoted: Vec<_> = settings.iter().map(|setting| suggest::quoted(setting)).collect();
    (settings.len() > 1).then(|| format!("[ {} ]", quoted.join(", ")))
}
