//! The command from outside, in one program: it is linked once, and what its parts share is written once.

#![allow(clippy::unwrap_used)]

mod cli;
mod common;
mod conformance;
mod honest;
mod man;
mod mapping;
mod no_loss;
mod oracle;
mod oracle_cfg;
mod readme;
mod records;
mod saving;
mod service;
mod wrapper;
mod wrong_xml;
