//! Actions on a domain that has ended: it is resumed, renamed, or soft reset.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use timers::GuestKind;

use super::libxl::{Kept, Libxl, Site};
use super::machine::{Errno, Refusal};
use crate::domain::DomainConfig;
use crate::host::{DomId, RunState, ShutdownReason};

impl Libxl {
    /// `libxl_domain_resume` of a guest whose suspend call is to return as cancelled.
    pub(super) fn resume(&mut self, domid: DomId) -> Result<(), Refusal> {
        if self.machine.domain(domid)?.state() != RunState::Shutdown(ShutdownReason::Suspend) {
            return Err(Refusal::new(Errno::Busy, format!("domain {domid} is not suspended")));
        }
        self.machine.resume(domid)
    }

    /// `libxl_domain_rename`, which goes for the stored config, too.
    pub(super) fn rename(&mut self, domid: DomId, name: &str) -> Result<(), Refusal> {
        self.machine.domain(domid)?;
        self.check_name(name, Some(domid))?;
        self.kept_mut(domid)?.config.c_info.name = Some(name.to_owned());
        Ok(())
    }

    /// `libxl_domain_core_dump`: what is to be written.
    pub(super) fn core(&self, domid: DomId) -> Result<String, Refusal> {
        let domain = self.machine.domain(domid)?;
        if domain.kind == GuestKind::Pv && !domain.has_run {
            return Err(Refusal::new(
                Errno::Inval,
                format!(
                    "domain {domid} is a PV guest that never ran here, so its list of memory does not exist yet"
                ),
            ));
        }
        Ok(format!("core of domain {domid} of the mock host, which has no memory\n"))
    }

    /// `libxl_domain_preserve`: name and xenstore are another domain's, and Xen's own handle stays.
    pub(super) fn preserve(&mut self, domid: DomId, suffix: &str) -> Result<(), Refusal> {
        self.ended(domid)?;
        let name = format!("{}{suffix}", self.config(domid)?.name());
        self.rename(domid, &name)?;
        self.kept_mut(domid)?.preserved = true;
        Ok(())
    }

    /// `libxl_domain_soft_reset`: all is taken away but the memory and the vCPUs, and built anew.
    pub(super) fn soft_reset(
        &mut self,
        domid: DomId,
        config: &DomainConfig,
        site: &Site<'_>,
    ) -> Result<(), Refusal> {
        self.ended(domid)?;
        let domain = self.machine.domain(domid)?;
        let uuid = domain.uuid;
        if domain.kind != GuestKind::Hvm || config.kind() != GuestKind::Hvm {
            return Err(Refusal::new(
                Errno::Inval,
                format!("a soft reset needs an HVM guest, and domain {domid} or its config is not HVM"),
            ));
        }
        self.check_name(config.name(), Some(domid))?;
        let mut config = config.clone();
        if *config.c_info.uuid.get_or_insert(uuid) != uuid {
            return Err(Refusal::new(
                Errno::Inval,
                format!("domain {domid} has the UUID {uuid}, and keeps it"),
            ));
        }
        self.machine.pause(domid, site.present)?;
        self.machine.soft_reset(domid)?;
        self.build_clocks(domid, &config, site)?;
        self.kept.insert(domid, Kept::new(config));
        Ok(())
    }

    /// The host boots anew.
    pub(super) fn reboot(&mut self) {
        self.machine.reboot();
        self.kept.clear();
    }

    fn ended(&self, domid: DomId) -> Result<(), Refusal> {
        match self.machine.domain(domid)?.state() {
            RunState::Shutdown(_) => Ok(()),
            _ => Err(Refusal::new(Errno::Busy, format!("domain {domid} has not ended"))),
        }
    }
}

/// Writes a core to where only its owner can read it, as a real one has the guest's secrets in it.
pub(super) fn write_core(path: &Path, core: &str) -> Result<(), Refusal> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(core.as_bytes()))
        .map_err(|error| Refusal::new(Errno::Io, format!("{} cannot be written: {error}", path.display())))
}
