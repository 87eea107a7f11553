//! The device-model wrapper: whom it starts has its clock before it can run, whatever toolstack starts it.

use timers::GuestKind;

use super::options::Wrapper;
use super::output::{self, Failure};
use xenclock::domain::DomainConfig;
use xenclock::domain::config::DeviceModelVersion;

/// Where the package puts it.
pub(super) const WRAPPER: &str = "/usr/lib/xenclock/device-model";

impl Wrapper {
    /// Whether it is asked for at all.
    pub(super) fn is_asked(&self) -> bool {
        self.asked
    }

    /// Whether it is asked for a guest that can have it; where not, that is said.
    pub(super) fn is_for(&self, kind: GuestKind) -> bool {
        if self.asked && kind != GuestKind::Hvm {
            output::message("xenclock: warning: --wrapper is ignored: only an HVM guest has a device model");
        }
        self.asked && kind == GuestKind::Hvm
    }

    /// Puts it into a config, where it is asked for.
    pub(super) fn put(&self, config: &mut DomainConfig) -> Result<(), Failure> {
        if !self.is_for(config.kind()) {
            return Ok(());
        }
        let info = &mut config.b_info;
        if info.device_model_version == Some(DeviceModelVersion::QemuXenTraditional) {
            let why = "--wrapper: the wrapper becomes QEMU, and the config asks for qemu-xen-traditional";
            return Err(Failure::Error(why.to_owned()));
        }
        if let Some(before) = info.device_model.as_deref().filter(|path| *path != WRAPPER) {
            output::message(&format!(
                "xenclock: warning: the wrapper stands in place of {before}; have it become that by XENCLOCK_QEMU in \
                 /etc/default/xenclock"
            ));
        }
        info.device_model = Some(WRAPPER.to_owned());
        info.device_model_version = Some(DeviceModelVersion::QemuXen);
        Ok(())
    }
}

/// What an administrator writes into a config that is not ours.
pub(super) fn lines() -> String {
    format!(
        "for its xl.cfg:     device_model_override = \"{WRAPPER}\"\nfor its domain XML: <emulator>{WRAPPER}</emulator>\n"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_device_model_of_old_is_not_replaced() {
        let mut config = DomainConfig::default();
        config.c_info.kind = Some(GuestKind::Hvm);
        config.b_info.device_model_version = Some(DeviceModelVersion::QemuXenTraditional);
        let before = config.clone();
        assert!(Wrapper { asked: true }.put(&mut config).is_err());
        assert_eq!(config, before);
        Wrapper { asked: false }.put(&mut config).unwrap();
        assert_eq!(config, before);
        config.b_info.device_model_version = None;
        Wrapper { asked: true }.put(&mut config).unwrap();
        assert_eq!(config.b_info.device_model.as_deref(), Some(WRAPPER));
    }
}
