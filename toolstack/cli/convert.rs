//! `xenclock convert`

use std::io::Write;
use std::path::Path;

use chrono::{DateTime, Utc};
use timers::resolve::Moment;
use timers::zone::Zone;

use super::args::{Convert, Diagnostics, From, Global, To};
use super::output::{self, Failure};
use super::{backend, output::diagnostic};
use xenclock::convert::{Format, convert};
use xenclock::diag::{Diagnostic, Finding, Report, Source, render};
use xenclock::domain::XenVersion;
use xenclock::files::{Access, Replacement};
use xenclock::xml;

pub(super) fn run(global: &Global, convert_args: &Convert) -> Result<(), Failure> {
    let bytes = output::input(&convert_args.file)?;
    let Setting { now, zone, xen } = setting(global, convert_args)?;
    let zones = backend::zones();
    let at = Moment { now, host_zone: &zone, zones: &*zones };
    let format = match convert_args.to {
        To::Xl => Format::Xl,
        To::Json => Format::Json,
    };
    let say = Say { how: convert_args.diagnostics };
    let name = &convert_args.file;
    if convert_args.from != Some(From::Xml) {
        guess(name, &bytes).map_err(|refused| say.invalid(&refused, &bytes))?;
    }
    let mut input = xml::read_for(xen, name, &bytes).map_err(|invalid| say.invalid(&invalid, &bytes))?;
    convert_args.wrapper.put(&mut input.domain.config)?;
    let text = convert(&mut input, format, &at).map_err(|invalid| say.invalid(&invalid, &bytes))?;
    say.report(&input.report);
    if convert_args.strict && input.report.losses().next().is_some() {
        if convert_args.diagnostics == Diagnostics::Human {
            output::error(
                "not everything means the same on Xen, and --strict asks for that: nothing is written",
            );
        }
        return Err(Failure::Reported);
    }
    match &convert_args.output {
        None => output::data(&text),
        Some(file) => {
            write_whole(file, &text).map_err(|error| Failure::Error(format!("{}: {error}", file.display())))
        }
    }
}

/// What a conversion depends on besides its input.
struct Setting {
    now: DateTime<Utc>,
    zone: Zone,
    xen: XenVersion,
}

/// As told, or as the host named by --backend has it, or as this machine has it; of Xen the newest.
fn setting(global: &Global, convert: &Convert) -> Result<Setting, Failure> {
    let facts = match &global.backend {
        Some(_) => Some(backend::open(global)?.facts()?),
        None => None,
    };
    let zone = match (&convert.host_timezone, &facts) {
        (None, Some(facts)) => facts.zone.clone(),
        (named, _) => backend::zone_named(named.as_deref())?,
    };
    let xen = convert.xen.or(facts.as_ref().map(|facts| facts.xen_version)).unwrap_or(XenVersion::NEWEST);
    let now = convert.now.or(facts.map(|facts| facts.now)).unwrap_or_else(backend::now);
    Ok(Setting { now, zone, xen })
}

/// Whether an input can be what this program reads, XML. What is wrong with an XML is for its reader to say.
pub(super) fn guess(name: &str, bytes: &[u8]) -> Result<(), Box<Diagnostic>> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if text.is_empty() || text.starts_with(b"<") || xml::tree::is_utf16(text) {
        return Ok(());
    }
    let what = if text.starts_with(b"{") { "looks like JSON" } else { "does not look like XML" };
    let source = Source::new(name, String::from_utf8_lossy(bytes).into_owned());
    let finding = Finding::invalid("not-xml", format!("the input {what}; a domain's XML starts with '<'"))
        .instead("give a libvirt domain XML, as from: virsh dumpxml --inactive DOMAIN");
    Err(Box::new(Diagnostic { place: source.place(0..1), node: String::new(), finding }))
}

/// How diagnostics are said.
struct Say {
    how: Diagnostics,
}

impl Say {
    fn report(&self, report: &Report) {
        match self.how {
            Diagnostics::Human => {
                report.losses().chain(report.advice()).for_each(|found| diagnostic(&found, report.source()));
            }
            Diagnostics::Json => array(report.all()),
        }
    }

    fn invalid(&self, invalid: &Diagnostic, bytes: &[u8]) -> Failure {
        match self.how {
            Diagnostics::Human => diagnostic(invalid, &source_of(invalid, bytes)),
            Diagnostics::Json => array(std::iter::once(invalid.clone())),
        }
        Failure::Reported
    }
}

/// The input again, for the line that a message shows.
pub(super) fn source_of(diagnostic: &Diagnostic, bytes: &[u8]) -> Source {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Source::new(&diagnostic.place.file, String::from_utf8_lossy(text).into_owned())
}

/// One by one: an array of all as values takes a lot more memory than its text.
fn array(diagnostics: impl Iterator<Item = Diagnostic>) {
    let items: Vec<_> =
        diagnostics.map(|item| format!("{:#}", render::json(&item)).replace('\n', "\n  ")).collect();
    output::message(&format!("[\n  {}\n]", items.join(",\n  ")));
}

/// Writes a file so that it is there whole or not at all.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut new = Replacement::begin(path, Access::AsBefore)?;
    new.file().write_all(text.as_bytes())?;
    new.commit().map(drop)
}
