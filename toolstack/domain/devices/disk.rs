//! Block devices.

use crate::domain::declare::libxl_struct;
use crate::domain::enums::{DiskBackend, DiskFormat, DiskSpecification, DiskTransport};
use crate::domain::idl::Defbool;

libxl_struct! {
    /// `libxl_device_disk`.
    pub struct Disk {
        /// The domain that serves it.
        backend_domid: u32,
        /// The name of the domain that serves it.
        backend_domname: Option<String>,
        /// The file or block device in that domain.
        pdev_path: Option<String>,
        /// The name in the guest: hda, xvda, sda.
        vdev: Option<String>,
        /// Which program serves it.
        backend: Option<DiskBackend>,
        /// The image's format.
        format: Option<DiskFormat>,
        /// Hotplug script.
        script: Option<String>,
        /// 1 for a removable medium.
        removable: i32,
        /// 1 when the guest may write.
        readwrite: i32,
        /// 1 for a CD-ROM.
        is_cdrom: i32,
        /// Direct I/O is safe on what the backend has.
        direct_io_safe: bool,
        /// Pass discards on.
        discard_enable: Option<Defbool>,
        /// Xen's protocol or virtio.
        specification: Option<DiskSpecification>,
        /// How a virtio disk is attached.
        transport: Option<DiskTransport>,
        /// The interrupt of a virtio disk; libxl's own.
        irq: u32,
        /// The address of a virtio disk; libxl's own.
        base: u64,
        /// COLO replication.
        colo_enable: Option<Defbool>,
        /// COLO replication, on the secondary host.
        colo_restore_enable: Option<Defbool>,
        /// COLO: the secondary host.
        colo_host: Option<String>,
        /// COLO: its port.
        colo_port: i32,
        /// COLO: the name it exports the disk by.
        colo_export: Option<String>,
        /// COLO: the secondary's active disk.
        active_disk: Option<String>,
        /// COLO: the secondary's hidden disk.
        hidden_disk: Option<String>,
        /// True if the guest trusts the backend.
        trusted: Option<Defbool>,
        /// True if a virtio backend maps grants or the guest's memory; since Xen 4.19.
        grant_usage: Option<Defbool>,
    }
}
