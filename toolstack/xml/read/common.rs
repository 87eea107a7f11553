//! Parts that several elements of a domain share.

use uuid::Uuid;

use super::super::cursor::{Element, Result, Value, list};
use super::super::schema::names::Names;
use crate::diag::{Finding, nearest};
use crate::domain::Defbool;

/// Sets a defbool, and says whether it was set.
pub(super) fn set(field: &mut Option<Defbool>, value: bool) {
    *field = Some(value.into());
}

/// Addresses and aliases of devices: libvirt's own bookkeeping.
pub(super) fn placed_by_xen(device: &Element<'_>) {
    for name in ["address", "alias"] {
        if let Some(child) = device.child(name) {
            child.mark_whole(&Finding::no_effect(
                "own-address",
                "libxl assigns the addresses and names of devices itself",
            ));
        }
    }
}

/// Says of settings that only an HVM guest has that they do nothing in another.
pub(super) fn hvm_only(around: &Element<'_>, names: &[&str]) {
    for setting in names.iter().flat_map(|name| around.children(name)) {
        setting.mark_whole(&Finding::no_effect("hvm-only", "only an HVM guest has it"));
    }
}

/// What is said of a word that libvirt does not know either, with the nearest that it knows; `None` of one that it knows. The
/// element at `path` has the value in an attribute, where it is of a type.
pub(super) fn unknown_word(
    value: &Value<'_>,
    path: &str,
    of_type: Option<&'static str>,
    effect: &str,
) -> Option<Finding> {
    let words = Names::get().values_at(path, value.name(), of_type);
    if words.contains(&value.text) {
        return None;
    }
    let reason = format!("libvirt does not know '{}'; {effect}", value.text);
    let finding = Finding::unsupported("unknown-value", reason);
    Some(finding.instead(match meant_by(value.text, &words) {
        Ok(word) => value.rather(word),
        Err(words) => one_of(&words),
    }))
}

/// The known word that is meant by another one, or those to choose from.
pub(super) fn meant_by<'w>(text: &str, words: &[&'w str]) -> std::result::Result<&'w str, Vec<&'w str>> {
    // A part of a word, as xhci is of qemu-xhci, tells more than its letters.
    let part = |word: &&str| word.split('-').any(|part| part.eq_ignore_ascii_case(text));
    let of_parts: Vec<_> = words.iter().copied().filter(part).collect();
    match of_parts.as_slice() {
        [word] => Ok(word),
        [] => nearest(text, words.iter().copied()).ok_or_else(|| words.to_vec()),
        _ => Err(of_parts),
    }
}

/// The remedy to write one of several words.
pub(super) fn one_of(words: &[&str]) -> String {
    match words {
        [word] => format!("write {word}"),
        _ => format!("write one of {}", list(words.iter().copied())),
    }
}

/// A UUID as libvirt reads it: 32 digits, with dashes and blanks between pairs of them.
pub(super) fn uuid(value: &Value<'_>, expected: &str) -> Result<Uuid> {
    let text = value.text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let mut digits = String::with_capacity(32);
    let mut rest = text.trim_start_matches(['-', ' ']);
    while let Some((pair, after)) = rest.split_at_checked(2) {
        digits.push_str(pair);
        rest = after.trim_start_matches(['-', ' ']);
    }
    let is_whole =
        rest.is_empty() && !text.ends_with('-') && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match Uuid::try_parse(&digits).ok().filter(|_| is_whole && digits.len() == 32) {
        Some(uuid) => Ok(uuid),
        None => {
            let mut error = value.not(expected);
            // In braces, or behind `urn:uuid:`.
            let meant = Uuid::try_parse(text).ok();
            error.finding.alternative = meant.map(|meant| format!("write {meant}").into());
            Err(error)
        }
    }
}

/// A number as libvirt reads it: hexadecimal with 0x, octal with 0.
pub(super) fn c_number(value: &Value<'_>) -> Option<u32> {
    let text = value.text;
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    }
}

/// The domain that serves a device.
pub(super) fn backend_domain(element: &Element<'_>) -> Result<String> {
    let name = element.attr("name");
    match name.filter(|name| !name.text.is_empty() && !name.text.contains([',', '=', ' '])) {
        Some(name) => Ok(name.text.to_owned()),
        None => {
            let finding =
                Finding::invalid("no-backend", "the backend domain has no name that xl.cfg can hold");
            Err(element.error(finding.instead("write <backenddomain name='NAME'/>")))
        }
    }
}

/// A path, where xl.cfg can hold it.
pub(super) fn held_by_xl(path: &Value<'_>) -> Result<String> {
    if path.text.ends_with(',') || path.text.contains('\n') {
        return Err(
            path.not("a path that xl.cfg can hold: it must not end in a comma or contain a line break")
        );
    }
    Ok(path.text.to_owned())
}
