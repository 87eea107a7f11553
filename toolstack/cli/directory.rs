//! The domains' files of a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::input::{Format, format_of};
use xenclock::files::read_start;

/// The beginning of a file that is looked at: libxl's JSON begins with `c_info`.
const START: u64 = 4096;

/// The files of a directory that are taken for domains', by name, and how many entries are not. libxl's JSON is taken
/// where `json` says so.
pub(super) fn configs(directory: &Path, json: bool) -> io::Result<(Vec<PathBuf>, usize)> {
    let (mut files, mut skipped) = (Vec::new(), 0);
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        match is_config(&path, json) {
            true => files.push(path),
            false => skipped += 1,
        }
    }
    files.sort();
    Ok((files, skipped))
}

/// Returns true if a file of a directory is taken for a domain's.
fn is_config(path: &Path, json: bool) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if name.starts_with('.') || !path.is_file() {
        return false;
    }
    let is_named = [".xml", ".cfg"].iter().any(|end| name.ends_with(end));
    let is_domain = |start: Vec<u8>| match format_of(&start) {
        Format::Xml => true,
        Format::Json => json && String::from_utf8_lossy(&start).contains("\"c_info\""),
        Format::Cfg => false,
    };
    is_named || read_start(path, START).is_ok_and(is_domain)
}
