//! The files that `host-info --json` writes, for `preflight`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::input::{Format, format_of};
use super::output::{self, Failure};
use xenclock::preflight::HostReport;
use xenclock::xl::savefile::is_savefile;

/// The hosts of some files, each from a file of its own. Hosts of one name are told apart by their files.
pub(super) fn read_all(files: &[&OsStr]) -> Result<Vec<HostReport>, Failure> {
    let mut hosts: Vec<HostReport> =
        files.iter().map(|file| read(Path::new(file))).collect::<Result<_, _>>()?;
    for (at, host) in hosts.iter().enumerate() {
        if let Some(before) = hosts[..at].iter().position(|before| before == host) {
            let [one, other] = [before, at].map(|at| Path::new(files[at]).display());
            return Err(Failure::Error(format!(
                "{one} and {other} are the same report of one host; collect a report from each host"
            )));
        }
    }
    let names: Vec<_> = hosts.iter().map(|host| host.host.clone()).collect();
    for ((host, name), file) in hosts.iter_mut().zip(&names).zip(files) {
        if names.iter().filter(|other| *other == name).count() > 1 {
            host.host = format!("{name} ({})", Path::new(file).display());
        }
    }
    Ok(hosts)
}

/// The name of a file without its ending.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn read(file: &Path) -> Result<HostReport, Failure> {
    if file.is_dir() {
        return Err(Failure::Error(format!("{}: {}; {REMEDY}", file.display(), not_a_file(file))));
    }
    let bytes = output::input(file)?;
    let mut report: HostReport = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::Error(format!("{}: {}", file.display(), instead(file, &bytes, &error))))?;
    if report.host.is_empty() {
        report.host = stem(file);
    }
    Ok(report)
}

/// What to do to get a report.
const REMEDY: &str = "write a report on the host itself, with xenclock host-info --json > FILE";

/// What a file is that is no report, and the remedy.
fn instead(file: &Path, bytes: &[u8], error: &serde_json::Error) -> String {
    let json: Option<Value> = serde_json::from_slice(bytes).ok();
    let has = |key: &str| json.as_ref().is_some_and(|json| json.get(key).is_some_and(Value::is_object));
    let what = match format_of(bytes) {
        _ if bytes.trim_ascii().is_empty() => "it is empty",
        _ if is_savefile(bytes) => "it is a save file of a guest",
        _ if has("host") => {
            return format!(
                "it is the state of a mock host; write its report with xenclock --backend 'mock:{}' host-info --json > FILE",
                file.display()
            );
        }
        _ if has("c_info") || has("config") => "it is the config of a guest",
        _ if json.as_ref().is_some_and(|json| json.get("cpu_khz").is_some()) => {
            return format!("{error}; {REMEDY}");
        }
        _ if json.is_some() => {
            return format!("it is JSON, but not the report of a host ({error}); {REMEDY}");
        }
        Format::Xml => "it is XML, not the report of a host",
        Format::Json => return format!("{error}; the report is damaged or cut off; {REMEDY}"),
        Format::Cfg => "it is not the report of a host",
    };
    format!("{what}; {REMEDY}")
}

/// Words that may have been meant as two files, and are not: what is wrong with one of them. `None` where they do not look
/// like files.
pub(super) fn not_files(words: [&str; 2]) -> Option<String> {
    let paths = words.map(PathBuf::from);
    let is_meant = |path: &PathBuf| path.exists() || path.to_string_lossy().contains('/');
    if !paths.iter().any(is_meant) {
        return None;
    }
    let wrong = paths.iter().find(|path| !path.is_file())?;
    Some(format!("if two files were meant, {} {}", wrong.display(), not_a_file(wrong)))
}

fn not_a_file(path: &Path) -> &'static str {
    match (path.is_dir(), path.exists()) {
        (true, _) => "is a directory",
        (false, true) => "is not a regular file",
        (false, false) => "does not exist",
    }
}
