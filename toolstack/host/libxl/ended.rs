//! Actions on a domain that has ended: core dump, renaming, and soft reset.

use std::ffi::CString;
use std::fs::OpenOptions;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr;

use timers::GuestKind;
use uuid::Uuid;
use xen_sys::libxl_uuid;

use super::domains::Domain;
use super::{Libxl, model, strings};
use crate::domain::DomainConfig;
use crate::host::{DomId, ErrorKind, HostError, Result, RunState};

impl Libxl {
    pub(super) fn rename_guest(&self, domid: DomId, name: &str, doing: &str) -> Result<()> {
        self.guest(domid, doing)?;
        self.check_name(name, Some(domid), doing)?;
        let name = strings::to_c(doing, "name", name)?;
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open, and the name is a C string; without an old name any will do.
            unsafe { xen_sys::libxl_domain_rename(ctx, domid.0, ptr::null(), name.as_ptr()) }
        })
    }

    pub(super) fn dump_core(&self, domid: DomId, path: &Path, doing: &str) -> Result<()> {
        self.guest(domid, doing)?;
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| {
            HostError::new(ErrorKind::Invalid, doing, "the file's name contains a NUL byte".to_owned())
        })?;
        // libxl says of a file that it cannot write no more than that it failed.
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        options.open(path).map_err(|error| {
            let why = format!("{} cannot be written: {error}", path.display());
            HostError::new(ErrorKind::Io, doing, why).caused_by(error)
        })?;
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open, and the name is a C string; without an `ao_how` the call waits.
            unsafe { xen_sys::libxl_domain_core_dump(ctx, domid.0, name.as_ptr(), ptr::null()) }
        })
    }

    pub(super) fn preserve_guest(&self, domid: DomId, suffix: &str, doing: &str) -> Result<()> {
        let domain = self.ended(domid, doing)?;
        let name = self.name(domid.0);
        if self.is_preserved(&domain) {
            // libxl would make it another place in xenstore, and leave the one that it has.
            return self.rename_guest(domid, &format!("{name}{suffix}"), doing);
        }
        // When it is taken, libxl leaves its transaction open.
        self.check_name(&format!("{name}{suffix}"), Some(domid), doing)?;
        let suffix = strings::to_c(doing, "suffix", suffix)?;
        let mut named = DomainConfig::new(domain.kind);
        named.c_info.name = Some(name);
        let mut named = self.to_libxl(&named, doing)?;
        let mut uuid = MaybeUninit::<libxl_uuid>::zeroed();
        // SAFETY: libxl_uuid_generate fills the structure.
        let uuid = unsafe {
            xen_sys::libxl_uuid_generate(uuid.as_mut_ptr());
            uuid.assume_init()
        };
        self.libxl(doing, |ctx| {
            // SAFETY: the context is open, the config is libxl's own, and the suffix is a C string.
            unsafe {
                xen_sys::libxl_domain_preserve(ctx, domid.0, named.create_info(), suffix.as_ptr(), uuid)
            }
        })
    }

    pub(super) fn soft_reset_guest(&self, domid: DomId, config: &DomainConfig, doing: &str) -> Result<()> {
        let domain = self.ended(domid, doing)?;
        let refuse = |why: String| Err(HostError::new(ErrorKind::Invalid, doing, why));
        // All of this libxl would find out when half of the domain is gone, and then take the rest away.
        if domain.kind != GuestKind::Hvm || config.kind() != GuestKind::Hvm {
            return refuse(format!(
                "a soft reset needs an HVM guest, and domain {domid} or its config is not HVM"
            ));
        }
        self.check_name(config.name(), Some(domid), doing)?;
        let config = with_own_uuid(config, domain.uuid, doing)?;
        let mut libxls = self.to_libxl(&config, doing)?;
        // Afterwards nothing shows that it had ended.
        self.observe();
        let log = model::Log::of(config.name());
        let done = self.libxl(doing, |ctx| {
            // SAFETY: the context is open and the config is libxl's own; without an `ao_how` the call waits, and
            // without an `aop_console_how` nobody is told of a console.
            unsafe {
                xen_sys::libxl_domain_soft_reset(ctx, libxls.as_mut_ptr(), domid.0, ptr::null(), ptr::null())
            }
        });
        self.observe();
        done.map_err(|error| log.explain(error))
    }

    /// A domain that has ended and is still there.
    fn ended(&self, domid: DomId, doing: &str) -> Result<Domain> {
        let domain = self.guest(domid, doing)?;
        match domain.state {
            RunState::Shutdown(_) => Ok(domain),
            _ => {
                let why = format!("domain {domid} has not ended");
                Err(HostError::new(ErrorKind::WrongState, doing, why))
            }
        }
    }
}

/// The config with the UUID that the domain keeps, whatever a config says.
fn with_own_uuid(config: &DomainConfig, uuid: Uuid, doing: &str) -> Result<DomainConfig> {
    let mut config = config.clone();
    if *config.c_info.uuid.get_or_insert(uuid) != uuid {
        let why = format!("the domain has the UUID {uuid}, and keeps it");
        return Err(HostError::new(ErrorKind::Invalid, doing, why));
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_domain_keeps_its_uuid() {
        let uuid = Uuid::from_u128(7);
        let mut config = DomainConfig::default();
        let own = with_own_uuid(&config, uuid, "x").unwrap();
        assert_eq!(own.c_info.uuid, Some(uuid));
        assert_eq!(with_own_uuid(&own, uuid, "x").unwrap(), own);
        config.c_info.uuid = Some(Uuid::from_u128(8));
        assert_eq!(with_own_uuid(&config, uuid, "x").unwrap_err().kind, ErrorKind::Invalid);
    }
}
