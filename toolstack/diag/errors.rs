//! All errors of an input.

use std::fmt;

use super::{Diagnostic, Source};

/// The errors of an input, at least one, in the order of the input.
#[derive(Clone, Debug)]
pub struct Errors {
    source: Box<Source>,
    all: Vec<Diagnostic>,
    beside: Vec<Diagnostic>,
}

impl Errors {
    /// These errors of an input; `None` where there are none.
    #[must_use]
    pub fn of(mut all: Vec<Diagnostic>, source: &Source) -> Option<Self> {
        // Errors in the words of the command line come after the file's, and so do their bytes.
        all.sort_by_key(|error| error.place.span.start);
        (!all.is_empty()).then(|| Errors { source: Box::new(source.clone()), all, beside: Vec::new() })
    }

    /// One error of an input.
    #[must_use]
    pub fn one(error: Diagnostic, source: &Source) -> Self {
        Errors { source: Box::new(source.clone()), all: vec![error], beside: Vec::new() }
    }

    /// The errors with the findings on the rest of the input.
    #[must_use]
    pub fn with_findings(mut self, findings: impl IntoIterator<Item = Diagnostic>) -> Self {
        self.beside.extend(findings);
        self
    }

    /// The findings on the rest of the input; none where the errors leave it unclear.
    #[must_use]
    pub fn beside(&self) -> &[Diagnostic] {
        &self.beside
    }

    /// These errors and the findings beside them, each changed.
    #[must_use]
    pub(crate) fn map(mut self, mut change: impl FnMut(Diagnostic) -> Diagnostic) -> Self {
        self.all = self.all.into_iter().map(&mut change).collect();
        self.beside = self.beside.into_iter().map(&mut change).collect();
        self
    }

    /// True if this is among the errors or the findings beside them.
    pub(crate) fn has(&self, found: &Diagnostic) -> bool {
        let is_same =
            |other: &Diagnostic| other.place.span == found.place.span && other.finding == found.finding;
        self.all.iter().chain(&self.beside).any(is_same)
    }

    /// Keeps some of the errors, unless none is left, and of the findings beside them.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Diagnostic) -> bool) {
        if self.all.iter().any(&keep) {
            self.all.retain(&keep);
        }
        self.beside.retain(keep);
    }

    /// The input.
    #[must_use]
    pub fn input(&self) -> &Source {
        &self.source
    }

    /// The first of them.
    #[must_use]
    pub fn first(&self) -> &Diagnostic {
        &self.all[0]
    }

    /// One by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.all.iter()
    }
}

impl<'a> IntoIterator for &'a Errors {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One a line.
impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.all.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}
