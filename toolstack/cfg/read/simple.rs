//! Keys whose value is stored unchanged in one field.

use super::{Named, Reader};
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
                Takes::Own => {}
            }
        }
    }

    /// The finding for a key or a word that the host's release does not have.
    pub(super) fn other_release(&self, name: &str, known: Known) -> Finding {
        let release = self.host.release.map(|release| format!(" of Xen {release}")).unwrap_or_default();
        let reason = format!("xl knows {name} {known}, but the xl{release} ignores it");
        Finding::unsupported("other-release", reason)
    }
}
