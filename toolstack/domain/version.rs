//! A release of Xen, by its number.

use std::fmt;
use std::str::FromStr;

/// A Xen release, `4.17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct XenVersion {
    /// 4
    pub major: u32,
    /// 17
    pub minor: u32,
}

impl XenVersion {
    /// The newest release whose config and keys are all known here.
    pub const NEWEST: XenVersion = four(22);
    /// The first release whose xl and libxl read these files.
    pub const OLDEST: XenVersion = four(2);
}

pub(super) const fn four(minor: u32) -> XenVersion {
    XenVersion { major: 4, minor }
}

impl fmt::Display for XenVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text that is no release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a Xen release: expected {oldest} or later, such as 4.17", oldest = XenVersion::OLDEST)]
pub struct NotARelease(String);

impl FromStr for XenVersion {
    type Err = NotARelease;

    /// `4.17`; what stands behind a second dot, as in `4.17.4`, does not matter.
    fn from_str(text: &str) -> Result<Self, NotARelease> {
        let number = |part: Option<&str>| {
            part?.parse().ok().filter(|_| part.is_some_and(|part| part.bytes().all(|c| c.is_ascii_digit())))
        };
        let mut parts = text.splitn(3, '.');
        let both = number(parts.next()).zip(number(parts.next()));
        let version = both.map(|(major, minor)| XenVersion { major, minor });
        version.filter(|version| *version >= XenVersion::OLDEST).ok_or_else(|| NotARelease(text.to_owned()))
    }
}
