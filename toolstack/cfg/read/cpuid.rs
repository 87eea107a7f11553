//! `cpuid`: the CPUID and MSR bits that the guest sees, by names or by registers.

use std::cell::LazyCell;

use super::book::Words;
use super::cpuid_names::{self, At, Field, Register};
use super::{Reader, cpuid_meant};
use crate::cfg::Content;
use crate::cfg::number;
use crate::diag::{Finding, MOST_SUGGESTIONS};
use crate::domain::Part;
use crate::domain::config::{CpuPolicy, CpuidLeaf, MsrPolicy};
use crate::domain::release::{Known, XenVersion};

/// libxl's mark for the end of its list and for a leaf without subleaves.
const UNUSED: u32 = u32::MAX;

/// The remedy for registers that are not those of a leaf.
const OF_REGISTERS: &str = "write it as in cpuid = [ \"0x1:ecx=x...x\" ], 32 characters a register";

impl<'a> Reader<'a> {
    pub(super) fn cpuid(&mut self) {
        let Some(found) = self.find("cpuid") else {
            return;
        };
        let mut policy = CpuPolicy::default();
        match &found.setting.value.content {
            Content::List(items) => {
                let texts = self.texts(items, found.node);
                // The names of bits go into one string.
                let names = LazyCell::new(|| {
                    let all: Vec<_> = texts.iter().map(|(words, _)| words.text).collect();
                    cpuid_meant::whole(&all.join(","))
                });
                for &(words, node) in &texts {
                    if let Err((at, reason)) = registers(&mut policy, words.text) {
                        let finding =
                            Finding::unsupported("bad-cpuid", format!("{reason}; xl ignores the rest"));
                        let instead = match &*names {
                            Some(whole) => format!("write cpuid = \"{whole}\""),
                            None => "write it as in \"0x1:ecx=x...x\", 32 characters a register".to_owned(),
                        };
                        self.book.note(node, &words.from(at), finding.instead(instead));
                    }
                }
            }
            Content::Text(_) => {
                let Some((words, node)) = self.words("cpuid") else {
                    return;
                };
                self.cpuid_names(&mut policy, words, node);
            }
        }
        self.config.b_info.cpuid = policy;
        self.book.is(Part::InvariantTsc, found.node);
    }

    fn cpuid_names(&mut self, policy: &mut CpuPolicy, words: Words<'a>, node: usize) {
        let mut parts = words.tokens(b",");
        match parts.next() {
            None => return,
            Some(first) if first.text == "host" => {}
            Some(first) => {
                let reason = "the first word is not host, and xl ignores the whole string";
                let finding = Finding::unsupported("bad-cpuid", reason);
                let instead = match cpuid_meant::whole(words.text) {
                    _ if has_registers(words.text) => {
                        match registers(&mut CpuPolicy::default(), words.text) {
                            Ok(()) => format!("write cpuid = [ \"{}\" ]", words.text),
                            Err(_) => OF_REGISTERS.to_owned(),
                        }
                    }
                    Some(whole) => format!("write cpuid = \"{whole}\""),
                    None if words.text.contains('=') => format!("write cpuid = \"host,{}\"", words.text),
                    None => cpuid_meant::NO_MODELS.to_owned(),
                };
                return self.book.note(node, &first, finding.instead(instead));
            }
        }
        let mut suggestions = MOST_SUGGESTIONS;
        for part in parts {
            let Some((name, value)) = part.split('=') else {
                let finding = Finding::unsupported("bad-cpuid", "this has no =, and xl ignores it");
                let instead = match meant(&mut suggestions, part.text) {
                    Some(setting) => format!("write {setting}"),
                    None => cpuid_meant::NO_MODELS.to_owned(),
                };
                self.book.note(node, &part, finding.instead(instead));
                continue;
            };
            let Some(field) = cpuid_names::find(name.text) else {
                let reason = format!("libxl does not know a CPUID field '{}', and xl ignores it", name.text);
                let finding = Finding::unsupported("bad-cpuid", reason);
                let finding = match meant(&mut suggestions, part.text) {
                    _ if has_registers(part.text) => finding.instead(OF_REGISTERS),
                    Some(setting) => finding.instead(format!("write {setting}")),
                    None => finding,
                };
                self.book.note(node, &part, finding);
                continue;
            };
            let since = |minor| Known { since: XenVersion { major: 4, minor }, until: None };
            if let Some(known) = cpuid_names::since(field.name).map(since)
                && !self.host.knows(|| Some(known))
            {
                self.book.note(node, &part, self.other_release(field.name, known));
                continue;
            }
            if !set(policy, &field, value.text) {
                let reason =
                    format!("'{}' is not a value of '{}', and xl ignores it", value.text, field.name);
                let finding = Finding::unsupported("bad-cpuid", reason);
                let instead = match cpuid_meant::flag(value.text).filter(|_| field.length == 1) {
                    Some(flag) => format!("write {}={flag}", field.name),
                    None => "write 0, 1, x for libxl's default or k for the host's".to_owned(),
                };
                self.book.note(node, &part, finding.instead(instead));
            }
        }
    }
}

