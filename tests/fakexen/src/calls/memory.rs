//! `memory_op`: a guest's reservation, and what is in which of its frames.

use xen_sys::{
    xen_add_to_physmap, xen_foreign_memory_map, xen_machphys_mfn_list, xen_memory_map,
    xen_memory_reservation, xen_remove_from_physmap,
};
use xenclock::host::DomId;

use super::{Answer, unanswered};
use crate::Errno;
use crate::caller::Caller;
use crate::world::World;

/// Xen itself, which has the table of what each frame is to its PV guest.
const XEN: DomId = DomId(0x7ff2);

/// One call, whose structure is at this address.
pub fn memory_op(world: &mut World, caller: Caller, command: u32, at: u64) -> Answer {
    // The upper bits are for calls that go on where they were interrupted.
    match command & 0x3f {
        xen_sys::XENMEM_populate_physmap => populate(world, caller, at),
        xen_sys::XENMEM_increase_reservation => populate(world, caller, at),
        xen_sys::XENMEM_decrease_reservation => {
            let given: xen_memory_reservation = caller.read(at)?;
            let frames: Vec<u64> = caller.list(given.extent_start.p as u64, given.nr_extents as usize)?;
            let guest = world.guest_mut(domain(given.domid))?;
            let mut done = 0;
            for frame in frames {
                for page in 0..1_u64 << given.extent_order {
                    if guest.pages.remove(&(frame + page)).is_some() {
                        guest.used_pages -= 1;
                    }
                }
                done += 1;
            }
            Ok(done)
        }
        xen_sys::XENMEM_claim_pages => {
            let given: xen_memory_reservation = caller.read(at)?;
            let missing = given.nr_extents.saturating_sub(world.guest(domain(given.domid))?.used_pages);
            if missing > world.free_pages() { Err(libc::ENOMEM) } else { Ok(0) }
        }
        xen_sys::XENMEM_add_to_physmap => add(world, caller, at),
        xen_sys::XENMEM_remove_from_physmap => {
            let given: xen_remove_from_physmap = caller.read(at)?;
            let guest = world.guest_mut(domain(given.domid))?;
            guest.pages.remove(&given.gpfn).map(|_| 0).ok_or(libc::EINVAL)
        }
        xen_sys::XENMEM_set_memory_map => {
            let given: xen_foreign_memory_map = caller.read(at)?;
            world.guest(domain(given.domid)).map(|_| 0)
        }
        xen_sys::XENMEM_machine_memory_map => {
            let mut given: xen_memory_map = caller.read(at)?;
            let entries = machine_map(world);
            given.nr_entries = given.nr_entries.min(entries.len() as u32);
            for (index, (start, size)) in entries.iter().take(given.nr_entries as usize).enumerate() {
                // struct e820entry, which is packed.
                let entry = [&start.to_ne_bytes()[..], &size.to_ne_bytes(), &E820_RAM.to_ne_bytes()].concat();
                caller.write_bytes(given.buffer.p as u64 + (index * entry.len()) as u64, &entry)?;
            }
            caller.write(at, &given)?;
            Ok(0)
        }
        xen_sys::XENMEM_maximum_gpfn => {
            let domid: u16 = caller.read(at)?;
            let guest = world.guest(domain(domid))?;
            let frames = if guest.is_translated() { &guest.pages } else { &guest.order };
            Ok(frames.keys().next_back().copied().unwrap_or(0).cast_signed())
        }
        xen_sys::XENMEM_maximum_ram_page => Ok(world.frames.end().cast_signed()),
        // libxl 4.14 asks for the table of 32-bit guests, too, and does not look into it.
        xen_sys::XENMEM_machphys_mfn_list | xen_sys::XENMEM_machphys_compat_mfn_list => {
            let mut given: xen_machphys_mfn_list = caller.read(at)?;
            let chunks: Vec<u64> =
                world.frames.table().step_by(512).take(given.max_extents as usize).collect();
            caller.write_list(given.extent_start.p as u64, &chunks)?;
            given.nr_extents = chunks.len() as u32;
            caller.write(at, &given)?;
            Ok(0)
        }
        xen_sys::XENMEM_set_pod_target | xen_sys::XENMEM_get_pod_target => Ok(0),
        // No page is shared between guests.
        xen_sys::XENMEM_get_sharing_freed_pages | xen_sys::XENMEM_get_sharing_shared_pages => Ok(0),
        // No device has memory of its own.
        xen_sys::XENMEM_reserved_device_memory_map => Ok(0),
        xen_sys::XENMEM_get_vnumainfo => vnuma(world, caller, at),
        command => unanswered(world, format!("memory op {command}")),
    }
}

