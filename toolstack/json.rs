//! Reads libxl's JSON, as printed by `xl create -n` and `xl list -l`, into the hub.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::diag::{Diagnostic, Errors, Finding, Report, Source};
use crate::domain::project::clock_with_timers_of;
use crate::domain::{Domain, DomainConfig, Part, XenVersion};
use crate::domain::{entries, refused};
use crate::input::Input;

/// Reads libxl's JSON for a release of Xen. `name` is the file's for messages.
///
/// # Errors
/// When it is no JSON, or not that of a domain's config.
pub fn read(name: &str, bytes: &[u8], xen: XenVersion) -> Result<Input, Errors> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let source = Source::new(name, String::from_utf8_lossy(bytes).into_owned());
    let mut json = bytes.to_vec();
    if let Some(start) = behind_messages(bytes) {
        // The lines keep their numbers.
        json.iter_mut().take(start).filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    }
    if let Err(error) = entries::check(&json) {
        let finding = Finding::invalid("json-entries", error.to_string())
            .instead("remove the devices that the guest does not need");
        return Err(at_start(&source, finding));
    }
    let config = config_in(&json, &source)?;
    if config.c_info.kind.is_none() && config.c_info.name.is_none() {
        let finding = Finding::invalid("not-xml", "the input looks like JSON, but is not a libxl config");
        let instead = match path_in_bytes(&json) {
            Some(path) => alone(&source, &path),
            None => {
                "give a libvirt domain XML (virsh dumpxml --inactive DOMAIN) or the output of xl create -n FILE".to_owned()
            }
        };
        return Err(at_start(&source, finding.instead(instead)));
    }
    if config.c_info.name.as_deref().is_none_or(str::is_empty) {
        let finding = Finding::invalid("no-name", "the domain has no name")
            .instead("add \"name\": \"NAME\" to \"c_info\"");
        return Err(at_start(&source, finding));
    }
    let clock = clock_with_timers_of(&config);
    let mut report = Report::new(source);
    let root = report.add(None, String::new(), 0..0, Finding::exact(), false);
    report.set_origin(Part::Domain, root);
    for refused in refused::all(&config, xen) {
        // An entry of a list has the list's place: its own settings have the names of others'.
        let key = format!("\"{}\"", refused.path.rsplit('.').next().unwrap_or(refused.path));
        let start = report.source().text().find(&key).unwrap_or_default();
        let (path, finding) = refused.outside_xl_cfg();
        report.add(None, path, start..start + key.len(), finding, false);
    }
    let input = Input::new(Domain::new(config, clock), report);
    Ok(Input { xen, ..input })
}

/// How the lines begin that xl and libxl print, besides the JSON.
const MESSAGES: [&str; 7] =
    ["Parsing config ", "WARNING: ", "Warning: ", "got a tsc mode string: ", "libxl: ", "xc: ", "xl: "];

/// The byte at which the JSON begins in a file that has xl's messages before it, as from `xl create -n FILE > JSON 2>&1`.
#[must_use]
pub fn behind_messages(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    let mut has_message = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if has_message && begins(line) {
            return Some(start);
        }
        if !line.trim_ascii().is_empty() && !has_message {
            has_message = MESSAGES.iter().any(|message| line.starts_with(message.as_bytes()));
            if !has_message {
                return None;
            }
        }
        start += line.len();
    }
    None
}

/// True for a text that begins as JSON does. An xl.cfg may begin with the name of a section, and a template of one with `{%`
/// or `{{`.
#[must_use]
pub fn begins(text: &[u8]) -> bool {
    match text.split_first() {
        Some((b'{', rest)) => {
            matches!(rest.trim_ascii_start(), [] | [b'"' | b'}' | b']', ..])
        }
        Some((b'[', rest)) => matches!(rest.trim_ascii_start(), [] | [b'"' | b'{' | b'[' | b']', ..]),
        _ => false,
    }
}

fn at_start(source: &Source, finding: Finding) -> Errors {
    Errors::one(Diagnostic { place: source.place(0..1), node: String::new(), finding }, source)
}

/// Configs are looked for in so many lists and objects around them.
const DEEPEST: usize = 3;

