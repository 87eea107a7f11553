//! Bindings to the libraries that a Xen toolstack is made of: libxenlight and
//! libxlutil (what `xl` is built on), libxenctrl (the hypercalls), libxenstore
//! and libxentoollog.
//!
//! Without the feature `libxl` this crate is empty and needs nothing of Xen.
//! With it, `build.rs` makes the bindings out of the *installed* headers, which
//! it finds by `pkg-config`, and links the five libraries. It takes Debian's
//! `libxen-dev`, `pkg-config`, `clang` and `libclang-dev`; what is missing is a
//! build error that says which of these to install.
//!
//! Everything here is as C has it: raw pointers, `unsafe` functions, C's names.
//!
//! # What is bound
//!
//! Only the names listed in `build/allow.rs`, all of which have the same
//! prototype in Xen 4.14 to 4.22. A name that the headers lack stops the build.
//! `LIBXL_API_VERSION` is 0x041400, the newest that all of these versions know.
//!
//! Enumerations are newtypes (`libxl_tsc_mode(2)` is
//! `libxl_tsc_mode::LIBXL_TSC_MODE_NATIVE`), so that a value which a newer
//! library returns is a value and not undefined behaviour. Each structure's size
//! and offsets are checked while compiling.
//!
//! # What was checked against which Xen
//!
//! | | 4.14, 4.17, 4.20 (Debian 11, 12, 13) | 4.15, 4.16, 4.18, 4.19, 4.21, 4.22 |
//! |---|---|---|
//! | bindings made and compiled, with `libxl` and with `fake` | yes | yes, headers of the first release of each |
//! | layouts and values compared with the C compiler's (`tests/abi.rs`) | yes | no |
//! | libraries linked and called without a hypervisor (`tests/calls.rs`) | yes | no |
//!
//! Other versions are refused.
//!
//! # Differences between the versions
//!
//! The contents of these structures are not the same in every version, so code that
//! is to build with all of them reads only the fields that are, and passes a
//! `libxl_domain_config` on as JSON instead of building one:
//!
//! | type | what differs |
//! |---|---|
//! | `libxl_domain_config`, `libxl_domain_build_info` and the devices in it | fields were added in every release: sizes and offsets differ |
//! | `libxl_dominfo`, `libxl_physinfo`, `xc_domaininfo_t` | fields were added in 4.15 to 4.18; `cpu_khz`, `domid`, `uuid` and the state flags are in all |
//! | `xen_domctl`, `xen_sysctl` (feature `fake`) | members of the unions were added and removed; those about time are in all |
//!
//! # Another system's Xen
//!
//! `XENCLOCK_XEN_SYSROOT=DIR` makes the build use the headers, `pkg-config` files
//! and libraries below `DIR` (as in `DIR/usr/include/libxl.h`) instead of the
//! system's own. `tests/sysroots` in the repository makes such folders. Without
//! it the usual variables of `pkg-config` work too.
//!
//! # Build scripts of dependents
//!
//! They get `DEP_XENLIGHT_VERSION` (as `4.17`) and `DEP_XENLIGHT_INCLUDE`.

#[cfg(feature = "libxl")]
#[allow(
    missing_docs,
    dead_code,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unsafe_op_in_unsafe_fn,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used
)]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}
#[cfg(feature = "libxl")]
mod names;

#[cfg(feature = "libxl")]
pub use bindings::*;
#[cfg(feature = "libxl")]
pub use names::*;
