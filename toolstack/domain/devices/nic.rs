//! Network interfaces.

use super::colo::NicColo;
use crate::domain::declare::libxl_struct;
use crate::domain::enums::NicType;
use crate::domain::idl::Defbool;

libxl_struct! {
    /// `libxl_device_nic`.
    pub struct Nic {
        /// The domain that serves it.
        backend_domid: u32,
        /// The name of the domain that serves it.
        backend_domname: Option<String>,
        /// Its number.
        devid: Option<u32>,
        /// Maximum packet size.
        mtu: i32,
        /// VLAN; since Xen 4.19.
        vlan: Option<String>,
        /// The emulated card.
        model: Option<String>,
        /// Hardware address.
        mac: Option<String>,
        /// The guest's addresses, for the script.
        ip: Option<String>,
        /// The bridge in dom0.
        bridge: Option<String>,
        /// The interface's name in dom0.
        ifname: Option<String>,
        /// Hotplug script.
        script: Option<String>,
        /// With or without an emulated card.
        nictype: Option<NicType>,
        /// Bandwidth: bytes in an interval.
        rate_bytes_per_interval: u64,
        /// Bandwidth: the interval, in microseconds.
        rate_interval_usecs: u32,
        /// The device that leads to the gateway, for the scripts.
        gatewaydev: Option<String>,
        /// COLO replication.
        colo: NicColo,
        /// True if the guest trusts the backend.
        trusted: Option<Defbool>,
    }
    then Nic::settle
}

impl Nic {
    fn settle(&mut self) {
        self.colo.take_from(&mut self.rest);
    }
}