/// True for a text with settings of registers, `eax=...` or `1:eax=...`.
fn has_registers(text: &str) -> bool {
    let name = |part: &str| Some(part.split_once('=')?.0.rsplit(':').next()?.trim().to_ascii_lowercase());
    text.split(',').filter_map(name).any(|name| ["eax", "ebx", "ecx", "edx"].contains(&name.as_str()))
}

/// The setting that a word stands for, as long as there are `left` to look for.
fn meant(left: &mut usize, word: &str) -> Option<String> {
    *left = left.checked_sub(1)?;
    cpuid_meant::setting(word)
}

/// Sets a field; whether its value is one. The leaf is there then in any case.
fn set(policy: &mut CpuPolicy, field: &Field, value: &str) -> bool {
    match field.at {
        At::Leaf { leaf, subleaf, register } => {
            set_bits(leaf_of(policy, leaf, subleaf), field, register, value)
        }
        At::Msr { index, from } => {
            let known = policy.msr.iter().position(|msr| msr.index == index);
            let known = known.unwrap_or_else(|| {
                policy.msr.push(MsrPolicy { index, policy: Some("x".repeat(64)), ..MsrPolicy::default() });
                policy.msr.len() - 1
            });
            let bit = match value {
                "0" | "1" | "x" | "k" => value,
                "s" => "k",
                _ => return false,
            };
            if let Some(bits) = &mut policy.msr[known].policy {
                put(bits, 63 - (from + field.bit) as usize, bit);
            }
            true
        }
    }
}

fn leaf_of(policy: &mut CpuPolicy, leaf: u32, subleaf: Option<u32>) -> &mut CpuidLeaf {
    let known = policy.cpuid.iter().position(|known| known.leaf == Some(leaf) && known.subleaf == subleaf);
    let known = known.unwrap_or_else(|| {
        policy.cpuid.push(CpuidLeaf { leaf: Some(leaf), subleaf, ..CpuidLeaf::default() });
        policy.cpuid.len() - 1
    });
    &mut policy.cpuid[known]
}

fn register_of(leaf: &mut CpuidLeaf, register: Register) -> &mut Option<String> {
    match register {
        Register::Eax => &mut leaf.eax,
        Register::Ebx => &mut leaf.ebx,
        Register::Ecx => &mut leaf.ecx,
        Register::Edx => &mut leaf.edx,
    }
}

fn set_bits(leaf: &mut CpuidLeaf, field: &Field, register: Register, value: &str) -> bool {
    let (number, length) = number::unsigned(value, 0);
    let bits = match value.chars().next() {
        _ if length > 0 => binary(number, field.length),
        Some(letter @ ('x' | 'k' | 's')) => letter.to_string().repeat(field.length as usize),
        _ => return false,
    };
    let all = register_of(leaf, register).get_or_insert_with(|| "x".repeat(32));
    let low = 32 - field.bit as usize;
    match field.name {
        // Both have their low four bits in one place and the others in another.
        "family" if number < 16 => {
            put(all, low - 4, bits.get(4..8).unwrap_or_default());
            put(all, 32 - 8 - 20, "00000000");
        }
        "family" => {
            put(all, low - 4, "1111");
            // The first of the eight is what there is of the number's own.
            let extended = format!("{}{}", &bits[..1], binary(number - 15, 7));
            put(all, 32 - 8 - 20, &extended);
        }
        "model" => {
            put(all, 32 - 4 - 16, bits.get(..4).unwrap_or_default());
            put(all, low - 4, bits.get(4..8).unwrap_or_default());
        }
        _ => put(all, low - field.length as usize, &bits),
    }
    true
}

/// The low bits of a number.
fn binary(number: u64, length: u32) -> String {
    (0..length).rev().map(|bit| if number >> bit & 1 == 1 { '1' } else { '0' }).collect()
}

fn put(text: &mut String, at: usize, part: &str) {
    text.replace_range(at..at + part.len(), part);
}

