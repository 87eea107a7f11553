//! Reads an xl.cfg, and proposes a value in quotes only if the key takes it.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::ops::Deref;

use timers::GuestKind;

use super::Setting;
use super::domain::{self, Described, OF_FORM};
use super::host::XlHost;
use super::keys::{self, Key};
use super::parse::parse_with;
use super::remedy_words;
use super::suggest::quoted;
use crate::assess::{Target, assess};
use crate::diag::{Diagnostic, Errors, Finding, Verdict};

/// So many proposals are tried: a text for a list is put into quotes, then into brackets.
const TRIES: usize = 3;

const KINDS: [GuestKind; 3] = [GuestKind::Hvm, GuestKind::Pvh, GuestKind::Pv];

/// The remedies of so many errors are tried, since each takes a while.
const TRIED: usize = 500;

/// Reads an xl.cfg with words of a command line, which are lines behind it. `name` is the file's for messages.
///
/// # Errors
/// Every place where xl refuses the file or crashes.
///
/// ```
/// use xenclock::cfg::{XlHost, read};
///
/// let text = b"name = \"guest\"\ntype = \"hvm\"\nmemory = 64\nlocaltime = 1\n";
/// let described = read("guest.cfg", text, &["vcpus=2".to_owned()], &XlHost::default())?;
/// assert_eq!(described.input.domain.config.name(), "guest");
///
/// let errors = read("guest.cfg", b"name = guest\ntype = \"hvm\"\n", &[], &XlHost::default()).unwrap_err();
/// assert_eq!((errors.first().place.line, errors.first().place.column), (1, 8));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(name: &str, bytes: &[u8], words: &[String], host: &XlHost) -> Result<Described, Errors> {
    let mut left = TRIED;
    // Most files have nothing to try.
    let trial = LazyCell::new(|| Trial::of(name, bytes, words, host));
    match domain::read(name, bytes, words, host) {
        Ok(mut described) => {
            described.input.report.change_losses(|finding| check(finding, &trial, &mut left));
            Ok(described)
        }
        Err(errors) => Err(errors.map(|mut error| {
            check(&mut error.finding, &trial, &mut left);
            error
        })),
    }
}

/// Settings by which others are judged.
const AROUND: [&str; 5] = ["memory", "maxmem", "vcpus", "maxvcpus", "device_model_version"];

/// The guest in which remedies are tried: it has only those settings of the file by which others are judged.
struct Trial {
    host: XlHost,
    kind: Option<GuestKind>,
    /// Keys, and lines with their values.
    around: Vec<(&'static str, String)>,
}

impl Trial {
    fn of(name: &str, bytes: &[u8], words: &[String], host: &XlHost) -> Trial {
        let (cfg, _) = parse_with(name, bytes, words);
        let written = |key: &str| {
            let of_key = |setting: &&Setting| setting.name == key && !setting.added;
            let text = cfg.settings().iter().rev().find(of_key)?.text()?;
            std::str::from_utf8(text).ok().map(str::to_owned)
        };
        let line = |key: &'static str| Some((key, format!("{key} = {}\n", quoted(&written(key)?))));
        let mut around: Vec<_> = AROUND.into_iter().filter_map(line).collect();
        if !around.iter().any(|(key, _)| *key == "memory") {
            around.push(("memory", "memory = 512\n".to_owned()));
        }
        let kind = written("type").and_then(|word| KINDS.into_iter().find(|kind| kind.as_str() == word));
        // Which zones there are is known of the host that the file is for.
        Trial { host: XlHost { zones: host.zones.clone(), ..XlHost::default() }, kind, around }
    }

