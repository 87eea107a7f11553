//! A dom0 with everything that a config names: files, block devices, scripts, backend domains.
//!
//! A file that a config names exists under another path, in the machine's own directory. Paths are mapped back, so that
//! a device model's command line shows the path in the config.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use fakexen::place;
use timers::GuestKind;
use uuid::Uuid;
use xenclock::domain::DomainConfig;
use xenclock::domain::config::{Bios, DiskBackend, DiskFormat};

use crate::contract::Stage;
use crate::stage::FakeStage;

/// Memory that a guest gets here in place of its own.
const MEMORY_KB: u64 = 48 << 10;

/// Names of dom0's in a config, and the names that stand for them.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// A text with the config's own names.
    pub fn back(&self, text: &str) -> String {
        // Longer ones first: one may begin as another does.
        let mut names: Vec<_> = self.0.iter().collect();
        names.sort_by_key(|(here, _)| std::cmp::Reverse(here.len()));
        names.into_iter().fold(text.to_owned(), |text, (here, own)| text.replace(here, own))
    }

    fn note(&mut self, here: &Path, own: &str) -> String {
        let here = here.display().to_string();
        self.0.insert(here.clone(), own.to_owned());
        here
    }
}

/// Makes dom0 have all that the config names, under names of its own, and fit the guest into this machine.
pub fn furnish(stage: &FakeStage, config: &mut DomainConfig) -> Names {
    let mut names = Names::default();
    let dir = stage.dir();
    let file = |name: &str| dir.join(name);
    let kind = config.kind();
    // Several domains of one name may be tried.
    let uuid = Uuid::new_v4();
    let own = config.c_info.name.replace(uuid.to_string());
    names.note(Path::new(&uuid.to_string()), &own.unwrap_or_default());
    config.c_info.uuid = Some(uuid);
    // The host has one pool.
    config.c_info.pool_name = None;

    let b_info = &mut config.b_info;
    // Video memory is taken from the guest's, and the card for SPICE takes the most.
    let video = b_info.video_memkb.unwrap_or(128 << 10);
    let all = MEMORY_KB + if kind == GuestKind::Hvm { video } else { 0 };
    let nodes = b_info.vnuma_nodes.len().max(1) as u64;
    let each = all / nodes / 1024 * 1024;
    for memory in [&mut b_info.max_memkb, &mut b_info.target_memkb].into_iter().flatten() {
        *memory = each * nodes;
    }
    for node in &mut b_info.vnuma_nodes {
        (node.memkb, node.pnode) = (Some(each), 0);
    }
    let model = b_info.device_model.replace(dir.join("device-model").display().to_string());
    let own = model.unwrap_or_else(|| "qemu-system-i386".to_owned());
    names.note(&file("device-model"), &own);
    if kind == GuestKind::Hvm {
        for (path, here) in [(&mut b_info.kernel, "own-kernel"), (&mut b_info.ramdisk, "own-ramdisk")] {
            if let Some(own) = path.take() {
                std::fs::write(file(here), []).unwrap();
                *path = Some(names.note(&file(here), &own));
            }
        }
    } else {
        // What the bootloader would find, a kernel alone is.
        b_info.bootloader = None;
        b_info.bootloader_args.clear();
        b_info.kernel = Some(file("kernel").display().to_string());
        b_info.ramdisk = b_info.ramdisk.take().map(|own| names.note(&file("bios"), &own));
    }
    if let Some(pvh) = b_info.pvh.as_mut().filter(|pvh| pvh.pvshim.is_some_and(|shim| shim.is_true())) {
        pvh.pvshim_path = Some(file("kernel").display().to_string());
    }
    if let Some(hvm) = b_info.hvm.as_mut() {
        let loader = file("loader").display().to_string();
        if let Some(own) = hvm.firmware.replace(loader) {
            names.note(&file("loader"), &own);
        }
        if hvm.bios != Some(Bios::Rombios) {
            hvm.system_firmware = Some(file("bios").display().to_string());
        }
        for path in [&mut hvm.acpi_firmware, &mut hvm.smbios_firmware].into_iter().flatten() {
            *path = file("bios").display().to_string();
        }
    }
    for (index, disk) in config.disks.iter_mut().enumerate() {
        let Some(own) = disk.pdev_path.clone() else { continue };
        let is_block = disk.backend == Some(DiskBackend::Phy) || own.starts_with("/dev/");
        let is_path = own.starts_with('/');
        if disk.format == Some(DiskFormat::Empty) || !is_path || disk.script.is_some() {
            continue;
        }
        // What a path has that QEMU parts its options at, the other has, too.
        let comma = if own.contains(',') { "," } else { "" };
        let here = file(&format!("disk-{index}{comma}of"));
        let _ = std::fs::remove_file(&here);
        if is_block {
            block_device(&here)
        } else {
            std::fs::write(&here, []).unwrap()
        }
        disk.pdev_path = Some(names.note(&here, &own));
    }
    lend(config);
    serve(stage, config);
    names
}

