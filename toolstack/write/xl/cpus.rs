//! CPU settings: affinity, NUMA, scheduling, CPUID.

use super::Section::Cpus;
use super::Writer;
use crate::domain::Defbool;
use crate::domain::config::{Bitmap, CpuPolicy, CpuidLeaf, MsrPolicy, SchedParams, VnodeInfo};
use crate::write::ranges;
use crate::write::value::Value;

/// xl has no bits in a register's text but 32.
const REGISTER: usize = 32;

impl Writer {
    /// `cpus` and `cpus_soft`. One text is for all vCPUs; a list is for each, and keeps libxl from choosing NUMA nodes.
    pub(super) fn placement(
        &mut self,
        [hard, soft]: [&Vec<Bitmap>; 2],
        cpumap: &Bitmap,
        nodes: &[VnodeInfo],
        max_vcpus: i32,
        placement: Option<Defbool>,
    ) {
        let vcpus = usize::try_from(max_vcpus).unwrap_or(0);
        let fixed = placement == Some(Defbool::False);
        // The text of cpus_soft and a node's pnode keep libxl from choosing as well.
        let fixed_elsewhere = fixed && (!soft.is_empty() || !nodes.is_empty());
        let for_all = |maps: &[Bitmap]| maps.len() == vcpus && maps.windows(2).all(|two| two[0] == two[1]);
        if hard.is_empty() && !cpumap.is_empty() {
            self.nearest("b_info.cpumap", "xl.cfg has only the affinity of each vCPU: it becomes cpus");
            self.set(Cpus, "cpus", set(cpumap));
        } else {
            self.no_key("b_info.cpumap", !cpumap.is_empty());
        }
        for (key, field, maps) in
            [("cpus", "vcpu_hard_affinity", hard), ("cpus_soft", "vcpu_soft_affinity", soft)]
        {
            if maps.is_empty() {
                continue;
            }
            if maps.len() > vcpus {
                self.lost(format!("b_info.{field}"), format!("xl ignores those of vCPU {vcpus} and later"));
            }
            if maps.iter().take(vcpus).any(Vec::is_empty) {
                self.nearest(
                    format!("b_info.{field}"),
                    "xl accepts no vCPU without CPUs: it runs on all of them",
                );
            }
            let as_text = for_all(maps) && (key == "cpus_soft" || !fixed || fixed_elsewhere);
            let cpus = |map: &Bitmap| if map.is_empty() { "all".to_owned() } else { set(map) };
            if as_text {
                self.set(Cpus, key, cpus(&maps[0]));
            } else {
                self.set(Cpus, key, Value::Line(maps.iter().map(|map| Value::Text(cpus(map))).collect()));
            }
            if !fixed && (!as_text || key == "cpus_soft") {
                self.nearest(
                    "b_info.numa_placement",
                    format!("with {key}, xl turns off libxl's choice of NUMA nodes"),
                );
            }
        }
        if placement == Some(Defbool::True) {
            self.same("b_info.numa_placement", "libxl does so by default if nothing is pinned");
        }
        if fixed && hard.is_empty() && !fixed_elsewhere {
            self.lost(
                "b_info.numa_placement",
                "xl.cfg can turn it off only together with cpus, cpus_soft or vnuma",
            );
        }
    }

