//! A stand-in for Xen under the real libxl and libxenctrl.
//!
//! The real libraries run, and what they would ask of the hypervisor is answered from the model of the mock host
//! (`xenclock::host::mock::machine`). xenstore is a socket of this process, named by `XENSTORED_PATH`.
//!
//! - `symbols/`: `xencall_*`, `xenforeignmemory_*`, `xendevicemodel_*` and the time of day, under their C names.
//! - `calls/`: hypercalls, decoded with the structures of the installed headers.
//! - `store/`: xenstored. `backends.rs`, `device_model.rs`: as much of drivers and of QEMU as libxl talks to.
//! - `parts.rs`: what libxl starts as programs of its own. `main.rs`: a command in a dom0 that is none.
//! - `world.rs`: the machine with all of that. `remote.rs`: the same machine for other processes.
//!
//! Without the feature `libxl` the crate is empty.

#![cfg(feature = "libxl")]

mod backends;
mod caller;
mod calls;
pub mod clock;
mod device_model;
mod frames;
mod guest;
mod kernels;
pub mod parts;
pub mod place;
mod pv;
mod remote;
mod running;
mod serve;
mod store;
mod symbols;
pub mod world;

/// An error number of C.
pub type Errno = i32;

pub use running::Running;
pub use world::Facts;
