//! A PV guest's own part in a save: it keeps a list of its frames, and suspends itself in a form that can be moved.

use std::io;
use std::mem::offset_of;

use xen_sys::{arch_shared_info, shared_info, start_info, vcpu_guest_context};

use crate::frames::{Frames, PAGE};
use crate::guest::Guest;

/// Entries in a page.
const ENTRIES: usize = PAGE / 8;

/// Whether the registers are those of a guest that suspended itself: the builder leaves RDX at 0.
pub fn is_restored(guest: &Guest) -> bool {
    register(guest, RDX) != 0
}

/// The frame of the guest's top page table.
pub fn page_table(guest: &Guest) -> Option<u64> {
    (!guest.vcpu.is_empty()).then(|| register(guest, CR3) >> 12)
}

/// What the guest does when it starts: it lists its frames, in three levels, in frames of its own that nobody else uses,
/// its last ones.
pub fn start(frames: &Frames, guest: &Guest) -> io::Result<()> {
    let end = guest.order.keys().next_back().map_or(0, |last| last + 1) as usize;
    let leaves = end.div_ceil(ENTRIES);
    let mut free = guest.order.values().rev().copied();
    let mut take = || free.next().ok_or_else(|| io::Error::other("a guest without memory"));
    let (top, middle) = (take()?, take()?);
    assert!(leaves <= ENTRIES, "one page in the middle is enough for a gigabyte");
    let mut places = Vec::new();
    for leaf in 0..leaves {
        let entries = (leaf * ENTRIES..(leaf + 1) * ENTRIES)
            .flat_map(|own| guest.order.get(&(own as u64)).copied().unwrap_or(u64::MAX).to_ne_bytes());
        let place = take()?;
        frames.write(place, 0, &entries.collect::<Vec<u8>>())?;
        places.extend_from_slice(&place.to_ne_bytes());
    }
    frames.write(middle, 0, &places)?;
    frames.write(top, 0, &middle.to_ne_bytes())?;
    let arch = offset_of!(shared_info, arch);
    let shared = guest.shared_info;
    frames.write(shared, arch + offset_of!(arch_shared_info, max_pfn), &end.to_ne_bytes())?;
    let place = arch + offset_of!(arch_shared_info, pfn_to_mfn_frame_list_list);
    frames.write(shared, place, &top.to_ne_bytes())
}

/// What the guest does to its memory before it asks to be suspended: two frames are named by the guest's own numbers
/// meanwhile. Answers its own number of the frame that it has written to.
pub fn suspend(frames: &Frames, guest: &Guest) -> io::Result<u64> {
    rename(frames, guest, |frame| own(guest, frame))?;
    Ok(own(guest, info(guest)))
}

/// What it does when its suspend call returns as cancelled: all is as before.
pub fn resume(frames: &Frames, guest: &Guest) -> io::Result<()> {
    rename(frames, guest, |own| guest.order.get(&own).copied().unwrap_or(0))
}

fn rename(frames: &Frames, guest: &Guest, number: impl Fn(u64) -> u64) -> io::Result<()> {
    let info = info(guest);
    for field in [offset_of!(start_info, store_mfn), offset_of!(start_info, console)] {
        let named = number(frames.read(info, field)?);
        frames.write(info, field, &named.to_ne_bytes())?;
    }
    Ok(())
}

/// A frame's number in the guest's own order.
fn own(guest: &Guest, frame: u64) -> u64 {
    guest.order.iter().find(|(_, machine)| **machine == frame).map_or(0, |(own, _)| *own)
}

/// The registers that the guest has then: RDX is where its start information is.
pub fn suspended(guest: &Guest) -> Vec<u8> {
    let mut registers = guest.vcpu.clone();
    registers[RDX..RDX + 8].copy_from_slice(&info(guest).to_ne_bytes());
    registers
}

/// The frame of the guest's start information: the builder tells its address, which is where it is in the guest, as the
/// kernel is one that begins at 0.
fn info(guest: &Guest) -> u64 {
    match register(guest, RDX) {
        0 => guest.order.get(&(register(guest, RSI) >> 12)).copied().unwrap_or(0),
        frame => frame,
    }
}

/// The registers stand as they are on Xen's stack, from R15 to RDI.
const RDX: usize = offset_of!(vcpu_guest_context, user_regs) + 12 * 8;
const RSI: usize = RDX + 8;
const CR3: usize = offset_of!(vcpu_guest_context, ctrlreg) + 3 * 8;

fn register(guest: &Guest, at: usize) -> u64 {
    guest.vcpu.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes)
}
