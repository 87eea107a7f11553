//! docs/xl.md lists every command and option of xl, and agrees with xenclock's parser and with the real xl.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use xenclock::xl::commands::COMMANDS;

use crate::common::{Lab, finish, root};
use crate::oracle::Oracle;

/// The rows of the tables under a heading: the first cell without its quotes, and the others.
fn rows(heading: &str) -> Vec<(String, [String; 2])> {
    let document = fs::read_to_string(root().join("docs/xl.md")).unwrap();
    let section = document.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let cells =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix('|')?.split_once("` | "));
    cells
        .map(|(first, rest)| {
            let (here, text) = rest.split_once('|').unwrap();
            (first.to_owned(), [here.trim().to_owned(), text.trim().to_owned()])
        })
        .collect()
}

/// The options of each command that the document lists, those of the commands passed on among them.
fn listed() -> BTreeMap<String, BTreeSet<String>> {
    let mut commands: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (words, _) in rows("Commands of xenclock") {
        let (command, option) =
            words.split_once(' ').map_or((&*words, None), |(command, option)| (command, Some(option)));
        commands.entry(command.to_owned()).or_default().extend(option.map(str::to_owned));
    }
    for (command, [_, options]) in rows("Passed on") {
        let options = options.split_whitespace().map(|option| option.trim_matches('`').to_owned());
        assert!(commands.insert(command.clone(), options.collect()).is_none(), "{command} is there twice");
    }
    commands
}

#[test]
fn every_command_of_xl_has_a_row() {
    let listed: BTreeSet<String> = listed().into_keys().collect();
    let expected: BTreeSet<String> = COMMANDS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(listed, expected);
    for (words, [here, _]) in rows("Commands of xenclock") {
        assert!(["same", "better"].contains(&&*here), "{words}: {here}");
    }
}

#[test]
fn our_parser_knows_what_is_the_same_or_better() {
    let lab = Lab::new();
    let own: BTreeSet<String> = rows("Commands of xenclock").into_iter().map(|(words, _)| words).collect();
    for words in &own {
        let (command, option) = words.split_once(' ').unwrap_or((words, "--help"));
        // The help comes before what is missing, and after an option that is not known.
        let value = if ["-f", "-C", "-s", "--defconfig"].contains(&option) && command != "destroy" {
            "x"
        } else {
            "--help"
        };
        let run = lab.run(["--backend", "mock", command, option, value, "--help"]);
        assert!(run.code == 0 && run.out.contains(&format!("Usage: xenclock {command}")), "{words}: {run:?}");
    }
    for (option, _) in rows("Options before the command") {
        lab.run(["--backend", "mock", &option, "list"]).ok();
    }
}

#[test]
fn what_is_passed_on_reaches_xl() {
    let lab = Lab::new();
    lab.program("xl", "#!/bin/sh\necho \"$*\"\n");
    for (command, [here, _]) in rows("Passed on") {
        assert_eq!(here, "passed on");
        let mut ours = lab.command([&*command, "-x", "word"]);
        ours.env("PATH", lab.path_with_programs());
        assert_eq!(finish(ours, b"").ok(), format!("{command} -x word\n"));
    }
}

#[test]
fn the_real_xl_has_these_commands_and_options() {
    let Some(oracle) = Oracle::find() else { return };
    let help = |words: &[&str]| {
        finish(
            {
                let mut xl = oracle.program();
                xl.arg("help").args(words);
                xl
            },
            b"",
        )
        .ok()
    };
    let is_name = |word: &&str| {
        word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_lowercase() || b"-2".contains(&byte))
    };
    let all = help(&[]);
    let theirs: BTreeSet<&str> = all
        .lines()
        .filter_map(|line| {
            line.strip_prefix(' ').filter(|line| !line.starts_with(' '))?.split_whitespace().next()
        })
        .filter(is_name)
        .collect();
    assert_eq!(theirs, COMMANDS.iter().copied().collect(), "{all}");
    for (command, options) in listed() {
        let text = help(&[&command]);
        let described = text.split_once("Options:\n\n").map_or("", |(_, options)| options);
        for line in described.lines().map(str::trim_start).filter(|line| line.starts_with('-')) {
            // The options stand in front, before two spaces; a value may follow each.
            let words =
                line.split("  ").next().unwrap().split([',', ' ', '=']).filter(|word| word.starts_with('-'));
            for option in words {
                assert!(options.contains(option), "{command}: {option} of\n{text}");
            }
        }
    }
}
