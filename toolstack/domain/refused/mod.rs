//! Settings that xl accepts, and with which libxl or QEMU does not start the guest.

mod build;
mod devices;
mod disks;
mod refusal;
mod screens;
mod vnuma;

use quick_xml::escape::escape;
use timers::GuestKind;
use timers::hyperv::Viridian;

use super::DomainConfig;
use super::config::{DeviceModelVersion, DiskBackend, Hvm, IoportRange, Passthrough};
use super::idl::Defbool;
use super::qemu;
use super::sound;
use super::version::{XenVersion, four};
use crate::diag::Finding;
pub use refusal::Refused;
use refusal::{VIF, at, by_libxl, by_xen, has_altp2m, has_iommu, is, is_lent_devices, twice};

/// 128 TiB in KiB: Xen addresses less.
const MOST_MEMORY: u64 = 128 << 30;

/// The last I/O port of a PC.
const LAST_PORT: u64 = 0xffff;

/// The release that asks hap for altp2m.
const ALTP2M_BY_HAP: XenVersion = four(19);

/// Every such setting of a config, on this release of Xen.
#[must_use]
pub fn all(config: &DomainConfig, xen: XenVersion) -> Vec<Refused> {
    let one = [
        scheduling(config),
        passthrough(config),
        altp2m(config, xen),
        memory(config),
        vmtrace(config),
        cpuid(config),
        vnuma::refused(config),
        grants(config),
        ports(config),
        arguments(config),
        firmware_config(config),
    ];
    let mut found: Vec<_> = one.into_iter().chain([sound(config, xen)]).flatten().collect();
    if let Some(hvm) = config.b_info.hvm.as_ref().filter(|_| config.kind() == GuestKind::Hvm) {
        found.extend(viridian(hvm));
        if config.b_info.device_model_version != Some(DeviceModelVersion::QemuXenTraditional) {
            found.extend(upstream(config, hvm, xen));
        }
    }
    found.extend([name(config), screens::keymap(config), screens::vnc(config)].into_iter().flatten());
    found.extend(build::refused(config, xen));
    found.extend(disks::refused(config, xen));
    found.extend(devices::refused(config));
    found.extend(twice(config.nics.iter().map(|nic| nic.devid)).map(|(item, devid)| {
        let reason = format!("libxl refuses a second network interface with devid {devid}");
        by_libxl(VIF, reason, "remove devid= from every entry").in_entry(item)
    }));
    found
}

/// libxl does not start a guest with a sound card that it does not know.
fn sound(config: &DomainConfig, xen: XenVersion) -> Option<Refused> {
    let card = sound::unknown_card(config, xen)?;
    let (why, instead) = match sound::card_in(card) {
        Some(known) => (": it gives a guest one card", format!("write soundhw = \"{known}\"")),
        None => ("", format!("write soundhw = \"{}\"", sound::CARDS.join("\" or \""))),
    };
    let reason = format!("libxl has no sound card '{card}', and does not start the guest{why}");
    Some(at(
        (&["soundhw"], "b_info.type.hvm.soundhw"),
        Finding::unsupported("sound", reason).instead(instead),
    ))
}

/// What Xen's own QEMU, or libxl for it, refuses.
fn upstream(config: &DomainConfig, hvm: &Hvm, xen: XenVersion) -> Vec<Refused> {
    let mut found: Vec<_> = usb(hvm).into_iter().collect();
    found.extend(screens::refused(config, hvm));
    found.extend(qemu::refused_boot(hvm).map(|(reason, letters)| {
        let finding =
            Finding::unsupported("boot-order", reason).instead(format!("write boot = \"{letters}\""));
        at((&["boot"], "b_info.type.hvm.boot"), finding)
    }));
    for (item, nic) in config.nics.iter().enumerate() {
        found.extend(qemu::refused_card(nic).map(|(reason, card)| {
            let instead = format!("write model={card}, or type=vif for a guest with Xen's PV drivers");
            at(VIF, Finding::unsupported("network-card", reason).instead(instead)).in_entry(item)
        }));
    }
    found.extend([serial(config, hvm), usb_device(hvm, xen)].into_iter().flatten());
    found.extend(disks::emulated(config, hvm));
    found
}

