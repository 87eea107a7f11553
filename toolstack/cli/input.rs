//! Reads the domain that a file describes, in any format, with settings from the command line.

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};

use timers::GuestClock;
use uuid::Uuid;

use super::args::Global;
use super::output::{self, Failure, message};
use super::{backend, xl};
use xenclock::assess::Target;
use xenclock::cfg::{self, XlConf, XlHost};
use xenclock::convert::lower;
use xenclock::diag::{Diagnostic, Errors, Finding, Source, shown};
use xenclock::domain::{Domain, DomainConfig, XenVersion};
use xenclock::files::read_regular;
use xenclock::host::HostFacts;
use xenclock::input::Input;
use xenclock::json;
use xenclock::mapping::Mapping;
use xenclock::xl::installed::config_of;
use xenclock::xml;

/// The path of xl's own settings, and the environment variable that names another file for them.
const XL_CONF: &str = "/etc/xen/xl.conf";
const XL_CONF_ELSEWHERE: &str = "XENCLOCK_XL_CONF";

/// It has a few lines.
const XL_CONF_BYTES: u64 = 1 << 20;

/// The format of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Xml,
    Cfg,
    Json,
}

impl Format {
    /// The word for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Format::Xml => "xml",
            Format::Cfg => "xl",
            Format::Json => "json",
        }
    }
}

/// A file's name in messages.
pub(super) fn name_of(path: &Path) -> String {
    path.display().to_string()
}

/// The format that an input looks like. What is neither XML nor JSON is an xl.cfg: an empty file is one too.
pub(super) fn format_of(bytes: &[u8]) -> Format {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    // An XML may be in UTF-16, in which a zero is half a letter.
    let letter = |byte: &&u8| byte.is_ascii_graphic();
    let is_wide = xml::is_utf16(text) && text.iter().find(letter) == Some(&b'<');
    if text.starts_with(b"<") || text.starts_with(b"\0<") || is_wide {
        Format::Xml
    } else if json::begins(text) || json::behind_messages(bytes).is_some() {
        Format::Json
    } else {
        Format::Cfg
    }
}

/// The values that xl takes from the host for a file.
pub(super) fn xl_host(release: Option<XenVersion>, conf: XlConf) -> XlHost {
    let mut host = XlHost { release, genid: *Uuid::new_v4().as_bytes(), conf, ..XlHost::default() };
    if let Some(release) = host.release {
        let versioned = format!("/usr/lib/xen-{release}/boot");
        if Path::new(&versioned).is_dir() {
            host.firmware_dir = versioned;
        }
    }
    host
}

/// xl's own settings on a real host, and on the mock host where they are named. As xl does at each command, this warns of
/// the values that it ignores.
pub(super) fn conf(global: &Global) -> Result<XlConf, Failure> {
    if backend::is_mock(global) && std::env::var_os(XL_CONF_ELSEWHERE).is_none() {
        return Ok(XlConf::default());
    }
    let (conf, ignored) = xl_conf().map_err(|errors| wrong(&errors))?;
    if let Some(ignored) = ignored {
        ignored.iter().for_each(|diagnostic| output::diagnostic(diagnostic, ignored.input()));
    }
    Ok(conf)
}

