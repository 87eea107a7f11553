//! `disk`, as in xl-disk-configuration(5).

use super::Section::Devices;
use super::Writer;
use super::entry::Entry;
use crate::diag::Finding;
use crate::domain::Defbool;
use crate::domain::config::{Disk, DiskFormat};
use crate::domain::release;

impl Writer {
    pub(super) fn disks(&mut self, disks: &[Disk]) {
        self.list(Devices, "disk", disks, Writer::disk);
    }

    fn disk(&mut self, disk: &Disk, index: usize) -> Option<String> {
        let Disk {
            backend_domid,
            backend_domname,
            pdev_path,
            vdev,
            backend,
            format,
            script,
            removable,
            readwrite,
            is_cdrom,
            direct_io_safe,
            discard_enable,
            specification,
            transport,
            irq,
            base,
            colo_enable,
            colo_restore_enable,
            colo_host,
            colo_port,
            colo_export,
            active_disk,
            hidden_disk,
            trusted,
            grant_usage,
            rest,
        } = disk;
        let path = format!("disks[{index}]");
        self.rest(&path, rest);
        let cdrom = *is_cdrom != 0;
        let holds = |text: &String| !text.contains(['\n', '\0']);
        let why = match (vdev, pdev_path) {
            (None, _) => Some("xl accepts no disk without a name in the guest"),
            (Some(vdev), _) if vdev.contains(',') || !holds(vdev) => {
                Some("xl accepts no disk whose name in the guest has a comma or a line break")
            }
            (_, None) if !cdrom => Some("xl accepts no disk without a path"),
            (_, Some(target)) if !holds(target) => {
                Some("a path in xl.cfg cannot contain a line break or a NUL byte")
            }
            _ => None,
        };
        if let Some(why) = why {
            self.lost(path, why);
            return None;
        }
        let release = self.release;
        // A value ends at a comma; white space that could begin a setting does no harm inside one.
        let mut entry = Entry::new(self, "disk", path).of_values(|value| !value.contains([',', '\n', '\0']));
        let empty = pdev_path.as_ref().is_none_or(String::is_empty);
        match format {
            Some(format) => entry.put("format", &format!("format={}", format.as_str())),
            None if cdrom && empty => {
                let path = entry.at("format");
                entry.writer().same(path, "a drive without a medium is empty");
            }
            None => {
                let path = entry.at("format");
                entry.writer().nearest(path, "xl assumes that a disk without a format is raw");
            }
        }
        if cdrom && empty && *format != Some(DiskFormat::Empty) && format.is_some() {
            let path = entry.at("format");
            entry.writer().same(path, "a drive without a medium is empty");
        }
        entry.text("vdev", vdev.as_ref());
        entry.put("access", if *readwrite == 0 { "access=ro" } else { "access=rw" });
        for (field, value, xls) in [
            ("readwrite", readwrite, i32::from(*readwrite != 0 && !cdrom)),
            ("removable", removable, i32::from(cdrom)),
            ("is_cdrom", is_cdrom, i32::from(cdrom)),
        ] {
            if *value != xls {
                let path = entry.at(field);
                entry.writer().nearest(path, format!("xl sets it to {xls}"));
            }
        }
        if let Some(backend) = backend {
            let known = release::word("disk.backendtype", backend.as_str());
            match known.filter(|known| !known.by(release)) {
                Some(known) => {
                    let path = entry.at("backend");
                    let what = format!("the backend {}", backend.as_str());
                    let reason = entry.writer().other_release(&what, known);
                    entry.writer().unsaid(path, Finding::unsupported("other-xen", reason));
                }
                None => entry.put("backendtype", &format!("backendtype={}", backend.as_str())),
            }
        }
        entry.backend(*backend_domid, backend_domname.as_ref());
        if cdrom {
            entry.put("devtype", "devtype=cdrom");
        }
        entry.text("script", script.as_ref());
        if *direct_io_safe {
            entry.put("direct-io-safe", "direct-io-safe");
        }
        entry.either(*discard_enable, "discard", "no-discard");
        if let Some(specification) = specification {
            entry.put("specification", &format!("specification={}", specification.as_str()));
        }
        entry.either(*trusted, "trusted", "untrusted");
        if let Some(grants) = grant_usage {
            entry.put("grant_usage", &format!("grant_usage={}", u8::from(grants.is_true())));
        }
        entry.either(*colo_enable, "colo", "no-colo");
        entry.text_as("colo-host", "colo_host", colo_host.as_deref());
        entry.number("colo-port", *colo_port);
        entry.text_as("colo-export", "colo_export", colo_export.as_deref());
        entry.text_as("active-disk", "active_disk", active_disk.as_deref());
        entry.text_as("hidden-disk", "hidden_disk", hidden_disk.as_deref());
        for (field, is_set) in [
            ("transport", transport.is_some()),
            ("irq", *irq != 0),
            ("base", *base != 0),
            ("colo_restore_enable", colo_restore_enable.is_some()),
        ] {
            let path = entry.at(field);
            entry.writer().no_key(path, is_set);
        }
        // It takes the rest of the entry, and gives up one comma at its end.
        if let Some(target) = pdev_path {
            let comma = if target.ends_with(',') { "," } else { "" };
            entry.put("target", &format!("target={target}{comma}"));
        }
        entry.written()
    }
}

impl Entry<'_> {
    /// A setting that is a word of its own, or another one.
    pub(super) fn either(&mut self, value: Option<Defbool>, yes: &str, no: &str) {
        if let Some(value) = value {
            let word = if value.is_true() { yes } else { no };
            self.put(word, word);
        }
    }
}
