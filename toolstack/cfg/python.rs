//! Values as Python writes them, which xl's predecessor read, in the words of an xl.cfg.

use super::{keys, suggest};

/// A literal of Python.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Literal {
    Text(String),
    Number(i64),
    List(Vec<Literal>),
    /// The keys and values of a dict.
    Pairs(Vec<(String, Literal)>),
}

/// Lists in lists, at most.
const DEEPEST: usize = 4;

/// Words that begin a statement of Python.
const STATEMENTS: [&str; 20] = [
    "assert", "break", "class", "continue", "def", "del", "elif", "else", "except", "exec", "for", "from",
    "if", "import", "pass", "print", "return", "try", "while", "with",
];

/// True if a word begins a statement, which no file has.
pub fn is_statement(word: &str) -> bool {
    STATEMENTS.contains(&word)
}

/// Functions that make a list of their argument.
const OF_LISTS: [&str; 3] = ["list", "set", "tuple"];

/// More functions that a line may call.
const FUNCTIONS: [&str; 9] = ["dict", "eval", "float", "int", "len", "open", "range", "sorted", "str"];

/// A text that may be a literal of Python, and is more than a word.
pub fn literal_in(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_call = || text.split_once('(').is_some_and(|(name, _)| name == "dict" || OF_LISTS.contains(&name));
    (text.starts_with(['(', '[', '{', '"', '\'']) || is_call()).then_some(text)
}

/// True for a text that is part of a program and no value: it calls a function, or begins with a bracket. The value of a
/// key with entries calls one whatever its name.
pub fn is_code(text: &str, is_entries: bool) -> bool {
    let is_name = |name: &str| {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_of_name)
    };
    let is_function = |name: &str| {
        is_name(name)
            && (is_entries || name.contains('.') || OF_LISTS.contains(&name) || FUNCTIONS.contains(&name))
    };
    text.starts_with(['(', '{']) || text.split_once('(').is_some_and(|(name, _)| is_function(name))
}

/// A text as the value of a key, where it is a tuple, a list, a dict or strings that are added; `None` for anything
/// else.
pub fn value_of(key: &str, text: &str) -> Option<String> {
    let mut rest = text.trim();
    let literal = sum(&mut rest, 0)?;
    if !rest.is_empty() {
        return None;
    }
    // The nodes of vnuma are lists themselves.
    let is_entries = keys::is_list(key) && key != "vnuma";
    match literal {
        Literal::Pairs(pairs) => Some(format!("[ {} ]", suggest::quoted(&entry(&pairs)?))),
        Literal::List(items) if is_entries => {
            let items: Option<Vec<_>> = items.iter().map(written_as_entry).collect();
            Some(format!("[ {} ]", items?.join(", ")))
        }
        literal => written(&literal),
    }
}

/// An item of a list of entries, where a list has the settings of one.
fn written_as_entry(literal: &Literal) -> Option<String> {
    let Literal::List(settings) = literal else { return written(literal) };
    let text = |setting: &Literal| match setting {
        Literal::Text(text) => Some(text.clone()),
        Literal::Number(number) => Some(number.to_string()),
        Literal::List(_) => None,
        Literal::Pairs(pairs) => entry(pairs),
    };
    let settings: Option<Vec<_>> = settings.iter().map(text).collect();
    settings.filter(|settings| !settings.is_empty()).map(|settings| suggest::quoted(&settings.join(",")))
}

fn written(literal: &Literal) -> Option<String> {
    Some(match literal {
        Literal::Text(text) => suggest::quoted(text),
        Literal::Number(number) => suggest::written(*number),
        Literal::Pairs(pairs) => suggest::quoted(&entry(pairs)?),
        Literal::List(items) => {
            let items: Option<Vec<_>> = items.iter().map(written).collect();
            format!("[ {} ]", items?.join(", "))
        }
    })
}

/// A dict as an entry of a list: `bridge=xenbr0,mac=...`
fn entry(pairs: &[(String, Literal)]) -> Option<String> {
    let setting = |(key, value): &(String, Literal)| match value {
        Literal::Text(text) => Some(format!("{key}={text}")),
        Literal::Number(number) => Some(format!("{key}={number}")),
        Literal::List(_) | Literal::Pairs(_) => None,
    };
    let settings: Option<Vec<_>> = pairs.iter().map(setting).collect();
    settings.filter(|settings| !settings.is_empty()).map(|settings| settings.join(","))
}

/// Strings with `+` between them are one.
fn sum(rest: &mut &str, depth: usize) -> Option<Literal> {
    let mut literal = atom(rest, depth)?;
    while take(rest, '+') {
        match (&mut literal, atom(rest, depth)?) {
            (Literal::Text(text), Literal::Text(more)) => text.push_str(&more),
            (Literal::List(items), Literal::List(more)) => items.extend(more),
            _ => return None,
        }
    }
    Some(literal)
}

