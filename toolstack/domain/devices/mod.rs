//! The devices in libxl's config, as in `libxl_types.idl`.

mod colo;
mod disk;
mod nic;
mod passthrough;
mod pv;
mod screen;
mod sound;
mod usb;

pub use colo::NicColo;
pub use disk::Disk;
pub use nic::Nic;
pub use passthrough::{Dtdev, Pci, Rdm};
pub use pv::{Channel, Connection, P9, Pvcalls, Virtio, Vtpm};
pub use screen::{Connector, Vdispl, Vfb, Vkb};
pub use sound::{Vsnd, VsndParams, VsndPcm, VsndStream};
pub use usb::{HostUsb, UsbCtrl, UsbDev};
