//! Disks that QEMU reaches over the network, by a name such as `nbd:HOST:PORT`.
//!
//! QEMU opens such a name for a disk that it emulates. Its backend for Xen's PV drivers opens only files and block devices.

use timers::GuestKind;

use super::DomainConfig;
use super::config::{Disk, DiskBackend};
use super::disk_names::place;
use crate::diag::Finding;

/// How a disk on the network becomes `/dev/DEVICE`, and what to do with that.
macro_rules! attached {
    ($then:literal) => {
        concat!("attach it in dom0 (for example with nbd-client, rbd map or iscsiadm), ", $then)
    };
}

/// What to write in a domain XML for any disk on the network.
pub const ATTACH: &str = attached!("and write type='block' and <source dev='/dev/DEVICE'/>");

/// The same for an xl.cfg.
const ATTACH_IN_CFG: &str = attached!("and write target=/dev/DEVICE without backendtype");

/// Before what is then done with the device.
pub(crate) const ATTACH_FIRST: &str = attached!("then ");

/// What QEMU's names for storage on the network begin with.
const SCHEMES: &[&str] = &[
    "fat",
    "ftp",
    "ftps",
    "gluster",
    "gluster+rdma",
    "gluster+tcp",
    "gluster+unix",
    "http",
    "https",
    "iscsi",
    "json",
    "nbd",
    "nbd+tcp",
    "nbd+unix",
    "nfs",
    "rbd",
    "sheepdog",
    "ssh",
    "tftp",
    "vxhs",
];

/// True for a disk whose path is one of QEMU's names for storage on the network.
fn is_on_network(disk: &Disk) -> bool {
    let scheme = |path: &str| path.split_once(':').is_some_and(|(scheme, _)| SCHEMES.contains(&scheme));
    let script = disk.script.as_deref().is_some_and(|script| !script.is_empty());
    !script && disk.pdev_path.as_deref().is_some_and(scheme)
}

/// What a guest does not have of a disk on the network; `None` for one that stays as QEMU emulates it, and for any other.
#[must_use]
pub fn finding(config: &DomainConfig, disk: &Disk) -> Option<Finding> {
    if !is_on_network(disk) {
        return None;
    }
    let hvm = config.b_info.hvm.as_ref().filter(|_| config.kind() == GuestKind::Hvm);
    let here = disk.backend_domname.is_none();
    let vdev = disk.vdev.as_deref().unwrap_or_default();
    if here && disk.backend != Some(DiskBackend::Qdisk) {
        let reason = "libxl takes the target for a file of dom0, and does not start the guest without it";
        let instead = format!("add backendtype=qdisk, or {ATTACH_IN_CFG}");
        return Some(Finding::unsupported("disk-network", reason).refusing_start().instead(instead));
    }
    let emulated = here && hvm.is_some_and(|hvm| place(vdev, hvm.hdtype).is_some());
    if emulated && disk.is_cdrom != 0 {
        return None;
    }
    let only = "QEMU's backend for Xen's PV drivers opens only files and block devices of dom0";
    let finding = if emulated {
        let reason = format!("{only}: the guest loses the emulated disk when it loads these drivers");
        Finding::approximated("disk-network", reason)
    } else {
        Finding::unsupported("disk-network", format!("{only}: the guest does not find the disk"))
            .refusing_start()
    };
    Some(finding.instead_by_format(ATTACH, ATTACH_IN_CFG))
}
