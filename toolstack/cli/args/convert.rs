//! The words of `convert` and `check`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use xenclock::domain::XenVersion;

use super::super::options::Wrapper;

#[derive(Debug, Args)]
pub struct Convert {
    /// What to write.
    #[arg(long, value_enum, default_value_t = To::Xl)]
    pub to: To,
    /// Keep the input's comments, at the head of what is written; JSON has no place for them.
    #[arg(long)]
    pub comments: bool,
    /// Fail, and write nothing, unless everything means the same on Xen or changes nothing.
    #[arg(long)]
    pub strict: bool,
    /// How to say what became of the input: for people (what differs; with -v everything), every node as JSON, or as
    /// SARIF 2.1.0.
    #[arg(long, value_enum, default_value_t = Diagnostics::Human)]
    pub diagnostics: Diagnostics,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub wrapper: Wrapper,
    /// With --strict, let these losses pass: lines CODE NODE = REASON, below [FILE] for some files only.
    #[arg(long, value_name = "FILE")]
    pub accept: Option<PathBuf>,
    /// Write a first version of such a file: everything that differs now.
    #[arg(long, value_name = "FILE")]
    pub write_accept: Option<PathBuf>,
    /// Write a report on all inputs: a page (.html), JSON (.json) or SARIF (.sarif), as the file's name ends.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write to this file instead of standard output; or, of a directory or several inputs, a file each to this
    /// directory.
    #[arg(short = 'o', long, value_name = "FILE|DIR")]
    pub output: Option<PathBuf>,
    /// The input; - for standard input. With -o DIR or --report any number of inputs, and directories of them: of a
    /// directory the files whose names end in .xml or .cfg, or that begin like XML.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Print what was found as JSON.
    #[arg(long, conflicts_with = "sarif")]
    pub json: bool,
    /// Print what was found as SARIF 2.1.0, for editors, code hosts and CI systems.
    #[arg(long)]
    pub sarif: bool,
    /// Print only files with errors or differences, and no summary.
    #[arg(short = 'q', long)]
    pub quiet: bool,
    #[command(flatten)]
    pub reading: Reading,
    /// Domain XML, xl.cfg or libxl's JSON; - for standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

impl Convert {
    pub fn writes_nothing(&self) -> bool {
        self.output.is_none() && self.report.is_none() && self.write_accept.is_none()
    }
}

/// How files are read.
#[derive(Debug, Args)]
pub struct Reading {
    /// What the input is; guessed from its content when not given.
    #[arg(long, value_enum)]
    pub from: Option<From>,
    /// The time to take for now, as in 2026-07-01T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub now: Option<DateTime<Utc>>,
    /// The zone to take for the host's, as in Europe/Berlin.
    #[arg(long, value_name = "ZONE")]
    pub host_timezone: Option<String>,
    /// The Xen that it is for, as in 4.17: newer keys are not written [default: the host's, or the newest known].
    #[arg(long, value_name = "RELEASE")]
    pub xen: Option<XenVersion>,
    /// What is here in the place of a network, a pool or another name: KIND:FROM=TO, as in network:default=xenbr0,
    /// path:/var/lib/libvirt/images=/dev/vg, bridge:br0=xenbr0, pool:vms=/srv/vms, volume:vms/a.img=/dev/vg/a,
    /// interface:eth0=xenbr0, or mac:new. May be given again.
    #[arg(long = "map", value_name = "RULE")]
    pub map: Vec<String>,
    /// A file of such rules, one a line. May be given again.
    #[arg(long, value_name = "FILE")]
    pub map_file: Vec<PathBuf>,
    /// Also say what this dom0 lacks for a guest: bridges, disks, firmware, QEMU, PCI devices. With a value, look below
    /// that directory as if it were the root of a dom0.
    #[arg(long, value_name = "ROOT", num_args = 0..=1, require_equals = true, default_missing_value = "/")]
    pub check_host: Option<PathBuf>,
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
    /// The clock that its next start gets, in place of what it shows now, and no number of the running domain.
    #[arg(long)]
    pub inactive: bool,
    /// Also print passwords.
    #[arg(long)]
    pub security_info: bool,
    /// The domain's number or name.
    pub domain: String,
}

#[derive(Debug, Args)]
pub struct Edit {
    /// Take a key out of the file.
    #[arg(long, value_name = "KEY")]
    pub unset: Vec<String>,
    /// Write to this file, and leave the input as it is; - for standard output, as with -N.
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The xl.cfg or domain XML.
    pub file: PathBuf,
    /// Settings as in xl.cfg, such as memory=512 or clock_timezone=Europe/Berlin; of an XML those of its clock.
    #[arg(value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}
