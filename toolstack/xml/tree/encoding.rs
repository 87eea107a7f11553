//! The encoding of a document: UTF-8, or a message that says how to convert it.

use super::{MAX_BYTES, is_utf16};
use crate::diag::{Diagnostic, Errors, Finding, Source};

/// UTF-8 with or without a byte order mark, of a bearable size.
pub(super) fn decode(name: &str, bytes: &[u8]) -> Result<String, Errors> {
    let refuse = |shown: &[u8], at: usize, finding: Finding| {
        let source = Source::new(name, String::from_utf8_lossy(shown).into_owned());
        let error = Diagnostic { place: source.place(at..at), node: String::new(), finding };
        Errors::one(error, &source)
    };
    if bytes.len() > MAX_BYTES {
        let reason = format!("the input has {} bytes, more than the {MAX_BYTES} allowed", bytes.len());
        return Err(refuse(b"", 0, Finding::invalid("xml-too-large", reason)));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let finding =
                Finding::invalid("xml-not-utf8", "a byte here is not UTF-8").instead(to_utf8(bytes));
            Err(refuse(bytes, error.valid_up_to(), finding))
        }
    }
}

/// How a file becomes UTF-8. An XML declaration that names the old encoding would be wrong of the new file.
pub(super) fn to_utf8(bytes: &[u8]) -> String {
    let declared = declared_encoding(bytes);
    let from = match &declared {
        _ if is_utf16(bytes) => "UTF-16",
        Some(declared) if !declared.to_ascii_uppercase().starts_with("UTF-") => declared,
        _ => "ISO-8859-1",
    };
    let convert = format!("convert the file, as in: iconv -f {from} -t UTF-8 FILE > NEW");
    match declared.is_some_and(|declared| !is_utf8(&declared)) {
        true => format!("{convert}; then write encoding='UTF-8' in the first line of NEW"),
        false => convert,
    }
}

/// The encoding that an XML declaration names, whatever the file is in.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head: Vec<u8> =
        bytes.iter().copied().filter(u8::is_ascii).filter(|byte| *byte != 0).take(200).collect();
    let head = String::from_utf8(head).ok()?;
    let (declaration, _) = head.split_once("<?xml")?.1.split_once("?>")?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let name = value[1..].split(quote).next()?;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_owned())
}

/// True for the encodings whose every text is UTF-8, however they are written: libxml2 takes `utf8` too.
pub(super) fn is_utf8(encoding: &str) -> bool {
    let letters: String = encoding.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
    ["utf8", "usascii", "ascii"].contains(&letters.to_ascii_lowercase().as_str())
}