fn xl_conf() -> Result<(XlConf, Option<Errors>), Errors> {
    let path = std::env::var_os(XL_CONF_ELSEWHERE).map_or_else(|| XL_CONF.into(), PathBuf::from);
    match read_regular(&path, XL_CONF_BYTES) {
        Ok(bytes) => XlConf::read(&name_of(&path), &bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok((XlConf::default(), None)),
        // As xl, which says so and goes on.
        Err(error) => {
            output::message(&format!("xenclock: warning: xl.conf is not used: {}: {error}", path.display()));
            Ok((XlConf::default(), None))
        }
    }
}

/// A domain with words of the command line, as a start with xl would take them. What is wrong is said.
/// Refuses words that set nothing.
pub(super) fn all_are_settings(words: &[String]) -> Result<(), Failure> {
    words.iter().find(|word| !word.contains('=')).map_or(Ok(()), |word| Err(not_a_setting(word)))
}

pub(super) fn not_a_setting(word: impl Display) -> Failure {
    Failure::Usage(format!("'{word}' is not a setting, expected KEY=VALUE"))
}

pub(super) fn read(
    global: &Global,
    file: &str,
    bytes: &[u8],
    words: &[String],
    host: &XlHost,
    mapping: &Mapping,
) -> Result<Input, Failure> {
    all_are_settings(words)?;
    match format_of(bytes) {
        Format::Cfg => {
            let mut input = read_cfg(global, file, bytes, words, host)?;
            mapping.apply(&mut input.domain.config, &mut input.mapped);
            Ok(input)
        }
        Format::Json => Err(wrong(&is_json(file, bytes))),
        Format::Xml => {
            let xen = host.release.unwrap_or(XenVersion::NEWEST);
            let mut input = xml::read_mapped(xen, mapping, file, bytes).map_err(|errors| wrong(&errors))?;
            cfg::overlay(&mut input, words, host).map_err(|errors| wrong(&errors))?;
            Ok(input)
        }
    }
}

fn read_cfg(
    global: &Global,
    file: &str,
    bytes: &[u8],
    words: &[String],
    host: &XlHost,
) -> Result<Input, Failure> {
    let mut described =
        cfg::read(file, bytes, words, host).map_err(|errors| wrong_cfg(file, bytes, &errors))?;
    if !described.unknown.is_empty()
        && !backend::is_mock(global)
        && let Ok(xl) = xl::installed()
    {
        // The installed xl may be newer than what is known here.
        message(&format!(
            "xenclock: {file}: xenclock does not know {}: the installed xl reads everything but the clock",
            described.unknown.join(", ")
        ));
        let failed = |error: &dyn std::fmt::Display| Failure::Error(format!("{file}: {error}"));
        let mut copy = tempfile::NamedTempFile::new().map_err(|error| failed(&error))?;
        copy.write_all(&cfg::for_xl(file, bytes, words)).map_err(|error| failed(&error))?;
        let path: PathBuf = copy.path().to_owned();
        // xl's answer may have several lines.
        let understood = config_of(&xl, &path, &[])
            .map_err(|error| Failure::Lines(format!("{}: {error}", shown(file))))?;
        understood.warnings.iter().for_each(|warning| message(&format!("xl: {warning}")));
        described.input.domain.config = understood.config;
    }
    Ok(described.input)
}

/// The domain that a file describes, for a start on a host.
pub(super) fn domain(global: &Global, facts: &HostFacts, path: &Path) -> Result<Input, Failure> {
    let bytes = output::input(path)?;
    let file = &name_of(path);
    let host = xl_host(Some(facts.xen_version), conf(global)?);
    let mut input = read(global, file, &bytes, &[], &host, &Mapping::default())?;
    lower(&mut input, Target::Start).map_err(|errors| wrong(&errors))?;
    Ok(input)
}

/// The clock that a file requests, and the config of its guest. An xl.cfg may have clock keys alone, and then no config.
pub(super) fn clock(
    global: &Global,
    facts: &HostFacts,
    path: &Path,
) -> Result<(GuestClock, Option<DomainConfig>), Failure> {
    let bytes = output::input(path)?;
    let file = &name_of(path);
    if format_of(&bytes) != Format::Cfg {
        let domain = domain(global, facts, path)?.domain;
        return Ok((domain.clock, Some(domain.config)));
    }
    let cfg = cfg::parse(file, &bytes).map_err(|errors| wrong(&errors))?;
    let kind = cfg.kind().unwrap_or(timers::GuestKind::Pv);
    let asked = cfg::clock::read(&cfg, kind).map_err(|errors| wrong(&errors))?;
    let losses: Vec<_> = asked.report.losses().collect();
    losses.iter().for_each(|loss| output::diagnostic(loss, asked.report.source()));
    if losses.iter().any(|loss| loss.finding.refuses_start) {
        return Err(Failure::Reported);
    }
    let host = xl_host(Some(facts.xen_version), conf(global)?);
    let whole = cfg::read(file, &bytes, &[], &host);
    Ok((asked.clock, whole.ok().map(|whole| whole.input.domain.config)))
}

/// An xl.cfg that was left for the next start.
///
/// # Errors
/// When it is none.
pub(super) fn reread(bytes: &[u8], host: &XlHost) -> Result<(DomainConfig, GuestClock), Errors> {
    let Domain { config, clock, .. } = cfg::read("the updated config", bytes, &[], host)?.input.domain;
    Ok((config, clock))
}

/// The error for a JSON where there must be an XML or an xl.cfg: xl starts no guest from one either.
fn is_json(file: &str, bytes: &[u8]) -> Errors {
    let source = Source::new(file, String::from_utf8_lossy(bytes).into_owned());
    let finding = Finding::invalid("not-xml", "the input looks like JSON")
        .instead(format!("convert it first: xenclock convert {} > NAME.cfg", as_word(file)));
    Errors::one(Diagnostic { place: source.place(0..1), node: String::new(), finding }, &source)
}

/// A file's name as a word of a shell; standard input has none.
fn as_word(file: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    match file {
        "-" => "FILE".to_owned(),
        _ if file.chars().all(is_plain) => file.to_owned(),
        _ => format!("'{}'", shown(file).replace('\'', "'\\''")),
    }
}

/// Says what is wrong with a file or with words.
pub(super) fn wrong(errors: &Errors) -> Failure {
    errors.iter().for_each(|error| output::diagnostic(error, errors.input()));
    Failure::Reported
}

/// The error for a file that is XML by its name, and neither by its content nor an xl.cfg.
pub(super) fn not_xml(file: &str, bytes: &[u8]) -> Option<Errors> {
    let is_named = Path::new(file).extension().is_some_and(|end| end.eq_ignore_ascii_case("xml"));
    if !is_named || format_of(bytes) != Format::Cfg {
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let source = Source::new(file, String::from_utf8_lossy(bytes).into_owned());
    let text = source.text();
    let start = text.len() - text.trim_start().len();
    let (found, end) = match text.trim_start().chars().next() {
        Some(c) => (format!("'{}'", shown(c.encode_utf8(&mut [0; 4]))), start + c.len_utf8()),
        None => ("nothing".to_owned(), start),
    };
    let finding = Finding::invalid("not-xml", format!("expected '<', which begins a domain XML; found {found}"))
        .instead("give a libvirt domain XML, as from: virsh dumpxml --inactive DOMAIN; an xl.cfg has a name that ends in .cfg");
    let error = Diagnostic { place: source.place(start..end), node: String::new(), finding };
    Some(Errors::one(error, &source))
}

/// Says what is wrong with a file that is taken for an xl.cfg, and why it is.
pub(super) fn wrong_cfg(file: &str, bytes: &[u8], errors: &Errors) -> Failure {
    if let Some(error) = not_xml(file, bytes) {
        return wrong(&error);
    }
    let failure = wrong(errors);
    if let Some(hint) = no_cfg(file, bytes, Format::Cfg) {
        output::error(&hint);
    }
    failure
}

/// Why a file that does not look like an xl.cfg was read as one.
pub(super) fn no_cfg(file: &str, bytes: &[u8], format: Format) -> Option<String> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    (format == Format::Cfg && !text.is_empty() && !text.contains(&b'=')).then(|| {
        format!(
            "{file} is neither XML nor JSON, so it was read as an xl.cfg; a libvirt domain XML starts with '<', such as the output of virsh dumpxml --inactive DOMAIN"
        )
    })
}
