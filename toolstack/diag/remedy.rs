//! A remedy in the words of each format that can be read.

use std::borrow::Cow;

/// The replacement to write, in the words of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// In domain XML.
    xml: Cow<'static, str>,
    /// In an xl.cfg, and in libxl's JSON, which is named after the same keys.
    key: Cow<'static, str>,
}

impl Remedy {
    /// A remedy as domain XML has it, and as the keys of an xl.cfg have it.
    pub(crate) fn new(xml: impl Into<Cow<'static, str>>, key: impl Into<Cow<'static, str>>) -> Self {
        Remedy { xml: xml.into(), key: key.into() }
    }

    /// The words for a node of this path. An item of `clock_timers` has the words of domain XML without the quotes.
    pub(crate) fn at(&self, node: &str) -> Cow<'static, str> {
        if node.starts_with("/clock_timers[") {
            self.xml.replace('\'', "").into()
        } else if node.starts_with("/domain") {
            self.xml.clone()
        } else {
            self.key.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_its_own_words() {
        let remedy = Remedy::new("write mode='auto'", "write tsc_mode = \"default\"");
        assert_eq!(remedy.at("/domain/clock/timer/@mode"), "write mode='auto'");
        assert_eq!(remedy.at("/clock_timers[1]/mode"), "write mode=auto");
        assert_eq!(remedy.at("/tsc_mode"), "write tsc_mode = \"default\"");
    }
}
