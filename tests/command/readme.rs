//! The command's output is as shown in the console blocks of the README and the documents.
//!
//! A line that starts with `$ ` is run by a shell, together with following lines that start with `> `. The lines below,
//! up to the next `$ `, are its output, including standard error. `...` alone on a line matches any lines, `[..]`
//! within a line matches any text. The blocks of one file share a directory, which contains `docs/`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Lab, finish, root};

/// A command with what it is to print.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// The steps of all console blocks of a document.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        match (inside, line) {
            (false, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, _) => match (line.strip_prefix("$ "), line.strip_prefix("> "), steps.last_mut()) {
                (Some(command), ..) => {
                    steps.push(Step { line: number + 1, command: command.to_owned(), output: Vec::new() });
                }
                (_, Some(more), Some(step)) if step.output.is_empty() => {
                    step.command = format!("{}\n{more}", step.command)
                }
                (_, _, Some(step)) => step.output.push(line.to_owned()),
                (_, _, None) => panic!("line {}: output before the first command", number + 1),
            },
            _ => {}
        }
    }
    assert!(!inside, "a console block is not closed");
    steps
}

/// Whether a line is as shown.
fn same(shown: &str, line: &str) -> bool {
    let mut parts = shown.split("[..]");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether an output is as shown.
fn all_same(shown: &[String], lines: &[&str]) -> bool {
    match (shown, lines) {
        ([], []) => true,
        ([dots, shown @ ..], _) if dots == "..." => {
            (0..=lines.len()).any(|from| all_same(shown, &lines[from..]))
        }
        ([first, shown @ ..], [line, lines @ ..]) => same(first, line) && all_same(shown, lines),
        _ => false,
    }
}

/// Runs what a document shows; what went otherwise.
fn run(document: &Path) -> Result<usize, String> {
    let steps = steps(&fs::read_to_string(document).unwrap());
    let lab = Lab::new();
    symlink(root().join("docs"), lab.path("docs")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_xenclock")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    for step in &steps {
        let mut shell = Command::new("sh");
        // Both streams go the same way, so that their order stays.
        shell.args(["-c", &format!("exec 2>&1\n{}", step.command)]).current_dir(lab.path("."));
        shell.env("PATH", &path).env_remove("TZ").env("LC_ALL", "C.UTF-8");
        let output = finish(shell, b"").out;
        let lines: Vec<_> = output.lines().collect();
        if !all_same(&step.output, &lines) {
            let shown = step.output.join("\n");
            return Err(format!(
                "{}:{}: $ {}\nshown:\n{shown}\nprinted:\n{output}",
                document.display(),
                step.line,
                step.command
            ));
        }
    }
    Ok(steps.len())
}

#[test]
fn the_readme_shows_what_happens() {
    let steps = run(&root().join("README.md")).unwrap_or_else(|why| panic!("{why}"));
    assert!(steps > 0, "README.md shows no command");
}

#[test]
fn the_documents_show_what_happens() {
    let documents = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents: Vec<PathBuf> =
        documents.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    assert!(!documents.is_empty());
    let wrong: Vec<_> = documents.iter().filter_map(|document| run(document).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The programs in docs/examples print what they are there to show.
#[test]
fn the_examples_run() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    for (example, printed) in [
        (
            "diagnostics",
            &[
                "clock_timezone = \"Europe/Berlin\"",
                " approximated one-policy\n",
                "nodes mean the same on Xen\n",
            ][..],
        ),
        (
            "toolstack",
            &[
                "not started: set the new TSC",
                "started: domain 2, RTC 0 s from UTC, TSC 2000000 kHz",
                "rebooted: domain 3, RTC 90 s from UTC, TSC 2000000 kHz",
                "restored: domain 4, RTC 90 s from UTC, TSC 2000000 kHz",
                "started again: domain 5, RTC 90 s from UTC, TSC 2000000 kHz",
            ],
        ),
        ("events", &["\"event\":\"rtc-change\",\"before\":0,\"offset\":90,"]),
    ] {
        let mut program = Command::new(&cargo);
        program.args(["run", "--quiet", "--offline", "--example", example]).current_dir(root());
        let text = finish(program, b"").ok();
        printed.iter().for_each(|words| assert!(text.contains(words), "{example}: no {words}: {text}"));
    }
}

#[test]
fn blocks_are_cut_into_steps() {
    let text = "text\n```sh\n$ no\n```\n```console\n$ one\n> more\nout\n\nput\n$ two\n```\n$ no\n```console\n$ three\n```\n";
    let step = |line, command: &str, output: &[&str]| Step {
        line,
        command: command.to_owned(),
        output: output.iter().map(|line| (*line).to_owned()).collect(),
    };
    assert_eq!(
        steps(text),
        [step(6, "one\nmore", &["out", "", "put"]), step(11, "two", &[]), step(15, "three", &[])]
    );
}

#[test]
fn wildcards_stand_for_what_they_should() {
    assert!(same("a", "a") && !same("a", "ab") && !same("a", "ba") && same("", ""));
    assert!(
        same("a[..]c", "abbc") && same("a[..]c", "ac") && !same("a[..]c", "abd") && !same("a[..]c", "xabc")
    );
    assert!(same("[..]b[..]", "abc") && !same("[..]x[..]", "abc") && same("[..]", ""));
    assert!(!same("ab[..]bc", "abc"), "no character counts twice");
    let shown = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(all_same(&shown(&["a", "...", "z"]), &["a", "b", "c", "z"]));
    assert!(all_same(&shown(&["a", "...", "z"]), &["a", "z"]));
    assert!(!all_same(&shown(&["a", "...", "z"]), &["a", "z", "y"]));
    assert!(all_same(&shown(&["..."]), &[]) && !all_same(&shown(&["a"]), &[]) && !all_same(&[], &["a"]));
}
