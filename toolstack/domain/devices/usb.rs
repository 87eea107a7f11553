//! USB controllers and devices.

use crate::domain::declare::libxl_struct;
use crate::domain::enums::UsbCtrlType;

libxl_struct! {
    /// `libxl_device_usbctrl`.
    pub struct UsbCtrl {
        /// Emulated or paravirtual.
        kind as "type": UsbCtrlType,
        /// Its number.
        devid: Option<u32>,
        /// The version of its USB.
        version: i32,
        /// How many ports it has.
        ports: i32,
        /// The domain that serves it.
        backend_domid: u32,
        /// The name of the domain that serves it.
        backend_domname: Option<String>,
    }
}

libxl_struct! {
    /// `libxl_device_usbdev`.
    pub struct UsbDev {
        /// The number of its controller.
        ctrl: Option<u32>,
        /// Its port there.
        port: i32,
        /// A device of the host, the only kind there is.
        hostdev as "type.hostdev": Option<HostUsb>,
    }
}

libxl_struct! {
    /// A USB device of the host.
    pub struct HostUsb {
        /// Its bus.
        hostbus: u8,
        /// Its address there.
        hostaddr: u8,
    }
}
