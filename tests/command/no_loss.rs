//! No silent loss: every element, attribute and text of every XML has its verdict, at its place.
//!
//! Another parser, roxmltree, counts the nodes of a document.

use std::collections::BTreeSet;
use std::path::Path;

use crate::common::{FIXED, Lab, Run, all_xml};
use roxmltree::{Document, Node};
use serde_json::Value;

/// A node of a document: line, column, and the last step of its path without a prefix and a number.
type Seen = (u64, u64, String);

/// What roxmltree finds in a document; the declarations of namespaces, of which it keeps no place, are left out.
fn independent(text: &str) -> BTreeSet<Seen> {
    let document = Document::parse(text).unwrap();
    let mut seen = BTreeSet::new();
    let mut add = |at: usize, step: String| {
        let place = document.text_pos_at(at);
        assert!(seen.insert((place.row.into(), place.col.into(), step)), "two nodes in one place");
    };
    for element in document.descendants().filter(Node::is_element) {
        add(element.range().start, element.tag_name().name().to_owned());
        for attribute in element.attributes() {
            add(attribute.range().start, format!("@{}", attribute.name()));
        }
        texts(element, &mut |at| add(at, "text()".to_owned()));
    }
    seen
}

/// The texts of an element that are more than white space. A comment or an instruction does not end a text.
fn texts(element: Node<'_, '_>, found: &mut dyn FnMut(usize)) {
    let mut within = false;
    for child in element.children() {
        let text = child.text().unwrap_or_default();
        let space = [' ', '\t', '\n', '\r'];
        if child.is_element() {
            within = false;
        } else if child.is_text() && !within && !text.trim_matches(space).is_empty() {
            within = true;
            let raw = &element.document().input_text()[child.range()];
            found(child.range().start + raw.len() - raw.trim_start_matches(space).len());
        }
    }
}

/// How many namespaces the document declares anew.
fn declarations(text: &str) -> usize {
    let document = Document::parse(text).unwrap();
    let declared = |element: Node<'_, '_>| {
        let around: Vec<_> = element.parent().into_iter().flat_map(|parent| parent.namespaces()).collect();
        element.namespaces().filter(|namespace| !around.contains(namespace)).count()
    };
    document.descendants().filter(Node::is_element).map(declared).sum()
}

fn convert(lab: &Lab, xml: &Path, diagnostics: &str) -> Run {
    let words = ["convert", "--diagnostics", diagnostics].into_iter().chain(FIXED);
    let run = lab.run(words.map(Path::new).chain([xml]));
    assert_eq!(run.code, 0, "{}: {}", xml.display(), run.err);
    run
}

/// The entries of `--diagnostics json`.
fn entries(lab: &Lab, xml: &Path) -> Vec<Value> {
    serde_json::from_str(&convert(lab, xml, "json").err).unwrap()
}

fn text<'v>(entry: &'v Value, key: &str) -> &'v str {
    entry[key].as_str().unwrap_or_default()
}

/// The last step of a path, without a prefix and a number.
fn step(path: &str) -> String {
    let last = path.rsplit_once('/').unwrap().1;
    let (name, _) = last.split_once('[').unwrap_or((last, ""));
    let (at, name) = name.strip_prefix('@').map_or(("", name), |name| ("@", name));
    format!("{at}{}", name.rsplit(':').next().unwrap())
}

fn is_declaration(entry: &Value) -> bool {
    let path = text(entry, "node");
    path.ends_with("/@xmlns") || path.contains("/@xmlns:")
}

fn is_loss(entry: &Value) -> bool {
    ["approximated", "unsupported"].contains(&text(entry, "verdict"))
}

#[test]
fn every_node_has_one_verdict_at_its_place() {
    let lab = Lab::new();
    for xml in all_xml() {
        let content = std::fs::read_to_string(&xml).unwrap();
        let (declared, others): (Vec<_>, Vec<_>) = entries(&lab, &xml).into_iter().partition(is_declaration);
        let mut seen = BTreeSet::new();
        for entry in &others {
            let place = (entry["line"].as_u64().unwrap(), entry["column"].as_u64().unwrap());
            let node = (place.0, place.1, step(text(entry, "node")));
            assert!(seen.insert(node), "{}: twice: {entry}", xml.display());
        }
        let expected = independent(&content);
        let lost: Vec<_> = expected.difference(&seen).collect();
        let made_up: Vec<_> = seen.difference(&expected).collect();
        assert!(
            lost.is_empty() && made_up.is_empty(),
            "{}: lost {lost:?}, made up {made_up:?}",
            xml.display()
        );
        assert_eq!(declared.len(), declarations(&content), "{}", xml.display());
    }
}

