//! Converts from one format to another without a host, and reports all losses.

use timers::resolve::{self, Moment};
use timers::tsc::TscHost;
use timers::zone::{ZoneSource, default_zones};

use crate::assess::{FOUND_HERE, Target, advice, assess, decide_tsc, native_at_a_frequency};
use crate::diag::{Diagnostic, Errors, Finding, Report, Verdict};
use crate::domain::project::{self, OffsetIn};
use crate::domain::release::{self, XenVersion};
use crate::domain::{Domain, DomainConfig, Part, changes, part_of, unknown_zone, unresolvable};
use crate::input::Input;
use crate::write;
pub use crate::write::json::pretty as libxl_json;
use crate::write::xl::{Unsaid, Written, of_others};
use crate::write::xml::Document;
use crate::xml;

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// xl.cfg
    Xl,
    /// libxl's JSON
    Json,
    /// libvirt's domain XML
    Xml,
}

/// Writes an input in another format. Its report is lowered by what that format cannot hold.
///
/// `at` gives the moment and the zones for what only a time can tell: whether the clock can be resolved at all, and
/// what stock xl is given for a clock that it has no word for.
///
/// # Errors
/// When the clock is invalid: a zone that does not exist, a number out of range.
///
/// ```
/// use xenclock::convert::{Format, convert};
/// use xenclock::timers::{Moment, zone::{Zone, default_zones}};
///
/// # let text = "<domain type='xen'><name>guest</name><uuid>6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11</uuid>
/// #   <memory unit='MiB'>64</memory><os><type>hvm</type></os><clock offset='variable' adjustment='3600'/></domain>";
/// let mut input = xenclock::xml::read("guest.xml", text.as_bytes())?;
/// let (zone, zones) = (Zone::utc(), default_zones());
/// let at = Moment { now: "2026-07-01T12:00:00Z".parse()?, host_zone: &zone, zones: &*zones };
/// let cfg = convert(&mut input, Format::Xl, &at)?;
/// assert!(cfg.contains("clock_offset = \"variable\""), "{cfg}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn convert(input: &mut Input, to: Format, at: &Moment<'_>) -> Result<String, Errors> {
    let target = match to {
        Format::Xl => Target::Xl,
        Format::Json => Target::Json,
        Format::Xml => Target::Start,
    };
    judged(input, target, at.zones)?;
    let comments = std::mem::take(&mut input.domain.notes.comments);
    input.domain.notes.comments = comments.iter().filter_map(|text| of_others(text)).collect();
    if to == Format::Xml {
        return to_xml(input, at);
    }
    let config = intent(input, at)?;
    let (text, unsaid) = match to {
        Format::Xl => {
            let Written { text, unsaid } = write::xl::write(&input.domain, &config, &input.report, input.xen);
            (text, unsaid)
        }
        Format::Json | Format::Xml => {
            let text = write::json::write(&config).map_err(|error| {
                error_at(&input.report, Part::Domain, Finding::invalid("json", error.to_string()))
            })?;
            (text, unknown_to_libxl(&config, input.xen))
        }
    };
    add(&mut input.report, unsaid);
    Ok(text)
}

/// Adds what is said of fields of the config.
fn add(report: &mut Report, unsaid: Vec<Unsaid>) {
    for Unsaid { path, finding } in unsaid {
        if FOUND_HERE.contains(&path.as_str()) {
            continue;
        }
        let reason = format!("{path}: {}", finding.reason);
        report.add(None, path, 0..0, Finding { reason: reason.into(), ..finding }, false);
    }
}

/// Says of a config that was read as libxl's JSON what in it is unknown to this program, and newer than a release.
pub fn note_unknown(input: &mut Input) {
    let written = write::xl::write(&input.domain, &input.domain.config, &input.report, XenVersion::NEWEST);
    let unknown = written.unsaid.into_iter().filter(|unsaid| unsaid.finding.code == "unknown-to-us");
    let unknown: Vec<_> = unknown.chain(unknown_to_libxl(&input.domain.config, input.xen)).collect();
    add(&mut input.report, unknown);
}

/// Writes an input as domain XML. The clock is written word for word.
fn to_xml(input: &mut Input, at: &Moment<'_>) -> Result<String, Errors> {
    // A clock that cannot be resolved is wrong in any format.
    intent(input, at)?;
    if is_genid_of_each_start(&input.report) {
        let reason = "xl generates an ID at each start; the guest of the XML keeps this one";
        input.report.lower(Part::GenerationId, Finding::approximated("genid", reason));
    }
    match xml_of(&input.domain, None) {
        Ok(text) => Ok(text),
        Err(finding) => Err(error_at(&input.report, Part::Domain, *finding)),
    }
}

/// True for an xl.cfg: xl takes no generation ID, and makes another one at each start.
fn is_genid_of_each_start(report: &Report) -> bool {
    report.at(Part::GenerationId, Finding::exact()).node == "/ms_vm_genid"
}

/// The most bytes that are read while elements are taken out of a document: it is read again each time.
const MOST_READ: usize = 16 << 20;

