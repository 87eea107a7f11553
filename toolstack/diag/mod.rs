//! Findings on an input: one verdict for every node, with its place, the reason and the remedy.

mod errors;
mod findings;
mod group;
mod nearest;
pub mod number;
pub mod part;
mod remedy;
pub mod render;
pub mod report;
mod shown;
pub mod source;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use errors::Errors;
pub(crate) use findings::{FindingId, Findings};
pub use group::{Group, grouped};
pub(crate) use nearest::{is_opposite, nearest};
pub use part::Part;
pub use remedy::Remedy;
pub use report::Report;
pub(crate) use shown::acts;
pub use shown::{shown, shown_json, shown_lines};
pub use source::{Place, Source};

/// The verdict on one node of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// It has the same meaning on Xen.
    Exact,
    /// It changes nothing on Xen, and nothing is lost by leaving it out.
    NoEffect,
    /// Xen provides the nearest equivalent.
    Approximated,
    /// Xen has nothing for it; it is left out.
    Unsupported,
    /// The input itself is wrong.
    Invalid,
}

impl Verdict {
    /// The word, as in the JSON form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Exact => "exact",
            Verdict::NoEffect => "no-effect",
            Verdict::Approximated => "approximated",
            Verdict::Unsupported => "unsupported",
            Verdict::Invalid => "invalid",
        }
    }

    /// True if something of the input's meaning is lost.
    #[must_use]
    pub fn is_loss(self) -> bool {
        self > Verdict::NoEffect
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The codes of advice begin so.
const ADVICE: &str = "advice-";

/// How many unknown names of an input the nearest known one is looked for. Nobody reads more, and it takes a while.
pub(crate) const MOST_SUGGESTIONS: usize = 1000;

/// A verdict with its reason, not yet tied to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The verdict on the node.
    pub verdict: Verdict,
    /// A stable name of this kind of finding, for scripts.
    pub code: &'static str,
    /// Why, in one sentence without a full stop.
    pub reason: Cow<'static, str>,
    /// An alternative that fits every use of the input.
    pub alternative: Option<Cow<'static, str>>,
    /// An alternative for the xl.cfg that `convert` writes; a start has no such file.
    pub alternative_in_file: Option<Cow<'static, str>>,
    /// The alternative where it depends on the format of the input; the report chooses the words by the place.
    pub by_format: Option<Remedy>,
    /// True if a guest started all the same would have another TSC or another RTC than asked for.
    pub refuses_start: bool,
}

impl Finding {
    /// The node means the same on Xen.
    #[must_use]
    pub fn exact() -> Self {
        Self::new(Verdict::Exact, "exact", "")
    }

    /// A finding without an alternative.
    pub fn new(verdict: Verdict, code: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        let (alternative, alternative_in_file) = (None, None);
        Finding {
            verdict,
            code,
            reason: reason.into(),
            alternative,
            alternative_in_file,
            by_format: None,
            refuses_start: false,
        }
    }

    /// It changes nothing on Xen.
    pub fn no_effect(code: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::NoEffect, code, reason)
    }

    /// Advice on something that means the same on Xen, and may not be what is wanted. Nothing is lost and nothing changed.
    /// Its code begins with `advice-`.
    pub fn advice(code: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        debug_assert!(code.starts_with(ADVICE));
        Self::new(Verdict::NoEffect, code, reason)
    }

    /// Xen provides the nearest equivalent.
    pub fn approximated(code: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Approximated, code, reason)
    }

    /// Xen has nothing for it.
    pub fn unsupported(code: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Unsupported, code, reason)
    }

    /// The input is wrong.
    pub fn invalid(code: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Invalid, code, reason)
    }

    /// True if it is advice: nothing is lost and nothing changed.
    #[must_use]
    pub fn is_advice(&self) -> bool {
        self.code.starts_with(ADVICE)
    }

    /// The word for people: that of the verdict, or `advice`.
    #[must_use]
    pub fn word(&self) -> String {
        if self.is_advice() { "advice".to_owned() } else { self.verdict.to_string() }
    }

    /// With what to write or do instead.
    #[must_use]
    pub fn instead(mut self, alternative: impl Into<Cow<'static, str>>) -> Self {
        self.alternative = Some(alternative.into());
        self
    }

    /// With what to write instead in a domain XML, and in an xl.cfg. Until a place is known, the words are those of an
    /// xl.cfg, which are also those of a command line.
    #[must_use]
    pub fn instead_by_format(
        mut self,
        xml: impl Into<Cow<'static, str>>,
        key: impl Into<Cow<'static, str>>,
    ) -> Self {
        let remedy = Remedy::new(xml, key);
        self.alternative = Some(remedy.at(""));
        self.by_format = Some(remedy);
        self
    }

    /// The finding with the alternative in the words of a node's format.
    #[must_use]
    pub(crate) fn at(mut self, node: &str) -> Self {
        if let Some(remedy) = self.by_format.take() {
            self.alternative = Some(remedy.at(node));
        }
        self
    }

    /// With what to write instead in the xl.cfg that the domain is converted to. A guest that is started from its XML
    /// has no such file: there the other alternative is given, if any.
    #[must_use]
    pub fn instead_in_file(mut self, alternative: impl Into<Cow<'static, str>>) -> Self {
        self.alternative_in_file = Some(alternative.into());
        self
    }

    /// A guest must not be started in spite of this.
    #[must_use]
    pub fn refusing_start(mut self) -> Self {
        self.refuses_start = true;
        self
    }
}

/// A finding at its place in an input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {}: {}", finding.verdict, finding.reason)]
pub struct Diagnostic {
    /// The place in the input.
    pub place: Place,
    /// Which node, as in `/domain/clock/timer[2]/@mode`.
    pub node: String,
    /// The finding.
    pub finding: Finding,
}
