//! Tracking guests' clocks: the only room that knows both the records and a host.
//!
//! - [`store`]: the clock records on disk; `cache.rs`: the service's copy of them, whatever the disk does.
//! - `cold_start.rs`: the engine of every cold start; [`start`]: a start by xenclock itself, with its record.
//! - [`monitor`]: acts on a guest's shutdown as its config says.
//! - [`transfer`]: a guest is saved, restored, migrated.
//! - [`watch`]: the service, which follows all domains of a host; `unmanaged.rs`: domains without a requested clock.
//! - [`unfinished`]: guests that killed programs have left half-done.
//! - [`warning`]: the warnings of all of them, as values.
//! - [`requests`]: clocks requested in domain XML for domains that other toolstacks start.

mod cache;
pub mod cold_start;
pub mod hold;
pub mod monitor;
pub mod requests;
pub mod saved_offset;
pub mod start;
pub mod store;
pub mod tolerance;
pub mod transfer;
pub mod unfinished;
pub mod unmanaged;
pub mod warning;
pub mod watch;
