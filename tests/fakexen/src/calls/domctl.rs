//! `domctl`: what the toolstack does to one domain.

use timers::GuestKind;
use uuid::Uuid;
use xen_sys::{vcpu_guest_context, xen_domctl, xen_domctl_getdomaininfo};
use xenclock::host::mock::machine::{Domain, NewDomain};
use xenclock::host::{DomId, RunState, ShutdownReason, TscInfo};

use super::{Answer, context, sysctl, unanswered};
use crate::Errno;
use crate::caller::Caller;
use crate::guest::{Guest, Vnuma};
use crate::pv;
use crate::world::{DOM0_MOST, World, errno};

/// The domain that asks.
const DOM0: DomId = DomId(0);

/// Not in the headers of all versions.
const SET_CACHE_COLORS: u32 = 89;

/// The size of what Xen keeps a guest's page tables in: not in the headers of all versions.
const GET_PAGING_POOL: u32 = 85;
const SET_PAGING_POOL: u32 = 86;

/// `nomigrate`, until Xen 4.14.
const DISABLE_MIGRATE: u32 = 58;

/// One call, whose structure is at this address.
pub fn domctl(world: &mut World, caller: Caller, at: u64) -> Answer {
    let mut op: xen_domctl = caller.read(at)?;
    if op.interface_version != xen_sys::XEN_DOMCTL_INTERFACE_VERSION {
        return Err(libc::EACCES);
    }
    let answer = act(world, caller, &mut op)?;
    caller.write(at, &op)?;
    Ok(answer)
}

