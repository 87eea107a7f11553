//! Passes commands that xenclock does not have unchanged to the installed xl.
//!
//! This makes `alias xl=xenclock` practical. Commands that create, save, restore or migrate a guest are never passed
//! on, because stock xl would drop the guest's clock.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error};

use super::args::Arguments;
use super::output::Failure;
use xenclock::xl::commands;
use xenclock::xl::installed::{self, NoXl, Places, Xl};

/// The commands that are ours alone, whether or not this program has them: an xl would lose the clock.
const CLOCKED: [&str; 5] = ["create", "save", "restore", "migrate", "migrate-receive"];

/// A command line that is wrong to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is wrong.
    Usage,
    /// It is wrong, and would lose the clock if it went to xl.
    Clocked(String),
    /// It is for xl: these words.
    ForXl(Vec<OsString>),
    /// It is for xl, which knows nothing of the mock host.
    OnMock(&'static str),
}

/// Whom a command line is for that is wrong to us.
pub(super) fn whose(words: &[OsString], error: &Error) -> Wrong {
    let unknown = matches!(error.kind(), ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument);
    let Some((global, rest)) = for_xl(words).filter(|_| unknown) else {
        let word = match error.get(ContextKind::InvalidSubcommand) {
            Some(ContextValue::String(word)) => word.as_str(),
            _ => "",
        };
        return commands::named(word).filter(|_| names_mock(words)).map_or(Wrong::Usage, Wrong::OnMock);
    };
    let [command, arguments @ ..] = rest else {
        return Wrong::Usage;
    };
    let name = command.to_string_lossy();
    // xl takes the beginning of a command for the whole.
    if let Some(clocked) = CLOCKED.iter().find(|clocked| clocked.starts_with(&*name)) {
        return Wrong::Clocked((*clocked).to_owned());
    }
    let takes = match &*name {
        "help" => arguments.first().is_some_and(|word| !is_ours(&word.to_string_lossy())),
        name => !is_ours(commands::named(name).unwrap_or(name)),
    };
    if takes { Wrong::ForXl([&global, rest].concat()) } else { Wrong::Usage }
}

/// Returns true if a command is ours, or a slip of the pen for one that no xl has.
fn is_ours(name: &str) -> bool {
    let ours = Arguments::command();
    name.starts_with("clock-")
        || CLOCKED.contains(&name)
        || ours.get_subcommands().any(|command| command.get_name() == name)
}

fn names_mock(words: &[OsString]) -> bool {
    let word = |at: usize| words.get(at).and_then(|word| word.to_str()).unwrap_or_default();
    (0..words.len()).any(|at| {
        word(at).starts_with("--backend=mock")
            || (word(at) == "--backend" && word(at + 1).starts_with("mock"))
    })
}

/// The options before the command, as xl writes them, and all from the command on. `None` where one is neither xl's
/// nor ours, or names the mock host, where no xl could do anything.
fn for_xl(words: &[OsString]) -> Option<(Vec<OsString>, &[OsString])> {
    let mut global = Vec::new();
    let mut rest = words;
    loop {
        let (word, after) = rest.split_first()?;
        let text = word.to_str();
        match text {
            Some("--dry-run") => global.push("-N".into()),
            Some("--force") => global.push("-f".into()),
            Some("--backend") => {
                let (host, after) = after.split_first()?;
                if host != "libxl" {
                    return None;
                }
                rest = after;
                continue;
            }
            Some("--backend=libxl") => {}
            Some("--records" | "--tsc-tolerance") => {
                rest = after.split_first()?.1;
                continue;
            }
            Some(ours) if ours.starts_with("--records=") || ours.starts_with("--tsc-tolerance=") => {}
            Some(letters) if letters.starts_with('-') && letters.len() > 1 => {
                // xl's getopt takes them together as well.
                if !letters[1..].chars().all(|letter| "vftTN".contains(letter)) {
                    return None;
                }
                global.push(word.clone());
            }
            _ => return Some((global, rest)),
        }
        rest = after;
    }
}

/// The installed xl.
///
/// # Errors
/// When there is none, or only one that leads back here.
pub(super) fn installed() -> Result<Xl, NoXl> {
    let returns = std::env::var(installed::RETURNS).ok().and_then(|count| count.parse().ok());
    installed::find(&Places {
        path: std::env::var_os("PATH").unwrap_or_default(),
        ourselves: std::env::current_exe().ok(),
        returns: returns.unwrap_or_default(),
    })
}

/// Becomes xl, with these words; comes back only where that fails.
pub(super) fn become_xl(words: &[OsString]) -> Failure {
    let xl = match installed() {
        Ok(xl) => xl,
        Err(error) => {
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            return Failure::Error(format!(
                "'{}' is not a command of xenclock and is passed to xl, but {error}",
                words.join(" ")
            ));
        }
    };
    let error = xl.command().args(words).exec();
    Failure::Error(format!("{} cannot be run: {error}", xl.program.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn wrong(line: &str) -> Wrong {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let all = std::iter::once(OsString::from("xenclock")).chain(words.clone());
        match Arguments::try_parse_from(all) {
            Ok(_) => panic!("{line} is right"),
            Err(error) => whose(&words, &error),
        }
    }

    #[test]
    fn what_is_not_ours_is_xls_as_it_stands() {
        for line in [
            "vcpu-list",
            "-v -f vcpu-pin 1 all 3",
            "-vvN -tT reboot -F guest",
            "help vcpu-list",
            "remus guest host",
        ] {
            let words = line.split(' ').map(OsString::from).collect();
            assert_eq!(wrong(line), Wrong::ForXl(words), "{line}");
        }
    }

    #[test]
    fn our_options_before_it_are_written_as_xls_or_left_out() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect();
        assert_eq!(wrong("--dry-run --force vcpu-list"), Wrong::ForXl(words("-N -f vcpu-list")));
        assert_eq!(wrong("--backend libxl -v info"), Wrong::ForXl(words("-v info")));
        assert_eq!(wrong("--records dir info"), Wrong::ForXl(words("info")));
        assert_eq!(wrong("--records=dir info"), Wrong::ForXl(words("info")));
        assert_eq!(wrong("--backend=libxl info"), Wrong::ForXl(words("info")));
    }

    #[test]
    fn what_would_lose_the_clock_never_goes_to_xl() {
        for line in [
            "create -x guest.cfg",
            "create --no-such-option guest.cfg",
            "-t create -x guest.cfg",
            "cre -x guest.cfg",
            "sav -x guest file",
            "rest -x file",
            "mig guest host",
            "migrate-rec",
        ] {
            assert!(matches!(wrong(line), Wrong::Clocked(_)), "{line}: {:?}", wrong(line));
        }
    }

    #[test]
    fn what_is_wrong_to_both_is_wrong() {
        for line in [
            "shutdown -x guest",
            "--backend=mock:f destroy -x guest",
            "list --no-such-option",
            "clock-lst",
            "destroy",
            "list --json -l",
            "list --backend mock",
            "--no-such-option vcpu-list",
            "-x list",
            "help clock-lst",
            "convert --to toml a",
            "mock dance",
        ] {
            assert_eq!(wrong(line), Wrong::Usage, "{line}");
        }
    }

    #[test]
    fn what_is_xls_is_not_for_the_mock_host() {
        for line in ["--backend mock vcpu-list", "--backend=mock:f vcpu-list guest"] {
            assert_eq!(wrong(line), Wrong::OnMock("vcpu-list"), "{line}");
        }
    }
}
