//! Arguments of the commands that xl has, too.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::super::options::{Monitoring, NewDomain, Wrapper};
use super::convert::Maps;

// A file, and lines for its end: what `create` and `plan` read.
#[derive(Debug, Args)]
pub(in crate::cli) struct Described {
    /// The file. The last one counts; - is standard input.
    #[arg(short = 'f', long, value_name = "FILE", allow_hyphen_values = true)]
    pub defconfig: Option<PathBuf>,
    /// A domain XML or an xl.cfg, unless -f names it, and settings as in xl.cfg, which count as lines at the end of the file, such as
    /// name=test or memory=512.
    #[arg(value_name = "FILE | KEY=VALUE")]
    pub words: Vec<OsString>,
    #[command(flatten)]
    pub maps: Maps,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Create {
    #[command(flatten)]
    pub new: NewDomain,
    /// Print only errors.
    #[arg(short = 'q', long)]
    pub quiet: bool,
    /// Print the configuration as JSON, and each step, to standard error.
    #[arg(short = 'd')]
    pub debug: bool,
    /// Print the configuration as JSON, and start nothing, as with the global -N.
    #[arg(short = 'n', long = "dryrun")]
    pub dry_run: bool,
    /// Ignore vm.cpumask, vm.hvm.cpumask and vm.pv.cpumask of xl.conf.
    #[arg(short = 'i', long)]
    pub ignore_global_affinity_masks: bool,
    /// Print the result as JSON; with -n the plan, as xenclock plan --json does.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub wrapper: Wrapper,
    #[command(flatten)]
    pub described: Described,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Plan {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Print no findings.
    #[arg(short = 'q', long)]
    pub quiet: bool,
    #[command(flatten)]
    pub wrapper: Wrapper,
    #[command(flatten)]
    pub described: Described,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Save {
    /// Leave the guest running.
    #[arg(short = 'c')]
    pub checkpoint: bool,
    /// Leave the guest paused.
    #[arg(short = 'p')]
    pub paused: bool,
    /// Let a restore give the guest the same domain ID.
    #[arg(short = 'D')]
    pub with_domid: bool,
    /// The domain's name or ID.
    pub domain: String,
    /// The file to write.
    pub file: PathBuf,
    /// Store this config (domain XML or xl.cfg) instead of the domain's own.
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Restore {
    #[command(flatten)]
    pub new: NewDomain,
    /// Print each step.
    #[arg(short = 'd')]
    pub debug: bool,
    /// The file, optionally preceded by a config (domain XML or xl.cfg) that replaces the one in it.
    #[arg(value_name = "[CONFIG] FILE", required = true, num_args = 1..=2)]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Migrate {
    /// Send this config (domain XML or xl.cfg) instead of the domain's own.
    #[arg(short = 'C', value_name = "CONFIG", allow_hyphen_values = true)]
    pub config: Option<PathBuf>,
    /// The command that reaches the host; if it is empty, HOST is the whole command.
    #[arg(short = 's', value_name = "SSH", default_value = "ssh", allow_hyphen_values = true)]
    pub ssh: String,
    /// Start no monitor on the target host.
    #[arg(short = 'e')]
    pub no_monitor: bool,
    /// Keep the target's process in the foreground; like -e.
    #[arg(short = 'F')]
    pub foreground: bool,
    /// Leave the guest paused on the target host.
    #[arg(short = 'p')]
    pub paused: bool,
    /// Use the same domain ID on the target host.
    #[arg(short = 'D')]
    pub with_domid: bool,
    /// Print more on the target host.
    #[arg(long)]
    pub debug: bool,
    /// Accepted for compatibility with xl: every migration is live.
    #[arg(long, hide = true)]
    pub live: bool,
    /// The domain's name or ID.
    pub domain: String,
    /// The target host.
    pub host: String,
    #[arg(hide = true)]
    pub ignored: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct MigrateReceive {
    #[command(flatten)]
    pub monitoring: Monitoring,
    /// Leave the guest paused.
    #[arg(short = 'p')]
    pub paused: bool,
    /// Print each step.
    #[arg(short = 'd')]
    pub debug: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    /// Print each domain's ID and configuration as JSON.
    #[arg(short = 'l', long, conflicts_with = "json")]
    pub long: bool,
    /// Print UUIDs, reasons for shutdowns and security labels.
    #[arg(short = 'v', long)]
    pub verbose: bool,
    /// Print security labels.
    #[arg(short = 'Z', long)]
    pub context: bool,
    /// Print each domain's CPU pool.
    #[arg(short = 'c', long)]
    pub cpupool: bool,
    /// Print the NUMA nodes that each domain's memory may be on.
    #[arg(short = 'n', long)]
    pub numa: bool,
    /// Print JSON, with more than the table shows; without a DOMAIN, only the guests.
    #[arg(long)]
    pub json: bool,
    /// Names or IDs of domains; all domains if none is given.
    #[arg(value_name = "DOMAIN")]
    pub domains: Vec<String>,
}

// One domain by its name. xl passes over further words, and so do we.
#[derive(Debug, Args)]
pub(in crate::cli) struct DomainName {
    /// The domain's name.
    pub name: String,
    #[arg(hide = true)]
    pub ignored: Vec<OsString>,
}

// One domain by its ID. xl passes over further words, and so do we.
#[derive(Debug, Args)]
pub(in crate::cli) struct DomainId {
    /// The domain's ID.
    pub id: String,
    #[arg(hide = true)]
    pub ignored: Vec<OsString>,
}

// One domain. xl passes over further words, and so do we.
#[derive(Debug, Args)]
pub(in crate::cli) struct Domain {
    /// The domain's name or ID.
    pub domain: String,
    #[arg(hide = true)]
    pub ignored: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Destroy {
    /// Accepted for compatibility with xl: Domain-0 cannot be destroyed.
    #[arg(short = 'f')]
    pub force: bool,
    #[command(flatten)]
    pub domain: Domain,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Shutdown {
    /// Shut all guests down.
    #[arg(short = 'a', long)]
    pub all: bool,
    /// Reboot the guest instead.
    #[arg(short = 'r', long)]
    pub reboot: bool,
    /// Wait until the guest has shut down; given twice, until its domain is destroyed.
    #[arg(short = 'w', long, action = clap::ArgAction::Count)]
    pub wait: u8,
    /// Press the power button of an HVM guest without PV drivers.
    #[arg(short = 'F')]
    pub fallback: bool,
    /// The domain's name or ID.
    pub domain: Option<String>,
    #[arg(hide = true)]
    pub ignored: Vec<OsString>,
}
