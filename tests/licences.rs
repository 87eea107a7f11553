//! Every crate that can become part of the program may be used under terms that ask for no more than a notice.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use serde_json::Value;

/// Licences by their SPDX names that nothing stands against; a crate needs one of them, or all that it joins by AND.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Whether a licence expression of SPDX can be met with the licences allowed; `None` where it is none.
fn allowed(expression: &str) -> Option<bool> {
    // The old form of crates.io.
    let expression = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = expression.split_whitespace().peekable();
    let is = either(&mut words)?;
    words.next().is_none().then_some(is)
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>) -> Option<bool> {
    let mut is = both(words)?;
    while words.next_if_eq(&"OR").is_some() {
        is |= both(words)?;
    }
    Some(is)
}

fn both(words: &mut Words<'_>) -> Option<bool> {
    let mut is = one(words)?;
    while words.next_if_eq(&"AND").is_some() {
        is &= one(words)?;
    }
    Some(is)
}

fn one(words: &mut Words<'_>) -> Option<bool> {
    match words.next()? {
        "(" => {
            let is = either(words)?;
            (words.next()? == ")").then_some(is)
        }
        "OR" | "AND" | "WITH" | ")" => None,
        name => {
            let name = match words.next_if_eq(&"WITH") {
                Some(_) => format!("{name} WITH {}", words.next()?),
                None => name.to_owned(),
            };
            Some(ALLOWED.contains(&name.as_str()))
        }
    }
}

#[test]
fn every_crate_may_be_used() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut metadata = Command::new(cargo);
    metadata.args(["metadata", "--format-version", "1", "--all-features", "--offline"]);
    let output = metadata.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && (said.contains("offline") || said.contains("--locked")) {
        // Crates of features and systems that are not built here were never fetched.
        return xentest::skip("not every crate is here", "cargo fetch");
    }
    assert!(output.status.success(), "{said}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 20);
    for package in packages {
        let licence = package["license"].as_str().unwrap_or_default();
        assert_eq!(allowed(licence), Some(true), "{} {}: '{licence}'", package["name"], package["version"]);
    }
}

#[test]
fn expressions_are_read_as_spdx_has_them() {
    for good in [
        "MIT",
        "MIT OR Apache-2.0",
        "GPL-3.0-only OR MIT",
        "Unlicense/MIT",
        "(MIT OR GPL-2.0) AND Unicode-3.0",
        "MIT AND ISC",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert_eq!(allowed(good), Some(true), "{good}");
    }
    for bad in [
        "GPL-3.0-only",
        "MIT AND GPL-2.0",
        "MPL-2.0",
        "LGPL-2.1 OR GPL-2.0",
        "MIT AND (ISC AND AGPL-3.0)",
        "Apache-2.0 WITH other",
    ] {
        assert_eq!(allowed(bad), Some(false), "{bad}");
    }
    for none in ["", "MIT OR", "OR MIT", "(MIT", "MIT)", "MIT ISC", "MIT WITH"] {
        assert_eq!(allowed(none), None, "{none}");
    }
}
