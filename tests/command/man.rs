//! The man page in `docs/man/` and the scripts in `docs/completions/` are those that the command's own words make.
//!
//! With `XENCLOCK_BLESS=1` the test writes them.

use std::fs;

use crate::common::root;
use clap_complete::Shell;

#[track_caller]
fn is_up_to_date(file: &str, made: &str) {
    let path = root().join("docs").join(file);
    if std::env::var_os("XENCLOCK_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, made).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "{} is not up to date: XENCLOCK_BLESS=1 cargo test --test command man",
        path.display()
    );
}

#[test]
fn the_man_page_is_up_to_date_with_the_command() {
    is_up_to_date("man/xenclock.1", &xenclock::cli::man_page().unwrap());
}

#[test]
fn the_completions_are_up_to_date_with_the_command() {
    for (file, shell) in
        [("xenclock.bash", Shell::Bash), ("_xenclock", Shell::Zsh), ("xenclock.fish", Shell::Fish)]
    {
        is_up_to_date(&format!("completions/{file}"), &xenclock::cli::completion(shell));
    }
}

#[test]
fn the_man_page_has_every_command() {
    let page = xenclock::cli::man_page().unwrap();
    for command in [
        "create",
        "convert",
        "clock-list",
        "clock-show",
        "clock-set",
        "host-info",
        "list",
        "destroy",
        "mock advance",
        "mock fail",
    ] {
        assert!(page.lines().any(|line| line.strip_prefix(".SS ") == Some(command)), "{command}: {page}");
    }
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS"] {
        assert!(page.lines().any(|line| line == format!(".SH {section}")), "{section}");
    }
}
