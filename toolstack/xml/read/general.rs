//! Name, UUID, notes, generation ID, and actions at the end of a guest.

use uuid::Uuid;

use super::super::cursor::{Element, Result};
use super::{common, set};
use crate::diag::Finding;
use crate::domain::{DomainConfig, Notes, Part, ShutdownAction};

pub(super) fn read(root: &Element<'_>, config: &mut DomainConfig, notes: &mut Notes) -> Result<()> {
    names(root, config)?;
    generation(root, config)?;
    notes_of(root, notes)?;
    ends(root, config)?;
    sleep(root, config)
}

fn names(root: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    if let Some(element) = root.child("name")
        && let Some(name) = element.text()?
    {
        // libvirt's own rule; a slash would also lead out of libxl's directories.
        if name.text.contains(['/', '\n']) {
            return Err(name.not("a domain's name: it must not contain '/' or a line break"));
        }
        element.is(Part::Name);
        config.c_info.name = Some(name.text.to_owned());
    } else {
        let finding = Finding::invalid("no-name", "the domain has no name");
        root.lacks("name", finding, "<name>NAME</name>");
    }
    if let Some(uuid) = root.child_text("uuid")? {
        let parsed = common::uuid(&uuid, "a UUID such as 2147d599-9cc6-40dc-92ab-4064b5446e9b")?;
        if parsed.is_nil() {
            let reason = "libxl takes a UUID of zeros for none, and each start generates another";
            uuid.mark(
                Finding::approximated("nil-uuid", reason).instead("write a UUID, for example from uuidgen"),
            );
        }
        config.c_info.uuid = (!parsed.is_nil()).then_some(parsed);
    }
    Ok(())
}

/// The VM generation ID, which Windows looks at.
fn generation(root: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    let Some(element) = root.children("genid").next() else { return Ok(()) };
    let Some(hvm) = config.b_info.hvm.as_mut() else {
        element.mark_whole(&Finding::no_effect("hvm-only", "only an HVM guest has a generation ID"));
        return Ok(());
    };
    let element = element.take();
    let own = config.c_info.uuid;
    let id: Uuid = match (element.text()?, own) {
        (Some(text), _) => common::uuid(&text, "a GUID such as 43dc0cf8-809b-4adb-9bea-a9abb5f3d90e")?,
        (None, Some(own)) => {
            let reason =
                "libvirt generates an ID when it defines the guest; the domain's UUID is used instead";
            let instead = "write <genid>ID</genid> with the ID that virsh dumpxml shows";
            element.mark(Finding::approximated("genid", reason).instead(instead));
            own
        }
        (None, None) => {
            let reason =
                "libvirt generates an ID when it defines the guest; without one the guest has none on Xen";
            let finding = Finding::unsupported("genid", reason);
            element.mark(
                finding
                    .instead("write <genid>ID</genid> with an ID from uuidgen")
                    .instead_in_file("add ms_vm_genid = \"generate\" to the xl.cfg"),
            );
            return Ok(());
        }
    };
    if id.is_nil() {
        let reason = "libxl takes an ID of zeros for none: the guest has no generation ID";
        element.mark(
            Finding::unsupported("genid", reason)
                .instead("write <genid>ID</genid> with an ID from uuidgen")
                .instead_in_file("add ms_vm_genid = \"generate\" to the xl.cfg"),
        );
        return Ok(());
    }
    element.is(Part::GenerationId);
    // The guest reads it as Windows lays out a GUID.
    hvm.ms_vm_genid = id.to_bytes_le();
    Ok(())
}

/// libosinfo's ID of the operating system, as virt-manager and others note it.
fn system(metadata: &Element<'_>) -> Option<String> {
    let local = |element: &Element<'_>| element.name().rsplit(':').next() == Some("libosinfo");
    let systems = metadata.elements().filter(local).flat_map(|libosinfo| libosinfo.elements());
    let id = systems
        .filter(|system| system.name().rsplit(':').next() == Some("os"))
        .find_map(|system| system.attr("id"))?;
    id.is(Part::System);
    Some(id.text.to_owned())
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
        notes.system = system(&metadata);
        notes.metadata = of_others(&metadata);
    }
    Ok(())
}

/// The metadata as written, without what is kept there by this program.
fn of_others(metadata: &Element<'_>) -> Option<String> {
    let Some(kept) = super::kept::element(metadata) else { return Some(metadata.raw().to_owned()) };
    let rest = metadata.raw().replacen(kept.raw(), "", 1);
    metadata.elements().nth(1).is_some().then_some(rest)
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
            if name == "on_crash" && value.text == "preserve-running" {
                let reason = "Xen stops a guest that has crashed, and preserves it";
                value.mark(Finding::approximated("crash-running", reason).instead("write preserve"));
                *slot = ShutdownAction::Preserve;
                continue;
            }
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
