//! Rust's tokens, as far as paths need them: words, signs and groups. Comments are left out, literals count as a sign.

/// One token, or what stands between two brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A name or keyword.
    Word(String),
    /// Any other character; `"` for a literal.
    Sign(char),
    /// What stands between brackets, and the opening one.
    Group(char, Vec<Token>),
}

impl Token {
    /// Whether it is this sign.
    pub fn is(&self, sign: char) -> bool {
        *self == Token::Sign(sign)
    }
}

/// The tokens of a source file.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut open: Vec<(char, Vec<Token>)> = vec![('\0', Vec::new())];
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, token) = next(rest, first);
        rest = &rest[length..];
        match token {
            None => {}
            Some(Token::Sign(bracket @ ('(' | '[' | '{'))) => open.push((bracket, Vec::new())),
            Some(Token::Sign(')' | ']' | '}')) => {
                let (bracket, inside) = open.pop().unwrap();
                open.last_mut().expect("brackets match").1.push(Token::Group(bracket, inside));
            }
            Some(token) => open.last_mut().unwrap().1.push(token),
        }
    }
    let (_, tokens) = open.pop().unwrap();
    assert!(open.is_empty(), "brackets match");
    tokens
}

/// The next token and its length; `None` for spaces and comments.
fn next(rest: &str, first: char) -> (usize, Option<Token>) {
    let literal = |length| (length, Some(Token::Sign('"')));
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (comment(rest), None);
    }
    if first.is_whitespace() {
        return (first.len_utf8(), None);
    }
    if first == '_' || first.is_alphanumeric() {
        let end = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if let "r" | "br" | "cr" = word
            && let Some(length) = raw(after)
        {
            return literal(end + length);
        }
        return match (word, after.chars().next()) {
            ("b" | "c", Some('"')) => literal(end + quoted(after, '"')),
            ("b", Some('\'')) => literal(end + quoted(after, '\'')),
            _ if first.is_ascii_digit() => literal(end),
            _ => (end, Some(Token::Word(word.to_owned()))),
        };
    }
    match first {
        '"' => literal(quoted(rest, '"')),
        '\'' => {
            // A lifetime has no second quote behind its first character.
            let mut after = rest[1..].chars();
            match (after.next(), after.next()) {
                (Some('\\'), _) | (Some(_), Some('\'')) => literal(quoted(rest, '\'')),
                _ => (1, Some(Token::Sign('\''))),
            }
        }
        sign => (sign.len_utf8(), Some(Token::Sign(sign))),
    }
}

/// The length of a literal in quotes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a raw string behind its letters; `None` where there is none, as in `r#type`.
fn raw(rest: &str) -> Option<usize> {
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let inside = rest[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(hashes + 1 + inside.find(&end)? + end.len())
}

/// The length of a comment in slashes and stars, which nests.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

#[test]
fn tokens_are_told_from_comments_and_literals() {
    let words = |text: &str| {
        let mut words = Vec::new();
        let mut next = tokens(text);
        next.reverse();
        while let Some(token) = next.pop() {
            match token {
                Token::Word(word) => words.push(word),
                Token::Group(_, inside) => next.extend(inside.into_iter().rev()),
                Token::Sign(_) => {}
            }
        }
        words.join(" ")
    };
    assert_eq!(words("a::b // c\n/* d /* e */ f */ g"), "a b g");
    assert_eq!(words(r##"a("b", 'c', '\'', b'd', b"e\"f", r"g\", r#"h"i"#, 1_u8, j)"##), "a j");
    assert_eq!(words("fn f<'a>(x: &'a str) -> char { '{' }"), "fn f a x a str char");
    assert_eq!(tokens("a[b]"), [Token::Word("a".into()), Token::Group('[', vec![Token::Word("b".into())])]);
}
