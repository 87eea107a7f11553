//! The whole config and `libxl_domain_create_info`.

use super::Section::{Boot, Cpus, Devices, Ends, General, Passthrough, Xen};
use super::Writer;
use crate::domain::config::{CreateInfo, DomainConfig, ShutdownAction};
use crate::domain::{Defbool, config};

impl Writer {
    pub(super) fn config(&mut self, config: &DomainConfig) {
        let DomainConfig {
            c_info,
            b_info,
            disks,
            nics,
            pcidevs,
            rdms,
            dtdevs,
            vfbs,
            vkbs,
            virtios,
            vtpms,
            p9s,
            pvcallsifs,
            vdispls,
            vsnds,
            channels,
            usbctrls,
            usbdevs,
            on_poweroff,
            on_reboot,
            on_watchdog,
            on_crash,
            on_soft_reset,
            rest,
        } = config;
        let kind = config.kind();
        self.create_info(c_info);
        let has_pci = self.pci_devices(pcidevs, kind);
        self.build_info(b_info, config, has_pci);
        self.ends([*on_poweroff, *on_reboot, *on_crash], *on_watchdog, *on_soft_reset);
        self.disks(disks);
        self.nics(nics);
        self.framebuffers(vfbs, vkbs);
        self.list(Devices, "vdispl", vdispls, Writer::vdispl);
        self.sound_cards(vsnds);
        self.list(Devices, "channel", channels, Writer::channel);
        self.list(Devices, "virtio", virtios, Writer::virtio);
        self.list(Devices, "vtpm", vtpms, Writer::vtpm);
        self.p9s(p9s);
        self.list(Devices, "pvcalls", pvcallsifs, Writer::pvcalls);
        self.list(Devices, "usbctrl", usbctrls, Writer::usbctrl);
        self.list(Passthrough, "usbdev", usbdevs, Writer::usbdev);
        self.device_tree_devices(dtdevs);
        for (index, config::Rdm { start: _, size: _, policy: _, rest: _ }) in rdms.iter().enumerate() {
            let reason = "libxl itself derives the ranges from the devices that are passed through";
            self.same(format!("rdms[{index}]"), reason);
        }
        self.rest("", rest);
    }

    fn create_info(&mut self, c_info: &CreateInfo) {
        let CreateInfo {
            kind,
            hap,
            oos,
            ssidref,
            // Written with the label after the build.
            ssid_label: _,
            name,
            domid,
            uuid,
            xsdata,
            platformdata,
            poolid,
            pool_name,
            run_hotplug_scripts,
            driver_domain,
            passthrough,
            xend_suspend_evtchn_compat,
            rest,
        } = c_info;
        self.set(General, "type", kind.map_or("pv", |kind| kind.as_str()));
        self.text(General, "name", "c_info.name", name.as_ref());
        self.maybe(General, "uuid", uuid.map(|uuid| uuid.hyphenated().to_string()));
        self.flag(Cpus, "hap", *hap);
        self.flag(Cpus, "oos", *oos);
        self.label_number("c_info.ssidref", *ssidref, c_info.ssid_label.is_some());
        self.no_key("c_info.domid", *domid != 0);
        self.no_key("c_info.xsdata", !xsdata.0.is_empty());
        self.no_key("c_info.platformdata", !platformdata.0.is_empty());
        match pool_name {
            _ if *poolid == 0 => {}
            None => self.lost("c_info.poolid", "xl.cfg names a CPU pool by its name, in pool"),
            Some(_) => self.same("c_info.poolid", "libxl uses the name"),
        }
        self.text(Cpus, "pool", "c_info.pool_name", pool_name.as_ref());
        if *run_hotplug_scripts == Some(Defbool::False) {
            let reason = "run_hotplug_scripts is a setting of xl.conf, for all guests";
            self.lost("c_info.run_hotplug_scripts", reason);
        }
        self.flag(Boot, "driver_domain", *driver_domain);
        if *passthrough != config::Passthrough::Default {
            self.set(Passthrough, "passthrough", passthrough.as_str());
        }
        self.flag(Xen, "xend_suspend_evtchn_compat", *xend_suspend_evtchn_compat);
        self.rest("c_info", rest);
    }

    /// The number of an XSM label, which libxl works out from the label.
    pub(super) fn label_number(&mut self, path: &str, number: u32, has_label: bool) {
        match has_label {
            _ if number == 0 => {}
            true => self.same(path, "libxl uses the label"),
            false => self.lost(path, "xl.cfg names a label, not its number"),
        }
    }

    fn ends(&mut self, usual: [ShutdownAction; 3], watchdog: ShutdownAction, soft_reset: ShutdownAction) {
        for (key, action) in ["on_poweroff", "on_reboot", "on_crash"].into_iter().zip(usual) {
            self.set(Ends, key, action.xl_word());
        }
        if watchdog != ShutdownAction::Destroy {
            self.set(Ends, "on_watchdog", watchdog.xl_word());
        }
        if soft_reset != ShutdownAction::SoftReset {
            self.set(Ends, "on_soft_reset", soft_reset.xl_word());
        }
    }
}
