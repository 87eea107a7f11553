//! The error of an edit.

use crate::diag::Errors;

/// Why an XML is not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The XML is wrong.
    #[error("{0}")]
    Xml(Errors),
    /// A word is wrong.
    #[error("{0}")]
    Words(Errors),
    /// A clock has no place for what is asked for.
    #[error("a <clock> cannot express this setting; change the file by hand")]
    NotAsAsked,
    /// A domain XML has no place for a setting, or the document has more than one.
    #[error(
        "{0} cannot be changed in place in this domain XML; convert it with xenclock convert --to xl -o GUEST.cfg FILE, and \
         change GUEST.cfg with xenclock edit"
    )]
    NoPlace(String),
    /// A setting adds to a value.
    #[error("+= adds to a setting of an xl.cfg; for a domain XML write the whole value, {0}=VALUE")]
    Added(String),
    /// A setting that is to go is not one of a clock's.
    #[error("only a clock's settings can be removed from a domain XML, and {key} is not one of {known}")]
    NoSuchKey {
        /// The setting.
        key: String,
        /// Those of a clock.
        known: String,
    },
}
