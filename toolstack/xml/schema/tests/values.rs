//! The values that libvirt's schema lists: a mistyped one is never taken for one of them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::names::Names;
use super::{grammar, numberless, verdicts};
use crate::diag::Diagnostic;

/// A word as a slip of the pen has it.
fn mistyped(word: &str) -> String {
    format!("{word}{}", word.chars().next_back().unwrap_or('x'))
}

#[test]
fn a_mistyped_value_has_an_answer_that_names_the_known_ones() {
    let Some(grammar) = grammar() else { return };
    let (mut seen, mut wrong, mut count) = (BTreeSet::new(), BTreeMap::new(), 0);
    grammar.ways(&mut |goal, way| {
        let (Some(attribute), Some(value)) = (&goal.attribute, &goal.value) else { return };
        let place = format!("/{}/@{attribute}", goal.path.join("/"));
        let names = Names::get();
        let below = |around, name: &String| names.child(around, name);
        let Some(element) = goal.path[1..].iter().try_fold(names.root(), below) else { return };
        let known = names.attribute(element, attribute).unwrap();
        assert!(known.may_be(value, || None), "names.txt does not have {value} of {place}");
        let typo = mistyped(value);
        // Open in another place of the schema.
        if known.may_be(&typo, || None) || !seen.insert(place.clone()) {
            return;
        }
        let document = grammar.make(way);
        let documents = document.kinds(goal).into_iter().chain([document]);
        let texts: Vec<_> = documents
            .flat_map(|document| [document.guest(goal, "kvm", "hvm"), document.guest(goal, "xen", "xen")])
            .collect();
        let (good, bad) = (format!(" {attribute}='{}'", value), format!(" {attribute}='{typo}'"));
        for text in texts.iter().filter(|text| text.contains(&good)) {
            for (at, _) in text.match_indices(&good) {
                let text = format!("{}{bad}{}", &text[..at], &text[at + good.len()..]);
                let found: Vec<_> = match verdicts(&text) {
                    Ok(found) => found,
                    Err(errors) => errors.iter().cloned().collect(),
                };
                count += 1;
                let answers = |found: &Diagnostic| {
                    let instead = found.finding.alternative.as_deref().unwrap_or_default();
                    let said = [instead, &found.finding.reason].concat().replace(&typo, "");
                    // An element of this type has none of the values.
                    let names_known = known.values(None).any(|value| said.contains(value))
                        || instead == format!("remove {attribute}=");
                    let of_it = found.node.ends_with(&format!("/@{attribute}"));
                    of_it && found.finding.reason.contains(&typo) && names_known
                };
                if found.iter().any(answers) {
                    continue;
                }
                let said = found.iter().filter(|found| numberless(&found.node) == place);
                let said: String = said.map(ToString::to_string).collect();
                wrong.entry(place.clone()).or_insert((said, text));
            }
        }
    });
    println!("{} attributes, {count} documents", seen.len());
    assert!(seen.len() > 600, "{}", seen.len());
    let list: String =
        wrong.iter().map(|(place, (said, text))| format!("{place}: {said}\n    {text}\n")).collect();
    assert!(wrong.is_empty(), "{} attributes\n{list}", wrong.len());
}
