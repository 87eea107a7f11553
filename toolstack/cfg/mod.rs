//! xl.cfg: its lexer, its grammar and its keys.
//!
//! A file that xl refuses is refused with the place and the remedy; any other file has the same values as with xl. The
//! grammar is that of `libxlu_cfg_l.l`, `libxlu_cfg_y.y` and `libxlu_cfg.c`, which did not change from Xen 4.14 to
//! 4.22.

pub mod clock;
mod comments;
mod domain;
mod edit;
mod entries;
mod foreign_line;
mod host;
mod keys;
mod lex;
mod masks;
mod number;
mod parse;
mod python;
mod read;
mod readings;
mod remedy;
mod remedy_words;
mod shown;
mod suggest;
mod syntax_error;
#[cfg(test)]
mod tests;
mod xl_conf;

use std::ops::Range;

use crate::diag::{Diagnostic, Finding, Source};

use self::shown::Shown;
pub use comments::comments;
pub use domain::{Described, for_xl, overlay};
pub use edit::{EditError, edit};
pub use host::{Autoballoon, CpuMasks, XlConf, XlHost, Zones};
pub use masks::apply as apply_cpu_masks;
pub use parse::{WORDS, parse};
pub use remedy::read;

/// Longer files are refused: an xl.cfg is a page or two.
pub const MAX_BYTES: usize = 16 << 20;

/// An xl.cfg: its settings in the order of the file.
#[derive(Clone, Debug)]
pub struct Cfg {
    bytes: Vec<u8>,
    source: Source,
    shown: Shown,
    settings: Vec<Setting>,
    /// The start of the words of the command line.
    tail: Option<usize>,
    unread: Unread,
}

/// What of a file with errors is not among its settings, or is there as it was meant.
#[derive(Clone, Debug, Default)]
struct Unread {
    /// The bytes of settings that are read as the remedies of their errors have them.
    mended: Vec<Range<usize>>,
    /// The keys of lines that nobody can read, with the bytes of each line.
    keys: Vec<(&'static str, Range<usize>)>,
    /// True if a line that nobody can read may have any key.
    lost: bool,
}

/// `name = value`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub name: String,
    /// Written `+=`: xl takes no numbers from such a setting.
    pub added: bool,
    /// The value; what an earlier setting has when a later one adds to it is part of the later one's.
    pub value: Value,
    /// Where the texts begin in the value that were added with `+=`.
    pub(crate) joints: Vec<usize>,
    /// Which later setting of the same name, by index, makes this one void or adds to it.
    pub followed_by: Option<usize>,
    /// The bytes of the key.
    pub key_span: Range<usize>,
}

/// A value and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The content.
    pub content: Content,
    /// The bytes of it.
    pub span: Range<usize>,
    /// Written without quotes on a command line.
    pub bare: bool,
}

/// The content of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A string or a number: xl tells them apart by their use. Any bytes but NUL.
    Text(Vec<u8>),
    /// A list of values.
    List(Vec<Value>),
}

impl Cfg {
    /// A file of which nothing is read.
    fn unread(bytes: Vec<u8>, source: Source, tail: Option<usize>) -> Self {
        let unread = Unread { lost: true, ..Unread::default() };
        Cfg { bytes, source, shown: Shown::default(), settings: Vec::new(), tail, unread }
    }

    /// The file, for messages.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Every setting, in the order of the file.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// The setting of this name that counts: the last.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().rfind(|setting| setting.name == name)
    }

    /// A span of the source for bytes of the file: they differ where the file is not UTF-8.
    #[must_use]
    pub fn span(&self, bytes: &Range<usize>) -> Range<usize> {
        self.shown.span(bytes)
    }

    /// A diagnostic at bytes of the file.
    #[must_use]
    pub fn at(&self, bytes: &Range<usize>, node: &str, finding: Finding) -> Diagnostic {
        Diagnostic { place: self.source.place(self.span(bytes)), node: node.to_owned(), finding }
    }
}

impl Value {
    /// The value where it is a string, whatever its bytes.
    #[must_use]
    pub fn text(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::List(_) => None,
        }
    }
}

impl Setting {
    /// The value where it is a string, whatever its bytes.
    #[must_use]
    pub fn text(&self) -> Option<&[u8]> {
        self.value.text()
    }

    /// The value as xl takes it for a number; `None` where xl would pass over it.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        if self.added { None } else { number::long(self.text()?) }
    }

    /// The texts that `+=` joined; one if there is no `+=`.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let text = self.text().unwrap_or_default();
        let starts = std::iter::once(0).chain(self.joints.iter().copied());
        let ends = self.joints.iter().copied().chain([text.len()]);
        starts.zip(ends).map(|(start, end)| text.get(start..end).unwrap_or_default())
    }
}
