//! The formats and protocols of xl: its save files, its way of migrating, and the program where it is installed.
//!
//! The same in every release from Xen 4.14 to 4.22, so that a guest saved or sent by one is taken up by the other.

pub mod commands;
pub mod installed;
pub mod migration;
pub mod savefile;
