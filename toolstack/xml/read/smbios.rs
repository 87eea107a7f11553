//! `<sysinfo>`: the firmware's description of the machine, xl.cfg's `smbios` since Xen 4.18.

use uuid::Uuid;

use super::super::cursor::{Element, Result};
use super::guest::Guest;
use crate::diag::Finding;
use crate::domain::config::{Smbios, SmbiosType};
use crate::domain::{libvirt, release};

/// OEM strings that libxl takes.
const OEM_STRINGS: usize = 99;

pub(super) fn read(root: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let mode =
        root.children("os").next().and_then(|os| os.child("smbios")).and_then(|smbios| smbios.attr("mode"));
    if let Some(mode) = mode.filter(|_| guest.is_hvm()) {
        match mode.text {
            "sysinfo" => {}
            // Without a mode, QEMU generates them too.
            "emulate" | "none" => {
                mode.mark(Finding::no_effect("own-smbios", "hvmloader generates the tables by default"))
            }
            other => {
                let reason = format!(
                    "hvmloader generates the tables from strings in libxl's config, not from those of the {other}"
                );
                mode.mark(Finding::unsupported("smbios-mode", reason));
            }
        }
    }
    for sysinfo in root.children("sysinfo") {
        uuid(&sysinfo, guest)?;
        match sysinfo.attr("type").map(|kind| kind.text) {
            Some("smbios") => {}
            Some("fwcfg") => {
                firmware_config(&sysinfo, guest);
                continue;
            }
            _ => continue,
        }
        if mode.is_none_or(|mode| mode.text != "sysinfo") {
            let reason = "without <smbios mode='sysinfo'/> in <os> libvirt does not use it either";
            sysinfo.mark_whole(&Finding::no_effect("unused-smbios", reason));
        } else if !guest.is_hvm() {
            sysinfo.mark_whole(&Finding::no_effect("hvm-only", "only an HVM guest has SMBIOS tables"));
        } else if let Some(finding) = guest.lacks(release::key("smbios"), "key for SMBIOS strings") {
            sysinfo.leave_out(finding);
        } else {
            strings(&sysinfo.take(), guest)?;
        }
    }
    Ok(())
}

/// The UUID among the strings is the domain's, as in libvirt, whether or not the guest is shown the strings.
fn uuid(sysinfo: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    if sysinfo.attr("type").is_none_or(|kind| kind.text != "smbios") {
        return Ok(());
    }
    let entries = sysinfo.children("system").flat_map(|system| system.children("entry"));
    let is_uuid = |entry: &Element<'_>| entry.attr("name").is_some_and(|name| name.text == "uuid");
    for entry in entries.filter(is_uuid) {
        let Some(text) = entry.text()? else { continue };
        let uuid: Uuid = text.number("a UUID such as 2147d599-9cc6-40dc-92ab-4064b5446e9b")?;
        match guest.config.c_info.uuid {
            Some(own) if own != uuid => {
                let reason = format!("{uuid} is not the UUID of the domain, {own}: libvirt refuses this");
                let finding = Finding::invalid("uuid-mismatch", reason);
                return Err(text.error(finding.instead(format!("write {own}, or the same UUID in <uuid>"))));
            }
            Some(_) => {}
            None => guest.config.c_info.uuid = Some(uuid),
        }
    }
    Ok(())
}

/// Files that QEMU hands to the guest beside its firmware, such as Ignition's.
fn firmware_config(sysinfo: &Element<'_>, guest: &Guest<'_>) {
    if guest.is_hvm() {
        let reason = "Xen's QEMU has no fw_cfg device for a guest that boots from a disk";
        let instead = "give the guest the content on a disk or CD-ROM";
        sysinfo.leave_out(Finding::unsupported("fw-cfg", reason).instead(instead));
    } else {
        sysinfo.mark_whole(&Finding::no_effect("hvm-only", "only an HVM guest has QEMU's firmware settings"));
    }
}

fn strings(sysinfo: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let mut found = Vec::new();
    for group in ["bios", "system", "baseBoard", "chassis"].iter().flat_map(|name| sysinfo.children(name)) {
        let group = group.take();
        for entry in group.children("entry") {
            let name = entry.attr("name").map_or("", |name| name.text);
            match libvirt::smbios_type(group.name(), name) {
                Some(key) => found.extend(string(&entry.take(), key)?),
                None if name == "uuid" => {
                    let reason = "the tables contain the domain's UUID";
                    entry.mark_whole(&Finding::no_effect("smbios-uuid", reason));
                }
                None => {
                    let reason = format!("libxl has no string for the {name} of the {}", group.name());
                    entry.mark_whole(&Finding::unsupported("smbios-entry", reason));
                }
            }
        }
    }
    let mut count = 0;
    for strings in sysinfo.children("oemStrings").map(Element::take) {
        for entry in strings.children("entry") {
            if count == OEM_STRINGS {
                let reason = format!("libxl accepts at most {OEM_STRINGS} OEM strings");
                entry.mark_whole(&Finding::unsupported("smbios-entry", reason));
                continue;
            }
            count += 1;
            found.extend(string(&entry.take(), SmbiosType::Oem)?);
        }
    }
    if let Some(hvm) = guest.hvm() {
        hvm.smbios = found;
    }
    Ok(())
}

fn string(entry: &Element<'_>, key: SmbiosType) -> Result<Option<Smbios>> {
    let value = entry.text()?.map(|text| text.text.to_owned());
    Ok(value.map(|value| Smbios { key: Some(key), value: Some(value), ..Smbios::default() }))
}
