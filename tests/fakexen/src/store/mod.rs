//! xenstored: nodes, transactions, watches, and which domains it has been told of.

pub mod client;
pub mod server;
pub mod tree;
pub mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::net::UnixStream;

use tree::{Tree, is_within};
use wire::{Kind, Message};

use crate::Errno;

/// A connection's number.
pub type Connection = u64;

/// The special paths that fire when a domain comes and when one ends or goes.
const INTRODUCE: &str = "@introduceDomain";
const RELEASE: &str = "@releaseDomain";

/// What someone wants to be told of.
#[derive(Debug)]
struct Watch {
    connection: Connection,
    /// As it was given.
    path: String,
    token: String,
}

/// Changes that count only when they are ended well.
#[derive(Debug)]
struct Transaction {
    connection: Connection,
    /// The nodes as this transaction has them.
    tree: Tree,
    /// When it began.
    start: u64,
    changed: Vec<Change>,
}

/// A path that has changed, and whether it has gone.
#[derive(Clone, Debug)]
struct Change {
    path: String,
    gone: bool,
}

/// All of xenstore.
#[derive(Debug, Default)]
pub struct Store {
    tree: Tree,
    /// Counts the changes.
    time: u64,
    transactions: BTreeMap<u32, Transaction>,
    last_transaction: u32,
    watches: Vec<Watch>,
    introduced: BTreeSet<u32>,
    /// Where watches are sent to.
    connections: BTreeMap<Connection, UnixStream>,
    last_connection: Connection,
}

impl Store {
    /// With what a dom0 has in it before the first guest.
    pub fn new() -> Self {
        let mut store = Store::default();
        store.introduced.insert(0);
        for (path, value) in [
            ("/local/domain/0/name", "Domain-0"),
            ("/local/domain/0/domid", "0"),
            ("/local/domain/0/memory/target", "1048576"),
            ("/local/domain/0/memory/static-max", "1048576"),
            ("/local/domain/0/memory/freemem-slack", "0"),
            ("/libxl/0/type", "pv"),
            ("/libxl/0/dm-version", "qemu_xen"),
            ("/libxl/disable_udev", "1"),
            ("/local/pool/0/name", "Pool-0"),
            ("/vm", ""),
            ("/tool/xenstored", ""),
        ] {
            store.put(path, value.as_bytes());
        }
        store
    }

    /// A node's value, where it is text.
    pub fn text(&self, path: &str) -> Option<String> {
        String::from_utf8(self.tree.get(path)?.value.clone()).ok()
    }

    /// Writes a node.
    pub fn put(&mut self, path: &str, value: &[u8]) {
        self.tree.make(path).value = value.to_vec();
        self.changed(&[Change { path: path.to_owned(), gone: false }]);
    }

    /// Removes a node, as if it had never been there. Whether it was.
    pub fn forget(&mut self, path: &str) -> bool {
        self.tree.remove(path)
    }

    /// The paths of all nodes below this one.
    pub fn paths_below(&self, top: &str) -> Vec<String> {
        self.tree.paths().filter(|path| is_within(path, top)).map(str::to_owned).collect()
    }

    /// Whether xenstore knows of this domain.
    pub fn is_introduced(&self, domid: u32) -> bool {
        self.introduced.contains(&domid)
    }

    /// xenstore is told of a domain. Whether it was not known before.
    pub fn introduce(&mut self, domid: u32) -> bool {
        let new = self.introduced.insert(domid);
        if new {
            self.fire_special(INTRODUCE);
        }
        new
    }

    /// A domain has ended: Xen has told xenstored.
    pub fn released(&mut self) {
        self.fire_special(RELEASE);
    }

    /// A domain has gone: Xen has told xenstored.
    pub fn gone(&mut self, domid: u32) {
        self.introduced.remove(&domid);
        self.fire_special(RELEASE);
    }

    /// Someone connects; watches are to be sent to this stream.
    pub fn connect(&mut self, stream: UnixStream) -> Connection {
        self.last_connection += 1;
        self.connections.insert(self.last_connection, stream);
        self.last_connection
    }

    /// Someone hangs up.
    pub fn disconnect(&mut self, connection: Connection) {
        self.watches.retain(|watch| watch.connection != connection);
        self.transactions.retain(|_, transaction| transaction.connection != connection);
        self.connections.remove(&connection);
    }

    /// Answers a message, and sends what it sets off. What is not xenstore's own business is told to `told`.
    pub fn answer(&mut self, connection: Connection, message: &Message, told: &mut Vec<Told>) -> Message {
        let (kind, body) = match self.act(connection, message, told) {
            Ok(body) => (message.kind, body),
            Err(errno) => (Kind::ERROR, zero_ended(wire::error_name(errno))),
        };
        Message { kind, request: message.request, transaction: message.transaction, body }
    }

