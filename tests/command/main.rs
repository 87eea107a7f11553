//! The command from outside, as one test program, so that it is linked once and its parts share helpers.

#![allow(clippy::unwrap_used)]

mod advice;
mod any_bytes;
mod cli;
mod common;
mod conformance;
mod disks;
mod escapes;
mod estates;
#[path = "../generated/mod.rs"]
mod generated;
mod honest;
mod lines_cfg;
mod man;
mod mapping;
mod mutate;
mod names;
mod no_loss;
mod oracle;
mod oracle_cfg;
mod readme;
mod reasons;
mod records;
mod reference;
mod reference_types;
mod remedies;
mod remedies_cfg;
mod reporting;
mod running;
mod saving;
mod security;
mod service;
mod values_cfg;
mod wrapper;
mod wrong_xml;
mod wrong_xml_together;
mod xl_language;
mod xl_table;
mod xml_back;
mod xml_devices;
