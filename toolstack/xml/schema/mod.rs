//! The names of libvirt's domain XML, and the verdicts on those that no mapping reads.
//!
//! `names.txt` lists every element and attribute of libvirt's schema, from libvirt 7.0 to 12.8, with the values of each, and the
//! few values that libvirt takes beside its schema (a `parallels` display, `trunk='no'`). [`rows`] contains their
//! verdicts. `docs/mapping.md` shows the rows to people.

pub(super) mod names;
pub(super) mod namespaces;
mod row;
pub(super) mod rows;
mod table;

pub(super) use row::OTHER_KIND;
pub use table::mapping_table;

#[cfg(test)]
mod tests;
