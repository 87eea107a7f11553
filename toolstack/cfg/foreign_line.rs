//! Lines as shells, Python, YAML and JSON write them, in the words of an xl.cfg.

use super::keys::{self, Key};
use super::suggest::{self, Unit};
use super::{entries, python};

/// A setting in the words of another language.
#[derive(Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The setting as an xl.cfg has it.
    pub setting: String,
    /// How many lines behind the first one are part of it.
    pub more_lines: usize,
    /// What is wrong with it, where its own error does not say so.
    pub reason: Option<&'static str>,
}

/// Words before a setting in a shell and other languages.
const BEFORE: [&str; 10] =
    ["alias ", "const ", "declare ", "export ", "let ", "local ", "readonly ", "set ", "typeset ", "var "];

/// Signs between a key and its value in other languages.
const SIGNS: [&str; 6] = [":=", "=>", "->", "==", ":", "="];

/// A list of another language has no more lines.
const MOST_LINES: usize = 64;

/// Python's methods that add to a list.
const METHODS: [&str; 2] = [".append(", ".extend("];

/// The setting that a line is meant to be, with those behind it; `None` where it is no line of another language, or nobody
/// can know.
pub fn setting(line: &str, behind: &str) -> Option<Foreign> {
    let line = line.trim();
    if let Some(rest) = BEFORE.iter().find_map(|word| line.strip_prefix(word)) {
        return command(rest);
    }
    match METHODS.into_iter().find_map(|method| Some((line.split_once(method)?, method))) {
        Some(((name, argument), method)) => call(name, method, argument),
        None => assignment(line, behind),
    }
}

fn one(setting: String) -> Foreign {
    Foreign { setting, more_lines: 0, reason: None }
}

/// `export KEY=VALUE`, without its first word.
fn command(rest: &str) -> Option<Foreign> {
    let mut rest = rest.trim_start();
    // `declare -a`
    while let Some((_, behind)) = rest.strip_prefix('-').and_then(|option| option.split_once(' ')) {
        rest = behind.trim_start();
    }
    // Variables of a shell are often in capital letters.
    let name = rest.split('=').next().unwrap_or_default();
    let lower = rest.replacen(name, &name.to_ascii_lowercase(), usize::from(rest.contains('=')));
    let (key, rest) = key_in(&lower)?;
    let rest = rest.trim_start();
    let text = rest.strip_prefix('=').unwrap_or(rest);
    let array = array_of_shell(key.name, text).filter(|_| keys::is_list(key.name));
    let settings = match (array, parts(key, without_comment(text))) {
        (Some(list), _) => format!("{} = {list}", key.name),
        (None, Some(parts)) => all(&parts)?,
        (None, None) => format!("{} = {}", key.name, value(key, text)?),
    };
    Some(Foreign { reason: Some("xl has no commands"), ..one(settings) })
}

/// `vif.append(...)`
fn call(name: &str, method: &str, argument: &str) -> Option<Foreign> {
    let argument = without_comment(argument).strip_suffix(')')?;
    let list = python::value_of(name, &format!("[ {argument} ]"))?;
    let items = match method {
        ".extend(" => python::value_of(name, argument)?,
        _ => list,
    };
    let key = keys::find(name)?;
    Some(Foreign { reason: Some("xl has no methods"), ..one(format!("{} += {items}", key.name)) })
}

/// A key and its value, with another sign between them, over several lines, or with a comma behind.
fn assignment(line: &str, behind: &str) -> Option<Foreign> {
    let quote = line.chars().next().filter(|first| matches!(first, '"' | '\''));
    let (key, rest) = key_in(line.trim_start_matches(['"', '\'']))?;
    let rest = quote.map_or(Some(rest), |quote| rest.strip_prefix(quote))?.trim_start();
    // `vif+=(...)`
    if let Some(array) = rest.strip_prefix("+=") {
        return Some(one(format!("{} += {}", key.name, array_of_shell(key.name, array)?)));
    }
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
    let text = rest.strip_prefix(sign)?.trim();
    if let Some((whole, more_lines)) = over_lines(text, behind) {
        let whole = match text.starts_with('(') {
            true => array_of_shell(key.name, &whole)?,
            false if *sign != "=" => value(key, &whole)?,
            false => return None,
        };
        return Some(Foreign { more_lines, ..one(format!("{} = {whole}", key.name)) });
    }
    if *sign == "=" && quote.is_none() {
        return nearly_xls(key, text);
    }
    if without_comment(text).is_empty() && *sign == ":" && keys::is_list(key.name) {
        let (items, more_lines) = items_of_yaml(behind)?;
        return Some(Foreign { more_lines, ..one(format!("{} = [ {} ]", key.name, items.join(", "))) });
    }
    Some(one(format!("{} = {}", key.name, value(key, text)?)))
}