fn atom(rest: &mut &str, depth: usize) -> Option<Literal> {
    if depth > DEEPEST {
        return None;
    }
    match rest.chars().next()? {
        quote @ ('"' | '\'') => {
            let (text, behind) = rest[1..].split_once(quote)?;
            *rest = behind.trim_start();
            (!text.contains('\\')).then(|| Literal::Text(text.to_owned()))
        }
        '(' => {
            take(rest, '(');
            let (mut items, comma) = items(rest, ')', depth)?;
            // Brackets around one value are no tuple.
            match (items.len(), comma) {
                (1, false) => items.pop(),
                _ => Some(Literal::List(items)),
            }
        }
        '[' => {
            take(rest, '[');
            Some(Literal::List(items(rest, ']', depth)?.0))
        }
        '{' => {
            take(rest, '{');
            let behind = *rest;
            // A set has no colons.
            pairs(rest, depth).or_else(|| {
                *rest = behind;
                items(rest, '}', depth).map(|(items, _)| Literal::List(items))
            })
        }
        _ => word(rest, depth),
    }
}

/// The values up to the closing bracket, and whether a comma stands among them.
fn items(rest: &mut &str, close: char, depth: usize) -> Option<(Vec<Literal>, bool)> {
    let (mut items, mut comma) = (Vec::new(), false);
    while !take(rest, close) {
        items.push(sum(rest, depth + 1)?);
        let more = take(rest, ',');
        comma |= more;
        if !more && !rest.starts_with(close) {
            return None;
        }
    }
    Some((items, comma))
}

fn pairs(rest: &mut &str, depth: usize) -> Option<Literal> {
    let mut pairs = Vec::new();
    while !take(rest, '}') {
        let Literal::Text(key) = atom(rest, depth + 1)? else { return None };
        if !take(rest, ':') {
            return None;
        }
        pairs.push((key, sum(rest, depth + 1)?));
        if !take(rest, ',') && !rest.starts_with('}') {
            return None;
        }
    }
    Some(Literal::Pairs(pairs))
}

/// A number, `True` or `False`, or a list or dict that a function makes.
fn word(rest: &mut &str, depth: usize) -> Option<Literal> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
    let (word, behind) = rest.split_at(end);
    *rest = behind.trim_start();
    match word {
        "True" => Some(Literal::Number(1)),
        "False" => Some(Literal::Number(0)),
        "dict" if take(rest, '(') => arguments(rest, depth),
        _ if OF_LISTS.contains(&word) && take(rest, '(') => {
            let (mut items, _) = items(rest, ')', depth)?;
            match items.as_slice() {
                [Literal::List(_)] => items.pop(),
                _ => Some(Literal::List(items)),
            }
        }
        _ => word.parse().ok().map(Literal::Number),
    }
}

/// `bridge="xenbr0", mtu=1500)`
fn arguments(rest: &mut &str, depth: usize) -> Option<Literal> {
    let mut pairs = Vec::new();
    while !take(rest, ')') {
        let (name, behind) = rest.split_once('=')?;
        *rest = behind.trim_start();
        pairs.push((name.trim().to_owned(), sum(rest, depth + 1)?));
        if !take(rest, ',') && !rest.starts_with(')') {
            return None;
        }
    }
    Some(Literal::Pairs(pairs))
}

fn take(rest: &mut &str, sign: char) -> bool {
    match rest.strip_prefix(sign) {
        Some(behind) => {
            *rest = behind.trim_start();
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::value_of;

    #[test]
    fn python_is_written_as_an_xl_cfg() {
        let table = [
            ("('a', 'b')", Some("[ \"a\", \"b\" ]")),
            ("('a',)", Some("[ \"a\" ]")),
            ("(\"g\")", Some("\"g\"")),
            ("('a' + 'b')", Some("\"ab\"")),
            ("[ 'file:' + '/srv/a.img,hda,w' ]", Some("[ \"file:/srv/a.img,hda,w\" ]")),
            ("{ 'bridge': 'xenbr0', \"mtu\": 1500 }", Some("[ \"bridge=xenbr0,mtu=1500\" ]")),
            ("[ { 'bridge': 'xenbr0' } ]", Some("[ \"bridge=xenbr0\" ]")),
            ("[ 1, True, -2 ]", Some("[ 1, 1, \"-2\" ]")),
            ("('a' 'b')", None),
            ("[ ('/a', 'raw', 'xvda', 'w') ]", Some("[ \"/a,raw,xvda,w\" ]")),
            ("{ 'a', 'b' }", Some("[ \"a\", \"b\" ]")),
            ("list('a')", Some("[ \"a\" ]")),
            ("tuple(['a', 'b'])", Some("[ \"a\", \"b\" ]")),
            ("[ dict(bridge='xenbr0', mtu=1500) ]", Some("[ \"bridge=xenbr0,mtu=1500\" ]")),
            ("sorted(['b', 'a'])", None),
            ("dict(a)", None),
            ("{ 'a': ['b'] }", None),
            ("(((((('a'))))))", None),
            ("os.getcwd()", None),
            ("'a' + b", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(value_of("disk", text).as_deref(), expected, "{text}");
        }
    }
}
