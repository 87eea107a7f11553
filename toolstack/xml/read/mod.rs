//! Domain XML to the hub.
//!
//! Each file maps one corner of libvirt's schema. A mapping marks what it reads; `unread` says of all else why it is
//! left out. The meaning follows libvirt's Xen driver where that is right, and `docs/mapping.md` where it is not.

mod clock;
mod consoles;
mod disks;
mod features;
mod general;
mod nics;
mod os;
mod screens;
mod unread;

use timers::{GuestClock, GuestKind};

use super::cursor::{Element, Ledger, Result, list};
use super::tree::Tree;
use crate::diag::{Finding, Report};
use crate::domain::config::DeviceModelVersion;
use crate::domain::{Defbool, Domain, DomainConfig, Part};

/// A domain as read, with what became of each node of its XML.
#[derive(Clone, Debug)]
pub struct Input {
    /// The domain.
    pub domain: Domain,
    /// The report on its input.
    pub report: Report,
}

impl Input {
    /// A domain and its report. What the report refuses to start, the domain refuses too, for whoever has only that.
    #[must_use]
    pub fn new(mut domain: Domain, report: Report) -> Self {
        domain.refusals = report.refusals().map(|refused| refused.finding).collect();
        Input { domain, report }
    }
}

/// libvirt and xl both keep these numbers in a C `int`.
const MAX_INT: u32 = i32::MAX.unsigned_abs();

/// The hypervisors that libvirt's `<domain type=>` can name.
const HYPERVISORS: &[&str] = &[
    "xen",
    "kvm",
    "qemu",
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

/// Reads a domain XML. `name` is the file's name for messages.
///
/// # Errors
/// When the input is invalid: not well-formed, or a value that libvirt would refuse as well.
pub fn read(name: &str, bytes: &[u8]) -> Result<Input> {
    let tree = Tree::parse(name, bytes)?;
    let ledger = Ledger::new(&tree);
    let root = ledger.root();
    let domain = domain(&root)?;
    Ok(Input::new(domain, ledger.into_report(unread::finding)))
}

fn domain(root: &Element<'_>) -> Result<Domain> {
    if root.name() != "domain" {
        let reason = format!("the root element is <{}>, expected <domain>", root.name());
        let finding = Finding::invalid("not-a-domain", reason)
            .instead("give the XML of one domain, as from: virsh dumpxml --inactive DOMAIN");
        return Err(root.error(finding));
    }
    root.is(Part::Domain);
    let for_xen = hypervisor(root)?;
    let kind = os::kind(root)?;
    let mut domain = Domain::new(DomainConfig::new(kind), GuestClock::default());
    let config = &mut domain.config;
    general::read(root, config, &mut domain.notes)?;
    os::read(root, config)?;
    features::read(root, config, for_xen)?;
    domain.clock = clock::read(root)?;
    processor(root);
    if let Some(devices) = root.child("devices") {
        emulator(&devices, config, for_xen)?;
        disks::read(&devices, config)?;
        nics::read(&devices, config)?;
        screens::read(&devices, config)?;
        consoles::read(&devices, config)?;
        controllers(&devices, config)?;
    } else {
        screens::none(config);
    }
    Ok(domain)
}

/// Whether the XML was written for Xen: what it leaves out then means what libvirt's Xen driver makes of it.
fn hypervisor(root: &Element<'_>) -> Result<bool> {
    if let Some(id) = root.attr("id") {
        id.mark(Finding::no_effect(
            "live-state",
            "the number of a running domain; each start gives a new one",
        ));
    }
    let Some(hypervisor) = root.attr("type") else {
        return Ok(true);
    };
    match hypervisor.text {
        "xen" => Ok(true),
        other if HYPERVISORS.contains(&other) => {
            hypervisor
                .mark(Finding::no_effect("hypervisor", format!("written for {other}; here it runs on Xen")));
            Ok(false)
        }
        _ => Err(hypervisor
            .not(&format!("a hypervisor that libvirt knows: {}", list(HYPERVISORS.iter().copied())))),
    }
}

/// `<cpu>` itself says nothing; what is in it is looked at node by node.
fn processor(root: &Element<'_>) {
    let _ = root.child("cpu");
}

fn emulator(devices: &Element<'_>, config: &mut DomainConfig, for_xen: bool) -> Result<()> {
    let Some(element) = devices.child("emulator") else {
        return Ok(());
    };
    let Some(path) = element.text()? else {
        return Ok(());
    };
    if !for_xen {
        path.mark(Finding::no_effect(
            "other-emulator",
            "the emulator of another hypervisor; Xen brings its own device model",
        ));
    } else if config.kind() == GuestKind::Hvm {
        config.b_info.device_model = Some(path.text.to_owned());
        config.b_info.device_model_version = Some(DeviceModelVersion::QemuXen);
    } else {
        path.mark(Finding::no_effect("no-device-model", "only an HVM guest has a device model"));
    }
    Ok(())
}

/// Controllers: libxl makes those it needs by itself; only xenbus has settings that it takes.
fn controllers(devices: &Element<'_>, config: &mut DomainConfig) -> Result<()> {
    for controller in devices.children("controller") {
        let own = match controller.attr("type").map(|kind| kind.text) {
            Some("xenbus") => {
                let controller = controller.take();
                if let Some(index) = controller.attr("index") {
                    index.mark(Finding::no_effect("one-xenbus", "there is one xenbus"));
                }
                if let Some(frames) = controller.attr("maxGrantFrames") {
                    config.b_info.max_grant_frames =
                        Some(frames.at_most(MAX_INT, "a number of grant frames")?);
                }
                if let Some(channels) = controller.attr("maxEventChannels") {
                    config.b_info.event_channels = channels.at_most(MAX_INT, "a number of event channels")?;
                }
                continue;
            }
            Some("usb") => controller.attr("model").is_none_or(|model| !model.text.starts_with("qusb")),
            Some("ide" | "fdc" | "pci" | "sata" | "scsi" | "isa") => true,
            _ => false,
        };
        if own {
            let reason = "libxl gives an HVM guest the controllers that its devices need";
            controller.mark_whole(&Finding::no_effect("own-controllers", reason));
        }
    }
    for balloon in devices.children("memballoon") {
        balloon.mark_whole(&Finding::no_effect("own-balloon", "every guest on Xen has Xen's balloon"));
    }
    Ok(())
}

/// Sets a defbool, and says whether it was set.
fn set(field: &mut Option<Defbool>, value: bool) {
    *field = Some(value.into());
}

/// Addresses and aliases of devices: libvirt's own bookkeeping.
fn placed_by_xen(device: &Element<'_>) {
    for name in ["address", "alias"] {
        if let Some(child) = device.child(name) {
            child.mark_whole(&Finding::no_effect("own-address", "libxl places and names devices by itself"));
        }
    }
}
