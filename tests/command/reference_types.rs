//! docs/reference.md lists every field that the types of the `--json` outputs declare, whether or not a test prints it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::common::root;
use crate::reference::{NOT_FOLLOWED, rows};

/// The outputs that print a type as it is, with the field in which it stands.
const PRINTED: [(&str, &str, &str); 6] = [
    ("## `clock-show --json`", "", "ClockView"),
    ("## `clock-list --json`", "", "ClockView"),
    ("## `host-info --json`", "", "HostReport"),
    ("## `clock-set --json`", "", "ClockRecord"),
    ("## `preflight --json`", "moves", "Foresight"),
    ("## `preflight --json`", "pool", "Recommendation"),
];

/// A field in JSON, with the types that its own type names.
#[derive(Debug)]
struct Field {
    name: String,
    types: Vec<String>,
}

/// The structs of a folder that are written as JSON objects, by their name; two of the same name are in different files.
#[derive(Debug, Default)]
struct Types(BTreeMap<String, Vec<(String, Vec<Field>)>>);

impl Types {
    fn read(&mut self, dir: &Path) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.read(&path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                self.structs_in(&path.to_string_lossy(), &fs::read_to_string(&path).unwrap());
            }
        }
    }

    fn structs_in(&mut self, file: &str, text: &str) {
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (at, _) in text.match_indices("pub struct ") {
            let rest = &text[at + "pub struct ".len()..];
            let Some((name, body)) = rest.split_once(" {\n") else { continue };
            let is_name = !name.is_empty() && name.chars().all(char::is_alphanumeric);
            // Its attributes stand above it, after its doc comment.
            let before = &text[..at];
            let attributes = before.lines().rev().take_while(|line| line.starts_with('#'));
            if is_name
                && attributes
                    .filter(|line| line.starts_with("#[derive("))
                    .any(|line| line.contains("Serialize"))
            {
                let fields = fields_in(body.split("\n}\n").next().unwrap_or_default());
                self.0.entry(name.to_owned()).or_default().push((file.to_owned(), fields));
            }
        }
    }

    /// The fields below a type, of which the nearest counts where two have its name.
    fn below(&self, file: &str, name: &str, before: &str, found: &mut BTreeSet<String>) {
        let Some(all) = self.0.get(name) else { return };
        let dir = |file: &str| file.rsplit_once('/').map(|(dir, _)| dir.to_owned());
        let near = all.iter().find(|(of, _)| of == file).or(all.iter().find(|(of, _)| dir(of) == dir(file)));
        let near = near.or(all.first().filter(|_| all.len() == 1));
        let (file, fields) = near.unwrap_or_else(|| panic!("{name} in {file} is one of {all:?}"));
        for field in fields {
            let path =
                if before.is_empty() { field.name.clone() } else { format!("{before}.{}", field.name) };
            if !NOT_FOLLOWED.contains(&field.name.as_str()) {
                field.types.iter().for_each(|name| self.below(file, name, &path, found));
            }
            found.insert(path);
        }
    }
}

/// The fields of a struct's body that serde writes.
fn fields_in(body: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut attributes = String::new();
    for line in body.lines().map(str::trim) {
        if line.starts_with('#') {
            attributes.push_str(line);
        } else if !line.starts_with("//")
            && let Some((name, of)) = line.split_once(": ")
        {
            let name = name.strip_prefix("pub ").unwrap_or(name);
            let renamed = attributes.split("rename = \"").nth(1).and_then(|rest| rest.split('"').next());
            if !attributes.contains("serde(skip)") {
                let types = of.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
                let name = renamed.unwrap_or(name).to_owned();
                fields.push(Field { name, types: types.map(str::to_owned).collect() });
            }
            attributes.clear();
        }
    }
    fields
}

#[test]
fn the_reference_has_every_field_that_is_declared() {
    let mut types = Types::default();
    types.read(&root().join("toolstack"));
    types.read(&root().join("timers/src"));
    let document = fs::read_to_string(root().join("docs/reference.md")).unwrap();
    let mut missing = Vec::new();
    for (heading, before, name) in PRINTED {
        let mut declared = BTreeSet::new();
        types.below("", name, before, &mut declared);
        assert!(declared.len() > 4, "{name}: {declared:?}");
        let listed: BTreeSet<_> = rows(&document, heading).into_iter().map(|(name, _)| name).collect();
        missing.extend(declared.difference(&listed).map(|field| format!("{heading}: {field}")));
    }
    assert!(missing.is_empty(), "not in docs/reference.md:\n{}", missing.join("\n"));
}
