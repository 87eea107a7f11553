//! Hypercalls: what is asked of Xen, and what the model answers.

mod context;
mod domctl;
mod memory;
mod other;
mod params;
mod sysctl;

use xen_sys::{
    __HYPERVISOR_domctl, __HYPERVISOR_event_channel_op, __HYPERVISOR_hvm_op, __HYPERVISOR_memory_op,
    __HYPERVISOR_mmuext_op, __HYPERVISOR_multicall, __HYPERVISOR_physdev_op, __HYPERVISOR_sched_op,
    __HYPERVISOR_sysctl, __HYPERVISOR_xen_version, __HYPERVISOR_xsm_op,
};

pub use memory::{machine_frames, resource};

use crate::Errno;
use crate::caller::Caller;
use crate::world::World;

/// What a hypercall answers.
pub type Answer = Result<i64, Errno>;

/// One hypercall with its arguments.
// The names are C's.
#[allow(non_upper_case_globals)]
pub fn hypercall(world: &mut World, caller: Caller, number: u32, arguments: &[u64; 5]) -> Answer {
    let [first, second, ..] = *arguments;
    let command = u32::try_from(first).unwrap_or(u32::MAX);
    match number {
        __HYPERVISOR_domctl => domctl::domctl(world, caller, first),
        __HYPERVISOR_sysctl => sysctl::sysctl(world, caller, first),
        __HYPERVISOR_memory_op => memory::memory_op(world, caller, command, second),
        __HYPERVISOR_hvm_op => params::hvm_op(world, caller, command, second),
        __HYPERVISOR_xen_version => other::version(caller, command, second),
        __HYPERVISOR_sched_op => other::sched_op(world, caller, command, second),
        __HYPERVISOR_event_channel_op => other::event_channel_op(world, caller, command, second),
        __HYPERVISOR_multicall => multicall(world, caller, first, second),
        // A PV guest's page tables are pinned: nothing here could be wrong with them.
        __HYPERVISOR_mmuext_op => Ok(0),
        // Interrupts of devices that are handed to guests: they keep their numbers.
        __HYPERVISOR_physdev_op => Ok(0),
        // Without FLASK.
        __HYPERVISOR_xsm_op => Err(libc::ENOSYS),
        number => unanswered(world, format!("hypercall {number} command {command}")),
    }
}

/// Calls that are listed one after the other: those whose answers have 64 bits are made in this way.
fn multicall(world: &mut World, caller: Caller, at: u64, count: u64) -> Answer {
    // The number, the result, and six arguments.
    const ENTRY: u64 = 8 * 8;
    for index in 0..count {
        let at = at + index * ENTRY;
        let words: Vec<u64> = caller.list(at, 8)?;
        let arguments = [words[2], words[3], words[4], words[5], words[6]];
        let answer = match u32::try_from(words[0]) {
            Ok(number) => hypercall(world, caller, number, &arguments),
            Err(_) => Err(libc::ENOSYS),
        };
        let result = answer.unwrap_or_else(|errno| -i64::from(errno));
        caller.write(at + 8, &result.cast_unsigned())?;
    }
    Ok(0)
}

/// What is not answered is told by the end of a test, and not only by what fails of it.
fn unanswered(world: &mut World, what: String) -> Answer {
    if !world.unanswered.contains(&what) {
        world.unanswered.push(what);
    }
    Err(libc::ENOSYS)
}
