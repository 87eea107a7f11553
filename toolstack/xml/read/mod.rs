//! Domain XML to the hub.
//!
//! Each file maps one corner of libvirt's schema. A mapping marks what it reads; `unread` says of all else why it is
//! left out. The meaning follows libvirt's Xen driver where that is right, and `docs/mapping.md` where it is not.

mod arguments;
mod boot_order;
mod channels;
mod character;
mod clock;
mod common;
mod consoles;
mod cpu;
mod disks;
mod errors;
mod features;
mod filesystems;
mod firmware;
mod general;
mod graphics;
mod guest;
mod hostdevs;
mod hyperv;
mod input;
mod kept;
mod mebibytes;
mod memory;
mod modules;
mod nics;
mod numa;
mod os;
mod security;
mod smbios;
mod sound;
mod switch;
mod tuning;
mod unread;
mod usb;
mod watchdog;
mod whole;

use super::cursor::{Element, Result, list};
use super::tree::Tree;
use crate::diag::{Errors, Finding};
use crate::domain::config::DeviceModelVersion;
use crate::domain::{Domain, Notes, Part, XenVersion};
use crate::input::Input;
use crate::mapping::{Mapping, Outcome};
use common::{backend_domain, hvm_only, placed_by_xen, set, unknown_word};
use guest::Guest;
pub(crate) use mebibytes::unit_bytes;

/// libvirt and xl both keep these numbers in a C `int`.
const MAX_INT: u32 = i32::MAX.unsigned_abs();

/// The hypervisors that libvirt's `<domain type=>` can name.
const HYPERVISORS: &[&str] = &[
    "xen",
    "kvm",
    "qemu",
    "kqemu",
    "hvf",
    "lxc",
    "uml",
    "openvz",
    "vz",
    "test",
    "vmware",
    "hyperv",
    "vbox",
    "phyp",
    "bhyve",
    "parallels",
];

/// Reads a domain XML for the newest Xen. `name` is the file's name for messages.
///
/// # Errors
/// When the input is invalid: not well-formed, or all values in it that libvirt would refuse as well.
///
/// ```
/// let xml = "<domain type='xen'><name>guest</name><memory>65536</memory><os><type>hvm</type></os></domain>";
/// let input = xenclock::xml::read("guest.xml", xml.as_bytes())?;
/// assert_eq!(input.domain.config.name(), "guest");
/// assert_eq!(input.report.losses().count(), 0);
///
/// let wrong = xenclock::xml::read("guest.xml", b"<domain type='xen'").unwrap_err();
/// assert_eq!(wrong.first().place.line, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(name: &str, bytes: &[u8]) -> std::result::Result<Input, Errors> {
    read_for(XenVersion::NEWEST, name, bytes)
}

/// Reads a domain XML for a release of Xen: what that has no key for is left out and reported.
///
/// # Errors
/// As [`read`].
pub fn read_for(xen: XenVersion, name: &str, bytes: &[u8]) -> std::result::Result<Input, Errors> {
    read_mapped(xen, &Mapping::default(), name, bytes)
}

/// Reads a domain XML for a release of Xen, with what a host has in the place of networks, volumes, bridges and paths.
///
/// # Errors
/// As [`read`].
pub fn read_mapped(
    xen: XenVersion,
    mapping: &Mapping,
    name: &str,
    bytes: &[u8],
) -> std::result::Result<Input, Errors> {
    let tree = Tree::parse(name, bytes)?;
    let (domain, mapped, report) = errors::all(&tree, xen, |root| domain(root, xen, mapping))?;
    Ok(Input { xen, mapped, ..Input::new(domain, report) })
}

fn domain(root: &Element<'_>, xen: XenVersion, mapping: &Mapping) -> Result<(Domain, Outcome)> {
    if root.name() != "domain" {
        let reason = format!("the root element is <{}>, expected <domain>", root.name());
        let finding = Finding::invalid("not-a-domain", reason)
            .instead("give the XML of one domain, such as the output of virsh dumpxml --inactive DOMAIN");
        return Err(root.error(finding));
    }
    if let Some(namespace) = root.attr("xmlns").filter(|_| root.is_foreign()) {
        let reason =
            format!("the document is in the namespace {}, where libvirt finds no domain", namespace.text);
        return Err(
            namespace.error(Finding::invalid("foreign-root", reason).instead("remove xmlns= from <domain>"))
        );
    }
    root.is(Part::Domain);
    let hypervisor = hypervisor(root)?;
    let kind = os::kind(root, hypervisor)?;
    let mut guest = Guest::new(kind, hypervisor, xen, mapping);
    let mut notes = Notes::default();
    general::read(root, &mut guest.config, &mut notes)?;
    memory::read(root, &mut guest)?;
    tuning::read(root, &mut guest)?;
    os::read(root, &mut guest)?;
    features::read(root, &mut guest)?;
    smbios::read(root, &mut guest)?;
    let clock = clock::read(root)?;
    cpu::read(root, &mut guest)?;
    numa::placement(root, &guest)?;
    security::read(root, &mut guest)?;
    if let Some(devices) = root.child("devices") {
        read_devices(&devices, &mut guest)?;
    } else {
        graphics::none(&mut guest.config);
    }
    arguments::read(root, &mut guest);
    usb::finish(&mut guest);
    boot_order::finish(&mut guest, root.children("os").next().as_ref());
    memory::finish(root, &mut guest);
    let mut domain = Domain { notes, ..Domain::new(guest.config, clock) };
    kept::read(root, &mut domain)?;
    mapping.apply(&mut domain.config, &mut guest.mapped);
    Ok((domain, guest.mapped))
}

