//! The domains' files of a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use xenclock::files::read_start;

/// The files of a directory that are taken for domains', by name, and how many entries are not.
pub(super) fn configs(directory: &Path) -> io::Result<(Vec<PathBuf>, usize)> {
    let (mut files, mut skipped) = (Vec::new(), 0);
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        match is_config(&path) {
            true => files.push(path),
            false => skipped += 1,
        }
    }
    files.sort();
    Ok((files, skipped))
}

/// Returns true if a file of a directory is taken for a domain's.
fn is_config(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if name.starts_with('.') || !path.is_file() {
        return false;
    }
    let is_named = [".xml", ".cfg"].iter().any(|end| name.ends_with(end));
    is_named || read_start(path, 64).is_ok_and(|start| start.trim_ascii_start().starts_with(b"<"))
}
