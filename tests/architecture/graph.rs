//! The import graph of the sources: which file takes a name from which other.
//!
//! Files are read as tokens, so that macros' arguments count as well. A path starts with `crate`, `self`, `super`, the
//! name of one of our crates, of a module declared here, or of one brought in by `use`. It ends at the file that
//! defines the name: a re-export is followed, and is no import by itself. Code under `#[cfg(test)]` is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::tokens::{Token, tokens};

/// A crate: the name that others know it by, and its first file.
const CRATES: [(&str, &str); 4] = [
    ("timers", "timers/src/lib.rs"),
    ("xen_sys", "xen-sys/src/lib.rs"),
    ("xenclock", "toolstack/lib.rs"),
    ("(command)", "toolstack/main.rs"),
];

/// A module by its path; the first segment is the crate.
type Name = Vec<String>;

/// What a file of a module has.
#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    /// What its `use` declarations name, by the name here; `*` for all of a module.
    uses: Vec<(String, Name)>,
    /// The paths in its code.
    paths: Vec<Name>,
    /// What it defines.
    items: BTreeSet<String>,
}

/// Who imports whom, with the names taken.
pub type Graph = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// All modules of all crates.
#[derive(Debug, Default)]
pub struct Modules(BTreeMap<Name, Module>);

impl Modules {
    /// Reads the sources below a directory.
    pub fn read(root: &Path) -> Self {
        let mut modules = Modules::default();
        for (name, file) in CRATES {
            if root.join(file).exists() {
                modules.file(root, vec![name.to_owned()], Path::new(file));
            }
        }
        modules
    }

    fn file(&mut self, root: &Path, name: Name, file: &Path) {
        let text = fs::read_to_string(root.join(file)).unwrap();
        let children = self.module(name.clone(), file, tokens(&text));
        let is_face = ["mod.rs", "lib.rs", "main.rs"].iter().any(|face| file.ends_with(face));
        let dir = if is_face { file.parent().unwrap().to_owned() } else { file.with_extension("") };
        for child in children {
            let plain = dir.join(format!("{child}.rs"));
            let file = if root.join(&plain).exists() { plain } else { dir.join(&child).join("mod.rs") };
            self.file(root, [name.clone(), vec![child]].concat(), &file);
        }
    }

    /// Notes a module; the modules of its own that lie in other files are returned.
    fn module(&mut self, name: Name, file: &Path, tokens: Vec<Token>) -> Vec<String> {
        let mut reader =
            Reader { module: Module { file: file.to_owned(), ..Module::default() }, ..Reader::default() };
        reader.read(&tokens, true);
        let Reader { module, children, inline } = reader;
        self.0.insert(name.clone(), module);
        for (child, tokens) in inline {
            let nested = self.module([name.clone(), vec![child]].concat(), file, tokens);
            assert!(nested.is_empty(), "{}: a file below an inline module", file.display());
        }
        children
    }

    /// The file in which a path ends; `None` where it leaves our crates.
    fn end(&self, from: &Name, path: &[String], seen: &mut Vec<(Name, Name)>) -> Option<&Path> {
        let step = (from.clone(), path.to_owned());
        if seen.contains(&step) {
            return None;
        }
        seen.push(step);
        let mut at = from.clone();
        let (first, mut rest) = path.split_first()?;
        match first.as_str() {
            "crate" => at.truncate(1),
            "self" => {}
            "super" => drop(at.pop()),
            _ => {
                let child = [at.clone(), vec![first.clone()]].concat();
                if self.0.contains_key(&child) {
                    at = child;
                } else if let Some(whole) = self.used(from, first) {
                    return self.end(from, &[whole, rest].concat(), seen);
                } else if CRATES.iter().any(|(name, _)| name == first) {
                    at = vec![first.clone()];
                } else if self.0[from].items.contains(first) {
                    return Some(&self.0[from].file);
                } else {
                    return self.by_glob(from, path, seen);
                }
            }
        }
        while let Some((next, after)) = rest.split_first() {
            let child = [at.clone(), vec![next.clone()]].concat();
            if next == "super" {
                at.pop();
            } else if self.0.contains_key(&child) {
                at = child;
            } else if self.0.get(&at)?.items.contains(next) {
                break;
            } else if let Some(whole) = self.used(&at, next) {
                return self.end(&at.clone(), &[whole, after].concat(), seen);
            } else {
                return self.by_glob(&at, rest, seen).or(Some(&self.0[&at].file));
            }
            rest = after;
        }
        Some(&self.0.get(&at)?.file)
    }

    fn used(&self, module: &Name, name: &str) -> Option<&[String]> {
        let uses = &self.0.get(module)?.uses;
        uses.iter().find(|(here, _)| here == name).map(|(_, path)| path.as_slice())
    }

    fn by_glob(&self, module: &Name, path: &[String], seen: &mut Vec<(Name, Name)>) -> Option<&Path> {
        let globs = self.0.get(module)?.uses.iter().filter(|(here, _)| here == "*");
        for (_, glob) in globs {
            let whole = [glob.as_slice(), path].concat();
            // What a module that is meant as a whole does not define is somebody else's.
            if let Some(file) = self.end(module, &whole, seen)
                && self.0.values().any(|module| module.file == file && module.items.contains(&path[0]))
            {
                return Some(file);
            }
        }
        None
    }

    /// Who imports whom.
    pub fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        for (name, module) in &self.0 {
            let arrows = graph.entry(module.file.clone()).or_default();
            for path in module.paths.iter().collect::<BTreeSet<_>>() {
                if let Some(file) = self.end(name, path, &mut Vec::new())
                    && file != module.file
                {
                    arrows.entry(file.to_owned()).or_default().insert(path.join("::"));
                }
            }
        }
        graph
    }

    /// The files of all modules; those of tests are not among them.
    pub fn files(&self) -> BTreeSet<&Path> {
        self.0.values().map(|module| module.file.as_path()).collect()
    }
}

