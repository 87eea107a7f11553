//! The words of the command line.

mod convert;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDateTime;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use timers::tsc::Tolerance;

pub(super) use convert::{Check, Convert, Diagnostics, From, Reading, To};

use super::options::{self, Monitoring, Screen, Wrapper, XmlDirs};

/// Guest time on Xen, done right: starts domains with the clock that they ask for, and says what became of it.
#[derive(Debug, Parser)]
#[command(name = "xenclock", version, subcommand_required = true, arg_required_else_help = true)]
#[command(after_long_help = EXTRA)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXTRA: &str = "\
EXIT STATUS
  0 done; 1 failed; 2 wrong usage.

COMMANDS OF XL
  What is no command here goes to the installed xl as it is, with all its words: xenclock vcpu-list. So do list, \
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
    /// As xl's: progress by carriage returns. An xl that migrates a guest to this host may ask for it.
    #[arg(short = 't')]
    pub terminal: bool,
    /// As xl's: times in messages. An xl that migrates a guest to this host may ask for them.
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
    Create(Create),
    /// Turn a domain's XML into an xl.cfg or libxl's JSON, with a word on all that Xen does otherwise.
    Convert(Convert),
    /// Say everything that is wrong in domain XML, xl.cfg or libxl's JSON, or that Xen ignores, and start nothing.
    #[command(after_help = CHECK)]
    Check(Check),
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
    /// The guests, a line each, as xl list has them; Domain-0 is left out.
    List(Json),
    /// End a domain at once.
    Destroy(Domain),
    /// Hold a domain.
    Pause(Domain),
    /// Let a paused domain run.
    Unpause(Domain),
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
            | Command::Check(_)
            | Command::ClockList(_)
            | Command::ClockShow(_)
            | Command::ClockSet(_)
            | Command::HostInfo(_)
            | Command::List(_)
            | Command::Preflight(_)
            | Command::Migrate(_)
            | Command::Restore(_) => true,
            Command::Convert(convert) => convert.writes_nothing(),
            Command::Completion { .. } | Command::ManPage { .. } => true,
            _ => false,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Leave the guest paused before its first instruction.
    #[arg(short = 'p')]
    pub paused: bool,
    /// Show the guest's console here, as xl does.
    #[arg(short = 'c')]
    pub console: bool,
    #[command(flatten)]
    pub screen: Screen,
    #[command(flatten)]
    pub monitoring: Monitoring,
    /// Say nothing but errors.
    #[arg(short = 'q', long)]
    pub quiet: bool,
    /// Say more.
    #[arg(short = 'd')]
    pub debug: bool,
    /// As the global -N: the plan, and nothing applied.
    #[arg(short = 'n', long = "dryrun")]
    pub dry_run: bool,
    /// Print the result (or the plan) as JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub wrapper: Wrapper,
    /// The domain's XML or an xl.cfg; - for standard input.
    pub file: PathBuf,
    /// Settings as in xl.cfg that take the place of the file's, such as name=test or memory=512.
    #[arg(value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct ClockSet {
    /// Also do it now, to the guest that runs: its RTC jumps. Its TSC is left, but with -f.
    #[arg(long)]
    pub now: bool,
    /// Take the clock from this file first: a domain XML, or an xl.cfg with its clock_ keys.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Take the offset from this save file, of xenclock or of xl: as for a disk snapshot of then that was taken back.
    /// The save of another guest takes -f.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    pub from_save: Option<PathBuf>,
    #[command(flatten)]
    pub wrapper: Wrapper,
    /// Print what is then kept as JSON.
    #[arg(long)]
    pub json: bool,
    /// The domain's name, number or UUID. It need not run.
    pub domain: String,
    /// Settings of a clock as in xl.cfg, such as clock_offset=localtime, clock_timezone=Europe/Berlin,
    /// rtc_timeoffset=3600, tsc_mode=native, clock_tsc_frequency=2000000000.
    #[arg(value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Save {
    /// Let the guest go on afterwards.
    #[arg(short = 'c')]
    pub checkpoint: bool,
    /// Leave the guest paused afterwards.
    #[arg(short = 'p')]
    pub paused: bool,
    /// Restore it under the same number.
    #[arg(short = 'D')]
    pub with_domid: bool,
    /// The domain's name or number.
    pub domain: String,
    /// The file to write.
    pub file: PathBuf,
    /// A config to put into the file in place of the domain's own: XML or an xl.cfg.
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// Leave the guest paused.
    #[arg(short = 'p')]
    pub paused: bool,
    #[command(flatten)]
    pub screen: Screen,
    #[command(flatten)]
    pub monitoring: Monitoring,
    /// Say more.
    #[arg(short = 'd')]
    pub debug: bool,
    /// A config in place of the file's own (XML or an xl.cfg), and the file; or the file alone.
    #[arg(value_name = "[CONFIG] FILE", required = true, num_args = 1..=2)]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// A config to send in place of the domain's own: XML or an xl.cfg.
    #[arg(short = 'C', value_name = "CONFIG")]
    pub config: Option<PathBuf>,
    /// The command that reaches the host; where it is empty, HOST is the whole command.
    #[arg(short = 's', value_name = "SSH", default_value = "ssh")]
    pub ssh: String,
    /// Leave no monitor on the other side.
    #[arg(short = 'e')]
    pub no_monitor: bool,
    /// As -e: the other side does not go to the background.
    #[arg(short = 'F')]
    pub foreground: bool,
    /// Leave the guest paused on the other side.
    #[arg(short = 'p')]
    pub paused: bool,
    /// Under the same number on the other side.
    #[arg(short = 'D')]
    pub with_domid: bool,
    /// Have the other side say more.
    #[arg(long)]
    pub debug: bool,
    /// Every migration is live; xl takes the word, too.
    #[arg(long, hide = true)]
    pub live: bool,
    /// The domain's name or number.
    pub domain: String,
    /// The host.
    pub host: String,
}

