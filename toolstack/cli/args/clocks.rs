//! Arguments of the commands that only xenclock has.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::super::options::{self, Wrapper, XmlDirs};

#[derive(Debug, Args)]
pub(in crate::cli) struct ClockSet {
    /// Also set the clock of the running guest now: its RTC jumps. Its TSC is changed only with -f.
    #[arg(long)]
    pub now: bool,
    /// Read the clock from this file first: a domain XML or an xl.cfg.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Use the offset from this save file of xenclock or xl, for example after a rollback to a disk snapshot. A save file
    /// of another guest needs -f.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    pub from_save: Option<PathBuf>,
    /// Take a setting back first, so that the guest has what it would have without it: --unset clock_tsc_frequency for the
    /// host's frequency, --unset clock_tsc_tolerance for the host's tolerance, --unset clock_timers for no timers; may be
    /// given more than once.
    #[arg(long, value_name = "KEY")]
    pub unset: Vec<String>,
    #[command(flatten)]
    pub wrapper: Wrapper,
    /// Print the resulting record as JSON.
    #[arg(long)]
    pub json: bool,
    /// The domain's name, ID or UUID; it need not be running.
    pub domain: String,
    /// Clock settings as in xl.cfg, such as clock_offset=localtime, clock_timezone=Europe/Berlin,
    /// rtc_timeoffset=3600, tsc_mode=native, clock_tsc_frequency=2000000000.
    #[arg(value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Preflight {
    /// Compare every guest in every file with every other host, and recommend one TSC frequency for all of them.
    #[arg(long)]
    pub pool: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The command that reaches the host, as for migrate. If it is empty, HOST is the whole command, which is run with
    /// host-info --json in place of migrate-receive [default: ssh].
    #[arg(short = 's', value_name = "SSH")]
    pub ssh: Option<String>,
    /// A domain and its target host, which must have xenclock; or two files written by host-info --json, for the guests of
    /// the first host and a move to the second; with --pool, the files of any number of hosts.
    #[arg(value_name = "DOMAIN HOST | FILE FILE ...", required = true, num_args = 1..)]
    pub what: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ClockWatch {
    /// Seconds between two readings of all RTCs; only a reading shows that a guest has set its RTC.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = period)]
    pub period: Duration,
    /// Track only guests with a requested clock, not the RTCs of all HVM guests.
    #[arg(long)]
    pub asked_only: bool,
    /// Read all clocks once and exit.
    #[arg(long)]
    pub once: bool,
    #[command(flatten)]
    pub xml: XmlDirs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct MonitorOf {
    /// The domain's ID.
    pub domid: u32,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TscHelperArgs {
    /// The command line of the device model; without it, orders are read from standard input.
    #[arg(long, num_args = 0.., allow_hyphen_values = true, trailing_var_arg = true)]
    pub device_model: Option<Vec<OsString>>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DomainJson {
    /// The domain's name or ID.
    pub domain: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

impl ClockWatch {
    pub(in crate::cli) fn xml_dirs(&self) -> Vec<PathBuf> {
        self.xml.dirs()
    }
}

impl TscHelperArgs {
    pub(in crate::cli) fn xml_dirs(&self) -> Vec<PathBuf> {
        options::default_xml_dirs()
    }
}

/// More than none, and no more than a day.
fn period(word: &str) -> Result<Duration, String> {
    let seconds: f64 = word.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    if !(0.01..=86_400.0).contains(&seconds) {
        return Err("expected 0.01 to 86400 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}
