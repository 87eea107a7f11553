//! The values of settings: numbers, texts, words and lists, in every spelling.

use proptest::prelude::*;
use proptest::sample::select;

pub type Text = BoxedStrategy<String>;

pub fn one_of(words: &'static [&'static str]) -> Text {
    select(words).prop_map(str::to_owned).boxed()
}

/// A number as a file has it; now and then none.
pub(super) fn number() -> Text {
    prop_oneof![
        8 => one_of(&["0", "1", "2", "3", "4", "16", "64", "512", "1024"]),
        2 => one_of(&["\"1\"", "'0'", "\"2\"", "\"-1\"", "\"-3600\"", "010", "0x10", "\" 7\""]),
        1 => one_of(&[
            "4294967296", "99999999999999999999", "\"4294967295\"", "\"-9223372036854775808\"", "08", "\"\"", "\"yes\"",
            "\"1 \"", "\"1M\"", "[ ]", "[ 1 ]", "\"+5\"", "\"0x\"",
        ]),
    ]
    .boxed()
}

pub(super) fn quoted(text: Text) -> Text {
    (text, any::<bool>())
        .prop_map(
            |(text, double)| {
                if double && !text.contains('"') { format!("\"{text}\"") } else { format!("'{text}'") }
            },
        )
        .boxed()
}

pub(super) fn text() -> Text {
    let word = one_of(&[
        "",
        "a",
        "guest",
        "/srv/x",
        "x y",
        "root=/dev/xvda1 ro",
        "unknown",
        "default",
        "none",
        "0",
        "127.0.0.1",
        "ü",
        "a,b",
        "a=b",
        ":1",
        "::1",
        "hvmloader",
        "/usr/lib/xen/boot/hvmloader",
        "pygrub",
        "#",
        "\\n",
        "\\\\",
    ]);
    prop_oneof![12 => quoted(word), 1 => one_of(&["5", "[ ]", "[ 'a' ]"])].boxed()
}

/// One of a key's own words, in some spelling, or another.
pub(super) fn word(words: &'static [&'static str]) -> Text {
    let own = (select(words), 0..10_u8).prop_map(|(word, spelling)| match spelling {
        0 => word.to_uppercase(),
        1 => word.chars().take(2).collect(),
        2 => format!("{word} "),
        _ => word.to_owned(),
    });
    prop_oneof![10 => quoted(own.boxed()), 2 => number(), 1 => text()].boxed()
}

/// A list of texts, now and then with something else in it.
pub(super) fn list(item: Text, most: usize) -> Text {
    let item = prop_oneof![30 => quoted(item), 1 => one_of(&["5", "[ 'a' ]", "''"])];
    let items = proptest::collection::vec(item, 0..=most);
    let whole = (items, any::<bool>()).prop_map(|(items, comma)| {
        let comma = if comma && !items.is_empty() { "," } else { "" };
        format!("[ {}{comma} ]", items.join(", "))
    });
    prop_oneof![20 => whole, 1 => text()].boxed()
}

/// Words between commas.
pub(super) fn words(word: Text, most: usize) -> Text {
    (proptest::collection::vec((one_of(&["", "", "", "", " "]), word), 0..=most), 0..12_u8)
        .prop_map(|(words, end)| {
            let words: Vec<_> = words.into_iter().map(|(gap, word)| gap + &word).collect();
            let end = if end == 0 { "," } else { "" };
            words.join(if end.is_empty() { "," } else { ",," }) + end
        })
        .boxed()
}

pub(super) fn pairs(keys: &'static [&'static str], values: Text, most: usize) -> Text {
    let pair = (select(keys), values, 0..20_u8).prop_map(|(key, value, odd)| match odd {
        0 => key.to_owned(),
        1 => format!("{key}={value}=x"),
        2 => format!("{key} = {value}"),
        3 => format!("{}={value}", &key[..key.len() - 1]),
        _ => format!("{key}={value}"),
    });
    words(pair.boxed(), most)
}
