//! Holding on to a guest's clock: the only room that knows both the records and a host.
//!
//! - [`records`]: the records on disk.
//! - [`start`]: a cold start by xenclock, with its record.
//! - [`monitor`]: what becomes of a guest that ended, as its config says.
//! - [`born`]: a new domain of another toolstack gets its clock before its first instruction.
//! - [`travel`]: a guest is saved, restored, migrated.
//! - [`watch`]: all domains of a host, followed; `memory.rs`: their records, whatever the disk does; `found.rs`: those
//!   of which nobody has said anything.
//! - [`wishes`]: what a domain that nobody spoke of is to have, from its domain XML.

pub mod born;
pub mod found;
mod memory;
pub mod monitor;
pub mod records;
pub mod start;
pub mod travel;
pub mod watch;
pub mod wishes;
