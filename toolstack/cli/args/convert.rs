//! Arguments of `convert` and `check`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use xenclock::domain::XenVersion;

use super::super::options::Wrapper;

#[derive(Debug, Args)]
pub struct Convert {
    /// The output format.
    #[arg(long, value_enum, default_value_t = To::Xl)]
    pub to: To,
    /// Copy the input's comments to the head of the output; JSON has no comments.
    #[arg(long)]
    pub comments: bool,
    /// Fail and write nothing unless every node is exact or without effect.
    #[arg(long)]
    pub strict: bool,
    /// The form of the diagnostics: for people (what differs; everything with -v), every node as JSON, or SARIF 2.1.0.
    #[arg(long, value_enum, default_value_t = Diagnostics::Human)]
    pub diagnostics: Diagnostics,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub wrapper: Wrapper,
    /// With --strict, accept the losses in this file: lines CODE NODE = REASON; those below a line
    /// [FILE] apply only to files of that name.
    #[arg(long, value_name = "FILE")]
    pub accept: Option<PathBuf>,
    /// Write a first version of such a file, with all current losses.
    #[arg(long, value_name = "FILE")]
    pub write_accept: Option<PathBuf>,
    /// Write a report on all inputs; the extension selects HTML (.html), JSON (.json) or SARIF (.sarif).
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write to this file instead of standard output; for a directory or several inputs, write one file for each
    /// input to this directory.
    #[arg(short = 'o', long, value_name = "FILE|DIR")]
    pub output: Option<PathBuf>,
    /// The input; - for standard input. With -o DIR or --report, any number of files and directories: in a directory, the
    /// files whose names end in .xml or .cfg, or whose content starts like XML.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Print the findings as JSON.
    #[arg(long, conflicts_with = "sarif")]
    pub json: bool,
    /// Print the findings as SARIF 2.1.0, for editors, code hosts and CI systems.
    #[arg(long)]
    pub sarif: bool,
    /// Print only files with errors or differences, and no summary.
    #[arg(short = 'q', long)]
    pub quiet: bool,
    #[command(flatten)]
    pub reading: Reading,
    /// Domain XML, xl.cfg or libxl's JSON; - for standard input. In a directory, the files whose names end in .xml or
    /// .cfg, or whose content starts like XML or like libxl's JSON.
    #[arg(value_name = "FILE|DIR", required = true)]
    pub files: Vec<PathBuf>,
}

// Options for reading files.
#[derive(Debug, Default, Args)]
pub struct Reading {
    /// The input format [default: detected from the content].
    #[arg(long, value_enum)]
    pub from: Option<From>,
    /// Use this as the current time, such as 2026-07-01T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub now: Option<DateTime<Utc>>,
    /// Use this as the host's time zone: a name such as Europe/Berlin, a POSIX rule or the path of a TZif file.
    #[arg(long, value_name = "ZONE")]
    pub host_timezone: Option<String>,
    /// The release of Xen to convert or check for, such as 4.17; convert leaves out newer keys [default: the host's, or
    /// the newest known].
    #[arg(long, value_name = "RELEASE")]
    pub xen: Option<XenVersion>,
    #[command(flatten)]
    pub maps: Maps,
    /// Also report bridges, disks, firmware, QEMU and PCI devices that a guest needs and this dom0 lacks. With a value, use
    /// that directory as the root of the dom0.
    #[arg(long, value_name = "ROOT", num_args = 0..=1, require_equals = true, default_missing_value = "/")]
    pub check_host: Option<PathBuf>,
}

// Rules for names of another host.
#[derive(Debug, Default, Args)]
pub struct Maps {
    /// Replace a network, a pool or another name with a local one: KIND:FROM=TO, such as network:default=xenbr0,
    /// path:/var/lib/libvirt/images=/dev/vg, bridge:br0=xenbr0, pool:vms=/srv/vms, volume:vms/a.img=/dev/vg/a,
    /// interface:eth0=xenbr0, or mac:new. May be given more than once.
    #[arg(long = "map", value_name = "RULE")]
    pub map: Vec<String>,
    /// A file of such rules, one per line. May be given more than once.
    #[arg(long, value_name = "FILE")]
    pub map_file: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum From {
    Xml,
    Xl,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum To {
    Xl,
    Json,
    Xml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Diagnostics {
    Human,
    Json,
    Sarif,
}

fn time(word: &str) -> Result<DateTime<Utc>, String> {
    word.parse().map_err(|_| "expected a time such as 2026-07-01T12:00:00Z".to_owned())
}

#[derive(Debug, Args)]
pub struct Dumpxml {
    /// Print the clock as it was requested for the next start instead of the present one, and no domain ID.
    #[arg(long)]
    pub inactive: bool,
    /// Also print passwords.
    #[arg(long)]
    pub security_info: bool,
    /// The domain's name or ID.
    pub domain: String,
}

#[derive(Debug, Args)]
pub struct Edit {
    /// Remove a key from the file, or a setting from the clock of a domain XML.
    #[arg(long, value_name = "KEY")]
    pub unset: Vec<String>,
    /// Write to this file, and leave the input unchanged; - for standard output, as with -N.
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The xl.cfg or domain XML.
    pub file: PathBuf,
    /// Settings as in xl.cfg, such as memory=512 or clock_timezone=Europe/Berlin.
    #[arg(value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}