/// A guest's NUMA; first it is asked how large that is.
fn vnuma(world: &World, caller: Caller, at: u64) -> Answer {
    // struct { domid: u16, pad: u16, vnodes: u32, vcpus: u32, ranges: u32, and the places of three lists }
    let domid: u16 = caller.read(at)?;
    let Some(vnuma) = &world.guest(domain(domid))?.vnuma else { return Err(libc::EOPNOTSUPP) };
    let room: Vec<u32> = caller.list(at + 4, 3)?;
    caller.write_list(at + 4, &vnuma.counts)?;
    if room.iter().zip(vnuma.counts).any(|(room, needed)| *room < needed) {
        return Err(libc::ENOBUFS);
    }
    let places: Vec<u64> = caller.list(at + 16, 3)?;
    for (place, list) in places.into_iter().zip([&vnuma.distances, &vnuma.vcpus, &vnuma.ranges]) {
        caller.write_bytes(place, list)?;
    }
    Ok(0)
}

const E820_RAM: u32 = 1;

/// The machine's RAM: where it begins, and how much. The hole below 4 GiB is that of any PC.
fn machine_map(world: &World) -> Vec<(u64, u64)> {
    const LOW: u64 = 0xc000_0000;
    let all = world.frames.end() << 12;
    vec![(0, 0x9f000), (0x10_0000, LOW - 0x10_0000), (1 << 32, all.saturating_sub(LOW))]
}

/// Gives a guest memory, in runs of frames. Answers how many runs there was memory for.
fn populate(world: &mut World, caller: Caller, at: u64) -> Answer {
    let given: xen_memory_reservation = caller.read(at)?;
    let (domid, size) = (domain(given.domid), 1_u64 << given.extent_order);
    let list = given.extent_start.p as u64;
    let wanted: Vec<u64> = caller.list(list, given.nr_extents as usize)?;
    let mut got = Vec::new();
    for first in &wanted {
        let guest = world.guest(domid)?;
        if size > world.free_pages() || guest.used_pages + size > guest.max_pages {
            break;
        }
        let Some(frame) = world.frames.take(size) else { break };
        let guest = world.guest_mut(domid)?;
        let base = if guest.is_translated() { *first } else { frame };
        guest.pages.extend((0..size).map(|page| (base + page, frame + page)));
        guest.used_pages += size;
        got.push(base);
        if !guest.is_translated() {
            guest.order.extend((0..size).map(|page| (first + page, frame + page)));
            world.frames.note(frame, *first, size).map_err(|_| libc::EIO)?;
        }
    }
    if !world.guest(domid)?.is_translated() {
        caller.write_list(list, &got)?;
    }
    Ok(got.len() as i64)
}

/// Puts something that Xen has into a guest's frame, or moves a frame of its own.
fn add(world: &mut World, caller: Caller, at: u64) -> Answer {
    let given: xen_add_to_physmap = caller.read(at)?;
    let domid = domain(given.domid);
    let frame = match given.space {
        xen_sys::XENMAPSPACE_shared_info => world.guest(domid)?.shared_info,
        xen_sys::XENMAPSPACE_grant_table => grant_frame(world, domid, given.idx)?,
        xen_sys::XENMAPSPACE_gmfn => {
            let guest = world.guest_mut(domid)?;
            guest.pages.remove(&given.idx).ok_or(libc::EINVAL)?
        }
        _ => return Err(libc::EINVAL),
    };
    world.guest_mut(domid)?.pages.insert(given.gpfn, frame);
    Ok(0)
}

/// A frame of a guest's grant table, which grows as far as it is looked at.
fn grant_frame(world: &mut World, domid: DomId, index: u64) -> Result<u64, Errno> {
    const MOST: u64 = 64;
    let index = index & 0x7fff_ffff;
    if index >= MOST {
        return Err(libc::EINVAL);
    }
    while world.guest(domid)?.grant_frames.len() as u64 <= index {
        let frame = world.frames.take(1).ok_or(libc::ENOMEM)?;
        world.guest_mut(domid)?.grant_frames.push(frame);
    }
    Ok(world.guest(domid)?.grant_frames[index as usize])
}

/// The machine frames behind these frames of a guest, to be mapped.
pub fn machine_frames(world: &mut World, domid: u32, frames: &[u64]) -> Result<Vec<Option<u64>>, Errno> {
    let domid = DomId(domid);
    if domid == XEN {
        let table = world.frames.table();
        return Ok(frames.iter().map(|frame| Some(*frame).filter(|frame| table.contains(frame))).collect());
    }
    let guest = world.guest(domid)?;
    let shared_info = (!guest.is_translated()).then_some(guest.shared_info);
    Ok(frames
        .iter()
        .map(|frame| guest.pages.get(frame).copied().or(shared_info.filter(|shared| shared == frame)))
        .collect())
}

/// The machine frames of something of a guest that has no frames of its own.
pub fn resource(world: &mut World, domid: u32, kind: u32, first: u64, count: u64) -> Result<Vec<u64>, Errno> {
    /// The only kind that a build asks for.
    const GRANT_TABLE: u32 = 1;
    if kind != GRANT_TABLE {
        return Err(libc::EOPNOTSUPP);
    }
    (first..first + count).map(|index| grant_frame(world, DomId(domid), index)).collect()
}

fn domain(domid: u16) -> DomId {
    DomId(u32::from(domid))
}
