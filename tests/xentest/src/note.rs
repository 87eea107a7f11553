//! Notes of skipped tests: one file for each run of cargo, in its target directory.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};

/// A skipped test.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Its path, without the program's name.
    pub test: String,
    /// What is missing.
    pub why: String,
    /// How the test can be run.
    pub remedy: String,
}

/// The file for the cargo that started this process. Its number alone may have been another's before.
fn file() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    // target/debug/deps/program-hash, unless a loader or valgrind is the program.
    let deps = program.parent().filter(|dir| dir.ends_with("deps"));
    let target = deps.and_then(Path::parent).ok_or_else(|| io::Error::other("not in a target directory"))?;
    let cargo = parent_id();
    let stat = fs::read_to_string(format!("/proc/{cargo}/stat"))?;
    // The program's name, in parentheses, may itself have spaces; the start time is the 20th field after it.
    let started = stat.rsplit(')').next().and_then(|fields| fields.split_whitespace().nth(19));
    let started = started.ok_or_else(|| io::Error::other("/proc/PID/stat has no start time"))?;
    Ok(target.join("skipped-tests").join(format!("{cargo}-{started}")))
}

/// The program that runs, without the hash that cargo gives it.
fn program() -> io::Result<String> {
    let path = std::env::current_exe()?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(name.rsplit_once('-').map_or(name.clone(), |(name, _)| name.to_owned()))
}

pub(crate) fn write(note: &Note) -> io::Result<()> {
    let file = file()?;
    fs::create_dir_all(file.parent().unwrap_or(&file))?;
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = format!("{} {}\t{}\t{}\n", program()?, flat(&note.test), flat(&note.why), flat(&note.remedy));
    // One write, so that the lines of several threads stay whole.
    OpenOptions::new().create(true).append(true).open(file)?.write_all(line.as_bytes())
}

/// What was noted in this run of cargo, in order and each once; the notes of all runs are then gone.
///
/// # Errors
/// When they cannot be read.
pub fn notes() -> io::Result<BTreeSet<Note>> {
    let file = file()?;
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let _ = fs::remove_dir_all(file.parent().unwrap_or(&file));
    let note = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        Some(Note { test: fields.next()?, why: fields.next()?, remedy: fields.next()? })
    };
    Ok(text.lines().filter_map(note).collect())
}
