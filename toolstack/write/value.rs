//! Values of an xl.cfg, in the syntax of xl's lexer.
//!
//! The grammar is that of `libxlu_cfg_l.l`: a number has no sign, everything else is quoted.

use std::fmt::Write;

use crate::domain::Defbool;

/// A value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number that xl's lexer takes: no sign.
    Number(u64),
    /// Anything else, quoted.
    Text(String),
    /// A list, an item a line when there are several.
    List(Vec<Value>),
    /// A list of short words, all on one line.
    Line(Vec<Value>),
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Value::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::Number(number.into())
    }
}

impl From<i64> for Value {
    /// A negative number is quoted: unquoted, xl's lexer refuses it.
    fn from(number: i64) -> Self {
        u64::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Number)
    }
}

impl From<Defbool> for Value {
    fn from(value: Defbool) -> Self {
        Value::Number(value.is_true().into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<&[String]> for Value {
    fn from(texts: &[String]) -> Self {
        Value::List(texts.iter().map(|text| Value::from(text.as_str())).collect())
    }
}

impl Value {
    /// Writes the value as it stands behind `=`.
    pub fn write_to(&self, out: &mut String) {
        match self {
            // Writing to a string cannot fail.
            Value::Number(number) => drop(write!(out, "{number}")),
            Value::Text(text) => quote(text, out),
            Value::List(items) if items.len() > 1 => {
                out.push_str("[\n");
                for item in items {
                    out.push_str("    ");
                    item.write_to(out);
                    out.push_str(",\n");
                }
                out.push(']');
            }
            Value::List(items) | Value::Line(items) => {
                out.push_str("[ ");
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    item.write_to(out);
                }
                out.push_str(" ]");
            }
        }
    }
}

/// Writes a string in double quotes, with the escapes that xl's lexer undoes.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\\', '\n', '\r', '\t']) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        out.push_str(match special.as_bytes()[0] {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            _ => "\\t",
        });
        rest = &special[1..];
    }
    out.push_str(rest);
    out.push('"');
}
