//! Advice on an image that is read as raw, though its name is that of another format.

use crate::diag::Finding;
use crate::domain::config::{Disk, DiskFormat};
use crate::domain::images::format_of_name;
use crate::domain::libvirt::{DISK_FORMATS, value_of};
use crate::domain::{Domain, Part};

/// The end of the name of a VMware image's content, which is raw.
const FLAT: &str = "-flat.vmdk";

pub(super) fn advice(domain: &Domain) -> impl Iterator<Item = (Part, Finding)> {
    let disks = domain.config.disks.iter().enumerate();
    disks.filter_map(|(index, disk)| Some((Part::Disk(index), of_disk(disk)?)))
}

fn of_disk(disk: &Disk) -> Option<Finding> {
    let path =
        disk.pdev_path.as_deref().filter(|path| path.starts_with('/') && !path.starts_with("/dev/"))?;
    let is_raw = matches!(disk.format, None | Some(DiskFormat::Raw));
    let format = format_of_name(path).filter(|_| is_raw && disk.script.is_none() && !path.ends_with(FLAT))?;
    let reason = format!("the image is read as raw, and its name is that of a {format} image");
    let advice = Finding::advice("advice-image-format", reason);
    Some(match value_of(DISK_FORMATS, format) {
        Some(read) => advice.instead_by_format(
            format!("if qemu-img info says that it is one, write <driver name='qemu' type='{format}'/>"),
            format!("if qemu-img info says that it is one, write format={}", read.as_str()),
        ),
        None => {
            let convert = format!(
                "if qemu-img info says that it is one: qemu-img convert -f {format} -O qcow2 /PATH/IMAGE /PATH/NEW.qcow2"
            );
            advice.instead_by_format(
                format!(
                    "{convert}, and write <driver name='qemu' type='qcow2'/> and <source file='/PATH/NEW.qcow2'/>"
                ),
                format!("{convert}, and write format=qcow2 and target=/PATH/NEW.qcow2"),
            )
        }
    })
}
