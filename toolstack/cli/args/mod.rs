//! The words of the command line: the global ones, and the commands.

mod clocks;
mod convert;
mod guests;
mod play;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use timers::tsc::Tolerance;

pub(super) use clocks::{ClockSet, ClockWatch, DomainJson, MonitorOf, Preflight, TscHelperArgs};
pub(super) use convert::{Check, Convert, Diagnostics, Dumpxml, Edit, From, Reading, To};
pub(super) use guests::{
    Create, Described, Destroy, Domain, List, Migrate, MigrateReceive, Plan, Restore, Save, Shutdown,
};
pub(super) use play::{Play, RtcWrite};

/// Guest time on Xen, done right: starts domains with the clock that they ask for, and says what became of it.
#[derive(Debug, Parser)]
#[command(name = "xenclock", version, subcommand_required = true, arg_required_else_help = true)]
#[command(after_long_help = EXTRA, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXTRA: &str = "\
EXIT STATUS
  0 done; 1 failed; 2 wrong usage. Of check: 0 nothing is wrong, 1 something differs or is ignored, 2 a guest does not start.

COMMANDS OF XL
  What is no command here goes to the installed xl as it is, with all its words: xenclock vcpu-list. So do \
destroy, pause, unpause and shutdown with options that only xl has. What makes, saves, restores or moves a guest never \
does: xl would do it without the guest's clock. So alias xl=xenclock is safe.

HOSTS
  In a dom0 the host is libxl. Elsewhere it is a mock: a model of what Xen does to a guest's clock, in memory; with \
--backend mock:FILE it is kept in FILE, so that commands follow each other.

MESSAGES
  Data goes to standard output, words to standard error. A message about an input starts FILE:LINE:COLUMN:.";

const CHECK: &str = "\
Exit status: 0 nothing is wrong; 1 a guest starts, and something of its file differs, is left out or is ignored; 2 a guest \
does not start, or not as its file asks, or a file cannot be read.";

const PREFLIGHT: &str = "\
Exit status: 0 the guests notice nothing, or nothing bad; 3 they notice it, and their clocks stay right, or within a \
tolerance; 4 a clock goes wrong, and migrate refuses without -f; 1 failed; 2 wrong usage.";

#[derive(Debug, Args)]
pub(super) struct Global {
    /// Say more; each step of what is done.
    #[arg(short = 'v', action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Dry run: say what would be done, and do nothing.
    #[arg(short = 'N', long = "dry-run")]
    pub dry_run: bool,
    /// Do what is refused otherwise: change the TSC of a guest that has run, move a guest whose clock then goes wrong.
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Write progress over itself, as on a terminal.
    #[arg(short = 't')]
    pub terminal: bool,
    /// Put the time and the process's number in front of each message.
    #[arg(short = 'T')]
    pub timestamps: bool,
    /// The host: libxl, mock (in memory) or mock:FILE.
    #[arg(long, value_name = "HOST", value_parser = OsStringValueParser::new().try_map(|word| backend(&word)))]
    pub backend: Option<Backend>,
    /// How far a guest's TSC may be off the frequency of its birth, so that it is native after a move to a host of another
    /// frequency: 0 (off) to 250 parts per million. For guests whose clock_tsc_tolerance says nothing else; it may also
    /// stand in the environment, or in /etc/default/xenclock, as XENCLOCK_TSC_TOLERANCE.
    #[arg(long, value_name = "PPM")]
    pub tsc_tolerance: Option<Tolerance>,
    /// Where clocks are kept; /var/lib/xenclock, and with mock:FILE in FILE.clocks.
    #[arg(long, value_name = "DIR")]
    pub records: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    Libxl,
    Mock(Option<PathBuf>),
}

