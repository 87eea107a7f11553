//! Any bytes, and domain XML that was cut off or changed anywhere: read, or refused with a message, and never a panic.

use std::fs;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use timers::Moment;
use timers::zone::{Zone, default_zones};
use xenclock::convert::{Format, convert};
use xenclock::diag::render;
use xenclock::xml;

use crate::common::own_xml;
use crate::wrong_xml::{MEMORY, NAME, OS};

/// Reads and converts an input as the command does, within this process; the first thing wrong with it as it is said.
fn read_and_convert(bytes: &[u8]) -> Option<String> {
    let zones = default_zones();
    let now: DateTime<Utc> = crate::common::NOW.parse().unwrap();
    let at = Moment { now, host_zone: &Zone::utc(), zones: &*zones };
    let read = xml::read("guest.xml", bytes).and_then(|mut input| {
        convert(&mut input.clone(), Format::Json, &at)?;
        let written = convert(&mut input, Format::Xl, &at);
        for loss in input.report.losses() {
            let said = render::human(&loss, input.report.source());
            assert!(said.starts_with("guest.xml:"), "{said}");
        }
        written
    });
    read.err().map(|invalid| invalid.to_string())
}

#[test]
fn every_fixture_cut_off_anywhere_is_a_message() {
    for path in own_xml() {
        let whole = fs::read(&path).unwrap();
        assert_eq!(read_and_convert(&whole), None, "{}", path.display());
        let end = whole.trim_ascii_end().len();
        for cut in 0..end {
            let said =
                read_and_convert(&whole[..cut]).unwrap_or_else(|| panic!("{} cut at {cut}", path.display()));
            assert!(said.starts_with("guest.xml:") && said.contains(": invalid: "), "{said}");
        }
    }
}

/// Pieces of which inputs are made that come a good way.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words = vec![
        "<",
        ">",
        "/>",
        "</",
        "'",
        "\"",
        "=",
        "&",
        ";",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "?>",
        "<!DOCTYPE",
        " ",
        "\n",
        "domain",
        "name",
        "memory",
        "os",
        "type",
        "clock",
        "timer",
        "devices",
        "disk",
        "unit",
        "offset",
        "&#x",
        "&lt;",
        "\u{feff}",
        "ü",
        NAME,
        MEMORY,
        OS,
        "<domain>",
        "</domain>",
        "<clock offset='variable' adjustment='1'>",
        "</clock>",
        "<timer name='rtc'/>",
        "<devices>",
        "</devices>",
        "18446744073709551616",
        "-1",
        "<interface type='bridge'/>",
        "<graphics type='vnc'/>",
    ];
    let word = prop_oneof![
        8 => proptest::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => any::<Vec<u8>>(),
    ];
    proptest::collection::vec(word, 0..30).prop_map(|words| words.concat())
}

/// One of our fixtures with some places of it overwritten, taken out or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let fixtures: Vec<Vec<u8>> = own_xml().iter().map(|path| fs::read(path).unwrap()).collect();
    let change =
        (any::<prop::sample::Index>(), 0_usize..40, prop_oneof![pieces(), Just(Vec::new())], any::<bool>());
    (proptest::sample::select(fixtures), proptest::collection::vec(change, 1..4)).prop_map(
        |(mut bytes, changes)| {
            for (at, length, new, double) in changes {
                let at = at.index(bytes.len() + 1);
                let end = (at + length).min(bytes.len());
                let new = if double { bytes[at..end].repeat(2) } else { new };
                bytes.splice(at..end, new);
            }
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop_oneof![any::<Vec<u8>>(), pieces()]) {
        read_and_convert(&bytes);
    }

    #[test]
    fn no_change_of_a_fixture_makes_it_panic(bytes in mutated()) {
        read_and_convert(&bytes);
    }
}
