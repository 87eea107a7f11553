//! The nodes of xenstore.

use std::collections::BTreeMap;

/// A node's value and permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Any bytes.
    pub value: Vec<u8>,
    /// As `n0`, `r5`.
    pub permissions: Vec<String>,
}

/// All nodes by their whole path; `/` is always there.
#[derive(Clone, Debug)]
pub struct Tree(BTreeMap<String, Node>);

impl Default for Tree {
    fn default() -> Self {
        Tree(BTreeMap::from([("/".to_owned(), dom0s())]))
    }
}

fn dom0s() -> Node {
    Node { value: Vec::new(), permissions: vec!["n0".to_owned()] }
}

impl Tree {
    /// The node there.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.0.get(path)
    }

    /// The node there, made with all above it where it is not there.
    pub fn make(&mut self, path: &str) -> &mut Node {
        if !self.0.contains_key(path) {
            let inherited = match parent(path) {
                Some(above) => self.make(above).permissions.clone(),
                None => dom0s().permissions,
            };
            self.0.insert(path.to_owned(), Node { value: Vec::new(), permissions: inherited });
        }
        self.0.entry(path.to_owned()).or_default()
    }

    /// The names right below, in their order.
    pub fn below(&self, path: &str) -> Vec<&str> {
        let start = if path == "/" { "/".to_owned() } else { format!("{path}/") };
        let mut names: Vec<&str> = self
            .0
            .range(start.clone()..)
            .map(|(path, _)| path.as_str())
            .take_while(|path| path.starts_with(&start))
            .filter_map(|path| path[start.len()..].split('/').next())
            .filter(|name| !name.is_empty())
            .collect();
        names.dedup();
        names
    }

    /// Takes a node and all below it away. Whether there was one.
    pub fn remove(&mut self, path: &str) -> bool {
        let below = format!("{path}/");
        self.0.retain(|at, _| !at.starts_with(&below));
        self.0.remove(path).is_some()
    }

    /// The paths of all nodes.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// The path one above.
pub fn parent(path: &str) -> Option<&str> {
    match path.rfind('/')? {
        0 if path.len() > 1 => Some("/"),
        0 => None,
        at => Some(&path[..at]),
    }
}

/// Whether `path` is `top` or below it.
pub fn is_within(path: &str, top: &str) -> bool {
    top == "/" || path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
