//! The list at the end of `cargo test`: what follows from cargo's own command line, and the text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Note;

/// With one of these, cargo runs no doctests.
const TARGETS: [&str; 9] = [
    "--lib",
    "--bin",
    "--bins",
    "--test",
    "--tests",
    "--example",
    "--examples",
    "--benches",
    "--all-targets",
];

/// The words of cargo's command line up to its `--`.
fn options(words: &[String]) -> &[String] {
    words.split(|word| word == "--").next().unwrap_or_default()
}

/// The command line that runs the doctests which belong to this one; `None` where cargo would run none.
#[must_use]
pub fn doctests(words: &[String]) -> Option<Vec<String>> {
    let test = options(words).iter().position(|word| word == "test" || word == "t")?;
    let is_target = |word: &String| TARGETS.contains(&word.split('=').next().unwrap_or_default());
    if options(words).iter().any(is_target) {
        return None;
    }
    let mut words = words.to_owned();
    words.insert(test + 1, "--doc".to_owned());
    Some(words)
}

/// The test targets that cargo has passed over for want of a feature: by that feature.
#[must_use]
pub fn unbuilt(metadata: &Value, words: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let mut unbuilt: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let list = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let asked: BTreeSet<&str> =
        options(words).iter().flat_map(|word| word.split([',', ' ', '='])).map(feature).collect();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let default = list(&package["features"]["default"]);
        for target in package["targets"].as_array().into_iter().flatten() {
            for needed in list(&target["required-features"]) {
                let built = asked.contains("--all-features") || asked.contains(&*needed);
                if list(&target["kind"]) == ["test"] && !built && !default.contains(&needed) {
                    let name = target["name"].as_str().unwrap_or_default().to_owned();
                    unbuilt.entry(needed).or_default().insert(name);
                }
            }
        }
    }
    unbuilt
}

/// A feature as its own package has it.
fn feature(word: &str) -> &str {
    word.rsplit_once('/').map_or(word, |(_, feature)| feature)
}

/// The list as it is printed; empty where nothing was skipped.
#[must_use]
pub fn listed(notes: &BTreeSet<Note>, unbuilt: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut text = String::new();
    let tests: BTreeSet<_> = notes.iter().map(|note| &note.test).collect();
    let mut by_reason: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for note in notes {
        by_reason.entry((&note.why, &note.remedy)).or_default().insert(&note.test);
    }
    if !notes.is_empty() {
        text.push_str(&format!("\nskipped, in whole or in part: {} tests\n", tests.len()));
    }
    for ((why, remedy), tests) in by_reason {
        text.push_str(&format!("\n  {why}:\n    {remedy}\n"));
        tests.iter().for_each(|test| text.push_str(&format!("      {test}\n")));
    }
    for (feature, targets) in unbuilt {
        let targets: Vec<_> = targets.iter().map(String::as_str).collect();
        text.push_str(&format!("\nnot built without --features {feature}: {}\n", targets.join(", ")));
    }
    if !text.is_empty() {
        text.push_str("\ndocs/testing.md says what each test needs.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn doctests_run_where_cargo_would_run_them() {
        for (line, doc) in [
            ("test --workspace", Some("test --doc --workspace")),
            ("--offline t -q", Some("--offline t --doc -q")),
            (
                "test --workspace name -- --test-threads 1",
                Some("test --doc --workspace name -- --test-threads 1"),
            ),
            ("test -- --test", Some("test --doc -- --test")),
            ("test --all-targets", None),
            ("test --workspace --test=skipped", None),
            ("nextest run", None),
            ("run", None),
        ] {
            assert_eq!(doctests(&words(line)), doc.map(words), "{line}");
        }
    }

    #[test]
    fn a_target_without_its_feature_is_told() {
        let metadata = json!({"packages": [{
            "features": {"default": ["cli"], "cli": [], "libxl": []},
            "targets": [
                {"name": "plain", "kind": ["test"]},
                {"name": "command", "kind": ["test"], "required-features": ["cli"]},
                {"name": "fakexen", "kind": ["test"], "required-features": ["cli", "libxl"]},
                {"name": "program", "kind": ["bin"], "required-features": ["libxl"]},
            ],
        }]});
        let told = |line| unbuilt(&metadata, &words(line)).into_iter().collect::<Vec<_>>();
        let missing = [("libxl".to_owned(), BTreeSet::from(["fakexen".to_owned()]))];
        assert_eq!(told("test --workspace"), missing);
        assert_eq!(told("test -- --features libxl"), missing);
        for line in ["test --features libxl", "test --features=a,xenclock/libxl", "test --all-features"] {
            assert_eq!(told(line), [], "{line}");
        }
    }

    #[test]
    fn tests_stand_below_their_reason() {
        let note =
            |test: &str, why: &str| Note { test: test.into(), why: why.into(), remedy: "get it".into() };
        let notes = BTreeSet::from([note("b", "no xl"), note("a", "no xl"), note("a", "no groff")]);
        let text = listed(&notes, &BTreeMap::new());
        assert!(text.starts_with("\nskipped, in whole or in part: 2 tests\n"), "{text}");
        assert!(text.contains("\n  no xl:\n    get it\n      a\n      b\n"), "{text}");
        assert_eq!(listed(&BTreeSet::new(), &BTreeMap::new()), "");
    }
}
