//! The complete state of a mock, as stored in its file, and its changes.

use std::io;

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::faults::Faults;
use super::libxl::Libxl;
use crate::host::{ErrorKind, HostError};

/// All that a mock is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct State {
    pub host: Facts,
    #[serde(skip_serializing_if = "Faults::is_empty")]
    pub faults: Faults,
    pub xen: Libxl,
}

/// Why a state could not be read or written.
#[derive(Debug)]
pub(super) struct StoreError {
    pub kind: ErrorKind,
    pub detail: String,
    pub source: Option<io::Error>,
}

/// The fate of a changed state, and the answer about it.
pub(super) enum Change<T> {
    /// It stays as it is now.
    Keep(T),
    /// It stays as it was.
    Discard(T),
}

impl StoreError {
    pub(super) fn while_doing(self, doing: impl Into<String>) -> HostError {
        let error = HostError::new(self.kind, doing, self.detail);
        match self.source {
            Some(source) => error.caused_by(source),
            None => error,
        }
    }
}
