//! The comments of a file.

use super::lex::{Kind, Lexer};

/// The comments of an xl.cfg, in its order; lines that follow each other are one.
#[must_use]
pub fn comments(bytes: &[u8]) -> Vec<String> {
    // Without its line break the last comment would be no token.
    let bytes = [bytes, b"\n"].concat();
    let mut lexer = Lexer::new(&bytes);
    let mut found: Vec<String> = Vec::new();
    let mut follows = None;
    loop {
        let token = lexer.next();
        let text = bytes.get(token.span.clone()).unwrap_or_default();
        match token.kind {
            Kind::End => return found,
            Kind::Newline if text.starts_with(b"#") => {
                let text = String::from_utf8_lossy(text);
                let text = text.trim_start_matches('#').trim();
                match found.last_mut() {
                    // Only blanks can stand between.
                    Some(last) if follows == Some(token.span.start) => {
                        last.push('\n');
                        last.push_str(text);
                    }
                    _ => found.push(text.to_owned()),
                }
                let rest = bytes.get(token.span.end..).unwrap_or_default();
                let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                follows = Some(token.span.end + blanks);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_what_stands_behind_a_hash_outside_of_quotes() {
        let file =
            b"# one\n  # and more\n\nname = '#no' # two\ncmdline = \"a#b\"\ndisk = [ 'x', # three\n]\n#four";
        assert_eq!(comments(file), ["one\nand more", "two", "three", "four"]);
        assert!(comments(b"").is_empty());
        assert!(comments(b"'open #").is_empty());
    }
}