fn read_devices<'t>(devices: &Element<'t>, guest: &mut Guest<'t>) -> Result<()> {
    emulator(devices, guest)?;
    controllers(devices, guest)?;
    disks::read(devices, guest)?;
    nics::read(devices, guest)?;
    hostdevs::read(devices, guest)?;
    graphics::read(devices, guest)?;
    channels::read(devices, guest)?;
    consoles::read(devices, guest)?;
    input::read(devices, guest);
    sound::read(devices, guest);
    filesystems::read(devices, guest)?;
    watchdog::read(devices, guest)?;
    for balloon in devices.children("memballoon") {
        balloon.mark_whole(&Finding::no_effect("own-balloon", "every guest on Xen has Xen's balloon"));
    }
    Ok(())
}

/// The hypervisor that the XML was written for. What XML for Xen leaves out means what libvirt's Xen driver makes of it.
fn hypervisor<'t>(root: &Element<'t>) -> Result<&'t str> {
    if let Some(id) = root.attr("id") {
        id.mark(Finding::no_effect("live-state", "the ID of a running domain; each start assigns a new one"));
    }
    let Some(hypervisor) = root.attr("type") else {
        return Ok("xen");
    };
    match hypervisor.text {
        "xen" => Ok(hypervisor.text),
        other if HYPERVISORS.contains(&other) => {
            hypervisor
                .mark(Finding::no_effect("hypervisor", format!("written for {other}; here it runs on Xen")));
            Ok(other)
        }
        _ => {
            let mut error = hypervisor
                .not(&format!("a hypervisor that libvirt knows: {}", list(HYPERVISORS.iter().copied())));
            error.finding.alternative = hypervisor.meant(HYPERVISORS.iter().copied()).map(Into::into);
            Err(error)
        }
    }
}

fn emulator(devices: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let Some(element) = devices.child("emulator") else { return Ok(()) };
    if element.attr("type").is_some_and(|kind| kind.text == "stubdom-linux") && guest.is_hvm() {
        stub_domain(&element, guest)?;
    }
    let Some(path) = element.text()? else { return Ok(()) };
    if !guest.for_xen {
        let reason = "the emulator of another hypervisor; Xen has its own device model";
        path.mark(Finding::no_effect("other-emulator", reason));
    } else if !guest.is_hvm() {
        path.mark(Finding::no_effect("no-device-model", "only an HVM guest has a device model"));
    } else if path.text.rsplit('/').next().is_some_and(|name| name.starts_with("qemu-dm")) {
        let reason =
            "qemu-dm is the old device model, which Xen no longer includes; its present QEMU is used";
        path.mark(Finding::approximated("old-emulator", reason));
    } else {
        guest.config.b_info.device_model = Some(path.text.to_owned());
        guest.config.b_info.device_model_version = Some(DeviceModelVersion::QemuXen);
    }
    Ok(())
}

/// A device model in a domain of its own, as Qubes' libvirt has it.
fn stub_domain(element: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let text = |name| element.attr(name).map(|value| value.text.to_owned());
    let b_info = &mut guest.config.b_info;
    set(&mut b_info.device_model_stubdomain, true);
    b_info.device_model_version = Some(DeviceModelVersion::QemuXen);
    b_info.stubdomain_kernel = text("kernel");
    b_info.stubdomain_ramdisk = text("ramdisk");
    b_info.stubdomain_cmdline = text("cmdline").filter(|line| !line.is_empty());
    if let Some(memory) = element.attr("memory") {
        b_info.stubdomain_memkb = Some(mebibytes::in_mebibytes(&memory, None)? * mebibytes::KIB_PER_MIB);
    }
    Ok(())
}

/// Controllers: libxl makes those it needs by itself; xenbus and Xen's own USB controllers have settings that it takes.
fn controllers(devices: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    for controller in devices.children("controller") {
        match controller.attr("type").map(|kind| kind.text) {
            Some("xenbus") => xenbus(&controller.take(), guest)?,
            Some("usb") => usb::controller(&controller, guest)?,
            _ => {
                let effect = "libxl gives a guest the controllers that its devices need";
                controller.mark_whole(&Finding::no_effect("own-controllers", effect));
            }
        }
    }
    Ok(())
}

fn xenbus(controller: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    if let Some(index) = controller.attr("index") {
        index.mark(Finding::no_effect("one-xenbus", "a guest has one xenbus"));
    }
    let b_info = &mut guest.config.b_info;
    if let Some(frames) = controller.attr("maxGrantFrames") {
        // As for libvirt, 0 is none that was given.
        let number = frames.at_most(MAX_INT, "a number of grant frames")?;
        b_info.max_grant_frames = (number > 0).then_some(number).or(b_info.max_grant_frames);
    }
    if let Some(channels) = controller.attr("maxEventChannels") {
        let number = channels.at_most(MAX_INT, "a number of event channels")?;
        b_info.event_channels = if number > 0 { number } else { b_info.event_channels };
    }
    placed_by_xen(controller);
    Ok(())
}
