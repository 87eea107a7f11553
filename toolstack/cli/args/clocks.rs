//! The words of the commands that xl has not.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::super::options::{self, Wrapper, XmlDirs};

#[derive(Debug, Args)]
pub(in crate::cli) struct ClockSet {
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
pub(in crate::cli) struct Preflight {
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
pub(in crate::cli) struct ClockWatch {
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

#[derive(Debug, Args)]
pub(in crate::cli) struct MonitorOf {
    /// The domain's number.
    pub domid: u32,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TscHelperArgs {
    /// The words that a device model is started with; without, orders are read from standard input.
    #[arg(long, num_args = 0.., allow_hyphen_values = true, trailing_var_arg = true)]
    pub device_model: Option<Vec<OsString>>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DomainJson {
    /// The domain's name or number.
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