    fn act(
        &mut self,
        connection: Connection,
        message: &Message,
        told: &mut Vec<Told>,
    ) -> Result<Vec<u8>, Errno> {
        let ok = || Ok(b"OK\0".to_vec());
        let words = message.words();
        let word = |index: usize| words.get(index).copied().ok_or(libc::EINVAL);
        let number = |index: usize| word(index)?.parse::<u32>().map_err(|_| libc::EINVAL);
        let transaction = message.transaction;
        match message.kind {
            Kind::DIRECTORY => {
                let path = whole(word(0)?)?;
                let tree = self.tree_of(connection, transaction)?;
                tree.get(&path).ok_or(libc::ENOENT)?;
                let body: Vec<u8> = tree.below(&path).into_iter().flat_map(zero_ended).collect();
                if body.len() > wire::LONGEST { Err(libc::E2BIG) } else { Ok(body) }
            }
            Kind::READ => {
                let path = whole(word(0)?)?;
                let node = self.tree_of(connection, transaction)?.get(&path).ok_or(libc::ENOENT)?;
                Ok(node.value.clone())
            }
            Kind::GET_PERMS => {
                let path = whole(word(0)?)?;
                let node = self.tree_of(connection, transaction)?.get(&path).ok_or(libc::ENOENT)?;
                Ok(node.permissions.iter().flat_map(|word| zero_ended(word)).collect())
            }
            Kind::WRITE => {
                let end = message.body.iter().position(|byte| *byte == 0).ok_or(libc::EINVAL)?;
                let path = whole(word(0)?)?;
                let value = message.body[end + 1..].to_vec();
                self.change(connection, transaction, &path, false, |tree| tree.make(&path).value = value)?;
                told.push(Told::Written(path.clone()));
                ok()
            }
            Kind::MKDIR => {
                let path = whole(word(0)?)?;
                if self.tree_of(connection, transaction)?.get(&path).is_none() {
                    self.change(connection, transaction, &path, false, |tree| {
                        tree.make(&path);
                    })?;
                }
                ok()
            }
            Kind::RM => {
                let path = whole(word(0)?)?;
                let tree = self.tree_of(connection, transaction)?;
                if tree.get(&path).is_none() {
                    // As in xenstored: it is no error when at least the node above is there.
                    let above = tree::parent(&path).ok_or(libc::EINVAL)?;
                    return if tree.get(above).is_some() { ok() } else { Err(libc::ENOENT) };
                }
                self.change(connection, transaction, &path, true, |tree| {
                    tree.remove(&path);
                })?;
                ok()
            }
            Kind::SET_PERMS => {
                let path = whole(word(0)?)?;
                let permissions: Vec<String> = words[1..].iter().map(|word| (*word).to_owned()).collect();
                self.tree_of(connection, transaction)?.get(&path).ok_or(libc::ENOENT)?;
                self.change(connection, transaction, &path, false, |tree| {
                    tree.make(&path).permissions = permissions;
                })?;
                ok()
            }
            Kind::TRANSACTION_START => {
                self.last_transaction += 1;
                let new = Transaction {
                    connection,
                    tree: self.tree.clone(),
                    start: self.time,
                    changed: Vec::new(),
                };
                self.transactions.insert(self.last_transaction, new);
                Ok(zero_ended(&self.last_transaction.to_string()))
            }
            Kind::TRANSACTION_END => {
                self.tree_of(connection, transaction)?;
                let ended = self.transactions.remove(&transaction).ok_or(libc::ENOENT)?;
                if word(0)? == "F" {
                    return ok();
                }
                // Stricter than xenstored, which looks at the nodes that were used; whoever asks must try again
                // in both cases.
                if ended.start != self.time && !ended.changed.is_empty() {
                    return Err(libc::EAGAIN);
                }
                if !ended.changed.is_empty() {
                    self.tree = ended.tree;
                    self.changed(&ended.changed);
                    told.extend(ended.changed.into_iter().map(|change| Told::Written(change.path)));
                }
                ok()
            }
            Kind::WATCH => {
                let (path, token) = (word(0)?.to_owned(), word(1)?.to_owned());
                let same = |watch: &Watch| {
                    watch.connection == connection && watch.path == path && watch.token == token
                };
                if self.watches.iter().any(same) {
                    return Err(libc::EEXIST);
                }
                self.watches.push(Watch { connection, path, token });
                told.push(Told::Watched);
                ok()
            }
            Kind::UNWATCH => {
                let (path, token) = (word(0)?, word(1)?);
                let index = self.watches.iter().position(|watch| {
                    watch.connection == connection && watch.path == path && watch.token == token
                });
                self.watches.remove(index.ok_or(libc::ENOENT)?);
                ok()
            }
            Kind::RESET_WATCHES => {
                self.watches.retain(|watch| watch.connection != connection);
                ok()
            }
            Kind::INTRODUCE => {
                told.push(Told::Introduced(number(0)?));
                ok()
            }
            Kind::RELEASE => {
                let domid = number(0)?;
                if !self.introduced.remove(&domid) {
                    return Err(libc::ENOENT);
                }
                self.fire_special(RELEASE);
                ok()
            }
            Kind::GET_DOMAIN_PATH => Ok(zero_ended(&format!("/local/domain/{}", number(0)?))),
            Kind::IS_DOMAIN_INTRODUCED => {
                Ok(zero_ended(if self.is_introduced(number(0)?) { "T" } else { "F" }))
            }
            Kind::RESUME | Kind::SET_TARGET => ok(),
            _ => Err(libc::ENOSYS),
        }
    }

