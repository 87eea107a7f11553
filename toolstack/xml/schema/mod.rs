//! The names of libvirt's domain XML, and what is said of each that no mapping reads.
//!
//! `names.txt` lists every element and attribute of libvirt's schema, from libvirt 7.0 to 12.8. [`rows`] says what
//! becomes of them on Xen. `docs/mapping.md` shows the rows to people.

pub(super) mod names;
pub(super) mod namespaces;
pub(super) mod nearest;
mod row;
pub(super) mod rows;
mod table;

pub use table::mapping_table;

#[cfg(test)]
mod tests;
