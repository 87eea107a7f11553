//! `<sysinfo>`: the firmware's description of the machine, xl.cfg's `smbios` since Xen 4.18.

use super::super::cursor::{Element, Result, Value};
use super::common;
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
        let uuid = uuid(root, &sysinfo, guest)?;
        match sysinfo.attr("type").map(|kind| kind.text) {
            Some("smbios") => {}
            Some("fwcfg") => {
                firmware_config(&sysinfo, guest);
                continue;
            }
            _ => continue,
        }
        if mode.is_none_or(|mode| mode.text != "sysinfo") {
            let reason = match uuid {
                Some(_) => "without <smbios mode='sysinfo'/> in <os> libvirt uses only its UUID",
                None => "without <smbios mode='sysinfo'/> in <os> libvirt does not use it either",
            };
            sysinfo.mark_whole(&Finding::no_effect("unused-smbios", reason));
        } else if !guest.is_hvm() {
            sysinfo.mark_whole(&Finding::no_effect("hvm-only", "only an HVM guest has SMBIOS tables"));
        } else if let Some(finding) = guest.lacks(release::key("smbios"), "key for SMBIOS strings") {
            sysinfo.leave_out(finding);
        } else {
            strings(&sysinfo.take(), guest)?;
        }
        if let Some(uuid) = uuid {
            uuid.mark();
        }
    }
    Ok(())
}

/// The entry that is the domain's UUID.
struct UuidEntry<'t> {
    entry: Element<'t>,
    text: Value<'t>,
}

impl UuidEntry<'_> {
    /// Says that it was read, whatever is said of what is around it.
    fn mark(&self) {
        let name = self.entry.attr("name");
        [Some(self.text), name].iter().flatten().for_each(|value| value.mark(Finding::exact()));
        self.entry
            .mark(Finding::no_effect("smbios-uuid", "the UUID of the domain, which has it for its own"));
    }
}

/// The UUID among the strings is the domain's, as in libvirt, whether or not the guest is shown the strings. The first one
/// counts.
fn uuid<'t>(
    root: &Element<'t>,
    sysinfo: &Element<'t>,
    guest: &mut Guest<'_>,
) -> Result<Option<UuidEntry<'t>>> {
    if sysinfo.attr("type").is_none_or(|kind| kind.text != "smbios") {
        return Ok(None);
    }
    let system = sysinfo.children("system").next();
    let is_uuid = |entry: &Element<'_>| entry.attr("name").is_some_and(|name| name.text == "uuid");
    let entry = system.and_then(|system| system.children("entry").find(is_uuid));
    let text = entry.map_or(Ok(None), |entry| entry.text())?;
    let Some((entry, text)) = entry.zip(text) else { return Ok(None) };
    let uuid = common::uuid(&text, "a UUID such as 2147d599-9cc6-40dc-92ab-4064b5446e9b")?;
    match guest.config.c_info.uuid {
        Some(own) if own != uuid => {
            let reason = format!("{uuid} is not the UUID of the domain, {own}: libvirt refuses this");
            let finding = Finding::invalid("uuid-mismatch", reason);
            return Err(text.error(finding.instead(match root.children("uuid").next() {
                Some(_) => format!("write {own}, or the same UUID in <uuid>"),
                None => format!("write {own}"),
            })));
        }
        Some(_) => {}
        None => guest.config.c_info.uuid = Some(uuid),
    }
    Ok(Some(UuidEntry { entry, text }))
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
                // The first one is the domain's.
                None if name == "uuid" => {
                    let reason = "a second UUID; only the first one counts";
                    entry.mark_whole(&Finding::unsupported("repeated", reason).instead("remove it"));
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
