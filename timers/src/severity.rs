//! The severity of an effect on a guest's clock.

use serde::{Deserialize, Serialize};

/// How bad something is for a guest's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The guest notices nothing, or nothing bad.
    #[default]
    Fine,
    /// The guest notices it, and its clocks stay right, or within what was allowed.
    Change,
    /// The guest's clock goes wrong, or the guest must not be moved at all.
    Harm,
}
