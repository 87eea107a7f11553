//! libvirt's domain XML: reading it, with a verdict for every node.

mod comments;
pub(crate) mod cursor;
pub(crate) mod read;
mod schema;
pub(crate) mod tree;

pub use comments::comments;
pub use read::{read, read_for, read_mapped};
#[doc(hidden)]
pub use schema::mapping_table;
pub use tree::{MAX_BYTES, is_utf16};
