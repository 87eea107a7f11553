//! `hvm_op`: the parameters of HVM and PVH guests.

use xen_sys::xen_hvm_param;
use xenclock::host::DomId;

use super::{Answer, unanswered};
use crate::caller::Caller;
use crate::world::World;

/// One call, whose structure is at this address.
pub fn hvm_op(world: &mut World, caller: Caller, command: u32, at: u64) -> Answer {
    match command {
        xen_sys::HVMOP_set_param => {
            let given: xen_hvm_param = caller.read(at)?;
            let domid = DomId(u32::from(given.domid));
            world.domain(domid)?;
            let guest = world.guest_mut(domid)?;
            if !guest.is_translated() || given.index >= xen_sys::HVM_NR_PARAMS {
                return Err(libc::EINVAL);
            }
            guest.params.insert(given.index, given.value);
            Ok(0)
        }
        xen_sys::HVMOP_get_param => {
            let mut given: xen_hvm_param = caller.read(at)?;
            let domid = DomId(u32::from(given.domid));
            world.domain(domid)?;
            let guest = world.guest(domid)?;
            if !guest.is_translated() || given.index >= xen_sys::HVM_NR_PARAMS {
                return Err(libc::EINVAL);
            }
            given.value = guest.params.get(&given.index).copied().unwrap_or(0);
            caller.write(at, &given)?;
            Ok(0)
        }
        // What is kept in a cache of frames is of no concern here.
        xen_sys::HVMOP_flush_tlbs => Ok(0),
        command => unanswered(world, format!("hvm op {command}")),
    }
}
