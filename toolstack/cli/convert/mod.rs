//! `xenclock convert`

mod estate;
mod inputs;
mod written;

use std::path::Path;

use super::args::{Convert, Diagnostics, Global, To};
use super::output::{self, Failure};
use super::reading::{Setting, Wrong, unused_rules};
use super::{input, report};
use xenclock::convert::{Format, convert};
use xenclock::diag::Report;
use xenclock::files::read_regular;
use xenclock::report::{Accepted, Estate, FileReport, Uses, first_version};

/// A file of accepted losses has a line for each.
const ACCEPT_BYTES: u64 = 16 << 20;

/// A file that was converted.
struct Converted {
    report: FileReport,
    findings: Report,
    uses: Uses,
    text: String,
    secret: bool,
}

pub(super) fn run(global: &Global, options: &Convert) -> Result<(), Failure> {
    if inputs::are_many(options) {
        return estate::run(global, options);
    }
    let [file] = &options.files[..] else {
        let message =
            "several inputs are converted to a directory: give -o DIR, or --report FILE for a report alone";
        return Err(Failure::Usage(message.to_owned()));
    };
    written::check_report(options)?;
    let bytes = output::input(file)?;
    let setting = Setting::of(global, &options.reading)?;
    let accepted = accepted(options)?;
    let name = &input::name_of(file);
    let how = options.diagnostics;
    let done = match converted(name, &bytes, options, &setting, accepted.as_ref()) {
        Ok(done) => done,
        Err(Unconverted::Wrong(wrong)) => {
            let reports = [wrong.report(name)];
            written::report(options, &estate_of(&reports[0], &Uses::default()), &reports)?;
            return Err(report::wrong(name, &bytes, &wrong, how));
        }
        Err(Unconverted::Failed(failure)) => return Err(failure),
    };
    let mut said = done.report;
    report::say(&said, &done.findings, how, report::detail(global));
    unused_rules(&setting.mapping, done.uses.mapped());
    stale(accepted.as_ref());
    let lossy = options.strict && said.is_lossy();
    if let Some(file) = options.output.as_deref().filter(|_| !lossy) {
        written::write_whole(file, &done.text, done.secret)
            .map_err(|error| Failure::Error(format!("{}: {error}", file.display())))?;
        said.output = Some(input::name_of(file));
    }
    let reports = [said];
    written::report(options, &estate_of(&reports[0], &done.uses), &reports)?;
    write_accept(options, &reports)?;
    if lossy {
        if how == Diagnostics::Human {
            output::error(
                "not everything means the same on Xen, and --strict asks for that: nothing is written",
            );
        }
        return Err(Failure::Reported);
    }
    match &options.output {
        None => output::data(&done.text),
        Some(file) => {
            if done.secret && file.is_file() {
                output::message(&format!(
                    "xenclock: {} has a password in it: only its owner can read it (mode 0600)",
                    file.display()
                ));
            }
            Ok(())
        }
    }
}

/// Why a file was not converted.
enum Unconverted {
    /// It is wrong.
    Wrong(Wrong),
    /// The options do not go with it.
    Failed(Failure),
}

impl From<Wrong> for Unconverted {
    fn from(wrong: Wrong) -> Self {
        Unconverted::Wrong(wrong)
    }
}

/// A file in the format that is asked for. Nothing is written and nothing said.
fn converted(
    name: &str,
    bytes: &[u8],
    options: &Convert,
    setting: &Setting,
    accepted: Option<&Accepted>,
) -> Result<Converted, Unconverted> {
    let (mut input, format) = setting.read(name, bytes)?;
    options.wrapper.put(&mut input.domain.config).map_err(Unconverted::Failed)?;
    let text = convert(&mut input, options.to.into(), &setting.at())
        .map_err(|invalid| Wrong::with(&input, format, invalid))?;
    setting.look_at_host(&mut input);
    let accept = |file: &str, found: &_| accepted.and_then(|accepted| accepted.reason(file, found));
    Ok(Converted {
        report: FileReport::of(name, format.as_str(), &input, &accept),
        uses: Uses::of(&input),
        secret: written::has_password(&input.domain.config),
        findings: input.report,
        text,
    })
}

fn estate_of(report: &FileReport, uses: &Uses) -> Estate {
    let mut estate = Estate::default();
    estate.add(report, uses);
    estate
}

/// The losses that were accepted.
fn accepted(options: &Convert) -> Result<Option<Accepted>, Failure> {
    let Some(file) = &options.accept else { return Ok(None) };
    let name = input::name_of(file);
    let bytes = read_regular(file, ACCEPT_BYTES);
    let bytes = bytes.map_err(|error| Failure::Error(format!("{name}: {error}")))?;
    match Accepted::read(&name, &bytes) {
        Ok(accepted) => Ok(Some(accepted)),
        Err(wrong) => {
            output::diagnostic(&wrong.0, &wrong.1);
            Err(Failure::Reported)
        }
    }
}

/// Says which accepted losses are there no more.
fn stale(accepted: Option<&Accepted>) {
    let stale: Vec<_> = accepted.into_iter().flat_map(Accepted::stale).collect();
    output::warn(&stale);
}

fn write_accept(options: &Convert, reports: &[FileReport]) -> Result<(), Failure> {
    let Some(file) = &options.write_accept else { return Ok(()) };
    written::write_whole(Path::new(file), &first_version(reports), false)
        .map_err(|error| Failure::Error(format!("{}: {error}", file.display())))
}

impl From<To> for Format {
    fn from(to: To) -> Self {
        match to {
            To::Xl => Format::Xl,
            To::Json => Format::Json,
        }
    }
}
