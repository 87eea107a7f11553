//! Words of xm and of other tools' files, with what xl has in their place.

/// Words of xm and of other tools, and what xl has in their place; without a successor there is nothing that they did.
pub(super) const SUCCESSORS: &[(&str, Option<&str>)] = &[
    ("vcpu", Some("vcpus")),
    ("cpus_count", Some("vcpus")),
    ("ncpus", Some("vcpus")),
    ("smp", Some("vcpus")),
    ("cores", Some("vcpus")),
    ("cpu_cores", Some("vcpus")),
    ("sockets", None),
    ("threads", None),
    ("maxcpus", Some("maxvcpus")),
    ("max_vcpus", Some("maxvcpus")),
    ("vcpu_avail", Some("maxvcpus")),
    ("cpu", Some("cpus")),
    ("cpu_cap", Some("cap")),
    ("mem", Some("memory")),
    ("ram", Some("memory")),
    ("maxmemory", Some("maxmem")),
    ("max_memory", Some("maxmem")),
    ("shadow_mem", Some("shadow_memory")),
    ("nographics", Some("nographic")),
    ("command", Some("cmdline")),
    ("append", Some("cmdline")),
    ("kernel_args", Some("cmdline")),
    ("args", Some("cmdline")),
    ("initrd", Some("ramdisk")),
    ("initramfs", Some("ramdisk")),
    ("loader", Some("firmware_override")),
    ("boot_order", Some("boot")),
    ("bootorder", Some("boot")),
    ("boot_device", Some("boot")),
    ("graphics_card", Some("vga")),
    ("guest_os_type", None),
    ("guest_os", None),
    ("os_type", None),
    ("ostype", None),
    ("machine", None),
    ("machine_type", None),
    ("arch", None),
    ("agent", None),
    ("autostart", None),
    ("onboot", None),
    ("balloon", None),
    ("scsihw", None),
    ("description", None),
    ("features", None),
    ("disks", Some("disk")),
    ("nics", Some("vif")),
    ("vifs", Some("vif")),
    ("keyboard", Some("keymap")),
    ("nestedvirt", Some("nestedhvm")),
    ("nested", Some("nestedhvm")),
    ("sched_credit_cap", Some("cap")),
    ("sched_credit_weight", Some("cpu_weight")),
    ("restart", Some("on_reboot")),
    ("audio", Some("soundhw")),
    ("sound", Some("soundhw")),
    ("vncconsole", None),
    ("on_xend_start", None),
    ("on_xend_stop", None),
    ("usbport", None),
    ("isa", None),
    ("monitor", None),
];

/// Settings of an entry of `vif` that are no keys of the file.
pub(super) const IN_VIF: [(&str, &str); 8] = [
    ("bridge", "bridge"),
    ("ifname", "vifname"),
    ("ip", "ip"),
    ("mac", "mac"),
    ("network", "bridge"),
    ("nic_model", "model"),
    ("vif_bridge", "bridge"),
    ("vifname", "vifname"),
];

/// Words of xm that became words of the kernel's command line.
pub(super) const KERNEL_WORDS: [(&str, &str); 6] = [
    ("nfs_server", "nfsroot=SERVER:PATH"),
    ("nfs_root", "nfsroot=SERVER:PATH"),
    ("dhcp", "ip=dhcp"),
    ("hostname", "ip=::::NAME:eth0:dhcp"),
    ("netmask", "ip=ADDRESS::GATEWAY:NETMASK"),
    ("gateway", "ip=ADDRESS::GATEWAY:NETMASK"),
];

/// Devices that other tools number, one key for each, and the list of xl that they are entries of.
const NUMBERED: [(&str, &str); 16] = [
    ("net", "vif"),
    ("nic", "vif"),
    ("eth", "vif"),
    ("ethernet", "vif"),
    ("vif", "vif"),
    ("disk", "disk"),
    ("ide", "disk"),
    ("sata", "disk"),
    ("scsi", "disk"),
    ("virtio", "disk"),
    ("nvme", "disk"),
    ("efidisk", "disk"),
    ("hostpci", "pci"),
    ("pci", "pci"),
    ("usb", "usbdev"),
    ("tpmstate", "vtpm"),
];

/// The list that a numbered key is an entry of: `vif` of `net0`.
pub(super) fn list_of_numbered(name: &str) -> Option<&'static str> {
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let word = if word == name { return None } else { word.trim_end_matches(['_', ':']) };
    NUMBERED.iter().find(|(known, _)| *known == word).map(|(_, list)| *list)
}