fn usb(hvm: &Hvm) -> Option<Refused> {
    if hvm.usbversion > 3 || hvm.usbversion < 0 {
        let reason = format!("libxl has no USB version {}, and does not start the guest", hvm.usbversion);
        return Some(by_libxl(
            (&["usbversion", "usb", "usbdevice"], "b_info.type.hvm.usbversion"),
            reason,
            "write usbversion = 3, or 1 or 2",
        ));
    }
    let devices = is(hvm.usb) || hvm.usbdevice.is_some() || !hvm.usbdevice_list.is_empty();
    let reason = |key: &str| format!("libxl does not start a guest with {key} and usb or usbdevice");
    match (devices, hvm.usbversion > 0, hvm.spice.usbredirection > 0) {
        (true, true, _) => Some(by_libxl(
            (&["usbversion", "usb", "usbdevice"], "b_info.type.hvm.usbversion"),
            reason("usbversion"),
            "remove usbversion, or usb and usbdevice",
        )),
        (true, _, true) => {
            let instead = "remove spiceusbredirection, or usb and usbdevice";
            Some(by_libxl(
                (&["spiceusbredirection"], "b_info.type.hvm.spice.usbredirection"),
                reason("spiceusbredirection"),
                instead,
            ))
        }
        _ => None,
    }
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
        by_libxl((&["viridian"], "b_info.type.hvm.viridian_enable"), reason, "add \"base\" to viridian")
    })
}

fn scheduling(config: &DomainConfig) -> Option<Refused> {
    let params = &config.b_info.sched_params;
    // -1 is libxl's own word for the default.
    if let Some(weight) = params.weight.filter(|weight| *weight != -1 && !(1..=65_535).contains(weight)) {
        let reason = format!("cpu_weight is {weight}, and libxl takes 1 to 65535");
        return Some(by_libxl(
            (&["cpu_weight"], "b_info.sched_params.weight"),
            reason,
            "write cpu_weight = 256",
        ));
    }
    let most = config.b_info.max_vcpus.max(1).saturating_mul(100);
    let cap = params.cap.filter(|cap| *cap != -1 && !(0..=most).contains(cap))?;
    let reason = format!("cap is {cap}, and libxl takes at most 100 for each vCPU, {most} here");
    Some(by_libxl(
        (&["cap", "vcpus", "maxvcpus"], "b_info.sched_params.cap"),
        reason,
        format!("write cap = {most}"),
    ))
}

fn passthrough(config: &DomainConfig) -> Option<Refused> {
    let lent = is_lent_devices(config);
    if config.kind() == GuestKind::Pvh && (lent || has_iommu(config)) {
        let (reason, instead) =
            ("libxl gives a PVH guest no devices of the host", "remove it, or write type = \"hvm\"");
        return Some(by_libxl((&["pci", "passthrough", "dtdev"], "c_info.passthrough"), reason, instead));
    }
    (lent && config.c_info.passthrough == Passthrough::Disabled).then(|| {
        let reason =
            "libxl does not start a guest that is given devices of the host while passthrough is disabled";
        by_libxl(
            (&["passthrough", "pci", "dtdev"], "c_info.passthrough"),
            reason,
            "write passthrough = \"enabled\"",
        )
    })
}

