//! Name, UUID, notes, memory, vCPUs, what happens at the end.

use uuid::Uuid;

use super::super::cursor::{Element, Result, Value};
use super::set;
use crate::diag::Finding;
use crate::domain::{DomainConfig, Notes, Part, ShutdownAction};

/// `MAX_VIRT_CPUS` of a PV guest, the most of any kind.
const MAX_VCPUS: i32 = 8192;

const KIB_PER_MIB: u64 = 1024;

pub(super) fn read(root: &Element<'_>, config: &mut DomainConfig, notes: &mut Notes) -> Result<()> {
    names(root, config)?;
    notes_of(root, notes)?;
    memory(root, config)?;
    vcpus(root, config)?;
    ends(root, config)?;
    sleep(root, config)
}

fn names(root: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    let missing = || {
        root.error(
            Finding::invalid("no-name", "the domain has no name")
                .instead("add <name>NAME</name> in <domain>"),
        )
    };
    let element = root.child("name").ok_or_else(missing)?;
    let name = element.text()?.ok_or_else(missing)?;
    // libvirt's own rule; a slash would also lead out of libxl's directories.
    if name.text.contains(['/', '\n']) {
        return Err(name.not("a domain's name: it may hold neither '/' nor a line break"));
    }
    element.is(Part::Name);
    config.c_info.name = Some(name.text.to_owned());
    if let Some(uuid) = root.child_text("uuid")? {
        let parsed: Uuid = uuid.number("a UUID such as 2147d599-9cc6-40dc-92ab-4064b5446e9b")?;
        config.c_info.uuid = Some(parsed);
    }
    Ok(())
}

/// Title, description and metadata change nothing, but a human wrote them: they are kept.
fn notes_of(root: &Element<'_>, notes: &mut Notes) -> Result<()> {
    let texts = [
        ("title", Part::Title, &mut notes.title),
        ("description", Part::Description, &mut notes.description),
    ];
    for (name, part, slot) in texts {
        if let Some(element) = root.child(name) {
            element.is(part);
            *slot = element.text()?.map(|text| text.text.to_owned());
        }
    }
    if let Some(metadata) = root.child("metadata") {
        metadata.mark_whole(&Finding::exact());
        metadata.is(Part::Metadata);
        notes.metadata = Some(metadata.raw().to_owned());
    }
    Ok(())
}

fn memory(root: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    let missing = || {
        let finding = Finding::invalid("no-memory", "the domain has no memory");
        root.error(finding.instead("add <memory unit='MiB'>1024</memory> in <domain>"))
    };
    let element = root.child("memory").ok_or_else(missing)?;
    let max = mebibytes(&element)?.ok_or_else(missing)?;
    let mut now = max;
    if let Some(element) = root.child("currentMemory") {
        now = mebibytes(&element)?.unwrap_or(max);
        if now > max {
            let reason = "more than <memory>, which is the most the guest can have";
            element.mark(Finding::approximated("memory-clamped", reason).instead("raise <memory>"));
            now = max;
        }
    }
    config.b_info.max_memkb = Some(max * KIB_PER_MIB);
    config.b_info.target_memkb = Some(now * KIB_PER_MIB);
    Ok(())
}

/// The size of a memory element, rounded up to the MiB that xl counts in; `None` for an empty element.
fn mebibytes(element: &Element<'_>) -> Result<Option<u64>> {
    let Some(value) = element.text()? else {
        return Ok(None);
    };
    let number: u64 = value.number("a number of memory units")?;
    let unit = match element.attr("unit") {
        Some(unit) => bytes_per(&unit)?,
        None => 1 << 10,
    };
    let bytes = u128::from(number) * unit;
    let mib = bytes.div_ceil(1 << 20);
    // xl multiplies the MiB by 1024 in a signed 64-bit long.
    let fits = u64::try_from(mib).ok().filter(|&mib| mib > 0 && mib < 1 << 40);
    let Some(mib) = fits else {
        return Err(value.not("an amount of memory between 1 MiB and 1 EiB"));
    };
    if !bytes.is_multiple_of(1 << 20) {
        let reason = format!("xl counts memory in MiB: rounded up to {mib} MiB");
        value.mark(Finding::approximated("memory-rounded", reason).instead("write a whole number of MiB"));
    }
    Ok(Some(mib))
}

