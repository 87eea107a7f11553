//! The device-model wrapper: it sets a guest's clock before the guest can run, whichever toolstack starts the guest.

use std::path::Path;

use timers::GuestKind;

use super::options::Wrapper;
use super::output::{self, Failure};
use xenclock::diag::shown;
use xenclock::domain::config::DeviceModelVersion;
use xenclock::domain::{Defbool, DomainConfig};

/// The path at which the package puts it.
pub(super) const WRAPPER: &str = "/usr/lib/xenclock/device-model";

/// How a word for QEMU begins that the wrapper takes for itself: the guest's own device model.
const OWN: &str = "XENCLOCK_QEMU=";

impl Wrapper {
    /// Returns true if it is requested at all.
    pub(super) fn is_asked(&self) -> bool {
        self.asked
    }

    /// Returns true if it is requested for a guest that can have it; if the guest cannot, a message says so. The config
    /// of a guest that does not exist is not known.
    pub(super) fn is_for(&self, kind: GuestKind, config: Option<&DomainConfig>) -> bool {
        let in_stubdomain =
            |config: &DomainConfig| config.b_info.device_model_stubdomain == Some(Defbool::True);
        let why = match self.asked {
            true if kind != GuestKind::Hvm => "only an HVM guest has a device model",
            true if config.is_some_and(in_stubdomain) => {
                "libxl starts the device model of this guest in a stub domain and ignores device_model_override; the \
                 service sets its clock: systemctl enable --now xenclock-watch"
            }
            asked => return asked,
        };
        output::message(&format!("xenclock: warning: --wrapper is ignored: {why}"));
        false
    }

    /// Puts it into a config, where it is asked for. The guest keeps a device model of its own.
    pub(super) fn put(&self, config: &mut DomainConfig) -> Result<(), Failure> {
        if !self.is_for(config.kind(), Some(config)) {
            return Ok(());
        }
        let info = &mut config.b_info;
        if info.device_model_version == Some(DeviceModelVersion::QemuXenTraditional) {
            let why = "--wrapper: the wrapper runs QEMU, and the config requests qemu-xen-traditional";
            return Err(Failure::Error(why.to_owned()));
        }
        if let Some(own) = info.device_model.take().filter(|path| path != WRAPPER) {
            output::message(&format!(
                "xenclock: the wrapper replaces {own} and then runs it: {OWN}{own} in device_model_args_hvm"
            ));
            info.extra_hvm.retain(|word| !word.starts_with(OWN));
            info.extra_hvm.push(format!("{OWN}{own}"));
        }
        info.device_model = Some(WRAPPER.to_owned());
        info.device_model_version = Some(DeviceModelVersion::QemuXen);
        Ok(())
    }
}

/// Says so where the wrapper is not installed: a guest whose config names it would not start.
pub(super) fn warn_if_missing() {
    if !Path::new(WRAPPER).exists() {
        output::message(&format!(
            "xenclock: warning: {WRAPPER} is not installed here, and the guest cannot start without it: install the Debian package"
        ));
    }
}

/// The lines that an administrator writes into a guest's config, which may have a device model of its own.
pub(super) fn lines(config: Option<&DomainConfig>) -> String {
    let mut lines = format!(
        "for its xl.cfg:     device_model_override = \"{WRAPPER}\"\nfor its domain XML: <emulator>{WRAPPER}</emulator>\n"
    );
    let own = config.and_then(|config| config.b_info.device_model.as_deref());
    if let Some(own) = own.map(shown).filter(|own| own != WRAPPER) {
        lines.push_str(&format!(
            "to keep {own}:\n\
             in its xl.cfg:      device_model_args_hvm = [ \"{OWN}{own}\" ]\n\
             in its domain XML:  <xen:commandline><xen:arg value='{OWN}{own}'/></xen:commandline>, with \
             xmlns:xen='http://libvirt.org/schemas/domain/xen/1.0' in <domain>\n"
        ));
    }
    lines
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
