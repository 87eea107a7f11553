//! `<os>`: firmware and boot.

use super::{Section, mapped, no_effect, unsupported};

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
        unsupported(
            "loader/@secure",
            "secure-boot",
            "Secure Boot takes System Management Mode, which Xen's guests do not have",
        )
        .unless("", &["no"]),
        unsupported(
            "firmware/feature",
            "secure-boot",
            "Secure Boot takes System Management Mode, which Xen's guests do not have",
        )
        .unless("enabled", &["no"]),
        mapped("firmware", "`bios`; Xen's firmware has no Secure Boot"),
        no_effect("loader/@readonly", "loader-readonly", "firmware is never written to on Xen"),
        unsupported("loader/@stateless", "uefi-variables", VARIABLES)
            .instead(WITHOUT_VARIABLES)
            .unless("", &["yes"]),
        no_effect("loader/@format", "firmware-format", "libxl's firmware is a plain file"),
        unsupported("nvram|varstore", "uefi-variables", VARIABLES).instead(WITHOUT_VARIABLES),
        no_effect("bootmenu", "boot-menu", "SeaBIOS on Xen offers its menu (Esc) whatever is asked here"),
        unsupported("bootmenu/@timeout", "boot-menu", "libxl sets no time for the firmware's boot menu"),
        unsupported("bios/@useserial", "bios-serial", "Xen's SeaBIOS does not write to the serial port")
            .unless("", &["no"]),
        unsupported("bios/@rebootTimeout", "bios-timeout", "SeaBIOS on Xen tries again after 60 seconds")
            .unless("", &["60000"]),
        no_effect("bios", "bios-settings", "holds settings of the firmware; each has its own line"),
        mapped("smbios", "`smbios`, with the strings of `sysinfo`")
            .or_else("smbios-strings", "a guest's SMBIOS is that of Xen's hvmloader")
            .in_file("write smbios_firmware = \"/PATH\", a file of SMBIOS structures")
            .unless("mode", &["emulate"]),
        mapped("acpi", "`acpi_firmware`")
            .or_else("acpi-table", "libxl takes an HVM guest's ACPI tables from one file"),
        no_effect(
            "init|initarg|initenv|initdir|inituser|initgroup",
            "container-only",
            "the first program of a container",
        ),
    ],
};
