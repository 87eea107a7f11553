//! The comments of a document.

use quick_xml::Reader;
use quick_xml::events::Event;

/// The comments of a domain XML, in its order; those in `<metadata>` go with it. None of a document that is not
/// well-formed.
#[must_use]
pub fn comments(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let mut reader = Reader::from_str(text);
    let (mut found, mut metadata) = (Vec::new(), 0_usize);
    loop {
        match reader.read_event() {
            Ok(Event::Comment(comment)) if metadata == 0 => {
                let lines: Vec<_> = comment.trim().lines().map(str::trim).collect();
                found.push(lines.join("\n"));
            }
            Ok(Event::Start(start)) if metadata > 0 || start.name().as_ref() == "metadata" => metadata += 1,
            Ok(Event::End(_)) => metadata = metadata.saturating_sub(1),
            Ok(Event::Eof) => return found,
            Err(_) => return Vec::new(),
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_found_wherever_they_stand() {
        let xml = b"<!-- one -->\n<domain><name>g</name><!--two\n    lines--><metadata><x><!-- not --></x></metadata></domain><!--three-->";
        assert_eq!(comments(xml), ["one", "two\nlines", "three"]);
        assert!(comments(b"<domain").is_empty());
        assert!(comments(b"\xff").is_empty());
    }
}