fn act(world: &mut World, caller: Caller, op: &mut xen_domctl) -> Answer {
    let domid = DomId(u32::from(op.domain));
    // SAFETY, here and below: the command says which part of the union counts, and all of them are plain.
    match op.cmd {
        xen_sys::XEN_DOMCTL_createdomain => return create(world, op),
        xen_sys::XEN_DOMCTL_destroydomain => world.destroy(domid)?,
        xen_sys::XEN_DOMCTL_pausedomain => {
            let present = world.present();
            world.machine.pause(domid, &present).map_err(errno)?;
        }
        xen_sys::XEN_DOMCTL_unpausedomain => world.unpause(domid)?,
        xen_sys::XEN_DOMCTL_resumedomain => world.resume(domid)?,
        xen_sys::XEN_DOMCTL_soft_reset => {
            world.machine.soft_reset(domid).map_err(errno)?;
            // Its event channels are closed.
            world.guest_mut(domid)?.last_port = 0;
        }
        xen_sys::XEN_DOMCTL_getdomaininfo => {
            // The first domain from this number on, as this call is also used to walk through all.
            let found = std::iter::once(DOM0).chain(world.machine.domains().map(|(domid, _)| domid));
            let domid = found.into_iter().find(|found| *found >= domid).ok_or(libc::ESRCH)?;
            op.domain = domid.0 as u16;
            op.u.getdomaininfo = info(world, domid)?;
        }
        xen_sys::XEN_DOMCTL_gettscinfo => {
            let info = world.machine.tsc_info(domid, &world.present()).map_err(errno)?;
            // SAFETY: see above.
            let out = unsafe { &mut op.u.tsc_info };
            out.tsc_mode = info.mode;
            out.gtsc_khz = info.khz;
            out.incarnation = info.incarnation;
            out.elapsed_nsec = info.elapsed_ns;
        }
        xen_sys::XEN_DOMCTL_settscinfo => {
            // SAFETY: see above.
            let given = unsafe { op.u.tsc_info };
            let info = TscInfo {
                mode: given.tsc_mode,
                elapsed_ns: given.elapsed_nsec,
                khz: given.gtsc_khz,
                incarnation: given.incarnation,
            };
            let present = world.present();
            world.machine.set_tsc_info(domid, &info, &present).map_err(errno)?;
        }
        xen_sys::XEN_DOMCTL_settimeoffset => {
            // SAFETY: see above.
            let seconds = unsafe { op.u.settimeoffset }.time_offset_seconds;
            world.machine.set_time_offset(domid, seconds).map_err(errno)?;
        }
        xen_sys::XEN_DOMCTL_gethvmcontext => return context::get(world, caller, domid, op),
        xen_sys::XEN_DOMCTL_gethvmcontext_partial => return context::get_one(world, caller, domid, op),
        xen_sys::XEN_DOMCTL_sethvmcontext => return context::set(world, caller, domid, op),
        xen_sys::XEN_DOMCTL_max_vcpus => {
            // SAFETY: see above.
            let wanted = unsafe { op.u.max_vcpus }.max;
            let guest = world.guest_mut(domid)?;
            if wanted != guest.max_vcpus {
                return Err(libc::EINVAL);
            }
            guest.has_vcpus = true;
        }
        xen_sys::XEN_DOMCTL_max_mem if domid == DOM0 => {}
        xen_sys::XEN_DOMCTL_max_mem => {
            // SAFETY: see above.
            let kb = unsafe { op.u.max_mem }.max_memkb;
            world.guest_mut(domid)?.max_pages = kb >> 2;
        }
        // The structure is this one number.
        SET_PAGING_POOL => {
            // SAFETY: see above.
            let bytes = unsafe { op.u.max_mem }.max_memkb;
            world.guest_mut(domid)?.paging_pool = bytes;
        }
        GET_PAGING_POOL => {
            op.u.max_mem.max_memkb = world.guest(domid)?.paging_pool;
        }
        // A cache that is not divided among guests.
        SET_CACHE_COLORS => return Err(libc::EOPNOTSUPP),
        xen_sys::XEN_DOMCTL_shadow_op => return paging(world, caller, domid, op),
        xen_sys::XEN_DOMCTL_get_cpu_policy | xen_sys::XEN_DOMCTL_set_cpu_policy => {
            return policy(world, caller, domid, op);
        }
        xen_sys::XEN_DOMCTL_set_address_size => {
            // SAFETY: see above.
            let bits = unsafe { op.u.address_size }.size;
            world.guest_mut(domid)?.width = bits / 8;
        }
        xen_sys::XEN_DOMCTL_get_address_size => {
            let guest = world.guest(domid)?;
            op.u.address_size.size = guest.width * 8;
        }
        xen_sys::XEN_DOMCTL_getvcpuinfo => {
            let domain = world.domain(domid)?;
            let guest = world.guest(domid)?;
            // SAFETY: see above.
            let out = unsafe { &mut op.u.getvcpuinfo };
            if out.vcpu >= guest.max_vcpus {
                return Err(libc::ESRCH);
            }
            out.online = u8::from(out.vcpu == 0);
            out.blocked = 0;
            out.running = u8::from(domain.runs() && out.vcpu == 0);
            out.cpu_time = cpu_time(domain);
            out.cpu = 0;
        }
        xen_sys::XEN_DOMCTL_setvcpucontext => {
            // SAFETY: see above.
            let at = unsafe { op.u.vcpucontext }.ctxt.p as u64;
            world.guest_mut(domid)?.vcpu = caller.bytes(at, size_of::<vcpu_guest_context>())?;
            // One that is only resumed has run here.
            if pv::is_restored(world.guest(domid)?) && !world.domain(domid)?.has_run {
                world.machine.continue_saved(domid).map_err(errno)?;
            }
        }
        xen_sys::XEN_DOMCTL_getvcpucontext => {
            let vcpu = world.guest(domid)?.vcpu.clone();
            // SAFETY: see above.
            let at = unsafe { op.u.vcpucontext }.ctxt.p as u64;
            caller.write_bytes(at, &vcpu)?;
        }
        xen_sys::XEN_DOMCTL_setvnumainfo => {
            // SAFETY: see above.
            let given = unsafe { op.u.vnuma };
            let [nodes, vcpus, ranges] =
                [given.nr_vnodes, given.nr_vcpus, given.nr_vmemranges].map(|n| n as usize);
            let vnuma = Vnuma {
                counts: [given.nr_vnodes, given.nr_vcpus, given.nr_vmemranges],
                distances: caller.bytes(given.vdistance.p as u64, nodes * nodes * 4)?,
                vcpus: caller.bytes(given.vcpu_to_vnode.p as u64, vcpus * 4)?,
                ranges: caller.bytes(given.vmemrange.p as u64, ranges * RANGE)?,
            };
            world.guest_mut(domid)?.vnuma = Some(vnuma);
        }
        xen_sys::XEN_DOMCTL_getpageframeinfo3 => return page_types(world, caller, domid, op),
        xen_sys::XEN_DOMCTL_scheduler_op => {
            world.domain(domid)?;
            // SAFETY: see above.
            let given = unsafe { &mut op.u.scheduler_op };
            if given.cmd == xen_sys::XEN_DOMCTL_SCHEDOP_getinfo {
                given.u.credit2.weight = 256;
                given.u.credit2.cap = 0;
            }
        }
        xen_sys::XEN_DOMCTL_hypercall_init => {
            world.guest(domid)?;
        }
        // A PV guest's registers beyond the basic ones: it has none.
        xen_sys::XEN_DOMCTL_get_ext_vcpucontext => op.u.ext_vcpucontext.size = 0,
        xen_sys::XEN_DOMCTL_getvcpuextstate => op.u.vcpuextstate.xfeature_mask = 0,
        xen_sys::XEN_DOMCTL_get_vcpu_msrs => op.u.vcpu_msrs.msr_count = 0,
        // What has nothing to do with clocks, and is set once and never looked at again.
        xen_sys::XEN_DOMCTL_setvcpuaffinity
        | xen_sys::XEN_DOMCTL_getvcpuaffinity
        | xen_sys::XEN_DOMCTL_setnodeaffinity
        | xen_sys::XEN_DOMCTL_getnodeaffinity
        | xen_sys::XEN_DOMCTL_setdomainhandle
        | xen_sys::XEN_DOMCTL_irq_permission
        | xen_sys::XEN_DOMCTL_iomem_permission
        | xen_sys::XEN_DOMCTL_ioport_permission
        | xen_sys::XEN_DOMCTL_assign_device
        | xen_sys::XEN_DOMCTL_deassign_device
        | xen_sys::XEN_DOMCTL_test_assign_device
        | xen_sys::XEN_DOMCTL_set_target
        | DISABLE_MIGRATE
        | xen_sys::XEN_DOMCTL_set_virq_handler => {
            // A device is also asked about for a domain that is not there yet.
            let of_dom0 = op.cmd == xen_sys::XEN_DOMCTL_getnodeaffinity && domid == DOM0;
            if op.cmd != xen_sys::XEN_DOMCTL_test_assign_device && !of_dom0 {
                world.domain(domid)?;
            }
        }
        command => return unanswered(world, format!("domctl {command}")),
    }
    Ok(0)
}