/// Has the kernel list the PCI and USB devices that the config wants to be lent, as free to be lent.
fn lend(config: &DomainConfig) {
    let bus = Path::new(place::DEVICES);
    let write = |path: PathBuf, text: &str| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for pci in &config.pcidevs {
        let address = format!("{:04x}:{:02x}:{:02x}.{:x}", pci.domain, pci.bus, pci.dev, pci.func);
        let device = bus.join("pci/devices").join(&address);
        let range = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
        write(device.join("resource"), &range.repeat(7));
        write(device.join("irq"), "11\n");
        write(device.join("class"), "0x020000\n");
        write(device.join("vendor"), "0x8086\n");
        write(device.join("device"), "0x1521\n");
        let driver = bus.join("pci/drivers/pciback");
        write(driver.join(&address).join("of-no-interest"), "");
        write(driver.join("permissive"), "");
    }
    for (index, usb) in config.usbdevs.iter().enumerate() {
        let Some(host) = &usb.hostdev else { continue };
        let device = bus.join("usb/devices").join(format!("{}-{}", host.hostbus, index + 1));
        write(device.join("busnum"), &format!("{}\n", host.hostbus));
        write(device.join("devnum"), &format!("{}\n", host.hostaddr));
        write(device.join("bDeviceClass"), "00\n");
        std::fs::create_dir_all(bus.join("usb/drivers/usbback")).unwrap();
    }
}

/// A node of a block device: nobody opens it.
fn block_device(path: &Path) {
    let name = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: a C string.
    let made = unsafe { libc::mknod(name.as_ptr(), libc::S_IFBLK | 0o600, libc::makedev(240, 1)) };
    assert_eq!(made, 0, "{}: {}", path.display(), std::io::Error::last_os_error());
}

/// Starts the domains that the config has devices of.
fn serve(stage: &FakeStage, config: &DomainConfig) {
    let disks = config.disks.iter().map(|disk| &disk.backend_domname);
    let nics = config.nics.iter().map(|nic| &nic.backend_domname);
    let shares = config.p9s.iter().map(|share| &share.backend_domname);
    let tpms = config.vtpms.iter().map(|tpm| &tpm.backend_domname);
    for name in disks.chain(nics).chain(shares).chain(tpms).flatten() {
        let there = stage.host().domains().unwrap().into_iter().any(|domain| domain.name == *name);
        if there || name.parse::<u32>().is_ok() {
            continue;
        }
        let mut config = stage.config(GuestKind::Pvh, name).map_err(|cannot| cannot.0).unwrap();
        config.c_info.driver_domain = Some(true.into());
        stage.host().create_paused(&config).unwrap();
    }
}

/// All files of a directory, for what a test names in vain.
pub fn fixtures(dir: impl Into<PathBuf>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir.into()).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(fixtures(path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
