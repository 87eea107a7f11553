//! Settings of a guest's memory and boot that each are all right, and with which libxl does not build it together.

use timers::GuestKind;

use super::super::DomainConfig;
use super::super::config::{Bios, DeviceModelVersion, Hvm, VgaKind};
use super::super::release;
use super::super::version::XenVersion;
use super::refusal::{Place, Refused, at, by_libxl, has_altp2m, has_iommu, is_lent_devices};
use crate::diag::Finding;

/// The latest version of grant tables that fits into Xen's field for it.
const LAST_GRANT_VERSION: i32 = 15;

pub(super) fn refused(config: &DomainConfig, xen: XenVersion) -> Vec<Refused> {
    let hvm = config.b_info.hvm.as_ref().filter(|_| config.kind() == GuestKind::Hvm);
    let of_hvm =
        hvm.into_iter().flat_map(|hvm| [direct_boot(config), firmware(config, hvm), old_card(config, hvm)]);
    of_hvm.chain([on_demand(config), grant_version(config, xen)]).flatten().collect()
}

/// What a kernel is started with, without one.
fn direct_boot(config: &DomainConfig) -> Option<Refused> {
    let b_info = &config.b_info;
    let (keys, what): (Place, _) = match (&b_info.cmdline, &b_info.ramdisk) {
        (Some(_), _) => ((&["cmdline", "extra", "root"], "b_info.cmdline"), "a kernel's command line"),
        (None, Some(_)) => ((&["ramdisk"], "b_info.ramdisk"), "a kernel's ramdisk"),
        (None, None) => return None,
    };
    b_info.kernel.is_none().then(|| {
        let reason = format!("libxl does not start an HVM guest with {what} and without a kernel");
        by_libxl(keys, reason, "add kernel = \"/PATH\", or remove it: the guest boots from its disk")
    })
}

/// Which firmware goes with which QEMU: true for the older one, as for rombios; why libxl refuses another one, and what to
/// write.
const FIRMWARE: [(bool, &str, &str); 2] = [
    (
        true,
        "qemu-xen-traditional has rombios alone, and libxl does not start the guest with another",
        "remove device_model_version, or the firmware",
    ),
    (
        false,
        "only qemu-xen-traditional has rombios, and libxl does not start this guest with it",
        "remove it: the default is SeaBIOS",
    ),
];

fn is_traditional(config: &DomainConfig) -> bool {
    config.b_info.device_model_version == Some(DeviceModelVersion::QemuXenTraditional)
}

fn firmware(config: &DomainConfig, hvm: &Hvm) -> Option<Refused> {
    let (_, reason, instead) = FIRMWARE.into_iter().find(|(of, ..)| *of == is_traditional(config))?;
    let fits = (hvm.bios? == Bios::Rombios) == is_traditional(config);
    let place = (&["firmware", "bios", "device_model_version"][..], "b_info.type.hvm.bios");
    (!fits).then(|| by_libxl(place, reason, instead))
}

/// The older QEMU has no QXL card.
fn old_card(config: &DomainConfig, hvm: &Hvm) -> Option<Refused> {
    // One refusal of the older QEMU at a time: it is the remedy of each.
    let is_refused =
        is_traditional(config) && hvm.vga.kind == Some(VgaKind::Qxl) && firmware(config, hvm).is_none();
    is_refused.then(|| {
        let reason = "qemu-xen-traditional has no QXL card, and libxl does not start the guest";
        let keys = (&["vga", "device_model_version"][..], "b_info.type.hvm.vga.kind");
        by_libxl(keys, reason, "remove device_model_version, or write vga = \"stdvga\"")
    })
}

/// A guest with less memory than its maximum gets it page by page, as it touches it.
fn on_demand(config: &DomainConfig) -> Option<Refused> {
    let b_info = &config.b_info;
    let (target, most) = b_info.target_memkb.zip(b_info.max_memkb)?;
    if config.kind() == GuestKind::Pv || target >= most {
        return None;
    }
    let (keys, what): (&'static [&'static str], _) = match () {
        () if is_lent_devices(config) => (&["pci", "dtdev", "maxmem", "memory"], "devices of the host"),
        () if has_iommu(config) => (&["passthrough", "maxmem", "memory"], "passthrough"),
        () if has_altp2m(config) => (&["altp2m", "altp2mhvm", "maxmem", "memory"], "altp2m"),
        () if !b_info.vnuma_nodes.is_empty() => (&["vnuma", "maxmem", "memory"], "vnuma"),
        () => return None,
    };
    let reason = format!(
        "libxl does not start a guest with {what} and less memory ({} MiB) than its maximum ({} MiB)",
        target / 1024,
        most / 1024
    );
    let finding = Finding::unsupported("libxl-refuses", reason).instead_by_format(
        "write <currentMemory> as large as <memory>, or remove it",
        "write maxmem as large as memory, or remove it",
    );
    Some(at((keys, "b_info.max_memkb"), finding))
}

fn grant_version(config: &DomainConfig, xen: XenVersion) -> Option<Refused> {
    // An older libxl passes over it.
    if release::key("max_grant_version").is_some_and(|known| !known.by(xen)) {
        return None;
    }
    let version = config.b_info.max_grant_version.filter(|version| *version > LAST_GRANT_VERSION)?;
    let reason = format!("Xen has no version {version} of grant tables, and libxl does not start the guest");
    let keys = (&["max_grant_version"][..], "b_info.max_grant_version");
    Some(by_libxl(keys, reason, "write max_grant_version = 2, or remove it"))
}