/// The size of a range of memory in a guest's NUMA.
const RANGE: usize = 24;

fn create(world: &mut World, op: &mut xen_domctl) -> Answer {
    // SAFETY: the command says that this part of the union counts.
    let given = unsafe { op.u.createdomain };
    let emulation = given.arch.emulation_flags;
    let kind = match given.flags & xen_sys::XEN_DOMCTL_CDF_hvm != 0 {
        false => GuestKind::Pv,
        true if emulation & xen_sys::XEN_X86_EMU_RTC != 0 => GuestKind::Hvm,
        true => GuestKind::Pvh,
    };
    let shared_info = world.frames.take(1).ok_or(libc::ENOMEM)?;
    // Memory is counted here, as it comes in steps.
    let new = NewDomain { kind, uuid: Uuid::from_bytes(given.handle), memory_kb: 0, vcpus: given.max_vcpus };
    let present = world.present();
    let domid = world.machine.create(new, &present).map_err(errno)?;
    let mut guest = Guest::new(kind, given.max_vcpus, emulation, shared_info);
    guest.policy.0 = sysctl::cpuid();
    world.guests.insert(domid, guest);
    op.domain = domid.0 as u16;
    Ok(0)
}

/// What the list of domains says of one.
pub fn info(world: &World, domid: DomId) -> Result<xen_domctl_getdomaininfo, Errno> {
    // SAFETY: integers and arrays of them, for which 0 is a value.
    let mut info: xen_domctl_getdomaininfo = unsafe { std::mem::zeroed() };
    info.domain = domid.0 as u16;
    if domid == DOM0 {
        info.flags = xen_sys::XEN_DOMINF_running;
        info.tot_pages = world.dom0_pages();
        info.max_pages = DOM0_MOST;
        info.nr_online_vcpus = 1;
        info.cpu_time = 1;
        return Ok(info);
    }
    let domain = world.domain(domid)?;
    let guest = world.guest(domid)?;
    if guest.is_translated() {
        info.flags |= xen_sys::XEN_DOMINF_hvm_guest | xen_sys::XEN_DOMINF_hap;
    }
    if domain.pauses > 0 {
        info.flags |= xen_sys::XEN_DOMINF_paused;
    }
    match domain.state() {
        RunState::Shutdown(reason) => {
            info.flags |= xen_sys::XEN_DOMINF_shutdown | number(reason) << xen_sys::XEN_DOMINF_shutdownshift;
        }
        RunState::Running => info.flags |= xen_sys::XEN_DOMINF_running,
        RunState::Paused | RunState::Dying => {}
    }
    info.tot_pages = guest.used_pages;
    info.max_pages = guest.max_pages;
    info.shared_info_frame = guest.shared_info;
    info.cpu_time = cpu_time(domain);
    let up = domain.vcpus.saturating_sub(domain.down.len() as u32);
    info.nr_online_vcpus = if guest.has_vcpus { up } else { 0 };
    info.max_vcpu_id = guest.max_vcpus.saturating_sub(1);
    info.handle = domain.uuid.into_bytes();
    info.arch_config.emulation_flags = guest.emulation;
    Ok(info)
}

