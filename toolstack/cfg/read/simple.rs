//! Keys whose value is stored unchanged in one field.

use super::{Named, Reader, entry};
use crate::cfg::keys::Takes;
use crate::diag::Finding;
use crate::domain::release::{self, Known};

impl Reader<'_> {
    /// Reads them, and says of the keys of other guests and of newer releases that they are passed over.
    pub(super) fn simple(&mut self) {
        for Named { name, node, key } in self.settings.clone() {
            let Some(key) = key else {
                continue;
            };
            if !key.is_for(self.kind) {
                self.book.mark(node, super::other_guests(key));
                continue;
            }
            let Some(found) = self.find(name) else {
                if let Some(known) = release::key(name) {
                    self.book.mark(node, self.other_release(name, known));
                }
                continue;
            };
            match key.takes {
                Takes::Text(field) => {
                    if let Some(text) = self.text_of(found)
                        && let Some(field) = field(&mut self.config)
                    {
                        *field = Some(text.to_owned());
                    }
                }
                Takes::Flag(field) => {
                    if let Some(number) = self.number_of(found)
                        && let Some(field) = field(&mut self.config)
                    {
                        *field = Some((number != 0).into());
                    }
                }
                Takes::Number(set) => {
                    if let Some(number) = self.number_of(found) {
                        set(&mut self.config, number);
                    }
                }
                Takes::Entries | Takes::Own => {}
            }
        }
    }

    /// The finding for a key or a word that the host's release does not have.
    pub(super) fn other_release(&self, name: &str, known: Known) -> Finding {
        Finding::unsupported("other-release", self.only_known(name, known, entry::IGNORES))
    }

    /// The word of an enumeration; an unknown one is an error.
    pub(super) fn word<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
        expected: &[&str],
    ) -> Option<T> {
        let (words, node) = self.words(name)?;
        let host = self.host;
        let value = read(words.text).filter(|_| host.knows_word(name, words.text));
        if let Some(known) = self.newer(release::word(name, words.text)).filter(|_| value.is_none()) {
            let finding =
                Finding::invalid("other-release", self.only_known(words.text, known, entry::REFUSES));
            let known: Vec<_> = expected.iter().copied().filter(|word| host.knows_word(name, word)).collect();
            self.book.error(node, finding.instead(super::one_of_quoted(name, &known)));
        } else if value.is_none() {
            let known: Vec<_> = expected.iter().copied().filter(|word| host.knows_word(name, word)).collect();
            self.book.error(node, super::bad_value(name, words.text, &known));
        }
        value
    }
}
