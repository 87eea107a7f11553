//! `<devices>`, in libvirt's order.

use std::net::IpAddr;

use timers::GuestKind;

use super::element::{Element, yes_no};
use super::{screens, serial};
use crate::domain::Defbool;
use crate::domain::bridges::DEFAULT_BRIDGE;
use crate::domain::config::{
    Channel, Connection, Disk, DiskBackend, DomainConfig, Hvm, Nic, NicType, P9, Pci, UsbCtrl, UsbDev,
};
use crate::domain::libvirt::{DISK_BACKENDS, DISK_FORMATS, SOUND_CARDS, word_of};

pub(super) fn devices(config: &DomainConfig) -> Element {
    let kind = config.kind();
    let b_info = &config.b_info;
    let hvm = b_info.hvm.as_ref().filter(|_| kind == GuestKind::Hvm);
    if let Some(hvm) = hvm {
        taken_apart(hvm);
    }
    let mut found = Vec::new();
    found.extend(
        b_info.device_model.as_ref().filter(|_| hvm.is_some()).map(|path| Element::of("emulator", path)),
    );
    found.extend(config.disks.iter().filter_map(disk));
    found.extend(config.usbctrls.iter().map(usb_controller));
    let frames = b_info.max_grant_frames;
    let channels = Some(b_info.event_channels).filter(|channels| *channels != 0);
    if frames.is_some() || channels.is_some() {
        let controller = Element::new("controller").with("type", "xenbus").with("index", 0);
        found.push(controller.maybe("maxGrantFrames", frames).maybe("maxEventChannels", channels));
    }
    found.extend(config.p9s.iter().map(share));
    found.extend(config.nics.iter().filter_map(|nic| interface(nic, hvm.is_some())));
    found.extend(hvm.into_iter().flat_map(serial_ports));
    if hvm.is_none() {
        let target = Element::new("target").with("type", "xen").with("port", 0);
        found.push(Element::new("console").with("type", "pty").around([target]));
    }
    found.extend(config.channels.iter().filter_map(channel));
    if let Some(hvm) = hvm {
        let spice =
            |on: Option<Defbool>| on == Some(Defbool::True) && hvm.spice.enable == Some(Defbool::True);
        if spice(hvm.spice.vdagent) {
            let target = Element::new("target").with("type", "virtio").with("name", "com.redhat.spice.0");
            found.push(Element::new("channel").with("type", "spicevmc").around([target]));
        }
        found.extend(input(hvm));
    }
    found.extend(screens::graphics(config, hvm));
    if let Some(hvm) = hvm {
        found.extend(hvm.soundhw.as_deref().and_then(sound));
        found.extend(screens::video(config, hvm));
    }
    found.extend(config.pcidevs.iter().map(pci));
    found.extend(config.usbdevs.iter().filter_map(usb));
    if let Some(hvm) = hvm.filter(|hvm| hvm.spice.enable == Some(Defbool::True)) {
        let count = usize::try_from(hvm.spice.usbredirection).unwrap_or_default().min(4);
        let redirected = || Element::new("redirdev").with("bus", "usb").with("type", "spicevmc");
        found.extend(std::iter::repeat_with(redirected).take(count));
    }
    Element::new("devices").around(found)
}

/// The fields of an HVM guest alone: each is written here, in another file, or kept.
fn taken_apart(hvm: &Hvm) {
    let Hvm {
        firmware: _,
        bios: _,
        pae: _,
        apic: _,
        acpi: _,
        acpi_s3: _,
        acpi_s4: _,
        acpi_laptop_slate: _,
        nx: _,
        viridian: _,
        viridian_enable: _,
        viridian_disable: _,
        timeoffset: _,
        hpet: _,
        vpt_align: _,
        mmio_hole_memkb: _,
        timer_mode: _,
        nested_hvm: _,
        altp2m: _,
        system_firmware: _,
        smbios_firmware: _,
        smbios: _,
        acpi_firmware: _,
        hdtype: _,
        nographic: _,
        vga: _,
        vnc: _,
        keymap: _,
        sdl: _,
        spice: _,
        gfx_passthru: _,
        gfx_passthru_kind: _,
        serial: _,
        boot: _,
        usb: _,
        usbversion: _,
        usbdevice: _,
        vkb_device: _,
        soundhw: _,
        xen_platform_pci: _,
        xen_platform_pci_bar_uc: _,
        usbdevice_list: _,
        vendor_device: _,
        ms_vm_genid: _,
        serial_list: _,
        rdm: _,
        rdm_mem_boundary_memkb: _,
        mca_caps: _,
        pirq: _,
        rest: _,
    } = hvm;
}

