//! `channel`: consoles with a name.

use super::book::Words;
use super::{Reader, entry};
use crate::diag::Finding;
use crate::domain::config::{Channel, Connection};

impl<'a> Reader<'a> {
    pub(super) fn channels(&mut self) {
        let Some(items) = self.items("channel") else {
            return;
        };
        // Since Xen 4.18 libxl counts them itself.
        let counted = !self.host.is_since(18);
        let channels = (0..).zip(items);
        self.config.channels = channels
            .map(|(index, (words, node))| self.channel(counted.then_some(index), words, node))
            .collect();
    }

    fn channel(&mut self, devid: Option<u32>, words: Words<'a>, node: usize) -> Channel {
        let mut channel = Channel { devid, ..Channel::default() };
        let mut path = None;
        let mut wrong = false;
        for part in self.parts(words, b",", node) {
            let Some((key, value)) = self.trimmed_pair(part, node) else {
                let finding = Finding::invalid("bad-channel", format!("'{}' is not key=value", part.text));
                let instead = match part.text {
                    kind @ ("pty" | "socket") => format!("write connection={kind}"),
                    name if !words.text.contains("connection=") => {
                        format!("write connection=pty,name={name}")
                    }
                    name => format!("write name={name}"),
                };
                self.book.wrong(node, &part, finding.instead(instead));
                wrong = true;
                continue;
            };
            let text = Some(value.text.to_owned());
            match (key.text, value.text) {
                ("backend", _) => channel.backend_domname = text,
                ("name", _) => channel.name = text,
                ("path", _) => path = text,
                ("connection", "pty") => channel.connection = Connection::Pty,
                ("connection", "socket") => channel.connection = Connection::Socket(None),
                ("connection", _) => {
                    let finding = super::bad_word("connection", value.text, &["pty", "socket"]);
                    let finding = match entry::connection_of(value.text) {
                        Some(connection) => finding.instead(format!("write connection={connection}")),
                        None => finding,
                    };
                    self.book.wrong(node, &value, finding);
                    wrong = true;
                }
                // With no other connection, that is the one error.
                ("type" | "mode", _) if !words.text.contains("connection=") => {
                    self.no_such_word(
                        node,
                        &part,
                        entry::CHANNEL,
                        &["name", "connection", "path", "backend"],
                    );
                    wrong = true;
                }
                _ => {
                    self.passed_over(node, &part, entry::CHANNEL, &["name", "connection", "path", "backend"]);
                }
            }
        }
        match (&channel.connection, path) {
            (Connection::Socket(_), Some(path)) => channel.connection = Connection::Socket(Some(path)),
            (Connection::Socket(_), None) => {
                let finding = Finding::invalid("bad-channel", "a channel to a socket needs its path");
                self.book.error(node, finding.instead("add path=/var/run/..."));
            }
            (Connection::Unknown, _) if !wrong && !words.text.trim_matches(',').is_empty() => {
                let finding = Finding::invalid("bad-channel", "a channel needs a connection");
                self.book.error(
                    node,
                    finding.instead("add connection=pty, or connection=socket,path=/var/run/..."),
                );
            }
            (Connection::Unknown | Connection::Pty, _) => {}
        }
        channel
    }
}
