//! `<os>`: firmware and boot.

use super::super::row::{Section, mapped, no_effect, unsupported};

const VARIABLES: &str = "Xen's OVMF forgets its variables when the guest ends";
const WITHOUT_VARIABLES: &str = "see to it that the guest's boot loader is at \\EFI\\BOOT\\BOOTX64.EFI, which \
                needs no variable";

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
        unsupported("root", "boot-root", "libxl takes no root device apart from the command line")
            .instead("write root=DEVICE in <cmdline>"),
        unsupported("dtb", "device-tree", "an x86 guest has no device tree"),
        unsupported("shim", "boot-shim", "libxl boots a kernel directly, without a shim before it")
            .instead("boot from a disk with the shim on it: leave <kernel>, <initrd> and <shim> out"),
        mapped("firmware", "`bios`; Xen's firmware has no Secure Boot"),
        mapped(
            "loader/@readonly|stateless|format|secure",
            "nothing: firmware is never written to, keeps no variables and has no Secure Boot",
        ),
        mapped("nvram", "nothing: Xen keeps no UEFI variables"),
        unsupported("varstore", "nvram", VARIABLES).instead(WITHOUT_VARIABLES),
        no_effect("bootmenu", "boot-menu", "SeaBIOS on Xen always offers its menu (Esc)"),
        unsupported("bootmenu/@timeout", "boot-menu", "libxl sets no time for the firmware's boot menu"),
        unsupported("bios/@useserial", "bios-serial", "Xen's SeaBIOS does not write to the serial port")
            .unless("", &["no"]),
        unsupported("bios/@rebootTimeout", "bios-timeout", "SeaBIOS on Xen tries again after 60 seconds")
            .unless("", &["60000"]),
        no_effect("bios", "bios-settings", "holds settings of the firmware; each has its own line"),
        mapped("smbios", "`smbios`, with the strings of `sysinfo`"),
        mapped("acpi", "`acpi_firmware`"),
        no_effect(
            "init|initarg|initenv|initdir|inituser|initgroup",
            "container-only",
            "the first program of a container",
        ),
    ],
};