#[test]
fn every_verdict_but_exact_has_its_reason() {
    let lab = Lab::new();
    for xml in all_xml() {
        for entry in entries(&lab, &xml) {
            let verdict = text(&entry, "verdict");
            assert!(["exact", "no-effect", "approximated", "unsupported"].contains(&verdict), "{entry}");
            assert!(verdict == "exact" || !text(&entry, "reason").is_empty(), "{}: {entry}", xml.display());
            assert!(!text(&entry, "code").is_empty(), "{entry}");
            assert_eq!(text(&entry, "file"), xml.display().to_string());
        }
    }
}

#[test]
fn every_loss_is_said_to_people_once() {
    let lab = Lab::new();
    for xml in all_xml() {
        let entries = entries(&lab, &xml);
        let said = convert(&lab, &xml, "human").err;
        for loss in entries.iter().filter(|entry| is_loss(entry)) {
            let line = |entry: &Value| {
                let [verdict, reason, code] = ["verdict", "reason", "code"].map(|key| text(entry, key));
                format!(
                    "{}:{}:{}: {verdict}: {reason} [{code}]\n",
                    xml.display(),
                    entry["line"],
                    entry["column"]
                )
            };
            // What is in a node that is left out need not be said again.
            let is_within = |loss: &Value| {
                let around = text(loss, "node").rsplit_once('/').unwrap().0;
                entries.iter().any(|entry| {
                    text(entry, "node") == around
                        && ["verdict", "code", "reason"].iter().all(|key| entry[*key] == loss[*key])
                })
            };
            if is_within(loss) {
                continue;
            }
            // What holds at several places is said at the first, with the others.
            let same = ["verdict", "reason", "code", "alternative", "refuses_start"];
            let is_same =
                |entry: &&Value| same.iter().all(|key| entry[*key] == loss[*key]) && !is_within(entry);
            let first = entries.iter().find(is_same).unwrap();
            let times = said.matches(&line(first)).count();
            assert_eq!(times, 1, "{}: {}in\n{said}", xml.display(), line(first));
            if first != loss {
                let also = format!("{}:{}", loss["line"], loss["column"]);
                let places = said.lines().filter_map(|line| line.strip_prefix("  also at: "));
                let named =
                    |places: &str| places.split(", ").any(|place| place == also) || places.contains(" more");
                assert!(places.into_iter().any(named), "{}: {also} in\n{said}", xml.display());
            }
        }
    }
}

#[test]
fn whatever_is_lost_stops_a_strict_conversion() {
    let lab = Lab::new();
    for xml in all_xml() {
        let lossy = entries(&lab, &xml).iter().any(is_loss);
        let run =
            lab.run(["convert", "--strict"].into_iter().chain(FIXED).map(Path::new).chain([xml.as_path()]));
        assert_eq!((run.code, run.out.is_empty()), (i32::from(lossy), lossy), "{}", xml.display());
    }
}

#[test]
fn a_text_around_comments_and_instructions_is_one_text_at_its_own_place() {
    let lab = Lab::new();
    let xml = lab.write(
        "guest.xml",
        "<domain><name>\r\n <!-- one --> g<!-- two -->ue<?three?>st <!-- four -->\n</name>\u{20}\
         <memory unit='MiB'>\u{20}<![CDATA[6]]>&#52;</memory><os><type>hvm</type></os></domain>",
    );
    let found = entries(&lab, &xml);
    let name = found.iter().find(|entry| text(entry, "node") == "/domain/name/text()").unwrap();
    assert_eq!((name["line"].as_u64(), name["column"].as_u64()), (Some(2), Some(15)));
    let cfg = convert(&lab, &xml, "human").out;
    assert!(cfg.contains("name = \"guest\"\n") && cfg.contains("memory = 64\n"), "{cfg}");
}
