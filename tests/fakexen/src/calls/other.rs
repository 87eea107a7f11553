//! The smaller hypercalls: versions, event channels, and a shutdown from outside.

use xen_sys::sched_remote_shutdown;
use xenclock::host::{DomId, ShutdownReason};

use super::{Answer, unanswered};
use crate::caller::Caller;
use crate::world::World;

/// `xen_version`. The release is that of the headers, as the libraries belong to it.
pub fn version(caller: Caller, command: u32, at: u64) -> Answer {
    let (major, minor) = xen_sys::XEN_VERSION;
    let text = |text: &str, length: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(length, 0);
        caller.write_bytes(at, &bytes).map(|()| 0)
    };
    match command {
        xen_sys::XENVER_version => Ok(i64::from(major << 16 | minor)),
        xen_sys::XENVER_extraversion => text(".0-fake", size_of::<xen_sys::xen_extraversion_t>()),
        xen_sys::XENVER_compile_info => text("cc", size_of::<xen_sys::xen_compile_info>()),
        xen_sys::XENVER_capabilities => text(
            "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ",
            size_of::<xen_sys::xen_capabilities_info_t>(),
        ),
        xen_sys::XENVER_changeset => text("", size_of::<xen_sys::xen_changeset_info_t>()),
        xen_sys::XENVER_commandline => text("", size_of::<xen_sys::xen_commandline_t>()),
        xen_sys::XENVER_platform_parameters => {
            caller.write(at, &0xffff_8000_0000_0000_u64)?;
            Ok(0)
        }
        xen_sys::XENVER_get_features => {
            // struct { submap_idx, submap }
            caller.write(at + 4, &0_u32)?;
            Ok(0)
        }
        xen_sys::XENVER_pagesize => Ok(4096),
        _ => Err(libc::ENOSYS),
    }
}

/// `sched_op`.
pub fn sched_op(world: &mut World, caller: Caller, command: u32, at: u64) -> Answer {
    if command != xen_sys::SCHEDOP_remote_shutdown {
        return unanswered(world, format!("sched op {command}"));
    }
    let given: sched_remote_shutdown = caller.read(at)?;
    let domid = DomId(u32::from(given.domain_id));
    let reason = match given.reason {
        xen_sys::SHUTDOWN_poweroff => ShutdownReason::Poweroff,
        xen_sys::SHUTDOWN_reboot => ShutdownReason::Reboot,
        xen_sys::SHUTDOWN_suspend => ShutdownReason::Suspend,
        xen_sys::SHUTDOWN_crash => ShutdownReason::Crash,
        xen_sys::SHUTDOWN_watchdog => ShutdownReason::Watchdog,
        xen_sys::SHUTDOWN_soft_reset => ShutdownReason::SoftReset,
        _ => return Err(libc::EINVAL),
    };
    world.shut_down(domid, reason).map(|()| 0)
}

/// `event_channel_op`: channels for the rings of xenstore and the console, on which nobody waits.
pub fn event_channel_op(world: &mut World, caller: Caller, command: u32, at: u64) -> Answer {
    const ALLOC_UNBOUND: u32 = 6;
    const RESET: u32 = 10;
    match command {
        // struct { dom: u16, remote_dom: u16, port: u32 }
        ALLOC_UNBOUND => {
            let domid: u16 = caller.read(at)?;
            let guest = world.guest_mut(DomId(u32::from(domid)))?;
            guest.last_port += 1;
            caller.write(at + 4, &guest.last_port)?;
            Ok(0)
        }
        RESET => Ok(0),
        command => unanswered(world, format!("event channel op {command}")),
    }
}
