//! `xenclock convert`

use std::io::Write;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::Value;
use timers::resolve::Moment;
use timers::zone::Zone;

use super::args::{Convert, Diagnostics, From, Global, To};
use super::output::{self, Failure};
use super::{backend, input, output::diagnostic};
use xenclock::cfg;
use xenclock::convert::{Format, convert};
use xenclock::diag::{Diagnostic, Errors, Report, render};
use xenclock::domain::{DomainConfig, XenVersion};
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
    let name = &input::name_of(&convert_args.file);
    let format_in = match convert_args.from {
        Some(From::Xml) => input::Format::Xml,
        Some(From::Xl) => input::Format::Cfg,
        None => input::format_of(&bytes),
    };
    let mut input = match format_in {
        input::Format::Xml => {
            let xen = xen.unwrap_or(XenVersion::NEWEST);
            xml::read_for(xen, name, &bytes).map_err(|invalid| say.invalid(&invalid, &bytes))?
        }
        input::Format::Cfg => {
            let described = cfg::read(name, &bytes, &[], &input::xl_host(global, xen)?);
            described.map_err(|errors| say.errors(name, &bytes, &errors))?.input
        }
        input::Format::Json => return Err(say.invalid(&input::is_json(name, &bytes), &bytes)),
    };
    convert_args.wrapper.put(&mut input.domain.config)?;
    let text = convert(&mut input, format, &at).map_err(|invalid| say.invalid(&invalid, &bytes))?;
    say.report(&input.report);
    if convert_args.strict && input.report.losses().next().is_some() {
        if convert_args.diagnostics == Diagnostics::Human {
            output::error("something is lost on Xen: nothing is written because of --strict");
        }
        return Err(Failure::Reported);
    }
    match &convert_args.output {
        None => output::data(&text),
        Some(file) => {
            let secret = has_password(&input.domain.config);
            write_whole(file, &text, secret)
                .map_err(|error| Failure::Error(format!("{}: {error}", file.display())))?;
            if secret && file.is_file() {
                output::message(&format!(
                    "xenclock: {} has a password in it: only its owner can read it (mode 0600)",
                    file.display()
                ));
            }
            Ok(())
        }
    }
}

/// What a conversion depends on besides its input.
struct Setting {
    now: DateTime<Utc>,
    zone: Zone,
    xen: Option<XenVersion>,
}

/// As told, or as the host named by --backend has it, or as this machine has it.
fn setting(global: &Global, convert: &Convert) -> Result<Setting, Failure> {
    let facts = match &global.backend {
        Some(_) => Some(backend::open(global)?.facts()?),
        None => None,
    };
    let zone = match (&convert.host_timezone, &facts) {
        (None, Some(facts)) => facts.zone.clone(),
        (named, _) => backend::zone_named(named.as_deref())?,
    };
    let xen = convert.xen.or(facts.as_ref().map(|facts| facts.xen_version));
    let now = convert.now.or(facts.map(|facts| facts.now)).unwrap_or_else(backend::now);
    Ok(Setting { now, zone, xen })
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

    fn errors(&self, file: &str, bytes: &[u8], errors: &Errors) -> Failure {
        match self.how {
            Diagnostics::Human => input::wrong_cfg(file, bytes, errors),
            Diagnostics::Json => {
                array(errors.iter().cloned());
                Failure::Reported
            }
        }
    }

    fn invalid(&self, invalid: &Diagnostic, bytes: &[u8]) -> Failure {
        match self.how {
            Diagnostics::Human => diagnostic(invalid, &input::source_of(invalid, bytes)),
            Diagnostics::Json => array(std::iter::once(invalid.clone())),
        }
        Failure::Reported
    }
}

/// One by one: an array of all as values takes a lot more memory than its text.
fn array(diagnostics: impl Iterator<Item = Diagnostic>) {
    let items: Vec<_> =
        diagnostics.map(|item| format!("{:#}", render::json(&item)).replace('\n', "\n  ")).collect();
    output::json_message(&format!("[\n  {}\n]", items.join(",\n  ")));
}

/// Whether a config has a password in it: of a display, or in words for QEMU.
fn has_password(config: &DomainConfig) -> bool {
    fn is_in(value: &Value) -> bool {
        match value {
            Value::Object(fields) => fields.iter().any(|(key, value)| {
                let named = key.contains("passw") && value.as_str().is_some_and(|text| !text.is_empty());
                named || is_in(value)
            }),
            Value::Array(items) => items.iter().any(is_in),
            Value::String(text) => {
                let text = text.to_lowercase();
                ["password=", "passwd=", ":key="].iter().any(|word| text.contains(word))
            }
            _ => false,
        }
    }
    serde_json::to_value(config).is_ok_and(|config| is_in(&config))
}

/// Writes a file so that it is there whole or not at all.
fn write_whole(path: &Path, text: &str, secret: bool) -> std::io::Result<()> {
    let access = if secret { Access::Private } else { Access::AsBefore };
    let mut new = Replacement::begin(path, access)?;
    new.file().write_all(text.as_bytes())?;
    new.commit().map(drop)
}
