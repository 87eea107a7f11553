//! `<os>`: firmware and boot.

use super::super::row::{Section, mapped, no_effect, unsupported};

const VARIABLES: &str = "Xen's OVMF loses its variables when the guest ends";
const WITHOUT_VARIABLES: &str =
    "install the guest's boot loader at \\EFI\\BOOT\\BOOTX64.EFI, which needs no variable";

pub(super) static SECTION: Section = Section {
    title: "Boot",
    path: "os",
    rows: &[
        mapped("", "the rows below"),
        mapped("type", "`type = \"hvm\"`, `\"pv\"`, `\"pvh\"`"),
        mapped("@firmware", "`bios`"),
        mapped("loader", "`bios`, `bios_path_override`, `firmware_override`"),
        mapped("kernel|initrd|cmdline", "`kernel`, `ramdisk`, `cmdline`"),
        mapped("boot", "`boot`"),
        mapped("root", "`cmdline`: `root=`"),
        unsupported("dtb", "device-tree", "an x86 guest has no device tree"),
        unsupported("shim", "boot-shim", "libxl boots a kernel directly, without a shim before it")
            .instead("boot from a disk that contains the shim: remove <kernel>, <initrd> and <shim>"),
        mapped("firmware", "`bios`; Xen's firmware has no Secure Boot"),
        mapped(
            "loader/@readonly|stateless|format|secure",
            "nothing: firmware is never written to, keeps no variables and has no Secure Boot",
        ),
        mapped("nvram", "nothing: Xen keeps no UEFI variables"),
        unsupported("varstore", "nvram", VARIABLES).instead(WITHOUT_VARIABLES),
        no_effect("bootmenu", "boot-menu", "SeaBIOS on Xen always offers its menu (Esc)"),
        unsupported("bootmenu/@timeout", "boot-menu", "libxl has no timeout for the firmware's boot menu"),
        unsupported("bios/@useserial", "bios-serial", "Xen's SeaBIOS does not write to the serial port")
            .unless("", &["no"]),
        unsupported("bios/@rebootTimeout", "bios-timeout", "SeaBIOS on Xen tries again after 60 seconds")
            .unless("", &["60000"]),
        no_effect(
            "bios",
            "bios-settings",
            "contains settings of the firmware, which are reported one by one",
        ),
        mapped("smbios", "`smbios`, with the strings of `sysinfo`"),
        mapped("acpi", "`acpi_firmware`"),
        no_effect(
            "init|initarg|initenv|initdir|inituser|initgroup",
            "container-only",
            "the first program of a container",
        ),
    ],
};
