//! The files that `convert` writes.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::super::args::Convert;
use super::super::output::Failure;
use super::super::secrets::{has_password_in, say_secret};
use xenclock::diag::shown_json;
use xenclock::files::{Access, Replacement, is_same_file, sweep};
use xenclock::report::{Estate, FileReport, html, sarif};

/// Writes a file so that it is there whole or not at all, and is on disk then.
pub(super) fn write_whole(path: &Path, text: &str, secret: bool) -> std::io::Result<()> {
    let mut new = Replacement::begin(path, access(secret))?;
    new.file().write_all(text.as_bytes())?;
    new.commit().map(drop)
}

/// As [`write_whole`], one of many: [`finish`] brings them to the disk together.
pub(super) fn write_one_of_many(path: &Path, text: &str, secret: bool) -> std::io::Result<()> {
    let mut new = Replacement::begin_unswept(path, access(secret))?;
    new.file().write_all(text.as_bytes())?;
    new.commit_unsynced().map(drop)
}

/// Brings the files of a directory to the disk, and removes what killed writers have left there.
pub(super) fn finish(directory: &Path) -> std::io::Result<()> {
    sweep(directory, &[]);
    let directory = std::fs::File::open(directory)?;
    rustix::fs::syncfs(&directory)?;
    Ok(())
}

fn access(secret: bool) -> Access {
    if secret { Access::Private } else { Access::AsBefore }
}

/// The form of a report.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Html,
    Json,
    Sarif,
}

fn form(path: &Path) -> Result<Form, Failure> {
    match path.extension().and_then(|end| end.to_str()) {
        Some("html" | "htm") => Ok(Form::Html),
        Some("json") => Ok(Form::Json),
        Some("sarif") => Ok(Form::Sarif),
        _ => Err(Failure::Usage(format!(
            "--report {}: expected a name that ends in .html, .json or .sarif",
            path.display()
        ))),
    }
}

/// Checks what is to be written beside the configs: the report has a form, and nothing is written over an input or over
/// another output.
pub(super) fn check_outputs<'a>(
    options: &'a Convert,
    mut inputs: Vec<&'a Path>,
    mut outputs: Vec<&'a Path>,
) -> Result<(), Failure> {
    options.report.as_deref().map_or(Ok(()), |path| form(path).map(drop))?;
    inputs.extend(options.accept.as_deref());
    inputs.extend(options.reading.maps.map_file.iter().map(PathBuf::as_path));
    inputs.extend(options.reading.check_host.as_deref());
    outputs.extend(options.report.as_deref());
    outputs.extend(options.write_accept.as_deref());
    for (index, output) in outputs.iter().enumerate() {
        let clash = |whose: &str| {
            let path = output.display();
            Err(Failure::Usage(format!("{path} is {whose}, and would be lost: write to another file")))
        };
        if inputs.iter().any(|input| is_same_file(input, output)) {
            return clash("itself an input");
        }
        if outputs[..index].iter().any(|before| is_same_file(before, output)) {
            return clash("written already");
        }
    }
    Ok(())
}

/// Writes the report that is asked for.
pub(super) fn report(options: &Convert, estate: &Estate, reports: &[FileReport]) -> Result<(), Failure> {
    let Some(path) = &options.report else { return Ok(()) };
    let text = match form(path)? {
        Form::Html => html(estate, reports),
        Form::Json => format!("{:#}\n", estate.json(reports)),
        Form::Sarif => format!("{:#}\n", sarif(reports)),
    };
    // The page has its own escapes.
    let text = if form(path)? == Form::Html { text.into() } else { shown_json(&text) };
    let secret = has_password_in(&text);
    write_whole(path, &text, secret)
        .map_err(|error| Failure::Error(format!("{}: {error}", path.display())))?;
    if secret && path.is_file() {
        say_secret(path);
    }
    Ok(())
}