fn backend(word: &OsStr) -> Result<Backend, String> {
    match word.as_bytes() {
        b"libxl" => Ok(Backend::Libxl),
        b"mock" => Ok(Backend::Mock(None)),
        other => match other.strip_prefix(b"mock:") {
            Some(file) if !file.is_empty() => Ok(Backend::Mock(Some(OsStr::from_bytes(file).into()))),
            _ => Err("expected libxl, mock or mock:FILE".to_owned()),
        },
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start a domain from its XML or xl.cfg, with the clock that the file means.
    #[command(override_usage = "xenclock create [<FILE>] [OPTIONS] [KEY=VALUE]...")]
    Create(Create),
    /// Print what create would do, step by step with the reasons, and do nothing.
    #[command(override_usage = "xenclock plan [OPTIONS] <FILE> [KEY=VALUE]...")]
    Plan(Plan),
    /// Turn a domain's XML, an xl.cfg or libxl's JSON into another of them, with a word on all that Xen does otherwise.
    Convert(Convert),
    /// Say everything that is wrong in domain XML, xl.cfg or libxl's JSON, or that Xen ignores, and start nothing.
    #[command(after_help = CHECK)]
    Check(Check),
    /// A running domain as libvirt's domain XML, with its clock as it is now.
    Dumpxml(Dumpxml),
    /// Change settings of an xl.cfg, or the clock of a domain XML, and keep every other byte of the file.
    Edit(Edit),
    /// The clocks of all domains, a line each.
    ClockList(ClockList),
    /// All that is known of a domain's clock, with the reasons.
    ClockShow(DomainJson),
    /// Say what a guest's clock is to be from its next start on, or with --now at once.
    ClockSet(ClockSet),
    /// Suspend a guest into a file, which stock xl restores too.
    Save(Save),
    /// Let a saved guest go on, whoever saved it: its RTC as if nothing had happened.
    Restore(Restore),
    /// Move a guest to another host, in xl's way: xl or xenclock may be there.
    Migrate(Migrate),
    /// The other end of migrate.
    MigrateReceive(MigrateReceive),
    /// Say what a move to another host does to a guest's clock, before anything moves.
    #[command(after_help = PREFLIGHT)]
    Preflight(Preflight),
    /// Keep the clocks of all domains, whoever starts them: the service.
    ClockWatch(ClockWatch),
    /// What the host is, as far as clocks go.
    HostInfo(Json),
    /// List domains, as xl list does.
    List(List),
    /// End a domain at once.
    Destroy(Destroy),
    /// Hold a domain.
    Pause(Domain),
    /// Let a paused domain run.
    Unpause(Domain),
    /// Print the number of the domain of a name.
    Domid(Domain),
    /// Print the name of the domain of a number.
    Domname(Domain),
    /// Ask a guest to power off.
    Shutdown(Shutdown),
    /// Play with the mock host: time, facts, guests.
    #[command(subcommand)]
    Mock(Play),
    /// What create leaves behind for a domain.
    #[command(hide = true)]
    Monitor(MonitorOf),
    /// What sets the TSC of new domains.
    #[command(hide = true)]
    TscHelper(TscHelperArgs),
    /// Print one of the man pages, in roff.
    #[command(hide = true)]
    ManPage {
        /// Which page.
        page: ManPage,
    },
    /// Print a completion script for a shell.
    Completion {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

/// The man pages that the command can print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ManPage {
    /// xenclock(1)
    Xenclock,
    /// xenclock-watch(8)
    XenclockWatch,
}

impl Command {
    /// Whether -N has a meaning; commands that change nothing pass over it.
    pub(super) fn can_dry_run(&self) -> bool {
        match self {
            Command::Create(_)
            | Command::Plan(_)
            | Command::Check(_)
            | Command::Dumpxml(_)
            | Command::Edit(_)
            | Command::Domid(_)
            | Command::Domname(_)
            | Command::ClockList(_)
            | Command::ClockShow(_)
            | Command::ClockSet(_)
            | Command::HostInfo(_)
            | Command::List(_)
            | Command::Preflight(_)
            | Command::Migrate(_)
            | Command::Save(_)
            | Command::Restore(_) => true,
            Command::Convert(convert) => convert.writes_nothing(),
            Command::Completion { .. } | Command::ManPage { .. } => true,
            _ => false,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct ClockList {
    /// Print JSON.
    #[arg(long, conflicts_with = "prometheus")]
    pub json: bool,
    /// Print metrics for the textfile collector of Prometheus's node exporter.
    #[arg(long)]
    pub prometheus: bool,
}

#[derive(Debug, Args)]
pub(super) struct Json {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
