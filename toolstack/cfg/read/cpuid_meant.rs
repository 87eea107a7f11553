//! The settings of `cpuid` that are meant by texts in the forms of other tools: `+invtsc`, `host:vmx=0`.

use super::cpuid_names;
use super::nearest;
use crate::diag::number::{Unit, meant};
use crate::domain::libvirt::FEATURE_POLICIES;

/// Names of Linux and of other tools, with libxl's.
const OTHER_NAMES: [(&str, &str); 5] = [
    ("constant_tsc", "invtsc"),
    ("nonstop_tsc", "invtsc"),
    ("invariant_tsc", "invtsc"),
    ("tsc_deadline_timer", "tsc-deadline"),
    ("lahf_lm", "lahfsahf"),
];

/// The remedy for a word that is no field.
pub const NO_MODELS: &str =
    "remove it: libxl has no CPU models, only single fields, as in \"host,avx512f=0\"";

/// The bit that a value stands for.
pub fn flag(value: &str) -> Option<i64> {
    let policy = FEATURE_POLICIES.iter().find(|(policy, _)| policy.eq_ignore_ascii_case(value));
    policy.and_then(|(_, wish)| *wish).map(i64::from).or_else(|| meant(value, Unit::Flag))
}

/// A text with more settings is left as it is.
const MOST: usize = 100;

/// libxl's name of a field.
fn name(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    let other = OTHER_NAMES.iter().find(|(name, _)| *name == lower).map(|(_, known)| *known);
    let known = cpuid_names::find(other.unwrap_or(&lower)).map(|field| field.name);
    known.or_else(|| nearest(&lower, cpuid_names::names()))
}

/// The setting that a word stands for: a field with a value, or with a sign before it, or alone.
pub fn setting(word: &str) -> Option<String> {
    let (field, value) = word.split_once('=').map_or((word, None), |(field, value)| (field, Some(value)));
    let field = field.trim();
    let (field, sign) = match (field.strip_prefix(['+', '!']), field.strip_prefix(['-', '~', '^'])) {
        (Some(field), _) if !word.starts_with('!') => (field, "1"),
        (Some(field), _) | (_, Some(field)) => (field, "0"),
        (None, None) => (field, "1"),
    };
    let value = match value.map(str::trim) {
        None => sign.to_owned(),
        Some(value) => flag(value).map_or_else(|| value.to_owned(), |flag| flag.to_string()),
    };
    (!value.is_empty()).then_some(format!("{}={value}", name(field)?))
}

/// The value of the key for a text that names fields; `None` where a part of it is none.
pub fn whole(text: &str) -> Option<String> {
    let text = text.trim().strip_prefix("host").map_or(text, |rest| rest.trim_start_matches([':', ' ']));
    let parts: Vec<_> = text.split([',', ' ']).filter(|part| !part.is_empty()).take(MOST + 1).collect();
    if parts.len() > MOST {
        return None;
    }
    let settings: Option<Vec<_>> = parts.into_iter().map(setting).collect();
    settings.filter(|settings| !settings.is_empty()).map(|settings| format!("host,{}", settings.join(",")))
}

/// The setting for a key of a file that is the name of a bit.
pub fn of_key(key: &str, value: &str) -> Option<String> {
    let is_other = OTHER_NAMES.iter().any(|(name, _)| *name == key);
    let is_bit = cpuid_names::find(key).is_some_and(|field| field.length == 1);
    let flag = meant(value, Unit::Flag).or_else(|| meant(value, Unit::Plain))?;
    ((is_other || is_bit) && matches!(flag, 0 | 1)).then(|| Some(format!("{}={flag}", name(key)?))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_forms_are_understood() {
        let table = [
            ("host,+invtsc", Some("host,invtsc=1")),
            ("host:invtsc=1", Some("host,invtsc=1")),
            ("+invtsc,-vmx", Some("host,invtsc=1,vmx=0")),
            ("constant_tsc", Some("host,invtsc=1")),
            ("host,invtsc=on", Some("host,invtsc=1")),
            ("host", None),
            ("host,nonsense=1", None),
        ];
        for (text, expected) in table {
            assert_eq!(whole(text).as_deref(), expected, "{text}");
        }
        assert_eq!(of_key("invtsc", "1").as_deref(), Some("invtsc=1"));
        assert_eq!(of_key("model", "1"), None);
    }
}
