//! `sysctl`: what is asked of the machine as a whole.

use std::fmt::Write;

use timers::GuestKind;
use xen_sys::{xen_domctl_getdomaininfo, xen_sysctl};
use xenclock::host::DomId;

use super::domctl;
use super::{Answer, unanswered};
use crate::caller::Caller;
use crate::world::World;

/// One call, whose structure is at this address.
pub fn sysctl(world: &mut World, caller: Caller, at: u64) -> Answer {
    let mut op: xen_sysctl = caller.read(at)?;
    if op.interface_version != xen_sys::XEN_SYSCTL_INTERFACE_VERSION {
        return Err(libc::EACCES);
    }
    let answer = act(world, caller, &mut op)?;
    caller.write(at, &op)?;
    Ok(answer)
}

fn act(world: &mut World, caller: Caller, op: &mut xen_sysctl) -> Answer {
    // SAFETY, here and below: the command says which part of the union counts, and all of them are plain.
    match op.cmd {
        xen_sys::XEN_SYSCTL_physinfo => physinfo(world, op),
        xen_sys::XEN_SYSCTL_getdomaininfolist => {
            // SAFETY: see above.
            let given = unsafe { &mut op.u.getdomaininfolist };
            let first = DomId(u32::from(given.first_domain));
            let all = std::iter::once(DomId(0)).chain(world.machine.domains().map(|(domid, _)| domid));
            let wanted: Vec<DomId> = all.filter(|domid| *domid >= first).collect();
            let mut at = given.buffer.p as u64;
            given.num_domains = 0;
            for domid in wanted.into_iter().take(given.max_domains as usize) {
                caller.write(at, &domctl::info(world, domid)?)?;
                at += size_of::<xen_domctl_getdomaininfo>() as u64;
                given.num_domains += 1;
            }
        }
        xen_sys::XEN_SYSCTL_sched_id => {
            op.u.sched_id.sched_id = xen_sys::XEN_SCHEDULER_CREDIT2;
        }
        xen_sys::XEN_SYSCTL_readconsole => {
            // SAFETY: see above.
            let given = unsafe { &mut op.u.readconsole };
            let from = if given.incremental != 0 { given.index as usize } else { 0 };
            let text = world.console.get(from..).unwrap_or_default();
            let text = &text[..text.len().min(given.count as usize)];
            caller.write_bytes(given.buffer.p as u64, text)?;
            given.count = text.len() as u32;
            given.index = (from + text.len()) as u32;
            if given.clear != 0 {
                world.console.clear();
            }
        }
        xen_sys::XEN_SYSCTL_debug_keys => {
            // SAFETY: see above.
            let given = unsafe { op.u.debug_keys };
            for key in caller.bytes(given.keys.p as u64, given.nr_keys as usize)? {
                press(world, key);
            }
        }
        xen_sys::XEN_SYSCTL_cpupool_op => {
            // SAFETY: see above.
            let given = unsafe { &mut op.u.cpupool_op };
            if given.op == xen_sys::XEN_SYSCTL_CPUPOOL_OP_INFO {
                if given.cpupool_id != 0 && given.cpupool_id != xen_sys::XEN_SYSCTL_CPUPOOL_PAR_ANY {
                    return Err(libc::ENOENT);
                }
                given.cpupool_id = 0;
                given.sched_id = xen_sys::XEN_SCHEDULER_CREDIT2;
                given.n_dom = 1 + world.guests.len() as u32;
                let cpus: Vec<u8> = (0..world.facts.cpus.div_ceil(8))
                    .map(|byte| ((1_u32 << (world.facts.cpus - byte * 8).min(8)) - 1) as u8)
                    .collect();
                caller.write_bytes(given.cpumap.bitmap.p as u64, &cpus)?;
            }
        }
        xen_sys::XEN_SYSCTL_numainfo => {
            // SAFETY: see above.
            let given = unsafe { &mut op.u.numainfo };
            let (at, distance) = (given.meminfo.p as u64, given.distance.p as u64);
            if at != 0 && given.num_nodes > 0 {
                // SAFETY: integers, for which 0 is a value.
                let mut node: xen_sys::xen_sysctl_meminfo = unsafe { std::mem::zeroed() };
                node.memsize = world.facts.memory_mb << 20;
                node.memfree = world.free_pages() << 12;
                caller.write(at, &node)?;
            }
            if distance != 0 && given.num_nodes > 0 {
                caller.write(distance, &10_u32)?;
            }
            given.num_nodes = 1;
        }
        xen_sys::XEN_SYSCTL_cputopoinfo => {
            // SAFETY: see above.
            let given = unsafe { &mut op.u.cputopoinfo };
            let at = given.cputopo.p as u64;
            if at != 0 {
                for index in 0..given.num_cpus.min(world.facts.cpus) {
                    // SAFETY: integers, for which 0 is a value.
                    let mut cpu: xen_sys::xen_sysctl_cputopo = unsafe { std::mem::zeroed() };
                    cpu.core = index;
                    caller.write(at + u64::from(index) * size_of_val(&cpu) as u64, &cpu)?;
                }
            }
            given.num_cpus = world.facts.cpus;
        }
        xen_sys::XEN_SYSCTL_get_cpu_policy => {
            // SAFETY: see above.
            let given = unsafe { &mut op.u.cpu_policy };
            let (leaves, msrs) = (given.leaves.p as u64, given.msrs.p as u64);
            if leaves == 0 {
                given.nr_leaves = LEAVES as u32;
            } else {
                let count = LEAVES.min(given.nr_leaves as usize);
                caller.write_bytes(leaves, &cpuid()[..count * LEAF])?;
                given.nr_leaves = count as u32;
            }
            given.nr_msrs = if msrs == 0 { MSRS } else { 0 };
        }
        xen_sys::XEN_SYSCTL_get_cpu_featureset => {
            // SAFETY: see above.
            let given = unsafe { &mut op.u.cpu_featureset };
            let at = given.features.p as u64;
            if at == 0 {
                given.nr_features = 16;
            } else {
                caller.write_list(at, &vec![0_u32; given.nr_features as usize])?;
            }
        }
        xen_sys::XEN_SYSCTL_availheap => {
            op.u.availheap.avail_bytes = world.free_pages() << 12;
        }
        command => return unanswered(world, format!("sysctl {command}")),
    }
    Ok(0)
}

