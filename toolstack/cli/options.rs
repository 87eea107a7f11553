//! Options that several commands share.

use std::path::PathBuf;

use clap::Args;
use xenclock::tracking::requests::DIRECTORIES;

/// Who looks after a domain once it is there.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Monitoring {
    /// Stay in the foreground until the domain's end.
    #[arg(short = 'F')]
    pub foreground: bool,
    /// Leave no monitor behind: nobody then starts the guest again when it reboots.
    #[arg(short = 'e')]
    pub no_monitor: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Screen {
    /// Show the guest's screen in a VNC viewer, as xl does.
    #[arg(short = 'V', long = "vncviewer")]
    pub vnc: bool,
    /// As -V, and tell the viewer the password.
    #[arg(short = 'A', long = "vncviewer-autopass")]
    pub vnc_autopass: bool,
}

#[derive(Debug, Args)]
pub(super) struct Wrapper {
    /// Have the guest started by the device-model wrapper: its clock can then not come too late. For HVM guests.
    #[arg(long = "wrapper")]
    pub asked: bool,
}

/// Where the domain XML of domains lies that other toolstacks start.
#[derive(Debug, Args)]
pub(super) struct XmlDirs {
    /// A directory of domain XML; may be given again. /etc/xenclock/domains and /etc/libvirt/libxl when not given.
    #[arg(long = "xml-dir", value_name = "DIR")]
    xml_dirs: Vec<PathBuf>,
}

impl XmlDirs {
    pub(super) fn dirs(&self) -> Vec<PathBuf> {
        if self.xml_dirs.is_empty() { default_xml_dirs() } else { self.xml_dirs.clone() }
    }
}

/// The directories of domain XML that are read where none is named.
pub(super) fn default_xml_dirs() -> Vec<PathBuf> {
    DIRECTORIES.iter().map(PathBuf::from).collect()
}
