//! What the root package needs at build time: link arguments, with feature `libxl` only.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=XENCLOCK_XEN_SYSROOT");
    if std::env::var_os("CARGO_FEATURE_LIBXL").is_none() {
        return;
    }
    // The libraries of a newer Debian want its newer C library, which is there where the program runs.
    if std::env::var_os("XENCLOCK_XEN_SYSROOT").is_some() {
        println!("cargo::rustc-link-arg=-Wl,--allow-shlib-undefined");
    }
    // tests/contract_fakexen.rs puts functions in the place of the C libraries' own: those find them only where the
    // program exports them.
    for names in ["xencall*", "xenforeignmemory*", "xendevicemodel*", "execvp", "time", "clock_gettime"] {
        println!("cargo::rustc-link-arg-tests=-Wl,--export-dynamic-symbol={names}");
    }
}
