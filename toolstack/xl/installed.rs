//! The xl that is installed on this machine: its path, and the config that it reads from an xl.cfg.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::domain::DomainConfig;

/// The path of xl in most distributions, whatever `PATH` says.
const SBIN: &str = "/usr/sbin/xl";
/// Debian's directory of one xl for each release of Xen: `xen-4.17/bin/xl` below this.
const BY_RELEASE: &str = "/usr/lib";

/// The environment variable that counts how many of this program's processes, one within the other, have handed over
/// to an xl.
pub const RETURNS: &str = "XENCLOCK_RETURNS";

/// How often xl may come back to us before it is taken for ourselves: an xl of ours may start a script that calls us,
/// a script named xl that calls us does nothing else.
const MOST_RETURNS: u32 = 4;

/// The settings that determine where xl is searched.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// `PATH`
    pub path: OsString,
    /// This program, which may be installed under the name xl as well.
    pub ourselves: Option<PathBuf>,
    /// The value of [`RETURNS`]; 0 without one.
    pub returns: u32,
}

/// An xl that is not ourselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xl {
    /// The program.
    pub program: PathBuf,
    returns: u32,
}

impl Xl {
    /// A command that runs it.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env(RETURNS, (self.returns + 1).to_string());
        command
    }
}

/// There is no xl to hand anything to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoXl {
    /// None is installed.
    #[error(
        "no xl is installed, neither in PATH nor as {SBIN} nor in {BY_RELEASE}/xen-*/bin: install your distribution's \
         Xen tools (Debian: apt install xen-utils)"
    )]
    Missing,
    /// The one that is there comes back to us.
    #[error("{} runs xenclock again: remove it from PATH, or make it run the real xl", .0.display())]
    Loop(PathBuf),
}

/// Finds the xl to hand over to: the first in `PATH`, then the places of distributions; never ourselves.
///
/// # Errors
/// When there is none, or only one that calls us.
pub fn find(places: &Places) -> Result<Xl, NoXl> {
    let by_path: Vec<_> = std::env::split_paths(&places.path).map(|dir| dir.join("xl")).collect();
    let fixed = std::iter::once(PathBuf::from(SBIN)).chain(by_release(Path::new(BY_RELEASE)));
    // An xl that came back to us may be a script that takes us for xl: the programs themselves come first then.
    let candidates: Vec<_> = if places.returns == 0 {
        by_path.into_iter().chain(fixed).collect()
    } else {
        by_release(Path::new(BY_RELEASE)).into_iter().chain([PathBuf::from(SBIN)]).chain(by_path).collect()
    };
    let ourselves = places.ourselves.as_ref().and_then(|path| path.canonicalize().ok());
    let other = |candidate: &PathBuf| {
        let canonical = candidate.canonicalize().ok();
        is_program(candidate) && (ourselves.is_none() || canonical != ourselves)
    };
    let found = candidates.into_iter().find(other).ok_or(NoXl::Missing)?;
    let returns = places.returns;
    if returns >= MOST_RETURNS { Err(NoXl::Loop(found)) } else { Ok(Xl { program: found, returns }) }
}

/// The xl of each release of Xen below a directory, the newest first.
fn by_release(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut releases: Vec<_> =
        entries.filter_map(|entry| Some((release(&entry.file_name())?, entry.path()))).collect();
    releases.sort();
    releases.into_iter().rev().map(|(_, path)| path.join("bin/xl")).collect()
}

/// The numbers of `xen-4.17`.
fn release(name: &OsStr) -> Option<Vec<u32>> {
    name.to_str()?.strip_prefix("xen-")?.split('.').map(|number| number.parse().ok()).collect()
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// An xl.cfg as xl reads it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Understood {
    /// The config, as libxl would be given it.
    pub config: DomainConfig,
    /// The warnings of xl.
    pub warnings: Vec<String>,
}

/// Why xl's understanding of a file was not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotUnderstood {
    /// xl did not run.
    #[error("{} cannot be run: {error}", xl.display())]
    NotRun {
        /// Which xl.
        xl: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// xl refuses the file.
    #[error("xl refuses the file ({status}):\n{said}")]
    Refused {
        /// How xl ended.
        status: ExitStatus,
        /// Its messages.
        said: String,
    },
    /// xl answered what is no config.
    #[error("{} did not return a libxl config: {error}", xl.display())]
    NoConfig {
        /// Which xl.
        xl: PathBuf,
        /// The error in its output.
        #[source]
        error: serde_json::Error,
    },
}