/// Takes a file's tokens apart.
#[derive(Default)]
struct Reader {
    module: Module,
    /// Modules in files of their own.
    children: Vec<String>,
    inline: Vec<(String, Vec<Token>)>,
}

impl Reader {
    /// `outside` where items of the module stand, and not within one.
    fn read(&mut self, tokens: &[Token], outside: bool) {
        let mut rest = tokens;
        let mut public = false;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match first {
                Token::Sign('#') => {
                    if let [Token::Group('[', attribute), after @ ..] = rest {
                        rest = if is_for_tests(attribute) { behind_item(after) } else { after };
                    }
                }
                Token::Word(word) => match (word.as_str(), rest) {
                    ("pub", _) => {
                        public = true;
                        if let [Token::Group('(', _), after @ ..] = rest {
                            rest = after;
                        }
                        continue;
                    }
                    ("use", _) => rest = self.imports(rest, public),
                    ("mod", [Token::Word(name), Token::Group('{', body), after @ ..]) => {
                        self.inline.push((name.clone(), body.clone()));
                        rest = after;
                    }
                    ("mod", [Token::Word(name), after @ ..]) => {
                        self.children.push(name.clone());
                        rest = after;
                    }
                    (
                        "struct" | "enum" | "union" | "trait" | "fn" | "type" | "const" | "static",
                        [Token::Word(name), ..],
                    ) if outside => {
                        self.module.items.insert(name.clone());
                    }
                    ("macro_rules", [_, Token::Word(name), ..]) => {
                        self.module.items.insert(name.clone());
                    }
                    _ => rest = self.path(word, rest),
                },
                Token::Group(_, inside) => self.read(inside, false),
                // A field or a method, which is no path.
                Token::Sign('.') => {
                    if let [Token::Word(_), after @ ..] = rest {
                        rest = after;
                    }
                }
                Token::Sign(_) => {}
            }
            public = false;
        }
    }

    /// A path in code: all of its segments.
    fn path<'a>(&mut self, first: &str, mut rest: &'a [Token]) -> &'a [Token] {
        let mut path = vec![first.to_owned()];
        while let [Token::Sign(':'), Token::Sign(':'), Token::Word(next), after @ ..] = rest {
            path.push(next.clone());
            rest = after;
        }
        if path.len() > 1 {
            self.module.paths.push(path);
        }
        rest
    }

    /// A `use` declaration, up to its end. A re-export hands a name on and imports nothing.
    fn imports<'a>(&mut self, rest: &'a [Token], public: bool) -> &'a [Token] {
        let end = rest.iter().position(|token| token.is(';')).unwrap_or(rest.len());
        let mut names = Vec::new();
        tree(&rest[..end], &[], &mut names);
        if !public {
            self.module.paths.extend(names.iter().map(|(_, path)| path.clone()));
        }
        self.module.uses.extend(names);
        &rest[end..]
    }
}

/// The names that a tree of `use` brings in, each with its path.
fn tree(tokens: &[Token], before: &[String], names: &mut Vec<(String, Name)>) {
    let mut path = before.to_owned();
    let mut name = None;
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            Token::Group(_, branches) => {
                for branch in branches.split(|token| token.is(',')).filter(|branch| !branch.is_empty()) {
                    tree(branch, &path, names);
                }
                return;
            }
            Token::Word(word) if word == "as" => {
                if let Some(Token::Word(alias)) = rest.first() {
                    name = Some(alias.clone());
                }
                break;
            }
            // `a::{self}` is `a`.
            Token::Word(word) if word == "self" && !path.is_empty() => {}
            Token::Word(word) => path.push(word.clone()),
            Token::Sign('*') => name = Some("*".to_owned()),
            Token::Sign(_) => {}
        }
    }
    if let Some(last) = path.last() {
        names.push((name.unwrap_or_else(|| last.clone()), path));
    }
}

/// Whether an attribute keeps its item to test builds.
fn is_for_tests(attribute: &[Token]) -> bool {
    let word = |word: &str| Token::Word(word.to_owned());
    match attribute {
        [cfg, Token::Group('(', inside)] if *cfg == word("cfg") => match inside.as_slice() {
            [test] => *test == word("test"),
            [all, Token::Group('(', inside)] => *all == word("all") && inside.contains(&word("test")),
            _ => false,
        },
        _ => false,
    }
}

/// What stands behind an item: behind its block, or its semicolon.
fn behind_item(tokens: &[Token]) -> &[Token] {
    let end = tokens.iter().position(|token| token.is(';') || matches!(token, Token::Group('{', _)));
    &tokens[end.map_or(tokens.len(), |end| end + 1)..]
}

/// Files that import each other in a circle, each circle once.
pub fn circles(graph: &Graph) -> Vec<Vec<PathBuf>> {
    let reached = |from: &PathBuf| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(file) = next.pop() {
            for to in graph.get(file).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(to) {
                    next.push(to);
                }
            }
        }
        seen
    };
    let all: BTreeMap<_, _> = graph.keys().map(|file| (file, reached(file))).collect();
    let mut circles = BTreeSet::new();
    for (file, reached) in all.iter().filter(|(file, reached)| reached.contains(*file)) {
        let members = reached.iter().filter(|other| all.get(*other).is_some_and(|back| back.contains(*file)));
        circles.insert(members.map(|member| (*member).clone()).collect::<Vec<_>>());
    }
    circles.into_iter().collect()
}
