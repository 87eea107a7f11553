//! How the remedy for an error of syntax is written, and read again: what is wrong with the rest of a file is said as if it
//! were followed.

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
