//! Makes the bindings out of the installed Xen headers; without the feature
//! `libxl` there is nothing to do.

#[cfg(feature = "libxl")]
#[path = "build/allow.rs"]
mod allow;
#[cfg(feature = "libxl")]
#[path = "build/bind.rs"]
mod bind;
#[cfg(feature = "libxl")]
#[path = "build/find.rs"]
mod find;

fn main() -> std::process::ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            for line in message.lines().filter(|line| !line.is_empty()) {
                println!("cargo::error={line}");
            }
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(feature = "libxl"))]
fn run() -> Result<(), String> {
    Ok(())
}

#[cfg(feature = "libxl")]
fn run() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=wrapper.h");
    let xen = find::xen()?;
    let bindings = bind::generate(&xen)?;
    let out = std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: this is a build script")?;
    let path = std::path::Path::new(&out).join("bindings.rs");
    std::fs::write(&path, bindings).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    xen.tell_cargo();
    Ok(())
}
