//! The conversion of one file, whether it is alone or one of many.

use super::super::args::{Convert, To};
use super::super::input::{self, Format as Source};
use super::super::output::{self, Failure};
use super::super::reading::{Setting, Wrong};
use super::super::secrets::has_password;
use super::written;
use xenclock::convert::{Format, convert};
use xenclock::diag::Report;
use xenclock::files::read_regular;
use xenclock::report::{Accepted, FileReport, Uses, first_version};
use xenclock::{cfg, xml};

/// A file of accepted losses has a line for each.
const ACCEPT_BYTES: u64 = 16 << 20;

/// A file that was converted.
pub(super) struct Converted {
    pub report: FileReport,
    pub findings: Report,
    pub uses: Uses,
    pub text: String,
    pub secret: bool,
}

/// Why a file was not converted.
pub(super) enum Unconverted {
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
pub(super) fn converted(
    name: &str,
    bytes: &[u8],
    options: &Convert,
    setting: &Setting,
    accepted: Option<&Accepted>,
) -> Result<Converted, Unconverted> {
    let (mut input, format) = setting.read(name, bytes)?;
    options.wrapper.put(&mut input.domain.config).map_err(Unconverted::Failed)?;
    if options.comments {
        input.domain.notes.comments = match format {
            Source::Xml => xml::comments(bytes),
            Source::Cfg => cfg::comments(bytes),
            Source::Json => Vec::new(),
        };
    }
    let text = convert(&mut input, options.to.into(), &setting.at())
        .map_err(|errors| Wrong::with(&input, format, &errors))?;
    setting.look_at_host(&mut input);
    let accept = |file: &str, found: &_| accepted.and_then(|accepted| accepted.reason(file, found));
    Ok(Converted {
        report: FileReport::of(name, format.as_str(), &input, &accept),
        uses: Uses::of(&input),
        secret: has_password(&input.domain.config, &text),
        findings: input.report,
        text,
    })
}

/// The losses that were accepted.
pub(super) fn accepted(options: &Convert) -> Result<Option<Accepted>, Failure> {
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
pub(super) fn stale(accepted: Option<&Accepted>) {
    let stale: Vec<_> = accepted.into_iter().flat_map(Accepted::stale).collect();
    output::warn(&stale);
}

pub(super) fn write_accept(options: &Convert, reports: &[FileReport]) -> Result<(), Failure> {
    let Some(file) = &options.write_accept else { return Ok(()) };
    written::write_whole(file, &first_version(reports), false)
        .map_err(|error| Failure::Error(format!("{}: {error}", file.display())))
}

impl From<To> for Format {
    fn from(to: To) -> Self {
        match to {
            To::Xl => Format::Xl,
            To::Json => Format::Json,
            To::Xml => Format::Xml,
        }
    }
}