fn path_in_bytes(json: &[u8]) -> Option<String> {
    path_in(&serde_json::from_slice(json).ok()?, "", DEEPEST)
}

/// The remedy for a JSON that has a config in it.
fn alone(source: &Source, path: &str) -> String {
    // The shell empties a file before it is read.
    let new = if source.place(0..0).file.ends_with("NEW.json") { "OTHER.json" } else { "NEW.json" };
    format!("give the config alone: {} > {new}", jq(source, path))
}

/// The path, in jq's words, of the first config in a JSON.
fn path_in(json: &serde_json::Value, path: &str, deepest: usize) -> Option<String> {
    let inner = || deepest.checked_sub(1);
    match json {
        serde_json::Value::Object(members) if members.contains_key("c_info") => Some(path.to_owned()),
        serde_json::Value::Object(members) => members
            .iter()
            .filter(|(name, _)| name.chars().all(|c| c.is_ascii_alphabetic() || c == '_'))
            .find_map(|(name, member)| path_in(member, &format!("{path}.{name}"), inner()?)),
        serde_json::Value::Array(items) => {
            let path = if path.is_empty() { "." } else { path };
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| path_in(item, &format!("{path}[{index}]"), inner()?))
        }
        _ => None,
    }
}

/// The command that takes a part out of a file, whose messages are no JSON.
fn jq(source: &Source, what: &str) -> String {
    let place = source.place(0..0);
    let file = Some(&*place.file).filter(|file| is_plain_path(file)).unwrap_or("FILE");
    match behind_messages(source.text().as_bytes()) {
        Some(start) => {
            let line = source.place(start..start).line;
            format!("tail -n +{line} {file} | jq '{what}'")
        }
        None => format!("jq '{what}' {file}"),
    }
}

/// A domain as `xl list -l` and `xl create -N` print it.
#[derive(Deserialize)]
#[serde(expecting = "a domain")]
struct Listed {
    #[serde(default)]
    domid: Option<u32>,
    config: DomainConfig,
}

/// What the keys of a domain are.
#[derive(Deserialize)]
struct Shape {
    #[serde(default)]
    config: Option<IgnoredAny>,
}

/// The config in a text: alone, with the number of its domain, or in the list of one domain. Domain-0 does not count.
fn config_in(bytes: &[u8], source: &Source) -> Result<DomainConfig, Errors> {
    let wrong = |error: serde_json::Error| Errors::one(wrong(source, &error), source);
    if !bytes.trim_ascii_start().starts_with(b"[") {
        let is_listed = serde_json::from_slice::<Shape>(bytes).is_ok_and(|shape| shape.config.is_some());
        return match is_listed {
            true => serde_json::from_slice::<Listed>(bytes).map(|listed| listed.config).map_err(wrong),
            false => serde_json::from_slice(bytes).map_err(wrong),
        };
    }
    let within = bytes.trim_ascii_start().get(1..).unwrap_or_default().trim_ascii_start();
    if within.starts_with(b"[")
        && let Some(path) = path_in_bytes(bytes)
    {
        let finding = Finding::invalid("json-syntax", "this is not libxl's JSON: a list within the list");
        return Err(at_start(source, finding.instead(alone(source, &path))));
    }
    let shapes = serde_json::from_slice::<Vec<Shape>>(bytes).unwrap_or_default();
    let is_bare = !shapes.is_empty() && shapes.iter().all(|shape| shape.config.is_none());
    let mut listed: Vec<Listed> = match is_bare {
        // Configs without the domains' numbers.
        true => {
            let configs: Vec<DomainConfig> = serde_json::from_slice(bytes).map_err(wrong)?;
            configs.into_iter().map(|config| Listed { domid: None, config }).collect()
        }
        false => serde_json::from_slice(bytes).map_err(wrong)?,
    };
    listed.retain(|domain| domain.domid != Some(0));
    let finding = match listed.len() {
        0 => Finding::invalid("json-domains", "the list has no domain but Domain-0")
            .instead("give the output of: xl list -l DOMAIN"),
        1 => return Ok(listed.swap_remove(0).config),
        count => {
            let names: Vec<_> = listed.iter().map(|domain| domain.config.name()).collect();
            let reason = format!("the list has {count} domains, expected one: {}", names.join(", "));
            let name = names.first().filter(|name| is_plain(name)).unwrap_or(&"DOMAIN");
            let path = if is_bare { ".c_info.name" } else { ".config.c_info.name" };
            // The shell would empty the file before it is read.
            let to = if source.place(0..0).file.ends_with(&format!("{name}.json")) { "NEW" } else { name };
            let jq = jq(source, &format!(".[] | select({path} == \"{name}\")"));
            Finding::invalid("json-domains", reason).instead(format!(
                "give each domain a file of its own: xl list -l {name} > {name}.json, or {jq} > {to}.json"
            ))
        }
    };
    Err(at_start(source, finding))
}