/// `0x1:ecx=...,edx=...`, as in xend's files; where it is wrong and how. What is before that counts.
fn registers(policy: &mut CpuPolicy, text: &str) -> Result<(), (usize, &'static str)> {
    let (leaf, length) = number::unsigned(text, 0);
    if length == 0 {
        return Err((0, "expected the number of a leaf"));
    }
    let mut at = length;
    let mut subleaf = UNUSED;
    if text[at..].starts_with(',') {
        let (number, length) = number::unsigned(&text[at + 1..], 0);
        if length == 0 {
            return Err((at + 1, "expected the number of a subleaf"));
        }
        subleaf = number as u32;
        at += 1 + length;
    }
    if !text[at..].starts_with(':') {
        return Err((at, "a : is missing"));
    }
    at += 1;
    // The number that ends libxl's list for it cannot be in the list.
    let mut unseen = CpuidLeaf::default();
    let entry = match leaf as u32 {
        UNUSED => &mut unseen,
        leaf => leaf_of(policy, leaf, Some(subleaf).filter(|subleaf| *subleaf != UNUSED)),
    };
    while at < text.len() {
        let rest = &text[at..];
        let register = match rest.as_bytes() {
            [b'e', b'a', b'x', ..] => Register::Eax,
            [b'e', b'b', b'x', ..] => Register::Ebx,
            [b'e', b'c', b'x', ..] => Register::Ecx,
            [b'e', b'd', b'x', ..] => Register::Edx,
            _ => return Err((at, "expected a register, eax to edx")),
        };
        // Whatever stands between the name and the =.
        let Some(equals) = rest.find('=') else {
            return Err((at, "expected a register, eax to edx"));
        };
        let value = &rest[equals + 1..];
        let end = value.find(',').unwrap_or(value.len());
        if end != 32 {
            return Err((at + equals + 1, "a register has exactly 32 characters"));
        }
        *register_of(entry, register) = Some(value[..end].to_owned());
        at += equals + 1 + end;
        if at < text.len() {
            at += 1;
            at += text[at..].len() - text[at..].trim_start_matches([' ', '\n']).len();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn named(words: &[(&str, &str)]) -> CpuPolicy {
        let mut policy = CpuPolicy::default();
        for (name, value) in words {
            assert!(set(&mut policy, &cpuid_names::find(name).unwrap(), value), "{name}={value}");
        }
        policy
    }

    #[test]
    fn names_are_bits_of_their_registers() {
        let policy = named(&[("tm", "0"), ("sse3", "0"), ("invtsc", "1")]);
        assert_eq!(policy.cpuid[0].edx.as_deref(), Some("xx0xxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
        assert_eq!(policy.cpuid[0].ecx.as_deref(), Some("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx0"));
        assert_eq!(policy.cpuid[1].leaf, Some(0x8000_0007));
        let policy = named(&[("family", "15"), ("model", "0x2a"), ("stepping", "7")]);
        assert_eq!(
            policy.cpuid[0].eax.as_deref(),
            Some("xxxx00000000"[..12].to_owned() + "0010xxxx111110100111").as_deref()
        );
        let policy = named(&[("family", "21")]);
        assert_eq!(policy.cpuid[0].eax.as_deref(), Some("xxxx00000110xxxxxxxx1111xxxxxxxx"));
        let policy = named(&[("rdcl-no", "1"), ("rrsba", "s")]);
        let msr = policy.msr[0].policy.as_deref().unwrap();
        assert_eq!((msr.len(), &msr[63..], &msr[44..45]), (64, "1", "k"));
        assert!(!set(&mut CpuPolicy::default(), &cpuid_names::find("sse3").unwrap(), "y"));
    }

    #[test]
    fn registers_are_taken_up_to_what_is_wrong() {
        let bits = "x".repeat(32);
        let mut policy = CpuPolicy::default();
        assert_eq!(registers(&mut policy, &format!("0x7,0:eax={bits},  edx={bits}")), Ok(()));
        assert_eq!((policy.cpuid[0].leaf, policy.cpuid[0].subleaf), (Some(7), Some(0)));
        assert!(policy.cpuid[0].edx.is_some() && policy.cpuid[0].ecx.is_none());
        for (text, at) in [("x", 0), ("1,y", 2), ("1", 1), ("1:exx=", 2), ("1:eax=01", 6), ("1:eax", 2)] {
            let mut policy = CpuPolicy::default();
            assert_eq!(registers(&mut policy, text).unwrap_err().0, at, "{text}");
        }
        let mut policy = CpuPolicy::default();
        assert_eq!(registers(&mut policy, &format!("4294967295:eax={bits}")), Ok(()));
        assert!(policy.cpuid.is_empty());
    }
}
