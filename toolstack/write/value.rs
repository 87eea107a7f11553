//! Values of an xl.cfg, in the syntax of xl's lexer.
//!
//! The grammar is that of `libxlu_cfg_l.l`: a number has no sign, everything else is quoted.

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
    /// The value as it stands behind `=`.
    #[must_use]
    pub fn written(&self) -> String {
        match self {
            Value::Number(number) => number.to_string(),
            Value::Text(text) => quoted(text),
            Value::List(items) if items.len() > 1 => {
                let lines: String = items.iter().map(|item| format!("    {},\n", item.written())).collect();
                format!("[\n{lines}]")
            }
            Value::List(items) | Value::Line(items) => {
                let items: Vec<_> = items.iter().map(Value::written).collect();
                format!("[ {} ]", items.join(", "))
            }
        }
    }
}

/// A string in double quotes, with the escapes that xl's lexer undoes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
