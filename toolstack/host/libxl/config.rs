//! `libxl_domain_config`, passed as JSON because its fields differ from one Xen to the next.

use std::mem::MaybeUninit;
use std::ptr;

use xen_sys::{libxl_domain_config, libxl_domain_create_info};

use super::{Libxl, error, strings};
use crate::domain::DomainConfig;
use crate::host::{DomId, ErrorKind, HostError, Result};

/// A config in libxl's own form.
pub(super) struct Config(Box<libxl_domain_config>);

impl Config {
    /// One that says nothing.
    pub(super) fn empty() -> Self {
        let mut config = Box::new(MaybeUninit::<libxl_domain_config>::uninit());
        // SAFETY: libxl_domain_config_init fills the whole structure.
        unsafe {
            xen_sys::libxl_domain_config_init(config.as_mut_ptr());
            Config(config.assume_init())
        }
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut libxl_domain_config {
        &raw mut *self.0
    }

    /// The part that says which domain it is.
    pub(super) fn create_info(&mut self) -> *mut libxl_domain_create_info {
        &raw mut self.0.c_info
    }

    /// As libxl writes it.
    fn json(&mut self, doing: &str) -> Result<String> {
        // SAFETY: the structure is filled, and libxl needs no context to write it; the text is ours.
        let json = unsafe {
            strings::taken(xen_sys::libxl_domain_config_to_json(ptr::null_mut(), self.as_mut_ptr()))
        };
        json.ok_or_else(|| HostError::new(ErrorKind::Other, doing, "libxl cannot write the config as JSON"))
    }

    /// As this program knows it.
    pub(super) fn read(&mut self, doing: &str) -> Result<DomainConfig> {
        let json = self.json(doing)?;
        serde_json::from_str(&json).map_err(|error| {
            let why = format!("libxl's config is not understood: {error}");
            HostError::new(ErrorKind::Other, doing, why).caused_by(error)
        })
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: the structure is filled, and what it holds is libxl's.
        unsafe { xen_sys::libxl_domain_config_dispose(self.as_mut_ptr()) };
    }
}

impl Libxl {
    /// A config as libxl takes it.
    pub(super) fn to_libxl(&self, config: &DomainConfig, doing: &str) -> Result<Config> {
        let invalid = |why: String| HostError::new(ErrorKind::Invalid, doing, why);
        let json = serde_json::to_string(config).map_err(|error| {
            invalid(format!("the config cannot be written as JSON: {error}")).caused_by(error)
        })?;
        let json = strings::to_c(doing, "config", &json)?;
        let mut made = Config::empty();
        self.log.take();
        // SAFETY: the context is open, the structure is filled, and the text is a C string.
        match unsafe {
            xen_sys::libxl_domain_config_from_json(self.ctx.ptr(), made.as_mut_ptr(), json.as_ptr())
        } {
            0 => Ok(made),
            // Whatever the code says: it is the config that libxl does not take.
            code => Err(invalid(error::of_libxl(doing, code, &self.log.take()).detail)),
        }
    }

    /// The config that libxl keeps of a domain, brought up to date by what has changed since.
    pub(super) fn read_config(&self, domid: DomId, doing: &str) -> Result<DomainConfig> {
        self.guest(domid, doing)?;
        let mut config = Config::empty();
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open and the structure is filled; without an `ao_how` the call waits.
            unsafe {
                xen_sys::libxl_retrieve_domain_configuration(ctx, domid.0, config.as_mut_ptr(), ptr::null())
            }
        })?;
        config.read(doing)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::Value;
    use timers::tsc::TscMode;

    use super::*;
    use crate::domain::config::Defbool;

    #[test]
    fn what_libxl_writes_is_read_and_written_alike() {
        let mut config = Config::empty();
        config.0.b_info.tsc_mode = xen_sys::libxl_tsc_mode::LIBXL_TSC_MODE_NATIVE;
        config.0.b_info.rtc_timeoffset = -3600_i32 as u32;
        // SAFETY: it works on the structure alone.
        unsafe { xen_sys::libxl_defbool_set(&mut config.0.b_info.localtime, true) };
        let libxls: Value = serde_json::from_str(&config.json("x").unwrap()).unwrap();
        let ours = config.read("x").unwrap();
        assert_eq!(ours.b_info.tsc_mode, Some(TscMode::Native));
        assert_eq!((ours.b_info.rtc_timeoffset, ours.b_info.localtime), (4_294_963_696, Some(Defbool::True)));
        assert_eq!(serde_json::to_value(&ours).unwrap(), libxls);
    }

    #[test]
    fn a_mode_that_only_a_newer_libxl_has_is_an_error_or_none() {
        let mut config = Config::empty();
        config.0.b_info.tsc_mode = xen_sys::libxl_tsc_mode(99);
        // libxl has no word for it; what matters is that it is not taken for another mode.
        match config.read("x") {
            Ok(config) => assert_eq!(config.b_info.tsc_mode, None),
            Err(error) => assert_eq!(error.kind, ErrorKind::Other),
        }
    }
}
