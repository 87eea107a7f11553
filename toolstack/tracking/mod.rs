//! Tracking guests' clocks: the only room that knows both the records and a host.
//!
//! - [`store`]: the clock records on disk; `cache.rs`: the service's copy of them, whatever the disk does.
//! - [`start`]: a cold start by xenclock, with its record.
//! - [`born`]: a new domain of another toolstack gets its clock before its first instruction.
//! - [`monitor`]: acts on a guest's shutdown as its config says.
//! - [`transfer`]: a guest is saved, restored, migrated.
//! - [`watch`]: the service, which follows all domains of a host; [`unmanaged`]: domains without a requested clock.
//! - [`requests`]: clocks requested in domain XML for domains that other toolstacks start.

pub mod born;
mod cache;
pub mod monitor;
pub mod requests;
pub mod start;
pub mod store;
pub mod transfer;
pub mod unmanaged;
pub mod watch;