/// Bytes in libvirt's memory units: powers of 1000 with a B alone, of 1024 otherwise, whatever the case.
fn bytes_per(unit: &Value<'_>) -> Result<u128> {
    let lower = unit.text.to_ascii_lowercase();
    let base: u128 = match lower.as_str() {
        "b" | "byte" | "bytes" => return Ok(1),
        _ if lower.ends_with("ib") || lower.len() == 1 => 1024,
        _ => 1000,
    };
    let letter = lower.trim_end_matches('b').trim_end_matches('i');
    ["k", "m", "g", "t", "p", "e"]
        .iter()
        .position(|known| *known == letter)
        .and_then(|power| base.checked_pow(u32::try_from(power).ok()? + 1))
        .ok_or_else(|| unit.not("a unit: b, KiB, MiB, GiB, TiB, PiB, EiB, KB, MB, GB, TB, PB or EB"))
}

fn vcpus(root: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    let (mut max, mut now) = (1, 1);
    if let Some(element) = root.child("vcpu") {
        let count = |value: Value<'_>| -> Result<i32> {
            let expected = format!("a number of vCPUs, 1 to {MAX_VCPUS}");
            match value.number(&expected)? {
                count @ 1..=MAX_VCPUS => Ok(count),
                _ => Err(value.not(&expected)),
            }
        };
        if let Some(value) = element.text()? {
            max = count(value)?;
        }
        now = max;
        if let Some(current) = element.attr("current") {
            now = count(current)?;
            if now > max {
                return Err(current.not(&format!("a number of vCPUs up to the {max} of <vcpu>")));
            }
        }
        if let Some(placement) = element.attr("placement") {
            let automatic = placement.one_of(&[("static", false), ("auto", true)])?;
            if automatic {
                placement.mark(Finding::no_effect(
                    "placement",
                    "Xen places vCPUs by itself unless told otherwise",
                ));
            }
        }
    }
    config.b_info.max_vcpus = max;
    config.b_info.avail_vcpus = (0..now.unsigned_abs()).collect();
    Ok(())
}

fn ends(root: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    let words = [
        ("on_poweroff", ShutdownAction::Destroy, &mut config.on_poweroff),
        ("on_reboot", ShutdownAction::Restart, &mut config.on_reboot),
        ("on_crash", ShutdownAction::Destroy, &mut config.on_crash),
    ];
    for (name, default, slot) in words {
        *slot = default;
        if let Some(value) = root.child_text(name)? {
            let expected = "destroy, restart, preserve, rename-restart, coredump-destroy or coredump-restart";
            *slot = ShutdownAction::from_xl_word(value.text)
                .filter(|&action| action != ShutdownAction::SoftReset)
                .ok_or_else(|| value.not(expected))?;
        }
    }
    Ok(())
}

/// `<pm>`: ACPI sleep states, which only an HVM guest has.
fn sleep(root: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    let Some(pm) = root.child("pm") else {
        return Ok(());
    };
    let Some(hvm) = config.b_info.hvm.as_mut() else {
        pm.mark_whole(&Finding::no_effect("hvm-only", "only an HVM guest has ACPI sleep states"));
        return Ok(());
    };
    for (name, slot) in [("suspend-to-mem", &mut hvm.acpi_s3), ("suspend-to-disk", &mut hvm.acpi_s4)] {
        if let Some(enabled) = pm.child(name).and_then(|state| state.attr("enabled")) {
            set(slot, enabled.yes_no()?);
        }
    }
    Ok(())
}
