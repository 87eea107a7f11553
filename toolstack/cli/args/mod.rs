//! Command-line arguments: the global options and the commands.

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
use xenclock::cfg::clock::tolerance;

pub(super) use clocks::{ClockSet, ClockWatch, DomainJson, MonitorOf, Preflight, TscHelperArgs};
pub(super) use convert::{Check, Convert, Diagnostics, Dumpxml, Edit, From, Maps, Reading, To};
pub(super) use guests::{
    Create, Described, Destroy, Domain, DomainId, DomainName, List, Migrate, MigrateReceive, Plan, Restore,
    Save, Shutdown,
};
pub(super) use play::{Play, RtcWrite};

/// Guest time on Xen: start domains with the clock that their configuration requests, and keep it right.
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
  0 success; 1 failure; 2 wrong usage (1 where xl exits with 1, as for shutdown without a guest). check: 0 nothing is wrong, 1 a setting differs or is ignored, 2 a guest does not start.

COMMANDS OF XL
  Any other command is passed to the installed xl unchanged, as in xenclock vcpu-list. Commands that create, save, \
restore or migrate a guest are never passed on, because xl would drop the guest's clock. So alias xl=xenclock is safe.

HOSTS
  In a dom0 the host is libxl. Elsewhere it is a mock host in memory, which models Xen's effect on a guest's clock. \
--backend mock:FILE keeps its state in FILE, for the next command.

MESSAGES
  Data goes to standard output, messages to standard error. A message about an input starts with FILE:LINE:COLUMN:.";

const CHECK: &str = "\
Exit status: 0 nothing is wrong; 1 all guests start, but a setting differs, is left out or is ignored; 2 a guest does not \
start, or not as its file requests, or a file cannot be read.";

const PREFLIGHT: &str = "\
Exit status: 0 the guests notice nothing harmful; 3 they notice the move, and their clocks stay right or within their \
tolerance; 4 a clock goes wrong or the move is not supported, and migrate refuses without -f; 1 failure; 2 wrong usage.";

#[derive(Debug, Args)]
pub(super) struct Global {
    /// Print each step; repeat for more detail. Also accepted after a command that xl does not have.
    #[arg(short = 'v', action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Dry run: print what would be done and change nothing. Also accepted after a command that xl does not have.
    #[arg(short = 'N', long = "dry-run")]
    pub dry_run: bool,
    /// Do what is otherwise refused: change the TSC of a guest that has run, or move a guest to a host where its clock goes
    /// wrong, or to which Xen supports no move.
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Update progress in place, as on a terminal.
    #[arg(short = 't')]
    pub terminal: bool,
    /// Prefix each message with the time and the process ID.
    #[arg(short = 'T')]
    pub timestamps: bool,
    /// The host: libxl, mock (in memory) or mock:FILE.
    #[arg(long, value_name = "HOST", value_parser = OsStringValueParser::new().try_map(|word| backend(&word)))]
    pub backend: Option<Backend>,
    /// Run the TSC of a guest natively that arrives on this host or is restored here, if the host's TSC frequency differs
    /// from its initial frequency by at most this many parts per million: 0 (off) to 250. In a migration the value of the
    /// receiving host counts. A guest's clock_tsc_tolerance takes precedence.
    /// The default is XENCLOCK_TSC_TOLERANCE from the environment, which the service reads from /etc/default/xenclock,
    /// or 0.
    #[arg(long, value_name = "PPM", value_parser = tolerance)]
    pub tsc_tolerance: Option<Tolerance>,
    /// The directory of clock records [default: /var/lib/xenclock, or FILE.clocks with mock:FILE].
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

// The options of a command are made only where it is called, or asked about: making those of all takes as long as a
// small conversion. They come after the command's own words, so a doc comment on one of their structures would replace
// these.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(super) enum Command {
    /// Start a domain from a domain XML or an xl.cfg, with the clock that the file requests.
    #[command(override_usage = "xenclock create [<FILE>] [OPTIONS] [KEY=VALUE]...")]
    Create(Create),
    /// Print the steps of create with their reasons, and change nothing.
    #[command(override_usage = "xenclock plan [OPTIONS] <FILE> [KEY=VALUE]...")]
    Plan(Plan),
    /// Convert domain XML, an xl.cfg or libxl's JSON into another of these, and report everything Xen does differently.
    Convert(Convert),
    /// Check domain XML, xl.cfg or libxl's JSON, and report every error and every setting that Xen ignores.
    #[command(after_help = CHECK)]
    Check(Check),
    /// Print a running domain as libvirt's domain XML, with its present clock.
    Dumpxml(Dumpxml),
    /// Change settings of an xl.cfg or a domain XML, and keep every other byte of the file.
    Edit(Edit),
    /// List the clocks of all domains.
    ClockList(ClockList),
    /// Show a domain's clock and the reason for each value.
    ClockShow(DomainJson),
    /// Set a guest's clock from its next start on, or at once with --now.
    ClockSet(ClockSet),
    /// Save a guest to a file, which stock xl can restore too.
    Save(Save),
    /// Restore a saved guest with its RTC unchanged, whichever toolstack saved it.
    Restore(Restore),
    /// Migrate a guest to another host, which may run xl or xenclock.
    Migrate(Migrate),
    /// Receive a guest; the target host of migrate runs this.
    MigrateReceive(MigrateReceive),
    /// Report the effect of a move to another host on a guest's clock, without moving anything.
    #[command(after_help = PREFLIGHT)]
    Preflight(Preflight),
    /// Run the service: track the clocks of all domains, whichever toolstack starts them.
    ClockWatch(ClockWatch),
    /// Show the host's clock and TSC.
    HostInfo(Json),
    /// List domains, as xl list does.
    List(List),
    /// Destroy a domain at once.
    Destroy(Destroy),
    /// Pause a domain.
    Pause(Domain),
    /// Unpause a domain.
    Unpause(Domain),
    /// Print the ID of the domain with this name.
    Domid(DomainName),
    /// Print the name of the domain with this ID.
    Domname(DomainId),
    /// Shut a guest down.
    Shutdown(Shutdown),
    /// Control the mock host: its time, its facts, its guests.
    #[command(subcommand)]
    Mock(Play),
    /// Monitor a domain; create starts this process.
    #[command(hide = true)]
    Monitor(MonitorOf),
    /// Set the TSC of new domains, on behalf of the service.
    #[command(hide = true)]
    TscHelper(TscHelperArgs),
    /// Print a man page, in roff.
    #[command(hide = true)]
    ManPage {
        /// The page.
        page: ManPage,
    },
    /// Print a completion script for a shell.
    Completion {
        /// The shell: bash, zsh, fish, elvish or powershell.
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
    /// Why --tsc-tolerance has no effect; `None` where it has one, or where nobody would expect one.
    pub(super) fn why_no_tolerance(&self, dry_run: bool) -> Option<&'static str> {
        match self {
            Command::Migrate(_) => Some(
                "the tolerance of the receiving host counts, which is XENCLOCK_TSC_TOLERANCE in its \
                 /etc/default/xenclock; xenclock clock-set DOMAIN clock_tsc_tolerance=PPM sets one for the guest on every host",
            ),
            Command::Preflight(_) => Some(
                "the tolerance of the target counts, as its host-info --json reports it; xenclock clock-set DOMAIN \
                 clock_tsc_tolerance=PPM sets one for the guest on every host",
            ),
            Command::Save(_) if !dry_run => {
                Some("the tolerance counts at the restore: xenclock --tsc-tolerance PPM restore FILE")
            }
            Command::Create(_) | Command::Plan(_) => Some(
                "a new guest is native at the host's frequency; clock_tsc_tolerance=PPM is the setting for its moves",
            ),
            Command::ClockSet(_) => Some("clock_tsc_tolerance=PPM is the setting of a guest"),
            _ => None,
        }
    }

