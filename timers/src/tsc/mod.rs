//! The TSC: what Xen's `tsc_set_info` will do with a request on a host.
//!
//! - [`mode`](TscMode): xl.cfg's `tsc_mode`, and the hypervisor's own decision ([`set_info`]).
//! - [`policy`](decide): from `<timer name='tsc'>` to what is set and what the guest gets.

mod mode;
mod policy;

pub use mode::{InvalidMode, TscHost, TscMode, TscModeError, TscSetting, set_info};
pub use policy::{Behaviour, TscDecision, TscError, TscRequest, decide, observed, request};
