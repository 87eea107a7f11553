//! Bytes in JSON: as a string if they are text, otherwise in hexadecimal.

use std::fmt::Write;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Bytes that are readable in the state file where they can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Blob(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Written {
    Text(String),
    Hex(String),
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match std::str::from_utf8(&self.0) {
            Ok(text) => Written::Text(text.to_owned()),
            Err(_) => Written::Hex(self.0.iter().fold(String::new(), |mut hex, byte| {
                // Writing to a string cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            })),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Text(text) => Ok(Blob(text.into_bytes())),
            Written::Hex(hex) => from_hex(&hex).map(Blob).ok_or_else(|| {
                D::Error::custom(format!("'{hex}' is not hexadecimal, expected two digits for each byte"))
            }),
        }
    }
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_stays_readable_and_everything_comes_back() {
        let cases = [
            (&b"name = \"g\"\n"[..], r#"{"text":"name = \"g\"\n"}"#),
            (&[0, 255, 16][..], r#"{"hex":"00ff10"}"#),
            (&[], r#"{"text":""}"#),
        ];
        for (bytes, json) in cases {
            let blob = Blob(bytes.to_vec());
            assert_eq!(serde_json::to_string(&blob).unwrap(), json);
            assert_eq!(serde_json::from_str::<Blob>(json).unwrap(), blob);
        }
        for bad in [r#"{"hex":"0"}"#, r#"{"hex":"0g"}"#, r#"{"hex":"é"}"#, r#"{"octal":"7"}"#, "7"] {
            assert!(serde_json::from_str::<Blob>(bad).is_err(), "{bad}");
        }
    }
}