/// A value behind xl's own sign.
fn nearly_xls(key: &Key, text: &str) -> Option<Foreign> {
    // `disk = disk + [ ... ]`
    if let Some(added) = text.strip_prefix(key.name).and_then(|sum| sum.trim_start().strip_prefix('+')) {
        let added = python::value_of(key.name, without_comment(added))?;
        let reason = Some("xl does not calculate");
        return Some(Foreign { reason, ..one(format!("{} += {added}", key.name)) });
    }
    if without_comment(text).len() < text.len() && text.split(" #").next()?.trim_end().ends_with(',') {
        return Some(one(format!("{} = {}", key.name, value(key, text)?)));
    }
    let is_array = keys::is_list(key.name) && python::value_of(key.name, without_comment(text)).is_none();
    let list = array_of_shell(key.name, text).filter(|_| is_array)?;
    Some(one(format!("{} = {list}", key.name)))
}

/// The key that a text begins with, and the rest.
fn key_in(text: &str) -> Option<(&'static Key, &str)> {
    let end = text.find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    Some((keys::find(name)?, rest))
}

/// A value without the comment and the comma behind it.
fn without_comment(text: &str) -> &str {
    let end = text.find(" #").unwrap_or(text.len());
    text[..end].trim().trim_end_matches([',', ';']).trim_end()
}

/// A value as an xl.cfg has it, where the key takes it.
fn value(key: &Key, text: &str) -> Option<String> {
    let text = without_comment(text);
    if text.is_empty() || text.contains(['$', '`', '\\']) {
        return None;
    }
    if let Some(python) = python::literal_in(text).and_then(|text| python::value_of(key.name, text)) {
        return Some(python);
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return list(entries_in(key.name, inner)?);
    }
    let is_entries = keys::is_list(key.name);
    if text.starts_with(['"', '\'', '[']) || python::is_code(text, is_entries) {
        return None;
    }
    if is_entries {
        return list([text]);
    }
    match suggest::number(text, if key.takes_number() { key.unit } else { Unit::Plain }) {
        Some(number) if key.takes_number() => Some(number),
        None if key.takes_number() => None,
        _ => Some(suggest::literal(text)),
    }
}

/// Keys whose values have settings of a kernel or of QEMU in them.
const OF_PROGRAMS: [&str; 6] = [
    "bootloader_args",
    "cmdline",
    "device_model_args",
    "device_model_args_hvm",
    "device_model_args_pv",
    "extra",
];

/// Which bytes of a line are outside of strings and lists; `None` where one of these is not closed.
fn outside_quotes(text: &str) -> Option<Vec<bool>> {
    let (mut quote, mut lists) = (None, 0_u32);
    let outside = text.bytes().map(|byte| {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(begun), _) if begun == byte => quote = None,
            (None, b'[') => lists += 1,
            (None, b']') => lists = lists.saturating_sub(1),
            _ => {}
        }
        quote.is_none() && lists == 0
    });
    let outside = outside.collect();
    (quote.is_none() && lists == 0).then_some(outside)
}

/// A value without quotes and the settings behind it on its line, `web vcpus=2` or `web;vcpus=2`; `None` where it is one
/// setting.
fn parts<'a>(key: &'static Key, text: &'a str) -> Option<Vec<(&'static Key, &'a str)>> {
    let whole = text;
    let outside = outside_quotes(whole)?;
    let mut parts = vec![(key, text)];
    while let Some((key, text)) = parts.pop() {
        let of_program = OF_PROGRAMS.contains(&key.name) || keys::is_list(key.name);
        // Each text is the end of the line.
        let begins = whole.len() - text.len();
        let next = text.match_indices([' ', ';']).find_map(|(at, end)| {
            if outside.get(begins + at) != Some(&true) {
                return None;
            }
            // A program's own settings, and those of an entry, may be parted by spaces.
            if of_program && end == " " {
                return None;
            }
            let (key, value) = key_in(text.get(at + 1..)?.trim_start())?;
            let before = text[..at].trim_end_matches([' ', ';']).trim_start();
            let value = value.trim_start().strip_prefix('=').filter(|rest| !rest.starts_with('='));
            Some((before, key, value.filter(|_| !before.is_empty())?))
        });
        let Some((before, next, value)) = next else {
            parts.push((key, text.trim()));
            break;
        };
        parts.extend([(key, before), (next, value)]);
    }
    (parts.len() > 1).then_some(parts)
}

