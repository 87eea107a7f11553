//! Settings that xl accepts, and with which libxl or QEMU does not start the guest.

use std::borrow::Cow;
use std::collections::HashSet;

use timers::GuestKind;
use timers::hyperv::Viridian;

use super::DomainConfig;
use super::config::{
    Altp2m, Bios, DeviceModelVersion, DiskBackend, DiskFormat, HdType, Hvm, Passthrough, VgaKind,
};
use super::idl::Defbool;
use super::qemu;
use crate::diag::Finding;

/// A setting with which the guest does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its key in an xl.cfg.
    pub key: &'static str,
    /// Its name in libxl's JSON.
    pub field: &'static str,
    /// Which entry it is, if the key is a list.
    pub item: Option<usize>,
    /// The finding on it, with what to write in an xl.cfg.
    pub finding: Finding,
}

fn refused(
    key: &'static str,
    field: &'static str,
    reason: impl Into<Cow<'static, str>>,
    instead: impl Into<Cow<'static, str>>,
) -> Refused {
    let finding = Finding::unsupported("libxl-refuses", reason).refusing_start().instead(instead);
    Refused { key, field, item: None, finding }
}

/// Every such setting of a config.
#[must_use]
pub fn all(config: &DomainConfig) -> Vec<Refused> {
    let mut found: Vec<_> =
        [scheduling(config), passthrough(config), altp2m(config)].into_iter().flatten().collect();
    if let Some(hvm) = config.b_info.hvm.as_ref().filter(|_| config.kind() == GuestKind::Hvm) {
        found.extend(viridian(hvm));
        if config.b_info.device_model_version != Some(DeviceModelVersion::QemuXenTraditional) {
            found.extend(upstream(config, hvm));
        }
    }
    found.extend(disks(config));
    found.extend(twice(config.nics.iter().map(|nic| nic.devid.map(|devid| devid.to_string()))).map(
        |(item, devid)| {
            let reason = format!("libxl refuses a second network interface with devid {devid}");
            Refused { item: Some(item), ..refused("vif", "devid", reason, "remove devid= from every entry") }
        },
    ));
    found
}

/// What Xen's own QEMU, or libxl for it, refuses.
fn upstream(config: &DomainConfig, hvm: &Hvm) -> Vec<Refused> {
    let mut found: Vec<_> =
        [video_memory(config, hvm), spice(hvm), usb(hvm), firmware(hvm)].into_iter().flatten().collect();
    found.extend(qemu::refused_boot(hvm).map(|(reason, letters)| {
        let finding = Finding::unsupported("boot-order", reason).refusing_start();
        let finding = finding.instead(format!("write boot = \"{letters}\""));
        Refused { key: "boot", field: "boot", item: None, finding }
    }));
    for (item, nic) in config.nics.iter().enumerate() {
        found.extend(qemu::refused_card(nic).map(|(reason, card)| {
            let finding = Finding::unsupported("network-card", reason).refusing_start();
            let instead = format!("write model={card}, or type=vif for a guest with Xen's PV drivers");
            Refused { key: "vif", field: "model", item: Some(item), finding: finding.instead(instead) }
        }));
    }
    let ide = hvm.hdtype == HdType::Ide;
    for (item, disk) in config.disks.iter().enumerate() {
        let vdev = disk.vdev.as_deref().unwrap_or_default();
        if vdev.starts_with("hd") && disk.readwrite == 0 && disk.is_cdrom == 0 && ide {
            let reason = format!("libxl has no read-only IDE disks, and {vdev} is one");
            let instead = "write vdev=xvda or vdev=sda, or access=rw";
            found.push(Refused { item: Some(item), ..refused("disk", "readwrite", reason, instead) });
        }
    }
    found
}

/// libxl's least memory for a card, in MiB.
fn video_memory(config: &DomainConfig, hvm: &Hvm) -> Option<Refused> {
    let least = match hvm.vga.kind.unwrap_or(VgaKind::Cirrus) {
        VgaKind::None => return None,
        VgaKind::Cirrus => 8,
        VgaKind::Std => 16,
        VgaKind::Qxl => 128,
    };
    config.b_info.video_memkb.filter(|kib| *kib < least * 1024)?;
    let reason = format!(
        "libxl gives this graphics card at least {least} MiB of video memory, and does not start the guest with less"
    );
    Some(refused("videoram", "video_memkb", reason, format!("write videoram = {least}")))
}

