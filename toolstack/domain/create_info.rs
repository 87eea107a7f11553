//! `libxl_domain_create_info`: the properties of a domain before it is built.

use timers::GuestKind;
use uuid::Uuid;

use super::declare::libxl_struct;
use super::enums::Passthrough;
use super::idl::{Defbool, KeyValues};

libxl_struct! {
    /// `libxl_domain_create_info`.
    pub struct CreateInfo {
        /// hvm, pv or pvh.
        kind as "type": Option<GuestKind>,
        /// Hardware assisted paging.
        hap: Option<Defbool>,
        /// Out-of-sync shadow page tables.
        oos: Option<Defbool>,
        /// The number of its XSM label; libxl takes it from the label.
        ssidref: u32,
        /// Its XSM label; xl.cfg's `seclabel`.
        ssid_label: Option<String>,
        /// The domain's name.
        name: Option<String>,
        /// The domid to use, 0 for a free one.
        domid: u32,
        /// Its UUID.
        uuid: Option<Uuid>,
        /// Keys that libxl writes to the domain's xenstore directory.
        xsdata: KeyValues,
        /// Keys that libxl writes to its `platform` directory in xenstore.
        platformdata: KeyValues,
        /// The number of its CPU pool; libxl takes it from the name.
        poolid: u32,
        /// Its CPU pool.
        pool_name: Option<String>,
        /// True if libxl runs hotplug scripts itself; xl always says so.
        run_hotplug_scripts: Option<Defbool>,
        /// A domain that serves devices to others.
        driver_domain: Option<Defbool>,
        /// True if the domain may have devices of the host.
        passthrough: Passthrough,
        /// Suspend as xend did, without the event channel.
        xend_suspend_evtchn_compat: Option<Defbool>,
    }
}
