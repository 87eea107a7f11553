//! Files that are right, nearly right and wrong.

use super::*;

type Text = BoxedStrategy<String>;

fn one_of(words: &'static [&'static str]) -> Text {
    select(words).prop_map(str::to_owned).boxed()
}

fn key() -> Text {
    one_of(&[
        "name",
        "boot",
        "vncpasswd",
        "keymap",
        "device_model_args_hvm",
        "rtc_timeoffset",
        "localtime",
        "clock_offset",
        "a.b_1",
    ])
}

fn string() -> Text {
    let piece = one_of(&[
        "a", "Z", "0", "7", "ü", "🕰", "#", "=", "[", "]", ";", ",", " ", "\t", "\\n", "\\\\", "\\\"", "\\'",
        "\\t", "\\a", "\\v", "\\123", "\\0 +5", "\\12", "\\1", "\\8", "\\x41", "\\z", "'", "\"", "0x",
        "-3600", "+",
    ]);
    (one_of(&["\"", "'"]), proptest::collection::vec(piece, 0..5))
        .prop_map(|(quote, pieces)| {
            let other = if quote == "'" { "\"" } else { "'" };
            format!(
                "{quote}{}{quote}",
                pieces.concat().replace(&format!("\\{quote}"), other).replace(&quote, other)
            )
        })
        .boxed()
}

fn atom() -> Text {
    let number =
        one_of(&["0", "1", "3600", "0x10", "010", "08", "1fx", "4294963696", "99999999999999999999"]);
    prop_oneof![2 => string(), 1 => number].boxed()
}

fn gap() -> Text {
    prop_oneof![
        6 => one_of(&["", " ", "\t "]),
        1 => one_of(&["\n", "\n\n", " # c '\"\n", "#\n"]),
    ]
    .boxed()
}

fn value() -> Text {
    atom()
        .prop_recursive(2, 8, 3, |inner| {
            (proptest::collection::vec((gap(), inner, gap()), 0..4), gap(), any::<bool>())
                .prop_map(|(items, end, comma)| {
                    let items: Vec<_> =
                        items.into_iter().map(|(before, item, after)| before + &item + &after).collect();
                    let comma = if comma && !items.is_empty() { "," } else { "" };
                    format!("[{}{comma}{end}]", items.join(","))
                })
                .boxed()
        })
        .boxed()
}

fn setting() -> Text {
    (key(), one_of(&[" = ", "=", "\t=", " += ", "+="]), value())
        .prop_map(|(key, assign, value)| key + &assign + &value)
        .boxed()
}

fn end() -> Text {
    one_of(&["\n", "\n", "\n", ";", "; ;", " # comment\n", "\n\n"])
}

/// Something between settings that may be wrong.
fn odd() -> Text {
    prop_oneof![
        8 => Just(String::new()),
        1 => one_of(&[
            "-", "+", "A", "\r", "#", "\"", "'", "(", ".", "-1", "yes", "5", "=", "+=", "[", "]", ",", ";", "\0",
            "#\0\n", "\"\0\"", "\u{feff}", "ä", " ", "\t", "x", "'''a'''",
        ]),
    ]
    .boxed()
}

/// A file of an HVM guest, with a name that later settings may change.
pub fn file() -> impl Strategy<Value = String> {
    let settings = proptest::collection::vec((setting(), odd(), end(), odd()), 0..5);
    (odd(), settings, odd(), any::<bool>()).prop_map(|(start, settings, last, cut)| {
        let settings: String = settings.into_iter().map(|(a, b, c, d)| a + &b + &c + &d).collect();
        let text = format!("{start}type='hvm'\nname='base'\n{settings}{last}");
        if cut { text.trim_end_matches('\n').to_owned() } else { text }
    })
}

/// The clock's plain keys, with values that xl takes and such that it does not.
pub fn plain_clock() -> impl Strategy<Value = String> {
    let setting = prop_oneof![
        (one_of(&["localtime", "rtc_timeoffset", "hpet"]), atom())
            .prop_map(|(key, value)| format!("{key} = {value}\n")),
        any::<i32>().prop_map(|seconds| format!("rtc_timeoffset = \"{seconds}\"\n")),
        one_of(&["\"default\"", "\"NATIVE\"", "\"always_emulate\"", "0", "\"2\"", "9", "\"x\"", "[ ]"])
            .prop_map(|value| format!("tsc_mode = {value}\n")),
        one_of(&["\"delay_for_missed_ticks\"", "\"one_missed_tick_pending\"", "1", "2", "8", "\"y\""])
            .prop_map(|value| format!("timer_mode = {value}\n")),
        one_of(&[
            "1",
            "[ \"all\" ]",
            "[ \"base\", \"time_ref_count\", \"Reference_TSC\" ]",
            "[ \"defaults\" ]"
        ])
        .prop_map(|value| format!("viridian = {value}\n")),
    ];
    let head = one_of(&[
        "type = 'hvm'\n",
        "type = 'pvh'\nkernel = '/k'\n",
        "kernel = '/k'\n",
        "builder = 'hvm'\n",
        "type = 'h'\n",
    ]);
    (head, proptest::collection::vec(setting, 0..4))
        .prop_map(|(head, settings)| format!("name = 'guest'\n{head}{}", settings.concat()))
}
