//! The command that reaches the other host.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::Line;

/// How often a command that is to end is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// The parts of xl's command line to the target host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rune<'a> {
    /// ssh, with options perhaps. Where it is empty the host is the whole command.
    pub ssh: &'a str,
    /// The other host, for ssh.
    pub host: &'a str,
    /// Whose `migrate-receive` the target runs.
    pub receiver: Receiver,
    /// Show progress by carriage returns (xl -t): where standard error is a terminal.
    pub terminal: bool,
    /// Show times in messages (xl -T).
    pub timestamps: bool,
    /// How many -v.
    pub verbose: u8,
    /// The target's xl looks after the guest (no -e).
    pub monitor: bool,
    /// The target says more (-d).
    pub debug: bool,
    /// The target does not let the guest run (-p).
    pub paused: bool,
}

/// The program that receives a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// Every Xen host has it.
    Xl,
    /// The target host has answered as xenclock does: it keeps the clock as it was foretold.
    Xenclock,
}

impl Receiver {
    fn program(self) -> &'static str {
        match self {
            Receiver::Xl => "xl",
            Receiver::Xenclock => "xenclock",
        }
    }
}

/// xl tells no more than four -v apart.
const MOST_VERBOSE: usize = 4;

impl Rune<'_> {
    /// The command for a shell, word for word as xl makes it: the other side's `migrate-receive`.
    #[must_use]
    pub fn command(&self) -> String {
        let Rune { ssh, host, .. } = self;
        if ssh.is_empty() {
            return (*host).to_owned();
        }
        let when = |option: bool, word: &'static str| if option { word } else { "" };
        let terminal = when(self.terminal, " -t");
        let timestamps = when(self.timestamps, " -T");
        let verbose = match usize::from(self.verbose) {
            0 => String::new(),
            count => format!(" -{}", "v".repeat(count.min(MOST_VERBOSE))),
        };
        let options =
            [when(!self.monitor, " -e"), when(self.debug, " -d"), when(self.paused, " -p")].concat();
        let receiver = self.receiver.program();
        format!("exec {ssh} {host} {receiver}{terminal}{timestamps}{verbose} migrate-receive{options}")
    }
}

/// The command of a target's own that a rune ends in.
const RECEIVE: &str = "migrate-receive";

/// The command that asks the host of a rune what it is, in place of its `xl migrate-receive`: another xenclock answers
/// with a report. `None` where the whole command was given, and it does not say `migrate-receive`.
#[must_use]
pub fn ask_command(ssh: &str, host: &str) -> Option<String> {
    const ASK: &str = "host-info --json";
    if !ssh.is_empty() {
        return Some(format!("exec {ssh} {host} xenclock {ASK}"));
    }
    let (before, _) = host.split_once(RECEIVE)?;
    Some(format!("{before}{ASK}"))
}

/// A command that carries a migration.
#[derive(Debug)]
pub struct Transport {
    child: Child,
}

impl Transport {
    /// Runs a command by the shell; the line leads to its standard input and from its standard output.
    ///
    /// # Errors
    /// When the shell cannot be started.
    pub fn open(command: &str) -> io::Result<(Line, Transport)> {
        let shell =
            Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = shell?;
        let lost = || io::Error::other("the shell has no standard input and output");
        let to: OwnedFd = child.stdin.take().ok_or_else(lost)?.into();
        let from: OwnedFd = child.stdout.take().ok_or_else(lost)?.into();
        Ok((Line { to: File::from(to), from: File::from(from) }, Transport { child }))
    }

    /// Waits a while for the command to end, whose line is closed by now; `None` when it goes on.
    ///
    /// # Errors
    /// When that cannot be known.
    pub fn ended(&mut self, within: Duration) -> io::Result<Option<ExitStatus>> {
        let until = Instant::now() + within;
        loop {
            let status = self.child.try_wait()?;
            if status.is_some() || Instant::now() >= until {
                return Ok(status);
            }
            std::thread::sleep(LOOK);
        }
    }
}