#[derive(Debug, Args)]
pub(super) struct Preflight {
    /// Each guest of each file to each other host, and one TSC frequency for all hosts.
    #[arg(long)]
    pub pool: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The command that reaches the host, as for migrate; where it is empty, HOST is the whole command that migrate
    /// takes, and its migrate-receive is replaced.
    #[arg(short = 's', value_name = "SSH", default_value = "ssh")]
    pub ssh: String,
    /// A domain and the host to which it is to go, on which xenclock must be; or the files that host-info --json printed
    /// on two hosts, the guests of the first going to the second; with --pool the files of any number of hosts.
    #[arg(value_name = "DOMAIN HOST | FILE FILE ...", required = true, num_args = 1..)]
    pub what: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(super) struct MigrateReceive {
    #[command(flatten)]
    pub monitoring: Monitoring,
    /// Leave the guest paused.
    #[arg(short = 'p')]
    pub paused: bool,
    /// Say more.
    #[arg(short = 'd')]
    pub debug: bool,
}

#[derive(Debug, Args)]
pub(super) struct ClockWatch {
    /// Seconds from one look at all RTCs to the next; what a guest does to its own shows nowhere else.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = period)]
    pub period: Duration,
    /// Keep only clocks that somebody has asked for; else also what other HVM guests do to their RTC.
    #[arg(long)]
    pub asked_only: bool,
    /// Look at everything once, and end.
    #[arg(long)]
    pub once: bool,
    #[command(flatten)]
    pub xml: XmlDirs,
}

impl ClockWatch {
    pub(super) fn xml_dirs(&self) -> Vec<PathBuf> {
        self.xml.dirs()
    }
}

#[derive(Debug, Args)]
pub(super) struct MonitorOf {
    /// The domain's number.
    pub domid: u32,
}

#[derive(Debug, Args)]
pub(super) struct TscHelperArgs {
    /// The words that a device model is started with; without, orders are read from standard input.
    #[arg(long, num_args = 0.., allow_hyphen_values = true, trailing_var_arg = true)]
    pub device_model: Option<Vec<OsString>>,
}

impl TscHelperArgs {
    pub(super) fn xml_dirs(&self) -> Vec<PathBuf> {
        options::default_xml_dirs()
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

#[derive(Debug, Args)]
pub(super) struct Domain {
    /// The domain's name or number.
    pub domain: String,
}

#[derive(Debug, Args)]
pub(super) struct DomainJson {
    /// The domain's name or number.
    pub domain: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Shutdown {
    /// Ask for a reboot instead.
    #[arg(short = 'r', long)]
    pub reboot: bool,
    /// Wait until the guest has ended.
    #[arg(short = 'w', long)]
    pub wait: bool,
    /// The domain's name or number.
    pub domain: String,
}

/// What can be played on the mock host.
#[derive(Debug, Subcommand)]
pub(super) enum Play {
    /// Let time pass, at once.
    Advance {
        /// How many seconds.
        seconds: i64,
    },
    /// Change facts of the host: now, timezone, cpu_khz, tsc_reliable, tsc_scaling, tsc_invariant, clock_synchronised,
    /// clock_error_us, xen_version, memory_mb.
    Set {
        /// Facts, such as timezone=Europe/Berlin.
        #[arg(value_name = "FACT=VALUE", required = true)]
        facts: Vec<String>,
    },
    /// The guest sets its RTC: to a time as in 2026-07-01T14:00:00, or by seconds as in +20 or -3600.
    WriteRtc {
        /// The domain's name or number.
        domain: String,
        /// A time, or seconds with a sign.
        #[arg(allow_hyphen_values = true, value_parser = rtc_write)]
        to: RtcWrite,
    },
    /// The guest reboots: on Xen that is a new domain, which takes over what is to be kept.
    Reboot {
        /// The domain's name or number.
        domain: String,
    },
    /// The guest powers off.
    Poweroff {
        /// The domain's name or number.
        domain: String,
    },
    /// Make a call of the host fail, to see what then happens: such as set_tsc_info permission.
    Fail {
        /// The call, by its name in the library's Host trait.
        call: String,
        /// The kind of failure: permission, no_memory, invalid, no_such_domain, io, other ...
        kind: String,
        /// How often; 0 takes it back.
        #[arg(default_value_t = 1)]
        times: u32,
    },
}

/// What a guest writes to its RTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RtcWrite {
    /// This time.
    To(NaiveDateTime),
    /// So many seconds later.
    By(i64),
}

fn rtc_write(word: &str) -> Result<RtcWrite, String> {
    if word.starts_with(['+', '-'])
        && let Ok(seconds) = word.parse()
    {
        return Ok(RtcWrite::By(seconds));
    }
    word.parse()
        .map(RtcWrite::To)
        .map_err(|_| "expected a time such as 2026-07-01T14:00:00, or seconds such as +20".to_owned())
}

/// More than none, and no more than a day.
fn period(word: &str) -> Result<Duration, String> {
    let seconds: f64 = word.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    if !(0.01..=86_400.0).contains(&seconds) {
        return Err("expected 0.01 to 86400 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}
