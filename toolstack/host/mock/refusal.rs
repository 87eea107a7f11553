//! An error of the model: Xen's error number and the reason.

use std::fmt;

use crate::host::{ErrorKind, HostError};

/// The errors of Xen's calls that the model can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Errno {
    /// No such domain.
    Srch,
    /// The values make no sense, or not for this domain.
    Inval,
    /// There is no such record.
    NoEnt,
    /// Not enough memory.
    NoMem,
    /// The name or UUID is taken.
    Exist,
    /// Not in the state that the domain is in.
    Busy,
    /// Reading or writing failed.
    Io,
    /// Nothing of the above.
    Fail,
}

impl Errno {
    /// The kind that a caller of [`crate::host::Host`] gets.
    #[must_use]
    pub fn kind(self) -> ErrorKind {
        match self {
            Errno::Srch => ErrorKind::NoSuchDomain,
            Errno::Inval => ErrorKind::Invalid,
            Errno::NoEnt => ErrorKind::NoRtc,
            Errno::NoMem => ErrorKind::NoMemory,
            Errno::Exist => ErrorKind::Exists,
            Errno::Busy => ErrorKind::WrongState,
            Errno::Io => ErrorKind::Io,
            Errno::Fail => ErrorKind::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Errno::Srch => "ESRCH",
            Errno::Inval => "EINVAL",
            Errno::NoEnt => "ENOENT",
            Errno::NoMem => "ENOMEM",
            Errno::Exist => "EEXIST",
            Errno::Busy => "EBUSY",
            Errno::Io => "EIO",
            Errno::Fail => "ERROR_FAIL",
        }
    }
}

/// A refusal of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The number.
    pub errno: Errno,
    /// The reason, and what was expected.
    pub why: String,
}

impl Refusal {
    /// A refusal of this number.
    pub fn new(errno: Errno, why: impl Into<String>) -> Self {
        Refusal { errno, why: why.into() }
    }

    /// As the error of a host that was doing this.
    #[must_use]
    pub(crate) fn while_doing(self, doing: impl Into<String>) -> HostError {
        HostError::new(self.errno.kind(), doing, self.to_string()).caused_by(self)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.why, self.errno.name())
    }
}

impl std::error::Error for Refusal {}