    /// The other options of moves and clocks that are given and have no effect, each with the reason.
    pub(super) fn without_effect(&self, global: &Global) -> Vec<(&'static str, &'static str)> {
        const CHANGES_NOTHING: &str = "this command changes nothing, and so refuses nothing";
        let force = global.force;
        let given: Vec<(bool, &'static str, &'static str)> = match self {
            // A sender asks with the -f of its `xl -f migrate-receive` what this host is, by host-info.
            Command::Preflight(_) | Command::ClockShow(_) | Command::ClockList(_) => {
                vec![(force, "-f", CHANGES_NOTHING)]
            }
            // It takes effect where there is something that it lets pass.
            Command::Save(save) => vec![
                (force && save.config.is_none(), "-f", "only a CONFIG can be refused here"),
                (
                    save.checkpoint && save.paused,
                    "-c",
                    "-p leaves the guest paused, and so does not let it run",
                ),
            ],
            Command::Migrate(migrate) if migrate.ssh.is_empty() => {
                vec![
                    (
                        migrate.paused,
                        "-p",
                        "HOST is the whole command here; write ... migrate-receive -p in it",
                    ),
                    (
                        migrate.no_monitor,
                        "-e",
                        "HOST is the whole command here; write ... migrate-receive -e in it",
                    ),
                    (
                        migrate.foreground,
                        "-F",
                        "HOST is the whole command here; write ... migrate-receive -e in it",
                    ),
                    (
                        migrate.debug,
                        "--debug",
                        "HOST is the whole command here; write ... migrate-receive -d in it",
                    ),
                ]
            }
            Command::ClockSet(set) => vec![(
                force && !set.now && set.from_save.is_none(),
                "-f",
                "only --now and --from-save refuse anything that it allows",
            )],
            _ => Vec::new(),
        };
        given.into_iter().filter(|(given, ..)| *given).map(|(_, option, why)| (option, why)).collect()
    }

    /// True if -N has a meaning; commands that change nothing ignore it.
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
            // One file can be tried only where it writes none; the command says so itself.
            Command::Convert(_) => true,
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