/// What Xen refuses of nested virtualization and of several views of the guest's memory.
fn altp2m(config: &DomainConfig, xen: XenVersion) -> Option<Refused> {
    let b_info = &config.b_info;
    if config.kind() == GuestKind::Pv {
        return None;
    }
    let hvm = b_info.hvm.as_ref();
    let nested = is(b_info.nested_hvm) || hvm.is_some_and(|hvm| is(hvm.nested_hvm));
    let altp2m = has_altp2m(config);
    let shadow = config.c_info.hap == Some(Defbool::False);
    if nested && shadow {
        let reason = "Xen has no nested virtualization without hap, and does not start the guest";
        return Some(
            by_xen((&["nestedhvm", "hap"], "b_info.nested_hvm"), reason, "remove hap = 0, or nestedhvm")
                .or_in_xml("remove <hap state='off'/>, or the features vmx and svm of <cpu>"),
        );
    }
    if altp2m && shadow && xen >= ALTP2M_BY_HAP {
        let reason = "Xen has no altp2m without hap, and does not start the guest";
        let keys: &[&str] = &["altp2m", "altp2mhvm", "hap"];
        return Some(by_xen((keys, "b_info.altp2m"), reason, "remove hap = 0, or altp2m"));
    }
    (nested && altp2m).then(|| {
        let reason = "libxl does not start a guest with both nestedhvm and altp2m";
        by_libxl(
            (&["nestedhvm", "altp2m", "altp2mhvm"], "b_info.nested_hvm"),
            reason,
            "remove nestedhvm or altp2m",
        )
    })
}

/// xl takes a negative number for one near 2^64.
fn memory(config: &DomainConfig) -> Option<Refused> {
    let b_info = &config.b_info;
    let most = b_info.max_memkb.max(b_info.target_memkb).filter(|kib| *kib > MOST_MEMORY)?;
    let reason = format!(
        "xl reads this as {} MiB, which no host has, and libxl does not start the guest",
        most / 1024
    );
    let instead = "write the size in MiB, as in memory = 512";
    Some(by_libxl((&["memory", "maxmem"], "b_info.max_memkb"), reason, instead))
}

/// libxl rounds the buffer up to whole pages, and Xen takes a power of two.
fn vmtrace(config: &DomainConfig) -> Option<Refused> {
    let kib = config.b_info.vmtrace_buf_kb;
    let rounded = i64::from(kib).max(0).checked_add(3)? / 4 * 4;
    let fits = (4..=64 << 10).contains(&rounded) && rounded.count_ones() == 1;
    if kib != 0 && config.kind() == GuestKind::Pv {
        let reason = "Xen has no trace buffer for a PV guest, and does not start it";
        return Some(by_xen((&["vmtrace_buf_kb"], "b_info.vmtrace_buf_kb"), reason, "remove it"));
    }
    (kib != 0 && !fits).then(|| {
        let reason = format!(
            "Xen has no trace buffer of {kib} KiB, only of powers of two from 4 to 65536, and does not start the guest"
        );
        let instead = "write vmtrace_buf_kb = 64";
        by_xen((&["vmtrace_buf_kb"], "b_info.vmtrace_buf_kb"), reason, instead)
    })
}

fn grants(config: &DomainConfig) -> Option<Refused> {
    (config.b_info.max_grant_frames == Some(0)).then(|| {
        let reason = "Xen starts no guest without grant frames";
        by_xen((&["max_grant_frames"], "b_info.max_grant_frames"), reason, "write max_grant_frames = 64")
            .or_in_xml("write maxGrantFrames='64'")
    })
}

fn ports(config: &DomainConfig) -> Option<Refused> {
    let last = |range: &&IoportRange| u64::from(range.first) + u64::from(range.number.max(1)) - 1;
    let range = config.b_info.ioports.iter().find(|range| last(range) > LAST_PORT)?;
    let reason = format!(
        "a PC has I/O ports up to ffff, and libxl does not start the guest with {:x}-{:x}",
        range.first,
        last(&range)
    );
    let instead = "write ports from 0 to ffff, in hexadecimal digits";
    Some(by_libxl((&["ioports"], "b_info.ioports"), reason, instead))
}

/// QEMU takes each argument as it is.
fn arguments(config: &DomainConfig) -> Option<Refused> {
    let of_kind =
        if config.kind() == GuestKind::Hvm { &config.b_info.extra_hvm } else { &config.b_info.extra_pv };
    let several = |argument: &&String| argument.starts_with('-') && argument.contains(' ');
    let argument = config.b_info.extra.iter().chain(of_kind).find(several)?;
    let reason = format!("QEMU takes '{argument}' for one option, which it does not have, and exits");
    let arguments = qemu::arguments_in(argument);
    let each = |write: &dyn Fn(&str) -> String| arguments.iter().map(|word| write(word)).collect::<Vec<_>>();
    let words = each(&|word| format!("\"{word}\"")).join(", ");
    let values = each(&|word| format!("value='{}'", escape(word))).join(", ");
    let finding = Finding::unsupported("qemu-argument", reason)
        .instead_by_format(format!("write an arg element for each: {values}"), format!("write {words}"));
    let keys = &["device_model_args", "device_model_args_hvm", "device_model_args_pv"];
    Some(at((keys, "b_info.extra"), finding))
}

