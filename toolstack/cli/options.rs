//! Options that several commands share.

use std::path::PathBuf;

use clap::Args;
use xenclock::tracking::requests::DIRECTORIES;

// Options for the monitor of a new domain.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Monitoring {
    /// Stay in the foreground until the domain ends.
    #[arg(short = 'F')]
    pub foreground: bool,
    /// Start no monitor: without one, xenclock does not restart the guest when it reboots.
    #[arg(short = 'e')]
    pub no_monitor: bool,
}

// Options for a new domain, started or restored.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct NewDomain {
    /// Leave the guest paused.
    #[arg(short = 'p')]
    pub paused: bool,
    /// Attach to the guest's console, as xl does.
    #[arg(short = 'c')]
    pub console: bool,
    #[command(flatten)]
    pub screen: Screen,
    #[command(flatten)]
    pub monitoring: Monitoring,
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Screen {
    /// Open a VNC viewer for the guest's screen, as xl does.
    #[arg(short = 'V', long = "vncviewer")]
    pub vnc: bool,
    /// Open a VNC viewer and pass it the password.
    #[arg(short = 'A', long = "vncviewer-autopass")]
    pub vnc_autopass: bool,
}

#[derive(Debug, Args)]
pub(super) struct Wrapper {
    /// Use the device-model wrapper for this HVM guest, so that its clock is always set before it runs.
    #[arg(long = "wrapper")]
    pub asked: bool,
}

// The directories of domain XML for domains that other toolstacks start.
#[derive(Debug, Args)]
pub(super) struct XmlDirs {
    /// A directory of domain XML; may be given more than once [default: /etc/xenclock/domains and /etc/libvirt/libxl].
    #[arg(long = "xml-dir", value_name = "DIR")]
    xml_dirs: Vec<PathBuf>,
}

impl XmlDirs {
    /// The named directories that are not there.
    pub(super) fn missing(&self) -> impl Iterator<Item = &PathBuf> {
        self.xml_dirs.iter().filter(|dir| !dir.is_dir())
    }

    pub(super) fn dirs(&self) -> Vec<PathBuf> {
        if self.xml_dirs.is_empty() { default_xml_dirs() } else { self.xml_dirs.clone() }
    }
}

/// The directories of domain XML that are read where none is named.
pub(super) fn default_xml_dirs() -> Vec<PathBuf> {
    DIRECTORIES.iter().map(PathBuf::from).collect()
}