/// Asks an xl what it makes of an xl.cfg, and of lines that are to stand behind it; nothing is started.
///
/// # Errors
/// When xl cannot be run or refuses the file.
pub fn config_of(xl: &Xl, file: &Path, lines: &[String]) -> Result<Understood, NotUnderstood> {
    // A file named -x is no option, and one without a directory is none for execvp to look for.
    let file = if file.is_absolute() { file.to_owned() } else { Path::new(".").join(file) };
    let mut command = xl.command();
    let program = || xl.program.clone();
    command.args(["-N", "create"]).arg(file).args(lines).stdin(Stdio::null());
    let ended = command.output().map_err(|error| NotUnderstood::NotRun { xl: program(), error })?;
    let said = said(&ended.stderr);
    if !ended.status.success() {
        return Err(NotUnderstood::Refused { status: ended.status, said: said.join("\n") });
    }
    let config = serde_json::from_slice(&ended.stdout)
        .map_err(|error| NotUnderstood::NoConfig { xl: program(), error })?;
    Ok(Understood { config, warnings: said })
}

/// The output of xl, without the lines that it prints for every file.
fn said(stderr: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stderr);
    let of_every_file =
        |line: &&str| line.starts_with("Parsing config from ") || line.starts_with("got a tsc mode string: ");
    text.lines().filter(|line| !of_every_file(line) && !line.trim().is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A directory with programs of these names and contents.
    fn dir_with(programs: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, script) in programs {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        dir
    }

    fn program(places: &Places) -> Result<PathBuf, NoXl> {
        find(places).map(|xl| xl.program)
    }

    fn places(dirs: &[&Path]) -> Places {
        Places { path: std::env::join_paths(dirs).unwrap(), ..Places::default() }
    }

    #[test]
    fn the_first_program_in_path_is_taken() {
        let (none, one, two) = (dir_with(&[]), dir_with(&[("xl", "")]), dir_with(&[("xl", "")]));
        let found = program(&places(&[none.path(), one.path(), two.path()]));
        assert_eq!(found, Ok(one.path().join("xl")));
        fs::set_permissions(one.path().join("xl"), fs::Permissions::from_mode(0o644)).unwrap();
        let found = program(&places(&[one.path(), two.path()]));
        assert_eq!(found, Ok(two.path().join("xl")), "what cannot be run is no program");
    }

    #[test]
    fn ourselves_is_never_taken_whatever_the_name() {
        let (ours, real) = (dir_with(&[("xenclock", "")]), dir_with(&[("xl", "")]));
        std::os::unix::fs::symlink(ours.path().join("xenclock"), ours.path().join("xl")).unwrap();
        let mut places = places(&[ours.path(), real.path()]);
        assert_eq!(program(&places), Ok(ours.path().join("xl")), "without knowing");
        places.ourselves = Some(ours.path().join("xenclock"));
        assert_eq!(program(&places), Ok(real.path().join("xl")));
    }

    #[test]
    fn an_xl_that_calls_us_again_and_again_is_ourselves() {
        let dir = dir_with(&[("xl", "")]);
        let mut places = places(&[dir.path()]);
        for returns in 0..MOST_RETURNS {
            places.returns = returns;
            assert!(find(&places).is_ok());
        }
        places.returns = MOST_RETURNS;
        assert!(matches!(find(&places), Err(NoXl::Loop(_))));
    }

    #[test]
    fn the_newest_release_comes_first() {
        let dir = dir_with(&[("xen-4.9/bin/xl", ""), ("xen-4.17/bin/xl", ""), ("xen-common/bin/xl", "")]);
        let found = by_release(dir.path());
        assert_eq!(found, [dir.path().join("xen-4.17/bin/xl"), dir.path().join("xen-4.9/bin/xl")]);
        assert!(by_release(Path::new("/nowhere")).is_empty());
    }

    fn ask(script: &str) -> Result<Understood, NotUnderstood> {
        let dir = dir_with(&[("xl", script)]);
        let xl = Xl { program: dir.path().join("xl"), returns: 0 };
        config_of(&xl, Path::new("guest.cfg"), &["memory=9".to_owned()])
    }

    #[test]
    fn xl_is_asked_without_starting_anything_and_its_words_come_along() {
        let script = "#!/bin/sh\necho 'Parsing config from guest.cfg' >&2\necho 'WARNING: odd' >&2\n\
                      echo \"{\\\"c_info\\\":{\\\"name\\\":\\\"$* $XENCLOCK_RETURNS\\\"},\\\"new\\\":1}\"\n";
        let understood = ask(script).unwrap();
        assert_eq!(understood.config.name(), "-N create ./guest.cfg memory=9 1");
        assert_eq!(understood.config.rest["new"], 1, "what is not known here is kept");
        assert_eq!(understood.warnings, ["WARNING: odd"]);
    }

    #[test]
    fn each_failure_of_xl_says_what_it_was() {
        let refused =
            ask("#!/bin/sh\necho 'Parsing config from guest.cfg' >&2\necho 'bad key' >&2\nexit 1\n");
        assert_eq!(refused.unwrap_err().to_string(), "xl refuses the file (exit status: 1):\nbad key");
        let nonsense = ask("#!/bin/sh\necho hello\n").unwrap_err().to_string();
        assert!(nonsense.contains("did not return a libxl config"), "{nonsense}");
        let nowhere = Xl { program: "/nowhere/xl".into(), returns: 0 };
        let missing = config_of(&nowhere, Path::new("a"), &[]).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/xl cannot be run"), "{missing}");
    }
}
