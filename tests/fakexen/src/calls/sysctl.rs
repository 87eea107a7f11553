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
                caller.write(given.cpumap.bitmap.p as u64, &1_u8)?;
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
            if at != 0 && given.num_cpus > 0 {
                // SAFETY: integers, for which 0 is a value.
                let cpu: xen_sys::xen_sysctl_cputopo = unsafe { std::mem::zeroed() };
                caller.write(at, &cpu)?;
            }
            given.num_cpus = 1;
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
fn cpuid() -> Vec<u8> {
    const NO_SUB_LEAF: u32 = u32::MAX;
    let [b, d, c] = [*b"Auth", *b"enti", *b"cAMD"].map(u32::from_ne_bytes);
    let basic = |leaf: u32| match leaf {
        0 => [leaf, NO_SUB_LEAF, 1, b, c, d],
        _ => [leaf, NO_SUB_LEAF, 0, 0, 0, 0],
    };
    let extended = |leaf: u32| match leaf {
        0x8000_0000 => [leaf, NO_SUB_LEAF, 0x8000_0008, b, c, d],
        // 40 bits of physical addresses, 48 of virtual ones.
        0x8000_0008 => [leaf, NO_SUB_LEAF, 0x3028, 0, 0, 0],
        _ => [leaf, NO_SUB_LEAF, 0, 0, 0, 0],
    };
    let leaves = (0..=1).map(basic).chain((0x8000_0000..=0x8000_0008).map(extended));
    let leaves = leaves.chain(std::iter::repeat_with(|| basic(0))).take(LEAVES);
    leaves.flatten().flat_map(u32::to_ne_bytes).collect()
}

fn physinfo(world: &World, op: &mut xen_sysctl) {
    // SAFETY: the command says that this part of the union counts.
    let out = unsafe { &mut op.u.physinfo };
    out.threads_per_core = 1;
    out.cores_per_socket = 1;
    out.nr_cpus = 1;
    out.max_cpu_id = 0;
    out.nr_nodes = 1;
    out.max_node_id = 0;
    out.cpu_khz = world.facts.cpu_khz;
    out.capabilities = capabilities();
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
