//! `cpus` and `cpus_soft`: the CPUs of the host that vCPUs may run on.

use std::collections::BTreeSet;

use super::Reader;
use super::book::Words;
use super::pairs;
use crate::cfg::Content;
use crate::diag::Finding;
use crate::domain::Defbool;
use crate::domain::config::Bitmap;

/// xl asks for the topology of the host again for each node.
const MANY_NODES: u64 = 100_000;

impl<'a> Reader<'a> {
    pub(super) fn affinity(&mut self) {
        if let Some(sets) = self.cpu_sets("cpus", true) {
            if sets.iter().any(Vec::is_empty)
                && let Some(found) = self.find("cpus")
            {
                let finding = Finding::invalid("no-cpus", "no CPU is left for a vCPU");
                self.book.error(found.node, finding.instead("name the CPUs, as in cpus = \"0-3\""));
            }
            self.config.b_info.vcpu_hard_affinity = sets;
        }
        if let Some(sets) = self.cpu_sets("cpus_soft", false) {
            self.config.b_info.vcpu_soft_affinity = sets;
        }
    }

    /// The set of each vCPU: one text is for all of them, a list has one for each.
    fn cpu_sets(&mut self, name: &str, hard: bool) -> Option<Vec<Bitmap>> {
        let found = self.find(name)?;
        let vcpus = usize::try_from(self.config.b_info.max_vcpus).unwrap_or_default();
        match &found.setting.value.content {
            Content::Text(_) => {
                let (words, node) = self.words(name)?;
                let set = self.cpu_set(words, node)?;
                if !hard {
                    self.config.b_info.numa_placement = Some(Defbool::False);
                }
                if vcpus == 0 {
                    let finding =
                        Finding::unsupported("no-vcpus", "vcpus is missing, so xl applies this to no vCPU");
                    self.book.mark(node, finding.instead("write vcpus = 1 as well"));
                }
                // Without a host to count them on, all CPUs are what a guest has anyway.
                let all = self.host.cpus.is_none() && set.len() == self.host.cpu_bits() as usize;
                Some(if all { Vec::new() } else { vec![set; vcpus] })
            }
            Content::List(items) => {
                self.config.b_info.numa_placement = Some(Defbool::False);
                let texts = self.texts(items, found.node);
                if texts.len() < items.len().min(vcpus) {
                    let finding = Finding::invalid(
                        "list-in-list",
                        "this is a list, expected a set of CPUs; xl reads uninitialised memory here",
                    );
                    self.book.error(found.node, finding.instead("write each set as a string, \"0-3\""));
                    return None;
                }
                let mut sets = Vec::new();
                for (index, (words, node)) in texts.into_iter().enumerate() {
                    if index < vcpus {
                        sets.push(self.cpu_set(words, node)?);
                    } else {
                        let finding =
                            Finding::unsupported("no-such-vcpu", "there is no such vCPU, and xl ignores it");
                        self.book.mark(node, finding.instead("remove it, or increase vcpus"));
                    }
                }
                Some(sets)
            }
        }
    }

    /// `0-3,^2,node:1`, as xl's `parse_cpurange`.
    fn cpu_set(&mut self, words: Words<'a>, node: usize) -> Option<Bitmap> {
        let bits = self.host.cpu_bits();
        let mut set = BTreeSet::new();
        let mut of_unknown_nodes = false;
        for part in words.tokens(b",") {
            let (out, rest) = match part.after("^") {
                Some(rest) => (true, rest),
                None => (false, part),
            };
            let by_node = rest.after("node:").or_else(|| rest.after("nodes:"));
            let rest = by_node.unwrap_or(rest);
            if rest.text == "all" {
                if out {
                    let finding = Finding::invalid("bad-cpus", "xl accepts no ^ with all");
                    self.book.wrong(node, &part, finding.instead("name the CPUs, as in 0-3"));
                    return None;
                }
                set.extend(0..bits);
                continue;
            }
            let range = pairs::range(rest.text);
            if !range.whole {
                let reason = format!("'{}' is neither a CPU nor a range of CPUs", rest.text);
                let finding = Finding::invalid("bad-cpus", reason)
                    .instead("write CPUs and ranges between commas, as in 0-3,^1,nodes:1");
                self.book.wrong(node, &part, finding);
                return None;
            }
            let cpus: Vec<u32> = match (by_node, &self.host.nodes) {
                (None, _) => range.below(bits).collect(),
                (Some(_), Some(nodes)) => {
                    let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
                    if range.count() > MANY_NODES {
                        let reason = format!("xl loops endlessly over as many NUMA nodes as '{}'", rest.text);
                        let instead = format!("name nodes from 0 to {}", count.saturating_sub(1));
                        let finding = Finding::invalid("bad-cpus", reason).instead(instead);
                        self.book.wrong(node, &part, finding);
                        return None;
                    }
                    if range.last >= u64::from(count) {
                        let reason =
                            format!("the host has only NUMA nodes up to {}", count.saturating_sub(1));
                        self.book.note(node, &part, Finding::approximated("no-such-node", reason));
                    }
                    // xl makes room for as many CPUs as there are nodes, in whole bytes.
                    let room = count.div_ceil(8) * 8;
                    let nodes: Vec<_> =
                        range.below(count).filter_map(|node| nodes.get(node as usize)).collect();
                    let (taken, lost): (Vec<_>, Vec<_>) =
                        nodes.into_iter().flatten().partition(|cpu| **cpu < room);
                    if !lost.is_empty() {
                        let reason = format!("xl uses only CPUs below {room} of a NUMA node");
                        let finding = Finding::approximated("few-of-node", reason);
                        self.book.note(node, &part, finding.instead("name the CPUs, as in 0-3"));
                    }
                    taken.into_iter().copied().collect()
                }
                (Some(_), None) => {
                    let finding = Finding::approximated(
                        "unknown-nodes",
                        "the CPUs of a NUMA node are known only on the host, so they are left out here",
                    );
                    self.book.note(node, &part, finding.instead("name the CPUs, as in 0-3"));
                    of_unknown_nodes = true;
                    Vec::new()
                }
            };
            if by_node.is_none() && range.last >= u64::from(bits) && self.host.cpus.is_some() {
                let reason = format!("the host has only CPUs up to {}", bits - 1);
                self.book.note(node, &part, Finding::approximated("no-such-cpu", reason));
            }
            for cpu in cpus {
                if out {
                    set.remove(&cpu);
                } else {
                    set.insert(cpu);
                }
            }
        }
        if of_unknown_nodes && set.is_empty() {
            // Some CPUs, and libxl starts no guest without any.
            set.extend(0..bits);
        }
        Some(set.into_iter().collect())
    }
}
