//! The command: xl's conventions around the library. Only this module prints, reads the environment or selects a host.

mod args;
mod backend;
mod check;
mod convert;
mod create;
mod directory;
mod domains;
mod dumpxml;
mod edit;
mod from_save;
mod getopt;
mod host_reports;
mod input;
mod list;
mod man;
mod memory;
mod metrics;
mod migrate;
mod mock;
mod monitor;
mod options;
mod output;
mod plan;
mod preflight;
mod progress;
mod reading;
mod relay;
mod remote;
mod report;
mod save_restore;
mod secrets;
mod set;
mod show;
mod tsc_helper;
mod viewer;
mod watch;
mod wrapper;
mod xl;

use std::borrow::Cow;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use signal_hook::{consts::SIGXFSZ, flag};

use args::{Arguments, Command};
use getopt::Arranged;
use output::Failure;
use xenclock::diag::shown;
use xl::Wrong;

/// Runs the command on the process's own arguments.
///
/// Exits 0 when done, 1 when it failed, 2 on wrong usage, as xl does; a reader of standard output that went away is
/// no failure.
#[must_use]
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    // Taking it apart at the end would take longer than a small command does.
    let cli = Box::leak(Box::new(Arguments::command()));
    let arranged = getopt::arrange(cli, &words);
    let program = std::iter::once(OsString::from("xenclock"));
    let matches = cli.try_get_matches_from_mut(program.chain(arranged.words.iter().cloned()));
    let arguments =
        matches.and_then(|matches| Arguments::from_arg_matches(&matches).map_err(|error| error.format(cli)));
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error) => return wrong(&words, &arranged, &error),
    };
    listen(arguments.global.verbose);
    status(run(&arguments))
}

/// A command line that is none of ours: perhaps it is xl's.
fn wrong(words: &[OsString], arranged: &Arranged, error: &clap::Error) -> ExitCode {
    if let Some(command) = arranged.of_xl
        && let Some(status) = getopt::wrong_operands(error)
    {
        // As xl, which prints its help where it prints data.
        output::message(&format!("xenclock: {}", getopt::first_line(error)));
        let _ = output::data(&getopt::help(command));
        return ExitCode::from(status);
    }
    let whose = xl::whose(words, error);
    if let Wrong::ForXl(words) = whose {
        return status(Err(xl::become_xl(&words)));
    }
    if let Wrong::OnMock(command) = whose {
        output::error(&format!("'{command}' is a command of xl, which cannot use the mock host"));
        return ExitCode::from(2);
    }
    if let Some(option) = getopt::misplaced(error) {
        output::error(&format!("put {option} before the command, as in: xenclock {option} COMMAND ..."));
        return ExitCode::from(2);
    }
    // clap repeats words of the command line, which a script may have from outside, as they are.
    if error.use_stderr() && words.iter().any(|word| matches!(shown(&word.to_string_lossy()), Cow::Owned(_)))
    {
        output::lines(error.to_string().trim_end());
    }
    // Help and version are no errors; clap knows where each goes.
    else if let Err(failed) = error.print()
        && failed.kind() != std::io::ErrorKind::BrokenPipe
    {
        output::error(&format!("cannot write the help: {failed}"));
        return ExitCode::FAILURE;
    }
    if let Wrong::Clocked(command) = whose {
        output::message(&format!(
            "xenclock: '{command}' is not passed to xl, which would drop the guest's clock"
        ));
    }
    ExitCode::from(u8::from(error.use_stderr()) * 2)
}

fn status(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) | Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(Failure::Reported) => ExitCode::FAILURE,
        Err(Failure::Found(status)) => ExitCode::from(status),
        Err(Failure::Error(message)) => {
            output::error(&message);
            ExitCode::FAILURE
        }
        Err(Failure::Lines(message)) => {
            output::error_lines(&message);
            ExitCode::FAILURE
        }
        Err(Failure::Usage(message)) => {
            output::error(&message);
            ExitCode::from(2)
        }
    }
}

/// At a limit on the size of files (`ulimit -f`) a write fails, so that a command can say so and undo what it has begun. By
/// default the kernel ends the process.
fn outlive_file_size_limit() {
    // Without the handler it is as for any other program.
    let _ = flag::register(SIGXFSZ, std::sync::Arc::default());
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let global = &arguments.global;
    if global.dry_run && !arguments.command.can_dry_run() {
        return Err(Failure::Error("this command does not support -N (dry run); create does".to_owned()));
    }
    output::stamp(global.timestamps);
    if global.tsc_tolerance.is_some()
        && let Some(why) = arguments.command.why_no_tolerance(global.dry_run)
    {
        output::message(&format!("xenclock: warning: --tsc-tolerance has no effect here: {why}"));
    }
    for (option, why) in arguments.command.without_effect(global) {
        output::message(&format!("xenclock: warning: {option} has no effect here: {why}"));
    }
    outlive_file_size_limit();
    match &arguments.command {
        Command::Create(create) => create::run(global, create),
        Command::Plan(words) => plan::run(global, words),
        Command::Convert(convert) => convert::run(global, convert),
        Command::Check(check) => check::run(global, check),
        Command::Dumpxml(dump) => dumpxml::run(global, dump),
        Command::Edit(edit) => edit::run(global, edit),
        Command::ClockList(list) => show::clock_list(global, list),
        Command::ClockShow(show) => show::clock_show(global, &show.domain, show.json),
        Command::ClockSet(set) => set::run(global, set),
        Command::Save(save) => save_restore::save(global, save),
        Command::Restore(restore) => save_restore::restore(global, restore),
        Command::Migrate(migrate) => migrate::send(global, migrate),
        Command::MigrateReceive(receive) => migrate::receive(global, receive),
        Command::ClockWatch(watch) => watch::run(global, watch),
        Command::Preflight(preflight) => preflight::run(global, preflight),
        Command::HostInfo(info) => show::host_info(global, info.json),
        Command::List(list) => list::run(global, list),
        Command::Destroy(destroy) => domains::destroy(global, domains::one(&destroy.domain)),
        Command::Pause(domain) => domains::pause(global, domains::one(domain)),
        Command::Unpause(domain) => domains::unpause(global, domains::one(domain)),
        Command::Domid(domain) => list::domid(global, domains::word(&domain.name, &domain.ignored)),
        Command::Domname(domain) => list::domname(global, domains::word(&domain.id, &domain.ignored)),
        Command::Shutdown(shutdown) => domains::shutdown(global, shutdown),
        Command::Mock(play) => mock::run(global, play),
        Command::Monitor(of) => monitor::run(global, of),
        Command::TscHelper(helper) => tsc_helper::run(global, helper),
        Command::ManPage { page } => {
            let text = match page {
                args::ManPage::Xenclock => man::man_page(),
                args::ManPage::XenclockWatch => man::watch_man_page(),
            };
            output::data(&text.map_err(|error| Failure::Error(format!("man page: {error}")))?)
        }
        Command::Completion { shell } => output::data(&completion(*shell)),
    }
}

/// Prints the messages of the libraries, for those who ask for them.
fn listen(verbose: u8) {
    use tracing_subscriber::filter::LevelFilter;
    let level = match verbose {
        // An error's own message has what libxl said about it.
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .without_time()
        .with_writer(std::io::stderr)
        .init();
}

/// The completion script for a shell.
fn completion(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "xenclock", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
