//! Changes the clock of a domain XML and keeps every other byte.

use timers::{Basis, ClockOffset, GuestClock, Timer, TimerName};

use crate::cfg::clock;
use crate::diag::{Diagnostic, Errors};
use crate::write::xml::{clock_element, clock_tag};
use crate::xml;
use crate::xml::tree::{NodeId, Tree};

/// Why an XML is not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The XML is wrong.
    #[error("{0}")]
    Xml(Box<Diagnostic>),
    /// A word is wrong.
    #[error("{0}")]
    Words(Errors),
    /// An XML has no place for what is asked for.
    #[error("a <clock> cannot express this setting; change the file by hand")]
    NotAsAsked,
    /// A setting that is to go is not one of a clock's.
    #[error("a clock has no setting {0} to take out; there are {known}", known = UNSET.join(", "))]
    NoSuchKey(String),
}

/// The elements that a clock follows, the nearest first.
const BEFORE: [&str; 8] = ["cpu", "features", "os", "vcpu", "currentMemory", "memory", "uuid", "name"];

/// The settings that can be taken out of a clock.
const UNSET: [&str; 10] = [
    "clock_offset",
    "clock_timezone",
    "clock_start",
    "localtime",
    "rtc_timeoffset",
    "clock_adjustment",
    "clock_basis",
    "tsc_mode",
    "clock_tsc_frequency",
    "clock_timers",
];

/// A clock without a setting, as it would be had nobody written it.
fn without(mut clock: GuestClock, key: &str) -> Result<GuestClock, EditError> {
    match key {
        "clock_offset" | "clock_timezone" | "clock_start" | "localtime" | "rtc_timeoffset" => {
            clock.offset = ClockOffset::default();
        }
        "clock_adjustment" => match &mut clock.offset {
            ClockOffset::Utc { adjustment } | ClockOffset::Localtime { adjustment } => *adjustment = None,
            ClockOffset::Variable { adjustment, .. } => *adjustment = 0,
            ClockOffset::Timezone { .. } | ClockOffset::Absolute { .. } => {}
        },
        "clock_basis" => {
            if let ClockOffset::Variable { basis, .. } = &mut clock.offset {
                *basis = Basis::Utc;
            }
        }
        "tsc_mode" => clock.timers.iter_mut().for_each(|timer| timer.mode = None),
        "clock_tsc_frequency" => clock.timers.iter_mut().for_each(|timer| timer.frequency = None),
        "clock_timers" => clock.timers.clear(),
        _ => return Err(EditError::NoSuchKey(key.to_owned())),
    }
    // A TSC of which nothing is left to say.
    clock.timers.retain(|timer| *timer != Timer::named(TimerName::Tsc));
    Ok(clock)
}

/// A domain XML with settings laid over its clock, as `clock-set` lays them over a guest's, once those of `unset` are taken
/// out of it.
///
/// # Errors
/// Where the XML or a word is wrong, and for what a `<clock>` cannot say.
pub fn edit(name: &str, bytes: &[u8], words: &[String], unset: &[String]) -> Result<Vec<u8>, EditError> {
    let input = xml::read(name, bytes).map_err(EditError::Xml)?;
    let before = &input.domain.clock;
    let kind = input.domain.config.kind();
    let left = unset.iter().try_fold(before.clone(), |clock, key| without(clock, key))?;
    let after = match words {
        [] => left,
        _ => clock::words_of_xml(&left, kind, words).map_err(EditError::Words)?.clock,
    };
    let tree = Tree::parse(name, bytes).map_err(EditError::Xml)?;
    let text = tree.source().text();
    let changed = match element(&tree, &["clock"]) {
        // The timers, with all that stands between them, stay as they are.
        Some(clock) if after.timers == before.timers => {
            let span = tree.span(clock);
            let alone = text.get(span.clone()).is_some_and(|tag| tag.ends_with("/>"));
            replaced(text, span, &clock_tag(&after, alone))
        }
        Some(clock) => {
            let span = tree.whole(clock);
            let indent = indent(text, span.start);
            replaced(text, span, clock_element(&after, indent).trim_start())
        }
        None => {
            let place = BEFORE.iter().find_map(|name| element(&tree, &[name]));
            let place = place.map(|node| tree.whole(node)).ok_or(EditError::NotAsAsked)?;
            let indent = indent(text, place.start);
            let new = format!("\n{}", clock_element(&after, indent).trim_end());
            replaced(text, place.end..place.end, &new)
        }
    };
    let mark = bytes.len() - text.len();
    let mut all = bytes.get(..mark).unwrap_or_default().to_vec();
    all.extend(changed.into_bytes());
    let read = xml::read(name, &all).map_err(EditError::Xml)?.domain;
    let same = read.clock == after && read.config == input.domain.config;
    if same { Ok(all) } else { Err(EditError::NotAsAsked) }
}

