//! Runs bindgen over the headers that were found.

use std::panic;
use std::sync::{Arc, Mutex, PoisonError};

use bindgen::callbacks::{IntKind, ParseCallbacks};
use bindgen::{Builder, EnumVariation, Formatter, RustEdition};

use crate::allow;
use crate::find::{Version, Xen};

/// `XEN_DOMCTL_INTERFACE_VERSION` of each release, which tells headers of one
/// from those of another.
const DOMCTL: &[(u32, i64)] = &[
    (14, 0x12),
    (15, 0x13),
    (16, 0x14),
    (17, 0x15),
    (18, 0x16),
    (19, 0x17),
    (20, 0x17),
    (21, 0x17),
    (22, 0x18),
];

const INSTALL_CLANG: &str = "install clang and its library (on Debian: apt-get install clang libclang-dev), \
     or build without the feature `libxl`";

/// The text of the bindings.
pub fn generate(xen: &Xen) -> Result<String, String> {
    let seen = Seen::default();
    let builder = names(builder(xen)).parse_callbacks(Box::new(seen.clone()));
    let text = run(builder)?;
    seen.check(xen)?;
    complete(&text, xen.version)?;
    Ok(text)
}

fn builder(xen: &Xen) -> Builder {
    let mut builder = bindgen::builder()
        .header("wrapper.h")
        .parse_callbacks(Box::new(bindgen::CargoCallbacks::new()))
        .rust_edition(RustEdition::Edition2024)
        .formatter(Formatter::Prettyplease)
        .default_enum_style(EnumVariation::NewType { is_bitfield: false, is_global: false })
        .wrap_unsafe_ops(true)
        .layout_tests(true)
        .generate_comments(false)
        .sort_semantically(true)
        .clang_arg(format!("-I{}", xen.include.display()));
    if cfg!(feature = "fake") {
        builder = builder.clang_arg("-DXEN_SYS_FAKE");
    }
    builder
}

fn names(mut builder: Builder) -> Builder {
    for name in allow::FUNCTIONS {
        builder = builder.allowlist_function(name);
    }
    for name in allow::TYPES {
        builder = builder.allowlist_type(name);
    }
    for pattern in allow::OPAQUE {
        builder = builder.opaque_type(pattern).allowlist_type(pattern);
    }
    for pattern in allow::VARIABLES {
        builder = builder.allowlist_var(pattern);
    }
    if cfg!(feature = "fake") {
        for pattern in allow::FAKE_TYPES {
            builder = builder.allowlist_type(pattern);
        }
        for pattern in allow::FAKE_VARIABLES {
            builder = builder.allowlist_var(pattern);
        }
    }
    builder
}

/// bindgen panics where it finds no libclang: that becomes an error too.
fn run(builder: Builder) -> Result<String, String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(panic::AssertUnwindSafe(|| builder.generate()));
    panic::set_hook(hook);
    match result {
        Ok(Ok(bindings)) => Ok(bindings.to_string()),
        Ok(Err(error)) => Err(format!(
            "cannot read the Xen headers: {error}\nif a standard header is missing: {INSTALL_CLANG}"
        )),
        Err(cause) => {
            let text = cause.downcast_ref::<String>().map_or("bindgen failed", String::as_str);
            Err(format!("{text}\n{INSTALL_CLANG}"))
        }
    }
}

/// A function that the headers lack would otherwise be missed only where it is called.
fn complete(text: &str, version: Version) -> Result<(), String> {
    let missing: Vec<_> =
        allow::FUNCTIONS.iter().filter(|name| !text.contains(&format!("pub fn {name}("))).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("the headers of Xen {version} do not declare {}", missing.join(", ")))
}

/// The facts that bindgen met in the headers.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Facts>>);

#[derive(Debug, Default)]
struct Facts {
    domctl: Option<i64>,
    files: Vec<String>,
}

impl Seen {
    /// Are the headers those of the libraries?
    fn check(&self, xen: &Xen) -> Result<(), String> {
        let facts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = DOMCTL.iter().find(|(minor, _)| *minor == xen.version.minor).map(|(_, domctl)| *domctl);
        if facts.domctl != wanted {
            return Err(format!(
                "xenlight.pc is of Xen {}, but the headers are of another version: \
                 XEN_DOMCTL_INTERFACE_VERSION is {:#x} instead of {:#x}; reinstall libxen-dev",
                xen.version,
                facts.domctl.unwrap_or(0),
                wanted.unwrap_or(0)
            ));
        }
        let Some(root) = &xen.sysroot else { return Ok(()) };
        match facts.files.iter().find(|file| is_xen(file) && !std::path::Path::new(file).starts_with(root)) {
            None => Ok(()),
            Some(file) => {
                Err(format!("the header {file} is not in {}: install libxen-dev there", root.display()))
            }
        }
    }
}

fn is_xen(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file).trim_start_matches('_');
    file.contains("/include/xen/") || name.starts_with("libxl") || name.starts_with("xen")
}

impl ParseCallbacks for Seen {
    fn int_macro(&self, name: &str, value: i64) -> Option<IntKind> {
        if name == "XEN_DOMCTL_INTERFACE_VERSION" {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).domctl = Some(value);
        }
        None
    }

    fn include_file(&self, filename: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).files.push(filename.to_owned());
    }
}
