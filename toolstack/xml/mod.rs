//! libvirt's domain XML: reading it, with a verdict for every node.

pub mod cursor;
pub mod read;
mod schema;
pub mod tree;

pub use read::{read, read_for, read_mapped};
pub use schema::mapping_table;