fn is(value: Option<Defbool>) -> bool {
    value.is_some_and(Defbool::is_true)
}

fn spice(hvm: &Hvm) -> Option<Refused> {
    let spice = &hvm.spice;
    if !is(spice.enable) {
        return None;
    }
    if spice.port == 0 && spice.tls_port == 0 {
        let reason = "libxl starts no guest with SPICE and no port for it";
        return Some(refused("spice", "spice", reason, "add spiceport = 5900, or spicetls_port"));
    }
    if !is(spice.disable_ticketing) && spice.passwd.as_deref().is_none_or(str::is_empty) {
        let reason =
            "libxl starts no guest with SPICE that has neither a password nor spicedisable_ticketing";
        let instead = "add spicepasswd = \"...\", or spicedisable_ticketing = 1 to let anybody connect";
        return Some(refused("spice", "spice", reason, instead));
    }
    (spice.usbredirection > 4).then(|| {
        let reason = "libxl gives SPICE 1 to 4 channels for USB devices";
        refused("spiceusbredirection", "usbredirection", reason, "write spiceusbredirection = 4")
    })
}

fn usb(hvm: &Hvm) -> Option<Refused> {
    if hvm.usbversion > 3 || hvm.usbversion < 0 {
        let reason = format!("libxl has no USB version {}, and does not start the guest", hvm.usbversion);
        return Some(refused("usbversion", "usbversion", reason, "write usbversion = 3, or 1 or 2"));
    }
    let devices = is(hvm.usb) || hvm.usbdevice.is_some() || !hvm.usbdevice_list.is_empty();
    let reason = |key: &str| format!("libxl does not start a guest with {key} and usb or usbdevice");
    match (devices, hvm.usbversion > 0, hvm.spice.usbredirection > 0) {
        (true, true, _) => Some(refused(
            "usbversion",
            "usbversion",
            reason("usbversion"),
            "remove usbversion, or usb and usbdevice",
        )),
        (true, _, true) => {
            let instead = "remove spiceusbredirection, or usb and usbdevice";
            Some(refused("spiceusbredirection", "usbredirection", reason("spiceusbredirection"), instead))
        }
        _ => None,
    }
}

fn firmware(hvm: &Hvm) -> Option<Refused> {
    (hvm.bios == Some(Bios::Rombios)).then(|| {
        let reason = "only qemu-xen-traditional has rombios, and libxl does not start this guest with it";
        refused("firmware", "bios", reason, "remove it: the default is SeaBIOS")
    })
}

fn viridian(hvm: &Hvm) -> Option<Refused> {
    let out = |group: Viridian| hvm.viridian_disable.contains(&group.number());
    let on = |group: Viridian| hvm.viridian_enable.contains(&group.number()) && !out(group);
    // The default groups, with base among them.
    let base = if is(hvm.viridian) { !out(Viridian::Base) } else { on(Viridian::Base) };
    let other = Viridian::ALL.iter().find(|group| **group != Viridian::Base && on(**group));
    let group = other.copied().or(is(hvm.viridian).then_some(Viridian::Freq))?;
    (!base).then(|| {
        let reason =
            format!("libxl refuses {} and every other group of viridian without base", group.as_str());
        refused("viridian", "viridian_enable", reason, "add \"base\" to viridian")
    })
}

fn scheduling(config: &DomainConfig) -> Option<Refused> {
    let params = &config.b_info.sched_params;
    // -1 is libxl's own word for the default.
    if let Some(weight) = params.weight.filter(|weight| *weight != -1 && !(1..=65_535).contains(weight)) {
        let reason = format!("cpu_weight is {weight}, and libxl takes 1 to 65535");
        return Some(refused("cpu_weight", "weight", reason, "write cpu_weight = 256, which is the default"));
    }
    let most = config.b_info.max_vcpus.max(1).saturating_mul(100);
    let cap = params.cap.filter(|cap| *cap != -1 && !(0..=most).contains(cap))?;
    let reason = format!("cap is {cap}, and libxl takes at most 100 for each vCPU, {most} here");
    Some(refused("cap", "cap", reason, format!("write cap = {most}")))
}

