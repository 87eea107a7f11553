//! The TSC: what Xen's `tsc_set_info` will do with a request on a host.
//!
//! - [`mode`](TscMode): xl.cfg's `tsc_mode`, and the hypervisor's own decision ([`set_info`]).
//! - [`guest`](GuestTsc): a guest's TSC on a host. Whoever says how a TSC works, now or after a move, asks here.
//! - [`moving`](MovingTsc): what a restore or a migration makes of it, and what the guest notices of that.
//! - [`tolerance`](Tolerance): how far a guest's TSC may be off to be native again.
//! - [`invariant`](InvariantRequest): whether CPUID shows a guest an invariant TSC, and what Linux then does.
//! - [`policy`](decide): from `<timer name='tsc'>` to what is set and what the guest gets.

mod guest;
mod invariant;
mod mode;
mod moving;
mod policy;
mod tolerance;

pub use guest::{Behaviour, GuestTsc};
pub use invariant::{CpuidBit, InvariantRequest, InvariantTsc, LinuxClock, linux_clock};
pub use mode::{InvalidMode, TscHost, TscMode, TscModeError, TscSetting, set_info};
pub use moving::{MovingTsc, NotTolerated, TscEffect, TscMove};
pub use policy::{TscDecision, TscError, TscRequest, decide, request};
pub use tolerance::{InvalidTolerance, Tolerance};
