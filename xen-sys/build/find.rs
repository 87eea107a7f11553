//! Finds the installed Xen: its version, headers and libraries.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

/// A folder with another system's files in it, to be used instead of this system's.
const SYSROOT: &str = "XENCLOCK_XEN_SYSROOT";

/// Headers that must be there.
const HEADERS: &[&str] = &[
    "libxl.h",
    "libxl_event.h",
    "libxl_utils.h",
    "libxlutil.h",
    "xenctrl.h",
    "xenstore.h",
    "xentoollog.h",
    "xen/hvm/params.h",
    "xen/hvm/save.h",
];

/// The versions of Xen that the bindings are for.
const OLDEST: Version = Version { major: 4, minor: 14 };
const NEWEST: Version = Version { major: 4, minor: 22 };

/// The `pkg-config` names of the libraries. Those with `true` carry Xen's own version.
const LIBRARIES: &[(&str, bool)] =
    &[("xenlight", true), ("xlutil", true), ("xencontrol", true), ("xenstore", false), ("xentoollog", false)];

const INSTALL_XEN: &str = "install Xen's development files (on Debian: apt-get install libxen-dev), \
     or build without the feature `libxl`";

/// Xen's release: what stands before the second dot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The Xen that the bindings are made for.
pub struct Xen {
    pub version: Version,
    pub include: PathBuf,
    pub sysroot: Option<PathBuf>,
}

/// Finds Xen, and tells cargo to link its libraries.
pub fn xen() -> Result<Xen, String> {
    only_x86()?;
    let sysroot = sysroot()?;
    let mut found: Option<Version> = None;
    for (name, versioned) in LIBRARIES {
        let library = probe(name)?;
        if *versioned {
            let version = release(name, &library.version)?;
            match found {
                None => found = Some(supported(version)?),
                Some(first) if first != version => {
                    return Err(format!(
                        "{}.pc is of Xen {first} but {name}.pc of Xen {version}: two versions are mixed; {INSTALL_XEN}",
                        LIBRARIES[0].0
                    ));
                }
                Some(_) => {}
            }
        }
    }
    let version = found.ok_or("no library with Xen's version")?;
    let xen = Xen { version, include: include()?, sysroot };
    xen.check_headers()?;
    Ok(xen)
}

impl Xen {
    fn check_headers(&self) -> Result<(), String> {
        match HEADERS.iter().find(|header| !self.include.join(header).is_file()) {
            None => Ok(()),
            Some(header) => {
                Err(format!("the Xen header {header} is not in {}: {INSTALL_XEN}", self.include.display()))
            }
        }
    }

    /// Tells this crate's sources and tests, and its dependents' build scripts, about the libraries.
    pub fn tell_cargo(&self) {
        println!("cargo::rustc-env=XEN_SYS_MAJOR={}", self.version.major);
        println!("cargo::rustc-env=XEN_SYS_MINOR={}", self.version.minor);
        println!("cargo::rustc-env=XEN_SYS_INCLUDE={}", self.include.display());
        println!("cargo::metadata=version={}", self.version);
        println!("cargo::metadata=include={}", self.include.display());
        if let Some(root) = &self.sysroot {
            // Its libraries may want a newer C library than the one linked to.
            println!("cargo::rustc-link-arg=-Wl,--allow-shlib-undefined");
            println!("cargo::metadata=sysroot={}", root.display());
        }
    }
}

fn only_x86() -> Result<(), String> {
    match env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("x86_64") => Ok(()),
        Ok(other) => Err(format!("the feature `libxl` is for x86_64 only, and the target is {other}")),
        Err(_) => Err("CARGO_CFG_TARGET_ARCH is not set: this is a build script".to_owned()),
    }
}

/// Points pkg-config into the folder named by the environment, if any.
fn sysroot() -> Result<Option<PathBuf>, String> {
    println!("cargo::rerun-if-env-changed={SYSROOT}");
    let Some(value) = env::var_os(SYSROOT).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let root = Path::new(&value);
    if !root.is_absolute() {
        return Err(format!("{SYSROOT}: {}: give the whole path, from / on", root.display()));
    }
    let root = root.canonicalize().map_err(|e| format!("{SYSROOT}: {}: {e}", root.display()))?;
    let folders = [
        root.join("usr/lib/x86_64-linux-gnu/pkgconfig"),
        root.join("usr/lib64/pkgconfig"),
        root.join("usr/lib/pkgconfig"),
        root.join("usr/share/pkgconfig"),
    ];
    let search = env::join_paths(&folders).map_err(|e| format!("{SYSROOT}: {}: {e}", root.display()))?;
    // SAFETY: nothing has started another thread in this program yet.
    unsafe {
        env::set_var("PKG_CONFIG_SYSROOT_DIR", &root);
        env::set_var("PKG_CONFIG_LIBDIR", search);
        env::remove_var("PKG_CONFIG_PATH");
    }
    Ok(Some(root))
}

/// Only the flags for linking: the compiler's would drag in what the libraries
/// use among themselves, and Debian 11's libxen-dev names a package there that it
/// does not depend on.
fn probe(name: &str) -> Result<pkg_config::Library, String> {
    pkg_config::Config::new().probe_cflags(false).probe(name).map_err(|error| explain(name, &error))
}

/// The folder of the headers: all of Xen's are in one.
fn include() -> Result<PathBuf, String> {
    let name = LIBRARIES[0].0;
    let folder = pkg_config::get_variable(name, "includedir").map_err(|error| explain(name, &error))?;
    // Not every pkg-config puts the sysroot in front of a variable.
    Ok(match env::var_os("PKG_CONFIG_SYSROOT_DIR").map(PathBuf::from) {
        Some(root) if !Path::new(&folder).starts_with(&root) => root.join(folder.trim_start_matches('/')),
        _ => PathBuf::from(folder),
    })
}

fn explain(name: &str, error: &pkg_config::Error) -> String {
    match error {
        pkg_config::Error::Command { command, cause } => format!(
            "cannot run {command}: {cause}: install pkg-config (on Debian: apt-get install pkg-config libxen-dev), \
             or build without the feature `libxl`"
        ),
        pkg_config::Error::Failure { output, .. } | pkg_config::Error::ProbeFailure { output, .. } => {
            format!(
                "pkg-config cannot give the library {name}: {INSTALL_XEN}\n{}",
                String::from_utf8_lossy(&output.stderr).trim()
            )
        }
        other => format!("pkg-config {name}: {other}"),
    }
}

fn release(name: &str, text: &str) -> Result<Version, String> {
    let mut parts = text.split(['.', '-', '+']).map(str::parse);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok(Version { major, minor }),
        _ => Err(format!("{name}.pc has a version that is not Xen's: {text:?}; {INSTALL_XEN}")),
    }
}

fn supported(version: Version) -> Result<Version, String> {
    if (OLDEST..=NEWEST).contains(&version) {
        return Ok(version);
    }
    Err(format!(
        "the installed libxenlight is of Xen {version}, and the bindings are for {OLDEST} to {NEWEST}: \
         {INSTALL_XEN}"
    ))
}
