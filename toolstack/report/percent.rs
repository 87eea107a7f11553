//! File names as URIs.

/// A file's name as a URI reference (RFC 3986): relative where the name is, else with the scheme `file`.
#[must_use]
pub(super) fn uri(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    if name.starts_with('/') {
        out.push_str("file://");
    }
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn names_are_percent_encoded() {
        for (name, expected) in [
            ("guest.xml", "guest.xml"),
            ("/etc/xen/a b.cfg", "file:///etc/xen/a%20b.cfg"),
            ("vm:1/ü#?.xml", "vm%3A1/%C3%BC%23%3F.xml"),
            ("50%.cfg", "50%25.cfg"),
        ] {
            assert_eq!(uri(name), expected);
        }
    }
}
