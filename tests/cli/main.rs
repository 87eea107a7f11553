//! The command from outside: exit codes, words, streams, files, and the mock host between commands.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod create;
mod files;
mod mock;
mod output;
mod settings;
mod together;
mod usage;
