//! libxl's JSON, as printed by `xl create -n` and `xl list -l`: the same bytes as libxl's generator.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use crate::domain::DomainConfig;

/// The config as libxl prints it: its names, its order, four spaces a level.
///
/// # Errors
/// None that a config of this type could cause.
pub fn write(config: &DomainConfig) -> Result<String, serde_json::Error> {
    pretty(config)
}

/// Any value in the form in which libxl prints a config.
///
/// # Errors
/// When the value is none that JSON could hold.
pub fn pretty(value: &impl Serialize) -> Result<String, serde_json::Error> {
    // As long as most configs are.
    let mut out = Vec::with_capacity(4 << 10);
    value.serialize(&mut Serializer::with_formatter(&mut out, Yajl::default()))?;
    out.push(b'\n');
    String::from_utf8(out).map_err(serde::ser::Error::custom)
}

/// The layout of yajl's generator, which libxl uses: an empty list or object has an empty line within.
#[derive(Default)]
struct Yajl {
    depth: usize,
}

impl Yajl {
    fn begin<W: ?Sized + Write>(&mut self, to: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        to.write_all(bracket)?;
        to.write_all(b"\n")
    }

    fn end<W: ?Sized + Write>(&mut self, to: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        to.write_all(b"\n")?;
        self.indent(to)?;
        to.write_all(bracket)
    }

    fn next<W: ?Sized + Write>(&self, to: &mut W, first: bool) -> io::Result<()> {
        if !first {
            to.write_all(b",\n")?;
        }
        self.indent(to)
    }

    fn indent<W: ?Sized + Write>(&self, to: &mut W) -> io::Result<()> {
        (0..self.depth).try_for_each(|_| to.write_all(b"    "))
    }
}

impl Formatter for Yajl {
    fn begin_array<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.begin(to, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.end(to, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.next(to, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.begin(to, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.end(to, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.next(to, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, to: &mut W, escape: CharEscape) -> io::Result<()> {
        let escaped: &[u8] = match escape {
            CharEscape::Quote => b"\\\"",
            CharEscape::ReverseSolidus => b"\\\\",
            CharEscape::Solidus => b"/",
            CharEscape::Backspace => b"\\b",
            CharEscape::FormFeed => b"\\f",
            CharEscape::LineFeed => b"\\n",
            CharEscape::CarriageReturn => b"\\r",
            CharEscape::Tab => b"\\t",
            // yajl writes its hexadecimal digits in capitals.
            CharEscape::AsciiControl(byte) => return write!(to, "\\u{byte:04X}"),
        };
        to.write_all(escaped)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn the_layout_is_yajls() {
        let value = json!({"a": [], "b": {}, "c": [1, "x\"/\\\n\u{1b}"]});
        let text = "{\n    \"a\": [\n\n    ],\n    \"b\": {\n\n    },\n    \"c\": [\n        1,\n        \
                    \"x\\\"/\\\\\\n\\u001B\"\n    ]\n}\n";
        assert_eq!(pretty(&value).unwrap(), text);
    }
}
