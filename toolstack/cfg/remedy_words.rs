//! How the remedy for an error of syntax is written, and read again: what is wrong with the rest of a file is said as if it
//! were followed.

use super::keys;
use super::lex::{Kind, Lexer, Token};

/// How the remedy for a word without quotes begins.
pub const IN_QUOTES: &str = "write it in quotes: ";

/// How the remedy for a setting begins, and what stands behind one of several lines.
const WRITE: &str = "write ";
const IN_PLACE_OF_LINES: &str = " in place of lines ";

/// How the remedy for a string without end begins.
pub const CLOSE_QUOTE: &str = "add the closing quote; write a line break as \\n";

/// The setting that a remedy is, if it is one.
pub fn setting_of(remedy: &str) -> Option<&str> {
    let closed = || remedy.strip_prefix(CLOSE_QUOTE)?.strip_prefix(": ");
    let setting = item_of(remedy).or_else(|| remedy.strip_prefix(WRITE)).or_else(closed)?;
    Some(setting.rsplit_once(IN_PLACE_OF_LINES).map_or(setting, |(setting, _)| setting))
}

/// The key of a setting.
pub fn key_of(setting: &str) -> Option<&str> {
    let (name, _) = setting.split_once("= ")?;
    let name = name.strip_suffix('+').unwrap_or(name).strip_suffix(' ')?;
    (!name.contains([' ', '"', '\''])).then_some(name)
}

/// The settings of one line.
pub fn each(settings: &str) -> Vec<&str> {
    let mut lexer = Lexer::new(settings.as_bytes());
    let mut found = Vec::new();
    let mut start = 0;
    loop {
        let Token { kind, span } = lexer.next();
        if matches!(kind, Kind::Semicolon | Kind::Newline | Kind::End) {
            found.extend(settings.get(start..span.start).map(str::trim).filter(|one| !one.is_empty()));
            start = span.end;
        }
        if kind == Kind::End {
            return found;
        }
    }
}

/// What must stand before a text that is added to another one, which xl joins as they are.
pub fn before_added(key: &str) -> &'static str {
    if ["cmdline", "extra"].contains(&key) { " " } else { "" }
}

/// A remedy for a value behind +=: with += in place of the =, and with what is added as there must be.
pub fn as_added(remedy: &str, key: &str) -> Option<String> {
    let setting = setting_of(remedy)?;
    let value = setting.strip_prefix(key)?.strip_prefix(" = ")?;
    let value = match value.strip_prefix('"') {
        Some(_) if keys::is_list(key) => format!("[ {value} ]"),
        Some(text) => format!("\"{}{text}", before_added(key)),
        None => value.to_owned(),
    };
    Some(format!("{}{key} += {value}", remedy.strip_suffix(setting)?))
}

/// True for a text that is a setting of a file, and not a choice of several.
pub fn is_setting(text: &str) -> bool {
    let mut lexer = Lexer::new(text.as_bytes());
    let [key, equals] = [lexer.next().kind, lexer.next().kind];
    let is_of_value = |kind: &Kind| !matches!(kind, Kind::Ident | Kind::Odd(_) | Kind::Semicolon);
    let mut value = std::iter::from_fn(|| Some(lexer.next().kind).filter(|kind| *kind != Kind::End));
    key == Kind::Ident && matches!(equals, Kind::Assign | Kind::Add) && value.all(|kind| is_of_value(&kind))
}

/// A remedy with another one in place of the setting that this is about; `None` where it is about none.
pub fn with_better(remedy: &str, better: &str) -> Option<String> {
    let settings = each(setting_of(remedy)?);
    if settings.len() < 2 {
        return Some(better.to_owned());
    }
    let better = better.strip_prefix(WRITE).filter(|better| is_setting(better))?;
    let at = settings.iter().position(|setting| key_of(setting) == key_of(better))?;
    let all = settings.iter().enumerate().map(|(index, setting)| if index == at { better } else { setting });
    Some(write(&all.collect::<Vec<_>>().join("; ")))
}

/// The remedy that is a setting in place of several lines.
pub fn write_over(setting: &str, lines: (usize, usize)) -> String {
    format!("{WRITE}{setting}{IN_PLACE_OF_LINES}{} to {}", lines.0, lines.1)
}

/// What a remedy says behind its setting about the lines that it is in place of.
pub fn lines_of(remedy: &str) -> &str {
    remedy.rfind(IN_PLACE_OF_LINES).and_then(|at| remedy.get(at..)).unwrap_or_default()
}

/// The remedy that is a setting.
pub fn write(setting: &str) -> String {
    format!("{WRITE}{setting}")
}

/// The item of a list that a remedy is, if it is one.
pub fn item_of(remedy: &str) -> Option<&str> {
    remedy.strip_prefix(IN_QUOTES)
}

#[cfg(test)]
mod tests {
    use super::{each, key_of, with_better};

    #[test]
    fn settings_of_one_line_are_told_apart() {
        assert_eq!(each("vga = \"std;vga\"; vnc = 1"), ["vga = \"std;vga\"", "vnc = 1"]);
        assert_eq!(each("vif += [ 'a', \"b;c\" ]"), ["vif += [ 'a', \"b;c\" ]"]);
        assert_eq!(each("boot = \"c\" -"), ["boot = \"c\""], "as xl loses a last character");
        assert_eq!(key_of("vif += [ \"a = b\" ]"), Some("vif"));
        assert_eq!(key_of("extra = \"a = b\""), Some("extra"));
        assert_eq!(key_of("\"a = b\""), None);
    }
    #[test]
    fn a_better_setting_takes_the_place_of_its_own() {
        let several = "write vga = \"std\"; vnc = 1";
        let table = [
            (several, "write vga = \"stdvga\"", Some("write vga = \"stdvga\"; vnc = 1")),
            (several, "write vga = \"stdvga\" or \"cirrus\"", None),
            (several, "remove it", None),
            (several, "write hpet = 1", None),
            ("write vga = \"std\"", "remove it", Some("remove it")),
        ];
        for (remedy, better, expected) in table {
            assert_eq!(with_better(remedy, better).as_deref(), expected, "{remedy}: {better}");
        }
    }
}
