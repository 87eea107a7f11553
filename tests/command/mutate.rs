//! Faults put into a text: what a hand, a script or an editor does to a file, wherever it may stand.

use proptest::prelude::*;

/// One change: what is done, where, and with which word.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    kind: u8,
    place: u32,
    word: u32,
}

pub fn changes(most: usize) -> impl Strategy<Value = Vec<Change>> {
    // What breaks most files is rare, or nothing else would be seen.
    let kind = prop_oneof![12 => 3..10_u8, 6 => 14..17_u8, 3 => 0..3_u8, 3 => 10..14_u8, 1 => 17..20_u8];
    let change = (kind, any::<u32>(), any::<u32>());
    proptest::collection::vec(change.prop_map(|(kind, place, word)| Change { kind, place, word }), 0..=most)
}

/// Numbers at the limits of C's types, in each base, and some that are none.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "7",
    "8",
    "15",
    "16",
    "31",
    "32",
    "64",
    "127",
    "128",
    "255",
    "256",
    "512",
    "32767",
    "32768",
    "65535",
    "65536",
    "1048576",
    "2147483647",
    "2147483648",
    "4294967294",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999",
    "-1",
    "-2",
    "-2147483648",
    "-2147483649",
    "-9223372036854775808",
    "-9223372036854775809",
    "-18446744073709551615",
    "0x0",
    "0x7fffffff",
    "0xFFFFFFFF",
    "0X10",
    "0x",
    "0xg",
    "010",
    "0777",
    "08",
    "00",
    "017777777777",
    "+5",
    "1.5",
    "1e3",
    "1_000",
    "1M",
    "3m",
    " 4",
    "5 ",
    "\t6",
    "ff",
    "FF",
    "",
];

/// What may stand where it should not.
const ODD: &[&[u8]] = &[
    b" ",
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b"\x0b",
    b"\x0c",
    b"\0",
    b"\"",
    b"'",
    b"\\",
    b"\\n",
    b"\\x41",
    b"\\101",
    b"#",
    b";",
    b",",
    b",,",
    b"=",
    b"==",
    b"+=",
    b"+",
    b"-",
    b"[",
    b"]",
    b"[ ]",
    b":",
    b"@",
    b"/",
    b"%",
    b"!",
    b"^",
    b"*",
    b".",
    b"(",
    b"|",
    b"\xff",
    b"\xc3",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b"\x7f",
    b"\x1b",
    b"x",
    b"0",
    b"_",
    b"all",
    b"none",
    b"host",
    b"''",
    b"\"\"",
    b"\"a\"",
];

/// The texts between which a file can be cut: words, and every other byte alone.
fn tokens(text: &[u8]) -> Vec<Vec<u8>> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut tokens: Vec<Vec<u8>> = Vec::new();
    for &byte in text {
        match tokens.last_mut() {
            Some(last) if is_word(byte) && last.last().copied().is_some_and(is_word) => last.push(byte),
            _ => tokens.push(vec![byte]),
        }
    }
    tokens
}

/// A text with these changes.
pub fn mutated(text: &str, changes: &[Change]) -> Vec<u8> {
    let mut tokens = tokens(text.as_bytes());
    for change in changes {
        if tokens.is_empty() {
            break;
        }
        apply(&mut tokens, *change);
    }
    tokens.concat()
}

fn apply(tokens: &mut Vec<Vec<u8>>, Change { kind, place, word }: Change) {
    let place = place as usize % tokens.len();
    let word = word as usize;
    let odd = || ODD[word % ODD.len()].to_vec();
    let number = || NUMBERS[word % NUMBERS.len()].as_bytes().to_vec();
    // Half of all numbers go to where a number stands.
    let digits = |tokens: &[Vec<u8>]| {
        let is_number = |token: &[u8]| token.first().is_some_and(u8::is_ascii_digit);
        (0..tokens.len()).map(|step| (place + step) % tokens.len()).find(|index| is_number(&tokens[*index]))
    };
    match kind {
        0 => drop(tokens.remove(place)),
        1 => {
            let copy = tokens[place].clone();
            tokens.insert(place, copy);
        }
        2 => {
            let other = (place + 1) % tokens.len();
            tokens.swap(place, other);
        }
        3 | 4 => tokens[place] = tokens[word % tokens.len()].clone(),
        5..=8 => {
            let place = digits(tokens).unwrap_or(place);
            tokens[place] = number();
        }
        9 => tokens[place] = number(),
        10..=12 => tokens.insert(place, odd()),
        13 => tokens[place] = odd(),
        14 => {
            let token = &mut tokens[place];
            let upper = token.to_ascii_uppercase();
            *token = if upper == *token { token.to_ascii_lowercase() } else { upper };
        }
        15 => {
            let token = &mut tokens[place];
            token.remove(word % token.len().max(1));
        }
        16 => {
            let token = &mut tokens[place];
            let at = word % (token.len() + 1);
            token.insert(at, b"0a_ -=,x9"[word / 7 % 9]);
        }
        // To the whole text: line ends, quotes, assignments, the end.
        17 => replace(tokens, b"\n", [&b"\r\n"[..], b"\r", b";", b"\n\n"][word % 4]),
        18 => match word % 4 {
            0 => replace(tokens, b"'", b"\""),
            1 => replace(tokens, b"\"", b"'"),
            2 => replace(tokens, b"=", b"+="),
            _ => replace(tokens, b",", b" , "),
        },
        _ => tokens.truncate(place + 1),
    }
    // What became nothing is no place any more.
    tokens.retain(|token| !token.is_empty());
}

fn replace(tokens: &mut [Vec<u8>], old: &[u8], new: &[u8]) {
    for token in tokens.iter_mut().filter(|token| *token == old) {
        *token = new.to_vec();
    }
}
