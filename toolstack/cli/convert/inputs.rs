//! The inputs of a conversion, and their output files.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::args::{Convert, From, To};
use super::super::directory;
use super::super::output::Failure;
use xenclock::files::identity;

/// A file to convert, and the file that it becomes.
pub(super) struct Job {
    pub input: PathBuf,
    /// None where nothing is written.
    pub output: Option<PathBuf>,
    /// Why it is not converted.
    pub refused: Option<String>,
}

/// Returns true if many inputs are converted, rather than one to standard output or to a file.
pub(super) fn are_many(options: &Convert) -> bool {
    let into_directory = options
        .output
        .as_deref()
        .is_some_and(|output| output.is_dir() || output.as_os_str().to_string_lossy().ends_with('/'));
    let reported = options.output.is_some() || options.report.is_some();
    into_directory
        || (reported && (options.files.len() > 1 || options.files.iter().any(|file| file.is_dir())))
}

/// The files to convert in the order in which they are named, those of a directory by name, and how many files of
/// directories are passed over.
pub(super) fn jobs(options: &Convert) -> Result<(Vec<Job>, usize), Failure> {
    let (mut files, mut skipped) = (Vec::new(), 0);
    let many = are_many(options);
    for file in &options.files {
        if file == Path::new("-") && (many || options.files.len() > 1) {
            return Err(Failure::Usage(
                "standard input cannot be converted together with other inputs".to_owned(),
            ));
        }
        if file.is_dir() {
            let found = directory::configs(file, matches!(options.reading.from, Some(From::Json)));
            let (configs, others) =
                found.map_err(|error| Failure::Error(format!("{}: {error}", file.display())))?;
            files.extend(configs);
            skipped += others;
        } else {
            files.push(file.clone());
        }
    }
    if files.is_empty() {
        let named: Vec<_> = options.files.iter().map(|file| file.display().to_string()).collect();
        return Err(Failure::Error(format!(
            "{}: there is no domain XML or xl.cfg in it; subdirectories are not searched",
            named.join(", ")
        )));
    }
    let mut taken: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    let of = |path: &Path| fs::metadata(path).ok().map(|found| identity(&found));
    let inputs: std::collections::HashSet<_> = if options.output.is_some() {
        files.iter().filter_map(|file| of(file)).collect()
    } else {
        Default::default()
    };
    let job = |input: PathBuf| {
        let Some(output) = &options.output else { return Job { input, output: None, refused: None } };
        if !many {
            return Job { input, output: Some(output.clone()), refused: None };
        }
        let name = output_name(&input, options.to);
        let output = output.join(&name);
        let refused = match taken.get(&name) {
            Some(first) if *first == input => Some("named twice".to_owned()),
            Some(first) => Some(format!(
                "{} is already written from {}: rename one of them",
                output.display(),
                first.display()
            )),
            None if of(&output).is_some_and(|output| inputs.contains(&output)) => {
                Some(format!("{} is itself an input: write to another directory", output.display()))
            }
            None => None,
        };
        taken.entry(name).or_insert_with(|| input.clone());
        Job { input, output: Some(output), refused }
    };
    Ok((files.into_iter().map(job).collect(), skipped))
}

/// The name of the file that an input becomes.
fn output_name(input: &Path, to: To) -> OsString {
    let mut name = input.file_stem().unwrap_or(input.as_os_str()).to_owned();
    name.push(match to {
        To::Xl => ".cfg",
        To::Json => ".json",
        To::Xml => ".xml",
    });
    name
}
