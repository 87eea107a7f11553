//! The options and facts on which reading a file depends, and the reading itself, which prints nothing.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use timers::resolve::Moment;
use timers::tsc::TscHost;
use timers::zone::{Remembered, Zone, ZoneSource};
use uuid::Uuid;

use super::args::{From, Global, Maps, Reading};
use super::backend;
use super::input::{self, Format};
use super::output::{self, Failure};
use xenclock::cfg::{self, XlHost, Zones};
use xenclock::diag::{Diagnostic, Errors, Source};
use xenclock::domain::XenVersion;
use xenclock::files::read_regular;
use xenclock::host::{HostFacts, dom0, zone};
use xenclock::input::Input;
use xenclock::inventory::{self, Rooted};
use xenclock::mapping::{Mapping, Outcome};
use xenclock::report::FileReport;
use xenclock::{json, xml};

/// The settings with which files are read.
pub struct Setting {
    now: DateTime<Utc>,
    zone: Zone,
    zones: Arc<dyn ZoneSource + Send + Sync>,
    xen: Option<XenVersion>,
    /// The TSC of the host named by --backend.
    pub tsc: Option<TscHost>,
    xl_host: XlHost,
    from: Option<From>,
    pub mapping: Mapping,
    host: Option<Rooted>,
}

/// A file of rules has a few lines.
const RULES_BYTES: u64 = 1 << 20;

/// A file that is wrong.
pub struct Wrong {
    pub format: Format,
    pub errors: Vec<Diagnostic>,
    /// The findings on the rest of the file.
    beside: Vec<Diagnostic>,
    pub source: Box<Source>,
}

impl Setting {
    /// As told, or as the host named by --backend has it, or as this machine has it.
    pub fn of(global: &Global, reading: &Reading) -> Result<Self, Failure> {
        let facts = match &global.backend {
            Some(_) => Some(backend::open(global)?.facts()?),
            None => None,
        };
        let zone = match (&reading.host_timezone, &facts) {
            (None, Some(facts)) => facts.zone.clone(),
            (None, None) => zone::machine_zone()?,
            (Some(word), _) => zone::of_word(word)
                .map_err(|error| Failure::Error(format!("--host-timezone: {}", error.detail)))?,
        };
        let xen = reading.xen.or(facts.as_ref().map(|facts| facts.xen_version));
        let tsc = facts.as_ref().map(HostFacts::tsc);
        let now = reading.now.or(facts.map(|facts| facts.now)).unwrap_or_else(backend::now);
        let zones = Arc::new(Remembered::new(backend::zones()));
        let xl_host =
            XlHost { zones: Zones::new(zones.clone()), ..input::xl_host(xen, input::conf(global)?) };
        Ok(Setting {
            now,
            zone,
            zones,
            xen,
            tsc,
            xl_host,
            from: reading.from,
            mapping: mapping(&reading.maps)?,
            host: host(reading)?,
        })
    }

    /// The moment and the zones.
    pub fn at(&self) -> Moment<'_> {
        Moment { now: self.now, host_zone: &self.zone, zones: &*self.zones }
    }

    /// Adds to a report what the host lacks for the domain, where that is asked for.
    pub fn look_at_host(&self, input: &mut Input) {
        let Some(host) = &self.host else { return };
        for (field, finding) in inventory::missing(&input.domain.config, host) {
            input.report.add(None, field, 0..0, finding, false);
        }
    }

    /// The domain that a file describes, with the file's format.
    pub fn read(&self, name: &str, bytes: &[u8]) -> Result<(Input, Format), Wrong> {
        let format = match self.from {
            Some(From::Xml) => Format::Xml,
            Some(From::Xl) => Format::Cfg,
            Some(From::Json) => Format::Json,
            None => input::format_of(bytes),
        };
        let xen = self.xen.unwrap_or(XenVersion::NEWEST);
        let wrong = |errors: Errors| Wrong::of(&errors, format);
        let mut input = match format {
            Format::Xml => xml::read_mapped(xen, &self.mapping, name, bytes).map_err(wrong)?,
            Format::Json => json::read(name, bytes, xen).map_err(wrong)?,
            Format::Cfg => {
                // No two guests have one generation ID.
                let host = XlHost { genid: *Uuid::new_v4().as_bytes(), ..self.xl_host.clone() };
                let no_cfg = |errors: Errors| match input::not_xml(name, bytes) {
                    Some(error) if self.from.is_none() => Wrong::of(&error, Format::Xml),
                    _ => wrong(errors),
                };
                cfg::read(name, bytes, &[], &host).map_err(no_cfg)?.input
            }
        };
        if format != Format::Xml {
            self.mapping.apply(&mut input.domain.config, &mut input.mapped);
        }
        Ok((input, format))
    }
}

/// The host that is looked at.
fn host(reading: &Reading) -> Result<Option<Rooted>, Failure> {
    let Some(root) = &reading.check_host else { return Ok(None) };
    if root.as_path() == Path::new("/") && !dom0::in_dom0() {
        return Err(Failure::Error(
            "--check-host: this is not a dom0; --check-host=DIR checks the files of a dom0 below DIR"
                .to_owned(),
        ));
    }
    if !root.is_dir() {
        return Err(Failure::Error(format!("--check-host: {} is not a directory", root.display())));
    }
    Ok(Some(Rooted::new(root)))
}

/// The rules that are asked for.
pub(super) fn mapping(maps: &Maps) -> Result<Mapping, Failure> {
    let mut mapping = Mapping::default();
    for rule in &maps.map {
        mapping.add(rule, "--map").map_err(|why| Failure::Usage(format!("--map {rule}: {why}")))?;
    }
    for file in &maps.map_file {
        let name = input::name_of(file);
        let bytes = read_regular(file, RULES_BYTES);
        let bytes = bytes.map_err(|error| Failure::Error(format!("{name}: {error}")))?;
        if let Err(wrong) = mapping.read(&name, &bytes) {
            output::diagnostic(&wrong.0, &wrong.1);
            return Err(Failure::Reported);
        }
    }
    Ok(mapping)
}

/// Says which rules nothing used.
pub fn unused_rules(mapping: &Mapping, outcome: &Outcome) {
    for (rule, origin) in mapping.unused(outcome) {
        output::warn(&[format!("{origin}: nothing uses {rule}")]);
    }
}

impl Wrong {
    /// The errors of a file.
    fn of(errors: &Errors, format: Format) -> Self {
        let (all, beside) = (errors.iter().cloned().collect(), errors.beside().to_vec());
        Wrong { format, source: Box::new(errors.input().clone()), errors: all, beside }
    }

    /// The errors of a domain that was read.
    pub fn with(input: &Input, format: Format, errors: &Errors) -> Self {
        let is_other = |found: &Diagnostic| errors.iter().all(|error| error.node != found.node);
        let beside = input.report.differences().filter(is_other).collect();
        Wrong { beside, ..Wrong::of(errors, format) }
    }

    /// The report on the file.
    pub fn report(&self, file: &str) -> FileReport {
        let found = self.errors.iter().chain(&self.beside).cloned();
        FileReport::wrong(file, self.format.as_str(), found, &self.source)
    }
}