/// A guest that has run has used some time.
fn cpu_time(domain: &Domain) -> u64 {
    if domain.has_run { 1_000_000 } else { 0 }
}

fn number(reason: ShutdownReason) -> u32 {
    match reason {
        ShutdownReason::Poweroff => xen_sys::SHUTDOWN_poweroff,
        ShutdownReason::Reboot => xen_sys::SHUTDOWN_reboot,
        ShutdownReason::Suspend => xen_sys::SHUTDOWN_suspend,
        ShutdownReason::Crash => xen_sys::SHUTDOWN_crash,
        ShutdownReason::Watchdog => xen_sys::SHUTDOWN_watchdog,
        ShutdownReason::SoftReset => xen_sys::SHUTDOWN_soft_reset,
    }
}

/// The shadow of a guest's memory, and which pages it has written to since the last look.
fn paging(world: &mut World, caller: Caller, domid: DomId, op: &mut xen_domctl) -> Answer {
    // SAFETY: the command says that this part of the union counts.
    let given = unsafe { &mut op.u.shadow_op };
    let guest = world.guest_mut(domid)?;
    match given.op {
        xen_sys::XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION => guest.paging_pool = u64::from(given.mb) << 20,
        xen_sys::XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION => given.mb = (guest.paging_pool >> 20) as u32,
        xen_sys::XEN_DOMCTL_SHADOW_OP_CLEAN | xen_sys::XEN_DOMCTL_SHADOW_OP_PEEK => {
            let mut bitmap = vec![0; given.pages.div_ceil(8) as usize];
            for frame in &guest.dirty {
                if let Some(byte) = bitmap.get_mut((frame / 8) as usize) {
                    *byte |= 1 << (frame % 8);
                }
            }
            let at = given.dirty_bitmap.p as u64;
            if at != 0 {
                caller.write_bytes(at, &bitmap)?;
            }
            given.stats.dirty_count = guest.dirty.len() as u32;
            given.stats.fault_count = 0;
            if given.op == xen_sys::XEN_DOMCTL_SHADOW_OP_CLEAN {
                guest.dirty.clear();
            }
        }
        _ => {}
    }
    Ok(0)
}

/// The CPUID leaves and MSRs of a guest, in the form that libxenguest gives them.
fn policy(world: &mut World, caller: Caller, domid: DomId, op: &mut xen_domctl) -> Answer {
    const LEAF: usize = 24;
    const MSR: usize = 16;
    // SAFETY: the command says that this part of the union counts.
    let given = unsafe { &mut op.u.cpu_policy };
    let (leaves, msrs) = (given.leaves.p as u64, given.msrs.p as u64);
    let guest = world.guest_mut(domid)?;
    if op.cmd == xen_sys::XEN_DOMCTL_set_cpu_policy {
        guest.policy = (
            caller.bytes(leaves, given.nr_leaves as usize * LEAF)?,
            caller.bytes(msrs, given.nr_msrs as usize * MSR)?,
        );
    } else {
        let (stored_leaves, stored_msrs) = &guest.policy;
        caller.write_bytes(leaves, stored_leaves)?;
        caller.write_bytes(msrs, stored_msrs)?;
        given.nr_leaves = (stored_leaves.len() / LEAF) as u32;
        given.nr_msrs = (stored_msrs.len() / MSR) as u32;
    }
    Ok(0)
}

/// What kind of page is in each of these frames. Of page tables only the top is one: nobody looks at the others.
fn page_types(world: &mut World, caller: Caller, domid: DomId, op: &mut xen_domctl) -> Answer {
    // SAFETY: the command says that this part of the union counts.
    let given = unsafe { op.u.getpageframeinfo3 };
    let guest = world.guest(domid)?;
    let table = pv::page_table(guest);
    let (at, count) = (given.array.p as u64, given.num as usize);
    let types: Vec<u64> = caller
        .list::<u64>(at, count)?
        .into_iter()
        .map(|frame| match guest.pages.contains_key(&frame) {
            true if table == Some(frame) => {
                u64::from(xen_sys::XEN_DOMCTL_PFINFO_L4TAB | xen_sys::XEN_DOMCTL_PFINFO_LPINTAB)
            }
            true => u64::from(xen_sys::XEN_DOMCTL_PFINFO_NOTAB),
            false => u64::from(xen_sys::XEN_DOMCTL_PFINFO_XTAB),
        })
        .collect();
    caller.write_list(at, &types)?;
    Ok(0)
}