/// True for a name that a shell takes as it is.
fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain)
}

/// True for the name of a file that a shell takes as it is.
fn is_plain_path(file: &str) -> bool {
    !file.is_empty() && file != "-" && file.split('/').all(|part| part.is_empty() || is_plain(part))
}

fn wrong(source: &Source, error: &serde_json::Error) -> Diagnostic {
    let at = line_start(source.text(), error.line()) + error.column().saturating_sub(1);
    // It ends with the place, which is given apart.
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned();
    let instead = match source.text().trim_start().starts_with('[') {
        true => "give the output of xl list -l DOMAIN",
        false => "give the output of xl create -n FILE",
    };
    let finding =
        Finding::invalid("json-syntax", format!("this is not libxl's JSON: {reason}")).instead(instead);
    Diagnostic { place: source.place(at..at + 1), node: String::new(), finding }
}

/// The byte at which a line starts, counted from 1.
fn line_start(text: &str, line: usize) -> usize {
    text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::sound::CARDS;

    #[test]
    fn a_sound_card_that_libxl_refuses_is_reported() {
        let said = |card: &str, minor| {
            let text = format!(
                r#"{{"c_info": {{"type": "hvm", "name": "a"}}, "b_info": {{"type.hvm": {{"soundhw": "{card}"}}}}}}"#
            );
            let input = read("a.json", text.as_bytes(), XenVersion { major: 4, minor }).unwrap();
            let found = input.report.refusals().next()?;
            Some((found.place.column, found.finding.alternative?.into_owned()))
        };
        assert_eq!(
            said("all", 17),
            Some((66, format!("as in an xl.cfg: write soundhw = \"{}\"", CARDS.join("\" or \""))))
        );
        assert_eq!(
            said("sb16,es1370", 17),
            Some((66, "as in an xl.cfg: write soundhw = \"es1370\"".to_owned()))
        );
        assert_eq!((said("HDA", 17), said("all", 15)), (None, None));
    }

    #[test]
    fn json_behind_messages_and_configs_in_a_list_are_read() {
        let one = r#"{"c_info": {"type": "pvh", "name": "a"}, "b_info": {}}"#;
        let read = |text: &str| read("a.json", text.as_bytes(), XenVersion::NEWEST);
        for text in [
            format!("[{one}]"),
            format!("Parsing config from a.cfg\nxl: a warning\n{{\n{}", &one[1..]),
            format!("Parsing config from a.cfg\n[\n{one}]\n"),
            format!("\r\nParsing config from a.cfg\r\ngot a tsc mode string: \"native\"\r\n{one}"),
            format!("WARNING: ignoring device_model directive.\nlibxl: warning: so\n{one}"),
        ] {
            assert_eq!(read(&text).unwrap().domain.config.name(), "a", "{text}");
        }
        let wrong = |text: &str| {
            let errors = read(text).unwrap_err();
            let error = errors.first();
            let instead = error.finding.alternative.clone().unwrap_or_default();
            (error.place.line, error.finding.code, instead.into_owned())
        };
        let told = "Parsing config from a.cfg\n{\n\"c_info\": 7}";
        assert_eq!(wrong(told), (3, "json-syntax", "give the output of xl create -n FILE".to_owned()));
        assert_eq!(wrong("[7]"), (1, "json-syntax", "give the output of xl list -l DOMAIN".to_owned()));
        let two = format!("[{one}, {}]", one.replace("\"a\"", "\"b\""));
        let listed = two.replace("{\"c_info", "{\"config\": {\"c_info").replace("}}", "}}}");
        for (text, path) in [(&two, ".c_info"), (&listed, ".config.c_info")] {
            let command = format!("jq '.[] | select({path}.name == \"a\")' a.json > NEW.json");
            let (_, code, instead) = wrong(text);
            assert_eq!(code, "json-domains");
            assert!(instead.ends_with(&command), "{instead}");
        }
        for (text, jq) in [
            (format!("[[{one}]]"), "jq '.[0][0]' a.json"),
            (format!("{{\"guests\": [{one}]}}"), "jq '.guests[0]' a.json"),
            (format!("xl: so\n\n{{\"a\": {{\"config\": {one}}}}}"), "tail -n +3 a.json | jq '.a.config'"),
        ] {
            assert_eq!(wrong(&text).2, format!("give the config alone: {jq} > NEW.json"), "{text}");
        }
    }

    #[test]
    fn a_config_is_read_and_what_is_none_has_its_place() {
        let text = r#"{"c_info": {"type": "pvh", "name": "a"}, "b_info": {"max_vcpus": 2, "type.pvh": {}}}"#;
        let input = read("a.json", text.as_bytes(), XenVersion::NEWEST).unwrap();
        assert_eq!((input.domain.config.name(), input.domain.config.b_info.max_vcpus), ("a", 2));
        let text = r#"{"c_info": {"type": "hvm", "name": "a"}, "b_info": {"tsc_mode": "native", "timer_mode": "no_missed_ticks_pending", "localtime": "True", "type.hvm": {}}}"#;
        let Input { domain, .. } = read("a.json", text.as_bytes(), XenVersion::NEWEST).unwrap();
        let mut config = domain.config.clone();
        crate::domain::project::clock(&mut config, &domain.clock, crate::domain::project::OffsetIn::Outside);
        assert_eq!(config.b_info.tsc_mode, domain.config.b_info.tsc_mode);
        assert_eq!(config.b_info.timer_mode, domain.config.b_info.timer_mode);
        assert_eq!(domain.clock.offset.as_str(), "localtime");
        let one = r#"{"domid": 1, "config": {"c_info": {"type": "pvh", "name": "a"}, "b_info": {}}}"#;
        let dom0 = r#"{"domid": 0, "config": {"c_info": {"type": "pv", "name": "Domain-0"}}}"#;
        for text in
            [one.to_owned(), one.replace("1", "null"), format!("[{one}]"), format!(" [\n{dom0}, {one}\n]")]
        {
            let input = read("a.json", text.as_bytes(), XenVersion::NEWEST).unwrap();
            assert_eq!(input.domain.config.name(), "a", "{text}");
        }
        let two = format!("[{one}, {}]", one.replace("\"a\"", "\"b\""));
        let error = read("a.json", two.as_bytes(), XenVersion::NEWEST).unwrap_err();
        let instead = error.first().finding.alternative.as_deref().unwrap_or_default();
        assert_eq!(
            instead,
            "give each domain a file of its own: xl list -l a > a.json, or jq '.[] | select(.config.c_info.name == \"a\")' a.json > NEW.json"
        );
        for (text, code, place) in [
            ("[]", "json-domains", "a.json:1:1"),
            ("[{\"domid\": 1,\n\"config\": {\"disks\": 7}}]", "json-syntax", "a.json:2:21"),
            ("{\"domid\": 1,\n\"config\": {\"disks\": 7}}", "json-syntax", "a.json:2:21"),
            ("[7]", "json-syntax", "a.json:1:2"),
            ("{\n  \"c_info\": {,\n}", "json-syntax", "a.json:2:14"),
            ("{\n \"disks\": 7}", "json-syntax", "a.json:2:11"),
            ("{}", "not-xml", "a.json:1:1"),
            ("{\"c_info\": {\"type\": \"hvm\"}}", "no-name", "a.json:1:1"),
        ] {
            let errors = read("a.json", text.as_bytes(), XenVersion::NEWEST).unwrap_err();
            let error = errors.first();
            assert_eq!((error.finding.code, error.place.to_string().as_str()), (code, place), "{error}");
        }
    }
}
