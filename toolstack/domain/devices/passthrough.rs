//! Devices of the host.

use crate::domain::declare::libxl_struct;
use crate::domain::enums::RdmPolicy;

libxl_struct! {
    /// `libxl_device_pci`.
    pub struct Pci {
        /// The function.
        func: u8,
        /// The device.
        dev: u8,
        /// The bus.
        bus: u8,
        /// The segment.
        domain: i32,
        /// The slot in the guest; 0 lets the device model choose.
        vdevfn: u32,
        /// The functions that are passed through, as bits.
        vfunc_mask: u32,
        /// Translate MSIs to INTx.
        msitranslate: bool,
        /// Let the guest manage its power.
        power_mgmt: bool,
        /// Let the guest write all of the configuration space.
        permissive: bool,
        /// Take it from the driver it has in dom0.
        seize: bool,
        /// The policy if its reserved memory conflicts with the guest's.
        rdm_policy: Option<RdmPolicy>,
        /// A name for it, known to `xl pci-assignable-list -n`.
        name: Option<String>,
    }
}

libxl_struct! {
    /// `libxl_device_rdm`: a range of reserved device memory.
    pub struct Rdm {
        /// The start.
        start: u64,
        /// Its size in bytes.
        size: u64,
        /// The policy on a conflict.
        policy: Option<RdmPolicy>,
    }
}

libxl_struct! {
    /// `libxl_device_dtdev`: a device of the host's device tree.
    pub struct Dtdev {
        /// Its path in the tree.
        path: Option<String>,
    }
}