fn passthrough(config: &DomainConfig) -> Option<Refused> {
    let lent = !config.pcidevs.is_empty() || !config.dtdevs.is_empty();
    (lent && config.c_info.passthrough == Passthrough::Disabled).then(|| {
        let reason =
            "libxl does not start a guest that is given devices of the host while passthrough is disabled";
        refused("passthrough", "passthrough", reason, "write passthrough = \"enabled\"")
    })
}

fn altp2m(config: &DomainConfig) -> Option<Refused> {
    let b_info = &config.b_info;
    let hvm = b_info.hvm.as_ref()?;
    let nested = is(b_info.nested_hvm) || is(hvm.nested_hvm);
    let altp2m = b_info.altp2m != Altp2m::Disabled || is(hvm.altp2m);
    (nested && altp2m).then(|| {
        let reason = "libxl does not start a guest with both nestedhvm and altp2m";
        refused("nestedhvm", "nested_hvm", reason, "remove nestedhvm or altp2m")
    })
}

fn disks(config: &DomainConfig) -> Vec<Refused> {
    let mut found: Vec<_> = twice(config.disks.iter().map(|disk| disk.vdev.clone()))
        .map(|(item, vdev)| {
            let reason = format!("libxl refuses a second disk {vdev}");
            Refused {
                item: Some(item),
                ..refused("disk", "vdev", reason, "give each disk a vdev of its own")
            }
        })
        .collect();
    for (item, disk) in config.disks.iter().enumerate() {
        let vdev = disk.vdev.as_deref().unwrap_or_default();
        let here = |field, reason, instead: &'static str| Refused {
            item: Some(item),
            ..refused("disk", field, reason, instead)
        };
        if !is_virtual_disk(vdev) {
            let reason = format!("libxl knows no disk '{vdev}', and does not start the guest");
            found.push(here(
                "vdev",
                reason,
                "write vdev=xvda and so on, vdev=hda to hdd, or vdev=sda to sdp",
            ));
        }
        let image = matches!(
            disk.format,
            Some(DiskFormat::Qcow | DiskFormat::Qcow2 | DiskFormat::Vhd | DiskFormat::Qed)
        );
        if image && disk.backend == Some(DiskBackend::Phy) {
            let reason = format!("libxl has no backend phy for the format of {vdev}");
            found.push(here("backend", reason, "remove backendtype=phy, or write backendtype=qdisk"));
        }
    }
    found
}

/// The values that come a second time, with their places.
fn twice(values: impl Iterator<Item = Option<String>>) -> impl Iterator<Item = (usize, String)> {
    let mut seen = HashSet::new();
    values.enumerate().filter_map(move |(at, value)| {
        let value = value?;
        (!seen.insert(value.clone())).then_some((at, value))
    })
}

/// True if libxl makes a disk of this name: `xvd`, `hd` or `sd` with letters and perhaps a partition, `dNpM`, or a number.
fn is_virtual_disk(vdev: &str) -> bool {
    let number =
        |text: &str, most: u32| text.is_empty() || text.parse().is_ok_and(|number: u32| number <= most);
    if vdev.starts_with(|c: char| c.is_ascii_digit()) {
        // strtoul's forms are all accepted.
        return true;
    }
    if let Some((disk, partition)) = vdev.strip_prefix('d').and_then(|rest| rest.split_once('p')) {
        return !disk.is_empty()
            && !partition.is_empty()
            && number(disk, (1 << 20) - 1)
            && number(partition, 255);
    }
    for (prefix, disks, partitions) in [("xvd", 1 << 20, 255), ("hd", 4, 63), ("sd", 16, 15)] {
        let Some(rest) = vdev.strip_prefix(prefix) else { continue };
        let letters = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let disk = rest
            .bytes()
            .take(letters)
            .fold(0_u64, |disk, letter| disk.saturating_mul(26).saturating_add(u64::from(letter - b'a') + 1));
        return (1..=disks).contains(&disk) && number(rest.get(letters..).unwrap_or_default(), partitions);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_virtual_disk;

    #[test]
    fn names_of_disks() {
        for name in
            ["xvda", "xvdaa", "xvda1", "hda", "hdd", "sda", "sdp", "sdp15", "d0p0", "d5p3", "51712", "0xca00"]
        {
            assert!(is_virtual_disk(name), "{name}");
        }
        for name in
            ["", "foo", "hde", "sdq", "xvd", "XVDA", "vda", "hda64", "sda16", "xvda256", "d1", "xvda-"]
        {
            assert!(!is_virtual_disk(name), "{name}");
        }
    }
}