/// A domain as domain XML, with the number that it runs under, if any. What is not read from it word for word is taken out
/// of it, and kept in its metadata.
///
/// # Errors
/// When no document of libvirt's form can hold the domain.
pub fn xml_of(domain: &Domain, running: Option<u32>) -> Result<String, Box<Finding>> {
    let mut document = Document::new(domain, running);
    let unheld = |reason: String| Box::new(Finding::unsupported("xml", reason));
    let mut read_so_far = 0;
    let mut last = None;
    while read_so_far < MOST_READ {
        let plain = document.text(&[]);
        read_so_far += plain.len();
        let wrong = match xml::read("", plain.as_bytes()) {
            Ok(read) => {
                // What an element says and the domain has not; not what libxl does not start.
                let is_lost = |loss: &Diagnostic| loss.node.starts_with("/domain");
                let lost: Vec<String> = read.report.losses().filter(is_lost).map(|loss| loss.node).collect();
                if lost.is_empty() {
                    let changes = changes::between(
                        (&read.domain.config, &read.domain.clock),
                        (&domain.config, &domain.clock),
                    );
                    return Ok(document.text(&changes));
                }
                lost
            }
            Err(errors) => errors.iter().map(|error| error.node.clone()).collect(),
        };
        if document.remove(&wrong) == 0 {
            return Err(unheld(format!("a domain XML cannot hold {}", wrong.join(", "))));
        }
        last = wrong.into_iter().next();
    }
    let last = last.unwrap_or_default();
    Err(unheld(format!("too much of this domain is nothing that a domain XML can hold, such as {last}")))
}

/// The fields of a config that libxl of a release passes over in silence.
fn unknown_to_libxl(config: &DomainConfig, xen: XenVersion) -> Vec<Unsaid> {
    let unknown = release::unknown_fields(config, xen).into_iter();
    let finding =
        |known| Finding::unsupported("other-xen", format!("libxl of Xen {xen} does not know it; {known}"));
    unknown.map(|(path, known)| Unsaid { path, finding: finding(known) }).collect()
}

/// An error of a part.
fn error_at(report: &Report, part: Part, finding: Finding) -> Errors {
    Errors::one(report.at(part, finding), report.source())
}

/// Puts the judgement of a target into the report.
///
/// # Errors
/// When parts are invalid whatever the target.
pub fn lower(input: &mut Input, target: Target) -> Result<(), Errors> {
    judged(input, target, &*default_zones())
}

/// The same, with the zones that there are: an unknown one is said beside other errors.
fn judged(input: &mut Input, target: Target, zones: &dyn ZoneSource) -> Result<(), Errors> {
    let mut errors = Vec::new();
    for (part, finding) in assess(&input.domain, target) {
        if part == Part::GenerationId && is_genid_of_each_start(&input.report) {
            continue;
        }
        if finding.verdict == Verdict::Invalid {
            errors.push(input.report.at(part, finding));
        } else {
            input.report.lower(part, finding);
        }
    }
    if !errors.is_empty() {
        let zone = unknown_zone(&input.domain.clock.offset, zones);
        errors.extend(zone.map(|(part, finding)| input.report.at(part, finding)));
    }
    if let Some(errors) = Errors::of(errors, input.report.source()) {
        return Err(errors);
    }
    for (part, finding) in advice(&input.domain) {
        input.report.advise(part, finding);
    }
    input.report.choose_alternatives(target == Target::Xl);
    Ok(())
}

/// Puts into the report what a start would make of an input: on `host`, or on a host of which nothing is known.
///
/// # Errors
/// When a part is invalid, or the clock is: a zone that does not exist, a number out of range.
pub fn check(input: &mut Input, at: &Moment<'_>, host: Option<&TscHost>) -> Result<(), Errors> {
    judged(input, Target::Start, at.zones)?;
    resolved(input, at)?;
    let domain = &input.domain;
    let refused = match host {
        Some(host) => decide_tsc(&domain.clock, domain.config.kind(), host).err().map(|refused| *refused),
        None => native_at_a_frequency(&domain.clock),
    };
    if let Some((part, finding)) = refused {
        input.report.lower(part, finding);
    }
    Ok(())
}

/// The clock's offset at a moment.
fn resolved(input: &Input, at: &Moment<'_>) -> Result<resolve::Resolved, Errors> {
    let domain = &input.domain;
    resolve::resolve(&domain.clock.offset, domain.config.kind(), at).map_err(|error| {
        let part = part_of(&error, &domain.clock.offset);
        error_at(&input.report, part, unresolvable(&error, at.zones))
    })
}

/// The config with the clock as xl would have it written.
fn intent(input: &Input, at: &Moment<'_>) -> Result<DomainConfig, Errors> {
    let domain = &input.domain;
    let mut config = domain.config.clone();
    let resolved = resolved(input, at)?;
    project::clock(&mut config, &domain.clock, OffsetIn::Intent(resolved.offset));
    Ok(config)
}

#[cfg(test)]
mod tests;