fn disk(disk: &Disk) -> Option<Element> {
    let Disk {
        backend_domid: _,
        backend_domname,
        pdev_path,
        vdev,
        backend,
        format,
        script,
        removable: _,
        readwrite,
        is_cdrom,
        direct_io_safe: _,
        discard_enable,
        specification: _,
        transport: _,
        irq: _,
        base: _,
        colo_enable: _,
        colo_restore_enable: _,
        colo_host: _,
        colo_port: _,
        colo_export: _,
        active_disk: _,
        hidden_disk: _,
        trusted: _,
        grant_usage: _,
        rest: _,
    } = disk;
    let dev = vdev.as_deref()?;
    let path = pdev_path.as_deref();
    // The kernel serves block devices; a path in /dev is one, too.
    let block = script.is_some()
        || *backend == Some(DiskBackend::Phy)
        || path.is_some_and(|path| path.starts_with("/dev/"));
    let bus = match dev.get(..2) {
        Some("hd") => "ide",
        Some("sd") => "scsi",
        _ => "xen",
    };
    // Xen has no blktap any more.
    let name = backend.filter(|backend| *backend != DiskBackend::Tap);
    let name = name.and_then(|backend| word_of(DISK_BACKENDS, &backend));
    let word = format.and_then(|format| word_of(DISK_FORMATS, &format));
    let writable = *readwrite != 0;
    let discard = discard_enable.filter(|_| writable);
    let driver = Element::new("driver")
        .maybe("name", name)
        .maybe("type", word)
        .maybe("discard", discard.map(|on| if on.is_true() { "unmap" } else { "ignore" }));
    let has_driver = name.is_some() || word.is_some() || discard.is_some();
    let cdrom = *is_cdrom != 0;
    let (kind, source) = match path.filter(|path| !path.is_empty()) {
        None if cdrom => ("file", None),
        Some(path) if path.starts_with('/') => {
            let (kind, name) = if block { ("block", "dev") } else { ("file", "file") };
            (kind, Some(Element::new("source").with(name, path)))
        }
        path => ("network", Some(on_nbd(path?)?)),
    };
    Some(
        Element::new("disk")
            .with("type", kind)
            .with("device", if cdrom { "cdrom" } else { "disk" })
            .around(Some(driver).filter(|_| has_driver))
            .around(source)
            .around(backend_domname.as_ref().map(|name| Element::new("backenddomain").with("name", name)))
            .around([Element::new("target").with("dev", dev).with("bus", bus)])
            .around(script.as_ref().map(|path| Element::new("script").with("path", path)))
            .around((!writable).then(|| Element::new("readonly"))),
    )
}

/// A disk on the network, as QEMU has it: `nbd:HOST:PORT:exportname=NAME`, or `unix:PATH` in place of the host.
fn on_nbd(path: &str) -> Option<Element> {
    let rest = path.strip_prefix("nbd:")?;
    let (address, name) =
        rest.split_once(":exportname=").map_or((rest, None), |(address, name)| (address, Some(name)));
    let host = Element::new("host");
    let host = if let Some(socket) = address.strip_prefix("unix:") {
        host.with("transport", "unix").with("socket", socket)
    } else {
        let (name, port) = address.rsplit_once(':')?;
        let port: u16 = port.parse().ok()?;
        // Brackets stand around an IPv6 address before a port.
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        host.with("name", bare.unwrap_or(name)).with("port", port)
    };
    Some(Element::new("source").with("protocol", "nbd").maybe("name", name).around([host]))
}

/// True if libvirt's schema takes a name for an interface's or a bridge's.
fn is_device(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-:/".contains(c))
}

fn interface(nic: &Nic, hvm: bool) -> Option<Element> {
    let Nic {
        backend_domid: _,
        backend_domname,
        devid: _,
        mtu,
        vlan: _,
        model,
        mac,
        ip,
        bridge,
        ifname,
        script,
        nictype,
        rate_bytes_per_interval,
        rate_interval_usecs,
        gatewaydev: _,
        colo: _,
        trusted: _,
        rest: _,
    } = nic;
    // libxl's own bridge, where there is none.
    let bridge = Some(bridge.as_deref().unwrap_or(DEFAULT_BRIDGE)).filter(|name| is_device(name))?;
    let model = match nictype {
        Some(NicType::Vif) if hvm => Some("netfront"),
        _ => model.as_deref().filter(|_| hvm),
    };
    let addresses = ip.iter().flat_map(|ip| ip.split(' ')).filter(|ip| ip.parse::<IpAddr>().is_ok());
    let rate = rate_bytes_per_interval.checked_mul(1000).filter(|_| *rate_interval_usecs > 0);
    let rate = rate.map(|rate| rate / u64::from(*rate_interval_usecs)).filter(|rate| *rate > 0);
    let name = ifname.as_deref().filter(|name| is_device(name));
    let interface =
        Element::new("interface")
            .with("type", "bridge")
            .around(mac.as_ref().map(|mac| Element::new("mac").with("address", mac)))
            .around([Element::new("source").with("bridge", bridge)])
            .around(addresses.map(|ip| {
                let family = if ip.contains(':') { "ipv6" } else { "ipv4" };
                Element::new("ip").with("address", ip).with("family", family)
            }))
            .around(script.as_ref().map(|path| Element::new("script").with("path", path)))
            .around(backend_domname.as_ref().map(|name| Element::new("backenddomain").with("name", name)))
            .around(name.map(|name| Element::new("target").with("dev", name)))
            .around(model.map(|model| Element::new("model").with("type", model)))
            .around(rate.map(|rate| {
                Element::new("bandwidth").around([Element::new("outbound").with("average", rate)])
            }))
            .around((*mtu != 0).then(|| Element::new("mtu").with("size", mtu)));
    Some(interface)
}