/// On Xen, QEMU makes the device for `-fw_cfg` only where it loads a kernel.
fn firmware_config(config: &DomainConfig) -> Option<Refused> {
    let b_info = &config.b_info;
    let arguments = || b_info.extra.iter().chain(&b_info.extra_hvm);
    let is_asked = config.kind() == GuestKind::Hvm && arguments().any(|argument| argument == "-fw_cfg");
    (is_asked && b_info.kernel.is_none()).then(|| {
        let reason = "QEMU on Xen has a fw_cfg device only for a guest with a kernel, and exits";
        let finding = Finding::unsupported("qemu-argument", reason).instead_by_format(
            "remove -fw_cfg and its value, or add <kernel>/PATH</kernel> in <os>",
            "remove -fw_cfg and its value, or add kernel = \"/PATH\"",
        );
        at((&["device_model_args", "device_model_args_hvm"], "b_info.extra_hvm"), finding)
    })
}

/// libxl takes a letter for each bit.
fn cpuid(config: &DomainConfig) -> Option<Refused> {
    let leaves = &config.b_info.cpuid.cpuid;
    let registers = leaves.iter().flat_map(|leaf| [&leaf.eax, &leaf.ebx, &leaf.ecx, &leaf.edx]);
    let letter = registers.flatten().flat_map(|bits| bits.chars()).find(|bit| !"01xks".contains(*bit))?;
    let reason = format!("libxl does not take '{letter}' for a bit of CPUID, and does not start the guest");
    let instead = "write x, libxl's default, in its place, or 0, 1, k or s";
    Some(by_libxl((&["cpuid"], "b_info.cpuid"), reason, instead))
}

/// libxl gives QEMU the guest's name as it is, among options: that of an HVM guest, or one that serves a PV or PVH guest.
fn name(config: &DomainConfig) -> Option<Refused> {
    let served = config.disks.iter().any(|disk| disk.backend == Some(DiskBackend::Qdisk));
    if config.kind() != GuestKind::Hvm && !served && config.vfbs.is_empty() {
        return None;
    }
    let (reason, instead) = qemu::refused_name(config.name())?;
    let finding = Finding::unsupported("guest-name", reason).instead_by_format(
        format!("write <name>{}</name>", escape(&instead)),
        format!("write name = \"{instead}\""),
    );
    Some(at((&["name"], "c_info.name"), finding))
}

fn serial(config: &DomainConfig, hvm: &Hvm) -> Option<Refused> {
    let mut ports = hvm.serial.iter().chain(&hvm.serial_list);
    let args = || config.b_info.extra.iter().chain(&config.b_info.extra_hvm);
    let (reason, instead) = ports.find_map(|port| qemu::refused_serial_port(port, args()))?;
    let finding = Finding::unsupported("serial-port", reason).instead(instead);
    Some(at((&["serial"], "b_info.type.hvm.serial"), finding))
}

fn usb_device(hvm: &Hvm, xen: XenVersion) -> Option<Refused> {
    let devices: Vec<_> = hvm.usbdevice.iter().chain(&hvm.usbdevice_list).map(String::as_str).collect();
    let device = *devices.iter().find(|device| !qemu::is_usb_device(device, xen))?;
    let reason = format!("QEMU has no USB device '{device}', and does not start the guest");
    let finding =
        Finding::unsupported("usb-device", reason).instead(qemu::instead_of_usb_device(device, &devices));
    Some(at((&["usbdevice"], "b_info.type.hvm.usbdevice"), finding))
}