/// A leaf as libxenguest has it: its number, its sub-leaf, and four registers.
const LEAF: usize = 24;
/// libxenguest writes a guest's leaves into the room that these took, and takes no more than some hundred.
const LEAVES: usize = 64;
const MSRS: u32 = 16;

/// The leaves of a CPU that can do nothing special, the first of them again and again to make them so many.
pub fn cpuid() -> Vec<u8> {
    const NO_SUB_LEAF: u32 = u32::MAX;
    /// The highest leaves.
    const BASIC: u32 = 0xd;
    const EXTENDED: u32 = 0x8000_0021;
    let [b, d, c] = [*b"Auth", *b"enti", *b"cAMD"].map(u32::from_ne_bytes);
    let leaf = |leaf: u32, sub_leaf: u32| match leaf {
        0 => [leaf, sub_leaf, BASIC, b, c, d],
        0x8000_0000 => [leaf, sub_leaf, EXTENDED, b, c, d],
        // 40 bits of physical addresses, 48 of virtual ones.
        0x8000_0008 => [leaf, sub_leaf, 0x3028, 0, 0, 0],
        _ => [leaf, sub_leaf, 0, 0, 0, 0],
    };
    // Those that libxl changes by their names.
    let plain = [0, 1, 5, 6].into_iter().chain(0x8000_0000..=0x8000_000a).chain([EXTENDED]);
    let with_sub_leaves = [(4, 0), (7, 0), (7, 1), (7, 2), (BASIC, 0), (BASIC, 1)];
    let mut leaves: Vec<_> = plain.map(|number| leaf(number, NO_SUB_LEAF)).collect();
    leaves.extend(with_sub_leaves.map(|(number, sub_leaf)| leaf(number, sub_leaf)));
    leaves.resize(LEAVES, leaf(0, NO_SUB_LEAF));
    // libxenguest looks for one by halves.
    leaves.sort_unstable();
    leaves.into_iter().flatten().flat_map(u32::to_ne_bytes).collect()
}

fn physinfo(world: &World, op: &mut xen_sysctl) {
    // SAFETY: the command says that this part of the union counts.
    let out = unsafe { &mut op.u.physinfo };
    out.threads_per_core = 1;
    out.cores_per_socket = world.facts.cpus;
    out.nr_cpus = world.facts.cpus;
    out.max_cpu_id = world.facts.cpus - 1;
    out.nr_nodes = 1;
    out.max_node_id = 0;
    out.cpu_khz = world.facts.cpu_khz;
    out.capabilities = capabilities();
    if world.facts.directio {
        out.capabilities |=
            xen_sys::XEN_SYSCTL_PHYSCAP_directio | xen_sys::XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share;
    }
    out.total_pages = (world.facts.memory_mb << 8) + (1 << 18);
    out.free_pages = world.free_pages();
    out.scrub_pages = 0;
    out.outstanding_pages = 0;
    out.max_mfn = world.frames.end();
}

/// HVM, PV and nested paging, and whatever grant tables this version tells of.
fn capabilities() -> u32 {
    /// `XEN_SYSCTL_PHYSCAP_gnttab_v1` from 4.17 on, and nothing before.
    const GRANT_TABLES: u32 = 1 << 8;
    let common =
        xen_sys::XEN_SYSCTL_PHYSCAP_hvm | xen_sys::XEN_SYSCTL_PHYSCAP_pv | xen_sys::XEN_SYSCTL_PHYSCAP_hap;
    if xen_sys::XEN_VERSION >= (4, 17) { common | GRANT_TABLES } else { common }
}

/// The key that prints what Xen knows of the time, and what it prints.
fn press(world: &mut World, key: u8) {
    if key != b's' {
        return;
    }
    let present = world.present();
    let reliability = match world.facts.tsc_reliable {
        true => "TSC marked as reliable, warp = 0",
        false => "TSC has constant rate, deep Cstates possible, so not reliable, warp=0",
    };
    let mut text = format!("(XEN) {reliability} (count=3)\n");
    for (domid, domain) in world.machine.domains() {
        let info = domain.tsc.info(&present);
        let hvm = if domain.kind == GuestKind::Pv { "" } else { "(hvm)" };
        let (mode, khz, incarnation) = (info.mode, info.khz, info.incarnation);
        let _ = write!(text, "(XEN) dom{domid}{hvm}: mode={mode}");
        if khz != 0 {
            let _ = write!(text, ",khz={khz}");
        }
        let _ = writeln!(text, ",inc={incarnation}");
    }
    world.console.extend_from_slice(text.as_bytes());
}