    /// The guest's file for a key, which is not among its own.
    fn head(&self, key: &Key) -> Option<String> {
        let kind = self.kind.into_iter().chain(KINDS).find(|kind| key.is_for(*kind))?;
        let kind = match key.name {
            "builder" | "type" => String::new(),
            _ => format!("type = \"{}\"\n", kind.as_str()),
        };
        let own = self.around.iter().filter(|(name, _)| *name != key.name);
        Some(format!("name = \"guest\"\n{kind}{}", own.map(|(_, line)| line.as_str()).collect::<String>()))
    }
}

/// Makes a remedy one that is accepted when followed.
fn check(finding: &mut Finding, trial: &impl Deref<Target = Trial>, left: &mut usize) {
    let Some(remedy) = finding.alternative.as_deref().filter(|_| *left > 0) else {
        return;
    };
    let Some(setting) = remedy_words::setting_of(remedy) else { return };
    let lines = remedy_words::lines_of(remedy).to_owned();
    *left -= 1;
    let mut remedy = remedy.to_owned();
    let mut limits = Vec::new();
    for setting in remedy_words::each(setting) {
        if let Some((better, limit)) = better_than(setting, trial)
            && let Some(all) = remedy_words::with_better(&remedy, &better)
        {
            remedy = format!("{all}{lines}");
            limits.extend(limit);
        }
    }
    finding.alternative = Some(remedy.into());
    for limit in limits {
        finding.reason = format!("{}; and {limit}", finding.reason).into();
    }
}

/// Codes of findings about a word of a value, of which the remedy is that for the whole value.
const OF_WORD: [&str; 4] = ["bad-iomem", "bad-ioports", "bad-irqs", "bad-zone"];

/// How the remedy begins that is a setting.
const WRITE: &str = "write ";

/// The remedy in place of a setting that is not accepted, and why it has another value than is meant, if it has.
fn better_than(setting: &str, trial: &Trial) -> Option<(Cow<'static, str>, Option<Cow<'static, str>>)> {
    let mut better: Option<(Cow<'static, str>, Option<Cow<'static, str>>)> = None;
    for _ in 0..TRIES {
        let setting = match &better {
            Some((better, _)) => {
                better.strip_prefix(WRITE).filter(|setting| remedy_words::is_setting(setting))
            }
            None => Some(setting),
        };
        let Some(Finding { alternative: Some(next), code, reason, .. }) =
            setting.and_then(|setting| against(setting, trial))
        else {
            break;
        };
        // The remedy for a part of a value does not stand alone, nor that for one of several settings.
        let is_of_setting = setting.and_then(remedy_words::key_of).is_some_and(|key| {
            next.starts_with("remove it") || next.starts_with(&format!("{WRITE}{key} = "))
        });
        let is_of_form = OF_FORM.contains(&code) || OF_WORD.contains(&code);
        if !is_of_setting && !is_of_form {
            break;
        }
        let limit = if is_of_form { None } else { Some(reason) };
        let before = better.and_then(|(_, limit)| limit);
        better = Some((next, before.or(limit)));
    }
    better
}

/// The finding against a setting in a small guest.
fn against(setting: &str, trial: &Trial) -> Option<Finding> {
    let name = remedy_words::key_of(setting)?;
    let key = keys::find(name)?;
    // A text that is added is no value alone.
    let is_part = setting.strip_prefix(name).is_some_and(|rest| rest.starts_with(" += \""));
    if is_part && !key.takes_number() {
        return None;
    }
    let head = trial.head(key)?;
    let line = head.lines().count() + 1;
    let of_value = format!("{WRITE}{name} = ");
    let (found, of_start): (Vec<_>, _) =
        match domain::read("", format!("{head}{setting}\n").as_bytes(), &[], &trial.host) {
            Ok(described) => {
                let of_start =
                    assess(&described.input.domain, Target::Start).into_iter().map(|(_, finding)| finding);
                (described.input.report.all().collect(), of_start.collect())
            }
            Err(errors) => (errors.iter().cloned().collect(), Vec::new()),
        };
    let refuses = |finding: &Finding| matches!(finding.verdict, Verdict::Invalid | Verdict::Unsupported);
    // What a start refuses of the small guest is about the setting where its remedy is.
    let is_of_value = |finding: &Finding| {
        refuses(finding) && finding.alternative.as_deref().is_some_and(|remedy| remedy.starts_with(&of_value))
    };
    let is_against = |found: &Diagnostic| found.place.line == line && refuses(&found.finding);
    let found = found.into_iter().find(is_against).map(|found| found.finding);
    found.or_else(|| of_start.into_iter().find(is_of_value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::remedy_words::IN_QUOTES;
    use super::*;

    /// The remedy for a setting with such a value.
    fn remedy(key: &str, value: &str) -> String {
        let text = format!("{key} = {value}\n");
        let errors = read("guest.cfg", text.as_bytes(), &[], &XlHost::default()).unwrap_err();
        let of_word = errors.iter().find(|error| error.finding.code.starts_with("cfg-")).unwrap();
        of_word.finding.alternative.as_deref().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_word_without_quotes_gets_the_remedy_that_its_key_takes() {
        for (key, value, expected) in [
            ("vcpus", "two", "give vcpus a number"),
            ("tsc_mode", "native", "write it in quotes: tsc_mode = \"native\""),
            ("vga", "virtio", "write vga = \"stdvga\" or \"cirrus\""),
            ("on_crash", "reboot", "write on_crash = \""),
            ("mca_caps", "lmce", "write mca_caps = [ \"lmce\" ]"),
            ("name", "guest", "write it in quotes: name = \"guest\""),
        ] {
            let remedy = remedy(key, value);
            assert!(remedy.starts_with(expected), "{key} = {value}: {remedy}");
        }
    }

    #[test]
    fn what_is_proposed_in_quotes_is_accepted() {
        let mut count = 0;
        for key in keys::KEYS.iter().filter(|key| key.name != "name") {
            for value in ["two", "True", "native", "reboot", "a/b", "None", "hvm", "auto"] {
                let remedy = remedy(key.name, value);
                assert_ne!(remedy, "", "{} = {value}", key.name);
                if let Some(setting) = remedy.strip_prefix(IN_QUOTES) {
                    let against = against(setting, &Trial::of("", b"", &[], &XlHost::default()))
                        .filter(|finding| OF_FORM.contains(&finding.code));
                    assert_eq!(against, None, "{setting}");
                    count += 1;
                }
            }
        }
        assert!(count > 100, "{count}");
    }
}
