//! Resources of the host: PCI devices, device tree, I/O ports, memory.

use timers::GuestKind;

use super::Section::Passthrough;
use super::Writer;
use super::entry::Entry;
use crate::domain::config::{Dtdev, IomemRange, IoportRange, Pci, RdmPolicy};

/// The place of a guest's slot in `vdevfn`.
const SLOT_SHIFT: u32 = 3;
const LAST_SLOT: u32 = 0x1f;

impl Writer {
    /// True if there are some.
    pub(super) fn pci_devices(&mut self, devices: &[Pci], kind: GuestKind) -> bool {
        self.list(Passthrough, "pci", devices, |writer, device, index| writer.pci(device, index, kind))
    }

    fn pci(&mut self, device: &Pci, index: usize, kind: GuestKind) -> Option<String> {
        let Pci {
            func,
            dev,
            bus,
            domain,
            vdevfn,
            vfunc_mask,
            msitranslate,
            power_mgmt,
            permissive,
            seize,
            rdm_policy,
            name,
            rest,
        } = device;
        let path = format!("pcidevs[{index}]");
        self.rest(&path, rest);
        let mut entry = Entry::new(self, "pci", path.clone());
        let address = match (func, vfunc_mask) {
            (0, &u32::MAX) => Some("*".to_owned()),
            (0..=7, 1) => Some(func.to_string()),
            _ => None,
        }
        .filter(|_| *dev <= 0x1f && (0..=0xffff).contains(domain))
        .map(|function| format!("{domain:04x}:{bus:02x}:{dev:02x}.{function}"));
        let has_address = (*func, *dev, *bus, *domain, *vfunc_mask) != (0, 0, 0, 0, 0);
        let slot = vdevfn >> SLOT_SHIFT;
        if slot > LAST_SLOT || vdevfn % (1 << SLOT_SHIFT) != 0 {
            let path = entry.at("vdevfn");
            entry.writer().lost(path, "xl accepts slots 0 to 1f, and only function 0");
        }
        match (name, address) {
            (Some(name), _) if name.contains([',', '\0']) => {
                entry.writer().lost(path, "xl accepts no name with a comma");
                return None;
            }
            (Some(name), address) => {
                entry.text("name", Some(name));
                if address.is_some() || has_address {
                    entry.writer().same(path, "the name says which device it is");
                }
                if slot != 0 && slot <= LAST_SLOT {
                    entry.put("vslot", &format!("vslot={slot:x}"));
                }
            }
            (None, Some(address)) if slot == 0 || slot > LAST_SLOT => entry.put("", &address),
            (None, Some(address)) => entry.put("", &format!("{address}@{slot:x}")),
            (None, None) => {
                entry.writer().lost(path, "xl accepts one function of a device, or all of them");
                return None;
            }
        }
        for (key, value) in [
            ("msitranslate", *msitranslate),
            ("power_mgmt", *power_mgmt),
            ("permissive", *permissive),
            ("seize", *seize),
        ] {
            entry.number(key, u8::from(value));
        }
        match rdm_policy {
            // A PV or PVH guest's devices have the strict policy in xl, and nothing comes of it.
            Some(RdmPolicy::Strict) if kind != GuestKind::Hvm => {}
            Some(policy) => entry.put("rdm_policy", &format!("rdm_policy={}", policy.as_str())),
            None => {}
        }
        entry.written()
    }

    pub(super) fn device_tree_devices(&mut self, devices: &[Dtdev]) {
        let mut paths = Vec::new();
        for (index, Dtdev { path, rest }) in devices.iter().enumerate() {
            let at = format!("dtdevs[{index}]");
            self.rest(&at, rest);
            match path {
                Some(path) => paths.push(path.clone()),
                None => self.lost(at, "the device has no path"),
            }
        }
        self.texts(Passthrough, "dtdev", "dtdevs", &paths);
    }

    pub(super) fn ioports(&mut self, ranges: &[IoportRange]) {
        let mut entries = Vec::new();
        for (index, IoportRange { first, number, rest }) in ranges.iter().enumerate() {
            let path = format!("b_info.ioports[{index}]");
            self.rest(&path, rest);
            let last = number.checked_sub(1).and_then(|more| first.checked_add(more));
            match last.filter(|last| *last < u32::MAX) {
                Some(last) if last == *first => entries.push(format!("{first:x}")),
                Some(last) => entries.push(format!("{first:x}-{last:x}")),
                None => self.lost(path, "xl accepts only ports that exist"),
            }
        }
        self.texts(Passthrough, "ioports", "b_info.ioports", &entries);
    }

    pub(super) fn iomem(&mut self, ranges: &[IomemRange]) {
        let mut entries = Vec::new();
        for (index, IomemRange { start, number, gfn, rest }) in ranges.iter().enumerate() {
            self.rest(&format!("b_info.iomem[{index}]"), rest);
            let at = gfn.map(|gfn| format!("@{gfn:x}")).unwrap_or_default();
            entries.push(format!("{start:x},{number:x}{at}"));
        }
        self.texts(Passthrough, "iomem", "b_info.iomem", &entries);
    }
}