/// The settings of one line, as an xl.cfg has them.
fn all(parts: &[(&'static Key, &str)]) -> Option<String> {
    let setting = |(key, text): &(&'static Key, &str)| Some(format!("{} = {}", key.name, value(key, text)?));
    let settings: Option<Vec<_>> = parts.iter().map(setting).collect();
    settings.map(|settings| settings.join("; "))
}

/// The remedy for a value of a key without quotes that has other settings behind it on its line.
pub fn several(key: &str, text: &str) -> Option<String> {
    let parts = parts(keys::find(key)?, text)?;
    let alone = || parts.get(1).map(|(key, _)| format!("put {} on a line of its own", key.name));
    all(&parts).map(|settings| format!("write {settings}")).or_else(alone)
}

/// An item of a list without quotes. YAML has a dash before it, and a colon behind the name of a setting.
pub fn item(word: &str, is_entries: bool) -> String {
    let word = word.strip_prefix("- ").map_or(word, str::trim_start);
    match word.split_once(": ").filter(|_| is_entries) {
        Some((name, value)) if !name.contains(['=', ',']) => format!("{}={}", name.trim(), value.trim()),
        _ => word.to_owned(),
    }
}

/// The entries of a list without quotes; `None` where nobody can know where one ends.
fn entries_in<'a>(key: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut rest = text.trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (entry, behind) = rest.split_at(entries::first(key, rest)?);
        found.push(entry.trim());
        rest = behind.trim_start_matches([',', ' ', '\t']);
        if entry.is_empty() && behind.len() == rest.len() {
            return None;
        }
    }
    Some(found)
}

/// A list of texts; `None` if one has quotes of its own.
fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let quote = |item: &str| (!item.contains(['"', '\'', '[', '(', '$'])).then(|| suggest::quoted(item));
    let items: Option<Vec<_>> = items.into_iter().filter(|item| !item.is_empty()).map(quote).collect();
    items.filter(|items| !items.is_empty()).map(|items| format!("[ {} ]", items.join(", ")))
}

/// `(a b)`, a shell's array, with or without quotes. With commas it is a tuple of Python.
fn array_of_shell(key: &str, text: &str) -> Option<String> {
    let text = without_comment(text);
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    if let Some(tuple) = python::value_of(key, &format!("[{inner}]")) {
        return Some(tuple);
    }
    let unquoted = inner.split_whitespace().map(|item| item.trim_matches(['"', '\'']));
    list(unquoted)
}

/// A value whose bracket is closed on a later line, without the comments, and how many lines more it takes.
fn over_lines(text: &str, behind: &str) -> Option<(String, usize)> {
    let close = match text.chars().next()? {
        '(' => ')',
        '[' => ']',
        _ => return None,
    };
    let without_comment = |line: &str| line.split(" #").next().unwrap_or_default().trim().to_owned();
    let mut whole = without_comment(text);
    if whole.contains(close) {
        return None;
    }
    for (line, more_lines) in behind.lines().take(MOST_LINES).zip(1..) {
        let line = without_comment(line);
        whole = format!("{whole} {line}");
        if line.trim_end_matches([',', ';']).ends_with(close) {
            return Some((whole, more_lines));
        }
        // The bracket is not closed before the next setting.
        if key_in(&line).is_some_and(|(_, rest)| rest.trim_start().starts_with('=')) {
            return None;
        }
    }
    None
}

/// The items of a list in YAML, one a line, each perhaps with settings on lines of their own; and how many lines these are.
fn items_of_yaml(text: &str) -> Option<(Vec<String>, usize)> {
    let mut items: Vec<Vec<String>> = Vec::new();
    let mut lines = 0;
    for line in text.lines() {
        let indented = line.starts_with([' ', '\t']);
        let line = without_comment(line);
        let rest = match line.strip_prefix('-').filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
            Some(rest) => {
                items.push(Vec::new());
                rest.trim()
            }
            None if indented && line.contains(": ") => {
                if items.is_empty() {
                    items.push(Vec::new());
                }
                line
            }
            None => break,
        };
        lines += 1;
        let part = match rest.split_once(": ") {
            Some((key, value)) => format!("{}={}", key.trim(), value.trim().trim_matches(['"', '\''])),
            None => rest.trim_matches(['"', '\'']).to_owned(),
        };
        items.last_mut()?.extend((!part.is_empty()).then_some(part));
    }
    let items: Vec<_> = items.iter().map(|parts| suggest::quoted(&parts.join(","))).collect();
    (!items.is_empty()).then_some((items, lines))
}

#[cfg(test)]
mod tests {
    use super::{Foreign, setting};

