//! Tests of mock-only features; the contract suite tests the features of every host.

#![allow(clippy::unwrap_used)]

mod file;
mod history;
mod native;
mod play;
mod tsc;

use chrono::{DateTime, Utc};
use timers::GuestKind;
use timers::tsc::TscMode;

use super::{Clock, Mock};
use crate::domain::DomainConfig;
use crate::host::{DomId, Host};

fn noon() -> DateTime<Utc> {
    "2026-07-01T12:00:00Z".parse().unwrap()
}

fn clock() -> Clock {
    Box::new(noon)
}

/// A host in memory whose TSC is of this kind.
fn host(reliable: &str, scaling: &str) -> Mock {
    let mock = Mock::in_memory(clock());
    mock.set_fact("now", "2026-07-01T12:00:00Z").unwrap();
    mock.set_fact("tsc_reliable", reliable).unwrap();
    mock.set_fact("tsc_scaling", scaling).unwrap();
    mock
}

fn config(kind: GuestKind, name: &str) -> DomainConfig {
    let mut config = DomainConfig::new(kind);
    config.c_info.name = Some(name.to_owned());
    config
}

fn create(mock: &Mock, kind: GuestKind, mode: TscMode) -> DomId {
    let mut config = config(kind, &format!("guest-{}", mock.domains().unwrap().len()));
    config.b_info.tsc_mode = Some(mode);
    mock.create_paused(&config).unwrap()
}