    /// `vnuma`: a list of lists.
    pub(super) fn vnuma(&mut self, nodes: &[VnodeInfo], placement: Option<Defbool>) {
        let mut out = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            let VnodeInfo { memkb, distances, pnode, vcpus, rest } = node;
            let path = format!("b_info.vnuma_nodes[{index}]");
            let mut settings = Vec::new();
            match placement {
                Some(Defbool::False) => settings.push(format!("pnode={pnode}")),
                _ if *pnode != 0 => {
                    settings.push(format!("pnode={pnode}"));
                    self.nearest(
                        "b_info.numa_placement",
                        "with a pnode, xl turns off libxl's choice of NUMA nodes",
                    );
                }
                _ => {}
            }
            match memkb {
                Some(kib) if kib % 1024 == 0 && *kib <= i64::MAX as u64 => {
                    settings.push(format!("size={}", kib / 1024))
                }
                Some(kib) => {
                    self.nearest(format!("{path}.memkb"), "xl counts in MiB");
                    settings.push(format!("size={}", kib / 1024));
                }
                None => self.lost(format!("{path}.memkb"), "xl has no default for a node's memory"),
            }
            if !vcpus.is_empty() {
                settings.push(format!("vcpus={}", set(vcpus)));
            }
            if distances.len() != nodes.len() {
                let reason = "xl needs a distance to each node, and uses 0 if none is given";
                self.nearest(format!("{path}.distances"), reason);
            }
            if !distances.is_empty() {
                let distances: Vec<_> = distances.iter().take(nodes.len()).map(u32::to_string).collect();
                settings.push(format!("vdistances={}", distances.join(",")));
            }
            out.push(Value::Line(settings.into_iter().map(Value::Text).collect()));
            self.rest(&path, rest);
        }
        if !out.is_empty() {
            self.set(Cpus, "vnuma", Value::List(out));
        }
    }

    pub(super) fn sched_params(&mut self, params: &SchedParams) {
        let SchedParams { sched, weight, cap, period, budget, extratime, slice, latency, rest } = params;
        let path = "b_info.sched_params";
        if sched.is_some() {
            self.same(format!("{path}.sched"), "the scheduler is that of the guest's CPU pool");
        }
        self.no_key(format!("{path}.budget"), budget.is_some());
        for (key, value) in [
            ("cpu_weight", weight),
            ("cap", cap),
            ("period", period),
            ("extratime", extratime),
            ("slice", slice),
            ("latency", latency),
        ] {
            self.maybe(Cpus, key, value.map(i64::from));
        }
        self.rest(path, rest);
    }

    /// `cpuid` as a list of leaves, which can say every bit.
    pub(super) fn cpuid(&mut self, policy: &CpuPolicy) {
        let CpuPolicy { cpuid, msr, rest } = policy;
        let (mut entries, mut leaves): (Vec<Value>, Vec<String>) = (Vec::new(), Vec::new());
        for (index, leaf) in cpuid.iter().enumerate() {
            let CpuidLeaf { leaf, subleaf, eax, ebx, ecx, edx, rest } = leaf;
            let path = format!("b_info.cpuid.cpuid[{index}]");
            self.rest(&path, rest);
            let Some(leaf) = leaf else {
                self.lost(format!("{path}.leaf"), "the leaf has no number");
                continue;
            };
            let subleaf = subleaf.map(|subleaf| format!(",{subleaf:#x}")).unwrap_or_default();
            let mut registers = Vec::new();
            for (name, bits) in [("eax", eax), ("ebx", ebx), ("ecx", ecx), ("edx", edx)] {
                match bits {
                    Some(bits) if bits.len() == REGISTER && !bits.contains([',', '\0']) => {
                        registers.push(format!("{name}={bits}"));
                    }
                    Some(_) => self.lost(format!("{path}.{name}"), "a register is a string of 32 characters"),
                    None => {}
                }
            }
            let leaf = format!("{leaf:#x}{subleaf}");
            if leaves.contains(&leaf) {
                self.nearest(path, "xl merges the settings of a leaf, and the last one counts");
            }
            entries.push(Value::Text(format!("{leaf}:{}", registers.join(","))));
            leaves.push(leaf);
        }
        if !entries.is_empty() {
            self.set(Cpus, "cpuid", Value::List(entries));
        }
        for (index, MsrPolicy { index: _, policy: _, rest }) in msr.iter().enumerate() {
            let path = format!("b_info.cpuid.msr[{index}]");
            self.lost(
                &path,
                "xl.cfg can set MSRs only by the names of features, and then no other CPUID bits",
            );
            self.rest(&path, rest);
        }
        self.rest("b_info.cpuid", rest);
    }
}

/// `0,2-5`, as xl's `cpus` and `vcpus` have it.
fn set(map: &[u32]) -> String {
    ranges(map).join(",")
}