    #[test]
    fn lines_of_other_languages_are_settings() {
        let table = [
            ("vif.append('bridge=xenbr0')", Some("vif += [ \"bridge=xenbr0\" ]")),
            ("vif.append({'bridge': 'xenbr0'}) # one", Some("vif += [ \"bridge=xenbr0\" ]")),
            ("disk.extend(['phy:/a,xvda,w'])", Some("disk += [ \"phy:/a,xvda,w\" ]")),
            ("disk = disk + [ 'phy:/a,xvda,w' ]", Some("disk += [ \"phy:/a,xvda,w\" ]")),
            ("vif+=('bridge=xenbr0')", Some("vif += [ \"bridge=xenbr0\" ]")),
            ("vif=(bridge=xenbr0 bridge=xenbr1)", Some("vif = [ \"bridge=xenbr0\", \"bridge=xenbr1\" ]")),
            ("export vcpus=2", Some("vcpus = 2")),
            ("set vcpus 2", Some("vcpus = 2")),
            ("memory: 1024 # MiB", Some("memory = 1024")),
            ("memory: 1 GiB", Some("memory = 1024")),
            ("boot: cd", Some("boot = \"cd\"")),
            ("name: \"web\",", Some("name = \"web\"")),
            ("\"vcpus\": 2,", Some("vcpus = 2")),
            ("'vif': ['bridge=xenbr0'],", Some("vif = [ \"bridge=xenbr0\" ]")),
            ("vif: [bridge=xenbr0, bridge=xenbr1]", Some("vif = [ \"bridge=xenbr0\", \"bridge=xenbr1\" ]")),
            ("vif: bridge=xenbr0", Some("vif = [ \"bridge=xenbr0\" ]")),
            ("localtime: yes", Some("localtime = 1")),
            ("vcpus => 2", Some("vcpus = 2")),
            ("vcpus == 2", Some("vcpus = 2")),
            ("vcpus = 2,", Some("vcpus = 2")),
            ("name = 'web', # one", Some("name = \"web\"")),
            ("vcpus := 2;", Some("vcpus = 2")),
            ("vif: [mac=00:16:3e:00:00:01,bridge=a]", Some("vif = [ \"mac=00:16:3e:00:00:01,bridge=a\" ]")),
            ("export name=web vcpus=2", Some("name = \"web\"; vcpus = 2")),
            ("declare -a vif=('bridge=a')", Some("vif = [ \"bridge=a\" ]")),
            ("typeset -i vcpus=2", Some("vcpus = 2")),
            ("readonly vcpus=2", Some("vcpus = 2")),
            ("export EXTRA=\"ro\"", Some("extra = \"ro\"")),
            ("disk.append(('/a', 'raw', 'xvda', 'w'))", Some("disk += [ \"/a,raw,xvda,w\" ]")),
            // Nobody can know, or it is none.
            ("export name=web vcpus=$N", None),
            ("vif: [mac=00:16:3e:00:00:01, bridge=a]", None),
            ("vif.clear()", None),
            ("maxmem: much", None),
            ("vcpus=$N", None),
            ("export vcpus=$N", None),
            ("vif: [ 'bridge=xenbr0',", None),
            ("vcpus = 2", None),
            ("colour: red", None),
            ("append.it('x')", None),
            ("", None),
        ];
        for (line, expected) in table {
            let found = setting(line, "");
            assert_eq!(found.map(|found| found.setting).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_list_of_yaml_takes_its_lines() {
        let table = [
            ("- bridge=xenbr0\n- 'bridge=xenbr1'\nvcpus: 2\n", "\"bridge=xenbr0\", \"bridge=xenbr1\"", 2),
            (
                "  - bridge: xenbr0 # lan\n    mac: 00:16:3e:00:00:01\n  - bridge: xenbr1\n",
                "\"bridge=xenbr0,mac=00:16:3e:00:00:01\", \"bridge=xenbr1\"",
                3,
            ),
            ("  bridge: xenbr0\n", "\"bridge=xenbr0\"", 1),
        ];
        for (behind, items, more_lines) in table {
            let expected = Foreign { setting: format!("vif = [ {items} ]"), more_lines, reason: None };
            assert_eq!(setting("vif:", behind), Some(expected), "{behind}");
        }
        assert_eq!(setting("vif:", "vcpus: 2\n"), None);
        for (line, behind, expected) in [
            ("vif=(", "\"bridge=a\" # one\n'bridge=b'\n)\n", Some("vif = [ \"bridge=a\", \"bridge=b\" ]")),
            ("'disk': [", "'/a,raw,xvda,w',\n],\n", Some("disk = [ \"/a,raw,xvda,w\" ]")),
            ("vif=(", "\"bridge=a\"\nvcpus = 2\n)\n", None),
            ("vif = [", "bridge=a\n]\n", None),
        ] {
            let found = setting(line, behind).map(|found| found.setting);
            assert_eq!(found.as_deref(), expected, "{line}{behind}");
        }
        assert_eq!(setting("name:", "- a\n"), None);
    }
}
