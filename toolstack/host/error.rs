//! The errors of a host.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// No domain of that name or number (ESRCH).
    NoSuchDomain,
    /// A domain of that name or UUID exists.
    Exists,
    /// The hypervisor or libxl refused the values (EINVAL).
    Invalid,
    /// The guest has no RTC: it is PV or PVH (ENOENT).
    NoRtc,
    /// Not allowed (EPERM, EACCES).
    Permission,
    /// Not enough memory (ENOMEM).
    NoMemory,
    /// This host cannot do it at all.
    NotSupported,
    /// The domain is in a state that does not allow it.
    WrongState,
    /// A file or socket of the host could not be read or written.
    Io,
    /// Anything else.
    Other,
}

/// The error of a host: the operation, the kind of failure, and what the host said. Its message includes that of its source.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostError {
    /// The kind, which callers act on.
    pub kind: ErrorKind,
    /// The operation, as in `set TSC info of domain 3`.
    pub doing: String,
    /// The host's own message, with its code.
    pub detail: String,
    pub(super) source: Option<Arc<dyn Error + Send + Sync>>,
}

impl HostError {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, doing: impl Into<String>, detail: impl Into<String>) -> Self {
        HostError { kind, doing: doing.into(), detail: detail.into(), source: None }
    }

    /// The same with the error that it comes from.
    #[must_use]
    pub fn caused_by(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.detail)
    }
}

impl Error for HostError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Errors are equal when they say the same; their sources are not compared.
impl PartialEq for HostError {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.doing, &self.detail) == (other.kind, &other.doing, &other.detail)
    }
}

impl Eq for HostError {}

/// The result of every call of a host.
pub type Result<T, E = HostError> = std::result::Result<T, E>;
