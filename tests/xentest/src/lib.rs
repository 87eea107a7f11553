//! What the tests of every crate share: skipping, so that it is seen, and inputs from outside the project.
//!
//! A test program prints nothing of a test that passes, and a skipped test passes. So [`skip`] also notes the test in
//! a file, and the test target `skipped`, which cargo runs last, prints what was noted.

pub mod list;
mod note;

use std::path::{Path, PathBuf};

pub use note::{Note, notes};

/// Notes that the running test, or a part of it, is skipped: why, and how it can be run.
///
/// The caller then returns.
pub fn skip(why: &str, remedy: &str) {
    println!("skipped: {why}; {remedy}");
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
    skip_test(test, why, remedy);
}

/// As [`skip`], for a test program without libtest: it says which test it is.
pub fn skip_test(test: &str, why: &str, remedy: &str) {
    let note = Note { test: test.to_owned(), why: why.to_owned(), remedy: remedy.to_owned() };
    if let Err(error) = note::write(&note) {
        println!("the list of skipped tests cannot be written: {error}");
    }
}

/// A file or directory of further inputs, which are not part of the project; where it is absent, that is a skip.
///
/// They are looked for in the directory that the environment variable `XENCLOCK_SHARED` names, else in `shared` beside
/// the project.
#[must_use]
pub fn shared(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let path = std::env::var_os("XENCLOCK_SHARED").map_or_else(beside, PathBuf::from).join(name);
    if path.exists() {
        return Some(path);
    }
    skip(
        &format!("{name} is not in XENCLOCK_SHARED"),
        "these inputs come on top of the project's own in tests/ and are not part of it; XENCLOCK_SHARED=DIR names them",
    );
    None
}