/// A child of the root.
fn element(tree: &Tree, names: &[&str]) -> Option<NodeId> {
    tree.children(tree.root()).find(|child| names.contains(&tree.name(*child)))
}

/// How deep a line is that an element begins.
fn indent(text: &str, at: usize) -> usize {
    let line = text.get(..at).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    if line.trim().is_empty() { line.len() } else { 0 }
}

fn replaced(text: &str, span: std::ops::Range<usize>, new: &str) -> String {
    let (before, after) = (text.get(..span.start), text.get(span.end..));
    [before.unwrap_or_default(), new, after.unwrap_or_default()].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HEAD: &str = "<!-- mine --><domain type='xen'>\n  <name>g</name>\n  <memory   unit='MiB'>64</memory>\n  <os><type>hvm</type></os>\n";

    fn edited(clock: &str, words: &[&str]) -> Result<String, EditError> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let xml = format!("\u{feff}{HEAD}{clock}</domain>\n");
        edit("g.xml", xml.as_bytes(), &words, &[]).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn every_other_byte_stays() {
        let timers = "\n    <timer name='rtc'  tickpolicy='catchup'/> <!-- why -->\n  ";
        let table = [
            (
                "  <clock   offset='utc'/>\n".to_owned(),
                "clock_offset=localtime",
                "  <clock offset='localtime'/>\n".to_owned(),
            ),
            (
                format!("  <clock offset='utc'>{timers}</clock>\n"),
                "clock_timezone=Europe/Berlin",
                format!("  <clock offset='timezone' timezone='Europe/Berlin'>{timers}</clock>\n"),
            ),
            (
                "  <clock offset='utc'/>\n".to_owned(),
                "clock_tsc_frequency=2400000000",
                "  <clock offset='utc'>\n    <timer name='tsc' frequency='2400000000'/>\n  </clock>\n"
                    .to_owned(),
            ),
        ];
        for (before, word, after) in table {
            let expected = format!("\u{feff}{HEAD}{after}</domain>\n");
            assert_eq!(edited(&before, &[word]).unwrap(), expected, "{word}");
        }
        let new = edited("", &["rtc_timeoffset=3600"]).unwrap();
        assert!(
            new.contains("</os>\n  <clock offset='variable' adjustment='3600' basis='utc'/>\n</domain>"),
            "{new}"
        );
    }

    #[test]
    fn what_is_no_clocks_or_wrong_is_refused() {
        for word in ["memory=64", "clock_offset=lunar", "localtime"] {
            assert!(matches!(edited("<clock offset='utc'/>", &[word]), Err(EditError::Words(_))), "{word}");
        }
        let Err(EditError::Words(errors)) = edited("", &["clock_tsc_tolerance=50"]) else { panic!() };
        assert!(errors.to_string().contains("a <clock> has no place for clock_tsc_tolerance"), "{errors}");
        assert!(matches!(edit("g.xml", b"<domain", &[], &[]), Err(EditError::Xml(_))));
    }

    #[test]
    fn what_was_set_is_taken_out_again() {
        let timers = "\n    <timer name='rtc' tickpolicy='catchup'/>\n  ";
        let table = [
            ("<clock offset='utc'/>", "clock_offset=absolute clock_start=1704067200", "clock_offset"),
            ("<clock offset='utc'/>", "clock_timezone=Europe/Berlin", "clock_timezone"),
            (
                "<clock offset='variable' adjustment='0' basis='utc'/>",
                "clock_adjustment=5",
                "clock_adjustment",
            ),
            (&*format!("<clock offset='utc'>{timers}</clock>"), "rtc_timeoffset=60", "rtc_timeoffset"),
        ];
        for (clock, words, unset) in table {
            let words: Vec<_> = words.split(' ').collect();
            let xml = edited(&format!("  {clock}\n"), &words).unwrap();
            let back = edit("g.xml", xml.as_bytes(), &[], &[unset.to_owned()]).unwrap();
            assert_eq!(String::from_utf8(back).unwrap(), format!("\u{feff}{HEAD}  {clock}\n</domain>\n"));
        }
        let unknown = edit("g.xml", format!("{HEAD}</domain>").as_bytes(), &[], &["nope".to_owned()]);
        assert!(matches!(unknown, Err(EditError::NoSuchKey(_))));
    }
}
