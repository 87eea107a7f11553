//! xl's own formats and protocols: its save files, its migration protocol, and the installed program.
//!
//! They are the same in every release from Xen 4.14 to 4.22, so that xl can restore or receive a guest from xenclock
//! and the reverse.

pub mod commands;
pub mod installed;
pub mod migration;
pub mod savefile;