    /// The first event of the watch that was just set: as in xenstored it fires at once.
    pub fn fire_newest(&mut self) {
        if let Some(watch) = self.watches.last() {
            let (connection, path, token) = (watch.connection, watch.path.clone(), watch.token.clone());
            self.send(connection, &path, &token);
        }
    }

    /// The nodes as this transaction sees them.
    fn tree_of(&self, connection: Connection, transaction: u32) -> Result<&Tree, Errno> {
        match transaction {
            0 => Ok(&self.tree),
            id => {
                let found = self.transactions.get(&id).filter(|found| found.connection == connection);
                found.map(|found| &found.tree).ok_or(libc::ENOENT)
            }
        }
    }

    fn change(
        &mut self,
        connection: Connection,
        transaction: u32,
        path: &str,
        gone: bool,
        act: impl FnOnce(&mut Tree),
    ) -> Result<(), Errno> {
        let change = Change { path: path.to_owned(), gone };
        if transaction == 0 {
            act(&mut self.tree);
            self.changed(&[change]);
            return Ok(());
        }
        let found = self.transactions.get_mut(&transaction).filter(|found| found.connection == connection);
        let found = found.ok_or(libc::ENOENT)?;
        act(&mut found.tree);
        found.changed.push(change);
        Ok(())
    }

    fn changed(&mut self, changes: &[Change]) {
        self.time += 1;
        let mut events = Vec::new();
        for change in changes {
            for watch in &self.watches {
                let Ok(watched) = whole(&watch.path) else { continue };
                let told = if is_within(&change.path, &watched) {
                    as_watched(&change.path, &watch.path)
                } else if change.gone && is_within(&watched, &change.path) {
                    watch.path.clone()
                } else {
                    continue;
                };
                events.push((watch.connection, told, watch.token.clone()));
            }
        }
        for (connection, path, token) in events {
            self.send(connection, &path, &token);
        }
    }

    fn fire_special(&mut self, special: &str) {
        let watching: Vec<(Connection, String)> = self
            .watches
            .iter()
            .filter(|watch| watch.path == special)
            .map(|watch| (watch.connection, watch.token.clone()))
            .collect();
        for (connection, token) in watching {
            self.send(connection, special, &token);
        }
    }

    fn send(&mut self, connection: Connection, path: &str, token: &str) {
        let body = [zero_ended(path), zero_ended(token)].concat();
        let message = Message { kind: Kind::WATCH_EVENT, request: 0, transaction: 0, body };
        if let Some(stream) = self.connections.get_mut(&connection) {
            // Who has hung up is taken out by the thread that reads from it.
            let _ = message.write(stream);
        }
    }
}

/// What a message means beyond xenstore.
#[derive(Debug)]
pub enum Told {
    /// A node was written or has gone.
    Written(String),
    /// A domain is to be introduced.
    Introduced(u32),
    /// A watch was set, and is to fire once the answer has been sent.
    Watched,
}

/// The whole path of one that may start at dom0's own directory. The special ones are no nodes.
fn whole(path: &str) -> Result<String, Errno> {
    let good = |path: &str| {
        path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-/_@:".contains(&byte))
            && !path.contains("//")
    };
    if !good(path) || path.is_empty() || path.starts_with('@') || (path.len() > 1 && path.ends_with('/')) {
        return Err(libc::EINVAL);
    }
    Ok(if path.starts_with('/') { path.to_owned() } else { format!("/local/domain/0/{path}") })
}

/// A watch that was given as a relative path is told of relative ones.
fn as_watched(path: &str, watched: &str) -> String {
    if watched.starts_with('/') {
        return path.to_owned();
    }
    path.strip_prefix("/local/domain/0/").unwrap_or(path).to_owned()
}

fn zero_ended(word: &str) -> Vec<u8> {
    let mut bytes = word.as_bytes().to_vec();
    bytes.push(0);
    bytes
}
