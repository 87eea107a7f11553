//! The TSC: the behaviour of Xen's `tsc_set_info` for a request on a host.
//!
//! - [`mode`](TscMode): xl.cfg's `tsc_mode`, and the hypervisor's own decision ([`set_info`]).
//! - [`guest`](GuestTsc): a guest's TSC on a host. All code that needs the behaviour of a TSC, now or after a move,
//!   calls it.
//! - [`moving`](MovingTsc): the effect of a restore or a migration on a TSC, and on the guest.
//! - [`tolerance`](Tolerance): the limit within which a guest's TSC is made native again.
//! - [`invariant`](InvariantRequest): the visibility of an invariant TSC in a guest, and its effect on Linux.
//! - [`policy`](decide): from `<timer name='tsc'>` to the values that are set and the behaviour that the guest sees.

mod guest;
mod invariant;
mod mode;
mod moving;
mod policy;
mod tolerance;

pub use guest::{Behaviour, GuestTsc};
pub use invariant::{CpuidBit, InvariantHost, InvariantRequest, InvariantTsc, LinuxClock, linux_clock};
pub use mode::{InvalidMode, TscHost, TscMode, TscModeError, TscSetting, set_info};
pub use moving::{MovingTsc, NotTolerated, TscEffect, TscMove};
pub use policy::{TscDecision, TscError, TscRequest, decide, request};
pub use tolerance::{InvalidTolerance, Tolerance};
