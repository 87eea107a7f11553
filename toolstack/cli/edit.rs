//! `xenclock edit`

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::args::{Edit, Global, Reading};
use super::input::{self, Format};
use super::output::{self, Failure};
use super::reading::{Setting, Wrong};
use super::secrets::{has_password, has_password_in, say_secret};
use xenclock::cfg;
use xenclock::convert;
use xenclock::diag::{Diagnostic, Source};
use xenclock::edit::{self, EditError};
use xenclock::files::{Access, Replacement};
use xenclock::report::{FileReport, Found, Sort};

pub(super) fn run(global: &Global, options: &Edit) -> Result<(), Failure> {
    let Edit { file, settings, unset, output } = options;
    if settings.is_empty() && unset.is_empty() {
        return Err(Failure::Usage("expected a setting to change, KEY=VALUE, or --unset KEY".to_owned()));
    }
    input::all_are_settings(settings)?;
    let bytes = output::input(file)?;
    let host = input::xl_host(None, input::conf(global)?);
    let name = &input::name_of(file);
    let format = input::format_of(&bytes);
    let new = match format {
        Format::Cfg => cfg::edit(name, &bytes, settings, unset, &host).map_err(|error| match error {
            cfg::EditError::Wrong(errors) => input::wrong(&errors),
            error => Failure::Error(format!("{name}: {error}")),
        })?,
        Format::Xml => {
            // xl.conf is about files of xl.
            let host = cfg::XlHost { conf: cfg::XlConf::default(), ..host.clone() };
            edit::edit(name, &bytes, settings, unset, &host).map_err(|error| match error {
                EditError::Words(errors) => input::wrong(&errors),
                EditError::Xml(errors) => input::wrong(&errors),
                error => Failure::Error(format!("{name}: {error}")),
            })?
        }
        Format::Json => {
            return Err(Failure::Error(format!("{name}: is JSON, expected an xl.cfg or a domain XML")));
        }
    };
    for key in unset {
        let alone = std::slice::from_ref(key);
        let without = match format {
            Format::Cfg => cfg::edit(name, &bytes, &[], alone, &host).ok(),
            _ => edit::edit(name, &bytes, &[], alone, &host).ok(),
        };
        if without.is_some_and(|without| without == bytes) {
            output::warn(&[format!("{name} has no {key} to remove")]);
        }
    }
    let setting = Setting::of(global, &Reading::default())?;
    let (before, after) = (judged(&setting, name, &bytes), judged(&setting, name, &new));
    match after {
        Err(wrong) if !brings(before.as_ref().err().map(|old| &*old.errors), &wrong.errors).is_empty() => {
            wrong.errors.iter().for_each(|error| output::diagnostic(error, &wrong.source));
            return Err(Failure::Error(format!("{name} is not changed: no guest would start from it")));
        }
        Err(_) => {}
        Ok((blockers, source)) => {
            let new = brings(before.as_ref().ok().map(|(old, _)| &**old), &blockers);
            new.iter().for_each(|blocker| output::diagnostic(blocker, &source));
            if !new.is_empty() {
                output::warn(&[format!("{name} does not start as requested, for the reasons above")]);
            }
        }
    }
    let shown = global.dry_run || file == Path::new("-") && output.is_none();
    let to = if shown { Path::new("-") } else { output.as_deref().unwrap_or(file) };
    match to {
        to if to == Path::new("-") => {
            let text = String::from_utf8_lossy(&new);
            output::data(&text)
        }
        to => {
            // The file itself keeps its mode; a new one is for its owner alone if there is a password in it.
            let text = String::from_utf8_lossy(&new);
            let is_in = match setting.read(name, &new) {
                Ok((input, _)) => has_password(&input.domain.config, &text),
                Err(_) => has_password_in(&text),
            };
            let secret = to != file && is_in;
            let access = if secret { Access::Private } else { Access::AsBefore };
            write(to, &new, access).map_err(|error| Failure::Error(format!("{}: {error}", to.display())))?;
            if secret && to.is_file() {
                say_secret(to);
            } else if is_in && is_for_others(to) {
                let to = to.display();
                output::warn(&[format!("{to} contains a password and others can read it: chmod 600 {to}")]);
            }
            Ok(())
        }
    }
}

fn is_for_others(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|there| there.permissions().mode() & 0o044 != 0)
}

/// The findings for which no guest starts from a file; an error is also a clock that no host can resolve, such as one in
/// an unknown zone.
fn judged(setting: &Setting, name: &str, bytes: &[u8]) -> Result<(Vec<Diagnostic>, Source), Wrong> {
    let (mut input, format) = setting.read(name, bytes)?;
    convert::check(&mut input, &setting.at(), setting.tsc.as_ref())
        .map_err(|errors| Wrong::with(&input, format, &errors))?;
    let report = FileReport::of(name, format.as_str(), &input, &|_, _| None);
    let is_blocker = |found: &Found| found.sort() == Sort::Blocker;
    let found = report.findings.into_iter().filter(is_blocker).map(|found| found.diagnostic).collect();
    Ok((found, input.report.source().clone()))
}

/// Those of the findings on a changed file that were not there before.
fn brings<'a>(before: Option<&[Diagnostic]>, after: &'a [Diagnostic]) -> Vec<&'a Diagnostic> {
    let was_there =
        |found: &&Diagnostic| before.unwrap_or_default().iter().any(|old| old.finding == found.finding);
    after.iter().filter(|found| !was_there(found)).collect()
}

/// Writes a file so that it is there whole or not at all.
fn write(path: &Path, bytes: &[u8], access: Access) -> std::io::Result<()> {
    let mut new = Replacement::begin(path, access)?;
    new.file().write_all(bytes)?;
    new.commit().map(drop)
}