fn serial_ports(hvm: &Hvm) -> Vec<Element> {
    let words: Vec<&String> = hvm.serial.iter().chain(&hvm.serial_list).collect();
    let ports: Option<Vec<_>> =
        words.iter().enumerate().map(|(number, word)| serial::port(number, word)).collect();
    // One without a word would move the others.
    let mut ports = ports.unwrap_or_default();
    if words.first().is_some_and(|word| *word == "pty") && !ports.is_empty() {
        let target = Element::new("target").with("type", "serial").with("port", 0);
        ports.push(Element::new("console").with("type", "pty").around([target]));
    }
    ports
}

fn channel(channel: &Channel) -> Option<Element> {
    let Channel { backend_domid: _, backend_domname: _, devid: _, name, connection, rest: _ } = channel;
    let (kind, source) = match connection {
        Connection::Pty => ("pty", None),
        Connection::Socket(Some(path)) => {
            ("unix", Some(Element::new("source").with("mode", "bind").with("path", path)))
        }
        Connection::Socket(None) | Connection::Unknown => return None,
    };
    let target = Element::new("target").with("type", "xen").with("name", name.as_ref()?);
    Some(Element::new("channel").with("type", kind).around(source).around([target]))
}

fn share(share: &P9) -> Element {
    let P9 {
        backend_domid: _,
        backend_domname: _,
        tag,
        path,
        security_model: _,
        devid: _,
        kind: _,
        max_space: _,
        max_files: _,
        max_open_files: _,
        auto_delete: _,
        rest: _,
    } = share;
    let dir = |name, dir: &Option<String>| Element::new(name).with("dir", dir.as_deref().unwrap_or_default());
    let element = Element::new("filesystem").with("type", "mount").with("accessmode", "passthrough");
    element.around([dir("source", path), dir("target", tag)])
}

fn input(hvm: &Hvm) -> Vec<Element> {
    if hvm.usb != Some(Defbool::True) {
        return Vec::new();
    }
    let words = hvm.usbdevice.iter().chain(&hvm.usbdevice_list);
    let known = words.filter(|word| matches!(word.as_str(), "tablet" | "mouse" | "keyboard"));
    known.map(|word| Element::new("input").with("type", word).with("bus", "usb")).collect()
}

fn sound(word: &str) -> Option<Element> {
    let (model, ..) = SOUND_CARDS.iter().find(|(_, known, _)| *known == word)?;
    Some(Element::new("sound").with("model", model))
}

fn usb_controller(controller: &UsbCtrl) -> Element {
    let UsbCtrl { kind: _, devid, version, ports, backend_domid: _, backend_domname: _, rest: _ } =
        controller;
    Element::new("controller")
        .with("type", "usb")
        .with("index", devid.unwrap_or_default())
        .with("model", if *version == 1 { "qusb1" } else { "qusb2" })
        .with("ports", (*ports).clamp(1, 31))
}

fn pci(pci: &Pci) -> Element {
    let Pci {
        func,
        dev,
        bus,
        domain,
        vdevfn: _,
        vfunc_mask: _,
        msitranslate: _,
        power_mgmt: _,
        permissive,
        seize,
        rdm_policy: _,
        name: _,
        rest: _,
    } = pci;
    let address = Element::new("address")
        .with("domain", format!("{domain:#06x}"))
        .with("bus", format!("{bus:#04x}"))
        .with("slot", format!("{dev:#04x}"))
        .with("function", format!("{func:#x}"));
    let source = Element::new("source").maybe("writeFiltering", permissive.then_some("no"));
    Element::new("hostdev")
        .with("mode", "subsystem")
        .with("type", "pci")
        .with("managed", yes_no(*seize))
        .around([source.around([address])])
}

fn usb(device: &UsbDev) -> Option<Element> {
    let UsbDev { ctrl: _, port: _, hostdev, rest: _ } = device;
    let host = hostdev.as_ref()?;
    let address = Element::new("address").with("bus", host.hostbus).with("device", host.hostaddr);
    let element = Element::new("hostdev").with("mode", "subsystem").with("type", "usb").with("managed", "no");
    Some(element.around([Element::new("source").around([address])]))
}
