//! The rooms of the code import only from the rooms given in the table of docs/design.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::graph::{Modules, circles};
use crate::{modules, root};

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// The room of a file, as the table names it.
fn room(file: &Path) -> String {
    let mut parts = file.iter().map(|part| part.to_string_lossy().into_owned());
    match parts.next().as_deref() {
        Some("toolstack") => parts.next().unwrap().trim_end_matches(".rs").to_owned(),
        other => other.unwrap().to_owned(),
    }
}

/// The table: each room, and the rooms that it takes names from.
fn table() -> Arrows {
    let text = fs::read_to_string(root().join("docs/design.md")).unwrap();
    let rows = text.lines().skip_while(|line| *line != "| module | contents | imports from |").skip(2);
    let cells = rows.take_while(|row| row.starts_with('|')).map(|row| row.split('|').collect::<Vec<_>>());
    let names = |cell: &str| -> Vec<String> {
        let quoted = cell.split('`').skip(1).step_by(2);
        quoted.map(|name| name.trim_end_matches('/').to_owned()).collect()
    };
    cells.map(|cells| (names(cells[1]).remove(0), names(cells[3]).into_iter().collect())).collect()
}

/// Writes the arrows that there are into the table.
fn bless(arrows: &Arrows) {
    let path = root().join("docs/design.md");
    let text = fs::read_to_string(&path).unwrap();
    let row = |line: &str| {
        let (cells, room) = (line.split('|').collect::<Vec<_>>(), line.split('`').nth(1)?);
        let arrows = arrows.get(room.trim_end_matches('/')).filter(|_| cells.len() == 5)?;
        let names: Vec<_> = arrows.iter().map(|room| format!("`{room}`")).collect();
        Some(format!("|{}|{}| {} |", cells[1], cells[2], names.join(", ")))
    };
    let lines: Vec<_> = text.lines().map(|line| row(line).unwrap_or_else(|| line.to_owned())).collect();
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

#[test]
fn rooms_take_names_from_each_other_as_the_design_says() {
    let mut arrows = Arrows::new();
    let mut ties: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (from, to) in modules().graph() {
        // They only start what the others are.
        if from.ends_with("main.rs") || from.ends_with("toolstack/lib.rs") {
            continue;
        }
        let here = room(&from);
        arrows.entry(here.clone()).or_default();
        for (to, names) in to {
            let there = room(&to);
            if here != there {
                arrows.entry(here.clone()).or_default().insert(there.clone());
                ties.entry((here.clone(), there)).or_default().push(format!("{}: {names:?}", from.display()));
            }
        }
    }
    if std::env::var_os("XENCLOCK_BLESS").is_some() {
        bless(&arrows);
    }
    let table = table();
    assert!(table.len() > 10, "docs/design.md has no table of modules");
    let mut wrong = Vec::new();
    for ((from, to), names) in &ties {
        if !table.get(from).is_some_and(|allowed| allowed.contains(to)) {
            wrong.push(format!("{from} imports from {to}:\n  {}", names.join("\n  ")));
        }
    }
    for (room, allowed) in &table {
        match arrows.get(room) {
            None => wrong.push(format!("there is no module {room}")),
            Some(there) => {
                wrong.extend(allowed.difference(there).map(|to| format!("{room} imports nothing from {to}")))
            }
        }
    }
    wrong.extend(
        arrows.keys().filter(|room| !table.contains_key(*room)).map(|room| format!("a new module: {room}")),
    );
    assert!(
        wrong.is_empty(),
        "other than in docs/design.md (XENCLOCK_BLESS=1 cargo test --test architecture writes the arrows there):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let modules = modules();
    assert!(modules.files().len() > 150, "{} files", modules.files().len());
    let circles = circles(&modules.graph());
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn rooms_are_not_tied_in_a_circle() {
    let mut left = table();
    while let Some(free) = left.iter().find(|(_, to)| to.is_empty()).map(|(room, _)| room.clone()) {
        left.remove(&free);
        for to in left.values_mut() {
            to.remove(&free);
        }
    }
    assert!(left.is_empty(), "{left:?}");
}

/// Writes sources, and tells the arrows between them.
fn arrows_of(files: &[(&str, &str)]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let graph = Modules::read(dir.path()).graph();
    let arrow =
        |from: &Path, to: &Path| format!("{} {}", from.display(), to.display()).replace("toolstack/", "");
    graph.iter().flat_map(|(from, to)| to.keys().map(move |to| arrow(from, to))).collect()
}

#[test]
fn names_are_followed_to_where_they_are_defined() {
    let files = |user: &'static str| {
        [
            ("toolstack/lib.rs", "pub mod a; pub mod b; pub mod c; mod user;"),
            ("toolstack/a.rs", "pub struct A; pub enum Kind { One }"),
            (
                "toolstack/b/mod.rs",
                "mod inside; pub use inside::Inside; pub use crate::a::*; pub fn own() {}",
            ),
            ("toolstack/b/inside.rs", "pub struct Inside;"),
            ("toolstack/c.rs", "pub fn c() {}"),
            ("toolstack/user.rs", user),
        ]
    };
    for (user, arrows) in [
        ("use crate::a::A;", &["user.rs a.rs"][..]),
        ("use crate::b::Inside;", &["user.rs b/inside.rs"]),
        ("use crate::b::{own, A as Other};", &["user.rs a.rs", "user.rs b/mod.rs"]),
        ("use super::{b::{self}, c}; fn f() { b::own(); c::c() }", &["user.rs b/mod.rs", "user.rs c.rs"]),
        ("fn f() { g(\"crate::a::A\", crate::c::c()) } // crate::a", &["user.rs c.rs"]),
        ("use crate::a; fn f() -> a::Kind { vec![a::Kind::One] }", &["user.rs a.rs"]),
        (
            "#[cfg(test)] mod tests { use crate::a::A; } #[cfg(test)] use crate::b::own; use crate::c::c;",
            &["user.rs c.rs"],
        ),
        (
            "mod nested { use super::super::a::A; } use std::fmt; fn f(x: fmt::Error) { x.c() }",
            &["user.rs a.rs"],
        ),
        ("pub use crate::a::A;", &[]),
    ] {
        assert_eq!(arrows_of(&files(user)), arrows, "{user}");
    }
}

#[test]
fn a_circle_is_found() {
    let circle = [
        ("toolstack/lib.rs", "mod a; mod b; mod c;"),
        ("toolstack/a.rs", "use crate::b::B; pub struct A;"),
        ("toolstack/b.rs", "pub struct B(super::a::A);"),
        ("toolstack/c.rs", "use crate::a::A;"),
    ];
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("toolstack")).unwrap();
    for (name, text) in circle {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let found = circles(&Modules::read(dir.path()).graph());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].iter().map(|file| file.to_string_lossy()).eq(["toolstack/a.rs", "toolstack/b.rs"]));
}
