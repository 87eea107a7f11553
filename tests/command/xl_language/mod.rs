//! xl.cfg files made from the language's own grammar: right, nearly right and wrong.

mod devices;
mod lists;
mod settings;
mod values;

use proptest::prelude::*;

use self::lists::list_keys;
use self::settings::{simple_keys, word_keys};
use self::values::{Text, one_of};

/// Something between settings that may be wrong.
fn odd() -> Text {
    prop_oneof![
        60 => Just(String::new()),
        1 => one_of(&["-", "A", "\r", "#", "\"", "(", "-1", "yes", "5", "=", "[", "]", ",", ";", " ", "x", "# c\n"]),
    ]
    .boxed()
}

fn end() -> Text {
    one_of(&["\n", "\n", "\n", "\n", ";", " # comment\n", "\n\n"])
}

/// A whole file.
pub fn file() -> impl Strategy<Value = String> {
    let setting = prop_oneof![4 => simple_keys(), 3 => word_keys(), 4 => list_keys()];
    let settings = proptest::collection::vec((setting, odd(), end()), 0..6);
    let head = prop_oneof![
        10 => one_of(&[
            "type='hvm'\nname='guest'\nmemory=64\nvcpus=2\n",
            "type='hvm'\nname='guest'\n",
            "type='pv'\nname='guest'\nkernel='/k'\nvcpus=4\nmaxvcpus=8\n",
            "type='pvh'\nname='guest'\nkernel='/k'\nmemory=64\nvcpus=1\n",
            "name='guest'\nbootloader='pygrub'\nmemory=64\n",
        ]),
        1 => one_of(&[
            "", "type='hvm'\n", "name='guest'\n", "builder='hvm'\nname='guest'\n", "builder='generic'\ntype='hvm'\nname='g'\n",
            "type='h'\nname='guest'\n", "type=''\nname='g'\n", "type='x'\nname='g'\n", "type='pvh'\nname='g'\n",
        ]),
    ];
    (head, settings, any::<bool>()).prop_map(|(head, settings, cut)| {
        let settings: String = settings.into_iter().map(|(a, b, c)| a + &b + &c).collect();
        let text = head + &settings;
        if cut { text.trim_end_matches('\n').to_owned() } else { text }
    })
}
