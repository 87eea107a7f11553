//! Checks rules of the code's layout that the compiler does not check.

#![allow(clippy::unwrap_used)]

mod graph;
mod rooms;
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where the project is.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The modules of the project, read once for all tests.
fn modules() -> &'static graph::Modules {
    static MODULES: OnceLock<graph::Modules> = OnceLock::new();
    MODULES.get_or_init(|| graph::Modules::read(root()))
}

/// A line of a source file that is no comment.
struct Line {
    file: PathBuf,
    number: usize,
    text: String,
}

/// All lines of code below a directory of the project, or of one file; tests within it may do what they like.
fn lines(dir: &str) -> Vec<Line> {
    let root = root();
    let mut files = Vec::new();
    sources(&root.join(dir), &mut files);
    assert!(!files.is_empty(), "no sources in {dir}");
    let mut lines = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let file = path.strip_prefix(root).unwrap().to_owned();
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (index, line) in program.lines().enumerate() {
            let code = line.split_once("//").map_or(line, |(code, _)| code);
            lines.push(Line { file: file.clone(), number: index + 1, text: code.to_owned() });
        }
    }
    lines
}

fn sources(dir: &Path, files: &mut Vec<PathBuf>) {
    if dir.is_file() {
        return files.push(dir.to_owned());
    }
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "tests") {
                sources(&path, files);
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// Whether a text has this word, with nothing before or after that belongs to another.
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
        let longer_before = word.starts_with(part) && before.is_some_and(part);
        let longer_after = word.ends_with(part) && after.is_some_and(part);
        !longer_before && !longer_after
    })
}

/// Whether a file lies in a folder of tests.
fn is_in_tests(file: &Path) -> bool {
    file.iter().any(|part| part == "tests")
}

/// That none of these words stands below these directories, but where it is allowed.
#[track_caller]
fn nowhere(words: &[&str], dirs: &[&str], but: &[&str]) {
    let all = dirs
        .iter()
        .flat_map(|dir| lines(dir))
        .filter(|line| !but.iter().any(|but| line.file.starts_with(but)));
    // Modules of tests alone may do what they like, in files of their own too.
    let programs = modules().files();
    let is_program =
        |file: &Path| programs.contains(file) || !file.starts_with("toolstack") || is_in_tests(file);
    let all = all.filter(|line| is_program(&line.file));
    let found: Vec<_> = all
        .filter(|line| words.iter().any(|word| has_word(&line.text, word)))
        .map(|line| format!("{}:{}: {}", line.file.display(), line.number, line.text.trim()))
        .collect();
    assert!(found.is_empty(), "{words:?} stand in\n{}", found.join("\n"));
}

#[test]
fn unsafe_code_is_at_the_border_only() {
    nowhere(&["unsafe"], &["timers", "toolstack"], &["toolstack/host/libxl"]);
}

#[test]
fn only_the_command_prints_ends_and_reads_the_environment() {
    nowhere(
        &["println!", "print!", "eprintln!", "eprint!"],
        &["timers/src", "toolstack", "xen-sys/src"],
        &["toolstack/cli"],
    );
    nowhere(
        &["io::stdout", "io::stderr", "io::stdin"],
        &["timers/src", "toolstack", "xen-sys/src"],
        &["toolstack/cli"],
    );
    nowhere(
        &["process::exit", "process::abort"],
        &["timers/src", "toolstack", "xen-sys/src"],
        &["toolstack/cli"],
    );
    // The machine's zone is told by TZ.
    let border = ["toolstack/cli", "toolstack/host/zone.rs"];
    nowhere(
        &["env::var", "env::var_os", "env::vars", "env::args"],
        &["timers/src", "toolstack", "xen-sys/src"],
        &border,
    );
}

#[test]
fn what_clocks_mean_depends_on_no_clock() {
    nowhere(&["Utc::now", "Local::now", "SystemTime", "Instant", "Local"], &["timers/src"], &[]);
}

#[test]
fn what_is_planned_depends_on_no_clock_and_no_host() {
    let pure = [
        "toolstack/xml",
        "toolstack/cfg",
        "toolstack/diag",
        "toolstack/domain",
        "toolstack/assess",
        "toolstack/write",
        "toolstack/plan.rs",
        "toolstack/lifecycle",
    ];
    nowhere(
        &["Utc::now", "SystemTime", "Instant", "fs::read", "File::open", "env::var", "dyn Host"],
        &pure,
        &[],
    );
}

#[test]
fn nothing_is_left_undone() {
    let dirs = [
        "timers",
        "timers/tests",
        "toolstack",
        "toolstack/host/mock/tests",
        "tests",
        "xen-sys",
        "xen-sys/tests",
    ];
    nowhere(&["todo!", "unimplemented!", "dbg!", "#[ignore"], &dirs, &["tests/architecture"]);
}

#[test]
fn words_are_found_whole() {
    assert!(
        has_word("unsafe { x }", "unsafe")
            && has_word("(unsafe)", "unsafe")
            && !has_word("unsafe_op", "unsafe")
    );
    assert!(has_word("std::println!(1)", "println!") && !has_word("eprintln!(1)", "println!"));
    assert!(has_word("#[ignore = \"x\"]", "#[ignore"));
}
