//! The XML declaration, `<?xml version='1.0' encoding='UTF-8' standalone='yes'?>`: these, in this order.

/// A part's name, the test of its value, and the value expected.
type Part = (&'static str, fn(&str) -> bool, &'static str);

/// What a declaration may have; only the version must be there.
const PARTS: [Part; 3] = [
    ("version", is_version, "1.0"),
    ("encoding", is_encoding, "UTF-8"),
    ("standalone", |value| matches!(value, "yes" | "no"), "yes or no"),
];

/// The encoding that a declaration names, or what is wrong with it.
pub(super) fn encoding(declaration: &str) -> Result<Option<&str>, String> {
    let inside =
        declaration.strip_prefix("<?xml").and_then(|rest| rest.strip_suffix("?>")).unwrap_or_default();
    let mut rest = inside;
    let mut expected = PARTS.iter();
    let mut encoding = None;
    let mut is_first = true;
    while !rest.trim_start_matches(is_space).is_empty() {
        let (name, value, after) = part(rest)?;
        let Some((_, is_valid, example)) = expected.find(|(part, ..)| *part == name) else {
            return Err(match PARTS.iter().any(|(part, ..)| *part == name) {
                true => format!(
                    "{name} in the wrong place of the XML declaration: expected version, encoding, standalone"
                ),
                false => format!("an XML declaration has no {name}"),
            });
        };
        if is_first && name != "version" {
            break;
        }
        is_first = false;
        if !is_valid(value) {
            return Err(format!("{name} {value}, expected {example}"));
        }
        if name == "encoding" {
            encoding = Some(value);
        }
        rest = after;
    }
    if is_first {
        return Err("an XML declaration begins with version='1.0'".to_owned());
    }
    Ok(encoding)
}

/// The first `NAME='VALUE'`, and what is behind it.
fn part(text: &str) -> Result<(&str, &str, &str), String> {
    let trimmed = text.trim_start_matches(is_space);
    let name_end = trimmed.find(|c: char| c == '=' || is_space(c)).unwrap_or(trimmed.len());
    let (name, rest) = trimmed.split_at(name_end);
    if trimmed.len() == text.len() {
        return Err(format!("no white space before {name} in the XML declaration"));
    }
    let value =
        rest.trim_start_matches(is_space).strip_prefix('=').map(|rest| rest.trim_start_matches(is_space));
    let quote = value.and_then(|value| value.chars().next()).filter(|quote| matches!(quote, '"' | '\''));
    let (value, after) = value
        .zip(quote)
        .and_then(|(value, quote)| value[1..].split_once(quote))
        .ok_or_else(|| format!("{name} has no value in quotes in the XML declaration"))?;
    Ok((name, value, after))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Any 1.x, which a reader of XML 1.0 takes for 1.0.
fn is_version(value: &str) -> bool {
    value
        .strip_prefix("1.")
        .is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|c| c.is_ascii_digit()))
}

fn is_encoding(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_has_its_parts_in_order() {
        for (text, expected) in [
            ("<?xml version='1.0'?>", Ok(None)),
            ("<?xml\tversion = \"1.0\"\n?>", Ok(None)),
            ("<?xml version='1.1' encoding='UTF-8' ?>", Ok(Some("UTF-8"))),
            ("<?xml version='1.0' encoding=\"latin1\" standalone='no'?>", Ok(Some("latin1"))),
            ("<?xml version='1.0' standalone='yes'?>", Ok(None)),
            ("<?xml?>", Err("begins with version")),
            ("<?xml encoding='UTF-8'?>", Err("begins with version")),
            ("<?xml encoding='UTF-8' version='1.0'?>", Err("begins with version")),
            ("<?xml version='1.0'encoding='UTF-8'?>", Err("no white space before encoding")),
            ("<?xml version='1.0' bogus='x'?>", Err("has no bogus")),
            ("<?xml version='1.0' version='1.0'?>", Err("wrong place")),
            ("<?xml version='1.0' standalone='no' encoding='UTF-8'?>", Err("encoding in the wrong place")),
            ("<?xml version='1.0' standalone='maybe'?>", Err("standalone maybe, expected yes or no")),
            ("<?xml version='2.0'?>", Err("version 2.0, expected 1.0")),
            ("<?xml version='1.'?>", Err("expected 1.0")),
            ("<?xml version='1.0' encoding=''?>", Err("expected UTF-8")),
            ("<?xml version='1.0' encoding='8'?>", Err("expected UTF-8")),
            ("<?xml version=1.0?>", Err("version has no value in quotes")),
            ("<?xml version='1.0?>", Err("version has no value in quotes")),
            ("<?xml version?>", Err("version has no value in quotes")),
            ("<?xml version='1.0' \u{a0}?>", Err("no value in quotes")),
        ] {
            match (encoding(text), expected) {
                (Err(said), Err(part)) => assert!(said.contains(part), "{text}: {said}"),
                (found, expected) => assert_eq!(found, expected.map_err(str::to_owned), "{text}"),
            }
        }
    }
}
