//! An xl.cfg for `xenclock create`: its clock is read by us, all else by the installed xl.

use std::io::Write;
use std::path::{Path, PathBuf};

use timers::{GuestClock, GuestKind};

use super::convert::source_of;
use super::output::{self, Failure};
use super::{settings, xl};
use xenclock::cfg::{self, Cfg};
use xenclock::diag::{Diagnostic, shown};
use xenclock::domain::{Domain, DomainConfig};
use xenclock::xl::installed::config_of;
use xenclock::xml::Input;

/// Whether an input looks like an xl.cfg: its first line that says anything has a `=`, and is no XML and no JSON.
pub(super) fn looks_like_one(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let says_something = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"#");
    let first = lines.into_iter().find(says_something).unwrap_or_default();
    !first.starts_with(b"<") && !first.starts_with(b"{") && first.contains(&b'=')
}

/// The domain of an xl.cfg, with the settings of the command line; what xl says of it on the way is said, unless
/// `quiet`.
pub(super) fn read(file: &str, bytes: &[u8], words: &[String], quiet: bool) -> Result<Input, Failure> {
    let (ours, theirs) = settings::known(words);
    // The lines that xl is given stand behind the file, and mean the same to us.
    parsed("command line", theirs.join("\n").as_bytes())?;
    let lines: String = theirs.iter().map(|line| format!("\n{line}")).collect();
    let whole = [bytes, lines.as_bytes()].concat();
    let cfg = parsed(file, if theirs.is_empty() { bytes } else { &whole })?;
    // Where xl refuses the type it says so itself.
    let kind = cfg.kind().unwrap_or(GuestKind::Pv);
    let asked = cfg::clock::read(&cfg, kind).map_err(|invalid| said(&invalid, &whole))?;
    let config = config(file, bytes, &theirs, quiet)?;
    let mut domain = Domain::new(config, asked.clock);
    settings::apply(&mut domain, &ours).map_err(Failure::Error)?;
    Ok(Input::new(domain, asked.report))
}

/// The clock of an xl.cfg alone: xl is not asked.
pub(super) fn clock(file: &str, bytes: &[u8]) -> Result<GuestClock, Failure> {
    let cfg = parsed(file, bytes)?;
    let kind = cfg.kind().unwrap_or(GuestKind::Pv);
    let asked = cfg::clock::read(&cfg, kind).map_err(|invalid| said(&invalid, bytes))?;
    let losses: Vec<_> = asked.report.losses().collect();
    losses.iter().for_each(|loss| output::diagnostic(loss, asked.report.source()));
    if losses.iter().any(|loss| loss.finding.refuses_start) {
        Err(Failure::Reported)
    } else {
        Ok(asked.clock)
    }
}

/// An xl.cfg that was left for the next start; it is not at hand as a file.
///
/// # Errors
/// When it is none, or no xl is installed to understand it.
pub(super) fn reread(bytes: &[u8]) -> Result<(DomainConfig, GuestClock), String> {
    let why = |diagnostic: &Diagnostic| diagnostic.finding.reason.clone();
    let cfg = cfg::parse("the updated config", bytes).map_err(|invalid| why(&invalid))?;
    let kind = cfg.kind().unwrap_or(GuestKind::Pv);
    let asked = cfg::clock::read(&cfg, kind).map_err(|invalid| why(&invalid))?;
    let xl = xl::installed().map_err(|error| error.to_string())?;
    let mut file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    file.write_all(bytes).map_err(|error| error.to_string())?;
    let understood =
        config_of(&xl, file.path(), &[]).map_err(|error| error.to_string().replace('\n', " "))?;
    Ok((understood.config, asked.clock))
}

fn parsed(name: &str, bytes: &[u8]) -> Result<Cfg, Failure> {
    cfg::parse(name, bytes).map_err(|invalid| said(&invalid, bytes))
}

fn said(invalid: &Diagnostic, bytes: &[u8]) -> Failure {
    output::diagnostic(invalid, &source_of(invalid, bytes));
    Failure::Reported
}

/// What xl makes of all but the clock.
fn config(file: &str, bytes: &[u8], lines: &[String], quiet: bool) -> Result<DomainConfig, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Error(format!("{file}: {error}"));
    let xl = xl::installed().map_err(|error| {
        failed(&format!(
            "an xl.cfg is read with the help of xl, but {error}; a libvirt domain XML is read without"
        ))
    })?;
    // xl reads files only.
    let mut copy = None;
    let path: PathBuf = if file == "-" {
        let mut file = tempfile::NamedTempFile::new().map_err(|error| failed(&error))?;
        file.write_all(bytes).map_err(|error| failed(&error))?;
        copy.insert(file).path().to_owned()
    } else {
        Path::new(file).to_owned()
    };
    // What xl says of a file it says in lines.
    let understood =
        config_of(&xl, &path, lines).map_err(|error| Failure::Lines(format!("{}: {error}", shown(file))))?;
    if !quiet {
        understood.warnings.iter().for_each(|warning| output::message(&format!("xl: {warning}")));
    }
    Ok(understood.config)
}
