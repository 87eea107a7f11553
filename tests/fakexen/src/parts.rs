//! What libxl starts as programs of its own, and what it puts into guests.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::{device_model, kernels};

/// Says which part a process is that runs this program again.
const PART: &str = "XENCLOCK_FAKEXEN_PART";
const DEVICE_MODEL: &str = "device-model";

/// What runs in place of Xen's scripts for devices.
pub const HOTPLUG: &str = "hotplug";

/// Where libxl looks for the program that saves and restores, before it looks where Debian has it.
pub const SAVE_HELPER: &str = "LIBXL_SAVE_HELPER";

/// Is the part that this process was started as. A program that has a machine calls this first.
#[must_use]
pub fn run() -> Option<ExitCode> {
    let part = std::env::var_os(PART)?;
    (part == OsStr::new(DEVICE_MODEL)).then(|| device_model::run(&std::env::args().collect::<Vec<_>>()))
}

/// Puts all of it there: `kernel` for PV and PVH guests, `loader` and `bios` for HVM guests, and the scripts
/// `device-model`, `hotplug` and, where there is one, `save-helper`.
///
/// # Errors
/// When a file cannot be written.
pub fn put(dir: &Path) -> io::Result<()> {
    fs::write(dir.join("kernel"), kernels::kernel())?;
    fs::write(dir.join("loader"), kernels::loader())?;
    fs::write(dir.join("bios"), [0; 4096])?;
    script(&dir.join(HOTPLUG), "exit 0")?;
    let myself = quoted(&myself()?);
    script(&dir.join(DEVICE_MODEL), &format!("{PART}={DEVICE_MODEL} exec {myself} \"$@\""))?;
    if let (Some(helper), Some(library)) = (utility("libxl-save-helper"), library()) {
        let linker = quoted(&linker());
        let line = format!("LD_PRELOAD='{}' exec {linker} '{}' \"$@\"", library.display(), helper.display());
        script(&dir.join("save-helper"), &line)?;
    }
    Ok(())
}

/// A command that runs a program of this build in the way that this one was run.
#[must_use]
pub fn command(program: &OsStr) -> Command {
    let mut words = linker();
    words.push(program.into());
    let mut command = Command::new(words.remove(0));
    command.args(words);
    command
}

/// Whether a dynamic linker was told to run this program, and so with the libraries of another Debian: programs of this
/// build then cannot start themselves or others.
#[must_use]
pub fn is_by_linker() -> bool {
    !linker().is_empty()
}

/// The words that start this program.
fn myself() -> io::Result<Vec<PathBuf>> {
    let mut words = linker();
    words.push(match words.is_empty() {
        true => std::env::current_exe()?,
        false => std::env::args_os().next().unwrap_or_default().into(),
    });
    Ok(words)
}

/// The dynamic linker, where one was told to run this program, with its option and that option's value: in this way
/// `tests/sysroots` runs a program with the libraries of a newer Debian. Else nothing.
fn linker() -> Vec<PathBuf> {
    let is_linker =
        |path: PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux"));
    if !std::env::current_exe().is_ok_and(is_linker) {
        return Vec::new();
    }
    let words = fs::read("/proc/self/cmdline").unwrap_or_default();
    words.split(|byte| *byte == 0).take(3).map(|word| PathBuf::from(OsStr::from_bytes(word))).collect()
}

/// For a shell.
fn quoted(words: &[PathBuf]) -> String {
    words.iter().map(|word| format!("'{}'", word.display())).collect::<Vec<_>>().join(" ")
}

fn script(path: &Path, line: &str) -> io::Result<()> {
    fs::write(path, format!("#!/bin/sh\n{line}\n"))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// A program of Debian's xen-utils of the version that the libraries have, where there is one: unpacked below the
/// directory that `XENCLOCK_ORACLE` names (by `tests/oracle/build`), or installed.
#[must_use]
pub fn utility(name: &str) -> Option<PathBuf> {
    let (major, minor) = xen_sys::XEN_VERSION;
    let place = format!("usr/lib/xen-{major}.{minor}/bin/{name}");
    let unpacked =
        std::env::var_os("XENCLOCK_ORACLE").map(|oracle| Path::new(&oracle).join("xen").join(&place));
    let installed = Path::new("/").join(&place);
    [unpacked, Some(installed)].into_iter().flatten().find(|path| path.is_file())
}

/// This library as one that can be preloaded into other programs, so that they run on this program's machine.
#[must_use]
pub fn library() -> Option<PathBuf> {
    let myself = myself().ok()?.pop()?;
    let beside = myself.with_file_name("libfakexen.so");
    let below = myself.with_file_name("deps").join("libfakexen.so");
    [beside, below].into_iter().find(|path| path.is_file())
}
