//! From the hub to formats that others read.

pub mod clock_keys;
pub mod json;
pub mod value;
pub mod xl;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod oracle;
